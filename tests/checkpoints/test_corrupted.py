"""A folder that is damaged is refused by the name of the file and the part."""

import json
import pickle
import shutil

import numpy as np
import pytest
from safetensors.numpy import load_file
from safetensors.numpy import save_file

from semmatch import BiEncoder
from semmatch import CrossEncoder
from tests.checkpoints.test_google_bert import write as write_google
from tests.checkpoints.test_sentence_transformers import change
from tests.checkpoints.test_sentence_transformers import whole
from tests.checkpoints.tiny import CLASSIFIER
from tests.checkpoints.tiny import FIXTURES
from tests.checkpoints.tiny import PLAIN

SHARD = "model-00002-of-00003.safetensors"
INDEX = "model.safetensors.index.json"
TENSOR = "bert.encoder.layer.1.attention.self.key.weight"


class Code:
    """What a pickle of bad will asks for."""

    def __reduce__(self):
        return exec, ("raise SystemExit('it ran')",)


def shard_of(folder, tensor):
    index = json.loads((folder / INDEX).read_text())
    return folder / index["weight_map"][tensor]


def cut(name, share=0.5):
    def damage(folder):
        path = folder / name
        content = path.read_bytes()
        path.write_bytes(content[: int(share * len(content))])

    return damage


def remove(name):
    return lambda folder: (folder / name).unlink()


def settings(name, **changes):
    return lambda folder: change(folder / name, **changes)


def text(name, edit):
    def damage(folder):
        path = folder / name
        path.write_text(edit(path.read_text(encoding="utf-8")), "utf-8")

    return damage


def tensors(edit):
    """Changes the tensors of the file that holds `TENSOR`."""

    def damage(folder):
        path = shard_of(folder, TENSOR)
        arrays = edit({name: a.copy() for name, a in load_file(path).items()})
        save_file(arrays, path)

    return damage


def not_a_number(arrays):
    arrays[TENSOR][0, 0] = np.nan
    return arrays


def unlisted(folder):
    """The tensor is neither in the index nor read."""
    index = json.loads((folder / INDEX).read_text())
    del index["weight_map"][TENSOR]
    (folder / INDEX).write_text(json.dumps(index))


def pytorch(content):
    def damage(folder):
        (folder / "model.safetensors").unlink()
        (folder / "pytorch_model.bin").write_bytes(content)

    return damage


OLD_BIN = (FIXTURES / "pytorch/bert_tiny.bin").read_bytes()

