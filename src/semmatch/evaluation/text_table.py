"""Tables for a terminal."""

import unicodedata


def text_table(rows):
    """Aligns cells: the first column on the left, the others on the right.

    Args:
        rows: lists of str, equally many a row.

    Returns:
        str, one line a row. Chinese characters count as two columns wide,
        as terminals draw them.

    >>> print(text_table([["", "f1"], ["match", "0.9"]]))
            f1
    match  0.9
    """
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        first = row[0] + " " * (widths[0] - _width(row[0]))
        rest = [
            " " * (width - _width(cell)) + cell
            for cell, width in zip(row[1:], widths[1:], strict=True)
        ]
        lines.append("  ".join([first, *rest]).rstrip())
    return "\n".join(lines)


def _width(text):
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return len(text) + wide
