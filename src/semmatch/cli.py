"""The command line: arguments in, library calls, text out."""

import argparse
import json
import sys
import warnings
from pathlib import Path


def main(arguments=None):
    """Runs one command.

    Args:
        arguments: list of strings, or None for those of the process.

    Returns:
        int, the exit status.
    """
    parser = argparse.ArgumentParser(
        prog="semmatch", description="Semantic text matching."
    )
    commands = parser.add_subparsers(required=True)

    export = commands.add_parser("export", help="write a deploy folder")
    export.add_argument("preset", help="preset or checkpoint")
    export.add_argument("folder", help="deploy folder to write")
    export.add_argument("--quantize", choices=["int8"])
    export.set_defaults(run=_export)

    score = commands.add_parser("score", help="score the pairs of a file")
    score.add_argument("folder", help="deploy folder")
    score.add_argument("pairs", help="file or folder that read_pairs reads")
    score.set_defaults(run=_score)

    rank = commands.add_parser("rank", help="rank the lines of a file")
    rank.add_argument("folder", help="deploy folder")
    rank.add_argument("query")
    rank.add_argument("candidates", help="text file, one candidate a line")
    rank.add_argument("--top-k", type=int, default=5)
    rank.set_defaults(run=_rank)

    encode = commands.add_parser("encode", help="vectors of a file's lines")
    encode.add_argument("folder", help="deploy folder of a BiEncoder")
    encode.add_argument("texts", help="text file, a vector for each line")
    encode.add_argument("vectors", help=".npy file to write")
    encode.add_argument(
        "--side", choices=["query", "passage"], default="passage"
    )
    encode.add_argument("--truncate-dim", type=int, metavar="DIM")
    encode.add_argument(
        "--precision", choices=["float32", "float16", "int8"], default="float32"
    )
    encode.set_defaults(run=_encode)

    report = commands.add_parser("report-data", help="look at pairs")
    report.add_argument("pairs", help="file or folder that read_pairs reads")
    report.add_argument(
        "--against",
        nargs="+",
        action="extend",
        type=_named_path,
        default=[],
        metavar="NAME=PATH",
        help="other splits, to count what stands in both",
    )
    report.add_argument(
        "--preset",
        metavar="FOLDER",
        help="preset, checkpoint or deploy folder: count its tokens",
    )
    report.add_argument("--json", action="store_true", help="for programs")
    report.set_defaults(run=_report_data)

    inspect = commands.add_parser("inspect", help="say what a folder is")
    inspect.add_argument("folder", help="preset, checkpoint or deploy folder")
    inspect.add_argument("--json", action="store_true", help="for programs")
    inspect.set_defaults(run=_inspect)

    bench = commands.add_parser("bench", help="time a deploy folder")
    bench.add_argument("folder", help="deploy folder")
    bench.add_argument(
        "--batch-sizes",
        nargs="+",
        type=int,
        default=[1, 8, 32],
        metavar="N",
        help="pairs or texts of a call",
    )
    bench.add_argument(
        "--lengths",
        nargs="+",
        type=int,
        metavar="N",
        help="tokens of each; those of 16, 40 and 64 that the model takes",
    )
    bench.add_argument("--repeats", type=int, default=100, help="of each call")
    bench.add_argument("--num-threads", type=int, help="of one computation")
    bench.add_argument("--provider", default="onnxruntime")
    bench.add_argument("--json", action="store_true", help="for programs")
    bench.add_argument("--plot", metavar="FILE", help=".png file to write")
    bench.set_defaults(run=_bench)

    options = parser.parse_args(arguments)
    try:
        options.run(options)
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        print(f"semmatch: {error}", file=sys.stderr)
        return 1
    return 0


def _export(options):
    import semmatch

    model_class = getattr(semmatch, _model_class(Path(options.preset)))
    model = model_class.from_preset(options.preset)
    report = semmatch.export_onnx(
        model, options.folder, quantize=options.quantize
    )
    text = (
        f"{options.folder}: {report.bytes / 2**20:.1f} MiB, "
        f"{report.seconds:.1f} s, largest difference of a score "
        f"{report.max_difference:.1e}"
    )
    if report.max_vector_difference is not None:
        text += f", of a vector {report.max_vector_difference:.1e}"
    print(text)


