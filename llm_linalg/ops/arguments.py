"""The arguments of a torch call, and the tensors within them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from operator import is_
from typing import Any, TypeVar

import torch
from torch import Tensor

Function = Callable[..., Any]
T = TypeVar("T")
PLAIN = frozenset([bool, int, float, str])  # types that contain no tensor
_SINGLE: frozenset[Any] = PLAIN | {type(None), type(...)}
_NESTED: frozenset[Any] = frozenset([list, tuple])
_IN_PLACE = frozenset(
    ["add", "sub", "mul", "truediv", "div", "floordiv", "mod", "pow", "matmul", "and", "or", "xor"]
)
_OF_AXES = """
    unsqueeze_ squeeze_ transpose_ t_ swapaxes_ swapdims_ resize_ detach_ requires_grad_
"""
_TURNING = frozenset(_OF_AXES.split())


def first_of_each(tensor: Tensor, like: Tensor) -> Tensor:
    """Return the part of a tensor in which no two cells are one number in the memory of another."""
    for axis, step in enumerate(like.stride()):
        if not step and like.shape[axis]:
            tensor = tensor.narrow(axis, 0, 1)
    return tensor


def copy_laid_like(tensor: Tensor, like: Tensor) -> Tensor:
    """Return a copy, of whose cells those are one in memory that are so in `like`, as after an expand."""
    if like.layout is not torch.strided or 0 not in like.stride():
        return tensor.clone()
    return first_of_each(tensor, like).clone().expand(like.shape)


class ArgumentSlot:
    """A placeholder for a tensor while arguments are bound; it keeps the two operands of `x @ x` apart."""

    __slots__ = ("position",)

    def __init__(self, position: int) -> None:
        self.position = position


class NumberSlot:
    """A number that a plan leaves open, and each of its calls gives."""


def outputs(result: Any) -> Sequence[Tensor]:
    """Return the tensors in a call's result, in order; other results, such as None, are left out."""
    if isinstance(result, Tensor):
        return (result,)
    if not isinstance(result, tuple | list) or not result or not isinstance(result[0], Tensor | tuple | None):
        return ()
    return [tensor for item in result for tensor in outputs(item)]


def may_write(function: Function, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Return whether a call may write to an operand, judged by its function's name and its arguments."""
    return (
        writes(function)
        or getattr(getattr(function, "_schema", None), "is_mutable", False)
        or (bool(kwargs) and (kwargs.get("out") is not None or bool(kwargs.get("inplace"))))
        or True in {value for value in args if value.__class__ is bool}
    )


@cache
def writes(function: Function) -> bool:
    """Return whether a torch function writes to its operand, judged by its name."""
    name = _name(function)
    return (
        name in ("__setitem__", "set_data")
        or (name.endswith("_") and not name.endswith("__"))
        or (name.startswith("__i") and name.removeprefix("__i").removesuffix("__") in _IN_PLACE)
    )


@cache
def turns(function: Function) -> bool:
    """Return whether an in-place function gives its operand other axes, and writes no cell: `x.t_()`."""
    return _name(function) in _TURNING


def _name(function: Function) -> str:
    """Return a function's name; of an overload, such as `aten.relu_.default`, that of its operator."""
    return str(getattr(getattr(function, "overloadpacket", function), "__name__", ""))


def with_plain_numbers(value: Any) -> Any:
    """Return an argument with NumPy's numbers as Python's, which torch takes them for."""
    numpy = sys.modules.get("numpy")
    return value if numpy is None else map_leaves(value, numpy.number, lambda number: number.item())


def tensors_in(value: object) -> Iterator[Tensor]:
    """Yield the tensors in an argument, in order, also inside tuples, lists and dicts."""
    return leaves(value, Tensor)


def leaves(value: object, kind: type[T]) -> Iterator[T]:
    """Yield the values of a kind in an argument, in order, also inside tuples, lists and dicts."""
    if isinstance(value, kind):
        yield value
    elif isinstance(value, list | tuple):
        if _may_hold(value):
            for item in value:
                yield from leaves(item, kind)
    elif isinstance(value, dict):
        yield from leaves(tuple(value.values()), kind)


def _may_hold(items: Sequence[Any]) -> bool:
    """Return whether nested lists may contain more than plain values, by the first item at each level."""
    while True:
        kinds = set(map(type, items))
        nested = kinds - _SINGLE
        if nested - _NESTED:
            return True
        if not nested:
            return False
        if nested != kinds:
            items = [item for item in items if item.__class__ in nested]
        items = list(chain.from_iterable(items))


def map_tensors(value: Any, change: Callable[[Tensor], Any]) -> Any:
    """Return an argument with each of its tensors changed."""
    return map_leaves(value, Tensor, change)


def fill_slots(value: Any, written: Sequence[Any]) -> Any:
    """Return an argument with each slot replaced by its operand."""
    if value.__class__ is ArgumentSlot:  # as most are
        return written[value.position]
    return map_leaves(value, ArgumentSlot, lambda slot: written[slot.position])


def map_leaves(value: Any, kind: type[T], change: Callable[[T], Any]) -> Any:
    """Return an argument with its values of a kind changed, also inside tuples, lists and dicts."""
    if value is None or value.__class__ in PLAIN:
        return value
    if isinstance(value, kind):
        return change(value)
    if isinstance(value, dict):
        return {name: map_leaves(item, kind, change) for name, item in value.items()}
    if not isinstance(value, list | tuple) or not _may_hold(value):
        return value
    items = [map_leaves(item, kind, change) for item in value]
    if all(map(is_, items, value)):
        return value
    return items if isinstance(value, list) else tuple(items)
