"""The title bar: where one is, the stop, the seed, and the rule below."""

from __future__ import annotations

from math import ceil
from time import monotonic
from typing import TYPE_CHECKING

from llm_linalg.base.text import clean
from tui.layout.pane_sizes import Picture
from tui.session.presentation.stage_moves import is_edited, require_talk
from tui.session.presentation.stopwatch import clock_text
from tui.text.glyphs import Glyphs
from tui.text.rows import Row, TextSpan, ends, row, width_of
from tui.widgets.row_widget import RowWidget

if TYPE_CHECKING:
    from tui.session.presentation.state import Talk


class TitleBar(RowWidget):
    """Two rows: the title, and a rule that the sidebar's edge hangs from."""

    DEFAULT_CSS = "TitleBar { height: 2; }"

    def show_picture(self, picture: Picture) -> None:
        """Show the lesson, the stop and the seed."""
        if picture.session.talk is not None:
            self.show([talk_row(picture, self.glyphs)])
            return
        view, width = picture.session.view, picture.room.width
        if picture.session.door:
            self.show([ends(BRAND, HELP_AT_DOOR, width, self.glyphs.dots), line_across(self.glyphs, width)])
            return
        lesson = view.lesson
        stops = len(lesson.stops)
        names = [
            *([row("   ", (lesson.title, "title"))] if lesson.place == lesson.title else []),
            row((f"   {lesson.place} › ", "label"), (lesson.title, "title")),
            *([] if lesson.document else [row((f"   {lesson.part} › ", "label"), (lesson.title, "title"))]),
            row("   ", (lesson.title, "title")),
        ]
        right = row(
            (f"stop {view.stop}/{stops}  " if stops > 1 else "", "label", "stop.next"),
            (f"seed {view.seed}  ", "label"),
            *(HELP_WHERE_ONE_TYPES if picture.session.editor.is_open else HELP),
        )
        glyphs = self.glyphs
        brand = row((" llm-linalg", "accent strong"))
        space = width - width_of(right) - width_of(brand) - 1
        name = next((name for name in names if width_of(name) <= space), names[-1])
        rule = glyphs.horizontal * width
        if picture.room.sidebar:
            at = picture.room.sidebar - 1
            rule = rule[:at] + glyphs.cross + rule[at + 1 :]
        self.show([ends((*brand, *name), right, width, glyphs.dots), (TextSpan(rule, "rule"),)])


BRAND = row((" llm-linalg", "accent strong"), ("   the linear algebra inside a language model", "label"))
HELP_AT_DOOR = row(("?", "key", "door.help"), (" help ", "label", "door.help"))
"""The ends of the first row at the door."""
HELP = ("?", "key", "help"), (" help ", "label", "help")
HELP_WHERE_ONE_TYPES = ("F1", "key", "edit.help"), (" help ", "label", "edit.help")


def line_across(glyphs: Glyphs, width: int) -> Row:
    """Return the rule below the title."""
    return (TextSpan(glyphs.horizontal * width, "rule"),)


def talk_row(picture: Picture, glyphs: Glyphs) -> Row:
    """Return the title on a stage: the stop, what is not as it was rehearsed, the time, the number."""
    session, room = picture.session, picture.room
    talk = require_talk(session)
    time = _clock(talk, monotonic())
    left_to_think = clock_text(ceil(talk.time_to_think(monotonic())))
    right = row(
        (f"guess {left_to_think}  " if talk.thinking is not None else "", "current"),
        ("file broken  " if talk.fault else "", "error"),
        ("changed  " if is_edited(session) else "", "current", "stage.reset"),
        (f"{time}  " if time else "", "strong", "stage.pause"),
        (f"{talk.number}/{len(talk.deck.stops)} ", "label", "stage.index"),
    )
    if picture.slide is not None:
        return ends((), right, room.width, glyphs.dots)
    left = row((f" {clean(talk.stop.title)}", "title"))
    shapes = picture.frame.captions.shape_line if picture.frame is not None and not room.facts else ""
    wide = row(*left, (f"   {shapes}" if shapes else "", ""))
    fitting = width_of(wide) + width_of(right) < room.width
    return ends(wide if fitting else left, right, room.width, glyphs.dots)


def _clock(talk: Talk, now: float) -> str:
    """Return what the clock shows; empty where there is none."""
    left = talk.remaining(now)
    if talk.clock == "off" or (talk.clock == "remaining" and left is None):
        return ""
    time = clock_text(talk.watch.seconds(now) if talk.clock == "elapsed" or left is None else left)
    return time if talk.watch.running else f"({time})"
