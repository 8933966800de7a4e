"""VJPs of movements: the gradient of each cell goes back to where the cell came from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod

from torch import Tensor

from llm_linalg.base.axes import Shape
from llm_linalg.ops.operation import Call

VJP = Mapping[str, str]


def scatter_vjp(shape: Shape) -> str:
    """Return the VJP of any movement for an operand of a shape: gradients from copies of a cell are added.

    `{source}` counts the operand's cells from 1; place 0 takes what came from nowhere, and is cut off.
    """
    cells = (
        f"torch.zeros({prod(shape) + 1}).type_as({{d}}).scatter_add(0, {{source}}.flatten(), {{d}}.flatten())"
    )
    return f"{cells}[1:].reshape{shape_text(shape)}"


def shape_text(shape: Sequence[int]) -> str:
    """Return a shape as an argument list."""
    return f"({shape[0]},)" if len(shape) == 1 else f"({', '.join(map(str, shape))})" if shape else "(())"


def reshape_vjp(call: Call) -> VJP:
    """Return the VJP of a reshape: the cotangent in the shape of the operand."""
    return {"input": f"{{d}}.reshape{shape_text(call.shapes[0])}"}


def permute_vjp(call: Call) -> VJP:
    """Return the VJP of a permute: the inverse permutation."""
    dims = [int(dim) % max(len(call.shapes[0]), 1) for dim in call["dims"]]
    inverse = ", ".join(str(dims.index(axis)) for axis in range(len(dims)))
    return {"input": f"{{d}}.permute({inverse or '()'})"}


def transpose_all_vjp(call: Call) -> VJP:
    """Return the VJP of `T`, which reverses all axes: the same again."""
    rank = len(call.shapes[0])
    if rank < 2:
        return {"input": "{d}"}  # a vector is its own transpose
    reverse = ", ".join(str(axis) for axis in reversed(range(rank)))
    return {"input": "{d}.T" if rank == 2 else f"{{d}}.permute({reverse})"}


def transpose_vjp(call: Call) -> VJP:
    """Return the VJP of a transpose of two axes: the same again."""
    return {"input": f"{{d}}.transpose({int(call['dim0'])}, {int(call['dim1'])})"}


def cat_vjp(call: Call) -> VJP:
    """Return the VJP of a cat: each operand takes its own part of the cotangent."""
    if any(shape == (0,) for shape in call.shapes):
        return {}
    dim = call.dim()
    start, cotangents = 0, {}
    for place, shape in enumerate(call.shapes):
        cotangents[f"tensors_{place}"] = f"{{d}}.narrow({dim}, {start}, {shape[dim]})"
        start += shape[dim]
    return cotangents


def stack_vjp(call: Call) -> VJP:
    """Return the VJP of a stack: each operand takes its own slice."""
    dim = call.dim(rank=len(call.shape))
    return {f"tensors_{place}": f"{{d}}.select({dim}, {place})" for place in range(len(call.tensors))}


def diag_vjp(call: Call) -> VJP:
    """Return the VJP of a diag: another diag, if it has the shape of the operand."""
    own, diagonal = call.shapes[0], int(call["diagonal"])
    fits = len(own) == 1 or (own[0] == own[1] and abs(diagonal) <= own[0])
    return {"input": "torch.diag({d}, {diagonal})"} if fits else {}


def joint_vjp_by(function: str) -> Callable[[Call], str]:
    """Return the joint VJP of a split: `function` (cat or stack) joins the cotangents."""

    def joined(call: Call) -> str:
        return f"torch.{function}([{{all}}], dim={call.dim()})"

    return joined


def getitem_vjp(call: Call) -> VJP:
    """Return the VJP of `x[key]`: zeros, with the cotangent at the key."""
    key = key_text(call["key"])
    placed = f"{{to}} = torch.zeros_like({{input}})\n{{to}}[{key}] = {{d}}\n{{to}}"
    return {} if key is None else {"input": placed}


def setitem_vjp(call: Call) -> VJP:
    """Return the VJPs of `x[key] = value`: 0 for what was overwritten, the key's part for the value.

    A key that has no text is left to autograd: of a cell that it names twice each value takes part there.
    """
    given, places = call["key"], {name: call.place(name) for name in ("input", "value")}
    moved = {name: scatter_vjp(call.shapes[place]) for name, place in places.items() if place is not None}
    if 0 in call.tensor("input").stride():  # a write there may change several cells
        return moved
    key = "{key}" if isinstance(given, Tensor) else key_text(given)
    if isinstance(given, list) and all(type(item) is int for item in given):
        key = str(given)
    if key is None:
        return {"input": moved["input"]}
    return {"input": f"{{to}} = {{d}}.clone()\n{{to}}[{key}] = 0\n{{to}}", "value": f"{{d}}[{key}]"}


def index_copy_vjp(call: Call) -> VJP:
    """Return the VJPs of an index_copy as autograd has them: a slice that was replaced takes part, too."""
    if len(call.shapes[0]) == 0 or len(call.shapes[0]) != len(call.tensor("source").shape):
        return {}
    place = "{dim}, {index}"
    return {"input": f"{{d}}.index_fill({place}, 0)", "source": f"{{d}}.index_select({place})"}


def scatter_call_vjp(call: Call) -> VJP:
    """Return the VJPs of a scatter as autograd has them: a cell that was replaced takes part, too."""
    source = call["src"]
    if not isinstance(source, Tensor) or call["reduce"] is not None:
        return {}
    if source.shape != call.tensor("index").shape:
        return {}
    place = "{dim}, {index}"
    return {"input": f"{{d}}.scatter({place}, 0)", "src": f"{{d}}.gather({place})"}


def embedding_vjp(call: Call) -> VJP:
    """Return the VJP of an embedding: the transposed one-hot rows times the cotangent."""
    tokens = call.tensor("input")
    if call["padding_idx"] is not None or call["max_norm"] is not None or call["scale_grad_by_freq"]:
        return {}
    rows, right, left = call.shapes[1][0], "{d}", "{input}"
    if tokens.dim() > 1:
        left, right = "{input}.flatten()", "{d}.flatten(0, -2)"
    hot = f"hot = torch.nn.functional.one_hot({left}, {rows}).type_as({{d}})"
    return {"weight": f"{hot}\n" + (f"hot.T @ {right}" if tokens.dim() else "torch.outer(hot, {d})")}


def key_text(key: object) -> str | None:
    """Return the source text of a key of integers, slices, None and `...`; None for any other."""
    items = key if isinstance(key, tuple) else (key,)
    texts = [_item_text(item) for item in items]
    return None if None in texts else ", ".join(text for text in texts if text is not None) or None


def _item_text(item: object) -> str | None:
    if item is None or item is Ellipsis:
        return "None" if item is None else "..."
    if isinstance(item, slice):
        ends = [item.start, item.stop, item.step]
        if not all(end is None or type(end) is int for end in ends):
            return None
        text = ":".join("" if end is None else str(end) for end in ends)
        return text.removesuffix(":") if item.step is None else text
    return str(item) if type(item) is int else None
