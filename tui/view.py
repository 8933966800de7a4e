"""The view: everything that identifies a picture, and the command that reopens it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from llm_linalg.lesson import Control, Lesson, Stop

Depth = Literal["operations", "cells", "terms"]
Look = Literal["numbers", "heat", "both"]
Cursor = tuple[str, tuple[int, ...]]
Value = float | int | bool | str | list[float]


@dataclass(frozen=True, slots=True)
class Place:
    """Where one was before going into a part, so that going out comes back to it."""

    path: tuple[str, ...]
    order: str | None
    depth: Depth
    step: int


@dataclass(frozen=True, slots=True)
class View:
    """Everything that identifies a picture. Frozen; the player and the keys make new ones.

    ``controls`` holds every control's value as text, in the lesson's order, so that views compare and hash.
    ``path`` is empty for the node that the stop shows. ``step`` counts from 1 in the order in force; 0 is before the
    first. ``order`` None is the stop's own; at depth "terms" the order in force is "terms" and ``order`` is the one
    that going out comes back to.
    """

    lesson: Lesson = field(repr=False)
    stop: int = 1
    controls: tuple[tuple[str, str], ...] = ()
    seed: int = 0
    path: tuple[str, ...] = ()
    order: str | None = None
    step: int = 0
    depth: Depth = "cells"
    cursor: Cursor | None = None
    at: tuple[int, ...] | None = None  # None: the slice follows the active cell
    look: Look = "numbers"
    twin: bool = False
    code: str | None = None  # the program after a repair; None: the lesson's
    back: tuple[Place, ...] = field(default=(), compare=False, repr=False)

    @classmethod
    def opening(cls, lesson: Lesson, stop: int = 1) -> View:
        """The view with which a lesson, or one of its stops, opens."""
        raise NotImplementedError

    @property
    def at_stop(self) -> Stop:
        """The stop that is open."""
        return self.lesson.stops[self.stop - 1]

    @property
    def program(self) -> str:
        """The program that is run."""
        return self.at_stop.program if self.code is None else self.code

    @property
    def values(self) -> dict[str, Value]:
        """The controls' values, parsed."""
        raise NotImplementedError

    def control(self, name: str) -> Control:
        """The lesson's control of that name. Raises KeyError."""
        raise NotImplementedError

    def set(self, name: str, text: str) -> View:
        """With a control set from text. Raises KeyError for the name, ValueError for the text."""
        raise NotImplementedError

    def move(self, name: str, direction: int) -> View:
        """With a control moved to its next (+1) or previous (−1) value. The program restarts at step 0."""
        raise NotImplementedError

    def at_place(self, stop: int) -> View:
        """At another stop of the same lesson, controls and seed kept."""
        raise NotImplementedError

    def same_program(self, other: View) -> bool:
        """Whether both show the same run: same lesson, stop, controls, seed and code."""
        raise NotImplementedError


def command(view: View) -> str:
    """The shell line that reopens exactly this view; only what differs from the lesson's opening is in it."""
    raise NotImplementedError


@dataclass(frozen=True, slots=True)
class History:
    """Undo and redo of views."""

    past: tuple[View, ...] = ()
    future: tuple[View, ...] = ()
    limit: int = 200

    def push(self, view: View) -> History:
        """Before leaving ``view`` for another: remember it, and forget what was undone."""
        return replace(self, past=(*self.past, view)[-self.limit :], future=())

    def undo(self, now: View) -> tuple[View, History]:
        """The view before, and the history then. At the beginning: the same view."""
        if not self.past:
            return now, self
        return self.past[-1], replace(self, past=self.past[:-1], future=(now, *self.future))

    def redo(self, now: View) -> tuple[View, History]:
        """The view that was undone, and the history then. At the end: the same view."""
        if not self.future:
            return now, self
        return self.future[0], replace(self, past=(*self.past, now), future=self.future[1:])


_ = shlex
