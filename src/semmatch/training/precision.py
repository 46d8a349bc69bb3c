"""The number format to train in."""

import warnings
from pathlib import Path

import keras

_BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}


def best_precision():
    """The fastest dtype policy that this machine computes in hardware.

    Returns:
        `"mixed_bfloat16"` where a GPU is seen or the processor has bfloat16
        instructions (AVX512-BF16, AMX, Arm BF16), else `"float32"`.

    >>> best_precision() in ("mixed_bfloat16", "float32")
    True
    """
    if _has_gpu():
        return "mixed_bfloat16"
    return "mixed_bfloat16" if _cpu_has_bfloat16() else "float32"


def warn_if_emulated(policy):
    """Warns of bfloat16 where no hardware computes in it.

    Args:
        policy: a Keras dtype policy.

    >>> warn_if_emulated(keras.dtype_policies.get("float32"))
    """
    if policy.compute_dtype == "bfloat16" and best_precision() == "float32":
        warnings.warn(
            f"This machine has no bfloat16 instructions, so `{policy.name}` "
            "is computed in software, slower than float32. It is kept, as "
            "asked for; `dtype=best_precision()` takes float32 here.",
            stacklevel=3,
        )


def _has_gpu():
    if keras.config.backend() == "jax":
        import jax

        return any(device.platform == "gpu" for device in jax.devices())
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))


def _cpu_has_bfloat16(cpuinfo=Path("/proc/cpuinfo")):
    """Reads Linux's list of processor features; elsewhere there is none."""
    if not cpuinfo.exists():
        return False
    for line in cpuinfo.read_text(errors="replace").splitlines():
        name, _, flags = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return bool(_BFLOAT16_FLAGS & set(flags.split()))
    return False
