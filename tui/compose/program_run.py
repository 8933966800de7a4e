"""The run of a view's program: makes the frame of any step, order, node or cursor of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from llm_linalg.base.text import clean
from tui.compose.cell_frame import cell_view, with_cell
from tui.compose.error_frame import apply_repair, error_frame, failure_frame, is_unlocked, repair_count
from tui.compose.format_cache import FormatCache
from tui.compose.frames import in_ascii
from tui.compose.galleries import Galleries
from tui.compose.lineage_highlight import Lineages
from tui.compose.map_tables import MapTables
from tui.compose.nodes import NodeNavigation, top_node
from tui.compose.passes import Passes
from tui.compose.run_pictures import RunPictures
from tui.compose.stop_questions import StopQuestions
from tui.model.view import View

if TYPE_CHECKING:
    from llm_linalg.analysis.comparison import Comparison
    from llm_linalg.api.node import Node
    from llm_linalg.api.trace import Trace
    from llm_linalg.base.errors import ProgramError
    from llm_linalg.lessons.lesson import LessonError
    from llm_linalg.questions.drawn import Question
    from llm_linalg.questions.guess import RightAnswer
    from llm_linalg.recording.cell_state import CellState
    from llm_linalg.recording.record_node import Value
    from tui.compose.cursor import CursorCell
    from tui.model.frame import Frame

REDRAWN = "{0} has other numbers too: it is drawn after {1}, from the same seed."


@dataclass(frozen=True, eq=False)
class Failure:
    """The end of a run that failed.

    Attributes:
        error: Why it failed.
        good: The last run that did not fail: its picture stands beside the error.
        operands: The operands of a shape error; None where one has no values.
        fault: The place in the lesson's file, if the lesson is at fault.
        partial_trace: The record up to the failure, where it is wanted.
    """

    error: ProgramError
    good: Run | None = None
    operands: tuple[Value | None, ...] = ()
    fault: LessonError | None = None
    partial_trace: Trace | None = None

    @property
    def ran(self) -> Run | None:
        """What ran of one's own code before it failed; None of a lesson's program, which is open anyway."""
        good = self.good
        return good if self.shows_part and good is not None and good.view.lesson.external else None

    @property
    def shows_part(self) -> bool:
        """Whether what is shown beside the error is what ran before it, and not an earlier run."""
        return self.good is not None and self.good.trace is self.partial_trace

    @property
    def repair_count(self) -> int:
        """The number of repairs."""
        return repair_count(self.error)

    def apply_repair(self, view: View, number: int) -> View:
        """Return the view with repair `number` (from 1) applied. Raises IndexError."""
        return apply_repair(self.error, view, number)

    def frame(self, view: View, cache: FormatCache, *, ascii_only: bool) -> Frame:
        """Return the picture of the failure, beside the last good one."""
        good = None if self.good is None else self.good.frame(self.good.view, ascii_only=ascii_only)
        frame = error_frame(view, self.error, self.operands, good, self.fault, cache, ascii_only)
        if frame.error is None or not self.shows_part:
            return frame
        lineless = view.lesson.document or self.error.line is None
        caption = f"what ran before it stopped{'' if lineless else f' in line {self.error.line}'}"
        caption = caption if self.ran is None else "what ran: esc opens it"
        return replace(frame, error=replace(frame.error, good_caption=clean(caption)))


@dataclass(eq=False)
class Run:
    """A program that was run, or failed, for a view.

    It has the frame of any view, and the moves of the cursor. What takes a while to compute
    is cached.

    Attributes:
        view: The view that it was run for.
        trace: The record of torch's operations; None if it failed.
        failure: How it failed; None if it did not.
        right_answer: The right answer to what the stop asks, if it asks anything that its program answers.
        solution: The value of an exercise's solution, as text, where no operation of torch has made it.
        wanted: What an exercise wants to be written, such as `a number`; empty elsewhere.
        first_not_finite: The first node of one's own program with a NaN or infinity that none of its operands
            explains, or with a NaN that came in; None without, and of a lesson's program, where it is there
            to be seen.
    """

    view: View
    trace: Trace | None
    failure: Failure | None = None
    right_answer: RightAnswer | None = None
    solution: str = ""
    wanted: str = ""
    first_not_finite: Node | None = None

    @property
    def comparison(self) -> Comparison[Node] | None:
        """What differs between its trace and another; None if it is not compared."""
        return None if self.view.lesson.external is None else self.view.lesson.external.comparison

    @cached_property
    def passes(self) -> Passes:
        """The program and its gradient program."""
        return Passes(self.trace)

    @cached_property
    def lineages(self) -> Lineages:
        """The cells that views follow through the program."""
        return Lineages(self.trace)

    @cached_property
    def tables(self) -> MapTables:
        """The tables of its maps."""
        return MapTables(self.passes, self.comparison)

    @cached_property
    def galleries(self) -> Galleries:
        """The gallery of its attention heads."""
        return Galleries(self.passes)

    @cached_property
    def questions(self) -> StopQuestions:
        """What is asked at its views."""
        return StopQuestions(self.right_answer, None if self.trace is None else self.navigation)

    @cached_property
    def pictures(self) -> RunPictures:
        """The frames of its views."""
        return RunPictures(self.view, self.passes, self.lineages, self.tables, self.galleries, self.solution)

    @property
    def error(self) -> ProgramError | None:
        """Why it failed."""
        return None if self.failure is None else self.failure.error

    @property
    def cells(self) -> tuple[CellState, ...]:
        """The state of each cell of a document's program; () of another, or if nothing of it was run."""
        trace = self.trace if self.error is None else self.error.trace
        return () if trace is None else tuple(trace.cells)

    def serves(self, view: View) -> bool:
        """Return whether the view shows the same run, so that `frame` draws it without running again."""
        return (
            self.view.same_program(view)
            and not _lacks_values(self, view)
            and not self.passes.awaits(view)
            and not self.lineages.awaits(view)
            and not self.tables.awaits(view)
        )

    def redrawn_since(self, before: Run) -> str:
        """Return why a tensor has other numbers than in a run with other controls; empty if none has."""
        from llm_linalg.analysis.random_draws import redrawn

        mine, other = self.view, before.view
        alike = (mine.stop, mine.seed, mine.code) == (other.stop, other.seed, other.code)
        moved = mine.lesson is other.lesson and alike and mine.controls != other.controls
        if self.trace is None or before.trace is None or not moved:
            return ""
        names = redrawn(before.trace.nodes, self.trace.nodes)
        return "" if names is None else REDRAWN.format(*names)

    @property
    def is_unlocked(self) -> bool:
        """Whether it was not run, as nothing would lock it in and nobody trusts it."""
        return is_unlocked(self.error)

    def trace_of(self, view: View) -> Trace | None:
        """Return the trace that a view shows: the program's, or the gradient program's once it is there."""
        return self.passes.of(view)

    def navigation(self, view: View) -> NodeNavigation:
        """Return what the player must know about the view's node.

        Raises:
            LookupError: For a path that isn't there, with the nearest spelling.
        """
        return self.galleries.navigation(view, self.tables.navigation(view))

    def top_node(self, view: View) -> Node | None:
        """Return the trace's node that a view is at or in."""
        try:
            chain = self.navigation(view).chain
        except LookupError:
            return None
        return chain[0] if chain else None

    def question(self, view: View) -> Question | None:
        """Return what is asked at a view: its stop's own question, or one that is drawn; None for nothing."""
        return self.questions.of(view)

    def cursor_cell(self, view: View) -> CursorCell | None:
        """Return the cell under the cursor; None if its tensor is not in the picture."""
        return self.pictures.cursor_cell(view)

    def frame(self, view: View, *, ascii_only: bool = False) -> Frame:
        """Return the picture of a view that this serves; where something unforeseen raises, one of that.

        Raises:
            LookupError: For a path that isn't there.
        """
        try:
            return self._frame(view, ascii_only)
        except Exception as error:  # noqa: BLE001  any picture is better than none: the app goes on
            if self.failure is None:
                self.navigation(view)  # raises for a path that isn't there
            return failure_frame(view, error, ascii_only=ascii_only)

    def _frame(self, view: View, ascii_only: bool) -> Frame:
        from tui.compose.guess_frame import with_question

        if self.failure is not None:
            frame = self.failure.frame(view, self.pictures.cache, ascii_only=ascii_only)
        else:
            document = view.lesson.document
            shown = cell_view(view, self.cells, self.navigation(view).node) if document else view
            frame = self.pictures.frame(shown, ascii_only)
            if frame.exercise is not None and self.wanted:
                frame = replace(frame, exercise=frame.exercise._replace(wanted=clean(self.wanted)))
        if view.lesson.document:
            frame = with_cell(frame, view, self.cells, self.error, ascii_only=ascii_only)
        frame = in_ascii(frame) if ascii_only else frame
        question = self.question(view) if view.guess is not None or view.own_ask is not None else None
        if question is None:
            return frame
        return with_question(frame, view, question, self.pictures.cache, ascii_only)


def _lacks_values(run: Run, view: View) -> bool:
    """Return whether the values that a view shows were dropped, and another run would have them."""
    if run.trace is None or view.lesson.external is None or view.path == run.view.path:
        return False
    node = top_node(run.trace.nodes, view.path)
    return node is not None and node.dropped
