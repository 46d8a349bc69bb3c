"""Milliseconds of a cross-encoder's graph, beside what else serves it.

    python benchmarks/latency.py

takes RBT4's shape (4 layers x 768, vocabulary 21,128, random weights) and the
first four layers of the preset, one pair and 32 pairs of 40 tokens, ids in and
logits out. Ours compute 32 pairs as `Matcher` does, in a batch for each thread,
at once. The peers are PyTorch in float32 and bfloat16, onnxruntime on
PyTorch's own export after its optimizer, in float32 and in dynamic int8, and
OpenVINO in bfloat16 and in int8 by NNCF's post-training quantisation. They run
in a virtual environment made under `runs/peers`, or in `--peer-python`. Ours by
OpenVINO is left out where that is missing: `pip install 'semmatch[openvino]'`.

Every row is timed in each of `--rounds` rounds, in a process of its own with
the same number of threads; the median of the rounds' medians counts. At the end
stands where the time of static int8 goes, by onnxruntime's own profile, which
takes some time itself: the median of each node's runs, added up by operation.
"""

import argparse
import collections
import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from processes import peer_python
from processes import reading

HERE = Path(__file__).resolve().parent
REQUIREMENTS = ("torch", "transformers>=5,<6", "onnx", "onnxscript")
REQUIREMENTS += ("onnxruntime", "openvino", "nncf")
PEERS = (
    "torch float32",
    "torch bfloat16",
    "onnxruntime float32",
    "onnxruntime int8",
    "openvino bfloat16",
    "openvino int8",
)
# Of ours, the arguments of `export_onnx` and of `Matcher`.
OURS = {
    "semmatch float32": ({}, {}),
    "semmatch int8": ({"quantize": "int8"}, {}),
    "semmatch int8-static": ({"quantize": "int8-static"}, {}),
    "the same by OpenVINO": (
        {"quantize": "int8-static"},
        {"provider": "openvino"},
    ),
}
if importlib.util.find_spec("openvino") is None:
    del OURS["the same by OpenVINO"]
SHAPES = ((1, 40), (32, 40))
# What the ratios are of.
BASELINE = "torch bfloat16"


def main():
    options = parse_arguments()
    if options.only is not None:
        measure(options)
        return
    python = options.peer_python or peer_python("latency", REQUIREMENTS)
    for name, make in (("RBT4's shape", random_model), ("preset", cut)):
        if name not in options.models:
            continue
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            export(make(options), folder)
            peer = [python, HERE / "peer_latency.py"]
            subprocess.run([*peer, "prepare", folder / "peer"], check=True)
            rows = {}
            for _ in range(options.rounds):
                for row in (*OURS, *PEERS):
                    found = [
                        median_of(row, shape, options, folder, peer)
                        for shape in SHAPES
                    ]
                    rows.setdefault(row, []).append(found)
            print_rows(name, rows, folder)
            for shape in SHAPES:
                print_profile(folder, shape, options)


def median_of(row, shape, options, folder, peer):
    """The median of one round, in milliseconds."""
    if row in OURS:
        command = [sys.executable, __file__, "--only", folder / row]
        command += ["--shape", *shape, "--threads", options.threads]
        command += ["--seconds", options.seconds]
    else:
        command = [*peer, "time", folder / "peer", row, options.threads]
        command += [*shape, options.seconds]
    return 1000 * statistics.median(reading(command, options.threads))


def print_rows(name, rows, folder):
    print(f"\n{name}: median milliseconds (of each round), ratio to {BASELINE}")
    heads = [f"{batch} x {length} tokens" for batch, length in SHAPES]
    print(f"{'':24}" + "".join(f"{head:>34}" for head in heads))
    middle = {
        row: [statistics.median(column) for column in zip(*rounds, strict=True)]
        for row, rounds in rows.items()
    }
    for row, rounds in rows.items():
        line = f"{row:24}"
        for place, readings in enumerate(zip(*rounds, strict=True)):
            each = " ".join(f"{reading:.2f}" for reading in readings)
            ratio = middle[BASELINE][place] / middle[row][place]
            cell = f"{middle[row][place]:.2f} ({each}) {ratio:.2f}x"
            line += f"{cell:>34}"
        print(line)
    for row in OURS:
        size = (folder / row / "model.onnx").stat().st_size / 2**20
        print(f"{row}: {size:.1f} MiB")


