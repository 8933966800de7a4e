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
    "a number that halves or grows": """
for n in range(1, 5000):
    m = n
    for k in range(150):
        if m == 1:
            break
        m = m // 2 if m % 2 == 0 else 3 * m + 1
""",
}

# It may end at each turn, as a tensor's values say: so it may make as many tensors as any program.
OPEN = """
x = torch.ones(3)
for i in range(10000):
    x = x + 1
    if x.sum() < 0:
        break
"""
