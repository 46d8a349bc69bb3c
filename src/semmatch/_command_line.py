"""What the command line takes."""

import argparse


def command_line(functions):
    """The parser of all commands.

    Args:
        functions: dict from the name of each command to the function that
            runs it; an option `run` of what is parsed holds it.

    Returns:
        `argparse.ArgumentParser`.
    """
    parser = argparse.ArgumentParser(
        prog="semmatch", description="Semantic text matching."
    )
    commands = parser.add_subparsers(required=True)
    for add in (
        _add_export,
        _add_score,
        _add_rank,
        _add_encode,
        _add_report_data,
        _add_inspect,
        _add_bench,
        _add_launch,
    ):
        add(commands)
    for name, command in commands.choices.items():
        command.set_defaults(run=functions[name])
    return parser


def _add_export(commands):
    parser = commands.add_parser("export", help="write a deploy folder")
    parser.add_argument("preset", help="preset or checkpoint")
    parser.add_argument("folder", help="deploy folder to write")
    parser.add_argument("--quantize", choices=["int8", "int8-static", "auto"])
    parser.add_argument(
        "--data",
        metavar="PAIRS",
        help="pairs to measure on: file or folder that read_pairs reads",
    )
    parser.add_argument(
        "--max-loss",
        type=float,
        metavar="LOSS",
        help="of accuracy on labelled pairs; 0.002 if not given",
    )


def _add_score(commands):
    parser = commands.add_parser("score", help="score the pairs of a file")
    parser.add_argument("folder", help="deploy folder")
    parser.add_argument("pairs", help="file or folder that read_pairs reads")


def _add_rank(commands):
    parser = commands.add_parser("rank", help="rank the lines of a file")
    parser.add_argument("folder", help="deploy folder")
    parser.add_argument("query")
    parser.add_argument("candidates", help="text file, one candidate a line")
    parser.add_argument("--top-k", type=int, default=5)


def _add_encode(commands):
    parser = commands.add_parser("encode", help="vectors of a file's lines")
    parser.add_argument("folder", help="deploy folder of a BiEncoder")
    parser.add_argument("texts", help="text file, a vector for each line")
    parser.add_argument("vectors", help=".npy file to write")
    parser.add_argument(
        "--side", choices=["query", "passage"], default="passage"
    )
    parser.add_argument("--truncate-dim", type=int, metavar="DIM")
    parser.add_argument(
        "--precision", choices=["float32", "float16", "int8"], default="float32"
    )


def _add_report_data(commands):
    parser = commands.add_parser("report-data", help="look at pairs")
    parser.add_argument("pairs", help="file or folder that read_pairs reads")
    parser.add_argument(
        "--against",
        nargs="+",
        action="extend",
        type=_named_path,
        default=[],
        metavar="NAME=PATH",
        help="other splits, to count what stands in both",
    )
    parser.add_argument(
        "--preset",
        metavar="FOLDER",
        help="preset, checkpoint or deploy folder: count its tokens",
    )
    parser.add_argument("--json", action="store_true", help="for programs")


def _add_inspect(commands):
    parser = commands.add_parser("inspect", help="say what a folder is")
    parser.add_argument("folder", help="preset, checkpoint or deploy folder")
    parser.add_argument("--json", action="store_true", help="for programs")


def _add_bench(commands):
    parser = commands.add_parser("bench", help="time a deploy folder")
    parser.add_argument("folder", help="deploy folder")
    parser.add_argument(
        "--batch-sizes",
        nargs="+",
        type=int,
        default=[1, 8, 32],
        metavar="N",
        help="pairs or texts of a call",
    )
    parser.add_argument(
        "--lengths",
        nargs="+",
        type=int,
        metavar="N",
        help="tokens of each; those of 16, 40 and 64 that the model takes",
    )
    parser.add_argument("--repeats", type=int, default=100, help="of each call")
    parser.add_argument("--num-threads", type=int, help="of one computation")
    parser.add_argument("--provider", default="onnxruntime")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--plot", metavar="FILE", help=".png file to write")


def _add_launch(commands):
    parser = commands.add_parser(
        "launch",
        help="train by several workers on this host",
        usage="semmatch launch --workers N [--restarts N] -- program ...",
    )
    parser.add_argument("--workers", type=int, required=True)
    parser.add_argument(
        "--restarts",
        type=int,
        default=0,
        help="how often all start again after one failed",
    )
    parser.add_argument("command", nargs=argparse.REMAINDER)


def _named_path(text):
    name, equals, path = text.partition("=")
    if not (name and equals and path):
        raise argparse.ArgumentTypeError(f"expected NAME=PATH, not {text!r}")
    return name, path
