"""Bi-encoders that learn from grades, such as those of STS-B."""

import keras
import numpy as np
import pytest

from semmatch import evaluation
from semmatch.data import pair_dataset
from semmatch.data import Pairs
from semmatch.losses import AnglE
from semmatch.losses import Contrastive
from semmatch.losses import CosineMSE
from semmatch.metrics import Spearman
from semmatch.training import AdamW
from tests.models.bi_models import bi_model
from tests.models.bi_models import topic_pairs

BINARY = topic_pairs()
GRADES = np.where(
    BINARY.label == 1, 5.0, np.arange(len(BINARY)) % 8 % 3
).astype("float32")
PAIRS = Pairs(BINARY.text_a, BINARY.text_b, GRADES)


@pytest.mark.parametrize(
    "loss", ["auto", pytest.param(AnglE(), marks=pytest.mark.slow)]
)
def test_grades_of_any_scale_teach(loss):
    keras.utils.set_random_seed(0)
    model = bi_model()
    model.compile(AdamW(0.01), loss, metrics=[Spearman((0, 5))])
    history = model.fit(
        PAIRS, batch_size=24, epochs=8, validation_data=PAIRS, verbose=0
    )
    found = history.history["val_spearman"]
    assert max(found) > history.before["spearman"] + 0.2
    # The best epoch is kept.
    exact = evaluation.spearman(PAIRS.label, model.score(PAIRS))
    assert exact == pytest.approx(max(found), abs=0.02)


def test_an_area_is_not_of_grades():
    model = bi_model()
    for labelled in (PAIRS, pair_dataset(PAIRS, model.preprocessor)):
        with pytest.raises(ValueError, match=r"`auc` is of .* 0 and 1.*Spearm"):
            model.fit(labelled, verbose=0)
    model.compile(metrics=None)
    assert model.evaluate(PAIRS, verbose=0) > 0


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (Contrastive(), r"in \[0.*, 1.*\] for `contrastive`.*label\[0\]"),
        (CosineMSE(), r"in \[-1.*, 1.*\] for `cosine_mse`"),
    ],
)
def test_labels_outside_of_the_scale_are_refused(loss, message):
    model = bi_model()
    model.compile(loss=loss, metrics=None)
    pairs = Pairs(["取消", "借"], ["还款", "借"], [5, 0])
    for labelled in (pairs, pair_dataset(pairs, model.preprocessor)):
        with pytest.raises(ValueError, match=message):
            model.fit(labelled, verbose=0)
