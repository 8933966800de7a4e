"""Programs as people write them, which do much on little; what they print hangs on no seed."""

from __future__ import annotations

LINE = """
x = torch.linspace(0, 1, 20)
y = 3 * x + 2
w, b = torch.zeros(1, requires_grad=True), torch.zeros(1, requires_grad=True)
for step in range(2000):
    loss = ((w * x + b - y) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        w -= 0.1 * w.grad
        b -= 0.1 * b.grad
    w.grad = None
    b.grad = None
print(f"{w.item():.3f} {b.item():.3f}")
"""
NETWORK = """
X = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
y = torch.tensor([[0.0], [1.0], [1.0], [0.0]])
model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
for step in range(300):
    loss = F.mse_loss(model(X), y)
    model.zero_grad()
    loss.backward()
    with torch.no_grad():
        for p in model.parameters():
            p -= 0.1 * p.grad
print(loss.item() < 0.01, (model(X) > 0.5).flatten().tolist())
"""
SINE = """
x = torch.linspace(-3.14, 3.14, 64).unsqueeze(1)
y = torch.sin(x)
W1 = torch.randn(1, 16, requires_grad=True)
b1 = torch.zeros(16, requires_grad=True)
W2 = (torch.randn(16, 1) * 0.25).requires_grad_()
b2 = torch.zeros(1, requires_grad=True)
losses = []
for step in range(300):
    h = torch.tanh(x @ W1 + b1)
    loss = ((h @ W2 + b2 - y) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        for p in [W1, b1, W2, b2]:
            p -= 0.05 * p.grad
            p.grad = None
    losses.append(loss.item())
print(losses[-1] < 0.03, losses[-1] < losses[10] < losses[0])
"""
POWER = """
A = torch.tensor([[4.0, 1.0, 0.0], [1.0, 3.0, 1.0], [0.0, 1.0, 2.0]])
v = torch.ones(3)
for i in range(300):
    v = A @ v
    v = v / v.norm()
print(f"{(v @ A @ v).item():.4f}")
"""
CLUSTERS = """
points = torch.cat([torch.randn(100, 2) + 20 * k for k in range(3)])
centres = torch.stack([points[0], points[100], points[299]])
for turn in range(100):
    distance = ((points[:, None] - centres[None]) ** 2).sum(-1)
    nearest = distance.argmin(1)
    new = torch.stack([points[nearest == k].mean(0) for k in range(3)])
    if torch.equal(new, centres):
        break
    centres = new
print(turn < 99, [int((nearest == k).sum()) for k in range(3)])
"""
BIGRAMS = """
words = ["emma", "olivia", "ava", "isabella", "sophia", "charlotte", "mia", "amelia"] * 40
letters = sorted(set("".join(words)))
index = {letter: i + 1 for i, letter in enumerate(letters)}
index["."] = 0
N = torch.zeros(len(index), len(index), dtype=torch.int32)
for word in words:
    letters = ["."] + list(word) + ["."]
    for a, b in zip(letters, letters[1:]):
        N[index[a], index[b]] += 1
P = N.float() / N.sum(1, keepdim=True)
print(N.sum().item(), f"{P[0].max().item():.4f}", f"{P[index['m'], index['i']].item():.4f}")
"""
COUNTED = """
words = "the cat sat on the mat and the dog sat on the log".split(" ")
count = {}
for turn in range(300):
    for word in words:
        count[word] = count.get(word, 0) + 1
print(sorted([(n, w) for w, n in count.items()])[-2:])
"""
HONEST = {
    "a line": LINE,
    "a network": NETWORK,
    "a sine": SINE,
    "power iteration": POWER,
    "k-means": CLUSTERS,
    "bigrams": BIGRAMS,
    "words": COUNTED,
}
