"""Keys on their way to commands: what they would do now, which of them wait, and the number being typed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tui.layout.pane_sizes import RUNNING
from tui.session.commands import Command, Wait, find_command
from tui.session.contexts import Context
from tui.session.control_commands import move_command
from tui.session.keys import live_commands
from tui.session.session import Session

if TYPE_CHECKING:
    from tui.model.frame import Frame

DIGITS = frozenset("0123456789")


class KeyInput:
    """The keys of a screen.

    Attributes:
        table: The commands that have keys.
        contexts: Those that hold now: a command is live in its own.
        taken: The keys that controls of the open lesson have for themselves.
        queue: Keys that wait for a run.
        prompt: The number that is being typed; None if there is no prompt.
    """

    def __init__(self, table: Sequence[Command]) -> None:
        self.table = table
        self.contexts: frozenset[Context] = frozenset({Context.ALWAYS})
        self.taken: frozenset[str] = frozenset()
        self.queue: list[str] = []
        self.prompt: str | None = None
        self._live: dict[tuple[frozenset[Context], frozenset[str]], tuple[Command, ...]] = {}

    def live(self) -> tuple[Command, ...]:
        """Return the commands that are live now."""
        now = (self.contexts, self.taken)
        if now not in self._live:
            self._live[now] = live_commands(self.contexts, self.table, self.taken)
        return self._live[now]

    def command_of(self, session: Session, key: str) -> str | None:
        """Return what a key would do now, remapped or not."""
        controls = session.view.lesson.controls
        own = (move_command(control.name) for control in controls if control.key and control.key == key)
        return next(own, None) or next((one.id for one in self.live() if key in one.key_names), None)

    def must_wait(self, session: Session, key: str) -> bool:
        """Return whether a key has to wait for the run that is under way, or for keys that wait already."""
        if key in DIGITS and session.asks:
            return True  # it answers what is asked once the program has been run
        command, behind = self.command_of(session, key), bool(self.queue)
        if command is None:
            names = DIGITS.union(*(one.key_names for one in self.table), ("backspace",))
            return key in names and not session.editor.is_open
        known = find_command(command)
        if behind and not known.by_screen and session.selection.sidebar is None and self._is_ambiguous(key):
            return True  # what waits may give it another meaning: arrows move a cell cursor, once it is there
        if known.waits is Wait.FOR_KEYS:
            return behind or session.awaits(command)
        return known.waits is Wait.FOR_RUN

    def _is_ambiguous(self, key: str) -> bool:
        """Return whether a key is several commands', each in its context."""
        return sum(key in one.key_names for one in self.table) > 1


def contexts_of(session: Session, frame: Frame | None, waiting: str) -> frozenset[Context]:
    """Return the contexts that hold now: what the session says, and what the picture has."""
    contexts = session.contexts
    if frame is not None and session.current is not None and not (session.editor.is_open or session.door):
        sliced = any(panel.at and panel.role == "result" for panel in frame.stage.panels)
        level = frame.stage.map
        sliced |= level is not None and level.gallery is not None and level.gallery.batches > 1
        contexts |= {Context.BACKWARD} if frame.place.has_backward else set()
        contexts |= {Context.SLICES} if sliced else set()
    return contexts | ({Context.RUNNING} if waiting == RUNNING else frozenset())


def edit_prompt(prompt: str, key: str, *, staged: bool) -> tuple[str | None, str | None]:
    """Return the number prompt's text after a key, None once it is closed; and the command that follows.

    Where a talk is on, a second `g` leads to its beginning.
    """
    if key in ("escape", "ctrl+c"):
        return None, None
    if key == "enter":
        return None, f"go:{prompt}" if prompt else None
    if key == "g" and not prompt and staged:
        return None, "stage.first"
    if key == "backspace":
        return prompt[:-1], None
    return (prompt + key)[:15] if key in DIGITS else prompt, None
