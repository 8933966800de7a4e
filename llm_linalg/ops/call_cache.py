"""Calls that are alike: of one function, with operands of the same shapes and types, and equal plain values.

What the first of them means and asks for holds for the others, and is not worked out again.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from types import EllipsisType, NoneType
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from llm_linalg.ops.call import Call, Function, Slot

if TYPE_CHECKING:
    from llm_linalg.ops.operation import Operation
    from llm_linalg.ops.registry import Entry

_TENSORS = frozenset([Tensor, nn.Parameter])
_NUMBERS = frozenset([int, float])
_PLAIN = frozenset([bool, str, NoneType, EllipsisType, torch.dtype])
_MOST = 64  # items of a list that is looked at
Common = tuple[Hashable, ...]
Likeness = tuple[Common, list[Any]]
_Part = tuple[int, Any]
"""Of an argument: its slot; or one of the following, and what it is."""
_CONSTANT, _LIST = -1, -2


def likeness(
    function: Function, operation: Operation, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Likeness | None:
    """Return what a call has in common with those that are like it, and what is its own.

    Its own are its tensors, and its numbers where those may be any: in the order as they were written.

    Returns:
        None if that is not told at a glance.
    """
    common: list[Any] = [function]
    own: list[Any] = []
    free = operation.first_free_number
    for place, value in enumerate((*args, *kwargs.values()) if kwargs else args):
        if value.__class__ is Tensor:
            common += [value.shape, value.dtype, value.is_contiguous()]
            own.append(value)
        elif not _tell(value, common, own, place >= free):
            return None
    if kwargs:
        common += kwargs
    return tuple(common), own


def _tell(value: Any, common: list[Any], own: list[Any], any_number: bool) -> bool:
    """Add what an argument is; return whether that says all of it."""
    kind = value.__class__
    if kind in _NUMBERS:
        if any_number:
            common.append(kind)
            own.append(value)
        else:
            common += [
                kind,
                repr(value),
            ]  # 0.0 == -0.0, and numbers may be chosen so that their hashes are one
    elif kind in _PLAIN:
        common += [kind, value]
    elif kind in _TENSORS:
        common += [value.shape, value.dtype, value.is_contiguous()]
        own.append(value)
    elif kind is tuple or kind is list:
        common += [kind, len(value)]
        return len(value) <= _MOST and all(_tell(item, common, own, any_number) for item in value)
    elif kind is torch.Size:  # as of a tensor, which is told likewise
        common += [kind, value]
    elif kind is slice:
        parts = value.start, value.stop, value.step
        common += [kind, repr(parts)]
        return all(part is None or part.__class__ is int for part in parts)
    else:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Form:
    """What calls that are alike have in common, with slots for what is each one's own.

    Attributes:
        operation: The table's entry.
        args: The positional arguments, as parts.
        kwargs: The keyword arguments, likewise.
        arguments: All arguments by parameter.
        open: Those parameters among them that have slots, with their parts.
        given: The slots of the tensors, as they were written.
        tensors: The same, in the order of the parameters.
        places: For each parameter, which of the tensors are its own.
        order: For each tensor, its position among those of the call as it was written.
    """

    operation: Operation
    args: tuple[_Part, ...]
    kwargs: tuple[tuple[str, _Part], ...]
    arguments: Mapping[str, Any]
    open: tuple[tuple[str, _Part], ...]
    given: tuple[int, ...]
    tensors: tuple[int, ...]
    places: Mapping[str, tuple[int, ...]]
    order: tuple[int, ...]

    @classmethod
    def of(cls, call: Call, entry: Entry) -> Form:
        """Return the form of a call that was bound, and of the table's entry for its function."""
        operation, free = call.operation, entry.operation.first_free_number
        owners: list[Any] = []
        args = [_slotted(value, owners, place >= free) for place, value in enumerate(call.args)]
        named = enumerate(call.kwargs.items(), len(args))
        kwargs = {name: _slotted(value, owners, place >= free) for place, (name, value) in named}
        bound = operation.bind(args, kwargs, entry.swap)
        parts = [(name, _part(value)) for name, value in bound.items()]
        given = tuple([slot for slot, value in enumerate(owners) if isinstance(value, Tensor)])
        return cls(
            operation,
            tuple(map(_part, args)),
            tuple([(name, _part(value)) for name, value in kwargs.items()]),
            bound,
            tuple([(name, part) for name, part in parts if part[0] != _CONSTANT]),
            given,
            tuple([given[place] for place in call.order]),
            call.places,
            call.order,
        )

    def call(self, function: Function, own: Sequence[Any], output: Tensor | None = None) -> Call:
        """Return a call of this form.

        Args:
            function: What torch was asked for.
            own: What it has of its own.
            output: What it gave; None before it is run.
        """
        arguments = dict(self.arguments)
        for name, (slot, value) in self.open:
            arguments[name] = own[slot] if slot >= 0 else _filled(value, own)
        return Call(
            self.operation,
            function,
            tuple([own[slot] if slot >= 0 else _filled(value, own) for slot, value in self.args]),
            {name: own[slot] if slot >= 0 else _filled(value, own) for name, (slot, value) in self.kwargs},
            arguments,
            tuple([own[slot] for slot in self.tensors]),
            self.places,
            self.order,
            output,
        )


@dataclass(frozen=True, slots=True)
class _Several:
    """A list or a tuple with slots in it."""

    kind: type
    parts: tuple[_Part, ...]


def _slotted(value: Any, owners: list[Any], any_number: bool) -> Any:
    """Return an argument with slots in the place of what is a call's own, which is added to their owners."""
    if isinstance(value, Tensor) or (any_number and value.__class__ in _NUMBERS):
        owners.append(value)
        return Slot(len(owners) - 1)
    if value.__class__ in (list, tuple):
        return type(value)([_slotted(item, owners, any_number) for item in value])
    return value


def _part(value: Any) -> _Part:
    """Return an argument so that its slots are found at once."""
    if value.__class__ is Slot:
        return value.position, None
    if value.__class__ in (list, tuple):
        parts = tuple(map(_part, value))
        if any(slot != _CONSTANT for slot, _ in parts):
            return _LIST, _Several(type(value), parts)
    return _CONSTANT, value


def _filled(value: Any, own: Sequence[Any]) -> Any:
    """Return an argument with what is a call's own in its slots."""
    if value.__class__ is not _Several:
        return value
    return value.kind([own[slot] if slot >= 0 else _filled(item, own) for slot, item in value.parts])
