"""The bundled sample: enough of it, and no text on both sides of a split."""

import collections
import re

import numpy as np
import pytest

from semmatch.data import FAQ
from semmatch.data import load_faq
from semmatch.data.faq import Phrasing

SPLITS = ("train", "valid", "test")
SIZES = {"zh": (80, 10), "en": (40, 8)}


@pytest.fixture(scope="module", params=SIZES)
def faq(request):
    return load_faq(request.param)


@pytest.fixture(scope="module")
def intent_of(faq):
    return {p.text: p.intent for p in faq.phrasings}


@pytest.fixture(scope="module")
def split_of(faq):
    return {p.text: p.split for p in faq.phrasings}


@pytest.mark.parametrize("language", SIZES)
def test_there_are_enough_intents_and_phrasings(language):
    faq = load_faq(language)
    intents, phrasings = SIZES[language]
    counts = collections.Counter(p.intent for p in faq.phrasings)
    assert len(faq.intents) == len(counts) >= intents
    assert min(counts.values()) >= phrasings


def test_chinese_is_the_default():
    assert load_faq().phrasings == load_faq("zh").phrasings


def test_no_text_stands_twice(faq):
    texts = [p.text.strip().lower() for p in faq.phrasings]
    assert len(set(texts)) == len(texts)
    assert all(texts)


def test_the_splits_are_disjoint_and_complete(faq):
    texts = [set(faq.texts(split)) for split in SPLITS]
    assert sum(map(len, texts)) == len(set.union(*texts))
    assert set.union(*texts) == {p.text for p in faq.phrasings}


def test_the_split_is_fixed_by_the_place_among_the_phrasings(faq):
    for intent in faq.intents:
        splits = [p.split for p in faq.phrasings if p.intent == intent]
        for place, split in enumerate(splits):
            expected = {3: "valid", 4: "test"}.get(place % 5, "train")
            assert split == expected


def test_texts_of_an_intent_are_its_own(faq, intent_of):
    intent = faq.intents[3]
    texts = faq.texts("valid", intent)
    assert texts
    assert {intent_of[text] for text in texts} == {intent}
    assert set(texts) < set(faq.texts("valid"))


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("negatives", [1, 3])
def test_labels_say_whether_the_intents_are_one(
    faq, intent_of, split, negatives
):
    pairs = faq.pairs(split, negatives=negatives)
    same = [
        intent_of[a] == intent_of[b]
        for a, b in zip(pairs.text_a, pairs.text_b, strict=True)
    ]
    np.testing.assert_array_equal(pairs.label, same)
    assert pairs.label.mean() == 1 / (1 + negatives)
    assert not any(map(str.__eq__, pairs.text_a, pairs.text_b))


@pytest.mark.parametrize("split", SPLITS)
def test_queries_are_new_and_the_other_texts_known(faq, split_of, split):
    pairs = faq.pairs(split)
    assert {split_of[text] for text in pairs.text_a} == {split}
    assert {split_of[text] for text in pairs.text_b} == {"train"}


@pytest.mark.parametrize("split", SPLITS)
def test_every_positive_pair_is_there_once(faq, split):
    pairs = faq.pairs(split)
    positive = [
        frozenset(pair) for pair in zip(pairs.text_a, pairs.text_b, strict=True)
    ]
    positive = [positive[row] for row in np.flatnonzero(pairs.label)]
    expected = 0
    for intent in faq.intents:
        known = len(faq.texts("train", intent))
        new = len(faq.texts(split, intent))
        expected += (
            known * (known - 1) // 2 if split == "train" else known * new
        )
    assert len(set(positive)) == len(positive) == expected


def test_the_seed_decides_the_negatives_and_nothing_else(faq):
    first, again = faq.pairs("test", seed=1), faq.pairs("test", seed=1)
    other = faq.pairs("test", seed=2)
    assert first.text_b == again.text_b
    assert first.text_a == other.text_a
    assert first.text_b != other.text_b
    assert (
        faq.triplets("test").negatives != faq.triplets("test", seed=1).negatives
    )


def test_every_other_negative_is_lexically_close(faq):
    pairs = faq.pairs("test")
    shared = [
        len({*a} & {*b}) / len({*a} | {*b})
        for a, b, label in zip(
            pairs.text_a, pairs.text_b, pairs.label, strict=True
        )
        if not label
    ]
    close, drawn = np.mean(shared[1::2]), np.mean(shared[::2])
    assert max(close, drawn) > 1.3 * min(close, drawn)


