"""Loops in which each turn takes longer than it looks: by how cells lie, by kinds of items, by keys."""

from __future__ import annotations

_OPEN = "free = torch.rand(1) > 2\n{}\nfor i in range(80_000):\n    if free: break\n    {}"
_PERMUTED = "x = torch.rand(2, 2, 2, 2, 2, 2, 3_125).permute(6, 5, 4, 3, 2, 1, 0); y = torch.ones(x.shape)"
_ALTERNATE = "x, y = torch.rand(3_125, 2, 1, 2, 1, 2, 1), torch.rand(1, 1, 2, 1, 2, 1, 2)"
_PICKED = "x, k = torch.rand({}), torch.arange({}) % 2"

CHAINS = {
    size: f"x = torch.arange({size})\nkeys = ((5 ** x[x >= 0] % {4 * table} - 1) // 4).tolist()\n"
    for size, table in ((10_900, 2**14), (21_500, 2**15), (43_000, 2**16))
}
"""Keys that fill two thirds of a table, each where it is looked after the one before."""
_LOOKED_UP = CHAINS[21_500] + "s = set(keys)"
_WRITTEN = CHAINS[10_900] + "d = {}\nfor k in keys: d[k] = 1"

SCATTERED = (
    _OPEN.format(_PICKED.format("2, 60_000", 60_000), "x.T.index_select(0, k)"),
    _OPEN.format(_PICKED.format("3, 2, 2, 2", 200_000), "x.transpose(1, 3).index_select(0, k)"),
    *[_OPEN.format(_PERMUTED, line) for line in ("torch.maximum(y, x)", "y < x", "y + x", "y.clamp(x, x)")],
    *[_OPEN.format(_PERMUTED, line) for line in ("x.reshape(-1)", "x.roll(1)", "torch.cat([x, x])")],
    *[_OPEN.format(_ALTERNATE, line) for line in ("x + y", "x < y.double()")],
    _OPEN.format("x = torch.rand(3_125, 2, 2, 2, 2, 2, 2)", "x.flip((1, 3, 5))"),
    _OPEN.format("x = torch.rand(2, 2, 2, 2, 2, 2, 3_125)", "x.sum((1, 3, 5))"),
    _OPEN.format("x = torch.rand(937, 2, 2, 2, 2, 2, 2)", "x.logsumexp((1, 3, 5))"),
    _OPEN.format("x, y = torch.rand(30_000, 1, 2), torch.rand(1, 2, 1)", "x == y"),
    _OPEN.format("x = torch.rand(9_000, 2)", "x.norm(p=2.5, dim=1)"),
    _OPEN.format("x = torch.rand(20_000, 2)", "torch.linalg.vector_norm(x, ord=3, dim=-1)"),
)
_ATTENTION = "F.scaled_dot_product_attention(x, k, k)"
ATTENDED = (
    _OPEN.format("x = torch.rand(1, 60_000, 2); k = x[:, :3]", _ATTENTION.replace(")", ", dropout_p=0.3)")),
    _OPEN.format("x = torch.rand(1, 1_000_000, 1); k = x[:, :1]", _ATTENTION),
    _OPEN.format("x = torch.rand(1, 60_000, 2).half(); k = x[:, :1]", _ATTENTION),
)
ITEMS = (
    _OPEN.format("xs, x = [[0]] * 1_500, torch.ones(5)", "x[xs,]"),
    _OPEN.format("xs, x = [0] * 3_000, torch.ones(5)", "x[xs,]"),
    _OPEN.format("xs, x = [0] * 9_000, torch.ones(5)", "x[xs,] = 1"),
    _OPEN.format("xs, x = [0] * 9_000, torch.ones(5, 5)", "x[:, xs] += 1"),
    _OPEN.format("xs, x = [0] * 4_500, torch.ones(5, 5)", "x[xs, xs]"),
    _OPEN.format("xs = [True] * 3_000", "math.prod(xs)"),
    _OPEN.format("xs = [torch.ones(2).shape] * 20_000", "torch.tensor(xs)"),
    _OPEN.format("xs, ys = [set()] * 20_000, [set()] * 20_000", "xs == ys"),
    _OPEN.format("xs = [set()] * 20_000", "max(xs)"),
    _OPEN.format("xs = [set()] * 3_000", "sorted(xs)"),
    _OPEN.format("xs = [range(0)] * 20_000", "set(xs)"),
    _OPEN.format("xs = [2.0**200, 2**200] * 15_000", "set(xs)"),
    _OPEN.format("xs = [torch.ones(1)] * 20_000", "f'{xs}'"),
    *[
        f"xs, ys = [{{}}] * 1_000, []\nfor i in range(90_000):\n    {line}"
        for line in ("ys += list(xs) + [i]", "ys += [list(xs) + [i]]", "ys += xs[::-1]", "z = 10 * xs + xs")
    ],
)
LOOKED_UP = (
    _OPEN.format(_LOOKED_UP, " and ".join(["1_933_312 not in s"] * 20)),
    _OPEN.format(_LOOKED_UP, "[1_933_312 in s for k in range(100)]"),
    _OPEN.format(_WRITTEN, "[540_672 in d for k in range(100)]"),
    _LOOKED_UP + "\nt = set([32_768 * k for k in range(20_000)])\nu = t & s",
)
SHORTENED = (
    _OPEN.format("t, w = torch.arange(20_000), torch.rand(20_000, 1)", "F.embedding(t, w, max_norm=0.1)"),
    _OPEN.format("t, w = torch.arange(20_000), torch.rand(20_000, 1)", "F.embedding(t, w, None, 0.1)"),
    _OPEN.format("t, l = torch.arange(20_000), nn.Embedding(20_000, 3, None, 0.1)", "l(t)"),
)
UNCOMMON = (*SCATTERED, *ATTENDED, *ITEMS, *LOOKED_UP, *SHORTENED)
