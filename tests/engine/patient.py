"""Programs of which each call is allowed, and that go on until nothing would be left of their budget.

All of them are refused once they turn out to be large: what they will take is known by then.
"""

from __future__ import annotations

from tests.engine.counted import COUNTED
from tests.engine.turned import PATIENT_TURNS
from tests.engine.ways_back import PATIENT_WAYS

PATIENT = {
    "two loops": """
s = 0
for i in range(400):
    for j in range(400):
        s = s + 1
""",
    "three loops": """
s = 0
for a in range(100):
    for b in range(100):
        for c in range(100):
            s = s + a * b
""",
    "a gradient of all cells for each": """
w = torch.ones(2**22, requires_grad=True)
for i in range(600):
    w[i].backward()
""",
    "a list of tensors that doubles": """
xs = [torch.ones(3)]
for i in range(20):
    xs = xs + [x + 1 for x in xs]
""",
    "as many products as a list is long": """
ws = [torch.eye(8) for k in range(900)]
x = torch.randn(8, 8)
for turn in range(9):
    for w in ws:
        x = x @ w
""",
    "as many products as a list of pairs is long": """
ws = [(torch.eye(8) * k, k) for k in range(900)]
x = torch.randn(8, 8)
for turn in range(9):
    for w, k in ws:
        x = x @ w / (k + 1)
""",
    "a comprehension of two loops": """
y = [i * j for i in range(2000) for j in range(2000)]
""",
    "a sum over two loops": """
s = sum((i * j for i in range(900) for j in range(900)))
""",
    "a dict of two loops": """
y = {i: j for i in range(900) for j in range(900)}
""",
    "a function that calls itself twice": """
def f(n):
    if n == 0:
        return 1
    return f(n - 1) + f(n - 1)
f(25)
""",
    "Fibonacci numbers": """
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)
print(fib(24))
""",
    "branches": """
n = 27
for i in range(99999):
    if n % 2 == 0:
        n = n // 2
    else:
        n = 3 * n + 1
""",
    "a list that grows": """
x = []
for i in range(99999):
    x = x + [i]
""",
    "a long zip": """
for a, b in zip(range(50000), range(50000)):
    c = a + b
""",
    "a product of lists": """
n = 60
A = [[1] * n for i in range(n)]
C = [[0] * n for i in range(n)]
for i in range(n):
    for j in range(n):
        for k in range(n):
            C[i][j] += A[i][k] * A[k][j]
""",
    "additions": """
x = torch.ones(2)
for i in range(100000):
    x = x + 1
""",
    "one tensor too many": """
x = torch.ones(2)
for i in range(5001):
    x = x + 1
""",
    "additions of the turn": """
x = torch.ones(2)
for i in range(6000):
    x = x + i
""",
    "a comprehension of tensors": """
y = [torch.ones(2) * i for i in range(6000)]
""",
    "tensors of a function that calls itself": """
x = torch.ones(2)
def f(n):
    if n == 0:
        return x + 1
    return f(n - 1) + f(n - 1)
f(25)
""",
    "tensors in a list": """
x = torch.ones(2)
ys = []
for i in range(9999):
    ys.append(x * i)
""",
    "additions in branches": """
x = torch.ones(2)
for i in range(9999):
    if i % 2 == 0:
        x = x + 1
    else:
        x = x - 1
""",
    "a product cell by cell": """
n = 100
A = torch.ones(n, n)
C = torch.zeros(n, n)
for i in range(n):
    for j in range(n):
        for k in range(n):
            C[i, j] += A[i, k] * A[k, j]
""",
    "a function with a loop": """
def f(x):
    for i in range(50):
        x = x + 1
    return x
x = torch.ones(2)
for i in range(500):
    x = f(x)
""",
    "as often as a cell says": """
n = int(torch.tensor(9999.0))
x = torch.ones(3)
for i in range(n):
    x = x + 1
""",
    "over a tensor's numbers": """
x = torch.zeros(9999)
for v in x.tolist():
    y = torch.ones(2) * v
""",
    "over rows and rows": """
x = torch.zeros(900, 2)
for r in x:
    for q in x:
        y = r + q
""",
    "a layer trained": """
model = nn.Linear(8, 8)
X = torch.randn(32, 8)
for i in range(10000):
    loss = F.mse_loss(model(X), X)
    model.zero_grad()
    loss.backward()
    for p in model.parameters():
        p.data -= 0.1 * p.grad
""",
    "a matrix trained": """
W = torch.randn(8, 8, requires_grad=True)
X = torch.randn(32, 8)
for i in range(10000):
    loss = ((X @ W - X) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        W -= 0.1 * W.grad
    W.grad = None
""",
    "bigrams trained": """
W = torch.randn(27, 27)
xs = torch.randint(27, (500,))
for k in range(9999):
    xenc = F.one_hot(xs, num_classes=27).float()
    logits = xenc @ W
    counts = logits.exp()
    probs = counts / counts.sum(1, keepdim=True)
    loss = -probs[torch.arange(500), xs].log().mean()
    W = W - 0.1 * W
""",
    "a residual stream": """
x = torch.randn(64, 512)
W = torch.randn(512, 2048)
V = torch.randn(2048, 512)
for i in range(9999):
    x = x + F.gelu(F.layer_norm(x, (512,)) @ W) @ V
""",
    "products": """
x = torch.ones(3000, 3000)
for i in range(99):
    y = x @ x
""",
    "random matrices": """
for i in range(99):
    x = torch.randn(3000, 3000)
""",
    "sums of an expanded cell": """
x = torch.ones(1)
for i in range(99):
    y = x.expand(5000, 5000).sum()
""",
    "layers": """
for i in range(20):
    l = nn.Linear(4096, 4096)
""",
    "products, as often as a cell says": """
n = int(torch.tensor(99.0))
x = torch.ones(3000, 3000)
for i in range(n):
    y = x @ x
""",
    "einsums": """
a = torch.ones(2000, 2000)
for i in range(99):
    y = torch.einsum('ij,jk->ik', a, a)
""",
    "softmaxes": """
a = torch.ones(3000, 3000)
for i in range(99):
    a = torch.softmax(a, -1)
""",
    "attention": """
q = torch.randn(1, 8, 1024, 64)
for i in range(999):
    q = F.scaled_dot_product_attention(q, q, q)
""",
    "weights": """
ws = [torch.randn(2048, 2048) for _ in range(40)]
""",
    "a deep network": """
ws = [torch.randn(1024, 1024) for _ in range(40)]
x = torch.randn(1024, 1024)
for k in range(99):
    for w in ws:
        x = x @ w
""",
    "matrices printed": """
x = torch.randn(30, 30)
for i in range(9999):
    print(x)
""",
    "matrices as text": """
x = torch.randn(30, 30)
for i in range(9999):
    s = str(x)
""",
    "matrices in f-strings": """
x = torch.randn(30, 30)
for i in range(9999):
    s = f'{x}'
""",
    "a list sorted": """
x = [0] * 99999
for i in range(99999):
    sorted(x)
""",
    "lists as text": """
x = [0] * 30000
for i in range(99999):
    s = str(x)
""",
    "lists compared": """
x = [0] * 30000
for i in range(99999):
    x == x
""",
    "a vector that grows": """
x = torch.ones(4)
for i in range(9999):
    x = torch.cat([x, x[:1]])
""",
    "a vector that shrinks": """
x = torch.ones(9999)
for i in range(9999):
    x = x[1:] + 1
""",
    "tokens": """
W = torch.randn(9, 9)
tokens = torch.zeros(1, dtype=torch.long)
for i in range(9999):
    logits = W[tokens][-1]
    tokens = torch.cat([tokens, logits.argmax().view(1)])
""",
    "keys that are kept": """
K = torch.randn(1, 8)
for i in range(9999):
    k = torch.randn(1, 8)
    K = torch.cat([K, k])
    shares = torch.softmax(k @ K.T, -1) @ K
""",
    "products, line by line": "x = torch.ones(3000, 3000)\n" + "y = x @ x\n" * 30,
    "random matrices, line by line": "x = torch.randn(3000, 3000)\n" * 30,
    "layers, line by line": "layer = nn.Linear(4096, 4096)\n" * 20,
    **COUNTED,
    **PATIENT_WAYS,
    **PATIENT_TURNS,
}
