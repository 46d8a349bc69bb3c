"""Batches of one length are computed at once, and come in their order."""

import threading

import numpy as np
import pytest

from semmatch.serving.at_once import AtOnce

LENGTHS = np.random.default_rng(0).integers(1, 65, 400)


def pack(rows):
    return {"rows": rows}


def square(features):
    return features["rows"] ** 2


def alone(features):
    raise AssertionError("computed with all threads")


def collected(at_once, lengths, run_alone=alone, max_rows=None):
    return list(at_once.outputs(lengths, pack, run_alone, max_rows))


@pytest.mark.parametrize("max_rows", [None, 1, 5])
@pytest.mark.parametrize("num_threads", [2, 3, 8])
def test_each_row_has_its_output(num_threads, max_rows):
    at_once = AtOnce(square, num_threads)
    found = collected(at_once, LENGTHS, max_rows=max_rows)
    for rows, outputs in found:
        np.testing.assert_array_equal(outputs, rows**2)
        assert len(set(LENGTHS[rows])) == 1
        assert LENGTHS[rows].sum() <= 512
        assert max_rows is None or len(rows) <= max_rows
    rows = np.concatenate([rows for rows, _ in found])
    assert sorted(rows) == list(range(400))
    sizes = [LENGTHS[rows].sum() for rows, _ in found]
    assert sizes == sorted(sizes, reverse=True)


def test_as_many_are_computed_at_once_as_there_are_threads():
    meeting = threading.Barrier(3, timeout=20)
    running, most = [0], [0]
    lock = threading.Lock()

    def run(features):
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        meeting.wait()
        with lock:
            running[0] -= 1
        return features["rows"]

    at_once = AtOnce(run, 3, max_tokens=8)
    assert len(collected(at_once, [8] * 12)) == 12
    assert most == [3]


@pytest.mark.parametrize(
    ("num_threads", "lengths", "at_once"),
    [
        (1, [8] * 9, False),
        (2, [8], False),
        (2, [8, 8], True),
        (2, [8, 16], False),
        (2, [8, 16, 8], True),
        (2, [8, 8, 8], False),
        (2, [8] * 5, True),
        (4, [8, 8], False),
        (4, [8, 8, 8], True),
        (8, [8] * 4, False),
        (8, [8] * 5, True),
    ],
)
def test_all_threads_compute_what_is_too_little_for_most(
    num_threads, lengths, at_once
):
    computed = {"one": 0, "all": 0}

    def counting(name):
        def run(features):
            computed[name] += len(features["rows"])
            return features["rows"]

        return run

    found = collected(
        AtOnce(counting("one"), num_threads), lengths, counting("all")
    )
    count = len(lengths)
    assert computed == {"one": count * at_once, "all": count * (not at_once)}
    if not at_once:  # no more batches than lengths
        assert len(found) == len(set(lengths))


def test_little_work_is_shared_evenly():
    found = collected(AtOnce(square, 2), [16] * 20)
    assert [len(rows) for rows, _ in found] == [10, 10]


def test_little_is_packed_before_it_is_computed():
    packed = []

    def counting(rows):
        packed.append(rows)
        return pack(rows)

    at_once = AtOnce(square, 2, max_tokens=8)
    found = at_once.outputs([8] * 100, counting, alone)
    assert packed == []
    next(found)
    assert len(packed) == 5
    next(found)
    assert len(packed) == 6
    assert len(list(found)) == 98


class BrokenError(Exception):
    pass


@pytest.mark.parametrize("ends", ["by an error", "since nobody asks"])
def test_nothing_goes_on_when_the_work_ends(ends):
    held, computed = threading.Event(), []

    def run(features):
        [row] = features["rows"]
        if row == 1 and ends == "by an error":
            raise BrokenError
        if row > 0:
            held.wait(20)
            computed.append(row)
        return row

    at_once = AtOnce(run, 2, max_tokens=8)
    found = at_once.outputs([8] * 100, pack, alone)
    assert next(found)[1] == 0
    if ends == "by an error":
        with pytest.raises(BrokenError):
            list(found)
    else:
        found.close()
    held.set()
    at_once._pool.shutdown()
    # What the two threads had begun they end; more was packed.
    assert len(computed) <= 2


def test_no_rows_are_nothing():
    assert collected(AtOnce(square, 2), []) == []
