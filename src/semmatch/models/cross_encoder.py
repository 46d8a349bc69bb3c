"""A model that reads two texts together and scores the pair."""

import keras
from keras import ops

from semmatch import evaluation
from semmatch._checks import check_positive_int
from semmatch._records import Scoring
from semmatch.losses import CrossEntropy
from semmatch.losses.logit_loss import check_loss
from semmatch.models import presets
from semmatch.models.classification_head import classification_head
from semmatch.models.from_checkpoint import cross_encoder_from
from semmatch.models.matching_task import MatchingTask
from semmatch.models.preprocessor import CrossEncoderPreprocessor
from semmatch.serving.pair_scorer import PairScorer


@keras.saving.register_keras_serializable(package="semmatch")
class CrossEncoder(MatchingTask):
    """Scores pairs of texts that one encoder reads together.

    `fit`, `evaluate` and `predict` take the datasets of `pair_dataset`, or
    raw strings: `fit((text_a, text_b), labels)`. The model returns logits;
    compiled metrics and `score` get scores in [0, 1].

    Source: Devlin et al. 2018, BERT (sentence pair classification).

    Args:
        backbone: `TextEncoder`, or a `keras_hub.models.Backbone` whose output
            is a tensor or holds `sequence_output`.
        preprocessor: `CrossEncoderPreprocessor`, or None for a model that
            gets packed features alone.
        num_classes: int; 1 for one logit, else a logit for each class. Of
            two classes the second is the positive one.
        pooling: `"cls"`, `"pooler"` (BERT's dense layer on the first token),
            `"mean"` or `"max"`; None takes the pooler where there is one,
            else `"cls"`.
        hidden_dim: int or None, the width of a ReLU layer before the logits.
        dropout: float, before the logits, after the ReLU layer.
        dropout_samples: int, how many dropouts of the head each pair is
            trained on (Inoue 2019, multi-sample dropout).
        scoring: `Scoring` or None for a sigmoid of one logit, a softmax of
            more.
        name: string or None.

    Call arguments:
        The dict of int32 `(batch, length)` that the preprocessor packs.

    Returns:
        float32 `(batch, num_classes)`, logits; in training `(batch, samples,
        num_classes)` if a pair has several, by `dropout_samples` or `RDrop`.

    >>> from semmatch.models import TextEncoder
    >>> preprocessor = CrossEncoderPreprocessor.from_texts(["怎么还款"])
    >>> encoder = TextEncoder(50, 1, 2, 8, 16)
    >>> model = CrossEncoder(encoder, preprocessor)
    >>> model.score([("怎么还款", "如何还")]).shape
    (1,)
    """

    preprocessor_cls = CrossEncoderPreprocessor
    head_arguments = (
        "num_classes",
        "pooling",
        "hidden_dim",
        "dropout",
        "dropout_samples",
    )
    # With another one of these the head's weights are still of use.
    kept_head_arguments = frozenset({"dropout", "dropout_samples"})
    head_layers = ("attention_pooling", "hidden", "head")

    def __init__(
        self,
        backbone,
        preprocessor=None,
        *,
        num_classes=1,
        pooling=None,
        hidden_dim=None,
        dropout=0.1,
        dropout_samples=1,
        scoring=None,
        name=None,
    ):
        check_positive_int(num_classes, "num_classes")
        if preprocessor is not None:
            preprocessor.check_fits(backbone)
        logits, pooling = classification_head(
            backbone,
            num_classes,
            pooling,
            hidden_dim,
            dropout,
            dropout_samples,
        )
        self.backbone = backbone
        self.preprocessor = preprocessor
        self.num_classes = num_classes
        self.pooling = pooling
        self.hidden_dim = hidden_dim
        self.dropout = dropout
        self.dropout_samples = dropout_samples
        self.scoring = scoring or Scoring.for_classes(num_classes)
        self.load_report = None
        super().__init__(inputs=backbone.input, outputs=logits, name=name)

    @classmethod
    def from_preset(
        cls,
        preset,
        *,
        num_classes=None,
        sequence_length=None,
        num_layers=None,
        truncation=None,
        normalizer=None,
        dtype=None,
        trainable="all",
        **kwargs,
    ):
        """Loads a model from a folder.

        Args:
            preset: a folder of our own (`save_to_preset`), of Hugging Face,
                Google's TensorFlow checkpoints, sentence-transformers or
                KerasHub, or a handle that KerasHub knows.
            num_classes: int or None for the checkpoint's own head; without
                one a fresh logit, which `load_report` says.
            sequence_length: int or None for the checkpoint's own limit.
            num_layers: int or None, keeps the first layers alone.
            truncation: `"longest_first"`, `"only_second"` for passages, or
                None for the folder's own, see `CrossEncoderPreprocessor`.
            normalizer: `TextNormalizer` to put before the tokenizer, or None;
                a model that is saved with one keeps it.
            dtype: policy of the computation, such as `"mixed_bfloat16"`, or
                None for Keras's global one.
            trainable: `"all"`, `"head"`, `"top:N"` for the last N layers and
                the head, or `"lora:R"`, see `set_trainable`.
            **kwargs: further arguments of the constructor (`pooling`,
                `hidden_dim`, `dropout`, `dropout_samples`, `scoring`).

        Returns:
            A compiled `CrossEncoder`; `model.load_report` says what was read,
            left out and initialised.
        """
        if num_classes is not None:
            kwargs["num_classes"] = num_classes
        return presets.load(
            cls,
            preset,
            build=cross_encoder_from,
            num_layers=num_layers,
            dtype=dtype,
            trainable=trainable,
            head=kwargs,
            packing={
                "sequence_length": sequence_length,
                "truncation": truncation,
                "normalizer": normalizer,
            },
        )

    def call(self, inputs, training=None, mask=None):
        rows = self.encoder_rows(inputs, training)
        logits = super().call(rows, training=training, mask=mask)
        samples = self.passes * self.dropout_samples
        if not training or samples == 1:
            return logits
        return ops.reshape(logits, (-1, samples, self.num_classes))

    def encoder_rows(self, inputs, training):
        if not training or self.passes == 1:
            return inputs
        return {
            name: ops.repeat(feature, self.passes, axis=0)
            for name, feature in inputs.items()
        }

    def pair_logits(self, outputs):
        """Logits of each pair, `(batch, classes)`, of what `call` returns."""
        if len(outputs.shape) == 3:  # several samples in training
            return ops.mean(outputs, axis=1)
        return outputs

    def pair_scorer(self):
        """What `score` and `rank` go through, with the `scoring` of now."""
        packer = self.preprocessor_or_error().packer
        names = set(self.backbone.input)

        def run(features):
            features = {name: features[name] for name in names}
            return self.predict_on_batch(features)

        return PairScorer(
            packer, run, self.scoring, num_classes=self.num_classes
        )

    def _checked_loss(self, loss):
        loss = check_loss(loss, self.dropout_samples)
        self.passes = loss.passes if isinstance(loss, CrossEntropy) else 1
        return loss

    def _check_scoring(self, scoring):
        super()._check_scoring(scoring)
        if scoring.activation == "cosine":
            raise ValueError(
                'The activation "cosine" is of the similarities of a '
                "`BiEncoder`; a logit has no bounds. Received: "
                f'{scoring}. Take "sigmoid".'
            )

    def default_metrics(self):
        return ["accuracy"]

    def _calibrated(self, labels, logits):
        scoring = self.scoring
        # As they are scaled now; this may be the second time.
        scaled = logits / scoring.temperature + scoring.bias
        return scoring.calibrated(evaluation.fit_temperature(labels, scaled))

    def get_config(self):
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "pooling": self.pooling,
            "hidden_dim": self.hidden_dim,
            "dropout": self.dropout,
            "dropout_samples": self.dropout_samples,
            "scoring": self.scoring.to_dict(),
        }
