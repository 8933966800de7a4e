"""Programs with classes as tutorials write them; each prints what it can, and binds tensors."""

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
print(type(3) is int, type("a") == str, type([]), type(None), isinstance(3, (int, float)))
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

TRAINER = """
import copy
import torch
from torch import nn
from torch.utils.data import Dataset, DataLoader
from collections import OrderedDict

class Toy(Dataset):
    def __init__(self, n):
        self.x = torch.arange(n * 2.).view(n, 2)
        self.y = self.x.sum(1, keepdim=True)
    def __len__(self):
        return len(self.x)
    def __getitem__(self, i):
        return self.x[i], self.y[i]

class Net(nn.Module):
    scale = 0.1
    def __init__(self, hidden=4, **kwargs):
        super().__init__(**kwargs)
        self.layers = nn.Sequential(OrderedDict([
            ('fc1', nn.Linear(2, hidden)), ('act', nn.ReLU()), ('fc2', nn.Linear(hidden, 1))
        ]))
        self.register_buffer('steps', torch.zeros(1))
    def forward(self, x):
        self.steps += 1
        return self.layers(x * self.scale)
    def extra_repr(self):
        return f'scale={self.scale}'

class Residual(Net):
    def forward(self, x):
        return super().forward(x) + x.mean(1, keepdim=True)

class Trainer:
    def __init__(self, model, lr=0.01):
        self.model, self.losses = model, []
        self.opt = torch.optim.SGD(model.parameters(), lr=lr)
    def fit(self, loader, epochs):
        for epoch in range(epochs):
            for x, y in loader:
                loss = nn.functional.mse_loss(self.model(x), y)
                self.opt.zero_grad()
                loss.backward()
                self.opt.step()
                self.losses.append(loss.item())

model = Residual(hidden=3)
twin = copy.deepcopy(model)
print(model, model.layers.fc1.weight.shape)
trainer = Trainer(model)
trainer.fit(DataLoader(Toy(6), batch_size=2), 2)
print([round(l, 4) for l in trainer.losses], model.steps, twin.steps)
w = model.layers[0].weight.detach()
print(torch.equal(w, twin.layers.fc1.weight), model.training, [n for n, _ in model.named_buffers()])
twin.load_state_dict(model.state_dict())
print(torch.equal(w, twin.layers.fc1.weight), twin.eval().training)
for name, module in model.named_modules():
    print(name, type(module).__name__)
model.layers.fc2 = nn.Linear(3, 5)
model.extra = 3
print(model(torch.ones(1, 2)).shape, model.extra, hasattr(model, 'gone'))
x = torch.ones(1, 2)
out = model(x)
try:
    model.gone
except AttributeError as e:
    print(e)
"""

MICROGRAD = """import math


class Value:
    \"\"\" stores a single scalar value and its gradient \"\"\"

    def __init__(self, data, _children=(), _op=''):
        self.data = data
        self.grad = 0
        # internal variables used for autograd graph construction
        self._backward = lambda: None
        self._prev = set(_children)
        self._op = _op # the op that produced this node, for graphviz / debugging / etc

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data + other.data, (self, other), '+')

        def _backward():
            self.grad += out.grad
            other.grad += out.grad
        out._backward = _backward

        return out

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data * other.data, (self, other), '*')

        def _backward():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad
        out._backward = _backward

        return out

    def __pow__(self, other):
        assert isinstance(other, (int, float)), "only supporting int/float powers for now"
        out = Value(self.data**other, (self,), f'**{other}')

        def _backward():
            self.grad += (other * self.data**(other-1)) * out.grad
        out._backward = _backward

        return out

    def relu(self):
        out = Value(0 if self.data < 0 else self.data, (self,), 'ReLU')

        def _backward():
            self.grad += (out.data > 0) * out.grad
        out._backward = _backward

        return out

    def tanh(self):
        x = self.data
        t = (math.exp(2*x) - 1)/(math.exp(2*x) + 1)
        out = Value(t, (self, ), 'tanh')
        def _backward():
            self.grad += (1 - t**2) * out.grad
        out._backward = _backward
        return out

    def backward(self):

        # topological order all of the children in the graph
        topo = []
        visited = set()
        def build_topo(v):
            if v not in visited:
                visited.add(v)
                for child in v._prev:
                    build_topo(child)
                topo.append(v)
        build_topo(self)

        # go one variable at a time and apply the chain rule to get its gradient
        self.grad = 1
        for v in reversed(topo):
            v._backward()

    def __neg__(self): # -self
        return self * -1

    def __radd__(self, other): # other + self
        return self + other

    def __sub__(self, other): # self - other
        return self + (-other)

    def __rsub__(self, other): # other - self
        return other + (-self)

    def __rmul__(self, other): # other * self
        return self * other

    def __truediv__(self, other): # self / other
        return self * other**-1

    def __rtruediv__(self, other): # other / self
        return other * self**-1

    def __repr__(self):
        return f"Value(data={self.data}, grad={self.grad})"

class Module:

    def zero_grad(self):
        for p in self.parameters():
            p.grad = 0

    def parameters(self):
        return []

class Neuron(Module):

    def __init__(self, nin, nonlin=True):
        self.w = [Value(0.1 * nin - 0.3 * nonlin) for _ in range(nin)]
        self.b = Value(0)
        self.nonlin = nonlin

    def __call__(self, x):
        act = sum((wi*xi for wi,xi in zip(self.w, x)), self.b)
        return act.relu() if self.nonlin else act

    def parameters(self):
        return self.w + [self.b]

    def __repr__(self):
        return f"{'ReLU' if self.nonlin else 'Linear'}Neuron({len(self.w)})"

class Layer(Module):

    def __init__(self, nin, nout, **kwargs):
        self.neurons = [Neuron(nin, **kwargs) for _ in range(nout)]

    def __call__(self, x):
        out = [n(x) for n in self.neurons]
        return out[0] if len(out) == 1 else out

    def parameters(self):
        return [p for n in self.neurons for p in n.parameters()]

    def __repr__(self):
        return f"Layer of [{', '.join(str(n) for n in self.neurons)}]"

class MLP(Module):

    def __init__(self, nin, nouts):
        sz = [nin] + nouts
        count = len(nouts)
        self.layers = [Layer(sz[i], sz[i+1], nonlin=i!=count-1) for i in range(count)]

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x

    def parameters(self):
        return [p for layer in self.layers for p in layer.parameters()]

    def __repr__(self):
        return f"MLP of [{', '.join(str(layer) for layer in self.layers)}]"


model = MLP(3, [4, 4, 1])
print(model)
print("number of parameters", len(model.parameters()))
xs = [[2.0, 3.0, -1.0], [3.0, -1.0, 0.5], [0.5, 1.0, 1.0], [1.0, 1.0, -1.0]]
ys = [1.0, -1.0, -1.0, 1.0]
for k in range(5):
    ypred = [model(x) for x in xs]
    loss = sum((yout - ygt)**2 for ygt, yout in zip(ys, ypred))
    model.zero_grad()
    loss.backward()
    for p in model.parameters():
        p.data += -0.05 * p.grad
    print(k, round(loss.data, 9))
print([round(y.data, 9) for y in ypred], round(model.parameters()[3].grad, 9))
"""

PROGRAMS = [SINGLE_HEAD, NANOGPT, TRAINER, MICROGRAD]
