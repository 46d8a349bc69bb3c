"""Inner layers of a student against a teacher's, taken out by hand."""

import keras
import numpy as np
import pytest

from semmatch import DistillationModel
from semmatch import load_model
from semmatch.losses import RDrop
from semmatch.models import Ensemble
from semmatch.models import LayerMatch
from tests.checks import to_numpy
from tests.models.bi_models import bi_model
from tests.models.distillation_cases import cross
from tests.models.distillation_cases import LABELLED
from tests.models.distillation_cases import PREPROCESSOR
from tests.models.test_distillation_model import loss_of
from tests.models.test_distillation_model import only_batch


def states(model, features):
    """Tokens before and after each block, of Keras's own graph."""
    encoder = model.backbone
    blocks = [
        encoder.get_layer(f"block_{i}") for i in range(encoder.num_layers)
    ]
    taps = keras.Model(
        encoder.input, [blocks[0].input[0]] + [b.output for b in blocks]
    )
    return [to_numpy(tensor) for tensor in taps(features)], blocks


def scores_of_attention(block, tokens):
    """Queries times keys of each head, in numpy."""
    heads = []
    for dense in (block.query, block.key):
        projected = tokens @ to_numpy(dense.kernel) + to_numpy(dense.bias)
        shape = (*tokens.shape[:2], block.num_heads, -1)
        heads.append(projected.reshape(shape).transpose(0, 2, 1, 3))
    query, key = heads
    return query @ key.transpose(0, 1, 3, 2) / np.sqrt(key.shape[-1])


def mean_of_real(values, mask):
    return (values * mask).sum(axis=-1) / mask.sum(axis=-1)


def matched(teacher, student, *matches, soft_loss_weight=0):
    distiller = DistillationModel(
        teacher,
        student,
        hard_loss_weight=0,
        soft_loss_weight=soft_loss_weight,
        matches=matches,
    )
    distiller.compile()
    return distiller


@pytest.fixture(scope="module")
def case():
    """A teacher of four layers, a student of two, and a batch."""
    teacher, student = cross(num_layers=4, seed=3), cross(num_layers=2)
    features, y = only_batch(LABELLED)
    both = [states(model, features) for model in (student, teacher)]
    mask = np.asarray(features["padding_mask"])
    return teacher, student, (features, y), both, mask


@pytest.mark.parametrize("loss", ["mse", "cosine"])
def test_hidden_states(case, loss):
    teacher, student, batch, ((own, _), (other, _)), mask = case
    expected = []
    for one, two in [(0, 0), (1, 2), (2, 4)]:
        if loss == "mse":
            apart = ((own[one] - other[two]) ** 2).mean(axis=-1)
        else:
            products = (own[one] * other[two]).sum(axis=-1)
            lengths = np.linalg.norm(own[one], axis=-1)
            lengths *= np.linalg.norm(other[two], axis=-1)
            apart = 1 - products / lengths
        expected.append(mean_of_real(apart, mask).mean())
    distiller = matched(teacher, student, LayerMatch("hidden", None, loss, 0.5))
    np.testing.assert_allclose(
        loss_of(distiller, batch), 0.5 * np.mean(expected), rtol=1e-4
    )


def test_attention(case):
    teacher, student, batch, ((own, blocks), (other, others)), mask = case
    one = scores_of_attention(blocks[1], own[1])
    two = scores_of_attention(others[3], other[3])
    apart = (((one - two) ** 2) * mask[:, None, None]).sum(axis=-1)
    apart = (apart / mask.sum(axis=-1)[:, None, None]).mean(axis=1)
    expected = mean_of_real(apart, mask).mean()
    distiller = matched(teacher, student, LayerMatch("attention", "last"))
    np.testing.assert_allclose(loss_of(distiller, batch), expected, rtol=1e-4)


@pytest.mark.parametrize(
    "pooling", ["mean", "cls", "max", "attention", "first_last"]
)
def test_pooled_vectors(pooling):
    teacher = cross(num_layers=2, seed=3, pooling=pooling)
    student = cross(num_layers=2, pooling=pooling)
    batch = only_batch(LABELLED)
    vectors = []
    for model in (student, teacher):
        head = model.get_layer("head")
        taps = keras.Model(model.input, head.input)
        vectors.append(to_numpy(taps(batch[0])))
    expected = np.mean((vectors[0] - vectors[1]) ** 2)
    distiller = matched(teacher, student, LayerMatch("pooled"))
    np.testing.assert_allclose(loss_of(distiller, batch), expected, rtol=1e-4)


def test_the_pooler_is_a_pooling():
    from tests.checks import tiny_encoder
    from tests.checks import tiny_model

    encoders = [tiny_encoder(dropout=0.0, attention_dropout=0.0)] * 2
    models = [tiny_model(e, PREPROCESSOR, dropout=0.0) for e in encoders]
    distiller = matched(*models, LayerMatch("pooled"))
    assert loss_of(distiller, only_batch(LABELLED)) == pytest.approx(
        0, abs=1e-9
    )


