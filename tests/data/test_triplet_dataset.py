"""Batches of triplets: what they hold, their groups, and their order."""

import warnings

import numpy as np
import pytest

from semmatch.data import load_faq
from semmatch.data import triplet_dataset
from semmatch.data import Triplets
from semmatch.data.group_order import group_order
from semmatch.data.triplet_dataset import negative_places
from semmatch.models import BiEncoderPreprocessor
from tests.checks import tiny_preprocessor
from tests.models.bi_models import bi_preprocessor

UNEVEN = Triplets(
    ["取消", "还款", "借"],
    ["怎么取消", "如何还款", "借款"],
    [["借", "Hello"], [], ["world", "取消 ", "款"]],
)
HOW = [{}, {"shuffle": True}]


@pytest.fixture(scope="module")
def preprocessor():
    return bi_preprocessor(sequence_length=64)


@pytest.fixture(scope="module")
def numbered():
    """Rows of many lengths, of which each text is its own."""
    random = np.random.default_rng(0)
    names = [
        chr(0x4E00 + row) + "借" * length
        for row, length in enumerate(random.integers(1, 40, 203))
    ]
    negatives = [
        [f"{name}{place}" for place in range((0, 2, 3, 4)[row % 4])]
        for row, name in enumerate(names)
    ]
    return Triplets(names, [name + "款" for name in names], negatives)


@pytest.fixture(scope="module")
def its_preprocessor(numbered):
    """Knows all that is in `numbered`."""
    texts = [*numbered.positive, *(f"借{place}" for place in range(4))]
    return BiEncoderPreprocessor.from_texts(texts, sequence_length=64)


def batches(dataset):
    return list(dataset.as_numpy_iterator())


def order(dataset):
    """The group of the anchors, which is the row where all differ."""
    return [y[:, 0].tolist() for _, y in batches(dataset)]


def test_a_batch_holds_anchors_positives_and_negatives(preprocessor):
    ((features, y),) = batches(triplet_dataset(UNEVEN, preprocessor))
    expected = preprocessor.pack(
        UNEVEN.anchor,
        UNEVEN.positive,
        ["借", "", "world"],
        ["Hello", "", "取消 "],
        ["", "", "款"],
    )
    assert set(features) == set(expected)
    for name, feature in features.items():
        assert feature.dtype == np.int32
        np.testing.assert_array_equal(feature, expected[name])
    assert y.dtype == np.int32
    # A negative is of the group in which its text occurs, or of its own.
    np.testing.assert_array_equal(
        y, [[0, 0, 2, 3, -1], [1, 1, -1, -1, -1], [2, 2, 4, 0, 5]]
    )


def test_a_negative_of_several_rows_has_one_number(preprocessor):
    triplets = Triplets(list("借还"), list("款取"), [["消", "a"], ["a", "消 "]])
    ((_, y),) = batches(triplet_dataset(triplets, preprocessor))
    assert y.tolist() == [[0, 0, 2, 3], [1, 1, 3, 2]]


def test_shared_texts_and_groups_join_rows(preprocessor):
    triplets = Triplets(
        ["借", "还", "款", "取", "消"],
        ["借款", "还款", "借款", "取消", "Hello"],
        [[], [], [], [], ["还款"]],
        [1, 2, 3, 4, 2],
    )
    with pytest.warns(UserWarning, match="1 of 1 negatives"):
        dataset = triplet_dataset(triplets, preprocessor, num_negatives=1)
    ((_, y),) = batches(dataset)
    np.testing.assert_array_equal(y[:, 0], y[:, 1])
    assert y[:, 0].tolist() == [0, 1, 0, 2, 1]
    assert y[:, 2].tolist() == [-1, -1, -1, -1, 1]


def test_an_in_batch_loss_can_leave_out_what_means_the_same(preprocessor):
    """The mask of a loss, from the ids, against one from the intents."""
    faq = load_faq("zh")
    triplets = faq.triplets("train")
    intents = {phrasing.text: phrasing.intent for phrasing in faq.phrasings}
    dataset = triplet_dataset(triplets, preprocessor, batch_size=len(triplets))
    ((_, y),) = batches(dataset)
    candidates = y[:, 1:].ravel()
    texts = [
        text
        for positive, (negative,) in zip(
            triplets.positive, triplets.negatives, strict=True
        )
        for text in (positive, negative)
    ]
    own = np.array([intents[text] for text in triplets.anchor])
    of_texts = np.array([intents[text] for text in texts])
    np.testing.assert_array_equal(
        y[:, :1] == candidates[None], own[:, None] == of_texts[None]
    )


