"""The protocol of a budget that a recorder consults before it acts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor

    from llm_linalg.ops.operation import Call
    from llm_linalg.ops.price import Price


class Guard(Protocol):
    """A budget that is charged before each call and each piece of bookkeeping; any charge may raise."""

    def charge(self, call: Call) -> Price | None:
        """Charge a call, and return its price if that follows from shapes alone."""

    def charge_again(self, name: str, price: Price, written: Tensor | None = None) -> None:
        """Charge a repetition of a call by its known price; `written` is the tensor that it writes."""

    def refund(self, price: Price) -> None:
        """Give back what it costs to record a call, which was charged: it is not recorded."""

    def charge_query(self) -> None:
        """Charge a call that returns a fact about a tensor, and no tensor."""

    def charge_write(self, elements: int, memory: int) -> None:
        """Charge a write of some elements of a storage: its aliases' values are copied first."""

    def charge_alias_update(self, memory: int, writers: int) -> None:
        """Charge for refreshing a tensor after an alias of it was written."""

    def charge_inspection(self, elements: int) -> None:
        """Charge for looking up who last wrote each of so many elements."""
