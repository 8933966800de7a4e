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

NANOGPT = """
import torch
import torch.nn as nn
from torch.nn import functional as F
from dataclasses import dataclass, field, asdict, replace

@dataclass
class GPTConfig:
    block_size: int = 8
    vocab_size: int = 11 # GPT-2 vocab_size of 50257
    n_layer: int = 2
    n_head: int = 2
    n_embd: int = 8
    dropout: float = 0.0
    bias: bool = True
    tags: list = field(default_factory=list)

class LayerNorm(nn.Module):
    def __init__(self, ndim, bias):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(ndim))
        self.bias = nn.Parameter(torch.zeros(ndim)) if bias else None

    def forward(self, input):
        return F.layer_norm(input, self.weight.shape, self.weight, self.bias, 1e-5)

class CausalSelfAttention(nn.Module):
    def __init__(self, config):
        super().__init__()
        assert config.n_embd % config.n_head == 0
        self.c_attn = nn.Linear(config.n_embd, 3 * config.n_embd, bias=config.bias)
        self.c_proj = nn.Linear(config.n_embd, config.n_embd, bias=config.bias)
        self.c_proj.NANOGPT_SCALE_INIT = 1
        self.attn_dropout = nn.Dropout(config.dropout)
        self.n_head = config.n_head
        self.n_embd = config.n_embd
        self.dropout = config.dropout
        self.flash = hasattr(torch.nn.functional, 'scaled_dot_product_attention')
        self.register_buffer("bias", torch.tril(torch.ones(config.block_size, config.block_size))
                                        .view(1, 1, config.block_size, config.block_size))

    def forward(self, x):
        B, T, C = x.size()
        q, k, v  = self.c_attn(x).split(self.n_embd, dim=2)
        k = k.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)
        q = q.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)
        v = v.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)
        att = (q @ k.transpose(-2, -1)) * (1.0 / k.size(-1) ** 0.5)
        att = att.masked_fill(self.bias[:,:,:T,:T] == 0, float('-inf'))
        att = F.softmax(att, dim=-1)
        att = self.attn_dropout(att)
        y = att @ v
        y = y.transpose(1, 2).contiguous().view(B, T, C)
        return self.c_proj(y)

class MLP(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.c_fc    = nn.Linear(config.n_embd, 4 * config.n_embd, bias=config.bias)
        self.gelu    = nn.GELU()
        self.c_proj  = nn.Linear(4 * config.n_embd, config.n_embd, bias=config.bias)

    def forward(self, x):
        x = self.c_fc(x)
        x = self.gelu(x)
        x = self.c_proj(x)
        return x

class Block(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.ln_1 = LayerNorm(config.n_embd, bias=config.bias)
        self.attn = CausalSelfAttention(config)
        self.ln_2 = LayerNorm(config.n_embd, bias=config.bias)
        self.mlp = MLP(config)

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        x = x + self.mlp(self.ln_2(x))
        return x

class GPT(nn.Module):
    def __init__(self, config):
        super().__init__()
        assert config.vocab_size is not None
        self.config = config
        self.transformer = nn.ModuleDict(dict(
            wte = nn.Embedding(config.vocab_size, config.n_embd),
            wpe = nn.Embedding(config.block_size, config.n_embd),
            drop = nn.Dropout(config.dropout),
            h = nn.ModuleList([Block(config) for _ in range(config.n_layer)]),
            ln_f = LayerNorm(config.n_embd, bias=config.bias),
        ))
        self.lm_head = nn.Linear(config.n_embd, config.vocab_size, bias=False)
        self.transformer.wte.weight = self.lm_head.weight
        self.apply(self._init_weights)
        for pn, p in self.named_parameters():
            if pn.endswith('c_proj.weight'):
                p.data = p.data * 0.02
        print(f"number of parameters: {self.get_num_params()/1e3:.2f}K")

    def get_num_params(self, non_embedding=True):
        n_params = sum(p.numel() for p in self.parameters())
        if non_embedding:
            n_params -= self.transformer.wpe.weight.numel()
        return n_params

    def _init_weights(self, module):
        if isinstance(module, nn.Linear):
            std = 0.02
            if hasattr(module, 'NANOGPT_SCALE_INIT'):
                std *= (2 * self.config.n_layer) ** -0.5
            module.weight.data = module.weight.data * std
            if module.bias is not None:
                module.bias.data = torch.zeros(module.bias.shape)
        elif isinstance(module, (nn.Embedding, LayerNorm)):
            module.weight.data = module.weight.data * 0.1

    def forward(self, idx, targets=None):
        device = idx.device
        b, t = idx.size()
        assert t <= self.config.block_size, f"Cannot forward sequence of length {t}"
        pos = torch.arange(0, t, dtype=torch.long, device=device)
        tok_emb = self.transformer.wte(idx)
        pos_emb = self.transformer.wpe(pos)
        x = self.transformer.drop(tok_emb + pos_emb)
        for block in self.transformer.h:
            x = block(x)
        x = self.transformer.ln_f(x)
        if targets is not None:
            logits = self.lm_head(x)
            loss = F.cross_entropy(logits.view(-1, logits.size(-1)), targets.view(-1), ignore_index=-1)
        else:
            logits = self.lm_head(x[:, [-1], :])
            loss = None
        return logits, loss

    @torch.no_grad()
    def generate(self, idx, max_new_tokens, temperature=1.0, top_k=None):
        for _ in range(max_new_tokens):
            idx_cond = idx if idx.size(1) <= self.config.block_size else idx[:, -self.config.block_size:]
            logits, _ = self(idx_cond)
            logits = logits[:, -1, :] / temperature
            if top_k is not None:
                v, _ = torch.topk(logits, min(top_k, logits.size(-1)))
                logits[logits < v[:, [-1]]] = -float('Inf')
            probs = F.softmax(logits, dim=-1)
            idx_next = torch.multinomial(probs, num_samples=1)
            idx = torch.cat((idx, idx_next), dim=1)
        return idx

config = GPTConfig(n_head=4)
print(config, asdict(config), replace(config, n_layer=3) == config, config == GPTConfig(n_head=4))
model = GPT(config)
print(model)
idx = torch.randint(0, 11, (2, 6))
logits, loss = model(idx, idx)
loss.backward()
print(loss.item(), logits.shape, type(model).__name__, type(idx), type(config), model.__class__)
print(model.generate(idx, 3, top_k=5))
sd = model.state_dict()
print(list(sd.keys()), type(sd))
other = GPT(config)
print(other.load_state_dict(sd))
print(torch.equal(other(idx)[0], model(idx)[0]))
print(getattr(model, 'nothing', 3), hasattr(config, 'n_layer'), callable(model), id(model) == id(other))
print(type(3) is int, type("a") == str, type([]), type(None), isinstance(3, (int, float)), type(print))
print(isinstance(idx, torch.Tensor), isinstance(sd, dict), issubclass(GPT, nn.Module), GPT.__name__)
setattr(config, 'n_layer', 7)
del config.n_layer
print(config.n_layer)
class MyError(ValueError):
    def __init__(self, message, code=3):
        super().__init__(message)
        self.code = code
try:
    raise MyError("no", code=5)
except ValueError as e:
    print(e, e.code, repr(e), type(e).__name__, e.args)
"""

PROGRAMS = [NANOGPT, SINGLE_HEAD, CUSTOM_LINEAR, SHAPES, MICROGRAD]
