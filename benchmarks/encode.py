"""Sentences encoded in a second, beside sentence-transformers.

    python benchmarks/encode.py --preset ../shared/models/e5-small-zh

All distinct sentences of QA_corpus, equal threads; each reading is a process
of its own, which warms up on the first thousand. The peer runs in a virtual
environment made under `runs/peers`, or in `--peer-python`.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from processes import reading
from processes import sentence_transformers_python

WARM_UP = 1000
# Of the deploy folders, `quantize` of `export_onnx`.
OURS = {"float32": None, "int8": "int8", "int8-static": "int8-static"}
PEER = """
import json, sys, time
import numpy as np, torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling
from sentence_transformers.sentence_transformer.modules import Transformer
preset, layers, texts, out, threads, dtype, warm_up = sys.argv[1:]
torch.set_num_threads(int(threads))
encoder = Transformer(
    preset, max_seq_length=64, model_kwargs={"dtype": getattr(torch, dtype)}
)
if int(layers):
    stack = encoder.auto_model.encoder
    stack.layer = stack.layer[: int(layers)]
pooling = Pooling(encoder.get_embedding_dimension(), "mean")
model = SentenceTransformer(modules=[encoder, pooling], device="cpu")
texts = json.load(open(texts))
model.encode(texts[: int(warm_up)])
start = time.perf_counter()
vectors = model.encode(texts, normalize_embeddings=True)
print(json.dumps(time.perf_counter() - start))
np.save(out, vectors.astype("float32"))
"""


def main():
    options = parse_arguments()
    if options.only is not None:
        print(json.dumps(measure(options)))
        return
    with tempfile.TemporaryDirectory() as folder:
        options.folder = Path(folder)
        texts = sentences(options.data)
        texts = texts[: options.limit]
        (options.folder / "texts.json").write_text(json.dumps(texts))
        export(options)
        rows = {
            name: run(options, name)
            for name in (*OURS, "BiEncoder", *options.peers)
        }
    print(f"{len(texts):,} sentences, {options.threads} threads")
    expected = rows["float32"][1]
    first = statistics.median(rows[options.peers[0]][0])
    for name, (seconds, vectors) in rows.items():
        middle = statistics.median(seconds)
        cosines = (vectors * expected).sum(axis=1)
        print(
            f"{name:<32}{len(texts) / middle:8.0f} a second "
            f"({len(texts) / max(seconds):.0f} to "
            f"{len(texts) / min(seconds):.0f}) {first / middle:6.2f}   "
            f"least cosine with ours {cosines.min():.4f}"
        )


def sentences(data):
    """All distinct sentences, in the order in which they first occur."""
    from semmatch import read_pairs

    pairs = [read_pairs(data / name) for name in ("train", "valid", "test")]
    columns = [column for p in pairs for column in (p.text_a, p.text_b)]
    return list(
        dict.fromkeys(text.strip() for column in columns for text in column)
    )


def export(options):
    from semmatch import BiEncoder
    from semmatch import export_onnx
    from semmatch import Pairs
    from semmatch import read_pairs

    model = BiEncoder.from_preset(
        options.preset, num_layers=options.num_layers, sequence_length=64
    )
    for name, quantize in OURS.items():
        data = None
        if quantize == "int8-static":
            valid = read_pairs(options.data / "valid")
            # Without labels, by which a loss would be refused.
            data = Pairs(valid.text_a, valid.text_b)
        export_onnx(model, options.folder / name, quantize=quantize, data=data)
    model.save_to_preset(options.folder / "BiEncoder")


def run(options, name):
    """Seconds of several processes, and the vectors of the last."""
    out = options.folder / f"{name.replace(' ', '-')}.npy"
    texts = options.folder / "texts.json"
    if name in options.peers:
        python = options.peer_python or sentence_transformers_python()
        command = [python, "-c", PEER, options.preset, options.num_layers or 0]
        command += [texts, out, options.threads, name.split()[-1], WARM_UP]
    else:
        command = [sys.executable, __file__, "--preset", options.preset]
        command += ["--only", options.folder / name, "--texts", texts]
        command += ["--out", out, "--threads", options.threads]
    seconds = [
        reading(command, options.threads) for _ in range(options.readings)
    ]
    return seconds, np.load(out)


def measure(options):
    """Seconds of one encoding in this process."""
    texts = json.loads(options.texts.read_text())
    if options.only.name == "BiEncoder":
        from semmatch import BiEncoder

        model = BiEncoder.from_preset(options.only)
    else:
        from semmatch import Matcher

        model = Matcher(options.only, num_threads=options.threads)
    model.encode(texts[:WARM_UP])
    start = time.perf_counter()
    vectors = model.encode(texts)
    seconds = time.perf_counter() - start
    np.save(options.out, vectors)
    return seconds


def parse_arguments():
    shared = Path(__file__).resolve().parents[2] / "shared"
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--preset", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=shared / "data/qa_corpus")
    parser.add_argument("--num-layers", type=int)
    parser.add_argument("--limit", type=int, help="the first sentences alone")
    parser.add_argument(
        "--peer-dtypes", nargs="+", default=["float32", "bfloat16"]
    )
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--readings", type=int, default=3)
    parser.add_argument("--peer-python", type=Path)
    parser.add_argument("--only", type=Path, help="one reading of a folder")
    parser.add_argument("--texts", type=Path)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    options.peers = tuple(
        f"sentence-transformers {dtype}" for dtype in options.peer_dtypes
    )
    return options


if __name__ == "__main__":
    main()
