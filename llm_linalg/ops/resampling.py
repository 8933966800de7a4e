"""Images and sequences in another size: each cell is one of the input's, or a mean of its neighbours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from llm_linalg.base.axes import Shape
from llm_linalg.ops.composite import Composite
from llm_linalg.ops.movement import Movement
from llm_linalg.ops.operation import Call, Operation, literal
from llm_linalg.ops.windows import adaptive_pool

_LINEAR = frozenset(["linear", "bilinear", "trilinear"])
_SIGNATURE = (
    "input, size=None, scale_factor=None, mode='nearest', align_corners=None, recompute_scale_factor=None, "
    "antialias=False"
)


def _each(call: Call, name: str) -> list[Any]:
    """Return an argument for each axis that changes its size."""
    given, axes = call[name], len(call.shapes[0]) - 2
    return list(given) if isinstance(given, list | tuple) else [given] * axes


def _shape(call: Call) -> Shape:
    own = call.shapes[0]
    if call["size"] is not None:
        return (*own[:2], *map(int, _each(call, "size")))
    return (*own[:2], *[int(a * b) for a, b in zip(own[2:], _each(call, "scale_factor"), strict=True)])


def _nearest(call: Call, tensors: Sequence[Tensor]) -> Tensor:
    """Return where each cell comes from: torch rounds places in the call's dtype, so the call is asked."""
    own, numbers = call.tensor("input"), tensors[0]
    dtype = torch.float64 if own.dtype == torch.float64 else torch.float32
    for axis, size in enumerate(own.shape[2:]):
        along = torch.arange(size, dtype=dtype).view(-1, *[1] * (own.dim() - 3 - axis))
        places = call.replay([along.expand(1, 1, *own.shape[2:])])
        numbers = numbers.index_select(
            axis + 2, places.transpose(-1, axis + 2)[(0,) * (own.dim() - 1)].long()
        )
    return numbers


NEAREST = Movement("interpolate", _SIGNATURE, rule=_shape, positions=_nearest)


def _scales(call: Call) -> list[float]:
    """Return for each axis how far apart in the input two neighbours of the result lie."""
    pairs = list(zip(call.shapes[0][2:], call.shape[2:], strict=True))
    if call["align_corners"]:
        return [(size - 1) / (count - 1) if count > 1 else 0.0 for size, count in pairs]
    if call["scale_factor"] is not None and not call["recompute_scale_factor"]:
        return [1 / factor for factor in _each(call, "scale_factor")]
    return [size / count for size, count in pairs]


def _neighbours(mode: str) -> dict[int, str]:
    """Return the neighbours of a place, and the share of each, given the distance t from the one below it.

    Two on a line; four on Keys's cubic with a = -0.75.
    """
    if mode in _LINEAR:
        return {0: "1 - t", 1: "t"}
    near = "(1.25 * {0} - 2.25) * {0} * {0} + 1"
    far = "((-0.75 * {0} + 3.75) * {0} - 6) * {0} + 3"
    return {place: (near if place in (0, 1) else far).format(own) for place, own in _DISTANCES.items()}


_DISTANCES = {-1: "(t + 1)", 0: "t", 1: "(1 - t)", 2: "(2 - t)"}


def _program(call: Call) -> str:
    """Return a resampling as a program: along each axis a product with a matrix of its neighbours' shares."""
    own, mode = call.tensor("input"), call["mode"]
    if mode == "area":
        return adaptive_pool(own.dim() - 2, "mean")(call)
    wide = "double" if own.dtype == torch.float64 else "float"
    narrow = own.dtype not in (torch.float32, torch.float64)
    lines, before = ["wide = input.float()"] if narrow else [], "xyz"[: own.dim() - 2]
    after, specs, weights = before, [before], ["wide" if narrow else "input"]
    sizes = zip(before, "ijk", own.shape[2:], call.shape[2:], _scales(call), strict=False)
    for axis, to, size, count, scale in sizes:
        if size == count and mode in _LINEAR:
            continue  # it is kept, whatever the scale is
        after, specs, weights = after.replace(axis, to), [*specs, to + axis], [*weights, f"along_{axis}"]
        half = "" if call["align_corners"] else " + 0.5"
        lines += [
            f"at = (torch.arange({count}).{wide}(){half}) * {literal(scale)}{half.replace('+', '-')}",
            *(["at = at.clamp(min=0)"] if mode in _LINEAR else []),
            "below = at.floor()",
            "t = (at - below).unsqueeze(-1)",
        ]
        neighbours = _neighbours(mode)
        for place, share in neighbours.items():
            own_place = "below" if place == 0 else f"(below {'+' if place > 0 else '-'} {abs(place)})"
            lines += [
                f"place = {own_place}.long().clamp(0, {size - 1})",
                f"share_{place + 1} = torch.nn.functional.one_hot(place, {size}) * ({share})",
            ]
        each = ", ".join(f"share_{place + 1}" for place in neighbours)
        lines += [
            f"shares = torch.stack([{each}]).sum(0)",
            f"along_{axis} = shares.masked_fill(shares == 0, 0.0)",
        ]
    lines.append(f"resampled = torch.einsum('nc{','.join(specs)}->nc{after}', {', '.join(weights)})")
    if narrow:
        lines.append(f"rounded = resampled.to({own.dtype})")
    return "\n".join(lines)


def _nearest_for(arguments: Mapping[str, Any]) -> Operation | None:
    return NEAREST if str(arguments["mode"]).startswith("nearest") else None


def _is_plain(arguments: Mapping[str, Any]) -> bool:
    own = arguments["input"]
    return (
        isinstance(own, Tensor) and own.is_floating_point() and not arguments["antialias"] and own.numel() > 0
    )


RESAMPLINGS: tuple[Operation, ...] = (
    Composite(
        "interpolate",
        _SIGNATURE,
        rule=_shape,
        write_program=_program,
        covers=_is_plain,
        other_for=_nearest_for,
    ),
)
