"""How long a deploy folder takes, for people and for files."""

import dataclasses

from semmatch.evaluation.text_table import text_table
from semmatch.serving.latency_plot import plot_latency


@dataclasses.dataclass(frozen=True)
class Latency:
    """Milliseconds of calls that are all alike.

    Attributes:
        batch_size: int, pairs or texts of a call.
        length: int, tokens of each, special ones included.
        p50: float, the median from strings to scores.
        p95: float, what 95 % of the calls did not take longer than.
        p99: float, and 99 %.
        graph_p50: float, the median of what the graph alone took of it.
        graph_p95: float.
        graph_p99: float.
        per_second: float, pairs or texts.
    """

    batch_size: int
    length: int
    p50: float
    p95: float
    p99: float
    graph_p50: float
    graph_p95: float
    graph_p99: float
    per_second: float


@dataclasses.dataclass(frozen=True)
class LatencyReport:
    """What `measure_latency` measured; `str` of it is a text table.

    Attributes:
        kind: `"cross_encoder"`, of pairs, or `"bi_encoder"`, of texts.
        provider: string, with its version.
        num_threads: int, threads of one computation.
        processor: string.
        repeats: int, calls that each figure is of.
        latencies: tuple of `Latency`.

    >>> latency = Latency(8, 40, 9.0, 9.5, 12.0, 8.0, 8.4, 11.0, 870.0)
    >>> print(
    ...     LatencyReport(
    ...         "cross_encoder", "onnxruntime 1.20.0", 2, "x86_64", 100,
    ...         (latency,),
    ...     )
    ... )
    cross_encoder, onnxruntime 1.20.0, 2 threads, x86_64
    milliseconds of 100 calls: from strings to scores, and the graph alone
    <BLANKLINE>
    pairs x tokens   p50   p95    p99  graph p50  graph p95  graph p99  pairs/s
    8 x 40          9.00  9.50  12.00       8.00       8.40      11.00      870
    """

    kind: str
    provider: str
    num_threads: int
    processor: str
    repeats: int
    latencies: tuple[Latency, ...]

    @property
    def rows(self):
        """What a batch is of, `"pairs"` or `"texts"`."""
        return "pairs" if self.kind == "cross_encoder" else "texts"

    @property
    def setting(self):
        """What computed and on how many threads, as a string."""
        threads = "thread" if self.num_threads == 1 else "threads"
        return f"{self.provider}, {self.num_threads} {threads}"

    def __str__(self):
        rows = self.rows
        result = "scores" if rows == "pairs" else "vectors"
        names = [
            f"{graph}p{p}" for graph in ("", "graph_") for p in (50, 95, 99)
        ]
        titles = [name.replace("_", " ") for name in names]
        table = [[f"{rows} x tokens", *titles, f"{rows}/s"]]
        for latency in self.latencies:
            figures = [f"{getattr(latency, name):.2f}" for name in names]
            table.append(
                [
                    f"{latency.batch_size} x {latency.length}",
                    *figures,
                    f"{latency.per_second:,.0f}",
                ]
            )
        return (
            f"{self.kind}, {self.setting}, {self.processor}\n"
            f"milliseconds of {self.repeats:,} calls: from strings to "
            f"{result}, and the graph alone\n\n{text_table(table)}"
        )

    def to_dict(self):
        """The report as JSON types."""
        record = dataclasses.asdict(self)
        return {**record, "latencies": list(record["latencies"])}

    def plot(self, path):
        """Writes a picture of times and rates, see `plot_latency`.

        Args:
            path: str or path ending in `.png`; missing folders are made.

        Returns:
            `pathlib.Path` of the picture.

        Raises:
            ImportError: without matplotlib.
            ValueError: for another kind of file.
        """
        return plot_latency(self, path)
