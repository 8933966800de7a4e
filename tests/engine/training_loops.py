"""Training loops as tutorials write them; each is a program, whose turns are so many small steps."""

from __future__ import annotations

from typing import NamedTuple


class Loop(NamedTuple):
    """A training loop.

    Attributes:
        turns: How many steps it takes.
        program: Its text, with `TURNS` for their number.
    """

    turns: int
    program: str


LOOPS: dict[str, Loop] = {
    "line by hand": Loop(
        5_000,
        """\
import torch
X = torch.linspace(-1, 1, 50).unsqueeze(1)
y = 3 * X + 0.5 + 0.1 * torch.randn(50, 1)
w = torch.zeros(1, 1, requires_grad=True)
b = torch.zeros(1, requires_grad=True)
for step in range(TURNS):
    loss = ((X @ w + b - y) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        w -= 0.05 * w.grad
        b -= 0.05 * b.grad
        w.grad.zero_()
        b.grad.zero_()
    if step % 500 == 0:
        print(step, loss.item())
print(w, b)
""",
    ),
    "line with optim": Loop(
        5_000,
        """\
import torch
from torch import nn
X = torch.linspace(-1, 1, 50).unsqueeze(1)
y = 3 * X + 0.5
model = nn.Linear(1, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
loss_fn = nn.MSELoss()
for epoch in range(TURNS):
    pred = model(X)
    loss = loss_fn(pred, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if epoch % 500 == 0:
        print(epoch, loss.item())
print(model.weight, model.bias)
""",
    ),
    "mlp on a sine": Loop(
        4_000,
        """\
import torch
from torch import nn
x = torch.linspace(-3.14, 3.14, 64).unsqueeze(1)
y = torch.sin(x)
class Net(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.hidden = nn.Linear(1, hidden)
        self.out = nn.Linear(hidden, 1)
    def forward(self, x):
        return self.out(torch.tanh(self.hidden(x)))
net = Net(16)
optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
for step in range(TURNS):
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(net(x), y)
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    ),
    "attention": Loop(
        400,
        """\
import torch
from torch import nn
import torch.nn.functional as F
torch.manual_seed(1337)
vocab, d, T, B = 12, 16, 8, 4
class Head(nn.Module):
    def __init__(self):
        super().__init__()
        self.key = nn.Linear(d, d, bias=False)
        self.query = nn.Linear(d, d, bias=False)
        self.value = nn.Linear(d, d, bias=False)
        self.register_buffer("tril", torch.tril(torch.ones(T, T)))
    def forward(self, x):
        k, q, v = self.key(x), self.query(x), self.value(x)
        wei = q @ k.transpose(-2, -1) * d**-0.5
        wei = wei.masked_fill(self.tril == 0, float("-inf"))
        return F.softmax(wei, dim=-1) @ v
class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(vocab, d)
        self.pos = nn.Embedding(T, d)
        self.head = Head()
        self.out = nn.Linear(d, vocab)
    def forward(self, idx, targets):
        x = self.emb(idx) + self.pos(torch.arange(T))
        logits = self.out(x + self.head(x))
        return F.cross_entropy(logits.view(-1, vocab), targets.view(-1))
data = torch.arange(400) * 7 % vocab
model = Model()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
for i in range(TURNS):
    ix = torch.randint(len(data) - T, (B,))
    x = torch.stack([data[j : j + T] for j in ix])
    y = torch.stack([data[j + 1 : j + T + 1] for j in ix])
    loss = model(x, y)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    ),
}
