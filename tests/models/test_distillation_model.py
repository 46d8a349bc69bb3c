"""A student that is taught, against formulas and against itself."""

import keras
import numpy as np
import pytest

from semmatch import DistillationModel
from semmatch import load_model
from semmatch import pair_dataset
from semmatch import Scoring
from semmatch.data import distillation_dataset
from semmatch.data import Pairs
from semmatch.losses import CosineMSE
from semmatch.losses import MarginMSE
from semmatch.losses import RDrop
from semmatch.losses import SoftTargetKL
from semmatch.models import Ensemble
from tests.checks import tensorflow_only
from tests.checks import to_numpy
from tests.losses.test_cross_entropy import cross_entropy
from tests.losses.test_soft_target_kl import soft_kl
from tests.models.bi_models import bi_model
from tests.models.distillation_cases import cross
from tests.models.distillation_cases import LABELLED
from tests.models.distillation_cases import PREPROCESSOR
from tests.models.distillation_cases import Stored
from tests.models.distillation_cases import UNLABELLED
from tests.training import two_replicas

WEIGHT = np.array([0.0, 1.0, 2.0, 0.5], "float32")


def loss_of(distiller, batch, training=True):
    x, y, *weight = batch
    y_pred = distiller(x, training=training)
    weight = weight[0] if weight else None
    return float(distiller.compute_loss(x, y, y_pred, weight, training))


def only_batch(pairs, scores=None, preprocessor=PREPROCESSOR, **kwargs):
    return next(
        iter(distillation_dataset(pairs, preprocessor, scores, **kwargs))
    )


@pytest.mark.parametrize("classes", [1, 2, 3])
@pytest.mark.parametrize("temperature", [1.0, 3.0])
@pytest.mark.parametrize("weights", [(0.3, 0.7), (0.0, 1.0), (2.0, 0.0)])
@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_the_loss_is_that_of_the_formula(classes, temperature, weights, weight):
    hard, soft = weights
    student = cross(num_classes=classes)
    stored = Stored(classes)
    distiller = DistillationModel(
        None,
        student,
        temperature=temperature,
        hard_loss_weight=hard,
        soft_loss_weight=soft,
    )
    distiller.compile()
    batch = only_batch(LABELLED, stored, sample_weight=weight)
    logits = student.predict_on_batch(batch[0])
    values = hard * cross_entropy(LABELLED.label, logits)
    values += soft * soft_kl(stored.logits(LABELLED), logits, temperature)
    expected = np.mean(values * (1 if weight is None else weight))
    np.testing.assert_allclose(
        loss_of(distiller, batch), expected, rtol=1e-5, atol=1e-6
    )


def test_the_calibrated_scores_of_a_teacher_count():
    student = cross()
    stored = Stored(scoring=Scoring("sigmoid", temperature=2.0, bias=-0.5))
    distiller = DistillationModel(None, student, hard_loss_weight=0)
    distiller.compile()
    batch = only_batch(LABELLED, stored)
    targets = stored.logits(LABELLED) / 2 - 0.5
    expected = soft_kl(targets, student.predict_on_batch(batch[0]), 4.0) / 2
    np.testing.assert_allclose(
        loss_of(distiller, batch), expected.mean(), rtol=1e-5
    )


def test_a_pair_without_a_label_is_taught_by_the_teacher_alone():
    student, stored = cross(), Stored()
    distiller = DistillationModel(None, student, temperature=1.0)
    distiller.compile()
    batch = only_batch([LABELLED, UNLABELLED], stored)
    logits = student.predict_on_batch(batch[0])
    hard = cross_entropy(LABELLED.label, logits[:4]).sum() / 6
    soft = soft_kl(stored.logits(range(6)), logits, 1.0).mean()
    np.testing.assert_allclose(
        loss_of(distiller, batch), (hard + soft) / 2, rtol=1e-5
    )


def test_penalties_of_the_student_stay():
    student = cross()
    head = student.get_layer("head")
    head.kernel.regularizer = keras.regularizers.L2(0.1)
    distiller = DistillationModel(None, student, hard_loss_weight=0)
    distiller.compile()
    batch = only_batch(LABELLED, Stored())
    logits = student.predict_on_batch(batch[0])
    soft = soft_kl(Stored().logits(LABELLED), logits, 4.0).mean() / 2
    penalty = 0.1 * np.sum(to_numpy(head.kernel) ** 2)
    np.testing.assert_allclose(
        loss_of(distiller, batch), soft + penalty, rtol=1e-5
    )


