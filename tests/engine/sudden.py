"""Programs in which one thing takes far longer than it looks: an index, a layer, a message, a write."""

from __future__ import annotations

from textwrap import indent

from tests.engine.ways_back import LATE_WAYS

AXES = "b = torch.zeros(" + ", ".join(["2"] * 17) + ")\n"
LAYERS = "m = nn.ModuleList([nn.ReLU()] * 1900)\n"
TUPLES = "t = (1, 2)\nfor i in range(22): t = (t, t)\n"
MANY = " = ".join(f"a{i}" for i in range(1000)) + " = 0\n"
PLACES = "x, k = torch.zeros(3, 3), torch.zeros(100000, dtype=torch.int64)\n"
LIST = "k, xs = torch.ones(9), [0] * 100000\n"
LATE = """free, x = torch.randn(3), {x}
for i in range(1000):
    if free.sum() > 1000: break
    if i == {i}:
        for j in range({turns}): {line}"""
RARE = """free, x = torch.randn(3), torch.ones(3)
for i in range(1000):
    if free.sum() < 1000 and i == 37:
        {}"""
UNLIKE = """free, w = torch.randn(3), torch.ones(100, requires_grad=True)
x = torch.ones(3, requires_grad=True)
half, vector, seen = torch.rand(20_000, 2).half(), torch.rand(100_000), []
for i in range(200):
    seen.append(i)
    if {}:
        for j in range(1000): {}"""
GROWS = """free, x = torch.randn(3), torch.ones(3)
for e in range(50):
    for i in range(e * 10):
        if free.sum() > 1000: break
        x[0] = i"""
KEYS = "d = dict(zip(range(30000), range(30000)))\n"


def _left_open(turns: int, body: str, x: str = "torch.ones(1)") -> str:
    """Return a loop that may be left at each turn."""
    loop = f"for i in range({turns}):\n    if free.sum() > 1000: break\n" + indent(body, "    ")
    return f"free, x, a = torch.randn(3), {x}, 0\n{loop}"


ONCE = "def h(t, n=3):\n    if n < 1: return t\n    return h(t + 1, n - 1)\n"

