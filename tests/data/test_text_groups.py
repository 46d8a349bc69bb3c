"""Groups are what pairs, groups and equal texts join."""

import itertools

import numpy as np
import pytest

from semmatch.data import Triplets
from semmatch.data.text_groups import text_groups


def triplets(anchor, positive, groups=None):
    anchor = list(anchor)
    return Triplets(anchor, list(positive), [[] for _ in anchor], groups)


@pytest.mark.parametrize(
    ("anchor", "positive", "expected"),
    [
        ("ab", "cd", {"a": 0, "c": 0, "b": 1, "d": 1}),
        # Over an anchor, a positive, and one that is both.
        ("aa", "bc", {"a": 0, "b": 0, "c": 0}),
        ("ab", "cc", {"a": 0, "c": 0, "b": 0}),
        ("acb", "bdc", {"a": 0, "b": 0, "c": 0, "d": 0}),
        ("a", "a", {"a": 0}),
    ],
)
def test_what_rows_share_joins_them(anchor, positive, expected):
    assert text_groups(triplets(anchor, positive)) == expected


def test_white_space_around_a_text_does_not_count():
    found = text_groups(triplets(["a ", "\tc"], ["b", "a"]))
    assert found == {"a": 0, "b": 0, "c": 0}


def test_rows_of_one_group_are_joined_and_a_group_is_no_text():
    found = text_groups(triplets("abc", "def", ["x", "a", "x"]))
    assert found == {"a": 0, "d": 0, "c": 0, "f": 0, "b": 1, "e": 1}


def test_groups_that_share_a_text_are_one():
    found = text_groups(triplets("aa", "bc", [1, 2]))
    assert set(found.values()) == {0}


def test_groups_are_the_connected_parts_of_a_random_graph():
    random = np.random.default_rng(0)
    edges = random.integers(0, 60, (45, 2))
    found = text_groups(triplets(map(str, edges[:, 0]), map(str, edges[:, 1])))
    # Reachability by powers of the adjacency matrix.
    near = np.eye(60, dtype=bool)
    near[edges[:, 0], edges[:, 1]] = near[edges[:, 1], edges[:, 0]] = True
    for _ in range(6):
        near = near @ near
    for a, b in itertools.combinations(found, 2):
        assert (found[a] == found[b]) == near[int(a), int(b)]
    assert set(found) == set(map(str, np.unique(edges)))