@pytest.mark.parametrize("classes", [1, 3])
def test_a_teacher_beside_the_student_says_what_it_says_before(classes):
    teacher = cross(num_layers=2, seed=3, num_classes=classes)
    student = cross(num_classes=classes)
    online = DistillationModel(teacher, student)
    online.compile()
    stored = DistillationModel(None, student)
    stored.compile()
    found = loss_of(online, only_batch(LABELLED))
    scorer = teacher.pair_scorer()
    expected = loss_of(stored, only_batch(LABELLED, scorer))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_an_ensemble_beside_the_student_is_the_mean():
    teachers = [cross(seed=seed) for seed in (3, 4)]
    student = cross()
    ensemble = Ensemble(teachers, weights=[1, 3])
    online = DistillationModel(ensemble, student, hard_loss_weight=0)
    online.compile()
    batch = only_batch(LABELLED)
    one, two, own = (
        model.predict_on_batch(batch[0]) for model in (*teachers, student)
    )
    expected = soft_kl(one / 4 + two * 3 / 4, own, 4.0).mean() / 2
    np.testing.assert_allclose(loss_of(online, batch), expected, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The loss became nan")
def test_a_label_that_is_no_number_is_no_missing_label():
    distiller = DistillationModel(cross(seed=3), cross())
    distiller.compile()
    labels = np.array([1, 0, np.nan, 0], "float32")
    batch = pair_dataset(LABELLED, PREPROCESSOR).map(lambda x, y: (x, labels))
    losses = distiller.fit(batch, verbose=0).history["loss"]
    assert np.isnan(losses).all()


@pytest.mark.slow
def test_figures_of_an_evaluation_are_those_of_the_student():
    student = cross()
    distiller = DistillationModel(cross(seed=3), student)
    distiller.compile(metrics=["accuracy", keras.metrics.AUC(name="auc")])
    found = distiller.evaluate(LABELLED, verbose=0, return_dict=True)
    expected = student.evaluate(LABELLED, verbose=0, return_dict=True)
    assert set(found) == {"loss", "accuracy", "auc"}
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-6)
    weighted = pair_dataset(LABELLED, PREPROCESSOR, sample_weight=WEIGHT)
    expected = student.evaluate(weighted, verbose=0, return_dict=True)
    found = distiller.evaluate(weighted, verbose=0, return_dict=True)
    assert found == pytest.approx(expected)
    batches = distillation_dataset(LABELLED, PREPROCESSOR, Stored())
    again = distiller.evaluate(batches, verbose=0, return_dict=True)
    plain = student.evaluate(LABELLED, verbose=0, return_dict=True)
    assert again == pytest.approx(plain)


def test_a_training_moves_the_student_and_not_the_teacher():
    teacher, student = cross(num_layers=2, seed=3), cross()
    distiller = DistillationModel(
        teacher, student, temperature=1.0, hard_loss_weight=0
    )
    distiller.compile(keras.optimizers.Adam(0.01))
    before = [to_numpy(variable).copy() for variable in teacher.weights]
    apart = np.abs(teacher.score(UNLABELLED) - student.score(UNLABELLED))
    history = distiller.fit(UNLABELLED, epochs=60, verbose=0)
    after = np.abs(teacher.score(UNLABELLED) - student.score(UNLABELLED))
    assert after.max() < 0.02 < apart.max()
    assert history.history["soft_loss"][-1] < 0.01
    for variable, values in zip(teacher.weights, before, strict=True):
        assert (to_numpy(variable) == values).all()
    assert distiller.teacher is teacher


def test_the_teacher_is_not_among_the_weights():
    teacher, student = cross(num_layers=2, seed=3), cross()
    distiller = DistillationModel(teacher, student)
    own = {id(variable) for variable in distiller.variables}
    assert not own & {id(variable) for variable in teacher.variables}
    trained = [id(variable) for variable in distiller.trainable_variables]
    assert trained == [id(v) for v in student.trainable_variables]


