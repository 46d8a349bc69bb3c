"""What every model of pairs does: trains, scores, ranks, is calibrated."""

import keras
import keras_hub
import numpy as np

from semmatch._checks import check_positive_int
from semmatch._records import Scoring
from semmatch.models import presets
from semmatch.models.fitted_scoring import fit_temperature
from semmatch.models.fitted_scoring import fit_threshold
from semmatch.models.fitting import guarded_fit
from semmatch.models.fitting import validation_dataset
from semmatch.models.keras_scoring import keras_scores
from semmatch.models.pair_scores import rank
from semmatch.models.pair_scores import rank_many
from semmatch.models.pair_scores import score
from semmatch.models.raw_texts import check_classes
from semmatch.models.raw_texts import raw_dataset
from semmatch.models.text_encoder import set_activation_checkpointing
from semmatch.training import AdamW
from semmatch.training.adversarial import adversarial_step
from semmatch.training.adversarial import check_attackable
from semmatch.training.grad_cache import grad_cache_step
from semmatch.training.microbatch import check_splittable
from semmatch.training.microbatch import is_batch_level
from semmatch.training.microbatch import micro_batch_step
from semmatch.training.replicated_model import ReplicatedModel


class MatchingTask(ReplicatedModel, keras_hub.models.Task):
    """A model with a `backbone`, a `preprocessor` and a `scoring`.

    A subclass sets these and `num_classes`, and gives `pair_scorer`,
    `pair_logits`, `encoder_rows`, `_checked_loss`, `default_metrics` and
    `_calibrated`.
    """

    # Whether it encodes texts one by one, and so any number an example.
    takes_triplets = False
    # How often it reads each example in training, see `RDrop`.
    passes = 1

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
            loss: `"auto"` for `CrossEntropy()`, of a bi-encoder `CoSENT()`;
                another one of `semmatch.losses`, or of Keras, of logits.
            metrics: `"auto"` for accuracy, of a bi-encoder the area under the
                ROC curve, or none if its similarity has no bounds. Metrics
                get scores: `(batch, 1)`, the probability of the positive
                class, for one logit and for two classes; `(batch, classes)`
                for more. With a loss of lists they get the similarities of a
                query and all passages of the batch, and accuracy says how
                often its own is the nearest.
            micro_batch_size: int or None, how many pairs of a batch (of a
                replica's part of it) are computed at a time. Less memory,
                same step, see `micro_batch_step`, and `grad_cache_step` for
                a bi-encoder's losses that compare examples; TensorFlow only.
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
        loss = self._checked_loss(loss)
        if metrics == "auto":
            metrics = self.default_metrics()
        if metrics is None:
            self._compile_metrics = None  # Keras keeps those of before
        if micro_batch_size is not None:
            check_positive_int(micro_batch_size, "micro_batch_size")
            check_splittable(loss, caches_gradients=self.takes_triplets)
        if adversarial_epsilon is not None:
            check_attackable(
                self.backbone, adversarial_epsilon, micro_batch_size
            )
        self.adversarial_epsilon = adversarial_epsilon
        self.micro_batch_size = micro_batch_size
        set_activation_checkpointing(self.backbone, activation_checkpointing)
        self.activation_checkpointing = activation_checkpointing
        super().compile(
            optimizer=optimizer, loss=loss, metrics=metrics, **kwargs
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
            cached = is_batch_level(self.loss)
            step = grad_cache_step if cached else micro_batch_step
            return step(self, *arguments, self.micro_batch_size)
        return super().train_step(*arguments)

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
                strings, or `Pairs`, or, for a bi-encoder, a dataset of
                `triplet_dataset` or `Triplets`; raw texts are shuffled and
                bucketed by length.
            y: labels of raw texts.
            batch_size: int, of raw texts; None for 64.
            sample_weight: weights of raw texts, `(n,)`.
            validation_data: a dataset, `Pairs`, `Triplets`, or
                `((text_a, text_b), y)`.
            restore_best_weights: bool, whether the model ends with the
                weights of the epoch that was best on the validation data: by
                the first metric, or by the loss where there is none.
            **kwargs: as of `keras.Model.fit`.

        Returns:
            `keras.callbacks.History`; its attribute `before` has the
            validation figures before the first step, None without them.
        """
        train = raw_dataset(
            self, x, y, batch_size, sample_weight, order="shuffle"
        )
        validation = validation_dataset(self, validation_data, batch_size)
        return guarded_fit(
            self,
            super().fit,
            train,
            validation,
            restore_best_weights,
            **kwargs,
        )

    def evaluate(
        self, x=None, y=None, batch_size=None, sample_weight=None, **kwargs
    ):
        """Loss and metrics of a dataset or of raw texts, as `fit` takes."""
        if not kwargs.get("_use_cached_eval_dataset"):
            x = raw_dataset(self, x, y, batch_size, sample_weight, order="sort")
        return super().evaluate(x, **kwargs)

    def predict(self, x=None, batch_size=None, **kwargs):
        """What the model returns, in the order of the texts."""
        data = raw_dataset(self, x, None, batch_size)
        # Of raw texts the dataset has the batches already.
        batch_size = batch_size if data is x else None
        return super().predict(data, batch_size=batch_size, **kwargs)

    def preprocess_samples(self, x, y=None, sample_weight=None):
        # Datasets are packed by `pair_dataset`, a batch at a time.
        return keras.utils.pack_x_y_sample_weight(x, y, sample_weight)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        y, scores = self.metric_inputs(y, y_pred)
        return super().compute_metrics(x, y, scores, sample_weight)

    # As they stand there, with their documentation.
    score = score
    rank = rank
    rank_many = rank_many
    fit_threshold = fit_threshold
    fit_temperature = fit_temperature

    @property
    def scoring(self):
        """`Scoring`, how logits become scores; another may be assigned."""
        return self._scoring

    @scoring.setter
    def scoring(self, scoring):
        self._check_scoring(scoring)
        before = getattr(self, "_scoring", scoring)
        self._scoring = scoring
        # Metrics read scores: what was traced has the old ones in it.
        if (before.activation, before.temperature, before.bias) != (
            scoring.activation,
            scoring.temperature,
            scoring.bias,
        ):
            if self.train_function is not None:
                self.make_train_function(force=True)
            if self.test_function is not None:
                self.make_test_function(force=True)

    def save_to_preset(self, preset_dir):
        """Writes a folder that `from_preset` reads.

        Args:
            preset_dir: path of the folder; what is there is replaced once
                everything is written.
        """
        presets.save(self, preset_dir)

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

    def _check_scoring(self, scoring):
        """Refuses the scoring of another number of classes."""
        no_logits = np.empty((0, self.num_classes))
        scoring.scores(no_logits)
        if scoring.long == "max":
            scoring.rank_keys(no_logits)

    def check_labels(self, label):
        """Refuses labels of pairs that the compiled loss cannot learn."""
        check_classes(label, self.num_classes)

    def loss_outputs(self, outputs):
        """What the loss gets of what `call` returns."""
        return outputs

    def metric_inputs(self, label, outputs):
        """The labels and scores that metrics get of a batch."""
        return label, keras_scores(self.pair_logits(outputs), self.scoring)

    def labelled_logits(self, label, outputs):
        """Labels and logits of a batch, by which a training is watched."""
        return label, self.pair_logits(outputs)

    def preprocessor_or_error(self):
        """`preprocessor`, for what needs one."""
        if self.preprocessor is None:
            raise ValueError(
                f"`{self.name}` has no preprocessor and so reads packed "
                f"features alone. Give it a `{self.preprocessor_cls.__name__}`."
            )
        return self.preprocessor
