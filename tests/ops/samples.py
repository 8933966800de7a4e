"""Calls of every operation in the table, over random shapes and arguments.

`BUILDERS` has one for each that `tests.ops.listed` hasn't; a test fails if an operation has neither. Most are
lines of text: names of operations, and forms of their calls over what a domain draws.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor

from tests.ops.drawing import Build, Draw, Sample, axis, broadcast, shapes, values
from tests.ops.layer_calls import LAYER_CALLS
from tests.ops.listed import forms_of, sample_of

Inputs = dict[str, Any]
Domain = Callable[[Draw], Inputs]


def _laid_out(draw: Draw, low: int, smallest: int = 0) -> Tensor:
    """Draws a tensor of at least `low` axes, which may be laid out in memory in another order."""
    shape = draw(shapes(low, 3, smallest))
    if len(shape) > 1 and draw(st.booleans()):
        return values(tuple(reversed(shape)), 1).permute(*reversed(range(len(shape))))
    return values(shape, 1)


def _with_axes(draw: Draw, x: Tensor) -> Inputs:
    """Draws axes of a tensor: `d` and `e`, one or two `ds`, all in an order `p`; and a flag `k`."""
    found: Inputs = {"x": x, "k": draw(st.booleans())}
    if x.dim():
        several = tuple(draw(st.sets(st.integers(0, x.dim() - 1), min_size=1, max_size=2)))
        d, e = (axis(draw, tuple(x.shape)) for _ in range(2))
        found |= {"d": d, "e": e, "ds": several if draw(st.booleans()) else d}
        found["p"] = tuple(draw(st.permutations(range(x.dim()))))
    return found


def _any(draw: Draw) -> Inputs:
    return {"x": values(draw(shapes()), draw(st.integers(0, 9))), "u": torch.ones(2), "v": values((), 2)}


def _positive(draw: Draw) -> Inputs:
    return {"x": values(draw(shapes()), draw(st.integers(0, 9))).abs() + 0.1}


def _two(draw: Draw) -> Inputs:
    one, other = draw(broadcast(2))
    x, y = values(one, 1), values(other, 2)
    return {"x": x, "y": y, "p": x.abs() + 0.1, "i": (x * 9).long(), "j": (y.abs() * 3).long()}


def _one_into_another(draw: Draw) -> Inputs:
    shape = draw(shapes())
    own = tuple(1 if draw(st.booleans()) else size for size in shape)[draw(st.integers(0, len(shape))) :]
    return {"x": values(shape, 1), "y": values(own, 2)}


def _masked(draw: Draw) -> Inputs:
    shape = draw(shapes())
    mask = values(tuple(1 if draw(st.booleans()) else size for size in shape), 2, torch.bool)
    return {"x": values(shape, 1), "m": mask, "v": torch.tensor(7.0)}


def _chosen(draw: Draw) -> Inputs:
    one, two, three = draw(broadcast(3))
    return {"c": values(one, 1, torch.bool), "x": values(two, 2), "y": values(three, 3)}


def _numbered(low: int, most: int) -> Domain:
    return lambda draw: {"x": _laid_out(draw, low), "n": draw(st.integers(-most, most))}


def _shaped(draw: Draw) -> Inputs:
    x = _laid_out(draw, 1)
    shape, count = tuple(x.shape), x.numel()
    to = draw(st.sampled_from([(count,), (1, count), (count, 1), shape, shape[::-1]]))
    return {"x": x, "y": x.contiguous(), "s": to}


def _spread(draw: Draw) -> Inputs:
    shape = draw(shapes())
    to = (*draw(shapes(0, 1)), *(draw(st.integers(0, 3)) if size == 1 else size for size in shape))
    return {"x": values(shape, 1), "s": to, "y": torch.ones(to)}


def _repeated(draw: Draw) -> Inputs:
    x = _laid_out(draw, 1)
    return {"x": x, "s": draw(shapes(x.dim(), 3)), "t": draw(shapes(1, 3))}


def _indexed(draw: Draw) -> Inputs:
    shape = draw(shapes(1, 3, 1))
    d, y = axis(draw, shape), values(shape, 2)
    i = torch.randint(shape[d], shape, generator=torch.Generator().manual_seed(1))
    w = i
    if len(shape) == 2 and draw(st.booleans()):  # broadcast along the other axis
        w = i.narrow(1 - d % 2, 0, 1).repeat_interleave(3, d)
    once = torch.argsort(y, d)  # each place once: which of two stays, torch leaves open
    return {"x": values(shape, 1), "y": y, "i": i, "j": once, "w": w, "k": i.reshape(-1)[:2], "d": d}


def _normed(draw: Draw) -> Inputs:
    shape = draw(shapes(1, 3, 1))
    row, last = shape[-draw(st.integers(1, len(shape))) :], shape[-1:]
    parts = {"x": values(shape, 1), "w": values(row, 2), "b": values(row, 3), "v": values(last, 2)}
    return {**parts, "r": row, "c": last}


def _tokens(draw: Draw) -> Inputs:
    generator = torch.Generator().manual_seed(1)
    t, c = (torch.randint(3, draw(shapes(*bounds)), generator=generator) for bounds in ((0, 3), (0, 2, 1)))
    return {"t": t, "c": c, "w": values((3, draw(st.integers(0, 3))), 1)}


def _matrices(draw: Draw) -> Inputs:
    n, k, m = (draw(st.integers(0, 3)) for _ in range(3))
    (batch, other), count = draw(broadcast(2)), draw(st.integers(0, 2))
    return {
        "x": values((*batch, n, k), 1), "y": values((*other, k, m), 2), "a": values((n, k), 5),
        "b": values((k, m), 6), "A": values((count, n, k), 5), "B": values((count, k, m), 6),
        "v": values((k,), 3), "w": values((k,), 4), "u": values((m,), 2), "c": values((n,), 3),
        "z": values((*draw(shapes(0, 2)), k), 1), "s": values((n, n), 5),
    }  # fmt: skip


def _attended(draw: Draw) -> Inputs:
    batch = draw(st.sampled_from([(), (1,), (2,), (1, 2)]))
    queries, keys, width = (draw(st.integers(1, 3)) for _ in range(3))
    q = values((*batch, queries, width), 1)
    k, v = (values((*batch, keys, width), seed) for seed in (2, 3))
    heads, shared = draw(st.integers(1, 2)), draw(st.integers(1, 3))
    g = values((2, heads * shared, queries, width), 6)
    h, i = (values((2, heads, keys, width), seed) for seed in (7, 8))
    return {
        "q": q, "k": k, "v": v, "m": values((queries, keys), 4) > 0, "f": values((queries, keys), 5),
        "g": g, "h": h, "i": i,
    }  # fmt: skip


def _compared(draw: Draw) -> Inputs:
    shape = (draw(st.integers(1, 3)), draw(st.integers(1, 4)))
    x, y = values(shape, 7), values(shape, 8)
    t = torch.arange(shape[0]) % shape[1]
    return {"x": x, "y": y, "p": x.sigmoid(), "q": y.sigmoid(), "t": t, "r": draw(REDUCTIONS)}


REDUCTIONS = st.sampled_from(["mean", "sum", "none"])
FORMS: list[tuple[Domain, str]] = [
    (_any, """