def test_what_is_saved_is_the_student(tmp_path):
    student = cross()
    distiller = DistillationModel(cross(seed=3), student)
    distiller.compile()
    checkpoint = keras.callbacks.ModelCheckpoint(
        tmp_path / "{epoch}.keras", verbose=0
    )
    distiller.fit(LABELLED, epochs=1, callbacks=[checkpoint], verbose=0)
    loaded = load_model(tmp_path / "1.keras")
    assert type(loaded) is type(student)
    expected = student.score(LABELLED)
    np.testing.assert_allclose(loaded.score(LABELLED), expected, atol=1e-6)
    distiller.student.save_to_preset(tmp_path / "preset")
    again = type(student).from_preset(tmp_path / "preset")
    np.testing.assert_allclose(again.score(LABELLED), expected, atol=1e-6)


@pytest.mark.slow
def test_logs_of_a_training_show_the_parts_of_the_loss():
    distiller = DistillationModel(cross(seed=3), cross())
    distiller.compile()
    history = distiller.fit(LABELLED, validation_data=LABELLED, verbose=0)
    assert set(history.history) == {
        "accuracy",
        "hard_loss",
        "loss",
        "soft_loss",
        "teacher_spearman",
        "val_accuracy",
        "val_loss",
    }
    assert set(history.before) == {"accuracy", "loss"}
    logs = {name: values[0] for name, values in history.history.items()}
    np.testing.assert_allclose(
        logs["loss"], (logs["hard_loss"] + logs["soft_loss"]) / 2, rtol=1e-5
    )


def test_the_agreement_with_the_teacher_is_logged():
    student = cross()
    distiller = DistillationModel(student_twin(student), student)
    distiller.compile(keras.optimizers.SGD(0.0))
    history = distiller.fit(LABELLED, verbose=0)
    assert history.history["teacher_spearman"] == [pytest.approx(1, abs=0.01)]


def student_twin(student):
    twin = cross()
    twin.set_weights(student.get_weights())
    return twin


@pytest.mark.slow
def test_metrics_of_a_training_are_of_the_labelled_pairs():
    student = cross()
    distiller = DistillationModel(cross(seed=3), student)
    distiller.compile(keras.optimizers.SGD(0.0))
    both = distiller.fit([LABELLED, UNLABELLED], verbose=0)
    alone = distiller.fit(LABELLED, verbose=0)
    assert both.history["accuracy"] == alone.history["accuracy"]
    none = distiller_without_labels().fit(UNLABELLED, verbose=0)
    assert set(none.history) == {"loss", "soft_loss", "teacher_spearman"}


def distiller_without_labels():
    distiller = DistillationModel(cross(seed=3), cross(), hard_loss_weight=0)
    distiller.compile()
    return distiller


def test_a_dataset_of_plain_labels_goes_with_a_teacher_beside_it():
    distiller = DistillationModel(cross(seed=3), cross())
    distiller.compile(keras.optimizers.SGD(0.0))
    plain = distiller.fit(pair_dataset(LABELLED, PREPROCESSOR), verbose=0)
    raw = distiller.fit(
        (LABELLED.text_a, LABELLED.text_b), LABELLED.label, verbose=0
    )
    np.testing.assert_allclose(
        plain.history["loss"], raw.history["loss"], rtol=1e-5
    )


def test_a_validation_without_labels_is_refused():
    distiller = distiller_without_labels()
    unlabelled = Pairs(LABELLED.text_a, LABELLED.text_b)
    dataset = pair_dataset(unlabelled, PREPROCESSOR)
    with pytest.raises(ValueError, match="An evaluation compares with labels"):
        distiller.fit(LABELLED, validation_data=dataset, verbose=0)


def test_weights_of_losses_follow_a_schedule():
    student = cross()
    schedule = keras.optimizers.schedules.PolynomialDecay(1.0, 4, 0.0)
    distiller = DistillationModel(
        None, student, hard_loss_weight=schedule, soft_loss_weight=0
    )
    distiller.compile(keras.optimizers.SGD(0.0))
    batches = distillation_dataset(LABELLED, PREPROCESSOR, Stored())
    history = distiller.fit(batches, epochs=5, verbose=0)
    hard = history.history["hard_loss"][0]
    expected = [hard * share for share in (1.0, 0.75, 0.5, 0.25, 0.0)]
    np.testing.assert_allclose(
        history.history["loss"], expected, rtol=1e-4, atol=1e-6
    )


