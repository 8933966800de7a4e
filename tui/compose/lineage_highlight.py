"""The lineage of a cell through the whole program: all that it depends on or feeds, with derivatives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from llm_linalg.lessons.stop import FollowedCell
from tui.compose.captions import cell_name
from tui.compose.key_budget import exceeds_key
from tui.model.frame import CellMark, Index

if TYPE_CHECKING:
    from llm_linalg.api.node import Node
    from llm_linalg.api.trace import Trace
    from llm_linalg.base.cells import Cells
    from llm_linalg.recording.record_node import Value
    from tui.model.view import View


@dataclass(frozen=True, slots=True, eq=False)
class FollowedCells:
    """A cell that is followed through a program.

    Attributes:
        start: The cell, and which way it is followed.
        node: Its node.
        cells: The cells on the way, by node.
        influence: The derivatives, by node of real numbers on the way.
    """

    start: FollowedCell
    node: Node
    cells: Mapping[Node, Cells]
    influence: Mapping[Node, Value]
    _steepest: dict[Node, float | None] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """The cell as it is written: `logits[4, 2]`."""
        return _cell_of(self.node, self.start.position)

    @property
    def mark(self) -> CellMark:
        """What a cell on the way is."""
        return CellMark.SOURCE if self.start.way == "lineage" else CellMark.CONSUMER

    def steepest(self, node: Node) -> float | None:
        """Return the largest derivative, in size, of a node's cells on the way; None where there is none."""
        if node not in self._steepest:
            from llm_linalg.ops.reads import values_at

            gradient, cells = self.influence.get(node), self.cells.get(node)
            slopes = None if gradient is None or not cells else values_at(gradient, cells)
            self._steepest[node] = None if slopes is None else float(slopes.double().abs().max())
        return self._steepest[node]

    def slope(self, node: Node, index: Index) -> float | None:
        """Return the derivative by (or of) one cell of a node; None off the way, or where there is none."""
        gradient = self.influence.get(node)
        return None if gradient is None or index not in self.cells.get(node, ()) else float(gradient[index])

    def about(self, node: Node, index: Index) -> str:
        """Return how the followed cell and another depend on each other."""
        back = self.start.way == "lineage"
        other = _cell_of(node, index)
        if index not in self.cells.get(node, ()):
            return f"{self.name} does not depend on it" if back else f"{self.name} does not feed it"
        slope = self.slope(node, index)
        if slope is None:
            real = all(one.value.is_floating_point() for one in (self.node, node))
            relation = f"{self.name} {'depends on' if back else 'feeds'} it"
            return f"{relation}; torch has no derivative of that" if real else relation
        above, below = (self.name, other) if back else (other, self.name)
        return f"∂{above} / ∂{below} = {slope:.6g}"


class Lineages:
    """The lineages that views light in a program, each computed once.

    Args:
        trace: The program's trace; None if it failed.
    """

    def __init__(self, trace: Trace | None) -> None:
        self._trace = trace
        self._results: dict[FollowedCell, FollowedCells | str] = {}

    def of(self, view: View, halt: Callable[[], bool] | None = None) -> FollowedCells | None:
        """Return the cells that a view follows through the program; None if it follows none, or can't.

        Args:
            view: The view.
            halt: Asked on the way whether to stop; what was stopped stays refused.
        """
        result = self._result(view, halt)
        return None if isinstance(result, str) else result

    def refusal(self, view: View) -> str:
        """Return why the cell that a view follows can't be followed; empty if it can, as far as is known."""
        result = None if self.awaits(view) else self._result(view)
        return result if isinstance(result, str) else ""

    def awaits(self, view: View) -> bool:
        """Return whether a view follows a cell that is not yet followed, which takes a while."""
        start = view.follows
        if self._trace is None or start is None or view.backward or start in self._results:
            return False
        return self._exceeds_key and not follow_refusal(start, self._trace)

    @cached_property
    def _exceeds_key(self) -> bool:
        return exceeds_key(self._trace)

    def _result(self, view: View, halt: Callable[[], bool] | None = None) -> FollowedCells | str | None:
        from llm_linalg.base.errors import HaltedError

        start = view.follows
        if start is None or self._trace is None or view.backward:
            return None
        if start not in self._results:
            try:
                self._results[start] = follow_cell(start, self._trace, halt)
            except LookupError as error:
                self._results[start] = str(error.args[0])
            except HaltedError:
                self._results[start] = "Stopped: the cell was not followed to its ends."
        return self._results[start]


def _cell_of(node: Node, index: Index) -> str:
    return cell_name(node.title_of_cells if index else node.title, index)


def follow_cell(start: FollowedCell, trace: Trace, halt: Callable[[], bool] | None = None) -> FollowedCells:
    """Return a cell, and what lies on its way through a program.

    Raises:
        HaltedError: If `halt` stopped it.
        LookupError: If there is no such cell, or values were dropped; one line says which.
    """
    refusal = follow_refusal(start, trace)
    if refusal:
        raise LookupError(refusal)
    node = trace.node_named(start.name)
    back = start.way == "lineage"
    cells: Mapping[Node, Cells]
    if back:
        cells = trace.lineage(node, start.position, halt=halt)
    else:
        cells = trace.reach(node, start.position, halt)
    real = node.value.is_floating_point()
    slopes: Mapping[Node, Value] = {}
    if real and back:
        with suppress(LookupError):  # torch keeps no graph under no_grad
            slopes = trace.influence(node, start.position, halt, partial=True)
    elif real:
        slopes = trace.effect(node, start.position, halt)
    influence = {own: slope for own, slope in slopes.items() if slope.is_floating_point()}
    return FollowedCells(start, node, cells, influence)


def follow_refusal(start: FollowedCell, trace: Trace) -> str:
    """Return what is known at once to speak against following a cell; empty if nothing is."""
    try:
        node = trace.node_named(start.name)
    except LookupError as error:
        return str(error.args[0])
    if len(start.position) != len(node.shape) or any(
        not 0 <= i < n for i, n in zip(start.position, node.shape, strict=True)
    ):
        return f"{node.name} has shape {node.shape}: there is no cell {list(start.position)}"
    if trace.dropped:
        return "Some values of this run were dropped, so no cell can be followed through it."
    return ""
