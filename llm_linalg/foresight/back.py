"""The way a gradient goes back from a tensor without cells: the calls that gave it, and what they take."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from llm_linalg.foresight.nowhere import like, look_into, memory
from llm_linalg.language.caller import Back
from llm_linalg.language.effort import going_back

if TYPE_CHECKING:
    from llm_linalg.language.budget import Asked
    from llm_linalg.ledger import Ledger
    from llm_linalg.node import Node
    from llm_linalg.ops.call import Call

KINDS = frozenset(["contraction", "pointwise", "mask", "movement", "reduction", "rowwise", "composite"])
_ENDS = frozenset(["detach", "to"])  # the second of them perhaps


class Way:
    """A call that a gradient goes back through.

    Attributes:
        asks: What it asks for to go back through it.
        before: The calls that gave its operands, those that have a gradient.
    """

    __slots__ = ("asks", "before")

    def __init__(self, asks: Back, before: Sequence[Way]) -> None:
        self.asks = asks
        self.before = before


class Open(Way):
    """What nobody knows of a tensor that may have a gradient: which calls gave it.

    Attributes:
        calls: How many there may be, if it is told; else 0.
    """

    __slots__ = ("calls",)

    def __init__(self, calls: int = 0) -> None:
        super().__init__(Back(0, 0, 0), ())
        self.calls = calls


LEAF = Way(Back(0, 0, 0), ())  # a tensor that has a gradient, and no call gave it
OPEN = Open()


def way(tensor: Tensor) -> Way | None:
    """Return the call that a gradient goes back through first from a tensor; None if it surely has none.

    That is `LEAF` if no call gave it, and an `Open` one if not even that is known.
    """
    found = vars(tensor).get("_way")
    if found is None:
        with torch._C.DisableTorchFunction():
            return LEAF if tensor.requires_grad and tensor.is_leaf else None
    return found  # type: ignore[no-any-return]


def lead(given: Tensor, call: Call, asked: Asked, operands: Sequence[Tensor]) -> None:
    """Let the way from what a call gave lead through it, or one like it, if it has a gradient."""
    if call.operation.kind in KINDS and call.operation.name not in _ENDS:
        follow(given, operands, asked.work, going_back(call, asked.cells, asked.work))


def follow(given: Tensor, operands: Sequence[Tensor], work: int = 0, effort: int = 0) -> None:
    """Let the way from a tensor lead through a call to its operands, those that have a gradient."""
    if given.is_floating_point():
        ways = {id(tensor): (tensor, way(tensor)) for tensor in operands}
        led = [(tensor, found) for tensor, found in ways.values() if found is not None]
        sure = [tensor for tensor, found in led if not isinstance(found, Open)]
        if sure:
            cells = sum(tensor.numel() for tensor in sure)
            lay(given, Way(Back(work, cells, effort), [found for _, found in led]))
        elif led:
            lay(given, _longest([found for _, found in led]))


def _longest(ways: Sequence[Way | None]) -> Open:
    """Return the open way with most calls; `OPEN` if there is none."""
    return max((found for found in ways if isinstance(found, Open)), key=attrgetter("calls"), default=OPEN)


def lay(tensor: Tensor, found: Way | None) -> None:
    """Let a tensor have a way back."""
    if found is not None:
        vars(tensor)["_way"] = found


def ask(tensor: Tensor, wanted: bool) -> None:
    """Let a tensor that no call gave have a gradient, or none."""
    with torch._C.DisableTorchFunction():
        if tensor.is_floating_point() and tensor.is_leaf:
            tensor.requires_grad_(wanted)


def either(one: Tensor, other: Tensor) -> Tensor:
    """Return what is known of a tensor that is one or the other, which have the same shape and type."""
    found, cells = way(one), memory(one)
    alike = cells == memory(other)
    other_way = way(other)
    joined = found if found is other_way else _longest([found, other_way])
    if alike and found is joined:
        return one
    made = like(one)
    look_into(made, cells if alike else 0)
    lay(made, joined)
    return made


def after(tensor: Tensor, calls: int) -> Tensor:
    """Return a tensor of the same shape which so many calls may have given."""
    made = like(tensor)
    lay(made, Open(calls))
    return made


class Recorded:
    """The ways back from tensors that a run has made.

    Args:
        ledger: Its recording.
        asks: Gives what it asks for to go back through a node's call.
    """

    def __init__(self, ledger: Ledger, asks: Callable[[Node], Back]) -> None:
        self._ledger = ledger
        self._asks = asks
        self._ways: dict[int, Way] = {}

    @property
    def walked(self) -> int:
        """How many calls they lead through."""
        return len(self._ways)

    def way(self, tensor: Tensor, most: int) -> Way | None:
        """Return the way back from a tensor of the run's, if it was there after so many nodes."""
        node = self._ledger.known(tensor)
        if node is None or node.index >= most:
            return None
        for item in sorted(self._ledger.way_back(node, self._ways), key=attrgetter("index")):
            before = [self._ways.get(operand.node.index, LEAF) for operand in item.operands]
            self._ways[item.index] = Way(self._asks(item), before)
        return self._ways.get(node.index)


def without(value: Any) -> Any:
    """Return a value of whose tensors nobody knows whether they have a gradient; of lists, themselves."""
    if isinstance(value, tuple):
        items = tuple(map(without, value))
        return value if all(item is was for item, was in zip(items, value, strict=True)) else items
    if not isinstance(value, Tensor) or way(value) is None:
        return value
    made = like(value)
    lay(made, OPEN)
    return made


def leaf(tensor: Tensor) -> Tensor:
    """Return a tensor of the same shape that has a gradient, and no call gave it."""
    made = like(tensor)
    ask(made, wanted=True)
    return made


def passed(tensor: Tensor) -> Iterator[Way]:
    """Yield the calls that a gradient goes back through from a tensor, each once, and open ways."""
    start = way(tensor)
    todo, seen = [] if start is None else [start], set[int]()
    while todo:
        found = todo.pop()
        if found is not LEAF and id(found) not in seen:
            seen.add(id(found))
            yield found
            todo += found.before