def test_without_negatives_a_batch_holds_pairs(preprocessor):
    triplets = Triplets.from_texts(list("借还借款"))
    ((features, y),) = batches(triplet_dataset(triplets, preprocessor))
    assert features["token_ids"].shape == (4, 2, 8)
    assert y.tolist() == [[0, 0], [1, 1], [0, 0], [2, 2]]


@pytest.mark.parametrize("how", HOW)
def test_the_shapes_are_known_to_the_graph(preprocessor, how):
    dataset = triplet_dataset(UNEVEN, preprocessor, num_negatives=2, **how)
    features, y = dataset.element_spec
    assert features["token_ids"].shape.as_list() == [None, 4, None]
    assert features["token_ids"].dtype.name == "int32"
    assert y.shape.as_list() == [None, 4]
    assert y.dtype.name == "int32"
    assert dataset.options().autotune.enabled is False


@pytest.mark.parametrize("size", [64, 8, 1000])
@pytest.mark.parametrize("how", HOW)
def test_every_row_comes_once_and_the_last_batch_is_partial(
    numbered, its_preprocessor, size, how
):
    dataset = triplet_dataset(
        numbered, its_preprocessor, batch_size=size, **how
    )
    seen = order(dataset)
    assert sorted(sum(seen, [])) == list(range(203))
    assert [len(batch) for batch in seen] == [size] * (203 // size) + [
        203 % size
    ]
    assert dataset.cardinality() == len(seen)


def test_the_default_is_the_order_given_in_batches_of_64(
    numbered, its_preprocessor
):
    seen = order(triplet_dataset(numbered, its_preprocessor))
    assert sum(seen, []) == list(range(203))
    assert len(seen[0]) == 64


def test_the_order_is_a_function_of_seed_and_epoch(numbered, its_preprocessor):
    def epochs(**options):
        dataset = triplet_dataset(
            numbered, its_preprocessor, batch_size=8, shuffle=True, **options
        )
        return [sum(order(dataset), []) for _ in range(2)]

    # A text has a token for each character.
    longest = [
        max(map(len, [text, other, *negatives]))
        for text, other, negatives in zip(
            numbered.anchor, numbered.positive, numbered.negatives, strict=True
        )
    ]
    first = epochs(seed=5)
    assert first == epochs(seed=5)
    assert first == [
        group_order(longest, np.arange(203), 8, 5, epoch).tolist()
        for epoch in range(2)
    ]
    assert first[0] != first[1]
    assert epochs(seed=6) != first
    assert epochs() == epochs(seed=0)


def test_the_longest_of_a_rows_texts_decides_its_batch(preprocessor):
    long = "借" * 40
    rows = [("a", "b", ["c"]), (long, "b", []), ("a", long, []), ("a", "b", [])]
    rows = [*rows * 2, ("a", "b", [long]), ("a", "b", ["c", long])]
    anchor, positive, negatives = map(list, zip(*rows, strict=True))
    with warnings.catch_warnings():
        # All rows share a text here.
        warnings.simplefilter("ignore")
        dataset = triplet_dataset(
            Triplets(anchor, positive, negatives),
            preprocessor,
            batch_size=2,
            shuffle=True,
        )
    lengths = [features["token_ids"].shape[2] for features, _ in dataset]
    assert sorted(lengths) == [8, 8, 48, 48, 48]


def test_many_duplicates_meet_as_seldom_as_they_can(preprocessor):
    """12 texts of 25 rows each in 30 batches of 10: each once in a batch."""
    texts = [chr(0x4E00 + row) for row in range(12)]
    random = np.random.default_rng(0)
    copies = random.permutation(texts * 25)
    positives = [f"{text}{random.integers(5)}" for text in copies]
    triplets = Triplets(copies, positives, [[] for _ in copies])
    dataset = triplet_dataset(
        triplets, preprocessor, batch_size=10, shuffle=True
    )
    for rows in order(dataset) + order(dataset):
        assert len(set(rows)) == 10


