"""Practice: a question with its picture, a line to answer in, and what torch says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from textual import events

from llm_linalg.lessons.markdown import plain_text
from tui.screens.pager import ModalScreen
from tui.text.glyphs import Glyphs
from tui.text.prose import paragraphs
from tui.text.rows import Row, TextSpan, row, wrap
from tui.widgets.row_widget import glyphs_of

if TYPE_CHECKING:
    from llm_linalg.questions.practice import Practice, PracticeQuestion
    from tui.model.question_view import GuessView

LONGEST = 40  # characters of an answer
LEAVE = ("escape", "ctrl+c", "ctrl+q")
ON = ("enter", "right", "space", "full_stop")
SCROLL = {"up": -1, "down": 1, "pageup": -10, "pagedown": 10}
LOADING = "loading torch…"


class PracticeScreen(ModalScreen, inherit_bindings=False):
    """One question after the other. An empty answer passes; what was missed comes back.

    Attributes:
        practice: the session; None until it has begun.
        drawn: the question that is asked.
        text: the answer so far.
        told: what came of the answer; None while it is asked.
        passed: whether it was passed.
    """

    def __init__(self, begin: Callable[[], Practice]) -> None:
        """`begin` makes the session, in a thread: it may import torch."""
        super().__init__()
        self._begin = begin
        self.practice: Practice | None = None
        self.drawn: PracticeQuestion | None = None
        self.text = ""
        self.told: GuessView | None = None
        self.passed = False
        self._picture = ""

    def on_mount(self) -> None:
        """Paint first; then import torch and draw the first question."""
        self.fill()
        self.call_after_refresh(lambda: self.run_worker(self._start()))

    async def _start(self) -> None:
        self.practice = await asyncio.to_thread(self._begin)
        await self._ask()

    async def _ask(self) -> None:
        """Draw the next question, and its picture."""
        if self.practice is None:
            return
        # By now the screen may have been left.
        plain = glyphs_of(self).plain
        self.drawn, self._picture = await asyncio.to_thread(_drawn, self.practice, plain)
        self.text, self.told, self.passed, self._top = "", None, False, 0
        self.fill()

    async def on_key(self, event: events.Key) -> None:
        """Take a key: of the answer, or what goes on."""
        event.stop()
        event.prevent_default()
        if event.key in LEAVE or (event.key == "q" and not self.text):
            self.leave()
        elif self.practice is None or self.drawn is None:
            return
        elif event.key in SCROLL:
            self.action_scroll_rows(SCROLL[event.key])
        elif self.told is not None or self.passed:
            if event.key in ON:
                right = self.told is not None and self.told.right
                self.practice = self.practice.after(self.drawn, right=right)
                await self._ask()
        else:
            self._type(event, self.drawn)

    def leave(self) -> None:
        """Go back to the explorer, or end the app if this is all there is."""
        if len(self.app.screen_stack) > 1 and not isinstance(self.app.screen_stack[0], PracticeScreen):
            self.dismiss()
        else:
            self.app.exit()

    def _type(self, event: events.Key, drawn: PracticeQuestion) -> None:
        """Take a key of the answer; a digit chooses at once where there are choices."""
        choices = drawn.question.ask.choices
        if event.key == "backspace":
            self.text = self.text[:-1]
        elif event.key == "enter" or (event.key == "right" and not self.text):
            self._judge(drawn)
        elif choices and event.character and event.character.isdecimal():
            self.text = event.character
            self._judge(drawn)
        elif event.character and event.character.isprintable() and event.character.isascii():
            self.text = (self.text + event.character)[:LONGEST]
        self.fill()

    def _judge(self, drawn: PracticeQuestion) -> None:
        from tui.compose.guess_frame import answered

        text = self.text.strip()
        self.passed = not text
        self.told = answered(drawn.question, text) if text else None
        if self.told is None and text:
            self.text = ""

    def rows(self, width: int, height: int, glyphs: Glyphs) -> list[Row]:
        """Return the question with its picture, and the keys."""
        inner = max(8, min(100, width - 4))
        rows = self._rows(inner, max(1, height - 3))
        rows += [()] * (height - 3 - len(rows))
        level = (
            ""
            if self.practice is None
            else f"   question {self.practice.number}, level {self.practice.level}, seed {self.practice.seed}"
        )
        answering = self.told is None and not self.passed
        keys = "↵ answer   → pass" if answering else "↵ next"
        return [
            row(("  Practice", "title"), (level, "dim")),
            row((glyphs.horizontal * width, "rule")),
            *((TextSpan("  "), *spans) for spans in rows[: max(1, height - 3)]),
            row((f"  {glyphs.text(keys)}", "key"), ("   esc leave", "label")),
        ]

    def _rows(self, width: int, height: int) -> list[Row]:
        """Return the picture, as far as there is room, the question, and what there is to say to it."""
        if self.drawn is None:
            return [row((LOADING, "label"))]
        question = self.drawn.question
        said: list[Row] = [*paragraphs(question.ask.question, width)]
        said += [
            row((f"{number} ", "key"), plain_text(choice))
            for number, choice in enumerate(question.ask.choices, 1)
        ]
        if self.told is not None:
            role = "ok" if self.told.right else "current"
            said += [row((line, role)) for line in wrap(self.told.sentence, width)]
        elif self.passed:
            said.append(row((f"It is {plain_text(question.answer.text)}.", "current")))
        else:
            said.append(row(("your answer: ", "label"), (f"{self.text}_", "strong")))
        return [*self._picture_rows(max(0, height - len(said) - 1)), (), *said]

    def _picture_rows(self, room: int) -> list[Row]:
        """Return the picture; where it is higher than the room, a part of it, and which."""
        lines = self._picture.split("\n")
        if len(lines) > room:
            lines = [line for line in lines if line]
        if len(lines) <= room:
            return [row(line) for line in lines]
        shown = max(0, room - 1)
        self._top = max(0, min(self._top, len(lines) - shown))
        note = f"↑↓ rows {self._top + 1} to {self._top + shown} of {len(lines)}"
        return [*(row(line) for line in lines[self._top : self._top + shown]), row((note, "dim"))][:room]


def _drawn(practice: Practice, ascii_only: bool) -> tuple[PracticeQuestion, str]:
    """Return the question that is asked now, and its picture as text."""
    from tui.compose.practice_picture import practice_frame
    from tui.render.plain import puzzle

    drawn = practice.question
    return drawn, puzzle(practice_frame(drawn, ascii_only=ascii_only), 76, brief=True)


def whole_practice() -> Practice:
    """Return a session of practice of everything, another each time."""
    from secrets import randbelow

    from llm_linalg.questions.practice import Practice

    return Practice(seed=randbelow(2**31))
