"""A screen of rows to read: the help, and the program and text in full."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, screen
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType

from tui.session.commands import Command, Topic
from tui.session.control_commands import move_command
from tui.session.keys import help_groups
from tui.text.glyphs import UNICODE, Glyphs
from tui.text.key_names import key_label
from tui.text.prose import words
from tui.text.rows import Row, TextSpan, row, wrap_spans
from tui.widgets.row_widget import CommandClicked, RowWidget

if TYPE_CHECKING:
    from llm_linalg.lessons.control import Control

WIDEST = 100
KEY = 8  # columns of a key
ALL = 10**9  # rows, more than there are


class ModalScreen(screen.ModalScreen[Any]):
    """A screen above the explorer, closed once, however many keys of one moment ask for it.

    Unless it has widgets of its own it is a sheet of rows.
    """

    _top = 0  # rows that are scrolled over

    def dismiss(self, result: Any = None) -> AwaitComplete:
        """Close this screen; Textual would close whichever is on top, and end the app at the last."""
        return super().dismiss(result) if self.is_active else AwaitComplete()

    def compose(self) -> ComposeResult:
        """Yield one sheet."""
        yield Sheet()

    def on_resize(self, _event: events.Resize) -> None:
        """Show the same rows in other room."""
        self.fill()

    def on_mouse_scroll_down(self, _event: events.MouseScrollDown) -> None:
        """Scroll down by the wheel."""
        self.action_scroll_rows(3)

    def on_mouse_scroll_up(self, _event: events.MouseScrollUp) -> None:
        """Scroll up by the wheel."""
        self.action_scroll_rows(-3)

    def action_scroll_rows(self, by: int) -> None:
        """Scroll up or down."""
        self._top += by
        self.fill()

    def fill(self) -> None:
        """Show the rows; a key may come before there is a sheet to fill."""
        sheet = next(iter(self.query(Sheet)), None)
        if sheet is not None:
            sheet.show(self.rows(*self.size, sheet.glyphs))

    def rows(self, _width: int, _height: int, _glyphs: Glyphs) -> list[Row]:
        """Return the rows of the sheet in so much room."""
        return []


class Sheet(RowWidget):
    """The rows, as many as there is room for."""


class Pager(ModalScreen, inherit_bindings=False):
    """Rows above the explorer. Any of escape, enter and q closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q,question_mark,p,ctrl+c", "close", "close", id="pager.close"),
        Binding("down,j,space", "scroll_rows(1)", "down", id="pager.down"),
        Binding("up,k", "scroll_rows(-1)", "up", id="pager.up"),
        Binding("pagedown", "scroll_rows(15)", "page down", id="pager.page.down"),
        Binding("pageup", "scroll_rows(-15)", "page up", id="pager.page.up"),
        Binding("end,dollar_sign", f"scroll_rows({ALL})", "end", id="pager.end"),
        Binding("home,0", f"scroll_rows(-{ALL})", "beginning", id="pager.home"),
    ]

    def __init__(self, title: str, content: Callable[[int], Sequence[Row]]) -> None:
        """`content` makes the rows for a width."""
        super().__init__()
        self._title = title
        self._content = content

    def action_close(self) -> None:
        """Go back to the explorer."""
        self.dismiss()

    def on_command_clicked(self, event: CommandClicked) -> None:
        """Leave a link or a key that was clicked to the explorer."""
        event.stop()
        self.dismiss()
        self.app.post_message(event)

    def rows(self, width: int, height: int, glyphs: Glyphs) -> list[Row]:
        """Return the rows from the top one on."""
        inner = min(WIDEST, width - 4)
        if inner < 8 or height < 4:
            return [row(("esc closes", "label"))]
        content = list(self._content(inner))
        room = height - 3
        self._top = max(0, min(self._top, len(content) - room))
        visible = content[self._top : self._top + room]
        visible += [()] * (room - len(visible))
        below = len(content) - self._top - room
        more = f"  {glyphs.up}{glyphs.down} scroll   {below} more below" if below > 0 else ""
        more = more or (f"  {glyphs.up}{glyphs.down} scroll   end" if self._top else "")
        return [
            row((f"  {self._title}", "title")),
            row((glyphs.horizontal * width, "rule")),
            *((TextSpan("  "), *spans) for spans in visible),
            row(("  esc", "key"), (" close", "label"), (more, "dim")),
        ]


STARTERS = {
    "forward": "One step on; at the last one, twice, on to what comes next",
    "stop.next": "The next stop of the lesson",
    "into": "Into what is shown, down to a single product; esc leads out",
    "cursor": "Ask a cell where its number comes from",
}
"""The four keys to begin with, in plain words."""
MARKS = (
    ("[ ]", "what this step reads and writes; in a formula, the term it adds"),
    ("( )", "a term that is still to come; at the cell cursor, what made the cell"),
    ("> <", "the cell under the cursor"),
    ("{ }", "what the cell under the cursor feeds"),
    ("! !", "what does not fit"),
    ("·", "not yet computed"),
    ("░", "hidden by a mask"),
)
EVIDENCE = (
    ("rule", "what a cell is made of follows from the rule of the operation"),
    ("index", "the same operation on the cells' numbers tells where each comes from"),
    ("autograd", "torch's derivative tells what a cell depends on"),
    ("opaque", "torch doesn't tell, so a cell may be made of all"),
    ("outside", "the memory was written behind the recorder"),
)
"""What stands behind "by" beside a picture, in plain words."""


def help_rows(
    keys: Iterable[Command], controls: Sequence[Control] = (), glyphs: Glyphs = UNICODE
) -> list[Row]:
    """Return the four keys to begin with, the keys under their headings, and what the marks mean."""
    live = [*keys]
    first = [key for key in live if key.id in STARTERS]
    rows: list[Row] = []
    if len(first) == len(STARTERS):
        rows += [row(("Start with these four", "title"))]
        rows += [_entry(key_label(key.key_names[0]), STARTERS[key.id], key.id) for key in first]
    for group, members in help_groups(live):
        rows += [(), row((group, "title"))] if rows else [row((group, "title"))]
        for control in controls if group is Topic.CONTROLS else ():
            text = f"Move {control.label} to its next value"
            if control.append is not None:
                text = f"Append to {control.label} what the program says"
            rows.append(_entry(control.key or "", text, move_command(control.name)))
        rows += [_entry(key_label(key.key_names[0]), key.help, key.id) for key in members]
    if first:
        rows += [(), row(("Marks", "title"))]
        rows += [_entry(glyphs.text(mark), text, "") for mark, text in MARKS]
        rows += [(), row(("Known by…", "title"))]
        rows += [_entry(glyphs.text(word), text, "") for word, text in EVIDENCE]
    return rows


def wrap_help(rows: Iterable[Row], width: int) -> list[Row]:
    """Return the rows of the help on as many as they take, what a key does below itself."""
    return [
        line
        for key, text in ((entry[:1], entry[1:]) for entry in rows)
        for line in wrap_spans((*key, *words(text)), width, indent=KEY + 2)
    ]


def _entry(key: str, text: str, do: str) -> Row:
    return (TextSpan(key.rjust(KEY), "key", do), TextSpan(f"  {text}", "", do))
