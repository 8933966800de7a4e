"""A text area with a note beside each line, and the place of an error."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip
from textual.widgets import TextArea

from tui.session.editing import ErrorMark
from tui.text.syntax_colors import tokens
from tui.widgets.row_widget import glyphs_of, theme_of


class AnnotatedText(TextArea):
    """Draws a text in our colours, notes behind its lines."""

    _mark: ErrorMark | None = None  # the base class draws before they are there
    _notes: Mapping[int, str] = MappingProxyType({})

    def _build_highlight_map(self) -> None:
        self._line_cache.clear()
        self._highlights.clear()
        lines = self.document.lines
        for row, line_tokens in enumerate(tokens(lines)):
            line = lines[row]
            for start, end, role in line_tokens:
                self._highlights[row].append((_bytes(line, start), _bytes(line, end), role))
        mark = self._mark
        if mark is not None and mark.row < len(lines):
            line = lines[mark.row]
            if mark.start < min(mark.end, len(line)):
                place = (_bytes(line, mark.start), _bytes(line, min(mark.end, len(line))), "mark")
                self._highlights[mark.row].append(place)

    def render_line(self, y: int) -> Strip:
        """Return the line, its note at the end; each segment has a style: no filter meets one without."""
        theme, width = theme_of(self), self.size.width
        base = theme.style("editor")
        strip = super().render_line(y).adjust_cell_length(width, base)
        strip = Strip([Segment(s.text, s.style or base) for s in strip if s.text], width)
        row = y + self.scroll_offset.y
        if row >= self.document.line_count:
            return strip
        current = "editor editor-line" if row == self.cursor_location[0] else "editor"
        if self._mark is not None and row == self._mark.row:
            gutter = f"{row + 1:>{self.gutter_width - 2}}{self._sign} "
            lead = Strip([Segment(gutter, theme.style(f"{current} error"))], self.gutter_width)
            strip = Strip.join([lead, strip.crop(self.gutter_width, width)])
        elsewhere = self._distant_error(y)
        note, role = (elsewhere, "error") if elsewhere else (self._note(row, width), "note")
        if note:
            tail = Strip([Segment(note, theme.style(f"{current} {role}"))], len(note))
            strip = Strip.join([strip.crop(0, width - len(note)), tail])
        return strip.simplify()

    def _distant_error(self, y: int) -> str:
        """Return where the program failed, on the first or last row if that line is outside the window."""
        mark, first, height = self._mark, self.scroll_offset.y, self.size.height
        if mark is None:
            return ""
        above, below = mark.row < first and y == 0, mark.row >= first + height and y == height - 1
        side = "above" if above else "below" if below else ""
        return f" {self._sign} line {mark.row + 1}, column {mark.start + 1}, {side} " if side else ""

    @property
    def _sign(self) -> str:
        """What marks a line that failed."""
        return "!" if glyphs_of(self).plain else "✗"

    def _note(self, row: int, width: int) -> str:
        """Return as much of a line's note as there is room for behind its text; its shape in any case."""
        note = self._notes.get(row, "")
        if not note or (self._mark is not None and row == self._mark.row):
            return ""
        taken = self.gutter_width + cell_len(self.document.get_line(row)) - self.scroll_offset.x
        shape = note[: note.rfind(" ")]
        for text in (note, shape):
            if taken + len(text) + 3 <= width:
                return f" {text} "
        return "" if row == self.cursor_location[0] and self.has_focus else f" {shape} "


def _bytes(line: str, column: int) -> int:
    return column if line.isascii() else len(line[:column].encode("utf-8", "replace"))
