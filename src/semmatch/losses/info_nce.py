"""Each query shall find its passage among all passages of the batch."""

import keras
import numpy as np
from keras import ops

from semmatch._checks import check_one_of
from semmatch._checks import check_positive
from semmatch._similarity import SIMILARITIES
from semmatch.losses.group_ids import check_ids
from semmatch.losses.group_ids import check_texts
from semmatch.losses.group_ids import group_ids
from semmatch.losses.similarity import similarity_matrix


@keras.saving.register_keras_serializable(package="semmatch")
class InfoNCE(keras.losses.Loss):
    """Cross-entropy of each query's passage against all of the batch.

    The candidates of a query are the positives and the negatives of all rows.
    Those that mean the same as the query are told by their group ids and left
    out. With `symmetric` it is the mean of this and of the other direction,
    in which the candidates of a positive are the queries of all rows; each
    direction has a softmax of its own.

    Ids count exactly up to 2**24: Keras hands them on as float32.

    Source: van den Oord et al. 2018, "Representation learning with
    contrastive predictive coding"; both directions: Guenther et al. 2023,
    "Jina embeddings 2". `MultipleNegativesRankingLoss` of
    sentence-transformers, of scale 1 / temperature, and with `symmetric` of
    `directions=("query_to_doc", "doc_to_query")` and
    `partition_mode="per_direction"`.

    Args:
        temperature: float, by which similarities are divided.
        symmetric: bool, whether passages shall find their queries, too.
        similarity: `"cosine"`, `"dot"`, `"euclidean"` or `"manhattan"`.
        gather: None, or a function of a tensor that returns the rows of all
            replicas and where this replica's begin, such as
            `semmatch.training.gather_replicas`: the candidates are then those
            of all replicas.
        name: string.
        **kwargs: as of `keras.losses.Loss`.

    Call arguments:
        y_true: int `(batch, texts)`, the group of each text: texts of one id
            mean the same, and a negative id is an empty place. Or `(batch,)`,
            the group of each example; all negatives of its own then count.
        y_pred: float `(batch, texts, dim)`: query, positive, negatives.

    Returns:
        float `(batch,)`; 0 where the query or the positive is an empty place,
        and where no candidate is left besides the positive.

    Raises:
        ValueError: for one pair alone, which has no negatives, if the size of
            the batch is known. Where it is not, as in the last batch of a
            dataset on TensorFlow, the value is 0.

    >>> pair, other = [[1.0, 0.0], [1.0, 0.0]], [[0.0, 1.0], [0.0, 1.0]]
    >>> loss = InfoNCE(temperature=1.0)
    >>> round(float(loss([0, 1], [pair, other])), 4)  # log(1 + 1/e)
    0.3133
    >>> float(loss([0, 0], [pair, other]))  # they mean the same
    0.0
    """

    # The examples of a batch are each other's negatives.
    batch_level = True

    def __init__(
        self,
        temperature=0.05,
        symmetric=False,
        similarity="cosine",
        gather=None,
        name="info_nce",
        **kwargs,
    ):
        if gather is not None and not callable(gather):
            raise ValueError(
                "`gather` must be a function such as "
                "`semmatch.training.gather_replicas`, or None. Received: "
                f"gather={gather!r}."
            )
        super().__init__(name=name, **kwargs)
        self.temperature = check_positive(temperature, "temperature")
        self.symmetric = symmetric
        self.similarity = check_one_of(similarity, SIMILARITIES, "similarity")
        self.gather = gather

    def __call__(self, y_true, y_pred, sample_weight=None):
        y_true = check_ids(y_true, self.name)
        return super().__call__(y_true, y_pred, sample_weight)

    def call(self, y_true, y_pred):
        y_pred = ops.convert_to_tensor(y_pred)
        self._check_vectors(y_pred)
        ids, of_texts = group_ids(y_true, y_pred, self.name)
        all_ids, start = self._gathered(ids)
        rows = ops.arange(ops.shape(all_ids)[0])
        own_row = start + ops.arange(ops.shape(ids)[0])
        own = (own_row[:, None] == rows[None, :])[:, :, None]

        passages, _ = self._gathered(y_pred[:, 1:])
        first = ops.arange(ops.shape(passages)[1]) == 0
        positive = own & first[None, None, :]
        values = self._cross_entropy(
            y_pred[:, 0],
            passages,
            positive,
            # An example's id says nothing of its own negatives.
            _left_out(ids[:, 0], all_ids[:, 1:], positive if of_texts else own),
        )
        if self.symmetric:
            queries, _ = self._gathered(y_pred[:, :1])
            left_out = _left_out(ids[:, 1], all_ids[:, :1], own)
            back = self._cross_entropy(y_pred[:, 1], queries, own, left_out)
            values = (values + back) / 2
        return ops.where((ids[:, 0] >= 0) & (ids[:, 1] >= 0), values, 0)

    def _check_vectors(self, y_pred):
        check_texts(
            y_pred, 2, self.name, "Give each query a text that it shall find."
        )
        if self.gather is None and tuple(y_pred.shape[:2]) == (1, 2):
            raise ValueError(
                f"`{self.name}` takes the negatives of an example from the "
                "others of its batch. Received: a batch of 1 pair without "
                "negatives. Raise `batch_size`, or drop the last batch where "
                "one pair is left for it."
            )

    def _gathered(self, tensor):
        """The rows of all replicas, and where those of this one begin."""
        return (tensor, 0) if self.gather is None else self.gather(tensor)

    def _cross_entropy(self, vectors, candidates, positive, left_out):
        """Of each vector and the rows of candidates, `(batch,)`."""
        rows, texts, dim = ops.shape(candidates)
        candidates = ops.reshape(candidates, (rows * texts, dim))
        logits = ops.reshape(
            similarity_matrix(vectors, candidates, self.similarity),
            (ops.shape(vectors)[0], rows, texts),
        )
        logits = logits / self.temperature
        found = ops.sum(ops.where(positive, logits, 0), axis=(1, 2))
        # Never all of a row: the positive stays.
        logits = ops.where(left_out & ~positive, -np.inf, logits)
        return ops.logsumexp(logits, axis=(1, 2)) - found

    def get_config(self):
        return {
            **super().get_config(),
            "temperature": self.temperature,
            "symmetric": self.symmetric,
            "similarity": self.similarity,
            "gather": keras.saving.serialize_keras_object(self.gather),
        }

    @classmethod
    def from_config(cls, config):
        gather = keras.saving.deserialize_keras_object(config["gather"])
        return cls(**{**config, "gather": gather})


