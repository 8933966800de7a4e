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
    "logistic regression": Loop(
        5_000,
        """\
import torch
import torch.nn as nn
X = torch.randn(100, 2)
y = (X[:, 0] + X[:, 1] > 0).float().unsqueeze(1)
model = nn.Sequential(nn.Linear(2, 1), nn.Sigmoid())
criterion = nn.BCELoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
losses = []
for epoch in range(TURNS):
    output = model(X)
    loss = criterion(output, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
accuracy = ((model(X) > 0.5).float() == y).float().mean()
print(losses[-1], accuracy)
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
    "bigrams": Loop(
        3_000,
        """\
import torch
import torch.nn.functional as F
words = "emma olivia ava isabella sophia charlotte mia amelia harper evelyn".split()
chars = sorted(set("".join(words)))
stoi = {s: i + 1 for i, s in enumerate(chars)}
stoi["."] = 0
xs, ys = [], []
for w in words:
    chs = ["."] + list(w) + ["."]
    for ch1, ch2 in zip(chs, chs[1:]):
        xs.append(stoi[ch1])
        ys.append(stoi[ch2])
xs, ys = torch.tensor(xs), torch.tensor(ys)
num = xs.nelement()
n = len(stoi)
g = torch.Generator().manual_seed(2147483647)
W = torch.randn((n, n), generator=g, requires_grad=True)
for k in range(TURNS):
    xenc = F.one_hot(xs, num_classes=n).float()
    logits = xenc @ W
    counts = logits.exp()
    probs = counts / counts.sum(1, keepdim=True)
    loss = -probs[torch.arange(num), ys].log().mean() + 0.01 * (W**2).mean()
    W.grad = None
    loss.backward()
    W.data += -10 * W.grad
print(loss.item())
""",
    ),
    "mlp over characters": Loop(
        2_000,
        """\
import torch
import torch.nn.functional as F
words = "emma olivia ava isabella sophia charlotte mia amelia harper evelyn".split()
chars = sorted(set("".join(words)))
stoi = {s: i + 1 for i, s in enumerate(chars)}
stoi["."] = 0
block_size = 3
X, Y = [], []
for w in words:
    context = [0] * block_size
    for ch in w + ".":
        ix = stoi[ch]
        X.append(context)
        Y.append(ix)
        context = context[1:] + [ix]
X, Y = torch.tensor(X), torch.tensor(Y)
n = len(stoi)
g = torch.Generator().manual_seed(2147483647)
C = torch.randn((n, 2), generator=g)
W1 = torch.randn((6, 32), generator=g)
b1 = torch.randn(32, generator=g)
W2 = torch.randn((32, n), generator=g)
b2 = torch.randn(n, generator=g)
parameters = [C, W1, b1, W2, b2]
for p in parameters:
    p.requires_grad = True
lossi = []
for i in range(TURNS):
    ix = torch.randint(0, X.shape[0], (32,), generator=g)
    emb = C[X[ix]]
    h = torch.tanh(emb.view(-1, 6) @ W1 + b1)
    logits = h @ W2 + b2
    loss = F.cross_entropy(logits, Y[ix])
    for p in parameters:
        p.grad = None
    loss.backward()
    lr = 0.1 if i < 1000 else 0.01
    for p in parameters:
        p.data += -lr * p.grad
    lossi.append(loss.log10().item())
print(lossi[-1])
""",
    ),
    "attention": Loop(
        1000,
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
    "rnn": Loop(
        1000,
        """\
import torch
from torch import nn
x = torch.sin(torch.arange(0, 6, 0.3))
inputs, targets = x[:-1].view(-1, 1, 1), x[1:].view(-1, 1, 1)
rnn = nn.RNN(1, 8)
out = nn.Linear(8, 1)
optimizer = torch.optim.Adam([*rnn.parameters(), *out.parameters()], lr=0.01)
for epoch in range(TURNS):
    hidden, _ = rnn(inputs)
    loss = nn.functional.mse_loss(out(hidden), targets)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    ),
    "k-means": Loop(
        4_000,
        """\
import torch
X = torch.cat([torch.randn(20, 2), torch.randn(20, 2) + 4])
centers = X[:2].clone()
for step in range(TURNS):
    distances = ((X[:, None] - centers[None]) ** 2).sum(-1)
    labels = distances.argmin(1)
    for k in range(2):
        if (labels == k).any():
            centers[k] = X[labels == k].mean(0)
print(centers)
""",
    ),
    "matrix factorisation": Loop(
        4_000,
        """\
import torch
R = torch.randint(1, 6, (12, 9)).float()
U = torch.randn(12, 3, requires_grad=True)
V = torch.randn(9, 3, requires_grad=True)
optimizer = torch.optim.Adam([U, V], lr=0.01)
for step in range(TURNS):
    loss = ((U @ V.T - R) ** 2).mean() + 0.01 * (U.norm() + V.norm())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
""",
    ),
    "autoencoder": Loop(
        2_000,
        """\
import torch
from torch import nn
X = torch.randn(32, 8) @ torch.randn(8, 8)
encoder = nn.Sequential(nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 2))
decoder = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 8))
model = nn.Sequential(encoder, decoder)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
criterion = nn.MSELoss()
for epoch in range(TURNS):
    loss = criterion(model(X), X)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"{loss.item():.4f}")
""",
    ),
}
