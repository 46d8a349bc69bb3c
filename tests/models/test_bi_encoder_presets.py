"""Bi-encoders go to folders and files and come back the same."""

import warnings

import keras
import numpy as np
import pytest

import semmatch
from semmatch import BiEncoder
from semmatch import CrossEncoder
from semmatch import Scoring
from semmatch.losses import CoSENT
from semmatch.tokenizers import TextNormalizer
from semmatch.training import AdamW
from tests.checks import tiny_encoder
from tests.checks import to_numpy
from tests.models.bi_models import bi_model
from tests.models.bi_models import bi_preprocessor
from tests.models.bi_models import topic_pairs

PAIRS = topic_pairs()
TEXTS = ["取消", "还款借款", "", "Hello"]
OPTIONS = {
    "pooling": "max",
    "projection_dim": 3,
    "projection_activation": "tanh",
    "normalize": False,
    "similarity": "dot",
    "scoring": Scoring("sigmoid", 2.0, 0.5, 0.7, 0.3, symmetric=True),
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A model of two layers and all options, and where it lies."""
    model = bi_model(
        tiny_encoder(num_layers=2),
        bi_preprocessor(
            sequence_length=12, query_prompt="如何", passage_prompt="取"
        ),
        **OPTIONS,
    )
    path = tmp_path_factory.mktemp("models") / "preset"
    model.save_to_preset(path)
    return model, path


def assert_same_weights(one, two):
    for mine, theirs in zip(one.weights, two.weights, strict=True):
        np.testing.assert_array_equal(to_numpy(mine), to_numpy(theirs))


def assert_same_vectors(one, two, atol=0.0):
    for side in ("query", "passage"):
        np.testing.assert_allclose(
            one.encode(TEXTS, side=side),
            two.encode(TEXTS, side=side),
            rtol=0,
            atol=atol,
        )


def kernel(model):
    return model.get_layer("projection").get_weights()[0]


def test_a_preset_gives_the_same_model_back(saved):
    model, folder = saved
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = BiEncoder.from_preset(folder)
    assert type(again) is BiEncoder
    assert again.get_config() == model.get_config()
    assert again.scoring == OPTIONS["scoring"]
    assert again.preprocessor.get_config() == model.preprocessor.get_config()
    assert_same_weights(again, model)
    assert_same_vectors(again, model)
    np.testing.assert_array_equal(again.score(PAIRS), model.score(PAIRS))
    assert (again.load_report.unused, again.load_report.initialised) == ({}, ())


def test_the_defaults_come_back_too(tmp_path):
    model = bi_model()
    model.save_to_preset(tmp_path / "preset")
    again = BiEncoder.from_preset(tmp_path / "preset")
    assert again.get_config() == model.get_config()
    assert_same_vectors(again, model)


@pytest.mark.slow
def test_a_keras_file_gives_the_same_model_back_compiled(tmp_path):
    model = bi_model(
        preprocessor=bi_preprocessor(query_prompt="如何"), **OPTIONS
    )
    model.compile(
        AdamW(0.125),
        CoSENT(5.0, "dot"),
        metrics=["mse"],
        activation_checkpointing=True,
    )
    model.fit(PAIRS, verbose=0)
    model.save(tmp_path / "model.keras")
    again = semmatch.load_model(tmp_path / "model.keras")
    assert type(again) is BiEncoder
    assert again.get_config() == model.get_config()
    assert again.preprocessor.get_config() == model.preprocessor.get_config()
    assert again.scoring == OPTIONS["scoring"]
    assert_same_vectors(again, model)
    assert again.loss.get_config() == model.loss.get_config()
    assert float(again.optimizer.learning_rate) == 0.125
    assert int(again.optimizer.iterations) == 1
    assert again.backbone.get_layer("block_0").activation_checkpointing
    figures = [one.evaluate(PAIRS, verbose=0) for one in (again, model)]
    assert figures[0] == figures[1]


@pytest.mark.parametrize(
    "change",
    [
        {"pooling": "cls"},
        {"projection_activation": None},
        {"normalize": True},
        {"similarity": "euclidean"},
        {"name": "other"},
        {"scoring": Scoring("sigmoid", 3.0)},
    ],
)
def test_what_is_no_other_projection_keeps_it(saved, change):
    model, folder = saved
    again = BiEncoder.from_preset(folder, **change)
    expected = bi_model(
        tiny_encoder(num_layers=2),
        model.preprocessor,
        **{**OPTIONS, **change},
    )
    expected.set_weights(model.get_weights())
    assert_same_vectors(again, expected, atol=1e-6)
    assert again.load_report.initialised == ()
    name, value = next(iter(change.items()))
    assert again.get_config()[name] == (
        value.to_dict() if name == "scoring" else value
    )


@pytest.mark.parametrize(
    ("change", "scoring"),
    [
        ({"similarity": "cosine"}, Scoring("cosine")),
        ({"similarity": "euclidean"}, Scoring("sigmoid")),
        ({"name": "other"}, OPTIONS["scoring"]),
        ({"num_layers": 1}, OPTIONS["scoring"]),
    ],
)
def test_other_similarities_have_a_scoring_of_their_own(saved, change, scoring):
    assert BiEncoder.from_preset(saved[1], **change).scoring == scoring


def test_another_width_starts_at_random_which_the_report_says(saved):
    again = BiEncoder.from_preset(saved[1], projection_dim=5)
    assert again.load_report.initialised == ("projection",)
    assert again.encode(TEXTS).shape == (4, 5)
    for mine, theirs in zip(
        again.backbone.weights, saved[0].backbone.weights, strict=True
    ):
        np.testing.assert_array_equal(to_numpy(mine), to_numpy(theirs))


def test_the_projection_may_be_left_out(saved):
    again = BiEncoder.from_preset(
        saved[1], projection_dim=None, projection_activation=None
    )
    assert again.load_report.initialised == ()
    assert again.encode(TEXTS).shape == (4, 8)


@pytest.mark.parametrize("num_layers", [1, 2])
def test_the_first_layers_can_be_kept(saved, num_layers):
    model, folder = saved
    cut = BiEncoder.from_preset(folder, num_layers=num_layers)
    features = model.preprocessor.pack(TEXTS, TEXTS)
    features = {name: part[:, 0] for name, part in features.items()}
    block = model.backbone.get_layer(f"block_{num_layers - 1}")
    expected = keras.Model(model.backbone.input, block.output)(features)
    outputs = cut.backbone(features)["sequence_output"]
    np.testing.assert_allclose(to_numpy(outputs), to_numpy(expected), atol=1e-6)
    np.testing.assert_array_equal(kernel(cut), kernel(model))
    with pytest.raises(ValueError, match="from 1 to 2.*num_layers=3"):
        BiEncoder.from_preset(folder, num_layers=3)


def test_prompts_length_and_normaliser_may_be_chosen_and_are_kept(
    saved, tmp_path
):
    changed = BiEncoder.from_preset(
        saved[1],
        query_prompt="",
        passage_prompt="怎么",
        sequence_length=9,
        normalizer=TextNormalizer(case=False),
    )
    changed.save_to_preset(tmp_path / "changed")
    for model in (changed, BiEncoder.from_preset(tmp_path / "changed")):
        preprocessor = model.preprocessor
        assert preprocessor.query_prompt == ""
        assert preprocessor.passage_prompt == "怎么"
        assert preprocessor.sequence_length == 9
        assert model.pair_scorer().packer.sequence_length == 9
        plain = saved[0].preprocessor.tokenizer
        assert preprocessor.tokenizer.normalize("“Ａ１”") == plain.normalize(
            '"A1"'
        )
    same = BiEncoder.from_preset(saved[1], query_prompt="怎么").preprocessor
    assert (same.query_prompt, same.passage_prompt) == ("怎么", "取")


@pytest.mark.parametrize("pooling", ["max", "pooler"])
def test_the_precision_is_chosen_when_loading(saved, tmp_path, pooling):
    model, folder = saved
    again = BiEncoder.from_preset(
        folder, dtype="mixed_bfloat16", pooling=pooling
    )
    query = again.backbone.get_layer("block_0").query
    assert (query.compute_dtype, query.variable_dtype) == (
        "bfloat16",
        "float32",
    )
    vectors = again.encode(TEXTS)
    assert vectors.dtype == np.float32
    if pooling == "max":
        assert_same_vectors(again, model, atol=0.1)
    # And is not kept.
    again.save_to_preset(tmp_path / "again")
    plain = BiEncoder.from_preset(tmp_path / "again")
    assert plain.backbone.dtype_policy.name == "float32"
    assert_same_weights(plain, model)


def test_a_pooler_that_was_left_out_is_trained_again(saved):
    again = BiEncoder.from_preset(saved[1], pooling="pooler")
    assert again.backbone.get_layer("pooler").trainable
    assert not saved[0].backbone.get_layer("pooler").trainable


def test_a_preset_of_another_class_is_refused_by_name(saved):
    message = (
        "holds a `BiEncoder`: load it by `BiEncoder.from_preset`. Received: "
        "`CrossEncoder.from_preset`"
    )
    with pytest.raises(ValueError, match=message):
        CrossEncoder.from_preset(saved[1])


def test_an_unknown_argument_is_refused(saved):
    with pytest.raises(TypeError, match="normalise"):
        BiEncoder.from_preset(saved[1], normalise=True)


def test_without_a_preprocessor_there_is_no_preset(saved, tmp_path):
    with pytest.raises(ValueError, match="no preprocessor.*save_weights"):
        BiEncoder(saved[0].backbone).save_to_preset(tmp_path / "preset")
