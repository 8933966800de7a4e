"""`np.pad`: an array with cells added around it, each found by its place, as NumPy counts."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from llm_linalg.language.arrays.array import Array, Number, as_array

Sides = list[tuple[int, int]]


def _reflected(places: Tensor, size: int) -> Tensor:
    if size == 1:
        return places * 0
    turn = 2 * size - 2
    found = places.remainder(turn)
    return torch.where(found < size, found, turn - found)


def _mirrored(places: Tensor, size: int) -> Tensor:
    found = places.remainder(2 * size)
    return torch.where(found < size, found, 2 * size - 1 - found)


_PLACES: Mapping[str, Callable[[Tensor, int], Tensor]] = {
    "edge": lambda places, size: places.clamp(0, size - 1),
    "reflect": _reflected,
    "symmetric": _mirrored,
    "wrap": lambda places, size: places.remainder(size),
}
"""For each mode the place that each added cell is copied from, along one axis."""


def _sides(width: Any, axes: int) -> Sides:
    """Return how many cells are added before and after each axis.

    Raises:
        ValueError: If the width says it of another number of axes, or is less than 0.
    """
    if not isinstance(width, list | tuple):
        pairs = [(width, width)] * axes
    elif len(width) == 2 and not any(isinstance(part, list | tuple) for part in width):
        pairs = [(width[0], width[1])] * axes
    else:
        several = [part if isinstance(part, list | tuple) else (part,) for part in width]
        several = several * axes if len(several) == 1 else several
        pairs = [(part[0], part[-1]) for part in several if 1 <= len(part) <= 2]
    found = [(operator.index(before), operator.index(after)) for before, after in pairs]
    if len(found) != axes:
        raise ValueError(f"pad_width is a number, a pair, or a pair for each of the {axes} axes")
    if any(number < 0 for pair in found for number in pair):
        raise ValueError("index can't contain negative values")
    return found


def pad(array: Any, pad_width: Any, mode: str = "constant", *, constant_values: Any = 0) -> Array:
    """Do what `np.pad` does.

    Raises:
        ValueError: If the mode or the width is none that the language has.
    """
    values = as_array(array).tensor
    sides = _sides(pad_width, values.dim())
    if mode == "constant":
        if isinstance(constant_values, list | tuple):
            raise ValueError("constant_values is one number here")
        flat = [number for pair in reversed(sides) for number in pair]
        value = constant_values
        if not (isinstance(value, Number) and values.dtype.is_floating_point):
            value = as_array(value).tensor.to(values.dtype).item()
        return Array(torch.nn.functional.pad(values, flat, value=value))
    if mode not in _PLACES:
        raise ValueError(f"the mode is constant, {', '.join(_PLACES)} here")
    for axis, (before, after) in enumerate(sides):
        if not before + after:
            continue
        size = values.shape[axis]
        if not size:
            raise ValueError(f"can't extend empty axis {axis} using modes other than 'constant' or 'empty'")
        places = torch.arange(-before, size + after)
        values = values.index_select(axis, _PLACES[mode](places, size))
    return Array(values)
