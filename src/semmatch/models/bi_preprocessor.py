"""From strings to the features of a bi-encoder."""

import keras
import numpy as np
from tqdm import tqdm

from semmatch._checks import check_text
from semmatch.models.preprocessor import check_features
from semmatch.models.preprocessor import CHUNK
from semmatch.tokenizers import Tokenizer
from semmatch.tokenizers.packing import Loss
from semmatch.tokenizers.text_packing import TextPacker


@keras.saving.register_keras_serializable(package="semmatch")
class BiEncoderPreprocessor:
    """Packs the texts of an example each into a row of its own.

    Args:
        tokenizer: `semmatch.tokenizers.Tokenizer`.
        sequence_length: int, the most tokens of a text, special ones and
            prompt included.
        segments: bool, whether the encoder has segment embeddings.
        query_prompt: string, put before the first text of an example, such
            as `"query: "`.
        passage_prompt: string, put before the other texts.

    >>> preprocessor = BiEncoderPreprocessor.from_texts(["怎么还款"])
    >>> features = preprocessor.pack(["还款", "怎么"], ["怎么还", "还"])
    >>> features["token_ids"].shape
    (2, 2, 8)
    """

    def __init__(
        self,
        tokenizer,
        sequence_length=128,
        *,
        segments=True,
        query_prompt="",
        passage_prompt="",
    ):
        self.tokenizer = tokenizer
        self.sequence_length = sequence_length
        self.segments = segments
        self.query_prompt = check_text(query_prompt, "`query_prompt`")
        self.passage_prompt = check_text(passage_prompt, "`passage_prompt`")
        self.packer = TextPacker(tokenizer, sequence_length)

    # Of a pair's features; None for what differs from batch to batch.
    feature_shape = (2, None)

    @classmethod
    def from_texts(cls, texts, **kwargs):
        """A preprocessor with a tokenizer trained on `texts`."""
        return cls(Tokenizer.train(texts), **kwargs)

    @property
    def feature_names(self):
        """The names of the features, in a fixed order."""
        names = ["token_ids", "padding_mask"]
        return names + ["segment_ids"] if self.segments else names

    def pack(self, *texts):
        """Features of examples.

        Args:
            *texts: lists of strings, as many in each: the queries, and one
                list or more of passages.

        Returns:
            A dict of int32 `(batch, texts, length)`: `token_ids`,
            `padding_mask` (1 for a real token) and, with `segments`,
            `segment_ids`; the length is that of the longest text, rounded up
            to 8.
        """
        counts = [len(column) for column in texts]
        if len(counts) < 2 or len(set(counts)) > 1:
            raise ValueError(
                "Each example needs two texts or more, a query and passages. "
                f"Received: lists of {counts} texts."
            )
        return self.pack_ids(*self.tokenize(*texts))

    def tokenize(self, *texts):
        """Token ids of examples, prompts included, before they are cut.

        Args:
            *texts: as of `pack`.

        Returns:
            A list of lists of lists of ints, one for each of `texts`, without
            special tokens.
        """
        queries, *passages = texts
        return [
            self.packer.tokenize(list(queries), self.query_prompt),
            *(
                self.packer.tokenize(list(column), self.passage_prompt)
                for column in passages
            ),
        ]

    def pack_ids(self, *ids):
        """What `pack` gives, of what `tokenize` gave."""
        count = len(ids[0])
        # Row by row: the texts of an example lie beside each other.
        rows = [column[row] for row in range(count) for column in ids]
        features = self.packer.pack_ids(rows)
        shape = (count, len(ids), -1) if rows else (0, len(ids), 0)
        return {
            name: features[name].reshape(shape) for name in self.feature_names
        }

    def id_lengths(self, *ids):
        """What `lengths` gives, of what `tokenize` gave, and no warning."""
        return np.max([self.packer.lengths(column) for column in ids], axis=0)

    def warn_of_loss(self, *ids):
        """Warns once of texts that are cut and of unknown tokens."""
        self.packer.warn_of(self._loss(ids))

    def lengths(self, *texts):
        """Tokens of the longest text of each example, without padding.

        Warns once of texts that are cut and of unknown tokens.

        Args:
            *texts: as of `pack`.

        Returns:
            int64 `(n,)`.
        """
        # In chunks, since the ids of all texts may not fit in memory.
        chunks = []
        loss = Loss()
        starts = range(0, len(texts[0]), CHUNK)
        for start in tqdm(starts, "counting tokens", delay=2, disable=None):
            rows = slice(start, start + CHUNK)
            ids = self.tokenize(*(column[rows] for column in texts))
            chunks.append(self.id_lengths(*ids))
            loss += self._loss(ids)
        self.packer.warn_of(loss)
        return np.concatenate(chunks)

    def check_fits(self, backbone):
        """Raises what would otherwise fail deep in a graph, or in silence.

        Args:
            backbone: `keras_hub.models.Backbone` that reads the features.
        """
        check_features(self, backbone)

    def get_config(self):
        return {
            "tokenizer": self.tokenizer.to_json(),
            "sequence_length": self.sequence_length,
            "segments": self.segments,
            "query_prompt": self.query_prompt,
            "passage_prompt": self.passage_prompt,
        }

    @classmethod
    def from_config(cls, config):
        tokenizer = Tokenizer(config["tokenizer"])
        return cls(**{**config, "tokenizer": tokenizer})

    def _loss(self, ids):
        return sum(map(self.packer.loss, ids), Loss())
