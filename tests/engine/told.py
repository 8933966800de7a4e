"""Programs in which something becomes larger, or calls take more than they look: a rehearsal knows it."""

from __future__ import annotations

START = "x = torch.ones(3)\n"
GROWING = {
    "a comprehension up to what another counts": "z = [x * t for j in range(60) for t in range(j)]",
    "one of which a test is not known": "z = [x * t for j in range(60) if x[0] < 90 for t in range(j)]",
    "a dict that is gone through": "d = {}\nfor j in range(60):\n    d[j] = x\n    for k in d: z = x + 1",
    "a dict that is filled last": "d = {}\nfor j in range(60):\n    for k in d: z = x + 1\n    d[j] = x",
    "its values": "d = {}\nfor j in range(60):\n    d[j] = x\n    z = [t + 1 for t in d.values()]",
    "its items": (
        "d = {}\nfor j in range(20):\n    d[j] = [x] * j\n"
        "    for k, t in d.items():\n        for u in t: z = u + 1"
    ),
    "a list": "xs = []\nfor j in range(60):\n    xs.append(x)\n    z = [t + 1 for t in xs]",
    "a list made anew": "xs = []\nfor j in range(60):\n    xs = xs + [x]\n    z = [t + 1 for t in xs]",
    "two items at once": "xs = [x]\nfor j in range(40):\n    for k in xs: z = x + 1\n    xs.extend([x, x])",
    "two that are added": "xs = [x]\nfor j in range(40):\n    for k in xs: z = x + 1\n    xs += [x, x]",
    "a list as long as a number": "for j in range(60):\n    z = [t + 1 for t in [x] * j]",
    "a text as long as a number": "for j in range(60):\n    s = 'c' * j\n    z = [x + 1 for c in s]",
    "a text": "s = ''\nfor j in range(60):\n    s = s + 'c'\n    z = [x + 1 for c in s]",
    "rows of what is repeated": "for j in range(40):\n    y = x.repeat(j)\n    for t in y: z = t * 2",
    "rows of a slice": "y = torch.ones(60)\nfor j in range(60):\n    for t in y[:j]: z = t + 1",
    "a slice as a list": "y = torch.ones(60)\nfor j in range(60):\n    for t in y[:j].tolist(): z = x + 1",
    "rows of a tensor that others are put to": (
        "for i in range(5):\n    for j in range(9): x = torch.cat([x, torch.ones(3)])\n"
        "    for t in x: z = t + 1"
    ),
    "two ranges": "for j in range(60):\n    for t in zip(range(j), range(j)): z = x + 1",
    "a range that is a list": "for j in range(60):\n    for t in list(range(j)): z = x + 1",
    "a list that is counted": "for j in range(60):\n    for i, t in enumerate([x] * j): z = x + 1",
    "some items more": "xs = [x] * 40\nfor j in range(40):\n    xs.append(x)\n    for t in xs: z = x + 1",
    "operands of a call": "xs = []\nfor j in range(60):\n    xs.append(x)\n    z = torch.stack(xs)",
    "operands of one after a branch": (
        "xs = []\nif x[0] > 9: xs = [x]\nfor j in range(60):\n    xs.append(x)\n    z = torch.stack(xs)"
    ),
}
"""Programs in which something becomes larger turn by turn, or a loop goes as far as another counts."""

CALLS = [
    "for j in range(100): x.requires_grad_(True)",
    "for j in range(100): x.requires_grad = True",
    "w = torch.ones(3, requires_grad=True)\nfor j in range(100): z = w.is_leaf, w.requires_grad, w.dtype",
    "w = torch.ones(3, requires_grad=True)\nfor j in range(100): z = w.detach().requires_grad_()",
    "for j in range(100): z = x.data, x.numel() + x.dim() + x.size(0) + len(x) + x.shape[0]",
    "for j in range(100): z = x[0].item(), x.tolist(), float(x[0]), torch.equal(x, x)",
    "for j in range(100): a, b, c = x",
    "for j in range(100):\n    if x[0] > 0: z = 1",
    "for j in range(100): x[0] = 1",
    "for j in range(100): v, i = x.topk(2)",
    "lin = nn.Linear(3, 3)\nfor j in range(400): lin.zero_grad()",
    "lin = nn.Linear(3, 3)\nfor j in range(100): lin.weight.data = torch.ones(3, 3)",
    "lin = nn.Linear(3, 3)\nfor j in range(100): lin.weight.data -= 0.1",
    "lin = nn.Linear(3, 3)\nfor j in range(100): lin.train()",
    "lin = nn.Linear(3, 3)\nfor j in range(50):\n    lin(x).sum().backward()\n    lin.zero_grad()",
    (
        "y = torch.ones(2, 3, requires_grad=True)\n"
        "for j in range(50): F.cross_entropy(y, torch.tensor([0, 1])).backward()"
    ),
    (
        "m = nn.ModuleList([nn.Linear(3, 3) for _ in range(5)])\n"
        "for j in range(50):\n    for p in m.parameters(): z = p.norm()"
    ),
    (
        "m = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.LayerNorm(3))\n"
        "for j in range(100): z = m(torch.ones(2, 3))"
    ),
    (
        "w = torch.ones(3, requires_grad=True)\ny = w * 1\nfor j in range(300): y = y * 1.01\n"
        "for j in range(20): y.sum().backward(retain_graph=True)"
    ),
    (
        "w = torch.ones(3, requires_grad=True)\ny = w * 1\n"
        "for j in range(90):\n    y.sum().backward(retain_graph=True)\n    y = y * 2"
    ),
    (
        "w = torch.ones(3, requires_grad=True)\ny = w * 1\n"
        "def back(t): t.sum().backward(retain_graph=True)\n"
        "for j in range(90):\n    y = y * 2 + w\n    if x[0] > 0: back(y)"
    ),
    "z = [x, x]\nif x[0] > 9: z = [x]\nfor j in range(60): a, b = z",
    "s = 'ab'\nfor j in range(300): s += str(j)",
    "s = 'ab'\nfor j in range(300): s += f'{x.sum():.2f}'",
]
"""Programs that call what takes more than it looks."""

