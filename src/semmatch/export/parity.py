"""How far an exported model is from the model it was made of."""

import dataclasses

import numpy as np

from semmatch._similarity import similarity_pairwise
from semmatch.models import BiEncoder
from semmatch.serving import Matcher

# Float noise of another order of additions stays well below; a wrong mask,
# epsilon or activation does not.
TOLERANCE = 1e-4

# Tokens of the longest random text, where the model takes as many.
_LONGEST = 64


@dataclasses.dataclass(frozen=True)
class Differences:
    """The largest differences of an exported model.

    Attributes:
        score: float, of a pair's score.
        vector: float, of a component of a vector, as a share of the vector's
            length; None of a cross-encoder.
    """

    score: float
    vector: float | None = None

    def check(self):
        """Raises a `RuntimeError` if one of them is above `TOLERANCE`."""
        for name, value in (("score", self.score), ("vector", self.vector)):
            # A comparison that catches NaN as well.
            if value is not None and not value <= TOLERANCE:
                raise RuntimeError(
                    f"The exported {name}s differ from the model's by "
                    f"{value:.1e}, more than {TOLERANCE:.0e}; nothing was "
                    "written. Please report the model's configuration."
                )

    def check_finite(self, quantize):
        """Raises a `RuntimeError` if a quantised model gives no numbers."""
        if not np.isfinite(self.score):
            raise RuntimeError(
                f"quantize={quantize!r} gives NaN or infinity for a score, and "
                "float32 does not; nothing was written. Leave `quantize` out, "
                "and please report the model's configuration."
            )


def largest_differences(folder, model):
    """Compares a deploy folder with its model, on random tokens.

    Args:
        folder: path.
        model: `CrossEncoder` or `BiEncoder` that computes in float32.

    Returns:
        `Differences`.
    """
    return differences_of(Matcher(folder).run, model)


def differences_of(run, model):
    """Compares what was exported with its model, on random tokens.

    Random ids reach the whole vocabulary and the lengths the whole range,
    which a few example sentences do not.

    Args:
        run: function from a dict of int32 `(batch, length)`, the features
            that the model reads, to its outputs `(batch, dim)`.
        model: `CrossEncoder` or `BiEncoder` that computes in float32.

    Returns:
        `Differences`.

    Raises:
        ValueError: if the model itself gives NaN or infinity.
    """
    packer = model.preprocessor.packer
    random = np.random.default_rng(0)
    size = packer.tokenizer.vocabulary_size
    longest = min(_LONGEST, packer.sequence_length)
    ids = [
        random.integers(size, size=length).tolist() for length in range(longest)
    ]
    if not isinstance(model, BiEncoder):
        # Of all lengths together too: rows of one length have no padding.
        others = ids[::2] + ids[1::2]
        outputs = _both(run, model, packer.pack_ids(ids, others))
        return Differences(_difference(*map(model.scoring.scores, outputs)))
    outputs = _both(run, model, packer.pack_ids(ids))
    scores = [
        model.scoring.scores(
            similarity_pairwise(vectors, vectors[::-1], model.similarity_name)[
                :, None
            ]
        )
        for vectors in outputs
    ]
    return Differences(_difference(*scores), vector_difference(*outputs))


def vector_difference(found, expected):
    """The largest difference of a component, as a share of the length.

    Args:
        found: float `(n, dim)`.
        expected: float `(n, dim)`, of whose rows the lengths are taken.

    >>> vector_difference(np.array([[0.0, 5.0]]), np.array([[0.0, 4.0]]))
    0.25
    """
    lengths = np.linalg.norm(expected, axis=1, keepdims=True)
    lengths = np.where(lengths == 0, 1, lengths)
    return _difference(found / lengths, expected / lengths)


def _both(run, model, features):
    """What was exported and what the model gives for packed features."""
    inputs = {name: features[name] for name in model.preprocessor.feature_names}
    expected = model.predict_on_batch(inputs)
    if not np.isfinite(expected).all():
        raise ValueError(
            "The model itself gives NaN or infinity on random tokens, so that "
            "nothing was written. Most often its training has diverged: look "
            "at its loss."
        )
    return run(inputs), expected


def _difference(found, expected):
    return float(np.abs(found - expected).max())
