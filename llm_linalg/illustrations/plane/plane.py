"""A picture in the plane as values: arrows, points, lines, and the same in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import hypot, isfinite
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from llm_linalg.api.tensor_view import TensorView

Point = tuple[float, float]
PlaneRole = Literal["first", "second", "result", "now", "helper", "grid"]

MOST_ARROWS = 16  # of one tensor: more are drawn as points
MOST_POINTS = 256
MOST_WORDS = 12  # vectors of one tensor that are put into words
CIRCLE = 12  # points on a quarter of a circle
ALIKE = 1e-4  # how far lengths may be apart, relatively, to be the same
ORIGIN = (0.0, 0.0)


class PlaneArrow(NamedTuple):
    """A vector as an arrow."""

    label: str
    tip: Point
    tail: Point
    role: PlaneRole


class PlanePoint(NamedTuple):
    """A vector as a point."""

    label: str
    at: Point
    role: PlaneRole


class PlanePath(NamedTuple):
    """A chain of straight lines; dashed where it only helps the eye."""

    points: tuple[Point, ...]
    role: PlaneRole
    dashed: bool = False
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Plane:
    """A picture in the plane.

    Attributes:
        arrows: The arrows; what is computed now comes last.
        points: Vectors of a tensor that has too many of them for arrows.
        paths: Lines and curves.
        corners: Points that have to be in the picture, also at later steps; the origin is among them.
        words: What there is to see, in words and figures, a line each.
        axes: What the two numbers of a vector are called; empty if nothing is known.
        share: How far a plane that moves is on its way, from 0 to 1; None where nothing moves.
        note: Where in its matrix a map has the images of e₁ and e₂: what stands below the picture; or "".
        tensors: Which tensor's vectors have a role, as far as that is one tensor.
    """

    arrows: tuple[PlaneArrow, ...] = ()
    points: tuple[PlanePoint, ...] = ()
    paths: tuple[PlanePath, ...] = ()
    corners: tuple[Point, ...] = (ORIGIN,)
    words: tuple[str, ...] = ()
    axes: tuple[str, str] = ("", "")
    share: float | None = None
    note: str = ""
    tensors: tuple[tuple[PlaneRole, TensorView], ...] = ()

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """The least x and y of all corners, then the greatest."""
        across, up = zip(*self.corners, strict=True)
        return min(across), min(up), max(across), max(up)


def on_the_way(start: Plane, end: Plane, part: float) -> Plane:
    """Return the picture of a plane that moves between two of its pictures.

    Every line and arrow of `end` that `start` has too has gone that part of its way, from 0 to 1; what is
    new in `end` is not there yet.
    """

    def between(one: Point, other: Point) -> Point:
        return one[0] + part * (other[0] - one[0]), one[1] + part * (other[1] - one[1])

    tips = {(arrow.label, arrow.role): arrow for arrow in start.arrows}
    arrows = tuple(
        arrow._replace(tip=between(before.tip, arrow.tip), tail=between(before.tail, arrow.tail))
        for arrow in end.arrows
        if (before := tips.get((arrow.label, arrow.role))) is not None
    )
    paths = tuple(
        path._replace(points=tuple(map(between, before.points, path.points)))
        for before, path in zip(start.paths, end.paths, strict=False)
        if (before.role, len(before.points)) == (path.role, len(path.points))
    )
    return replace(end, arrows=arrows, paths=paths)


def finite(points: Iterable[Point]) -> tuple[Point, ...]:
    """Return those of some points that are in the plane."""
    return tuple(point for point in points if isfinite(point[0]) and isfinite(point[1]))


def circle(radius: float = 1.0) -> tuple[Point, ...]:
    """Return points on a circle, by its rational form: no sine, which differs between processors."""
    points: list[Point] = []
    for t in (k / CIRCLE for k in range(CIRCLE)):
        points.append((radius * (1 - t * t) / (1 + t * t), radius * 2 * t / (1 + t * t)))
    for _ in range(3):  # a quarter turn each
        points += [(-y, x) for x, y in points[-CIRCLE:]]
    return tuple(points)


def common_length(points: Sequence[Point]) -> float | None:
    """Return the length that all vectors have; None if theirs differ."""
    lengths = [hypot(*point) for point in points]
    if not lengths or not all(map(isfinite, lengths)) or min(lengths) <= 0:
        return None
    return lengths[0] if max(lengths) - min(lengths) <= ALIKE * max(lengths) else None
