"""Running a view's program: the work of a thread, as everything on a finished `Run` is quick.

Importing this module imports no torch; the first `open_view` does, or `warm` before it.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import takewhile
from typing import TYPE_CHECKING, Any, TypeVar

from tui.compose.error_frame import ATTEMPTS
from tui.compose.line_notes import path_at
from tui.compose.nodes import top_node
from tui.compose.program_run import Failure, Run
from tui.model.cell_survey import CellSurvey
from tui.model.view import SOLUTION, View
from tui.navigation.playground import at_operation, is_playground, last_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from llm_linalg.api.trace import Trace
    from llm_linalg.base.errors import ProgramError
    from llm_linalg.lessons.external import ExternalProgram
    from llm_linalg.questions.guess import RightAnswer
    from llm_linalg.questions.program_state import ProgramState
    from llm_linalg.recording.cell_state import CellState


Told = TypeVar("Told")


def warm(view: View) -> None:
    """Import the engine and torch: for a thread, after the first paint.

    The process in which foreign programs run loads torch at the same time, if the view may come to need it.
    """
    if view.lesson.external is None and (not view.lesson.is_own or view.at_stop.exercise is not None):
        from llm_linalg.room.room_client import room

        room().warm()
    from llm_linalg.api.run import run_text

    run_text("", own=True)


def open_view(
    view: View,
    previous: Run | None = None,
    halt: Callable[[], bool] | None = None,
    seconds: float | None = None,
) -> Run:
    """Run the view's program. Never raises: the error of a program that fails is in the result.

    So is anything that nobody foresaw, as an `InternalError`.

    Args:
        view: The view to run.
        previous: The run before: if this one fails, its picture, or the last good one, is kept beside the
            error.
        halt: Says whether to stop the run, which then ends with an error that says so.
        seconds: The time limit; None where the result must not depend on a clock.
    """
    try:
        return _open(view, previous, halt, seconds)
    except Exception as error:  # noqa: BLE001  whatever it is, the app goes on
        return failed_run(view, error, previous)


def failed_run(view: View, error: Exception, previous: Run | None = None) -> Run:
    """Return the run of a view that failed by a fault of ours."""
    from llm_linalg.base.errors import InternalError

    failure = Failure(InternalError.of(error, "this can't be run"), _last_good(previous))
    return Run(view, None, failure)


def _open(view: View, previous: Run | None, halt: Callable[[], bool] | None, seconds: float | None) -> Run:
    from llm_linalg import ProgramError, ShapeError
    from llm_linalg.api.run import run_text
    from llm_linalg.lessons.check import faults

    if view.lesson.external is not None:
        return _open_external(view, view.lesson.external, previous, halt)
    terms = _terms(view, halt, seconds)
    try:
        trace = run_text(view.program, **terms, cells=view.cells, ranks=view.at_stop.ranks)
        fault = next(faults(view.lesson, view.at_stop, trace), None) if view.is_original else None
        if fault is None and _lacks_node(view, trace):
            fault = next(faults(view.lesson, view.at_stop._replace(fails=False), trace))
        if fault is None:
            answer, solution = _right_answer(view, terms), _plain_solution(view, trace, terms)
            wanted = _wanted(view, trace, terms)
            run = Run(view, trace, right_answer=answer, solution=solution, wanted=wanted)
            return _with_awaited(run, previous, halt)
        return Run(view, None, Failure(ProgramError(fault.reason), _last_good(previous), fault=fault))
    except ProgramError as error:
        operands = error.values if isinstance(error, ShapeError) else ()
        stop = view.at_stop
        fault = view.lesson.program_error(stop, error) if view.is_original and not stop.fails else None
        answer = _right_answer(view, terms) if stop.fails else None
        failure = Failure(error, _last_good(previous), operands, fault)
        if view.lesson.document:
            failure = replace(failure, partial_trace=error.trace, good=_own_part(view, error))
        elif is_playground(view.lesson):
            ran = _trace_above(view, error, terms)
            failure = replace(failure, partial_trace=ran, good=_stopped_run(view, error, ran) or failure.good)
        return Run(view, None, failure, answer)


def _terms(view: View, halt: Callable[[], bool] | None, seconds: float | None) -> dict[str, Any]:
    """Return on what terms a view's program runs: where, with which names, how long, what it may read."""
    folder = view.lesson.path.resolve().parent if view.reads and view.lesson.path is not None else None
    own = _is_own(view)
    return {
        "own": own,
        "seed": view.seed,
        "names": view.names,
        "halt": halt,
        "seconds": None if own else seconds,  # the course's end by themselves; one trains a model first
        "read": "" if folder is None else str(folder),
        "trust": view.trusted,
    }


