"""Models go to folders and files and come back the same."""

import json
import warnings
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

import semmatch
from semmatch import CrossEncoder
from semmatch import Scoring
from semmatch.losses import RDrop
from semmatch.metrics import F1
from semmatch.models.presets import float32_twin
from semmatch.tokenizers import TextNormalizer
from semmatch.tokenizers import Tokenizer
from tests.checks import run_python
from tests.checks import small_model
from tests.checks import tiny_encoder
from tests.checks import tiny_model
from tests.checks import tiny_preprocessor
from tests.checks import to_numpy
from tests.checks import toy_pairs

PAIRS = toy_pairs(6)
FILES = ["model.weights.h5", "semmatch_preset.json", "tokenizer.json"]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "preset"


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A model of two layers and a wide head, and where it lies."""
    model = small_model(
        encoder=tiny_encoder(num_layers=2),
        preprocessor=tiny_preprocessor(truncation="only_second"),
        hidden_dim=5,
        scoring=Scoring("sigmoid", temperature=2.0, bias=0.5, threshold=0.7),
    )
    path = tmp_path_factory.mktemp("models") / "preset"
    model.save_to_preset(path)
    return model, path


def assert_same_scores(one, two, atol=1e-6):
    np.testing.assert_allclose(one.score(PAIRS), two.score(PAIRS), atol=atol)


def weights(model, name):
    return model.get_layer(name).get_weights()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"num_classes": 3, "pooling": "mean"},
        {"pooling": "pooler", "hidden_dim": 5, "dropout": 0.4},
        {"scoring": Scoring("sigmoid", 2.0, 0.5, 0.7)},
    ],
)
def test_a_preset_gives_the_same_model_back(folder, options):
    model = small_model(**options)
    model.save_to_preset(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = CrossEncoder.from_preset(folder)
    assert again.get_config() == model.get_config()
    assert again.scoring == model.scoring
    assert again.preprocessor.tokenizer == model.preprocessor.tokenizer
    for one, two in zip(again.weights, model.weights, strict=True):
        np.testing.assert_array_equal(to_numpy(one), to_numpy(two))
    assert_same_scores(again, model)
    assert len(again.load_report.used) == len(again.variables)
    assert (again.load_report.unused, again.load_report.initialised) == ({}, ())


def test_a_preset_holds_weights_configuration_and_tokenizer_once(saved):
    model, folder = saved
    assert sorted(path.name for path in folder.iterdir()) == FILES
    record = json.loads((folder / "semmatch_preset.json").read_text("utf-8"))
    assert record["class_name"] == "CrossEncoder"
    assert record["semmatch_version"] == semmatch.__version__
    assert "dtype" not in record["config"]["backbone"]["config"]
    assert "tokenizer" not in record["config"]["preprocessor"]["config"]


def test_the_optimizer_is_not_in_a_preset(folder):
    model = small_model()
    model.fit(PAIRS, verbose=0)
    model.save_to_preset(folder)
    names = []
    with h5py.File(folder / "model.weights.h5") as file:
        file.visit(names.append)
    assert names
    assert not [name for name in names if "optimizer" in name]
    assert_same_scores(CrossEncoder.from_preset(folder), model)


@pytest.mark.parametrize("num_layers", [1, 2])
def test_the_first_layers_can_be_kept(saved, num_layers):
    model, folder = saved
    cut = CrossEncoder.from_preset(folder, num_layers=num_layers)
    features = model.preprocessor.pack(PAIRS.text_a, PAIRS.text_b)
    block = model.backbone.get_layer(f"block_{num_layers - 1}")
    expected = keras.Model(model.backbone.input, block.output)(features)
    outputs = cut.backbone(features)["sequence_output"]
    np.testing.assert_allclose(to_numpy(outputs), to_numpy(expected), atol=1e-6)
    assert cut.backbone.num_layers == num_layers
    for name in ("hidden", "head"):
        for one, two in zip(
            weights(cut, name), weights(model, name), strict=True
        ):
            np.testing.assert_array_equal(one, two)
    assert cut.scoring == model.scoring


@pytest.mark.parametrize("num_layers", [0, 3])
def test_other_numbers_of_layers_are_refused(saved, num_layers):
    message = f"`num_layers` must be from 1 to 2.*num_layers={num_layers}"
    with pytest.raises(ValueError, match=message):
        CrossEncoder.from_preset(saved[1], num_layers=num_layers)


@pytest.mark.parametrize("num_classes", [2, 3])
def test_other_classes_get_a_fresh_head_which_the_report_says(
    saved, num_classes
):
    model, folder = saved
    again = CrossEncoder.from_preset(folder, num_classes=num_classes)
    assert again.load_report.initialised == ("head",)
    assert "initialised at random: head" in str(again.load_report)
    assert again.output_shape == (None, num_classes)
    assert again.hidden_dim == 5
    assert again.scoring == Scoring("softmax")
    for one, two in zip(
        again.backbone.weights, model.backbone.weights, strict=True
    ):
        np.testing.assert_array_equal(to_numpy(one), to_numpy(two))


@pytest.mark.parametrize("change", [{"hidden_dim": None}, {"pooling": "cls"}])
def test_another_head_is_fresh_and_warns(saved, change):
    with pytest.warns(UserWarning, match="no head.*1 logit starts at random"):
        again = CrossEncoder.from_preset(saved[1], **change)
    assert again.load_report.initialised == ("head",)
    name, value = next(iter(change.items()))
    assert getattr(again, name) == value
    assert again.scoring == Scoring("sigmoid")


@pytest.mark.parametrize(
    "change",
    [
        {"dropout": 0.3},
        {"name": "ranker"},
        {"num_classes": 1},
        {"scoring": Scoring("sigmoid")},
    ],
)
def test_what_is_no_other_head_keeps_it(saved, change):
    model, folder = saved
    again = CrossEncoder.from_preset(folder, **change)
    name, value = next(iter(change.items()))
    assert getattr(again, name) == value
    assert again.load_report.initialised == ()
    features = model.preprocessor.pack(PAIRS.text_a, PAIRS.text_b)
    np.testing.assert_allclose(
        to_numpy(again(features)), to_numpy(model(features)), atol=1e-6
    )
    if name != "scoring":
        assert again.scoring == model.scoring


def test_the_precision_is_chosen_when_loading(saved, folder):
    model, path = saved
    again = CrossEncoder.from_preset(path, dtype="mixed_bfloat16")
    block = again.backbone.get_layer("block_0")
    assert block.query.compute_dtype == "bfloat16"
    assert block.query.variable_dtype == "float32"
    assert again.get_layer("head").compute_dtype == "float32"
    assert_same_scores(again, model, atol=0.02)
    # And is not kept.
    again.save_to_preset(folder)
    plain = CrossEncoder.from_preset(folder)
    assert plain.backbone.dtype_policy.name == "float32"
    assert_same_scores(plain, model)


def test_the_global_policy_is_the_default(saved):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = CrossEncoder.from_preset(saved[1])
    finally:
        keras.config.set_dtype_policy(before)
    assert model.backbone.get_layer("block_1").compute_dtype == "bfloat16"


def test_the_length_is_chosen_when_loading(saved):
    model, folder = saved
    assert CrossEncoder.from_preset(folder).preprocessor.sequence_length == 16
    short = CrossEncoder.from_preset(folder, sequence_length=8)
    assert short.preprocessor.sequence_length == 8
    assert short.preprocessor.truncation == "only_second"
    with pytest.raises(ValueError, match="at most 16 .*sequence_length=17"):
        CrossEncoder.from_preset(folder, sequence_length=17)


def test_an_unknown_argument_is_refused(saved):
    with pytest.raises(TypeError, match="num_class"):
        CrossEncoder.from_preset(saved[1], num_class=2)


def test_a_preset_of_another_class_is_refused(saved, folder):
    saved[0].save_to_preset(folder)
    path = folder / "semmatch_preset.json"
    record = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**record, "class_name": "BiEncoder"}))
    message = (
        "holds a `BiEncoder`: load it by `BiEncoder.from_preset`. Received: "
        "`CrossEncoder.from_preset`"
    )
    with pytest.raises(ValueError, match=message):
        CrossEncoder.from_preset(folder)


@pytest.mark.parametrize(
    "content, message",
    [
        ("{", "semmatch_preset.json is not readable as JSON"),
        (
            "{}",
            "semmatch_preset.json lacks class_name, config: it is no preset",
        ),
    ],
)
def test_a_damaged_preset_is_named(saved, folder, content, message):
    saved[0].save_to_preset(folder)
    (folder / "semmatch_preset.json").write_text(content)
    with pytest.raises(ValueError, match=message):
        CrossEncoder.from_preset(folder)


def test_without_a_preprocessor_there_is_no_preset(saved, folder):
    with pytest.raises(ValueError, match="no preprocessor.*save_weights"):
        CrossEncoder(saved[0].backbone).save_to_preset(folder)
    assert not folder.exists()


def test_a_failing_save_leaves_the_old_preset_and_nothing_else(
    folder, monkeypatch
):
    def fail(*args, **kwargs):
        raise OSError("the disk is full")

    old = small_model()
    with monkeypatch.context() as patch:
        patch.setattr(keras.Model, "save_weights", fail)
        with pytest.raises(OSError, match="disk is full"):
            old.save_to_preset(folder)
    assert list(folder.parent.iterdir()) == []
    old.save_to_preset(folder)
    with monkeypatch.context() as patch:
        patch.setattr(keras.Model, "save_weights", fail)
        with pytest.raises(OSError, match="disk is full"):
            small_model(num_classes=3).save_to_preset(folder)
    assert list(folder.parent.iterdir()) == [folder]
    assert sorted(path.name for path in folder.iterdir()) == FILES
    assert_same_scores(CrossEncoder.from_preset(folder), old)


def test_a_preset_replaces_an_older_one(folder):
    small_model().save_to_preset(folder)
    model = small_model(num_classes=3)
    model.save_to_preset(folder)
    assert_same_scores(CrossEncoder.from_preset(folder), model)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="none at .*absent"):
        CrossEncoder.from_preset(tmp_path / "absent")


@pytest.mark.slow
def test_a_keras_file_gives_the_same_model_back_compiled(tmp_path):
    model = small_model(hidden_dim=4)
    model.compile(
        semmatch.training.AdamW(0.125),
        metrics=[semmatch.metrics.F1()],
        activation_checkpointing=True,
    )
    model.fit(PAIRS, verbose=0)
    model.save(tmp_path / "model.keras")
    again = semmatch.load_model(tmp_path / "model.keras")
    assert type(again) is CrossEncoder
    assert again.get_config() == model.get_config()
    assert_same_scores(again, model)
    assert type(again.optimizer) is semmatch.training.AdamW
    assert float(again.optimizer.learning_rate) == 0.125
    assert int(again.optimizer.iterations) == 1
    assert again.backbone.get_layer("block_0").activation_checkpointing
    assert again.evaluate(PAIRS, verbose=0) == model.evaluate(PAIRS, verbose=0)


@pytest.mark.slow
def test_a_fresh_process_computes_the_same_scores(saved, tmp_path):
    model, folder = saved
    model.save(tmp_path / "model.keras")
    code = """