@keras.saving.register_keras_serializable(package="semmatch")
class SimCSE(InfoNCE):
    """InfoNCE of texts that are each other's own positive.

    A row is one text twice, which dropout makes two vectors of. No labels are
    needed; equal texts of a batch are told by their group ids.

    Source: Gao et al. 2021, "SimCSE", the unsupervised one. With negatives,
    as in the supervised one, take `InfoNCE`.

    Args:
        temperature: as of `InfoNCE`.
        symmetric: as of `InfoNCE`; in the paper it is not.
        similarity: as of `InfoNCE`.
        gather: as of `InfoNCE`.
        name: string.
        **kwargs: as of `keras.losses.Loss`.

    Call arguments:
        y_true: as of `InfoNCE`.
        y_pred: float `(batch, 2, dim)`.

    >>> text, other = [[1.0, 0.0], [0.9, 0.1]], [[0.0, 1.0], [0.1, 0.9]]
    >>> float(SimCSE()([0, 1], [text, other])) < 1e-3
    True
    """

    def __init__(
        self,
        temperature=0.05,
        symmetric=False,
        similarity="cosine",
        gather=None,
        name="sim_cse",
        **kwargs,
    ):
        super().__init__(
            temperature, symmetric, similarity, gather, name, **kwargs
        )

    def _check_vectors(self, y_pred):
        super()._check_vectors(y_pred)
        if y_pred.shape[1] not in (None, 2):
            raise ValueError(
                f"`{self.name}` takes each text twice, shape (batch, 2, dim). "
                f"Received: y_pred of shape {tuple(y_pred.shape)}. For "
                "positives with negatives take `InfoNCE`."
            )


def _left_out(ids, candidate_ids, exempt):
    """Which candidates are no negatives: empty places and the own group.

    Args:
        ids: `(batch,)`, of those who search.
        candidate_ids: `(rows, texts)`.
        exempt: bool `(batch, rows, 1 or texts)`, which are never of the own
            group.
    """
    same = ids[:, None, None] == candidate_ids[None]
    return (candidate_ids < 0)[None] | (same & ~exempt)
