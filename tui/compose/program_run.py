"""The run of a view's program: makes the frame of any step, order, node or cursor of it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from llm_linalg.base.text import NOTHING, clean
from llm_linalg.lessons.stop import FollowedCell
from tui.compose import cursor
from tui.compose.boards import board_view
from tui.compose.cell_frame import plotted_view, with_cell
from tui.compose.cursor import CursorCell, cursor_cell, cursor_view
from tui.compose.error_frame import apply_repair, error_frame, error_view, repair_count
from tui.compose.format_cache import FormatCache
from tui.compose.frames import (
    empty_frame,
    frame_without_values,
    in_ascii,
    map_frame,
    node_frame,
    program_frame,
)
from tui.compose.hues import colours_on_device
from tui.compose.lineage_highlight import FollowedCells, follow_cell, follow_refusal
from tui.compose.maps import BoxRows, map_view
from tui.compose.nodes import NodeNavigation, find_nodes, labels, path_of, top_node
from tui.compose.pictures import PictureInput
from tui.compose.screen_labels import axis_names
from tui.model.frame import Frame
from tui.model.view import SOLUTION, View
from tui.navigation.map_moves import current_box
from tui.navigation.steps import order_of, position

if TYPE_CHECKING:
    from llm_linalg.analysis.axis_names import AxisNaming
    from llm_linalg.api.node import Node
    from llm_linalg.api.node_view import CellView, NodeView
    from llm_linalg.api.trace import Trace
    from llm_linalg.base.axis_labels import TensorLabels
    from llm_linalg.base.errors import ProgramError
    from llm_linalg.illustrations.look_names import LookName
    from llm_linalg.lessons.reader import LessonError
    from llm_linalg.questions.drawn import Question
    from llm_linalg.questions.guess import RightAnswer
    from llm_linalg.recording.cell_state import CellState
    from llm_linalg.recording.record_node import Value

# Up to which a key waits for a gradient program, or for a cell that is followed: beyond, a run makes them.
AT_A_KEY_OPERATIONS = 500
AT_A_KEY_CELLS = 500_000
AT_A_KEY_MULTIPLICATIONS = 10**8
REDRAWN = "{0} has other numbers too: it is drawn after {1}, from the same seed."
MOST_BACKWARD = 30_000  # operations beyond which there is none


@dataclass(eq=False)
class Run:
    """A program that was run, or failed, for a view.

    It has the frame of any view, and the moves of the cursor. What takes a while to compute
    is cached.

    Attributes:
        view: The view that it was run for.
        trace: The record of torch's operations; None if it failed.
        error: Why it failed.
        good: The last run that did not fail, if this failed.
        operands: The operands of a shape error; None where one has no values.
        fault: The place in the lesson's file, if the lesson is at fault.
        partial_trace: The record up to the failure, where it is wanted.
        right_answer: The right answer to what the stop asks, if it asks anything that its program answers.
        solution: The value of an exercise's solution, as text, where no operation of torch has made it.
    """

    view: View
    trace: Trace | None
    error: ProgramError | None
    good: Run | None
    operands: tuple[Value | None, ...] = ()
    fault: LessonError | None = None
    partial_trace: Trace | None = None
    right_answer: RightAnswer | None = None
    solution: str = ""
    _asked: tuple[View, Question | None] | None = field(default=None, init=False)  # the last question
    _cache: FormatCache = field(default_factory=FormatCache, init=False)
    _gradients: Trace | None = field(default=None, init=False)
    _has_gradients: bool = field(default=False, init=False)  # whether there are, or can be none
    _looks: dict[Node, tuple[LookName, ...]] = field(default_factory=dict, init=False)
    _following: dict[FollowedCell, FollowedCells | str] = field(default_factory=dict, init=False)
    _levels: tuple[BoxRows, BoxRows] = field(
        default_factory=lambda: ({}, {}), init=False
    )  # forward, backward

    def serves(self, view: View) -> bool:
        """Return whether the view shows the same run, so that `frame` draws it without running again."""
        return (
            self.view.same_program(view)
            and not _lacks_values(self, view)
            and not self.awaits_gradients(view)
            and not self.awaits_followed(view)
        )

    def redrawn_since(self, before: Run) -> str:
        """Return why a tensor has other numbers than in a run with other controls; empty if none has."""
        from llm_linalg.analysis.random_draws import redrawn

        mine, other = self.view, before.view
        alike = (mine.stop, mine.seed, mine.code) == (other.stop, other.seed, other.code)
        moved = mine.lesson is other.lesson and alike and mine.controls != other.controls
        if self.trace is None or before.trace is None or not moved:
            return ""
        found = redrawn(before.trace.nodes, self.trace.nodes)
        return "" if found is None else REDRAWN.format(*found)

    @property
    def cells(self) -> tuple[CellState, ...]:
        """What came of each cell of a document's program; () of another, or if nothing of it was run."""
        trace = self.trace if self.error is None else self.error.trace
        return () if trace is None else tuple(trace.cells)

    def trace_of(self, view: View) -> Trace | None:
        """Return the trace that the view shows: the program's, or the gradient program's once it is made."""
        return self.gradient_program() if view.backward and not self.awaits_gradients(view) else self.trace

    @property
    def _device(self) -> int:
        """The number of the device whose run this is; 0 for a program that runs on one."""
        ranks = () if self.trace is None else self.trace.ranks
        return next((rank for rank, trace in enumerate(ranks) if trace is self.trace), 0)

    def navigation(self, view: View) -> NodeNavigation:
        """Return what the player must know about the view's node.

        Raises:
            LookupError: For a path that isn't there, with the nearest spelling.
        """
        trace = self.trace_of(view)
        nodes = () if trace is None else trace.nodes
        stop = view.at_stop
        own = view.backward == stop.backward
        standard = _stop_node(trace, stop.show if own else None)
        if view.lesson.document and own and stop.exercise is None:
            standard = _cell_node(trace, stop.number)
        if view.solution_line is not None and SOLUTION not in labels(nodes):
            chain = _solution_node(trace, view.solution_line)
        else:
            chain = find_nodes(nodes, view.path) if view.path else standard
        wanted = stop.order if chain and chain == standard and own else None
        return NodeNavigation(chain, nodes, wanted, None if trace is None else trace.map)

    def top_node(self, view: View) -> Node | None:
        """Return the trace's node that a view is at or in."""
        try:
            chain = self.navigation(view).chain
        except LookupError:
            return None
        return chain[0] if chain else None

    def frame(self, view: View, *, ascii_only: bool = False) -> Frame:
        """Return the picture of a view that this serves; where something unforeseen raises, one of that.

        Raises:
            LookupError: For a path that isn't there.
        """
        try:
            return self._frame(view, ascii_only)
        except Exception as error:  # noqa: BLE001  any picture is better than none: the app goes on
            if self.error is None:
                self.navigation(view)  # raises for a path that isn't there
            return self.failure_frame(view, error, ascii_only=ascii_only)

    def question(self, view: View) -> Question | None:
        """Return what is asked at a view: its stop's own question, or one that is drawn; None for nothing."""
        if self._asked is None or self._asked[0] != view:
            self._asked = view, self._question(view)
        return self._asked[1]

    def _question(self, view: View) -> Question | None:
        from llm_linalg.questions.drawn import Question, WalkPlace, question_at

        if view.guess is not None and view.guess.number:
            node = self.navigation(view).node if self.trace is not None else None
            order = None if node is None else order_of(view, self.navigation(view))
            if node is None or order is None or view.depth not in ("cells", "terms"):
                return None
            return question_at(WalkPlace(node, order, view.step), view.guess.number)
        own = view.own_ask
        return None if own is None or self.right_answer is None else Question("own", own, self.right_answer)

    def failure_frame(self, view: View, error: Exception, *, ascii_only: bool = False) -> Frame:
        """Return the picture of a failure to draw a view."""
        from llm_linalg.base.errors import InternalError

        shown = InternalError.of(error, "this can't be drawn")
        empty = empty_frame(view)
        captions = empty.captions._replace(sentence=shown.message)
        frame = replace(empty, captions=captions, error=error_view(shown, False, None))
        return in_ascii(frame) if ascii_only else frame

    def _frame(self, view: View, ascii_only: bool) -> Frame:
        from tui.compose.guess_frame import with_question

        frame = self._answered_frame(view, ascii_only)
        question = self.question(view) if view.guess is not None or view.own_ask is not None else None
        return frame if question is None else with_question(frame, view, question, self._cache, ascii_only)

    def _answered_frame(self, view: View, ascii_only: bool) -> Frame:
        if self.error is not None:
            good = None if self.good is None else self.good.frame(self.good.view, ascii_only=ascii_only)
            frame = error_frame(view, self.error, self.operands, good, self.fault, self._cache, ascii_only)
            if frame.error is not None and self.good is not None and self.good.trace is self.partial_trace:
                untold = view.lesson.document or self.error.line is None
                where = "" if untold else f" in line {self.error.line}"
                caption = clean(f"what ran before it stopped{where}")
                frame = replace(frame, error=replace(frame.error, good_caption=caption))
        else:
            shown = plotted_view(view, self.cells) if view.lesson.document else view
            frame = (self._map_frame if view.depth == "map" else self._node_frame)(shown, ascii_only)
        if view.lesson.document:
            frame = with_cell(frame, view, self.cells, self.error, ascii_only=ascii_only)
        return in_ascii(frame) if ascii_only else frame

    def _node_frame(self, view: View, ascii_only: bool) -> Frame:
        trace, navigation = self.trace_of(view), self.navigation(view)
        board = None if view.board is None else board_view(view.board, view, trace, ascii_only)
        if trace is None or navigation.node is None:
            frame = program_frame(view, trace, board)
            said = clean(f"{SOLUTION} is {self.solution}.") if self.solution else NOTHING
            return replace(
                frame,
                listing=frame.listing._replace(line=view.solution_line),
                captions=frame.captions._replace(sentence=said),
            )
        if navigation.node.dropped:
            return frame_without_values(view, trace, navigation, self._view_of(navigation.node))
        whole = view.depth == "operations"
        step, _ = position(view, navigation)
        node = self._view_of(navigation.node, order_of(view, navigation), None if whole else step - 1)
        beside = self._beside(view, navigation.node)
        cell = cursor_cell(view, node, beside)
        picture = PictureInput(
            node=node,
            beside=beside,
            whole=whole,
            at=view.at,
            cursor=cell,
            cache=self._cache,
            ascii_only=ascii_only,
            summary=self._row_summary(view, navigation),
            follows=self.follow(view),
            colours=colours_on_device(self.view.lesson.colours, self._device),
        )
        about = None
        if cell is not None:
            readers = trace.nodes if cell.operand is None else (cell.owner.node,)
            about = cursor_view(cell, self._cell_view(cell, readers), picture.follows)
        frame = node_frame(view, trace, navigation, picture, about, board)
        frame = replace(
            frame,
            place=frame.place._replace(has_backward=self.has_backward()),
            listing=frame.listing._replace(line=view.solution_line or frame.listing.line),
        )
        return frame if board is not None else self._with_look(frame, view, navigation, picture)

    def _with_look(
        self, frame: Frame, view: View, navigation: NodeNavigation, picture: PictureInput
    ) -> Frame:
        """Return the frame with the looks that its node has, drawn in the view's if that is one of them."""
        from tui.looks.look import LookInput
        from tui.looks.look_table import drawing_of, looks_of

        node, level = picture.node, navigation.level
        if node.node not in self._looks:
            self._looks[node.node] = looks_of(self._view_of(node.node), level)
        looks = self._looks[node.node]
        look = view.look if view.look in looks else frame.stage.look
        if picture.whole:  # no step of it is under way
            node = self._view_of(node.node)
        given = LookInput(
            node, frame.stage.panels, picture.beside, level, self._axis_names, picture.ascii_only
        )
        drawing = drawing_of(look, given)
        return replace(frame, stage=frame.stage._replace(look=look, looks=looks, drawing=drawing))

    def _map_frame(self, view: View, ascii_only: bool) -> Frame:
        trace, navigation = self.trace_of(view), self.navigation(view)
        known = self._levels[view.backward]
        level = map_view(view, navigation, self.follow(view), ascii_only, known)
        if trace is None or level is None:
            return self._node_frame(replace(view, depth="cells"), ascii_only)
        from llm_linalg.api.node_view import node_view

        box = navigation.box(current_box(view, navigation))
        shown = node_view(box.node, next(iter(box.node.orders), None))
        frame = map_frame(view, trace, navigation, level, shown, node_view(box.nodes[0]))
        return replace(frame, place=frame.place._replace(has_backward=self.has_backward()))

    def _view_of(self, node: Node, order: str | None = None, step: int | None = None) -> NodeView:
        from llm_linalg.api.node_view import node_view

        return node_view(node, order, step, self._axis_names)

    def _cell_view(self, cell: CursorCell, readers: Sequence[Node]) -> CellView:
        from llm_linalg.api.node_view import cell_view

        return cell_view(cell.tensor, cell.index, readers, cursor.CONSUMERS, self._axis_names)

    def _axis_names(self, node: Node) -> TensorLabels:
        return () if self._naming is None else self._naming.of(node)

    @cached_property
    def _naming(self) -> AxisNaming | None:
        return axis_names(self.view.lesson.axis_declarations, self.trace)

    def _beside(self, view: View, node: Node) -> tuple[NodeView, ...]:
        """Return the nodes that the stop shows together with this one."""
        stop, trace = view.at_stop, self.trace_of(view)
        if trace is None or view.backward != stop.backward or not stop.beside:
            return ()
        group = [trace[name] for name in (stop.show, *stop.beside) if name and name in trace]
        if not any(other is node for other in group):
            return ()
        return tuple(self._view_of(other) for other in group if other is not node)

    def _row_summary(self, view: View, navigation: NodeNavigation) -> str | None:
        """Return the reduction that the stop wants beside the rows of its node."""
        kind = view.at_stop.margin
        if kind is None or view.backward:
            return None
        return kind if navigation.chain == self.navigation(replace(view, path=())).chain else None

    def follow(self, view: View) -> FollowedCells | None:
        """Return the cells that a view follows through the program; None if it follows none, or can't."""
        found = self._followed_or_refusal(view)
        return None if isinstance(found, str) else found

    def follow_refusal(self, view: View) -> str:
        """Return why the cell that a view follows can't be followed; empty if it can, as far as is known."""
        found = self._followed_or_refusal(view) if not self.awaits_followed(view) else None
        return found if isinstance(found, str) else ""

    def awaits_followed(self, view: View) -> bool:
        """Return whether the view follows a cell that is not yet followed, which takes a while."""
        trace, start = self.trace, view.follows
        if trace is None or start is None or view.backward or start in self._following:
            return False
        return self._takes_a_while and not follow_refusal(start, trace)

    def _followed_or_refusal(self, view: View) -> FollowedCells | str | None:
        if view.follows is None or self.trace is None or view.backward:
            return None
        if view.follows not in self._following:
            try:
                self._following[view.follows] = follow_cell(view.follows, self.trace)
            except LookupError as error:
                self._following[view.follows] = str(error.args[0])
        return self._following[view.follows]

    def cursor_cell(self, view: View) -> CursorCell | None:
        """Return the cell under the cursor; None if its tensor is not in the picture."""
        try:
            node = self.navigation(view).node if view.cursor is not None else None
        except LookupError:  # the place of a run that didn't fail
            return None
        return None if node is None else cursor_cell(view, self._view_of(node), self._beside(view, node))

    @cached_property
    def _loss(self) -> Node | None:
        return None if self.trace is None else self.trace.loss

    def has_backward(self) -> bool:
        """Return whether there is a gradient program to show."""
        return self._loss is not None

    def switch_pass(self, view: View) -> View | str:
        """Return the view at the other pass; or why there is none."""
        why = "" if view.backward or self.trace is None else _backward_refusal(self.trace)
        return why or self.other_pass(view)

    def awaits_gradients(self, view: View) -> bool:
        """Return whether the view shows a gradient program that is not yet made and takes a while."""
        return view.backward and self.trace is not None and not self._has_gradients and self._takes_a_while

    @cached_property
    def _takes_a_while(self) -> bool:
        """Whether what is computed of the whole program is too much for a key."""
        trace = self.trace
        return trace is not None and (
            len(trace.nodes) > AT_A_KEY_OPERATIONS
            or sum(node.value.numel() for node in trace.nodes) > AT_A_KEY_CELLS
            or (trace.map.multiplications or 0) > AT_A_KEY_MULTIPLICATIONS
        )

    def other_pass(self, view: View) -> View:
        """Return the view at its node's step in the gradient program, or back; the same view without one.

        A gradient that the program itself computes (`dW = dY.T @ X`) belongs to the node of its name.
        """
        other = replace(
            view, backward=not view.backward, path=(), order=None, step=0, at=None, return_path=()
        )
        whole = other if view.depth == "map" else replace(other, depth="cells")
        if self.awaits_gradients(other) and self.has_backward():
            return whole
        chain = self.navigation(view).chain
        trace = self.trace if view.backward else self.gradient_program()
        if trace is None:
            return view
        if view.depth == "map":
            return replace(whole, box=self._box_of_other_pass(view, trace))
        inside: tuple[Node, ...] = ()
        if view.backward:
            wanted = chain[0].forward_node if chain else None
            inside = _around(wanted)
        else:
            wanted = _step_of(trace.nodes, chain)
            if wanted is None:
                return view
        path = None if wanted is None else path_of(trace.nodes, wanted, inside)
        return replace(whole, path=path or ())

    def _box_of_other_pass(self, view: View, trace: Trace) -> tuple[str, ...]:
        """Return the box of the other pass's map that has the same name, as functions have, or step."""
        here = self.navigation(view)
        box = current_box(view, here)
        with suppress(LookupError):
            if not trace.map.level(box[:-1]).box(box[-1]).foreign:
                return box
        node = here.box(box).node
        twin = node.forward_node if view.backward else _step_of(trace.nodes, (node,))
        known = None if twin is None else trace.map.locate((*_around(twin), twin)[0])
        return view.box if known is None else known

    @property
    def repair_count(self) -> int:
        """How many repairs there are of what failed."""
        return 0 if self.error is None else repair_count(self.error)

    def apply_repair(self, view: View, number: int) -> View:
        """Return the view with repair `number` (from 1) applied. Raises IndexError."""
        if self.error is None:
            raise IndexError(number)
        return apply_repair(self.error, view, number)

    def gradient_program(self) -> Trace | None:
        """Return the gradient program; None if there is none."""
        if not self._has_gradients:
            self._gradients = None if self.trace is None else _gradients(self.trace)
            self._has_gradients = True
        return self._gradients


