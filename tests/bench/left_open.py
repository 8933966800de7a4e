"""Loops that may be left at each turn, and are not: of each construct and operation, at several sizes.

Of none of them it can be told how much it does, so each is ended by what its turns take.
"""

from __future__ import annotations

from textwrap import indent

from tests.engine.constructs import BEFORE, EXPRESSIONS, STATEMENTS

_VECTORS = """
x + x
x ** 2
x ** 0.5
x % 0.3
x > 0
x.exp()
x.sqrt()
torch.tanh(x)
F.gelu(x)
x.clone()
x.sum()
x.max()
x.argmax()
x.std()
x.norm()
x.cumsum(0)
x.sort()
x.topk(1)
x.flip(0)
x.repeat(2)
x.tolist()
x[x > 0.5]
x[0]
x.view(-1, 1)
x.softmax(0)
F.log_softmax(x, 0)
F.layer_norm(x, x.shape)
torch.cat([x, x])
torch.stack([x, x])
torch.where(x > 0, x, 0 * x)
F.dropout(x, 0.5)
torch.rand(x.shape)
torch.arange(x.numel())
x.nonzero()
torch.allclose(x, x)
x.double() + 1
x.int()
x @ x
str(x)
f'{x.sum():.3f}'
x.gather(0, torch.zeros(x.shape, dtype=torch.int64))
x.scatter_add(0, torch.zeros(x.shape, dtype=torch.int64), x)
"""
_MATRICES = """
x @ x
x.T.contiguous()
x.sum(0)
x.softmax(1)
x.max(1)
F.layer_norm(x, (x.shape[1],))
x.tril()
x[:, 0]
x[[0]]
torch.einsum('ij,kj->ik', x, x)
x.norm(dim=1)
F.cross_entropy(x, torch.zeros(x.shape[0], dtype=torch.int64))
F.scaled_dot_product_attention(x[None], x[None], x[None])
F.embedding(torch.zeros(50, dtype=torch.int64), x)
x.masked_fill(torch.tril(x) == 0, float('-inf'))
x - x.mean(1, keepdim=True)
nn.Linear(x.shape[1], x.shape[1])(x)
(w * w).sum().backward()
(w @ w).softmax(1).sum().backward()
w[0].sum().backward()
"""
_ROWS = """
x.softmax(1)
x.max(1)
x.std(1)
x.sort(1)
x.sum(1)
x.cumsum(1)
x @ x.T[:, :2]
F.layer_norm(x, (2,))
F.normalize(x, dim=1)
F.one_hot(k, 3)
F.embedding(k, x[:3])
F.cross_entropy(x, k)
torch.multinomial(x, 1)
x.repeat_interleave(2, 0)
b @ b
b.tril()
torch.einsum('bij,bjk->bik', b, b)
F.scaled_dot_product_attention(b, b, b)
"""
_WRITES = (
    "x[0] = i",
    "x += 1",
    "x[:1] += 1",
    "v = x.T\nx[0] = 1",
    "v = x.view(-1)\nv[0] = 2",
    "x.data = x.data * 1",
)
_LINES = """
x.argmax(0)
x.argmin(1)
x.std(0)
x.softmax(1)
x.logsumexp(1)
F.normalize(x, dim=0)
F.cosine_similarity(x, x, dim=1)
x.round(decimals=2)
torch.tensor(x)
torch.kron(torch.ones(2, 2), x)
x.repeat(2, 2, 2)
str(x)
torch.einsum('...i,...i->...', x, x)
"""
_WAYS_BACK = """
F.cosine_similarity(x, x, dim=1).sum().backward()
F.normalize(x, dim=0).sum().backward()
x.std(0).sum().backward()
F.embedding(k, x).sum().backward()
z.backward(retain_graph=True)
"""
_LISTS = """
xs + xs
xs[::-1]
xs == ys
sorted(xs)
list(xs)
set(xs)
5 in xs
[v + 1 for v in xs]
{v: v for v in xs}
[str(v) for v in xs]
sum(v * v for v in xs)
list(zip(xs, ys))
list(enumerate(xs))
str(xs)
torch.tensor(xs)
pairs == others
[a + b for a, b in pairs]
sorted(pairs)
d == e
list(d.items())
{k: v for k, v in d.items()}
s + s
s.upper()
s.replace('a', 'b')
s.split(' ')
[c for c in s]
"""
_OF_ROWS = "x, b = torch.rand({n}, 2), torch.rand({n}, 2, 2)\nk = torch.zeros({n}, dtype=torch.int64)"
_OF_LINES = "x = torch.rand({n}, 20000, 3).to(torch.{kind})"
_STRIDED = (
    "x.T.square()",
    "x[::2].log10()",
    "F.gelu(x[:, 1::3].double())",
    "x[::2].half().erf()",
    "x.T.sin()",
)
_OF_KINDS = ("bool", "uint8", "float64")
_KINDS = ("float32", "float64", "bfloat16")
_BACK = """x, k = torch.rand({n}, 2, requires_grad=True), torch.zeros({n}, dtype=torch.int64)
z = (x @ x.T[:, :2]).sum()"""
_OF_WHOLE = (
    "torch.einsum('ij,ij->', x, x)",
    "x @ x.T[:, :2]",
    "F.linear(x, x[:2])",
    "x.argmax(0)",
    "torch.tensor(x)",
)
_OF_PLACES = ("x[k[:, None], k] = 1", "x[k] = 1", "x[k] += 1", "x[(x > 0.5)] = 1")
_OF_LISTS = """xs, ys = list(range({n})), list(range({n}))
pairs, others = [(i, i) for i in xs], [(i, i) for i in xs]
d, e, s = {{i: i for i in xs}}, {{i: i for i in xs}}, 'ab c' * {n}"""
_SETS = (
    (_VECTORS, "x = torch.rand({n})", (30, 3_000, 100_000)),
    (_MATRICES, "x = torch.rand({n}, {n})\nw = torch.rand({n}, {n}, requires_grad=True)", (3, 100, 1_000)),
    (_ROWS, _OF_ROWS, (3_000, 300_000)),
    (_LISTS, _OF_LISTS, (30, 2_000)),
)  # fmt: skip


