"""The program: a window of it around the line that is being shown."""

from __future__ import annotations

from collections.abc import Sequence

from tui.layout.pane_sizes import Picture
from tui.text.rows import Row, marked_lines
from tui.widgets.row_widget import RowWidget


def code_rows(code: Sequence[str], line: int | None, count: int, width: int, pointer: str) -> list[Row]:
    """Return `count` rows of the program, line `line` (from 1) among them and marked; long lines go on."""
    rows, first, last = marked_lines(code, line, width, pointer)
    start = max(0, min((first + last - count + 1) // 2, first, len(rows) - count))
    return rows[start : start + count]


class ProgramPane(RowWidget):
    """The lines of the program."""

    DEFAULT_CSS = "ProgramPane { height: 4; }"

    def show_picture(self, picture: Picture) -> None:
        """Show the lines around the current one."""
        code, line = program_of(picture)
        room = picture.room
        self.show(code_rows(code, line, room.program, room.main, self.glyphs.pointer))


def program_of(picture: Picture) -> tuple[tuple[str, ...], int | None]:
    """Return the program's lines and the current one; before the first run, the lesson's text."""
    if picture.frame is not None:
        return picture.frame.listing.code, picture.frame.listing.line
    return tuple(picture.session.view.program.splitlines()), None
