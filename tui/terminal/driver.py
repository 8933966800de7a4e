"""Textual's driver for Linux and macOS, for terminals as they are.

It writes without ever waiting, reads whatever comes without dying of it, and leaves with the terminal.
"""

from __future__ import annotations

import asyncio
import os
import selectors
import signal
import termios
import tty
from collections.abc import Callable
from concurrent.futures import wait
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from textual import constants
from textual.drivers import linux_driver
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Resize
from textual.geometry import Size
from textual.message import Message
from textual.messages import InBandWindowResize

from tui.terminal import background, supervisor
from tui.terminal.input_filter import InputFilter
from tui.terminal.textual_private import XTermParser
from tui.terminal.writer import TerminalWriter

if TYPE_CHECKING:
    from textual.app import App

HANGUP = 129
KEYBOARD = (
    linux_driver.KITTY_DISAMBIGUATE_ESCAPE_CODES
    | linux_driver.KITTY_REPORT_ALL_KEYS
    | linux_driver.KITTY_REPORT_ASSOCIATED_TEXT
)
"""What Textual asks of the keyboard protocol."""
LARGEST = (500, 200)  # columns and rows
PIECE = 32  # keys that are passed on before the app is asked whether it keeps pace


def clamp(size: Size) -> Size:
    """Return the size that is drawn: beyond `LARGEST` a terminal stays blank, however large it says it is."""
    return Size(min(size.width, LARGEST[0]), min(size.height, LARGEST[1]))


class DriverHost(Protocol):
    """What the driver needs of its app."""

    screen_descriptor: int

    @property
    def leaving(self) -> bool:
        """Whether the app is about to end."""

    def redraw(self) -> None:
        """Send everything again: the terminal shows nothing that is known."""

    def catch_up(self) -> None:
        """Send what was held back: the terminal has taken everything that it was sent."""

    def leave(self, code: int) -> None:
        """End the app."""

    def fail(self, error: BaseException) -> None:
        """End the app because of an error."""

    def tell_cut(self) -> None:
        """Say that a paste was too long."""

    async def keep_pace(self) -> None:
        """Return once few of the keys that were passed on are still to be handled."""

    asks_background: bool

    def on_background(self, light: bool) -> None:
        """Take note of the terminal's background."""


