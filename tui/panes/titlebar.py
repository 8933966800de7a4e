"""The title bar: where one is, the stop, the seed, and the rule below."""

from __future__ import annotations

from tui.picture import SIDEBAR, Picture
from tui.widgets.lines import Lines
from tui.widgets.rows import Span, ends, row, width_of


class TitleBar(Lines):
    """Two rows: the title, and a rule that the sidebar's edge hangs from."""

    DEFAULT_CSS = "TitleBar { height: 2; }"

    def show_picture(self, picture: Picture) -> None:
        """Shows the lesson, the stop and the seed."""
        view, width = picture.session.view, picture.room.width
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
            ("?", "key", "help"),
            (" help ", "label", "help"),
        )
        glyphs = self.glyphs
        brand = row((" llm-linalg", "accent strong"))
        space = width - width_of(right) - width_of(brand) - 1
        name = next((name for name in names if width_of(name) <= space), names[-1])
        rule = glyphs.horizontal * width
        if picture.room.sidebar:
            at = SIDEBAR - 1
            rule = rule[:at] + glyphs.cross + rule[at + 1 :]
        self.show([ends((*brand, *name), right, width, glyphs.dots), (Span(rule, "rule"),)])
