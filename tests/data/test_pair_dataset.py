"""Batches, their order, and what they waste on padding."""

import numpy as np
import pytest

from semmatch.data import pair_dataset
from semmatch.data import Pairs
from semmatch.data.pair_dataset import epoch_order
from tests.checks import tiny_preprocessor
from tests.data.batches import batches
from tests.data.batches import order
from tests.data.batches import padding

SIZE = 203


@pytest.fixture(scope="module")
def preprocessor():
    return tiny_preprocessor(sequence_length=64)


@pytest.fixture(scope="module")
def pairs():
    """Pairs of many lengths; the label is the number of the row."""
    generator = np.random.default_rng(0)
    lengths = generator.integers(1, 50, SIZE)
    return Pairs(["借" * n for n in lengths], ["还"] * SIZE, np.arange(SIZE))


def test_batches_hold_what_the_preprocessor_packs(pairs, preprocessor):
    start = 0
    for features, labels in batches(
        pair_dataset(pairs, preprocessor, batch_size=50)
    ):
        rows = slice(start, start + len(labels))
        expected = preprocessor.pack(pairs.text_a[rows], pairs.text_b[rows])
        assert set(features) == set(expected)
        for name, feature in features.items():
            assert feature.dtype == np.int32
            assert feature.shape[1] % 8 == 0
            np.testing.assert_array_equal(feature, expected[name])
        np.testing.assert_array_equal(labels, pairs.label[rows])
        start += 50
    assert start == 250


def test_a_preprocessor_without_segments_gives_none(pairs):
    dataset = pair_dataset(pairs, tiny_preprocessor(segments=False))
    assert set(batches(dataset)[0][0]) == {"token_ids", "padding_mask"}
    assert set(dataset.element_spec[0]) == {"token_ids", "padding_mask"}


@pytest.mark.parametrize("size", [64, 8])
@pytest.mark.parametrize("how", [{}, {"shuffle": True}, {"sort": True}])
def test_every_pair_comes_once_and_the_last_batch_is_partial(
    pairs, preprocessor, size, how
):
    dataset = pair_dataset(pairs, preprocessor, batch_size=size, **how)
    seen = order(dataset)
    assert sorted(sum(seen, [])) == list(range(SIZE))
    assert [len(batch) for batch in seen] == [size] * (SIZE // size) + [
        SIZE % size
    ]
    assert dataset.cardinality() == len(seen)


def test_the_default_is_the_order_given_in_batches_of_64(pairs, preprocessor):
    seen = order(pair_dataset(pairs, preprocessor))
    assert sum(seen, []) == list(range(SIZE))
    assert len(seen[0]) == 64


def test_the_order_is_a_function_of_seed_and_epoch(pairs, preprocessor):
    def epochs(seed):
        dataset = pair_dataset(
            pairs, preprocessor, batch_size=8, shuffle=True, seed=seed
        )
        return [sum(order(dataset), []) for _ in range(3)]

    lengths = np.array([len(text) + 1 for text in pairs.text_a])
    first = epochs(seed=5)
    assert first == epochs(seed=5)
    assert first == [
        epoch_order(lengths, 8, 5, epoch).tolist() for epoch in range(3)
    ]
    assert first[0] != first[1] != first[2] != first[0]
    assert epochs(seed=6)[0] != first[0]


def test_the_default_seed_is_fixed(pairs, preprocessor):
    default = pair_dataset(pairs, preprocessor, shuffle=True)
    zero = pair_dataset(pairs, preprocessor, shuffle=True, seed=0)
    assert order(default) == order(zero)


def test_an_epoch_interrupted_is_over(pairs, preprocessor):
    dataset = pair_dataset(pairs, preprocessor, batch_size=8, shuffle=True)
    next(iter(dataset))
    other = pair_dataset(pairs, preprocessor, batch_size=8, shuffle=True)
    order(other)
    assert order(dataset) == order(other)


@pytest.mark.parametrize("how", ["shuffle", "sort"])
def test_similar_lengths_share_a_batch(pairs, preprocessor, how):
    plain = padding(pair_dataset(pairs, preprocessor, batch_size=8))
    grouped = padding(
        pair_dataset(pairs, preprocessor, batch_size=8, **{how: True})
    )
    assert grouped < plain / 2


