"""Verdicts on answers: made by the engine, and shown as what was written beside what was asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from llm_linalg.base.errors import HaltedError, InternalError, ProgramError, RoomError
from llm_linalg.base.text import NOTHING, CleanText, clean
from tui.compose.format_cache import FormatCache
from tui.compose.highlights import Highlight
from tui.compose.panels import PanelStyle
from tui.compose.plain_panel import clash_along, plain_panel, plain_style
from tui.model.frame import CellMark, Frame, Panel

if TYPE_CHECKING:
    from llm_linalg.questions.verdict import Verdict
    from llm_linalg.recording.record_node import Value
    from tui.model.view import View

YOURS, ASKED, ONE_RIGHT = "your answer", "asked for", "one that works"
LONGEST_LINE = 1_000  # characters


def judge_answer(
    view: View, answer: str, halt: Callable[[], bool] | None = None, *, trust: bool = False
) -> Verdict:
    """Return the verdict on an answer to the exercise of a view's stop, in its state.

    A program that fails leaves the answer wrong, and says why; so does a fault of ours. With `trust` what is
    foreign may run with the user's rights where nothing would lock it in.

    Raises:
        HaltedError: If `halt` stopped it.
        LookupError: If the stop is no exercise.
    """
    from llm_linalg.lessons.answers import judge
    from llm_linalg.questions.verdict import Verdict

    exercise = view.at_stop.exercise
    if exercise is None:
        raise LookupError("this stop is no exercise")
    try:
        judged = judge(
            view.lesson,
            view.at_stop,
            exercise,
            view.values,
            view.seed,
            halt=halt,
            trust=trust or view.trusted,
        )
        return judged.verdict(answer)
    except HaltedError:
        raise
    except RoomError as error:
        return Verdict(right=False, reason=clean(error.message), error=error)
    except ProgramError as error:
        return Verdict(right=False, reason=clean(f"The program fails: {error.message}"), error=error)
    except Exception as error:  # noqa: BLE001  the app goes on
        failure = InternalError.of(error, "this can't be judged")
        return Verdict(right=False, reason=failure.message, error=failure)


def shown_verdict(verdict: Verdict, *, is_revealed: bool) -> Verdict:
    """Return a verdict without what was asked for, unless that is revealed."""
    if is_revealed:
        return verdict
    return replace(verdict, asked=NOTHING, pictures=(verdict.pictures[0], None))


def verdict_frame(frame: Frame, verdict: Verdict, *, ascii_only: bool) -> Frame:
    """Return a frame of an exercise with a verdict on what was written.

    Where that is a tensor, the picture shows it, the cells that differ marked, and beside it what was asked
    for, if the verdict knows that.
    """
    panels = verdict_panels(verdict, ascii_only)
    label = ONE_RIGHT if verdict.is_open else ASKED
    asked: tuple[CleanText, ...] = ()
    if verdict.asked and not verdict.right:
        asked = (clean(f"{label.capitalize()}: {verdict.asked}", LONGEST_LINE),)
    summary = verdict.summary if panels else (*verdict.lines, *asked)
    if frame.exercise is not None:
        exercise = frame.exercise._replace(verdict=(*verdict.lines, *asked), summary=summary)
        frame = replace(frame, exercise=exercise)
    if not panels:
        return frame
    return replace(
        frame,
        stage=frame.stage._replace(
            panels=panels, arrangement="row", drawing=None, board=None, map=None, legend="", note=""
        ),
        captions=frame.captions._replace(
            formula=(),
            shape_line=NOTHING if frame.exercise is None else frame.exercise.answer,
            sentence=NOTHING,
        ),
        cursor=None,
    )


def verdict_panels(verdict: Verdict, ascii_only: bool) -> tuple[Panel, ...]:
    """Return the panel of what was written and that of what was asked for, as far as they can be shown.

    A single number is said, and none is needed.
    """
    given, asked = verdict.pictures
    if verdict.right or given is None or (asked is None and not given.ndim):
        return ()
    style = plain_style(verdict.pictures, FormatCache(), ascii_only)
    labels = YOURS, ONE_RIGHT if verdict.is_open else ASKED
    pairs = zip(labels, verdict.pictures, strict=True)
    return tuple(_panel(name, value, verdict, style) for name, value in pairs if value is not None)


def _panel(name: str, value: Value, verdict: Verdict, style: PanelStyle) -> Panel:
    shape = tuple(value.shape)
    differs = verdict.difference
    highlight, first = Highlight(), None
    if differs is not None and differs.cells:
        highlight = Highlight(((CellMark.CLASH, differs.cells),), differs.cells[:1])
        first = differs.cells[0]
    elif differs is not None and differs.axes:
        highlight = clash_along(differs.axes, shape)
    return plain_panel(name, value, style, highlight, first)
