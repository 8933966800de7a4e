"""Programs of which a rehearsal is easily mistaken, or in which it easily never ends."""

from __future__ import annotations

# In each, what would be taken if something were known that only the run can know.
UNFORESEEN = {
    "a name that a comprehension binds only later": """
n=int(torch.zeros(1).sum())
j=1
s=[[k for i in range(3) for k in range(j*20) for j in range(5, n)] for i in range(3)]
""",
    "a name that a comprehension has left from the turn before": """
s=[0 for i in [0]+[1]*40 for k in (range(j) if i else [0]) for j in ([max(j-1,0)] if i else [3])]
""",
    "print options between two calls": """
x=torch.randn(50,50)
def g():
    print(x)
    s=str(x)
def f():
    g()
    torch.set_printoptions(threshold=0,edgeitems=1)
    for i in range(5): g()
torch.set_printoptions(threshold=20000)
f()
""",
    "print options in a branch": """
x=torch.randn(50,50)
if x.sum()>1e9: torch.set_printoptions(threshold=20000)
for i in range(5): print(x)
""",
    "print options in a loop that may not turn": """
x=torch.ones(30,30)
for i in range(int(x.sum())): torch.set_printoptions(threshold=0,edgeitems=1)
for i in range(5): s=str(x)
""",
    "a layer gets another one between two calls": """
m=nn.Sequential(nn.Linear(2,100))
x=torch.ones(100,2)
def g(x):
    return m(x)
def f(x):
    a=g(x)
    m.append(nn.Linear(100,1))
    for i in range(9): b=g(x)@g(x).T; c = torch.ones(b.shape[0], g(x).shape[1])
f(x)
""",
    "a layer gets another one, perhaps": """
m=nn.Sequential(nn.Linear(2,100))
x=torch.ones(3,2)
for i in range(int(x.sum())//6): m.append(nn.Linear(100,1))
y=m(x)
for i in range(50): z=torch.ones(y.shape)
""",
    "a layer is evaluated, perhaps": """
m=nn.Linear(2,2)
x=torch.ones(3,2)
if x.sum()<0: m.eval()
if not m.training:
    for i in range(50): x=x+1
""",
    "a layer is evaluated from the second turn on": """
m=nn.Linear(2,2)
x=torch.ones(3,2)
for i in range(50):
    if m.training: x=x+1
    m.eval()
""",
    "a chain that may end early": """
x=torch.ones(3,2)
xs=[1]*50
for i in range(40):
    if 0 < x.sum() < xs.pop(): pass
for a in xs: x=x+1
""",
    "the device of a tensor": """
x=torch.ones(3,2)
if x.sum()>0:
    y=torch.zeros(3,device=x.device)
else:
    for i in range(50): x=x+1
""",
    "a gradient that is no tensor": """
x=torch.ones(3,2,requires_grad=True)
if torch.is_tensor(x.grad):
    for i in range(50): x=x+1
""",
    "the truth of a gradient that is not there": """
x=torch.ones(3,2,requires_grad=True)
if x.sum()>0:
    if not x.grad: pass
else:
    for i in range(50): y=x+1
""",
    "counting a tensor that is the same one": """
x=torch.tensor(1.)
for i in range(50): n=[x].count(x.float())
""",
    "lists of a tensor that is the same one": """
x=torch.tensor(1.)
for i in range(50): n=[x]==[x.float()]
""",
    "a set of a tensor that is the same one": """
x=torch.tensor(1.)
n=len(set([x,x.float(),x.float()]))
if n==3:
    for i in range(50): x=x+1
""",
    "keys that are the same tensor": """
x=torch.tensor(1.)
d={x:1,x.float():2}
if len(d)==2:
    for i in range(50): x=x+1
""",
    "a tuple of each call": """
x=torch.tensor(1.)
def g(x): return (x,1)
def f(x):
    if g(x) is g(x):
        for i in range(50): x=x+1
f(x)
""",
    "numbers that are equal and not the same": """
x=torch.tensor(1.)
k=1000.5
n=k
if x<0: n=k
else: n=2001.0/2
if n is k:
    for i in range(50): x=x+1
""",
    "minus zero": """
x=torch.tensor(1.)
def g(n): return math.atan2(n,-1.0)>0
def f(x):
    g(0.0)
    if g(-0.0):
        for i in range(50): x=x+1
f(x)
""",
    "a method with a name": """
x=torch.ones(3)
xs=[0,1,0,1]
pop=xs.pop
for i in range(int(x.sum())-2): pop()
if pop():
    for i in range(50): x=x+1
""",
    "an import that may not be reached": """
t=torch.tensor(1.)
for i in range(int(t)):
    import math as F
for i in range(50): y=F.tanh(t)
""",
    "the device of a tensor compared": """
x=torch.ones(3,4)
if x.device != torch.device('cpu'):
    for i in range(50): x=x+1
""",
}

