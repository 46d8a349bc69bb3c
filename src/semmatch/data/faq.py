"""The bundled FAQ sample, as pairs, triplets and ranking lists."""

import itertools
from pathlib import Path
from typing import NamedTuple

import numpy as np

from semmatch._checks import check_one_of
from semmatch._checks import check_positive_int
from semmatch.data.records import Pairs
from semmatch.data.records import RankedLists
from semmatch.data.triplets import Triplets

LANGUAGES = ("zh", "en")
SPLITS = ("train", "valid", "test")

# Of every five phrasings of an intent, in the order of the file.
_SPLIT_BY_PLACE = ("train", "train", "train", "valid", "test")

# A refusal is calibrated on some off-topic queries and measured on others.
OFF_TOPIC_SPLITS = ("valid", "test")
OFF_TOPIC_KINDS = ("near", "other_business", "small_talk")

# Hard negatives are drawn from this many lexically nearest texts.
_NEAREST = 10


class Phrasing(NamedTuple):
    """One way to put a request: its domain, intent, text and split."""

    domain: str
    intent: str
    text: str
    split: str


class OffTopic(NamedTuple):
    """A query that no answer fits: its kind, text and split."""

    kind: str
    text: str
    split: str


class FAQ:
    """Requests in many phrasings, with splits that never change.

    Users' new words meet an answer's known phrasings: in `valid` and `test`
    the first text (the query, the anchor) is one that training has not seen,
    and the other texts are those of `train`.

    Args:
        phrasings: list of `Phrasing`.
        off_topic_queries: list of `OffTopic`.

    Attributes:
        phrasings: tuple of `Phrasing`.
        off_topic_queries: tuple of `OffTopic`.
        intents: tuple of strings, in the order of the file.

    >>> faq = load_faq("en")
    >>> len(faq.intents), len(faq.texts("train"))
    (42, 252)
    """

    def __init__(self, phrasings, off_topic_queries=()):
        self.phrasings = tuple(phrasings)
        self.off_topic_queries = tuple(off_topic_queries)
        self.intents = tuple(dict.fromkeys(p.intent for p in phrasings))

    def texts(self, split, intent=None):
        """The texts of a split, a list of strings.

        Args:
            split: `"train"`, `"valid"` or `"test"`.
            intent: string, or None for all intents.
        """
        check_one_of(split, SPLITS, "split")
        if intent is not None:
            check_one_of(intent, self.intents, "intent")
        return [
            phrasing.text
            for phrasing in self.phrasings
            if phrasing.split == split and intent in (None, phrasing.intent)
        ]

    def off_topic(self, split, kind=None):
        """Queries that none of the FAQ's answers fits, a list of strings.

        Args:
            split: `"valid"`, to choose when to refuse, or `"test"`.
            kind: `"near"` (shares words with the FAQ and asks what it does
                not answer), `"other_business"`, `"small_talk"`, or None for
                all kinds.

        >>> load_faq("en").off_topic("test", "near")[0]
        'What documents do I need to apply for a mortgage?'
        """
        check_one_of(split, OFF_TOPIC_SPLITS, "split")
        if kind is not None:
            check_one_of(kind, OFF_TOPIC_KINDS, "kind")
        return [
            query.text
            for query in self.off_topic_queries
            if query.split == split and kind in (None, query.kind)
        ]

    def pairs(self, split, *, negatives=1, seed=0):
        """Pairs with label 1 for one intent, 0 for two.

        Args:
            split: `"train"`, `"valid"` or `"test"`.
            negatives: int, negative pairs for each positive one; every other
                one is lexically close.
            seed: int, fixes which negatives are drawn.

        Returns:
            `Pairs`, a positive followed by its negatives.

        >>> load_faq("en").pairs("valid").label.mean()
        np.float64(0.5)
        """
        check_positive_int(negatives, "negatives")
        text_a, text_b, label = [], [], []
        for query, partner, others in self._examples(split, negatives, seed):
            text_a += [query] * (1 + negatives)
            text_b += [partner, *others]
            label += [1] + [0] * negatives
        return Pairs(text_a, text_b, label)

    def triplets(self, split, *, seed=0):
        """Each positive pair with a text of another intent, in groups.

        Args:
            split: `"train"`, `"valid"` or `"test"`.
            seed: int, fixes which negatives are drawn.

        Returns:
            `Triplets` whose groups are the intents.

        >>> load_faq("en").triplets("train")
        Triplets(630 rows, 630 negatives, 42 groups)
        """
        rows = list(self._examples(split, 1, seed))
        intents = {
            phrasing.text: phrasing.intent for phrasing in self.phrasings
        }
        anchors, positives, negatives = map(list, zip(*rows, strict=True))
        groups = [intents[text] for text in anchors]
        return Triplets(anchors, positives, negatives, groups)

    def ranked_lists(self, split):
        """Each query with one known phrasing of every intent.

        Args:
            split: `"train"`, `"valid"` or `"test"`.

        Returns:
            `RankedLists`; a candidate has label 1 if it is of the query's
            intent, and stands in place of its intent.

        >>> lists = load_faq("en").ranked_lists("test")
        >>> len(lists), len(lists.candidates[0]), lists.label[0].sum()
        (84, 42, np.int64(1))
        """
        check_one_of(split, SPLITS, "split")
        standard = self._standard()
        queries, labels = [], []
        for phrasing in self.phrasings:
            if phrasing.split == split and phrasing.text not in standard:
                queries.append(phrasing.text)
                labels.append(
                    [int(intent == phrasing.intent) for intent in self.intents]
                )
        return RankedLists(queries, [standard] * len(queries), labels)

    def off_topic_lists(self, split):
        """Each off-topic query with the candidates of `ranked_lists`.

        Args:
            split: `"valid"` or `"test"`.

        Returns:
            `RankedLists` whose labels are all 0: whatever a matcher answers
            is wrong, and it should refuse.

        >>> lists = load_faq("en").off_topic_lists("test")
        >>> len(lists), len(lists.candidates[0]), lists.label[0].sum()
        (40, 42, np.int64(0))
        """
        queries, standard = self.off_topic(split), self._standard()
        labels = [[0] * len(standard)] * len(queries)
        return RankedLists(queries, [standard] * len(queries), labels)

    def _standard(self):
        """The first known phrasing of each intent."""
        return [self.texts("train", intent)[0] for intent in self.intents]

    def _examples(self, split, negatives, seed):
        """Yields a query, a text of its intent, and texts of other intents."""
        check_one_of(split, SPLITS, "split")
        random = np.random.default_rng([seed, SPLITS.index(split)])
        known = [p for p in self.phrasings if p.split == "train"]
        for intent in self.intents:
            own = self.texts("train", intent)
            others = [p.text for p in known if p.intent != intent]
            if split == "train":
                positives = [
                    (a, b) if random.random() < 0.5 else (b, a)
                    for a, b in itertools.combinations(own, 2)
                ]
            else:
                positives = itertools.product(self.texts(split, intent), own)
            nearest = {}
            for turn, (query, partner) in enumerate(positives):
                if query not in nearest:
                    nearest[query] = _nearest(query, others)
                drawn = [
                    nearest[query][random.integers(_NEAREST)]
                    if (turn + place) % 2
                    else others[random.integers(len(others))]
                    for place in range(negatives)
                ]
                yield query, partner, drawn


