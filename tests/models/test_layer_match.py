"""Which layers learn from which."""

import pytest

from semmatch.models import LayerMatch


@pytest.mark.parametrize(
    ("match", "sizes", "expected"),
    [
        (LayerMatch(), (4, 12), [(0, 0), (1, 3), (2, 6), (3, 9), (4, 12)]),
        (LayerMatch(layers="uniform"), (2, 3), [(0, 0), (1, 2), (2, 3)]),
        (LayerMatch("attention"), (4, 12), [(1, 3), (2, 6), (3, 9), (4, 12)]),
        (LayerMatch(layers="last"), (4, 12), [(4, 12)]),
        (LayerMatch(layers="first"), (2, 12), [(0, 0), (1, 1), (2, 2)]),
        (LayerMatch("attention", "first"), (2, 12), [(1, 1), (2, 2)]),
        (LayerMatch(layers={2: 12, 0: 0}), (2, 12), [(2, 12), (0, 0)]),
        (LayerMatch(layers={"block_1": "block_11"}), (2, 12), [(2, 12)]),
    ],
)
def test_layers_by_rule_number_and_name(match, sizes, expected):
    assert match.layer_pairs(*sizes) == expected


@pytest.mark.parametrize(
    ("match", "sizes"),
    [
        (LayerMatch(layers={3: 1}), (2, 12)),
        (LayerMatch(layers={1: 13}), (2, 12)),
        (LayerMatch(layers={-1: 1}), (2, 12)),
        (LayerMatch("attention", {0: 0}), (2, 12)),
        (LayerMatch(layers={"block_2": 1}), (2, 12)),
        (LayerMatch(layers="first"), (4, 2)),
    ],
)
def test_layers_that_are_not_there_are_refused(match, sizes):
    with pytest.raises(ValueError, match="must name layers"):
        match.layer_pairs(*sizes)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"feature": "values"}, "`feature` must be one of"),
        ({"loss": "kl"}, "`loss` must be one of"),
        ({"feature": "attention", "loss": "cosine"}, "`loss` must be one of"),
        ({"layers": "every third"}, "`layers` must be one of"),
        ({"feature": "pooled", "layers": "last"}, "no layers to choose"),
        ({"weight": 0}, "finite number above 0"),
        ({"weight": float("nan")}, "finite number above 0"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        LayerMatch(**arguments)


@pytest.mark.parametrize("layer", ["head", 1.0, True, None])
def test_a_layer_of_another_name_is_refused(layer):
    with pytest.raises(ValueError, match="named by its number"):
        LayerMatch(layers={layer: 1}).layer_pairs(2, 2)


def test_an_empty_map_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        LayerMatch(layers={}).layer_pairs(2, 2)