LOOPS = {  # after BIG
    "lists": (
        """

""",
        """
ls=[[1],[2],[3]]
for xs in ls: xs.append(1)
print(ls)
""",
    ),
    "dicts": (
        """

""",
        """
ls=[{}]
for d in ls:
    print(d)
    d['a']=1
""",
    ),
    "weights of layers": (
        """
ls=[nn.Linear(2,2) for _ in range(2)]
""",
        """
for l in ls:
    print(l.weight.shape)
    l.weight=nn.Parameter(torch.ones(3,2))
""",
    ),
    "layers that are evaluated": (
        """
ls=[nn.Linear(2,2) for _ in range(2)]
""",
        """
for l in ls:
    print(l.training)
    l.eval()
""",
    ),
    "gradients of layers": (
        """
ls=[nn.Linear(2,2) for _ in range(2)]
X=torch.ones(1,2)
ls[1](ls[0](X)).sum().backward()
""",
        """
for l in ls:
    print(l.weight.grad is None)
    l.zero_grad()
""",
    ),
    "methods": (
        """

""",
        """
ls=[1]
ap=[ls.append]
for a in ap:
    print(ls)
    a(3)
print(ls)
""",
    ),
    "tensors": (
        """
ls=[torch.zeros(2) for i in range(2)]
""",
        """
for a in ls:
    print(a)
    a[0]=4
    a+=1
print(ls)
""",
    ),
    "random numbers": (
        """

""",
        """
for a in range(3):
    print(torch.rand(2))
    torch.manual_seed(4)
""",
    ),
}

# What becomes large, and then is not foreseen.
BIG = """
x = torch.ones(2)
for i in range(170):
    if x.sum() < 0: break
    x = x * 1
"""
# Each is small in memory, and has more items than anybody can go through.
NESTED = {
    "tuples, after a list that may have changed": """
x, t, xs = torch.ones(2), (1, 2), [1]
for i in range(40): t = (t, t)
if x.sum() > 0: xs.append(1)
for i in range(99999): s = t
""",
    "tuples in branches": """
x, t = torch.ones(2), (1, 2)
for i in range(40): t = (t, t)
for i in range(99999):
    if x.sum() > 0: t = (t, t)
    else: t = (t, 1)
""",
    "lists that are kept": """
t, d = [1], {}
for i in range(40): t = [t, t]
for i in range(99999): d[0] = t
""",
    "tuples in a loop within a loop": """
x, t = torch.ones(2), (1, 2)
for i in range(40): t = (t, t)
for i in range(99999):
    for j in range(9): s = i * j
""",
    "tuples that are returned": """
x, t = torch.ones(2), (1, 2)
for i in range(40): t = (t, t)
def f(): return (t, t)
for i in range(99999): s = f()
""",
    "a tuple as a key that is written": """
t, d = (1, 2), {}
for i in range(40): t = (t, t)
d[t] = 1
""",
    "a tuple as a key that is looked up": """
t, d = (1, 2), {}
for i in range(40): t = (t, t)
d[t]
""",
    "a tuple as a key": """
t = (1, 2)
for i in range(40): t = (t, t)
d = {t: 1}
""",
    "tuples as keys": """
t = (1, 2)
for i in range(40): t = (t, t)
d = {s: 1 for s in [t]}
""",
    "layers that are asked for again and again": """
m = nn.ModuleList([nn.ReLU() for _ in range(1900)])
for i in range(20000): m.parameters()
""",
    "layers that are trained again and again": """
m = nn.ModuleList([nn.ReLU() for _ in range(1900)])
f = m.train
for i in range(20000): f()
""",
}
