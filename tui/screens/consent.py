"""The question whether programs may run with the user's rights, where nothing would lock them in."""

from __future__ import annotations

from pathlib import Path

from textual import events
from textual.app import ComposeResult

from llm_linalg.base.text import clean
from tui.screens.pager import ModalScreen, Sheet
from tui.text.prose import paragraphs
from tui.text.rows import Row, cut_rows, row

ONCE, FOLDER = "once", "folder"
RIGHTS = (
    "Nothing on this machine would lock these programs in. With your rights they can do what you can: read "
    "and change your files, use the network, start other programs. `llm-linalg doctor` says what is missing."
)
WIDEST = 100


class ConsentScreen(ModalScreen, inherit_bindings=False):
    """Asks; its result is `ONCE`, `FOLDER`, or None for no.

    Args:
        title: What would run.
        file: The file whose folder can be trusted for good; None where none can.
    """

    def __init__(self, title: str, file: Path | None) -> None:
        super().__init__()
        self._title = clean(title, 60)
        self._folder = None if file is None else file.resolve().parent

    def compose(self) -> ComposeResult:
        """Yield one sheet."""
        yield Sheet()

    def on_resize(self, _event: events.Resize) -> None:
        """Show the same rows in other room."""
        width = max(8, min(WIDEST, self.size.width - 4))
        self.query_one(Sheet).show([(*row("  "), *one) for one in self._rows(width)])

    def _rows(self, width: int) -> list[Row]:
        rows = [row((f"May {self._title} run with your rights?", "title")), ()]
        rows += [*paragraphs(RIGHTS, width), ()]
        rows.append(row(("1", "key"), "    once: until the app ends"))
        if self._folder is not None:
            rows.append(row(("2", "key"), "    always, for what lies in this folder or below it:"))
            rows += [
                row(("       "), (piece, "code"))
                for piece in cut_rows(clean(str(self._folder), None), width - 8)
            ]
        rows.append(row(("esc", "key"), "  no: it stays text"))
        return rows

    def on_key(self, event: events.Key) -> None:
        """Take the answer."""
        event.stop()
        event.prevent_default()
        if event.key == "1":
            self.dismiss(ONCE)
        elif event.key == "2" and self._folder is not None:
            self.dismiss(FOLDER)
        elif event.key in ("escape", "q", "n", "ctrl+c"):
            self.dismiss(None)
