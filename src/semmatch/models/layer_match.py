"""Which layers of a student are to become like which of a teacher."""

import re

from semmatch._checks import check_one_of
from semmatch._checks import check_positive

_LOSSES = {
    "hidden": ("mse", "cosine"),
    "attention": ("mse", "kl"),
    "pooled": ("mse", "cosine"),
}
_RULES = ("uniform", "first", "last")
_NAME = re.compile(r"block_(\d+)")


class LayerMatch:
    """One of the `matches` of a `DistillationModel`.

    - `"hidden"`: the vectors of tokens. With `"mse"` the mean of the squared
      differences of their components, with `"cosine"` of 1 - cosine. Where
      widths differ a dense layer, which is trained along, brings the
      student's to the teacher's.
    - `"attention"`: with `"mse"` the products of queries and keys, with
      `"kl"` the divergence of the shares that these become. Where the numbers
      of heads differ, means over heads are compared.
    - `"pooled"`: the vector of the whole text, as `"hidden"`.

    Means are over real tokens (for attention, pairs of them), heads and the
    layers that are matched.

    Source: Jiao et al. 2020, TinyBERT (hidden states, attention before the
    softmax, every third layer); Sun et al. 2019, "Patient knowledge
    distillation" (vectors of equal length: `"cosine"` is half of it); Wang et
    al. 2020, MiniLM (`"kl"` of the last layer).

    Args:
        feature: `"hidden"`, `"attention"` or `"pooled"`.
        layers: a dict from the student's layers to the teacher's, by number
            or by name: 0 is the embedding, 1 the first block, `"block_0"`.
            Or `"uniform"`, with which the k-th of n student's layers learns
            from the (k / n)-th part of the teacher's (of 12 layers, 4 learn
            from every third); `"first"`, each from that of its own number;
            `"last"`, the last one from the last one. None for `"uniform"`.
        loss: `"mse"`, `"cosine"` or `"kl"`.
        weight: float above 0, of the match in the loss of the training.

    >>> LayerMatch().layer_pairs(4, 12)
    [(0, 0), (1, 3), (2, 6), (3, 9), (4, 12)]
    >>> LayerMatch("attention", {"block_3": 12}, "kl").layer_pairs(4, 12)
    [(4, 12)]
    """

    def __init__(self, feature="hidden", layers=None, loss="mse", weight=1.0):
        self.feature = check_one_of(feature, tuple(_LOSSES), "feature")
        self.loss = check_one_of(loss, _LOSSES[feature], "loss")
        if feature == "pooled" and layers is not None:
            raise ValueError(
                "A model has one pooled vector and so no layers to choose. "
                f"Received: layers={layers!r}."
            )
        self.layers = "uniform" if layers is None else layers
        if not isinstance(self.layers, dict):
            check_one_of(self.layers, _RULES, "layers")
        self.weight = check_positive(weight, "weight")

    @property
    def name(self):
        """Under which its loss stands in the logs."""
        return f"{self.feature}_{self.loss}"

    def layer_pairs(self, student_layers, teacher_layers):
        """Numbers of a student's layers, each with one of the teacher's.

        Args:
            student_layers: int, blocks of the student.
            teacher_layers: int, blocks of the teacher.

        Returns:
            A list of pairs of ints, 0 for the embedding.

        Raises:
            ValueError: for a layer that is not there.
        """
        lowest = 0 if self.feature == "hidden" else 1
        own = range(lowest, student_layers + 1)
        if self.layers == "uniform":
            step = teacher_layers / student_layers
            # Halves go up, so that no two of a deep student are one.
            return [(layer, int(layer * step + 0.5)) for layer in own]
        if self.layers == "last":
            return [(student_layers, teacher_layers)]
        pairs = (
            [(layer, layer) for layer in own]
            if self.layers == "first"
            else [tuple(map(_number, pair)) for pair in self.layers.items()]
        )
        for pair in pairs:
            for layer, count, who in zip(
                pair,
                (student_layers, teacher_layers),
                ("student", "teacher"),
                strict=True,
            ):
                if not lowest <= layer <= count:
                    raise ValueError(
                        f"`layers` must name layers {lowest} to {count} of "
                        f"the {who}, for {self.feature!r}. Received: "
                        f"layers={self.layers!r}."
                    )
        if not pairs:
            raise ValueError("`layers` must name at least one. Received: {}.")
        return pairs

    def __repr__(self):
        return (
            f"LayerMatch({self.feature!r}, {self.layers!r}, {self.loss!r}, "
            f"{self.weight})"
        )


def _number(layer):
    """A layer's number, of `"block_0"` 1."""
    found = _NAME.fullmatch(layer) if isinstance(layer, str) else None
    if found:
        return int(found[1]) + 1
    if not isinstance(layer, int) or isinstance(layer, bool):
        raise ValueError(
            "A layer is named by its number, 0 for the embedding, or as "
            f'"block_0". Received: {layer!r}.'
        )
    return layer
