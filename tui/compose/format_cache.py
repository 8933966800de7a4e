"""A cache for one run: the number formats and the largest values of its tensors."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from llm_linalg.base.numbers import Formatter, tiny
from tui.compose.row_summaries import row_summary
from tui.model.frame import Number

if TYPE_CHECKING:
    from llm_linalg.api.node_view import NodeView
    from llm_linalg.recording.record_node import Value


TINY = 5e-5  # what four decimals show as 0


@dataclass(frozen=True, slots=True, eq=False)
class Formats:
    """The numbers of one tensor as text: a formatter for each number of decimals."""

    tensor: Value
    extent: float
    ascii_only: bool
    by_decimals: dict[int, Formatter] = field(default_factory=dict)

    def width(self, decimals: int) -> int:
        """Return the columns of the tensor's widest number."""
        return self._at(decimals).width

    def text(self, value: Number, decimals: int) -> str:
        """Return a number, right-aligned."""
        formatter = self._at(decimals)
        text = formatter.text(value)
        hidden = 0 < abs(value) < TINY
        return tiny(value, text, formatter.width).rjust(formatter.width) if hidden else text

    def _at(self, decimals: int) -> Formatter:
        if decimals not in self.by_decimals:
            short = decimals < 4 and str(self.tensor.dtype) == "torch.bool"
            self.by_decimals[decimals] = Formatter.of(
                self.tensor,
                decimals,
                limit=1 if short else 12,  # True and False become T and F where room is short
                scientific=False if 1e-3 <= self.extent < 1e5 else None,
                ascii_only=self.ascii_only,
            )
        return self.by_decimals[decimals]


@dataclass(slots=True, eq=False)
class FormatCache:
    """Caches of one run, by tensor."""

    formats: dict[tuple[int, bool], Formats] = field(default_factory=dict)
    largest: dict[int, tuple[Value, float]] = field(default_factory=dict)
    scales: dict[int, tuple[Value, float]] = field(default_factory=dict)
    zeroing: dict[int, tuple[Value, bool]] = field(default_factory=dict)
    row_summaries: dict[tuple[int, str], tuple[Value, Value]] = field(default_factory=dict)

    def numbers(self, tensor: Value, ascii_only: bool) -> Formats:
        """Return the formats of a tensor."""
        key = (id(tensor), ascii_only)
        if key not in self.formats:  # an entry keeps its tensor alive, so that its id stays its own
            self.formats[key] = Formats(tensor, self.extent(tensor), ascii_only)
        return self.formats[key]

    def scale(self, tensor: Value) -> float:
        """Return the magnitude at which the colours of a tensor end: 1 of probabilities, else its largest."""
        from llm_linalg.analysis.value_traits import is_distribution

        if id(tensor) not in self.scales:
            size = 1.0 if tensor.dim() and is_distribution(tensor) else self.extent(tensor)
            self.scales[id(tensor)] = (tensor, size)
        return self.scales[id(tensor)][1]

    def row_summary(self, tensor: Value, kind: str) -> Value:
        """Return a reduction of a tensor's last axis."""
        key = (id(tensor), kind)
        if key not in self.row_summaries:
            self.row_summaries[key] = tensor, row_summary(kind, tensor.detach())
        return self.row_summaries[key][1]

    def masks_to_zero(self, node: NodeView) -> bool:
        """Return whether an operation is a mask that sets a cell to 0."""
        tensor = node.result.value
        if node.node.kind != "mask" or not tensor.numel():
            return False
        if id(tensor) not in self.zeroing:
            self.zeroing[id(tensor)] = (tensor, node.masks_to_zero())
        return self.zeroing[id(tensor)][1]

    def extent(self, tensor: Value) -> float:
        """Return the largest finite magnitude in a tensor; 0 if there is none."""
        if id(tensor) not in self.largest:
            values = tensor.detach().abs().double() if tensor.is_complex() else tensor.detach().double().abs()
            values = values[values.isfinite()]
            self.largest[id(tensor)] = (tensor, float(values.max()) if values.numel() else 0.0)
        return self.largest[id(tensor)][1]


def level_of(value: Number | None, extent: float) -> float | None:
    """Return a value over the range −extent to extent, as −1 … 1; None if it is no finite real number."""
    if value is None or isinstance(value, complex) or not extent:
        return None
    number = float(value)
    return None if not math.isfinite(number) else max(-1.0, min(1.0, number / extent))
