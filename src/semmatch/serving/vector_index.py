"""Vectors that are searched for the nearest ones of a query."""

import json
from pathlib import Path

import numpy as np

from semmatch._checks import check_one_of
from semmatch._checks import check_positive_int
from semmatch._folders import writing_folder
from semmatch._saved_folder import check_file
from semmatch._saved_folder import file_digest
from semmatch._saved_folder import read_record
from semmatch._similarity import SIMILARITIES
from semmatch._similarity import unit_vectors
from semmatch.serving.exact_vectors import ExactVectors
from semmatch.serving.faiss_vectors import BLOCK
from semmatch.serving.faiss_vectors import FaissVectors
from semmatch.serving.vector_checks import blocks
from semmatch.serving.vector_checks import checked_vectors

INDEX_FILE = "vector_index.json"
ALIVE_FILE = "vector_rows.npy"
FORMAT_VERSION = 1
# The types of the constructor's arguments in a saved index.
_SETTINGS = {
    "dim": int,
    "similarity": str,
    "factory": str | None,
    "search_parameters": str | None,
}


class VectorIndex:
    """The nearest vectors of a query, by numpy or by FAISS.

    Without a factory numpy compares the query with all vectors, which is
    exact and, up to some ten thousand vectors, fast. For more, a factory
    string names one of FAISS's indexes: `"Flat"` (all vectors, faster),
    `"HNSW32"` (a graph), `"IVF1024,Flat"` (of 1024 cells the nearest), and
    others of https://github.com/facebookresearch/faiss/wiki.

    Each vector has a row, counted from 0 in the order they were added, which
    stays its own and is not used again. Searches may run in several threads
    at once; a change must not run beside them.

    Args:
        dim: int, the width of a vector.
        similarity: `"cosine"`, `"dot"`, `"euclidean"`, or `"manhattan"`
            (numpy alone); of both distances the negative is the similarity.
        factory: a FAISS factory string, or None for numpy. An index that has
            to be trained is trained by the first `add`.
        search_parameters: string of FAISS, such as `"nprobe=16"` of IVF (it
            looks into one cell without) or `"efSearch=64"` of HNSW. An
            attribute, which may be changed later.

    >>> index = VectorIndex(2)
    >>> index.add([[3.0, 4.0], [1.0, 0.0], [0.0, 2.0]]).tolist()
    [0, 1, 2]
    >>> similarities, rows = index.search([[0.0, 1.0]], k=2)
    >>> rows.tolist(), similarities.round(2).astype(str).tolist()
    ([[2, 0]], [['1.0', '0.8']])
    """

    def __init__(
        self, dim, similarity="cosine", *, factory=None, search_parameters=None
    ):
        self.dim = check_positive_int(dim, "dim")
        self.similarity = check_one_of(similarity, SIMILARITIES, "similarity")
        self.factory = _check_string(factory, "factory")
        if factory is not None and similarity == "manhattan":
            raise ValueError(
                'The similarity "manhattan" is computed by numpy alone. '
                f"Received: factory={factory!r}. Leave it out."
            )
        # Of unit vectors cosines are dot products.
        self._compared = "dot" if similarity == "cosine" else similarity
        self._backend = (
            ExactVectors(self.dim, self._compared)
            if factory is None
            else FaissVectors.create(self.dim, self._compared, factory)
        )
        self._search_parameters = None
        # Of each row that there ever was, whether it still is.
        self._alive = np.empty(0, "bool")
        self._count = 0
        self.search_parameters = search_parameters

    def __len__(self):
        return self._count

    @property
    def rows(self):
        """Rows that are there, int64 `(n,)`, in ascending order."""
        return np.flatnonzero(self._alive)

    @property
    def can_remove(self):
        """Whether the index is of a kind that vectors can be removed from."""
        return self._backend.can_remove

    @property
    def search_parameters(self):
        return self._search_parameters

    @search_parameters.setter
    def search_parameters(self, parameters):
        if _check_string(parameters, "search_parameters") is not None:
            if self.factory is None:
                raise ValueError(
                    "`search_parameters` are of FAISS, and this index has no "
                    f"`factory`. Received: search_parameters={parameters!r}."
                )
            # First an empty one: on an error all stay as they were.
            empty = (self.dim, self._compared, self.factory)
            FaissVectors.create(*empty).tune(parameters)
            self._backend.tune(parameters)
        elif self._search_parameters is not None:
            raise ValueError(
                "`search_parameters` that were set stay until others are. "
                "Received: search_parameters=None in place of "
                f"{self._search_parameters!r}. Name the values to go back to."
            )
        self._search_parameters = parameters

    def add(self, vectors):
        """Adds vectors, all of them or, on an error, none.

        Args:
            vectors: float `(n, dim)`.

        Returns:
            int64 `(n,)`, their rows.

        Raises:
            ValueError: if they are of another width, one has NaN or
                infinity, or they are too few to train the index.
        """
        vectors, of_length_1 = self._checked(vectors, "vectors")
        rows = len(self._alive) + np.arange(len(vectors))
        if not len(rows):
            return rows
        ready = vectors.dtype == "float32" and vectors.flags.c_contiguous
        ready = ready and (of_length_1 or self.similarity != "cosine")
        self._backend.train(vectors, None if ready else self._converted)
        if ready:
            # At once, so that the index makes room once.
            self._backend.add(vectors, rows)
        else:
            for block in blocks(vectors, BLOCK):
                self._backend.add(self._converted(vectors[block]), rows[block])
        self._alive = np.concatenate([self._alive, np.ones(len(rows), "bool")])
        self._count += len(rows)
        return rows

    def remove(self, rows):
        """Removes vectors. One call for many rows costs as much as for one.

        Args:
            rows: list or array of int, as `add` gave them.

        Raises:
            ValueError: if one is not there or stands twice, or the index is
                of a kind that cannot remove.
        """
        rows = np.asarray(rows)
        if not rows.size:
            return
        if not self.can_remove:
            raise ValueError(
                "Vectors are removed from flat, quantised (PQ, SQ), "
                "inverted-file (IVF) and HNSW indexes. Received: "
                f"factory={self.factory!r}. Build it again without them."
            )
        if rows.ndim != 1 or rows.dtype.kind not in "iu":
            raise ValueError(
                "`rows` must be a list of integers. Received: an array of "
                f"shape {rows.shape} and type {rows.dtype}."
            )
        inside = (rows >= 0) & (rows < len(self._alive))
        known = inside.copy()
        known[inside] = self._alive[rows[inside]]
        if not known.all():
            raise ValueError(
                "`rows` must be rows of this index. Received: "
                f"{int(rows[~known][0])}, which was never added or is removed."
            )
        alive = self._alive.copy()
        alive[rows] = False
        count = np.count_nonzero(alive)
        if count != self._count - len(rows):
            raise ValueError(
                "`rows` must be distinct. Received: "
                f"{self._count - count} distinct ones of {len(rows)}."
            )
        self._backend.remove(~alive)
        self._alive, self._count = alive, int(count)

    def search(self, queries, k):
        """The vectors that are nearest to each query, best first.

        Args:
            queries: float `(q, dim)`.
            k: int; all vectors if there are fewer.

        Returns:
            Two arrays `(q, min(k, len(index)))`: float32 similarities, and
            int64 rows. Of equal similarities numpy puts the lower row first.
            Where an approximate index finds fewer, the row is -1 and the
            similarity minus infinity.
        """
        queries, of_length_1 = self._checked(queries, "queries")
        k = min(check_positive_int(k, "k"), self._count)
        if not k or not len(queries):
            shape = (len(queries), k)
            return np.empty(shape, "float32"), np.empty(shape, "int64")
        return self._backend.search(self._converted(queries, of_length_1), k)

    def save(self, folder):
        """Writes the index into a folder, completely or not at all."""
        with writing_folder(folder) as temporary:
            np.save(temporary / ALIVE_FILE, self._alive)
            self._backend.write(temporary / self._backend.file)
            files = (ALIVE_FILE, self._backend.file)
            record = {
                "format_version": FORMAT_VERSION,
                **{name: getattr(self, name) for name in _SETTINGS},
                "files": {
                    name: file_digest(temporary / name) for name in files
                },
            }
            text = json.dumps(record, indent=2)
            (temporary / INDEX_FILE).write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, folder):
        """Reads what `save` wrote.

        Raises:
            FileNotFoundError: if it is no such folder, or a file is missing.
            ValueError: if a file is cut short or changed, or of a newer
                format.
            ImportError: if it needs FAISS and that is not installed.
        """
        path = Path(folder) / INDEX_FILE
        types = {**_SETTINGS, "files": dict}
        record = read_record(path, FORMAT_VERSION, types, "VectorIndex.save")
        settings = {name: record[name] for name in _SETTINGS}
        index = cls(**settings)
        alive_file, vectors_file = (
            check_file(path.with_name(name), record["files"].get(name), path)
            for name in (ALIVE_FILE, index._backend.file)
        )
        index._alive = np.load(alive_file)
        index._count = int(np.count_nonzero(index._alive))
        index._backend.read(vectors_file, index._alive)
        if index._backend.shape != (index._count, index.dim):
            raise ValueError(
                f"{vectors_file} holds {index._backend.shape} vectors and "
                f"components. Expected {(index._count, index.dim)}, as "
                f"{INDEX_FILE} and {ALIVE_FILE} say. Copy the folder again."
            )
        # Once more, since the file brought an index of its own.
        index.search_parameters = settings["search_parameters"]
        return index

    def _checked(self, vectors, name):
        return checked_vectors(vectors, name, self.dim, self.similarity)

    def _converted(self, vectors, of_length_1=False):
        """Vectors as the backend has them."""
        vectors = np.ascontiguousarray(vectors, "float32")
        if of_length_1 or self.similarity != "cosine":
            return vectors
        return unit_vectors(vectors)


def _check_string(value, name):
    # FAISS takes a number for a string in some places, and means another thing.
    if value is not None and not isinstance(value, str):
        raise TypeError(
            f"`{name}` must be a string of FAISS, or None. Received: "
            f"{name}={value!r}."
        )
    return value
