"""How long a checkpoint of 12 x 768 takes to load, and the memory it needs.

    python benchmarks/load.py --peer-python ../peers/bin/python

A checkpoint of BERT's shape with random float32 weights is written to a
temporary folder. Then processes of their own import the library, load the
checkpoint as a cross-encoder and score one pair: semmatch and, in the Python
that has it, transformers. Seconds count from after the import; memory is
anonymous (`RssAnon` of /proc/self/status, sampled every 2 ms), the most of it
above what the process held after the import. Median of several processes.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

from processes import reading

SIZES = {
    "vocab_size": 21128,
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-12,
    "model_type": "bert",
}

MEASURE = """
import json, sys, threading, time

def anonymous():
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("RssAnon"):
                return int(line.split()[1]) / 1024

{imports}
peak = before = anonymous()
done = threading.Event()

def watch():
    global peak
    while not done.wait(0.002):
        peak = max(peak, anonymous())

watcher = threading.Thread(target=watch)
watcher.start()
start = time.perf_counter()
{load}
loaded = time.perf_counter() - start
{score}
scored = time.perf_counter() - start
done.set()
watcher.join()
print(json.dumps([loaded, scored, peak - before]))
"""
OURS = {
    "imports": "from semmatch import CrossEncoder",
    "load": "model = CrossEncoder.from_preset(sys.argv[1])",
    "score": 'model.score([("怎么还款", "如何还款")])',
}
PEER = {
    "imports": """import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer""",
    "load": """tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
model = AutoModelForSequenceClassification.from_pretrained(
    sys.argv[1], dtype=torch.float32).eval()""",
    "score": """with torch.inference_mode():
    model(**tokenizer("怎么还款", "如何还款", return_tensors="pt"))""",
}


def main():
    options = parse_arguments()
    with tempfile.TemporaryDirectory() as folder:
        size = write_checkpoint(Path(folder))
        print(f"weights: {size:.0f} MiB of float32")
        ours = run(sys.executable, OURS, folder, options)
        print_row("semmatch", ours, size)
        if options.peer_python is not None:
            peer = run(options.peer_python, PEER, folder, options)
            print_row("transformers", peer, size)
            print(
                "ratio of ours to transformers': first score "
                f"{ours[1] / peer[1]:.2f}, memory {ours[2] / peer[2]:.2f}"
            )


def write_checkpoint(folder):
    """Writes a classifier of one logit; returns its size in MiB."""
    import numpy as np
    from safetensors.numpy import save_file

    dim, inner = SIZES["hidden_size"], SIZES["intermediate_size"]
    shapes = {
        "bert.embeddings.word_embeddings.weight": (SIZES["vocab_size"], dim),
        "bert.embeddings.position_embeddings.weight": (512, dim),
        "bert.embeddings.token_type_embeddings.weight": (2, dim),
        "bert.embeddings.LayerNorm.weight": (dim,),
        "bert.embeddings.LayerNorm.bias": (dim,),
        "bert.pooler.dense.weight": (dim, dim),
        "bert.pooler.dense.bias": (dim,),
        "classifier.weight": (1, dim),
        "classifier.bias": (1,),
    }
    dense = {
        "attention.self.query": (dim, dim),
        "attention.self.key": (dim, dim),
        "attention.self.value": (dim, dim),
        "attention.output.dense": (dim, dim),
        "intermediate.dense": (inner, dim),
        "output.dense": (dim, inner),
    }
    for layer in range(SIZES["num_hidden_layers"]):
        block = f"bert.encoder.layer.{layer}"
        for name, shape in dense.items():
            shapes[f"{block}.{name}.weight"] = shape
            shapes[f"{block}.{name}.bias"] = shape[:1]
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            shapes[f"{block}.{name}.weight"] = (dim,)
            shapes[f"{block}.{name}.bias"] = (dim,)
    random = np.random.default_rng(0)
    tensors = {
        name: 0.02 * random.standard_normal(shape, "float32")
        for name, shape in shapes.items()
    }
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    config = SIZES | {"id2label": {"0": "match"}, "label2id": {"match": 0}}
    (folder / "config.json").write_text(json.dumps(config))
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = [chr(0x4E00 + i) for i in range(SIZES["vocab_size"] - 5)]
    vocabulary = "\n".join([*special, *pieces]) + "\n"
    (folder / "vocab.txt").write_text(vocabulary, encoding="utf-8")
    return sum(tensor.nbytes for tensor in tensors.values()) / 2**20


def run(python, parts, folder, options):
    """Medians of seconds to load, seconds to a score, and MiB."""
    command = [python, "-c", MEASURE.format(**parts), folder]
    readings = [
        reading(command, options.threads) for _ in range(options.readings)
    ]
    return [statistics.median(column) for column in zip(*readings, strict=True)]


def print_row(name, figures, size):
    loaded, scored, memory = figures
    print(
        f"{name:<14}{loaded:6.2f} s to load{scored:7.2f} s to the first score"
        f"{memory:7.0f} MiB at most, {memory / size:.2f} times the weights",
        flush=True,
    )


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--peer-python", help="Python with transformers")
    parser.add_argument("--readings", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    return parser.parse_args()


if __name__ == "__main__":
    main()
