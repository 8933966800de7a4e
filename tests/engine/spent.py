"""Programs that go on as long as only the run can know: refused when nothing is left of their steps."""

from __future__ import annotations

SPENT = {
    "a sieve": """
primes = []
for n in range(2, 5000):
    ok = True
    for p in primes:
        if n % p == 0:
            ok = False
            break
    if ok:
        primes.append(n)
""",
    "numbers sorted by hand": """
xs = [(i * 7919) % 1009 for i in range(600)]
for i in range(len(xs)):
    for j in range(len(xs) - 1 - i):
        if xs[j] > xs[j + 1]:
            xs[j], xs[j + 1] = xs[j + 1], xs[j]
""",
    "pairs of a list": """
xs = [i for i in range(400)]
s = 0
for i in range(len(xs)):
    for j in range(i + 1, len(xs)):
        s += xs[i] * xs[j]
""",
    "a list that is handed on": """
def f(n, l):
    l.append(n)
    if n > 0:
        f(n - 1, l)
        f(n - 1, l)
f(20, [])
""",
    "permutations by recursion": """
found = []
def permute(xs, done):
    if len(xs) == 0:
        found.append(done)
    for i in range(len(xs)):
        permute(xs[:i] + xs[i + 1:], done + [xs[i]])
permute([1, 2, 3, 4, 5, 6, 7, 8, 9], [])
""",
    "a beam search over lists": """
beams = [(0.0, [1])]
for t in range(30):
    new = []
    for s, b in beams:
        for v in range(10):
            new.append((s + v * 0.1, b + [v]))
    beams = sorted(new)[:50]
""",
    "clusters of points": """
points = [(i % 17, i % 23) for i in range(300)]
centres = [(1, 2), (5, 6), (9, 3)]
for turn in range(30):
    groups = [[], [], []]
    for p in points:
        far = [(p[0] - c[0]) ** 2 + (p[1] - c[1]) ** 2 for c in centres]
        groups[far.index(min(far))].append(p)
""",
    "lists in lists, compared": """
xs = [[[i % 2, 2], [3, 4]] for i in range(1000)]
for i in range(10000):
    ys = [y for y in xs if y == xs[i % 1000]]
""",
    "a loop in each turn that does nothing": """
xs = []
for i in range(90000):
    for x in xs:
        pass
    if i < len(xs):
        xs = [i]
""",
    "a stack of many tensors, as long as its cells say": """
xs = [torch.ones(2)] * 10000
for i in range(1000):
    x = torch.stack(xs)
    if x.sum() < 0:
        break
""",
    "the numbers of a tensor, as long as they say": """
x = torch.zeros(100, 1000)
for i in range(2000):
    rows = x.tolist()
    if rows[0][0] > 0:
        break
""",
    "parts of a list, as long as its items say": """
xs = [i * 7919 % 1009 for i in range(90000)]
for i in range(9000):
    ys = xs[1:]
    if ys[i] < 0:
        break
""",
    "a list of numbers, made a tensor again and again": """
xs = [0.5] * 100000
for i in range(2000):
    x = torch.tensor(xs)
    if x.sum() < 0:
        break
""",
    "a number that halves or grows": """
for n in range(1, 5000):
    m = n
    for k in range(150):
        if m == 1:
            break
        m = m // 2 if m % 2 == 0 else 3 * m + 1
""",
}
