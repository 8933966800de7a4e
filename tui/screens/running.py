"""Runs a session's program in a thread, and hands the result over as a message."""

from __future__ import annotations

from functools import partial
from threading import Lock
from typing import TYPE_CHECKING

from textual.message import Message
from textual.worker import Worker, get_current_worker

from tui import garbage

if TYPE_CHECKING:
    from textual.widget import Widget

    from tui.stage import Opened
    from tui.view import View

# Programs draw from torch's one generator, and a thread can't be stopped: they run one after the other.
_ONE_AT_A_TIME = Lock()


class Ran(Message):
    """A program was run."""

    def __init__(self, opened: Opened) -> None:
        super().__init__()
        self.opened = opened


def run_program(owner: Widget, view: View, previous: Opened | None) -> Worker[None]:
    """Runs the view's program in a thread; `owner` gets `Ran`, unless another run was started since."""
    return owner.run_worker(
        partial(_work, owner, view, previous), name="run", group="program", exclusive=True, thread=True
    )


def _work(owner: Widget, view: View, previous: Opened | None) -> None:
    worker = get_current_worker()
    with _ONE_AT_A_TIME:
        if worker.is_cancelled:
            return
        from tui.stage import open_view, warm

        warm()
        garbage.resume()
        opened = open_view(view, previous)
    # A result that came too late is dropped by the screen: it doesn't serve the view any more.
    owner.post_message(Ran(opened))
