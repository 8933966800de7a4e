"""Convolutions and pools: each cell of the result is computed from a window of the input."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

from torch import Tensor

from llm_linalg.base.axes import Shape, ShapeMismatch
from llm_linalg.base.errors import MismatchedAxis
from llm_linalg.ops.composite import Composite
from llm_linalg.ops.fallback import FallbackOperation
from llm_linalg.ops.operation import Call, Operation, Work

_LONGEST = 2.0**40
_SLOW = 3  # a multiplication of a convolution takes as long as so many of a product of matrices


def _each(value: Any, axes: int) -> list[int]:
    """Return a number for each axis, from a number or a list."""
    if isinstance(value, list | tuple):
        return [int(item) for item in (value * axes if len(value) == 1 else value)]
    return [int(value)] * axes


def _sides(padding: Any, kernel: Sequence[int], dilation: Sequence[int]) -> list[tuple[int, int]]:
    """Return the padding before and after each axis."""
    if padding == "valid":
        return [(0, 0)] * len(kernel)
    if padding == "same":
        whole = [gap * (size - 1) for size, gap in zip(kernel, dilation, strict=True)]
        return [(own // 2, own - own // 2) for own in whole]
    return [(own, own) for own in _each(padding, len(kernel))]


def _lengths(
    shape: Shape,
    kernel: Sequence[int],
    stride: Sequence[int],
    sides: Sequence[tuple[int, int]],
    dilation: Sequence[int],
) -> list[int]:
    """Return how many windows there are along each axis."""
    found = []
    for size, width, step, (low, high), gap in zip(
        shape[-len(kernel) :], kernel, stride, sides, dilation, strict=True
    ):
        whole = size + low + high - gap * (width - 1) - 1
        found.append(max(whole // step + 1, 0))
    return found


class _Geometry:
    """The windows of a convolution's call."""

    def __init__(self, call: Call, axes: int) -> None:
        self.batch: Shape = call.shapes[0][: -axes - 1]
        weight = call.shapes[call.places["weight"][0]]
        self.kernel = list(weight[2:])
        self.stride, self.dilation = _each(call["stride"], axes), _each(call["dilation"], axes)
        self.sides = _sides(call["padding"], self.kernel, self.dilation)
        self.lengths = _lengths(call.shapes[0], self.kernel, self.stride, self.sides, self.dilation)
        self.channels, self.inputs = weight[0], weight[1]

    @property
    def cells(self) -> int:
        """The cells of the result."""
        return prod(self.batch) * self.channels * prod(self.lengths)


def _convolution_work(axes: int) -> Callable[[Call], Work]:
    """Return what says how much a convolution takes: its result's cells, or those of one item's windows."""

    def work(call: Call) -> Work:
        own = _Geometry(call, axes)
        around = prod(call.shapes[0][-axes - 1 : -axes]) * prod(
            size + low + high for size, (low, high) in zip(call.shapes[0][-axes:], own.sides, strict=True)
        )
        inner = own.inputs * prod(own.kernel)
        return Work(max(own.cells, inner * prod(own.lengths), prod(own.batch) * around), own.cells * inner)

    return work


def _unfolded(name: str, first: int, kernel: Sequence[int], stride: Sequence[int]) -> str:
    """Return the expression of a tensor's windows: an axis for each axis of theirs, at the end."""
    steps = [f".unfold({first}, {size}, {step})" for size, step in zip(kernel, stride, strict=True)]
    return name + "".join(steps)


def _padded(sides: Sequence[tuple[int, int]], value: str = "0.0") -> tuple[list[str], str]:
    """Return the line that pads the input, if one is needed, and what the result is called."""
    if not any(low or high for low, high in sides):
        return [], "input"
    flat = [number for pair in reversed(sides) for number in pair]
    return [f"padded = torch.nn.functional.pad(input, {tuple(flat)}, value={value})"], "padded"


def _convolution(axes: int) -> Callable[[Call], str]:
    """Return what writes a convolution as a program: windows, times the kernels."""

    def program(call: Call) -> str:
        own = _Geometry(call, axes)
        lines, name = _padded(own.sides)
        lines.append(f"windows = {_unfolded(name, -axes, own.kernel, own.stride)}")
        places, inner = "xyz"[:axes], "ijk"[:axes]
        batch = "n" if own.batch else ""
        spec = f"{batch}c{places}{inner},oc{inner}->{batch}o{places}"
        lines.append(f"products = torch.einsum('{spec}', windows, weight)")
        if call.place("bias") is not None:
            ones = ", 1" * axes
            lines.append(f"shifted = products + bias.view(-1{ones})")
        return "\n".join(lines)

    return program