class Driver(LinuxDriver):
    """Never blocks on the terminal; see the module."""

    host: DriverHost

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        """As Textual builds it; the app has to be one of `DriverHost`."""
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._asked = False
        self._passed = 0  # keys since the app was asked whether it keeps pace
        self._running = False  # whether the terminal is ours
        self.host = app  # type: ignore[assignment]  # the one app that names this driver
        if size is None:  # else Textual lets Rich find one until the first change of it
            self._size = self._measure()

    @property
    def behind(self) -> bool:
        """Whether the terminal has not taken everything yet: another frame would only queue."""
        writer = self._writer_thread
        return writer is not None and writer.behind

    def _get_terminal_size(self) -> tuple[int, int]:
        """Return the size that the terminal itself says, not COLUMNS nor that of a descriptor led to the log.

        It is asked at the start, and when the window has changed, whose contents are then anyone's guess.
        """
        self.host.redraw()
        return self._measure()

    def _measure(self) -> tuple[int, int]:
        try:
            width, height = os.get_terminal_size(self.host.screen_descriptor)
        except OSError:
            return 80, 24
        return clamp(Size(width, height)) if width > 0 and height > 0 else (80, 24)

    def start_application_mode(self) -> None:
        """Start as Textual does; but handle signals in the loop, one after the other.

        In a signal's handler a second change of the window could come in between, and the older size be told
        last. And a terminal that is ours already is only taken again: whatever continued the process, nobody
        may have stopped it, or nobody have given the terminal back, whose modes then are no one's to keep.
        """
        if self._running:
            self._take_again()
            return
        supervisor.notes.taken = True
        super().start_application_mode()  # type: ignore[no-untyped-call]
        writer = self._writer_thread
        # In the background Textual starts nothing, and stops again.
        self._running = supervisor.notes.taken = writer is not None and writer.is_alive()
        for number, handle in (
            (signal.SIGWINCH, self._handle_resize),
            (signal.SIGTSTP, self._sigtstp_application),
            (signal.SIGCONT, self._sigcont_application),
        ):
            with suppress(NotImplementedError, RuntimeError, ValueError):
                self._loop.add_signal_handler(number, handle)
        if self.host.asks_background and background.answers(os.environ.get("TERM", "")):
            self._asked = True
            self.write(background.QUESTION)
            self.flush()

    def _take_again(self) -> None:
        """Bring the terminal into the modes that it has while it is ours, and draw everything."""
        if not self._in_foreground():
            os.kill(os.getpid(), signal.SIGSTOP)
            return
        supervisor.notes.taken = True
        with suppress(termios.error):
            now = termios.tcgetattr(self.fileno)
            now[tty.LFLAG] = self._patch_lflag(now[tty.LFLAG])
            now[tty.IFLAG] = self._patch_iflag(now[tty.IFLAG])
            now[tty.CC][termios.VMIN] = 1
            termios.tcsetattr(self.fileno, termios.TCSANOW, now)
        self.write("\x1b[?1049h\x1b[?25l\x1b[?1004h")
        if not constants.DISABLE_KITTY_KEY:
            self.write(f"\x1b[<u\x1b[>{KEYBOARD}u")
        self._enable_bracketed_paste()
        self._disable_line_wrap()
        self._enable_mouse_support()
        if self._in_band_window_resize:
            self._enable_in_band_window_resize()
        if self._mouse_pixels:
            self._enable_mouse_pixels()
        size = Size(*self._get_terminal_size())
        self._app.post_message(Resize(size, size))

    def _in_foreground(self) -> bool:
        try:
            return os.tcgetpgrp(self.fileno) == os.getpgrp()
        except OSError:
            return True  # not the terminal that controls this process: no shell has taken it

    def _sigcont_application(self, *_: object) -> None:
        """Go on, and the process around this one with it; an app that ends takes no terminal any more."""
        supervisor.wake_parent()
        if not self.host.leaving:
            super()._sigcont_application()

    def stop_application_mode(self) -> None:
        """Stop as Textual does, once what is left of the picture is gone.

        GNU screen as it comes and the Linux console have no other screen to go back to: there the picture
        would stay, and the shell go on in the midst of it.
        """
        if self._mouse_pixels:
            self.write("\x1b[?1016l")
        self.write("\x1b[m\x1b[H\x1b[J")
        super().stop_application_mode()
        supervisor.notes.taken = False  # given back a second time it would lose what the shell shows

    def close(self) -> None:
        """Write the last words; from then on the terminal is not ours."""
        super().close()
        self._running = supervisor.notes.taken = False

    def _handle_resize(self) -> None:
        if not self._in_band_window_resize:
            size = Size(*self._get_terminal_size())
            self._app.post_message(Resize(size, size))

    def process_message(self, message: Message) -> None:
        """Pass a message on; the terminal's own word of another size is one of them."""
        if isinstance(message, Resize):
            size = clamp(message.size)
            message = Resize(size, size)
        if isinstance(message, InBandWindowResize | Resize):
            self._call(self.host.redraw)
        super().process_message(message)

    def _call(self, what: Callable[..., None], *arguments: object) -> None:
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(what, *arguments)

    @property  # type: ignore[override]  # an attribute there, of Textual's own class
    def _writer_thread(self) -> TerminalWriter | None:
        return vars(self).get("_writer")

    @_writer_thread.setter
    def _writer_thread(self, thread: object) -> None:
        """Put our thread in the place of the one that Textual makes to write with."""
        self._writer = None
        if thread is not None:
            self._writer = TerminalWriter(
                self.host.screen_descriptor,
                lambda: self._call(self.host.catch_up),
                lambda: self._call(self.host.leave, HANGUP),
                self.host.fail,
            )

    def _run_input_thread(self) -> None:
        """Read keys; an error ends the app as any other does."""
        try:
            self.run_input_thread()
        except Exception as error:  # noqa: BLE001 - nobody else would see that the keys have ended
            self.host.fail(error)

    def run_input_thread(self) -> None:
        """Read keys until the app ends or the terminal has gone."""
        intake, parser = InputFilter(), XTermParser(self._debug)
        intake.expecting = self._asked
        with selectors.DefaultSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                if selector.select(0.1):
                    data = self._read()
                    if not data:
                        self._call(self.host.leave, HANGUP)
                        return
                    text = intake.feed(data)
                else:
                    text = intake.flush()
                self._pass(text, parser)
                for message in parser.tick():
                    self.process_message(message)
                self._tell(intake)

    def _pass(self, text: str, parser: XTermParser) -> None:
        """Pass on what is typed, as fast as the app takes it."""
        for start in range(0, len(text), PIECE):
            for message in parser.feed(text[start : start + PIECE]):
                self.process_message(message)
                self._passed += 1
            if self._passed >= PIECE:
                self._passed = 0
                self._keep_pace()
            if self.exit_event.is_set():
                return

    def _keep_pace(self) -> None:
        """Leave what is typed in the terminal's own buffer while the app has enough to do.

        A long text that comes as keys would stand before whatever ends the app, and take memory.
        """
        try:
            handled = asyncio.run_coroutine_threadsafe(self.host.keep_pace(), self._loop)
        except RuntimeError:  # the loop has ended
            return
        while not (wait([handled], 0.1).done or self.exit_event.is_set()):
            pass

    def _tell(self, intake: InputFilter) -> None:
        """Pass on what is no key."""
        while intake.answers:
            light = background.is_light(intake.answers.pop())
            if light is not None:
                self._call(self.host.on_background, light)
        if intake.without_pixels:
            intake.without_pixels = False
            self._call(self._count_mouse_in_cells)
        if intake.cut:
            intake.cut = False
            self._call(self.host.tell_cut)

    def _count_mouse_in_cells(self) -> None:
        """Have the mouse reported in cells again, by a terminal that doesn't tell how many pixels one has."""
        if self._mouse_pixels and self._running:
            self._mouse_pixels = False
            self.write("\x1b[?1016l\x1b[?1006h")

    def _read(self) -> bytes:
        try:
            return os.read(self.fileno, 1 << 16)
        except OSError:  # Linux says so when the terminal has gone
            return b""
