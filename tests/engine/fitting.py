"""Programs that take much, of which it is known that they fit, or that take less than they may."""

from __future__ import annotations

FITTING = {
    "a line that is fitted, and what is said of it": """
w = torch.zeros(3, requires_grad=True)
x = torch.randn(8, 3)
y = x @ torch.tensor([1.0, 2.0, 3.0])
losses = []
for step in range(500):
    loss = ((x @ w - y) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        w -= 0.1 * w.grad
    w.grad = None
    losses.append(loss.item())
    if step % 100 == 0:
        print(step, loss.item(), f"{loss.item():.3f}")
""",
    "a line that is fitted until it fits": """
w = torch.zeros(3, requires_grad=True)
x = torch.randn(8, 3)
y = x @ torch.tensor([1.0, 2.0, 3.0])
for step in range(500):
    loss = ((x @ w - y) ** 2).mean()
    if loss < 0:
        break
    loss.backward()
    with torch.no_grad():
        w -= 0.1 * w.grad
    w.grad = None
""",
    "a network that is trained": """
model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
x, y = torch.randn(8, 3), torch.randint(0, 2, (8,))
for step in range(150):
    loss = F.cross_entropy(model(x), y)
    model.zero_grad()
    loss.backward()
    with torch.no_grad():
        for p in model.parameters():
            p -= 0.01 * p.grad
    if step % 50 == 0:
        print(loss)
""",
    "moments of a gradient": """
w = torch.zeros(3, requires_grad=True)
x, y = torch.randn(8, 3), torch.randn(8)
m, v = torch.zeros(3), torch.zeros(3)
for t in range(1, 201):
    loss = ((x @ w - y) ** 2).mean()
    loss.backward()
    g = w.grad
    m = 0.9 * m + 0.1 * g
    v = 0.999 * v + 0.001 * g * g
    with torch.no_grad():
        w -= 0.01 * (m / (1 - 0.9**t)) / ((v / (1 - 0.999**t)).sqrt() + 1e-8)
    w.grad = None
""",
    "batches that are drawn": """
x, y = torch.randn(50, 3), torch.randn(50)
w = torch.zeros(3, requires_grad=True)
for step in range(300):
    i = torch.randint(0, 50, (4,))
    loss = ((x[i] @ w - y[i]) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        w -= 0.1 * w.grad
        w.grad[:] = 0
""",
    "tokens that are drawn one by one": """
table, weight = torch.randn(10, 4), torch.randn(4, 10)
tokens = [0]
for i in range(200):
    shares = F.softmax(table[tokens[-1]] @ weight, dim=-1)
    tokens.append(torch.multinomial(shares, 1).item())
print(tokens)
""",
    "scores below the diagonal": """
q, k, s = torch.randn(20, 4), torch.randn(20, 4), torch.zeros(20, 20)
for i in range(20):
    for j in range(20):
        s[i, j] = q[i] @ k[j] if j <= i else float("-inf")
print(s)
""",
    "layers with heads": """
x = torch.randn(6, 32)
for layer in range(12):
    heads = []
    for head in range(4):
        wq, wk, wv = (torch.randn(32, 8) for _ in range(3))
        q, k, v = x @ wq, x @ wk, x @ wv
        a = torch.softmax(q @ k.T / 8**0.5, dim=-1)
        heads.append(a @ v)
    x = x + torch.cat(heads, dim=-1)
print(x.shape)
""",
    "a vector that is multiplied until it stays": """
a, v = torch.randn(5, 5), torch.ones(5)
for i in range(600):
    w = a @ v
    w = w / w.norm()
    if (w - v).abs().max() < 0:
        break
    v = w
""",
    "names whose letters are counted in pairs, and drawn": """
names = ["emma", "olivia", "ava", "isabella", "sophia", "mia"] * 8
places = {c: i + 1 for i, c in enumerate(sorted(set("".join(names))))}
places["."] = 0
letters = {i: c for c, i in places.items()}
n = len(places)
N = torch.zeros(n, n)
for name in names:
    cs = ["."] + list(name) + ["."]
    for a, b in zip(cs, cs[1:]):
        N[places[a], places[b]] += 1
P = (N + 0.1) / (N + 0.1).sum(1, keepdim=True)
for k in range(10):
    out, i = [], 0
    for _ in range(20):
        i = torch.multinomial(P[i], 1).item()
        if i == 0:
            break
        out.append(letters[i])
    print("".join(out))
nll = 0.0
for name in names[:6]:
    cs = ["."] + list(name) + ["."]
    for a, b in zip(cs, cs[1:]):
        nll = nll - P[places[a], places[b]].log().item()
""",
    "a vector that is sorted by hand": """
x = torch.rand(24)
for i in range(24):
    for j in range(23 - i):
        if x[j] > x[j + 1]:
            kept = x[j].item()
            x[j] = x[j + 1].item()
            x[j + 1] = kept
""",
    "words that are numbered": """
words = ("the quick brown fox " * 3000).split()
numbers = {}
for word in words:
    if word not in numbers:
        numbers[word] = len(numbers)
""",
    "letters that are counted in a long text": """
text = "a" * 100000
part = "a" * 49000 + "b" + "a" * 1000
for i in range(3):
    found = text.count(part)
""",
    "a known loop after what is not known": """
x = torch.ones(3)
for i in range(int(x.sum()) + 3):
    x = x * 1
for i in range(1200):
    x = torch.relu(x + 1) - 1
""",
    "arms of a bandit that are tried": """
torch.manual_seed(0)
true = torch.tensor([0.2, 0.5, 0.75, 0.3])
counts = torch.zeros(4)
values = torch.zeros(4)
rewards = []
eps = 0.1
for t in range(300):
    if torch.rand(1).item() < eps:
        a = int(torch.randint(0, 4, (1,)))
    else:
        a = int(values.argmax())
    r = 1.0 if torch.rand(1) < true[a] else 0.0
    counts[a] += 1
    values[a] += (r - values[a]) / counts[a]
    rewards.append(r)
    if (t + 1) % 100 == 0:
        print(t + 1, sum(rewards) / len(rewards), values.tolist())
""",
    "rows that are made orthogonal to each other": """
torch.manual_seed(0)
n = 40
A = torch.randn(n, n, dtype=torch.float64)
Q = []
for j in range(n):
    v = A[:, j]
    for q in Q:
        v = v - (q @ v) * q
    norm = v.norm()
    if norm > 1e-10:
        Q.append(v / norm)
Q = torch.stack(Q, dim=1)
R = Q.T @ A
print((Q.T @ Q - torch.eye(n)).abs().max().item(), (Q @ R - A).abs().max().item())
""",
    "a dict of weights with velocities": """
torch.manual_seed(0)
X = torch.randn(50, 4)
t = (X.sum(dim=1) > 0).float()
params = dict(w=torch.zeros(4, requires_grad=True), b=torch.zeros(1, requires_grad=True))
velocity = {}
for k in params:
    velocity[k] = torch.zeros_like(params[k])
prev = None
for step in range(120):
    z = X @ params["w"] + params["b"]
    loss = -(t * torch.log(torch.sigmoid(z) + 1e-7) + (1 - t) * torch.log(1 - torch.sigmoid(z) + 1e-7)).mean()
    loss.backward()
    with torch.no_grad():
        for k, p in params.items():
            velocity[k] = 0.9 * velocity[k] - 0.1 * p.grad
            p += velocity[k]
            p.grad = None
    if prev is not None and abs(prev - loss.item()) < 1e-5:
        print("converged", step)
        break
    prev = loss.item()
print(prev)
""",
    "a network of functions that is trained in batches": """
torch.manual_seed(0)
X = torch.randn(96, 2)
y = ((X ** 2).sum(1) < 1.2).long()
def init(sizes):
    return [(torch.randn(a, b) * (2 / a) ** 0.5, torch.zeros(b)) for a, b in zip(sizes[:-1], sizes[1:])]
layers = init([2, 16, 16, 2])
for W, b in layers:
    W.requires_grad = True
    b.requires_grad = True
def forward(x):
    for i, (W, b) in enumerate(layers):
        x = x @ W + b
        if i < len(layers) - 1:
            x = torch.relu(x)
    return x
def batches(X, y, size):
    order = torch.randperm(len(X))
    return [(X[order[i:i + size]], y[order[i:i + size]]) for i in range(0, len(X), size)]
def accuracy():
    with torch.no_grad():
        return (forward(X).argmax(1) == y).float().mean().item()
for epoch in range(12):
    running = 0.0
    for xb, yb in batches(X, y, 24):
        loss = F.cross_entropy(forward(xb), yb)
        loss.backward()
        with torch.no_grad():
            for W, b in layers:
                W -= 0.1 * W.grad
                b -= 0.1 * b.grad
                W.grad = None
                b.grad = None
        running += loss.item()
    acc = accuracy()
    print(f"epoch {epoch}: loss={running / 4:.3f} acc={acc:.3f}")
    if acc > 0.97:
        break
""",
    "points that are assigned to their nearest centres": """
torch.manual_seed(0)
X = torch.rand(2000, 2)
K = 8
centers = X[torch.randperm(len(X))[:K]]
for it in range(50):
    d = ((X[:, None, :] - centers[None, :, :]) ** 2).sum(-1)
    assign = d.argmin(dim=1)
    new = []
    for k in range(K):
        members = X[assign == k]
        if len(members) > 0:
            new.append(members.mean(dim=0))
        else:
            new.append(X[torch.randint(0, len(X), (1,)).item()])
    new = torch.stack(new)
    shift = (new - centers).norm().item()
    centers = new
    print(f"iter {it} shift {shift:.4f}")
    if shift < 1e-4:
        break
for k in range(K):
    print(k, (assign == k).sum().item(), centers[k])
""",
    "a small transformer that is trained on windows, and drawn from": """
torch.manual_seed(0)
V, C, T, B, H = 20, 16, 8, 4, 2
tok, pos = nn.Embedding(V, C), nn.Embedding(T, C)
key, query, value = [nn.Linear(C, C, bias=False) for j in range(3)]
proj, head = nn.Linear(C, C), nn.Linear(C, V)
feed = nn.Sequential(nn.Linear(C, 4 * C), nn.GELU(), nn.Linear(4 * C, C))
before, between, last = nn.LayerNorm(C), nn.LayerNorm(C), nn.LayerNorm(C)
seen = torch.tril(torch.ones(T, T))
def attends(x):
    B, T, C = x.shape
    q, k, v = [layer(x).view(B, T, H, C // H).transpose(1, 2) for layer in (query, key, value)]
    w = q @ k.transpose(-2, -1) / (C // H) ** 0.5
    w = F.softmax(w.masked_fill(seen[:T, :T] == 0, float("-inf")), dim=-1)
    return proj((w @ v).transpose(1, 2).contiguous().view(B, T, C))
def model(ids):
    x = tok(ids) + pos(torch.arange(ids.shape[1]))
    x = x + attends(before(x))
    return head(last(x + feed(between(x))))
layers = [tok, pos, key, query, value, proj, head, feed, before, between, last]
weights = [p for layer in layers for p in layer.parameters()]
data = torch.randint(0, V, (200,))
for step in range(10):
    starts = torch.randint(0, len(data) - T, (B,))
    xs = torch.stack([data[i:i + T] for i in starts])
    ys = torch.stack([data[i + 1:i + T + 1] for i in starts])
    loss = F.cross_entropy(model(xs).view(-1, V), ys.view(-1))
    for p in weights:
        p.grad = None
    loss.backward()
    for p in weights:
        p.data -= 0.1 * p.grad
    print(step, round(loss.item(), 3))
ids = torch.zeros((1, 1), dtype=torch.long)
for turn in range(10):
    drawn = torch.multinomial(F.softmax(model(ids[:, -T:])[:, -1], -1), 1)
    ids = torch.cat([ids, drawn], 1)
print(ids.tolist())
""",
    "few of a small tensor, picked by their values, after much": """
w = torch.rand(600, 600)
for step in range(12):
    y = w @ w
    wrong = (y[0] != w[0]).nonzero().flatten().tolist()
    chosen = (w[1] * 2)[w[1] > 0.5].tolist()
print(len(wrong), len(chosen))
""",
    "a sum of what a mask picks of very many": "x = torch.rand(33000000)\ny = x[x > 0.999].sum().item()",
}
