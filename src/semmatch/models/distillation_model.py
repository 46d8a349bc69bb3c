"""Trains a small model to say what a big one says."""

import keras
from keras import ops

from semmatch.layers.recording import recorded_blocks
from semmatch.metrics import Spearman
from semmatch.models.distillation_batch import labels_alone
from semmatch.models.distillation_batch import labels_of
from semmatch.models.distillation_batch import outputs_of
from semmatch.models.distillation_batch import raw_distillation_dataset
from semmatch.models.distillation_batch import student_part
from semmatch.models.distillation_loss import training_loss
from semmatch.models.fitting import guarded_fit
from semmatch.models.fitting import validation_dataset
from semmatch.models.loss_weights import weights_of_losses
from semmatch.models.matched_layers import matched_layers
from semmatch.models.raw_texts import raw_dataset
from semmatch.models.soft_loss import check_classes
from semmatch.models.soft_loss import check_hard_loss
from semmatch.models.soft_loss import check_soft_loss
from semmatch.models.teacher import OnlineTeacher
from semmatch.training import AdamW
from semmatch.training.adversarial import adversarial_step
from semmatch.training.replicated_model import ReplicatedModel


class DistillationModel(ReplicatedModel, keras.Model):
    """Trains a student on labels and on what a teacher says.

    The loss of a pair is the sum of the hard loss (against its label), the
    soft loss (against the teacher) and the loss of each of `matches`, times
    their weights. In evaluation it is the hard loss alone, so that figures
    are those of a student that is trained alone.

    The teacher's scores come with the data (`distillation_dataset` of
    `teacher_scores`), so that an epoch costs what the student costs; or the
    teacher runs beside it, without dropout. Its weights are neither trained
    nor saved, and `save` writes the student, which is the trained model.

    Source: Hinton et al. 2015, "Distilling the knowledge in a neural
    network"; with `matches` Jiao et al. 2020, TinyBERT.

    Args:
        teacher: `CrossEncoder`, `BiEncoder` or an `Ensemble` of these; None
            where all scores come with the data. One that reads other features
            than the student gets its own.
        student: `CrossEncoder` or `BiEncoder`.
        temperature: float above 0, softens the classes of both; None for 4,
            and for a student of vectors, which has no classes.
        hard_loss_weight: float of at least 0, or a schedule of
            `keras.optimizers.schedules`, which gets the step.
        soft_loss_weight: the same.
        soft_loss: `"auto"`, or a `keras.losses.Loss` of the teacher's word
            and the student's outputs: for logits the teacher's logits, for
            vectors its scores in [0, 1]. `"auto"` is `SoftTargetKL` for
            logits and `CoSENT` for vectors.
        matches: list of `LayerMatch`. They need a teacher that runs beside
            the student and reads the same features.
        name: string or None.

    It is called with what the student takes, or a dict of `student` and
    `teacher` with the features of each, and returns what the student does.

    >>> from semmatch import CrossEncoder, Pairs, TextEncoder
    >>> from semmatch.models import CrossEncoderPreprocessor
    >>> preprocessor = CrossEncoderPreprocessor.from_texts(["怎么还款"])
    >>> teacher = CrossEncoder(TextEncoder(50, 2, 2, 8, 16), preprocessor)
    >>> student = CrossEncoder(TextEncoder(50, 1, 2, 8, 16), preprocessor)
    >>> distiller = DistillationModel(teacher, student, temperature=2.0)
    >>> distiller.compile()
    >>> pairs = Pairs(["怎么还款", "还款"], ["如何还", "怎么"], [1, 0])
    >>> history = distiller.fit(pairs, verbose=0)
    >>> distiller.student.score(pairs).shape
    (2,)
    """

    def __init__(
        self,
        teacher,
        student,
        *,
        temperature=None,
        hard_loss_weight=0.5,
        soft_loss_weight=0.5,
        soft_loss="auto",
        matches=(),
        name=None,
    ):
        super().__init__(name=name)
        self.student = student
        self.soft_loss = check_soft_loss(soft_loss, temperature, student)
        self.online_teacher = None
        if teacher is not None:
            self.online_teacher = OnlineTeacher(teacher, student)
            check_classes(self.online_teacher.num_classes, student)
        self.matches = matched_layers(matches, student, self.online_teacher)
        self.weights_of_losses = weights_of_losses(
            hard_loss_weight, soft_loss_weight, self.matches
        )
        self.trackers = {
            name: keras.metrics.Mean(name=name)
            for name in self.weights_of_losses
        }
        self.agreement = Spearman(name="teacher_spearman")
        self._trains = False
        self.step = self.add_weight(
            shape=(),
            dtype="int32",
            initializer="zeros",
            trainable=False,
            aggregation="only_first_replica",
            name="step",
        )
        self.built = True

    @property
    def teacher(self):
        """The teacher that runs beside the student, or None."""
        return self.online_teacher and self.online_teacher.model

    @property
    def backbone(self):
        """The student's encoder."""
        return self.student.backbone

    @property
    def scoring(self):
        """The student's `Scoring`."""
        return self.student.scoring

    @property
    def preprocessor(self):
        """What packs the pairs that `fit` trains on."""
        own = self.student.preprocessor_or_error()
        teacher = self.online_teacher
        return own if teacher is None else teacher.packing(own)

    def compile(
        self,
        optimizer="auto",
        loss="auto",
        *,
        metrics="auto",
        adversarial_epsilon=None,
        activation_checkpointing=False,
        **kwargs,
    ):
        """Configures the training, and the student to be evaluated.

        Args:
            optimizer: as of the student's `compile`.
            loss: the hard loss.
            metrics: of the student's scores.
            adversarial_epsilon, activation_checkpointing: as the optimizer.
            **kwargs: as of `keras.Model.compile`.
        """
        student = self.student
        optimizer = keras.optimizers.get(
            AdamW() if optimizer == "auto" else optimizer
        )
        # One of its own: this one has variables of projections as well, with
        # which the student's file could not be loaded.
        its_own = type(optimizer).from_config(optimizer.get_config())
        student.compile(
            its_own,
            loss,
            metrics=metrics,
            adversarial_epsilon=adversarial_epsilon,
            activation_checkpointing=activation_checkpointing,
            **kwargs,
        )
        check_hard_loss(student.loss)
        if metrics == "auto":
            metrics = student.default_metrics()
        # Weighted, so that pairs without a label can be left out.
        super().compile(
            optimizer, student.loss, weighted_metrics=metrics, **kwargs
        )

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
        """Trains the student.

        Args:
            x: a dataset of `distillation_dataset`; with a teacher that runs
                beside the student also one of `pair_dataset`, `Pairs`, a list
                of these, or `(text_a, text_b)` lists of strings.
            y: labels of `(text_a, text_b)`, or None for none.
            batch_size: int, of raw texts; None for 64.
            sample_weight: weights of raw texts, `(n,)`.
            validation_data: as of `CrossEncoder.fit`.
            restore_best_weights: as of `CrossEncoder.fit`.
            **kwargs: as of `keras.Model.fit`.

        Returns:
            `keras.callbacks.History`; its attribute `before` has the
            student's validation figures before the first step.
        """
        if self.online_teacher is not None:
            self.online_teacher.check_finite()
        train = raw_distillation_dataset(self, x, y, batch_size, sample_weight)
        validation = validation_dataset(
            self.student, validation_data, batch_size
        )
        return guarded_fit(
            self,
            super().fit,
            train,
            labels_alone(validation),
            restore_best_weights,
            **kwargs,
        )

    def evaluate(
        self, x=None, y=None, batch_size=None, sample_weight=None, **kwargs
    ):
        """The student's loss and metrics, as of its own `evaluate`."""
        if not kwargs.get("_use_cached_eval_dataset"):
            own = (self.student, x, y, batch_size, sample_weight)
            x = labels_alone(raw_dataset(*own, order="sort"))
        return super().evaluate(x, **kwargs)

    def save(self, filepath, **kwargs):
        """Writes the student, as its own `save` does."""
        self.student.save(filepath, **kwargs)

    def call(self, x, training=None):
        features = student_part(x)
        if not training or not self.matches:
            return self.student(features, training=training)
        with recorded_blocks() as record:
            outputs = self.student(features, training=True)
        mask = self.student.encoder_rows(features, True)["padding_mask"]
        return {
            "outputs": outputs,
            "matched": [one.of_student(record, mask) for one in self.matches],
            "padding_mask": mask,
        }

    def train_step(self, *arguments):
        epsilon = self.student.adversarial_epsilon
        if epsilon is None:
            return super().train_step(*arguments)
        return adversarial_step(self, *arguments, epsilon)

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        self._trains = training  # for `compute_metrics` of the same batch
        if not training:
            label, weight = labels_of(y, sample_weight)
            outputs = self.student.loss_outputs(outputs_of(y_pred))
            if label is None:
                return ops.zeros(())  # Keras looks at the shape alone
            return super().compute_loss(x, label, outputs, weight, training)
        return training_loss(self, x, y, y_pred, sample_weight)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        # As the student's, metrics do not weigh pairs; some have no label.
        label, known = labels_of(y)
        outputs = outputs_of(y_pred)
        if label is not None:
            label, scores = self.student.metric_inputs(label, outputs)
            super().compute_metrics(x, label, scores, known)
        results = self.get_metrics_result()
        # What a teacher says is of the training, what labels say of pairs
        # that have some.
        of_teacher = {*self.trackers, self.agreement.name}
        return {
            name: value
            for name, value in results.items()
            if name == "loss"
            or (name in of_teacher and self._trains)
            or (name not in of_teacher and label is not None)
        }

    def get_metrics_result(self):
        # Those of labels know no result before there was one.
        results = {}
        for metric in self.metrics:
            if getattr(metric, "built", True):
                result = metric.result()
                if not isinstance(result, dict):
                    result = {metric.name: result}
                results |= result
        return results

    def labelled_logits(self, label, outputs):
        """As of the student, for the callbacks that watch a training."""
        return self.student.labelled_logits(label, outputs)
