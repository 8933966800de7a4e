"""The tables of a run's maps: levels folded into rows, with what each row takes and gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from llm_linalg.base.text import CleanText, clean
from tui.compose.key_budget import exceeds_key
from tui.compose.stop_nodes import navigation_at
from tui.model.change_table import change_facts
from tui.model.map_table import SORTS, TABLES, MapTable, TableRow, facts_of, sort_key
from tui.navigation.map_moves import current_box
from tui.text.glyphs import ascii_text

if TYPE_CHECKING:
    from llm_linalg.analysis.block_diagram import BlockDiagram, DiagramBox
    from llm_linalg.analysis.comparison import Comparison
    from llm_linalg.analysis.summary import Cost
    from llm_linalg.api.node import Node
    from llm_linalg.api.trace import Trace
    from tui.compose.nodes import NodeNavigation
    from tui.compose.passes import Passes
    from tui.model.view import View

Path = tuple[str, ...]
LABEL = 40  # characters of a label


class MapTables:
    """What the operations of a run take and give, found once for each pass, and tables of it.

    Args:
        passes: The forward and the backward pass of the run.
        comparison: What differs between the run's trace and another.
    """

    def __init__(self, passes: Passes, comparison: Comparison[Node] | None = None) -> None:
        self._passes = passes
        self._comparison = comparison
        self._costs: dict[Trace, Mapping[Node, Cost]] = {}
        self._wholes: dict[tuple[Trace | None, Path], Mapping[str, Any]] = {}
        self._rows: dict[tuple[Trace, Path, bool], tuple[TableRow, ...]] = {}

    def awaits(self, view: View) -> bool:
        """Return whether a view shows a table of what is not yet known, and takes a while to find out."""
        trace = self._passes.of(view)
        costs = self._is_table(view) and view.look != "changes"
        return costs and trace is not None and trace not in self._costs and exceeds_key(trace)

    def find(self, view: View, halt: Callable[[], bool] | None = None) -> None:
        """Find out what a view's table shows; what `halt` stops stays unknown."""
        from llm_linalg.analysis.summary import Cost, Extremes, costs_of

        trace = self._passes.of(view)
        if trace is None or trace in self._costs:
            return
        given = [node for node in trace.nodes if node.call is None and node.op != "parameter"]
        inputs = {node: Cost(0, 0, 0.0, None if node.dropped else Extremes.of(node.value)) for node in given}
        timed = view.lesson.external is not None  # a lesson's frames are the same each time
        self._costs[trace] = inputs | costs_of(trace.nodes, halt, timed=timed)

    def navigation(self, view: View) -> NodeNavigation:
        """Return what the player must know about a view's node; in a table its moves are from row to row.

        Raises:
            LookupError: For a path that isn't there, with the nearest spelling.
        """
        trace = self._passes.of(view)
        known = navigation_at(view, trace)
        if trace is None or known.map is None or not self._is_table(view) or self.awaits(view):
            return known
        return replace(known, table=lambda path: [row.boxes for row in self._sorted(view, path)])

    def table(self, view: View, ascii_only: bool) -> MapTable | None:
        """Return the table that a view shows; None where it shows the diagram."""
        if not self._is_table(view) or self.awaits(view):
            return None
        *path, name = current_box(view, self.navigation(view))
        rows = self._sorted(view, tuple(path))
        place = next(k for k, row in enumerate(rows) if name in row.boxes)
        if ascii_only:
            rows = tuple(replace(row, label=ascii_text(row.label)) for row in rows)
        whole = self._wholes.get((self._passes.of(view), tuple(path)))
        return MapTable(view.look, rows, place, view.sort, clean(name, LABEL), whole)

    def _sorted(self, view: View, path: Path) -> tuple[TableRow, ...]:
        trace = self._passes.of(view)
        if trace is None:
            return ()
        changes = None if view.look != "changes" else self._comparison
        key = trace, path, changes is not None
        if key not in self._rows and changes is not None:
            self._rows[key] = tuple(_changes(trace.map, path, changes))
        elif key not in self._rows:
            self.find(view)
            self._rows[key] = tuple(_rows(trace.map, path, self._costs[trace]))
            self._wholes[trace, path] = _whole(trace.map, path, self._costs[trace])
        rows = self._rows[key]
        if view.sort not in SORTS or view.sort not in rows[0].facts:
            return rows
        return tuple(sorted(rows, key=lambda row: sort_key(row.facts, view.sort)))

    def _is_table(self, view: View) -> bool:
        """Return whether a view shows the map as a table."""
        compared = self._comparison is not None and not view.backward
        return view.depth == "map" and view.look in TABLES and (view.look != "changes" or compared)


def _changes(diagram: BlockDiagram[Node], path: Path, comparison: Comparison[Node]) -> Iterator[TableRow]:
    """Yield a row for each box of a level: what differs in it."""
    for box in diagram.level(path).boxes:
        if not box.foreign:
            facts = change_facts(comparison, box.nodes) | {"shape": box.node.shape, "dtype": box.node.dtype}
            yield TableRow(clean(box.label, LABEL), (box.name,), box.scope is not None, facts)


def _whole(diagram: BlockDiagram[Node], path: Path, costs: Mapping[Node, Cost]) -> Mapping[str, Any]:
    """Return the facts of all boxes of a level together."""
    from llm_linalg.analysis.summary import MODULE, row_of

    boxes = [box for box in diagram.level(path).boxes if not box.foreign]
    nodes = [node for box in boxes for node in box.nodes if node in costs]
    return facts_of(row_of("", MODULE, nodes or [boxes[-1].node], costs))


def _rows(diagram: BlockDiagram[Node], path: Path, costs: Mapping[Node, Cost]) -> Iterator[TableRow]:
    """Yield the rows of a level: boxes that stand side by side and do the same are one."""
    from llm_linalg.analysis.summary import MODULE, row_of

    level = diagram.level(path)
    for run in _folded([box for box in level.boxes if not box.foreign]):
        nodes = [node for box in run for node in box.nodes if node in costs]
        row = row_of(run[0].name, MODULE, nodes or [run[0].node], costs)
        yield TableRow(_label(run), tuple(box.name for box in run), run[0].scope is not None, facts_of(row))


def _folded(boxes: list[DiagramBox[Node]]) -> Iterator[list[DiagramBox[Node]]]:
    from llm_linalg.analysis.summary import alike_runs

    for is_operation, group in groupby(boxes, lambda box: box.scope is None):
        run = list(group)
        if is_operation:
            yield from ([box] for box in run)
            continue
        for alike in alike_runs([box.scope for box in run if box.scope is not None]):
            yield run[: len(alike)]
            del run[: len(alike)]


def _label(run: list[DiagramBox[Node]]) -> CleanText:
    """Return what boxes are called: `block:1…12 ×12`."""
    first = run[0].label
    if len(run) == 1:
        return clean(first, LABEL)
    return clean(f"{clean(first, LABEL)}…{clean(run[-1].label.rpartition(':')[2], LABEL)} ×{len(run)}")
