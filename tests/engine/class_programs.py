"""Programs with classes as tutorials write them, for the law that they do what they do in Python.

Each prints what it can, and binds tensors, which are compared bit for bit.
"""

from __future__ import annotations

SINGLE_HEAD = """
import torch
import torch.nn as nn
from torch.nn import functional as F

class Head(nn.Module):
    \"\"\"one head of self-attention\"\"\"

    def __init__(self, n_embd, head_size, block_size=8, dropout=0.0):
        super().__init__()
        self.key = nn.Linear(n_embd, head_size, bias=False)
        self.query = nn.Linear(n_embd, head_size, bias=False)
        self.value = nn.Linear(n_embd, head_size, bias=False)
        self.register_buffer('tril', torch.tril(torch.ones(block_size, block_size)))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        B, T, C = x.shape
        k = self.key(x)
        q = self.query(x)
        wei = q @ k.transpose(-2, -1) * k.shape[-1] ** -0.5
        wei = wei.masked_fill(self.tril[:T, :T] == 0, float('-inf'))
        wei = F.softmax(wei, dim=-1)
        wei = self.dropout(wei)
        return wei @ self.value(x)

class MultiHead(nn.Module):
    def __init__(self, heads, n_embd, head_size):
        super(MultiHead, self).__init__()
        self.heads = nn.ModuleList([Head(n_embd, head_size) for _ in range(heads)])
        self.proj = nn.Linear(head_size * heads, n_embd)

    def forward(self, x):
        out = torch.cat([h(x) for h in self.heads], dim=-1)
        return self.proj(out)

class FeedForward(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(n, 4 * n), nn.ReLU(), nn.Linear(4 * n, n))

    def forward(self, x):
        return self.net(x)

class Block(nn.Module):
    def __init__(self, n, heads):
        super().__init__()
        self.sa = MultiHead(heads, n, n // heads)
        self.ffwd = FeedForward(n)
        self.ln1 = nn.LayerNorm(n)
        self.ln2 = nn.LayerNorm(n)

    def forward(self, x):
        x = x + self.sa(self.ln1(x))
        return x + self.ffwd(self.ln2(x))

blocks = nn.Sequential(Block(8, 2), Block(8, 2))
x = torch.randn(2, 5, 8)
y = blocks(x)
print(blocks)
print(y.shape, [name for name, p in blocks.named_parameters()])
loss = y.pow(2).mean()
loss.backward()
g = blocks[0].sa.heads[1].key.weight.grad
print(sum(p.numel() for p in blocks.parameters()), blocks[1].sa.heads[0].tril.sum().item())
"""

CUSTOM_LINEAR = """
import torch
from torch import nn

class MyLinear(nn.Module):
    def __init__(self, in_units, units):
        nn.Module.__init__(self)
        self.weight = nn.Parameter(torch.randn(in_units, units))
        self.bias = nn.Parameter(torch.zeros(units,))
        self.calls = 0

    def forward(self, X):
        self.calls += 1
        linear = torch.matmul(X, self.weight) + self.bias
        return torch.relu(linear)

class CenteredLayer(nn.Module):
    def forward(self, X):
        return X - X.mean()

net = nn.Sequential(MyLinear(6, 4), CenteredLayer(), MyLinear(4, 1))
X = torch.rand(2, 6)
out = net(X)
print(net, net[0].weight.shape, net[0].calls)
out.sum().backward()
grad = net[0].weight.grad
net.eval()
print(net.training, net[0].training, net.train()[2].training)
for name, child in net.named_children():
    print(name, child)
print([type_name for type_name in [len(list(net.modules())), len(list(net.buffers()))]])
linear = MyLinear(5, 3)
print(linear)
linear.weight.requires_grad_(False)
print([p.requires_grad for p in linear.parameters()])
"""

SHAPES = """
class Shape:
    sides = 0

    def __init__(self, name='shape'):
        self.name, self.scale = name, 2

    def area(self):
        return 0

    @property
    def size(self):
        return self.area() * self.scale

    @staticmethod
    def unit():
        return Square(1)

    @classmethod
    def made(cls, side):
        return cls(side)

    def __repr__(self):
        return f'{self.__class__.__name__}({self.name!r}, {self.size})'

class Square(Shape):
    sides = 4

    def __init__(self, side):
        super().__init__('square')
        self.side = side

    def area(self):
        return super().area() + self.side ** 2

    @property
    def double(self):
        return self.side * 2

    @double.setter
    def double(self, value):
        self.side = value / 2

class Cube(Square):
    def area(self):
        return 6 * super().area()

    def __len__(self):
        return 12

    def __getitem__(self, i):
        return (i, self.side)

    def __call__(self, *, n):
        return self.side * n

    def __bool__(self):
        return False

    def __eq__(self, other):
        return self.side == other.side

    def __lt__(self, other):
        return self.side < other.side

    def __contains__(self, item):
        return item == self.side

a, b = Square.unit(), Cube.made(3)
print(a, b, [a, b], Shape(), str(b), f'{a!r:>20}')
print(len(b), b[4], b(n=5), bool(a), not b, Cube(3) == b, Cube(4) == b, Cube(4) != b, 3 in b, 4 in b)
b.double = 10
print(b.side, b.double, b.sides, Cube.sides, Shape.sides)
print(max([Cube(2), Cube(5), Cube(3)]), sorted([Cube(2), Cube(1)]))
Shape.sides = 9
Square.extra = [1]
print(Shape().sides, a.sides, b.extra, Cube.area(b), b.__class__.__name__, Cube.__name__)
"""

MICROGRAD = """
class Value:
    def __init__(self, data, _children=(), _op=''):
        self.data = data
        self.grad = 0
        self._prev = set(_children)
        self._op = _op

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data + other.data, (self, other), '+')

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data * other.data, (self, other), '*')

    def __pow__(self, other):
        return Value(self.data ** other, (self,), f'**{other}')

    def __neg__(self):
        return self * -1

    def __radd__(self, other):
        return self + other

    def __sub__(self, other):
        return self + (-other)

    def __rsub__(self, other):
        return other + (-self)

    def __rmul__(self, other):
        return self * other

    def __truediv__(self, other):
        return self * other ** -1

    def __repr__(self):
        return f'Value(data={self.data})'

a = Value(-4.0)
b = Value(2.0)
c = a + b
d = a * b + b ** 3
c += c + 1
c += 1 + c + (-a)
d += d * 2 + (b + a)
d += 3 * d + (b - a)
e = c - d
f = e ** 2
g = f / 2.0
g = 10.0 + g - 1
print(a, b, c, d, e, f, g, len(g._prev), sum([a, b, c]), [g._op, c._op], 2 - a)
"""

PROGRAMS = [SINGLE_HEAD, CUSTOM_LINEAR, SHAPES, MICROGRAD]
