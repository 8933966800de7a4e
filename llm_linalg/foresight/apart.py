"""What keeps a rehearsal apart from the run that it is in the middle of."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from llm_linalg.foresight.nowhere import without_cells
from llm_linalg.ranks import summed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llm_linalg.ranks import Group


@contextmanager
def without_gradients() -> Iterator[None]:
    """Let autograd record nothing; nor is this recorded as a call of the program that is being run."""
    was = torch.is_grad_enabled()
    with torch._C.DisableTorchFunction():
        torch.set_grad_enabled(False)
    try:
        yield
    finally:
        with torch._C.DisableTorchFunction():
            torch.set_grad_enabled(was)


class Others:
    """The other devices of a program: of what they give only the shape is known.

    Args:
        group: The devices, as the program has them that is rehearsed.
        takes: What counts cells that would be filled.
    """

    def __init__(self, group: Group, takes: Callable[[int], None]) -> None:
        self.rank, self.ranks = group.rank, group.ranks
        self._takes = takes

    def reduced(self, tensor: Tensor) -> Tensor:
        """Return a sum of so many of one shape."""
        return summed(self.gathered(tensor))

    def gathered(self, tensor: Tensor) -> list[Tensor]:
        """Return so many of one shape."""
        for _ in range(self.ranks + 1):  # one for the others, and one of each
            self._takes(tensor.numel())
        other = without_cells(tuple(tensor.shape), tensor.dtype)
        return [tensor if rank == self.rank else other for rank in range(self.ranks)]

    def records(self, _: Any, takes: Any) -> None:
        """Nothing is recorded."""
