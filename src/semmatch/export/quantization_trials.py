"""How exact and how fast deploy folders of one model are."""

import dataclasses
import warnings

import numpy as np

from semmatch.evaluation import spearman
from semmatch.evaluation.inputs import check_labels
from semmatch.evaluation.model_scores import decide
from semmatch.evaluation.model_scores import is_graded
from semmatch.evaluation.model_scores import score_labelled
from semmatch.evaluation.text_table import text_table
from semmatch.serving import Matcher
from semmatch.serving import measure_latency

# Pairs of a call.
_BATCH = 32

# Each folder is timed in turn, several times, and the best counts: what else
# the machine does only adds to it.
_ROUNDS = 3
_REPEATS = {1: 30, _BATCH: 5}


@dataclasses.dataclass(frozen=True)
class QuantizationTrial:
    """What a deploy folder reached on labelled pairs.

    Attributes:
        quantization: `"int8"`, `"int8-static"` or None, for float32.
        figure: `"accuracy"` at the model's threshold, or `"Spearman"` of
            graded labels.
        value: float, that figure.
        loss: float, what float32 has more of it; below 0 where it has less.
        milliseconds: float, of one pair from strings to the score, of a
            bi-encoder of one text to its vector.
        batch_milliseconds: float, of 32 of them in one call.
        bytes: int, size of the folder.
    """

    quantization: str | None
    figure: str
    value: float
    loss: float
    milliseconds: float
    batch_milliseconds: float
    bytes: int

    @property
    def time(self):
        """What of two trials the faster has less of, for 1 and 32 alike."""
        return self.milliseconds * self.batch_milliseconds


def measure_trials(folders, data):
    """Measures deploy folders of one model.

    Args:
        folders: dict from the name of a quantisation to a `pathlib.Path`,
            first that of None, float32.
        data: `Pairs` with labels.

    Returns:
        A list of `QuantizationTrial`, in that order.

    Raises:
        ValueError: if the labels cannot tell models apart, see `_figure`.
    """
    matchers = {name: Matcher(folder) for name, folder in folders.items()}
    figures = {}
    for name, matcher in matchers.items():
        with warnings.catch_warnings():
            if name is not None:
                # Float32 has said the same of the same pairs.
                warnings.simplefilter("ignore")
            figures[name] = _figure(matcher, data)
    times = _fastest(matchers, _usual_length(matchers[None], data))
    return [
        QuantizationTrial(
            quantization=name,
            figure=figures[name][0],
            value=figures[name][1],
            loss=figures[None][1] - figures[name][1],
            milliseconds=times[name, 1],
            batch_milliseconds=times[name, _BATCH],
            bytes=sum(file.stat().st_size for file in folder.iterdir()),
        )
        for name, folder in folders.items()
    ]


def trials_table(trials, kept):
    """Trials as a text table, with a star at the one that was kept."""
    rows = [["", trials[0].figure, "loss", "ms, 1", f"ms, {_BATCH}", "MiB"]]
    for trial in trials:
        star = "* " if trial.quantization == kept else "  "
        rows.append(
            [
                star + (trial.quantization or "float32"),
                f"{trial.value:.4f}",
                f"{trial.loss:.4f}",
                f"{trial.milliseconds:.2f}",
                f"{trial.batch_milliseconds:.2f}",
                f"{trial.bytes / 2**20:.1f}",
            ]
        )
    return text_table(rows)


def _figure(matcher, data):
    """The name of the figure that fits the labels, and its value."""
    labels, scores = score_labelled(matcher, data, "export_onnx")
    if scores.ndim == 1 and is_graded(labels):
        return "Spearman", spearman(labels, scores)
    if scores.ndim == 2:
        labels = check_labels(labels, "data.label", scores.shape[1])
    predicted = decide(scores, matcher.scoring.threshold)
    if matcher.config.quantization is None and len(np.unique(predicted)) == 1:
        advice = "Take more pairs, of several classes."
        if scores.ndim == 1 and len(scores) > 1:
            advice = (
                f"The threshold is {matcher.scoring.threshold}; fit it first: "
                "model.fit_threshold(data)."
            )
        raise ValueError(
            "`data` must have pairs that the model decides about in different "
            "ways, else its accuracy says nothing of its scores. Received: "
            f"{len(labels)} pairs, all of them decided to be of class "
            f"{predicted[0]}. {advice}"
        )
    return "accuracy", float(np.mean(predicted == labels))


def _usual_length(matcher, data):
    """Tokens of the median pair, of a bi-encoder of the median passage."""
    packer = matcher.packer
    tokenize = packer.tokenizer.tokenize
    if matcher.embedding is None:
        lengths = packer.lengths(tokenize(data.text_a), tokenize(data.text_b))
        least = packer.lengths([[]], [[]])
    else:
        prompt = matcher.embedding.passage_prompt
        lengths = packer.lengths(packer.tokenize(data.text_b, prompt))
        least = packer.lengths(packer.tokenize([""], prompt))
    # With four tokens of texts at least: there are to be 32 different ones.
    length = max(int(np.median(lengths)), int(least[0]) + 4)
    return min(length, packer.sequence_length)


def _fastest(matchers, length):
    """Milliseconds by name and batch size."""
    times = {}
    for _ in range(_ROUNDS):
        for name, matcher in matchers.items():
            for size, repeats in _REPEATS.items():
                report = measure_latency(
                    matcher,
                    batch_sizes=[size],
                    lengths=[length],
                    repeats=repeats,
                )
                found = report.latencies[0].p50
                times[name, size] = min(found, times.get((name, size), found))
    return times
