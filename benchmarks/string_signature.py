"""Counts texts of QA_corpus that a SavedModel reads in another way.

    python benchmarks/string_signature.py

Each model is exported by `export_saved_model` into a temporary folder. A
process that imports tensorflow and tensorflow_text alone loads it and gives
the ids of all 240,000 texts by the signature `tokenize`, each as the first of
a pair with an empty second text, and the scores of some pairs by `score`. They
are compared with those of `model.preprocessor` and `model.score` here.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from semmatch import CrossEncoder
from semmatch import export_saved_model
from semmatch import read_pairs
from semmatch import TextEncoder
from semmatch import Tokenizer
from semmatch.models import CrossEncoderPreprocessor

CHUNK = 2000

READER = """
import json, sys
import tensorflow as tf, tensorflow_text

folder = sys.argv[1]
served = tf.saved_model.load(folder + "/model")
with open(folder + "/texts.json", encoding="utf-8") as file:
    texts, text_a, text_b = [
        [text.encode("utf-8") for text in column] for column in json.load(file)
    ]
tokenize, score = (served.signatures[name] for name in ("tokenize", "score"))
for start in range(0, len(texts), int(sys.argv[2])):
    chunk = tf.constant(texts[start : start + int(sys.argv[2])])
    ids = tokenize(text_a=chunk, text_b=tf.fill(tf.shape(chunk), b""))
    ids = tf.io.serialize_tensor(ids["input_ids"])
    tf.io.write_file(f"{folder}/{start}.ids", ids)
scores = [
    score(text_a=tf.constant([a]), text_b=tf.constant([b]))["scores"][0]
    for a, b in zip(text_a, text_b)
]
tf.io.write_file(folder + "/scores", tf.io.serialize_tensor(tf.stack(scores)))
assert not {"semmatch", "tokenizers", "keras_hub"} & set(sys.modules)
"""


def main():
    options = parse_arguments()
    keras.utils.set_random_seed(0)
    splits = [read_pairs(options.data / s) for s in ("train", "valid", "test")]
    texts = [t for s in splits for t in (*s.text_a, *s.text_b)]
    pairs = splits[-1][: options.pairs]
    for folder in options.models:
        report(folder.name, CrossEncoder.from_preset(folder), texts, pairs)
    for folder in options.tokenizers:
        model = untrained(Tokenizer.from_folder(folder))
        report(folder.name, model, texts, pairs)


def parse_arguments():
    shared = Path(__file__).resolve().parents[2] / "shared"
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=shared / "data/qa_corpus")
    parser.add_argument(
        "--models",
        type=Path,
        nargs="*",
        default=[shared / "models/e5-small-zh-qa"],
        help="folders of cross-encoders",
    )
    parser.add_argument(
        "--tokenizers",
        type=Path,
        nargs="*",
        default=[shared / "data/chinese_bert"],
        help="folders of tokenizers, for a tiny untrained model each",
    )
    parser.add_argument(
        "--pairs", type=int, default=100, help="of which scores are compared"
    )
    return parser.parse_args()


def untrained(tokenizer):
    encoder = TextEncoder(tokenizer.vocabulary_size, 1, 2, 16, 32)
    return CrossEncoder(encoder, CrossEncoderPreprocessor(tokenizer))


def report(name, model, texts, pairs):
    tokenizer = model.preprocessor.tokenizer
    with tempfile.TemporaryDirectory() as root:
        root = Path(root)
        exported = export_saved_model(model, root / "model")
        ids, scores = read_elsewhere(root, texts, pairs)
    differing = [
        text
        for start, found in ids
        for text in other_texts(model, texts[start : start + CHUNK], found)
    ]
    difference = np.abs(scores - model.score(pairs)).max()
    print(
        f"\n{name} ({tokenizer.model}): {len(differing):,} of {len(texts):,} "
        f"texts have other tokens ({len(differing) / len(texts):.4%}), "
        f"{len(set(differing)):,} different ones"
    )
    for text in list(dict.fromkeys(differing))[:10]:
        print(f"    {text!r}")
    print(f"scores of {len(pairs):,} pairs differ by at most {difference:.1e}")
    print(
        f"the export's own report: {exported.mismatches} of {exported.texts:,} "
        f"bundled texts, scores within {exported.max_difference:.1e}, "
        f"{exported.bytes / 2**20:.1f} MiB"
    )


def read_elsewhere(root, texts, pairs):
    """What a process with TensorFlow alone makes of texts and pairs."""
    columns = [texts, list(pairs.text_a), list(pairs.text_b)]
    (root / "texts.json").write_text(json.dumps(columns), encoding="utf-8")
    command = [sys.executable, "-c", READER, str(root), str(CHUNK)]
    subprocess.run(command, check=True)
    ids = []
    for start in range(0, len(texts), CHUNK):
        content = (root / f"{start}.ids").read_bytes()
        ids.append((start, tf.io.parse_tensor(content, tf.int32).numpy()))
    content = (root / "scores").read_bytes()
    return ids, tf.io.parse_tensor(content, tf.float32).numpy()


def other_texts(model, texts, found):
    """Texts whose packed ids are not those of the tokenizer itself."""
    packed = model.preprocessor.pack(texts, [""] * len(texts))["token_ids"]
    if packed.shape == found.shape:
        is_other = (packed != found).any(axis=1)
    else:
        pad = model.preprocessor.tokenizer.pad_id
        rows = zip(packed, found, strict=True)
        is_other = [
            [i for i in a if i != pad] != [i for i in b if i != pad]
            for a, b in rows
        ]
    return [
        text for text, is_one in zip(texts, is_other, strict=True) if is_one
    ]


if __name__ == "__main__":
    main()
