"""Folders of transformers' BERT give what they give in transformers."""

import keras
import numpy as np
import pytest

from semmatch import CrossEncoder
from semmatch.checkpoints.tensors import open_tensors
from tests.checkpoints.tiny import assert_close
from tests.checkpoints.tiny import CLASSIFIER
from tests.checkpoints.tiny import HEAD
from tests.checkpoints.tiny import PLAIN
from tests.checkpoints.tiny import POOLER
from tests.checkpoints.tiny import recorded
from tests.checkpoints.tiny import rewritten

BATCHES = range(3)


def hidden_states(model, features):
    """The embeddings and each block's output, then the pooled output."""
    encoder = model.backbone
    names = [f"block_{index}" for index in range(encoder.num_layers)]
    outputs = [encoder.get_layer(n).output for n in ("embedding_norm", *names)]
    if encoder.pooler:
        outputs.append(encoder.output["pooled_output"])
    return keras.Model(encoder.input, outputs)(features)


@pytest.mark.parametrize("index", BATCHES)
@pytest.mark.parametrize("folder", [PLAIN, CLASSIFIER], ids=lambda f: f.name)
def test_hidden_states_are_those_of_transformers(folder, index):
    features, expected = recorded(folder, index)
    model = CrossEncoder.from_preset(folder, num_classes=1)
    outputs = hidden_states(model, features)
    pooled = outputs.pop()
    assert len(outputs) == len(expected["hidden"])
    for output, states in zip(outputs, expected["hidden"], strict=True):
        assert_close(output, states)
    if folder == PLAIN:
        assert_close(pooled, expected["pooler_output"])
    for name in ("sequence_output", "pooled_output"):
        assert model.backbone(features)[name].dtype == "float32"


@pytest.mark.parametrize("index", BATCHES)
def test_strings_give_the_logits_of_transformers(index):
    features, expected = recorded(CLASSIFIER, index)
    model = CrossEncoder.from_preset(CLASSIFIER)
    assert_close(model(features), expected["logits"])
    texts = tuple(expected["texts"].T.tolist())
    for name, array in model.preprocessor.pack(*texts).items():
        np.testing.assert_array_equal(array, features[name])
    assert_close(model.predict(texts, verbose=0), expected["logits"])


@pytest.mark.parametrize("num_layers", [1, 2])
def test_the_first_layers_can_be_kept_alone(num_layers):
    features, expected = recorded(CLASSIFIER, 1)
    model = CrossEncoder.from_preset(CLASSIFIER, num_layers=num_layers)
    assert model.backbone.num_layers == num_layers
    outputs = hidden_states(model, features)
    assert_close(outputs[num_layers], expected["hidden"][num_layers])
    left_out = model.load_report.unused
    assert {name.split(".")[3] for name in left_out} == {
        str(index) for index in range(num_layers, 3)
    }
    reason = f"only the first {num_layers} layers are kept"
    assert set(left_out.values()) == {reason}


@pytest.mark.parametrize("form", ["gelu_new", "gelu_fast", "gelu_pytorch_tanh"])
def test_every_name_of_the_tanh_gelu_means_the_same(tmp_path, form):
    folder = rewritten(tmp_path, CLASSIFIER, config={"hidden_act": form})
    features, expected = recorded(CLASSIFIER, 0)
    model = CrossEncoder.from_preset(folder)
    assert_close(model(features), expected["logits"])


@pytest.mark.parametrize("form, ours", [("gelu", "gelu"), ("relu", "relu")])
def test_other_activations_are_told_apart(tmp_path, form, ours):
    folder = rewritten(tmp_path, CLASSIFIER, config={"hidden_act": form})
    features, expected = recorded(CLASSIFIER, 0)
    model = CrossEncoder.from_preset(folder)
    assert model.backbone.activation == ours
    logits = keras.ops.convert_to_numpy(model(features))
    assert np.abs(logits - expected["logits"]).max() > 1e-4


def test_a_checkpoint_without_segments_has_no_input_for_them(tmp_path):
    folder = rewritten(
        tmp_path,
        PLAIN,
        config={"type_vocab_size": 0},
        tensors={"embeddings.token_type_embeddings.weight": None},
    )
    model = CrossEncoder.from_preset(folder, num_classes=1)
    assert sorted(model.backbone.input) == ["padding_mask", "token_ids"]
    assert sorted(model.preprocessor.pack(["还"], ["款"])) == [
        "padding_mask",
        "token_ids",
    ]


def test_a_missing_pooler_is_reported_and_done_without(tmp_path):
    folder = rewritten(tmp_path, PLAIN, tensors=dict.fromkeys(POOLER))
    model = CrossEncoder.from_preset(folder, num_classes=1)
    features, expected = recorded(PLAIN, 0)
    assert list(model.backbone(features)) == ["sequence_output"]
    assert model.pooling == "cls"
    assert "pooler/kernel" in model.load_report.absent
    assert_close(
        model.backbone(features)["sequence_output"], expected["hidden"][-1]
    )


@pytest.mark.parametrize("missing", POOLER)
def test_half_a_pooler_is_left_out_with_a_reason(tmp_path, missing):
    (other,) = set(POOLER) - {missing}
    folder = rewritten(tmp_path, PLAIN, tensors={missing: None})
    model = CrossEncoder.from_preset(folder, num_classes=1)
    assert not model.backbone.pooler
    assert model.load_report.unused == {other: "the pooler is incomplete"}
    assert other not in model.load_report.used


@pytest.mark.parametrize("num_classes", [None, 3])
def test_the_classifier_is_loaded(num_classes):
    model = CrossEncoder.from_preset(CLASSIFIER, num_classes=num_classes)
    assert (model.num_classes, model.pooling) == (3, "pooler")
    features, expected = recorded(CLASSIFIER, 2)
    assert_close(model(features), expected["logits"])
    assert model.load_report.unused == {}
    assert model.load_report.initialised == ()
    assert set(HEAD) <= set(model.load_report.used)
    assert len(model.load_report.used) == len(open_tensors(CLASSIFIER))


@pytest.mark.parametrize(
    "arguments",
    [
        {"num_classes": 1},
        {"num_classes": 2},
        {"num_classes": 3, "pooling": "mean"},
        {"num_classes": 3, "hidden_dim": 5},
    ],
    ids=str,
)
def test_another_head_starts_at_random_and_the_report_says_so(arguments):
    model = CrossEncoder.from_preset(CLASSIFIER, **arguments)
    report = model.load_report
    assert model.num_classes == arguments["num_classes"]
    assert report.initialised == ("head",)
    assert set(report.unused) == set(HEAD)
    assert not set(HEAD) & set(report.used)
    assert len(report.used) == len(open_tensors(CLASSIFIER)) - len(HEAD)


@pytest.mark.parametrize("folder", [PLAIN, CLASSIFIER], ids=lambda f: f.name)
def test_a_head_that_nobody_asked_for_by_number_is_warned_of(folder):
    pooling = {} if folder == PLAIN else {"pooling": "max"}
    message = f"{folder.name} has no head for this model: its 1 logit starts"
    with pytest.warns(UserWarning, match=message):
        model = CrossEncoder.from_preset(folder, **pooling)
    assert model.num_classes == 1
    assert model.load_report.initialised == ("head",)
