"""PyTorch's own files, without PyTorch and without running them."""

import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from semmatch import CrossEncoder
from semmatch.checkpoints.pytorch_file import PytorchFile
from semmatch.checkpoints.tensors import open_tensors
from tests.checkpoints.tiny import assert_close
from tests.checkpoints.tiny import PLAIN
from tests.checkpoints.tiny import recorded

FOLDER = Path(__file__).resolve().parents[1] / "fixtures" / "pytorch"
EXPECTED = np.load(FOLDER / "expected.npz")
FORMS = pytest.mark.parametrize("form", ["new", "old"])


@FORMS
def test_tensors_are_those_that_pytorch_wrote(form):
    file = PytorchFile(FOLDER / f"{form}.bin")
    assert sorted(file.keys()) == sorted(EXPECTED.files)
    for name in file.keys():  # noqa: SIM118 (no dict)
        array = file.get_tensor(name)
        kind = {"bfloat16": "float32", "bool": "bool"}.get(name, name)
        if name in ("part", "transposed", "scalar", "empty", "parameter"):
            kind = "float32"
        assert array.dtype == kind
        np.testing.assert_array_equal(
            array.astype("float32"), EXPECTED[name], strict=True
        )


@FORMS
def test_an_array_is_the_callers_own(form):
    file = PytorchFile(FOLDER / f"{form}.bin")
    file.get_tensor("part")[:] = 0
    np.testing.assert_array_equal(file.get_tensor("part"), EXPECTED["part"])


@FORMS
@pytest.mark.parametrize("kept", [0, 1, 10, 300, 0.5, 0.9, -1])
def test_a_truncated_file_names_itself(form, kept, tmp_path):
    whole = (FOLDER / f"{form}.bin").read_bytes()
    path = tmp_path / "pytorch_model.bin"
    path.write_bytes(
        whole[: int(kept * len(whole)) if isinstance(kept, float) else kept]
    )
    message = r"pytorch_model.bin \([\d,]+ bytes\) is truncated or no PyTorch"
    with pytest.raises(ValueError, match=message):
        PytorchFile(path)


class Evil:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def write_new(path, thing):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(thing, protocol=2))


def write_old(path, thing):
    parts = [0x1950A86A20F9469CFC6C, 1001, {}, thing, []]
    path.write_bytes(b"".join(pickle.dumps(p, protocol=2) for p in parts))


@pytest.mark.parametrize("write", [write_new, write_old])
def test_code_is_refused_and_does_not_run(write, tmp_path):
    path = tmp_path / "pytorch_model.bin"
    made = tmp_path / "made"
    write(path, {"weight": Evil(made)})
    # It would run where it is simply loaded.
    pickle.loads(pickle.dumps(Evil(made)))  # noqa: S301
    made.rmdir()
    with pytest.raises(ValueError, match=r"is refused: it asks for \w+.mkdir"):
        PytorchFile(path)
    assert not made.exists()


@pytest.mark.parametrize(
    ("thing", "message"),
    [
        ([1], "it holds no dict of tensors"),
        ({"epoch": 3}, "'epoch' is no tensor"),
    ],
)
def test_other_contents_are_refused(thing, message, tmp_path):
    path = tmp_path / "pytorch_model.bin"
    write_new(path, thing)
    with pytest.raises(ValueError, match=f"is refused: {message}"):
        PytorchFile(path)


def test_a_file_of_another_byte_order_is_refused(tmp_path):
    path = tmp_path / "pytorch_model.bin"
    write_new(path, {})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("archive/byteorder", "big")
    with pytest.raises(ValueError, match="is refused: its byte order is b'big"):
        PytorchFile(path)


def test_a_folder_may_hold_its_weights_so(tmp_path):
    (tmp_path / "pytorch_model.bin").write_bytes(
        (FOLDER / "new.bin").read_bytes()
    )
    tensors = open_tensors(tmp_path)
    assert len(tensors) == len(EXPECTED.files)
    assert tensors["float16"].dtype == "float32"
    assert tensors.path("part") == tmp_path / "pytorch_model.bin"


def test_a_checkpoint_gives_what_transformers_gives(tmp_path):
    for name in ("config.json", "vocab.txt"):
        (tmp_path / name).write_bytes((PLAIN / name).read_bytes())
    (tmp_path / "pytorch_model.bin").write_bytes(
        (FOLDER / "bert_tiny.bin").read_bytes()
    )
    features, expected = recorded(PLAIN, 0)
    model = CrossEncoder.from_preset(tmp_path, num_classes=1)
    outputs = model.backbone(features)
    assert_close(outputs["sequence_output"], expected["hidden"][-1])
    assert_close(outputs["pooled_output"], expected["pooler_output"])
