"""Programs that do much which neither a call's shapes nor a line's parts show."""

from __future__ import annotations

_OPEN = "free = torch.rand(1) > 2\n{}\nfor i in range(80_000):\n    if free: break\n    {}"
_NUMBER = "t, y = torch.tensor(1), torch.ones(4, 4)"
_NAMES = ", ".join(f"a{k}" for k in range(1_000))
_BOUND = " = ".join(f"a{k}" for k in range(1_000)) + " = 0\n"
_STORED = "layer, p = nn.Linear(1, 1), nn.Parameter(torch.ones(1, 1))\n"
_CALLED = "\nf(layer, p)"
_FEW = "nn.Sequential(nn.Identity())"

JOINED = (
    *[_OPEN.format(f"s = {_FEW}", f"s * {times}") for times in (30, 500, 999)],
    _OPEN.format("s = nn.Sequential()", "s * 1_999"),
    _OPEN.format(f"m, l = nn.Sequential(), {_FEW} * 990", "m + l"),
    _OPEN.format("m, l = nn.ModuleList(), [nn.Identity()] * 1_900", "m + l"),
    _OPEN.format("s = nn.ModuleList([nn.Identity()])", "sum([s] * 30, start=s)"),
)
LONG_SIZES = (
    _OPEN.format("x = torch.ones(2, 3)", "x.shape * 50_000"),
    _OPEN.format("", "torch.Size([1]) * 100_000"),
    _OPEN.format("x = torch.ones(1); s = x.shape * 90_000", "s.numel()"),
    _OPEN.format("t = torch.tensor(1)", "torch.Size([t] * 500)"),
    _OPEN.format("r = torch.ones(1).topk(1)", "r * 50_000"),
)
NAMES = (
    _OPEN.format("t = (0,) * 1_000", f"{_NAMES} = t"),
    _OPEN.format("t = [0] * 1_000", f"[{_NAMES}] = t"),
    _OPEN.format("", f"from torch import {', '.join(['ones'] * 1_000)}"),
    _OPEN.format("", f"import {', '.join(['torch'] * 100)}"),
    _OPEN.format("", f"def f({_NAMES}, z=1): pass"),
    _OPEN.format("", f"def f(*, {_NAMES}): pass"),
    _OPEN.format(_BOUND + _STORED, "layer.weight = p"),
    _BOUND + _STORED + "def f(a, b):\n  " + _OPEN.format("", "a.weight = b").replace("\n", "\n  ") + _CALLED,
    "pass;" * 4_000 + "\n" + _OPEN.format("", "for j in (): pass"),
    _OPEN.format("", "\n    ".join(["for j in (0,):\n        for k in (): pass"] * 400)),
    *[
        f"x = torch.ones(())\ndef f(x):\n  {call}" + "\n" * 30_000 + ")\n" + _OPEN.format("", "f(x)")
        for call in ("x.sum(", "p = nn.Parameter(x")
    ],
)
KEPT = (
    _OPEN.format("x = torch.zeros(2_000_000); a = x[:1]", "v = [x[1:] for k in range(400)]; a[0] = 1"),
    _OPEN.format("x = torch.zeros(500_000)", "v = [x.view(-1) for k in range(50)]; x += 1"),
    _OPEN.format(
        "x = torch.zeros(2_000_000); a = x[:1]; v = [x[1:] for k in range(200)]",
        "a[0] = 1\n    for y in v: z = y",
    ),
    _OPEN.format(
        "w = torch.ones(3_000_000, requires_grad=True); v = torch.ones((), requires_grad=True)\n"
        "w.grad = torch.ones(3_000_000)",
        "w.grad\n    v.backward()",
    ),
)
NUMBERS = (
    *[
        _OPEN.format(f"{_NUMBER}\n{call}", "pass")
        for call in (
            "torch.layer_norm(y, (t * 4,))",
            "F.rms_norm(y, (t * 4,))",
            "torch.diag_embed(y, t, t)",
            "y.index_select(t, t)",
            "y.split(t)",
        )
    ],
    _OPEN.format(_NUMBER, "F.normalize(y, t, t)"),
    "y = torch.ones(2 ** 20 + 1, 1)\ny.split(torch.tensor(1, dtype=torch.uint8))",
    "x, t = torch.zeros(8_000, 4_000), torch.tensor(1)\nfor i in range(300): y = x.sort(t)",
)
TEXTS = (
    _OPEN.format("torch.set_printoptions(threshold=0, edgeitems=0); x = torch.rand(1_001)", "str(x)"),
    _OPEN.format("torch.set_printoptions(edgeitems=0); x = torch.arange(20_000)", "str(x)"),
    _OPEN.format(
        "torch.set_printoptions(precision=20, sci_mode=False); x = torch.rand(600).double() * 1e300", "str(x)"
    ),
    *[
        _OPEN.format("torch.set_printoptions(precision=3); x, n = torch.ones(()), 1", f"f'{field * 20}'")
        for field in ("{x}", "{n!a}", "{n=}")
    ],
)
_LAYER = "layer = nn.LayerNorm(2); ws = [layer.weight] * 1_000; one = (1,)"
_DEEP = "[" * 49 + "[0 for layer.weight in ws]" + " for k in one]" * 49
_LONG = "a, b = {0!r} * 90_000, {0!r} * 90_000".format("\N{GRINNING FACE}")
_MANY = "m = nn.ModuleList([nn.Identity()] * 1_900)\nfree = torch.rand(1) > 2\n"
FIELDS = (
    _OPEN.format("layer = nn.Softmax(torch.rand(20, 50))", "str(layer)"),
    "layer = nn.Softmax([[torch.rand(1)] * 200] * 400)\ns = str(layer)",
    _OPEN.format("layer = nn.LayerNorm((-10**37,) * 2_000, elementwise_affine=False)", "str(layer)"),
    _OPEN.format(_LAYER, _DEEP),
    _OPEN.format(_LAYER, "[0 for layer.weight in ws]"),
    _OPEN.format("x, g = torch.rand(2), torch.rand(2)", "x.grad = " * 200 + "g"),
    _OPEN.format("x, g = torch.rand(2), torch.rand(2)", "x.data = " * 200 + "g"),
    _OPEN.format("x = torch.rand(2); xs = [x] * 300", "[0 for x.data in xs]"),
    _MANY + "if free: n = nn.ModuleList([m] * 1_900)\n" * 8 + _OPEN.format("", "pass"),
    _MANY + "for i in range(400): torch.rand(1)\nif free: pass\nelse: n = nn.ModuleList([m] * 1_900)",
)
LONG_TEXTS = (
    _OPEN.format(_LONG, "{a: 0, " + "b: 0, " * 150 + "}"),
    _OPEN.format(_LONG + "; d = {a: 0}", "[d[b] for k in range(500)]"),
    _OPEN.format(_LONG, "{b: k for k in range(500)}"),
    _OPEN.format("b = 'x'", "[f'" + "\N{GRINNING FACE}" * 20_000 + "{b}y" * 300 + "' for k in range(500)]"),
    _OPEN.format("", "[0 for k in range(500) if 0" + " and 1" * 4_000 + "]"),
    "xs = [1] * 20_000\nxs[0] = [0] * 90_000\nq = math.prod(xs)\nz = torch.zeros(10**9)",
)
_PAIRED = "u = float(torch.rand(1))\na, b = [u, u], [u, u]\n" + "a, b = [a, b], [a, b]\n" * 13
_DEFAULTS = "def f(a=1, b=1): pass\n" + "def f(a=f, b=f): pass\n" * 30
_MANY_DEFAULTS = f"def f({', '.join(f'a{k}=1' for k in range(1_500))}): pass\n"
_LEVELS = "q = torch.tensor(1.)\nfor k in range({}): q = [q]\nx = torch.ones(2)\n"
LEVELS = (
    *[_LEVELS.format(300) + line for line in ("x[q]", "x[0] = q", "torch.tensor(q)")],
    _OPEN.format(_LEVELS.format(20), "torch.tensor(q)"),
    _OPEN.format(_LEVELS.format(20), "torch.cat(q)"),
    _OPEN.format(_PAIRED, "torch.tensor(a)"),
    _DEFAULTS + "free = torch.rand(1) > 2\nfor k in range(300):\n    for j in range(300):\n"
    "        if free: break\n        torch.rand(1)",
    f"def f({', '.join(f'a{k}=1' for k in range(1_500))}): pass\n"
    + _OPEN.format("", "for g in [f] * 1_000: pass"),
    "layer = nn.Identity()\n" + "layer = nn.Softmax(layer)\n" * 30 + "print(layer)",
)
EXPLAINED = (
    "xs = [torch.rand(2)] * 4_000 + [torch.rand(3, 3)]\ntorch.cat(xs if (" + "1," * 9_000 + ") else 0)",
    "x = torch.rand(7)\nx.view(" + "1, " * 98 + "(2 if (" + "1," * 9_000 + ") else 1))",
    "import torch" + ".a" * 20_000,
    "from torch" + ".a" * 20_000 + " import b",
)
MADE_MANY_TIMES = (
    _OPEN.format("x = torch.zeros(300); bs = x.unbind(); a = bs[0]", "a += 1; [0 for q in bs]"),
    _OPEN.format(
        "x = torch.zeros(300, 1); bs = x.expand(300, 1_400).unbind(); a = x[0]", "a += 1; [0 for q in bs]"
    ),
    _OPEN.format("s, r = set(), range(100)", "[0 for j in r for k in s]"),
    "xs = [f'" + "\N{GRINNING FACE}" * 20_000 + "{k}' for k in range(6_000)]",
    _OPEN.format("d = {0: 1}; y = d.keys()", "y ^ y"),
    _OPEN.format("z = torch.ones(2, 3).shape", "z + z"),
    _OPEN.format("d = {0: 1}", "d |= {}"),
    _OPEN.format(
        "t = (torch.rand(2),) * 190; u = (torch.rand(3),) * 190", "s = t if torch.rand(1) > 2 else u"
    ),
)
AWKWARD = (
    _OPEN.format("x = torch.rand(200, 200) * float('nan')", "x.div(0.3, rounding_mode='floor')"),
    "".join(f"{' ' * depth}def f{depth}():\n" for depth in range(50))
    + " " * 50
    + "for i in range(100_000):\n"
    + " " * 51
    + "torch\n"
    + "".join(f"{' ' * depth}f{depth}()\n" for depth in reversed(range(50))),
)
UNSEEN = (
    *AWKWARD,
    *LEVELS,
    *EXPLAINED,
    *MADE_MANY_TIMES,
    *FIELDS,
    *LONG_TEXTS,
    *JOINED,
    *LONG_SIZES,
    *NAMES,
    *KEPT,
    *NUMBERS,
    *TEXTS,
)
