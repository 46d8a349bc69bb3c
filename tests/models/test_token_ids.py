"""Texts that are tokenised once and packed later are packed the same."""

import numpy as np
import pytest

from semmatch.models.teacher import DistillationPreprocessor
from tests.checks import tiny_preprocessor
from tests.models.bi_models import bi_preprocessor

COLUMNS = (["取消", "还款借款还款借款还款"], ["借", "取消借款还款取消还款"])

KINDS = {
    "cross-encoder": lambda: tiny_preprocessor(sequence_length=12),
    "bi-encoder": lambda: bi_preprocessor(
        sequence_length=8, query_prompt="如", passage_prompt="何还"
    ),
    "distillation": lambda: DistillationPreprocessor(
        bi_preprocessor(), tiny_preprocessor(sequence_length=12)
    ),
}


@pytest.fixture(params=KINDS)
def preprocessor(request):
    return KINDS[request.param]()


def assert_equal(found, expected):
    if isinstance(expected, dict):
        assert set(found) == set(expected)
        for name in expected:
            assert_equal(found[name], expected[name])
    else:
        np.testing.assert_array_equal(found, expected)


def test_ids_are_packed_as_texts_are(preprocessor):
    ids = preprocessor.tokenize(*COLUMNS)
    assert_equal(preprocessor.pack_ids(*ids), preprocessor.pack(*COLUMNS))


@pytest.mark.filterwarnings("ignore:.*have more than:UserWarning")
def test_ids_have_the_lengths_of_texts(preprocessor):
    ids = preprocessor.tokenize(*COLUMNS)
    expected = preprocessor.lengths(*COLUMNS)
    np.testing.assert_array_equal(preprocessor.id_lengths(*ids), expected)


def test_no_texts_have_no_ids(preprocessor):
    columns = preprocessor.tokenize([], [])
    assert len(columns) == len(preprocessor.tokenize(*COLUMNS))
    assert not any(columns)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("cross-encoder", "1 of 2 pairs"),
        ("bi-encoder", "2 of 4 texts"),
        ("distillation", "2 of 4 texts .*= 11 tokens"),
    ],
)
def test_what_is_cut_is_told_once(kind, message):
    preprocessor = KINDS[kind]()
    if kind == "distillation":
        preprocessor.parts["student"] = bi_preprocessor(sequence_length=11)
    ids = preprocessor.tokenize(*COLUMNS)
    with pytest.warns(UserWarning, match=message) as caught:
        preprocessor.warn_of_loss(*ids)
        preprocessor.warn_of_loss(*ids)
    assert len(caught) == 1
