"""A call of every operation in the table, over random shapes and arguments.

`BUILDERS` has one for each; a test fails if an operation has none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor, nn

from llm_linalg.ops import randomness
from tests.ops.composites import COMPOSITES
from tests.ops.drawing import Build, Draw, Sample, axis, broadcast, shapes, values
from tests.ops.layer_calls import LAYER_CALLS
from tests.ops.moves import MOVES
from tests.ops.products import PRODUCTS
from tests.ops.writes import WRITES

F = nn.functional


def _unary(name: str, positive: bool = False) -> Build:
    def build(draw: Draw) -> Sample:
        x = values(draw(shapes()), draw(st.integers(0, 9)))
        x = x.abs() + 0.1 if positive else x
        method = getattr(Tensor, name, None)
        plain = getattr(torch, name, None) or getattr(F, name)
        return Sample(draw(st.sampled_from([f for f in (method, plain) if f])), (x,))

    return build


def _binary(name: str, numbers: bool = True) -> Build:
    def build(draw: Draw) -> Sample:
        one, other = draw(broadcast(2))
        x, y = values(one, 1), values(other, 2)
        x = x.abs() + 0.1 if name == "pow" else x
        function = getattr(torch, name)
        form = draw(st.sampled_from(["two", "same", "number"] if numbers else ["two", "same"]))
        if form == "number":
            return Sample(lambda a: function(a, 2), (x,))
        if form == "same":
            return Sample(lambda a: function(a, a), (x,))
        return Sample(function, (x, y))

    return build


def _arithmetic(name: str) -> Build:
    def build(draw: Draw) -> Sample:
        one, other = draw(broadcast(2))
        x, y = values(one, 3).abs() + 0.1, values(other, 4)
        forms: dict[str, list[Sample]] = {
            "add": [
                Sample(lambda a, b: a + b, (x, y)),
                Sample(lambda a: 2 + a, (x,)),
                Sample(lambda a, b: torch.add(a, b, alpha=3), (x, y)),
                Sample(lambda a, b: torch.add(other=b, input=a), (x, y)),
            ],
            "sub": [
                Sample(lambda a, b: a - b, (x, y)),
                Sample(lambda a: 2 - a, (x,)),
                Sample(lambda a: a - 2, (x,)),
                Sample(lambda a, b: torch.sub(a, b, alpha=2), (x, y)),
                Sample(torch.rsub, (x, y)),
            ],
            "mul": [
                Sample(lambda a, b: a * b, (x, y)),
                Sample(lambda a: 3 * a, (x,)),
                Sample(lambda a: a * a, (x,)),
            ],
            "div": [
                Sample(lambda a, b: a / b, (x, y)),
                Sample(lambda a: 2 / a, (x,)),
                Sample(lambda a, b: torch.div(a, b, rounding_mode="floor"), (x, y)),
            ],
            "pow": [
                Sample(lambda a, b: a**b, (x, y)),
                Sample(lambda a: a**3, (x,)),
                Sample(lambda a: a**-0.5, (x,)),
                Sample(lambda a: 2**a, (x,)),
            ],
        }
        return draw(st.sampled_from(forms[name]))

    return build


def _cast(name: str) -> Build:
    def build(draw: Draw) -> Sample:
        x = values(draw(shapes()), 1)
        if name == "to":
            dtype = draw(st.sampled_from([torch.float32, torch.float64, torch.int64]))
            forms: list[Callable[[Tensor], Tensor]] = [lambda a: a.to(dtype), lambda a: a.to("cpu", dtype)]
            return Sample(draw(st.sampled_from(forms)), (x,))
        if name == "type_as":
            return Sample(Tensor.type_as, (x, torch.ones(2)))
        return Sample(getattr(Tensor, name), (x,))

    return build


def _reduction(name: str, several: bool = False, smallest: int = 1) -> Build:
    def build(draw: Draw) -> Sample:
        shape = draw(shapes(name == "logsumexp", 3, smallest))
        x = values(shape, 1)
        function = getattr(torch, name, None) or getattr(torch.linalg, name)
        keep = draw(st.booleans())
        if name != "logsumexp" and (not shape or draw(st.booleans())):
            return Sample(function, (x,))
        dim: int | tuple[int, ...] = axis(draw, shape)
        if several and draw(st.booleans()):
            dim = tuple(draw(st.sets(st.integers(0, len(shape) - 1), min_size=1, max_size=2)))
        return Sample(lambda a: function(a, dim=dim, keepdim=keep), (x,))

    return build


def _rowwise(function: Callable[..., Any]) -> Build:
    def build(draw: Draw) -> Sample:
        shape = draw(shapes(1, 3, 1))
        dim = axis(draw, shape)
        return Sample(lambda a: function(a, dim), (values(shape, 1),))

    return build


def _layer_norm(draw: Draw) -> Sample:
    shape = draw(shapes(1, 3, 1))
    count = draw(st.integers(1, len(shape)))
    row = shape[-count:]
    x, weight, bias = values(shape, 1), values(row, 2), values(row, 3)
    return draw(
        st.sampled_from(
            [
                Sample(lambda a: F.layer_norm(a, row), (x,)),
                Sample(lambda a, w: F.layer_norm(a, row, w), (x, weight)),
                Sample(lambda a, b: F.layer_norm(a, row, bias=b), (x, bias)),
                Sample(lambda b, w, a: F.layer_norm(a, row, bias=b, weight=w), (bias, weight, x)),
            ]
        )
    )


def _rms_norm(draw: Draw) -> Sample:
    shape = draw(shapes(1, 3, 1))
    x, weight = values(shape, 1), values(shape[-1:], 2)
    return draw(
        st.sampled_from(
            [
                Sample(lambda a: F.rms_norm(a, shape[-1:]), (x,)),
                Sample(lambda a, w: F.rms_norm(a, shape[-1:], w), (x, weight)),
            ]
        )
    )


def _triangle(name: str) -> Build:
    def build(draw: Draw) -> Sample:
        diagonal = draw(st.integers(-3, 3))
        function = getattr(torch, name)
        return Sample(lambda a: function(a, diagonal), (values(draw(shapes(2)), 1),))

    return build


def _masked_fill(draw: Draw) -> Sample:
    shape = draw(shapes())
    mask = values(tuple(1 if draw(st.booleans()) else size for size in shape), 2, torch.bool)
    x = values(shape, 1)
    return draw(
        st.sampled_from(
            [
                Sample(lambda a, m: a.masked_fill(m, -torch.inf), (x, mask)),
                Sample(lambda a, m: a.masked_fill(value=0.0, mask=m), (x, mask)),
                Sample(lambda a, m, v: a.masked_fill(m, v), (x, mask, torch.tensor(7.0))),
            ]
        )
    )


def _where(draw: Draw) -> Sample:
    one, two, three = draw(broadcast(3))
    condition, x, y = values(one, 1, torch.bool), values(two, 2), values(three, 3)
    return draw(
        st.sampled_from(
            [
                Sample(torch.where, (condition, x, y)),
                Sample(lambda c, a: torch.where(c, a, 0.0), (condition, x)),
                Sample(lambda c, a: torch.where(c, 1.0, a), (condition, x)),
                Sample(lambda c, a, b: a.where(c, b), (condition, x, y)),
            ]
        )
    )


def _embedding(draw: Draw) -> Sample:
    table = values((3, draw(st.integers(0, 3))), 1)
    tokens = torch.randint(3, draw(shapes()), generator=torch.Generator().manual_seed(1))
    return draw(
        st.sampled_from(
            [
                Sample(F.embedding, (tokens, table)),
                Sample(lambda t, w: F.embedding(weight=w, input=t), (tokens, table)),
            ]
        )
    )


def _one_hot(draw: Draw) -> Sample:
    tokens = torch.randint(3, draw(shapes(0, 2, 1)), generator=torch.Generator().manual_seed(1))
    return draw(st.sampled_from([Sample(F.one_hot, (tokens,)), Sample(lambda t: F.one_hot(t, 4), (tokens,))]))


def _made(*functions: Callable[[], Tensor]) -> Build:
    return lambda draw: Sample(draw(st.sampled_from(functions)), ())


def _like(name: str) -> Build:
    extra = (2.0,) if name == "full_like" else ()
    function = getattr(torch, name)
    return lambda draw: Sample(lambda x: function(x, *extra), (values(draw(shapes()), 1),))


def _shift(name: str) -> Build:
    def build(draw: Draw) -> Sample:
        one, other = draw(broadcast(2))
        x, y = (values(one, 1) * 9).long(), (values(other, 2).abs() * 3).long()
        left = name == "bitwise_left_shift"
        forms: list[Callable[[Tensor, Tensor], Tensor]] = [
            getattr(torch, name),
            (lambda a, b: a << b) if left else (lambda a, b: a >> b),
            (lambda _, b: 5 << b) if left else (lambda _, b: 5 >> b),
        ]
        return Sample(draw(st.sampled_from(forms)), (x, y))

    return build


_UNARY = "neg positive abs sign exp sin cos erf tanh sigmoid floor ceil round relu square"
_UNARY += " logical_not isnan isinf isfinite"
_COMPARED = "floor_divide remainder maximum minimum lt le gt ge eq ne logical_and logical_or logical_xor"


def _clamp(draw: Draw) -> Sample:
    return Sample(lambda x: x.clamp(-0.5, max=0.5), (values(draw(shapes()), 1),))


BUILDERS: dict[str, Build] = {
    **PRODUCTS,
    **{name: _arithmetic(name) for name in ("add", "sub", "mul", "div", "pow")},
    **{name: _unary(name) for name in [*_UNARY.split(), "gelu", "silu"]},
    **{name: _unary(name, positive=True) for name in ("log", "sqrt", "rsqrt", "reciprocal")},
    **{
        name: _binary(name, numbers=name not in ("maximum", "minimum") and not name.startswith("logical"))
        for name in _COMPARED.split()
    },
    **{name: _shift(name) for name in ("bitwise_left_shift", "bitwise_right_shift")},
    **{
        name: _cast(name)
        for name in ("float", "double", "half", "bfloat16", "int", "long", "bool", "to", "type_as")
    },
    **{
        name: _unary(name)
        for name in ("expm1", "exp2", "trunc", "leaky_relu", "elu", "softplus", "logsigmoid")
    },
    **{name: _unary(name, positive=True) for name in ("log1p", "log2", "log10")},
    "isclose": _binary("isclose", numbers=False),
    "clamp": _clamp,
    **{name: _reduction(name, several=True, smallest=0) for name in ("sum", "mean")},
    **{
        name: _reduction(name, several=True)
        for name in ("var", "std", "amax", "amin", "logsumexp", "norm", "vector_norm", "all", "any")
    },
    **{name: _reduction(name) for name in ("prod", "max", "min", "argmax", "argmin")},
    **MOVES,
    **WRITES,
    **LAYER_CALLS,
    **COMPOSITES,
    "softmax": _rowwise(torch.softmax),
    "log_softmax": _rowwise(lambda x, d: F.log_softmax(x, dim=d)),
    "layer_norm": _layer_norm,
    "rms_norm": _rms_norm,
    "normalize": _rowwise(lambda x, d: F.normalize(x, dim=d)),
    "topk": _rowwise(lambda x, d: x.topk(1, d)),
    "sort": _rowwise(lambda x, d: x.sort(d)),
    "argsort": _rowwise(torch.argsort),
    "cumsum": _rowwise(torch.cumsum),
    "cumprod": _rowwise(torch.cumprod),
    "triu": _triangle("triu"),
    "tril": _triangle("tril"),
    "masked_fill": _masked_fill,
    "where": _where,
    "embedding": _embedding,
    "one_hot": _one_hot,
    "randn": _made(lambda: torch.randn(2, 3), lambda: torch.randn((2, 0))),
    "rand": _made(lambda: torch.rand(2), lambda: torch.rand(size=(2, 3))),
    "ones": _made(lambda: torch.ones(2, 3), lambda: torch.ones([])),
    "zeros": _made(lambda: torch.zeros(2, dtype=torch.int64)),
    "empty": _made(lambda: torch.empty(0, 3)),
    "full": _made(lambda: torch.full((2, 3), 1.5)),
    "randint": _made(lambda: torch.randint(5, (2, 3)), lambda: torch.randint(1, 5, size=(2,))),
    "randperm": _made(lambda: torch.randperm(4)),
    "draw": _made(
        lambda: randomness.draw([0.5, 1.5], (2, 1), torch.float64),
        lambda: randomness.draw([], (0, 3), torch.int64),
    ),
    "eye": _made(lambda: torch.eye(3), lambda: torch.eye(2, 3)),
    "arange": _made(
        lambda: torch.arange(4),
        lambda: torch.arange(1, 2, 0.25),
        lambda: torch.arange(start=5, end=1, step=-2),
    ),
    "linspace": _made(lambda: torch.linspace(0, 1, 5)),
    "tensor": _made(lambda: torch.tensor([[1, 2], [3, 4]]), lambda: torch.tensor(1.5)),
    **{
        name: _like(name)
        for name in ("ones_like", "zeros_like", "rand_like", "randn_like", "empty_like", "full_like")
    },
}


def samples(name: str) -> st.SearchStrategy[Sample]:
    """Returns calls of an operation."""
    return st.composite(BUILDERS[name])()