def print_profile(folder, shape, options, least=0.02):
    """Milliseconds of the operations that take at least that share."""
    import onnxruntime
    from peer_latency import make_features
    from peer_latency import times

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options.threads
    settings.enable_profiling = True
    settings.profile_file_prefix = str(folder / "profile")
    session = onnxruntime.InferenceSession(
        folder / "semmatch int8-static" / "model.onnx",
        settings,
        providers=["CPUExecutionProvider"],
    )
    found = make_features(folder / "peer", *shape)
    inputs = {node.name: found[node.name] for node in session.get_inputs()}
    times(lambda features: session.run(None, features), inputs, options.seconds)
    nodes = collections.defaultdict(list)
    for event in json.loads(Path(session.end_profiling()).read_text()):
        if event["name"].endswith("_kernel_time"):
            kind = event["args"]["op_name"]
            nodes[kind, event["name"]].append(event["dur"] / 1000)
    kinds = collections.defaultdict(list)
    for (kind, _), runs in nodes.items():
        kinds[kind].append(statistics.median(runs))
    total = sum(map(sum, kinds.values()))
    print("static int8, {} x {} tokens, nodes alone:".format(*shape))
    for kind, each in sorted(kinds.items(), key=lambda item: -sum(item[1])):
        share = sum(each) / total
        if share >= least:
            print(f"{len(each):4} {kind:24}{sum(each):8.3f} ms{share:7.1%}")


def measure(options):
    """Prints the seconds of each run of a deploy folder, as JSON."""
    from peer_latency import make_features
    from peer_latency import times

    from semmatch import Matcher

    settings = OURS[options.only.name][1]
    matcher = Matcher(options.only, num_threads=options.threads, **settings)
    found = make_features(options.only.parent / "peer", *options.shape)
    features = {
        "token_ids": found["input_ids"],
        "padding_mask": found["attention_mask"],
        "segment_ids": found["token_type_ids"],
    }
    rows, length = options.shape
    scorer = matcher.pair_scorer()

    def run(features):
        """Computes the rows as a call of `Matcher` does, in its batches."""

        def pack(rows):
            return {name: array[rows] for name, array in features.items()}

        return list(scorer.outputs([length] * rows, pack))

    print(json.dumps(times(run, features, options.seconds)))


def random_model(options):
    import export as export_benchmark

    tokenizer = export_benchmark.make_tokenizer(None)
    return export_benchmark.make_model(tokenizer, 4, 12, 768, 3072)


def cut(options):
    from semmatch import CrossEncoder

    return CrossEncoder.from_preset(
        options.preset, num_layers=4, sequence_length=64
    )


def export(model, folder):
    """What is timed of ours, and what the peers start from."""
    from semmatch import export_onnx
    from semmatch import export_transformers
    from semmatch import load_faq
    from semmatch import Pairs

    export_transformers(model, folder / "peer")
    pairs = load_faq("zh").pairs("train")
    # Without labels, by which a loss would be refused.
    pairs = Pairs(pairs.text_a, pairs.text_b)
    for row, (arguments, _) in OURS.items():
        data = pairs if arguments.get("quantize") == "int8-static" else None
        export_onnx(model, folder / row, data=data, **arguments)


def parse_arguments():
    shared = HERE.parents[1] / "shared"
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--preset", type=Path, default=shared / "models/e5-small-zh-qa"
    )
    parser.add_argument(
        "--models",
        nargs="+",
        choices=("RBT4's shape", "preset"),
        default=("RBT4's shape", "preset"),
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--peer-python", type=Path)
    parser.add_argument("--only", type=Path, help="one round of a folder")
    parser.add_argument("--shape", type=int, nargs=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
