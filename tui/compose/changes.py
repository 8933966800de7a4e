"""A node of two traces beside each other: its numbers here, there, and their difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from llm_linalg.base.axis_labels import TensorLabels
from llm_linalg.base.cells import TensorSlice
from tui.compose.format_cache import FormatCache
from tui.compose.highlights import Highlight
from tui.compose.panels import PanelStyle, make_panel
from tui.compose.placement import plain_placement
from tui.model.frame import Frame, Number, Panel

if TYPE_CHECKING:
    from llm_linalg.analysis.comparison import Comparison
    from llm_linalg.api.node import Node
    from llm_linalg.recording.record_node import Value


@dataclass(frozen=True, slots=True, eq=False)
class ComparedTensor:
    """A tensor of another trace, a `PanelTensor`."""

    title: str
    title_of_cells: str
    value: Value
    axis_names: TensorLabels

    @property
    def name(self) -> str:
        """Its title: the cell cursor stays on the trace's own tensors."""
        return self.title

    def window(self, matrix: TensorSlice, rows: range, columns: range) -> Sequence[Sequence[Number | None]]:
        """Return the numbers of a window."""
        from llm_linalg.api.tensor_view import numbers_in

        return numbers_in(self.value, matrix, rows, columns)


def beside_twin(
    frame: Frame, node: Node, comparison: Comparison[Node], cache: FormatCache, *, ascii_only: bool
) -> Frame:
    """Return the frame of a node with its result, the other trace's, and the difference of both."""
    twin = comparison.twins[node]
    result = next(panel for panel in frame.stage.panels if panel.role == "result")
    edges = result.edges if twin.shape == node.shape else ()
    others = [ComparedTensor("there", "there", twin.value, edges)]
    gap = comparison.gap(node)
    if gap is not None:
        others.append(ComparedTensor("there - here", "difference", gap, edges))
    panels = [_panel(tensor, result, cache, ascii_only=ascii_only) for tensor in others]
    own = replace(result, sign="")
    stage = frame.stage._replace(panels=(own, *panels), arrangement="row", look="changes")
    return replace(frame, stage=stage)


def _panel(tensor: ComparedTensor, result: Panel, cache: FormatCache, *, ascii_only: bool) -> Panel:
    """Return the panel of a tensor at the slice of the result, what is in view there in view here."""
    rank = len(tensor.value.shape)
    at = result.at if rank == len(result.shape) else (0,) * max(0, rank - 2)
    at = tuple(min(place, size - 1) for place, size in zip(at, tensor.value.shape, strict=False))
    style = PanelStyle(cache, cache.scale(tensor.value), ascii_only)
    panel = make_panel(tensor, plain_placement("operand", rank), at, Highlight(), style)
    return replace(panel, focus_rows=result.focus_rows, focus_columns=result.focus_columns)
