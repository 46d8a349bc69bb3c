"""Logits of pairs whose texts are encoded each by itself."""

import numpy as np
from tqdm import tqdm

from semmatch._batching import token_budget_batches
from semmatch._checks import check_one_of
from semmatch._checks import check_positive_int
from semmatch._checks import check_text
from semmatch._similarity import similarity_matrix
from semmatch._similarity import similarity_pairwise
from semmatch._similarity import unit_vectors
from semmatch.serving.distinct import distinct
from semmatch.serving.pair_scorer import MAX_TOKENS
from semmatch.serving.pair_scorer import SILENT_SECONDS
from semmatch.serving.precision import check_finite
from semmatch.serving.precision import check_precision
from semmatch.serving.precision import to_precision
from semmatch.serving.scorer import checked_list
from semmatch.serving.scorer import Scorer
from semmatch.serving.scorer import text_columns

SIDES = ("query", "passage")


class EmbeddingScorer(Scorer):
    """Encodes texts, and scores pairs by the similarity of their vectors.

    Args:
        packer: `semmatch.tokenizers.text_packing.TextPacker`.
        run: function from a dict of int32 `(batch, length)` features to
            vectors `(batch, dim)`.
        scoring: `Scoring`; its logit is the similarity.
        embedding: `semmatch._records.Embedding`, what the vectors are.
        max_tokens: int, tokens of one batch, padding included.
        at_once: `AtOnce` or None, as of `PairScorer`.

    >>> from semmatch._records import Embedding, Scoring
    >>> from semmatch.tokenizers import Tokenizer
    >>> from semmatch.tokenizers.text_packing import TextPacker
    >>> packer = TextPacker(Tokenizer.train(["还款", "取消"]), 16)
    >>> def run(features):  # which tokens a text has
    ...     return np.array([np.bincount(row, minlength=20)[5:] for row in
    ...                      features["token_ids"]], "float32")
    >>> scorer = EmbeddingScorer(packer, run, Scoring("cosine"), Embedding(15))
    >>> scorer.rank("还款", ["取消", "还款还款"])[0].index
    1
    """

    def __init__(
        self,
        packer,
        run,
        scoring,
        embedding,
        *,
        max_tokens=MAX_TOKENS,
        at_once=None,
    ):
        super().__init__(scoring)
        self.packer = packer
        self.run = run
        self.embedding = embedding
        self.max_tokens = max_tokens
        self.at_once = at_once

    def encode(
        self,
        texts,
        *,
        side="passage",
        batch_size=None,
        truncate_dim=None,
        precision="float32",
    ):
        """Vectors of texts.

        Args:
            texts: list of strings, or one string; an empty text is its
                special tokens.
            side: `"passage"` or `"query"`, whose prompt is put before.
            batch_size: int, the most texts of one batch; None for as many as
                make batches of a fixed number of tokens.
            truncate_dim: int, how many of the first dimensions to keep, of a
                model that was trained for it (Kusupati et al. 2022,
                Matryoshka); vectors of length 1 get that length again.
            precision: `"float32"`, `"float16"` or `"int8"`, of 4, 2 or 1
                bytes a dimension, see `to_precision`; int8 vectors are not
                of length 1 any more, and are for the similarity `"cosine"`.

        Returns:
            An array `(n, dim)` of that type, in the order given; `(dim,)`
            for one string.

        Raises:
            ValueError: if the model gives NaN or infinity; names the first
                such text of the batch.
        """
        if isinstance(texts, str):
            return self.encode(
                [texts],
                side=side,
                batch_size=batch_size,
                truncate_dim=truncate_dim,
                precision=precision,
            )[0]
        check_one_of(side, SIDES, "side")
        check_precision(precision, self.embedding.similarity)
        if batch_size is not None:
            check_positive_int(batch_size, "batch_size")
        dim = self._dim(truncate_dim)
        texts = [
            check_text(text, f"text {place}")
            for place, text in enumerate(
                checked_list(texts, "`texts`", "a string")
            )
        ]
        ids = self.packer.tokenize(texts, self._prompt(side))
        self.packer.warn_of(self.packer.loss(ids))

        def pack(rows):
            return self.packer.pack_ids([ids[row] for row in rows])

        vectors = np.empty((len(ids), dim), precision)
        with tqdm(
            total=len(ids),
            desc="encoding",
            unit="text",
            delay=SILENT_SECONDS,
            disable=None,
        ) as progress:
            lengths = self.packer.lengths(ids)
            for rows, found in self.outputs(lengths, pack, batch_size):
                check_finite(found, [texts[row] for row in rows])
                if truncate_dim is not None:
                    found = self._truncated(found, dim)
                vectors[rows] = to_precision(found, precision)
                progress.update(len(rows))
        return vectors

    def similarity(self, a, b):
        """The similarity of each vector of `a` with each one of `b`.

        Args:
            a: `(n, dim)`, as `encode` gives, in any precision.
            b: `(m, dim)`.

        Returns:
            float32 `(n, m)`.
        """
        return similarity_matrix(a, b, self.embedding.similarity)

    def logits(self, pairs):
        """Similarities of pairs, float32 `(n, 1)`, in the order given.

        First texts are encoded as queries, second ones as passages. With
        `Scoring.symmetric` they are means of both orders.
        """
        text_a, text_b = text_columns(pairs)
        logits = self._similarities(text_a, text_b)
        if self.scoring.symmetric and not self._is_one_side():
            logits = (logits + self._similarities(text_b, text_a)) / 2
        return logits[:, None]

    def _similarities(self, queries, passages):
        if self._is_one_side():
            vectors = self._encode_once([*queries, *passages], "query")
            a, b = vectors[: len(queries)], vectors[len(queries) :]
        else:
            a = self._encode_once(queries, "query")
            b = self._encode_once(passages, "passage")
        return similarity_pairwise(a, b, self.embedding.similarity)

    def _encode_once(self, texts, side):
        # A query stands in as many pairs as it has candidates.
        different, rows = distinct(texts)
        return self.encode(different, side=side)[rows]

    def _dim(self, truncate_dim):
        dim = self.embedding.dim
        if truncate_dim is None:
            return dim
        check_positive_int(truncate_dim, "truncate_dim")
        if truncate_dim > dim:
            raise ValueError(
                f"`truncate_dim` must be at most {dim}, the model's. "
                f"Received: truncate_dim={truncate_dim}."
            )
        return truncate_dim

    def _truncated(self, vectors, dim):
        vectors = vectors[:, :dim]
        return unit_vectors(vectors) if self.embedding.normalize else vectors

    def outputs(self, lengths, pack, batch_size=None):
        """Computes rows, as `AtOnce.outputs`."""
        if self.at_once is not None:
            return self.at_once.outputs(lengths, pack, self.run, batch_size)
        batches = self._padded_batches(lengths, batch_size)
        # Sorted, so that the first wrong text of a batch is the first.
        return ((rows, self.run(pack(rows))) for rows in map(np.sort, batches))

    def _padded_batches(self, lengths, batch_size):
        lengths = self.packer.padded_lengths(lengths)
        if batch_size is None:
            return token_budget_batches(lengths, self.max_tokens)
        order = np.argsort(-lengths, kind="stable")
        starts = range(0, len(order), batch_size)
        return [order[start : start + batch_size] for start in starts]

    def _is_one_side(self):
        return self._prompt("query") == self._prompt("passage")

    def _prompt(self, side):
        return getattr(self.embedding, f"{side}_prompt")
