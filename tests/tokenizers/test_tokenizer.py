"""One tokenizer, whatever file it comes from."""

import itertools
import json
import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest
import tokenizers
from tokenizers import models
from tokenizers import pre_tokenizers

from semmatch.tokenizers import Packer
from semmatch.tokenizers import Tokenizer
from tests.fixtures.fuzz import fuzzed_pairs

VOCABULARY = {"[CLS]": 0, "[SEP]": 1, "[UNK]": 2, "[PAD]": 3, "a": 4, "b": 9}
TEXTS = list(itertools.chain.from_iterable(fuzzed_pairs(500, seed=2)))


def rust(**extra):
    tokenizer = tokenizers.Tokenizer(
        models.WordLevel(VOCABULARY | extra, "[UNK]")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return tokenizer


def write(folder, tokenizer, config=None):
    tokenizer.save(str(folder / "tokenizer.json"))
    if config is not None:
        path = folder / "tokenizer_config.json"
        path.write_text(json.dumps(config), encoding="utf-8")


def test_truncation_and_padding_of_the_file_are_switched_off():
    file = rust()
    file.enable_truncation(2)
    file.enable_padding(length=16, pad_token="[PAD]", pad_id=3)
    assert len(file.encode("a b a b")) == 16  # they did something
    tokenizer = Tokenizer(file.to_str())
    assert tokenizer.tokenize(["a b a b", "a"]) == [[4, 9, 4, 9], [4]]


def test_no_special_token_is_added():
    tokenizer = Tokenizer.train(["a b"])
    assert tokenizer.tokenize([""]) == [[]]
    assert len(tokenizer.tokenize(["a"])[0]) == 1


def test_no_texts_give_no_ids():
    assert Tokenizer(rust().to_str()).tokenize([]) == []


def test_the_vocabulary_size_is_the_largest_id_and_one():
    assert Tokenizer(rust().to_str()).vocabulary_size == 10
    more = rust()
    more.add_tokens(["added"])
    largest = more.token_to_id("added")
    assert Tokenizer(more.to_str()).vocabulary_size == max(largest, 9) + 1


@pytest.mark.parametrize(
    "argument, in_padding, expected",
    [
        (None, None, "[PAD]"),
        (None, "a", "a"),
        ("b", None, "b"),
        ("b", "a", "b"),
    ],
)
def test_the_pad_token_is_the_arguments_or_the_files(
    argument, in_padding, expected
):
    file = rust()
    if in_padding:
        file.enable_padding(pad_token=in_padding)
    tokenizer = Tokenizer(file.to_str(), pad_token=argument)
    assert tokenizer.pad_token == expected
    assert tokenizer.pad_id == VOCABULARY[expected]


def test_the_pad_token_of_robertas_is_found():
    assert Tokenizer(rust(**{"<pad>": 5}).to_str()).pad_id == 5


@pytest.mark.parametrize("form", ["b", {"content": "b", "lstrip": False}])
def test_the_folders_configuration_names_the_pad_token(tmp_path, form):
    write(tmp_path, rust(), {"pad_token": form})
    assert Tokenizer.from_folder(tmp_path).pad_id == VOCABULARY["b"]


@pytest.mark.parametrize("config", [None, {}, {"pad_token": None}])
def test_a_folder_need_not_name_it(tmp_path, config):
    write(tmp_path, rust(), config)
    assert Tokenizer.from_folder(tmp_path).pad_id == VOCABULARY["[PAD]"]


def test_a_pad_token_that_is_none_of_its_tokens_is_refused():
    with pytest.raises(ValueError, match="no pad token: looked for <fill>"):
        Tokenizer(rust().to_str(), pad_token="<fill>")


def test_a_tokenizer_without_pad_token_is_refused():
    file = tokenizers.Tokenizer(models.WordLevel({"a": 0, "[UNK]": 1}, "[UNK]"))
    message = r"looked for <pad> and \[PAD\]. Name one .* `pad_token`"
    with pytest.raises(ValueError, match=message):
        Tokenizer(file.to_str())


@pytest.mark.parametrize("text", ["", "{}", '{"version": "1.0"}', "怎么"])
def test_what_is_no_tokenizer_file_is_refused(text):
    message = "content of a Hugging Face tokenizer.json.*could not read it: "
    with pytest.raises(ValueError, match=message):
        Tokenizer(text)


@pytest.mark.parametrize("text", [None, 3, 2.5, b"a", float("nan"), ["a"]])
def test_what_is_no_string_is_refused_with_its_position(text):
    tokenizer = Tokenizer(rust().to_str())
    message = f"text 1 to be a string.*of type {type(text).__name__}"
    with pytest.raises(TypeError, match=message) as error:
        tokenizer.tokenize(["a", text])
    assert repr(text) in str(error.value)


@pytest.mark.parametrize("text", ["\ud800", "好\udc9f", "\ude00\ud83d"])
def test_a_lone_surrogate_is_refused_with_its_position(text):
    index = next(i for i, c in enumerate(text) if 0xD800 <= ord(c) < 0xE000)
    message = f"text 2 to be valid Unicode.*surrogate.*at index {index} of"
    with pytest.raises(ValueError, match=message):
        Tokenizer(rust().to_str()).tokenize(["a", "b", text])


def test_the_tokenizer_file_comes_before_the_vocabulary(tmp_path):
    write(tmp_path, rust())
    (tmp_path / "vocab.txt").write_text("nothing of use", encoding="utf-8")
    assert Tokenizer.from_folder(tmp_path).tokenize(["b"]) == [[9]]


@pytest.mark.parametrize("names", [[], ["config.json", "model.safetensors"]])
def test_a_folder_without_tokenizer_lists_what_is_there(tmp_path, names):
    for name in names:
        (tmp_path / name).touch()
    message = (
        "Expected tokenizer.json, vocab.txt, vocab.json with merges.txt, "
        "sentencepiece.bpe.model or spiece.model in .*"
        f"Received a folder with: {', '.join(names) or 'nothing'}"
    )
    with pytest.raises(FileNotFoundError, match=message):
        Tokenizer.from_folder(tmp_path)


def test_a_broken_configuration_is_named(tmp_path):
    write(tmp_path, rust())
    (tmp_path / "tokenizer_config.json").write_text("{", encoding="utf-8")
    with pytest.raises(
        ValueError, match="tokenizer_config.json is not readable as JSON"
    ):
        Tokenizer.from_folder(tmp_path)


def trained():
    return Tokenizer.train(TEXTS, 2000)


def with_other_pad_token():
    return Tokenizer(rust().to_str(), pad_token="b")


@pytest.mark.parametrize("make", [trained, with_other_pad_token])
@pytest.mark.parametrize("way", ["folder", "json", "pickle"])
def test_a_saved_tokenizer_is_the_same(tmp_path, make, way):
    tokenizer = make()
    if way == "folder":
        tokenizer.save(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["tokenizer.json"]
        again = Tokenizer.from_folder(tmp_path)
    elif way == "json":
        again = Tokenizer(tokenizer.to_json())
    else:
        again = pickle.loads(pickle.dumps(tokenizer))  # noqa: S301 (our own)
    assert again.tokenize(TEXTS) == tokenizer.tokenize(TEXTS)
    for name in ("pad_token", "pad_id", "vocabulary_size", "single", "pair"):
        assert getattr(again, name) == getattr(tokenizer, name)
    assert again == tokenizer
    assert hash(again) == hash(tokenizer)


def test_saving_replaces_the_file(tmp_path):
    Tokenizer(rust().to_str()).save(tmp_path)
    tokenizer = trained()
    tokenizer.save(tmp_path)
    assert Tokenizer.from_folder(tmp_path) == tokenizer


def test_another_tokenizer_is_not_equal():
    tokenizer = Tokenizer(rust().to_str())
    assert tokenizer != Tokenizer(rust(c=5).to_str())
    assert tokenizer != with_other_pad_token()
    assert tokenizer != tokenizer.to_json()


def test_eight_threads_get_the_ids_of_one():
    # Different lengths and packings at once: per-call state on the shared
    # object would show as another thread's, or as "Already borrowed".
    tokenizer = trained()
    packers = [
        Packer(tokenizer, length, truncation=truncation)
        for length in (8, 24)
        for truncation in ("longest_first", "only_second")
    ]
    first, second = TEXTS[::2], TEXTS[1::2]
    work = [
        (packer, slice(start, start + 25))
        for start in range(0, len(first), 25)
        for packer in packers
    ]

    def pack(task):
        packer, rows = task
        return packer.pack(first[rows], second[rows])["token_ids"].tolist()

    expected = [pack(task) for task in work]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(pack, work * 3)) == expected * 3
