"""Every tensor is used, left out for a reason, or an error."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from semmatch.checkpoints import LoadReport
from semmatch.checkpoints import read_checkpoint
from semmatch.checkpoints.format import apply_rules
from semmatch.checkpoints.format import Rule
from semmatch.checkpoints.tensors import open_tensors

KERNEL = np.arange(6, dtype="float32").reshape(2, 3)
GAMMA = np.array([1.0, 2.0], "float32")
RULES = [
    Rule("m.dense.weight", "dense/kernel", (2, 3), np.transpose),
    Rule("m.norm.weight|m.norm.gamma", "norm/gamma", (2,)),
]


def tensors(folder, **changes):
    """The tensors of a file, with `changes`; None leaves one out."""
    arrays = {"m.dense.weight": KERNEL, "m.norm.weight": GAMMA} | {
        name.replace("__", "."): array for name, array in changes.items()
    }
    arrays = {n: a for n, a in arrays.items() if a is not None}
    save_file(arrays, folder / "model.safetensors")
    return open_tensors(folder)


def test_rules_rename_and_transform(tmp_path):
    arrays, report = apply_rules(tensors(tmp_path), RULES, {})
    assert sorted(arrays) == ["dense/kernel", "norm/gamma"]
    np.testing.assert_array_equal(arrays["dense/kernel"], KERNEL.T)
    np.testing.assert_array_equal(arrays["norm/gamma"], GAMMA)
    assert report.used == ("m.dense.weight", "m.norm.weight")
    assert report.unused == {}


def test_either_name_of_a_tensor_is_found(tmp_path):
    both = tensors(tmp_path, m__norm__weight=None, m__norm__gamma=GAMMA + 1)
    arrays, report = apply_rules(both, RULES, {})
    np.testing.assert_array_equal(arrays["norm/gamma"], GAMMA + 1)
    assert "m.norm.gamma" in report.used


def test_a_missing_tensor_is_named_and_counted(tmp_path):
    some = tensors(tmp_path, m__norm__weight=None)
    message = r"lacks 1 tensors .* being m.norm.weight.*It holds: m.dense"
    with pytest.raises(ValueError, match=message):
        apply_rules(some, RULES, {})
    both = [Rule("a|b", "c", (2,)), *RULES]
    with pytest.raises(ValueError, match="lacks 2 tensors .* being a. It"):
        apply_rules(some, both, {})


@pytest.mark.parametrize("shape", [(3, 2), (6,), (2, 3, 1)])
def test_a_wrong_shape_is_named_with_both_shapes(tmp_path, shape):
    some = tensors(tmp_path, m__dense__weight=KERNEL.reshape(shape))
    with pytest.raises(ValueError) as error:
        apply_rules(some, RULES, {})
    assert str(error.value) == (
        f"{tmp_path / 'model.safetensors'}: the tensor m.dense.weight must "
        f"have the shape (2, 3) by config.json. Received: {shape}."
    )


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(tmp_path, value):
    some = tensors(tmp_path, m__norm__weight=np.array([1, value], "float32"))
    message = "the tensor m.norm.weight holds values that are not finite"
    arrays, _ = apply_rules(some, RULES, {})
    with pytest.raises(ValueError, match=message):
        arrays["norm/gamma"]


def test_tensors_that_are_left_out_have_the_first_reason(tmp_path):
    some = tensors(tmp_path, cls__bias=GAMMA, cls__weight=GAMMA)
    patterns = {r"cls\.b.*": "a bias", r"cls\..*": "a head"}
    _, report = apply_rules(some, RULES, patterns)
    assert report.unused == {"cls.bias": "a bias", "cls.weight": "a head"}


@pytest.mark.parametrize("pattern", ["cls", "ls.bias", r"cls\.bia"])
def test_a_pattern_is_that_of_the_whole_name(tmp_path, pattern):
    some = tensors(tmp_path, cls__bias=GAMMA)
    message = "its format does not have: cls.bias. It is another architecture"
    with pytest.raises(ValueError, match=message):
        apply_rules(some, RULES, {pattern: "a head"})


def test_a_report_has_a_line_for_all_that_is_not_as_usual():
    report = LoadReport(
        ("a", "b"),
        {"c": "a constant"},
        ("pooler/bias",),
        ("head",),
        ("rotary", "sparse"),
    )
    assert str(report).splitlines() == [
        "2 tensors used",
        "unused: c (a constant)",
        "absent, done without: pooler/bias",
        "initialised at random: head",
        "unknown in config.json: rotary",
        "unknown in config.json: sparse",
    ]


def test_a_folder_that_is_not_there_is_named(tmp_path):
    message = "Expected a folder. There is none at .*absent"
    with pytest.raises(FileNotFoundError, match=message):
        read_checkpoint(tmp_path / "absent")


@pytest.mark.parametrize("names", [[], ["model.safetensors", "vocab.txt"]])
def test_a_folder_that_is_no_checkpoint_lists_what_is_there(tmp_path, names):
    for name in names:
        (tmp_path / name).touch()
    message = (
        "no checkpoint: it has no config.json and no .*. Known formats: "
        f"semmatch .*Hugging Face BERT.*with: {', '.join(names) or 'nothing'}"
    )
    with pytest.raises(ValueError, match=message):
        read_checkpoint(tmp_path)


def test_a_broken_configuration_is_named(tmp_path):
    (tmp_path / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match="config.json is not readable as JSON"):
        read_checkpoint(tmp_path)


@pytest.mark.parametrize("config", [{}, {"model_type": "t5"}])
def test_an_unknown_format_is_named_with_the_known_ones(tmp_path, config):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    model_type = repr(config.get("model_type"))
    message = (
        f"model_type {model_type}, .* not known. Known are albert, bert, "
        "distilbert, electra, roberta, xlm-roberta. .*Hugging Face BERT"
    )
    with pytest.raises(ValueError, match=message):
        read_checkpoint(tmp_path)