def _backward_refusal(trace: Trace) -> str:
    """Return why there is no backward pass through a long trace; empty if there is."""
    from llm_linalg.analysis.gradients.gradient_program import crossed_gap

    if trace.dropped:
        return "Some values of this run were dropped, so there is no way back: --keep keeps more of them."
    if len(trace.nodes) > MOST_BACKWARD:
        return f"This run has more than {MOST_BACKWARD:,} operations: too many for a backward pass."
    gap = None if trace.loss is None else crossed_gap(trace.nodes, trace.loss)
    if gap is not None:
        return f"No way back: it goes through {gap.span}, which are not kept."
    return ""


def _gradients(trace: Trace) -> Trace | None:
    from llm_linalg.base.errors import ProgramError

    loss = trace.loss
    try:
        return None if loss is None else trace.backward(loss)
    except (LookupError, ProgramError):
        return None


def _around(part: Node | None) -> tuple[Node, ...]:
    """Return the composites that a part is in, the outermost first."""
    chain: tuple[Node, ...] = ()
    while part is not None and part.composite is not None:
        part = part.composite
        chain = (part, *chain)
    return chain


def _step_of(steps: Sequence[Node], chain: Sequence[Node]) -> Node | None:
    """Return the gradient program's step of the innermost of some nodes that has one.

    A composite's steps are those of its parts; a node that is a gradient itself has the step of its name.
    """
    named = [step for step in steps if step.forward_node is not None and step.bound_name]
    for node in reversed(chain):
        own = [step for step in named if step.forward_node is node or node in _around(step.forward_node)]
        own = own or [step for step in named if step.name == node.name]
        if own:
            return own[0]
    return next(iter(named), None)


