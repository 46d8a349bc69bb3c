"""One number for all that a training reads."""

import hashlib

import numpy as np

# Strings that are encoded together: fast, and little memory.
_CHUNK = 2**16


def content_hash(contents):
    """A SHA-256 of texts and numbers.

    Args:
        contents: None, a string, a list of strings, an array of numbers, or
            lists and dicts of these.

    Returns:
        A string of 64 hexadecimal digits. Equal contents have equal ones, on
        every machine.

    >>> len(content_hash(["怎么", "还款"]))
    64
    >>> content_hash(["怎么", "还款"]) == content_hash(["怎么还", "款"])
    False
    """
    digest = hashlib.sha256()
    _add(digest, contents)
    return digest.hexdigest()


def _add(digest, part):
    if part is None:
        digest.update(b"none ")
    elif isinstance(part, str):
        _add_texts(digest, [part])
    elif isinstance(part, dict):
        digest.update(b"dict ")
        for name in sorted(part):
            _add_texts(digest, [name])
            _add(digest, part[name])
    elif isinstance(part, list | tuple):
        _add_list(digest, part)
    else:
        _add_array(digest, np.asarray(part))


def _add_list(digest, part):
    if all(type(text) is str for text in part):
        _add_texts(digest, part)
        return
    digest.update(b"list ")
    _add_array(digest, np.array(len(part)))
    if all(type(texts) is list for texts in part) and all(
        type(text) is str for texts in part for text in texts
    ):
        # One long list is much faster than many short ones.
        _add_array(digest, np.array([len(texts) for texts in part]))
        _add_texts(digest, [text for texts in part for text in texts])
        return
    for inner in part:
        _add(digest, inner)


def _add_texts(digest, texts):
    digest.update(b"texts ")
    # Where one ends and the next begins.
    _add_array(digest, np.fromiter(map(len, texts), "int64", len(texts)))
    for start in range(0, len(texts), _CHUNK):
        together = "".join(texts[start : start + _CHUNK])
        digest.update(together.encode("utf-8"))


def _add_array(digest, array):
    array = np.ascontiguousarray(array)
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    digest.update(f"{little.dtype.str} {little.shape} ".encode())
    digest.update(little.tobytes())
