"""Sentence-BERT's training of a head on pairs of vectors."""

import keras
import numpy as np
import pytest

import semmatch
from semmatch import BiEncoder
from semmatch.data import Pairs
from semmatch.losses import CoSENT
from semmatch.losses import CrossEntropy
from semmatch.losses import RDrop
from semmatch.training import AdamW
from tests.checks import to_numpy
from tests.models.bi_models import bi_model
from tests.models.bi_models import topic_pairs

BINARY = topic_pairs()
# Three classes, as of natural language inference.
PAIRS = Pairs(
    BINARY.text_a,
    BINARY.text_b,
    np.where(np.array(BINARY.text_a) == "Hello", 2, BINARY.label),
)


@pytest.mark.slow
def test_the_head_teaches_the_vectors():
    keras.utils.set_random_seed(0)
    model = bi_model(pair_classes=3)
    before = [to_numpy(weight) for weight in model.backbone.weights]
    model.compile(AdamW(0.01))
    assert type(model.loss) is CrossEntropy
    history = model.fit(
        PAIRS, batch_size=12, epochs=25, validation_data=PAIRS, verbose=0
    )
    assert history.history["val_accuracy"][-1] == 1
    after = [to_numpy(weight) for weight in model.backbone.weights]
    moved = [np.abs(a - b).max() for a, b in zip(before, after, strict=True)]
    assert max(moved) > 0.01
    # What it returns are vectors still.
    assert model.encode(["取消"]).shape == (1, 8)


def test_the_loss_is_that_of_the_head():
    model = bi_model(pair_classes=3)
    loss, accuracy = model.evaluate(PAIRS, batch_size=len(PAIRS), verbose=0)
    u, v = model.encode(PAIRS.text_a), model.encode(PAIRS.text_b)
    kernel, bias = map(to_numpy, model.pair_head.weights)
    logits = np.hstack([u, v, np.abs(u - v), u * v]) @ kernel + bias
    logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    expected = -logs[np.arange(len(PAIRS)), PAIRS.label].mean()
    assert loss == pytest.approx(expected, rel=1e-5)
    assert accuracy == pytest.approx(
        np.mean(logits.argmax(axis=1) == PAIRS.label)
    )


def test_a_preset_holds_the_tower_alone(tmp_path):
    model = bi_model(pair_classes=3)
    model.save_to_preset(tmp_path / "preset")
    again = BiEncoder.from_preset(tmp_path / "preset")
    assert again.pair_classes is None
    assert again.pair_head is None
    np.testing.assert_array_equal(
        again.encode(PAIRS.text_a), model.encode(PAIRS.text_a)
    )
    fresh = BiEncoder.from_preset(tmp_path / "preset", pair_classes=2)
    assert fresh.pair_head.num_classes == 2
    np.testing.assert_array_equal(
        fresh.encode(PAIRS.text_a), model.encode(PAIRS.text_a)
    )


@pytest.mark.slow
def test_a_keras_file_holds_the_head(tmp_path):
    model = bi_model(pair_classes=3)
    model.compile(AdamW(0.01))
    model.fit(PAIRS, verbose=0)
    model.save(tmp_path / "model.keras")
    again = semmatch.load_model(tmp_path / "model.keras")
    assert again.evaluate(PAIRS, verbose=0) == model.evaluate(PAIRS, verbose=0)


@pytest.mark.parametrize(
    ("label", "message"),
    [([0, 3], r"in \[0, 2\].*label\[1\]=3"), ([0.5, 1], r"label\[0\]=0.5")],
)
def test_labels_must_be_of_its_classes(label, message):
    pairs = Pairs(["取消", "借"], ["还款", "借"], label)
    with pytest.raises(ValueError, match=message):
        bi_model(pair_classes=3).fit(pairs)


@pytest.mark.parametrize("loss", [CoSENT(), RDrop()])
def test_it_is_trained_by_cross_entropy(loss):
    with pytest.raises(ValueError, match="`pair_classes` trains that head"):
        bi_model(pair_classes=3).compile(loss=loss)
