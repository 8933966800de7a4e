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
