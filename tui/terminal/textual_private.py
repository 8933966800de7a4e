"""What of Textual is private and used here nonetheless, in one place: the cells of a screen, its updates.

There is no public way to any of it. Another minor version may have it otherwise: `tests/test_textual.py` says
which one this was written for, and what has to be looked at when that changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual._xterm_parser import XTermParser

if TYPE_CHECKING:
    from textual.geometry import Size
    from textual.screen import Screen
    from textual.strip import Strip

__all__ = ["ChopsUpdate", "CompositorUpdate", "LayoutUpdate", "XTermParser"]

OVERRIDDEN = {
    "textual.app.App": (
        "_display", "_end_batch", "_batch_count", "_background_screens", "_screen_stack", "_context", "_exit",
        "_return_code", "_handle_exception", "_fatal_error", "_close_messages_no_wait", "_set_pointer_shape",
    ),
    "textual.drivers.linux_driver.LinuxDriver": (
        "_get_terminal_size", "_run_input_thread", "_writer_thread", "_in_band_window_resize",
    ),
    "textual.widgets.TextArea": (
        "_build_highlight_map", "_line_cache", "_highlights", "_replace_via_keyboard",
        "_recompute_cursor_offset", "_cursor_offset",
    ),
    "textual.command.CommandPalette": ("_action_command_list",),
}  # fmt: skip
"""What our subclasses override, or ask of their own Textual class, though it begins with an underscore."""


def size_drawn(screen: Screen[Any]) -> Size:
    """The size at which a screen is drawn, which follows the window's a moment later."""
    return screen._compositor.size  # noqa: SLF001


def rows_drawn(screen: Screen[Any]) -> list[Strip]:
    """The rows of cells that a screen shows."""
    return screen._compositor.render_strips()  # noqa: SLF001


def whole_update(screen: Screen[Any], below: Sequence[Screen[Any]]) -> LayoutUpdate:
    """Everything that a screen shows, those below it included, as one update."""
    whole = screen._compositor.render_update(full=True, screen_stack=list(below))  # noqa: SLF001
    if not isinstance(whole, LayoutUpdate):
        raise TypeError("a full update of a screen is one of its layout")
    return whole


async def until_mounted(screen: Screen[Any]) -> None:
    """Returns once a screen is mounted, or about to close."""
    if not (screen.is_mounted or screen._closing):  # noqa: SLF001
        await screen._mounted_event.wait()  # noqa: SLF001
