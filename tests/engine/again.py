"""Programs in which the same thing is there many times over, or is gone through again each turn."""

from __future__ import annotations

VIEWED = (
    "d = dict(enumerate(range(2500)))\nprint([d.items()] * 2500)",
    "d = {i: i for i in range(5000)}\nx = [d.items()] * 5000\ny = [d.items()] * 5000\nb = x == y",
    "d = {}\nfor i in range(8000):\n    d[i] = d.items()\nprint(d)",
    "d = {}\nfor i in range(8000):\n    d[i] = d.items()\nprint(torch.tensor(d.items()))",
    "d = {i: i for i in range(5000)}\nx = [d] * 5000\nprint(x)",
    "d = {i: i for i in range(5000)}\nx = [d.values()] * 5000\ns = f'{x}'",
    "d = {i: i for i in range(5000)}\nx = sorted([d.keys()] * 5000)",
    "s = set(range(50000))\nx = [s] * 500\nprint(x)",
)
"""The same dict or set many times over, or what its methods give: more than anything may have."""

_WAY = """{start}
y = x
for i in range(1000):
    {body}
    y.sum().backward(retain_graph=True)"""
_X = "x = torch.ones({}, requires_grad=True)"
WAYS = (
    _WAY.format(start=_X.format("2, 2"), body="y = torch.einsum('ij,jk->ik', y, x)"),
    _WAY.format(start="x = torch.zeros(2, requires_grad=True)", body="y = y.cumprod(0)"),
    _WAY.format(start=f"l = nn.Linear(3, 3)\n{_X.format(3)}", body="y = l(y)"),
    _WAY.format(start=_X.format("1, 2, 2"), body="y = F.scaled_dot_product_attention(y, y, y)"),
    *[
        _WAY.format(start=_X.format(2), body=body)
        for body in (
            "y = F.normalize(y, dim=0)",
            "y = F.rms_norm(y, (2,))",
            "y = F.gelu(y)",
            "y = y / (y.std() + 1)",
            "y = torch.where(x > 0, y, x)",
            "y = torch.cat([y, x])",
            "y = y * x + x",
            "y = y.relu()",
        )
    ],
    (
        "W = torch.randn(3, 3, requires_grad=True)\nx, loss = torch.ones(3), 0\nfor i in range(1000):\n"
        "    x = torch.tanh(W @ x)\n    loss = loss + x.sum()\n"
        "    loss.backward(retain_graph=True)\n    W.grad = None"
    ),
)
"""A gradient goes back each turn through all the turns before."""

SIZED = tuple(
    f"x = torch.ones(2, 3)\nn = [1] * 90_000\n{line}"
    for line in (
        "x.view(n)",
        "x.reshape(tuple(n))",
        "x.expand(n)",
        "x.broadcast_to(n)",
        "x.permute(n)",
        "x.flip(n)",
        "x.movedim(n, n)",
        "x.unflatten(0, n)",
        "x.repeat(n)",
        "F.pad(x, n)",
        "F.layer_norm(x, n)",
        "F.rms_norm(x, n)",
        "torch.zeros(n)",
    )
)
"""More sizes than any tensor has axes."""

_OPEN = "flag = torch.rand(1) > 2\n{}\nfor i in range(100_000):\n    {}\n    if flag: break"
REPEATED = (
    "xs = [[1] * 100_000 for i in range(12_000)]",
    "xs = {i: (i,) * 100_000 for i in range(4_000)}",
    "xs = [0] * 3_000\nfor i in range(3_000): xs[i] = 100_000 * [1]",
    "xs = ['\U0001f600' * 100_000 for i in range(18_000)]",
    "for i in range(12_000):\n    u = [1]\n    u *= 100_000",
    _OPEN.format("", "u = [[1] * 100_000, [1] * 100_000, [1] * 100_000]"),
    _OPEN.format("def f(): return [0] * 100_000", "f()"),
)
"""Lists and texts times a number, more than there is room for."""

_ONE, _TWO, _FIVE = 11400714785074694791, 14029467366897019727, 2870177450012600261  # CPython's, of a tuple


def _after(first: int) -> int:
    """Returns what the hash of a tuple is made from after its first item."""
    item = (_FIVE + first * _TWO) % 2**64
    return (item << 31 | item >> 33) % 2**64 * _ONE % 2**64


def _same_hash(number: int) -> list[tuple[int, int]]:
    """Returns so many pairs of whole numbers that have the same hash."""
    pairs: list[tuple[int, int]] = []
    first = 0
    while len(pairs) < number:
        second = -_after(first) * pow(_TWO, -1, 2**64) % 2**64
        if second < 2**60:
            pairs.append((first, second))
        first += 1
    return pairs


PAIRS = _same_hash(1_200)
_PAIRS = f"z = [{','.join(f'({first},{second})' for first, second in PAIRS)}]\n"
_FAR = "fs = [2.0 ** (61 * k) for k in range(-16, 17)]\n"  # all have the hash 1
COLLIDING = (
    f"{_FAR}s = set(zip(fs * 1089, sorted(fs * 33) * 33, sorted(fs * 1089)))",
    f"{_FAR}d = {{}}\nfor a in fs:\n    for b in fs:\n        for c in fs: d[a, b, c] = 1",
    "P = 2**61 - 1\ns = set([range(k * P, k * P + 1) for k in range(5_000)])",
    "P = 2**61 - 1\nd = {}\nfor k in range(8_000): d.setdefault(k * P, 1)",
    f"{_PAIRS}for i in range(100): s = set(z)",
    f"{_PAIRS}d = {{}}\nfor i in range(9):\n    for p in z: d[p] = 1",
    f"{_PAIRS}d = {{}}\nfor p in z: d.setdefault(p, 1)",
    f"{_PAIRS}d = {{}}\nfor p in z: d.update({{p: 1}})",
    f"{_PAIRS}for i in range(100): d = {{p: 1 for p in z}}",
    f"{_PAIRS}for i in range(100): d = dict(zip(z, z))",
    f"{_PAIRS}d = {{1: 2}}\nfor i in range(100): s = d.keys() | z",
    f"for i in range(100): d = {{{','.join(f'({first},{second}):1' for first, second in PAIRS)}}}",
)
"""Keys that have the same hash."""

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_NAMES = [f"{a}{b}{c}_" for a in _LETTERS for b in _LETTERS for c in _LETTERS][:9_000]
SPELT = (
    f"def f({', '.join(_NAMES)}, z, z): return 1",
    f"f({', '.join(f'{name}=1' for name in _NAMES[:3_000])})",
    "\n".join(f"{'a' * 60}{n} = 1" for n in range(700)) + f"\n{'a' * 63}b",
    "\n".join(f"{'ab' * 50}{n} = 1" for n in range(440)) + f"\n{'ba' * 50}",
    "#é\n" + "((((((((((1))))))))))\n" * 2_200 + "x",
)
"""Many names, or signs: a text that takes long to read, or to say what is wrong with."""

_FACTORS = "x = torch.ones(2)\nxs, e = [x] * {0}, ','.join(['i'] * {0})\n"
FACTORS = (
    f"{_FACTORS.format(4_900)}for i in range(2): y = torch.einsum(e, xs)",
    _OPEN.format(_FACTORS.format(90), "y = torch.einsum(e, xs)"),
    "x = torch.zeros(5_000, 5_000)\ny = x.norm('nuc')",
    "x = torch.zeros(4_000, 4_000)\ny = torch.linalg.norm(x, 2)",
)
"""Products of very many operands, and norms that are told by singular values."""