neg abs sign exp sin cos erf tanh sigmoid floor ceil round relu: x.{0}() | torch.{0}(x)
square logical_not isnan isinf isfinite expm1 exp2 trunc: x.{0}() | torch.{0}(x)
gelu silu leaky_relu elu softplus logsigmoid: F.{0}(x)
float half bfloat16 int long bool: x.{0}()
double: x.float().double()
to: x.to(torch.float32) | x.to(torch.int64) | x.to("cpu", torch.float64) | x.to("cpu", torch.float32)
type_as: x.type_as(u)
type: x.type(torch.float32)
clamp: x.clamp(-0.5, max=0.5)
ones_like zeros_like rand_like randn_like empty_like: torch.{0}(x)
full_like: torch.full_like(x, 2.0) | torch.full_like(x, v.detach())
zero: x.clone().zero_()
fill: x.clone().fill_(2.0) | x.clone().fill_(v)
uniform: x.clone().uniform_(-1, 1)
normal_: x.clone().normal_(2, 3)
random: x.clone().random_(0, 10)
exponential: x.clone().exponential_()
bernoulli_: x.clone().bernoulli_(0.5)
init_constant: init.constant_(x.clone(), 2.0)
init_uniform: init.uniform_(x.clone()) | init.uniform_(x.clone(), -1, 1)
init_normal: init.normal_(x.clone(), std=0.1)
"""),
    (_positive, "log sqrt rsqrt reciprocal log1p log2 log10: x.{0}() | torch.{0}(x)"),
    (_two, """
add: p + y | 2 + p | torch.add(p, y, alpha=3) | torch.add(other=y, input=p)
sub: p - y | 2 - p | p - 2 | torch.sub(p, y, alpha=2) | torch.rsub(p, y)
mul: p * y | 3 * p | p * p
div: p / y | 2 / p | torch.div(p, y, rounding_mode="floor")
pow: p**y | p**3 | p**-0.5 | 2**p
floor_divide remainder lt le gt ge eq ne: torch.{0}(x, y) | torch.{0}(x, x) | torch.{0}(x, 2)
maximum minimum logical_and logical_or logical_xor isclose: torch.{0}(x, y) | torch.{0}(x, x)
bitwise_and: torch.bitwise_and(i, j) | i & j | 5 & j | (x > 0) & (y > 0)
bitwise_or: torch.bitwise_or(i, j) | i|j | 5|j | (x > 0)|(y > 0)
bitwise_xor: torch.bitwise_xor(i, j) | i ^ j | 5 ^ j | (x > 0) ^ (y > 0)
bitwise_not: torch.bitwise_not(i) | ~i | ~(x > 0)
bitwise_left_shift: torch.bitwise_left_shift(i, j) | i << j | 5 << j
bitwise_right_shift: torch.bitwise_right_shift(i, j) | i >> j | 5 >> j
"""),
    (_one_into_another, "copy: x.clone().copy_(y)"),
    (_masked, """
