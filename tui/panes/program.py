"""The program, a window of it around the line that is being shown, and the facts about that line."""

from __future__ import annotations

from tui.picture import Picture
from tui.widgets.lines import Lines
from tui.widgets.rows import Row, ends, row


def code_rows(code: tuple[str, ...], line: int | None, count: int, pointer: str) -> list[Row]:
    """`count` lines of the program with line number `line` (from 1) among them, marked."""
    at = (line or 1) - 1
    start = max(0, min(at - count // 2, len(code) - count))
    rows = []
    for number, text in enumerate(code[start : start + count], start):
        now = line is not None and number == at
        rows.append(row((f"{pointer if now else ' '} ", "accent"), (text, "code-now" if now else "code")))
    return rows


class Program(Lines):
    """The lines of the program."""

    DEFAULT_CSS = "Program { height: 4; }"

    def show_picture(self, picture: Picture) -> None:
        """Shows the lines around the current one."""
        code, line = program_of(picture)
        self.show(code_rows(code, line, picture.room.program, self.glyphs.pointer))


def program_of(picture: Picture) -> tuple[tuple[str, ...], int | None]:
    """The program's lines and the current one; before the first run, the lesson's text."""
    if picture.frame is not None:
        return picture.frame.code, picture.frame.line
    return tuple(picture.session.view.program.splitlines()), None


class Facts(Lines):
    """One row: the shapes of the operation shown, and how it is known what its cells read."""

    DEFAULT_CSS = "Facts { height: 1; }"

    def show_picture(self, picture: Picture) -> None:
        """Shows the shape line."""
        frame = picture.frame
        if frame is None:
            self.show([row((picture.waiting, "label"))])
            return
        trail = " › ".join(frame.path[:-1])
        shapes = frame.shape_line
        fine, mark, rest = shapes.partition(" ✓")
        left = row(
            (f"{trail} › " if trail else "", "label"),
            (fine, "error" if frame.error is not None else "strong"),
            (mark, "ok"),
            rest,
        )
        right: list[tuple[str, str]] = []
        if picture.waiting:
            right.append((picture.waiting, "label"))
        elif frame.node is not None:
            said = [
                "backward" if frame.twin else "",
                frame.note,
                frame.range_text,
                frame.node.op,
                frame.node.evidence,
            ]
            right.append((" · ".join(word for word in said if word), "dim"))
        self.show([ends(left, row(*right), picture.room.main, self.glyphs.dots)])
