"""A model that encodes texts each by itself and compares their vectors."""

import keras
from keras import ops

from semmatch import evaluation
from semmatch._checks import check_one_of
from semmatch._records import Embedding
from semmatch._records import Scoring
from semmatch._similarity import SIMILARITIES
from semmatch._similarity import similarity_matrix
from semmatch.losses.similarity import pair_similarity
from semmatch.losses.vector_loss import check_vector_loss
from semmatch.models import presets
from semmatch.models.bi_preprocessor import BiEncoderPreprocessor
from semmatch.models.embedding_head import embedding_head
from semmatch.models.from_checkpoint import bi_encoder_from
from semmatch.models.keras_scoring import keras_scores
from semmatch.models.matching_task import MatchingTask
from semmatch.serving.embedding_scorer import EmbeddingScorer


@keras.saving.register_keras_serializable(package="semmatch")
class BiEncoder(MatchingTask):
    """Encodes texts as vectors that are near where the texts mean the same.

    One encoder, the tower, reads each text by itself, so that the vectors of
    a corpus are computed once. `fit`, `evaluate` and `predict` take datasets
    of `pair_dataset`, or raw strings: `fit((text_a, text_b), labels)`.

    Source: Reimers and Gurevych 2019, Sentence-BERT.

    Args:
        backbone: `TextEncoder`, or a `keras_hub.models.Backbone` whose output
            is a tensor or holds `sequence_output`.
        preprocessor: `BiEncoderPreprocessor`, or None for a model that gets
            packed features alone.
        pooling: `"mean"`, `"cls"`, `"max"`, `"mean_sqrt"`,
            `"weighted_mean"`, `"last"`, or `"pooler"` (BERT's dense layer on
            the first token).
        projection_dim: int or None, the width of a dense layer after it.
        projection_activation: as of `keras.layers.Dense`, of that layer.
        normalize: bool, whether vectors get the length 1.
        similarity: `"cosine"`, `"dot"`, or a distance with a minus before it,
            `"euclidean"` or `"manhattan"`.
        scoring: `Scoring` of the similarity, or None for (1 + cosine) / 2,
            and for a sigmoid of the others.
        name: string or None.

    Call arguments:
        A dict of int32 `(batch, texts, length)` that the preprocessor packs,
        or of `(batch, length)`, one text each.

    Returns:
        float32 `(batch, texts, dim)`, or `(batch, dim)`.

    >>> from semmatch.models import TextEncoder
    >>> preprocessor = BiEncoderPreprocessor.from_texts(["怎么还款"])
    >>> model = BiEncoder(TextEncoder(50, 1, 2, 8, 16), preprocessor)
    >>> model.encode(["怎么还款", "如何还"]).shape
    (2, 8)
    >>> model.score([("怎么还款", "怎么还款")]).round(4).tolist()
    [1.0]
    """

    preprocessor_cls = BiEncoderPreprocessor
    # A similarity is one logit, in training as well.
    num_classes = 1
    head_arguments = (
        "pooling",
        "projection_dim",
        "projection_activation",
        "normalize",
        "similarity",
    )
    # With another one of these the projection's weights are still of use.
    kept_head_arguments = frozenset(head_arguments) - {"projection_dim"}
    head_layers = ("projection",)

    def __init__(
        self,
        backbone,
        preprocessor=None,
        *,
        pooling="mean",
        projection_dim=None,
        projection_activation=None,
        normalize=True,
        similarity="cosine",
        scoring=None,
        name=None,
    ):
        if preprocessor is not None:
            preprocessor.check_fits(backbone)
        embedding = embedding_head(
            backbone,
            pooling,
            projection_dim,
            projection_activation,
            normalize,
        )
        self.backbone = backbone
        self.preprocessor = preprocessor
        self.pooling = pooling
        self.projection_dim = projection_dim
        # A function by its name, which a configuration can hold.
        self.projection_activation = projection_activation and (
            keras.activations.serialize(
                keras.activations.get(projection_activation)
            )
        )
        self.normalize = normalize
        self.similarity_name = check_one_of(
            similarity, SIMILARITIES, "similarity"
        )
        self.scoring = scoring or Scoring.for_similarity(similarity)
        self.load_report = None
        self.embedding_dim = embedding.shape[-1]
        super().__init__(inputs=backbone.input, outputs=embedding, name=name)
        # What is called with may have an axis more than the tower's inputs.
        self.input_spec = None

    def call(self, inputs, training=None, mask=None):
        if len(inputs["token_ids"].shape) == 2:
            return super().call(inputs, training=training)
        _, texts, length = ops.shape(inputs["token_ids"])
        rows = {
            name: ops.reshape(feature, (-1, length))
            for name, feature in inputs.items()
        }
        vectors = super().call(rows, training=training)
        return ops.reshape(vectors, (-1, texts, self.embedding_dim))

    def compute_output_spec(self, inputs, training=None, mask=None):
        shape = (*inputs["token_ids"].shape[:-1], self.embedding_dim)
        return keras.KerasTensor(shape, "float32")

    def encode(
        self, texts, *, side="passage", batch_size=None, truncate_dim=None
    ):
        """Vectors of texts, see `EmbeddingScorer.encode`.

        Args:
            texts: list of strings, or one string.
            side: `"passage"` or `"query"`, whose prompt is put before.
            batch_size: int, texts of one batch; None for as many as make
                batches of a fixed number of tokens.
            truncate_dim: int, how many of the first dimensions to keep.

        Returns:
            float32 `(n, dim)` in the order given; `(dim,)` for one string.
        """
        return self.pair_scorer().encode(
            texts, side=side, batch_size=batch_size, truncate_dim=truncate_dim
        )

    def similarity(self, a, b):
        """The similarity of each vector of `a` with each one of `b`.

        Args:
            a: float `(n, dim)`, as `encode` gives.
            b: float `(m, dim)`.

        Returns:
            float32 `(n, m)`.
        """
        return similarity_matrix(a, b, self.similarity_name)

    @classmethod
    def from_preset(
        cls,
        preset,
        *,
        sequence_length=None,
        num_layers=None,
        normalizer=None,
        query_prompt=None,
        passage_prompt=None,
        dtype=None,
        trainable="all",
        **kwargs,
    ):
        """Loads a model from a folder.

        Args:
            preset: a folder or handle, as of `CrossEncoder.from_preset`.
            sequence_length: int or None for the folder's own limit.
            num_layers: int or None, keeps the first layers alone.
            normalizer: `TextNormalizer` to put before the tokenizer, or None.
            query_prompt: string or None for the folder's own.
            passage_prompt: string or None for the folder's own.
            dtype: policy of the computation, such as `"mixed_bfloat16"`, or
                None for Keras's global one.
            trainable: `"all"`, `"head"`, `"top:N"` for the last N layers and
                the head, or `"lora:R"`, see `set_trainable`.
            **kwargs: further arguments of the constructor (`pooling`,
                `projection_dim`, `normalize`, `similarity`, `scoring`); the
                folder's own where they are left out, and mean pooling and
                vectors of length 1 where it has none.

        Returns:
            A `BiEncoder`; `model.load_report` says what was read, left out
            and initialised.
        """
        return presets.load(
            cls,
            preset,
            build=bi_encoder_from,
            num_layers=num_layers,
            dtype=dtype,
            trainable=trainable,
            head=kwargs,
            packing={
                "sequence_length": sequence_length,
                "normalizer": normalizer,
                "query_prompt": query_prompt,
                "passage_prompt": passage_prompt,
            },
        )

    def pair_scorer(self):
        """What `encode`, `score` and `rank` go through, as it is now."""
        preprocessor = self.preprocessor_or_error()
        names = set(self.backbone.input)

        def run(features):
            features = {name: features[name] for name in names}
            return self.predict_on_batch(features)

        embedding = Embedding(
            self.embedding_dim,
            self.similarity_name,
            self.normalize,
            preprocessor.query_prompt,
            preprocessor.passage_prompt,
        )
        return EmbeddingScorer(
            preprocessor.packer, run, self.scoring, embedding
        )

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        scores = keras_scores(self.pair_logits(y_pred), self.scoring)
        return super().compute_metrics(x, y, scores, sample_weight)

    def pair_logits(self, outputs):
        """Similarities of the first two texts of each row, `(batch, 1)`."""
        return pair_similarity(outputs, self.similarity_name)[:, None]

    def get_config(self):
        return {
            **super().get_config(),
            "pooling": self.pooling,
            "projection_dim": self.projection_dim,
            "projection_activation": self.projection_activation,
            "normalize": self.normalize,
            "similarity": self.similarity_name,
            "scoring": self.scoring.to_dict(),
        }

    def _checked_loss(self, loss):
        return check_vector_loss(loss, self.similarity_name)

    def _default_metrics(self):
        bounded = self.similarity_name == "cosine" or (
            self.normalize and self.similarity_name in ("dot", "euclidean")
        )
        # Else unfitted scores are all 0 or 1, and an area says nothing.
        if not bounded:
            return []
        # Cosines of an encoder that nobody trained for it are all near 1.
        return [keras.metrics.AUC(num_thresholds=2000, name="auc")]

    def _check_scoring(self, scoring):
        super()._check_scoring(scoring)
        if scoring.long == "max":
            raise ValueError(
                '`long="max"` is of models that read two texts together. '
                "Encode the parts of a passage as passages, and name it by "
                "`groups` in `rank`."
            )
        is_cosine = self.similarity_name == "cosine" or (
            self.normalize and self.similarity_name == "dot"
        )
        if scoring.activation == "cosine" and not is_cosine:
            raise ValueError(
                'The activation "cosine" is of similarities in [-1, 1]. '
                f"Received: similarity={self.similarity_name!r} and normalize="
                f'{self.normalize}. Take "sigmoid", and fit it to labelled '
                "pairs by `fit_temperature`."
            )

    def _calibrated(self, labels, logits):
        slope, bias = evaluation.fit_platt(labels, logits[:, 0])
        return self.scoring.fitted(slope, bias)
