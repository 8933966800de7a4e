"""A program that was run for a view: makes the frame of any step, order, node or cursor of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import TYPE_CHECKING

from llm_linalg.lesson_stop import Asked
from tui.frame import Frame, Panel
from tui.player import last, order_of
from tui.stage import cursor
from tui.stage.error_frame import repaired, repairs
from tui.stage.format_cache import FormatCache
from tui.stage.frames import failed_frame, map_frame, node_frame
from tui.stage.lineage_highlight import FollowedCells, light_of
from tui.stage.maps import BoxRows
from tui.stage.nodes import NodeNavigation, find, path_of, top_node
from tui.stage.torch_code import torch_code
from tui.view import View

if TYPE_CHECKING:
    from llm_linalg.api.node import Node
    from llm_linalg.api.trace import Trace
    from llm_linalg.errors import ProgramError
    from llm_linalg.lesson import LessonError
    from llm_linalg.naming import Naming
    from llm_linalg.node import Value

AT_A_KEY = 500  # operations whose gradient program is made while one waits for a key
MOST_BACKWARD = 30_000  # operations that have one at all


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A program that was run, or failed, for a view: makes the frame of any step, order, node or cursor."""

    view: View
    trace: Trace | None
    error: ProgramError | None
    good: Run | None  # what was open before, if this failed
    operands: tuple[Value | None, ...] = ()  # of a shape error
    fault: LessonError | None = None  # where the lesson itself, as it is written, is at fault
    above: Trace | None = None  # what ran of it before it failed, where somebody asks for that
    store: FormatCache = field(default_factory=FormatCache)
    twins: dict[int, Trace | None] = field(default_factory=dict)
    losses: list[Node | None] = field(default_factory=list)
    namings: list[Naming] = field(default_factory=list)
    lights: dict[Asked, FollowedCells | str] = field(default_factory=dict)
    levels: tuple[BoxRows, BoxRows] = field(default_factory=lambda: ({}, {}))  # of the program, of its twin

    def serves(self, view: View) -> bool:
        """Whether the view shows the same run, so that :meth:`frame` draws it without running again."""
        return self.view.same_program(view) and not _gone(self, view) and not self.late(view)

    def program(self, view: View) -> Trace | None:
        """The trace that the view shows: the program's, or the gradient program's once it is made."""
        return self.backward() if view.twin and not self.late(view) else self.trace

    def navigation(self, view: View) -> NodeNavigation:
        """What the player must know about the view's node.

        Raises:
            LookupError: For a path that isn't there, with the nearest spelling.
        """
        trace = self.program(view)
        nodes = () if trace is None else trace.nodes
        stop = view.at_stop
        own = view.twin == stop.backward
        standard = _standard(trace, stop.show if own else None)
        chain = find(nodes, view.path) if view.path else standard
        wanted = stop.order if chain and chain == standard and own else None
        return NodeNavigation(chain, nodes, wanted, None if trace is None else trace.map)

    def top(self, view: View) -> Node | None:
        """The trace's node that a view is at or in."""
        try:
            chain = self.navigation(view).chain
        except LookupError:
            return None
        return chain[0] if chain else None

    def beside(self, view: View, node: Node) -> tuple[Node, ...]:
        """The nodes that the stop shows together with this one."""
        stop, trace = view.at_stop, self.program(view)
        if trace is None or view.twin != stop.backward or not stop.beside:
            return ()
        group = [trace[name] for name in (stop.show, *stop.beside) if name and name in trace]
        return tuple(n for n in group if n is not node) if any(n is node for n in group) else ()

    def frame(self, view: View, *, ascii_only: bool = False) -> Frame:
        """The picture of a view that this serves. Raises LookupError for a path that isn't there."""
        if self.error is not None:
            return failed_frame(self, view, self.error, ascii_only)
        made = map_frame if view.depth == "map" else node_frame
        return made(self, view, ascii_only)

    def light(self, view: View) -> FollowedCells | None:
        """What is followed through the program; None if nothing is, or nothing can be."""
        return light_of(view, self.trace, self.lights)

    def spotted(self, view: View) -> cursor.CursorCell | None:
        """The cell under the cursor; None if its tensor is not on the stage."""
        node = self.navigation(view).node
        return None if node is None else cursor.spot(view, node, self.beside(view, node))

    def has_twin(self) -> bool:
        """Whether there is a gradient program to show."""
        if not self.losses:
            self.losses.append(None if self.trace is None else self.trace.loss)
        return self.losses[0] is not None

    def turned(self, view: View) -> View | str:
        """The view at the other pass; or why there is none."""
        why = "" if view.twin or self.trace is None else _barred(self.trace)
        return why or self.twin(view)

    def late(self, view: View) -> bool:
        """Whether the view shows a gradient program that is still to be made, and takes a while."""
        return view.twin and self.trace is not None and not self.twins and len(self.trace.nodes) > AT_A_KEY

    def twin(self, view: View) -> View:
        """The gradient program's node of the node shown, or back; the same view if there is none.

        A gradient that the program itself computes (``dW = dY.T @ X``) belongs to the node of its name.
        """
        other = replace(view, twin=not view.twin, path=(), order=None, step=0, at=None, back=())
        whole = other if view.depth == "map" else replace(other, depth="cells")
        if self.late(other) and self.has_twin():
            return whole
        chain = self.navigation(view).chain
        trace = self.trace if view.twin else self.backward()
        if trace is None:
            return view
        if view.depth == "map":  # the gradient program's map has the same boxes
            return whole
        inside: tuple[Node, ...] = ()
        if view.twin:
            wanted = chain[0].twin if chain else None
            inside = _around(wanted)
        else:
            wanted = _step_of(trace.nodes, chain)
            if wanted is None:
                return view
        path = None if wanted is None else path_of(trace.nodes, wanted, inside)
        return replace(whole, path=path or ())

    def follow(self, view: View) -> View:
        """One step towards the inputs; the same view if the cell is an input.

        A cell of the result leads to the first cell that it was made of, a cell of an operand to the node
        that made it.
        """
        found = self.spotted(view)
        ground = self.navigation(view)
        trace = self.program(view)
        if found is None or trace is None:
            return view
        if found.operand is None:
            cells = found.owner.reads(found.index)
            for operand, made in zip(found.owner.operands, cells, strict=True):
                for index in made:
                    return replace(view, cursor=(operand.name, index), at=None)
            return view
        path = path_of(trace.nodes, found.maker, ground.chain[:-1])
        if path is None or not found.maker.operands:
            return view
        step = found.maker.walk("cells").locate(found.index) + 1 if "cells" in found.maker.orders else 0
        there = replace(view, path=path, order=None, depth="cells", step=step, at=None, back=())
        return replace(there, cursor=(found.maker.name, found.index))

    def move_cursor(self, view: View, rows: int, columns: int) -> View:
        """The cell cursor moved on its panel, or put on the result if it isn't on the stage."""
        ground = self.navigation(view)
        node = ground.node
        if node is None or not node.value.numel():
            return view
        found = self.spotted(view)
        if found is None:
            order = order_of(view, ground)
            written = (
                ground.cell(order, view.step) if order and 0 < view.step <= ground.length(order) else None
            )
            return replace(view, cursor=cursor.start(node, written))
        for panel in self.frame(view).panels:
            if panel.name == found.name and panel.shape == tuple(found.tensor.shape):
                return replace(view, cursor=(found.name, cursor.moved(panel, found.index, rows, columns)))
        return view

    def asked(self, view: View, name: str) -> View:
        """The cell cursor on a tensor's first cell, all of it computed; the same view if it has no cells."""
        node = self.trace[name] if self.trace is not None and name in self.trace else None
        if self.trace is None or node is None or not node.value.numel():
            return view
        path = path_of(self.trace.nodes, node) or ()
        there = replace(view, path=path, order=None, depth="cells", step=0, at=None, back=())
        return replace(last(there, self.navigation(there)), cursor=cursor.start(node, None))

    def next_panel(self, view: View, direction: int = 1) -> View:
        """The cell cursor moved to the next panel, onto what is lit there."""
        found = self.spotted(view)
        if found is None:
            return self.move_cursor(view, 0, 0)
        panels = [panel for panel in self.frame(view).panels if all(panel.shape) and panel.role != "margin"]
        names = [*dict.fromkeys(panel.name for panel in panels)]
        if len(names) < 2 or found.name not in names:
            return view
        name = names[(names.index(found.name) + direction) % len(names)]
        panel = next(panel for panel in panels if panel.name == name)
        return replace(view, cursor=(name, panel.index(panel.focus_rows.start, panel.focus_columns.start)))

    def slices(self, view: View, direction: int) -> View:
        """The next or previous slice of an N-d tensor: the cursor's, else the result's."""
        ground = self.navigation(view)
        node = ground.node
        if node is None:
            return view
        found = self.spotted(view)
        panels = self.frame(view).panels
        name = node.name if found is None else found.name
        panel = next((panel for panel in panels if panel.name == name), None)
        if panel is None or not panel.at:
            return view
        shown = (panel.row_axis, panel.column_axis)
        at = _slice_beside(panel, direction)
        if found is None:
            return replace(view, at=at)
        rest = iter(at)
        index = tuple(i if axis in shown else next(rest) for axis, i in enumerate(found.index))
        return replace(view, cursor=(name, index))

    @property
    def repairs(self) -> int:
        """How many repairs there are of what failed."""
        return 0 if self.error is None else repairs(self.error)

    def repaired(self, view: View, number: int) -> View:
        """The view with repair ``number`` (from 1) applied. Raises IndexError."""
        if self.error is None:
            raise IndexError(number)
        return repaired(self.error, view, number)

    def torch_code(self, view: View) -> str:
        """The program as torch code to run elsewhere: imports, seed, controls, program."""
        return torch_code(view)

    def backward(self) -> Trace | None:
        """The gradient program; None if there is none."""
        if not self.twins:
            self.twins[0] = None if self.trace is None else _gradients(self.trace)
        return self.twins[0]


