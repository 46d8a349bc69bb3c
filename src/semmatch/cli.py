"""The command line: arguments in, library calls, text out."""

import argparse
import sys


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
    export.add_argument("preset", help="folder of save_to_preset")
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

    options = parser.parse_args(arguments)
    try:
        options.run(options)
    except (OSError, ValueError, RuntimeError) as error:
        print(f"semmatch: {error}", file=sys.stderr)
        return 1
    return 0


def _export(options):
    from semmatch import CrossEncoder
    from semmatch import export_onnx

    model = CrossEncoder.from_preset(options.preset)
    report = export_onnx(model, options.folder, quantize=options.quantize)
    print(
        f"{options.folder}: {report.bytes / 2**20:.1f} MiB, "
        f"{report.seconds:.1f} s, largest difference of a score "
        f"{report.max_difference:.1e}"
    )


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

    try:
        with open(options.candidates, encoding="utf-8-sig") as file:
            candidates = [line.rstrip("\n") for line in file if line.strip()]
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{options.candidates} is not UTF-8 ({error}). Convert the file "
            "from its encoding, for instance GB18030."
        ) from error
    ranked = Matcher(options.folder).rank(
        options.query, candidates, top_k=options.top_k
    )
    for place in ranked:
        print(f"{place.score:.4f}\t{place.text}")


if __name__ == "__main__":
    sys.exit(main())