def test_more_negatives_than_places_are_drawn_anew_in_each_epoch(
    preprocessor,
):
    rows = 40
    triplets = Triplets(
        [chr(0x4E00 + row) for row in range(rows)],
        [chr(0x5E00 + row) for row in range(rows)],
        [[f"{row} {place}" for place in range(row % 7)] for row in range(rows)],
    )
    starts = rows + np.concatenate([[0], np.cumsum(np.arange(rows) % 7)])

    def drawn(dataset):
        """For each row the numbers of its own negatives that it has."""
        found = {}
        for _, y in batches(dataset):
            for row, *places in y[:, [0, 2, 3, 4]].tolist():
                full = [place for place in places if place >= 0]
                assert len(set(full)) == len(full) == min(3, row % 7)
                # Empty places come last.
                assert places[len(full) :] == [-1] * (3 - len(full))
                found[row] = {place - starts[row] for place in full}
                assert found[row] <= set(range(row % 7))
        return found

    options = {"batch_size": 16, "num_negatives": 3}
    fixed = triplet_dataset(triplets, preprocessor, **options)
    first = {row: set(range(min(3, row % 7))) for row in range(rows)}
    assert drawn(fixed) == drawn(fixed) == first

    options["shuffle"] = True
    one = triplet_dataset(triplets, preprocessor, seed=1, **options)
    again = triplet_dataset(triplets, preprocessor, seed=1, **options)
    other = triplet_dataset(triplets, preprocessor, seed=2, **options)
    epochs = [drawn(one) for _ in range(30)]
    assert epochs[:2] == [drawn(again), drawn(again)]
    assert epochs[0] != epochs[1]
    assert epochs[0] != drawn(other)
    # All of them get their turn.
    for row in range(rows):
        assert set.union(*(epoch[row] for epoch in epochs)) == set(
            range(row % 7)
        )


def test_each_negative_is_drawn_as_often():
    counts = np.array([5, 0, 2, 9])
    random = np.random.default_rng(0)
    places = np.array([negative_places(counts, 2, random) for _ in range(4000)])
    assert (places[:, 1] == -1).all()
    for row, start, count in ((0, 0, 5), (2, 5, 2), (3, 7, 9)):
        times = np.bincount(places[:, row].ravel() - start, minlength=count)
        assert len(times) == count
        np.testing.assert_allclose(times / 4000, 2 / count, atol=0.05)


def test_no_places_leave_the_negatives_out(preprocessor):
    dataset = triplet_dataset(UNEVEN, preprocessor, num_negatives=0)
    ((_, y),) = batches(dataset)
    assert y.tolist() == [[0, 0], [1, 1], [2, 2]]


SCORES = [[0.9, 0.1, 0.2], np.array([0.8]), (0.7, 0.5, 0.25, 0.125)]


def test_scores_stand_in_the_places_of_their_texts(preprocessor):
    dataset = triplet_dataset(UNEVEN, preprocessor, scores=SCORES)
    ((features, y),) = batches(dataset)
    assert features["token_ids"].shape[:2] == (3, 5)
    assert y.dtype == np.float32
    np.testing.assert_array_equal(
        y,
        np.array(
            [
                [0.9, 0.1, 0.2, np.nan],
                [0.8, np.nan, np.nan, np.nan],
                [0.7, 0.5, 0.25, 0.125],
            ],
            "float32",
        ),
    )