def test_shuffled_batches_are_not_in_order_of_length(pairs, preprocessor):
    dataset = pair_dataset(pairs, preprocessor, batch_size=8, shuffle=True)
    lengths = [len(pairs.text_a[rows[0]]) for rows in order(dataset)]
    assert lengths != sorted(lengths)


def test_sorted_pairs_come_from_short_to_long_ties_as_given(preprocessor):
    pairs = Pairs(["借借借", "还", "借借", "款"], ["还"] * 4, range(4))
    dataset = pair_dataset(pairs, preprocessor, batch_size=3, sort=True)
    assert order(dataset) == [[1, 3, 2], [0]]


@pytest.mark.parametrize("size", [1, 7, 64])
def test_rows_are_shuffled_beyond_their_chunk(size):
    # With one length, nothing but the shuffles decides.
    lengths = np.ones(10_000, "int64")
    rows = epoch_order(lengths, size, seed=0, epoch=0)
    assert sorted(rows) == list(range(10_000))
    assert abs(np.corrcoef(rows, np.arange(10_000))[0, 1]) < 0.05


@pytest.mark.parametrize("how", [{}, {"shuffle": True}, {"sort": True}])
def test_weights_stay_with_their_pairs(pairs, preprocessor, how):
    weight = np.arange(SIZE) / 2
    dataset = pair_dataset(pairs, preprocessor, sample_weight=weight, **how)
    for _, labels, weights in batches(dataset):
        assert weights.dtype == np.float32
        np.testing.assert_array_equal(weights, labels / 2)


@pytest.mark.parametrize("how", [{}, {"shuffle": True}, {"sort": True}])
def test_without_labels_there_are_features_alone(preprocessor, how):
    dataset = pair_dataset(Pairs(["a"] * 3, ["b"] * 3), preprocessor, **how)
    (batch,) = batches(dataset)
    assert len(batch) == 1
    assert batch[0]["token_ids"].shape == (3, 8)


def test_the_batch_size_is_known_to_the_graph_where_it_can_be(
    pairs, preprocessor
):
    features, labels = pair_dataset(pairs, preprocessor).element_spec
    assert features["token_ids"].shape.as_list() == [None, None]
    assert features["token_ids"].dtype.name == "int32"
    assert labels.dtype.name == "int64"


ONE_CLASS = Pairs(["a", "b"], ["c", "d"], [1, 1])
UNLABELLED = Pairs(["a", "b"], ["c", "d"])


@pytest.mark.parametrize(
    ("records", "options", "message"),
    [
        (Pairs([], []), {}, "`pairs` is empty"),
        (ONE_CLASS, {"shuffle": True}, "All 2 labels are 1: .* one class"),
        (ONE_CLASS, {"batch_size": 0}, "`batch_size` must be .*batch_size=0"),
        (ONE_CLASS, {"sample_weight": [1]}, r"shape \(2,\).*shape \(1,\)"),
        (UNLABELLED, {"sample_weight": [1, 1]}, "pairs have no labels"),
        (UNLABELLED, {"shuffle": True, "sort": True}, "exclude each other"),
    ],
)
def test_what_does_not_fit_is_refused(preprocessor, records, options, message):
    with pytest.raises(ValueError, match=message):
        pair_dataset(records, preprocessor, **options)


def test_one_class_may_be_evaluated(preprocessor):
    assert len(batches(pair_dataset(ONE_CLASS, preprocessor))) == 1


def test_no_tuner_holds_up_the_end_of_an_epoch(pairs, preprocessor):
    for options in ({}, {"shuffle": True}, {"sort": True}):
        dataset = pair_dataset(pairs, preprocessor, **options).take(2)
        assert dataset.options().autotune.enabled is False


@pytest.mark.parametrize("order", [{}, {"shuffle": True}, {"sort": True}])
def test_a_batch_larger_than_the_data_holds_all(pairs, preprocessor, order):
    dataset = pair_dataset(pairs, preprocessor, batch_size=1000, **order)
    assert len(dataset) == 1
    ((features, labels),) = batches(dataset)
    assert sorted(labels) == sorted(pairs.label)
    assert len(features["token_ids"]) == SIZE
