"""Arrays of a batch: texts and special tokens in their places."""

import itertools

import numpy as np

# Lengths are rounded up to it where a graph is compiled for each.
MULTIPLE = 8


def padded_lengths(lengths, sequence_length, multiple=MULTIPLE):
    """Lengths rounded up to a multiple, but not above the limit.

    >>> padded_lengths([3, 9], 12).tolist()
    [8, 12]
    """
    padded = -(-np.asarray(lengths) // multiple) * multiple
    return np.minimum(padded, sequence_length)


def fill_template(template, ids, kept, shape, pad_id):
    """Puts texts and special tokens where a template has them.

    Args:
        template: tuple of `Part`.
        ids: a dict from a text's name, `"A"` or `"B"`, to its ids, a list of
            lists of ints.
        kept: a dict from a text's name to how many of each row's ids are
            taken, int64 `(batch,)`.
        shape: `(batch, length)` of the result.
        pad_id: int, fills the rest.

    Returns:
        A dict of int32 `(batch, length)`: `token_ids`, `padding_mask` and
        `segment_ids`.
    """
    rows, length = shape
    tokens = np.full(shape, pad_id, "int32")
    segments = np.zeros(shape, "int32")
    offset = np.zeros(rows, "int64")
    every_row = np.arange(rows)
    for part in template:
        if part.text:
            place, values = _scatter(ids[part.text], kept[part.text])
            place = (place[0], place[1] + offset[place[0]])
            tokens[place] = values
            segments[place] = part.segment
            offset += kept[part.text]
        for special in part.ids:
            tokens[every_row, offset] = special
            segments[every_row, offset] = part.segment
            offset += 1
    return {
        "token_ids": tokens,
        "padding_mask": (np.arange(length) < offset[:, None]).astype("int32"),
        "segment_ids": segments,
    }


def _scatter(ids, kept):
    """Rows, columns and values of the first `kept` ids of each row."""
    lengths = np.array([len(row) for row in ids], "int64")
    values = np.fromiter(
        itertools.chain.from_iterable(ids), "int32", lengths.sum()
    )
    rows = np.repeat(np.arange(len(ids)), lengths)
    starts = np.cumsum(lengths) - lengths
    columns = np.arange(len(values)) - starts[rows]
    kept = columns < kept[rows]
    return (rows[kept], columns[kept]), values[kept]
