"""What configurations of BERT's relatives may hold, and what is refused."""

import numpy as np
import pytest

from semmatch.checkpoints import read_checkpoint
from tests.checkpoints.families import BASES
from tests.checkpoints.tiny import FIXTURES
from tests.checkpoints.tiny import rewritten

ALBERT = FIXTURES / "albert_tiny"
DISTILBERT = FIXTURES / "distilbert_tiny"
ELECTRA = FIXTURES / "electra_tiny"
BERT_DEFAULTS = {
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.1,
    "layer_norm_eps": 1e-12,
    "hidden_act": "gelu",
}
# As transformers' configurations have them.
DEFAULTS = {
    "roberta": BERT_DEFAULTS,
    "xlm_roberta": BERT_DEFAULTS,
    "distilbert": {
        "dropout": 0.1,
        "attention_dropout": 0.1,
        "activation": "gelu",
    },
    "albert": {
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "layer_norm_eps": 1e-12,
        "hidden_act": "gelu_new",
        "num_hidden_groups": 1,
        "inner_group_num": 1,
        "type_vocab_size": 2,
    },
    "electra": {**BERT_DEFAULTS, "type_vocab_size": 2},
}


@pytest.mark.parametrize("folder", BASES, ids=lambda f: f.name)
def test_settings_left_out_are_the_defaults_of_transformers(tmp_path, folder):
    defaults = DEFAULTS[folder.name.removesuffix("_tiny")]
    said, silent = tmp_path / "said", tmp_path / "silent"
    for path in (said, silent):
        path.mkdir()
    left_out = dict.fromkeys(defaults, ...)
    assert (
        read_checkpoint(rewritten(silent, folder, config=left_out)).config
        == read_checkpoint(rewritten(said, folder, config=defaults)).config
    )


def test_every_setting_of_distilbert_is_taken_over(tmp_path):
    config = {"dropout": 0.2, "attention_dropout": 0.3, "activation": "gelu"}
    folder = FIXTURES / "distilbert_tiny_1"
    checkpoint = read_checkpoint(rewritten(tmp_path, folder, config=config))
    assert checkpoint.config == {
        "vocabulary_size": 27,
        "num_layers": 2,
        "num_heads": 2,
        "hidden_dim": 8,
        "intermediate_dim": 12,
        "dropout": 0.2,
        "attention_dropout": 0.3,
        "max_sequence_length": 32,
        "num_segments": 0,
        "activation": "gelu",
        "layer_norm_epsilon": 1e-12,
        "pooler": True,
        "pooler_activation": "relu",
    }


def test_every_setting_of_albert_is_taken_over():
    assert read_checkpoint(ALBERT).config == {
        "vocabulary_size": 27,
        "num_layers": 3,
        "num_heads": 2,
        "hidden_dim": 8,
        "intermediate_dim": 12,
        "dropout": 0.0,
        "attention_dropout": 0.0,
        "max_sequence_length": 32,
        "num_segments": 2,
        "activation": "gelu_tanh",
        "layer_norm_epsilon": 1e-3,
        "pooler": True,
        "pooler_activation": "tanh",
        "embedding_dim": 6,
        "shared_layers": True,
    }


@pytest.mark.parametrize(
    ("name", "width"),
    [
        ("albert_tiny", 6),
        ("albert_tiny_1", 8),
        ("electra_tiny", 6),
        # ELECTRA projects only where the width changes.
        ("electra_tiny_1", None),
    ],
)
def test_the_width_of_the_embeddings_is_read(name, width):
    checkpoint = read_checkpoint(FIXTURES / name)
    assert checkpoint.config["embedding_dim"] == width
    projected = "embedding_projection/kernel" in checkpoint.tensors
    assert projected == (width is not None)


@pytest.mark.parametrize(
    ("folder", "key", "value"),
    [
        (ALBERT, "num_hidden_groups", 2),
        (ALBERT, "inner_group_num", 3),
        (ALBERT, "ln_type", "preln"),
        (ALBERT, "hidden_act", "silu"),
        (DISTILBERT, "activation", "swish"),
        (ELECTRA, "hidden_act", "mish"),
        (ELECTRA, "is_decoder", True),
        (FIXTURES / "roberta_tiny", "position_embedding_type", "relative_key"),
    ],
)
def test_what_the_encoder_cannot_do_is_refused(tmp_path, folder, key, value):
    changed = rewritten(tmp_path, folder, config={key: value})
    message = rf"config.json: {key} must be .*Received: {key}={value!r}.$"
    with pytest.raises(ValueError, match=message):
        read_checkpoint(changed)


@pytest.mark.parametrize(
    ("folder", "key"),
    [
        (ALBERT, "embedding_size"),
        (DISTILBERT, "hidden_dim"),
        (DISTILBERT, "n_layers"),
        (ELECTRA, "embedding_size"),
        (FIXTURES / "roberta_tiny", "num_attention_heads"),
        (FIXTURES / "xlm_roberta_tiny", "max_position_embeddings"),
    ],
)
def test_a_size_that_is_missing_is_named(tmp_path, folder, key):
    changed = rewritten(tmp_path, folder, config={key: ...})
    with pytest.raises(ValueError, match=rf"config.json lacks {key}"):
        read_checkpoint(changed)


# Of the checkpoints that are most downloaded.
@pytest.mark.parametrize(
    ("folder", "settings"),
    [
        (
            ALBERT,
            {
                "classifier_dropout_prob": 0.1,
                "down_scale_factor": 1,
                "gap_size": 0,
                "net_structure_type": 0,
                "num_memory_blocks": 0,
                "ln_type": "postln",
            },
        ),
        (
            DISTILBERT,
            {
                "qa_dropout": 0.1,
                "seq_classif_dropout": 0.2,
                "tie_weights_": True,
                "output_past": True,
            },
        ),
        (
            ELECTRA,
            {
                "_num_labels": 2,
                "summary_activation": "gelu",
                "summary_last_dropout": 0.1,
                "summary_type": "first",
                "summary_use_proj": True,
            },
        ),
    ],
    ids=["albert", "distilbert", "electra"],
)
def test_settings_of_heads_and_history_change_nothing(
    tmp_path, folder, settings
):
    original = read_checkpoint(folder)
    checkpoint = read_checkpoint(rewritten(tmp_path, folder, config=settings))
    assert checkpoint.report.ignored_config == ()
    assert checkpoint.config == original.config
    for name, array in original.tensors.items():
        np.testing.assert_array_equal(checkpoint.tensors[name], array)


@pytest.mark.parametrize("folder", BASES, ids=lambda f: f.name)
def test_unknown_settings_stand_in_the_report(tmp_path, folder):
    changed = rewritten(tmp_path, folder, config={"alibi": True})
    assert read_checkpoint(changed).report.ignored_config == ("alibi",)
