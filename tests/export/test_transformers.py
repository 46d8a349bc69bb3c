"""What is written for PyTorch users comes back, there and here.

The loaders of semmatch equal transformers (tests/checkpoints), so that what
they read back shows what was written; where torch and sentence-transformers
are installed, these load it too.
"""

import json

import numpy as np
import pytest

from semmatch import BiEncoder
from semmatch import CrossEncoder
from semmatch import export_transformers
from semmatch import Scoring
from semmatch import TextEncoder
from semmatch.models import BiEncoderPreprocessor
from semmatch.models.trainable import set_trainable
from semmatch.tokenizers import TextNormalizer
from tests.checks import randomise
from tests.checks import TEXTS
from tests.checks import tiny_encoder
from tests.checks import tiny_preprocessor
from tests.export.models import PAIRS
from tests.export.models import spread_model

# Each is written as another family.
ENCODERS = {
    "bert": {},
    "bert without segments": {"num_segments": 0, "activation": "gelu_tanh"},
    "distilbert": {"num_segments": 0, "pooler_activation": "relu"},
    "electra": {"embedding_dim": 6, "pooler_activation": "gelu"},
    "albert": {"embedding_dim": 6, "shared_layers": True},
}
SCORINGS = {
    1: Scoring("sigmoid", temperature=2.0, bias=0.5, threshold=0.7),
    3: Scoring("softmax", temperature=0.5),
}


def cross_encoder(name, num_classes=1):
    options = {"num_layers": 2, **ENCODERS[name]}
    preprocessor = tiny_preprocessor(segments=options.get("num_segments") != 0)
    model = spread_model(
        tiny_encoder(**options),
        preprocessor,
        num_classes=num_classes,
        pooling="pooler",
    )
    model.scoring = SCORINGS[num_classes]
    return model


def bi_encoder(**options):
    preprocessor = BiEncoderPreprocessor.from_texts(
        TEXTS, sequence_length=16, query_prompt="取消", passage_prompt="还款"
    )
    encoder = tiny_encoder(num_layers=2, pooler=False)
    model = BiEncoder(encoder, preprocessor, **options)
    if model.projection_dim is not None:
        randomise(model.get_layer("projection"))
    return model


