"""The run that is under way, as the screen waits for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tui.layout.pane_sizes import BEHIND, LOADING, RUNNING, STOPPING
from tui.screens.run_worker import behind, running_place

if TYPE_CHECKING:
    from collections.abc import Callable

    from tui.compose.program_run import Run


@dataclass
class PendingRun:
    """The run that is under way.

    Attributes:
        waiting: What is said while the program has not been run yet.
        halt: Stops it.
        has_torch: Whether torch is there, which the first run imports.
        is_surveying: Whether all cells of a document are being run.
        left: The last run, at the view at which it was left.
    """

    waiting: str = LOADING
    halt: Callable[[], None] = lambda: None
    has_torch: bool = False
    is_surveying: bool = False
    left: Run | None = None

    def begin(self) -> None:
        """Take note that another program is to be run; that torch is still loading stays said."""
        self.waiting = self.waiting if self.waiting == LOADING else ""

    def start(self) -> bool:
        """Take note that torch is there; return whether what takes long from now on is the program."""
        self.has_torch = True
        if self.waiting == BEHIND:
            self.waiting = ""
        return self.waiting in ("", LOADING)

    def say_running(self) -> bool:
        """Say that the program is still running, if that is what takes long; return whether it is."""
        if not self.has_torch or self.waiting not in ("", LOADING):
            return False
        self.waiting = BEHIND if behind() else RUNNING
        return True

    def say_stopping(self, *, own: bool) -> bool:
        """Say that the run is being stopped, if it was said to run: torch finishes the call that it is in.

        Of one's own code it is said where it is: it may be in a loop without calls of torch.
        """
        if self.waiting != RUNNING:
            return False
        place = running_place() if own else ""
        self.waiting = STOPPING.replace("this call", place) + " q quits" if place else STOPPING
        return True
