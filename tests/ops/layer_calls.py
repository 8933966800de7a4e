"""Calls of the operations that layers are made of: windows, norms over a batch, recurrent steps."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor, nn

from tests.ops.drawing import Build, Draw, Sample, values

F = nn.functional


def _convolution(axes: int, *, turned: bool = False) -> Build:
    def build(draw: Draw) -> Sample:
        batch, groups = draw(st.sampled_from([(), (1,), (2,)])), draw(st.sampled_from([1, 1, 2]))
        x = values((*batch, 2, *(3,) * axes), 1)
        size = draw(st.sampled_from([1, 2]))
        weight = values((2, 2 // groups, *(size,) * axes), 2)
        function: Any = getattr(F, f"conv{'_transpose' * turned}{axes}d")
        words: dict[str, Any] = {"stride": draw(st.sampled_from([1, 2])), "groups": groups}
        words["dilation"] = draw(st.sampled_from([1, 2]))
        if turned and words["stride"] == 2:
            words["output_padding"] = draw(st.sampled_from([0, 1]))
        if draw(st.booleans()):
            return Sample(lambda a, w, b: function(a, w, b, **words), (x, weight, values((2,), 3)))
        words["padding"] = draw(st.sampled_from([0, 1]))
        return Sample(lambda a, w: function(a, w, **words), (x, weight))

    return build


def _pool(name: str, axes: int) -> Build:
    def build(draw: Draw) -> Sample:
        x = values((2, *(3,) * axes), draw(st.integers(1, 9)))
        x = x[None] if draw(st.booleans()) else x
        function: Any = getattr(F, f"{name}_pool{axes}d")
        if name.startswith("adaptive"):
            count = draw(st.integers(1, 4))  # of windows that part the axis, overlap, or are cells
            return Sample(lambda a: function(a, count), (x,))
        size, stride = draw(st.sampled_from([(2, None), (2, 1), (3, 1)]))
        padding = draw(st.sampled_from([0, 1]))
        words: dict[str, Any] = {"dilation": draw(st.sampled_from([1, 1, 2]))} if name == "max" else {}
        if size + words.get("dilation", 1) - 1 > 3 + padding:
            words = {}
        if name == "max":
            words["ceil_mode"] = draw(st.booleans())
        return Sample(lambda a: function(a, size, stride, padding, **words), (x,))

    return build


def _batch_norm(draw: Draw) -> Sample:
    x = values(draw(st.sampled_from([(3, 2), (2, 2, 3)])), 1)
    if draw(st.booleans()):
        mean, var = torch.zeros(2, dtype=x.dtype), torch.ones(2, dtype=x.dtype)
        return Sample(lambda a, w, b: F.batch_norm(a, mean, var, w, b), (x, values((2,), 2), values((2,), 3)))
    return Sample(lambda a: F.batch_norm(a, None, None, training=True), (x,))


def _group_norm(draw: Draw) -> Sample:
    x = values(draw(st.sampled_from([(2, 4), (1, 4, 2)])), 1)
    return Sample(lambda a, w: F.group_norm(a, 2, w), (x, values((4,), 2)))


_GATES = {"rnn_tanh": 1, "rnn_relu": 1, "gru": 3, "lstm": 4}


def _recurrent(kind: str) -> Build:
    def build(draw: Draw) -> Sample:
        first, form = draw(st.booleans()), draw(st.sampled_from(["plain", "both ways", "packed"]))
        both, sizes = form == "both ways", [2, 1] if form == "packed" else None
        x = values((1, 2, 2) if sizes is None else (3, 2), 1)
        state = values((1 + both, x.shape[1 - first] if sizes is None else 2, 1), 2)
        weights = []
        for place in range(1 + both):
            weights += [values((_GATES[kind], size), 3 + place + size) for size in (2, 1)]
            weights += [values((_GATES[kind],), place + seed) for seed in (6, 7)]
        states = (state, state * 2) if kind == "lstm" else (state,)
        function: Any = getattr(torch, kind)

        def layer(a: Tensor, *others: Tensor) -> Any:
            hx: Any = others[:2] if kind == "lstm" else others[0]
            terms = hx, list(others[len(states) :]), True, 1, 0.0, False, both
            return function(a, *terms, first) if sizes is None else function(a, torch.tensor(sizes), *terms)

        return Sample(layer, (x, *states, *weights))

    return build


def _cell(kind: str) -> Build:
    def build(draw: Draw) -> Sample:
        rows = draw(st.integers(1, 2))
        weights = [values((_GATES[kind], size), 3 + size) for size in (2, 1)]
        weights += [values((_GATES[kind],), seed) for seed in (6, 7)]
        states = [values((rows, 1), seed) for seed in range(8, 10 if kind == "lstm" else 9)]
        function: Any = getattr(torch, f"{kind}_cell")

        def cell(a: Tensor, *others: Tensor) -> Any:
            hx: Any = others[:2] if kind == "lstm" else others[0]
            return function(a, hx, *others[len(states) :])

        return Sample(cell, (values((rows, 2), 1), *states, *weights))

    return build


LAYER_CALLS: dict[str, Build] = {
    **{f"conv{axes}d": _convolution(axes) for axes in (1, 2, 3)},
    **{f"conv_transpose{axes}d": _convolution(axes, turned=True) for axes in (1, 2, 3)},
    **{
        f"{name}_pool{axes}d": _pool(name, axes)
        for name in ("max", "avg", "adaptive_max", "adaptive_avg")
        for axes in (1, 2, 3)
    },
    "batch_norm": _batch_norm,
    "group_norm": _group_norm,
    **{kind: _recurrent(kind) for kind in _GATES},
    **{f"{kind}_cell": _cell(kind) for kind in _GATES},
}
