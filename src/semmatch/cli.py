"""The command line: arguments in, library calls, text out."""

import json
import sys
import warnings
from pathlib import Path

from semmatch._command_line import command_line

# Of texts that stand in a line among columns.
_ESCAPES = str.maketrans({"\t": "\\t", "\n": "\\n", "\r": "\\r"})


def main(arguments=None):
    """Runs one command.

    Args:
        arguments: list of strings, or None for those of the process.

    Returns:
        int, the exit status.
    """
    options = command_line(_COMMANDS).parse_args(arguments)
    try:
        return options.run(options) or 0
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        print(f"semmatch: {error}", file=sys.stderr)
        return 1


def _export(options):
    import semmatch

    # Pairs first: they may be refused, and a model takes long to load.
    data = None if options.data is None else semmatch.read_pairs(options.data)
    model_class = getattr(semmatch, _model_class(Path(options.preset)))
    model = model_class.from_preset(options.preset)
    report = semmatch.export_onnx(
        model,
        options.folder,
        quantize=options.quantize,
        data=data,
        max_loss=options.max_loss,
    )
    print(f"{options.folder}: {report}")


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
        # A line a pair and a column a text, also of JSON lines and Parquet.
        texts = (text.translate(_ESCAPES) for text in (text_a, text_b))
        print(values, *texts, sep="\t")


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


def _launch(options):
    from semmatch._launch import launch

    command = options.command
    if command[:1] == ["--"]:
        command = command[1:]
    return launch(command, options.workers, options.restarts)


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


_COMMANDS = {
    "export": _export,
    "score": _score,
    "rank": _rank,
    "encode": _encode,
    "report-data": _report_data,
    "inspect": _inspect,
    "bench": _bench,
    "launch": _launch,
}


if __name__ == "__main__":
    sys.exit(main())
