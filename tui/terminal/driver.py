"""Textual's driver for Linux and macOS, for terminals as they are.

It writes without ever waiting, reads whatever comes without dying of it, and leaves with the terminal.
"""

from __future__ import annotations

import asyncio
import os
import selectors
import signal
from collections.abc import Callable
from concurrent.futures import wait
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from textual.drivers.linux_driver import LinuxDriver
from textual.events import Resize
from textual.geometry import Size
from textual.message import Message
from textual.messages import InBandWindowResize

from tui.terminal import background
from tui.terminal.input_filter import InputFilter
from tui.terminal.textual_private import XTermParser
from tui.terminal.writer import TerminalWriter

if TYPE_CHECKING:
    from textual.app import App

HANGUP = 129
PIECE = 32  # keys that are passed on before the app is asked whether it keeps pace


class DriverHost(Protocol):
    """What the driver needs of its app."""

    screen_descriptor: int

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
        self.host = app  # type: ignore[assignment]  # the one app that names this driver

    @property
    def behind(self) -> bool:
        """Whether the terminal has not taken everything yet: a frame more would only queue."""
        writer = self._writer_thread
        return writer is not None and writer.behind

    def _get_terminal_size(self) -> tuple[int, int]:
        """Return the size that the terminal itself says, not COLUMNS nor that of a descriptor led to the log.

        It is asked at the start, and when the window has changed, whose contents are then anyone's guess.
        """
        self.host.redraw()
        try:
            width, height = os.get_terminal_size(self.host.screen_descriptor)
        except OSError:
            return 80, 24
        return (width, height) if width > 0 and height > 0 else (80, 24)

    def start_application_mode(self) -> None:
        """Start as Textual does; but handle a change of the window in the loop, one after the other.

        In a signal's handler a second change could come in between, and the older size be told last.
        """
        super().start_application_mode()  # type: ignore[no-untyped-call]
        with suppress(NotImplementedError, RuntimeError, ValueError):
            self._loop.add_signal_handler(signal.SIGWINCH, self._handle_resize)
        if self.host.asks_background and background.answers(os.environ.get("TERM", "")):
            self._asked = True
            self.write(background.QUESTION)
            self.flush()

    def stop_application_mode(self) -> None:
        """Stop as Textual does, once what is left of the picture is gone.

        GNU screen as it comes and the Linux console have no other screen to go back to: there the picture
        would stay, and the shell go on in the midst of it.
        """
        self.write("\x1b[m\x1b[H\x1b[J")
        super().stop_application_mode()

    def _handle_resize(self) -> None:
        if not self._in_band_window_resize:
            size = Size(*self._get_terminal_size())
            self._app.post_message(Resize(size, size))

    def process_message(self, message: Message) -> None:
        """Pass a message on; the terminal's own word of another size is one of them."""
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
        if intake.cut:
            intake.cut = False
            self._call(self.host.tell_cut)

    def _read(self) -> bytes:
        try:
            return os.read(self.fileno, 1 << 16)
        except OSError:  # Linux says so when the terminal has gone
            return b""
