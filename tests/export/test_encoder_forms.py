"""Folders of every form of the encoder score as the model does."""

import numpy as np
import pytest

from semmatch import export_onnx
from semmatch import Matcher
from tests.checks import tensorflow_only
from tests.checks import tiny_encoder
from tests.export.models import PAIRS
from tests.export.models import spread_model

pytestmark = tensorflow_only


@pytest.mark.parametrize(
    "form",
    [
        {"embedding_dim": 4, "pooler_activation": "gelu"},
        {"shared_layers": True, "num_layers": 3},
        {"pooler_activation": "relu"},
    ],
    ids=str,
)
def test_the_folder_scores_as_the_model(form, tmp_path):
    model = spread_model(tiny_encoder(**{"num_layers": 2, **form}))
    report = export_onnx(model, tmp_path / "deploy")
    assert report.max_difference < 1e-5
    expected = model.score(PAIRS)
    assert np.ptp(expected) > 0.2
    scores = Matcher(tmp_path / "deploy").score(PAIRS)
    np.testing.assert_allclose(scores, expected, atol=1e-5)
