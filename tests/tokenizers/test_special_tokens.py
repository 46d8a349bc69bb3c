"""Special and added tokens of folders, as transformers reads them.

`test_folders.py` compares the ids of whole folders.
"""

import json

import pytest

from semmatch.tokenizers import Tokenizer
from semmatch.tokenizers.special_tokens import read_config

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "##b"]
SIZE = len(PIECES)


def write(folder, **files):
    (folder / "vocab.txt").write_text("\n".join(PIECES), encoding="utf-8")
    for name, content in files.items():
        path = folder / f"{name}.json"
        path.write_text(json.dumps(content), encoding="utf-8")
    return folder


def read(folder, **files):
    return Tokenizer.from_folder(write(folder, **files))


def test_the_map_of_special_tokens_comes_before_the_configuration(tmp_path):
    tokenizer = read(
        tmp_path,
        tokenizer_config={"pad_token": "a", "cls_token": "a"},
        special_tokens_map={"pad_token": {"content": "b"}},
    )
    assert tokenizer.pad_token == "b"
    assert tokenizer.single[0].tokens == ("a",)


def test_added_tokens_in_the_configuration_stand_for_both_files(tmp_path):
    tokenizer = read(
        tmp_path,
        tokenizer_config={
            "added_tokens_decoder": {str(SIZE): {"content": "<x>"}}
        },
        special_tokens_map={"pad_token": "b"},
        added_tokens={"<y>": SIZE},
    )
    assert tokenizer.pad_token == "[PAD]"
    assert tokenizer.tokenize(["<x>"]) == [[SIZE]]
    assert tokenizer.tokenize(["<y>"]) == [[1, 1, 1]]


def test_a_tokenizer_file_has_its_own_tokens_but_the_pad_token(tmp_path):
    read(tmp_path).save(tmp_path)
    tokenizer = read(
        tmp_path,
        tokenizer_config={"do_lower_case": False, "cls_token": "a"},
        special_tokens_map={"pad_token": "b"},
        added_tokens={"<x>": SIZE},
    )
    assert tokenizer.pad_token == "b"
    assert tokenizer.single[0].tokens == ("[CLS]",)
    assert tokenizer.tokenize(["A<x>"]) == [[5, 1, 1, 1]]


@pytest.mark.parametrize(
    "flags, text, expected",
    [
        ({}, "a <x> b", [5, SIZE, 6]),
        ({"single_word": True}, "a<x>b", [5, 1, 1, 1, 6]),
        ({"single_word": True}, "a <x> b", [5, SIZE, 6]),
        ({"normalized": True}, "<X>", [SIZE]),
        ({"normalized": False}, "<X>", [1, 1, 1]),
        ({"special": False}, "<X>", [SIZE]),
        ({"special": True}, "<X>", [1, 1, 1]),
    ],
)
def test_flags_of_added_tokens_count(tmp_path, flags, text, expected):
    added = {str(SIZE): {"content": "<x>", "special": False} | flags}
    tokenizer = read(tmp_path, tokenizer_config={"added_tokens_decoder": added})
    assert tokenizer.tokenize([text]) == [expected]


@pytest.mark.parametrize("kind", ["list", "table"])
@pytest.mark.parametrize(
    "name", ["additional_special_tokens", "extra_special_tokens"]
)
def test_special_tokens_without_a_name_get_the_next_ids(tmp_path, name, kind):
    more = ["<x>", {"content": "<y>"}, "b"]
    more = more if kind == "list" else dict(zip("xyz", more, strict=True))
    tokenizer = read(tmp_path, tokenizer_config={name: more})
    # Such as are pieces keep their ids, and are whole.
    assert tokenizer.tokenize(["a<y>ab<x>"]) == [[5, SIZE + 1, 5, 6, SIZE]]


def test_ends_of_sentences_are_special_where_they_are_named(tmp_path):
    tokenizer = read(tmp_path, tokenizer_config={"bos_token": "<x>"})
    assert tokenizer.tokenize(["a<x>"]) == [[5, SIZE]]


def test_a_special_token_may_be_an_added_one(tmp_path):
    tokenizer = read(
        tmp_path,
        tokenizer_config={"mask_token": "<x>"},
        added_tokens={"<x>": SIZE},
    )
    assert tokenizer.tokenize(["a<x>"]) == [[5, SIZE]]
    with pytest.raises(ValueError, match="lacks the special pieces <x>"):
        # WordPiece asks the vocabulary itself for what it does not know.
        read(
            tmp_path,
            tokenizer_config={"unk_token": "<x>"},
            added_tokens={"<x>": SIZE},
        )


@pytest.mark.parametrize("token, index", [("<x>", SIZE + 1), ("a", 6)])
def test_an_added_token_with_another_id_is_refused(tmp_path, token, index):
    received = SIZE if token == "<x>" else 5
    message = (
        f"The added token '{token}' must have the id {index}. Received: "
        f"{received} after the pieces of .*vocab.txt"
    )
    with pytest.raises(ValueError, match=message):
        read(tmp_path, added_tokens={token: index})


@pytest.mark.parametrize(
    "files",
    [
        {"added_tokens": {"<x>": "eight"}},
        {"added_tokens": {"<x>": -1}},
        {"added_tokens": {"<x>": None}},
        {"tokenizer_config": {"added_tokens_decoder": {"x": {"content": "a"}}}},
        {"tokenizer_config": {"added_tokens_decoder": {"8": {"id": "a"}}}},
        {"tokenizer_config": {"added_tokens_decoder": {"8": "a"}}},
    ],
)
def test_added_tokens_without_an_id_are_refused(tmp_path, files):
    (name,) = files
    with pytest.raises(ValueError, match=f"{name}.json must give each added"):
        read(tmp_path, **files)


def test_an_added_token_is_looked_for_before_or_after_normalisation(tmp_path):
    tokenizer = read(
        tmp_path,
        special_tokens_map={"additional_special_tokens": ["<y>"]},
        # The ids count, not the order.
        added_tokens={"<y>": SIZE + 1, "<x>": SIZE},
    )
    assert tokenizer.tokenize(["<X>", "<x>", "<Y>", "<y>"]) == [
        [SIZE],
        [SIZE],
        [1, 1, 1],
        [SIZE + 1],
    ]


@pytest.mark.parametrize(
    "name", ["tokenizer_config", "special_tokens_map", "added_tokens"]
)
def test_a_file_that_is_no_object_is_named(tmp_path, name):
    with pytest.raises(ValueError, match=f"{name}.json must hold a JSON obj"):
        read(tmp_path, **{name: []})


def test_a_folder_without_settings_has_none(tmp_path):
    assert not any(read_config(tmp_path).values())
