"""The vectors of two numbers in a tensor, at a step, as arrows and in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import atan2, degrees, hypot, isfinite
from typing import NamedTuple

from llm_linalg.api.node_view import NodeView
from llm_linalg.api.tensor_view import TensorView
from llm_linalg.base.cells import Index, TensorSlice
from llm_linalg.illustrations.plane.plane import (
    MOST_ARROWS,
    MOST_POINTS,
    MOST_WORDS,
    ORIGIN,
    Plane,
    PlaneArrow,
    PlanePath,
    PlanePoint,
    PlaneRole,
    Point,
)


class PlaneVector(NamedTuple):
    """A vector of two numbers in a tensor; `at` is None where it is not computed, or is not finite."""

    label: str
    at: Point | None
    numbers: tuple[float | None, float | None]


@dataclass(frozen=True)
class Vectors:
    """The vectors of two numbers along an axis of a tensor."""

    tensor: TensorView
    along: int  # the axis of size 2 in which a vector's numbers lie
    over: int | None = None  # the axis that goes from vector to vector; None for a single one
    fixed: Mapping[int, int] = field(default_factory=dict)  # the index along each other axis

    @property
    def count(self) -> int:
        """How many there are, at most `MOST_POINTS`."""
        return 1 if self.over is None else min(MOST_POINTS, self.tensor.shape[self.over])

    @cached_property
    def shown(self) -> tuple[PlaneVector, ...]:
        """The vectors, as far as they are computed."""
        return self._read(self.tensor)

    @cached_property
    def final(self) -> tuple[PlaneVector, ...]:
        """The vectors as they are after the last step."""
        walk = self.tensor.walk
        return self.shown if walk is None else self._read(replace(self.tensor, walk=None))

    def _read(self, tensor: TensorView) -> tuple[PlaneVector, ...]:
        axes = range(len(tensor.shape))
        at = tuple(self.fixed.get(axis, 0) for axis in axes if axis not in (self.along, self.over))
        rows = tensor.window(TensorSlice(self.over, self.along, at), range(self.count), range(2))
        return tuple(_vector(self._label(i), row) for i, row in enumerate(rows))

    def _label(self, i: int) -> str:
        """Return what a vector is called: the word along its axis, else its place, `K[0]` or `A[:,1]`."""
        tensor, over = self.tensor, self.over
        if over is None:
            return tensor.title
        words = tensor.axis_names[over].labels if tensor.axis_names else ()
        if i < len(words) and words[i]:
            return words[i]
        places = [
            str(i) if axis == over else ":" if axis == self.along else str(self.fixed.get(axis, 0))
            for axis in range(len(tensor.shape))
        ]
        return f"{tensor.title_of_cells}[{','.join(places[:-1] if places[-1] == ':' else places)}]"

    def holding(self, index: Index) -> int | None:
        """Return which of the vectors a cell belongs to; None if to none of them."""
        if any(index[axis] != i for axis, i in self.fixed.items()):
            return None
        i = 0 if self.over is None else index[self.over]
        return i if i < self.count else None


def _vector(label: str, numbers: Sequence[object]) -> PlaneVector:
    x, y = (float(n) if isinstance(n, int | float) else None for n in numbers)
    at = (x, y) if x is not None and y is not None and isfinite(x) and isfinite(y) else None
    return PlaneVector(label, at, (x, y))


def shown_cell(node: NodeView, at: Index | None) -> Index:
    """Return a cell of the result in the slice that is shown: the first that the step writes."""
    rank = len(node.result.shape)
    written = next(iter(node.step.writes), None) if node.step is not None else None
    cell = list(written or (0,) * rank)
    if at is not None:
        for axis, i in enumerate(at[: max(0, rank - 2)]):
            cell[axis] = max(0, min(i, node.result.shape[axis] - 1))
    return tuple(cell)


def vectors_now(node: NodeView, vectors: Vectors) -> frozenset[int]:
    """Return which vectors of the result the step writes to: the first of them where there are many."""
    if node.step is None:
        return frozenset()
    written: set[int] = set()
    for place, index in enumerate(node.step.writes):
        i = vectors.holding(index)
        if i is not None:
            written.add(i)
        if place > 4 * MOST_ARROWS:
            break
    return frozenset(written)


class Layer(NamedTuple):
    """Vectors in a picture."""

    role: PlaneRole  # the role of their tensor; that of a `helper` is not drawn
    vectors: Vectors
    now: frozenset[int] = frozenset()  # those that the step writes to
    hidden: frozenset[int] = frozenset()  # those that are put into words alone

    def drawn(self) -> tuple[list[PlaneArrow], list[PlanePoint]]:
        """Return the vectors as arrows, or as points if there are many; those of `now` come last."""
        known = [
            (i in self.now, vector.label, vector.at)
            for i, vector in enumerate(self.vectors.shown)
            if vector.at is not None and i not in self.hidden and self.role != "helper"
        ]
        known.sort(key=lambda entry: entry[0])
        if len(known) > MOST_ARROWS:
            return [], [PlanePoint("", at, "now" if now else self.role) for now, _, at in known]
        return [PlaneArrow(label, at, ORIGIN, "now" if now else self.role) for now, label, at in known], []


def plane_with(
    layers: Sequence[Layer],
    of: Vectors,
    paths: Sequence[PlanePath] = (),
    words: Iterable[str] = (),
    corners: Iterable[Point] = (),
) -> Plane:
    """Return a picture of vectors.

    What is drawn first stands first. Its axes are named after the vectors `of`; it has room for `corners`.
    """
    arrows: list[PlaneArrow] = []
    points: list[PlanePoint] = []
    for layer in layers:
        some, many = layer.drawn()
        arrows += some
        points += many
    return Plane(
        tuple(arrows),
        tuple(points),
        tuple(paths),
        (ORIGIN, *(point for layer in layers for point in known(layer.vectors.final)), *corners),
        (*words, *(line for layer in layers for line in _said(layer))),
        axis_words(of),
        tensors=tuple((layer.role, layer.vectors.tensor) for layer in layers if layer.role != "helper"),
    )


def _said(layer: Layer) -> Iterator[str]:
    """Yield vectors in words and figures, the first of many; those of the result with its name."""
    vectors, of = layer.vectors.shown, layer.vectors.tensor.title
    for vector in vectors[:MOST_WORDS]:
        known = layer.role != "result" or vector.label.startswith(of)
        yield _in_words(vector if known else vector._replace(label=f"{of}, {vector.label}"))
    if len(vectors) > MOST_WORDS:
        yield f"and {len(vectors) - MOST_WORDS:,} more"


def _in_words(vector: PlaneVector) -> str:
    if None in vector.numbers:
        return f"{vector.label}: not yet computed"
    place = f"{vector.label} ({', '.join(figure(x) for x in vector.numbers if x is not None)})"
    if vector.at is None:
        return f"{place}: not finite, so it has no place in the plane"
    if vector.at == ORIGIN:
        return f"{place}: length 0"
    return f"{place}: length {figure(hypot(*vector.at))}, {round(degrees(atan2(*vector.at[::-1]))) or 0}°"


def figure(x: float) -> str:
    """Return a number with three significant digits."""
    text = f"{x:.3g}"
    return "0" if text == "-0" else text


def known(vectors: Iterable[PlaneVector]) -> tuple[Point, ...]:
    """Return the places of the vectors that have one."""
    return tuple(vector.at for vector in vectors if vector.at is not None)


def axis_words(vectors: Vectors) -> tuple[str, str]:
    """Return what the two numbers of a vector are called; empty if nothing is known."""
    names = vectors.tensor.axis_names
    words = names[vectors.along].labels if names else ()
    return (words[0], words[1]) if len(words) == 2 else ("", "")


def row_vectors(node: NodeView, tensor: TensorView, at: Index | None) -> Vectors | None:
    """Return the vectors along the last axis of a tensor in the slice that is shown; None if it has none."""
    shape = tensor.shape
    if not shape or shape[-1] != 2 or not tensor.value.numel():
        return None
    place = (*(0,) * len(shape), *shown_cell(node, at))[-len(shape) :]  # broadcast operands have fewer axes
    fixed = {axis: min(place[axis], shape[axis] - 1) for axis in range(len(shape) - 2)}
    return Vectors(tensor, len(shape) - 1, len(shape) - 2 if len(shape) > 1 else None, fixed)
