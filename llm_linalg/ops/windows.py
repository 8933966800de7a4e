"""Convolutions and pools: each cell of the result is computed from a window of the input."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

from torch import Tensor

from llm_linalg.base.axes import Shape, ShapeMismatch
from llm_linalg.base.errors import MismatchedAxis
from llm_linalg.ops.composite import Composite
from llm_linalg.ops.movement import Movement
from llm_linalg.ops.operation import Call, Operation, Price


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


def _window_counts(call: Call, kernel: Sequence[int]) -> list[int]:
    """Return how many windows of a size there are along each axis."""
    axes = len(kernel)
    stride, dilation = _each(call["stride"], axes), _each(call["dilation"], axes)
    sides = _sides(call["padding"], kernel, dilation)
    facts = zip(call.shapes[0][-axes:], kernel, stride, sides, dilation, strict=True)
    return [
        max((size + sum(side) - gap * (width - 1) - 1) // step + 1, 0)
        for size, width, step, side, gap in facts
    ]


def _convolution_shape(call: Call) -> Shape:
    maps, _, *kernel = call.tensor("weight").shape
    return (*call.shapes[0][: -len(kernel) - 1], maps, *_window_counts(call, kernel))


def _convolution_price(call: Call) -> Price:
    """Return what a convolution takes: its result's cells, or those of one item's windows."""
    shape, inner = _convolution_shape(call), prod(call.tensor("weight").shape[1:])
    windows = prod(shape[2 - call.tensor("weight").dim() :])
    return Price(max(prod(shape), inner * windows), prod(shape) * inner)


def _windows(call: Call, kernel: Sequence[int], edge: str = "0.0") -> list[str]:
    """Return the lines that pad the input, and lay out its windows: with their axes at the end."""
    axes = len(kernel)
    dilation = _each(call.arguments.get("dilation", 1), axes)
    sides, stride = _sides(call["padding"], kernel, dilation), _each(call["stride"] or kernel, axes)
    if call.arguments.get("ceil_mode"):  # the last windows may reach beyond the edge
        facts = zip(call.shapes[0][-axes:], call.shape[-axes:], kernel, dilation, stride, sides, strict=True)
        sides = [
            (before, max(after, (count - 1) * step + gap * (width - 1) + 1 - size - before))
            for size, count, width, gap, step, (before, after) in facts
        ]
    return _laid_out("input", kernel, sides, stride, dilation, edge)


def _laid_out(
    name: str,
    kernel: Sequence[int],
    sides: Sequence[tuple[int, int]],
    stride: Sequence[int],
    dilation: Sequence[int],
    edge: str = "0.0",
) -> list[str]:
    """Return the lines that pad a tensor, and lay out its windows; with gaps between the cells of each."""
    axes, lines = len(kernel), []
    flat = [number for pair in reversed(sides) for number in pair]
    if any(flat):
        lines, name = [f"padded = torch.nn.functional.pad({name}, {tuple(flat)}, value={edge})"], "padded"
    spans = [gap * (size - 1) + 1 for size, gap in zip(kernel, dilation, strict=True)]
    steps = [f".unfold({-axes}, {span}, {step})" for span, step in zip(spans, stride, strict=True)]
    lines.append(f"windows = {name}{''.join(steps)}")
    if any(gap > 1 for gap in dilation):
        lines[-1] += f"[..., {', '.join(f'::{gap}' for gap in dilation)}]"
    return lines


def _products(call: Call, axes: int, weight: str, kernels: str) -> list[str]:
    """Return the lines that multiply windows by kernels, whose axes `kernels` names, and add the bias."""
    places, inner, groups = "xyz"[:axes], "ijk"[:axes], int(call["groups"])
    batch = "n" if len(call.shapes[0]) > axes + 1 else ""
    group, windows = ("g", "windows") if groups > 1 else ("", "windows")
    lines = []
    if groups > 1:
        lines = [
            f"grouped = windows.unflatten({len(batch)}, ({groups}, -1))",
            f"kernels = {weight}.unflatten(0, ({groups}, -1))",
        ]
        windows, weight = "grouped", "kernels"
    spec = f"{batch}{group}c{places}{inner},{group}{kernels}{inner}->{batch}{group}o{places}"
    lines.append(f"products = torch.einsum('{spec}', {windows}, {weight})")
    if groups > 1:
        lines.append(f"joined = products.flatten({len(batch)}, {len(batch) + 1})")
    if call.place("bias") is not None:
        lines.append(f"shifted = {lines[-1].split(' = ')[0]} + bias.view(-1{', 1' * axes})")
    return lines


def _convolution(call: Call) -> str:
    """Return a convolution as a program: windows, times the kernels."""
    kernel = call.tensor("weight").shape[2:]
    lines = [*_windows(call, kernel), *_products(call, len(kernel), "weight", "oc")]
    return "\n".join(lines)


def _transposed(call: Call) -> str:
    """Return a transposed convolution as a program: cells with zeros between them, times turned kernels."""
    kernel = call.tensor("weight").shape[2:]
    axes = len(kernel)
    stride, dilation = _each(call["stride"], axes), _each(call["dilation"], axes)
    padding, more = _each(call["padding"], axes), _each(call["output_padding"], axes)
    lines, name = [], "input"
    if any(step > 1 for step in stride):
        given = zip(call.shapes[0][-axes:], stride, strict=True)
        sizes = [max((size - 1) * step + 1, 0) for size, step in given]
        every = ", ".join(f"::{step}" for step in stride)
        lines = [
            f"apart = input.new_zeros({(*call.shapes[0][:-axes], *sizes)})",
            f"apart[..., {every}] = input",
        ]
        name = "apart"
    reach = [gap * (size - 1) - own for size, gap, own in zip(kernel, dilation, padding, strict=True)]
    sides = [(own, own + after) for own, after in zip(reach, more, strict=True)]
    lines += _laid_out(name, kernel, sides, [1] * axes, dilation)
    lines.append(f"turned = weight.flip({tuple(range(-axes, 0))})")
    return "\n".join([*lines, *_products(call, axes, "turned", "co")])


def _transposed_shape(call: Call) -> Shape:
    _, maps, *kernel = call.tensor("weight").shape
    axes = len(kernel)
    terms = ("stride", "padding", "dilation", "output_padding")
    facts = zip(call.shapes[0][-axes:], kernel, *[_each(call[term], axes) for term in terms], strict=True)
    sizes = [
        max((size - 1) * step - 2 * side + gap * (width - 1) + more + 1, 0)
        for size, width, step, side, gap, more in facts
    ]
    return (*call.shapes[0][: -axes - 1], maps * int(call["groups"]), *sizes)


def _transposed_price(call: Call) -> Price:
    """Return what a transposed convolution takes: its result's cells, or those of its windows."""
    products = _transposed_multiplications(call)
    return Price(max(prod(_transposed_shape(call)), products), products)


