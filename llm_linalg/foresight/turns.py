"""What is known of the turns of a loop at once, where it is known for each of them: numbers, turn by turn."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any

import torch
from torch import Tensor

from llm_linalg.foresight.unknown import Undecided, Unknown
from llm_linalg.language.values import Distinct

_EXACT = 2**53  # whole numbers up to it are floats, too
LARGEST = 2**62
MOST_LISTED = 10_000
_KINDS = {torch.int64: int, torch.bool: bool, torch.float64: float}
TYPES = {kind: dtype for dtype, kind in _KINDS.items()}
_numbered = count()


class Turn:
    """Several turns of a loop that are gone through as one.

    Attributes:
        room: In how many more parts they may be taken apart.
        live: Whether they are being gone through now.
    """

    __slots__ = ("live", "room")

    def __init__(self, room: int) -> None:
        self.room = room
        self.live = True


class Apart(Exception):  # noqa: N818
    """Turns that are gone through as one have to be taken apart.

    Attributes:
        turn: They.
        keys: For each of them a number: those with the same one stay together.
    """

    def __init__(self, turn: Turn, keys: Tensor) -> None:
        super().__init__()
        self.turn = turn
        self.keys = keys


class Each(Unknown):
    """A number that is known for each of the turns that are gone through as one.

    While they are, that is: what a name means from then on may be any of the numbers.

    Attributes:
        cells: The numbers.
        turn: The turns.
        serial: No other one has it.
    """

    __slots__ = ("cells", "serial", "turn")

    def __init__(self, cells: Tensor, turn: Turn) -> None:
        kind = _KINDS[cells.dtype]
        least, most = (int(end) for end in cells.aminmax()) if kind is int else (None, None)
        super().__init__(kind, least, most)
        self.cells = cells
        self.turn = turn
        self.serial = next(_numbered)

    @property
    def identity(self) -> Any:
        """What no other one has."""
        return Each, self.serial


def given(cells: Tensor, turn: Turn) -> Any:
    """Return a number for each turn; the number itself, if it is the same for all."""
    if cells.dtype is not torch.float64 and bool((cells == cells[0]).all()):
        return cells[0].item()
    return cells[0].item() if len(cells) == 1 else Each(cells, turn)


def distinct(cells: Tensor) -> tuple[list[Any], Tensor]:
    """Return the numbers that there are, and for each cell the place of its own among them."""
    with torch._C.DisableTorchFunction():
        kinds, places = cells.unique(return_inverse=True)  # type: ignore[no-untyped-call]
        return kinds.tolist(), places


def apart(value: Any) -> None:
    """Take turns apart by a number that they have, if it differs between them, but not much.

    Raises:
        Apart: If they can be.
    """
    if isinstance(value, Each) and value.turn.live:
        kinds, keys = distinct(value.cells)
        if len(kinds) - 1 <= value.turn.room:
            raise Apart(value.turn, keys)


def truth(value: Any) -> Any:
    """Return whether a number is true, for each turn."""
    if not isinstance(value, Each) or not value.turn.live:
        return value
    with torch._C.DisableTorchFunction():
        return given(value.cells != 0, value.turn)


def computed(rule: Callable[[Tensor, Tensor], Tensor], left: Any, right: Any) -> Any:
    """Return what a rule makes of two numbers in each turn; `Undecided` if they are not known for each."""
    turns = {side.turn for side in (left, right) if isinstance(side, Each)}
    if len(turns) != 1 or not (turn := turns.pop()).live:
        raise Undecided
    with torch._C.DisableTorchFunction():
        return given(rule(_cells(left), _cells(right)), turn)


def _cells(value: Any) -> Tensor:
    if isinstance(value, Each):
        return value.cells
    if type(value) not in TYPES or (type(value) is int and abs(value) > LARGEST):
        raise Undecided
    return torch.tensor([value], dtype=TYPES[type(value)])


def arithmetic(operator: ast.operator, left: Any, right: Any) -> Any:
    """Return a sum of numbers, or its like, in each turn; `Undecided` if it is not known for each."""
    rule = _RULES.get(type(operator))
    if rule is None:
        raise Undecided
    return computed(rule, left, right)


def compared(kind: ast.cmpop, left: Any, right: Any) -> Any:
    """Return ``left kind right`` in each turn; `Undecided` if it is not known for each."""
    if isinstance(kind, ast.In | ast.NotIn):
        return _contained(left, right, isinstance(kind, ast.In))
    rule = _COMPARING.get(type(kind))
    if rule is None:
        raise Undecided
    return computed(lambda one, other: rule(*_alike(one, other)), left, right)


def _contained(left: Any, right: Any, wanted: bool) -> Any:
    items = right.items if isinstance(right, Distinct) else right
    if not isinstance(items, tuple | list | range | dict) or len(items) > MOST_LISTED:
        raise Undecided
    if not isinstance(left, Each) or left.kind is not int or set(map(type, items)) - {int}:
        raise Undecided
    if any(abs(item) > LARGEST for item in items):
        raise Undecided
    there = torch.tensor([*items], dtype=torch.int64) if items else torch.empty(0, dtype=torch.int64)
    return computed(lambda one, _: torch.isin(one, there, invert=not wanted), left, 0)


def signed(operator: ast.unaryop, value: Each) -> Any:
    """Return minus a number, or ``not`` it, in each turn; `Undecided` if that is not known."""
    match operator:
        case ast.USub():
            return computed(lambda one, _: -_alike(one, one)[0], value, 0)
        case ast.Not():
            return computed(lambda one, _: one == 0, value, 0)
    raise Undecided


def mapped(function: Any, arguments: Sequence[Any]) -> Any:
    """Return what a builtin gives in each turn; `Undecided` if it is not known for each."""
    rule = _MAPPED.get(function)
    if rule is None or len(arguments) not in (1, 2):
        raise Undecided
    return computed(rule, arguments[0], arguments[-1])


def _sized(bound: int, *sides: Tensor) -> None:
    """Go on if numbers are not beyond a bound: then what is computed of them is what Python computes."""
    for side in sides:
        if not bool((side.abs() <= bound).all()):
            raise Undecided


def _alike(one: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    """Return numbers of one type, which are the same as before."""
    one, other = (side.long() if side.dtype is torch.bool else side for side in (one, other))
    if one.dtype is not other.dtype:
        _sized(_EXACT, one, other)
        one, other = one.double(), other.double()
    return one, other


def _bounded(rule: Callable[[Tensor, Tensor], Tensor], bound: int) -> Callable[[Tensor, Tensor], Tensor]:
    def bounded(one: Tensor, other: Tensor) -> Tensor:
        one, other = _alike(one, other)
        if one.dtype is torch.int64:
            _sized(bound, one, other)
        return rule(one, other)

    return bounded


def _whole(rule: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    def whole(one: Tensor, other: Tensor) -> Tensor:
        one, other = _alike(one, other)
        if one.dtype is not torch.int64 or bool((other == 0).any()):
            raise Undecided
        return rule(one, other)

    return whole


def _floored(one: Tensor, other: Tensor) -> Tensor:
    return torch.div(one, other, rounding_mode="floor")


def _ratio(one: Tensor, other: Tensor) -> Tensor:
    one, other = _alike(one, other)
    _sized(_EXACT, one, other)
    if bool((other == 0).any()):
        raise Undecided
    return one.double() / other.double()


def _integer(one: Tensor, _: Tensor) -> Tensor:
    _sized(_EXACT, one)
    return one.long()


def _float(one: Tensor, _: Tensor) -> Tensor:
    _sized(_EXACT, one)
    return one.double()


def _absolute(one: Tensor, _: Tensor) -> Tensor:
    return one.long().abs() if one.dtype is torch.bool else one.abs()


def _extreme(rule: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    def extreme(one: Tensor, other: Tensor) -> Tensor:
        if {one.dtype, other.dtype} != {torch.int64}:
            raise Undecided  # which of equal ones it is depends on their order
        return rule(one, other)

    return extreme


_RULES: Mapping[type[ast.operator], Callable[[Tensor, Tensor], Tensor]] = {
    ast.Add: _bounded(torch.add, LARGEST // 2),
    ast.Sub: _bounded(torch.sub, LARGEST // 2),
    ast.Mult: _bounded(torch.mul, 2**30),
    ast.FloorDiv: _whole(_floored),
    ast.Mod: _whole(torch.remainder),
    ast.Div: _ratio,
}
_COMPARING: Mapping[type[ast.cmpop], Callable[[Tensor, Tensor], Tensor]] = {
    ast.Lt: torch.lt,
    ast.LtE: torch.le,
    ast.Gt: torch.gt,
    ast.GtE: torch.ge,
    ast.Eq: torch.eq,
    ast.NotEq: torch.ne,
}
_MAPPED: Mapping[Any, Callable[[Tensor, Tensor], Tensor]] = {
    abs: _absolute,
    int: _integer,
    float: _float,
    bool: lambda one, _: one != 0,
    min: _extreme(torch.minimum),
    max: _extreme(torch.maximum),
}


def unrolled(value: Any, size: int, turn: Turn) -> list[Any]:
    """Return what is known of a value in each of so many turns that were gone through as one."""
    if isinstance(value, Each) and value.turn is turn:
        with torch._C.DisableTorchFunction():
            return value.cells.tolist()
    if isinstance(value, tuple) and value:
        return list(zip(*[unrolled(item, size, turn) for item in value], strict=True))
    return [value] * size
