"""Which of a folder's files are read."""

import json
import shutil
from pathlib import Path

import pytest

from semmatch.tokenizers import Tokenizer

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
FOLDERS = {
    "bert": FIXTURES / "bert_tiny",
    "roberta": FIXTURES / "tokenizers" / "roberta",
    "xlm_roberta": FIXTURES / "tokenizers" / "xlm_roberta",
    "albert": FIXTURES / "tokenizers" / "albert",
}
FILES = {
    "bert": ("vocab.txt",),
    "roberta": ("vocab.json", "merges.txt"),
    "xlm_roberta": ("sentencepiece.bpe.model",),
    "albert": ("spiece.model",),
}


def fill(folder, names, tokenizer_class=None):
    for name in names:
        for file in FILES[name]:
            shutil.copy(FOLDERS[name] / file, folder)
    if tokenizer_class:
        config = json.dumps({"tokenizer_class": tokenizer_class})
        path = folder / "tokenizer_config.json"
        path.write_text(config, encoding="utf-8")
    return folder


def same(folder, name):
    alone = Tokenizer.from_folder(FOLDERS[name])
    return Tokenizer.from_folder(folder) == alone


@pytest.mark.parametrize("first", range(4))
def test_the_first_of_several_counts(tmp_path, first):
    names = list(FILES)[first:]
    assert same(fill(tmp_path, names), names[0])


@pytest.mark.parametrize("name", FILES)
def test_tokenizer_json_comes_before_all(tmp_path, name):
    Tokenizer.from_folder(fill(tmp_path, [name])).save(tmp_path)
    other = "albert" if name == "bert" else "bert"
    assert same(fill(tmp_path, [other]), name)


@pytest.mark.parametrize(
    "tokenizer_class, name",
    [
        ("RobertaTokenizer", "roberta"),
        ("RobertaTokenizerFast", "roberta"),
        ("LongformerTokenizer", "roberta"),
        ("XLMRobertaTokenizer", "xlm_roberta"),
        ("AlbertTokenizerFast", "albert"),
        ("BertTokenizer", "bert"),
        ("ElectraTokenizer", "bert"),
    ],
)
def test_the_class_decides_between_files(tmp_path, tokenizer_class, name):
    assert same(fill(tmp_path, FILES, tokenizer_class), name)


@pytest.mark.parametrize(
    "name, tokenizer_class",
    [
        ("xlm_roberta", "CamembertTokenizer"),
        ("albert", "XLNetTokenizer"),
        ("albert", "T5TokenizerFast"),
        ("roberta", "CLIPTokenizer"),
    ],
)
def test_files_of_other_classes_are_refused(tmp_path, name, tokenizer_class):
    message = (
        f"tokenizer_config.json names the class {tokenizer_class}, which reads "
        f"{' and '.join(FILES[name])} in a way .*Save a tokenizer.json"
    )
    with pytest.raises(ValueError, match=message):
        Tokenizer.from_folder(fill(tmp_path, [name], tokenizer_class))


@pytest.mark.parametrize("lonely", ["vocab.json", "merges.txt"])
def test_one_file_of_two_is_not_enough(tmp_path, lonely):
    shutil.copy(FOLDERS["roberta"] / lonely, tmp_path)
    message = f"vocab.json with merges.txt, .*a folder with: {lonely}"
    with pytest.raises(FileNotFoundError, match=message):
        Tokenizer.from_folder(tmp_path)
