"""Calls of the operations that are sums of products, over random shapes and ranks."""

from __future__ import annotations

import torch
from hypothesis import strategies as st
from torch import nn

from tests.ops.drawing import Build, Draw, Sample, broadcast, shapes, values

F = nn.functional


def _matmul(draw: Draw) -> Sample:
    n, k, m = (draw(st.integers(0, 3)) for _ in range(3))
    batch, other = draw(broadcast(2))
    x, y = values((*batch, n, k), 1), values((*other, k, m), 2)
    v, w = values((k,), 3), values((k,), 4)
    b = draw(st.integers(0, 2))
    return draw(
        st.sampled_from(
            [
                Sample(lambda a, b: a @ b, (x, y)),
                Sample(lambda a, b: torch.matmul(other=b, input=a), (x, y)),
                Sample(lambda a, b: a @ b, (x, v)),
                Sample(lambda a, b: a @ b, (v, y)),
                Sample(lambda a, b: a @ b, (v, w)),
                Sample(lambda a: a @ a, (v,)),
                Sample(lambda a: a @ a, (values((n, n), 5),)),
                Sample(torch.mm, (values((n, k), 5), values((k, m), 6))),
                Sample(torch.mv, (values((n, k), 5), v)),
                Sample(torch.bmm, (values((b, n, k), 5), values((b, k, m), 6))),
            ]
        )
    )


def _linear(draw: Draw) -> Sample:
    n, k = draw(st.integers(0, 3)), draw(st.integers(0, 3))
    x, weight, bias = values((*draw(shapes(0, 2)), k), 1), values((n, k), 2), values((n,), 3)
    return draw(
        st.sampled_from(
            [
                Sample(F.linear, (x, weight)),
                Sample(F.linear, (x, weight, bias)),
                Sample(lambda a, w, b: F.linear(bias=b, weight=w, input=a), (x, weight, bias)),
                Sample(F.linear, (x, values((k,), 4))),
            ]
        )
    )


EQUATIONS = [
    "ij,jk->ik",
    "ij,jk",
    "ij,kj->ik",
    "bij,bjk->bik",
    "ij->ji",
    "ii->i",
    "ii->",
    "ii,i->i",
    "ij,ij->",
    "i,j->ij",
    "i,i->i",
    "...ij,...jk->...ik",
    "...i,i->...",
    "bhqd,bhkd->bhqk",
    "ij,jk,kl->il",
    "ij->",
    "ba,b->ab",
    "iij->j",
    "i j, j -> i",
]


def _einsum(draw: Draw) -> Sample:
    equation = draw(st.sampled_from(EQUATIONS))
    sizes = {letter: draw(st.integers(0, 3)) for letter in sorted(set(equation)) if letter.isalpha()}
    dots = draw(shapes(0, 2))
    inputs = []
    for position, spec in enumerate(equation.split("->")[0].replace(" ", "").split(",")):
        before, found, after = spec.partition("...")
        shape = (*(sizes[x] for x in before), *(dots if found else ()), *(sizes[x] for x in after))
        inputs.append(values(shape, position))
    if draw(st.booleans()):
        return Sample(lambda *tensors: torch.einsum(equation, list(tensors)), tuple(inputs))
    return Sample(lambda *tensors: torch.einsum(equation, *tensors), tuple(inputs))


PRODUCTS: dict[str, Build] = {
    "matmul": _matmul,
    "linear": _linear,
    "einsum": _einsum,
    "dot": lambda draw: Sample(torch.dot, (values((n := draw(st.integers(0, 3)),), 1), values((n,), 2))),
    "outer": lambda draw: Sample(torch.outer, (values(draw(shapes(1, 1)), 1), values(draw(shapes(1, 1)), 2))),
}
