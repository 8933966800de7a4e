"""The picture of a practice question, and what there is to say to an answer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from llm_linalg.lessons.markdown import plain_text
from tui.compose.guess_frame import without_shape
from tui.compose.view_runner import open_view
from tui.model.view import END, View
from tui.navigation.steps import position

if TYPE_CHECKING:
    from llm_linalg.questions.practice import PracticeQuestion
    from tui.model.frame import Frame
    from tui.model.question_view import GuessView


class TaughtStop(NamedTuple):
    """The stop that teaches what was asked.

    Attributes:
        slug: Its lesson's.
        number: Its number, from 1.
        words: The lesson's title, the number, and its own title.
    """

    slug: str
    number: int
    words: str


def taught_stop(drawn: PracticeQuestion) -> TaughtStop | None:
    """Return the stop that teaches what a question asks, or the first of its lesson; None without either."""
    from llm_linalg.lessons.lesson import UnknownNameError
    from llm_linalg.lessons.reader import find

    slug, title = drawn.entry.taught
    try:
        lesson = find(slug)
    except UnknownNameError:
        return None
    stop = next((stop for stop in lesson.stops if stop.title == title), lesson.stops[0])
    return TaughtStop(slug, stop.number, f"{lesson.title}, stop {stop.number}: {stop.title}")


def reasons(drawn: PracticeQuestion, given: GuessView | None) -> tuple[str, ...]:
    """Return what is said to an answer: the mistake that gives it, if it has a name, and why it is not so."""
    from llm_linalg.questions.guess import mistake_in

    wrong = given is not None and not given.right
    name = mistake_in(given.text, drawn.question.mistakes) if given is not None and wrong else ""
    sentences = (f"That is {name}." if name else "", drawn.question.why)
    return tuple(plain_text(text) for text in sentences if text)


def practice_frame(drawn: PracticeQuestion, *, ascii_only: bool = False) -> Frame:
    """Return the frame that a question is asked about.

    Of a derivative it is the whole of `Y`, and where nothing is made, the program's text alone.
    """
    from llm_linalg.lessons.reader import parse

    text = f'+++\ntitle = "Practice"\n+++\n```python look="{drawn.look}"\n{drawn.program}\n```\n'
    view = View.opening(replace(parse(text, "practice.md"), is_own=True))
    path, step = (("Y",), END) if drawn.backward else ((drawn.node,) if drawn.node else (), drawn.step)
    run = open_view(replace(view, path=path))
    view = replace(view, path=path, step=step)
    if run.trace is not None:
        view = replace(view, step=position(view, run.navigation(view))[0])
    frame = run.frame(view, ascii_only=ascii_only)
    if drawn.shown:
        frame = _showing(frame, drawn.shown.count("\n") + 1)
    if not drawn.node:
        return replace(
            frame, stage=frame.stage._replace(panels=()), listing=frame.listing._replace(line=None)
        )
    return without_shape(frame) if drawn.question.kind == "shape" else frame


def _showing(frame: Frame, lines: int) -> Frame:
    """Return the frame with the first lines of its program: what makes the picture may tell the answer."""
    return replace(frame, listing=frame.listing._replace(code=frame.listing.code[:lines], line=None))