def config_of(folder):
    return json.loads((folder / "config.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("num_classes", [1, 3])
@pytest.mark.parametrize("name", ENCODERS)
def test_a_classifier_gives_the_same_scores_back(tmp_path, name, num_classes):
    model = cross_encoder(name, num_classes)
    export_transformers(model, tmp_path)
    assert config_of(tmp_path)["model_type"] == name.split()[0]
    again = CrossEncoder.from_preset(tmp_path)
    assert again.load_report.initialised == ()
    assert again.preprocessor.sequence_length == 16
    assert again.preprocessor.tokenizer.pad_id == (
        model.preprocessor.tokenizer.pad_id
    )
    expected = model.score(PAIRS)
    assert expected.std() > 0.05
    np.testing.assert_allclose(again.score(PAIRS), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("similarity", ["cosine", "dot"])
@pytest.mark.parametrize(
    "options",
    [
        {"pooling": "cls", "normalize": False},
        {"pooling": "mean"},
        {"pooling": "max", "projection_dim": 3},
        {
            "pooling": "weighted_mean",
            "projection_dim": 5,
            "projection_activation": "tanh",
        },
        {"pooling": "mean_sqrt", "normalize": False},
        {"pooling": "last"},
    ],
)
def test_an_encoder_of_texts_gives_the_same_vectors_back(
    tmp_path, options, similarity
):
    model = bi_encoder(similarity=similarity, **options)
    export_transformers(model, tmp_path)
    again = BiEncoder.from_preset(tmp_path)
    assert again.get_config()["similarity"] == similarity
    assert again.pooling == options["pooling"]
    assert again.load_report.initialised == ()
    for side in ("query", "passage"):
        np.testing.assert_allclose(
            again.encode(TEXTS, side=side),
            model.encode(TEXTS, side=side),
            rtol=0,
            atol=1e-5,
        )


def test_a_second_export_replaces_the_first(tmp_path):
    model = bi_encoder(projection_dim=3)
    export_transformers(bi_encoder(pooling="max", normalize=False), tmp_path)
    export_transformers(model, tmp_path)
    again = BiEncoder.from_preset(tmp_path)
    assert again.pooling == "mean" and again.normalize
    np.testing.assert_allclose(
        again.encode(TEXTS), model.encode(TEXTS), rtol=0, atol=1e-5
    )


def test_a_folder_that_would_be_read_as_another_model_is_refused(tmp_path):
    bi, cross = bi_encoder(), cross_encoder("bert")
    export_transformers(bi, tmp_path / "bi")
    with pytest.raises(ValueError, match="bi has a modules.json, by which"):
        export_transformers(cross, tmp_path / "bi")
    assert BiEncoder.from_preset(tmp_path / "bi").pooling == "mean"
    for model in (bi, cross):
        model.save_to_preset(tmp_path / "own")
        with pytest.raises(ValueError, match="has a semmatch_preset.json"):
            export_transformers(model, tmp_path / "own")
    export_transformers(cross, tmp_path / "cross first")
    # A classifier's files are all replaced.
    export_transformers(bi, tmp_path / "cross first")
    BiEncoder.from_preset(tmp_path / "cross first")


def test_lora_and_the_normalizer_are_in_what_is_written(tmp_path):
    model = cross_encoder("bert")
    set_trainable(model, "lora:2")
    layer = model.backbone.get_layer("block_0").query
    layer.lora_kernel_b.assign(np.ones((2, 8)))
    preprocessor = model.preprocessor
    model.preprocessor = type(preprocessor)(
        preprocessor.tokenizer.with_normalizer(TextNormalizer()), 16
    )
    export_transformers(model, tmp_path)
    again = CrossEncoder.from_preset(tmp_path)
    pairs = [*PAIRS, ("ＡＰＰ取消", "“还款”")]
    np.testing.assert_allclose(
        again.score(pairs), model.score(pairs), rtol=0, atol=1e-6
    )


@pytest.mark.parametrize(
    ("encoder", "head", "message"),
    [
        ({}, {"pooling": "mean"}, "stand on BERT's pooler alone.*'mean'"),
        (
            {},
            {"pooling": "pooler", "hidden_dim": 4},
            "stand on BERT's pooler alone.*hidden_dim=4",
        ),
        (
            {"pooler_activation": "relu"},
            {"pooling": "pooler"},
            "DistilBERT is nearest, and differs in num_segments=2",
        ),
        (
            {"shared_layers": True},
            {"pooling": "pooler"},
            "ALBERT is nearest, and differs in embedding_dim=None",
        ),
        (
            {"embedding_dim": 6},
            {"pooling": "pooler"},
            "ELECTRA is nearest, and differs in pooler_activation='tanh'",
        ),
    ],
)
def test_what_has_no_like_there_is_refused_and_nothing_written(
    tmp_path, encoder, head, message
):
    model = CrossEncoder(tiny_encoder(**encoder), tiny_preprocessor(), **head)
    with pytest.raises(ValueError, match=message):
        export_transformers(model, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_bi_encoder_on_the_pooler_is_refused(tmp_path):
    preprocessor = BiEncoderPreprocessor.from_texts(TEXTS, sequence_length=16)
    model = BiEncoder(tiny_encoder(), preprocessor, pooling="pooler")
    with pytest.raises(ValueError, match="pools by .*pooling='pooler'"):
        export_transformers(model, tmp_path)
    odd = bi_encoder(projection_dim=3, projection_activation="softsign")
    with pytest.raises(ValueError, match="projection_activation='softsign'"):
        export_transformers(odd, tmp_path)


@pytest.mark.parametrize(
    "changes", [{"symmetric": True}, {"long": "max"}, "only_second"]
)
def test_what_is_lost_is_said(tmp_path, changes):
    if changes == "only_second":
        model = spread_model(None, tiny_preprocessor(truncation=changes))
        expected = "truncation='only_second'"
    else:
        model = spread_model()
        model.scoring = model.scoring.replace(**changes)
        name, value = next(iter(changes.items()))
        expected = f"{name}={value!r}"
    with pytest.warns(UserWarning, match=f"order given.*{expected}"):
        export_transformers(model, tmp_path)


def test_other_things_are_refused(tmp_path):
    with pytest.raises(TypeError, match="or a `BiEncoder`. Received: a Text"):
        export_transformers(tiny_encoder(), tmp_path)
    with pytest.raises(ValueError, match="has no preprocessor"):
        export_transformers(
            CrossEncoder(TextEncoder(50, 1, 2, 8, 16)), tmp_path
        )


CLASSIFY = """
import json, sys
import torch, transformers
from sentence_transformers import CrossEncoder
folder = sys.argv[1]
pairs = json.load(sys.stdin)
scores = CrossEncoder(folder, device="cpu").predict(pairs).tolist()
tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
kind = transformers.AutoModelForSequenceClassification
inputs = tokenizer(
    *map(list, zip(*pairs)), padding=True, truncation=True, return_tensors="pt"
)
with torch.inference_mode():
    logits = kind.from_pretrained(folder).eval()(**inputs).logits[:, 0]
print(json.dumps([scores, torch.sigmoid(logits).tolist()]))
"""
ENCODE = """
import json, sys
from sentence_transformers import SentenceTransformer
model = SentenceTransformer(sys.argv[1], device="cpu")
texts = json.load(sys.stdin)
print(json.dumps([
    model.encode_query(texts).tolist(),
    model.encode_document(texts).tolist(),
    model.similarity_fn_name,
    model.max_seq_length,
]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ENCODERS)
def test_transformers_and_sentence_transformers_load_a_classifier(
    tmp_path, peer, name
):
    model = cross_encoder(name)
    export_transformers(model, tmp_path)
    expected = model.score(PAIRS)
    for scores in peer(CLASSIFY, tmp_path, PAIRS):
        np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"pooling": "mean"},
        {"pooling": "cls", "normalize": False, "similarity": "dot"},
        {"pooling": "last", "projection_dim": 3},
    ],
)
def test_sentence_transformers_loads_an_encoder_of_texts(
    tmp_path, peer, options
):
    model = bi_encoder(**options)
    export_transformers(model, tmp_path)
    *vectors, similarity, length = peer(ENCODE, tmp_path, TEXTS)
    for side, theirs in zip(("query", "passage"), vectors, strict=True):
        ours = model.encode(TEXTS, side=side)
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)
    assert (similarity, length) == (model.similarity_name, 16)
