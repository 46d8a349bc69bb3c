"""The losses of a batch that a student is taught on."""

from keras import ops

from semmatch.layers.recording import recorded_blocks
from semmatch.models.distillation_batch import check_labelled
from semmatch.models.distillation_batch import example_mean
from semmatch.models.distillation_batch import labels_of
from semmatch.models.distillation_batch import num_replicas
from semmatch.models.distillation_batch import outputs_of
from semmatch.models.loss_weights import weight_at
from semmatch.models.soft_loss import soft_scores
from semmatch.models.soft_loss import soft_target


def training_loss(model, x, y, y_pred, sample_weight):
    """The weighted sum of a batch's losses, with the student's penalties.

    Args:
        model: `DistillationModel`, whose trackers count the losses on the
            way, and whose step goes on.
        x: as of `keras.Model.compute_loss`, as are `y` and `sample_weight`.
        y_pred: what the model returned in training.
    """
    losses = _losses(model, x, y, y_pred, sample_weight)
    rows = ops.shape(outputs_of(y_pred))[0]
    for name, loss in losses.items():
        model.trackers[name].update_state(loss * num_replicas(), rows)
    # An attack goes through the same batch twice.
    passes = 1 if model.student.adversarial_epsilon is None else 2
    step = model.step // passes
    model.step.assign_add(1)
    total = sum(
        weight_at(model.weights_of_losses[name], step) * loss
        for name, loss in losses.items()
    )
    penalties = [ops.sum(loss) for loss in model.losses]
    return total + sum(penalties) / num_replicas()


def _losses(model, x, y, y_pred, sample_weight):
    """A scalar for each name in `model.weights_of_losses`."""
    student = model.student
    returned = outputs_of(y_pred)
    outputs = student.loss_outputs(returned)
    losses = {}
    if "hard_loss" in model.weights_of_losses:
        label, weight = labels_of(y, sample_weight)
        check_labelled(label)
        losses["hard_loss"] = student.loss(label, outputs, weight)
    logits, matched = _taught(model, x, y)
    _compare(model, returned, logits, sample_weight)
    if "soft_loss" in model.weights_of_losses:
        target = soft_target(logits, student)
        losses["soft_loss"] = model.soft_loss(target, outputs, sample_weight)
    for place, match in enumerate(model.matches):
        values = match(
            y_pred["matched"][place], matched[place], y_pred["padding_mask"]
        )
        # Of several rows of one pair the mean.
        values = ops.reshape(values, (ops.shape(returned)[0], -1))
        values = ops.mean(values, axis=1)
        losses[match.name] = example_mean(values, sample_weight)
    return losses


def _taught(model, x, y):
    """The teacher's logits of a batch, and a list of its matched layers."""
    stored = y.get("teacher") if isinstance(y, dict) else None
    if stored is not None and not model.matches:
        return stored, []
    if model.online_teacher is None:
        raise ValueError(
            "There is no teacher: none was given, and the data have no scores "
            "of one. Build them by `distillation_dataset(pairs, preprocessor, "
            "scores)`, with scores of `teacher_scores`."
        )
    features = model.online_teacher.features(x, model.student)
    with recorded_blocks() as record:
        logits = model.online_teacher.target_logits(features)
    matched = []
    if model.matches:
        rows = model.teacher.encoder_rows(features, False)
        for match in model.matches:
            layers = match.of_teacher(record, rows["padding_mask"])
            # As often as the student reads each pair.
            matched.append(
                [
                    ops.repeat(
                        ops.stop_gradient(layer), model.student.passes, 0
                    )
                    for layer in layers
                ]
            )
    return logits if stored is None else stored, matched


def _compare(model, returned, logits, sample_weight):
    """Counts how alike the student's and the teacher's scores rank."""
    if logits.shape[-1] <= 2:
        _, scores = model.student.metric_inputs(None, returned)
        model.agreement.update_state(soft_scores(logits), scores, sample_weight)