SUDDEN = [
    *LATE_WAYS.values(),
    *[
        AXES + line
        for line in ("assert 0, b", "torch.ones(2, device=b)", "nn.Linear(b, 3)", "nn.LayerNorm([b])")
    ],
    *[AXES + line for line in ("d = {}\nd[b]", "d = {}\nd.pop(b)", "[].index(b)", "nn.Embedding(b, b)")],
    *[TUPLES + line for line in ("assert 0, t", "torch.ones(2, device=t)", "x = torch.ones(3)\nx[0] = t")],
    *[TUPLES + "x = torch.ones(3)\n" + line for line in ("x[[t]]", "x[{1: t}]", "x[:] = t", "x[[1]] = [t]")],
    "t = [1, 2]\nfor i in range(18): t = [t, t]\nx = torch.ones(3)\nx[t]",
    "x = torch.rand(10**6)\nx.roll([1] * 1000, [0] * 1000)",
    "x = torch.ones(2)\nx.roll([1] * 12000, [0] * 12000)",
    "x = torch.ones(2)\ny = x[(None,) * 20000]",
    "x = torch.ones(2)\nx[(0,) * 90000]",
    *[LAYERS + f"for i in range(9000): {line}" for line in ("enumerate(m)", "zip(m, m)", "1 in m", "set(m)")],
    *[
        LAYERS + f"for i in range(9000): {line}"
        for line in ("reversed(m)", "str(m)", "f'{m}'", "print(m)", "m[:]")
    ],
    LAYERS + "def f(m): pass\nfor i in range(9000): f(m)",
    LAYERS + "d = {0: m}\nfor i in range(9000): a = d[0]",
    LAYERS + "t = (m, m, m)\nfor i in range(3000): a, b, c = t",
    LAYERS + "for a in [m] * 9000: pass",
    LAYERS + "s = [a for a in [m] * 9000]",
    "m = nn.ModuleList([nn.ReLU()])\nm = m + [nn.ReLU()] * 99000",
    "m = nn.ModuleList([])\nm += [nn.ReLU()] * 99000",
    "m = nn.ModuleList([nn.ReLU()])\nfor i in range(60): m += m",
    "nn.ModuleList([nn.ReLU()] * 99000)",
    "m = nn.Sequential(nn.ReLU()) * 10**7",
    "m = nn.Sequential(nn.ReLU())\nm *= 10**6",
    "m = nn.Linear(2, 2)\nfor i in range(1200): m = nn.Sequential(m)",
    "xs = list(range(90000))\nx = torch.ones(2)\nfor i in range(9999): x[xs]",
    "W = torch.ones(2, requires_grad=True)\ny = (W ** 3).sum()\ny.backward(create_graph=True)",
    MANY + "for i in range(9000):\n    for j in range(1): pass",
    f"def f({', '.join(f'a{i}=0' for i in range(900))}): pass\nfor i in range(20000): f()",
    MANY + "for i in range(9000): " + MANY,
    "d = {}\nfor i in range(9000): d[i * (2**61 - 1)] = 1",
    "set([i * (2**61 - 1) for i in range(12000)])",
    *[
        "xs = [()]\nfor i in range(12): xs = [x + (k,) for x in xs for k in (-1, -2)]\n" + line
        for line in ("s = set(xs)", "d = {x: 1 for x in xs}", "d = {}\nfor x in xs: d[x] = 1")
    ],
    *["e=1\n" * 12000, "é=1;" * 12000, "x=[\n" + "é,\n" * 16000 + "]", "def f():\n" + " e=e\n" * 9900],
    "x = torch.ones(1000, 1000)\nfor i in range(9999): y = x.multinomial(1000)",
    "x = torch.zeros(2000, 2000)\nfor i in range(2000): x[i][0] = 1",
    "layer, w = nn.Linear(2, 2), nn.Parameter(torch.ones(2, 2))\nfor i in range(50000): layer.weight = w",
    "x = torch.ones(2)\nx[[None] * 90000]",
    "x = torch.randn(300, 300)\nfor i in range(500): print(x)",
    "d = {i * (2**61 - 1): 1 for i in range(12000)}",
    "dict([(i * (2**61 - 1), 1) for i in range(12000)])",
    "t = torch.tensor(0)\ntorch.tensor([t] * 90000)",
    "sum([[0]] * 90000, [0] * 90000)",
    KEYS + "s = d.keys() & d.keys()\nfor i in range(9000): sorted(s)",
    f"def {'a' * 16000}(n): pass",
    "s = 'a' * 99999\nprint(" + "1, " * 900 + "sep=s)",
    "a = torch.rand(10**6)\nfor i in range(100): a.sort()",
    *[
        PLACES + line
        for line in ("x[k[:, None], k] = 1", "x[k[:, None], k] = x[0, 0]", "x[:, k[:, None], k] += 1")
    ],
    PLACES + "for i in range(100): x[k[:30000, None], k] = i",
    "x, k = torch.zeros(3, 10**5), torch.zeros(10**4, dtype=torch.int64)\nfor i in range(100): x[k] = 1",
    *[
        LIST + line
        for line in ("k[xs][xs]", "k[:-1, xs]", "k[xs, k]", "k[xs] += 1", "k[range(100000)]", "k[0.5, xs]")
    ],
    LIST + "for i in range(1000):\n    if i == 500: k[[xs, xs]]",
    *[LIST + line for line in ("k.std(xs)", "k.sum(dim=xs)", "k.amax(tuple(xs))", "F.normalize(k, dim=xs)")],
    *[LIST + line for line in ("k[[k] * 500, k]", "k[k, [k.sum()] * 500] = 1")],
    *[
        LATE.format(x=x, line=line, i=i, turns=turns)
        for x, line in (
            ("torch.zeros(3000, 3000)", "y = x.std(0)"),
            ("torch.zeros(1000, 1000)", "y = x.argmax()"),
            ("torch.zeros(1, 1000).expand(1000, 1000)", "y = x.prod(0)"),
            ("torch.zeros(300, 300)", "y = x @ x"),
            ("torch.zeros(3)", "x = x + 1"),
        )
        for i, turns in ((10, 100_000), (100, 100_000), (30, 5_000))
    ],
    "x = f'" + "{1}" * 12000 + "'",
    "for i in range(999):\n  if i == 500:\n    x = torch.ones(2)\n    for a in range(60): x = x.repeat(2)",
    "x = torch.rand(3)\n" + "for i in range(90):\n if x[0] > 9: break\n x + 1\n" * 400,
    MANY + "for i in range(1000):\n" + "    for j in range(i): a = i\n" * 120,
    MANY + "for j in range(2): a = j\n" * 300 + "for i in range(100000): torch.ones(3)",
    "x = torch.ones(0)\nx.chunk(100_000_000)",
    "x = torch.ones(0)\nfor i in range(100_000): x.chunk(999)",
    *[
        _left_open(100_000, line, "torch.ones(10**5, 0)")
        for line in ("x.tolist()", "F.layer_norm(x, (0,))", "F.cosine_similarity(x, x)", "x.chunk(1000, -1)")
    ],
    RARE.format("y = [x + j for j in range(100_000)]"),
    RARE.format("y = sum(x[0] * j for j in range(100_000))"),
    RARE.format("y = [[x + k for k in range(100)] for j in range(1000)]"),
    RARE.format("for j in range(100_000): x = x + 1"),
    *[
        UNLIKE.format(test, line)
        for test, line in (
            ("free.sum() < 1000 and i == 37", "x.sum().backward()"),
            ("free[0] * 0 + i > 10", "half.log_softmax(1)"),
            ("x.sum() > 0 and i > 2", "vector[vector > 0.5]"),
            ("x.sum() > 0 and i % 20 == 19", "vector.unfold(0, 9, 1).sum(1)"),
            ("len(seen) > 60", "(w * 2).sum().backward()"),
            ("x[0].item() > 0 and i in (20, 40)", "[c for c in 'ab' * 50_000]"),
        )
    ],
    *[
        _left_open(1000, line)
        for line in (
            *("sum([x] * 4900)", "sum([x for j in range(5000)])", "any([x < 0] * 5000)"),
            *("all([x > 0] * 5000)", "nn.ModuleList([nn.ReLU()] * 1900)"),
        )
    ],
    GROWS,
    *[
        _left_open(100_000, body)
        for body in (
            "".join(f"def f{n}(x): return x\n" for n in range(1400)),
            "a = a and a + 1\n" * 800,
            "print(" + "a, " * 4000 + "a)",
        )
    ],
    *[
        _left_open(30, f"x = {x}")
        for x in (
            "torch.randperm(2 ** i)",
            "nn.Embedding(2 ** i, 2)",
            "torch.cat([x, x]).sort()[0]",
            "x.double().repeat(2)",
            "x.repeat(2) if i % 2 == 0 else x + 1",
            "torch.rand(2 ** i, dtype=torch.float64).log_softmax(0)",
            "torch.ones(2 ** (i // 2), 2 ** (i // 2)) @ torch.ones(2 ** (i // 2), 1)",
        )
    ],
    *[
        f"free, x = torch.randn(3), torch.ones(3)\nfor i in range({turns}):\n    if {test}:\n"
        f"        for j in range(30):\n            if x.sum() < -9: break\n            torch.rand({size})"
        for turns, test, size in (
            (2, "i == 1 and free[0] < 50", "2 ** j"),
            (20, "i == 0", "2 ** j"),
            (20, "i == 3 and free[0] < 50", "1 << j"),
        )
    ],
    *[
        f"free, w = torch.randn(3), torch.ones(100, requires_grad=True)\n{ONCE}for i in range(1000):\n"
        f"    z = h(w)\n    if i == 30 and free[0] < 50:\n        {line}"
        for line in (
            "[(w * j).sum().backward() for j in range(20_000)]",
            "for j in range(20_000): (w * j).sum().backward()",
        )
    ],
]
