"""What stands several times in a list is worked on once."""

import numpy as np


def distinct(values):
    """The different ones of some values, and which of them each value is.

    Args:
        values: hashable values, such as strings.

    Returns:
        A list, in the order in which they first come, and int64 `(n,)`:
        `values[i]` is `different[rows[i]]`.

    >>> different, rows = distinct(["还款", "取消", "还款"])
    >>> different, rows.tolist()
    (['还款', '取消'], [0, 1, 0])
    """
    places = {}
    rows = [places.setdefault(value, len(places)) for value in values]
    return list(places), np.array(rows, "int64")
