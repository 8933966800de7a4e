"""Find the range of a tensor's numbers, on which their common format depends, by reductions over it."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeGuard

if TYPE_CHECKING:
    import torch

Number: TypeAlias = bool | int | float | complex
Values: TypeAlias = "Number | Iterable[Values] | None"
Style: TypeAlias = Literal["plain", "whole", "fixed", "scientific"]


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


def samples(values: torch.Tensor | Values) -> tuple[Sequence[int | float], ...]:
    """Return numbers that have the range of all given ones; of complex numbers two lists, for either part.

    One float among plain numbers makes all of them floats, as in `torch.tensor`.
    """
    if _is_tensor(values):
        parts = (values.real, values.imag) if values.is_complex() else (values,)
        return tuple(map(_sample, parts))
    numbers = list(_numbers(values))
    if any(isinstance(x, complex) for x in numbers):
        both = [complex(x) for x in numbers]
        return [x.real for x in both], [x.imag for x in both]
    real = [x for x in numbers if not isinstance(x, complex)]
    return ([float(x) for x in real] if any(isinstance(x, float) for x in real) else real,)


def style_of(numbers: Sequence[int | float], scientific: bool | None = None) -> Style:
    """Return the style that torch's printer (torch/_tensor_str.py) takes, unless `scientific` is set."""
    if not any(isinstance(x, float) for x in numbers):
        return "plain"
    finite = [x for x in numbers if math.isfinite(x)]
    sizes = [abs(x) for x in finite if x]
    if scientific is None and sizes:
        low, high = min(sizes), max(sizes)
        scientific = high / low > 1000.0 or high > 1.0e8 or low < 1.0e-4
    if scientific and sizes:
        return "scientific"
    return "whole" if all(float(x).is_integer() for x in finite) else "fixed"


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
    """Return a few numbers of a real tensor that have the range of all; none of a meta tensor.

    Of floats they are those farthest from zero and nearest to it on either side, and what is there of 0.0,
    -0.0, nan and the infinities: their texts are the longest.
    """
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
    sample: list[int | float] = []
    if not math.isfinite(high - low):
        tests = ((math.nan, values.isnan()), (math.inf, values.isposinf()), (-math.inf, values.isneginf()))
        sample += [x for x, there in tests if there.any()]
        values = values[values.isfinite()]
        if values.numel() == 0:
            return sample
        low, high = (x.item() for x in values.aminmax())
    zero = values == 0
    if zero.any():
        negative = values.signbit()
        sample += [x for x, sign in ((0.0, ~negative), (-0.0, negative)) if (zero & sign).any()]
    nearest = (values.where(values > 0, math.inf).min(), values.where(values < 0, -math.inf).max())
    sample += [x for x in (low, high, *(own.item() for own in nearest)) if x and math.isfinite(x)]
    # One row decides for most tensors; only tensors of whole numbers are read to the end.
    for part in (values[(0,) * (values.dim() - 1)], values):
        if (broken := part != part.ceil()).any():
            return [*sample, part[broken][0].item()]
    return sample


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
