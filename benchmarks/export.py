"""Times `export_onnx` and Keras's own export of the same model to ONNX.

    python benchmarks/export.py

The model has the shape of RBT4 (4 layers x 768, vocabulary 21128) and random
weights: neither export looks at values. Ours is timed as it is called, with
the check of its scores; Keras's own checks nothing. Both write into a
temporary folder, after one export of a tiny model that pays for imports.
"""

import argparse
import importlib.metadata
import logging
import platform
import tempfile
import time
from pathlib import Path

import keras
import numpy as np
import onnxruntime

from semmatch import CrossEncoder
from semmatch import export_onnx
from semmatch import load_faq
from semmatch import TextEncoder
from semmatch import Tokenizer
from semmatch.models import CrossEncoderPreprocessor

VOCABULARY_SIZE = 21128
PACKAGES = ("semmatch", "keras", "tensorflow", "tf2onnx", "onnxruntime")


def main():
    options = parse_arguments()
    # tf2onnx tells of each pass of its optimizer.
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    keras.utils.set_random_seed(0)
    tokenizer = make_tokenizer(options.vocab)
    model = make_model(tokenizer, 4, 12, 768, 3072)
    exports = {
        "export_onnx": (export_ours, options.runs),
        "model.export": (export_stock, options.stock_runs),
    }
    results = {}
    with tempfile.TemporaryDirectory() as root:
        for name, (export, runs) in exports.items():
            path = Path(root) / name
            tiny = make_model(tokenizer, 1, 2, 8, 16)
            export(tiny, path.with_suffix(".tiny"))
            seconds = [timed(export, model, path) for _ in range(runs)]
            results[name] = {
                "seconds": seconds,
                "MiB": graph_file(path).stat().st_size / 2**20,
                "logits": run(graph_file(path), features(model)),
            }
    print_results(model, results)


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=3, help="of export_onnx")
    parser.add_argument(
        "--stock-runs", type=int, default=1, help="of Keras's model.export"
    )
    parser.add_argument(
        "--vocab",
        type=Path,
        help="folder of a tokenizer, instead of one "
        "trained on the bundled questions",
    )
    return parser.parse_args()


def make_tokenizer(folder):
    if folder is not None:
        return Tokenizer.from_folder(folder)
    return Tokenizer.train(load_faq("zh").pairs("train").text_a)


def make_model(tokenizer, num_layers, num_heads, hidden_dim, intermediate_dim):
    encoder = TextEncoder(
        max(VOCABULARY_SIZE, tokenizer.vocabulary_size),
        num_layers,
        num_heads,
        hidden_dim,
        intermediate_dim,
    )
    model = CrossEncoder(encoder, CrossEncoderPreprocessor(tokenizer))
    model.score([("怎么还款", "如何还款")])  # Keras exports called models alone
    return model


def export_ours(model, path):
    export_onnx(model, path)


def export_stock(model, path):
    model.export(path, format="onnx", verbose=False)


def graph_file(path):
    return path / "model.onnx" if path.is_dir() else path


def timed(export, model, path):
    start = time.perf_counter()
    export(model, path)
    return time.perf_counter() - start


def features(model):
    """Packed pairs of random tokens, of many lengths."""
    random = np.random.default_rng(0)
    size = model.preprocessor.tokenizer.vocabulary_size
    ids = [random.integers(size, size=n).tolist() for n in range(0, 48, 3)]
    return model.preprocessor.packer.pack_ids(ids, ids[::-1])


def run(path, features):
    """Logits of a graph, whichever of the two exports named its inputs."""
    names = {
        "input_ids": "token_ids",
        "attention_mask": "padding_mask",
        "token_type_ids": "segment_ids",
    }
    session = onnxruntime.InferenceSession(path)
    types = {"tensor(int64)": "int64", "tensor(int32)": "int32"}
    inputs = {
        node.name: features[names.get(node.name, node.name)].astype(
            types[node.type]
        )
        for node in session.get_inputs()
    }
    return session.run(None, inputs)[0]


def print_results(model, results):
    ours, stock = results["export_onnx"], results["model.export"]
    difference = np.abs(ours["logits"] - stock["logits"]).max()
    if not difference < 1e-4:
        raise SystemExit(f"The two files' logits differ by {difference:.1e}.")
    versions = [f"{n} {importlib.metadata.version(n)}" for n in PACKAGES]
    print(", ".join(versions), platform.processor() or platform.machine())
    print(f"{model.count_params() / 1e6:.1f} million weights, float32\n")
    print(f"{'':14}{'median s':>10}{'MiB':>10}  seconds of each run")
    for name, result in results.items():
        each = " ".join(f"{seconds:.1f}" for seconds in result["seconds"])
        print(
            f"{name:14}{np.median(result['seconds']):10.1f}"
            f"{result['MiB']:10.1f}  {each}"
        )
    ratio = np.median(stock["seconds"]) / np.median(ours["seconds"])
    print(
        f"\nexport_onnx is {ratio:.1f} times as fast; the logits differ by at "
        f"most {difference:.1e}."
    )


if __name__ == "__main__":
    main()