def _loop(before: str, statement: str) -> str:
    return (
        f"free = torch.randn(3)\n{before}\n"
        f"for i in range(100_000):\n    if free.sum() > 1000:\n        break\n{indent(statement, '    ')}\n"
    )


def _each(listed: str) -> list[str]:
    return [f"y = {text}" if "backward" not in text else text for text in listed.strip().split("\n")]


LEFT_OPEN = (
    *(_loop(BEFORE, statement) for statement in (*(f"y = {text}" for text in EXPRESSIONS), *STATEMENTS)),
    *(
        _loop(before.format(n=n), statement)
        for listed, before, sizes in _SETS
        for statement in _each(listed)
        for n in sizes
    ),
    *(_loop(_OF_LINES.format(n=2, kind=kind), text) for text in _each(_LINES) for kind in _KINDS),
    *(
        _loop(f"x = (torch.rand(20_000, 20) * 5).to(torch.{kind})", f"y = {text}")
        for text in _STRIDED
        for kind in _OF_KINDS
    ),
    *(_loop(_BACK.format(n=n), text) for text in _each(_WAYS_BACK) for n in (30, 100_000)),
    *(
        _loop(f"x = torch.zeros({rows}, {columns}, dtype=torch.int64)", f"y = {text}")
        for text in _OF_WHOLE
        for rows, columns in ((300, 300), (100_000, 2), (2, 100_000))
    ),
    *(
        _loop(f"x, k = torch.rand(3, 3), torch.zeros({n}, dtype=torch.int64)", statement)
        for statement in _OF_PLACES
        for n in (3, 300, 3_000)
    ),
    *(
        _loop(
            "x = torch.zeros(10_000).unfold(0, 1_000, 1)\nv, b = x[0], torch.zeros(1)\ny = b.expand(10**6)",
            text,
        )
        for text in ("v[0] = 1\nx[1]", "b += 1\ny[0]", "v += 1\nx.T[0]")
    ),
    *(
        _loop(f"x = torch.rand({sizes})", f"y = {text}")
        for sizes, text in (
            ("100_000", "x.unfold(-1, 2, 1).tanh()"),
            ("50_000, 3", "x[:, ::2].sin()"),
            ("2, 50_000", "x.T.norm(p=3, dim=-1)"),
            ("300, 300", "F.normalize(x, p=3.5)"),
            ("2, 50, 2, 50, 2, 1", "str(x[..., None])"),
            ("1_000, 1", "str(x)"),
        )
    ),
    *(_loop(f"x = torch.rand({n}, {n})", statement) for statement in _WRITES for n in (3, 1_000)),
)
