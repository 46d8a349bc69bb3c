"""Pairs that are parted into files before they are written as records."""

import contextlib
import dataclasses
import math
import struct
from pathlib import Path

import numpy as np
from tqdm import tqdm

# Bytes of the first text, of the second, and the label, NaN for none.
_HEADER = struct.Struct("<IId")

# Pairs between two movements of the progress bar.
_STEP = 1024


@dataclasses.dataclass(frozen=True)
class Spill:
    """Files that hold the pairs of one shard each.

    Attributes:
        files: list of paths, none of them empty.
        num_pairs: int.
        label: a dict of JSON types, or None for pairs without labels:
            `dtype`, `"int64"` if all labels are whole numbers, else
            `"float32"`, and their `minimum` and `maximum`.
    """

    files: list
    num_pairs: int
    label: dict | None


def spill_pairs(stream, folder, num_files, seed=None):
    """Parts a stream of pairs: of `num_files` in a row each file has one.

    Args:
        stream: `PairStream`.
        folder: path of an empty folder.
        num_files: int, the most files.
        seed: int, of which file has which of them, so that no file has all of
            what comes back every few pairs, such as the one that matches
            among fifteen that do not; None for the files in turn.

    Returns:
        `Spill`.
    """
    paths = [Path(folder) / str(number) for number in range(num_files)]
    random = None if seed is None else np.random.default_rng([seed, num_files])
    turn = list(range(num_files))
    num_pairs = 0
    whole, minimum, maximum = True, math.inf, -math.inf
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context(open(path, "wb")) for path in paths]
        progress = stack.enter_context(
            tqdm(desc="reading", unit=" pairs", delay=2, disable=None)
        )
        for text_a, text_b, label in stream:
            if label is None:
                label = math.nan
            else:
                whole = whole and label == int(label)
                minimum, maximum = min(minimum, label), max(maximum, label)
            a, b = text_a.encode(), text_b.encode()
            header = _HEADER.pack(len(a), len(b), label)
            place = num_pairs % num_files
            if random is not None and place == 0:
                random.shuffle(turn)
            files[turn[place]].write(header + a + b)
            num_pairs += 1
            if num_pairs % _STEP == 0:
                progress.update(_STEP)
    summary = None
    if stream.has_label:
        kind = int if whole else float
        summary = {
            "dtype": "int64" if whole else "float32",
            "minimum": kind(minimum),
            "maximum": kind(maximum),
        }
    paths = [paths[number] for number in sorted(turn[:num_pairs])]
    return Spill(paths, num_pairs, summary)


class SpilledPairs:
    """The pairs of one file, in memory, by their numbers.

    Args:
        path: path of the file.
    """

    def __init__(self, path):
        self._data = Path(path).read_bytes()
        starts, start = [], 0
        while start < len(self._data):
            starts.append(start)
            a, b, _ = _HEADER.unpack_from(self._data, start)
            start += _HEADER.size + a + b
        self._starts = np.array(starts, "int64")

    def __len__(self):
        return len(self._starts)

    def columns(self, rows):
        """Lists of the first texts, the second and the labels of some rows.

        Args:
            rows: int64 `(n,)`.

        Returns:
            Two lists of UTF-8 bytes and one of floats.
        """
        columns = [], [], []
        for start in self._starts[rows].tolist():
            a, b, label = _HEADER.unpack_from(self._data, start)
            middle = start + _HEADER.size + a
            columns[0].append(self._data[middle - a : middle])
            columns[1].append(self._data[middle : middle + b])
            columns[2].append(label)
        return columns
