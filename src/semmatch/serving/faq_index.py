"""Answers that are found by what users ask, and change without training."""

import numpy as np

from semmatch._checks import check_positive_int
from semmatch._checks import check_text
from semmatch.serving.answers import Answer
from semmatch.serving.answers import best_of_each
from semmatch.serving.answers import checked_answers
from semmatch.serving.encoder_fingerprint import check_not_trained
from semmatch.serving.encoder_fingerprint import check_same_encoder
from semmatch.serving.encoder_fingerprint import embedding_of
from semmatch.serving.encoder_fingerprint import fingerprint
from semmatch.serving.faq_folder import read_faq
from semmatch.serving.faq_folder import write_faq
from semmatch.serving.vector_index import VectorIndex


class FAQIndex:
    """Finds the answers of an FAQ by the meaning of a question.

    An answer has an id and one phrasing or more, questions that it answers,
    and the nearest one counts. Answers are added, changed and deleted at any
    time, and nothing is trained for that. Phrasings are encoded as passages,
    what is searched for as a query; scores and bands are those of the
    encoder's `scoring`, so `fit_threshold` of the model decides here too. An
    encoder that is trained further needs a new index.

    Searches may run in several threads at once; a change must not run beside
    them.

    Args:
        encoder: `BiEncoder`, the `Matcher` of one, or an object with
            `encode(texts, side=...)`, `scoring` and `embedding`.
        factory: a FAISS factory string for many phrasings, or None; see
            `VectorIndex`.
        search_parameters: string or None; see `VectorIndex`.

    >>> from semmatch._records import Embedding, Scoring
    >>> class CountVowels:  # in place of a model
    ...     embedding = Embedding(dim=5)
    ...     scoring = Scoring("cosine", threshold=0.9)
    ...     def encode(self, texts, side):
    ...         return [[text.count(v) for v in "aeiou"] for text in texts]
    >>> index = FAQIndex(CountVowels())
    >>> index.add("repay", ["how to repay", "paying back"])
    >>> index.add("cancel", "cancelling")
    >>> for answer in index.search("repay how", top_k=2):
    ...     print(answer.id, round(answer.score, 2), answer.band)
    repay 0.97 match
    cancel 0.83 none
    """

    def __init__(self, encoder, *, factory=None, search_parameters=None):
        embedding = embedding_of(encoder)
        self.encoder = encoder
        self.vector_index = VectorIndex(
            embedding.dim,
            embedding.similarity,
            factory=factory,
            search_parameters=search_parameters,
        )
        if not self.vector_index.can_remove:
            raise ValueError(
                "Answers of an FAQ change, and FAISS cannot remove vectors "
                f"from this kind of index. Received: factory={factory!r}. "
                'Take "Flat", "HNSW32" or "IVF1024,Flat", or None for numpy.'
            )
        self._embedding = embedding
        self._fingerprint = None  # of the encoder that made the vectors
        self._answers = {}  # of each id its texts by their rows
        self._ids = {}  # of each row its id

    def __len__(self):
        """How many answers there are."""
        return len(self._answers)

    def __contains__(self, id):
        return id in self._answers

    def items(self):
        """All answers, a list of `(id, phrasings)` as `add_many` takes it."""
        return [
            (id, list(texts.values())) for id, texts in self._answers.items()
        ]

    def add(self, id, phrasings):
        """Adds an answer.

        Args:
            id: string or int that no other answer has.
            phrasings: a list of strings, or one string.

        Raises:
            ValueError: if the id is there already, or it has no phrasing.
        """
        self.add_many([(id, phrasings)])

    def add_many(self, answers):
        """Adds answers, all of them or, on an error, none.

        Args:
            answers: a dict from ids to phrasings, or a list of
                `(id, phrasings)`. Encoding shows a progress bar.

        Raises:
            ValueError: if an id is there already or stands twice; if the
                encoder was trained since the first answers were added.
        """
        answers = checked_answers(answers)
        seen = set()
        for id, _ in answers:
            if id in self._answers or id in seen:
                raise ValueError(
                    f"Each answer has an id of its own. Received: {id!r}, "
                    "which is there already. Use `update` to change it."
                )
            seen.add(id)
        self._insert(answers)

    def update(self, id, phrasings):
        """Gives an answer other phrasings.

        Raises:
            KeyError: if there is no such answer.
        """
        old = self._rows_of(id)
        # First what may fail.
        self._insert(checked_answers([(id, phrasings)]))
        self._drop(old)

    def delete(self, id):
        """Removes an answer.

        Raises:
            KeyError: if there is no such answer.
        """
        self._drop(self._rows_of(id))
        del self._answers[id]

    def search(self, query, top_k=5):
        """The answers that fit a query best.

        Args:
            query: string.
            top_k: int, how many answers.

        Returns:
            A list of `Answer(id, score, text, band)`, best first; shorter
            where there are fewer, or where an approximate index finds fewer.
        """
        check_text(query, "the query")
        return self.search_many([query], top_k)[0]

    def search_many(self, queries, top_k=5):
        """A list, for each query, of what `search` returns."""
        check_positive_int(top_k, "top_k")
        vectors = self._encode_queries(queries)
        found = [[] for _ in vectors]
        waiting = list(range(len(vectors)))
        size = len(self.vector_index)
        # As many phrasings as that many answers have on average, and more of
        # them where the phrasings of few answers take all places.
        count = top_k * max(1, round(size / max(1, len(self))))
        while waiting:
            hits = self._nearest(vectors[waiting], count)
            for query, answers in zip(waiting, hits, strict=True):
                found[query] = best_of_each(answers)[:top_k]
            if count >= size:
                break
            waiting = [query for query in waiting if len(found[query]) < top_k]
            count *= 4
        return found

    def search_phrasings(self, queries, count):
        """The phrasings that are nearest to each query, of whatever answer.

        Args:
            queries: list of strings.
            count: int, how many phrasings.

        Returns:
            A list, for each query, of a list of `Answer`, best first.
        """
        check_positive_int(count, "count")
        return self._nearest(self._encode_queries(queries), count)

    def save(self, folder):
        """Writes texts, ids and vectors, completely or not at all."""
        made_by = self._fingerprint
        if not self._answers:
            made_by = fingerprint(self.encoder)
        write_faq(folder, made_by, self.vector_index, self._answers)

    @classmethod
    def load(cls, folder, encoder, *, encode_again=False):
        """Reads what `save` wrote.

        Args:
            folder: path.
            encoder: the encoder that it was built with, in any form: the
                `Matcher` of the `BiEncoder` is the same.
            encode_again: bool, whether to encode all texts by `encoder`
                instead of taking the vectors that were saved, such as after a
                training.

        Raises:
            FileNotFoundError: if it is no such folder, or a file is missing.
            ValueError: if the encoder is another one, or a file is cut short
                or changed.
        """
        saved, vector_index, answers = read_faq(folder)
        index = cls(
            encoder,
            factory=vector_index.factory,
            search_parameters=vector_index.search_parameters,
        )
        if encode_again:
            index.add_many((id, list(t.values())) for id, t in answers.items())
            return index
        check_same_encoder(saved, fingerprint(encoder), folder)
        index._fingerprint = saved
        index.vector_index = vector_index
        index._answers = answers
        index._ids = {row: id for id, texts in answers.items() for row in texts}
        return index

    def _insert(self, answers):
        texts = [text for _, phrasings in answers for text in phrasings]
        if not texts:
            return
        if self._answers:
            check_not_trained(self._fingerprint, self.encoder)
        else:
            self._fingerprint = fingerprint(self.encoder)
        vectors = np.asarray(self.encoder.encode(texts, side="passage"))
        if len(vectors) != len(texts):
            raise ValueError(
                "An encoder gives a vector for each text. Received: "
                f"{len(vectors)} vectors for {len(texts)} texts."
            )
        rows = iter(self.vector_index.add(vectors).tolist())
        for id, phrasings in answers:
            self._answers[id] = {next(rows): text for text in phrasings}
            self._ids.update(dict.fromkeys(self._answers[id], id))

    def _drop(self, rows):
        self.vector_index.remove(rows)
        for row in rows:
            del self._ids[row]

    def _rows_of(self, id):
        if id not in self._answers:
            raise KeyError(
                f"There is no answer {id!r} in this index of {len(self)}. Use "
                "`add` for a new one."
            )
        return list(self._answers[id])

    def _encode_queries(self, queries):
        if isinstance(queries, str):
            raise TypeError(
                f"Expected a list of queries. Received: {queries!r}. For one "
                "query use `search`."
            )
        return np.asarray(self.encoder.encode(list(queries), side="query"))

    def _nearest(self, vectors, count):
        scoring = self._scoring()
        similarities, rows = self.vector_index.search(vectors, count)
        scores = scoring.scores(similarities.reshape(-1, 1))
        return [
            # -1 is where an approximate index found no more.
            [
                self._answer(row, score, scoring)
                for row, score in zip(*both, strict=True)
                if row >= 0
            ]
            for both in zip(
                rows.tolist(), scores.reshape(rows.shape).tolist(), strict=True
            )
        ]

    def _answer(self, row, score, scoring):
        id = self._ids[row]
        return Answer(id, score, self._answers[id][row], scoring.band(score))

    def _scoring(self):
        scoring = self.encoder.scoring
        embedding = self._embedding
        if scoring.symmetric and (
            embedding.query_prompt != embedding.passage_prompt
        ):
            raise ValueError(
                "Phrasings are in the index as passages alone, so it cannot "
                "score both orders of a pair. Received: an encoder with "
                "prompts and `scoring.symmetric=True`. Set `encoder.scoring = "
                "encoder.scoring.replace(symmetric=False)`."
            )
        return scoring