def test_drawn_negatives_keep_their_scores(numbered, its_preprocessor):
    # The score of a text says where it stands.
    scores = [
        row + np.arange(1 + len(texts)) / 8
        for row, texts in enumerate(numbered.negatives)
    ]
    options = {"num_negatives": 2, "shuffle": True, "seed": 3}
    scored = triplet_dataset(
        numbered, its_preprocessor, scores=scores, **options
    )
    plain = triplet_dataset(numbered, its_preprocessor, **options)
    starts = np.cumsum([0, *map(len, numbered.negatives)])
    for (features, y), (others, ids) in zip(
        batches(scored), batches(plain), strict=True
    ):
        np.testing.assert_array_equal(
            features["token_ids"], others["token_ids"]
        )
        rows = ids[:, 0]
        np.testing.assert_array_equal(y[:, 0], rows)
        places = ids[:, 2:] - 203 - starts[rows, None] + 1
        np.testing.assert_array_equal(
            y[:, 1:],
            np.where(ids[:, 2:] < 0, np.nan, rows[:, None] + places / 8),
        )


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        (SCORES[:2], "2 arrays for 3 rows"),
        ([SCORES[0], [0.8, 0.1], SCORES[2]], r"scores\[1\].*\(1,\).*\(2,\)"),
        ([SCORES[0], [np.nan], SCORES[2]], r"scores\[1\] must be finite"),
    ],
)
def test_scores_that_do_not_fit_are_refused(preprocessor, scores, message):
    with pytest.raises(ValueError, match=message):
        triplet_dataset(UNEVEN, preprocessor, scores=scores)


PAIR = Triplets(["借"], ["款"], [[]])


@pytest.mark.parametrize(
    ("records", "options", "message"),
    [
        (UNEVEN[:0], {}, "`triplets` is empty"),
        (PAIR, {}, r"Triplets\(1 rows, 0 negatives\), num_negatives=0"),
        (UNEVEN, {"num_negatives": 0, "batch_size": 1}, "batch_size=1"),
        (UNEVEN, {"num_negatives": -1}, "`num_negatives` must be.*-1"),
        (UNEVEN, {"num_negatives": 1.0}, "`num_negatives` must be.*1.0"),
        (UNEVEN, {"num_negatives": True}, "`num_negatives` must be.*True"),
        (UNEVEN, {"batch_size": 0}, "`batch_size` must be"),
        (UNEVEN, {"scores": SCORES, "num_negatives": 0}, "`scores` compare"),
    ],
)
def test_what_does_not_fit_is_refused(preprocessor, records, options, message):
    with pytest.raises(ValueError, match=message):
        triplet_dataset(records, preprocessor, **options)


def test_a_row_with_negatives_of_its_own_may_be_alone(preprocessor):
    ((_, y),) = batches(triplet_dataset(UNEVEN[:1], preprocessor))
    assert y.tolist() == [[0, 0, 1, 2]]


def test_the_preprocessor_of_a_cross_encoder_is_refused():
    message = "of a `BiEncoder`. Received: a CrossEncoderPreprocessor"
    with pytest.raises(ValueError, match=message):
        triplet_dataset(UNEVEN, tiny_preprocessor())


def test_a_negative_of_its_own_group_is_warned_of(preprocessor):
    triplets = Triplets(
        ["借", "还", "取"],
        ["借款", "还款", "取消"],
        [["a"], ["b", "还款"], ["借"]],
    )
    message = "1 of 4 negatives .* row 1, '还款' of the anchor '还'"
    with pytest.warns(UserWarning, match=message) as seen:
        dataset = triplet_dataset(triplets, preprocessor)
    assert len(seen) == 1 and seen[0].filename == __file__
    ((_, y),) = batches(dataset)
    assert (y[1, 1:] == y[1, 0]).tolist() == [True, False, True]


def test_one_group_of_most_rows_is_warned_of(preprocessor):
    triplets = Triplets(list("还借取"), list("消款款"), [[]] * 3)
    message = "2 of 3 rows are one group.* anchor '借'"
    with pytest.warns(UserWarning, match=message) as seen:
        triplet_dataset(triplets, preprocessor)
    assert len(seen) == 1 and seen[0].filename == __file__


def test_mostly_empty_places_are_warned_of_unless_asked_for(preprocessor):
    negatives = [["a", "b", "c", "d"], [], ["e"], []]
    triplets = Triplets(list("借还取消"), list("甲乙丙丁"), negatives)
    message = "69% .* empty.* 4 negatives at most and 1.2 on average.*as 2:"
    with pytest.warns(UserWarning, match=message) as seen:
        triplet_dataset(triplets, preprocessor)
    assert len(seen) == 1 and seen[0].filename == __file__
    triplet_dataset(triplets, preprocessor, num_negatives=4)


def test_of_one_place_a_row_nothing_is_advised(preprocessor):
    triplets = Triplets(list("借还取"), list("甲乙丙"), [["a"], [], []])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        triplet_dataset(triplets, preprocessor)
