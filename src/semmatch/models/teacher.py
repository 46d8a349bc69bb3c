"""A teacher that runs beside its student."""

from keras import ops

from semmatch.data.teacher_scores import checked_logits
from semmatch.data.teacher_scores import PROBES
from semmatch.models.ensemble import Ensemble
from semmatch.models.keras_scoring import keras_target_logits


class OnlineTeacher:
    """What `DistillationModel` asks a teacher.

    It is no layer, so that Keras neither trains nor saves what it holds.

    Args:
        teacher: a model, or an `Ensemble` of models.
        student: the model that learns from it.
    """

    def __init__(self, teacher, student):
        self.model = teacher
        ensemble = isinstance(teacher, Ensemble)
        self.members = teacher.members if ensemble else [teacher]
        self.weights = teacher.weights if ensemble else [1.0]
        for member in self.members:
            if not hasattr(member, "pair_logits"):
                raise TypeError(
                    "A teacher that runs beside its student is a "
                    "`CrossEncoder`, a `BiEncoder` or an `Ensemble` of these. "
                    f"Received: a `{type(member).__name__}`. Have it score "
                    "the pairs before: `teacher_scores(teacher, pairs, file)`."
                )
            if member is student:
                raise ValueError(
                    "The teacher and the student are the same model, which "
                    "has nothing to learn. Copy it by `student_from`."
                )
        first = self.members[0].preprocessor
        if any(
            not same_features(first, member.preprocessor)
            for member in self.members
        ):
            raise ValueError(
                "The members of an ensemble that runs beside its student read "
                "the same features: the same tokenizer, lengths and kind. Let "
                "each score the pairs by `teacher_scores`, and take the "
                "`Ensemble` of the scores."
            )
        self.preprocessor = first

    def check_finite(self):
        """Refuses a teacher whose weights are no numbers."""
        if self.preprocessor is not None:
            for member in self.members:
                checked_logits(member.pair_scorer(), PROBES)

    @property
    def num_classes(self):
        return self.members[0].num_classes

    def packing(self, preprocessor):
        """What packs pairs for a student that has `preprocessor`."""
        if same_features(preprocessor, self.preprocessor):
            return preprocessor
        return DistillationPreprocessor(preprocessor, self.preprocessor)

    def features(self, x, student):
        """What of a batch the teacher reads."""
        if isinstance(x, dict) and "teacher" in x:
            return x["teacher"]
        if not same_features(student.preprocessor, self.preprocessor):
            raise ValueError(
                "The teacher and the student read other features (another "
                "tokenizer, length or kind), and the data have those of the "
                "student alone. Pack both: `distillation_dataset(pairs, "
                "distiller.preprocessor)`, or pass `Pairs`."
            )
        return x

    def target_logits(self, features):
        """Logits whose sigmoid or softmax are the teacher's scores.

        Args:
            features: dict of int32 tensors, as the teacher reads them.

        Returns:
            float32 `(batch, classes)`, without a gradient.
        """
        total = 0.0
        for weight, member in zip(self.weights, self.members, strict=True):
            outputs = member(features, training=False)
            logits = member.pair_logits(ops.cast(outputs, "float32"))
            total += weight * keras_target_logits(logits, member.scoring)
        return ops.stop_gradient(total)


def same_features(one, other):
    """Whether two preprocessors pack the same features, as far as is known.

    A model without one gets features from its user, who knows.
    """
    if one is None or other is None or one is other:
        return True
    return type(one) is type(other) and one.get_config() == other.get_config()


class DistillationPreprocessor:
    """Packs pairs for a student and for a teacher that reads other features.

    Args:
        student: preprocessor of the student.
        teacher: preprocessor of the teacher.

    >>> from semmatch.models import BiEncoderPreprocessor
    >>> from semmatch.models import CrossEncoderPreprocessor
    >>> preprocessor = DistillationPreprocessor(
    ...     BiEncoderPreprocessor.from_texts(["还款"]),
    ...     CrossEncoderPreprocessor.from_texts(["怎么还款"]))
    >>> features = preprocessor.pack(["还款"], ["怎么还"])
    >>> features["student"]["token_ids"].shape
    (1, 2, 8)
    >>> features["teacher"]["token_ids"].shape
    (1, 8)
    """

    def __init__(self, student, teacher):
        self.parts = {"student": student, "teacher": teacher}

    def pack(self, text_a, text_b):
        """A dict of the features of each, under `student` and `teacher`."""
        return {
            name: part.pack(text_a, text_b) for name, part in self.parts.items()
        }

    def tokenize(self, text_a, text_b):
        """Token ids for the student and then for the teacher."""
        return [
            column
            for part in self.parts.values()
            for column in part.tokenize(text_a, text_b)
        ]

    def pack_ids(self, *ids):
        """What `pack` gives, of what `tokenize` gave."""
        halves = dict(zip(self.parts, (ids[:2], ids[2:]), strict=True))
        return {
            name: part.pack_ids(*halves[name])
            for name, part in self.parts.items()
        }

    def id_lengths(self, *ids):
        """What `lengths` gives, of what `tokenize` gave, and no warning."""
        return self.parts["student"].id_lengths(*ids[:2])

    def warn_of_loss(self, *ids):
        """Warns once of what the student does not get to read."""
        self.parts["student"].warn_of_loss(*ids[:2])

    def lengths(self, text_a, text_b):
        """Tokens of each pair as the student packs it, int64 `(n,)`."""
        return self.parts["student"].lengths(text_a, text_b)
