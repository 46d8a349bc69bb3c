"""Vectors whose first dimensions are of use by themselves."""

import keras
from keras import ops

from semmatch._checks import check_positive_int
from semmatch.losses.loss_sum import check_is_loss
from semmatch.losses.loss_sum import checked_weights
from semmatch.losses.loss_sum import label_range
from semmatch.losses.similarity import unit_vectors


@keras.saving.register_keras_serializable(package="semmatch")
class Matryoshka(keras.losses.Loss):
    """The sum of a loss over vectors that are cut at several widths.

    Cut vectors get the length 1 again, those of the full width too. Name the
    full width among `dims`, or it is not trained as such.
    `encode(truncate_dim=)` cuts likewise.

    Source: Kusupati et al. 2022, "Matryoshka representation learning";
    `MatryoshkaLoss` of sentence-transformers.

    Args:
        loss: `keras.losses.Loss`, called at each width with its own reduction
            and what it makes of the weights of examples.
        dims: list of ints, the widths.
        weights: list of floats, one for each width; None for 1 each.
        name: string.

    Call arguments:
        y_true: what `loss` takes.
        y_pred: float `(batch, texts, dim)`.

    Raises:
        ValueError: when called, if a width is larger than the vectors'.

    >>> from semmatch.losses import CosineMSE
    >>> embeddings = [[[1.0, 0.0], [0.0, 1.0]], [[1.0, 1.0], [1.0, 1.0]]]
    >>> float(Matryoshka(CosineMSE(), [1, 2])([1.0, 1.0], embeddings))
    1.0
    """

    def __init__(self, loss, dims, weights=None, name="matryoshka"):
        check_is_loss(loss, "loss")
        dims = [check_positive_int(dim, "dims") for dim in dims]
        if not dims:
            raise ValueError("`dims` must name a width. Received: dims=[].")
        super().__init__(name, loss.reduction, loss.dtype)
        self.loss = loss
        self.dims = dims
        self.weights = checked_weights(weights, len(dims), "dims")
        self.batch_level = getattr(loss, "batch_level", False)
        self.label_range = label_range(loss)

    def __call__(self, y_true, y_pred, sample_weight=None):
        y_pred = ops.convert_to_tensor(y_pred, dtype=self.dtype)
        width = y_pred.shape[-1]
        if width < max(self.dims):
            raise ValueError(
                f"`{self.name}` cuts vectors at {self.dims}. Received: vectors "
                f"of {width} dimensions. Leave out larger `dims`."
            )
        return sum(
            weight
            * self.loss(y_true, unit_vectors(y_pred[..., :dim]), sample_weight)
            for dim, weight in zip(self.dims, self.weights, strict=True)
        )

    def get_config(self):
        return {
            "loss": keras.saving.serialize_keras_object(self.loss),
            "dims": self.dims,
            "weights": self.weights,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config):
        loss = keras.saving.deserialize_keras_object(config["loss"])
        return cls(**{**config, "loss": loss})
