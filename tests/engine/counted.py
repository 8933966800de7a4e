"""Patient programs whose loops, calls and branches hang on what another loop counts."""

from __future__ import annotations

COUNTED = {
    "loops up to another's number": """
s = 0
for i in range(1000):
    for j in range(i):
        s = s + 1
""",
    "loops from another's number on": """
s = 0
for i in range(1000):
    for j in range(i + 1, 1000):
        s += j
""",
    "three loops, each up to the number before": """
s = 0
for i in range(300):
    for j in range(i):
        for k in range(j):
            s += k
""",
    "sums up to each number": """
s = [sum(j for j in range(i)) for i in range(1000)]
""",
    "products up to each number": """
s = [i * j for i in range(1000) for j in range(i)]
""",
    "additions up to another's number": """
x = torch.ones(3)
for i in range(1000):
    for j in range(i):
        x = x + 1
""",
    "a mask cell by cell": """
n = 300
M = torch.zeros(n, n)
for i in range(n):
    for j in range(i + 1):
        M[i, j] = 1
""",
    "additions up to a number that grows": """
x = torch.ones(2)
n = 10
for i in range(700):
    n = n + 1
    for j in range(n - 2):
        x = x + j
""",
    "a function that appends and calls itself twice": """
l = []
def f(n):
    l.append(n)
    if n > 0:
        f(n - 1)
        f(n - 1)
f(20)
""",
    "a mask by its rule": """
n = 150
M = torch.zeros(n, n)
for i in range(n):
    for j in range(n):
        if j <= i: M[i, j] = 1
""",
}
