"""Practice: a question with its picture, a line to answer in, what torch says, and why."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from textual import events

from llm_linalg.lessons.markdown import plain_text
from tui.screens.pager import ModalScreen
from tui.text.glyphs import Glyphs
from tui.text.prose import paragraphs
from tui.text.rows import Row, TextSpan, row, wrap
from tui.widgets.row_widget import glyphs_of

if TYPE_CHECKING:
    from llm_linalg.questions.practice import Practice, PracticeQuestion
    from tui.compose.practice_picture import TaughtStop
    from tui.model.drawing import Drawing
    from tui.model.question_view import GuessView

LONGEST = 40  # characters of an answer
LEAVE = ("escape", "ctrl+c", "ctrl+q")
ON = ("enter", "right", "space", "full_stop")
SCROLL = {"up": -1, "down": 1, "pageup": -10, "pagedown": 10}
LOADING = "loading torch…"
NOTHING_SEEN = "Nothing is practised yet of what you have seen. tab asks from all of the course."
WIDTH = 76  # columns of a picture
PLANE_ROWS = 10  # of a picture that is drawn


class PracticePicture(NamedTuple):
    """What a question is asked about, and the stop that teaches it.

    Attributes:
        text: The program and the tensors.
        drawing: The tensors as a drawing, or None.
        taught: The stop; None where the course has it no more.
    """

    text: str
    drawing: Drawing | None
    taught: TaughtStop | None


class PracticeScreen(ModalScreen, inherit_bindings=False):
    """One question after the other. What was missed or passed comes back, with other numbers.

    Attributes:
        practice: the session; None until it has begun.
        drawn: the question that is asked.
        text: the answer so far.
        told: what came of the answer; None while it is asked.
        passed: whether it was passed.
    """

    def __init__(
        self,
        begin: Callable[[], Practice],
        other: Callable[[], Practice] | None = None,
        open_stop: Callable[[str, int], None] | None = None,
    ) -> None:
        """`begin` makes the session, in a thread: it may import torch.

        `other` makes one of all of the course, where the first is of what was seen, and `open_stop` opens a
        stop of a lesson; without them there are no keys for that.
        """
        super().__init__()
        self._begin = begin
        self._other = other
        self._open_stop = open_stop
        self._is_whole = other is None
        self.practice: Practice | None = None
        self.drawn: PracticeQuestion | None = None
        self.text = ""
        self.told: GuessView | None = None
        self.passed = False
        self._picture = PracticePicture("", None, None)

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
        if not self.practice.programs:
            self.drawn = None
            self.fill()
            return
        # By now the screen may have been left.
        plain = glyphs_of(self).plain
        self.drawn, self._picture = await asyncio.to_thread(_drawn, self.practice, plain)
        self.text, self.told, self.passed, self._top = "", None, False, 0
        self.fill()

    async def _turn(self) -> None:
        """Ask from all of the course, or from what was seen again."""
        if self._other is None or self.practice is None:
            return
        self._is_whole = not self._is_whole
        self.practice = await asyncio.to_thread(self._other if self._is_whole else self._begin)
        await self._ask()

    async def on_key(self, event: events.Key) -> None:
        """Take a key: of the answer, or what goes on."""
        event.stop()
        event.prevent_default()
        if event.key in LEAVE or (event.key == "q" and not self.text):
            self.leave()
        elif event.key == "tab":
            await self._turn()
        elif self.practice is None or self.drawn is None:
            return
        elif event.key in SCROLL:
            self.action_scroll_rows(SCROLL[event.key])
        elif self.told is not None or self.passed:
            if event.key == "l" and self._open_stop is not None and self._picture.taught is not None:
                self.dismiss()
                self._open_stop(self._picture.taught.slug, self._picture.taught.number)
            elif event.key in ON:
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
        elif event.key == "right" and not self.text:
            self.passed = True
        elif event.key == "enter":
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
        self.told = answered(drawn.question, text) if text else None
        if self.told is None:
            self.text = ""

    def rows(self, width: int, height: int, glyphs: Glyphs) -> list[Row]:
        """Return the question with its picture, and the keys."""
        inner = max(8, min(100, width - 4))
        rows = self._rows(inner, max(1, height - 3))
        rows += [()] * (height - 3 - len(rows))
        level, of = "", "" if self._other is None else "   all of the course"
        if self.practice is not None:
            now = self.practice
            level = f"   question {now.number}, level {now.level}, seed {now.seed}"
            level += of if self._is_whole else "   of what you have seen"
        return [
            row(("  Practice", "title"), (level, "dim")),
            row((glyphs.horizontal * width, "rule")),
            *((TextSpan("  "), *spans) for spans in rows[: max(1, height - 3)]),
            row(*((glyphs.text(text), role) for text, role in self._keys())),
        ]

    def _keys(self) -> list[tuple[str, str]]:
        """Return what the keys do now."""
        answered = self.told is not None or self.passed
        keys = [] if self.drawn is None else [("↵", "next")] if answered else [("↵", "answer"), ("→", "pass")]
        if answered and self._open_stop is not None and self._picture.taught is not None:
            keys.append(("l", "its lesson"))
        if self._other is not None:
            keys.append(("tab", "what you have seen" if self._is_whole else "all of the course"))
        return [
            piece
            for key, does in (*keys, ("esc", "leave"))
            for piece in ((f"  {key}", "key"), (f" {does} ", "label"))
        ]

    def _rows(self, width: int, height: int) -> list[Row]:
        """Return the picture, as far as there is room, the question, and what there is to say to it."""
        if self.drawn is None:
            waits = self.practice is None or bool(self.practice.programs)
            return [row((LOADING if waits else NOTHING_SEEN, "label"))]
        question = self.drawn.question
        below: list[Row] = [*paragraphs(question.ask.question, width)]
        below += [
            row((f"{number} ", "key"), plain_text(choice))
            for number, choice in enumerate(question.ask.choices, 1)
        ]
        if self.told is None and not self.passed:
            below.append(row(("your answer: ", "label"), (f"{self.text}_", "strong")))
        else:
            below += self._verdict(self.drawn, width)
        return [*self._picture_rows(max(0, height - len(below) - 1), width), (), *below]

    def _verdict(self, drawn: PracticeQuestion, width: int) -> list[Row]:
        """Return what came of the answer, the mistake, why another is right, and where that is taught."""
        from tui.compose.practice_picture import reasons

        given = self.told
        lines = [(f"It is {plain_text(drawn.question.answer.text)}.", "current")]
        if given is not None:
            lines = [(given.sentence, "ok" if given.right else "current")]
        lines += [(text, "") for text in reasons(drawn, given)]
        if self._picture.taught is not None:
            lines.append((self._picture.taught.words, "label"))
        return [row((line, role)) for text, role in lines for line in wrap(text, width)]

    def _picture_rows(self, room: int, width: int) -> list[Row]:
        """Return the picture; where it is higher than the room, a part of it, and which."""
        drawing = self._picture.drawing
        lines = [row(line) for line in self._picture.text.split("\n")] if self._picture.text else []
        if drawing is not None and room > len(lines) + 4:
            height = min(PLANE_ROWS, room - len(lines) - bool(lines))
            return [*lines, *[()] * bool(lines), *drawing.rows(width, height)]
        if len(lines) > room:
            lines = [line for line in lines if line]
        if len(lines) <= room:
            return lines
        shown = max(0, room - 1)
        self._top = max(0, min(self._top, len(lines) - shown))
        note = f"↑↓ rows {self._top + 1} to {self._top + shown} of {len(lines)}"
        return [*lines[self._top : self._top + shown], row((note, "dim"))][:room]


def _drawn(practice: Practice, ascii_only: bool) -> tuple[PracticeQuestion, PracticePicture]:
    """Return the question that is asked now, and its picture."""
    from tui.compose.practice_picture import practice_frame, taught_stop
    from tui.render.plain import puzzle

    drawn = practice.question
    frame = practice_frame(drawn, ascii_only=ascii_only)
    drawing = frame.stage.drawing
    if drawing is not None:  # beside arrows, which have no numbers, the lines that have them
        frame = replace(frame, stage=frame.stage._replace(panels=()))
    return drawn, PracticePicture(puzzle(frame, WIDTH, brief=True), drawing, taught_stop(drawn))


def whole_practice() -> Practice:
    """Return a session of practice of everything, another each time."""
    from secrets import randbelow

    from llm_linalg.questions.practice import Practice

    return Practice(seed=randbelow(2**31))


def practice_of(stops: Collection[tuple[str, str]]) -> Practice:
    """Return a session of practice of what these stops teach: pairs of a lesson's slug and a stop's title."""
    from llm_linalg.questions.practice import programs_seen

    return replace(whole_practice(), programs=programs_seen(stops))
