"""All that we use of Textual's private parts: the cells of a screen, its updates, whether it is drawn.

There is no public way to any of it. Another minor version may have it otherwise: `tests/test_textual.py` says
which one this was written for, and what has to be looked at when that changes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from rich.segment import Segment
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual._context import active_message_pump
from textual._xterm_parser import XTermParser
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget
from textual.worker import NoActiveWorker, WorkerFailed, get_current_worker

from llm_linalg.base.text import clean

if TYPE_CHECKING:
    from textual.app import App
    from textual.geometry import Size
    from textual.pilot import Pilot
    from textual.timer import Timer

__all__ = ["ChopsUpdate", "CompositorUpdate", "LayoutUpdate", "XTermParser"]

OVERRIDDEN = {
    "textual.app.App": (
        "_display", "_end_batch", "_batch_count", "_background_screens", "_screen_stack", "_context", "_exit",
        "_return_code", "_handle_exception", "_fatal_error", "_close_messages_no_wait", "_set_pointer_shape",
        "_disable_tooltips", "_disable_notifications",
    ),
    "textual.drivers.linux_driver.LinuxDriver": (
        "_get_terminal_size", "_run_input_thread", "_writer_thread", "_in_band_window_resize",
    ),
    "textual.widgets.TextArea": (
        "_build_highlight_map", "_line_cache", "_highlights", "_replace_via_keyboard",
        "_recompute_cursor_offset", "_cursor_offset",
    ),
    "textual.command.CommandPalette": ("_action_command_list", "_placeholder"),
    "textual.timer.Timer": ("_skip",),
}  # fmt: skip
"""What our subclasses override, or ask of their own Textual class, though it begins with an underscore."""


def punctual(timer: Timer) -> Timer:
    """Have a timer that was set just now, for one call, call back however late it is by then.

    Textual leaves such a call out for ever where the processor was elsewhere for longer than its time when
    the timer began.
    """
    timer._skip = False  # noqa: SLF001
    return timer


def screen_size(screen: Screen[Any]) -> Size:
    """Return the size at which a screen is drawn, which follows the window's a moment later."""
    return screen._compositor.size  # noqa: SLF001


def failing_screen(error: Exception) -> Screen[Any] | None:
    """Return the screen whose handler, timer or worker failed; None if it is the app's own.

    A worker runs in the context of the app, and knows whose it is.
    """
    pump = active_message_pump.get(None)
    if isinstance(error, WorkerFailed):
        with suppress(NoActiveWorker):
            pump = get_current_worker().node
    while pump is not None and not isinstance(pump, Screen):
        pump = pump._parent  # noqa: SLF001
    return pump


def is_closed(screen: Screen[Any], stack: Sequence[Screen[Any]]) -> bool:
    """Return whether a screen is about to go, or gone."""
    return screen not in stack or screen._closing  # noqa: SLF001


def screen_rows(screen: Screen[Any]) -> list[Strip]:
    """Return the rows of cells that a screen shows, without anything that a terminal would obey."""
    return list(map(_clean_strip, screen._compositor.render_strips()))  # noqa: SLF001


def _clean_strip(strip: Strip) -> Strip:
    """Return the same strip where its text is clean, which that of the editor may not be."""
    if strip.text.isprintable():
        return strip
    return Strip([Segment(clean(text, None), style, control) for text, style, control in strip])


def whole_update(screen: Screen[Any], below: Sequence[Screen[Any]]) -> LayoutUpdate:
    """Return everything that a screen shows, those below it included, as one update."""
    whole = screen._compositor.render_update(full=True, screen_stack=list(below))  # noqa: SLF001
    if not isinstance(whole, LayoutUpdate):
        raise TypeError("a full update of a screen is one of its layout")
    return whole


async def wait_for_mount(screen: Screen[Any]) -> None:
    """Return once a screen is mounted, or about to close."""
    if not (screen.is_mounted or screen._closing):  # noqa: SLF001
        await screen._mounted_event.wait()  # noqa: SLF001


async def still_rows(pilot: Pilot[Any], settled: Callable[[], bool]) -> list[Strip]:
    """Return the rows of the screen once the app is `settled` and every widget is laid out and painted.

    No clock decides: on a loaded machine Textual's own `pause` takes a process that is kept waiting for an
    idle one. Each round lets every widget handle its messages, then lays out and paints. A handler that waits
    for another widget, as a mount does, leaves no trace in a queue, but the next round waits for it: so two
    rounds in a row have to leave nothing to do, and the same rows.
    """
    before: list[Strip] | None = None
    while True:
        await pilot.pause(0)
        rows = screen_rows(pilot.app.screen)
        quiet = settled() and not _has_work(pilot.app)
        if quiet and rows == before:
            return rows
        before = rows if quiet else None


def _has_work(app: App[Any]) -> bool:
    """Return whether a message waits to be handled, or a widget to be laid out or painted."""
    screen = app.screen
    widgets = list(screen.walk_children(Widget, with_self=True))
    return (
        bool(screen._dirty_widgets or screen._callbacks)  # noqa: SLF001
        or any(pump.message_queue_size or pump._next_callbacks for pump in (app, *widgets))  # noqa: SLF001
        or any(
            widget._layout_required  # noqa: SLF001
            or widget._repaint_required  # noqa: SLF001
            or widget._scroll_required  # noqa: SLF001
            or widget._refresh_styles_required  # noqa: SLF001
            for widget in widgets
        )
    )