def _is_plain_convolution(arguments: Mapping[str, Any]) -> bool:
    weight, values = arguments["weight"], arguments["input"]
    if not (isinstance(weight, Tensor) and isinstance(values, Tensor)):
        return False
    axes = weight.dim() - 2
    plain = arguments["groups"] == 1 and all(gap == 1 for gap in _each(arguments["dilation"], axes))
    return plain and axes > 0 and 0 <= values.dim() - axes - 1 <= 1 and weight.numel() > 0


def convolution_mismatch(call: Call) -> ShapeMismatch | None:
    """Return why a convolution was refused: its kernels take another number of channels."""
    values, weight = call.shapes[:2]
    axes = len(weight) - 2
    if len(values) not in (axes + 1, axes + 2):
        return ShapeMismatch(f"it takes (batch, channels, …) with {axes} axes after the channels", at=0)
    place = len(values) - axes - 1
    if values[place] == weight[1] * int(call["groups"]):
        return None
    return ShapeMismatch(
        "the kernels take as many channels as there are",
        MismatchedAxis(0, place, values[place]),
        MismatchedAxis(1, 1, weight[1]),
    )


def _pool_facts(call: Call, axes: int) -> tuple[list[int], list[int], list[tuple[int, int]]]:
    kernel = _each(call["kernel_size"], axes)
    given = call["stride"]
    stride = kernel if given is None or given == [] or given == () else _each(given, axes)
    return kernel, stride, [(own, own) for own in _each(call["padding"], axes)]


def _pool_work(axes: int) -> Callable[[Call], Work]:
    def work(call: Call) -> Work:
        kernel, stride, sides = _pool_facts(call, axes)
        lengths = _lengths(call.shapes[0], kernel, stride, sides, [1] * axes)
        cells = 2 * prod(call.shapes[0][:-axes]) * prod(length + 1 for length in lengths)
        return Work(cells, cells * prod(kernel))

    return work


def _pool(axes: int, reduced: str, edge: str) -> Callable[[Call], str]:
    """Return what writes a pool as a program: windows, each reduced to a number."""

    def program(call: Call) -> str:
        kernel, stride, sides = _pool_facts(call, axes)
        lines, name = _padded(sides, edge)
        lines.append(f"windows = {_unfolded(name, -axes, kernel, stride)}")
        dims = tuple(range(-axes, 0))
        return "\n".join([*lines, f"pooled = windows.{reduced}({dims})"])

    return program


def _is_plain_pool(arguments: Mapping[str, Any]) -> bool:
    odd = arguments["ceil_mode"] or arguments.get("return_indices") or arguments.get("divisor_override")
    gaps = arguments.get("dilation", 1)
    one = all(gap == 1 for gap in (gaps if isinstance(gaps, list | tuple) else (gaps,)))
    counted = arguments.get("count_include_pad", True) or arguments["padding"] in (0, (0,), (0, 0))
    return not odd and one and bool(counted) and isinstance(arguments["input"], Tensor)


def _whole_pool(axes: int, reduced: str) -> Callable[[Call], str]:
    dims = tuple(range(-axes, 0))
    return lambda _: f"pooled = input.{reduced}({dims}, keepdim=True)"


def _is_whole(arguments: Mapping[str, Any]) -> bool:
    sizes = arguments["output_size"]
    one = all(size == 1 for size in sizes) if isinstance(sizes, list | tuple) else sizes == 1
    return one and not arguments.get("return_indices") and isinstance(arguments["input"], Tensor)


def _adaptive_peak(axes: int) -> Callable[[Call], int]:
    def peak(call: Call) -> int:
        sizes = call["output_size"]
        sizes = list(sizes) if isinstance(sizes, list | tuple) else [sizes] * axes
        own = call.shapes[0][-axes:]
        wanted = [there if size is None else int(size) for size, there in zip(sizes, own, strict=True)]
        return 2 * prod(call.shapes[0][:-axes]) * prod(wanted) + prod(call.shapes[0])

    return peak


def _convolutions() -> list[Operation]:
    signature = "input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1"
    return [
        Composite(
            f"conv{axes}d",
            signature,
            write_program=_convolution(axes),
            covers=_is_plain_convolution,
            price=_convolution_work(axes),
            shapes_suffice=lambda _: True,
            autograd=True,
        )
        for axes in (1, 2, 3)
    ]


