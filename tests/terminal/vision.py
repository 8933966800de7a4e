"""Colours as eyes see them: sRGB to CIE Lab, and what dichromats see.

The simulation is that of Viénot, Brettel and Mollon, "Digital video colourmaps for checking the legibility of
displays by dichromats" (Color Research and Application 24, 1999): linear RGB to the cones' LMS, one cone's
answer replaced by what the other two give, and back.
"""

from __future__ import annotations

from typing import Literal

RGB = tuple[float, float, float]
Eye = Literal["usual", "protanope", "deuteranope"]

TO_LMS = ((17.8824, 43.5161, 4.11935), (3.45565, 27.1554, 3.86714), (0.0299566, 0.184309, 1.46709))
FROM_LMS = (
    (0.0809444479, -0.130504409, 0.116721066),
    (-0.0102485335, 0.0540193266, -0.113614708),
    (-0.000365296938, -0.00412161469, 0.693511405),
)
SEEN: dict[Eye, tuple[RGB, RGB, RGB]] = {
    "usual": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanope": ((0, 2.02344, -2.52581), (0, 1, 0), (0, 0, 1)),
    "deuteranope": ((1, 0, 0), (0.494207, 0, 1.24827), (0, 0, 1)),
}
TO_XYZ = (
    (0.4124564, 0.3575761, 0.1804375),
    (0.2126729, 0.7151522, 0.072175),
    (0.0193339, 0.119192, 0.9503041),
)
WHITE = (0.95047, 1.0, 1.08883)


def times(matrix: tuple[RGB, RGB, RGB], vector: RGB) -> RGB:
    a, b, c = (sum(x * y for x, y in zip(row, vector, strict=True)) for row in matrix)
    return a, b, c


def linear(value: float) -> float:
    """One channel of sRGB, 0 to 255, as light, 0 to 1."""
    value /= 255
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)


def lab(colour: tuple[int, int, int], eye: Eye = "usual") -> RGB:
    """CIE Lab (D65) of an sRGB colour as an eye sees it."""
    light: RGB = (linear(colour[0]), linear(colour[1]), linear(colour[2]))
    if eye != "usual":
        light = times(FROM_LMS, times(SEEN[eye], times(TO_LMS, light)))
    red, green, blue = (min(1.0, max(0.0, value)) for value in light)
    x, y, z = (
        value ** (1 / 3) if value > 216 / 24389 else (24389 / 27 * value + 16) / 116
        for value in (v / w for v, w in zip(times(TO_XYZ, (red, green, blue)), WHITE, strict=True))
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def distance(one: tuple[int, int, int], other: tuple[int, int, int], eye: Eye = "usual") -> float:
    """CIE76: about 2.3 is just noticeable side by side."""
    return float(sum((a - b) ** 2 for a, b in zip(lab(one, eye), lab(other, eye), strict=True)) ** 0.5)
