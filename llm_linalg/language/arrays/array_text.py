"""The text of arrays, as NumPy writes it: shortest digits, columns that line up, a middle left out.

The layout is that of `numpy.array2string` with its default options, which `np.set_printoptions` changes.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor

from llm_linalg.base.errors import LimitError
from llm_linalg.language.arrays.array_dtypes import dtype_of
from llm_linalg.language.refusal import RefusalError

THRESHOLD, EDGE_ITEMS = 1_000, 3
_DEFAULTS: Mapping[str, Any] = {
    "precision": 8,
    "threshold": THRESHOLD,
    "edgeitems": EDGE_ITEMS,
    "linewidth": 75,
    "suppress": False,
    "floatmode": "maxprec",
}
_FLOAT_MODES = ("maxprec", "fixed")
_BOUNDS: Mapping[str, tuple[int, int]] = {
    "precision": (0, 20),
    "threshold": (0, 20_000),
    "edgeitems": (0, 50),
    "linewidth": (10, 1_000),
    "suppress": (0, 1),
}
ARRAY_OPTIONS: ContextVar[Mapping[str, Any] | None] = ContextVar("options of arrays' text", default=None)
"""The print options that the running program has set."""
_FORMATS = {torch.float16: "e", torch.float32: "f", torch.float64: "d"}
_LARGE_SCALARS = {torch.float16: 1e3, torch.float32: 1e6, torch.float64: 1e16}
_IMPLIED = frozenset(["bool", "int64", "float64"])  # dtypes that `repr` leaves out
_LARGE, _SMALL, _SPAN = 1e8, 1e-4, 1e3  # beyond these numbers are written with exponents


def set_printoptions(**options: Any) -> None:
    """Do what `np.set_printoptions` does, for this run alone.

    Raises:
        TypeError: If the language has no such option.
        LimitError: If an option would make endless text.
    """
    for name, value in options.items():
        if name == "floatmode":
            if not isinstance(value, str) or value not in _FLOAT_MODES:
                raise RefusalError(f"floatmode is {' or '.join(map(repr, _FLOAT_MODES))} here")
            continue
        if name not in _BOUNDS or not isinstance(value, int):
            raise RefusalError(f"np.set_printoptions takes {', '.join(_DEFAULTS)} here, not {name}")
        least, most = _BOUNDS[name]
        if not least <= value <= most:
            raise LimitError(f"{name} is from {least} to {most:,}")
    ARRAY_OPTIONS.set({**(ARRAY_OPTIONS.get() or {}), **options})


def options() -> Mapping[str, Any]:
    """Return the print options."""
    return {**_DEFAULTS, **(ARRAY_OPTIONS.get() or {})}


def text_of(tensor: Tensor) -> str:
    """Return `str` of an array over a tensor."""
    if not tensor.dim():
        return scalar_text(tensor)
    return _lines(tensor, " ", "", "")


def repr_of(tensor: Tensor) -> str:
    """Return `repr` of an array over a tensor; one without axes is a scalar."""
    name = dtype_of(tensor.dtype).name
    if not tensor.dim():
        return f"np.{scalar_text(tensor)}_" if name == "bool" else f"np.{name}({scalar_text(tensor)})"
    extras = []
    if (not tensor.numel() and tensor.dim() > 1) or _is_cut(tensor):
        extras.append(f"shape={tuple(tensor.shape)}")
    if name not in _IMPLIED or not tensor.numel():
        extras.append(f"dtype={name}")
    text = "array(" + _lines(tensor, ", ", "array(", ")")
    if not extras:
        return f"{text})"
    text, tail = f"{text},", f"{', '.join(extras)})"
    last = len(text) - (text.rfind("\n") + 1)
    gap = "\n      " if last + len(tail) + 1 > options()["linewidth"] else " "
    return f"{text}{gap}{tail}"


def scalar_text(tensor: Tensor) -> str:
    """Return the text of a number with its dtype's shortest digits."""
    value = tensor.item()
    if not isinstance(value, float):
        return str(value)
    if not math.isfinite(value):
        return repr(value)
    digits = shortest(value, tensor.dtype)
    if _SMALL <= abs(value) < _LARGE_SCALARS[tensor.dtype] or not value:
        whole, _, part = _positional(digits).partition(".")
        return f"{whole}.{part or '0'}"
    return _exponential(digits)


