"""What keeps a rehearsal apart from the run that it is in the middle of."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from llm_linalg.foresight.unknown import Undecided

if TYPE_CHECKING:
    from collections.abc import Iterator


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
    """The other devices of a program: what they give is not known."""

    def reduced(self, tensor: Tensor) -> Tensor:
        """Return a tensor of the same shape."""
        return tensor

    def gathered(self, _: Tensor) -> list[Tensor]:
        """Leave open how many devices there are."""
        raise Undecided

    def records(self, _: Any) -> None:
        """Nothing is recorded."""
