"""What a recording is held against."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor

    from llm_linalg.ops.operation import Call
    from llm_linalg.ops.price import Price


class Guard(Protocol):
    """Charges calls before they are made, and what a recording does beside them; each may raise."""

    def charge(self, call: Call) -> Price | None:
        """Charge a call; return what it costs, if that is known."""

    def charge_again(self, price: Price, written: Tensor | None = None) -> None:
        """Charge a call that is like one that cost so much, and writes into a tensor."""

    def charge_write(self, elements: int, memory: int) -> None:
        """Charge that so many elements are written of a memory: what shares it is kept as it was."""

    def charge_renewal(self, memory: int, writers: int) -> None:
        """Charge a look at a tensor whose memory was written through others."""

    def charge_glance(self, elements: int) -> None:
        """Charge the question who wrote so many elements last."""
