"""Checks that return the value, so that a constructor checks and stores."""

import math
import numbers
import reprlib

_SHOWN = reprlib.Repr()
_SHOWN.maxstring = _SHOWN.maxother = 100


def check_one_of(value, allowed, name):
    """`value`, if it is one of `allowed`.

    >>> check_one_of("mean", {"cls", "mean"}, "pooling")
    'mean'

    Raises:
        ValueError: if it is not; the message lists what is allowed.
    """
    # A tuple, since looking an unhashable value up in a set or a table would
    # end in a TypeError that names neither the argument nor the choices.
    if value not in tuple(allowed):
        raise ValueError(
            f"`{name}` must be one of {sorted(allowed, key=str)}. "
            f"Received: {name}={value!r}."
        )
    return value


def check_positive_int(value, name):
    """`value` as a Python int, if it is an integer of at least 1.

    NumPy's integers pass and come back as int, which JSON can write.

    >>> check_positive_int(8, "batch_size")
    8

    Raises:
        ValueError: for 0 and below, and for every other type: True is no
            count, and 8.0 is most often a division gone wrong.
    """
    if not _is_integer(value) or value < 1:
        raise ValueError(
            f"`{name}` must be an integer of at least 1. "
            f"Received: {name}={value!r}."
        )
    return int(value)


def check_seed(value, *, optional=False):
    """`value` as a Python int, if it is an integer that can be a seed.

    NumPy's integers pass and come back as int, which JSON can write.

    Args:
        value: the value.
        optional: bool, whether it may be None, which comes back.

    >>> check_seed(0)
    0

    Raises:
        ValueError: for a number below 0, one that 64 bits do not hold, and
            every other type.
    """
    if optional and value is None:
        return None
    if not _is_integer(value) or not 0 <= value < 2**63:
        more = ", or None" if optional else ""
        raise ValueError(
            f"`seed` must be an integer from 0 to 2**63 - 1{more}. "
            f"Received: seed={value!r}."
        )
    return int(value)


def check_positive(value, name):
    """`value`, if it is a finite number above 0.

    >>> check_positive(0.5, "margin")
    0.5

    Raises:
        ValueError: for 0, a number below, infinity and NaN.
    """
    if not 0 < value < math.inf:
        raise ValueError(
            f"`{name}` must be a finite number above 0. "
            f"Received: {name}={value!r}."
        )
    return value


def check_text(text, what):
    """`text`, if it is a string that UTF-8 can hold.

    Args:
        text: the value.
        what: str, names it in the message, such as `"candidate 3"`.

    >>> check_text("怎么还款", "the query")
    '怎么还款'

    Raises:
        TypeError: if it is no string.
        ValueError: if it has a lone surrogate, half of a character.
    """
    if not isinstance(text, str):
        raise TypeError(
            f"Expected {what} to be a string. Received: {shown(text)} of type "
            f"{type(text).__name__}. Drop missing texts before."
        )
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise ValueError(
                f"Expected {what} to be valid Unicode. Received a lone "
                f"surrogate, half a character, at index {error.start} of "
                f"{shown(text)}. Decode the source with the right encoding."
            ) from error
    return text


def shown(value):
    """A value for a message, shortened if it is long.

    >>> len(shown([("怎么还款" * 1000, "如何还")] * 1000)) < 2000
    True
    """
    return _SHOWN.repr(value)


def _is_integer(value):
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)