masked_fill: x.masked_fill(m, -torch.inf) | x.masked_fill(value=0.0, mask=m) | x.masked_fill(m, v)
"""),
    (_chosen, """
where: torch.where(c, x, y) | torch.where(c, x, 0.0) | torch.where(c, 1.0, x) | x.where(c, y)
"""),
    (lambda draw: _with_axes(draw, values(draw(shapes()), 1)), """
sum mean: torch.{0}(x) | torch.{0}(x, dim=ds, keepdim=k)
"""),
    (lambda draw: _with_axes(draw, values(draw(shapes(0, 3, 1)), 1)), """
var std amax amin norm all any: torch.{0}(x) | torch.{0}(x, dim=ds, keepdim=k)
vector_norm: torch.linalg.vector_norm(x) | torch.linalg.vector_norm(x, dim=ds, keepdim=k)
prod max min argmax argmin: torch.{0}(x) | torch.{0}(x, dim=d, keepdim=k)
"""),
    (lambda draw: _with_axes(draw, values(draw(shapes(1, 3, 1)), 1)), """
logsumexp: torch.logsumexp(x, dim=ds, keepdim=k)
softmax argsort cumsum cumprod: torch.{0}(x, d)
log_softmax normalize: F.{0}(x, dim=d)
topk: x.topk(1, d)
sort: x.sort(d)
"""),
    (_normed, """
layer_norm: F.{0}(x, r) | F.{0}(x, r, w) | F.{0}(x, r, bias=b) | F.{0}(x, r, bias=b, weight=w)
rms_norm: F.rms_norm(x, c) | F.rms_norm(x, c, v)
"""),
    (_tokens, """
embedding: F.embedding(t, w) | F.embedding(weight=w, input=t)
one_hot: F.one_hot(c) | F.one_hot(c, 4)
"""),
    (lambda draw: {"x": _laid_out(draw, 0)}, """
contiguous: x.contiguous() | x.contiguous(memory_format=torch.contiguous_format)
flatten clone detach squeeze: x.{0}()
"""),
    (lambda draw: {"x": values(draw(shapes(0, 2)), 1)}, "t: torch.t(x)"),
    (lambda draw: {"x": _laid_out(draw, 2)}, "T mT: x.{0}"),
    (lambda draw: _with_axes(draw, _laid_out(draw, 1)), """
