"""Find the range of a tensor's numbers, on which their common format depends, by reductions over it."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeGuard

if TYPE_CHECKING:
    import torch

Number: TypeAlias = bool | int | float | complex
Values: TypeAlias = "Number | Iterable[Values] | None"
Style: TypeAlias = Literal["plain", "whole", "fixed", "scientific"]


@dataclass(frozen=True, slots=True)
class NumberRange:
    """What the common format of many numbers depends on.

    Attributes:
        kind: The widest kind of number among them.
        extremes: The least and the greatest number; of floats, the finite ones farthest from zero on either
            side and the least size that is not 0, with either sign. Their texts are the longest.
        zeros: Those present of 0.0 and -0.0. (In torch's printing a negative zero may stick out of its
            column.)
        non_finite: Those present of nan, inf and -inf.
        whole: Every finite number is an integer.
    """

    kind: Literal["bool", "int", "float"]
    extremes: tuple[int | float, ...] = ()
    zeros: tuple[float, ...] = ()
    non_finite: tuple[float, ...] = ()
    whole: bool = True

    def style(self, scientific: bool | None) -> Style:
        """Return the style that torch's printer (torch/_tensor_str.py) takes, unless `scientific` is set."""
        if self.kind != "float":
            return "plain"
        sizes = [abs(x) for x in self.extremes]
        if scientific is None and sizes:
            low, high = min(sizes), max(sizes)
            scientific = high / low > 1000.0 or high > 1.0e8 or low < 1.0e-4
        if scientific and sizes:
            return "scientific"
        return "whole" if self.whole else "fixed"


def summary(tensor: torch.Tensor) -> str:
    """Return a tensor's facts in one line: `float32 (3, 4)  min -1.2  max 2.3  mean 0.1  2 nan`."""
    head = f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"
    if tensor.is_meta:
        return f"{head}  no values (meta)"
    return "  ".join((head, *_statistics(tensor.detach())))


def _is_tensor(values: object) -> TypeGuard[torch.Tensor]:
    """Return whether a value is a tensor, without importing torch: if it isn't loaded, there are none."""
    module = sys.modules.get("torch")
    return module is not None and isinstance(values, vars(module).get("Tensor", ()))


def number_ranges(values: torch.Tensor | Values) -> tuple[NumberRange, ...]:
    """Return the range of a tensor or of plain numbers; for complex numbers two, of either part."""
    if _is_tensor(values):
        parts = (values.real, values.imag) if values.is_complex() else (values,)
        return tuple(_range_of(_sample(part), part.is_floating_point()) for part in parts)
    numbers = list(_numbers(values))
    if any(isinstance(x, complex) for x in numbers):
        both = [complex(x) for x in numbers]
        return _range_of([x.real for x in both]), _range_of([x.imag for x in both])
    return (_range_of([x for x in numbers if not isinstance(x, complex)]),)


def _numbers(values: Values) -> Iterator[Number]:
    if isinstance(values, complex | float | int):
        yield values
    elif values is not None:
        for value in values:
            yield from _numbers(value)


def _native(values: torch.Tensor) -> torch.Tensor:
    """Return the same real numbers in a dtype for which the CPU has the reductions."""
    import torch

    if values.is_floating_point():
        kept = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
        return values if values.dtype in kept else values.float()
    if values.dtype == torch.uint64:
        return values.double()
    return values if values.dtype in (torch.bool, torch.uint8) else values.long()


def _sample(tensor: torch.Tensor) -> list[int | float]:
    """Return a few numbers of a real tensor that have the range of all; none of a meta tensor."""
    if tensor.numel() == 0 or tensor.is_meta:
        return []
    values = tensor.detach().resolve_neg()
    # An expanded axis (stride 0) repeats the same numbers, so one position along it is enough.
    for axis, stride in enumerate(values.stride()):
        values = values.narrow(axis, 0, 1) if stride == 0 else values
    values = _native(values)
    if not tensor.is_floating_point():
        ends = (values.min().item(), values.max().item())
        return [x if isinstance(x, bool) else int(x) for x in ends]
    low, high = (x.item() for x in values.aminmax())
    found: list[int | float] = []
    if not math.isfinite(high - low):
        tests = ((math.nan, values.isnan()), (math.inf, values.isposinf()), (-math.inf, values.isneginf()))
        found += [x for x, there in tests if there.any()]
        values = values[values.isfinite()]
        if values.numel() == 0:
            return found
        low, high = (x.item() for x in values.aminmax())
    sizes = values.abs()
    zero = sizes == 0
    if zero.any():
        negative = values.signbit()
        found += [x for x, sign in ((0.0, ~negative), (-0.0, negative)) if (zero & sign).any()]
        sizes = sizes.masked_fill(zero, math.inf)
    if low or high:
        near = sizes.min().item()
        found += [low, high, near if high > 0 else -near]
    # One row decides for most tensors; only tensors of whole numbers are read to the end.
    for part in (values[(0,) * (values.dim() - 1)], values):
        if (broken := part != part.ceil()).any():
            return [*found, part[broken][0].item()]
    return found


def _range_of(numbers: Sequence[int | float], is_float: bool = False) -> NumberRange:
    """Return the range of Python numbers; one float among them makes all floats, as in `torch.tensor`."""
    if not is_float and not any(isinstance(x, float) for x in numbers):
        booleans = bool(numbers) and all(isinstance(x, bool) for x in numbers)
        return NumberRange("bool" if booleans else "int", (min(numbers), max(numbers)) if numbers else ())
    floats = [_float(x) for x in numbers]
    finite = [x for x in floats if math.isfinite(x)]
    near = min((abs(x) for x in finite if x), default=math.inf)
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    candidates = ((low < 0, low), (low < 0, -near), (high > 0, near), (high > 0, high))
    return NumberRange(
        "float",
        tuple(x for there, x in candidates if there),
        tuple({str(x): x for x in finite if x == 0}.values()),
        tuple({str(x): x for x in floats if not math.isfinite(x)}.values()),
        all(x.is_integer() for x in finite),
    )


def _float(value: int | float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _statistics(values: torch.Tensor) -> Iterator[str]:
    """Yield the parts of a summary after dtype and shape."""
    import torch

    if values.numel() == 0:
        yield "empty"
    elif values.numel() == 1:
        value: Number = values.item()
        yield f"{value:.4g}" if isinstance(value, float | complex) else str(value)
    elif values.dtype == torch.bool:
        true = int(values.sum())
        yield f"{true} True  {values.numel() - true} False"
    else:
        what = "|z| " if values.is_complex() else ""
        values = values.abs() if values.is_complex() else _native(values)
        there = values.isfinite()
        finite = values if there.all() else values[there]
        if finite.numel():
            low, high = finite.min().item(), finite.max().item()
            mean = finite.mean(dtype=torch.float64).item()
            spread = f"min {low:.4g}  max {high:.4g}  mean {mean:.4g}"
            yield f"{what}all {low:.4g}" if low == high else f"{what}{spread}"
        if values.is_floating_point():
            counts = (("nan", values.isnan()), ("inf", values.isposinf()), ("-inf", values.isneginf()))
            yield from (f"{int(where.sum())} {name}" for name, where in counts if where.any())
