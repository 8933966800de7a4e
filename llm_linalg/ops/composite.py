"""Composites: single calls, often fused by torch, that equal a small program of simpler ones.

Tests compare the program with torch. The reads of a composite are composed from those of its parts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise, zip_longest
from math import prod
from typing import Any

from torch import Tensor

from llm_linalg.base.axes import Shape
from llm_linalg.ops.fallback import fallback
from llm_linalg.ops.operation import Call, Operation, Price, broadcast_price, literal


@dataclass(frozen=True, eq=False)
class Composite(Operation):
    """A call with its program.

    Attributes:
        write_program: Returns the program of a call, over its parameters' names; it binds the result last.
        covers: Says of a call's arguments whether the program describes them; if not, the call is measured.
    """

    write_program: Callable[[Call], str] = field(kw_only=True)
    covers: Callable[[Mapping[str, Any]], bool] = lambda _: True
    kind: str = "composite"

    def own_price(self, call: Call, shape: Shape | None) -> Price:
        return broadcast_price(call, shape)

    def overload_for(self, arguments: Mapping[str, Any]) -> Operation:
        other = super().overload_for(arguments)
        is_mine = other is self and not self.covers(arguments)
        return fallback(self.name, self.signature, self.multiplications_for_call) if is_mine else other

    def program_for(self, call: Call) -> str:
        return self.write_program(call)


def attention(call: Call) -> str:
    """Return softmax(Q Kᵀ/√d + mask) V as a program; a fully masked row gives 0, as in torch."""
    width, length, seen = call.shapes[0][-1], call.shapes[0][-2], call.shapes[1][-2]
    scale = (
        call["scale"] if call["scale"] is not None else max(width, 1) ** -0.5
    )  # without features all scores are 0
    lines, key, value = [], "key", "value"
    if call["enable_gqa"] and call.shapes[0][-3] != call.shapes[1][-3]:  # several heads of queries share keys
        shared = call.shapes[0][-3] // call.shapes[1][-3]
        key, value = "keys", "values"
        lines += [f"{own}s = {own}.repeat_interleave({shared}, dim=-3)" for own in ("key", "value")]
    lines += [f"scores = query @ {key}.transpose(-2, -1)", f"scaled = scores * {literal(scale)}"]
    weights = "weights = torch.softmax({}, dim=-1)"
    mask = call["attn_mask"]
    if call["is_causal"]:
        lines.append(f"future = torch.ones({length}, {seen}).tril() == 0")
        lines.append("masked = scaled.masked_fill(future, float('-inf'))")
    elif isinstance(mask, Tensor) and not mask.dtype.is_floating_point:
        lines.append("masked = scaled.masked_fill(attn_mask.logical_not(), float('-inf'))")
    elif isinstance(mask, Tensor):
        lines.append("masked = scaled + attn_mask")
    lines.append(weights.format(lines[-1].split(" = ")[0]))
    if isinstance(mask, Tensor):
        lines.append("shares = weights.masked_fill(weights.isnan(), 0.0)")
    lines.append(f"attention = {lines[-1].split(' = ')[0]} @ {value}")
    return "\n".join(lines)


def _plain_attention(arguments: Mapping[str, Any]) -> bool:
    both = arguments["is_causal"] and arguments["attn_mask"] is not None
    return not arguments["dropout_p"] and not both


def _attention_multiplications(call: Call) -> int:
    """Return what attention multiplies, with dropout as without: two products, a scale and a division."""
    *rows, features = call.shape
    return prod(rows) * call.shapes[1][-2] * (call.shapes[0][-1] + features + 2)


def _gate(call: Call) -> str:
    """Return a gated linear unit as a program: one half, times the sigmoid of the other."""
    halves = f"first, second = torch.chunk(input, 2, dim={literal(call['dim'])})"
    return f"{halves}\ngated = first * second.sigmoid()"


def _leaky(call: Call) -> str:
    """Return a rectifier with a slope below 0 for each channel as a program."""
    rank, slope = len(call.shapes[0]), "weight"
    lines = []
    if call.tensor("weight").numel() > 1:
        lines, slope = [f"slope = weight.view({(-1, *[1] * (rank - 2))})"], "slope"
    return "\n".join(
        [*lines, f"leaked = input * {slope}", "rectified = torch.where(input > 0, input, leaked)"]
    )


def _grouped_shape(call: Call) -> Shape:
    """Return the shape of a grouped product: of two matrices it has one for each group."""
    first, second = call.shapes[:2]
    inner = call.tensor("offs").shape if len(first) == len(second) == 2 else first[:-2] and second[:-2]
    return (*inner, first[-2], second[-1])


def _grouped_price(call: Call) -> Price:
    shape = _grouped_shape(call)
    return Price(max(prod(shape), *map(prod, call.shapes)), prod(shape) * call.shapes[0][-1])


def _grouped(call: Call) -> str:
    """Return a product by groups as a program: what lies between two ends goes with a matrix of its own."""
    one, other = (len(shape) for shape in call.shapes[:2])
    if one == other == 3:
        return "products = mat_a @ mat_b"
    ends = [0, *map(int, call.tensor("offs"))]
    groups = list(enumerate(f"{low}:{high}" for low, high in pairwise(ends)))
    if one == 2 and other == 3:
        each, joined = [f"mat_a[{rows}] @ mat_b[{group}]" for group, rows in groups], "cat([{}], 0)"
    elif one == 3:
        each, joined = [f"mat_a[{group}] @ mat_b[:, {columns}]" for group, columns in groups], "cat([{}], 1)"
    else:
        each, joined = [f"mat_a[:, {terms}] @ mat_b[{terms}]" for _, terms in groups], "stack([{}])"
    return f"products = torch.{joined.format(', '.join(each))}"


def _is_parted(arguments: Mapping[str, Any]) -> bool:
    """Return whether the groups of a grouped product are all of its rows, columns or terms."""
    offs, first, second = (arguments[name] for name in ("offs", "mat_a", "mat_b"))
    if arguments["bias"] is not None or arguments["out_dtype"] is not None:
        return False
    if not isinstance(offs, Tensor):
        return bool(first.dim() == second.dim() == 3)
    parted = second.shape[-1] if first.dim() == 3 else first.shape[0 if second.dim() == 3 else 1]
    return offs.numel() > 0 and int(offs.reshape(-1)[-1]) == parted


def _cosines(call: Call) -> str:
    """Return the cosines of the angles between vectors as a program."""
    dim = _common_dim(call.arguments)
    lengths = [f"lengths_{n} = torch.linalg.vector_norm(x{n}, dim={dim}, keepdim=True)" for n in (1, 2)]
    directions = [f"directions_{n} = x{n} / lengths_{n}" for n in (1, 2)]
    return "\n".join([*lengths, *directions, f"cosines = (directions_1 * directions_2).sum({dim})"])


def _common_dim(arguments: Mapping[str, Any]) -> int:
    """Return the axis of two tensors' vectors, from the right: those on its left may be of one alone."""
    dim = int(arguments["dim"])
    return dim if dim < 0 else dim - max(arguments[name].dim() for name in ("x1", "x2"))


