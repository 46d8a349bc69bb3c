"""Search by an index of FAISS."""

import numpy as np

from semmatch._optional import require

# Components of vectors that FAISS is given at once, 64 MB of them: what is
# made of them before, such as unit vectors, is no second copy of all.
BLOCK = 2**24

# FAISS's clustering takes this many vectors for each centroid and no more;
# its other quantisers have up to 256 of them.
_VECTORS_A_CENTROID = 256
_CENTROIDS = 1024

# What a search parameter's name ends in, of those that count what is visited.
_COUNTS = ("nprobe", "efSearch")


class FaissVectors:
    """Vectors in an index of FAISS, under rows that stay theirs.

    The index is the only place that holds them. Which way removal goes
    depends on it: flat, quantised and inverted-file indexes drop the vectors;
    a graph (HNSW) cannot, so they are left out of what a search finds, and
    when they outnumber the others the graph is built again without them.

    Args:
        index: an empty FAISS index that takes rows by `add_with_ids`.

    Attributes:
        can_remove: bool.

    Source: Douze et al. 2024, "The Faiss library".
    """

    file = "vectors.faiss"

    def __init__(self, index):
        self.faiss = require("faiss", "retrieval")
        self.index = index
        # Of a graph the rows to leave out, as bits, and how many it holds.
        self._dead = None
        self._num_dead = 0
        self.can_remove = self._graph() is not None or self._removes()

    @classmethod
    def create(cls, dim, similarity, factory):
        """An empty index that a factory string describes.

        Raises:
            ValueError: if FAISS does not understand it, or cannot build it
                for this `dim`.
        """
        faiss = require("faiss", "retrieval")
        metric = (
            faiss.METRIC_L2
            if similarity == "euclidean"
            else faiss.METRIC_INNER_PRODUCT
        )
        try:
            index = faiss.index_factory(dim, factory, metric)
        except RuntimeError as error:
            raise ValueError(
                "`factory` must be a string that FAISS makes an index of, "
                'such as "Flat", "HNSW32" or "IVF1024,Flat". Received: '
                f"factory={factory!r} for dim={dim}. FAISS says: {error}"
            ) from error
        if isinstance(index, faiss.IndexIDMap):
            raise ValueError(
                "Rows are kept by `VectorIndex`. Received: "
                f"factory={factory!r}. Leave its IDMap out."
            )
        # Inverted files keep the rows that they are given; for all others a
        # map does, since most of them number their vectors anew on removal.
        keeps_rows = faiss.try_extract_index_ivf(index) is not None
        if not keeps_rows or isinstance(index, faiss.IndexRefine):
            index = faiss.IndexIDMap(index)
        return cls(index)

    @property
    def shape(self):
        """How many vectors a search can find, and their width."""
        return self._num_found(), self.index.d

    def tune(self, parameters):
        """Sets parameters of the search, a string such as `"nprobe=16"`."""
        for part in parameters.split(","):
            name, equals, value = part.partition("=")
            counts = equals and name.strip().endswith(_COUNTS)
            # FAISS takes others, and then finds nothing.
            if counts and not _at_least_1(value):
                raise ValueError(
                    f"`{name.strip()}` of `search_parameters` must be a whole "
                    "number of at least 1. Received: search_parameters="
                    f"{parameters!r}."
                )
        try:
            self.faiss.ParameterSpace().set_index_parameters(
                self.index, parameters
            )
        except RuntimeError as error:
            raise ValueError(
                "`search_parameters` must be settings that this index has, "
                'such as "nprobe=16" of IVF or "efSearch=64" of HNSW. '
                f"Received: search_parameters={parameters!r}. FAISS says: "
                f"{error}"
            ) from error

    def train(self, vectors, convert):
        """Learns centroids of vectors, if the index has any.

        Args:
            vectors: `(n, dim)`.
            convert: function that gives float32 vectors as the index has
                them; it gets a sample where there are more than help. None
                if they are such already: FAISS draws its own sample.

        Raises:
            ValueError: if there are fewer than the index needs.
        """
        if self.index.is_trained:
            return
        if convert is not None:
            vectors = convert(self._sample(vectors))
        try:
            self.index.train(vectors)
        except RuntimeError as error:
            raise ValueError(
                "The first `add` trains the index, and needs enough vectors "
                f"for it. Received: {len(vectors)}. Add more of them at once, "
                'or take a `factory` that needs no training, "Flat" or '
                f'"HNSW32". FAISS says: {error}'
            ) from error

    def _sample(self, vectors):
        file = self.faiss.try_extract_index_ivf(self.index)
        centroids = max(_CENTROIDS, file.nlist if file is not None else 0)
        wanted = centroids * _VECTORS_A_CENTROID
        if len(vectors) <= wanted:
            return vectors
        generator = np.random.default_rng(0)
        return vectors[
            np.sort(generator.choice(len(vectors), wanted, replace=False))
        ]

    def add(self, vectors, rows):
        """Adds float32 `(n, dim)` vectors under new rows."""
        self.index.add_with_ids(vectors, rows)

    def remove(self, dead):
        """Drops the rows where `dead`, bool by row, is true."""
        if self._graph() is not None:
            self._hide(dead)
            return
        self.index.remove_ids(self.faiss.IDSelectorBitmap(_bitmap(dead)))

    def search(self, queries, k):
        """Similarities and rows of the `k` best, each `(q, k)`.

        Where an approximate index finds fewer, the row is -1 and the
        similarity minus infinity.
        """
        similarities, rows = self.index.search(
            queries, k, params=self._parameters(k)
        )
        if self.index.metric_type == self.faiss.METRIC_L2:
            # FAISS leaves out the root, and rounding may lead below 0.
            np.maximum(similarities, 0, out=similarities)
            np.negative(np.sqrt(similarities), out=similarities)
        similarities[rows < 0] = -np.inf
        return similarities, rows

    def write(self, path):
        """Writes the index as FAISS does."""
        self.faiss.write_index(self.index, str(path))

    def read(self, path, alive):
        """Reads an index of the rows where `alive`, bool by row, is true."""
        self.index = self.faiss.read_index(str(path))
        if self._graph() is not None:
            self._hide(~alive)

    def _graph(self):
        """The index, if it is one that cannot remove but leave out."""
        if not isinstance(self.index, self.faiss.IndexIDMap):
            return None
        inner = self.faiss.downcast_index(self.index.index)
        return inner if isinstance(inner, self.faiss.IndexHNSW) else None

    def _removes(self):
        """Whether FAISS removes vectors from this kind of index."""
        try:
            self.index.remove_ids(self.faiss.IDSelectorBatch([]))
        except RuntimeError:
            return False
        return True

    def _hide(self, dead):
        rows = self.faiss.vector_to_array(self.index.id_map)
        alive = ~dead[rows]
        if 2 * np.count_nonzero(alive) < len(rows):
            places = np.flatnonzero(alive)
            # What it has of the vectors, so that codes stay the same codes.
            vectors = self._graph().reconstruct_batch(places)
            self.index.reset()
            self.index.add_with_ids(vectors, rows[places])
            alive = alive[places]
        self._dead = None if alive.all() else _bitmap(dead)
        self._num_dead = len(alive) - np.count_nonzero(alive)

    def _num_found(self):
        return self.index.ntotal - self._num_dead

    def _parameters(self, k):
        if self._dead is None:
            return None
        # As many of the living are looked at as would be without the dead.
        graph = self._graph()
        effort = max(graph.hnsw.efSearch, k) * graph.ntotal / self._num_found()
        return self.faiss.SearchParametersHNSW(
            sel=self.faiss.IDSelectorNot(
                self.faiss.IDSelectorBitmap(self._dead)
            ),
            efSearch=int(np.ceil(effort)),
        )


def _at_least_1(value):
    return value.strip().isdecimal() and int(value) >= 1


def _bitmap(flags):
    # What lies beyond its end is false: rows that are added later are alive.
    return np.packbits(flags, bitorder="little")
