"""What is computed of values that are known for each turn of a loop: known for each turn, too."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from llm_linalg.foresight.columns import LARGEST, TYPES, by_kind
from llm_linalg.foresight.turns import Each, given
from llm_linalg.foresight.unknown import EXACT, Undecided, doubtful, has_tensors, kind_of
from llm_linalg.language import plain

_EXACT = 2**53  # whole numbers up to it are floats, too
_A_RULE = 5  # steps that it takes as long as
_TURNS_A_STEP = 2_000
Rule = Callable[[Tensor, Tensor], Tensor]


def truth(value: Any) -> Any:
    """Return whether a value is true, for each turn; the value itself if it is not known for each."""
    if not isinstance(value, Each) or not value.turn.live:
        return value
    return by_kind(value, bool) if value.words is not None else _computed(torch.ne, value, 0)


def arithmetic(operator: ast.operator, left: Any, right: Any) -> Any:
    """Return a sum of numbers, or its like, in each turn; `Undecided` if it is not known for each."""
    return _computed(_RULES.get(type(operator)), left, right)


def compared(kind: ast.cmpop, left: Any, right: Any) -> Any:
    """Return ``left kind right`` in each turn; `Undecided` if it is not known for each."""
    rule, compare = _COMPARING.get(type(kind)), plain.COMPARE[type(kind)]
    if all(type(side) in TYPES or (isinstance(side, Each) and side.words is None) for side in (left, right)):
        return _computed(rule, left, right)
    if isinstance(left, Each) and not doubtful(right) and not has_tensors(right):
        return by_kind(left, lambda value: compare(value, right))
    if isinstance(right, Each) and isinstance(left, EXACT):
        return by_kind(right, lambda value: compare(left, value))
    raise Undecided


def signed(operator: ast.unaryop, value: Each) -> Any:
    """Return minus a number, or ``not`` it, in each turn; `Undecided` if that is not known."""
    match operator:
        case ast.Not():
            return by_kind(value, lambda one: not one)
        case ast.USub():
            return _computed(lambda one, _: -one, value, 0)
    raise Undecided


def mapped(function: Any, arguments: Sequence[Any]) -> Any:
    """Return what a builtin gives in each turn; `Undecided` if it is not known for each."""
    if function in _BY_KIND and len(arguments) == 1 and isinstance(arguments[0], Each):
        return by_kind(arguments[0], function)
    if len(arguments) != 2 or any(kind_of(argument) is not int for argument in arguments):
        raise Undecided  # of a number and a truth it matters which one it is
    return _computed(_EXTREMES.get(function), *arguments)


def _computed(rule: Rule | None, left: Any, right: Any) -> Any:
    turns = {side.turn for side in (left, right) if isinstance(side, Each)}
    if rule is None or len(turns) != 1 or not (turn := turns.pop()).live:
        raise Undecided
    with torch._C.DisableTorchFunction():
        cells = rule(*_alike(_cells(left), _cells(right)))
        turn.went_on(_A_RULE + len(cells) // _TURNS_A_STEP)
        return given(cells, turn)


def _cells(value: Any) -> Tensor:
    if isinstance(value, Each):
        if value.words is not None:
            raise Undecided
        return value.cells
    if type(value) not in TYPES or (type(value) is int and abs(value) > LARGEST):
        raise Undecided
    return torch.tensor([value], dtype=TYPES[type(value)])


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


def _bounded(rule: Rule, bound: int) -> Rule:
    def bounded(one: Tensor, other: Tensor) -> Tensor:
        if one.dtype is torch.int64:
            _sized(bound, one, other)
        return rule(one, other)

    return bounded


def _whole(rule: Rule) -> Rule:
    def whole(one: Tensor, other: Tensor) -> Tensor:
        if one.dtype is not torch.int64:
            raise Undecided
        return rule(one, other)

    return whole


def _nonzero(rule: Rule) -> Rule:
    def nonzero(one: Tensor, other: Tensor) -> Tensor:
        if bool((other == 0).any()):
            raise Undecided
        return rule(one, other)

    return nonzero


def _floored(one: Tensor, other: Tensor) -> Tensor:
    return torch.div(one, other, rounding_mode="floor")


def _ratio(one: Tensor, other: Tensor) -> Tensor:
    if one.dtype is torch.int64:
        _sized(_EXACT, one, other)
    return one.double() / other.double()


_RULES: Mapping[type[ast.operator], Rule] = {
    ast.Add: _bounded(torch.add, LARGEST // 2),
    ast.Sub: _bounded(torch.sub, LARGEST // 2),
    ast.Mult: _bounded(torch.mul, 2**30),
    ast.FloorDiv: _whole(_nonzero(_floored)),
    ast.Mod: _whole(_nonzero(torch.remainder)),
    ast.Div: _nonzero(_ratio),
}
_COMPARING: Mapping[type[ast.cmpop], Rule] = {
    ast.Lt: torch.lt,
    ast.LtE: torch.le,
    ast.Gt: torch.gt,
    ast.GtE: torch.ge,
    ast.Eq: torch.eq,
    ast.NotEq: torch.ne,
}
_BY_KIND = frozenset([abs, int, bool, len])
_EXTREMES: Mapping[Any, Rule] = {min: _whole(torch.minimum), max: _whole(torch.maximum)}