def _is_own(view: View) -> bool:
    """Return whether a view's program is our own text: a lesson's of the course, or one made of it.

    Made of it are the author's solution below it, and a repair in it; any other text is foreign.
    """
    lesson, stop = view.lesson, view.at_stop
    if not lesson.is_own or view.code is None:
        return lesson.is_own
    answer = None if stop.exercise is None else stop.exercise.answer
    if answer is not None and view.code == f"{stop.program}\n{SOLUTION} = {answer.text}".lstrip("\n"):
        return True
    from llm_linalg import ProgramError, ShapeError
    from llm_linalg.api.run import run_text

    try:
        run_text(stop.program, own=True, seed=view.seed, names=view.names, ranks=stop.ranks)
    except ShapeError as error:
        return view.code in [error.apply_repair(repair) for repair in error.repairs]
    except ProgramError:
        pass
    return False


def survey(view: View, halt: Callable[[], bool] | None = None, seconds: float | None = None) -> CellSurvey:
    """Run all cells of a view's document, and return the state of each; of none if the run was stopped."""
    from llm_linalg.lessons.documents import files_named

    cells = _cell_states(view, _terms(view, halt, seconds))
    named = files_named(view.lesson)
    return CellSurvey(view, cells, () if view.reads else named, named if view.reads else ())


def _cell_states(view: View, terms: dict[str, Any]) -> tuple[CellState, ...]:
    from llm_linalg import LimitError, ProgramError
    from llm_linalg.api.run import run_text

    last = next((stop for stop in reversed(view.lesson.stops) if stop.exercise is None), None)
    if last is None:
        return ()
    whole = view.at_stop_number(last.number)
    cells = (*whole.cells, whole.program.count("\n") + 2)  # an empty one at the end
    try:
        trace = run_text(f"{whole.program}\n", cells=cells, **terms)
    except LimitError as error:  # what is left of the budget reaches no further
        return () if error.trace is None else tuple(error.trace.cells[:-1])
    except ProgramError:
        return ()
    return tuple(trace.cells[:-1])


def _right_answer(view: View, terms: dict[str, Any]) -> RightAnswer | None:
    """Return what the program answers to what its stop asks; None where there is no answer."""
    from llm_linalg.questions.guess import right_answer

    ask = view.at_stop.ask
    return None if ask is None else _after(view, terms, partial(right_answer, ask))


def _wanted(view: View, trace: Trace, terms: dict[str, Any]) -> str:
    """Return what the stop wants to be written, if it is an exercise.

    Of our own lessons the value of the solution says it, by what the program has made or, if that is not all
    that it reads, by running the program again.
    """
    exercise = view.at_stop.exercise
    if exercise is None:
        return ""
    from llm_linalg.lessons.answers import wanted
    from llm_linalg.questions.judge import Outcome
    from llm_linalg.questions.program_state import state_after

    solution = exercise.answer
    if solution is None or not view.lesson.is_own:
        return wanted(exercise)
    made = {name: trace[name].value for name in trace.names}
    with state_after("", own=True, names={**view.names, **trace.lists, **made}) as state:
        outcome: Outcome | None = Outcome.of(state, solution.text)
    if outcome is not None and not outcome.is_there:
        outcome = _after(view, terms, lambda state: Outcome.of(state, solution.text))
    return wanted(exercise, None if outcome is None else outcome.value)


def _plain_solution(view: View, trace: Trace, terms: dict[str, Any]) -> str:
    """Return the value of a solution of which no operation of torch is a part; empty for any other."""
    line = view.solution_line
    if line is None or SOLUTION in trace or any((node.line or 0) >= line for node in trace.nodes):
        return ""
    from llm_linalg.questions.value import value_text

    return _after(view, terms, lambda state: value_text(state.value(SOLUTION))) or ""


def _after(view: View, terms: dict[str, Any], tell: Callable[[ProgramState], Told]) -> Told | None:
    """Return what is told of the state that the program leaves; None where it leaves none.

    It may be another program than the author's, or with other controls, or what is left of the budget reaches
    no further.
    """
    from llm_linalg import ProgramError
    from llm_linalg.questions.program_state import state_after

    try:
        with state_after(view.program, cells=view.cells, **terms) as state:
            return tell(state)
    except ProgramError:
        return None


def unrun_reason(view: View) -> str:
    """Return why the playground's program waits for its key: nothing would lock it in; empty if it need not.

    It waits where everything is trusted, too: nobody wants half a line to run with his rights.
    """
    from llm_linalg.api.trust import is_trusted
    from llm_linalg.room.tier import known_lack, tier

    if view.trusted or not is_playground(view.lesson):
        return ""
    return tier().reason if is_trusted(False) else known_lack()  # a room finds out by itself


