"""Values of the language as a learner meets them: on one line, and how two of them differ.

A value may be anything that an expression gives, endless lists and layers among them, so each look at one is
bounded.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

from llm_linalg.base.cells import Index
from llm_linalg.base.number_range import summary
from llm_linalg.base.short_repr import short_repr
from llm_linalg.base.text import clean
from llm_linalg.tracefile.plain_values import UnknownValue

MOST_CELLS = 24  # of a tensor whose cells are written out
MOST_COMPARED = 2**20  # cells
MOST_DIFFERENT = 256  # cells that are named
MOST_PARTS, DEEPEST = 64, 4  # of tuples and lists
LONGEST = 300  # characters
RELATIVE, ABSOLUTE, LEAST = 1e-4, 1e-5, 1e-6
"""How far numbers may be off: beside themselves, beside the largest of them, and in any case."""
LEAST_TYPED, MOST_TYPED = 0.003, 0.03
"""How far a number that is typed may be off, beside the largest that is asked for."""


def value_text(value: object) -> str:
    """Return a value on one line: the cells of a small tensor, a summary of a large one."""
    if isinstance(value, Tensor):
        small = value.numel() <= MOST_CELLS and not value.is_meta
        return _cells_text(value.detach().tolist()) if small else summary(value)
    if isinstance(value, tuple | list) and any(isinstance(part, Tensor) for part in value[:MOST_PARTS]):
        texts = ", ".join(
            value_text(part) if isinstance(part, Tensor) else "…" for part in value[:MOST_PARTS]
        )
        return clean(f"({texts})", LONGEST)
    if isinstance(value, torch.Size):
        return clean(str(tuple(value)), LONGEST)
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, UnknownValue):
        return clean(value.text, LONGEST)
    return clean(short_repr(value, LONGEST), LONGEST)


def _cells_text(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_cells_text, value))}]"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def shape_of(value: object) -> tuple[int, ...] | None:
    """Return the shape of a tensor, () for a number, None for anything else."""
    if isinstance(value, Tensor):
        return tuple(value.shape)
    return () if isinstance(value, bool | int | float) else None


def plain_tensor(value: object) -> Tensor | None:
    """Return a tensor, a number, or nested lists of numbers as a float64 tensor without gradient.

    None for what is none, what is too large to look at, and complex numbers.
    """
    if isinstance(value, torch.Size):
        return None
    if isinstance(value, tuple | list):
        numbers = list(_flat(value, DEEPEST))
        if len(numbers) > MOST_PARTS or not all(isinstance(one, bool | int | float) for one in numbers):
            return None
    elif not isinstance(value, Tensor | bool | int | float):
        return None
    try:
        tensor = value.detach() if isinstance(value, Tensor) else torch.tensor(value)
        if tensor.is_meta or tensor.is_complex() or tensor.numel() > MOST_COMPARED:
            return None
        return tensor.to(torch.float64)
    except (ValueError, TypeError, RuntimeError, OverflowError):  # ragged lists, numbers beyond 64 bits
        return None


def as_tensor(value: object) -> Tensor | None:
    """Return a tensor, a number, or nested lists of numbers as a tensor to show; None for anything else."""
    if isinstance(value, Tensor):
        return None if value.is_meta or value.is_complex() or not value.numel() else value.detach()
    if isinstance(value, bool | int):
        return torch.tensor(value) if abs(value) < 2**63 else None
    tensor = plain_tensor(value)
    return None if tensor is None else tensor.float()


def _flat(value: tuple[Any, ...] | list[Any], depth: int) -> Iterator[object]:
    """Yield the entries of nested lists, no more than can be looked at; `None` for what is nested deeper."""
    for part in value[: MOST_PARTS + 1]:
        if isinstance(part, tuple | list):
            yield from _flat(part, depth - 1) if depth > 1 else (None,)
        else:
            yield part


def close(one: Tensor, other: Tensor) -> bool:
    """Return whether two tensors have one shape and, to within rounding, the same cells."""
    return one.shape == other.shape and bool(near(one, other).all())


def near(one: Tensor, other: Tensor, halves: Tensor | float | None = None) -> Tensor:
    """Return which cells of two tensors of one shape are the same, to within rounding.

    Args:
        one: What was given.
        other: What was asked for.
        halves: Of numbers that were typed, half a unit of the last digit of each. They may be off by so much,
            as long as that is little beside the largest; whole numbers are exact.
    """
    finite = other[other.isfinite()]
    largest = finite.abs().max() if finite.numel() else torch.zeros((), dtype=other.dtype)
    rounding = max(ABSOLUTE * largest.item(), LEAST)
    same = torch.isclose(one, other, RELATIVE, rounding, equal_nan=True)
    if halves is None or torch.equal(finite, finite.round()):
        return same
    allowed = torch.as_tensor(halves, dtype=other.dtype).clamp(LEAST_TYPED * largest, MOST_TYPED * largest)
    return same | ((one - other).abs() <= allowed * (1 + RELATIVE))


def is_same(one: object, other: object, halves: Tensor | float | None = None) -> bool:
    """Return whether two values are the same, numbers to within rounding (see `near`)."""
    if isinstance(one, str) or isinstance(other, str):
        return isinstance(one, str) and isinstance(other, str) and one == other
    if isinstance(one, torch.Size) or isinstance(other, torch.Size):
        sizes = [_sizes(one), _sizes(other)]
        return None not in sizes and sizes[0] == sizes[1]
    left, right = plain_tensor(one), plain_tensor(other)
    if left is not None and right is not None:
        return left.shape == right.shape and bool(near(left, right, halves).all())
    if isinstance(one, tuple | list) and isinstance(other, tuple | list):
        short = len(one) == len(other) <= MOST_PARTS
        return short and all(
            (a := plain_tensor(left)) is not None and (b := plain_tensor(right)) is not None and close(a, b)
            for left, right in zip(one, other, strict=True)
        )
    return one is other


def _sizes(value: object) -> list[int] | None:
    """Return the whole numbers in a shape, a list, or a vector; None for anything else."""
    if isinstance(value, Tensor):
        value = value.tolist() if value.ndim == 1 and value.numel() <= MOST_PARTS else None
    if not isinstance(value, tuple | list) or len(value) > MOST_PARTS:
        return None
    return [*value] if all(isinstance(part, int) for part in value) else None


def as_form(value: object, asked: object) -> object:
    """Return a value in the form of the one that is asked for, if it can have that; else as it is.

    Numbers, lists and tuples of them, and lists of tensors are a tensor where one is asked for, and a tensor
    of one cell is a number. The dtype is that of what is asked for, unless numbers would be lost.
    """
    if isinstance(asked, Tensor):
        made = _stacked(value, DEEPEST)
        if made is None or made.is_complex() or asked.is_complex():
            return value
        is_whole = not (asked.is_floating_point() or asked.dtype == torch.bool)
        lossless = is_whole and not made.is_floating_point()
        return made.detach().to(asked.dtype) if asked.is_floating_point() or lossless else made.detach()
    if isinstance(asked, bool | int | float):
        single = isinstance(value, Tensor) and value.ndim == 0 and not value.is_meta
        return value.item() if single and isinstance(value, Tensor) else value
    if isinstance(asked, tuple | list) and isinstance(value, tuple | list) and len(value) == len(asked):
        return tuple(as_form(*pair) for pair in zip(value, asked, strict=True))
    return value


def _stacked(value: object, depth: int) -> Tensor | None:
    """Return a tensor, a number, or nested lists of both as one tensor; None for anything else."""
    if isinstance(value, Tensor):
        return None if value.is_meta else value
    if isinstance(value, bool | int | float):
        try:
            return torch.tensor(value)
        except (RuntimeError, OverflowError):  # beyond 64 bits
            return None
    if not isinstance(value, tuple | list) or not depth or not 0 < len(value) <= MOST_PARTS:
        return None
    parts = [_stacked(part, depth - 1) for part in value]
    tensors = [part for part in parts if part is not None]
    if len(tensors) < len(parts) or any(part.shape != tensors[0].shape for part in tensors):
        return None
    kind = tensors[0].dtype
    for part in tensors[1:]:
        kind = torch.promote_types(kind, part.dtype)
    return torch.stack([part.detach().to(kind) for part in tensors])


class ValueDifference(NamedTuple):
    """How a value differs from the one that was asked for."""

    got: tuple[int, ...] | None  # the shape of the value, or None if it is no tensor and no number
    asked: tuple[int, ...] | None  # the shape that was asked for, or None
    axes: tuple[int, ...] = ()  # the axes whose sizes differ, where both have equally many
    cells: tuple[Index, ...] = ()  # the first cells that differ, where the shapes are the same
    total: int = 0  # how many cells differ
    is_form_alone: bool = False  # whether the numbers are the same, and only axes of size 1 differ

    @property
    def words(self) -> str:
        """The difference as a sentence, with its cells; empty if nothing that can be compared differs."""
        first = ", ".join(f"[{', '.join(map(str, cell))}]" for cell in self.cells[:3])
        return self._sentence(f", at {first}{', …' if self.total > 3 else '.'}")

    @property
    def brief(self) -> str:
        """The difference as a sentence, where its cells are marked in a picture."""
        return self._sentence(" here.")

    def _sentence(self, where_they_are: str) -> str:
        if self.got is None or self.asked is None:
            return ""
        if self.got != self.asked:
            given, wanted = _shape_words(self.got), _shape_words(self.asked)
            if self.is_form_alone:
                return f"The numbers are right, the form is not: it is {given}, and {wanted} is asked for."
            where = f": axis {' and axis '.join(map(str, self.axes))} differ" if self.axes else ""
            where += "s" * (len(self.axes) == 1)
            return f"It is {given}; what was asked for is {wanted}{where}."
        cells = math.prod(self.asked)
        if not self.total or cells == 1:
            return ""
        if self.total == cells:
            return "Both cells differ." if cells == 2 else f"All {cells:,} cells differ."
        return f"{self.total:,} of {cells:,} cells differ{where_they_are}"


def _shape_words(shape: tuple[int, ...]) -> str:
    return f"of shape {shape}" if shape else "a single number"


def difference(got: object, asked: object, halves: Tensor | float | None = None) -> ValueDifference:
    """Return how a value differs from the one that was asked for; `halves` as in `near`."""
    shapes = shape_of(got), shape_of(asked)
    left, right = plain_tensor(got), plain_tensor(asked)
    if shapes[0] != shapes[1] or left is None or right is None:
        here, there = shapes
        same = here is not None and there is not None and len(here) == len(there)
        axes = [k for k, (a, b) in enumerate(zip(here or (), there or (), strict=False)) if a != b]
        alone = left is not None and right is not None and close(left.squeeze(), right.squeeze())
        return ValueDifference(here, there, tuple(axes) if same else (), is_form_alone=alone)
    off = ~near(left, right, halves)
    count = int(off.sum())
    cells = off.nonzero()[:MOST_DIFFERENT].tolist()
    return ValueDifference(*shapes, cells=tuple(tuple(cell) for cell in cells), total=count)
