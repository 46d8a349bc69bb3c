"""Which precision is chosen on which machine."""

import warnings

import keras
import pytest

from semmatch.models import TextEncoder
from semmatch.training import best_precision
from semmatch.training import precision
from semmatch.training.precision import _cpu_has_bfloat16

CPUINFO = {
    "Intel with AMX": ("flags\t\t: fpu avx512f amx_bf16 amx_tile", True),
    "Intel with AVX512": ("flags\t\t: fpu avx512_bf16 avx512f", True),
    "Arm": ("Features\t: fp asimd bf16 i8mm", True),
    "older Intel": ("flags\t\t: fpu sse4_2 avx2 avx512f", False),
    "a part of a name": ("flags\t\t: fpu bf16x not_amx_bf16", False),
    "another line": ("model name\t: bf16\nflags\t\t: fpu", False),
    "no flags": ("processor\t: 0\nmodel name\t: Foo", False),
    "empty": ("", False),
}


@pytest.mark.parametrize("name", CPUINFO)
def test_bfloat16_is_read_from_the_processors_features(name, tmp_path):
    content, expected = CPUINFO[name]
    path = tmp_path / "cpuinfo"
    path.write_text(f"processor\t: 0\n{content}\nbugs\t\t: bf16\n")
    assert _cpu_has_bfloat16(path) is expected


def test_bytes_that_are_no_text_do_no_harm(tmp_path):
    path = tmp_path / "cpuinfo"
    path.write_bytes(b"model name\t: \xff\xfe\nflags\t: amx_bf16\n")
    assert _cpu_has_bfloat16(path)


def test_elsewhere_than_on_linux_there_is_none(tmp_path):
    assert not _cpu_has_bfloat16(tmp_path / "absent")


@pytest.mark.parametrize(
    ("gpu", "cpu", "expected"),
    [
        (False, False, "float32"),
        (False, True, "mixed_bfloat16"),
        (True, False, "mixed_bfloat16"),
    ],
)
def test_a_gpu_or_a_processor_with_bfloat16_is_enough(
    gpu, cpu, expected, monkeypatch
):
    monkeypatch.setattr(precision, "_has_gpu", lambda: gpu)
    monkeypatch.setattr(precision, "_cpu_has_bfloat16", lambda: cpu)
    assert best_precision() == expected


def test_the_backend_is_asked_for_a_gpu():
    assert precision._has_gpu() in (True, False)


def encoder_in(dtype):
    return TextEncoder(20, 1, 2, 4, 8, dtype=dtype)


@pytest.fixture
def old_machine(monkeypatch):
    monkeypatch.setattr(precision, "_has_gpu", lambda: False)
    monkeypatch.setattr(precision, "_cpu_has_bfloat16", lambda: False)


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "bfloat16"])
def test_bfloat16_without_hardware_is_said_and_kept(dtype, old_machine):
    message = f"This machine has no bfloat16 instructions, so `{dtype}`"
    with pytest.warns(UserWarning, match=message):
        encoder = encoder_in(dtype)
    assert encoder.get_layer("block_0").compute_dtype == "bfloat16"
    # The way to fall back that the warning names.
    assert best_precision() == "float32"


def test_the_global_policy_counts_too(old_machine):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        with pytest.warns(UserWarning, match="no bfloat16 instructions"):
            encoder_in(None)
    finally:
        keras.config.set_dtype_policy(before)


def test_other_precisions_and_machines_are_not_warned_of(monkeypatch):
    monkeypatch.setattr(precision, "_cpu_has_bfloat16", lambda: False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        encoder_in("float32")
        monkeypatch.setattr(precision, "_cpu_has_bfloat16", lambda: True)
        encoder_in("mixed_bfloat16")