def _transposed_multiplications(call: Call) -> int:
    """Return the products of a transposed convolution: of each cell of the input with all of its kernels.

    As torch's own counter of operations has it: without the zeros that its program sets between the cells,
    and with the products that padding cuts off.
    """
    return prod(call.shapes[0]) * prod(call.tensor("weight").shape[1:])


def _is_plain_convolution(arguments: Mapping[str, Any]) -> bool:
    weight, values = arguments["weight"], arguments["input"]
    if not (isinstance(weight, Tensor) and isinstance(values, Tensor)):
        return False
    axes = weight.dim() - 2
    return axes > 0 and weight.numel() > 0


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


def _pool(axes: int, reduced: str, edge: str) -> Callable[[Call], str]:
    """Return what writes a pool as a program: windows, each reduced to a number."""

    def program(call: Call) -> str:
        lines = _windows(call, _each(call["kernel_size"], axes), edge)
        return "\n".join([*lines, f"pooled = windows.{reduced}({tuple(range(-axes, 0))})"])

    return program


def _is_plain_pool(arguments: Mapping[str, Any]) -> bool:
    odd = arguments.get("return_indices") or arguments.get("divisor_override")
    # A mean counts the cells of a window: not those beyond the edge, and those of the padding if asked to.
    counts = arguments.get("count_include_pad", True) or not any(_each(arguments["padding"], 1))
    same = counts and not (arguments["ceil_mode"] and "count_include_pad" in arguments)
    return not odd and bool(same) and isinstance(arguments["input"], Tensor)


