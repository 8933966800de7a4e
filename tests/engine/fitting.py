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
}
