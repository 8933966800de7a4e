"""Programs that ask for much by what torch makes on the way, or Python: copies, lists, texts, repairs."""

from __future__ import annotations

_OPEN = "free = torch.rand(1) > 2\n{}\nfor i in range(100_000):\n    {}\n    if free: break"
_TINY = 2.2250738585072014e-308  # it has 17 digits
_ORBIT = """
t = torch.full((10_900,), 5)
t[0] = 1
xs = ((t.cumprod(0) - 1) // 4 % 16_384).tolist()
"""  # CPython looks at each of these for 17,584 in a table of them
_ATTENTION = "q, k = torch.rand({}), torch.rand({})\ny = F.scaled_dot_product_attention(q, k, k)"
STACKED = (
    _ATTENTION.format("1, 100_000, 2", "100_000, 1, 2, 2"),
    "x = torch.rand(2, 2, 10_000)\ny = torch.rand(10_000, 2, 2, 1)\nz = x @ y",
    "x = torch.rand(10_000, 2, 2)\ny = x.T @ x",
    _ATTENTION.format("1, 2, 8_000", "8_000, 1, 2, 2"),
)
"""Stacks of matrices that are broadcast: each operand is copied for each matrix of the other."""

LISTED = (
    _OPEN.format("x = torch.rand([6_000] + [1] * 22)", "s = x.tolist()"),
    _OPEN.format(f"x = [{_TINY}] * 30_000", "s = str(x)"),
    f"x = [{_TINY}] * 75_000\nprint([x, x])",
    f"x = [{_TINY}] * 100_000\nassert False, x",
    _ORBIT + "d = dict(zip(xs, xs))\ns = d.keys() & ([17_584] * 30_000)",
    _ORBIT + "s = set(xs + [17_584] * 26_000)",
)
"""Lists and texts that take long to make, and keys that take long to find."""

REPAIRED = (
    "x = torch.ones(640, 640)\nz = x @ torch.ones(639, 640)",
    "x = torch.ones(640, 640).long()\nz = x @ torch.ones(639, 640).long()",
    "def f(x): return [str(x) for i in range(80)] and x\nz = f(torch.ones(3, 3)) @ torch.ones(2, 3)",
    "z = torch.rand(200_000).sort()[0][:9].view(3, 3) @ torch.ones(2, 3)",
    "y = torch.stack([torch.rand(1_000, 1_000)] * 30 + [torch.rand(1_000, 999)])",
)
"""Clashes of which each repair that is tried takes long."""

_MARKS = "\u0301\u0316"
WRITTEN = (
    "a" + _MARKS * 20_000,
    "\n".join(f"a{name}" + _MARKS * 2_000 + " = 1" for name in "bcdefghijk"),
    "x = f'" + "a" * 35_000 + "{1}" * 4_900 + "'\n1 / 0",
    "1;" * 7_480 + "\n" * 30 + "(" + "\n" * 12 + ")\n" + "1;" * 12_400 + "\n a b",
    "if 1:\n pass\n" * 3_300 + "\n" * 9_000 + "\ufb01 = 1",
)
"""Texts that take Python's parser long, or what is asked of them besides."""

UNUSUAL = (
    "x = torch.rand(3, 3)\nm = x > 0\nx[m] = torch.rand(40)",
    "x = torch.rand(2)\ny = x[torch.tensor(3)]",
    "y = F.one_hot(torch.tensor(3), 0)",
    "y = F.embedding(2, 0.5, torch.rand(2))",
    "z = torch.rand(2_000, 2_200)\ny = torch.rand(4).split(torch.tensor([2, 2]))",
    "z = torch.rand(2_000, 2_200)\ny = torch.rand(4).norm(torch.tensor([1, 2]))\n1 / 0",
    "z = torch.rand(2_000, 2_200)\ny = torch.rand(4)[True]\n1 / 0",
    "y = F.layer_norm(torch.rand(2), torch.rand(100_000))",
    "y = F.rms_norm(torch.rand(2, 3), torch.tensor([3]))",
)
"""Arguments for which torch, without memory, would load a compiler."""

NAMED = (
    "free = torch.rand(1) > 2\n"
    + " = ".join(f"v{n}" for n in range(4_000))
    + " = torch.zeros(3)\nx = torch.zeros(3)\nfor i in range(100_000):\n    x += 1\n    if free: break",
)
"""Many names, each of which a rehearsal looks at."""

_LONG = "a = list(range(99_999))\n"
LOOKED_THROUGH = (
    _LONG + "b = -1 in a\n" * 60,
    _LONG + "d = [a]\n" + "b = 5 in d\n" * 400,
    _LONG + "d = {1: a}\n" + "b = 1 in d\n" * 400,
    _LONG + "b = a is None\n" * 900,
    _LONG + "b = sum(a)\n" * 60,
    _LONG + "for i in range(300): b = max(a) + sum(a) + any(a)",
    "a = set(range(99_999))\n" + "b = a | a\n" * 40,
    "a = set(range(99_999))\n" + "b = a ^ a\n" * 6 + "1 / 0",
    "a = set(range(99_999))\nb = set(range(100_000, 199_999))\n" + "c = a | b\n" * 10,
    "a = set(range(90_000))\nfor i in range(29): a = a | set(range(i * 1_000, i * 1_000 + 5_000))\n1 / 0",
)
"""Long lists and sets that are gone through again and again, by a rehearsal, too."""
