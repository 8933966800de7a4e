"""The tables of the ziggurat by which NumPy's `Generator` draws normal numbers.

Marsaglia and Tsang, "The ziggurat method for generating random variables" (2000), with 256 layers of equal
area under exp(−x²/2). NumPy's tables were computed with doubles, so they are here: exp and log are rounded
correctly, which makes them the same with every C library, and equal to NumPy's to the bit.
"""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from functools import cache
from typing import NamedTuple

START = 3.6541528853610088  # where the tail begins
_AREA = 0.004928673233974652  # of a layer
_MANTISSA = 2.0**52
_ROUNDED_UP = 38  # the layer at which NumPy's exp was one unit too large


class Ziggurat(NamedTuple):
    """The tables.

    Attributes:
        surely: For each layer, up to which number of 52 bits a point lies surely under the curve.
        widths: What such a number is multiplied with.
        heights: The curve's height at the layer's right end.
    """

    surely: tuple[int, ...]
    widths: tuple[float, ...]
    heights: tuple[float, ...]


@cache
def ziggurat() -> Ziggurat:
    """Return the tables."""
    right = START
    height = _exp(-0.5 * right * right)
    surely = [int(right * height / _AREA * _MANTISSA), 0]
    upper: list[tuple[int, float, float]] = []
    width, first = right / _MANTISSA, _AREA / height / _MANTISSA
    for layer in range(254, 0, -1):
        x = math.sqrt(-2.0 * _log(_AREA / right + height))
        upper.append((round(x / right * _MANTISSA), width, height))
        right, width = x, x / _MANTISSA
        height = _exp(-0.5 * x * x)
        if layer == _ROUNDED_UP:
            height = math.nextafter(height, 1.0)
    upper.reverse()
    return Ziggurat(
        (*surely, *(each[0] for each in upper)),
        (first, width, *(each[1] for each in upper)),
        (1.0, height, *(each[2] for each in upper)),
    )


def _exp(x: float) -> float:
    with localcontext() as context:
        context.prec = 40
        return float(Decimal(x).exp())


def _log(x: float) -> float:
    with localcontext() as context:
        context.prec = 40
        return float(Decimal(x).ln())
