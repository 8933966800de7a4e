"""Loops whose turns differ by number: what each kind of turn takes, and how often there is one."""

from __future__ import annotations

PATIENT_TURNS = {
    "every second turn": """
x = torch.ones(2)
for i in range(12000):
    if i % 2 == 1: x = x + 1
""",
    "every second turn of a comprehension": """
y = [torch.ones(2) * i for i in range(12000) if i % 2]
""",
    "up to a number": """
x = torch.ones(2)
for i in range(9000):
    if i == 8000: break
    x = x + 1
""",
    "back from a function at a number": """
def f(x):
    for i in range(9000):
        if i == 8000: return x
        x = x + 1
f(torch.ones(2))
""",
    "all but every third": """
x = torch.ones(2)
for i in range(9000):
    if i % 3 == 0: continue
    x = x + 1
""",
    "as often as a list says": """
ks = [i % 3 for i in range(6000)]
x = torch.ones(2)
for k in ks:
    for j in range(k): x = x + 1
""",
    "pairs of numbers": """
x = torch.ones(2)
for a, b in [(i, i % 2) for i in range(12000)]:
    if b: x = x + a
""",
    "four kinds of turns": """
x = torch.ones(2)
for i in range(9000):
    if i % 15 == 0: x = x * 2
    elif i % 3 == 0: x = x + 1
    elif i % 5 == 0: x = x - 1
    else: x = x * 0.5
""",
    "every second pair of turns": """
x = torch.ones(2)
for i in range(200):
    for j in range(100):
        if i % 2 and j % 2: x = x + 1
""",
    "one matrix of several in turn": """
ws = [torch.ones(8, 8) for i in range(8)]
x = ws[0]
for i in range(9000): x = ws[i % 8] @ x
""",
    "words": """
x = torch.ones(2)
for f in ['a', 'b'] * 6000:
    if f == 'a': x = x + 1
""",
    "one of two values": """
x = torch.ones(2)
for i in range(12000):
    x = x + 1 if i % 2 else x
""",
    "numbers of a list": """
x = torch.ones(2)
for i in range(12000):
    if i % 7 in (1, 2, 4, 5): x = x + 1
""",
    "on and off": """
x = torch.ones(2)
on = True
for i in range(12000):
    on = not on
    if on: x = x + 1
""",
    "a counter": """
x = torch.ones(2)
n = 0
for i in range(12000):
    n += 1
    if n % 2: x = x + 1
""",
    "a counter that ends the loop": """
x = torch.ones(2)
n = 0
for i in range(90000):
    n = n + 1
    if n > 50000: break
    x = x + 1
""",
    "a counter that starts again": """
x = torch.ones(2)
n = 0
for i in range(20000):
    n = (n + 1) % 3
    if n: x = x + 1
""",
    "texts made on the way": """
x = torch.ones(2)
for i in range(9000):
    x = x + 1
    t = 'abc'.upper().split('B')
    d = {'a': i}.items()
""",
    "writes through a turned matrix": """
x = torch.zeros(200, 200)
for i in range(9000):
    u = x.t()
    u[i % 200, 0] = 1
    t = 'abc'.upper()
""",
    "what a function says of a number": """
def odd(i): return i % 2 == 1
x = torch.ones(2)
for i in range(12000):
    if odd(i): x = x + 1
""",
    "writes into a large matrix": """
x = torch.zeros(1000, 1000)
for i in range(1000): x[i, 0] = 1
""",
    "writes into rows of a large matrix": """
x = torch.zeros(1000, 1000)
for row in [x[i] for i in range(1000)]: row[0] = 1
""",
}
"""Each asks for more than there is, if every kind of turn is counted."""

FAIR_TURNS = {
    "a counter that is set back at a value": """
n = 0
for i in range(60):
    n += 1
    if torch.tensor(n) > 5: n = 0
    for j in range(n): k = j
""",
    "a counter that a list holds": """
n = [0]
for i in range(60):
    n[0] += 1
    if n[0] % 7 == 0: n[0] = 0
    for j in range(n[0]): k = j
""",
    "a counter of an inner loop": """
n = 0
for i in range(20):
    for j in range(i % 4):
        n += 1
        if n > 9: n = 0
    for j in range(n): k = j
""",
    "a counter that grows as itself": """
n = 1
for i in range(40):
    n = n * 2 % 37
    for j in range(n): k = j
""",
    "a counter that goes up and down": """
n = 0
for i in range(60):
    n = n + 1 if i % 20 < 10 else n - 1
    for j in range(n): k = j
""",
    "a number from the turn before": """
last = 9
for i in range(60):
    for j in range(last % 5): k = j
    last = i * 3
""",
    "two names that change places": """
a, b = 9, 0
for i in range(60):
    a, b = b, a
    for j in range(a): k = j
""",
    "a loop that ends at the first of two numbers": """
s = 0
for i in range(90):
    if i == 50: break
    if i == 7: break
    for j in range(9): s += j
""",
    "a list that one kind of turn changes": """
xs = [1, 2]
for i in range(60):
    if i % 2: xs = xs + [i]
    if i % 9 == 0: xs = [1]
    for a in xs: k = a
""",
    "a list that is changed where turns differ": """
xs = [1]
for i in range(40):
    for a in list(xs): k = a
    if i < 3: xs.append(i)
    if i == 5: break
""",
    "a number of the turn that is kept": """
kept = []
for i in range(60):
    kept.append(i % 5)
    for j in range(kept[0]): k = j
""",
    "a number of the turn that a function keeps": """
def f(n, m=[]):
    for j in range(n): k = j
    return n % 3
n = 7
for i in range(60): n = f(n) + f(i % 2)
""",
    "a number that one branch of two sets": """
n = 9
for i in range(60):
    if torch.tensor(i) > 2: n = i % 4
    for j in range(n): k = j
""",
    "one number that is written through many cells": """
e = torch.ones(1, 1).expand(300, 300)
for i in range(9): e[0, 0] = i
x = torch.zeros(400, 400)
for i in range(9): x[:300, :300].contiguous()[0] = 1
""",
    "a view in the first turn only": """
x = torch.zeros(400, 400)
row = x[0]
for i in range(9):
    row[0] = 1
    row = torch.zeros(400)
""",
}
"""In each, what comes later is less than what comes first, or than it looks."""