@tensorflow_only
def test_an_attack_goes_through_the_loss_and_counts_one_step():
    schedule = keras.optimizers.schedules.PolynomialDecay(1.0, 2, 0.0)
    distiller = DistillationModel(
        None, cross(), hard_loss_weight=0, soft_loss_weight=schedule
    )
    distiller.compile(keras.optimizers.SGD(0.0), adversarial_epsilon=1.0)
    batches = distillation_dataset(LABELLED, PREPROCESSOR, Stored())
    losses = distiller.fit(batches, epochs=3, verbose=0).history["loss"]
    np.testing.assert_allclose(losses[1], losses[0] / 2, rtol=1e-4)
    assert losses[2] == 0


def test_two_passes_of_a_pair_are_both_taught():
    student = cross()
    distiller = DistillationModel(None, student, hard_loss_weight=0.5)
    batch = only_batch(LABELLED, Stored())
    distiller.compile()
    once = loss_of(distiller, batch)
    distiller.compile(loss=RDrop())
    assert distiller(batch[0], training=True).shape == (4, 2, 1)
    # Without dropout both are the same.
    np.testing.assert_allclose(loss_of(distiller, batch), once, rtol=1e-5)


@pytest.mark.slow
def test_a_cross_encoder_teaches_a_bi_encoder():
    teacher, student = cross(num_layers=2, seed=3), bi_model()
    distiller = DistillationModel(
        teacher, student, hard_loss_weight=0, soft_loss=CosineMSE()
    )
    distiller.compile(keras.optimizers.Adam(0.01))
    batch = only_batch(LABELLED, preprocessor=distiller.preprocessor)
    assert set(batch[0]) == {"student", "teacher"}
    cosines = student.pair_scorer().logits(LABELLED)[:, 0]
    apart = (cosines - teacher.score(LABELLED)) ** 2
    np.testing.assert_allclose(
        loss_of(distiller, batch), apart.mean() / 2, rtol=1e-4
    )
    distiller.fit(LABELLED, epochs=30, verbose=0)
    cosines = student.pair_scorer().logits(LABELLED)[:, 0]
    after = (cosines - teacher.score(LABELLED)) ** 2
    assert after.mean() < apart.mean() / 2


def test_a_student_of_vectors_learns_the_order_of_scores_by_default():
    from semmatch.losses import CoSENT

    student, stored = bi_model(), Stored()
    distiller = DistillationModel(None, student, hard_loss_weight=0)
    distiller.compile()
    batch = only_batch(LABELLED, stored, student.preprocessor)
    vectors = student.predict_on_batch(batch[0])
    scores = stored.scoring.scores(stored.logits(LABELLED))
    expected = float(CoSENT()(scores, vectors)) / 2
    np.testing.assert_allclose(loss_of(distiller, batch), expected, rtol=1e-5)


def test_a_head_for_pairs_of_vectors_is_taught_as_logits():
    student, stored = bi_model(pair_classes=2), Stored(2)
    distiller = DistillationModel(
        None, student, temperature=2.0, hard_loss_weight=0
    )
    distiller.compile()
    batch = only_batch(LABELLED, stored, student.preprocessor)
    logits = student.pair_head(student.predict_on_batch(batch[0]))
    expected = soft_kl(stored.logits(LABELLED), to_numpy(logits), 2.0).mean()
    np.testing.assert_allclose(
        loss_of(distiller, batch), expected / 2, rtol=1e-5
    )


def test_a_bi_encoder_teaches_a_cross_encoder():
    teacher, student = bi_model(), cross()
    distiller = DistillationModel(teacher, student, hard_loss_weight=0)
    distiller.compile()
    batch = only_batch(LABELLED, preprocessor=distiller.preprocessor)
    scores = np.float64(teacher.score(LABELLED))[:, None]
    targets = np.log(scores / (1 - scores))
    logits = student.predict_on_batch(batch[0]["student"])
    expected = soft_kl(targets, logits, 4.0).mean() / 2
    np.testing.assert_allclose(loss_of(distiller, batch), expected, rtol=1e-3)