import sys
import semmatch
pairs = [tuple(pair.split(",")) for pair in sys.argv[3:]]
for model in (
    semmatch.load_model(sys.argv[1]),
    semmatch.CrossEncoder.from_preset(sys.argv[2]),
):
    print(",".join(str(score) for score in model.score(pairs)))
"""
    pairs = map(",".join, zip(PAIRS.text_a, PAIRS.text_b, strict=True))
    output = run_python(code, tmp_path / "model.keras", folder, *pairs)
    lines = output.strip().splitlines()[-2:]
    for line in lines:
        scores = np.array(line.split(","), "float32")
        np.testing.assert_allclose(scores, model.score(PAIRS), atol=1e-6)


def test_the_twin_computes_in_float32_with_the_same_weights():
    model = tiny_model(tiny_encoder(dtype="mixed_bfloat16"), pooling="max")
    twin = float32_twin(model)
    assert twin.backbone.get_layer("block_0").compute_dtype == "float32"
    assert model.backbone.get_layer("block_0").compute_dtype == "bfloat16"
    expected = tiny_model(pooling="max")
    assert_same_scores(twin, expected)


@pytest.mark.parametrize("kind", ["own", "checkpoint"])
def test_truncation_and_normaliser_may_be_chosen_and_are_kept(kind, tmp_path):
    folder = tmp_path / "preset"
    if kind == "own":
        tiny_model().save_to_preset(folder)
    else:
        folder = Path(__file__).parents[1] / "fixtures" / "bert_tiny"
    model = CrossEncoder.from_preset(
        folder,
        num_classes=1,
        truncation="only_second",
        normalizer=TextNormalizer(case=False),
    )
    model.save_to_preset(tmp_path / "changed")
    again = CrossEncoder.from_preset(tmp_path / "changed")
    for one in (model, again):
        assert one.preprocessor.truncation == "only_second"
        assert one.pair_scorer().packer.truncation == "only_second"
        tokenizer = one.preprocessor.tokenizer
        plain = Tokenizer.from_folder(folder)
        assert tokenizer.normalize("“Ａ１”") == plain.normalize('"A1"')
    untouched = CrossEncoder.from_preset(folder, num_classes=1)
    assert untouched.preprocessor.truncation == "longest_first"
    assert untouched.preprocessor.tokenizer == Tokenizer.from_folder(folder)


def test_a_compiled_file_may_be_loaded_without_what_compiled_it(tmp_path):
    model = small_model()
    model.compile(metrics=[keras.metrics.MeanSquaredError(name="mse")])
    path = tmp_path / "model.keras"
    model.save(path)
    plain = semmatch.load_model(path, compile=False)
    for loaded, name in (
        (plain, "accuracy"),
        (semmatch.load_model(path), "mse"),
    ):
        figures = loaded.evaluate(PAIRS, verbose=0, return_dict=True)
        assert set(figures) == {"loss", name}
    np.testing.assert_array_equal(plain.score(PAIRS), model.score(PAIRS))


@pytest.mark.slow
def test_a_file_with_our_metrics_is_loaded_in_a_fresh_process(tmp_path):
    model = small_model()
    model.compile(metrics=[F1()], loss=RDrop())
    model.save(tmp_path / "model.keras")
    code = (
        "import sys, semmatch; "
        "print(semmatch.load_model(sys.argv[1]).loss.name)"
    )
    assert run_python(code, tmp_path / "model.keras").split()[-1] == "r_drop"


def test_other_dropouts_keep_the_head(tmp_path):
    model = small_model()
    model.save_to_preset(tmp_path / "preset")
    again = CrossEncoder.from_preset(
        tmp_path / "preset", dropout=0.5, dropout_samples=3
    )
    assert (again.dropout, again.dropout_samples) == (0.5, 3)
    np.testing.assert_array_equal(again.score(PAIRS), model.score(PAIRS))
