"""Answers found by a bi-encoder and ranked by a cross-encoder."""

import numbers

import numpy as np

from semmatch._checks import check_positive_int
from semmatch._checks import check_text
from semmatch.serving.answers import best_of_each
from semmatch.serving.faq_index import FAQIndex


class RetrieveRerank:
    """Searches an FAQ in two stages.

    The bi-encoder finds, among all phrasings, the ones that are near; the
    cross-encoder, which is more accurate and too slow for all of them, reads
    each of these with the query. Scores and bands are the cross-encoder's.

    Args:
        bi_encoder: `BiEncoder`, the `Matcher` of one, or any encoder of
            `FAQIndex`.
        cross_encoder: `CrossEncoder`, the `Matcher` of one, or an object with
            `rank_many`.
        retrieve_k: int, how many phrasings are retrieved and reranked.
        retrieval_weight: float in [0, 1], how much the first stage counts in
            the order; 0 for that of the cross-encoder alone. The scores of
            each stage are stretched to [0, 1] over the answers retrieved, and
            their weighted mean decides. Then a lower place may have a higher
            `score`. Calibrate both models before you choose it.
        factory: string or None; see `VectorIndex`.
        search_parameters: string or None; see `VectorIndex`.

    Attributes:
        index: `FAQIndex` of the first stage.

    >>> from semmatch._records import Embedding, Scoring
    >>> from semmatch.serving import CharacterOverlap
    >>> class CountVowels:  # in place of a bi-encoder
    ...     embedding, scoring = Embedding(dim=5), Scoring("cosine")
    ...     def encode(self, texts, side):
    ...         return [[text.count(v) for v in "aeiou"] for text in texts]
    >>> faq = RetrieveRerank(CountVowels(), CharacterOverlap())
    >>> faq.add("repay", ["how to repay", "paying back"])
    >>> faq.add("cancel", "cancelling")
    >>> best = faq.search("repay how?", top_k=1)[0]
    >>> best.id, best.text, best.band
    ('repay', 'how to repay', 'match')

    Sources: Nogueira and Cho 2019, "Passage re-ranking with BERT"; Bruch et
    al. 2023, "An analysis of fusion functions for hybrid retrieval" (the
    weighted mean of stretched scores).
    """

    def __init__(
        self,
        bi_encoder,
        cross_encoder,
        retrieve_k=100,
        *,
        retrieval_weight=0.0,
        factory=None,
        search_parameters=None,
    ):
        if not hasattr(cross_encoder, "rank_many"):
            raise TypeError(
                "Expected a `CrossEncoder`, the `Matcher` of one, or an "
                "object with `rank_many`. Received: a "
                f"`{type(cross_encoder).__name__}`."
            )
        self.index = FAQIndex(
            bi_encoder, factory=factory, search_parameters=search_parameters
        )
        self.cross_encoder = cross_encoder
        self.retrieve_k = check_positive_int(retrieve_k, "retrieve_k")
        self.retrieval_weight = retrieval_weight

    @property
    def retrieval_weight(self):
        """How much the first stage counts in the order; may be set."""
        return self._retrieval_weight

    @retrieval_weight.setter
    def retrieval_weight(self, weight):
        if not isinstance(weight, numbers.Real) or not 0 <= weight <= 1:
            raise ValueError(
                "`retrieval_weight` must be a number in [0, 1]. "
                f"Received: retrieval_weight={weight!r}."
            )
        self._retrieval_weight = weight

    def __len__(self):
        """How many answers there are."""
        return len(self.index)

    def __contains__(self, id):
        return id in self.index

    def items(self):
        """All answers, see `FAQIndex.items`."""
        return self.index.items()

    def add(self, id, phrasings):
        """Adds an answer, see `FAQIndex.add`."""
        self.index.add(id, phrasings)

    def add_many(self, answers):
        """Adds answers, see `FAQIndex.add_many`."""
        self.index.add_many(answers)

    def update(self, id, phrasings):
        """Gives an answer other phrasings, see `FAQIndex.update`."""
        self.index.update(id, phrasings)

    def delete(self, id):
        """Removes an answer, see `FAQIndex.delete`."""
        self.index.delete(id)

    def search(self, query, top_k=5):
        """The answers that fit a query best.

        Args:
            query: string.
            top_k: int, how many answers, at most `retrieve_k`.

        Returns:
            A list of `Answer(id, score, text, band)`, best first; shorter
            where the phrasings retrieved are of fewer answers.
        """
        check_text(query, "the query")
        return self.search_many([query], top_k)[0]

    def search_many(self, queries, top_k=5):
        """A list, for each query, of what `search` returns."""
        check_positive_int(top_k, "top_k")
        if top_k > self.retrieve_k:
            raise ValueError(
                "`top_k` answers are chosen from `retrieve_k` phrasings. "
                f"Received: top_k={top_k} and retrieve_k={self.retrieve_k}."
            )
        queries = list(queries) if not isinstance(queries, str) else queries
        retrieved = self.index.search_phrasings(queries, self.retrieve_k)
        ranked = self.cross_encoder.rank_many(
            queries, [[hit.text for hit in hits] for hits in retrieved]
        )
        return [
            self._in_order(hits, places)[:top_k]
            for hits, places in zip(retrieved, ranked, strict=True)
        ]

    def _in_order(self, hits, places):
        """Answers, best first, each by what the cross-encoder finds best."""
        answers = best_of_each(
            hits[place.index]._replace(score=place.score, band=place.band)
            for place in places
        )
        weight = self.retrieval_weight
        if not weight:
            return answers
        near = {answer.id: answer.score for answer in best_of_each(hits)}
        first = _stretched([near[answer.id] for answer in answers])
        second = _stretched([answer.score for answer in answers])
        means = weight * first + (1 - weight) * second
        # Where they are equal the order of the cross-encoder stands.
        return [answers[i] for i in np.argsort(-means, kind="stable")]

    def save(self, folder):
        """Writes the index, see `FAQIndex.save`; models are not part of it."""
        self.index.save(folder)

    @classmethod
    def load(
        cls,
        folder,
        bi_encoder,
        cross_encoder,
        retrieve_k=100,
        *,
        retrieval_weight=0.0,
        encode_again=False,
    ):
        """Reads what `save` of this class or of `FAQIndex` wrote.

        Args:
            folder: path.
            bi_encoder: the one that the index was built with.
            cross_encoder: any; the index knows nothing of it.
            retrieve_k: int, as of the constructor.
            retrieval_weight: float, as of the constructor.
            encode_again: bool; see `FAQIndex.load`.
        """
        both = cls(
            bi_encoder,
            cross_encoder,
            retrieve_k,
            retrieval_weight=retrieval_weight,
        )
        both.index = FAQIndex.load(
            folder, bi_encoder, encode_again=encode_again
        )
        return both


def _stretched(scores):
    """The least at 0 and the greatest at 1; where all are equal, all at 0."""
    scores = np.array(scores)
    scores = scores - scores.min(initial=np.inf)
    return scores / (scores.max(initial=0) or 1.0)