def _barred(trace: Trace) -> str:
    """Why there is no backward pass through a long trace; empty if there is."""
    if trace.dropped:
        return "Some values of this run were dropped, so there is no way back: --keep keeps more of them."
    if len(trace.nodes) > MOST_BACKWARD:
        return f"This run has more than {MOST_BACKWARD:,} operations: too many for a backward pass."
    return ""


def _gradients(trace: Trace) -> Trace | None:
    from llm_linalg.errors import ProgramError

    loss = trace.loss
    try:
        return None if loss is None else trace.backward(loss)
    except (LookupError, ProgramError):
        return None


def _around(part: Node | None) -> tuple[Node, ...]:
    """The composites that a part is in, the outermost first."""
    chain: tuple[Node, ...] = ()
    while part is not None and part.inside is not None:
        part = part.inside
        chain = (part, *chain)
    return chain


def _step_of(steps: Sequence[Node], chain: Sequence[Node]) -> Node | None:
    """The step of a gradient program that belongs to the innermost of some nodes that has one.

    A composite's steps are those of its parts; a node that is a gradient itself has the step of its name.
    """
    named = [step for step in steps if step.twin is not None and step.bound_name]
    for node in reversed(chain):
        own = [step for step in named if step.twin is node or node in _around(step.twin)]
        own = own or [step for step in named if step.name == node.name]
        if own:
            return own[0]
    return next(iter(named), None)


def _gone(opened: Run, view: View) -> bool:
    """Whether the values that a view shows were dropped; what was opened for that view can't help."""
    if opened.trace is None or view.lesson.given is None or view.path == opened.view.path:
        return False
    node = top_node(opened.trace.nodes, view.path)
    return node is not None and node.dropped


MOST_SLICES = 100_000


def _slice_beside(panel: Panel, direction: int) -> tuple[int, ...]:
    """The next or the previous slice of a panel's tensor, around its ends."""
    sizes = [n for axis, n in enumerate(panel.shape) if axis not in (panel.row_axis, panel.column_axis)]
    every = list(product(*map(range, sizes))) if _count(sizes) <= MOST_SLICES else [panel.at]
    return every[(every.index(panel.at) + direction) % len(every)]


def _count(sizes: list[int]) -> int:
    total = 1
    for size in sizes:
        total *= size
    return total


def _standard(trace: Trace | None, show: str | None) -> tuple[Node, ...]:
    """The node that a stop shows: by name, else the last; a program that was mended may lack the name."""
    if trace is None or not trace.nodes:
        return ()
    return (trace[show] if show is not None and show in trace else trace.nodes[-1],)