def _pools() -> list[Operation]:
    tail = {
        "max": "dilation=1, ceil_mode=False, return_indices=False",
        "avg": "ceil_mode=False, count_include_pad=True, divisor_override=None",
    }
    facts: dict[str, Any] = {"autograd": True, "shapes_suffice": lambda _: True}
    found: list[Operation] = []
    for kind, reduced, edge in (("max", "amax", "float('-inf')"), ("avg", "mean", "0.0")):
        for axes in (1, 2):
            outputs = (lambda call: 1 + bool(call["return_indices"])) if kind == "max" else None
            found += [
                Composite(
                    f"{kind}_pool{axes}d",
                    f"input, kernel_size, stride=None, padding=0, {tail[kind]}",
                    write_program=_pool(axes, reduced, edge),
                    covers=_is_plain_pool,
                    price=_pool_work(axes),
                    output_count_for_call=outputs,
                    **facts,
                ),
                Composite(
                    f"adaptive_{kind}_pool{axes}d",
                    f"input, output_size{', return_indices=False' if kind == 'max' else ''}",
                    write_program=_whole_pool(axes, reduced),
                    covers=_is_whole,
                    price=_adaptive_peak(axes),
                    output_count_for_call=outputs,
                    **facts,
                ),
            ]
    return found


def _folded(call: Call) -> int:
    """Return the cells of a fold: those of the images that it makes, and of the columns that it takes."""
    kernel, (height, width) = _each(call["kernel_size"], 2), _each(call["output_size"], 2)
    own = call.shapes[0]
    low, side = _each(call["padding"], 2), prod(own[:-1]) // max(prod(kernel), 1)
    return prod(own) + side * (max(height, 0) + 2 * abs(low[0])) * (max(width, 0) + 2 * abs(low[1]))


def _image_arguments(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a resize as they are. Raises TypeError for sides of which torch would write."""
    for name in ("size", "scale_factor"):
        given = arguments[name]
        sides = given if isinstance(given, list | tuple) else (given,)
        if not all(side is None or isinstance(side, int | float) for side in sides):
            raise TypeError(f"{name} is a number, or a number for each side")
    return arguments


def _resized(call: Call) -> int:
    """Return the cells of an image of another size, and of the one that it is made of."""
    shape = call.shapes[0]
    if len(shape) < 3:
        raise ShapeMismatch("an image has a batch, channels and then its own axes", at=0)
    own, size, scale = shape[2:], call["size"], call["scale_factor"]
    if size is not None:
        sizes = _each(size, len(own))
    else:
        scales = list(scale) if isinstance(scale, list | tuple) else [scale or 1] * len(own)
        wanted = [float(each) * side for each, side in zip(scales, own, strict=False)]
        if not all(0 <= each < _LONGEST for each in wanted):
            raise ShapeMismatch("the sides of an image are whole numbers from 1", at=0)
        sizes = [int(each) for each in wanted]
    return 2 * (prod(shape) + prod(shape[:2]) * prod(max(each, 0) for each in sizes))


def _transposed(axes: int) -> Callable[[Call], Work]:
    """Return what says how much a transposed convolution takes."""

    def work(call: Call) -> Work:
        weight = call.shapes[call.places["weight"][0]]
        stride, gap = _each(call["stride"], axes), _each(call["dilation"], axes)
        more, less = _each(call["output_padding"], axes), _each(call["padding"], axes)
        lengths = [
            (size - 1) * step - 2 * cut + d * (width - 1) + extra + 1
            for size, step, cut, d, width, extra in zip(
                call.shapes[0][-axes:], stride, less, gap, weight[2:], more, strict=True
            )
        ]
        columns = weight[1] * prod(weight[2:]) * prod(call.shapes[0][-axes:])
        channels = weight[1] * int(call["groups"])
        made: int = prod(call.shapes[0][: -axes - 1]) * channels * prod(lengths)
        return Work(max(made, columns), prod(call.shapes[0]) * prod(weight[1:]))

    return work


WINDOWS: tuple[Operation, ...] = (
    *_convolutions(),
    *_pools(),
    *(
        FallbackOperation(
            f"conv_transpose{axes}d",
            "input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1",
            price=_transposed(axes),
            autograd=True,
        )
        for axes in (1, 2)
    ),
    FallbackOperation(
        "col2im",
        "input, output_size, kernel_size, dilation=1, padding=0, stride=1",
        spellings=("torch.nn.functional.fold",),
        price=_folded,
        autograd=True,
    ),
    FallbackOperation(
        "interpolate",
        "input, size=None, scale_factor=None, mode='nearest', align_corners=None, "
        "recompute_scale_factor=None, antialias=False",
        canonical_arguments=_image_arguments,
        price=_resized,
        autograd=True,
    ),
)
