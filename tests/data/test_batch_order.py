"""Any batch of a dataset can be the next one."""

import json

import numpy as np
import pytest

from semmatch.data import distillation_dataset
from semmatch.data import pair_dataset
from semmatch.data import Pairs
from semmatch.data import triplet_dataset
from semmatch.data import Triplets
from tests.checks import tiny_preprocessor
from tests.models.bi_models import bi_preprocessor

SIZE = 43
PREPROCESSOR = tiny_preprocessor()
GENERATOR = np.random.default_rng(0)
TEXTS = ["借" * int(n) for n in GENERATOR.integers(1, 9, SIZE)]
PAIRS = Pairs(TEXTS, ["还"] * SIZE, np.arange(SIZE))


def pairs_of(how, seed=5):
    return pair_dataset(
        PAIRS, PREPROCESSOR, batch_size=8, seed=seed, **{how: True}
    )


def triplets_of(how, seed=5):
    rows = range(SIZE)
    triplets = Triplets(
        [f"借{row}" for row in rows],
        [f"还{row}" for row in rows],
        [[f"取{row}{n}" for n in range(row % 4)] for row in rows],
    )
    return triplet_dataset(
        triplets,
        bi_preprocessor(),
        batch_size=8,
        num_negatives=2,
        seed=seed,
        **{how: True},
    )


def flat(batch):
    features, *labels = batch
    return [*features.values(), *labels]


def batches(dataset):
    return [flat(batch) for batch in dataset.as_numpy_iterator()]


def assert_equal(found, expected):
    for batch, other in zip(found, expected, strict=True):
        for one, two in zip(batch, other, strict=True):
            np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("build", [pairs_of, triplets_of])
@pytest.mark.parametrize("first", [0, 1, 5, 6, 9, 13])
def test_an_iteration_begins_at_the_next_batch(build, first):
    dataset = build("shuffle")
    order = dataset.batch_order
    assert order.num_batches == 6  # the last one of 3 rows
    expected = [batch for _ in range(5) for batch in batches(dataset)]
    order.next_batch = first
    found = batches(dataset) + batches(dataset)
    assert_equal(found, expected[first : first + 12])
    assert order.next_batch == first + 12


@pytest.mark.parametrize("how", ["sort", "shuffle"])
def test_passed_batches_are_not_packed(how, monkeypatch):
    dataset = pairs_of(how)
    packed = []
    pack = PREPROCESSOR.pack

    def counted(text_a, text_b):
        packed.append(len(text_a))
        return pack(text_a, text_b)

    monkeypatch.setattr(PREPROCESSOR, "pack", counted)
    dataset.batch_order.next_batch = 4
    list(dataset.take(2))
    # No more than what is prepared ahead of need.
    assert 2 <= len(packed) <= 9
    assert 3 in packed[:4]


def test_repeated_data_go_on_over_epochs():
    dataset = pairs_of("shuffle")
    expected = [row for _ in range(3) for row in batches(dataset)]
    dataset.batch_order.next_batch = 2
    assert_equal(batches(dataset.repeat().take(14)), expected[2:16])


def test_another_seed_may_be_set():
    dataset = pairs_of("shuffle")
    dataset.batch_order.seed = 6
    assert_equal(batches(dataset), batches(pairs_of("shuffle", seed=6)))


@pytest.mark.parametrize("number", [0, 5, 8])
def test_a_batch_can_be_read_as_texts(number):
    dataset = pairs_of("shuffle")
    labels = [batch[-1] for _ in range(2) for batch in batches(dataset)]
    examples = dataset.batch_order.examples(number)
    assert [one["row"] for one in examples] == labels[number].tolist()
    row = examples[0]["row"]
    assert json.loads(json.dumps(examples[0])) == {
        "row": row,
        "text_a": TEXTS[row],
        "text_b": "还",
        "label": row,
    }


def test_what_a_teacher_says_and_weights_are_read_too():
    class Teacher:
        from semmatch import Scoring

        scoring = Scoring("sigmoid")

        def logits(self, pairs):
            return np.full((len(pairs), 1), 0.5, "float32")

    dataset = distillation_dataset(
        PAIRS, PREPROCESSOR, Teacher(), sample_weight=np.full(SIZE, 2.0)
    )
    example = dataset.batch_order.examples(0)[1]
    assert example["teacher"] == [0.5]
    assert example["label"] == 1.0
    assert example["sample_weight"] == 2.0


def test_triplets_are_read_with_their_scores():
    triplets = Triplets(["借", "还"], ["取", "款"], [["怎"], []])
    dataset = triplet_dataset(
        triplets, bi_preprocessor(), scores=[[2.0, 1.0], [3.0]]
    )
    assert dataset.batch_order.examples(0) == [
        {
            "row": 0,
            "anchor": "借",
            "positive": "取",
            "negatives": ["怎"],
            "scores": [2.0, 1.0],
        },
        {
            "row": 1,
            "anchor": "还",
            "positive": "款",
            "negatives": [],
            "scores": [3.0],
        },
    ]


def test_the_description_tells_data_apart():
    def described(pairs=PAIRS, **kwargs):
        dataset = pair_dataset(pairs, PREPROCESSOR, **kwargs)
        return dataset.batch_order.describe()

    first = described(shuffle=True, seed=3)
    assert json.loads(json.dumps(first)) == first
    sha256 = first.pop("sha256")
    assert first == {
        "rows": SIZE,
        "batch_size": 64,
        "order": "shuffle",
        "seed": 3,
    }
    assert described()["sha256"] == sha256
    other = Pairs(TEXTS, ["还"] * SIZE, np.arange(SIZE)[::-1])
    assert described(other)["sha256"] != sha256
    weighted = described(sample_weight=np.ones(SIZE))
    assert weighted["sha256"] != sha256
    assert described(sort=True)["order"] == "sort"
    assert described()["order"] == "as given"


def test_the_description_of_triplets_has_groups_and_numbers():
    def described(groups, **kwargs):
        triplets = Triplets(["借", "还"], ["取", "款"], [["怎"], []], groups)
        dataset = triplet_dataset(triplets, bi_preprocessor(), **kwargs)
        return dataset.batch_order.describe()

    first = described(["a", "b"])
    assert first["num_negatives"] == 1
    assert first["order"] == "as given"
    assert described(["a", "b"], shuffle=True)["order"] == "shuffle"
    assert described(["x", "y"])["sha256"] == first["sha256"]
    with pytest.warns(UserWarning, match="2 of 2 rows are one group"):
        assert described(["a", "a"])["sha256"] != first["sha256"]
