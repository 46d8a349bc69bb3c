"""Times `VectorIndex` and plain calls of FAISS on the same vectors.

    python benchmarks/index.py --vectors 1000000 --dim 384

The vectors are synthetic: unit vectors around a centre for every hundred. Each
kind of index is built, saved, loaded and searched by our class and by FAISS
itself; a ratio above 1 is what our class costs. All are medians of runs that
take turns, after one that warms up; a graph (HNSW), which takes minutes, is
built once. numpy is set against FAISS's flat index.

Ours checks that vectors are finite, makes them unit vectors if they are not,
and writes and checks a SHA-256 of parts of the file; plain FAISS does none of
it.
"""

import argparse
import importlib.metadata
import os
import platform
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import faiss
import numpy as np

from semmatch import VectorIndex

K = 10
PACKAGES = ("semmatch", "faiss-cpu", "numpy")
KINDS = ("numpy", "Flat", "HNSW32:efSearch=64", "IVF1024,Flat:nprobe=16")


def main():
    options = parse_arguments()
    vectors, queries = make_vectors(options)
    print_setting(options)
    right = faiss.knn(queries, vectors, K, metric=faiss.METRIC_INNER_PRODUCT)[1]
    for kind in options.kinds:
        print(f"\n{kind}\n{'':22}{'ours s':>10}{'FAISS s':>10}{'ratio':>8}")
        with tempfile.TemporaryDirectory() as folder:
            measure(kind, vectors, queries, right, options, Path(folder))


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--vectors", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--queries", type=int, default=200, help="of one batch")
    parser.add_argument(
        "--single", type=int, default=20, help="queries that come one by one"
    )
    parser.add_argument("--runs", type=int, default=5, help="of a search")
    parser.add_argument(
        "--builds", type=int, default=3, help="and saves and loads"
    )
    parser.add_argument(
        "--kinds",
        nargs="+",
        default=KINDS,
        help='"numpy", or factory strings, with search parameters after a '
        "colon",
    )
    return parser.parse_args()


def make_vectors(options):
    """Unit vectors, float32, and queries that are near some of them."""
    random = np.random.default_rng(0)
    count, dim = options.vectors, options.dim

    def normal(rows):
        return random.standard_normal((rows, dim), "float32")

    centres = normal(max(1, count // 100))
    vectors = normal(count)
    vectors += centres[random.integers(len(centres), size=count)]
    faiss.normalize_L2(vectors)
    near = random.integers(count, size=options.queries)
    queries = vectors[near] + normal(options.queries) / dim**0.5 / 2
    faiss.normalize_L2(queries)
    return vectors, queries


def measure(kind, vectors, queries, right, options, folder):
    factory, _, parameters = kind.partition(":")
    dim = vectors.shape[1]

    def build_ours():
        index = VectorIndex(
            dim,
            factory=None if factory == "numpy" else factory,
            search_parameters=parameters or None,
        )
        index.add(vectors)
        return index

    def build_plain():
        index = faiss.index_factory(
            dim,
            "Flat" if factory == "numpy" else factory,
            faiss.METRIC_INNER_PRODUCT,
        )
        if parameters:
            faiss.ParameterSpace().set_index_parameters(index, parameters)
        index.train(vectors)
        index.add(vectors)
        return index

    builds = [build_ours, build_plain]
    if "HNSW" in factory:
        seconds = [timed(build) for build in builds]
    else:
        seconds = median_seconds(builds, options.builds)
    print_row("build", *seconds)
    ours, plain = (build() for build in builds)
    file = str(folder / "plain.faiss")
    saves = [
        lambda: ours.save(folder / "ours"),
        lambda: faiss.write_index(plain, file),
    ]
    print_row(
        "save", *median_seconds(saves, options.builds, lambda: clear(folder))
    )
    for save in saves:
        save()
    # What is still to be written would slow down the first that loads.
    os.sync()
    loads = [
        lambda: VectorIndex.load(folder / "ours"),
        lambda: faiss.read_index(file),
    ]
    print_row("load", *median_seconds(loads, options.builds))
    one_by_one = [query[None] for query in queries[: options.single]]
    batches = {
        f"search of {len(queries)}": [queries],
        f"search of {len(one_by_one)} x 1": one_by_one,
    }
    for name, batch in batches.items():
        searches = [search_all(index, batch) for index in (ours, plain)]
        print_row(name, *median_seconds(searches, options.runs))
    for name, index in {"ours": ours, "FAISS": plain}.items():
        recall = recall_of(index.search(queries, K)[1], right)
        print(f"recall at {K}, {name}: {recall:.4f}")


def search_all(index, batches):
    def search():
        for queries in batches:
            index.search(queries, K)

    return search


def clear(folder):
    """Empties a folder, and has the disk take what waits to be written.

    Over an index that is there ours would write a second one first, and FAISS
    would write over the only one.
    """
    shutil.rmtree(folder)
    folder.mkdir()
    os.sync()


def median_seconds(functions, runs, prepare=lambda: None):
    """Of each function; they take turns, so that both see a busy machine.

    Before each `prepare` is called, off the clock.
    """
    seconds = [[] for _ in functions]
    for run in range(1 + runs):
        for function, own in zip(functions, seconds, strict=True):
            prepare()
            elapsed = timed(function)
            if run:
                own.append(elapsed)
    return [statistics.median(own) for own in seconds]


def timed(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def recall_of(rows, right):
    """The share of the nearest vectors that are among those found."""
    return (rows[:, :, None] == right[:, None]).any(axis=1).mean()


def print_setting(options):
    versions = [f"{n} {importlib.metadata.version(n)}" for n in PACKAGES]
    machine = platform.processor() or platform.machine()
    print(", ".join(versions), machine, f"{os.cpu_count()} cores")
    print(
        f"{options.vectors:,} vectors of {options.dim}, cosine, the {K} best; "
        f"FAISS uses {faiss.omp_get_max_threads()} threads"
    )


def print_row(name, ours, plain):
    print(f"{name:22}{ours:10.4f}{plain:10.4f}{ours / plain:8.2f}", flush=True)


if __name__ == "__main__":
    main()
