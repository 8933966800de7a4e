"""Runs a session's program in a thread, and hands the result over as a message.

A run is not killed: it asks, before each of its calls, whether it is to end.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from threading import Event, Lock
from typing import TYPE_CHECKING

from textual.message import Message
from textual.worker import get_current_worker

from tui import garbage

if TYPE_CHECKING:
    from textual.widget import Widget

    from tui.stage import Opened
    from tui.view import View

# Programs draw from torch's one generator, and to end takes one a moment: they run one after the other.
_ONE_AT_A_TIME = Lock()


class Started(Message):
    """Torch is there, and a program is about to run."""


class Ran(Message):
    """A program was run."""

    def __init__(self, opened: Opened) -> None:
        super().__init__()
        self.opened = opened


def run_program(owner: Widget, view: View, previous: Opened | None) -> Callable[[], None]:
    """Runs the view's program in a thread; `owner` gets `Ran`.

    Returns:
        What halts the run, so that its result says that it was stopped. Another run halts it as well; then
        nobody waits for its result, and there is none.
    """
    halted = Event()
    owner.run_worker(
        partial(_work, owner, view, previous, halted),
        name="run", group="program", exclusive=True, thread=True,
    )  # fmt: skip
    return halted.set


def _work(owner: Widget, view: View, previous: Opened | None, halted: Event) -> None:
    worker = get_current_worker()
    with _ONE_AT_A_TIME:
        if worker.is_cancelled:
            return
        from tui.stage import open_view, warm

        warm()
        garbage.resume()
        owner.post_message(Started())
        opened = open_view(view, previous, lambda: worker.is_cancelled or halted.is_set())
    if not worker.is_cancelled:
        owner.post_message(Ran(opened))
