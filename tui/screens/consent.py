"""The question whether programs may run with the user's rights, where nothing would lock them in."""

from __future__ import annotations

from pathlib import Path

from textual import events

from llm_linalg.base.text import clean
from tui.screens.pager import ModalScreen
from tui.text.glyphs import Glyphs
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

    def rows(self, width: int, _height: int, _glyphs: Glyphs) -> list[Row]:
        """Return the question, and the keys that answer it."""
        width = max(8, min(WIDEST, width - 4))
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
        return [(*row("  "), *one) for one in rows]

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