def _lacks_values(run: Run, view: View) -> bool:
    """Return whether the values that a view shows were dropped, and another run would have them."""
    if run.trace is None or view.lesson.external is None or view.path == run.view.path:
        return False
    node = top_node(run.trace.nodes, view.path)
    return node is not None and node.dropped


def _cell_node(trace: Trace | None, number: int) -> tuple[Node, ...]:
    """Return the node that a document's cell shows: none, if it has made none itself."""
    if trace is None:
        return ()
    if len(trace.cells) < number:  # not run cell by cell
        return _stop_node(trace, None)
    node = trace.cells[number - 1].node
    return () if node is None else (trace.nodes[node],)


def _solution_node(trace: Trace | None, line: int) -> tuple[Node, ...]:
    """Return the node that a solution without one of its name is: a tensor that was there, or part of it."""
    if trace is None:
        return ()
    made = [node for node in trace.nodes if node.line is not None and node.line >= line]
    node = trace.names.get(SOLUTION, made[-1] if made else None)
    return () if node is None else (node,)


def _stop_node(trace: Trace | None, show: str | None) -> tuple[Node, ...]:
    """Return the node that a stop shows: by name, else the last, as a repaired program may lack the name."""
    if trace is None or not trace.nodes:
        return ()
    return (trace[show] if show is not None and show in trace else trace.nodes[-1],)
