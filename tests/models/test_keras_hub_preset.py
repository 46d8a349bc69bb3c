"""Presets of KerasHub give what they give there."""

from pathlib import Path

import keras
import keras_hub
import numpy as np
import pytest

from semmatch import BiEncoder
from semmatch import CrossEncoder
from semmatch.models import keras_hub_preset
from tests.checks import randomise
from tests.checks import tensorflow_only
from tests.checks import TEXTS
from tests.checks import to_numpy

# Their tokenizers stand on tensorflow-text.
pytestmark = tensorflow_only

TOKENIZERS = Path(__file__).resolve().parents[1] / "fixtures/tokenizers"
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PIECES += [*dict.fromkeys("怎么取消借款如何还"), "hello", "world", "World"]
SIZES = {
    "num_layers": 1,
    "num_heads": 2,
    "hidden_dim": 8,
    "intermediate_dim": 12,
    "max_sequence_length": 24,
}


def bert(lowercase=True):
    tokenizer = keras_hub.models.BertTokenizer(PIECES, lowercase=lowercase)
    return keras_hub.models.BertBackbone, tokenizer


def roberta():
    tokenizer = keras_hub.models.RobertaTokenizer(
        vocabulary=str(TOKENIZERS / "roberta/vocab.json"),
        merges=str(TOKENIZERS / "roberta/merges.txt"),
    )
    return keras_hub.models.RobertaBackbone, tokenizer


def xlm_roberta():
    path = TOKENIZERS / "xlm_roberta/sentencepiece.bpe.model"
    tokenizer = keras_hub.models.XLMRobertaTokenizer(path.read_bytes())
    return keras_hub.models.XLMRobertaBackbone, tokenizer


def save(folder, kind, tokenizer):
    backbone = kind(vocabulary_size=tokenizer.vocabulary_size(), **SIZES)
    randomise(backbone)
    backbone.save_to_preset(str(folder))
    tokenizer.save_to_preset(str(folder))
    return backbone


@pytest.mark.filterwarnings("ignore:.*logit starts at random")
# KerasHub does not close the file of a SentencePiece model.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("make", [bert, roberta, xlm_roberta])
def test_a_folder_gives_its_tokens_and_its_outputs(tmp_path, make):
    kind, tokenizer = make()
    backbone = save(tmp_path, kind, tokenizer)
    assert keras_hub_preset.matches(tmp_path)
    model = CrossEncoder.from_preset(tmp_path)
    assert model.load_report.initialised == ("head",)
    assert model.preprocessor.sequence_length == 24
    ours = model.preprocessor.tokenizer.tokenize(list(TEXTS))
    theirs = [np.asarray(tokenizer(text)).tolist() for text in TEXTS]
    assert ours == theirs
    features = model.preprocessor.pack(list(TEXTS), list(TEXTS[::-1]))
    expected, found = backbone(features), model.backbone(features)
    if isinstance(expected, dict):
        expected = expected["sequence_output"]
        found = found["sequence_output"]
    np.testing.assert_array_equal(to_numpy(found), to_numpy(expected))


@pytest.mark.parametrize("lowercase", [True, False])
def test_the_case_of_letters_is_as_there(tmp_path, lowercase):
    save(tmp_path, *bert(lowercase))
    model = BiEncoder.from_preset(tmp_path, pooling="cls", normalize=False)
    piece = "world" if lowercase else "World"
    expected = [[PIECES.index(piece)]]
    assert model.preprocessor.tokenizer.tokenize(["World"]) == expected
    assert model.encode("World").shape == (8,)


def test_a_model_on_it_is_saved_and_read_as_our_own(tmp_path):
    save(tmp_path / "hub", *bert())
    model = CrossEncoder.from_preset(tmp_path / "hub", num_classes=2)
    model.save_to_preset(tmp_path / "own")
    again = CrossEncoder.from_preset(tmp_path / "own")
    pairs = list(zip(TEXTS, TEXTS[::-1], strict=True))
    np.testing.assert_allclose(
        again.score(pairs), model.score(pairs), rtol=0, atol=1e-6
    )


def test_layers_are_not_cut(tmp_path):
    save(tmp_path, *bert())
    with pytest.raises(ValueError, match="those of KerasHub are taken whole"):
        CrossEncoder.from_preset(tmp_path, num_layers=1)


def test_the_precision_is_that_asked_for(tmp_path):
    save(tmp_path, *bert())
    model = CrossEncoder.from_preset(
        tmp_path, num_classes=1, dtype="mixed_bfloat16"
    )
    assert model.backbone.dtype_policy.name == "mixed_bfloat16"


def test_a_preset_of_images_is_refused(tmp_path, monkeypatch):
    image = keras.Input((8, 8, 3))
    backbone = keras_hub.models.Backbone(
        inputs=image, outputs=keras.layers.Conv2D(1, 1)(image)
    )
    monkeypatch.setattr(
        keras_hub.models.Backbone, "from_preset", lambda *_, **__: backbone
    )
    with pytest.raises(ValueError, match="preset of a text encoder"):
        CrossEncoder.from_preset("kaggle://keras/resnet/keras/any")


@pytest.mark.parametrize(
    ("handle", "known"),
    [
        ("bert_base_zh", True),
        ("hf://hfl/rbt3", True),
        ("no_such_preset", False),
    ],
)
def test_handles_are_known_by_their_names(handle, known):
    assert keras_hub_preset.matches(handle) == known


def test_an_unknown_handle_is_no_folder():
    with pytest.raises(FileNotFoundError, match="none at no_such_preset"):
        CrossEncoder.from_preset("no_such_preset")
