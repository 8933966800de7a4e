"""The stage: opens a view on the engine and makes its frames. The only module of the app that meets nodes.

:func:`open_view` runs the program; it is what a worker does. Everything on :class:`Opened` is cheap and pure.
Importing this module imports no torch; the first :func:`open_view` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tui.frame import Frame
from tui.player import Ground
from tui.view import View

if TYPE_CHECKING:
    from llm_linalg import ProgramError, Trace


def warm() -> None:
    """Import the engine and torch: for a thread, after the first paint."""
    raise NotImplementedError


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A program that was run (or failed) for a view; makes the frame of any step, order, node or cursor of it."""

    view: View
    trace: Trace | None
    error: ProgramError | None
    good: Opened | None  # what was open before, if this failed

    def serves(self, view: View) -> bool:
        """Whether the view shows the same run, so that :meth:`frame` can make its frame without running again."""
        return self.view.same_program(view)

    def ground(self, view: View) -> Ground:
        """What the player must know about the view's node. Raises LookupError for a path that isn't there."""
        raise NotImplementedError

    def frame(self, view: View, *, ascii_only: bool = False) -> Frame:
        """The picture of a view that this serves."""
        raise NotImplementedError

    def twin(self, view: View) -> View:
        """The view of the backward program's node that belongs to the node shown, or back; the same if none."""
        raise NotImplementedError

    def follow(self, view: View) -> View:
        """To the node that made the cell under the cursor, the cursor on its output; the same if it is an input."""
        raise NotImplementedError

    def move_cursor(self, view: View, rows: int, columns: int) -> View:
        """The cell cursor moved on its panel (or put on the result if there is none)."""
        raise NotImplementedError

    def next_panel(self, view: View, direction: int = 1) -> View:
        """The cell cursor moved to the next panel."""
        raise NotImplementedError

    def slices(self, view: View, direction: int) -> View:
        """The next or previous slice of an N-d tensor; the same view if there is only one."""
        raise NotImplementedError

    def repaired(self, view: View, number: int) -> View:
        """The view with repair ``number`` (from 1) applied to the program. Raises IndexError."""
        raise NotImplementedError

    def torch_code(self, view: View) -> str:
        """The program as torch code to run elsewhere: imports, seed, controls, program."""
        raise NotImplementedError


def open_view(view: View, previous: Opened | None = None) -> Opened:
    """Run the view's program. Never raises for a program that fails: the error is in the result."""
    raise NotImplementedError
