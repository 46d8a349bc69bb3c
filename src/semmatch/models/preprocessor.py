"""From strings to the features of a cross-encoder."""

import keras
import numpy as np
from tqdm import tqdm

from semmatch.tokenizers import Packer
from semmatch.tokenizers import Tokenizer
from semmatch.tokenizers.packing import Loss

# Pairs whose tokens are held at once while lengths are counted.
CHUNK = 10_000


@keras.saving.register_keras_serializable(package="semmatch")
class CrossEncoderPreprocessor:
    """Packs pairs of strings into the features that a cross-encoder reads.

    It is the one place that does so, for training, scoring and export.

    Args:
        tokenizer: `semmatch.tokenizers.Tokenizer`.
        sequence_length: int, the most tokens of a pair, special ones
            included.
        truncation: `"longest_first"` cuts the longer text first,
            `"only_second"` cuts the second text alone (a passage).
        segments: bool, whether the encoder has segment embeddings.

    >>> preprocessor = CrossEncoderPreprocessor.from_texts(["怎么还款"])
    >>> features = preprocessor.pack(["还款"], ["怎么还"])
    >>> sorted(features)
    ['padding_mask', 'segment_ids', 'token_ids']
    >>> features["padding_mask"].tolist()
    [[1, 1, 1, 1, 1, 1, 1, 1]]
    """

    def __init__(
        self,
        tokenizer,
        sequence_length=128,
        *,
        truncation="longest_first",
        segments=True,
    ):
        self.tokenizer = tokenizer
        self.sequence_length = sequence_length
        self.truncation = truncation
        self.segments = segments
        self.packer = Packer(tokenizer, sequence_length, truncation=truncation)

    # Of a pair's features; None for what differs from batch to batch.
    feature_shape = (None,)

    @classmethod
    def from_texts(cls, texts, **kwargs):
        """A preprocessor with a tokenizer trained on `texts`."""
        return cls(Tokenizer.train(texts), **kwargs)

    @property
    def feature_names(self):
        """The names of the features, in a fixed order."""
        names = ["token_ids", "padding_mask"]
        return names + ["segment_ids"] if self.segments else names

    def pack(self, text_a, text_b):
        """Features of pairs.

        Args:
            text_a: list of strings.
            text_b: list of strings, as many.

        Returns:
            A dict of int32 `(batch, length)`: `token_ids`, `padding_mask`
            (1 for a real token) and, with `segments`, `segment_ids`; the
            length is that of the longest pair, rounded up to 8.
        """
        features = self.packer.pack(text_a, text_b)
        return {name: features[name] for name in self.feature_names}

    def tokenize(self, text_a, text_b):
        """Token ids of pairs, before they are cut and packed.

        Args:
            text_a: list of strings.
            text_b: list of strings, as many.

        Returns:
            A list of two lists of lists of ints, those of `text_a` and those
            of `text_b`, without special tokens.
        """
        ids = self.tokenizer.tokenize([*text_a, *text_b])
        return [ids[: len(text_a)], ids[len(text_a) :]]

    def pack_ids(self, ids_a, ids_b):
        """What `pack` gives, of what `tokenize` gave."""
        features = self.packer.pack_ids(ids_a, ids_b)
        return {name: features[name] for name in self.feature_names}

    def id_lengths(self, ids_a, ids_b):
        """What `lengths` gives, of what `tokenize` gave, and no warning."""
        return self.packer.lengths(ids_a, ids_b)

    def warn_of_loss(self, ids_a, ids_b):
        """Warns once of pairs that are cut and of unknown tokens."""
        self.packer.warn_of(self.packer.loss(ids_a, ids_b))

    def lengths(self, text_a, text_b):
        """Tokens of each pair once packed, without padding.

        Warns once of pairs that are cut and of unknown tokens.

        Args:
            text_a: list of strings.
            text_b: list of strings, as many.

        Returns:
            int64 `(n,)`.
        """
        # In chunks, since the ids of all texts may not fit in memory.
        starts = range(0, len(text_a), CHUNK)
        chunks = []
        loss = Loss()
        for start in tqdm(starts, "counting tokens", delay=2, disable=None):
            rows = slice(start, start + CHUNK)
            ids = self.tokenize(text_a[rows], text_b[rows])
            chunks.append(self.id_lengths(*ids))
            loss += self.packer.loss(*ids)
        self.packer.warn_of(loss)
        return np.concatenate(chunks)

    def check_fits(self, backbone):
        """Raises what would otherwise fail deep in a graph, or in silence.

        Args:
            backbone: `keras_hub.models.Backbone` that reads the features.

        Raises:
            ValueError: if the features would be too long for it, hold ids
                that it does not know, or are not those that it reads.
        """
        check_features(self, backbone)

    def get_config(self):
        return {
            "tokenizer": self.tokenizer.to_json(),
            "sequence_length": self.sequence_length,
            "truncation": self.truncation,
            "segments": self.segments,
        }

    @classmethod
    def from_config(cls, config):
        tokenizer = Tokenizer(config["tokenizer"])
        return cls(**{**config, "tokenizer": tokenizer})


def check_features(preprocessor, backbone):
    """Raises what would otherwise fail deep in a graph, or in silence.

    Args:
        preprocessor: with a `tokenizer`, a `sequence_length` and `segments`.
        backbone: `keras_hub.models.Backbone` that reads the features.

    Raises:
        ValueError: if the features would be too long for it, hold ids that
            it does not know, or are not those that it reads.
    """
    limit = getattr(backbone, "max_sequence_length", None)
    if limit is not None and preprocessor.sequence_length > limit:
        raise ValueError(
            f"`sequence_length` must be at most {limit} (the backbone's "
            "`max_sequence_length`). Received: sequence_length="
            f"{preprocessor.sequence_length}."
        )
    size = preprocessor.tokenizer.vocabulary_size
    # KerasHub's ELECTRA calls it otherwise.
    known = getattr(backbone, "vocabulary_size", None) or backbone.vocab_size
    if size > known:
        raise ValueError(
            "The tokenizer's ids must be below the backbone's "
            f"`vocabulary_size` of {known}. Received a "
            f"tokenizer of {size} ids: it belongs to another model."
        )
    reads = "segment_ids" in backbone.input
    if preprocessor.segments != reads:
        raise ValueError(
            f"`segments` must be {reads}: the backbone "
            f"{'reads' if reads else 'has no'} segment_ids. Received: "
            f"segments={preprocessor.segments}."
        )
