"""Finds texts by the words they share, as search engines do."""

import itertools
import re
import unicodedata

import numpy as np

from semmatch._checks import check_positive_int
from semmatch.data.record_checks import check_texts
from semmatch.data.top_rows import top_rows

# Scripts written without spaces: kana and Chinese characters.
_UNSPACED = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_RUNS = re.compile(rf"[{_UNSPACED}]+|[^\W{_UNSPACED}]+")

# Scores that are held at once, 64 MB of them.
_SCORES = 2**24


class BM25:
    """Scores texts by the terms that they share with a query.

    Terms are the words of a text, and of Chinese and Japanese text the
    characters and the pairs of neighbours, in lower case and with full-width
    forms folded. A term t of a query adds

    `log(1 + (n - n_t + 0.5) / (n_t + 0.5)) * f / (f + k1 * (1 - b + b * l))`

    to a text that has it f times, where n_t of the n texts have it and l is
    the text's number of terms by the mean of all. A term that a query has
    twice counts twice.

    Source: Robertson and Zaragoza 2009, "The probabilistic relevance
    framework: BM25 and beyond"; the 1 in the logarithm, as in Lucene, keeps
    a term that most texts have from counting against a text.

    Args:
        texts: list of strings.
        k1: float from 0, how much it adds that a term occurs again.
        b: float in [0, 1], how much long texts are discounted.

    >>> bm25 = BM25(["怎么取消借款", "如何还款", "Hello world"])
    >>> scores, rows = bm25.search(["借款怎么还", "hello"], 1)
    >>> rows.tolist()
    [[0], [2]]
    """

    def __init__(self, texts, *, k1=1.2, b=0.75):
        if not k1 >= 0 or not 0 <= b <= 1:
            raise ValueError(
                "`k1` must be at least 0 and `b` in [0, 1]. Received: "
                f"k1={k1} and b={b}."
            )
        texts = check_texts(texts, "texts")
        if not texts:
            raise ValueError("`texts` is empty: there is nothing to find.")
        self.num_texts = len(texts)
        self._terms = {}
        terms, lengths = [], []
        for text in texts:
            own = [
                self._terms.setdefault(term, len(self._terms))
                for term in text_terms(text)
            ]
            terms += own
            lengths.append(len(own))
        lengths = np.array(lengths)
        rows = np.repeat(np.arange(len(texts)), lengths)
        # A posting for each term of each text, by terms.
        postings, times = np.unique(
            np.array(terms, "int64") * len(texts) + rows, return_counts=True
        )
        terms, self._rows = np.divmod(postings, len(texts))
        counts = np.bincount(terms, minlength=len(self._terms))
        self._ends = np.cumsum(counts)
        rarity = np.log1p((len(texts) - counts + 0.5) / (counts + 0.5))
        relative = lengths / max(1, lengths.mean())
        damping = k1 * (1 - b + b * relative[self._rows])
        self._weights = rarity[terms] * times / (times + damping)

    def scores(self, queries):
        """The scores of all texts.

        Args:
            queries: list of strings.

        Returns:
            float32 `(queries, texts)`; 0 where no term is shared.
        """
        queries = check_texts(queries, "queries")
        scores = np.zeros((len(queries), self.num_texts), "float32")
        for place, query in enumerate(queries):
            known = [self._terms.get(term) for term in text_terms(query)]
            parts = [self._part(term) for term in known if term is not None]
            if parts:
                scores[place] = np.bincount(
                    np.concatenate([self._rows[part] for part in parts]),
                    np.concatenate([self._weights[part] for part in parts]),
                    minlength=self.num_texts,
                )
        return scores

    def search(self, queries, k):
        """The best texts of each query.

        Args:
            queries: list of strings.
            k: int, at most the number of texts.

        Returns:
            float32 `(queries, k)`, the scores, best first, and int64
            `(queries, k)`, the numbers of the texts. Of equal ones the first
            in the list comes first, those without a shared term as well.
        """
        queries = check_texts(queries, "queries")
        if check_positive_int(k, "k") > self.num_texts:
            raise ValueError(
                f"There are {self.num_texts} texts. Received: k={k}."
            )
        step = max(1, _SCORES // self.num_texts)
        scores = np.empty((len(queries), k), "float32")
        rows = np.empty((len(queries), k), "int64")
        for start in range(0, len(queries), step):
            part = slice(start, start + step)
            found = self.scores(queries[part])
            rows[part] = top_rows(found, k)
            scores[part] = np.take_along_axis(found, rows[part], axis=1)
        return scores, rows

    def _part(self, term):
        """Where the postings of a term are."""
        start = self._ends[term - 1] if term else 0
        return slice(start, self._ends[term])


def text_terms(text):
    """The terms of a text, as often as they occur.

    >>> text_terms("还款 in ４８h")
    ['还', '款', '还款', 'in', '48h']
    """
    text = unicodedata.normalize("NFKC", text).lower()
    terms = []
    for run in _RUNS.findall(text):
        if re.match(f"[{_UNSPACED}]", run):
            terms += run
            terms += map("".join, itertools.pairwise(run))
        else:
            terms.append(run)
    return terms
