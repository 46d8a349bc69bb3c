"""Ranges are those of what a model computes of texts, and of no padding."""

import numpy as np
import onnx
import onnxruntime
import pytest
from tokenizers import Tokenizer

import semmatch.export.calibration
from semmatch import export_onnx
from semmatch import Matcher
from semmatch.data import Pairs
from semmatch.export.calibration import _Watch
from semmatch.export.calibration import calibrate
from semmatch.export.static_int8 import product_inputs
from tests.checks import tensorflow_only
from tests.checks import TEXTS
from tests.export.models import spread_model
from tests.models.bi_models import bi_model
from tests.models.bi_models import bi_preprocessor

pytestmark = tensorflow_only

# Of different lengths, so that a batch of all has padding.
DATA = Pairs([TEXTS[3], TEXTS[0], "", TEXTS[1]], [TEXTS[3], TEXTS[1], "", "a"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("calibration") / "deploy"
    export_onnx(spread_model(), folder)
    return folder


def ranges_of_rows(folder, name, rows):
    """The ends of an activation, of rows of ids one by one."""
    model = onnx.load(folder / "model.onnx")
    kind = onnx.TensorProto.FLOAT
    shown = onnx.helper.make_tensor_value_info(name, kind, None)
    model.graph.output.append(shown)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    values = []
    for row in rows:
        features = {
            "input_ids": row.ids,
            "attention_mask": row.attention_mask,
            "token_type_ids": row.type_ids,
        }
        inputs = {
            node.name: np.array([features[node.name]])
            for node in session.get_inputs()
        }
        [found] = session.run([name], inputs)
        values.append(found.reshape(-1, found.shape[-1]))
    values = np.concatenate(values)
    return np.minimum(values.min(axis=0), 0), np.maximum(values.max(axis=0), 0)


def test_ranges_are_those_of_the_real_tokens(folder):
    names = product_inputs(folder / "model.onnx")
    # Of each block four, of the last the first token's vector too, and the
    # pooler's.
    assert len(names) == 10
    found = calibrate(folder, DATA, names)
    assert list(found) == names
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    rows = [
        tokenizer.encode(*pair)
        for pair in zip(DATA.text_a, DATA.text_b, strict=True)
    ]
    for name in names:
        low, high = ranges_of_rows(folder, name, rows)
        np.testing.assert_allclose(found[name].low, low, atol=1e-5)
        np.testing.assert_allclose(found[name].high, high, atol=1e-5)
        assert (low <= 0).all()
        assert (high >= 0).all()
        assert (low < high).any()


def test_a_batch_or_several_give_the_same(folder, monkeypatch):
    names = product_inputs(folder / "model.onnx")
    whole = calibrate(folder, DATA, names)
    monkeypatch.setattr(semmatch.export.calibration, "_MAX_TOKENS", 1)
    parts = calibrate(folder, DATA, names)
    for name in names:
        np.testing.assert_allclose(whole[name].low, parts[name].low, atol=1e-5)
        np.testing.assert_allclose(
            whole[name].high, parts[name].high, atol=1e-5
        )


def test_a_row_without_a_token_is_computed(folder):
    [name, *_] = product_inputs(folder / "model.onnx")
    watch = _Watch(folder / "model.onnx", Matcher(folder), [name])
    none = np.zeros((2, 4), "int32")
    features = {"token_ids": none, "padding_mask": none, "segment_ids": none}
    features["padding_mask"] = np.int32([[1, 1, 1, 0], [0, 0, 0, 0]])
    found = watch(features)
    assert found.shape == (2, 1)
    assert np.isfinite(found).all()


def test_of_many_pairs_some_are_drawn_and_always_the_same(folder, monkeypatch):
    [name] = product_inputs(folder / "model.onnx")[:1]
    texts = [text[:size] for text in TEXTS for size in range(1, 5)]
    data = Pairs(texts, texts[::-1])
    whole = calibrate(folder, data, [name])[name]
    monkeypatch.setattr(semmatch.export.calibration, "NUM_PAIRS", 3)
    one, two = (calibrate(folder, data, [name])[name] for _ in range(2))
    np.testing.assert_array_equal(one.low, two.low)
    np.testing.assert_array_equal(one.high, two.high)
    assert (one.low >= whole.low - 1e-5).all()
    assert (one.low > whole.low + 1e-3).any()
    few = calibrate(folder, data[:3], [name])[name]
    assert np.abs(few.low - one.low).max() > 1e-3  # not the first ones


def test_both_texts_of_a_bi_encoder_are_read_with_their_prompts(tmp_path):
    preprocessor = bi_preprocessor(query_prompt="如何", passage_prompt="取")
    model = bi_model(None, preprocessor, projection_dim=8, pooling="mean")
    folder = tmp_path / "deploy"
    export_onnx(model, folder)
    *_, projected = product_inputs(folder / "model.onnx")
    found = calibrate(folder, Pairs(["还款"], ["消"]), [projected])[projected]
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    rows = [tokenizer.encode(text) for text in ("如何还款", "取消")]
    low, high = ranges_of_rows(folder, projected, rows)
    np.testing.assert_allclose(found.low, low, atol=1e-5)
    np.testing.assert_allclose(found.high, high, atol=1e-5)
