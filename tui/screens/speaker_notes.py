"""The speaker's own terminal: notes and clock, and keys that drive the stage."""

from __future__ import annotations

from time import monotonic, strftime
from typing import ClassVar, NamedTuple

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from tui.audience.client import Link
from tui.model.broadcast import Broadcast
from tui.panes.footer import fit_entries
from tui.panes.notes_pane import NotesContent, notes_rows
from tui.screens.app_commands import next_theme
from tui.text.rows import fit, row
from tui.widgets.row_widget import RowWidget

DIGITS = frozenset("0123456789")


class NotesKey(NamedTuple):
    """A key of the notes: what it does, Textual's names for it, how it is written, and a word or two."""

    do: str
    names: str
    glyph: str
    label: str


KEYS = (
    NotesKey("next", "space,pagedown,right,down", "→", "on"),
    NotesKey("back", "pageup,left,up,backspace", "←", "back"),
    NotesKey("stop.next", "J", "J", "next stop"),
    NotesKey("stop.previous", "K,comma", "K", "stop before"),
    NotesKey("go", "G,enter", "G", "stop"),
    NotesKey("down", "d", "d", "down"),
    NotesKey("up", "u", "u", "up"),
    NotesKey("theme", "T", "T", "theme"),
    NotesKey("quit", "q,ctrl+c", "q", "quit"),
)


class NotesScreen(Screen[None], inherit_bindings=False):
    """The one screen of the notes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key.names, f"do('{key.do}')", key.label, id=f"notes.{key.do}") for key in KEYS
    ]
    AUTO_FOCUS = ""

    def __init__(self, link: Link) -> None:
        """Follow what the link tells."""
        super().__init__()
        self.now: Broadcast | None = None
        self.notice = "Waiting for a presenter."
        self._link = link
        self._heard = 0.0  # when the last line came
        self._count = ""
        self._top = 0

    def compose(self) -> ComposeResult:
        """Yield one sheet of rows."""
        yield RowWidget()

    def on_mount(self) -> None:
        """Listen, and keep the clock going."""
        self.run_worker(self._listen(), group="notes")
        self.set_interval(1.0, self.draw)

    def on_resize(self, _event: events.Resize) -> None:
        """Show the same rows in other room."""
        self.draw()

    @property
    def seconds(self) -> float:
        """The presenter's clock."""
        if self.now is None:
            return 0.0
        show = self.now.show
        clock = show.get("seconds")
        since = monotonic() - self._heard if show.get("running") else 0.0
        return (float(clock) if isinstance(clock, int | float) else 0.0) + since

    def draw(self) -> None:
        """Draw the notes and the keys."""
        width, height = self.size
        if not height:
            return
        lines = self.query_one(RowWidget)
        footer = f"stop {self._count}_   G or enter goes there" if self._count else self.notice
        notes = NotesContent(self.now, self.seconds, footer, self._top, strftime("%H:%M"))
        rows = notes_rows(notes, width, height - 1, lines.glyphs)
        rows += [()] * (height - 1 - len(rows))
        lines.styles.height = height
        spell = lines.glyphs.text
        keys = [row((spell(f" {key.glyph} "), "key"), (spell(f"{key.label} "), "label")) for key in KEYS]
        lines.show([*rows, fit(fit_entries([(entry, 0) for entry in keys], width), width, lines.glyphs.dots)])

    def on_key(self, event: events.Key) -> None:
        """Take the digits of a number."""
        if event.key in DIGITS:
            event.stop()
            event.prevent_default()
            self._count = (self._count + event.key)[:6]
            self.draw()
        elif event.key == "escape":
            self._count = ""
            self.draw()

    def action_do(self, command: str) -> None:
        """Do what a key asks."""
        count, self._count = self._count, ""
        if command == "quit":
            self.app.exit()
        elif command == "theme":
            next_theme(self.app)
        elif command in ("down", "up"):
            self._top = max(0, self._top + (1 if command == "down" else -1))
        elif command != "go":
            self._say(command)
        else:
            stops = len(self.now.deck.get("stops") or ()) if self.now is not None else 0
            self._say("go", int(count) if count.strip("0") else max(1, stops))
        self.draw()

    def _say(self, verb: str, stop: int | None = None) -> None:
        if not self._link.say(verb, stop):
            self.notice = "Nobody presents now."

    async def _listen(self) -> None:
        """Show the broadcasts, and wait for a presenter when there is none."""
        async for now in self._link.talks():
            if isinstance(now, Broadcast):
                moved = self.now is None or self.now.show.get("number") != now.show.get("number")
                self._top = 0 if moved else self._top
                self.now, self.notice, self._heard = now, "", monotonic()
            else:
                self.notice = now
                if self.now is not None and self.now.show.get("running"):
                    stopped = {**self.now.show, "seconds": self.seconds, "running": False}
                    self.now = Broadcast(self.now.deck, self.now.lesson, stopped)
            self.draw()
