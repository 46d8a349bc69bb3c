"""What in a report of data a user should look at, in sentences."""

from semmatch.tokenizers.packing import unknown_message

# Above this share of cut pairs, what is cut off moves the figures.
_MANY_CUT = 0.05

# Classes of which the largest has more than so many times the pairs of the
# smallest: accuracy then says little.
_IMBALANCE = 10

# An area of 0.5 is chance; true matches share more characters, not fewer.
_REVERSED = 0.4


def report_notes(report, skipped):
    """The notes of a report.

    Args:
        report: `DataReport`, still without notes.
        skipped: list of names of pairs, each with their `skipped` rows.

    Returns:
        A tuple of strings, sentences.
    """
    return (
        *_skipped(skipped),
        *_balance(report.class_counts),
        *_contradictions(report.repeats),
        *_leaks(report.shared),
        *_tokens(report.tokens, report.num_pairs),
        *_reversed(report.overlap),
    )


def _skipped(skipped):
    for name, rows in skipped:
        if rows:
            yield (
                f"Rows of {name} that the reader left out: {len(rows):,}, see "
                f"`Pairs.skipped`. The first is {rows[0]}"
            )


def _balance(counts):
    if counts is None:
        return
    if len(counts) == 1:
        yield (
            f"All labels are {next(iter(counts))}: there is nothing to tell "
            "apart."
        )
    smallest = min(counts, key=counts.__getitem__)
    largest = max(counts, key=counts.__getitem__)
    if counts[largest] > _IMBALANCE * counts[smallest]:
        yield (
            f"Label {largest} occurs {counts[largest]:,} times, label "
            f"{smallest} {counts[smallest]:,} times: look at F1 or average "
            "precision, not at accuracy."
        )


def _contradictions(repeats):
    count = repeats["any_order"].contradictions
    if count:
        yield (
            f"Pairs of texts with several labels, in any order: {count:,}. "
            "Some of these labels are wrong."
        )


def _leaks(shared):
    for name, found in shared.items():
        if found.pairs_any_order:
            yield (
                f"Pairs of {name} that stand in these pairs too, in any order: "
                f"{found.pairs_any_order:,}. Remove them from one of the two."
            )


def _tokens(tokens, num_pairs):
    if tokens is None:
        return
    if message := unknown_message(tokens.unknown_share):
        yield message
    share = tokens.num_cut / num_pairs
    if share > _MANY_CUT:
        yield (
            f"sequence_length={tokens.sequence_length} cuts {share:.1%} of "
            f"the pairs: {tokens.suggested_length} holds 99 %."
        )


def _reversed(overlap):
    if overlap is not None and overlap.auc < _REVERSED:
        yield (
            "Pairs of label 1 share fewer characters than those of label 0 "
            f"(AUC {overlap.auc:.4f}): the labels may be the wrong way round."
        )