def test_another_soft_loss_gets_logits():
    student, stored = cross(), Stored()
    distiller = DistillationModel(
        None,
        student,
        hard_loss_weight=0,
        soft_loss=keras.losses.MeanSquaredError(),
    )
    distiller.compile()
    batch = only_batch(LABELLED, stored)
    apart = student.predict_on_batch(batch[0]) - stored.logits(LABELLED)
    np.testing.assert_allclose(
        loss_of(distiller, batch), np.mean(apart**2) / 2, rtol=1e-5
    )


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"temperature": 0}, ValueError, "finite number above 0"),
        ({"hard_loss_weight": -1}, ValueError, "`hard_loss_weight` must be"),
        ({"soft_loss_weight": float("nan")}, ValueError, "`soft_loss_weight`"),
        (
            {"hard_loss_weight": 0, "soft_loss_weight": 0},
            ValueError,
            "nothing to learn",
        ),
        ({"soft_loss": "mse"}, ValueError, "`soft_loss` is an object"),
        (
            {"soft_loss": SoftTargetKL(), "temperature": 2.0},
            ValueError,
            "Leave it out",
        ),
        (
            {"student": bi_model(), "soft_loss": SoftTargetKL()},
            ValueError,
            "a loss of vectors",
        ),
        (
            {"student": bi_model(), "soft_loss": MarginMSE()},
            ValueError,
            "compares lists",
        ),
        ({"teacher": cross(num_classes=3)}, ValueError, "of 3 logits and a"),
        ({"teacher": Stored()}, TypeError, "Received: a `Stored`"),
        ({"student": bi_model(), "temperature": 2.0}, ValueError, "vectors"),
    ],
)
def test_wrong_arguments_are_refused(arguments, error, message):
    arguments = {"teacher": None, "student": cross(), **arguments}
    with pytest.raises(error, match=message):
        DistillationModel(**arguments)


def test_the_student_as_its_own_teacher_is_refused():
    model = cross()
    with pytest.raises(ValueError, match="the same model"):
        DistillationModel(model, model)


def test_members_that_read_other_features_are_refused_beside_a_student():
    with pytest.raises(ValueError, match="read the same features"):
        DistillationModel(Ensemble([bi_model(), cross()]), cross())


def test_scores_of_other_classes_are_refused():
    distiller = DistillationModel(None, cross())
    distiller.compile()
    with pytest.raises(ValueError, match="a teacher of 3 logits"):
        loss_of(distiller, only_batch(LABELLED, Stored(3)))


def test_data_without_scores_need_a_teacher():
    distiller = DistillationModel(None, cross())
    distiller.compile()
    with pytest.raises(ValueError, match="There is no teacher"):
        loss_of(distiller, only_batch(LABELLED))
    with pytest.raises(ValueError, match="no teacher runs beside"):
        distiller.fit(LABELLED)


def test_data_without_labels_need_no_hard_loss():
    distiller = DistillationModel(cross(seed=3), cross())
    distiller.compile()
    with pytest.raises(ValueError, match="`hard_loss_weight=0`"):
        distiller.fit(UNLABELLED, verbose=0)


def test_an_evaluation_without_labels_is_refused():
    distiller = distiller_without_labels()
    with pytest.raises(ValueError, match="compares with labels"):
        distiller.evaluate(distillation_dataset(UNLABELLED, PREPROCESSOR))


def test_features_of_the_student_alone_are_refused():
    distiller = DistillationModel(cross(), bi_model())
    distiller.compile()
    batch = only_batch(LABELLED, preprocessor=bi_model().preprocessor)
    with pytest.raises(ValueError, match="read other features"):
        loss_of(distiller, batch)


def test_labels_out_of_range_are_refused():
    distiller = DistillationModel(cross(seed=3), cross())
    distiller.compile()
    wrong = Pairs(["还款"], ["取消"], [2])
    with pytest.raises(ValueError, match="Labels must be in"):
        distiller.fit([wrong], verbose=0)


def test_a_hard_loss_that_is_no_object_is_refused():
    distiller = DistillationModel(None, cross())
    with pytest.raises(ValueError, match=r"keras\.losses\.Loss"):
        distiller.compile(loss=lambda y, x: x)


def test_a_teacher_that_gives_nan_is_told():
    teacher = cross(seed=3)
    head = teacher.get_layer("head")
    head.bias.assign(head.bias.value * np.nan)
    distiller = DistillationModel(teacher, cross())
    distiller.compile()
    with pytest.raises(ValueError, match="teacher's logits must be finite"):
        distiller.fit(LABELLED, verbose=0)


@pytest.mark.slow
@tensorflow_only
def test_two_replicas_are_taught_as_one():
    figures = two_replicas.run("--model", "distilled")
    assert figures["moved"] > 0.01
    assert figures["apart"] < 1e-5
