"""What a folder of transformers' BERT may hold, and what is refused."""

import json

import ml_dtypes
import numpy as np
import pytest

from semmatch import CrossEncoder
from semmatch.checkpoints import read_checkpoint
from semmatch.checkpoints.tensors import open_tensors
from tests.checkpoints.tiny import CLASSIFIER
from tests.checkpoints.tiny import HEAD
from tests.checkpoints.tiny import PLAIN
from tests.checkpoints.tiny import POOLER
from tests.checkpoints.tiny import rewritten


@pytest.mark.parametrize("num_layers", [0, -1, 4])
def test_other_numbers_of_layers_are_refused(num_layers):
    message = f"from 1 to 3, the layers of .*Received: num_layers={num_layers}"
    with pytest.raises(ValueError, match=message):
        read_checkpoint(CLASSIFIER, num_layers=num_layers)


@pytest.mark.parametrize("prefix", ["", "bert."])
@pytest.mark.parametrize("dtype", ["float32", "float16", ml_dtypes.bfloat16])
@pytest.mark.parametrize("folder", [PLAIN, CLASSIFIER], ids=lambda f: f.name)
def test_prefix_width_and_number_of_files_do_not_matter(
    tmp_path, folder, dtype, prefix
):
    original = read_checkpoint(folder)
    changed = rewritten(tmp_path, folder, dtype=dtype, prefix=prefix)
    checkpoint = read_checkpoint(changed)
    assert checkpoint.config == original.config
    assert checkpoint.tensors.keys() == original.tensors.keys()
    for name, array in original.tensors.items():
        assert checkpoint.tensors[name].dtype == "float32"
        expected = array.astype(dtype).astype("float32")
        np.testing.assert_array_equal(checkpoint.tensors[name], expected)
    assert len(checkpoint.report.used) == len(open_tensors(folder))


def test_norms_may_have_the_names_of_tensorflow(tmp_path):
    names = {
        "LayerNorm.weight": "LayerNorm.gamma",
        "LayerNorm.bias": "LayerNorm.beta",
    }
    changes = {}
    for name, array in open_tensors(PLAIN).items():
        for theirs, old in names.items():
            if name.endswith(theirs):
                changes[name] = None
                changes[name.replace(theirs, old)] = array
    assert changes
    checkpoint = read_checkpoint(rewritten(tmp_path, PLAIN, tensors=changes))
    for name, array in read_checkpoint(PLAIN).tensors.items():
        np.testing.assert_array_equal(checkpoint.tensors[name], array)


def test_settings_left_out_are_the_defaults_of_transformers(tmp_path):
    left_out = (
        "hidden_dropout_prob",
        "attention_probs_dropout_prob",
        "type_vocab_size",
        "layer_norm_eps",
        "hidden_act",
    )
    folder = rewritten(tmp_path, PLAIN, config=dict.fromkeys(left_out, ...))
    defaults = {
        "dropout": 0.1,
        "attention_dropout": 0.1,
        "num_segments": 2,
        "layer_norm_epsilon": 1e-12,
        "activation": "gelu",
    }
    config = read_checkpoint(folder).config
    assert {name: config[name] for name in defaults} == defaults


def test_every_setting_is_taken_over(tmp_path):
    config = {"hidden_dropout_prob": 0.2, "attention_probs_dropout_prob": 0.3}
    checkpoint = read_checkpoint(rewritten(tmp_path, PLAIN, config=config))
    assert checkpoint.config == {
        "vocabulary_size": 32,
        "num_layers": 2,
        "num_heads": 3,
        "hidden_dim": 24,
        "intermediate_dim": 48,
        "dropout": 0.2,
        "attention_dropout": 0.3,
        "max_sequence_length": 40,
        "num_segments": 2,
        "activation": "gelu",
        "layer_norm_epsilon": 1e-3,
        "pooler": True,
        "pooler_activation": "tanh",
    }


@pytest.mark.parametrize(
    "key, value",
    [
        ("hidden_act", "silu"),
        ("is_decoder", True),
        ("add_cross_attention", True),
        ("position_embedding_type", "relative_key"),
        ("chunk_size_feed_forward", 8),
        ("pruned_heads", {"0": [1]}),
    ],
)
def test_what_the_encoder_cannot_do_is_refused(tmp_path, key, value):
    folder = rewritten(tmp_path, PLAIN, config={key: value})
    message = rf"config.json: {key} must be .*Received: {key}="
    with pytest.raises(ValueError, match=message) as error:
        read_checkpoint(folder)
    assert str(error.value).endswith(f"{key}={value!r}.")


def test_a_configuration_that_lacks_sizes_is_refused(tmp_path):
    config = {"hidden_size": ..., "vocab_size": ...}
    message = "config.json lacks hidden_size, vocab_size. It is not"
    with pytest.raises(ValueError, match=message):
        read_checkpoint(rewritten(tmp_path, PLAIN, config=config))


