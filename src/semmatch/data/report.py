"""One record of what is in a set of pairs, for people and for files."""

import dataclasses

import numpy as np

from semmatch.data.lengths import count_characters
from semmatch.data.lengths import count_tokens
from semmatch.data.lengths import TokenCounts
from semmatch.data.overlap import overlap_floor
from semmatch.data.overlap import OverlapFloor
from semmatch.data.repeats import count_repeats
from semmatch.data.repeats import count_shared
from semmatch.data.report_notes import report_notes
from semmatch.evaluation.text_table import text_table


@dataclasses.dataclass(frozen=True)
class LabelRange:
    """Graded labels: floats `minimum`, `mean` and `maximum`."""

    minimum: float
    mean: float
    maximum: float


@dataclasses.dataclass(frozen=True, eq=False)
class DataReport:
    """What `Pairs.report` found; `str` of it is a set of text tables.

    Attributes:
        num_pairs: int.
        class_counts: a dict from each class, as a string, to its pairs; None
            for graded labels and without labels.
        label_range: `LabelRange` of graded labels, else None.
        characters: a dict of `Lengths`: of `text_a`, of `text_b` and of
            `both` together. Percentiles are lengths that occur: `p90` is the
            smallest that holds 90 % of the pairs.
        tokens: `TokenCounts`, or None without a preprocessor.
        repeats: a dict of `Repeats`: `in_order`, and `any_order` where the
            two texts of a pair may be swapped. A duplicate is a row whose
            texts stand in an earlier row, with the same label or another
            one; a contradiction is a pair of texts that occurs with several
            labels. White space around a text does not count.
        shared: a dict from the name of another split to `Shared`: its pairs
            and distinct texts that stand in these pairs.
        overlap: `OverlapFloor`, what shared characters alone tell of the
            labels; None unless these are both 0 and 1.
        notes: tuple of strings, sentences on what to look at.
    """

    num_pairs: int
    class_counts: dict | None
    label_range: LabelRange | None
    characters: dict
    tokens: TokenCounts | None
    repeats: dict
    shared: dict
    overlap: OverlapFloor | None
    notes: tuple = ()

    def __str__(self):
        parts = [
            self._labels(),
            self._lengths(),
            self._repeats(),
            self._overlap(),
            "\n".join(f"! {note}" for note in self.notes),
        ]
        return "\n\n".join(part for part in parts if part)

    def _labels(self):
        total = f"{self.num_pairs:,}"
        if self.class_counts is not None:
            rows = [["label", "pairs", "share"]]
            for name, count in self.class_counts.items():
                share = f"{count / self.num_pairs:.1%}"
                rows.append([name, f"{count:,}", share])
            return text_table([*rows, ["all", total, "100.0%"]])
        if self.label_range is None:
            return f"{total} pairs without labels"
        low, high = self.label_range.minimum, self.label_range.maximum
        return (
            f"{total} pairs, labels from {low:g} to {high:g} with a mean of "
            f"{self.label_range.mean:g}"
        )

    def _lengths(self):
        rows = [["length", "50%", "90%", "95%", "99%", "max"]]
        columns = {
            f"characters, {name}": lengths
            for name, lengths in self.characters.items()
        }
        if self.tokens is not None:
            columns["tokens, packed"] = self.tokens.lengths
        for name, lengths in columns.items():
            rows.append([name, *map(str, dataclasses.astuple(lengths))])
        if self.tokens is None:
            return text_table(rows)
        tokens = self.tokens
        return "\n".join(
            [
                text_table(rows),
                f"sequence_length={tokens.sequence_length} cuts "
                f"{tokens.num_cut:,} pairs, {tokens.suggested_length} holds "
                f"99% of all; {tokens.unknown_share:.2%} unknown tokens",
            ]
        )

    def _repeats(self):
        orders = self.repeats["in_order"], self.repeats["any_order"]
        rows = [
            ["pairs", "in order", "any order"],
            ["duplicates", *(f"{found.duplicates:,}" for found in orders)],
            ["contradictions", *(f"{o.contradictions:,}" for o in orders)],
        ]
        for name, found in self.shared.items():
            counts = found.pairs_in_order, found.pairs_any_order
            rows.append([f"shared with {name}", *(f"{n:,}" for n in counts)])
        texts = [
            f"{found.texts:,} of the {found.num_texts:,} texts of {name} "
            "stand here too"
            for name, found in self.shared.items()
        ]
        return "\n".join([text_table(rows), *texts])

    def _overlap(self):
        if self.overlap is None:
            return ""
        return (
            f"by shared characters alone: accuracy {self.overlap.accuracy:.4f} "
            f"(1 if overlap >= {self.overlap.threshold:.4f}), AUC "
            f"{self.overlap.auc:.4f}"
        )

    def to_dict(self):
        """The report as JSON types."""
        return {**dataclasses.asdict(self), "notes": list(self.notes)}


def data_report(pairs, preprocessor, others):
    """Builds the report; see `Pairs.report`."""
    if not len(pairs):
        raise ValueError("`pairs` is empty: there is nothing to report.")
    counts, label_range = _summarise(pairs.label)
    tokens = None
    if preprocessor is not None:
        tokens = count_tokens(pairs, preprocessor)
    report = DataReport(
        num_pairs=len(pairs),
        class_counts=counts,
        label_range=label_range,
        characters=count_characters(pairs),
        tokens=tokens,
        repeats=count_repeats(pairs),
        shared=count_shared(pairs, others),
        overlap=overlap_floor(pairs),
    )
    skipped = [("these pairs", pairs.skipped)]
    skipped += [(name, other.skipped) for name, other in others.items()]
    return dataclasses.replace(report, notes=report_notes(report, skipped))


def _summarise(label):
    """The counts of classes, or the range of graded labels."""
    if label is None:
        return None, None
    if label.dtype.kind == "i":
        classes, counts = np.unique(label, return_counts=True)
        names = map(str, classes.tolist())
        return dict(zip(names, counts.tolist(), strict=True)), None
    mean = label.mean(dtype="float64")
    return None, LabelRange(*map(float, (label.min(), mean, label.max())))