def shortest(value: float, dtype: torch.dtype) -> str:
    """Return the shortest decimal that reads back as the same number in a dtype, with or without exponent."""
    if dtype is torch.float64:
        return repr(value)
    kind = _FORMATS[dtype]
    for places in range(1, 17):
        text = f"{value:.{places - 1}e}"
        if _rounded(float(text), kind) == value:
            return text
    return repr(value)


def _rounded(value: float, kind: str) -> float:
    try:
        number: float = struct.unpack(kind, struct.pack(kind, value))[0]
    except OverflowError:
        return math.inf
    return number


def _positional(digits: str) -> str:
    """Return digits with an exponent as digits without; at least a point stands in them."""
    mantissa, _, exponent = digits.partition("e")
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, part = mantissa.lstrip("-").partition(".")
    shift = int(exponent or 0)
    if shift >= 0:
        part = part.ljust(shift, "0")
        whole, part = whole + part[:shift], part[shift:]
    else:
        whole = whole.rjust(1 - shift, "0")
        whole, part = whole[:shift], whole[shift:] + part
    return f"{sign}{whole.lstrip('0') or '0'}.{part.rstrip('0')}"


def _exponential(digits: str) -> str:
    """Return the shortest digits of a number as `1.5e-07`."""
    mantissa, _, exponent = digits.partition("e")
    if not exponent:
        sign = "-" if mantissa.startswith("-") else ""
        whole, _, part = mantissa.lstrip("-").partition(".")
        plain = (whole + part).lstrip("0").rstrip("0")
        shift = len(whole) - 1 if whole.strip("0") else -1 - (len(part) - len(part.lstrip("0")))
        shift = shift if plain else 0
        plain = plain or "0"
        mantissa, exponent = f"{sign}{plain[0]}" + (f".{plain[1:]}" if plain[1:] else ""), str(shift)
    whole, _, part = mantissa.partition(".")
    part = part.rstrip("0")
    power = int(exponent)
    return f"{whole}{'.' + part if part else ''}e{'-' if power < 0 else '+'}{abs(power):02d}"


def _is_cut(tensor: Tensor) -> bool:
    return tensor.numel() > int(options()["threshold"])


def _lines(tensor: Tensor, separator: str, before: str, after: str) -> str:
    """Return the rows of an array in brackets, the middle of a large one left out."""
    if not tensor.numel():
        return "[]"
    chosen = options()
    edges = int(chosen["edgeitems"]) if _is_cut(tensor) else None
    shown = tensor if edges is None else _edges(tensor, edges)
    layout = _Layout(_writer(shown.reshape(-1), chosen), edges, separator)
    width = int(chosen["linewidth"]) - len(after)
    return layout.text(shown, tuple(tensor.shape), " " * (len(before) + 1), width)


def _edges(tensor: Tensor, edges: int) -> Tensor:
    """Return an array without the middle of its long axes."""
    for axis, size in enumerate(tensor.shape):
        if size > 2 * edges:
            tensor = torch.cat(
                [tensor.narrow(axis, 0, edges), tensor.narrow(axis, size - edges, edges)], dim=axis
            )
    return tensor


class _Layout:
    """How the items of an array stand in lines.

    Args:
        write: Returns the text of an item.
        edges: How many items of a long axis stand before and after the middle that is left out; None for all.
        separator: What stands between items.
    """

    def __init__(self, write: Callable[[Any], str], edges: int | None, separator: str) -> None:
        self.write = write
        self.edges = edges
        self.separator = separator

    def text(self, tensor: Tensor, shape: Sequence[int], indent: str, width: int) -> str:
        """Return the text of a part of an array.

        Args:
            tensor: The part, without the items that are left out.
            shape: Its shape with them.
            indent: What its lines but the first begin with.
            width: The columns of a line.
        """
        cut = self.edges is not None and shape[0] > 2 * self.edges
        if tensor.dim() == 1:
            return self._row([self.write(item) for item in tensor.tolist()], cut, indent, width)
        parts = [self.text(part, shape[1:], indent + " ", width - 1) for part in tensor]
        if cut:
            parts.insert(self.edges or 0, "...")
        between = self.separator.rstrip() + "\n" * (tensor.dim() - 1) + indent
        return f"[{between.join(parts)}]"

    def _row(self, words: list[str], cut: bool, indent: str, width: int) -> str:
        if cut:
            words.insert(self.edges or 0, "...")
        lines, line = "", indent
        for word in words:
            # The separator or the bracket that follows has to fit as well.
            if len(line) + len(word) > width - 1 and len(line) > len(indent):
                lines += line.rstrip() + "\n"
                line = indent
            line += word + self.separator
        text = lines + line[: -len(self.separator)]
        return f"[{text[len(indent) :]}]"


