"""The explorer: keys and clicks become commands, commands make sessions, a session is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size

from tui.choices import moving
from tui.commands import CHANGES, NEEDS_NO_RUN, OUTSIDE
from tui.keys import BY_ID, KEYS, Key
from tui.motions import tick
from tui.picture import BEHIND, LOADING, RUNNING
from tui.screens.app_commands import outside
from tui.screens.play_timer import Clock
from tui.screens.recording import Taped
from tui.screens.run_worker import Ran, Started, behind, run_program
from tui.script.tape import Tape
from tui.session import Session
from tui.state import Memory
from tui.widgets.lines import Lines

if TYPE_CHECKING:
    from collections.abc import Callable

    from tui.drafts import Drafts
    from tui.frame import Frame
    from tui.stage import Run
    from tui.widgets.matrix import Chosen

DIGITS = frozenset("0123456789")
STEPS_INSTEAD = {"play": "forward", "play.back": "back"}
PATIENCE = 0.3  # seconds before it is said that a program is still running


def bindings(keys: Iterable[Key]) -> list[BindingType]:
    """Textual's bindings for a table of keys."""
    return [
        Binding(
            key.keys, f"command('{key.id}')", key.label, show=bool(key.footer), key_display=key.shown,
            id=key.id, tooltip=key.tooltip, group=Binding.Group(key.group),
        )
        for key in keys
    ]  # fmt: skip


