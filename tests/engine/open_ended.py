"""Programs of which only the run can know how much they do: each is refused before that is much."""

from __future__ import annotations

_LATER_LARGE = """
z = torch.rand(3)
x = torch.rand({small})
for k in range(2):
    for j in range({turns}):
        if z.sum() > 1e9:
            break
        {call}
        if j == 5:
            x = torch.rand({large})
"""
_CALLS = (
    ("sorted", "9, 9", 350, "x.sort()", "300, 300"),
    ("one-hot", "2, 1", 60, "F.one_hot(x.long().clamp(0, 3), 5)", "2, 90_000"),
    (
        "rows of a table",
        "2, 2",
        250,
        "F.embedding(torch.zeros(3, 300, dtype=torch.int64), x)",
        "300, 300",
    ),
    ("diagonals", "9, 9", 100, "torch.diag_embed(x)", "100, 100"),
    ("rows picked by number", "2, 1", 100, "x.index_select(0, torch.tensor([0] * 300))", "2, 3_000"),
)
OPEN_ENDED = {
    "a sum that may end it": """
x = torch.ones(2)
for i in range(100000):
    if x.sum() > 10 ** 7:
        break
    x = x + 1
""",
    "a step of a network": """
x, w = torch.ones(2, 3), torch.ones(3, 3)
for i in range(100000):
    x = torch.relu(x @ w) + x[0]
    if x.mean() < 0:
        break
""",
    "an item that is written": """
x = torch.ones(5)
for i in range(100000):
    x[i % 5] = i
    if x[0] < 0:
        break
""",
    "a tensor that is changed in place": """
x = torch.ones(5)
for i in range(100000):
    x += 1
    if x[0] < 0:
        break
""",
    "a layer": """
norm = nn.LayerNorm(3)
x = torch.ones(2, 3)
for i in range(100000):
    x = norm(x)
    if x[0, 0] > 5:
        break
""",
    "a loss": """
x = torch.ones(2, 3)
for i in range(100000):
    loss = F.cross_entropy(x, torch.tensor([0, 1]))
    if loss < 0:
        break
""",
    "a network that is trained": """
model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
x, y = torch.randn(8, 3), torch.randn(8, 1)
for step in range(100000):
    loss = F.mse_loss(model(x), y)
    model.zero_grad()
    loss.backward()
    with torch.no_grad():
        for p in model.parameters():
            p -= 0.01 * p.grad
    if loss < 0:
        break
""",
    "a line that is fitted": """
w = torch.zeros(3, requires_grad=True)
x = torch.randn(8, 3)
y = x @ torch.tensor([1.0, 2.0, 3.0])
for step in range(100000):
    loss = ((x @ w - y) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        w -= 0.1 * w.grad
        w.grad = None
    if loss < 0:
        break
""",
    "a dict whose values are changed": """
d = {i: torch.ones(2) for i in range(100)}
for i in range(1000):
    for k, v in d.items():
        d[k] = v + 1
""",
    "the values of a dict": """
d = {i: torch.ones(2) for i in range(100)}
for i in range(1000):
    t = sum([v.sum() for v in d.values()])
""",
    "lists that a function gives and joins": """
def f(x, depth):
    if depth == 0:
        return [x]
    return f(x + 1, depth - 1) + f(x - 1, depth - 1)
y = f(torch.ones(2), 16)
""",
    "updates without a gradient, some of them": """
w = torch.ones(3)
for i in range(11780):
    if i in (0, 5, 17):
        continue
    with torch.no_grad():
        w -= 0.01 * w.detach()
""",
    "the last few of a list": """
on, x, xs = True, torch.ones(2), []
for i in range(2440):
    xs = [e * 0.5 for e in xs if on][-3:] + [x]
""",
    "scores below the diagonal": """
q, k, s = torch.ones(80, 4), torch.ones(80, 4), torch.zeros(80, 80)
for i in range(80):
    for j in range(80):
        if j <= i:
            s[i, j] = q[i] @ k[j]
""",
    "a number of a tensor": """
x = torch.ones(3)
for i in range(100000):
    a = x[i % 3].item()
    if a < 0:
        break
""",
    "the numbers of a tensor": """
x = torch.ones(30)
for i in range(100000):
    a = x.tolist()
    if a[0] < 0:
        break
""",
    "a tensor's text": """
x = torch.ones(3)
for i in range(100000):
    print(x)
    if x[0] < 0:
        break
""",
    "the rows of a tensor": """
x = torch.ones(9, 2)
for i in range(100000):
    for row in x:
        y = row
    if x[0, 0] < 0:
        break
""",
    "a large tensor that is written": """
x = torch.ones(300, 300)
for i in range(100000):
    x[0] = i
    if x[1, 0] < 0:
        break
""",
    "a large tensor that is made": """
x = torch.ones(1000)
for i in range(100000):
    y = torch.ones(1000, 1000) * i
    if x[0] < 0:
        break
""",
    "products of matrices": """
x = torch.eye(100)
for i in range(100000):
    x = x @ x
    if x[1, 0] < 0:
        break
""",
    "products of large matrices": """
x = torch.eye(500)
for i in range(100000):
    x = x @ x
    if x[1, 0] < 0:
        break
""",
    "a tensor that is written through others": """
x = torch.ones(100)
for i in range(100000):
    v = x[i % 50 :]
    v[0] = 2
    if x[1] < 0:
        break
""",
    "a loop in each turn, as long as a sum says": """
x = torch.ones(5)
for i in range(300):
    for j in range(int(x.abs().sum()) * 3):
        x = x * 1
""",
    "a function that calls itself until a sum says so": """
def f(x, depth):
    if x.sum() > 10 ** 7 or depth == 0:
        return x
    return f(x + 1, depth - 1) + f(x * 1, depth - 1)
y = f(torch.ones(2), 18)
""",
    "a loop of which all is known, in one that a sum may end": """
x = torch.ones(2)
for i in range(100000):
    for j in range(3):
        x = x + 1
    if x.sum() < 0:
        break
""",
    "a comprehension, as long as a sum says": """
x = torch.ones(300, 300)
xs = [x[0] + j for i in range(40) for j in range(int(x.sum()) // 300)]
""",
    "a variance down long columns": """
x = torch.rand(300, 300)
go = bool(x.sum() >= 0)
for i in range(100000):
    y = x.var(0)
    if not go:
        break
""",
    "cells that are dropped": """
x = torch.rand(300, 300)
go = bool(x.sum() >= 0)
for i in range(100000):
    y = F.dropout(x)
    if not go:
        break
""",
    "products of whole numbers": """
x = torch.ones(200, 200).long()
go = bool(x.sum() >= 0)
for i in range(100000):
    y = x @ x
    if not go:
        break
""",
    "layers that are made": """
go = bool(torch.ones(1) > 0)
for i in range(100000):
    layer = nn.Linear(300, 300)
    if not go:
        break
""",
    "slices that are each another one": """
x = torch.ones(4)
go = bool(x.sum() >= 0)
for i in range(0, 100000 * (2**61 - 1), 2**61 - 1):
    x[i:]
    if not go:
        break
""",
    "gradients as large as what they are of": """
w = torch.ones(2**20, requires_grad=True)
for i in range(100000):
    w[i].backward()
    if w[0] > 5:
        break
""",
    "gradients of a large table": """
layer = nn.Embedding(20000, 64)
x = torch.tensor([1])
for i in range(100000):
    layer.zero_grad()
    layer(x).sum().backward()
    if x[0] > 4:
        break
""",
    **{
        f"{name}, small or large": _LATER_LARGE.format(small=small, turns=turns, call=call, large=large)
        for name, small, turns, call, large in _CALLS
    },
    "written through a view, small or large": """
x = torch.rand(3)
b = torch.rand(9, 9)
for k in range(2):
    for j in range(600):
        if x.sum() > 1e9:
            break
        b[:, 0] += 1
        b = torch.rand(300, 300)
""",
    "layers, small or large": """
x = torch.rand(3)
b = 3
for k in range(2):
    for j in range(700):
        if x.sum() > 1e9:
            break
        y = nn.Linear(b, b)
        b = 300
""",
}
"""Of each nobody knows beforehand how often it turns."""
