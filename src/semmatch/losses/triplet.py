"""A text is nearer to its positive than to a negative, by a margin."""

import keras
from keras import ops

from semmatch._checks import check_one_of
from semmatch._checks import check_positive
from semmatch._similarity import SIMILARITIES
from semmatch.losses.group_ids import check_ids
from semmatch.losses.group_ids import check_texts
from semmatch.losses.group_ids import group_ids
from semmatch.losses.masked_mean import masked_mean
from semmatch.losses.similarity import query_similarity
from semmatch.losses.similarity import similarity_matrix
from semmatch.losses.triplet_mining import hard_triplets
from semmatch.losses.triplet_mining import semi_hard_triplets

_MINING = {"hard": hard_triplets, "semi_hard": semi_hard_triplets}


@keras.saving.register_keras_serializable(package="semmatch")
class Triplet(keras.losses.Loss):
    """`max(s_n - s_p + margin, 0)` of similarities to positive and negative.

    Which triplets there are is a matter of `mining`:

    - None: the query of a row, its positive and each of its own negatives;
      the value is their mean.
    - `"hard"`: each text of the batch as an anchor, with the farthest text of
      its group and the nearest one of another.
    - `"semi_hard"`: each text as an anchor with each other text of its group,
      and the nearest negative that is farther than that; where there is none,
      the farthest negative.

    Mined triplets count alike: an example's value is the sum over those of
    its texts as anchors, times examples / triplets of the batch, so that the
    mean over the batch is the mean over the triplets. Texts without another
    one of their group, or of another group, are no anchors. A weight of an
    example is that of its anchors; its texts stay positives and negatives of
    others. Under `tf.distribute` the batch is that of a replica.

    Source: Hermans et al. 2017, "In defense of the triplet loss" (hard);
    Schroff et al. 2015, FaceNet (semi-hard). `TripletLoss`,
    `BatchHardTripletLoss` and `BatchSemiHardTripletLoss` of
    sentence-transformers; its two of batches give a value to texts without a
    positive or a negative as well, and differ where a batch has such.

    Args:
        margin: float, in units of the similarity.
        similarity: `"cosine"`, `"dot"`, or a distance with a minus before it,
            `"euclidean"` or `"manhattan"`.
        mining: None, `"hard"` or `"semi_hard"`.
        name: string.
        **kwargs: as of `keras.losses.Loss`.

    Call arguments:
        y_true: int `(batch, texts)`, the group of each text: texts of one id
            mean the same, and a negative id is an empty place, exactly up to
            2**24. Or `(batch,)`, the group of each example: all negatives of
            its own then count; with `mining` it may have two texts at most.
        y_pred: float `(batch, texts, dim)`: query, positive, negatives; with
            `mining` any number of texts.

    Returns:
        float `(batch,)`; 0 for an example without a triplet.

    >>> rows = [[[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]]
    >>> float(Triplet(margin=0.5)([0], rows))  # 1 - 0 + 0.5
    1.5
    """

    def __init__(
        self,
        margin=0.2,
        similarity="cosine",
        mining=None,
        name="triplet",
        **kwargs,
    ):
        super().__init__(name=name, **kwargs)
        self.margin = check_positive(margin, "margin")
        self.similarity = check_one_of(similarity, SIMILARITIES, "similarity")
        self.mining = check_one_of(mining, (None, *_MINING), "mining")
        # Mining compares the examples of a batch.
        self.batch_level = mining is not None

    def __call__(self, y_true, y_pred, sample_weight=None):
        y_true = check_ids(y_true, self.name)
        return super().__call__(y_true, y_pred, sample_weight)

    def call(self, y_true, y_pred):
        y_pred = ops.convert_to_tensor(y_pred)
        if self.mining is None:
            return self._of_rows(y_true, y_pred)
        return self._mined(y_true, y_pred)

    def _of_rows(self, y_true, y_pred):
        check_texts(
            y_pred,
            3,
            self.name,
            "Without `mining` the negatives are the row's own: give some, "
            "mine them from the batch, or take `InfoNCE`.",
        )
        ids, of_texts = group_ids(y_true, y_pred, self.name)
        similar = query_similarity(y_pred, self.similarity)
        values = ops.relu(similar[:, 1:] - similar[:, :1] + self.margin)
        real = (ids[:, :1] >= 0) & (ids[:, 1:2] >= 0) & (ids[:, 2:] >= 0)
        if of_texts:
            real = real & (ids[:, 2:] != ids[:, :1])
        return masked_mean(values, real)

    def _mined(self, y_true, y_pred):
        check_texts(y_pred, 1, self.name, "Pack texts into rows.")
        ids, of_texts = group_ids(y_true, y_pred, self.name)
        if not of_texts and (y_pred.shape[1] or 3) > 2:
            raise ValueError(
                f"`{self.name}` with mining={self.mining!r} needs to know "
                "which texts mean the same. Received: one id for each example "
                f"of y_pred of shape {tuple(y_pred.shape)}. Pass the id of "
                "each text, shape (batch, texts)."
            )
        batch, texts, dim = ops.shape(y_pred)
        vectors = ops.reshape(y_pred, (batch * texts, dim))
        gaps, real = _MINING[self.mining](
            similarity_matrix(vectors, vectors, self.similarity),
            ops.reshape(ids, (batch * texts,)),
        )
        values = ops.where(real, ops.relu(gaps + self.margin), 0)
        totals = ops.sum(
            ops.reshape(ops.sum(values, axis=-1), (batch, texts)), axis=-1
        )
        triplets = ops.maximum(ops.sum(ops.cast(real, values.dtype)), 1)
        return totals * ops.cast(batch, values.dtype) / triplets

    def get_config(self):
        return {
            **super().get_config(),
            "margin": self.margin,
            "similarity": self.similarity,
            "mining": self.mining,
        }
