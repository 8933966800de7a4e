"""What a benchmark says, and the table that it is said in. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement, held against a baseline that was measured in the same run.

    Attributes:
        name: What was measured.
        value: The measurement, in `unit`.
        unit: ms, B, MB…
        baseline: The same quantity of what `against` names.
        against: What the baseline is.
        most: The most that `value` may be, or None where no bound is promised.
        most_ratio: The most that `value / baseline` may be, or None.
    """

    name: str
    value: float
    unit: str
    baseline: float
    against: str
    most: float | None = None
    most_ratio: float | None = None

    @property
    def ratio(self) -> float | None:
        """`value / baseline`; None where the baseline is 0."""
        return self.value / self.baseline if self.baseline else None

    @property
    def kept(self) -> bool | None:
        """Whether the promised bounds are kept; None where none is promised."""
        if self.most is None and self.most_ratio is None:
            return None
        below = self.most is None or self.value <= self.most
        ratio = self.ratio
        return below and (self.most_ratio is None or (ratio is not None and ratio <= self.most_ratio))

    @property
    def bound(self) -> str:
        """The promise in words: `≤ 1000 B`, `≤ 1.8 ×`, or nothing."""
        parts = []
        if self.most is not None:
            parts.append(f"≤ {number(self.most)} {self.unit}")
        if self.most_ratio is not None:
            parts.append(f"≤ {self.most_ratio:g} ×")
        return ", ".join(parts)


def number(value: float) -> str:
    """Returns three significant digits without an exponent: `0.0123`, `4.56`, `78.9`, `12345`."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:.0f}"
    digits = 2
    size = abs(value)
    while size < 1:
        size *= 10
        digits += 1
    while size >= 10:
        size /= 10
        digits -= 1
    return f"{value:.{digits}f}"


def middle(values: Sequence[float]) -> float:
    """Returns the median; 0 for no values at all."""
    return median(values) if values else 0.0


def late(values: Sequence[float]) -> float:
    """Returns the 95th percentile: what all but one in twenty keep below; 0 for no values at all."""
    return sorted(values)[max(0, math.ceil(0.95 * len(values)) - 1)] if values else 0.0


def table(rows: Sequence[Row]) -> str:
    """Returns the rows as a table of fixed columns, one line a row."""
    lines = [("benchmark", "measured", "baseline", "ratio", "promised", "", "baseline is")]
    for row in rows:
        ratio = "–" if row.ratio is None else f"{row.ratio:.2f} ×"
        verdict = {None: "", True: "kept", False: "BROKEN"}[row.kept]
        measured = f"{number(row.value)} {row.unit}"
        baseline = f"{number(row.baseline)} {row.unit}"
        lines.append((row.name, measured, baseline, ratio, row.bound, verdict, row.against))
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    right = {1, 2, 3}
    return "\n".join(
        "  ".join(
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