def test_unknown_settings_stand_in_the_report_and_a_warning(tmp_path):
    folder = rewritten(
        tmp_path, PLAIN, config={"sparse_heads": 2, "alibi": True, "name": "x"}
    )
    message = "does not know and leaves out: alibi, sparse_heads."
    with pytest.warns(UserWarning, match=message):
        model = CrossEncoder.from_preset(folder, num_classes=1)
    assert model.load_report.ignored_config == ("alibi", "sparse_heads")


def test_constants_and_pretraining_heads_are_left_out_with_a_reason(tmp_path):
    ids = np.arange(40)[None]
    tensors = {
        "bert.embeddings.position_ids": ids,
        "bert.embeddings.token_type_ids": ids,
        "cls.predictions.bias": np.zeros(32, "float32"),
    }
    report = read_checkpoint(
        rewritten(tmp_path, CLASSIFIER, tensors=tensors)
    ).report
    assert report.unused == {
        "bert.embeddings.position_ids": "a constant",
        "bert.embeddings.token_type_ids": "a constant",
        "cls.predictions.bias": "head of the pretraining",
    }


@pytest.mark.parametrize(
    "name",
    [
        "encoder.layer.2.output.dense.bias",
        "encoder.layer.0.adapter.weight",
        "classifier.dense.weight",
        "bert.embeddings.position_ids",
    ],
)
def test_a_tensor_that_bert_has_not_is_refused(tmp_path, name):
    folder = rewritten(tmp_path, PLAIN, tensors={name: np.zeros(24, "float32")})
    with pytest.raises(ValueError, match=f"does not have: {name}"):
        read_checkpoint(folder)


@pytest.mark.parametrize("missing", HEAD)
def test_half_a_classifier_is_left_out(tmp_path, missing):
    folder = rewritten(tmp_path, CLASSIFIER, tensors={missing: None})
    checkpoint = read_checkpoint(folder)
    (other,) = set(HEAD) - {missing}
    assert (checkpoint.head, checkpoint.num_classes) == (None, None)
    assert checkpoint.report.unused == {other: "head of another task"}


@pytest.mark.parametrize("name", ["classifier", "qa_outputs"])
def test_a_classifier_of_tokens_is_that_of_another_task(tmp_path, name):
    # BertForTokenClassification and BertForQuestionAnswering have no pooler.
    head = {
        f"{name}.weight": np.zeros((2, 24), "float32"),
        f"{name}.bias": np.zeros(2, "float32"),
    }
    poolers = dict.fromkeys(POOLER)
    checkpoint = read_checkpoint(
        rewritten(tmp_path, PLAIN, tensors=head | poolers)
    )
    assert (checkpoint.head, checkpoint.head_tensors) == (None, ())
    reasons = dict.fromkeys(head, "head of another task")
    assert checkpoint.report.unused == reasons


@pytest.mark.parametrize(
    "name, shape", [("classifier.weight", (3, 8)), ("classifier.bias", (2,))]
)
def test_a_classifier_of_another_shape_is_refused(tmp_path, name, shape):
    folder = rewritten(
        tmp_path, CLASSIFIER, tensors={name: np.zeros(shape, "float32")}
    )
    message = r"classifier must have the shapes \(classes, 16\) and .*Received"
    with pytest.raises(ValueError, match=message) as error:
        read_checkpoint(folder)
    assert str(shape) in str(error.value)


@pytest.mark.parametrize(
    "name", ["classifier.bias", "bert.encoder.layer.2.output.dense.bias"]
)
def test_a_tensor_that_is_not_finite_is_refused(tmp_path, name):
    array = open_tensors(CLASSIFIER)[name].copy()
    array[1] = np.nan
    folder = rewritten(tmp_path, CLASSIFIER, tensors={name: array})
    message = f"model.safetensors: the tensor {name} holds values .* not finite"
    with pytest.raises(ValueError, match=message):
        dict(read_checkpoint(folder).tensors)


@pytest.mark.parametrize(
    "limit, expected", [(None, 40), (12, 12), (99, 40), (int(1e30), 40)]
)
def test_the_tokenizers_limit_counts_where_it_is_lower(
    tmp_path, limit, expected
):
    folder = rewritten(tmp_path, PLAIN)
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps({"model_max_length": limit}))
    assert read_checkpoint(folder).sequence_length == expected
    model = CrossEncoder.from_preset(folder, num_classes=1)
    assert model.preprocessor.sequence_length == expected
    model = CrossEncoder.from_preset(folder, num_classes=1, sequence_length=9)
    assert model.preprocessor.sequence_length == 9
