"""transformers, where it is installed, computes the same as ever."""

import numpy as np
import pytest

from semmatch import CrossEncoder
from tests.checkpoints.families import BASES
from tests.checkpoints.families import CLASSIFIERS
from tests.checkpoints.families import config_of
from tests.checkpoints.tiny import assert_close
from tests.checks import to_numpy


def random_features(model):
    """Rows of random ids, the first as long as there are positions."""
    limit = model.backbone.max_sequence_length
    generator = np.random.default_rng(0)
    mask = np.arange(limit) < np.array([[limit], [9], [1]])
    # From 4 on, since RoBERTa does not count the id of its padding.
    ids = generator.integers(4, model.backbone.vocabulary_size, mask.shape)
    features = {
        "token_ids": np.where(mask, ids, model.preprocessor.tokenizer.pad_id),
        "padding_mask": mask,
        "segment_ids": generator.integers(0, 2, mask.shape),
    }
    return {n: features[n].astype("int32") for n in model.backbone.input}


@pytest.mark.slow
@pytest.mark.parametrize(
    "folder", [*BASES, *CLASSIFIERS], ids=lambda folder: folder.name
)
def test_transformers_computes_the_same_here(folder):
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    is_classifier = folder in CLASSIFIERS
    reference = (
        transformers.AutoModelForSequenceClassification
        if is_classifier
        else transformers.AutoModel
    ).from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    model = CrossEncoder.from_preset(
        folder, num_classes=None if is_classifier else 1
    )
    features = random_features(model)
    names = ("input_ids", "attention_mask", "token_type_ids")
    inputs = {
        theirs: torch.tensor(array).long()
        for theirs, array in zip(names, features.values(), strict=False)
    }
    assert list(features)[:2] == ["token_ids", "padding_mask"]
    with torch.inference_mode():
        outputs = reference.eval()(**inputs, output_hidden_states=True)
    real = features["padding_mask"] == 1
    states = to_numpy(model.backbone(features)["sequence_output"])
    assert_close(states[real], outputs.hidden_states[-1].numpy()[real])
    if is_classifier:
        assert_close(model(features), outputs.logits.numpy())
    elif config_of(folder)["model_type"] not in ("distilbert", "electra"):
        pooled = model.backbone(features)["pooled_output"]
        assert_close(pooled, outputs.pooler_output.numpy())