def leave_unlocked(view: View, reason: str, previous: Run | None = None) -> Run:
    """Return what stands in the place of a run for which nothing would lock the program in."""
    from llm_linalg.base.errors import RoomError

    return Run(view, None, Failure(RoomError.without_lock(reason), _last_good(previous)))


def _with_awaited(result: Run, previous: Run | None, halt: Callable[[], bool] | None) -> Run:
    """Compute of a long run now what its view shows of the whole program, and not at a key.

    Where the view shows a gradient program, and the gradient is refused, it has failed.
    """
    from llm_linalg.analysis.summary import first_broken, first_not_finite

    is_own = result.view.lesson.external is not None or is_playground(result.view.lesson)
    if result.trace is not None and is_own:
        nodes = takewhile(lambda _: halt is None or not halt(), result.trace.nodes)
        result.first_not_finite = first_broken(nodes)
    if result.view.backward:
        gradients = result.passes.gradients
        if gradients is not None and is_own:
            result.first_not_finite = first_not_finite(gradients.nodes) or result.first_not_finite
        if result.passes.refusal:
            from llm_linalg import ProgramError

            return Run(result.view, None, Failure(ProgramError(result.passes.refusal), _last_good(previous)))
    if result.lineages.awaits(result.view):
        result.lineages.of(result.view, halt)
    if result.tables.awaits(result.view):
        result.tables.find(result.view, halt)
    return result


def _trace_above(view: View, error: ProgramError, terms: dict[str, Any]) -> Trace | None:
    """Return what ran of a program before it failed; if it can't be read, run the lines above the error."""
    from llm_linalg import ProgramError
    from llm_linalg.api.run import run_text

    trace: Trace | None = error.trace
    if trace is not None or error.line is None:
        return trace
    lines = view.program.split("\n")
    for end in range(error.line - 1, max(0, error.line - 1 - ATTEMPTS), -1):
        cells = [start for start in view.cells if start <= end]
        if cells:
            cells.append(end + 1)  # an empty last cell, as only the last one may end the run with an error
        try:
            return run_text("\n".join([*lines[:end], ""]), cells=cells, **terms)
        except ProgramError as other:
            trace = other.trace
            if trace is not None:
                return trace  # and here it would have failed as well
    return None


def _own_part(view: View, error: ProgramError) -> Run | None:
    """Return what was run of a document's cell in spite of its error; None if that made no tensor."""
    trace = error.trace
    if trace is None or not trace.cells or trace.cells[-1].node is None:
        return None
    return Run(view, trace)


def _last_good(previous: Run | None) -> Run | None:
    """Return the last run that did not fail."""
    return previous.failure.good if previous is not None and previous.failure is not None else previous


def _stopped_run(view: View, error: ProgramError, ran: Trace | None) -> Run | None:
    """Return what ran of a program that was stopped, at the line where it was; None for any other failure."""
    from llm_linalg.base.errors import HaltedError, LimitError

    if ran is None or not ran.nodes or not isinstance(error, HaltedError | LimitError):
        return None
    line = error.line or last_line(view.program)
    return Run(at_operation(view, path_at(ran, line)), ran)


def _lacks_node(view: View, trace: Trace) -> bool:
    """Return whether a stop's program, with the controls as they are, lacks the node that it shows."""
    stop = view.at_stop
    if view.code is not None or stop.show is None:
        return False
    try:
        shown = stop.trace_to_show(trace)
    except LookupError:
        return True
    return shown is None or stop.show not in shown


def _open_external(
    view: View, program: ExternalProgram, previous: Run | None, halt: Callable[[], bool] | None = None
) -> Run:
    """Run what is shown in a lesson's place; again, if the values that the view shows were dropped."""
    from llm_linalg import ProgramError, ShapeError
    from llm_linalg.base.garbage import spare

    try:
        trace = program.run(view.seed, halt=halt)
        node = top_node(trace.nodes, view.path)
        if node is not None and node.dropped:
            trace = program.run(view.seed, node.index, halt)
        spare(len(trace.nodes))
        _ = trace.map.level(), trace.map.multiplications  # computed here, as it takes a while for a long run
        return _with_awaited(Run(view, trace), previous, halt)
    except ProgramError as error:
        operands = error.values if isinstance(error, ShapeError) else ()
        ran: Trace | None = error.trace
        good = _last_good(previous) if ran is None or not ran.nodes else _whole(Run(view, ran))
        return Run(view, None, Failure(error, good, operands, partial_trace=ran))


def _whole(run: Run) -> Run:
    """Return a run at the last step of its view: beside an error, what ran is shown as it was computed."""
    from tui.navigation.steps import goto, position

    try:
        navigation = run.navigation(run.view)
    except LookupError:  # the run ended before the node that its view shows
        return run
    view = goto(run.view, navigation, position(run.view, navigation)[1])
    return replace(run, view=view)