def _have_directions(arguments: Mapping[str, Any]) -> bool:
    """Return whether all vectors are of one size, and none is so short that torch divides it by `eps`."""
    operands, eps = [arguments[name] for name in ("x1", "x2")], arguments["eps"]
    if not all(isinstance(own, Tensor) and own.is_floating_point() for own in operands):
        return False
    dim = _common_dim(arguments)
    if any(not 0 < -dim <= own.dim() for own in operands) or operands[0].shape[dim] != operands[1].shape[dim]:
        return False
    return all(bool((own.norm(dim=dim) > eps).all()) for own in operands)


def _block_sizes(call: Call) -> list[tuple[int, int]]:
    """Return the sizes of two tensors by axis, filled up with 1 from the left."""
    sizes = zip_longest(*map(reversed, call.shapes), fillvalue=1)
    return [(one, other) for one, other in sizes][::-1]


def _blocks(call: Call) -> str:
    """Return a Kronecker product as a program: a copy of the second tensor for each number of the first."""
    sizes = _block_sizes(call)
    spread = [size for own, _ in sizes for size in (own, 1)]
    copied = [size for _, own in sizes for size in (1, own)]
    shape = [one * other for one, other in sizes]
    return f"blocks = input.reshape({spread}) * other.reshape({copied})\nproduct = blocks.reshape({shape})"


def _summed_to_size(call: Call) -> str:
    """Return a sum over the axes that broadcasting had added or stretched as a program."""
    size, wanted = call.shapes[0], tuple(map(int, call["size"]))
    new = len(size) - len(wanted)
    dims = [axis for axis, own in enumerate(size) if axis < new or own != wanted[axis - new]]
    return f"sums = input.sum({dims}, keepdim=True)\nsummed = sums.reshape({list(wanted)})"


COMPOSITES: tuple[Operation, ...] = (
    Composite(
        "cosine_similarity",
        "x1, x2, dim=1, eps=1e-08",
        write_program=_cosines,
        covers=_have_directions,
        depends_on_cells=True,
    ),
    Composite("trace", "input", write_program=lambda _: "numbers = input.diagonal()\ntrace = numbers.sum()"),
    Composite(
        "kron",
        "input, other, *, out=None",
        write_program=_blocks,
        rule=lambda call: tuple(one * other for one, other in _block_sizes(call)),
        price_for_call=lambda call: Price(prod(map(prod, call.shapes))),
    ),
    Composite(
        "glu",
        "input, dim=-1",
        write_program=_gate,
        covers=lambda arguments: isinstance(arguments["input"], Tensor),
    ),
    Composite(
        "grouped_mm",
        "mat_a, mat_b, offs=None, bias=None, out_dtype=None",
        spellings=("torch._grouped_mm",),
        write_program=_grouped,
        covers=_is_parted,
        rule=_grouped_shape,
        price_for_call=_grouped_price,
        depends_on_cells=True,
    ),
    Composite("prelu", "input, weight", write_program=_leaky),
    Composite(
        "sum_to_size",
        "input, *size",
        write_program=_summed_to_size,
        covers=lambda arguments: arguments["input"].shape != tuple(arguments["size"]),
        rule=lambda call: tuple(map(int, call["size"])),
    ),
    Composite(
        "scaled_dot_product_attention",
        "query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False",
        spellings=("torch.nn.functional.scaled_dot_product_attention",),
        write_program=attention,
        in_float32=True,
        covers=_plain_attention,
        multiplications_for_call=_attention_multiplications,
    ),
)
