"""A model that reads two texts together and scores the pair."""

import random

import keras
import keras_hub
import numpy as np
from keras import ops

from semmatch._checks import check_positive_int
from semmatch._records import Scoring
from semmatch.data import pair_dataset
from semmatch.losses import CrossEntropy
from semmatch.models import presets
from semmatch.models.classification_head import classification_head
from semmatch.models.preprocessor import CrossEncoderPreprocessor
from semmatch.models.raw_texts import raw_pairs
from semmatch.models.text_encoder import set_activation_checkpointing
from semmatch.serving.pair_scorer import PairScorer
from semmatch.training import AdamW
from semmatch.training.adversarial import adversarial_step
from semmatch.training.adversarial import check_attackable
from semmatch.training.guards import TrainingGuard
from semmatch.training.guards import validation_callbacks
from semmatch.training.microbatch import check_splittable
from semmatch.training.microbatch import micro_batch_step


@keras.saving.register_keras_serializable(package="semmatch")
class CrossEncoder(keras_hub.models.Task):
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
        # Refuses the scoring of another number of classes.
        self.scoring.scores(np.empty((0, num_classes)))
        self.load_report = None
        self._passes = 1  # of a pair in training, see `RDrop`
        super().__init__(inputs=backbone.input, outputs=logits, name=name)

    @classmethod
    def from_preset(
        cls,
        preset,
        *,
        num_classes=None,
        sequence_length=None,
        num_layers=None,
        dtype=None,
        **kwargs,
    ):
        """Loads a model from a folder.

        Args:
            preset: a folder of our own (`save_to_preset`) or a Hugging Face
                BERT folder.
            num_classes: int or None for the checkpoint's own head; without
                one a fresh logit, which `load_report` says.
            sequence_length: int or None for the checkpoint's own limit.
            num_layers: int or None, keeps the first layers alone.
            dtype: policy of the computation, such as `"mixed_bfloat16"`, or
                None for Keras's global one.
            **kwargs: further arguments of the constructor (`pooling`,
                `hidden_dim`, `dropout`).

        Returns:
            A compiled `CrossEncoder`; `model.load_report` says what was read,
            left out and initialised.
        """
        if num_classes is not None:
            kwargs["num_classes"] = num_classes
        return presets.load(
            cls,
            preset,
            sequence_length=sequence_length,
            num_layers=num_layers,
            dtype=dtype,
            head=kwargs,
        )

    def save_to_preset(self, preset_dir):
        """Writes a folder that `from_preset` reads.

        Args:
            preset_dir: path of the folder; what is there is replaced once
                everything is written.
        """
        presets.save(self, preset_dir)

    def compile(
        self,
        optimizer="auto",
        loss="auto",
        *,
        metrics="auto",
        micro_batch_size=None,
        activation_checkpointing=False,
        adversarial_epsilon=None,
        **kwargs,
    ):
        """Configures the training; every argument has a default.

        Args:
            optimizer: `"auto"` for `AdamW(5e-5)`.
            loss: `"auto"` for `CrossEntropy()`; `CrossEntropy(
                label_smoothing=0.1)` or `RDrop()`, or another loss of logits.
            metrics: `"auto"` for accuracy. Metrics get scores: `(batch, 1)`,
                the probability of the positive class, for one logit and for
                two classes; `(batch, classes)` for more.
            micro_batch_size: int or None, how many pairs of a batch (of a
                replica's part of it) are computed at a time. Less memory,
                same step, see `micro_batch_step`; TensorFlow only.
            activation_checkpointing: bool, keeps of each block its input
                alone and computes the rest again for the gradient: half the
                memory, a third more time.
            adversarial_epsilon: float or None, trains against changes of the
                token embeddings of this norm as well, at twice the cost, see
                `adversarial_step`; TensorFlow only. 0.3 to 1 is usual.
            **kwargs: as of `keras.Model.compile`.
        """
        if optimizer == "auto":
            optimizer = AdamW()
        if loss == "auto":
            loss = CrossEntropy()
        elif isinstance(loss, str):
            raise ValueError(
                "The model returns logits and a loss named by a string expects "
                "probabilities. Pass an object, for instance "
                "`keras.losses.BinaryCrossentropy(from_logits=True)`, or "
                f"leave it out. Received: loss={loss!r}."
            )
        if metrics == "auto":
            metrics = ["accuracy"]
        if micro_batch_size is not None:
            check_positive_int(micro_batch_size, "micro_batch_size")
            check_splittable(loss)
        if self.dropout_samples > 1 and not hasattr(loss, "takes_samples"):
            raise ValueError(
                "With `dropout_samples` a pair has several logits in training, "
                "which `CrossEntropy` and `RDrop` of semmatch.losses take. "
                f"Received: loss={loss!r}."
            )
        if adversarial_epsilon is not None:
            self._check_adversarial(adversarial_epsilon, micro_batch_size)
        self._passes = getattr(loss, "passes", 1)
        self.adversarial_epsilon = adversarial_epsilon
        self.micro_batch_size = micro_batch_size
        set_activation_checkpointing(self.backbone, activation_checkpointing)
        self.activation_checkpointing = activation_checkpointing
        super().compile(
            optimizer=optimizer, loss=loss, metrics=metrics, **kwargs
        )

    def _check_adversarial(self, epsilon, micro_batch_size):
        check_attackable(self.backbone)
        if not epsilon > 0:
            raise ValueError(
                "`adversarial_epsilon` must be above 0. Received: "
                f"adversarial_epsilon={epsilon}."
            )
        if micro_batch_size is not None:
            raise ValueError(
                "`adversarial_epsilon` and `micro_batch_size` are both steps "
                "of their own and exclude each other. Received both."
            )

    def get_compile_config(self):
        config = super().get_compile_config()
        if not config:
            return config  # not compiled
        built = self.optimizer is not None and self.optimizer.built
        return {
            **config,
            "optimizer_built": built,
            "micro_batch_size": self.micro_batch_size,
            "activation_checkpointing": self.activation_checkpointing,
            "adversarial_epsilon": self.adversarial_epsilon,
        }

    def compile_from_config(self, config):
        # Keras leaves this to models that override `compile`.
        config = keras.saving.deserialize_keras_object(config)
        optimizer_built = config.pop("optimizer_built")
        self.compile(**config)
        # An untrained optimizer has no variables in the file either.
        if optimizer_built:
            self.optimizer.build(self.trainable_variables)

    def train_step(self, *arguments):
        # One argument, the batch, on TensorFlow, which the others need.
        if self.adversarial_epsilon is not None:
            return adversarial_step(self, *arguments, self.adversarial_epsilon)
        if self.micro_batch_size is not None:
            return micro_batch_step(self, *arguments, self.micro_batch_size)
        return super().train_step(*arguments)

    def call(self, inputs, training=None, mask=None):
        if not training or self._passes * self.dropout_samples == 1:
            return super().call(inputs, training=training, mask=mask)
        repeated = {
            name: ops.repeat(feature, self._passes, axis=0)
            for name, feature in inputs.items()
        }
        logits = super().call(repeated, training=training, mask=mask)
        samples = self._passes * self.dropout_samples
        return ops.reshape(logits, (-1, samples, self.num_classes))

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        scores = self._scores(y_pred)
        return super().compute_metrics(x, y, scores, sample_weight)

    def _scores(self, logits):
        """`Scoring.scores` in Keras operations; one column stays a column."""
        if len(logits.shape) == 3:  # several samples in training
            logits = ops.mean(logits, axis=1)
        logits = logits / self.scoring.temperature
        if self.scoring.activation == "sigmoid":
            return ops.sigmoid(logits + self.scoring.bias)
        scores = ops.softmax(logits)
        return scores[:, 1:] if self.num_classes == 2 else scores

    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        sample_weight=None,
        validation_data=None,
        restore_best_weights=True,
        **kwargs,
    ):
        """Trains the model.

        With validation data the model is evaluated once before the first
        step, and `TrainingGuard` warns of a training that fails.

        Args:
            x: a dataset of `pair_dataset`, or `(text_a, text_b)` lists of
                strings, or `Pairs`; raw texts are shuffled and bucketed by
                length.
            y: labels of raw texts.
            batch_size: int, of raw texts; None for 64.
            sample_weight: weights of raw texts, `(n,)`.
            validation_data: a dataset, `Pairs`, or `((text_a, text_b), y)`.
            restore_best_weights: bool, whether the model ends with the
                weights of the epoch that was best on the validation data: by
                the first metric, or by the loss where there is none.
            **kwargs: as of `keras.Model.fit`.

        Returns:
            `keras.callbacks.History`; its attribute `before` has the
            validation figures before the first step, None without them.
        """
        train = self._dataset(x, y, batch_size, sample_weight, order="shuffle")
        # Datasets come shuffled; Keras would warn that it cannot.
        kwargs.setdefault("shuffle", False)
        callbacks = keras.tree.flatten(kwargs.pop("callbacks", None) or [])
        before = None
        if validation_data is None:
            callbacks.append(TrainingGuard())
        else:
            if not isinstance(validation_data, tuple):
                validation_data = (validation_data, None)
            texts, labels, *weight = validation_data
            validation_data = self._dataset(
                texts, labels, batch_size, *weight, order="sort"
            )
            before = self.evaluate(
                validation_data,
                steps=kwargs.get("validation_steps"),
                verbose=0,
                return_dict=True,
            )
            callbacks = validation_callbacks(
                self, validation_data, before, callbacks, restore_best_weights
            )
        history = super().fit(
            train,
            validation_data=validation_data,
            callbacks=callbacks,
            **kwargs,
        )
        history.before = before
        return history

    def evaluate(
        self, x=None, y=None, batch_size=None, sample_weight=None, **kwargs
    ):
        """Loss and metrics of a dataset or of raw texts, as `fit` takes."""
        if not kwargs.get("_use_cached_eval_dataset"):
            x = self._dataset(x, y, batch_size, sample_weight, order="sort")
        return super().evaluate(x, **kwargs)

    def predict(self, x=None, batch_size=None, **kwargs):
        """Logits, float32 `(n, num_classes)`, in the order of the texts."""
        return super().predict(self._dataset(x, None, batch_size), **kwargs)

    def preprocess_samples(self, x, y=None, sample_weight=None):
        # Datasets are packed by `pair_dataset`, a batch at a time.
        return keras.utils.pack_x_y_sample_weight(x, y, sample_weight)

    def _dataset(self, x, y, batch_size, sample_weight=None, order=None):
        """Raw texts as a dataset; a dataset is given on as it is."""
        pairs = raw_pairs(
            x, y, sample_weight, self.num_classes, labelled=order is not None
        )
        if pairs is None:
            return x
        return pair_dataset(
            pairs,
            self._preprocessor_or_error(),
            batch_size=64 if batch_size is None else batch_size,
            shuffle=order == "shuffle",
            sort=order == "sort",
            # Python's generator, so that `set_random_seed` fixes the order.
            seed=random.randrange(2**31),
            sample_weight=sample_weight,
        )

    def score(self, pairs):
        """Scores of pairs, see `PairScorer.score`.

        Args:
            pairs: a list of `(text_a, text_b)`, or `Pairs`.

        Returns:
            float32 `(n,)` in [0, 1]: the sigmoid of one logit, the positive
            class of two; `(n, num_classes)` for more classes.
        """
        return self._scorer().score(pairs)

    def rank(self, query, candidates, top_k=None):
        """The candidates of a query, best first, see `PairScorer.rank`.

        Args:
            query: string.
            candidates: list of strings.
            top_k: int or None for all.

        Returns:
            A list of `Ranked(index, score, text)`.
        """
        return self._scorer().rank(query, candidates, top_k)

    def rank_many(self, queries, candidates, top_k=None):
        """Ranks each query's own candidates, see `PairScorer.rank_many`.

        Args:
            queries: list of strings.
            candidates: a list of strings for each query.
            top_k: int or None for all.

        Returns:
            A list of lists of `Ranked(index, score, text)`.
        """
        return self._scorer().rank_many(queries, candidates, top_k)

    def _scorer(self):
        packer = self._preprocessor_or_error().packer
        names = set(self.backbone.input)

        def run(features):
            features = {name: features[name] for name in names}
            return self.predict_on_batch(features)

        return PairScorer(
            packer, run, self.scoring, num_classes=self.num_classes
        )

    def _preprocessor_or_error(self):
        if self.preprocessor is None:
            raise ValueError(
                f"`{self.name}` has no preprocessor and so reads packed "
                "features alone. Give `CrossEncoder` a preprocessor."
            )
        return self.preprocessor

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

    @classmethod
    def from_config(cls, config):
        # Not that of `Task`, which takes preprocessors for layers.
        restore = keras.saving.deserialize_keras_object
        return cls(
            **{
                **config,
                "backbone": restore(config["backbone"]),
                "preprocessor": restore(config["preprocessor"]),
                "scoring": Scoring(**config["scoring"]),
            }
        )
