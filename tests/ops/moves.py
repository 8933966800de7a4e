"""Calls of the operations that move cells, over random shapes, layouts and arguments."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import pad

from tests.ops.drawing import Build, Draw, Sample, Shape, axis, shapes, values


def _laid_out(draw: Draw, low: int, smallest: int = 0) -> Tensor:
    """Draws a tensor of at least `low` axes, which may be laid out in memory in another order."""
    shape = draw(shapes(low, 3, smallest))
    if len(shape) > 1 and draw(st.booleans()):
        return values(tuple(reversed(shape)), 1).permute(*reversed(range(len(shape))))
    return values(shape, 1)


def _plain(call: Callable[[Tensor], Any], low: int = 0, smallest: int = 0) -> Build:
    return lambda draw: Sample(call, (_laid_out(draw, low, smallest),))


def _along(call: Callable[[Tensor, int], Any], smallest: int = 0) -> Build:
    """Returns what draws a call along an axis."""

    def build(draw: Draw) -> Sample:
        x = _laid_out(draw, 1, smallest)
        dim = axis(draw, tuple(x.shape))
        return Sample(lambda a: call(a, dim), (x,))

    return build


def _by(call: Callable[[Tensor, int], Any], numbers: range, low: int = 1) -> Build:
    """Returns what draws a call with a whole number."""

    def build(draw: Draw) -> Sample:
        number = draw(st.sampled_from(numbers))
        return Sample(lambda a: call(a, number), (_laid_out(draw, low),))

    return build


def _times(call: Callable[[Tensor, Shape], Any], fewest: int | None) -> Build:
    """Returns what draws a call with a number for each axis, or some of them."""

    def build(draw: Draw) -> Sample:
        x = _laid_out(draw, 1)
        times = draw(shapes(x.dim() if fewest is None else fewest, 3))
        return Sample(lambda a: call(a, times), (x,))

    return build


def _shaped(draw: Draw, shape: Shape) -> Shape:
    count = prod(shape)
    options = [(count,), (1, count), (count, 1), shape, tuple(reversed(shape))]
    return draw(st.sampled_from(options))


def _reshape(draw: Draw) -> Sample:
    x = _laid_out(draw, 1)
    to = _shaped(draw, tuple(x.shape))
    forms = [lambda a: a.reshape(to), lambda a: a.reshape(*to), lambda a: torch.reshape(a, to)]
    return Sample(draw(st.sampled_from(forms)), (x,))


def _view(draw: Draw) -> Sample:
    shape = draw(shapes(1))
    to = _shaped(draw, shape)
    return Sample(lambda x: x.view(*to), (values(shape, 1),))


def _permute(draw: Draw) -> Sample:
    x = _laid_out(draw, 1)
    dims = tuple(draw(st.permutations(range(x.dim()))))
    forms = [lambda a: a.permute(*dims), lambda a: torch.permute(a, dims=dims)]
    return Sample(draw(st.sampled_from(forms)), (x,))


def _two_axes(call: Callable[[Tensor, int, int], Any]) -> Build:
    def build(draw: Draw) -> Sample:
        x = _laid_out(draw, 1)
        one, other = axis(draw, tuple(x.shape)), axis(draw, tuple(x.shape))
        return Sample(lambda a: call(a, one, other), (x,))

    return build


def _expand(draw: Draw) -> Sample:
    shape = draw(shapes())
    to = (*draw(shapes(0, 1)), *(draw(st.integers(0, 3)) if size == 1 else size for size in shape))
    return Sample(lambda x: x.expand(to), (values(shape, 1),))


def _broadcast_to(draw: Draw) -> Sample:
    sample = _expand(draw)
    to = tuple(sample.function(*sample.inputs).shape)
    return Sample(lambda x: torch.broadcast_to(x, to), sample.inputs)


def _expand_as(draw: Draw) -> Sample:
    sample = _expand(draw)
    to = sample.function(*sample.inputs).clone()
    return Sample(lambda x, y: x.expand_as(y), (*sample.inputs, to))


def _cat(draw: Draw) -> Sample:
    shape = draw(shapes(1))
    dim = axis(draw, shape)
    sizes = draw(st.lists(st.integers(0, 3), min_size=1, max_size=3))
    whole = dim % len(shape)
    parts = [values((*shape[:whole], size, *shape[whole + 1 :]), size) for size in sizes]
    return Sample(lambda *tensors: torch.cat(tensors, dim), tuple(parts))


def _stack(draw: Draw) -> Sample:
    shape = draw(shapes(0, 2))
    dim = draw(st.integers(-len(shape) - 1, len(shape)))
    parts = [values(shape, place) for place in range(draw(st.integers(1, 3)))]
    return Sample(lambda *tensors: torch.stack(tensors, dim=dim), tuple(parts))


KEYS: list[Any] = [
    0,
    -1,
    slice(1, None),
    slice(None, None, 2),
    None,
    ...,
    (slice(None), 0),
    (..., 0),
    (None, 0),
    (0, ..., None),
    [0, 0],
    (slice(None), [0, 0]),
    (slice(None), (0, 0)),
    (slice(None), range(2)),
    True,
    (..., True),
    (0, False),
]


def _getitem(draw: Draw) -> Sample:
    x = values(draw(shapes(2, 3, 1)), 1)
    key = draw(st.sampled_from([*KEYS, "mask", "index"]))
    if key == "mask":
        return Sample(lambda a, m: a[m], (x, x > 0))
    if key == "index":
        return Sample(lambda a, i: a[i, 0], (x, torch.tensor([[0, -1]])))
    return Sample(lambda a: a[key], (x,))


def _setitem(draw: Draw) -> Sample:
    key = draw(st.sampled_from(KEYS))
    x = values(draw(shapes(2, 3, 1)), 1)

    def write(a: Tensor, b: Tensor | float) -> Tensor:
        a = a.clone()
        a[key] = b
        return a

    if draw(st.booleans()):
        return Sample(lambda a: write(a, 2.0), (x,))
    value = values(tuple(x[key].shape[-1:]), 2)
    return Sample(write, (x, value))


def _indexed(name: str) -> Build:
    def build(draw: Draw) -> Sample:
        shape = draw(shapes(1, 3, 1))
        dim = axis(draw, shape)
        x = values(shape, 1)
        index = torch.randint(shape[dim], shape, generator=torch.Generator().manual_seed(1))
        match name:
            case "scatter_add":
                src = values(shape, 2)
                return Sample(lambda a, i, b: a.scatter_add(dim, i, b), (x, index, src))
            case "scatter":
                src = values(shape, 2)
                several = torch.argsort(src, dim)  # each place once: which of two stays, torch leaves open
                forms = [
                    Sample(lambda a, i, b: a.scatter(dim, i, b), (x, several, src)),
                    Sample(lambda a, i: a.scatter(dim, i, 2.0), (x, index)),
                    Sample(lambda a, i: torch.scatter(a, dim, i, value=2.0), (x, index)),
                ]
                return draw(st.sampled_from(forms))
            case "gather":
                return Sample(lambda a, i: a.gather(dim, i), (x, index))
            case "take_along_dim":
                if len(shape) == 2 and draw(st.booleans()):  # broadcast along the other axis
                    index = index.narrow(1 - dim % 2, 0, 1).repeat_interleave(3, dim)
                return Sample(lambda a, i: torch.take_along_dim(a, i, dim), (x, index))
        return Sample(lambda a, i: torch.index_select(a, dim, i), (x, index.reshape(-1)[:2]))

    return build


def _squeeze(draw: Draw) -> Sample:
    return draw(st.sampled_from([_plain(torch.squeeze), _along(torch.squeeze)]))(draw)


def _diag(draw: Draw) -> Sample:
    diagonal = draw(st.integers(-3, 3))
    return Sample(lambda x: x.diag(diagonal), (values(draw(shapes(1, 2)), 1),))


def _on_end(function: Callable[..., Tensor]) -> Build:
    def build(draw: Draw) -> Sample:
        shape = draw(shapes(1))
        parts = [values(shape, place) for place in range(draw(st.integers(1, 3)))]
        return Sample(lambda *tensors: function(tensors), tuple(parts))

    return build


_INDEXED = ("index_select", "gather", "scatter", "scatter_add", "take_along_dim")
MOVES: dict[str, Build] = {
    "T": _plain(lambda x: x.T, 2),
    "mT": _plain(lambda x: x.mT, 2),
    "t": lambda draw: Sample(torch.t, (values(draw(shapes(0, 2)), 1),)),
    "transpose": _two_axes(torch.transpose),
    "movedim": _two_axes(torch.movedim),
    "permute": _permute,
    "reshape": _reshape,
    "view": _view,
    "flatten": _plain(lambda x: x.flatten()),
    "unflatten": _along(lambda x, d: torch.unflatten(x, d, (1, x.shape[d]))),
    "squeeze": _squeeze,
    "unsqueeze": _along(torch.unsqueeze),
    "expand": _expand,
    "expand_as": _expand_as,
    "broadcast_to": _broadcast_to,
    "repeat": _times(lambda x, n: x.repeat(n), None),
    "tile": _times(lambda x, n: x.tile(n), 1),
    "repeat_interleave": _along(lambda x, d: x.repeat_interleave(2, d)),
    "roll": _along(lambda x, d: x.roll(1, d)),
    "flip": _along(lambda x, d: x.flip(d)),
    "contiguous": _plain(lambda x: x.contiguous()),
    "clone": _plain(lambda x: x.clone()),
    "detach": _plain(lambda x: x.detach()),
    "split": _along(lambda x, d: torch.split(x, 2, dim=d)),
    "chunk": _along(lambda x, d: torch.chunk(x, 2, d)),
    "unbind": _along(lambda x, d: x.unbind(d), 1),
    "cat": _cat,
    "stack": _stack,
    "diag": _diag,
    "diag_embed": _by(torch.diag_embed, range(-2, 3)),
    "diagonal": _by(torch.diagonal, range(-3, 4), 2),
    "narrow": _along(lambda x, d: x.narrow(d, 0, x.shape[d] // 2)),
    "select": _along(lambda x, d: x.select(d, -1), 1),
    "getitem": _getitem,
    "setitem": _setitem,
    **{name: _indexed(name) for name in _INDEXED},
    "pad": _by(lambda x, n: pad(x, (n, 1), value=2.0), range(3)),
    "vstack": _on_end(torch.vstack),
    "hstack": _on_end(torch.hstack),
    "unfold": _plain(lambda x: x.unfold(0, 1, 2), 1, 1),
}
