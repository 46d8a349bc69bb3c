"""Folders of BERT's relatives give what they give in transformers."""

import json

import numpy as np
import pytest

from semmatch import CrossEncoder
from semmatch.checkpoints import read_checkpoint
from semmatch.checkpoints.tensors import open_tensors
from tests.checkpoints.families import BASES
from tests.checkpoints.families import CLASSIFIERS
from tests.checkpoints.families import config_of
from tests.checkpoints.families import pack_recorded
from tests.checkpoints.families import with_prefix
from tests.checkpoints.tiny import assert_close
from tests.checkpoints.tiny import FIXTURES
from tests.checkpoints.tiny import rewritten
from tests.checks import to_numpy

OTHER_HEADS = json.loads((FIXTURES / "other_heads.json").read_text())
ALL = [*BASES, *CLASSIFIERS]


def by_name(folder):
    return folder.name


@pytest.mark.parametrize("folder", BASES, ids=by_name)
def test_a_base_model_gives_the_states_of_transformers(folder):
    model = CrossEncoder.from_preset(folder, num_classes=1)
    features, real, expected = pack_recorded(model, folder)
    outputs = model.backbone(features)
    states = to_numpy(outputs["sequence_output"])
    assert_close(states[real], expected["hidden"][-1][real])
    has_pooler = "pooler_output" in expected
    assert model.backbone.pooler == has_pooler
    if has_pooler:
        assert_close(outputs["pooled_output"], expected["pooler_output"])
    report = model.load_report
    assert set(report.used) == set(open_tensors(folder))
    assert report.unused == {}
    assert report.initialised == ("head",)
    assert report.ignored_config == ()
    poolers = () if has_pooler else ("pooler/kernel", "pooler/bias")
    assert report.absent == poolers


# Those of one label are files of PyTorch.
@pytest.mark.parametrize("folder", CLASSIFIERS, ids=by_name)
def test_a_classifier_gives_the_logits_of_transformers(folder):
    model = CrossEncoder.from_preset(folder)
    features, real, expected = pack_recorded(model, folder)
    states = to_numpy(model.backbone(features)["sequence_output"])
    assert_close(states[real], expected["hidden"][-1][real])
    assert_close(model(features), expected["logits"])
    assert model.num_classes == expected["logits"].shape[1]
    report = model.load_report
    assert len(report.used) == len(open_tensors(folder))
    assert (report.unused, report.initialised) == ({}, ())
    assert (report.absent, report.ignored_config) == ((), ())


@pytest.mark.parametrize("folder", CLASSIFIERS[1::2], ids=by_name)
def test_another_head_takes_the_pooler_and_leaves_the_classifier(folder):
    model = CrossEncoder.from_preset(folder, num_classes=2)
    assert model.pooling == "pooler"
    left = read_checkpoint(folder).head_tensors
    assert len(left) == 2
    reasons = dict.fromkeys(left, "head of another task")
    assert model.load_report.unused == reasons


@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("folder", BASES, ids=by_name)
def test_the_first_layers_can_be_kept_alone(folder, num_layers):
    model = CrossEncoder.from_preset(
        folder, num_classes=1, num_layers=num_layers
    )
    features, real, expected = pack_recorded(model, folder)
    states = to_numpy(model.backbone(features)["sequence_output"])
    assert_close(states[real], expected["hidden"][num_layers][real])
    shared = model.backbone.shared_layers
    left = 0 if shared else 16 * (2 - num_layers)
    reason = f"only the first {num_layers} layers are kept"
    assert list(model.load_report.unused.values()) == [reason] * left


