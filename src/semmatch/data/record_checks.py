"""Checks that records of texts share."""

import numpy as np

from semmatch._checks import check_text


def check_texts(texts, name):
    """`texts` as a list, if they are strings that UTF-8 can hold."""
    if isinstance(texts, str):
        raise TypeError(
            f"`{name}` must be a list of strings. Received one string: "
            f"{texts!r}."
        )
    return [
        check_text(text, f"{name}[{place}]") for place, text in enumerate(texts)
    ]


def check_full_texts(texts, name):
    """`check_texts`, and none is blank."""
    texts = check_texts(texts, name)
    for place, text in enumerate(texts):
        if not text.strip():
            raise ValueError(
                f"{name}[{place}] is blank: {text!r}. Drop rows without a "
                "text before."
            )
    return texts


def check_equal_lengths(record, *names):
    """Raises unless the attributes `names` have as many entries each."""
    lengths = {name: len(getattr(record, name)) for name in names}
    if len(set(lengths.values())) > 1:
        counts = ", ".join(f"{n} of {name}" for name, n in lengths.items())
        raise ValueError(
            f"`{type(record).__name__}` needs as many of each. Received: "
            f"{counts}."
        )


def check_rows(record, rows):
    """The numbers of the rows that `record[rows]` asks for, int64 `(n,)`.

    Args:
        record: has a length.
        rows: a slice, a list or array of row numbers, or a mask.
    """
    rows = np.arange(len(record))[rows]
    if rows.ndim != 1:
        name = type(record).__name__
        raise TypeError(
            f"`{name}` is indexed by a slice or a list of rows. For one row "
            f"use {name.lower()}[{rows}:{rows + 1}]."
        )
    return rows


def check_label(label, num_rows):
    """`label` as int64 if all are whole numbers, else as float32."""
    label = np.asarray(label)
    if label.ndim == 2 and label.shape[1] == 1:
        label = label[:, 0]
    if label.shape != (num_rows,):
        raise ValueError(
            f"`label` must hold one number for each row, shape ({num_rows},). "
            f"Received: shape {label.shape}. Turn one-hot labels into classes "
            "with argmax."
        )
    if label.dtype.kind not in "biuf":
        raise ValueError(
            f"`label` must be numbers. Received: dtype {label.dtype}, the "
            f"first being {label[:1].tolist()}."
        )
    wrong = np.flatnonzero(~np.isfinite(label))
    if wrong.size:
        raise ValueError(
            f"`label` must be finite. Received: label[{wrong[0]}]="
            f"{label[wrong[0]]}, and {wrong.size} such values."
        )
    whole = np.all(label == np.round(label))
    return label.astype("int64" if whole else "float32")
