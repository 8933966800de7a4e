"""The title bar: where one is, the stop, the seed, and the rule below."""

from __future__ import annotations

from tui.picture import SIDEBAR, Picture
from tui.widgets.lines import Lines
from tui.widgets.rows import Span, ends, row


class TitleBar(Lines):
    """Two rows: the title, and a rule that the sidebar's edge hangs from."""

    DEFAULT_CSS = "TitleBar { height: 2; }"

    def show_picture(self, picture: Picture) -> None:
        """Shows the lesson, the stop and the seed."""
        view, width = picture.session.view, picture.room.width
        lesson = view.lesson
        stops = len(lesson.stops)
        left = row(
            (" llm-linalg", "accent strong"),
            (f"   {lesson.part} {lesson.part_title} › ", "label"),
            (lesson.title, "title"),
        )
        right = row(
            (f"stop {view.stop}/{stops}   " if stops > 1 else "", "label", "stop.next"),
            (f"seed {view.seed}   ", "label"),
            ("?", "key", "help"),
            (" help ", "label", "help"),
        )
        glyphs = self.glyphs
        rule = glyphs.horizontal * width
        if picture.room.sidebar:
            at = SIDEBAR - 1
            rule = rule[:at] + glyphs.cross + rule[at + 1 :]
        self.show([ends(left, right, width, glyphs.dots), (Span(rule, "rule"),)])
