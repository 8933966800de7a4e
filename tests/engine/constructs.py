"""What the language has: expressions and statements, to be held one by one against a bound."""

from __future__ import annotations

BEFORE = """
xs = [3, 1, 2]
t = (1, 2)
d = {'a': 1, 'b': 2}
s = 'abc'
n = 5
f1 = 0.5
x = torch.ones(3)
empty = []
st = set(xs)
def f0():
    return 1
def f1a(a):
    return a
def fno(a):
    pass
def f4(a, b=2, *, c=3):
    return a
lin = nn.Linear(2, 2)
mod = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
big = 2**62
ss = ['a', 'b', 'c']
"""
"""What they use."""

EXPRESSIONS = """
n
n + 1
big * n
n ** 3
n // 2 % 3
-n
not n
n < 3
1 < n < 9
n == 5 and n != 4
n if n else 1
xs[0]
xs[-1]
xs[1:]
xs[:]
xs + xs
xs + [n]
[n]
[]
()
(n, n)
[n, n, n, n]
{}
{'a': n}
{n: n, 2: 3}
t + t
t[0]
s + s
s[0]
s[1:]
s * 3
s == 'abc'
s < 'b'
'a' in s
n in xs
n in t
'a' in d
n in st
d['a']
d.get('a')
d.keys()
d.items()
list(d.items())
xs.copy()
xs.index(1)
xs.count(1)
xs == xs
xs < xs
t == t
f0()
f1a(n)
fno(n)
f4(n)
f4(n, b=1, c=2)
f1a(xs)
len(xs)
len(s)
sum(xs)
min(xs)
max(1, 2)
min(n, 3)
abs(n)
round(f1, 2)
int(f1)
float(n)
bool(n)
str(n)
str(xs)
str(f1)
repr(xs)
range(n)
list(xs)
tuple(xs)
list(range(n))
enumerate(xs)
zip(xs, xs)
sorted(xs)
reversed(xs)
set(xs)
dict(d)
[a for a in xs]
[a for a in empty]
[a for a in xs if a]
{a: a for a in xs}
sum(a for a in xs)
any(a for a in xs)
[a for a, b in zip(xs, xs)]
f'{n}'
f'{n} {n}'
f'{n:.3f}'
f'{f1:.3f}'
f'{n=}'
f'{xs}'
s.split()
s.upper()
s.replace('a', 'b')
' '.join(ss)
s.find('b')
math.sqrt(n)
math.exp(f1)
math.prod(xs)
math.pi
torch.float32
x.shape
x.shape[0]
x.dim()
x.numel()
x.size()
x.size(0)
x.dtype
x.requires_grad
x.is_contiguous()
x.stride()
len(x)
torch.Size([1, 2])
torch.is_tensor(x)
x.grad
x.device
lin.weight
lin.in_features
mod[0]
list(mod.parameters())
lin.training
lin.train()
x
x is x
x is None
n is None
xs is None
lin.bias.shape
torch.no_grad()
x.element_size()
x.ndim
x.T.shape
math.inf
torch.manual_seed(0)
x.tolist()
x.item
x.sum().item()
x + 1
x @ x
x[0]
torch.ones(3)
torch.tensor([1, 2])
lin
nn.ReLU()
nn.Linear(2, 2)
range(n)[2]
s.count('a')
s.startswith('a')
t.count(1)
d.values()
dict(a=1)
x.is_leaf
x.detach
x.data
x.backward
d.copy()
x.shape == x.shape
x.size() == t
list(x.shape)
(n, n) == (n, 3)
{(1, 2): n}
[[n, n], [n, n]]
((n,),)
print
lin.parameters
""".strip().splitlines()

STATEMENTS = [
    "a = n",
    "a, b = t",
    "xs[0], xs[1] = xs[1], xs[0]",
    "n += 1",
    "empty += [1]",
    "xs[0] = n",
    "xs[0] += 1",
    "d['a'] = n",
    "d[n] = n",
    "d['a'] += 1",
    "if n:\n    pass",
    "if n > 9:\n    pass\nelse:\n    pass",
    "for a in empty:\n    pass",
    "for a in t:\n    pass",
    "for a in range(1):\n    pass",
    "for a in xs:\n    break",
    "continue",
    "def g(a):\n    return a",
    "with torch.no_grad():\n    pass",
    "assert n",
    "import math",
    "empty.append(n)",
    "empty.append((n, n))",
    "pass",
    "a: int = 3",
    "print(n)",
    "print()",
    "a = b = n",
    "(a, b), e = t, n",
    "for i, a in enumerate(t):\n    pass",
    "for a in x:\n    pass",
    "empty.extend(t)",
    "empty.insert(0, n)",
    "empty.append(n)\nempty.pop()",
    "xs.reverse()",
    "x[0] = 1",
    "x += 1",
    "x.grad = None",
    "torch.manual_seed(1)",
    "y = x",
    "y = lin",
    "y = mod",
    "lin.weight = nn.Parameter(torch.ones(2, 2))",
    "d.update(d)",
    "d.setdefault('a', 3)",
    "print(xs)",
    "print(f'{n} {f1:.3f}')",
    "torch.set_printoptions(precision=2)",
]
