"""What the calls of a recording are held against before they are computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

from llm_linalg.language.costs import (
    EFFORT_OF_A_GLANCE,
    EFFORT_OF_ANOTHER_WRITER,
    IN_NO_TIME,
    LOOKED_AN_EFFORT,
)
from llm_linalg.ops.call import Call

if TYPE_CHECKING:
    from llm_linalg.language.budget import Asked


class Guard(Protocol):
    """What calls are held against before they are computed; it may raise.

    Attributes:
        effort: What was taken beside the steps, in steps.
    """

    effort: int

    def check(self, call: Call) -> Asked | None:
        """Hold a call against it; return what it asks for, if those that are like it ask for the same."""

    def again(self, asked: Asked, operands: int, written: Tensor | None = None) -> None:
        """Hold a call against it that is like one before, by what that one asked for.

        Args:
            asked: What that was.
            operands: How many operands the call has.
            written: The one that it writes into.
        """

    def renews(self, memory: int) -> None:
        """Note that a tensor is looked at anew: its memory of so many cells was written through another."""

    def write(self, cells: int, memory: int) -> None:
        """Take what it takes that so many cells are written of a memory: what shares it is kept as it was."""

    def fill(self, cells: int) -> None:
        """Take cells that are about to be filled, and look whether all that was taken is too much."""


def renews(guard: Guard, memory: int, writers: int) -> None:
    """Hold against a guard that a tensor is looked at anew, whose memory was written through others.

    Args:
        guard: It may raise.
        memory: How many cells the memory has.
        writers: How many writes into it the tensor shows.
    """
    guard.renews(memory)
    _takes(guard, EFFORT_OF_ANOTHER_WRITER * max(writers - 1, 0))


def looks(guard: Guard, cells: int) -> None:
    """Hold against a guard that it is asked who wrote so many cells last."""
    guard.effort += EFFORT_OF_A_GLANCE
    if cells > LOOKED_AN_EFFORT:
        _takes(guard, cells // LOOKED_AN_EFFORT)


def keeps(guard: Guard, cells: int) -> None:
    """Hold against a guard that so many cells are copied, to be kept as they were."""
    if cells > IN_NO_TIME:
        guard.write(cells, cells)


def _takes(guard: Guard, effort: int) -> None:
    guard.effort += effort
    if not torch._C._is_torch_function_all_disabled():  # noqa: SLF001  else it can't rehearse: it soon will
        guard.fill(0)