@pytest.mark.parametrize("split", SPLITS)
def test_triplets_hold_one_text_of_the_intent_and_one_of_another(
    faq, intent_of, split
):
    triplets = faq.triplets(split)
    assert len(triplets) == faq.pairs(split).label.sum()
    for anchor, positive, (negative,), group in zip(
        triplets.anchor,
        triplets.positive,
        triplets.negatives,
        triplets.groups,
        strict=True,
    ):
        assert intent_of[anchor] == intent_of[positive] == group
        assert intent_of[anchor] != intent_of[negative]


@pytest.mark.parametrize("split", SPLITS)
def test_a_ranked_list_has_one_candidate_of_each_intent(
    faq, intent_of, split_of, split
):
    lists = faq.ranked_lists(split)
    for query, candidates, label in zip(
        lists.query, lists.candidates, lists.label, strict=True
    ):
        intents = [intent_of[text] for text in candidates]
        assert tuple(intents) == faq.intents
        assert label.tolist() == [i == intent_of[query] for i in intents]
        assert query not in candidates
        assert {split_of[text] for text in candidates} == {"train"}
    excluded = len(faq.intents) if split == "train" else 0
    assert len(lists) == len(faq.texts(split)) - excluded


def test_off_topic_queries_are_many_of_each_kind(faq):
    queries = faq.off_topic_queries
    counts = collections.Counter(query.kind for query in queries)
    assert set(counts) == {"near", "other_business", "small_talk"}
    assert len(queries) >= 80
    assert min(counts.values()) >= 20
    assert counts["near"] >= len(queries) / 3
    texts = [query.text.lower() for query in queries]
    assert len(set(texts)) == len(texts)
    assert all(text == text.strip() != "" for text in texts)
    assert set(texts).isdisjoint(p.text.lower() for p in faq.phrasings)


def test_off_topic_queries_are_in_the_language_of_the_faq(faq):
    chinese = [not p.text.isascii() for p in faq.phrasings]
    texts = faq.off_topic("valid") + faq.off_topic("test")
    assert {not text.isascii() for text in texts} == {np.mean(chinese) > 0.5}


def test_near_queries_share_words_with_the_faq(faq):
    # Two Chinese characters in a row, or an English word of four letters.
    word = re.compile(r"(?=([\u4e00-\u9fff]{2}))|\b([a-z]{4,})")

    def words(text):
        return {a or b for a, b in word.findall(text.lower())}

    known = set.union(*(words(p.text) for p in faq.phrasings))
    near = faq.off_topic("valid", "near") + faq.off_topic("test", "near")
    assert [text for text in near if not words(text) & known] == []


def test_off_topic_splits_take_the_lines_in_turn(faq):
    texts = [query.text for query in faq.off_topic_queries]
    assert faq.off_topic("valid") == texts[::2]
    assert faq.off_topic("test") == texts[1::2]
    for split in ("valid", "test"):
        kinds = ("near", "other_business", "small_talk")
        by_kind = [faq.off_topic(split, kind) for kind in kinds]
        assert sum(by_kind, []) == faq.off_topic(split)
        assert min(map(len, by_kind)) >= 10


@pytest.mark.parametrize("split", ["valid", "test"])
def test_off_topic_lists_have_the_usual_candidates_and_none_fits(faq, split):
    lists = faq.off_topic_lists(split)
    assert lists.query == faq.off_topic(split)
    usual = faq.ranked_lists(split).candidates[0]
    assert all(candidates == usual for candidates in lists.candidates)
    assert all(label.shape == (len(usual),) for label in lists.label)
    assert not any(label.any() for label in lists.label)


def test_an_faq_of_ones_own_may_have_no_off_topic_queries():
    faq = FAQ([Phrasing("bank", "repay", "how to repay", "train")])
    assert faq.off_topic("test") == []
    assert len(faq.off_topic_lists("test")) == 0


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: load_faq("de"), r"`language` must be one of \['en', 'zh'\]"),
        (lambda: load_faq().pairs("dev"), "`split` must be one of.*'dev'"),
        (lambda: load_faq().texts("dev"), "`split` must be one of.*'dev'"),
        (lambda: load_faq().texts("test", "x"), "`intent` must be.*intent='x'"),
        (lambda: load_faq().ranked_lists("dev"), "split='dev'"),
        (lambda: load_faq().off_topic("train"), "`split` must.*'train'"),
        (lambda: load_faq().off_topic("test", "x"), "`kind` must.*kind='x'"),
        (lambda: load_faq().off_topic_lists("train"), "split='train'"),
        (lambda: load_faq().pairs("test", negatives=0), "negatives=0"),
    ],
)
def test_unknown_names_are_refused_with_the_choices(ask, message):
    with pytest.raises(ValueError, match=message):
        ask()
