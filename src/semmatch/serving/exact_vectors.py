"""Search among all vectors, in numpy."""

import numpy as np

from semmatch._similarity import similarity_matrix

# Components of vectors that are compared at once (2 MB, which a cache holds),
# and the most keys of one block of queries (64 MB).
_BLOCK = 2**18
_KEYS = 2**23

_LAST = 2**32 - 1
_MAGNITUDE = np.int32(2**31 - 1)

# A squared distance smaller than this share of the squared lengths is what
# rounding of float32 vectors leaves of none.
_NO_DISTANCE = 1e-14


class ExactVectors:
    """Vectors in the order of their rows, each of which a search looks at.

    Similarities are computed in float64 and rounded once. So the same two
    vectors always have the same one, whatever stands beside them, and equal
    ones come in the order of their rows.

    Args:
        dim: int, the width of a vector.
        similarity: `"dot"`, `"euclidean"` or `"manhattan"`.

    >>> exact = ExactVectors(2, "dot")
    >>> exact.add(np.array([[1, 0], [0, 1], [1, 0]], "f"), np.array([4, 5, 6]))
    >>> exact.search(np.array([[2, 1]], "f"), 3)[1].tolist()
    [[4, 6, 5]]
    """

    file = "vectors.npy"
    can_remove = True

    def __init__(self, dim, similarity):
        self.similarity = similarity
        self._rows = np.empty(0, "int64")
        # With room for more, so that adding one by one copies little.
        self._room = np.empty((0, dim), "float32")

    @property
    def vectors(self):
        """float32 `(n, dim)`, a view."""
        return self._room[: len(self._rows)]

    @property
    def shape(self):
        """How many vectors there are, and their width."""
        return self.vectors.shape

    def train(self, vectors, convert):
        """Nothing: there is nothing to learn."""

    def add(self, vectors, rows):
        """Adds float32 `(n, dim)` vectors under rows above those here."""
        start, end = len(self._rows), len(self._rows) + len(rows)
        if end > len(self._room):
            room = np.empty((max(end, 2 * start), vectors.shape[1]), "float32")
            room[:start] = self.vectors
            self._room = room
        self._room[start:end] = vectors
        self._rows = np.concatenate([self._rows, rows])

    def remove(self, dead):
        """Drops the rows where `dead`, bool by row, is true."""
        kept = ~dead[self._rows]
        self._room = self.vectors[kept]
        self._rows = self._rows[kept]

    def search(self, queries, k):
        """Similarities and rows of the `k` best, each `(q, k)`."""
        found = np.empty((len(queries), k), "int64")
        step = max(1, _KEYS // len(self._rows))
        for start in range(0, len(queries), step):
            block = slice(start, start + step)
            found[block] = self._best_keys(queries[block], k)
        similarities, places = _from_keys(found)
        return similarities, self._rows[places]

    def write(self, path):
        """Writes the vectors."""
        np.save(path, self.vectors)

    def read(self, path, alive):
        """Reads vectors of the rows where `alive`, bool by row, is true."""
        self._room = np.load(path)
        self._rows = np.flatnonzero(alive)

    def _best_keys(self, queries, k):
        count = len(self._rows)
        keys = np.empty((len(queries), count), "int64")
        step = max(1, _BLOCK // max(1, queries.shape[1]))
        for start in range(0, count, step):
            end = min(start + step, count)
            similarities = self._similarities(queries, self.vectors[start:end])
            keys[:, start:end] = _to_keys(similarities, np.arange(start, end))
        keys.partition(count - k, axis=1)
        return np.sort(keys[:, count - k :], axis=1)[:, ::-1]

    def _similarities(self, queries, vectors):
        if self.similarity == "manhattan":
            return similarity_matrix(queries, vectors, "manhattan")
        a, b = queries.astype("float64"), vectors.astype("float64")
        products = a @ b.T
        if self.similarity == "dot":
            return products.astype("float32")
        lengths = _squares(a)[:, None] + _squares(b)
        squares = lengths - 2 * products
        squares[squares < _NO_DISTANCE * lengths] = 0
        return -np.sqrt(squares).astype("float32")


def _squares(vectors):
    return np.einsum("nd,nd->n", vectors, vectors)


def _to_keys(similarities, places):
    """One int64 that sorts as a similarity, then against its place.

    The bits of floats sort as integers do, of negative ones backwards.
    """
    bits = (similarities + np.float32(0)).view("int32")  # of -0.0 those of 0.0
    ordered = bits ^ ((bits >> 31) & _MAGNITUDE)
    return (ordered.astype("int64") << 32) | (_LAST - places)


def _from_keys(keys):
    ordered = (keys >> 32).astype("int32")
    bits = ordered ^ ((ordered >> 31) & _MAGNITUDE)
    return bits.view("float32"), _LAST - (keys & _LAST)
