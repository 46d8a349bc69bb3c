"""Which encoder vectors are of, so that no other one is asked for more."""

import dataclasses

import numpy as np

from semmatch._records import Embedding
from semmatch.serving.embedding_scorer import SIDES
from semmatch.serving.encoding import embedding_scorer

# Encoded by every encoder: what it makes of them tells it from others. They
# are short, so that none is cut.
PROBES = ("还款", "order", "3")

# The largest difference of a probe's vectors as a share of their length. Of
# e5-small-zh an exported graph gives 1e-6, the model in bfloat16 0.02, int8
# 0.1, and what was trained further 1.5.
TOLERANCE = 0.05


def embedding_of(encoder):
    """What an encoder's vectors are, its `Embedding`.

    Args:
        encoder: `BiEncoder`, `Matcher` of one, or an object that has
            `embedding`.

    Raises:
        TypeError: if it encodes no texts.
    """
    embedding = getattr(encoder, "embedding", None)
    if isinstance(embedding, Embedding):
        return embedding
    if not hasattr(encoder, "pair_scorer"):
        raise TypeError(
            "Expected an encoder: a `BiEncoder`, the `Matcher` of one, or an "
            "object with `encode(texts, side=...)`, `scoring` and "
            f"`embedding`. Received: a `{type(encoder).__name__}`."
        )
    return embedding_scorer(encoder).embedding


def fingerprint(encoder):
    """What tells an encoder from another one, as JSON types."""
    return {
        "embedding": dataclasses.asdict(embedding_of(encoder)),
        "probes": {
            side: np.asarray(encoder.encode(PROBES, side=side)).tolist()
            for side in SIDES
        },
    }


def check_same_encoder(saved, found, source):
    """Refuses an encoder that is not the one of a fingerprint.

    Args:
        saved: what `fingerprint` gave of the encoder that was.
        found: what it gives of the one that is.
        source: path of the file that has `saved`, for the message.

    Raises:
        ValueError: if it is another one; says in what.
    """
    differences = [
        f"{name} {value!r} instead of {saved['embedding'].get(name)!r}"
        for name, value in found["embedding"].items()
        if value != saved["embedding"].get(name)
    ]
    if not differences:
        differences = [
            f"{side} vectors that differ by {difference:.2g} of their "
            f"length (up to {TOLERANCE} is the same encoder)"
            for side in SIDES
            if not (
                difference := _difference(
                    found["probes"][side], saved["probes"][side]
                )
            )
            <= TOLERANCE
        ]
    if differences:
        raise ValueError(
            f"{source} is of another encoder. Received one with "
            f"{', and '.join(differences)}. Load it with the encoder that it "
            "was built with, or have all texts encoded again by this one: "
            "`load(folder, encoder, encode_again=True)`."
        )


def check_not_trained(saved, encoder):
    """Refuses to mix the vectors of an encoder before and after a training.

    Args:
        saved: what `fingerprint` gave of the encoder that was.
        encoder: the one that is, as of `embedding_of`.

    Raises:
        ValueError: if its vectors are others.
    """
    vectors = encoder.encode(PROBES, side="passage")
    difference = _difference(vectors, saved["probes"]["passage"])
    # Vectors that are NaN are refused as such.
    if difference > TOLERANCE:
        raise ValueError(
            "The encoder was changed since the first answers were added: its "
            f"vectors differ by {difference:.2g} of their length (up to "
            f"{TOLERANCE} is the same encoder). Build a new `FAQIndex` with "
            "it, and `add_many(index.items())` of this one to that."
        )


def _difference(found, saved):
    found, saved = np.array(found), np.array(saved)
    lengths = np.linalg.norm(saved, axis=1)
    differences = np.linalg.norm(found - saved, axis=1)
    return np.max(differences / np.where(lengths == 0, 1, lengths))