class ExplorerScreen(Taped):
    """The one screen of the app. It holds the session; everything else is drawn from it."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(KEYS)

    def __init__(
        self,
        session: Session,
        *,
        ascii_only: bool = False,
        motion: bool = True,
        slowest: float = 0.0,
        drafts: Drafts | None = None,
        memory: Memory | None = None,
        tape: Tape | None = None,
    ) -> None:
        """Without `motion` nothing plays by itself: the keys that play step instead."""
        super().__init__(session, drafts, tape)
        self.memory = memory or Memory()
        self.frame: Frame | None = None
        self.prompt: str | None = None
        self.waiting = LOADING
        self._ascii = ascii_only
        self._motion = motion
        self._drawn = Size(0, 0)
        self._queue: list[str] = []
        self._left: Run | None = None  # the last run, at the view at which it was left
        self._clock = Clock(self, self._beat, slowest)
        self.halt: Callable[[], None] = lambda: None  # stops the run that is under way

    @property
    def busy(self) -> bool:
        """Whether the view's program has not been run yet."""
        return self.session.current is None

    @property
    def settled(self) -> bool:
        """Whether what was asked for is what is shown."""
        return not self.busy and not self._queue and (self.editor is None or self.editor.settled)

    def on_mount(self) -> None:
        """Paints first; then runs the program, which imports torch."""
        self.app.app_suspend_signal.subscribe(self, lambda _: self.pause())
        self.app.theme_changed_signal.subscribe(self, lambda _: self.repaint())
        self.call_after_refresh(self._ask)

    def on_resize(self, _event: events.Resize) -> None:
        """Other room for the same picture."""
        if self.size != self._drawn:
            self._drawn = self.size
            self.draw()

    def on_screen_suspend(self) -> None:
        """Something opened above: nothing moves under it."""
        self.pause()

    def pause(self) -> None:
        """Stops the player."""
        if self.session.player.playing:
            self.update_session(replace(self.session, player=self.session.player.pause()))

    def tell(self, notice: str) -> None:
        """Says something in the footer, until the next key."""
        self.update_session(self.session.told(notice))

    def update_session(self, session: Session) -> None:
        """Takes a session over: runs its program if that is another one, and draws."""
        before, self.session = self.session, session
        # A view may also need another run of the same program: for values that were dropped.
        if session.current is None and (before.current or not before.view.same_program(session.view)):
            self.waiting = self.waiting if self.waiting == LOADING else ""
            self.set_timer(PATIENCE, self._still_running)
            if before.current is not None:
                self._left = replace(before.current, view=before.view)
            self._ask(self._left)
        self.draw()
        if self._queue and not self.busy:  # undo came back to what has been run
            self.call_later(self._drain)

    def draw(self) -> None:
        """Makes the frame, and hands one picture to every pane."""
        session = self.session
        if session.current is not None:
            self.frame = session.current.frame(session.view, ascii_only=self._ascii)
        elif self.frame is not None and self.frame.lesson != session.view.lesson.slug:
            self.frame = None
        self._clock.follow(session.player if not self.busy else session.player.pause(), self.tempo)
        self.show_picture(session, self.frame, self.waiting if self.busy else "", self.prompt)

    def _ask(self, shown: Run | None = None) -> None:
        self.halt = run_program(self, self.session.view, self.session.before(shown))

    def on_started(self, _event: Started) -> None:
        """Torch is there: from now on it is the program that takes long, if anything does."""
        if self.waiting == BEHIND:
            self.waiting = ""
        if self.waiting in ("", LOADING):
            self.set_timer(PATIENCE, self._still_running)

    def _still_running(self) -> None:
        if self.busy and self.waiting in ("", LOADING):
            self.waiting = BEHIND if behind() else RUNNING
            self.draw()

    async def on_ran(self, event: Ran) -> None:
        """A program was run; a result that nobody waits for any more is dropped."""
        if not event.opened.serves(self.session.view):
            return
        self.waiting = ""
        self.session = self._after(event.opened)
        self.draw()
        await self._drain()

    def _after(self, opened: Run) -> Session:
        """The session after a run; where one of a trace is stopped, what it was to replace comes back."""
        from tui.stage.error_frame import stopped

        left, lesson = self._left, opened.view.lesson
        again = left is not None and left.trace is not None and left.view.lesson is lesson
        if left is None or not again or lesson.given is None or not stopped(opened.error):
            return self.session.with_run(opened)
        back = replace(self.session, view=left.view).with_run(left)
        return back.told("Stopped: this is what was there before.")

    async def _drain(self) -> None:
        """Does what waited for a run."""
        while self._queue and not self.busy:
            await self._press(self._queue.pop(0))

    def _beat(self) -> None:
        self.update_session(tick(self.session))

    # Keys and clicks.

    async def on_own_key(self, event: events.Key) -> None:
        """Takes the prompt's keys, those that have to wait for a run, and those of commands.

        The app would run a binding after keys that came in the same moment; here they keep their order.
        """
        if self.prompt is not None:
            event.stop()
            event.prevent_default()
            await self._type(event.key)
            return
        waits = self._must_wait(event.key)
        if waits or self._command_of(event.key) is not None:
            event.stop()
            event.prevent_default()
            if waits:
                self._queue.append(event.key)
            else:
                await self._press(event.key)

    def _command_of(self, key: str) -> str | None:
        """What a key would do now, remapped or not."""
        found = (one.id for one in self.live() if key in one.keys.split(","))
        return own_command(self.session, key) or next(found, None)

    def _must_wait(self, key: str) -> bool:
        """Whether a key has to wait: for a run, or for keys that wait already."""
        if not self.busy:
            return False
        return has_to_wait(self.session, self.keys, key, self._command_of(key), behind=bool(self._queue))

    async def _press(self, key: str) -> None:
        if self.prompt is not None:
            await self._type(key)
            return
        command = self._command_of(key)
        if command is not None:
            await self.perform(command)

    async def _type(self, key: str) -> None:
        """One key into the prompt."""
        self.prompt, command = typed(self.prompt or "", key, staged=self.session.talk is not None)
        if command is not None:
            await self.perform(command)
        self.draw()

    async def perform(self, command: str) -> None:
        """Does a command by its name."""
        self.take_over()
        self.flush()
        if self.session.notice:
            self.session = self.session.told("")
        if not self._motion:
            command = STEPS_INSTEAD.get(command, command)
        if command in OUTSIDE:
            await outside(self, command)
        else:
            self.do(command)

    async def action_command(self, command: str) -> None:
        """What every binding does."""
        await self.perform(command)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A binding is live in its context."""
        if action == "command" and parameters and parameters[0] in BY_ID:
            return BY_ID[str(parameters[0])].when in self.contexts
        return True

    async def on_lines_pressed(self, event: Lines.Pressed) -> None:
        """A click on a word that stands for a command."""
        event.stop()
        await self.perform(event.command)

    def on_chosen(self, event: Chosen) -> None:
        """A click on a cell puts the cursor there."""
        event.stop()
        panel = None if self.frame is None else self.frame.panel(event.panel)
        if self.busy or panel is None or panel.role == "margin":
            return
        here = self.session.view.cursor == (event.panel, event.index)
        self.do("cell.turn" if here else f"cell:{','.join(map(str, event.index))}:{event.panel}")


def with_keys(keys: tuple[Key, ...], kind: type[ExplorerScreen] = ExplorerScreen) -> type[ExplorerScreen]:
    """A screen with a table of keys: a class of its own, since Textual binds keys to classes."""
    if keys == KEYS:
        return kind
    table = keys
    base: Any = kind

    class Rebound(base, inherit_bindings=False):  # type: ignore[misc, call-arg]
        """The screen with other keys."""

        BINDINGS: ClassVar[list[BindingType]] = bindings(table)
        keys = table

    return Rebound


def has_to_wait(
    session: Session, keys: Sequence[Key], key: str, command: str | None, *, behind: bool
) -> bool:
    """Whether a key has to wait while a program runs.

    Args:
        session: What is going on.
        keys: The table of keys.
        key: What was pressed.
        command: What it would do now; None for nothing.
        behind: Whether other keys wait already.
    """
    if command is None:
        known = DIGITS.union(*(one.keys.split(",") for one in keys), ("backspace",))
        return key in known and not session.editing
    name = command.partition(":")[0]
    if behind and name not in OUTSIDE and session.chosen is None and ambiguous(keys, key):
        return True  # what waits may give it another meaning: arrows move a cell cursor, once it is there
    waits = behind or name not in CHANGES or session.awaits(command)
    return waits and name not in NEEDS_NO_RUN


def ambiguous(keys: Iterable[Key], key: str) -> bool:
    """Whether a key is several commands', each in its context."""
    return sum(key in one.keys.split(",") for one in keys) > 1


def typed(prompt: str, key: str, *, staged: bool) -> tuple[str | None, str | None]:
    """What stands in the number prompt after a key, None once it is closed; and the command that follows.

    Args:
        prompt: What stood in it.
        key: The key.
        staged: Whether a talk is on, where a second `g` leads to its beginning.
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


def own_command(session: Session, key: str) -> str | None:
    """The command of the lesson's control that has this key."""
    for control in session.view.lesson.controls:
        if control.key and control.key == key:
            return moving(control.name)
    return None