CLASSIFIERS = {
    "configuration cut short": (
        cut("config.json"),
        "config.json is not readable as JSON",
    ),
    "a key is missing": (
        text("config.json", lambda s: s.replace("hidden_size", "hidden")),
        "config.json lacks hidden_size",
    ),
    "another model_type": (
        settings("config.json", model_type="t5"),
        "model_type 't5', which is not known. Known are albert, bert, ",
    ),
    "another width": (
        settings("config.json", hidden_size=24, num_attention_heads=3),
        r"safetensors: the tensor bert.embeddings.word.*\(\d+, 24\) by config",
    ),
    "another vocabulary": (
        settings("config.json", vocab_size=11),
        r"the tensor bert.embeddings.word_embeddings.weight .*\(11, 16\)",
    ),
    "another activation": (
        settings("config.json", hidden_act="mish"),
        "config.json: hidden_act must be one of .*'mish'",
    ),
    "a shard is missing": (
        remove(SHARD),
        f"index.json lists {SHARD}, which is not there",
    ),
    "a shard is cut short": (cut(SHARD), f"{SHARD} .* is truncated or no"),
    "the index is cut short": (cut(INDEX), f"{INDEX} is not readable as JSON"),
    "the index has no map": (
        text(INDEX, lambda s: s.replace("weight_map", "weights")),
        f"{INDEX} must have a `weight_map`",
    ),
    "the index names what its file lacks": (
        tensors(lambda a: {n: x for n, x in a.items() if n != TENSOR}),
        f"safetensors lacks the tensor {TENSOR}, which the index",
    ),
    "a tensor is nowhere": (unlisted, f"lacks 1 tensors .* being {TENSOR}"),
    "a tensor is no number": (
        tensors(not_a_number),
        f"safetensors: the tensor {TENSOR} holds values that are not finite",
    ),
    "a tensor is of another shape": (
        tensors(lambda a: a | {TENSOR: a[TENSOR][:, :8].copy()}),
        rf"safetensors: the tensor {TENSOR} must .*Received: \(16, 8\)",
    ),
    "no vocabulary": (
        remove("vocab.txt"),
        "Expected tokenizer.json, vocab.txt, .*Received a folder with: config",
    ),
    "a larger vocabulary": (
        text("vocab.txt", lambda s: s + "天\n地\n山\n水\n"),
        r"`vocabulary_size` of \d+. Received a tokenizer of \d+ ids",
    ),
    "no special token": (
        text("vocab.txt", lambda s: s.replace("[SEP]", "sep")),
        r"vocab.txt lacks the special pieces \[SEP\]",
    ),
    "a piece stands twice": (
        text("vocab.txt", lambda s: s + "[PAD]\n"),
        r"vocab.txt, line \d+: the piece '\[PAD\]' stands in line 1",
    ),
    "a tokenizer that is none": (
        lambda folder: (folder / "tokenizer.json").write_text("{}"),
        "folder: Expected the content of a Hugging Face tokenizer.json",
    ),
}
PLAIN_FOLDERS = {
    "code in a pickle": (
        pytorch(pickle.dumps({"weight": Code()})),
        "pytorch_model.bin is refused: it asks for builtins.exec",
    ),
    "a pickle cut short": (
        pytorch(OLD_BIN[:3000]),
        r"pytorch_model.bin \(3,000 bytes\) is truncated or no PyTorch file",
    ),
    "no tensors": (
        remove("model.safetensors"),
        "Expected model.safetensors, .*Received a folder with: config.json",
    ),
}
TEXT_ENCODERS = {
    "no pooling's settings": (remove("1_Pooling/config.json"), "1_Pooling"),
    "the list of modules is cut short": (
        cut("modules.json"),
        "modules.json is not readable as JSON",
    ),
    "the list of modules is none": (
        lambda folder: (folder / "modules.json").write_text("{}"),
        "modules.json must hold a JSON array. Received: a dict",
    ),
    "a dense layer is cut short": (
        cut("2_Dense/model.safetensors"),
        "2_Dense.model.safetensors .* is truncated",
    ),
    "a dense layer of another shape": (
        settings("2_Dense/config.json", in_features=12),
        r"linear.weight must have the shape \(7, 12\)",
    ),
}
GOOGLE = {
    "no data": (
        lambda folder: next(folder.glob("*.data-*")).unlink(),
        "model.ckpt.index has no data beside it: model.ckpt.data",
    ),
    "the data is cut short": (
        lambda folder: cut(next(folder.glob("*.data-*")).name)(folder),
        "model.ckpt, the tensor bert/.* is truncated",
    ),
    "another width": (
        settings("bert_config.json", hidden_size=16),
        r"model.ckpt: the tensor bert/embeddings.*\(9, 16\)",
    ),
}


def assert_refused(kind, folder, damage, message):
    damage(folder)
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        kind.from_preset(folder)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_damaged_classifier_is_refused(tmp_path, name):
    folder = tmp_path / "folder"
    shutil.copytree(CLASSIFIER, folder)
    CrossEncoder.from_preset(folder)
    assert_refused(CrossEncoder, folder, *CLASSIFIERS[name])


@pytest.mark.parametrize("name", PLAIN_FOLDERS)
def test_a_damaged_encoder_is_refused(tmp_path, name):
    folder = tmp_path / "folder"
    shutil.copytree(PLAIN, folder)
    assert_refused(BiEncoder, folder, *PLAIN_FOLDERS[name])


@pytest.mark.parametrize("name", TEXT_ENCODERS)
def test_a_damaged_encoder_of_texts_is_refused(tmp_path, name):
    folder = whole("projected", tmp_path / "folder")
    assert_refused(BiEncoder, folder, *TEXT_ENCODERS[name])


@pytest.mark.parametrize("name", GOOGLE)
def test_a_damaged_folder_of_google_is_refused(tmp_path, name):
    folder = write_google(tmp_path / "folder")
    assert_refused(CrossEncoder, folder, *GOOGLE[name])


def test_of_two_formats_the_one_read_is_named(tmp_path):
    folder = tmp_path / "folder"
    write_google(folder)
    shutil.copytree(PLAIN, folder, dirs_exist_ok=True)
    message = "holds Hugging Face BERT and Google BERT .*: Hugging Face BERT is"
    with pytest.warns(UserWarning, match=message):
        BiEncoder.from_preset(folder)
