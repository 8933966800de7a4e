"""Programs whose backward passes are easily mistaken before they are run."""

from __future__ import annotations

FAIR_WAYS = {
    "a way back that is long in the first turn only": """
w = torch.ones(3, requires_grad=True)
y = w
for i in range(30): y = y * 2
for i in range(40):
    y.sum().backward(retain_graph=True)
    y = w * 1
""",
    "a way back that one branch of two makes long": """
w = torch.ones(3, requires_grad=True)
y = z = w * 1
for i in range(30): z = z * 2
if w.sum() > 9: y = z
for i in range(40): y.sum().backward(retain_graph=True)
""",
    "a function that goes back a long way, and then a short one": """
w = torch.ones(3, requires_grad=True)
def b(a):
    for i in range(9): a.sum().backward(retain_graph=True)
    return 1
def f():
    y = w * 1
    for i in range(30): y = y * 2
    return b(y) + b(w * 1)
f()
""",
    "a gradient that is asked for in a branch": """
v, w = torch.ones(3), torch.ones(3, requires_grad=True)
if v.sum() > 9: v.requires_grad_()
if v.sum() > 9: v.requires_grad = True
for i in range(30): v = v * 2
for i in range(9): (v.sum() + w.sum()).backward()
""",
    "a gradient that is given up in a branch": """
v, w = torch.ones(3, requires_grad=True), torch.ones(3, requires_grad=True)
if v.sum() > 1: v.requires_grad_(False)
for i in range(30): v = v * 2
for i in range(9): (v.sum() + w.sum()).backward()
""",
    "a gradient that is given up where little is known": """
v, w = torch.ones(3, requires_grad=True), torch.ones(3, requires_grad=True)
for i in range(int(v.sum())): v.requires_grad = False
for i in range(30): v = v * 2
for i in range(9): (v.sum() + w.sum()).backward()
""",
    "a gradient that is given up by one of several functions": """
v, w = torch.ones(3, requires_grad=True), torch.ones(3, requires_grad=True)
def f(a): a.requires_grad_(False)
[f, f][int(v.sum()) - 3](v)
for i in range(30): v = v * 2
for i in range(9): (v.sum() + w.sum()).backward()
""",
    "a function that is given a long way back, and then a short one": """
w = torch.ones(3, requires_grad=True)
def g(a): return a * 1
def f():
    y = w * 1
    for i in range(30): y = y * 2
    y, z = g(y), g(w * 1)
    for i in range(9): z.sum().backward(retain_graph=True)
f()
""",
    "layers that are frozen": """
one, other = nn.Linear(3, 3), nn.Linear(3, 3)
one.requires_grad_(False)
x = torch.ones(2, 3)
for i in range(30): x = one(x)
for i in range(9): other(x).sum().backward(retain_graph=True)
""",
    "calls without gradients": """
w = torch.ones(3, requires_grad=True)
with torch.no_grad():
    y = w
    for i in range(30): y = y * 2
@torch.no_grad()
def f(y): return y * 2 if y.sum() > 0 else y * 3
for i in range(30): y = f(y)
for i in range(9): (y * w).sum().backward()
""",
    "a gradient cut off": """
w = torch.ones(3, requires_grad=True)
y = w
for i in range(30): y = y * 2
y = y.detach()
z = (y > 0).float() + y.data + y.argmax()
for i in range(9): (z * w).sum().backward()
""",
    "a value that is known a second time": """
w = torch.ones(3, requires_grad=True)
def f(n): return w * 2 if n < 1 else f(n - 1) + f(n - 1)
y = f(6)
for i in range(9): y.sum().backward(retain_graph=True)
""",
}
"""Each takes less than if its first way back, or its longest one, were all of them."""

PATIENT_WAYS = {
    "many ways back through one product": """
W = torch.randn(1000, 1000, requires_grad=True)
loss = (torch.randn(1000, 1000) @ W).sum()
for i in range(300):
    loss.backward(retain_graph=True)
""",
    "many ways back through a layer": """
layer = nn.Linear(1500, 1500)
loss = layer(torch.randn(1000, 1500)).pow(2).mean()
for i in range(300):
    loss.backward(retain_graph=True)
""",
    "many ways back through a chain of products": """
w = torch.randn(700, 700, requires_grad=True)
y = w
for i in range(20):
    y = y @ w
for i in range(100):
    y.sum().backward(retain_graph=True)
""",
    "many ways back through cross-entropy": """
W = nn.Parameter(torch.randn(1000, 1000))
loss = F.cross_entropy(torch.randn(1000, 1000) @ W, torch.zeros(1000).long())
for i in range(300):
    loss.backward(retain_graph=True)
""",
    "a step of training in a function": """
w = torch.randn(1000, 1000).requires_grad_()
x = torch.randn(1000, 1000)
def step(n):
    for i in range(n):
        (x @ w).relu().mean().backward()
for epoch in range(60):
    step(2)
""",
    "a gradient that is written": """
w = torch.ones(900, 900)
w.requires_grad = True
y = (torch.ones(900, 900) @ w).sum()
for i in range(999):
    y.backward(retain_graph=True)
    w.grad = None
""",
}
"""Each goes back until nothing is left of its budget."""

LATE_WAYS = {
    f"a way back through {calls} calls, many times": f"""
y = w = torch.ones(3, requires_grad=True)
for i in range({calls}):
    y = y * 2
y = y.sum()
for i in range(1000):
    y.backward(retain_graph=True)
"""
    for calls in (500, 1000)  # which turns out to be large after the first loop, and within it
}
"""Each is a fair program, until it goes back again and again."""
