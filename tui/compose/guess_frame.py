"""The frame of a question: without what would give the answer away, and with what a wrong guess would be."""

from __future__ import annotations

import math
from dataclasses import replace
from operator import ge
from typing import TYPE_CHECKING

from llm_linalg.base.text import NOTHING, clean
from llm_linalg.lessons.markdown import plain_text
from tui.compose.frames import spelled
from tui.compose.highlights import Highlight
from tui.compose.plain_panel import plain_panel, plain_style
from tui.model.frame import CellMark, Frame, Panel
from tui.model.question_view import AskView, GuessView
from tui.text.glyphs import ascii_text

if TYPE_CHECKING:
    from llm_linalg.questions.drawn import Question
    from tui.compose.format_cache import FormatCache
    from tui.model.view import View

YOURS, TORCHS = "your guess", "torch"
MOST_CELLS = 10_000  # of a shape that is drawn


def with_question(
    frame: Frame, view: View, question: Question, cache: FormatCache, ascii_only: bool
) -> Frame:
    """Return a frame with what is asked there; after a wrong guess with its picture beside the right one."""
    ask = question.ask
    given = None if view.guess is None or view.guess.answer is None else answered(question, view.guess.answer)
    shown = AskView(ask.question, ask.choices, clean(ask.check.text, 200), True, given)
    if ascii_only:
        shown = shown._replace(
            question=ascii_text(shown.question),
            choices=spelled(shown.choices),
            guess=given and spelled(given),
        )
    frame = replace(frame, ask=shown)
    if given is None:
        frame = replace(
            frame, listing=frame.listing._replace(printed=NOTHING, own_printed=NOTHING)
        )  # it might tell
        return without_shape(frame) if _tells_shape(question) else frame
    panels = () if given.right else _panels(question, given.text, frame, cache, ascii_only)
    if not panels:
        return frame
    return replace(
        frame,
        stage=frame.stage._replace(
            panels=panels, arrangement="row", drawing=None, board=None, map=None, note=""
        ),
        captions=frame.captions._replace(formula=(), brief=(), shape_line=NOTHING, sentence=NOTHING),
    )


def answered(question: Question, text: str) -> GuessView | None:
    """Return what comes of an answer; None for one that is nothing of the kind that is asked for."""
    answer, choices = question.answer, question.ask.choices
    number = int(text) if text.isdecimal() and len(text) < 3 else 0
    if 1 <= number <= len(choices):  # also where the text of another choice is that number
        choice = choices[number - 1]
        return GuessView(plain_text(choice), number - 1 == answer.choice, plain_text(answer.text))
    try:
        right = answer.accepts(text)
    except ValueError:
        return None
    known = not choices or right or text in choices
    return GuessView(plain_text(clean(text, 200)), right, plain_text(answer.text)) if known else None


def _tells_shape(question: Question) -> bool:
    """Return whether the result's shape would give the answer away."""
    from llm_linalg.questions.guess import cell_in

    if question.answer.kind == "shape":
        return True
    shapes = [choice for choice in question.ask.choices if choice.strip()[:1] == "(" and cell_in(choice)]
    return len(shapes) > 1


def without_shape(frame: Frame) -> Frame:
    """Return a frame without what has the shape of the result: its panel, and what the program printed."""
    panels = tuple(
        panel for panel in frame.stage.panels if panel.role in ("left", "top", "operand", "addend")
    )
    return replace(
        frame,
        stage=frame.stage._replace(panels=panels, drawing=None),
        captions=frame.captions._replace(shape_line=NOTHING),
        listing=frame.listing._replace(printed=NOTHING),
    )


def _panels(
    question: Question, guess: str, frame: Frame, cache: FormatCache, ascii_only: bool
) -> tuple[Panel, ...]:
    """Return the guess and the right answer side by side; nothing where one of them is no tensor."""
    from llm_linalg.questions.guess import literal

    value = question.answer.value
    if question.answer.kind == "cell":
        return _cells(guess, value, frame, cache, ascii_only)
    if question.answer.kind not in ("shape", "number", "numbers") and not question.ask.choices:
        return ()
    given = literal(guess)
    made = [_panel(name, shown, cache, ascii_only) for name, shown in ((YOURS, given), (TORCHS, value))]
    return tuple(panel for panel in made if panel is not None) if all(made) else ()


def _cells(
    guess: str, right: tuple[int, ...], frame: Frame, cache: FormatCache, ascii_only: bool
) -> tuple[Panel, ...]:
    """Return the result twice: with the cell that was guessed, and with the right one, if it has both."""
    from llm_linalg.questions.guess import cell_in

    guessed, node = cell_in(guess), frame.operation
    if node is None or guessed is None or node.node.dropped:
        return ()
    value = node.node.value
    if any(len(cell) != value.ndim or any(map(ge, cell, value.shape)) for cell in (guessed, right)):
        return ()
    style = plain_style([value], cache, ascii_only)
    marked = ((YOURS, guessed, CellMark.CLASH), (TORCHS, right, CellMark.WRITE))
    return tuple(
        plain_panel(name, value, style, Highlight(((mark, (cell,)),), (cell,)), cell)
        for name, cell, mark in marked
    )


def _panel(name: str, value: object, cache: FormatCache, ascii_only: bool) -> Panel | None:
    """Return the panel of a tensor, of a number, or of a shape, whose cells are unknown."""
    from llm_linalg.questions.value import plain_tensor

    if isinstance(value, tuple):
        shape = tuple(size for size in value if isinstance(size, int) and 0 <= size <= MOST_CELLS)
        if len(shape) != len(value) or math.prod(shape) > MOST_CELLS:
            return None
        return plain_panel(name, shape, plain_style((), cache, ascii_only))
    tensor = None if isinstance(value, bool) else plain_tensor(value)
    if tensor is None or tensor.numel() > MOST_CELLS:
        return None
    return plain_panel(name, tensor, plain_style([tensor], cache, ascii_only))
