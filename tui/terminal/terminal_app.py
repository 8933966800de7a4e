"""The part of the app that deals with the terminal: what is sent, when, and how it ends."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from rich.color import ColorSystem
from rich.console import Console, RenderableType
from textual import events
from textual.app import App
from textual.screen import ModalScreen, Screen

from tui.terminal import crash_log, supervisor
from tui.terminal.cell_buffer import CellBuffer, StripPosition
from tui.terminal.signals import CODES, handle_signals
from tui.terminal.textual_private import (
    ChopsUpdate,
    CompositorUpdate,
    LayoutUpdate,
    failing_screen,
    is_closed,
    screen_size,
    wait_for_mount,
    whole_update,
)

MANY = 16  # messages that may wait before more keys are read
SWITCH = 0.001  # seconds for which one thread may keep the others waiting: what reads keys and what writes


SYSTEMS = {
    "standard": ColorSystem.STANDARD,
    "256": ColorSystem.EIGHT_BIT,
    "truecolor": ColorSystem.TRUECOLOR,
    "windows": ColorSystem.WINDOWS,
}


class Difference(CompositorUpdate):
    """An update that sends what differs from the cells of a terminal, which then have it."""

    def __init__(self, update: LayoutUpdate | ChopsUpdate, cells: CellBuffer) -> None:
        self.update = update
        self.cells = cells

    def render_segments(self, console: Console) -> str:
        """Return what has to be sent."""
        colours = SYSTEMS.get(console.color_system or "", ColorSystem.TRUECOLOR)
        return self.cells.draw(strip_positions(self.update), colours)


def strip_positions(update: LayoutUpdate | ChopsUpdate) -> Iterator[StripPosition]:
    """Yield the strips of an update and where they stand.

    A strip is given whole though only a span of it is dirty: the buffer sends what differs, whereas to cut it
    would fill rich's cache of cut segments, thousands of them, with numbers that never come again.
    """
    if isinstance(update, LayoutUpdate):
        for y, strips in enumerate(update.strips, update.region.y):
            yield y, update.region.x, strips
        return
    for y, first, last in update.spans:
        for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if strip is not None and x < last and end > first:
                yield y, x, (strip,)


class TerminalApp(App[None]):
    """An app that sends only what the terminal doesn't show yet, and no frame while another is on its way.

    Attributes:
        screen_descriptor: the terminal's file descriptor.
        failure: the error that ended the app, if one did.
        copied: what was copied last, to be printed at the end: the clipboard may not have taken it.
        asks_background: whether the terminal is to be asked if its background is light.
    """

    asks_background = False

    def __init__(self) -> None:
        super().__init__()
        sys.setswitchinterval(SWITCH)
        self.screen_descriptor = 1
        self.failure: BaseException | None = None
        self.copied = ""
        self._cells = CellBuffer()
        self._late = False
        self._stale = True
        self._first_theme = ""
        # No screen needs the widgets for Textual's own messages and tips: the footer says all.
        self._disable_tooltips = self._disable_notifications = True
        if not os.environ.get("TEXTUAL_DRIVER"):
            with suppress(ImportError):  # a system without a termios keeps Textual's driver
                from tui.terminal.driver import Driver

                self.driver_class = Driver

    # What is sent.

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        """Send the difference to what the terminal shows; nothing while it has not taken the last one."""
        if self.is_headless or not isinstance(renderable, LayoutUpdate | ChopsUpdate):
            super()._display(screen, renderable)
            return
        if self._behind or self._batch_count:
            self._late = True
            return
        size = screen_size(screen)
        if self._stale or self._cells.size != tuple(size):
            self._stale = False
            self._cells.forget(*size)
            if isinstance(renderable, ChopsUpdate):  # a part would leave the rest unknown for good
                renderable = whole_update(screen, self._background_screens)
        difference = Difference(renderable, self._cells)
        super()._display(screen, difference)  # type: ignore[arg-type]  # it takes any CompositorUpdate

    @property
    def _behind(self) -> bool:
        from tui.terminal.driver import Driver

        return isinstance(self._driver, Driver) and self._driver.behind

    def catch_up(self) -> None:
        """Send what was held back as one frame, now that nothing is in the way."""
        if self._late and self._running and not self._exit:
            self._late = False
            with self._context():  # the thread that writes may have asked for it, which knows of no app
                self._display(self.screen, whole_update(self.screen, self._background_screens))

    def _end_batch(self) -> None:
        super()._end_batch()
        if not self._batch_count:
            self.call_later(self.catch_up)

    def redraw(self) -> None:
        """Send everything again: after another size, or while the app was away, what is shown is unknown."""
        self._stale = self._late = True
        self.call_later(self.catch_up)

    def tell_cut(self) -> None:
        """Say that a paste was too long, in an app that can."""

    def on_background(self, light: bool) -> None:
        """Take note of the terminal's background, which is only asked for with `asks_background`."""

    def _set_pointer_shape(self, shape: str) -> None:
        """Leave the pointer alone: the few terminals that know the sequence gain little, others print it."""

    async def keep_pace(self) -> None:
        """Return once few of the keys that were passed on are still to be handled; none is as it ends."""
        while self._running and (self._exit or self._to_do() > MANY):
            await asyncio.sleep(0.005)

    def _to_do(self) -> int:
        """Return messages that wait: the app's, and those of what it hands keys on to."""
        screens = self._screen_stack[-1:]  # none at the very beginning
        keyed = [screen.focused for screen in screens if screen.focused is not None]
        return sum(pump.message_queue_size for pump in (self, *screens, *keyed))

    async def on_event(self, event: events.Event) -> None:
        """Let a key wait for the screen that it is for: one of the same moment may have opened it."""
        if isinstance(event, events.Key) and self._screen_stack:
            await wait_for_mount(self.screen)
        await super().on_event(event)

    # The style sheets.

    def start_with_theme(self) -> None:
        """Parse the style sheets for the theme that the app has now, when they are first parsed."""
        self._first_theme = self.theme
        self.stylesheet.set_variables(self.get_css_variables())

    def refresh_css(self, animate: bool = True) -> None:
        """Parse them again: for another theme, since Textual also asks for it as it starts."""
        first, self._first_theme = self._first_theme, ""
        if first != self.theme:
            super().refresh_css(animate)

    # How it ends.

    async def run_async(self, **options: Any) -> None:
        """Run as Textual does; signals end the app as a key would, and say so in the exit code.

        They are heard before there is anything to see: the terminal is changed before that.
        """
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._handle_uncaught)
        with handle_signals(loop, self.leave):
            supervisor.watch_parent(loop, partial(self.leave, CODES["SIGHUP"]))
            await super().run_async(**options)

    @property
    def leaving(self) -> bool:
        """Whether the app is about to end."""
        return self._exit

    def leave(self, code: int) -> None:
        """End the app with an exit code, the terminal restored; of several the first one says which."""
        if not self._exit:
            self.exit(return_code=code)

    def fail(self, error: BaseException) -> None:
        """End the app because of an error, from any thread; the caller of `run` reports it."""
        loop = self._loop
        if loop is None or self._exit:
            self.failure = self.failure or error
            return
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(self._end_with, error)

    def _handle_uncaught(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Handle an error outside of Textual's own loops, such as in a callback of a signal."""
        error = context.get("exception")
        if isinstance(error, Exception) and not self._exit:
            self._end_with(error)
        else:
            loop.default_exception_handler(context)

    def _end_with(self, error: BaseException) -> None:
        self.failure = self.failure or error
        self._return_code = 1
        self._close_messages_no_wait()

    def _handle_exception(self, error: Exception) -> None:
        """Keep the error for the caller of `run`; of a worker's, the one that it comes from.

        A screen that was closed has nothing to show any more: what its last timers and workers miss is
        written to the log, and ends nothing.
        """
        screen = failing_screen(error)
        if isinstance(screen, ModalScreen) and (self._exit or is_closed(screen, self._screen_stack)):
            if sys.__stderr__ is not None:  # which leads to the log
                sys.__stderr__.write(crash_log.full_text(sys.exception() or error))
            return
        self.failure = self.failure or sys.exception() or error
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """End the app; Textual would print every local."""
        self._close_messages_no_wait()
