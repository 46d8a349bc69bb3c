"""The shared e5-small-zh gives what transformers computes from it.

`tests/fixtures/record_transformers.py` recorded float32 vectors of the first
100 pairs of QA_corpus's test split.
"""

from pathlib import Path

import keras
import numpy as np
import pytest

from semmatch import CrossEncoder
from semmatch import read_pairs

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"


@pytest.fixture(scope="module")
def model(shared):
    return CrossEncoder.from_preset(
        shared("models/e5-small-zh"), num_classes=1, sequence_length=64
    )


def pack_first_pairs(model, shared, count):
    pairs = read_pairs(shared("data/qa_corpus") / "test")[:count]
    return model.preprocessor.pack(pairs.text_a, pairs.text_b)


def hidden_states(model, features):
    outputs = model.backbone(features, training=False)["sequence_output"]
    return keras.ops.convert_to_numpy(outputs)


def test_recorded_vectors_of_100_pairs_come_out(model, shared):
    recorded = np.load(FIXTURES / "e5_small_zh.npz")
    features = pack_first_pairs(model, shared, 100)
    hidden = hidden_states(model, features)
    mask = features["padding_mask"][..., None]
    means = (hidden * mask).sum(axis=1) / mask.sum(axis=1)
    np.testing.assert_allclose(means, recorded["means"], rtol=0, atol=1e-4)
    first = hidden[0][features["padding_mask"][0] == 1]
    np.testing.assert_allclose(first, recorded["first"], rtol=0, atol=1e-4)


def test_the_report_accounts_for_every_tensor(model, shared):
    report = model.load_report
    # 12 layers of 16 tensors, three embeddings and their norm.
    assert len(report.used) == 12 * 16 + 5
    assert report.unused == {}
    assert set(report.absent) == {"pooler/kernel", "pooler/bias"}
    assert report.initialised == ("head",)
    assert report.ignored_config == ()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["e5-small-zh", "e5-small-zh-qa"])
def test_transformers_computes_the_same_here(shared, name):
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    folder = shared(f"models/{name}")
    is_classifier = name.endswith("-qa")
    model = CrossEncoder.from_preset(folder, num_classes=1, sequence_length=64)
    features = pack_first_pairs(model, shared, 8)
    reference = (
        transformers.BertForSequenceClassification
        if is_classifier
        else transformers.BertModel
    ).from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    with torch.inference_mode():
        outputs = reference.eval()(
            torch.tensor(features["token_ids"]).long(),
            torch.tensor(features["padding_mask"]),
            torch.tensor(features["segment_ids"]).long(),
        )
    if is_classifier:
        ours, theirs = model(features, training=False), outputs.logits
        ours = keras.ops.convert_to_numpy(ours)
    else:
        ours, theirs = hidden_states(model, features), outputs[0]
    np.testing.assert_allclose(ours, theirs.numpy(), rtol=0, atol=1e-4)