transpose movedim: torch.{0}(x, d, e)
permute: x.permute(*p) | torch.permute(x, dims=p)
unsqueeze squeeze: torch.{0}(x, d)
unflatten: torch.unflatten(x, d, (1, x.shape[d]))
repeat_interleave: x.repeat_interleave(2, d)
roll: x.roll(1, d)
flip: x.flip(d)
split: torch.split(x, 2, dim=d)
chunk: torch.chunk(x, 2, d)
narrow: x.narrow(d, 0, x.shape[d] // 2)
"""),
    (lambda draw: _with_axes(draw, _laid_out(draw, 1, 1)), """
unbind: x.unbind(d)
select: x.select(d, -1)
unfold: x.unfold(0, 1, 2)
"""),
    (_shaped, """
reshape: x.reshape(s) | x.reshape(*s) | torch.reshape(x, s)
view: y.view(*s) | y.view(size=s)
"""),
    (_spread, """
expand: x.expand(s)
broadcast_to: torch.broadcast_to(x, s)
expand_as: x.expand_as(y)
"""),
    (_repeated, "repeat: x.repeat(s)"),
    (_repeated, "tile: x.tile(t)"),
    (_numbered(1, 2), """
diag_embed: torch.diag_embed(x, n)
pad: F.pad(x, (abs(n), 1), value=2.0)
"""),
    (_numbered(2, 3), "diagonal triu tril: torch.{0}(x, n)"),
    (lambda draw: {"x": values(draw(shapes(1, 2)), 1), "n": draw(st.integers(-3, 3))}, "diag: x.diag(n)"),
    (_indexed, """
index_select: torch.index_select(x, d, k)
gather: x.gather(d, i)
scatter: x.scatter(d, j, y) | x.scatter(d, i, 2.0) | torch.scatter(x, d, i, value=2.0)
scatter_add: x.scatter_add(d, i, y)
take_along_dim: torch.take_along_dim(x, w, d)
"""),
    (_matrices, """
matmul: x @ y | torch.matmul(other=y, input=x) | x @ v | v @ y | v @ w | v @ v | s @ s
matmul: torch.mm(a, b) | torch.mv(a, vec=v) | torch.bmm(A, mat2=B)
linear: F.linear(z, a) | F.linear(z, a, c) | F.linear(bias=c, weight=a, input=z) | F.linear(z, v)
dot: torch.dot(v, w)
outer: torch.outer(v, u)
"""),
    (_attended, """
scaled_dot_product_attention: F.{0}(q, k, v) | F.{0}(q, k, v, is_causal=True) | F.{0}(q, k, v, scale=0.5)
scaled_dot_product_attention: F.{0}(q, k, v, attn_mask=m) | F.{0}(q, k, v, attn_mask=f)
scaled_dot_product_attention: F.{0}(g, h, i, enable_gqa=True)
scaled_dot_product_attention: F.{0}(g, h, i, enable_gqa=True, is_causal=True)
"""),
    (_compared, """
cross_entropy: F.cross_entropy(x, t, reduction=r)
nll_loss: F.nll_loss(x, t)
mse_loss: F.mse_loss(x, y, reduction=r)
l1_loss smooth_l1_loss huber_loss kl_div binary_cross_entropy_with_logits: F.{0}(x, q, reduction=r)
binary_cross_entropy: F.binary_cross_entropy(p, q, reduction=r)
"""),
    (lambda _: {}, """
randn: torch.randn(2, 3) | torch.randn((2, 0))
rand: torch.rand(2) | torch.rand(size=(2, 3))
ones: torch.ones(2, 3) | torch.ones([])
zeros: torch.zeros(2, dtype=torch.int64)
empty: torch.empty(0, 3) | torch.empty((1, 0, 2, 3), memory_format=torch.channels_last)
randint: torch.randint(5, (2, 3)) | torch.randint(1, 5, size=(2,)) | torch.randint(high=5, size=(2,))
randperm: torch.randperm(4)
draw: randomness.draw([0.5, 1.5], (2, 1), torch.float64) | randomness.draw([], (0, 3), torch.int64)
eye: torch.eye(3) | torch.eye(2, 3)
arange: torch.arange(4) | torch.arange(1, 2, 0.25) | torch.arange(start=5, end=1, step=-2)
linspace: torch.linspace(0, 1, 5)
scalar_tensor: torch.scalar_tensor(2.0)
"""),
]  # fmt: skip


def _by_name() -> dict[str, Build]:
    """Returns what draws a call of each operation that has forms."""
    calls: dict[str, list[tuple[Domain, str]]] = {}
    for domain, text in FORMS:
        for name, forms in forms_of(text).items():
            calls.setdefault(name, []).extend((domain, form) for form in forms)
    return {name: _formed(own) for name, own in calls.items()}


def _formed(calls: list[tuple[Domain, str]]) -> Build:
    def build(draw: Draw) -> Sample:
        domain, form = draw(st.sampled_from(calls))
        inputs = domain(draw)
        if "dim=" in form and "d" not in inputs:  # of a tensor without axes
            form = calls[0][1]
        return sample_of(form, inputs)

    return build


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


def _on_end(function: Callable[..., Tensor]) -> Build:
    def build(draw: Draw) -> Sample:
        shape = draw(shapes(1))
        parts = [values(shape, place) for place in range(draw(st.integers(1, 3)))]
        return Sample(lambda *tensors: function(tensors), tuple(parts))

    return build


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
    (slice(None), range(1)),
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


def _set_data(draw: Draw) -> Sample:
    shape = draw(shapes())

    def move(a: Tensor, b: Tensor) -> Tensor:
        a = a.clone()
        a.data = b
        return a

    return Sample(move, (values(shape, 1), values(shape, 2)))


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


BUILDERS: dict[str, Build] = {
    **_by_name(),
    "cat": _cat,
    "stack": _stack,
    "vstack": _on_end(torch.vstack),
    "hstack": _on_end(torch.hstack),
    "getitem": _getitem,
    "setitem": _setitem,
    "set_data": _set_data,
    "einsum": _einsum,
    **LAYER_CALLS,
}


GIVE_WHAT_THEY_GET = ("contiguous", "flatten", "to")


def samples(name: str) -> st.SearchStrategy[Sample]:
    """Returns calls of an operation that make something: `x.double()` may be `x`, which is no call then."""
    calls = st.composite(BUILDERS[name])()
    return calls.filter(makes) if name in GIVE_WHAT_THEY_GET else calls


def makes(sample: Sample) -> bool:
    """Returns whether a call makes a tensor, and does not give back one that it was given."""
    result = sample.function(*sample.inputs)
    return not any(result is own for own in sample.inputs)
