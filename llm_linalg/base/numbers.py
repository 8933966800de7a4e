"""Format numbers: in a cell of a given width, in a tensor's common format, in one line, in full.

A tensor's cells look as torch prints them. Their common format follows from reductions over the tensor (see
`number_range`), so a large tensor costs a few passes and no Python list; only the cells on the screen are
formatted. Nothing here imports torch until it is given a tensor.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import TYPE_CHECKING

from llm_linalg.base.number_range import Number, Style, Values, samples, style_of

if TYPE_CHECKING:
    import torch

_ZERO = frozenset("-0. ")
_SHORT = {"nan": "?", "inf": "∞", "-inf": "-∞", "True": "T", "False": "F"}
_SHORT_ASCII = _SHORT | {"inf": "oo", "-inf": "-oo"}
# The texts above, and booleans, as numbers that Decimal can read.
_READ = {"∞": "inf", "oo": "inf", "-∞": "-inf", "-oo": "-inf", "?": "nan"}
_READ |= {"True": "1", "T": "1", "False": "0", "F": "0"}
# Python writes no integer of more than 4,300 digits, and a float holds none of more than 1,024 bits.
_WRITABLE_BITS = 4096
_FLOAT_BITS = 1023


@dataclass(frozen=True, slots=True)
class Formatter:
    """The common format of many numbers, as torch prints a tensor.

    Integers are `1`, floats that are all whole `1.`, other floats fixed (`1.5000`) or scientific
    (`1.5000e+10`).
    """

    style: Style  # how a real number is written; of complex numbers, how the real part is
    decimals: int  # digits after the point in the fixed and scientific styles
    width: int  # columns that every text takes, nan and the infinities included
    ascii_only: bool = False  # whether a shortened infinity is `oo` and not `∞`
    imaginary: Formatter | None = None  # the format of the imaginary parts; None for real numbers

    @classmethod
    def of(
        cls,
        values: torch.Tensor | Values,
        decimals: int = 4,
        *,
        limit: int | None = None,
        scientific: bool | None = None,
        ascii_only: bool = False,
    ) -> Formatter:
        """Return the common format of a tensor, or of a sample of Python numbers.

        Args:
            values: A tensor of any shape, or numbers, nested at will (None is skipped). All of a tensor is
                read, where torch's printer reads the corners of one above 1,000 cells.
            decimals: Digits after the point; torch's own printing has 4.
            limit: The most columns that a number may take. Decimals are given up first, down to one; numbers
                that are still too wide are then shortened one by one, as `format_cell` does.
            scientific: True or False forces or forbids the scientific style; None chooses as torch would.
            ascii_only: Keep to ASCII when a number is shortened.
        """
        parts = samples(values)
        if len(parts) == 1:
            return cls._common(parts[0], decimals, limit, scientific, ascii_only)
        # The sign between the parts and the "j" take two columns.
        half = None if limit is None else max(1, (limit - 2) // 2)
        real, imaginary = (cls._common(part, decimals, half, scientific, ascii_only) for part in parts)
        width = real.width + imaginary.width + 2
        return cls(
            real.style,
            min(real.decimals, imaginary.decimals),
            width if limit is None else max(1, min(width, limit)),
            ascii_only,
            imaginary,
        )

    @classmethod
    def _common(
        cls,
        numbers: Sequence[int | float],
        decimals: int,
        limit: int | None,
        scientific: bool | None,
        ascii_only: bool,
    ) -> Formatter:
        style = style_of(numbers, scientific)
        room = math.inf if limit is None else max(1, limit)
        finite = [x for x in numbers if math.isfinite(x)]
        others = max((len(str(x)) for x in numbers if not math.isfinite(x)), default=1)
        places, width = decimals, 1
        for places in range(decimals, min(decimals, 1) - 1, -1):
            width = max((len(_text_in(x, style, places)) for x in finite), default=1)
            if width <= room:
                break
        return cls(style, places, int(min(max(width, others), room)), ascii_only)

    def text(self, value: Number) -> str:
        """Return a number right-aligned to `width`; one from outside the sample may have to be shortened."""
        return self.token(value).rjust(self.width)

    def token(self, value: Number) -> str:
        """Return a number without padding, in at most `width` columns."""
        if self.imaginary is not None:
            written = _complex_text(complex(value), self.style, self.imaginary.style, self.decimals)
        else:
            written = _text_in(value, self.style, self.decimals)
        return (
            written
            if len(written) <= self.width
            else _shorten(value, self.width, self.decimals, self.ascii_only)
        )


def format_cell(value: Number, width: int, decimals: int = 4, *, ascii_only: bool = False) -> str:
    """Return a number in at most `width` columns, unpadded: as torch prints it alone if that fits.

    Otherwise it loses decimals, then becomes `1e+10`, then `1e10`; `#` says that nothing truthful fits. A
    float that was rounded to no decimals has no point (`12`), whereas a whole one has it (`12.`).
    """
    written = _alone(value, decimals)
    return written if len(written) <= width else _shorten(value, width, decimals, ascii_only)


def exact(value: Number, dtype: torch.dtype | str = "float64") -> str:
    """Return the shortest text that reads back as the same number of a dtype.

    Args:
        value: The number; a float is rounded to the dtype first.
        dtype: `torch.float32` or `"float32"`, and so on. Floats other than float16, bfloat16, float32 and the
            parts of complex64 are written as Python writes a double.
    """
    name = str(dtype).removeprefix("torch.")
    if isinstance(value, complex):
        part = "float32" if name == "complex64" else "float64"
        imaginary = exact(value.imag, part)
        return f"{exact(value.real, part)}{'' if imaginary.startswith('-') else '+'}{imaginary}j"
    if not isinstance(value, float):
        return _integer(value)
    rounded = _round_to(value, name)
    if not math.isfinite(rounded):
        return str(rounded)
    candidates = (float(f"{rounded:.{digits}g}") for digits in range(1, 18))
    return repr(next(x for x in candidates if _round_to(x, name) == rounded))


def significant(value: Number, digits: int = 6) -> float | int | bool | str:
    """Return a number for JSON: floats with `digits` significant digits; nan, inf, complex as strings."""
    if isinstance(value, complex):
        return f"{value:.{digits}g}"
    if not isinstance(value, float):
        return value
    return float(f"{value:.{digits}g}") if math.isfinite(value) else str(value)


def adds_up(terms: Iterable[str], total: str) -> bool:
    """Return whether displayed numbers add up to a displayed total, so that `=` is honest and not `≈`.

    A term may be a product (`0.84·-2.18`), in brackets or not. What is not a number (`#`) doesn't add up.
    """
    try:
        products = (term.replace("×", "·").replace("*", "·").split("·") for term in terms)
        left, right = [[*map(_decimal, factors)] for factors in products], _decimal(total)
    except InvalidOperation:
        return False
    if right.is_finite() and all(x.is_finite() for term in left for x in term):
        return sum(math.prod(map(Fraction, term)) for term in left) == Fraction(right)
    reached, aim = sum(math.prod(map(float, term)) for term in left), float(right)
    return reached == aim or (math.isnan(reached) and math.isnan(aim))


def tiny(value: Number, text: str, room: int | None = None) -> str:
    """Return a number's text, or `2.7e-16` where that reads as 0 and the number is not.

    In `room` columns, if it has to be in so many.
    """
    if isinstance(value, complex) or not value or not set(text) <= _ZERO:
        return text
    written = (f"{value:.{places}e}".replace("e-0", "e-") for places in (1, 0))
    return next((one for one in written if room is None or len(one) <= room), text)


def _alone(value: Number, decimals: int) -> str:
    """Return a number as torch prints a tensor that holds nothing else."""
    if isinstance(value, complex):
        return _complex_text(value, style_of([value.real]), style_of([value.imag]), decimals)
    return _text_in(value, style_of([value]), decimals)


def _text_in(value: Number, style: Style, decimals: int) -> str:
    """Return a number in a style, however wide; if the style would falsify it, as it is printed alone."""
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, complex):
        return _alone(value, decimals)
    if isinstance(value, int):
        if style == "plain" or value.bit_length() > _FLOAT_BITS:
            return _integer(value)
        value = float(value)
    if not math.isfinite(value):
        return str(value)
    if style == "scientific":
        return f"{value:.{decimals}e}"
    if style == "whole" and value.is_integer():
        return f"{value:.0f}."
    return f"{value:.{decimals}f}" if style != "plain" else _alone(value, decimals)


def _complex_text(value: complex, real: Style, imaginary: Style, decimals: int) -> str:
    part = _text_in(value.imag, imaginary, decimals)
    return f"{_text_in(value.real, real, decimals)}{'' if part.startswith('-') else '+'}{part}j"


def _shorten(value: Number, width: int, decimals: int, ascii_only: bool) -> str:
    """Return the most precise text of a number in at most `width` columns, else a row of `#`."""
    text = next((text for text in _shorter(value, decimals, ascii_only) if len(text) <= width), None)
    return "#" * width if text is None else text


def _shorter(value: Number, decimals: int, ascii_only: bool) -> Iterator[str]:
    """Yield texts of a number, the most precise first."""
    if isinstance(value, complex):
        yield from (_alone(value, places) for places in range(decimals, -1, -1))
        return
    if isinstance(value, bool) or not math.isfinite(value if isinstance(value, float) else 0):
        yield str(value)
        yield (_SHORT_ASCII if ascii_only else _SHORT)[str(value)]
        return
    # A float's format rounds an integer that no float holds; Decimal's doesn't, but writes e+8 for e+08.
    number = Decimal(value) if isinstance(value, int) and value.bit_length() > _FLOAT_BITS else float(value)
    zeros: list[str] = []
    for places in range(decimals, -1, -1) if isinstance(value, float) else ():
        text = f"{number:.{places}f}"
        if value == 0 or float(text) != 0:
            yield text
        elif places:
            zeros.append(text)
    powers = [f"{number:.{places}e}" for places in range(decimals, -1, -1)]
    yield from powers
    yield from (text.replace("e+0", "e").replace("e+", "e").replace("e-0", "e-") for text in powers)
    # Too small to show: a rounded zero with a decimal says so, a bare 0 would pass for the number.
    yield from zeros


def _integer(value: int) -> str:
    return str(value) if value.bit_length() <= _WRITABLE_BITS else f"{Decimal(value):.4e}"


def _round_to(value: float, name: str) -> float:
    """Return the nearest number of a dtype, ties to even; dtypes other than these three are doubles."""
    import torch

    kinds = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
    return float(torch.tensor(value, dtype=torch.float64).to(kinds[name]).item()) if name in kinds else value


def _decimal(text: str) -> Decimal:
    plain = text.strip(" ()[]").replace("−", "-")
    return Decimal(_READ.get(plain, plain))
