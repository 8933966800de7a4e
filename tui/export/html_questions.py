"""What a page asks, as HTML: a guess that is clicked or typed, an exercise whose hints open one by one."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

from tui.export.html_parts import inline
from tui.model.view import View
from tui.model.view_words import command
from tui.text.formula_spans import NameHues

if TYPE_CHECKING:
    from llm_linalg.questions.question import Ask
    from tui.model.question_view import ExerciseView


def ask_html(ask: Ask, hues: NameHues) -> str:
    """Return a guess: its choices as buttons, which work with a script and can be read without."""
    question = f"<p><strong>Guess:</strong> {inline(ask.question, hues)}</p>\n"
    if ask.choices:
        given = "".join(
            f'<li><button type="button">{inline(choice, hues)}</button></li>\n' for choice in ask.choices
        )
        given = f"<ol>\n{given}</ol>\n"
    else:
        given = (
            '<form class="live"><input name="guess" aria-label="your guess" autocomplete="off">\n'
            '<button type="submit">guess</button></form>\n'
        )
    return f'<div class="ask">\n{question}{given}<p class="verdict" role="status"></p>\n</div>\n'


def exercise_html(exercise: ExerciseView, view: View) -> str:
    """Return what is below an exercise's question: what to write, hints one in the other, the solution."""
    answer = None if view.at_stop.exercise is None else view.at_stop.exercise.answer
    inside = ""
    if answer is not None:
        code = f"<pre>{escape(answer.text)}</pre>\n"
        inside = f'<details class="solution">\n<summary>The solution</summary>\n{code}</details>\n'
    count = len(exercise.hints)
    for k in range(count, 0, -1):
        hint = f"<p>{_hint(exercise.hints[k - 1])}</p>\n"
        inside = f"<details>\n<summary>Hint {k} of {count}</summary>\n{hint}{inside}</details>\n"
    opening = command(View.opening(view.lesson, view.stop))
    judged = f"; <code>{escape(opening)}</code> judges it" if view.lesson.is_own else ""
    wanted = f'<p class="facts">Write {escape(exercise.wanted)}{judged}.</p>\n'
    return f'<div class="exercise">\n{wanted}{inside}</div>\n'


def _hint(text: str) -> str:
    """Return a hint: code between backticks, and all else as it is written, blanks among it."""
    pieces = re.split(r"`([^`]+)`", text)
    return "".join(f"<code>{escape(one)}</code>" if k % 2 else escape(one) for k, one in enumerate(pieces))