DOUBLING = [
    "xs = [1.0]\nfor j in range(60): xs = xs + xs",
    "xs = [1.0]\nfor j in range(60): xs += xs",
    "xs = [1.0]\nfor j in range(60): xs.extend(xs)",
    "xs = [1.0]\nfor j in range(3): xs = xs + [j]\nif x[0] > 9: xs = []\nfor j in range(60): xs = xs + xs",
    "s = 'ab'\nfor j in range(60): s = s + s",
    "s = 'ab'\nif x[0] > 9: s = 'c'\nfor j in range(60): s += s",
    "for j in range(40): x = torch.cat([x, x])",
    "for j in range(40): x = x.repeat(2)",
    "for j in range(40): x = torch.stack([x, x]).flatten()",
    "for j in range(40): x = x.view(-1, 1).expand(-1, 2).reshape(-1)",
    "d = {'a': x}\nfor j in range(40): d['a'] = torch.cat([d['a'], d['a']])",
    "k = 2\nif x[0] > 9: k = 3\nfor j in range(40): k = k * 2\nz = torch.ones(k)",
    "k = 2 + int(x[0] > 9)\nfor j in range(40): k = k * 2\nz = torch.ones(k)",
    (
        "k = 2\nfor i in range(2):\n    if x[0] > -9:\n"
        "        for j in range(40):\n            k = k * 2\n            z = torch.ones(k)"
    ),
]
"""Programs in which something becomes twice as large each turn, without end."""

RARE = [
    "for j in range(100_000): y = y * 1.01",
    "z = [g(y) for j in range(9_000)]",
    "for j in range(1_000): y.sum().backward(retain_graph=True)",
    "for j in range(40): y = torch.cat([y, y])",
    "z = torch.ones(2**j, 2**j)",
]
"""What a turn may do that is unlike all others, and only the run knows which."""

RARELY = """
def g(t):
    for q in range(100): t = t + 1
    return t
x, w = torch.ones(10), torch.ones(10, requires_grad=True)
y, k, m, j = w * 1, 0, torch.rand(10, 10), 20
for q in range(100): y = y * 1.01
for i in range({turns}):
    if i == 31 and x[0] < 50:
        {rare}
    for j in [1, 2] * 20:
        k = k + int(x[0] > 0)
    z = m.softmax(-1)
    if x.argmax() > 7: a = 5
"""

FAIR = {
    "whole numbers made of truths": """
m = torch.tensor([True, False])
for i in range(400):
    if int((m * 3).max()) > 1:
        x = x + 1
    else:
        for j in range(20):
            x = x * 1
""",
    "as many turns as such a number leaves": """
m = torch.tensor([True, False])
for i in range(400):
    n = int(m[0] + 4)
    for j in range(5 - n): x = x + 1
    z = x * 2
""",
    "sizes that may be below zero": """
k = 1
if x[0] > 9: k = -10_000
for i in range(400): z = torch.ones(k, k) + x
""",
    "data that is put where it is": """
w = torch.ones(3, requires_grad=True)
for i in range(300):
    d = w.data
    d *= 0.99
    w.data = d
""",
    "pairs of letters that are counted": """
text = "low lower lowest new newer newest wide wider widest " * 3
ids = list(text)
for m in range(5):
    counts = {}
    for a, b in zip(ids, ids[1:]):
        counts[(a, b)] = counts.get((a, b), 0) + 1
    n, pair = max([(n, pair) for pair, n in counts.items()])
    new = []
    for i in range(len(ids)):
        if i < len(ids) - 1 and (ids[i], ids[i + 1]) == pair:
            new.append(ids[i] + ids[i + 1])
        else:
            new.append(ids[i])
    ids = new
""",
    "long lists, and then a signal that is shifted": """
xs = [1, 1]
for i in range(700):
    xs.append((xs[-1] + xs[-2]) % 1000)
ys = [0]
for i in range(8):
    ys = ys + [1 - y for y in ys]
x = torch.tensor(ys).float()
for i in range(700):
    x = x.roll(1) * 0.99 + 0.01
""",
}
"""Programs that fit, though a rehearsal that knew less than it thinks would refuse them."""

LATE = [
    """
xs = [1.0, 2.0]
for i in range(65):
    for j in range(20):
        if x.norm() < -1: break
        z = x.std()
for j in range(60): xs = xs + xs
""",
    """
d = {}
for j in range(60):
    d[j] = [x] * j
    for k, t in d.items():
        for u in t: z = u + 1
""",
    """
def g(n):
    out = []
    for q in range(n):
        if x[0] > 50: break
        out.append(q)
    return out
z = [g(j) for j in range(120)]
""",
    """
for i in range(20):
    if x[1] > 1e9: break
    for j in range(int(x[0]) + 40):
        z = x.max().item()
        x = x + 1
""",
    """
w = torch.ones(3, requires_grad=True)
y = w * 1
m = torch.rand(100, 100)
for i in range(1000):
    z = m.softmax(-1)
    if i == 300:
        for j in range(1000): y = y * 1.01
        for j in range(1000): y.sum().backward(retain_graph=True)
""",
]
"""Programs that do much of what is allowed, and then what is not."""

BOUNDLESS = (
    *[START + program for program in (*DOUBLING, *LATE)],
    *[RARELY.format(rare=rare, turns=40) for rare in RARE],
)
