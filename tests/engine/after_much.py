"""Programs that do much of which all is known, and then something of which only the run knows how much."""

from __future__ import annotations

_KNOWN = """
w = torch.rand(500, 500)
x = torch.rand(5)
for i in range(480):
    y = w @ w
"""
_LONG = """
q = [0]
if x[0] > -99:
    q = [i for i in range(9000)]
"""

AFTER_MUCH = {
    "a list that may be long is compared": _KNOWN + _LONG + "for i in range(2000):\n    s = q == q",
    "a dict that may be long is sorted": (
        _KNOWN
        + "d = {}\nif x[0] > -99:\n    d = {str(i): i for i in range(9000)}\n"
        + "for i in range(2000):\n    s = sorted(d)"
    ),
    "a list that may be long is printed": (
        "x = torch.rand(30)\nfor i in range(4000):\n    t = f'{i}'\nfor i in range(3800):\n    y = x[i % 30]"
        + _LONG
        + "for i in range(2000):\n    print(q)"
    ),
    "a list that grew is gone through": (
        _KNOWN
        + "q = []\nfor i in range(900):\n    if x[0] > -99:\n        q.append(i)\n"
        + "for i in range(2000):\n    for k in q:\n        s = k"
    ),
    "tensors as large as a number of a tensor": (
        "w = torch.rand(1000, 1000)\nn = int(w[0, 0].item()) * 0 + 1000\n"
        "for i in range(110):\n    y = torch.tanh(w)\nfor i in range(50):\n    z = torch.ones(n, n)"
    ),
    "tensors as large as a function says": (
        "def f(n):\n    return int(torch.ones(1)[0].item()) * n\n"
        + _KNOWN
        + "for i in range(1000):\n    z = torch.ones(f(600) + i, f(500))"
    ),
    "products of what a mask leaves": (
        "w = torch.rand(500, 500)\nx = torch.rand(300, 300)\nfor i in range(100):\n    y = w @ w\n"
        "m = x[:, 0] > -9\nfor i in range(900):\n    y = x[m]\n    z = y @ y.T"
    ),
    "gradients through a branch that may be taken": (
        "x, y = torch.rand(3), torch.rand(3, requires_grad=True) * 1\nm = bool(x.sum() > -9)\n"
        "for i in range(2000):\n    if m:\n        y = y * 1.01 + x\n"
        "z = y.sum()\nfor i in range(200):\n    z.backward(retain_graph=True)"
    ),
    "gradients through what a mask leaves": (
        "x = torch.randn(200, 200, requires_grad=True)\ny = x\nfor i in range(100):\n    y = y @ x\n"
        "z = y[x.detach()[0] > -99].sum()\nfor k in range(20):\n    z.backward(retain_graph=True)"
    ),
    "layers that may be put into one": (
        "x = torch.ones(9)\nlayer = nn.Sequential()\nfor i in range(400):\n    if x[0] > 0:\n"
        "        layer.append(nn.Linear(3, 3))\n    p = list(layer.parameters())\n"
        "    q = list(layer.named_parameters())"
    ),
    "a range as long as a number of a tensor": (
        _KNOWN + "for i in range(int(x.sum().item() * 1000)):\n    for j in range(900):\n        s = x + j"
    ),
}
"""Each is refused before the first part is done, though that alone fits."""

PICKED = {
    "a list of what a mask picks": "x = torch.rand(33000000)\ny = x[x > 0.5].tolist()",
    "of what is computed of that": (
        "x = torch.rand(3000, 11000)\ny = (-x[x > 0.5] * 2).abs()[1:].flatten().tolist()"
    ),
    "a list of the places of a mask": "x = torch.rand(20000000)\ny = (x > 0.5).nonzero().tolist()",
    "a list of the cells that a mask picks": "x = torch.rand(33000000)\ny = [v for v in x[x > 0.5]]",
}
"""They ask for a list of what hangs on the values of a tensor that is large by itself."""
