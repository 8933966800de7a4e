"""`einops`: patterns of named axes, such as `b h w -> b (h w)`, done in torch's own steps.

A pattern is done as the library does it: the axes are taken apart, ordered, reduced, repeated and put
together, each in one call of torch, which is left out where it would do nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

import torch
from torch import Tensor

from llm_linalg.base.errors import LimitError
from llm_linalg.base.short_repr import short_repr
from llm_linalg.language.arithmetic import MAX_SIZE_NUMBERS
from llm_linalg.language.arrays.array import Array, of_tensor

ELLIPSIS = "..."
MAX_PATTERN = 500  # characters
_TOKEN = re.compile(r"\s*(\.\.\.|[()]|[A-Za-z_]\w*|[0-9]+|\S)")
Group = tuple[str, ...]
"""The names of the axes that make one axis of a tensor; a number stands for an axis of that length."""


class Side(NamedTuple):
    """One side of a pattern: its groups in order, and the text of it."""

    groups: tuple[Group, ...]
    text: str

    @property
    def names(self) -> list[str]:
        """The names of all axes, in order."""
        return [name for group in self.groups for name in group]


def _parsed(text: str) -> Side:
    """Return one side of a pattern.

    Raises:
        ValueError: If it is not written as patterns are.
    """
    groups: list[Group] = []
    inside: list[str] | None = None
    for place, word in enumerate(_TOKEN.findall(text)):
        if word == "(":
            if inside is not None:
                raise ValueError(f"brackets within brackets in the pattern {short_repr(text)}")
            inside = []
        elif word == ")":
            if inside is None:
                raise ValueError(f"a bracket is closed that was not opened in {short_repr(text)}")
            groups.append(tuple(inside))
            inside = None
        elif not (word.isidentifier() or word.isdigit() or word == ELLIPSIS):
            raise ValueError(f"{short_repr(word)} stands in the pattern {short_repr(text)}, and is no axis")
        else:
            # Axes of a given length have no name: each gets one of its own.
            name = f"{word}#{place}" if word.isdigit() else word
            if inside is None:
                groups.append(() if word == "1" else (name,))
            elif word != "1":
                inside.append(name)
    if inside is not None:
        raise ValueError(f"a bracket is not closed in the pattern {short_repr(text)}")
    side = Side(tuple(groups), text.strip())
    twice = [name for name in side.names if side.names.count(name) > 1]
    if twice:
        raise ValueError(f"{twice[0]} stands twice on one side of the pattern")
    return side


def _spelled(side: Side, axes: Group) -> Side:
    """Return a side with the axes that its `...` stands for."""
    groups: list[Group] = []
    for group in side.groups:
        if group == (ELLIPSIS,):
            groups += [(axis,) for axis in axes]
        else:
            groups.append(tuple(name for axis in group for name in (axes if axis == ELLIPSIS else (axis,))))
    return Side(tuple(groups), side.text)


def _sides(pattern: Any, tensor: Tensor) -> tuple[Side, Side]:
    """Return the sides of a pattern, for a tensor with so many axes.

    Raises:
        TypeError: If the pattern is no text.
        ValueError: If it is not written as patterns are, or is for another number of axes.
        LimitError: If it is too long.
    """
    if not isinstance(pattern, str):
        raise TypeError("the pattern is a text, such as 'b h w -> b (h w)'")
    if len(pattern) > MAX_PATTERN:
        raise LimitError(f"a pattern of {len(pattern):,} characters; {MAX_PATTERN} are allowed")
    left_text, arrow, right_text = pattern.partition("->")
    if not arrow or "->" in right_text:
        raise ValueError(f"a pattern has one arrow, 'b h w -> b (h w)'; not {short_repr(pattern)}")
    left, right = _parsed(left_text), _parsed(right_text)
    if len(left.names) > MAX_SIZE_NUMBERS or len(right.names) > MAX_SIZE_NUMBERS:
        raise LimitError(f"a pattern of more than {MAX_SIZE_NUMBERS} axes")
    others = len(left.groups)
    axes: Group = ()
    if ELLIPSIS in left.names:
        if (ELLIPSIS,) not in left.groups:
            raise ValueError("on the left side ... stands outside of brackets")
        others -= 1
        axes = tuple(f"{ELLIPSIS}{place}" for place in range(max(tensor.dim() - others, 0)))
    elif ELLIPSIS in right.names:
        raise ValueError("... stands on the right side, and not on the left")
    if tensor.dim() != others + len(axes):
        raise ValueError(
            f"the pattern's left side, {left.text}, has {others} axes, and the tensor {tensor.dim()}"
        )
    return _spelled(left, axes), _spelled(right, axes)


def _lengths(left: Side, right: Side, tensor: Tensor, given: Mapping[str, Any]) -> dict[str, int]:
    """Return the length of each axis.

    Raises:
        ValueError: If one can't be told, or an axis can't be divided so.
    """
    known = {name: int(name.partition("#")[0]) for name in [*left.names, *right.names] if "#" in name}
    for name, length in given.items():
        if name not in left.names and name not in right.names:
            raise ValueError(f"the axis {name} is not in the pattern")
        if not isinstance(length, int):
            raise TypeError(f"the length of the axis {name} is a whole number, not {short_repr(length)}")
        known[name] = length
    for group, length in zip(left.groups, tensor.shape, strict=True):
        unknown = [name for name in group if name not in known]
        if len(unknown) > 1:
            raise ValueError(f"give the length of {unknown[0]} or {unknown[1]}: {unknown[0]}=…")
        rest = prod(known[name] for name in group if name in known)
        if not unknown and rest != length:
            raise ValueError(f"({' '.join(group)}) is {rest} long, and the tensor's axis {length}")
        if unknown and (rest == 0 or length % rest):
            raise ValueError(
                f"an axis of {length} can't be divided into ({' '.join(group)}), {rest} at a time"
            )
        if unknown:
            known[unknown[0]] = length // rest
    missing = [name for name in right.names if name not in known]
    if missing:
        raise ValueError(f"give the length of the new axis {missing[0]}: {missing[0]}=…")
    return known


def _transform(
    tensor: Tensor, left: Side, right: Side, given: Mapping[str, Any], reduction: str | None
) -> Tensor:
    lengths = _lengths(left, right, tensor, given)
    if any(len(group) != 1 for group in left.groups):
        tensor = tensor.reshape([lengths[name] for name in left.names])
    kept = [name for name in right.names if name in left.names]
    gone = [name for name in left.names if name not in right.names]
    order = [left.names.index(name) for name in [*kept, *gone]]
    if order != sorted(order):
        tensor = tensor.permute(order)
    if gone and reduction is not None:
        tensor = _REDUCTIONS[reduction](tensor, tuple(range(len(kept), len(order))))
    new = [place for place, name in enumerate(right.names) if name not in left.names]
    for place in new:
        tensor = tensor.unsqueeze(place)
    if new:
        tensor = tensor.expand([lengths[name] if name not in left.names else -1 for name in right.names])
    if any(len(group) != 1 for group in right.groups):
        tensor = tensor.reshape([prod(lengths[name] for name in group) for group in right.groups])
    return tensor


def _one_by_one(function: Callable[..., Tensor]) -> Callable[[Tensor, tuple[int, ...]], Tensor]:
    def reduce(tensor: Tensor, axes: tuple[int, ...]) -> Tensor:
        for axis in reversed(axes):
            tensor = function(tensor, dim=axis)
        return tensor

    return reduce


_REDUCTIONS: Mapping[str, Callable[[Tensor, tuple[int, ...]], Tensor]] = {
    "min": lambda tensor, axes: tensor.amin(dim=axes),
    "max": lambda tensor, axes: tensor.amax(dim=axes),
    "sum": lambda tensor, axes: tensor.sum(dim=axes),
    "mean": lambda tensor, axes: tensor.mean(dim=axes),
    "prod": _one_by_one(torch.prod),
    "any": _one_by_one(torch.any),
    "all": _one_by_one(torch.all),
}


def _on_tensors(does: Callable[..., Tensor]) -> Callable[..., Any]:
    """Return a function for tensors, lists of tensors, which are stacked, and arrays."""

    def apply(tensor: Any, *given: Any, **lengths: Any) -> Any:
        if isinstance(tensor, Array):
            return of_tensor(does(tensor.tensor, *given, **lengths))
        if isinstance(tensor, list | tuple) and tensor and all(isinstance(each, Tensor) for each in tensor):
            tensor = torch.stack(list(tensor))
        if not isinstance(tensor, Tensor):
            raise TypeError(f"einops takes a tensor, or a list of tensors, not {short_repr(tensor)}")
        return does(tensor, *given, **lengths)

    return apply


def _rearrange(tensor: Tensor, pattern: str, **lengths: Any) -> Tensor:
    left, right = _sides(pattern, tensor)
    one_side = [*(set(left.names) ^ set(right.names))]
    if one_side:
        raise ValueError(
            f"{min(one_side)} stands on one side of the pattern only: einops.reduce or repeat does that"
        )
    return _transform(tensor, left, right, lengths, None)


def _reduce(tensor: Tensor, pattern: str, reduction: Any, **lengths: Any) -> Tensor:
    if not isinstance(reduction, str) or reduction not in _REDUCTIONS:
        raise ValueError(f"a reduction is one of {', '.join(_REDUCTIONS)}, not {short_repr(reduction)}")
    left, right = _sides(pattern, tensor)
    new = [name for name in right.names if name not in left.names]
    if new:
        raise ValueError(
            f"{new[0]} stands on the right side of the pattern only: einops.repeat makes new axes"
        )
    return _transform(tensor, left, right, lengths, reduction)


def _repeat(tensor: Tensor, pattern: str, **lengths: Any) -> Tensor:
    left, right = _sides(pattern, tensor)
    gone = [name for name in left.names if name not in right.names]
    if gone:
        raise ValueError(
            f"{gone[0]} stands on the left side of the pattern only: einops.reduce takes axes away"
        )
    return _transform(tensor, left, right, lengths, None)


def parse_shape(tensor: Any, pattern: str) -> dict[str, int]:
    """Do what `einops.parse_shape` does: return the lengths of axes by name, but for `_`."""
    shape: Sequence[int] = (tensor.tensor if isinstance(tensor, Array) else tensor).shape
    names = pattern.split()
    if len(names) != len(shape):
        raise ValueError(f"{short_repr(pattern)} has {len(names)} axes, and the tensor {len(shape)}")
    return {name: int(size) for name, size in zip(names, shape, strict=True) if name != "_"}


def einsum(*given: Any) -> Tensor:
    """Do what `einops.einsum` does: the pattern stands last, and its axes have names.

    Raises:
        ValueError: If the pattern has more axes than there are letters.
    """
    *tensors, pattern = given
    if not isinstance(pattern, str):
        raise TypeError("einops.einsum ends with its pattern: 'b i, b j -> b i j'")
    letters: dict[str, str] = {}

    def letter(name: re.Match[str]) -> str:
        if name[0] not in letters:
            letters[name[0]] = chr(ord("a") + len(letters))
        return letters[name[0]]

    if len(pattern) > MAX_PATTERN:
        raise LimitError(f"a pattern of {len(pattern):,} characters; {MAX_PATTERN} are allowed")
    short = re.sub(r"[A-Za-z_]\w*", letter, pattern)
    if len(letters) > 26:
        raise ValueError(f"the pattern has {len(letters)} axes; 26 are allowed")
    return torch.einsum(short.replace(" ", ""), *tensors)


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "rearrange": _on_tensors(_rearrange),
    "reduce": _on_tensors(_reduce),
    "repeat": _on_tensors(_repeat),
    "einsum": einsum,
    "parse_shape": parse_shape,
    "asnumpy": lambda tensor: of_tensor(tensor.detach()),
}
"""What stands in `einops`."""
