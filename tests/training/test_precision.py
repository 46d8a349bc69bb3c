"""Which precision is chosen on which machine."""

import pytest

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