@pytest.mark.parametrize("has_prefix", [False, True])
@pytest.mark.parametrize("folder", [*BASES, *CLASSIFIERS[1::2]], ids=by_name)
def test_the_prefix_does_not_matter(tmp_path, folder, has_prefix):
    changes = with_prefix(folder, has_prefix)
    checkpoint = read_checkpoint(rewritten(tmp_path, folder, tensors=changes))
    original = read_checkpoint(folder)
    assert checkpoint.config == original.config
    assert checkpoint.tensors.keys() == original.tensors.keys()
    for name, array in original.tensors.items():
        np.testing.assert_array_equal(checkpoint.tensors[name], array)
    assert checkpoint.num_classes == original.num_classes
    assert checkpoint.report.unused == {}


def other_class(folder, name):
    """Changes for `rewritten` that make a base model one of another class."""
    heads = OTHER_HEADS[config_of(folder)["model_type"]][name]
    generator = np.random.default_rng(0)
    changes = with_prefix(folder, has_prefix=True)
    poolers = [n for n in changes if "pooler" in n]
    return {**changes, **dict.fromkeys(poolers)} | {
        head: generator.normal(size=shape).astype("float32")
        for head, shape in heads.items()
    }


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        (folder, name)
        for folder in BASES
        for name in OTHER_HEADS[config_of(folder)["model_type"]]
        if name != "ForMultipleChoice"
    ],
    ids=str,
)
def test_heads_of_other_classes_are_left_out_with_a_reason(
    tmp_path, folder, name
):
    changes = other_class(folder, name)
    checkpoint = read_checkpoint(rewritten(tmp_path, folder, tensors=changes))
    assert checkpoint.head is None
    is_pretraining = name in ("ForMaskedLM", "ForPreTraining")
    reason = (
        "head of the pretraining" if is_pretraining else "head of another task"
    )
    heads = set(OTHER_HEADS[config_of(folder)["model_type"]][name])
    heads = {head for head in heads if "pooler" not in head}
    assert checkpoint.report.unused == dict.fromkeys(heads, reason)


@pytest.mark.parametrize("folder", BASES, ids=by_name)
def test_choices_are_scored_where_they_are_scored_like_pairs(tmp_path, folder):
    changes = other_class(folder, "ForMultipleChoice")
    checkpoint = read_checkpoint(rewritten(tmp_path, folder, tensors=changes))
    # The others' classifier stands on a dense layer that it has not here.
    scores = config_of(folder)["model_type"] in ("albert", "distilbert")
    assert checkpoint.num_classes == (1 if scores else None)
    left = {"classifier.weight", "classifier.bias"} & {
        *checkpoint.report.unused
    }
    assert len(left) == (0 if scores else 2)


@pytest.mark.parametrize("folder", CLASSIFIERS[1::2], ids=by_name)
def test_half_a_pooler_takes_the_classifier_with_it(tmp_path, folder):
    checkpoint = read_checkpoint(folder)
    poolers = {
        name
        for name in checkpoint.report.used
        if "pooler." in name or name.startswith(("pre_", "classifier.dense"))
    }
    missing, kept = sorted(poolers)
    changed = rewritten(tmp_path, folder, tensors={missing: None})
    half = read_checkpoint(changed)
    assert (half.head, half.config["pooler"]) == (None, False)
    assert half.report.unused == {
        kept: "the pooler is incomplete",
        **dict.fromkeys(checkpoint.head_tensors, "head of another task"),
    }


@pytest.mark.parametrize("folder", ALL, ids=by_name)
def test_a_table_of_another_size_is_named(tmp_path, folder):
    config = {"vocab_size": 28}
    message = r"the tensor .*word_embeddings.weight must .*\(28, [68]\) by"
    with pytest.raises(ValueError, match=message):
        read_checkpoint(rewritten(tmp_path, folder, config=config))


@pytest.mark.parametrize("folder", BASES, ids=by_name)
def test_a_tensor_that_the_family_has_not_is_refused(tmp_path, folder):
    tensors = {"encoder.adapter.weight": np.zeros(8, "float32")}
    message = "does not have: encoder.adapter.weight"
    with pytest.raises(ValueError, match=message):
        read_checkpoint(rewritten(tmp_path, folder, tensors=tensors))