def _model_class(folder):
    """The class of a folder's model; an encoder alone is for pairs."""
    from semmatch._folders import PRESET_FILE
    from semmatch._json import read_json_object
    from semmatch.checkpoints import sentence_transformers

    if (folder / PRESET_FILE).is_file():
        record = read_json_object(folder / PRESET_FILE)
        is_bi = record.get("class_name") == "BiEncoder"
    else:
        is_bi = sentence_transformers.matches(folder) and (
            not sentence_transformers.read(folder).is_cross_encoder
        )
    return "BiEncoder" if is_bi else "CrossEncoder"


def _score(options):
    from semmatch import Matcher
    from semmatch import read_pairs

    pairs = read_pairs(options.pairs)
    scores = Matcher(options.folder).score(pairs)
    for text_a, text_b, score in zip(
        pairs.text_a, pairs.text_b, scores, strict=True
    ):
        values = "\t".join(f"{value:.6f}" for value in score.reshape(-1))
        print(f"{values}\t{text_a}\t{text_b}")


def _rank(options):
    from semmatch import Matcher

    lines = _read_lines(options.candidates)
    candidates = [line for line in lines if line.strip()]
    ranked = Matcher(options.folder).rank(
        options.query, candidates, top_k=options.top_k
    )
    for place in ranked:
        print(f"{place.score:.4f}\t{place.text}")


def _encode(options):
    import numpy as np

    from semmatch import Matcher
    from semmatch._folders import writing_file

    matcher = Matcher(options.folder)
    if matcher.embedding is None:
        raise ValueError(
            f"Vectors are of a BiEncoder. {options.folder} is the folder of a "
            "CrossEncoder, which reads two texts together."
        )
    texts = _read_lines(options.texts)
    # Opened before the work, since it may be no place to write to.
    with writing_file(options.vectors) as file:
        vectors = matcher.encode(
            texts,
            side=options.side,
            truncate_dim=options.truncate_dim,
            precision=options.precision,
        )
        np.save(file, vectors)
    rows, dim = vectors.shape
    print(f"{options.vectors}: {rows:,} x {dim:,} {vectors.dtype}")


def _read_lines(path):
    """The lines of a text file; blank ones are empty strings or spaces."""
    try:
        with open(path, encoding="utf-8-sig") as file:
            return [line.rstrip("\n") for line in file]
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not UTF-8 ({error}). Convert the file from its "
            "encoding, for instance GB18030."
        ) from error


def _bench(options):
    from semmatch import Matcher
    from semmatch.serving.latency import measure_latency
    from semmatch.serving.latency_plot import check_picture

    if options.plot is not None:
        check_picture(options.plot)  # before the work
    matcher = Matcher(
        options.folder, options.num_threads, provider=options.provider
    )
    report = measure_latency(
        matcher,
        batch_sizes=options.batch_sizes,
        lengths=options.lengths,
        repeats=options.repeats,
    )
    if options.json:
        print(json.dumps(report.to_dict(), ensure_ascii=False, indent=2))
    else:
        print(report)
    if options.plot is not None:
        report.plot(options.plot)


def _inspect(options):
    from semmatch.serving.inspection import inspect_folder

    found = inspect_folder(options.folder)
    if options.json:
        print(json.dumps(found.to_dict(), ensure_ascii=False, indent=2))
    else:
        print(found)


def _named_path(text):
    name, equals, path = text.partition("=")
    if not (name and equals and path):
        raise argparse.ArgumentTypeError(f"expected NAME=PATH, not {text!r}")
    return name, path


def _report_data(options):
    from semmatch.serving.folder_packer import read_packer

    others = {}
    for name, path in options.against:
        if name in others:
            raise ValueError(
                f"--against names {name!r} twice. Give each split its own name."
            )
        others[name] = _read_usable(path)
    preset = options.preset
    packer = None if preset is None else read_packer(preset)
    report = _read_usable(options.pairs).report(
        preprocessor=packer, others=others
    )
    if options.json:
        print(json.dumps(report.to_dict(), ensure_ascii=False, indent=2))
    else:
        print(report)


def _read_usable(path):
    """The usable rows of a file; the report's notes count the others."""
    from semmatch import read_pairs

    with warnings.catch_warnings(action="ignore", category=UserWarning):
        return read_pairs(path, on_error="skip")


if __name__ == "__main__":
    sys.exit(main())
