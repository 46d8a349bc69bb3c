"""Calibration and thresholds of a trained cross-encoder on QA_corpus.

    python benchmarks/scores.py --model runs/qa_corpus/seed-0/preset

Temperature and thresholds are chosen on valid and read on test. The model is
exported, and its `Matcher` has to decide as the model does on all test pairs.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from semmatch import CrossEncoder
from semmatch import export_onnx
from semmatch import Matcher
from semmatch import read_pairs
from semmatch.evaluation import brier_score
from semmatch.evaluation import expected_calibration_error
from semmatch.evaluation.report import wilson_interval


def main():
    shared = Path(__file__).resolve().parents[2] / "shared"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=shared / "data/qa_corpus")
    parser.add_argument("--precision", type=float, default=0.95)
    options = parser.parse_args()

    model = CrossEncoder.from_preset(options.model)
    valid = read_pairs(options.data / "valid")
    test = read_pairs(options.data / "test")
    before = model.score(test)
    calibration = model.fit_temperature(valid)
    print(f"temperature {calibration.temperature:.3f}, chosen on valid")
    print_calibration("valid", calibration)
    after = model.score(test)
    print(
        f"test   expected calibration error {ece(test, before):.4f} to "
        f"{ece(test, after):.4f}, Brier score "
        f"{brier_score(test.label, before):.4f} to "
        f"{brier_score(test.label, after):.4f}"
    )
    for by, at in [
        ("accuracy", None),
        ("f1", None),
        ("precision", options.precision),
        ("fpr", 0.05),
    ]:
        chosen = model.fit_threshold(valid, by=by, at=at)
        print_threshold(by, at, chosen, test, after)
    model.fit_threshold(valid, by="precision", at=options.precision)
    print_decisions(model, test)


def ece(pairs, scores):
    return expected_calibration_error(pairs.label, scores)


def print_calibration(split, calibration):
    print(
        f"{split:6} expected calibration error {calibration.ece_before:.4f} "
        f"to {calibration.ece_after:.4f}, Brier score "
        f"{calibration.brier_before:.4f} to {calibration.brier_after:.4f}"
    )


def print_threshold(by, at, chosen, pairs, scores):
    """The figure that a threshold was chosen by, on test."""
    matches = scores >= np.float32(chosen.value)
    positive = pairs.label == 1
    right = int((matches & positive).sum())
    low, high = wilson_interval(right, int(matches.sum()))
    wanted = by if at is None else f"{by} {at}"
    print(
        f"{wanted:15} from {chosen.value:.4f} on: valid precision "
        f"{chosen.precision:.4f} recall {chosen.recall:.4f} false positive "
        f"rate {chosen.fpr:.4f}; test precision "
        f"{right / matches.sum():.4f} ({low:.4f} to {high:.4f}) recall "
        f"{right / positive.sum():.4f} accuracy "
        f"{(matches == positive).mean():.4f} false positive rate "
        f"{(matches & ~positive).sum() / (~positive).sum():.4f}"
    )


def print_decisions(model, pairs):
    """How many pairs the exported model decides as the model does."""
    with tempfile.TemporaryDirectory() as folder:
        export_onnx(model, Path(folder) / "deploy")
        matcher = Matcher(Path(folder) / "deploy")
        scores, others = model.score(pairs), matcher.score(pairs)
    same = [
        model.scoring.band(one) == matcher.scoring.band(two)
        for one, two in zip(scores, others, strict=True)
    ]
    apart = np.abs(scores - others).max()
    print(
        f"Matcher decides {sum(same):,} of {len(same):,} pairs as the model "
        f"does; largest difference of a score {apart:.1e}"
    )


if __name__ == "__main__":
    main()