@pytest.mark.slow
def test_a_wider_teacher_is_reached_by_a_layer_that_is_trained(tmp_path):
    teacher = cross(num_layers=2, hidden_dim=12, seed=3)
    student = cross(num_layers=2)
    distiller = matched(teacher, student, LayerMatch(layers="last"))
    (projection,) = distiller.matches[0].projections
    batch = only_batch(LABELLED)
    own = states(student, batch[0])[0][-1]
    other = states(teacher, batch[0])[0][-1]
    kernel = to_numpy(projection.kernel).copy()
    apart = ((own @ kernel - other) ** 2).mean(axis=-1)
    expected = mean_of_real(apart, np.asarray(batch[0]["padding_mask"])).mean()
    np.testing.assert_allclose(loss_of(distiller, batch), expected, rtol=1e-4)
    # Keras warns of a head that gets no gradient.
    match = LayerMatch(layers="last")
    distiller = matched(teacher, student, match, soft_loss_weight=0.01)
    (projection,) = distiller.matches[0].projections
    kernel = to_numpy(projection.kernel).copy()
    distiller.compile(keras.optimizers.Adam(0.01))
    history = distiller.fit(LABELLED, epochs=20, verbose=0).history
    assert history["hidden_mse"][-1] < 0.8 * history["hidden_mse"][0]
    assert np.abs(to_numpy(projection.kernel) - kernel).max() > 0.01
    own = {id(variable) for variable in student.variables}
    assert id(projection.kernel) not in own
    distiller.save(tmp_path / "student.keras")
    loaded = load_model(tmp_path / "student.keras")
    np.testing.assert_allclose(
        loaded.score(LABELLED), student.score(LABELLED), atol=1e-6
    )


def test_the_texts_of_a_bi_encoder_are_matched_each():
    encoder = {"dropout": 0.0, "attention_dropout": 0.0}
    from tests.checks import tiny_encoder

    preprocessor = bi_model().preprocessor
    student = bi_model(tiny_encoder(**encoder), preprocessor)
    teacher = bi_model(tiny_encoder(**encoder, num_heads=1), preprocessor)
    distiller = matched(teacher, student, LayerMatch(layers="last"))
    features, y = only_batch(LABELLED, preprocessor=preprocessor)
    rows = {
        name: np.reshape(feature, (8, -1)) for name, feature in features.items()
    }
    own, other = (states(model, rows)[0][-1] for model in (student, teacher))
    apart = ((own - other) ** 2).mean(axis=-1)
    expected = mean_of_real(apart, rows["padding_mask"]).mean()
    np.testing.assert_allclose(
        loss_of(distiller, (features, y)), expected, rtol=1e-4
    )


def test_of_two_passes_both_are_matched(case):
    teacher, student, batch, *_ = case
    match = LayerMatch(layers="last")
    once = loss_of(matched(teacher, student, match), batch)
    distiller = matched(teacher, student, match)
    distiller.compile(loss=RDrop())
    np.testing.assert_allclose(loss_of(distiller, batch), once, rtol=1e-5)
    student.compile()


def test_weights_of_examples_count(case):
    teacher, student, batch, *_ = case
    distiller = matched(teacher, student, LayerMatch())
    each = [
        loss_of(distiller, (*batch, np.eye(4, dtype="float32")[row]))
        for row in range(4)
    ]
    np.testing.assert_allclose(sum(each), loss_of(distiller, batch), rtol=1e-4)


@pytest.mark.slow
def test_two_matches_of_one_kind_have_names_of_their_own(case):
    teacher, student, *_ = case
    matches = [LayerMatch(layers="last"), LayerMatch(layers={1: 1})]
    matches.append(LayerMatch("pooled"))
    distiller = matched(teacher, student, *matches, soft_loss_weight=0.01)
    history = distiller.fit(LABELLED, verbose=0).history
    names = {"hidden_mse", "hidden_mse_2", "pooled_mse"}
    assert names < set(history)


@pytest.mark.parametrize(
    ("teacher", "student", "message"),
    [
        (None, cross(), "Received: no teacher"),
        (Ensemble([cross(), cross()]), cross(), "an ensemble of 2"),
        (cross(), bi_model(), "compare the same tokens"),
    ],
)
def test_teachers_without_layers_to_match_are_refused(
    teacher, student, message
):
    with pytest.raises(ValueError, match=message):
        DistillationModel(teacher, student, matches=[LayerMatch()])


def test_an_encoder_without_blocks_is_refused():
    import keras_hub

    from semmatch import CrossEncoder

    backbone = keras_hub.models.BertBackbone(64, 1, 2, 8, 12)
    student = CrossEncoder(backbone)
    with pytest.raises(ValueError, match="backbone of class `BertBackbone`"):
        DistillationModel(cross(), student, matches=[LayerMatch()])
