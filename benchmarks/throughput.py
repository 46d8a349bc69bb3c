"""The pairs of QA_corpus scored in a second, and the first score of a process.

    python benchmarks/throughput.py --preset ../shared/models/e5-small-zh-qa \
        --num-layers 4

exports the model's first layers and scores the 10,000 pairs of test, from
strings, with `Matcher` in float32 and both forms of int8, beside
`sentence_transformers.CrossEncoder.predict` in float32 and bfloat16, which
reads the same weights. Each reading is a process of its own with the same
number of threads, warmed up on the first pairs; then each is started anew to
score one pair, and timed from its start to its end. With `--tuned PRESET` what
a fine-tuned model loses in int8 is counted as well. The peer runs in a virtual
environment made under `runs/peers`, or in `--peer-python`.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from processes import reading
from processes import sentence_transformers_python

WARM_UP = 512
# Of ours, `quantize` of `export_onnx`.
OURS = {
    "semmatch float32": None,
    "semmatch int8": "int8",
    "semmatch int8-static": "int8-static",
}
PEERS = ("sentence-transformers float32", "sentence-transformers bfloat16")
# Both read folder, pairs, threads and where to write scores; with one pair
# they are a cold start.
SCRIPTS = {
    "semmatch": """
import json, sys, time
import numpy as np
from semmatch import Matcher
folder, pairs, threads, dtype, out, warm_up = sys.argv[1:]
model = Matcher(folder, num_threads=int(threads))
pairs = [tuple(pair) for pair in json.load(open(pairs, encoding="utf-8"))]
model.score(pairs[: int(warm_up)])
start = time.perf_counter()
scores = model.score(pairs) if int(warm_up) > 1 else []
print(json.dumps(time.perf_counter() - start))
np.save(out, scores)
""",
    "sentence-transformers": """
import json, sys, time
import numpy as np, torch
from sentence_transformers import CrossEncoder
folder, pairs, threads, dtype, out, warm_up = sys.argv[1:]
torch.set_num_threads(int(threads))
model = CrossEncoder(
    folder, max_length=64, device="cpu",
    model_kwargs={"dtype": getattr(torch, dtype)},
)
pairs = [tuple(pair) for pair in json.load(open(pairs, encoding="utf-8"))]
model.predict(pairs[: int(warm_up)])
start = time.perf_counter()
scores = model.predict(pairs) if int(warm_up) > 1 else []
print(json.dumps(time.perf_counter() - start))
np.save(out, scores)
""",
}


def main():
    options = parse_arguments()
    from semmatch import read_pairs

    test = read_pairs(options.data / "test")[: options.limit]
    pairs = list(zip(test.text_a, test.text_b, strict=True))
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        export(options, folder)
        (folder / "pairs.json").write_text(json.dumps(pairs), "utf-8")
        (folder / "one.json").write_text(json.dumps(pairs[:1]), "utf-8")
        print_speeds(options, folder, len(pairs))
        print_starts(options, folder)
        if options.tuned is not None:
            print_loss(options, folder / "tuned", test)


def export(options, folder):
    from semmatch import CrossEncoder
    from semmatch import export_transformers

    model = CrossEncoder.from_preset(
        options.preset, num_layers=options.num_layers, sequence_length=64
    )
    export_transformers(model, folder / "sentence-transformers")
    export_ours(model, folder, options)


def export_ours(model, folder, options):
    from semmatch import export_onnx
    from semmatch import Pairs
    from semmatch import read_pairs

    pairs = read_pairs(options.data / "valid")
    # Without labels, by which a loss would be refused.
    pairs = Pairs(pairs.text_a, pairs.text_b)
    for row, quantize in OURS.items():
        data = pairs if quantize == "int8-static" else None
        export_onnx(model, folder / row, quantize=quantize, data=data)


def print_speeds(options, folder, count):
    seconds, scores = {}, {}
    for _ in range(options.readings):
        for row in (*OURS, *PEERS):
            found, scores[row] = run(
                row, "pairs.json", WARM_UP, options, folder
            )
            seconds.setdefault(row, []).append(found)
    print(f"{count:,} pairs from strings, {options.threads} threads")
    middle = {row: statistics.median(found) for row, found in seconds.items()}
    for row, found in seconds.items():
        ratios = "  ".join(
            f"{middle[peer] / middle[row]:.2f}x {peer.split()[-1]}"
            for peer in PEERS
        )
        furthest = np.abs(scores[row] - scores["semmatch float32"]).max()
        print(
            f"{row:32}{count / middle[row]:8.0f} pairs/s "
            f"({count / max(found):.0f} to {count / min(found):.0f})   {ratios}"
            f"   scores within {furthest:.1e} of ours in float32"
        )
    whole, *sizes = (
        (folder / row / "model.onnx").stat().st_size for row in OURS
    )
    for row, size in zip(list(OURS)[1:], sizes, strict=True):
        print(f"{row} file: {size / whole:.3f} of float32")


def print_starts(options, folder):
    """From the start of a process to the end of its first score."""
    seconds = {row: [] for row in (*OURS, *PEERS)}
    for _ in range(options.readings):
        for row, found in seconds.items():
            start = time.perf_counter()
            run(row, "one.json", 1, options, folder)
            found.append(time.perf_counter() - start)
    print("process start, load, first score")
    first = statistics.median(seconds[PEERS[0]])
    for row, found in seconds.items():
        middle = statistics.median(found)
        print(
            f"{row:32}{middle:8.2f} s ({min(found):.2f} to {max(found):.2f})"
            f"   {middle / first:.2f} of {PEERS[0]}"
        )


def print_loss(options, folder, test):
    """Accuracies of a fine-tuned model, as exported."""
    from semmatch import CrossEncoder
    from semmatch import Matcher
    from semmatch.evaluation import compare

    export_ours(CrossEncoder.from_preset(options.tuned), folder, options)
    whole, *others = OURS
    for row in others:
        print(f"a: {row}, b: {whole}, {options.tuned}")
        small = Matcher(folder / row)
        print(compare(small, Matcher(folder / whole), test))


def run(row, pairs, warm_up, options, folder):
    """Seconds and scores of one reading in a process of its own."""
    name, dtype = row.split()
    python = sys.executable
    if row in PEERS:
        python = options.peer_python or sentence_transformers_python()
    out = folder / "scores.npy"
    model = folder / (row if row in OURS else name)
    command = [python, "-c", SCRIPTS[name], model]
    command += [folder / pairs, options.threads, dtype, out, warm_up]
    return reading(command, options.threads), np.load(out)


def parse_arguments():
    shared = Path(__file__).resolve().parents[2] / "shared"
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--preset", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=shared / "data/qa_corpus")
    parser.add_argument("--num-layers", type=int)
    parser.add_argument("--tuned", type=Path, help="a preset of `fit`")
    parser.add_argument("--limit", type=int, help="the first pairs alone")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--readings", type=int, default=3)
    parser.add_argument("--peer-python", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
