"""Tensors of safetensors files, whole, sharded or broken."""

import json
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

from semmatch.checkpoints.tensors import open_tensors

PYTORCH = Path(__file__).resolve().parents[1] / "fixtures" / "pytorch"
ARRAYS = {
    "a": np.array([[0.1, -2.5], [3e-3, 7.0]], "float32"),
    "b": np.array([1.0, 1 / 3], "float32"),
}


def write_shards(folder):
    """`a` and `b` in files of their own, and the index of both."""
    names = {name: f"model-{name}.safetensors" for name in ARRAYS}
    for name, file in names.items():
        save_file({name: ARRAYS[name]}, folder / file)
    write_index(folder, names)


def write_index(folder, weight_map):
    path = folder / "model.safetensors.index.json"
    path.write_text(json.dumps({"weight_map": weight_map}), encoding="utf-8")


@pytest.mark.parametrize("dtype", ["float16", ml_dtypes.bfloat16, "float64"])
def test_floats_of_any_width_come_as_float32(tmp_path, dtype):
    stored = {name: array.astype(dtype) for name, array in ARRAYS.items()}
    save_file(stored, tmp_path / "model.safetensors")
    tensors = open_tensors(tmp_path)
    assert sorted(tensors) == ["a", "b"]
    for name, array in stored.items():
        assert tensors[name].dtype == "float32"
        np.testing.assert_array_equal(
            tensors[name], array.astype("float64").astype("float32")
        )


def test_integers_stay_integers(tmp_path):
    ids = {"ids": np.array([0, 2**40]), "mask": np.array([True, False])}
    save_file(ids, tmp_path / "model.safetensors")
    tensors = open_tensors(tmp_path)
    for name, array in ids.items():
        assert tensors[name].dtype == array.dtype
        np.testing.assert_array_equal(tensors[name], array)


def test_shards_give_what_one_file_gives(tmp_path):
    write_shards(tmp_path)
    tensors = open_tensors(tmp_path)
    assert len(tensors) == 2
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(tensors[name], array)
        assert tensors.path(name) == tmp_path / f"model-{name}.safetensors"


def test_one_file_comes_before_shards(tmp_path):
    write_shards(tmp_path)
    save_file({"c": ARRAYS["b"]}, tmp_path / "model.safetensors")
    assert list(open_tensors(tmp_path)) == ["c"]


def test_a_missing_shard_is_named(tmp_path):
    write_shards(tmp_path)
    (tmp_path / "model-b.safetensors").unlink()
    message = "index.json lists model-b.safetensors, which is not there"
    with pytest.raises(FileNotFoundError, match=message):
        open_tensors(tmp_path)


def test_a_tensor_that_only_the_index_has_is_named(tmp_path):
    write_shards(tmp_path)
    write_index(
        tmp_path, {"a": "model-a.safetensors", "c": "model-b.safetensors"}
    )
    message = "model-b.safetensors lacks the tensor c, which the index"
    with pytest.raises(ValueError, match=message):
        open_tensors(tmp_path)


@pytest.mark.parametrize("kept", [0, 4, 8, 40, -1])
@pytest.mark.parametrize("sharded", [False, True])
def test_a_truncated_file_is_named_with_its_size(tmp_path, kept, sharded):
    if sharded:
        write_shards(tmp_path)
        path = tmp_path / "model-a.safetensors"
    else:
        path = tmp_path / "model.safetensors"
        save_file(ARRAYS, path)
    path.write_bytes(path.read_bytes()[:kept])
    size = path.stat().st_size
    message = rf"{path.name} \({size:,} bytes\) is truncated .* Download it"
    with pytest.raises(ValueError, match=message):
        open_tensors(tmp_path)


def test_safetensors_are_taken_before_pytorchs_file(tmp_path):
    save_file(ARRAYS, tmp_path / "model.safetensors")
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x02.")
    assert sorted(open_tensors(tmp_path)) == ["a", "b"]


def test_the_parts_of_a_pytorch_checkpoint_are_read_together(tmp_path):
    fixture = PYTORCH / "new.bin"
    index = {"weight_map": {"part": "1.bin", "scalar": "2.bin"}}
    for file in ("1.bin", "2.bin"):
        (tmp_path / file).write_bytes(fixture.read_bytes())
    path = tmp_path / "pytorch_model.bin.index.json"
    path.write_text(json.dumps(index))
    tensors = open_tensors(tmp_path)
    assert tensors.path("scalar") == tmp_path / "2.bin"
    expected = np.load(PYTORCH / "expected.npz")
    np.testing.assert_array_equal(tensors["part"], expected["part"])
    path.write_text(json.dumps({"weight_map": {"other": "1.bin"}}))
    with pytest.raises(ValueError, match="1.bin lacks the tensor other"):
        open_tensors(tmp_path)


@pytest.mark.parametrize("names", [[], ["config.json", "tf_model.h5"]])
def test_a_folder_without_weights_lists_what_is_there(tmp_path, names):
    for name in names:
        (tmp_path / name).touch()
    message = (
        "Expected model.safetensors, .* or pytorch_model.bin.index.json in .*"
        f"Received a folder with: {', '.join(names) or 'nothing'}"
    )
    with pytest.raises(FileNotFoundError, match=message):
        open_tensors(tmp_path)
