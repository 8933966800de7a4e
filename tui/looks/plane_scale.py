"""Where a number stands among dots: one scale for both directions, so that a right angle looks right.

Numbers become whole multiples of a small power of two before anything is rounded, and everything after that
is integer arithmetic: a last bit that differs between processors moves no dot.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import frexp, isfinite, ldexp

from tui.looks.canvas import Canvas, Dot

PRECISION = 20
"""Bits of a number, counted from the first one of the largest."""
FAR = 1 << (PRECISION + 4)
"""The most units a coordinate has: what is further out is cut there, which is outside of every canvas."""

Bounds = tuple[float, float, float, float]
"""The least x and y of a box, then the greatest."""


@dataclass(frozen=True, slots=True)
class PlaneScale:
    """A plane on a canvas.

    Attributes:
        unit: The exponent of the power of two that coordinates are counted in.
        dots: How many dots go to how many units.
        origin: The dot of (0, 0).
    """

    unit: int
    dots: tuple[int, int]
    origin: Dot

    @classmethod
    def of(cls, bounds: Bounds, canvas: Canvas, margin: tuple[int, int] = (0, 0)) -> PlaneScale:
        """Return the largest scale at which a box stands whole on the canvas, in its middle.

        Args:
            bounds: The box, all finite; one of no size gets one about its point.
            canvas: The canvas.
            margin: Dots that stay free at the left and right, and above and below.
        """
        most = max(map(abs, bounds))
        unit = (frexp(most)[1] if most else 1) - PRECISION
        left, low, right, high = (_units(x, unit) for x in bounds)
        if left == right and low == high:
            size = max(abs(left), abs(low)) or 1 << (PRECISION - 1)
            left, low, right, high = left - size, low - size, right + size, high + size
        # A dot less than there are: the origin is rounded, too.
        rooms = (canvas.across - 2 - 2 * margin[0], canvas.down - 2 - 2 * margin[1])
        sizes = [(max(1, room), size) for room, size in zip(rooms, (right - left, high - low), strict=True)]
        dots = min((pair for pair in sizes if pair[1]), key=lambda pair: Fraction(*pair))
        x = nearest((canvas.across - 1) * dots[1] - dots[0] * (left + right), 2 * dots[1])
        y = nearest((canvas.down - 1) * dots[1] + dots[0] * (low + high), 2 * dots[1])
        return cls(unit, dots, (x, y))

    def dot(self, x: float, y: float) -> Dot:
        """Return the dot of a point; what is infinite is far outside."""
        many, units = self.dots
        across, up = (nearest(many * _units(value, self.unit), units) for value in (x, y))
        return self.origin[0] + across, self.origin[1] - up

    def point(self, dot: Dot) -> tuple[float, float]:
        """Return the point at the middle of a dot."""
        return self._value(dot[0] - self.origin[0]), self._value(self.origin[1] - dot[1])

    @property
    def size(self) -> float:
        """How far a dot is from the next in the plane."""
        return self._value(1)

    def round_step(self, least: int) -> float:
        """Return the smallest of the numbers 1, 2 and 5 × 10ⁿ that spans at least so many dots."""
        wanted = self._value(least)
        if not isfinite(wanted) or wanted <= 0:
            return 1.0
        power = int(f"{wanted:e}".partition("e")[2])
        candidates = [float(f"{k}e{power}") for k in (1, 2, 5)]
        return next((step for step in candidates if step >= wanted), float(f"1e{power + 1}"))

    def _value(self, dots: int) -> float:
        many, units = self.dots
        return ldexp(dots * units / many, self.unit)


def nearest(numerator: int, denominator: int) -> int:
    """Return the whole number that is nearest to a fraction; a half goes up."""
    return (2 * numerator + denominator) // (2 * denominator)


def _units(value: float, unit: int) -> int:
    if not isfinite(value):
        return FAR if value > 0 else -FAR
    if abs(value) >= ldexp(1.0, min(1023, unit + PRECISION + 4)):
        return FAR if value > 0 else -FAR
    half = unit // 2  # in two steps, as 2⁻ᵘⁿⁱᵗ may be beyond a float where the product is not
    return round(ldexp(ldexp(value, -half), half - unit))
