"""A model that encodes texts each by itself and compares their vectors."""

import keras
from keras import ops

from semmatch import evaluation
from semmatch._checks import check_one_of
from semmatch._records import Embedding
from semmatch._records import Scoring
from semmatch._similarity import SIMILARITIES
from semmatch.layers import PairHead
from semmatch.losses.similarity import pair_similarity
from semmatch.losses.vector_loss import check_vector_labels
from semmatch.losses.vector_loss import check_vector_loss
from semmatch.losses.vector_loss import is_loss_of_lists
from semmatch.losses.vector_loss import raise_of_pairs
from semmatch.models import presets
from semmatch.models.bi_preprocessor import BiEncoderPreprocessor
from semmatch.models.embedding_head import embedding_head
from semmatch.models.from_checkpoint import bi_encoder_from
from semmatch.models.keras_scoring import keras_scores
from semmatch.models.list_scores import in_batch_scores
from semmatch.models.list_scores import is_of_lists
from semmatch.models.list_scores import told_apart
from semmatch.models.matching_task import MatchingTask
from semmatch.models.vector_metrics import check_metrics_of
from semmatch.models.vector_metrics import check_similarity_scoring
from semmatch.models.vector_metrics import vector_metrics
from semmatch.serving.embedding_scorer import EmbeddingScorer
from semmatch.serving.encoding import encode
from semmatch.serving.encoding import similarity


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
            `"weighted_mean"`, `"last"`, `"attention"` (learned weights),
            `"first_last"` (the mean over the first and the last layer), or
            `"pooler"` (BERT's dense layer on the first token).
        projection_dim: int or None, the width of a dense layer after it.
        projection_activation: as of `keras.layers.Dense`, of that layer.
        normalize: bool, whether vectors get the length 1.
        similarity: `"cosine"`, `"dot"`, or a distance with a minus before it,
            `"euclidean"` or `"manhattan"`.
        scoring: `Scoring` of the similarity, or None for (1 + cosine) / 2,
            and for a sigmoid of the others.
        pair_classes: int or None, the classes of a head `[u; v; |u - v|;
            u * v]` to train with by `CrossEntropy`, as Sentence-BERT was. It
            is of the training alone: presets and exports leave it out.
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
        "pair_classes",
    )
    # With another one of these the projection's weights are still of use.
    kept_head_arguments = frozenset(head_arguments) - {"projection_dim"}
    head_layers = ("attention_pooling", "projection")
    takes_triplets = True

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
        pair_classes=None,
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
        self.pair_classes = pair_classes
        self.pair_head = None
        if pair_classes is not None:
            self.pair_head = PairHead(pair_classes, dtype="float32")
            self.pair_head.build((None, 2, self.embedding_dim))
        super().__init__(inputs=backbone.input, outputs=embedding, name=name)
        # What is called with may have an axis more than the tower's inputs.
        self.input_spec = None

    def call(self, inputs, training=None, mask=None):
        rows = self.encoder_rows(inputs, training)
        vectors = super().call(rows, training=training)
        if len(inputs["token_ids"].shape) == 2:
            return vectors
        texts = ops.shape(inputs["token_ids"])[1]
        return ops.reshape(vectors, (-1, texts, self.embedding_dim))

    def encoder_rows(self, inputs, training):
        length = ops.shape(inputs["token_ids"])[-1]
        return {
            name: ops.reshape(feature, (-1, length))
            for name, feature in inputs.items()
        }

    def compute_output_spec(self, inputs, training=None, mask=None):
        shape = (*inputs["token_ids"].shape[:-1], self.embedding_dim)
        return keras.KerasTensor(shape, "float32")

    # As they stand there, with their documentation.
    encode = encode
    similarity = similarity

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
            A `BiEncoder`; its `load_report` says what was read or not.
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

    def compute_loss(self, x, y, y_pred, sample_weight=None, **kwargs):
        if self._list_loss is not None and y is not None and len(y.shape) == 1:
            raise_of_pairs(self._list_loss)
        outputs = self.loss_outputs(y_pred)
        return super().compute_loss(x, y, outputs, sample_weight, **kwargs)

    def loss_outputs(self, outputs):
        return outputs if self.pair_head is None else self.pair_head(outputs)

    def metric_inputs(self, label, outputs):
        if self.pair_head is not None:
            logits = self.pair_head(outputs)
            return label, keras_scores(logits, Scoring("softmax"))
        if is_of_lists(label):
            return in_batch_scores(label, outputs, self.similarity_name)
        return super().metric_inputs(label, outputs)

    def labelled_logits(self, label, outputs):
        if is_of_lists(label):
            return told_apart(outputs, self.similarity_name)
        return super().labelled_logits(label, outputs)

    def check_labels(self, label):
        check_vector_labels(label, self.loss, self.pair_classes)
        if self.pair_classes is None:
            check_metrics_of(label, self._compile_metrics)

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
            "pair_classes": self.pair_classes,
        }

    def _checked_loss(self, loss):
        loss = check_vector_loss(
            loss, self.similarity_name, self.normalize, self.pair_classes
        )
        self._list_loss = loss if is_loss_of_lists(loss) else None
        return loss

    def default_metrics(self):
        if self.pair_head is not None:
            return ["accuracy"]
        return vector_metrics(
            self._list_loss, self.similarity_name, self.normalize
        )

    def _check_scoring(self, scoring):
        super()._check_scoring(scoring)
        check_similarity_scoring(scoring, self.similarity_name, self.normalize)

    def _calibrated(self, labels, logits):
        slope, bias = evaluation.fit_platt(labels, logits[:, 0])
        return self.scoring.fitted(slope, bias)