def load_faq(language="zh"):
    """Loads the bundled sample, written for this project (CC0).

    Args:
        language: `"zh"` (84 intents, 12 phrasings each, and 82 off-topic
            queries) or `"en"` (42 intents, 10 phrasings each, and 80).

    Returns:
        `FAQ`.

    >>> load_faq("zh").texts("test", "repay_early")[0]
    '贷款不想背了，能不能早点全部还完'
    """
    check_one_of(language, LANGUAGES, "language")
    rows = _read_sample(f"faq_{language}.tsv")
    phrasings = []
    for _, group in itertools.groupby(rows, key=lambda row: row[1]):
        for place, row in enumerate(group):
            split = _SPLIT_BY_PLACE[place % len(_SPLIT_BY_PLACE)]
            phrasings.append(Phrasing(*row, split))
    rows = _read_sample(f"off_topic_{language}.tsv")
    splits = itertools.cycle(OFF_TOPIC_SPLITS)
    off_topic = [OffTopic(*row, next(splits)) for row in rows]
    return FAQ(phrasings, off_topic)


def _read_sample(name):
    """The rows of a bundled file, lists of strings, without its header."""
    path = Path(__file__).parent / "samples" / name
    lines = path.read_text(encoding="utf-8").splitlines()[1:]
    return [line.split("\t") for line in lines]


def _nearest(query, texts):
    """The texts that share most characters and pairs of them with `query`."""
    grams = _grams(query)
    shares = [
        2 * len(grams & other) / (len(grams) + len(other))
        for other in map(_grams, texts)
    ]
    order = np.argsort(-np.array(shares), kind="stable")[:_NEAREST]
    return [texts[place] for place in order]


def _grams(text):
    """A text's characters and pairs of neighbours, each once."""
    return {*text, *map("".join, itertools.pairwise(text))}