def _writer(items: Tensor, chosen: Mapping[str, Any]) -> Callable[[Any], str]:
    """Return how each item is written, so that they line up."""
    if items.dtype is torch.bool:
        return lambda item: str(item).rjust(5)
    if not items.dtype.is_floating_point:
        words = [str(item) for item in items.tolist()]
        width = max(map(len, words))
        return lambda item: str(item).rjust(width)
    return _float_writer(items, chosen)


def _float_writer(items: Tensor, chosen: Mapping[str, Any]) -> Callable[[float], str]:
    values = [float(item) for item in items.tolist()]
    finite = [value for value in values if math.isfinite(value)]
    sizes = [abs(value) for value in finite if value]
    with_exponents = bool(sizes) and (
        max(sizes) >= _LARGE
        or (not chosen["suppress"] and (min(sizes) < _SMALL or max(sizes) / min(sizes) > _SPAN))
    )
    write = _with_exponents if with_exponents else _without_exponents
    return write(values, finite, items.dtype, int(chosen["precision"]), chosen["floatmode"] == "fixed")


def _without_exponents(
    values: Sequence[float], finite: Sequence[float], dtype: torch.dtype, precision: int, fixed: bool
) -> Callable[[float], str]:
    def digits(value: float) -> tuple[str, str]:
        text = _positional(shortest(value, dtype))
        whole, _, part = text.partition(".")
        if fixed or len(part) > precision:
            text = f"{value:.{precision}f}"
            whole, _, part = text.partition(".")
        return whole, part if fixed else part.rstrip("0")

    parts = [digits(value) for value in finite]
    right = max([len(part) for _, part in parts], default=0)
    left = _widened(max([len(whole) for whole, _ in parts], default=0), right, values)

    def write(value: float) -> str:
        if not math.isfinite(value):
            return _odd(value).rjust(left + right + 1)
        whole, part = digits(value)
        return f"{whole.rjust(left)}.{part.ljust(right)}"

    return write


def _with_exponents(
    values: Sequence[float], finite: Sequence[float], dtype: torch.dtype, precision: int, fixed: bool
) -> Callable[[float], str]:
    def digits(value: float) -> tuple[str, str, str]:
        text = _exponential(shortest(value, dtype))
        if len(text.partition("e")[0].partition(".")[2]) > precision:
            text = _exponential(f"{value:.{precision}e}")
        mantissa, _, exponent = text.partition("e")
        whole, _, part = mantissa.partition(".")
        return whole, part, exponent

    parts = [digits(value) for value in finite]
    places = precision if fixed else max(len(part) for _, part, _ in parts)
    size = max(len(exponent) for _, _, exponent in parts) - 1
    right = places + size + 2
    left = _widened(max(len(whole) for whole, _, _ in parts), right, values)

    def write(value: float) -> str:
        if not math.isfinite(value):
            return _odd(value).rjust(left + right + 1)
        mantissa, _, exponent = f"{value:.{places}e}".partition("e")  # on from the shortest, digit by digit
        whole, _, part = mantissa.partition(".")
        power = exponent[0] + exponent[1:].rjust(size, "0")
        return f"{whole.rjust(left)}.{part}e{power}"

    return write


def _widened(left: int, right: int, values: Sequence[float]) -> int:
    """Return the columns before the point, enough for `nan` and `inf` where the values have one."""
    if all(map(math.isfinite, values)):
        return left
    return max(left, len("-inf" if -math.inf in values else "inf") - right - 1)


def _odd(value: float) -> str:
    return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
