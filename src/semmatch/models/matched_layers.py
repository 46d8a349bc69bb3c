"""What a student and a teacher of one pair of texts are matched on."""

import keras
from keras import ops

from semmatch.losses.intermediate import attention_distance
from semmatch.losses.intermediate import vector_distance
from semmatch.models.teacher import same_features
from semmatch.models.text_encoder import TextEncoder


def matched_layers(matches, student, teacher):
    """A `MatchedLayers` for each match, under names that differ.

    Args:
        matches: list of `LayerMatch`.
        student: the model.
        teacher: `OnlineTeacher` or None.
    """
    if not matches:
        return []
    if teacher is None:
        raise ValueError(
            "`matches` compare a student with a teacher that runs beside it. "
            "Received: no teacher. Pass it, or leave `matches` out."
        )
    if len(teacher.members) > 1:
        raise ValueError(
            "`matches` are with one teacher. Received: an ensemble of "
            f"{len(teacher.members)}."
        )
    if not same_features(student.preprocessor, teacher.preprocessor):
        raise ValueError(
            "`matches` compare the same tokens, and teacher and student read "
            "other features (another tokenizer, length or kind). Leave them "
            "out, or build the student by `student_from(teacher, ...)`."
        )
    names = {}
    layers = []
    for match in matches:
        count = names[match.name] = names.get(match.name, 0) + 1
        name = match.name if count == 1 else f"{match.name}_{count}"
        layers.append(MatchedLayers(match, student, teacher.model, name))
    return layers


class MatchedLayers(keras.layers.Layer):
    """A `LayerMatch` of two models, with the projections that it learns.

    Args:
        match: `LayerMatch`.
        student: a model with a `TextEncoder` as `backbone`.
        teacher: the same; it is neither trained nor saved.
        name: string.

    Call arguments:
        student: list of float tensors, as `of_student` gives them.
        teacher: list of as many, as `of_teacher` gives them.
        padding_mask: int32 `(rows, length)`, 1 for a real token.

    Returns:
        float32 `(rows,)`, a mean over the matched layers.
    """

    def __init__(self, match, student, teacher, name):
        super().__init__(name=name, dtype="float32")
        own, other = (_encoder(model) for model in (student, teacher))
        pairs = [(0, 0)]
        if match.feature != "pooled":
            pairs = match.layer_pairs(own.num_layers, other.num_layers)
        self.match = match
        self.of_student = _Picker(match.feature, student, [i for i, _ in pairs])
        self.of_teacher = _Picker(match.feature, teacher, [i for _, i in pairs])
        self.projections = []
        if match.feature != "attention" and own.hidden_dim != other.hidden_dim:
            for layer, _ in pairs:
                dense = keras.layers.Dense(
                    other.hidden_dim,
                    dtype="float32",
                    name=f"projection_{layer}",
                )
                dense.build((None, own.hidden_dim))
                self.projections.append(dense)
        self.built = True

    def call(self, student, teacher, padding_mask):
        distance = vector_distance
        if self.match.feature == "attention":
            distance = attention_distance
        elif self.match.feature == "pooled":
            # Of one token, as it were.
            student, teacher = [student[0][:, None]], [teacher[0][:, None]]
            padding_mask = ops.ones_like(padding_mask[:, :1])
        if self.projections:
            student = [
                dense(tokens)
                for dense, tokens in zip(self.projections, student, strict=True)
            ]
        values = [
            distance(one, two, padding_mask, self.match.loss)
            for one, two in zip(student, teacher, strict=True)
        ]
        return sum(values) / len(values)


class _Picker:
    """Takes what is matched out of a pass; no layer, so nothing is tracked."""

    def __init__(self, feature, model, layers):
        self.feature = feature
        self.model = model
        self.layers = layers

    def __call__(self, record, padding_mask):
        """A list of tensors of the layers, of what `recorded_blocks` gave."""
        if self.feature == "attention":
            return [
                record[i - 1].block.attention_scores(record[i - 1].inputs)
                for i in self.layers
            ]
        states = [record[0].inputs, *(one.outputs for one in record)]
        if self.feature == "pooled":
            return [self._pooled(states, padding_mask)]
        return [states[i] for i in self.layers]

    def _pooled(self, states, padding_mask):
        if self.model.pooling == "pooler":
            return self.model.backbone.get_layer("pooler")(states[-1][:, 0])
        tokens = states[-1]
        if self.model.pooling == "first_last":
            tokens = (states[1] + states[-1]) / 2
        name = "pooling"
        if self.model.pooling == "attention":
            name = "attention_pooling"
        return self.model.get_layer(name)(tokens, padding_mask)


def _encoder(model):
    if not isinstance(model.backbone, TextEncoder):
        raise ValueError(
            "`matches` look into the blocks of a `TextEncoder`. Received: a "
            f"backbone of class `{type(model.backbone).__name__}`. Leave them "
            "out."
        )
    return model.backbone
