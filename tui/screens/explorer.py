"""The explorer: keys and clicks become commands, commands make sessions, a session is drawn."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.screen import Screen
from textual.widget import Widget

from tui.layout.pane_sizes import LOADING, Picture
from tui.screens import app_commands
from tui.screens.answer_line import AnswerJudged, AnswerLine
from tui.screens.device_run import DeviceRun, DevicesCompared
from tui.screens.key_input import KeyInput, contexts_of, edit_prompt
from tui.screens.options import Options
from tui.screens.page import Page, TooSmall
from tui.screens.pending_run import PendingRun
from tui.screens.play_timer import PlayTimer
from tui.screens.playground_editor import PlaygroundEditor
from tui.screens.run_worker import (
    CellsSurveyed,
    RunFinished,
    RunStarted,
    run_program,
    survey_cells,
)
from tui.session.commands import BY_ID, find_command, run
from tui.session.contexts import Context
from tui.session.exercise_commands import session_frame, with_verdict
from tui.session.first_numbers import with_first_told
from tui.session.keys import KEYS
from tui.session.script.script_recorder import Recording
from tui.session.session import Session
from tui.session.step_commands import tick
from tui.terminal import crash_log
from tui.terminal.textual_private import punctual
from tui.text.key_names import key_label
from tui.widgets.row_widget import CommandClicked

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.timer import Timer, TimerCallback

    from tui.compose.program_run import Run
    from tui.model.frame import Frame
    from tui.screens.script_player import ScriptPlayer
    from tui.widgets.editor import Editor
    from tui.widgets.matrix import CellClicked

STEPS_INSTEAD = {"play": "forward", "play.back": "back", "stage.play": "forward"}
ONLY_STOP = ("space", "escape")
"""Keys that stop a script and do no more; every other also does what it does."""
QUITTING = ("quit", "edit.quit", "stage.quit", "door.quit")
FASTEST = 0.01  # seconds between two steps: a hundred a second, the most that may be asked for
PATIENCE = 0.3  # seconds before it is said that a program is still running


@dataclass
class Losses:
    """What could not be written as the app ended, in words; empty ones say nothing.

    Attributes:
        work: Of what was done and typed.
        place: Of a talk's place; no work is lost with it.
    """

    work: list[str] = field(default_factory=list)
    place: str = ""


class ExplorerScreen(Screen[None], inherit_bindings=False):
    """The one screen of the app. It holds the session; everything else is drawn from it.

    What it does not do itself is a part of it: the page with its panes, the playground's editor, the timer of
    the player, the recording, the script that is played, the processes.

    Attributes:
        session: the state of the explorer.
        frame: the session's, if there is one.
        input: the keys that were pressed, and those that work now.
        run: the run that is under way.
        losses: what could not be written as the app ended.
    """

    AUTO_FOCUS = ""  # only a command gives the editor the keys
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            key.keys, f"command('{key.id}')", key.label, show=bool(key.footer), key_display=key.key_text,
            id=key.id, tooltip=key.help, group=Binding.Group(key.topic),
        )
        for key in KEYS
    ]  # fmt: skip

    def __init__(self, session: Session, options: Options | None = None) -> None:
        """Start with a session, shown as the options say."""
        super().__init__()
        self.options = options = options or Options()
        self.session = session
        self.page = Page()
        self.editor = PlaygroundEditor(self, options.drafts)
        self.recording = Recording(session, options.tape.record)
        self.devices = DeviceRun(self)
        self.answer = AnswerLine(self)
        self.play_timer = PlayTimer(self, self._beat)
        self.script_player: ScriptPlayer | None = None
        self.frame: Frame | None = None
        self.input = KeyInput(options.keys)
        self.run = PendingRun()
        self.losses = Losses()
        self._drawn = Size(0, 0)
        self._kept_ways = (session.learner.way, session.learner.is_brief)
        self._own_commands: dict[str, Callable[[], None]] = {
            **{quitting: partial(self.leave, quitting) for quitting in QUITTING},
            "goto": self._prompt_for_step,
            "stage.goto": self._prompt_for_step,
            "guess.type": lambda: self._write("guess"),
            "sidebar": self._turn_sidebar,
            "halt": self._halt,
            "exercise.write": lambda: self._write("answer"),
            "edit.save": self.editor.save,
            "edit.undo": self.editor.undo,
            "edit.redo": self.editor.redo,
            "script.save": lambda: self.tell(self.recording.save(self.session)),
            "processes": lambda: self.tell(self.devices.start(self.session)),
        }
        if options.tape.script is not None:
            from tui.screens.script_player import ScriptPlayer

            self.script_player = ScriptPlayer(
                self, self.recording.recorder, options.tape.script, options.tape.tempo
            )
            self.session = self.script_player.after(session)

    def compose(self) -> ComposeResult:
        """Yield the page, and what stands in its place where there is no room for it."""
        yield self.page
        yield TooSmall()

    @property
    def busy(self) -> bool:
        """Whether the view's program has not been run yet."""
        return self.session.current is None

    @property
    def is_settled(self) -> bool:
        """Whether what was asked for is what is shown."""
        return (
            not self.busy
            and not self.run.is_surveying
            and not self.input.queue
            and self.editor.is_settled
            and not self.session.attempt.is_pending
        )

    def on_mount(self) -> None:
        """Paint first; then run the program, which imports torch.

        What is drawn by now is in the first layout: else an empty page would be laid out and sent before it.
        """
        self.app.app_suspend_signal.subscribe(self, lambda _: self.pause())
        self.app.theme_changed_signal.subscribe(self, lambda _: self._repaint())
        self._draw_at(self.app.size)
        self.call_after_refresh(self._ask)

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        """Leave the styles as they are before the first layout: the widgets have just been given theirs."""
        event.refresh_styles = bool(self.size)

    def on_resize(self, _event: events.Resize) -> None:
        """Draw the same picture in other room."""
        self._draw_at(self.size)

    def _draw_at(self, size: Size) -> None:
        """Draw for a size of the screen, unless that is the one for which it was drawn last."""
        if size != self._drawn:
            self._drawn = size
            self.draw()

    def on_screen_suspend(self) -> None:
        """Stop what moves under a screen that opened above."""
        self.pause()

    def on_unmount(self) -> None:
        """Write what was done and typed last, and leave no process behind."""
        self.losses.work.append(self.recording.end(self.session))
        self.devices.stop()
        self.answer.stop()
        self.losses.work.append(self.editor.end())

    def pause(self) -> None:
        """Stop the player."""
        if self.session.player.playing:
            self.update_session(replace(self.session, player=self.session.player.pause()))

    def tell(self, notice: str) -> None:
        """Say something in the footer, until the next key."""
        self.update_session(self.session.with_notice(notice))

    def set_timer(
        self,
        delay: float,
        callback: TimerCallback | None = None,
        *,
        name: str | None = None,
        pause: bool = False,
    ) -> Timer:
        """Call back once after so many seconds."""
        return punctual(super().set_timer(delay, callback, name=name, pause=pause))

    def update_session(self, session: Session) -> None:
        """Take a session over: run its program if that is another one, and draw."""
        before, self.session = self.session, session
        # A view may also need another run of the same program: for values that were dropped.
        if session.current is None and (before.current or not before.view.same_program(session.view)):
            self.run.begin()
            self.set_timer(PATIENCE, self._still_running)
            if before.current is not None:
                self.run.left = replace(before.current, view=before.view)
            self._ask(self.run.left)
        if session.attempt is not before.attempt:
            self.answer.follow()
        self.draw()
        if self.input.queue and not self.busy:  # undo came back to what has been run
            self.call_later(self._drain)

    # The picture.

    def draw(self) -> None:
        """Make the frame, and hand one picture to every pane; a script goes on when that has stood."""
        if self.session.current is not None:
            self._note_progress()
        session = self.session
        if session.current is not None:
            try:
                self.frame = session_frame(session, ascii_only=self.options.ascii_only)
            except LookupError as error:  # a path that this run lacks
                self.frame = self._failure_frame(error)
        elif self.frame is not None and self.frame.lesson.slug != session.view.lesson.slug:
            self.frame = None
        script = self.script_player
        interval = session.player.interval / (1.0 if script is None else script.tempo)
        plays = session.player.playing and not self.busy
        self.play_timer.every(max(self.options.slowest, FASTEST, interval) if plays else None)
        if self.is_attached:  # else the app is about to end, and takes no more widgets
            self._show_or_failure(session)
        if script is not None:
            script.follow()

    def _note_progress(self) -> None:
        """Note the stop as seen, and keep that in a thread: an app that is killed has lost none of it."""
        noted = self.session if self.session.door else self.session.with_progress()
        ways = (noted.learner.way, noted.learner.is_brief)
        if noted.learner.progress is self.session.learner.progress and ways == self._kept_ways:
            return
        self.session, self._kept_ways = noted, ways
        if self.is_attached and self.options.state_file.folder is not None:
            keep = partial(self.options.state_file.update, noted.remembered)
            self.run_worker(keep, group="progress", thread=True, exit_on_error=False)

    def _show_or_failure(self, session: Session) -> None:
        """Hand the picture to every pane; where one can't draw it, a picture of that."""
        waiting = self.run.waiting if self.busy else ""
        if waiting == LOADING and self.input.queue:
            waiting = f"{LOADING} then {key_label(self.input.queue[-1])}"
        try:
            self._show(session, self.frame, waiting)
        except Exception as error:
            if session.current is None:
                raise
            self.frame = self._failure_frame(error)
            self._show(session, self.frame, waiting)
        self._log_failure()

    def _failure_frame(self, error: Exception) -> Frame:
        from tui.compose.error_frame import failure_frame

        return failure_frame(self.session.view, error, ascii_only=self.options.ascii_only)

    def _log_failure(self) -> None:
        """Write the traceback of a failure that is shown, the first time that it is."""
        from llm_linalg.base.errors import InternalError

        shown = None if self.frame is None or self.frame.error is None else self.frame.error.cause
        if not isinstance(shown, InternalError) or shown.__cause__ is None:
            return
        log = crash_log.log_once(shown.__cause__)
        if log is not None:
            self.tell(f"Its traceback is in {log}")

    def _show(self, session: Session, frame: Frame | None, waiting: str) -> None:
        """Hand one picture to every pane, if there is room for them."""
        self.set_class(session.talk is not None and session.talk.black, "-black")
        prompted = self.input.prompt is not None or self.answer.edit is not None
        room = self.page.fit(self._drawn, session, frame, prompted=prompted)
        self.set_class(room is None, "-small")
        self.input.taken = frozenset(one.key for one in session.view.lesson.controls if one.key)
        if room is None:
            self.query_one(TooSmall).show_size(self._drawn)
            self.page.show_picture(None)
            self.input.contexts = frozenset({Context.ALWAYS, Context.EVERYWHERE})
            self.set_focus(None)
            return
        self.input.contexts = contexts_of(session, frame, waiting)
        self.editor.arrange(session, room)
        picture = Picture(
            session, frame, room, self.input.live(), waiting, self.input.prompt, self.answer.edit
        )
        self.page.show_picture(picture)
        self.editor.show_picture(picture)

    def _repaint(self) -> None:
        """Paint everything again: another theme."""
        for widget in self.query("*").results(Widget):
            widget.refresh()

    # The run.

    def _ask(self, shown: Run | None = None) -> None:
        self.run.is_surveying = False  # what is asked for halts it
        limit = self.options.time_limit or None
        self.run.halt = run_program(self, self.session.view, self.session.before(shown), limit)

    def on_run_started(self, _event: RunStarted) -> None:
        """Take note that torch is there: from now on it is the program that takes long, if anything does."""
        if self.run.start():
            self.set_timer(PATIENCE, self._still_running)

    def _still_running(self) -> None:
        if self.busy and self.run.say_running():
            self.draw()

    async def on_run_finished(self, event: RunFinished) -> None:
        """Take the result of a run; that of an abandoned one is dropped."""
        if not event.opened.serves(self.session.view):
            return
        self.run.waiting = ""
        try:
            self.session = self._after(event.opened)
        except Exception as error:  # noqa: BLE001  a fault of ours: it is shown, and the app goes on
            from tui.compose.view_runner import failed_run

            self.session = self.session.with_run(failed_run(self.session.view, error))
        self.draw()
        await self._drain()
        if self.session.awaits_survey:
            self.run.is_surveying = True
            survey_cells(self, self.session.view, self.options.time_limit or None)

    def on_cells_surveyed(self, event: CellsSurveyed) -> None:
        """Take the states of all cells of a document."""
        self.run.is_surveying = False
        if event.survey.view.lesson is self.session.view.lesson:
            self.session = self.session.with_survey(event.survey)
            self.draw()

    def _after(self, opened: Run) -> Session:
        """Return the session after a run.

        Where one of a trace is stopped, what it was to replace comes back.
        """
        from tui.compose.error_frame import is_halted

        left, lesson = self.run.left, opened.view.lesson
        again = left is not None and left.trace is not None and left.view.lesson is lesson
        if left is None or not again or lesson.external is None or not is_halted(opened.error):
            return with_first_told(self.session.with_run(opened), self.session.last_run)
        back = replace(self.session, view=left.view).with_run(left)
        return back.with_notice("Stopped: this is what was there before.")

    async def _drain(self) -> None:
        """Do what waited for a run."""
        while self.input.queue and not self.busy:
            await self._press(self.input.queue.pop(0))

    def _beat(self) -> None:
        self.update_session(tick(self.session))

    def on_devices_compared(self, event: DevicesCompared) -> None:
        """Say how the processes ended."""
        self.tell(event.text)

    # Keys and clicks.

    async def on_key(self, event: events.Key) -> None:
        """Take the prompt's keys, those that have to wait for a run, and those of commands.

        The app would run a binding after keys that came in the same moment; here they keep their order. Any
        key takes over from a script.
        """
        if await self._take_typed(event) or await self._take_key(event.key):
            event.stop()
            event.prevent_default()

    async def _take_typed(self, event: events.Key) -> bool:
        """Take a key for the line of an answer, if one is being written."""
        if self.answer.edit is None:
            return False
        command = self.answer.press(event.key, event.character)
        if command is not None:
            await self.perform(command)
        self.draw()
        return True

    def on_paste(self, event: events.Paste) -> None:
        """Put what is pasted into the line of an answer."""
        if self.answer.edit is not None:
            event.stop()
            self.answer.paste(event.text)
            self.draw()

    def on_answer_judged(self, event: AnswerJudged) -> None:
        """Show the verdict on an answer; of one that nobody waits for any more nothing."""
        from tui.compose.error_frame import is_unlocked

        attempt = self.session.attempt
        if attempt.is_pending and attempt.view is event.view:
            self.update_session(with_verdict(self.session, event.verdict))
            if is_unlocked(event.verdict.error):
                self.tell(self.answer.tell_unlocked())

    async def _take_key(self, key: str) -> bool:
        if self.take_over() and key in ONLY_STOP:
            return True
        if self.input.prompt is not None:
            await self._type(key)
            return True
        if self.must_wait(key):
            self.hold(key)
            return True
        if self.command_of(key) is not None:
            await self._press(key)
            return True
        return False

    def command_of(self, key: str) -> str | None:
        """Return what a key would do now, remapped or not."""
        return self.input.command_of(self.session, key)

    def must_wait(self, key: str) -> bool:
        """Return whether a key has to wait: for a run, or for keys that wait already."""
        return self.busy and self.input.must_wait(self.session, key)

    def hold(self, key: str) -> None:
        """Keep a key until the run is done; while torch is loaded, which takes seconds, the last alone."""
        if not self.run.has_torch:
            self.input.queue.clear()
        self.input.queue.append(key)
        self.draw()

    async def _press(self, key: str) -> None:
        if self.input.prompt is not None:
            await self._type(key)
            return
        command = self.command_of(key)
        if command is not None:
            await self.perform(command)

    async def _type(self, key: str) -> None:
        """Type one key into the prompt."""
        text, staged = self.input.prompt or "", self.session.talk is not None
        self.input.prompt, command = edit_prompt(text, key, staged=staged)
        if command is not None:
            await self.perform(command)
        self.draw()

    async def action_command(self, command: str) -> None:
        """Do the command of a binding."""
        await self.perform(command)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return whether a binding is live: whether its context holds now."""
        if action == "command" and parameters and parameters[0] in BY_ID:
            return BY_ID[str(parameters[0])].when in self.input.contexts
        return True

    async def on_command_clicked(self, event: CommandClicked) -> None:
        """Do the command of a word that was clicked."""
        event.stop()
        await self.perform(event.command)

    def on_cell_clicked(self, event: CellClicked) -> None:
        """Put the cursor on the cell that was clicked."""
        event.stop()
        panel = None if self.frame is None else self.frame.stage.panel(event.panel)
        if self.busy or panel is None or panel.role == "margin":
            return
        here = self.session.view.cursor == (event.panel, event.index)
        self.do("cell.turn" if here else f"cell:{','.join(map(str, event.index))}:{event.panel}")

    def on_editor_typed(self, event: Editor.Typed) -> None:
        """Take the program that was typed."""
        event.stop()
        self.editor.take_text(event)

    def on_editor_moved(self, event: Editor.Moved) -> None:
        """Show the operation of the line that the editor's cursor is on."""
        event.stop()
        self.editor.take_line(event)

    # Commands.

    async def perform(self, command: str) -> None:
        """Do a command by its name."""
        self.take_over()
        self.editor.flush()
        if self.session.notice:
            self.session = self.session.with_notice("")
        if not self.options.motion:
            command = STEPS_INSTEAD.get(command, command)
        if find_command(command).by_screen:
            await self._perform_on_screen(command)
        else:
            self.do(command)

    async def _perform_on_screen(self, command: str) -> None:
        """Do a command that is no session's: one of the app, of what opens above, or of this screen."""
        if command in app_commands.COMMANDS:
            app_commands.COMMANDS[command](self)
        elif command in app_commands.ABOVE:
            if self.app.screen is self:  # else of two keys of one moment the first has opened something
                opening = app_commands.ABOVE[command](self)
                if opening is not None:
                    await opening
        else:
            self._own_commands[command]()

    def do(self, command: str) -> None:
        """Do a command of `tui.session.commands`, and note it."""
        before = self.session
        try:
            after = run(before, command)
        except Exception as error:  # noqa: BLE001  a fault of ours: what is shown stays
            log = crash_log.log_once(error)
            where = "" if log is None else f" (its traceback is in {log})"
            self.tell(f"That failed, by a fault of this program: {type(error).__name__}{where}")
            return
        self.recording.recorder.add_command(before, command, after)
        self.update_session(after)

    def take_over(self) -> bool:
        """Stop the script, if one plays; return whether one did."""
        player, self.script_player = self.script_player, None
        return player is not None and player.take_over()

    def leave(self, command: str) -> None:
        """End the app; what speaks against it is said first, once."""
        if (
            command != "stage.quit" or app_commands.confirm_leaving(self)
        ) and not self.editor.blocks_leaving():
            self.app.exit()

    def _prompt_for_step(self) -> None:
        self.input.prompt = ""
        self.draw()

    def _write(self, command: str) -> None:
        self.answer.begin(command)
        self.draw()

    def _turn_sidebar(self) -> None:
        room = self.page.room
        self.page.sidebar_wanted = not (room is not None and room.sidebar)
        self.draw()

    def _halt(self) -> None:
        self.run.halt()
        if self.busy and self.run.say_stopping(own=self.session.view.lesson.external is not None):
            self.draw()