def adaptive_pool(axes: int, reduced: str) -> Callable[[Call], str]:
    """Return what writes a pool to a given size as a program, one axis after the other."""

    def program(call: Call) -> str:
        lines, name = [], "input"
        for axis, (size, count) in enumerate(zip(call.shapes[0][-axes:], call.shape[-axes:], strict=True)):
            dim, made = axis - axes, f"pooled{axis}"
            if count and size % count:  # windows of two lengths, which may overlap
                ends = [(place * size // count, -(-(place + 1) * size // count)) for place in range(count)]
                parts = [
                    f"{name}.narrow({dim}, {low}, {high - low}).{reduced}({dim}, True)" for low, high in ends
                ]
                lines.append(f"{made} = torch.cat([{', '.join(parts)}], {dim})")
            else:
                apart = f"{name}.unflatten({dim}, ({count}, {size // max(count, 1)}))"
                lines.append(f"{made} = {apart}.{reduced}({dim})")
            name = made
        return "\n".join(lines)

    return program


def _adaptive_shape(axes: int) -> Callable[[Call], Shape]:
    def shape(call: Call) -> Shape:
        given, own = call["output_size"], call.shapes[0]
        sizes = given if isinstance(given, list | tuple) else (given,) * axes
        kept = zip(sizes, own[-axes:], strict=True)
        return (*own[:-axes], *[before if size is None else int(size) for size, before in kept])

    return shape


def _gives_no_places(arguments: Mapping[str, Any]) -> bool:
    return not arguments.get("return_indices") and isinstance(arguments["input"], Tensor)


def _pools() -> list[Operation]:
    tail = {
        "max": "dilation=1, ceil_mode=False, return_indices=False",
        "avg": "ceil_mode=False, count_include_pad=True, divisor_override=None",
    }
    pools: list[Operation] = []
    for kind, reduced, edge in (("max", "amax", "float('-inf')"), ("avg", "mean", "0.0")):
        for axes in (1, 2, 3):
            pools += [
                Composite(
                    f"{kind}_pool{axes}d",
                    f"input, kernel_size, stride=None, padding=0, {tail[kind]}",
                    write_program=_pool(axes, reduced, edge),
                    covers=_is_plain_pool,
                ),
                Composite(
                    f"adaptive_{kind}_pool{axes}d",
                    f"input, output_size{', return_indices=False' if kind == 'max' else ''}",
                    write_program=adaptive_pool(axes, reduced),
                    covers=_gives_no_places,
                    rule=_adaptive_shape(axes),
                ),
            ]
    return pools


def _columns_shape(call: Call) -> Shape:
    """Return the shape of the windows of images: each is a column."""
    kernel = _each(call["kernel_size"], 2)
    *batch, channels = call.shapes[0][:-2]
    return (*batch, channels * prod(kernel), prod(_window_counts(call, kernel)))


WINDOWS: tuple[Operation, ...] = (
    *(
        Composite(
            f"conv{axes}d",
            "input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1",
            write_program=_convolution,
            covers=_is_plain_convolution,
            rule=_convolution_shape,
            price_for_call=_convolution_price,
        )
        for axes in (1, 2, 3)
    ),
    *(
        Composite(
            f"conv_transpose{axes}d",
            "input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1",
            write_program=_transposed,
            covers=_is_plain_convolution,
            rule=_transposed_shape,
            price_for_call=_transposed_price,
            multiplications_for_call=_transposed_multiplications,
        )
        for axes in (1, 2, 3)
    ),
    *_pools(),
    Movement(  # before `unfold` of `movement`, which has torch's name for both
        "im2col",
        "input, kernel_size, dilation=1, padding=0, stride=1",
        spellings=("torch.nn.functional.unfold",),
        rule=_columns_shape,
    ),
)
