"""What an export gave, for people."""

import dataclasses

from semmatch.export.quantization_trials import QuantizationTrial
from semmatch.export.quantization_trials import trials_table


@dataclasses.dataclass(frozen=True)
class ExportReport:
    """What an export gave; `str` of it is a line, and a table of trials.

    Attributes:
        max_difference: float, the largest difference between a score of the
            exported model and of the float32 model, on random pairs.
        seconds: float, duration of the export, the check included.
        bytes: int, size of the folder.
        max_vector_difference: float, the largest difference of a component of
            a vector, as a share of the vector's length; None of a
            cross-encoder.
        quantization: `"int8"`, `"int8-static"` or None, for float32: what was
            written.
        trials: tuple of `QuantizationTrial`, what was measured on labelled
            pairs to choose or to admit it; empty if nothing was.

    >>> print(ExportReport(2e-6, 3.2, 2**20))
    float32, 1.0 MiB in 3.2 s, largest difference of a score 2e-06
    """

    max_difference: float
    seconds: float
    bytes: int
    max_vector_difference: float | None = None
    quantization: str | None = None
    trials: tuple[QuantizationTrial, ...] = ()

    def __str__(self):
        text = (
            f"{self.quantization or 'float32'}, {self.bytes / 2**20:.1f} MiB "
            f"in {self.seconds:.1f} s, largest difference of a score "
            f"{self.max_difference:.0e}"
        )
        if self.max_vector_difference is not None:
            text += f", of a vector {self.max_vector_difference:.0e}"
        if self.trials:
            text += f"\n\n{trials_table(self.trials, self.quantization)}"
        return text
