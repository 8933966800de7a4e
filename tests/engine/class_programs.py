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

if __name__ == '__main__':
    print(__name__)
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

TRANSFORMER_AND_OTHERS = """
import math
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import Dataset

# annotated transformer
def clones(module, N):
    "Produce N identical layers."
    return nn.ModuleList([module for _ in range(N)])

class LayerNorm(nn.Module):
    "Construct a layernorm module (See citation for details)."
    def __init__(self, features, eps=1e-6):
        super(LayerNorm, self).__init__()
        self.a_2 = nn.Parameter(torch.ones(features))
        self.b_2 = nn.Parameter(torch.zeros(features))
        self.eps = eps

    def forward(self, x):
        mean = x.mean(-1, keepdim=True)
        std = x.std(-1, keepdim=True)
        return self.a_2 * (x - mean) / (std + self.eps) + self.b_2

class SublayerConnection(nn.Module):
    def __init__(self, size, dropout):
        super(SublayerConnection, self).__init__()
        self.norm = LayerNorm(size)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, sublayer):
        "Apply residual connection to any sublayer with the same size."
        return x + self.dropout(sublayer(self.norm(x)))

class EncoderLayer(nn.Module):
    def __init__(self, size, self_attn, feed_forward, dropout):
        super(EncoderLayer, self).__init__()
        self.self_attn = self_attn
        self.feed_forward = feed_forward
        self.sublayer = clones(SublayerConnection(size, dropout), 2)
        self.size = size

    def forward(self, x, mask):
        x = self.sublayer[0](x, lambda x: self.self_attn(x, x, x, mask))
        return self.sublayer[1](x, self.feed_forward)

class Encoder(nn.Module):
    def __init__(self, layer, N):
        super(Encoder, self).__init__()
        self.layers = clones(layer, N)
        self.norm = LayerNorm(layer.size)

    def forward(self, x, mask):
        for layer in self.layers:
            x = layer(x, mask)
        return self.norm(x)

def attention(query, key, value, mask=None, dropout=None):
    d_k = query.size(-1)
    scores = torch.matmul(query, key.transpose(-2, -1)) / math.sqrt(d_k)
    if mask is not None:
        scores = scores.masked_fill(mask == 0, -1e9)
    p_attn = scores.softmax(dim=-1)
    if dropout is not None:
        p_attn = dropout(p_attn)
    return torch.matmul(p_attn, value), p_attn

class MultiHeadedAttention(nn.Module):
    def __init__(self, h, d_model, dropout=0.1):
        "Take in model size and number of heads."
        super(MultiHeadedAttention, self).__init__()
        assert d_model % h == 0
        self.d_k = d_model // h
        self.h = h
        self.linears = clones(nn.Linear(d_model, d_model), 4)
        self.attn = None
        self.dropout = nn.Dropout(p=dropout)

    def forward(self, query, key, value, mask=None):
        "Implements Figure 2"
        if mask is not None:
            mask = mask.unsqueeze(1)
        nbatches = query.size(0)
        query, key, value = [
            lin(x).view(nbatches, -1, self.h, self.d_k).transpose(1, 2)
            for lin, x in zip(self.linears, (query, key, value))
        ]
        x, self.attn = attention(query, key, value, mask=mask, dropout=self.dropout)
        x = (
            x.transpose(1, 2)
            .contiguous()
            .view(nbatches, -1, self.h * self.d_k)
        )
        del query
        del key
        del value
        return self.linears[-1](x)

class PositionwiseFeedForward(nn.Module):
    def __init__(self, d_model, d_ff, dropout=0.1):
        super(PositionwiseFeedForward, self).__init__()
        self.w_1 = nn.Linear(d_model, d_ff)
        self.w_2 = nn.Linear(d_ff, d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        return self.w_2(self.dropout(self.w_1(x).relu()))

class Embeddings(nn.Module):
    def __init__(self, d_model, vocab):
        super(Embeddings, self).__init__()
        self.lut = nn.Embedding(vocab, d_model)
        self.d_model = d_model

    def forward(self, x):
        return self.lut(x) * math.sqrt(self.d_model)

class PositionalEncoding(nn.Module):
    "Implement the PE function."
    def __init__(self, d_model, dropout, max_len=50):
        super(PositionalEncoding, self).__init__()
        self.dropout = nn.Dropout(p=dropout)
        pe = torch.zeros(max_len, d_model)
        position = torch.arange(0, max_len).unsqueeze(1)
        div_term = torch.exp(torch.arange(0, d_model, 2) * -(math.log(10000.0) / d_model))
        pe[:, 0::2] = torch.sin(position * div_term)
        pe[:, 1::2] = torch.cos(position * div_term)
        pe = pe.unsqueeze(0)
        self.register_buffer("pe", pe)

    def forward(self, x):
        x = x + self.pe[:, : x.size(1)].requires_grad_(False)
        return self.dropout(x)

def make_model(src_vocab, N=2, d_model=8, d_ff=16, h=2, dropout=0.0):
    c = lambda x: x
    attn = MultiHeadedAttention(h, d_model, dropout)
    ff = PositionwiseFeedForward(d_model, d_ff, dropout)
    position = PositionalEncoding(d_model, dropout)
    model = nn.Sequential(Embeddings(d_model, src_vocab), c(position))
    encoder = Encoder(EncoderLayer(d_model, c(attn), c(ff), dropout), N)
    for p in encoder.parameters():
        if p.dim() > 1:
            nn.init.xavier_uniform_(p)
    return model, encoder

emb, enc = make_model(11)
print(emb)
src = torch.tensor([[1, 2, 3, 4]])
mask = torch.ones(1, 1, 4)
out = enc(emb(src), mask)
print(out.shape, enc.layers[0].self_attn.attn[0, 0, 0])
print(enc)

class TextDataset(Dataset):
    def __init__(self, ids, max_length, stride):
        self.input_ids = []
        self.target_ids = []
        for i in range(0, len(ids) - max_length, stride):
            self.input_ids.append(torch.tensor(ids[i:i + max_length]))
            self.target_ids.append(torch.tensor(ids[i + 1: i + max_length + 1]))

    def __len__(self):
        return len(self.input_ids)

    def __getitem__(self, idx):
        return self.input_ids[idx], self.target_ids[idx]

ds = TextDataset(list(range(20)), 4, 4)
print(len(ds), ds[0], ds[len(ds) - 1])
for i in range(len(ds)):
    a, b = ds[i]
    print(a, b)

class Timer:
    def __enter__(self):
        print("enter")
        return self
    def __exit__(self, *args):
        print("exit")


with Timer() as t, Timer():
    print("in")

class Quiet:
    def __enter__(self): return 5
    def __exit__(self, kind, error, traceback):
        print(kind, error)
        return kind is not None and issubclass(kind, ValueError)

with Quiet() as five:
    raise ValueError("no")
try:
    with Quiet():
        raise KeyError("yes")
except KeyError:
    print("caught", five)
def leave():
    with Quiet():
        return 7
print(leave())

class Countdown:
    def __init__(self, n): self.n = n
    def __iter__(self):
        while self.n > 0:
            yield self.n
            self.n -= 1
print(list(Countdown(4)), sum(Countdown(3)), [x for x in Countdown(2)])
class It:
    def __init__(self): self.i = 0
    def __iter__(self): return self
    def __next__(self):
        self.i += 1
        if self.i > 3: raise StopIteration
        return self.i
print(list(It()), next(It()), max(It()))
class Seq:
    def __len__(self): return 3
    def __getitem__(self, i):
        if i >= 3: raise IndexError("no")
        return i * 10
print([x for x in Seq()], 20 in Seq(), list(zip(Seq(), "abc")), len(Seq()))
class Accumulator:
    \"\"\"For accumulating sums over `n` variables.\"\"\"
    def __init__(self, n):
        self.data = [0.0] * n
    def add(self, *args):
        self.data = [a + float(b) for a, b in zip(self.data, args)]
    def reset(self):
        self.data = [0.0] * len(self.data)
    def __getitem__(self, idx):
        return self.data[idx]
acc = Accumulator(2)
acc.add(torch.tensor(3.), 4)
print(acc[0], acc[1])
def add_to_class(Class):
    def wrapper(obj):
        setattr(Class, obj.__name__, obj)
    return wrapper
class A:
    def __init__(self):
        self.b = 1
@add_to_class(A)
def do(self):
    print('Class attribute "b" is', self.b)
a = A()
a.do()
class Vec:
    def __init__(self, *xs): self.xs = xs
    def __add__(self, o): return Vec(*[p + q for p, q in zip(self.xs, o.xs)])
    def __eq__(self, o): return isinstance(o, Vec) and self.xs == o.xs
    def __hash__(self): return hash(self.xs)
    def __str__(self): return f"<{', '.join(map(str, self.xs))}>"
    def __matmul__(self, o): return sum(p * q for p, q in zip(self.xs, o.xs))
    def __iadd__(self, o):
        self.xs = tuple(x + o for x in self.xs)
        return self
v = Vec(1, 2)
w = v
w += 1
print(v, v is w, v @ Vec(1, 1), Vec(1) == Vec(1), Vec(1) in [Vec(2), Vec(1)])
print({Vec(1): 2}[Vec(1)], len({Vec(1), Vec(1)}))
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

TABLES = """
import torch
from torch import nn
class MySequential(nn.Module):
    def __init__(self, *args):
        super().__init__()
        for i, block in enumerate(args):
            self._modules[str(i)] = block
    def forward(self, x):
        for block in self._modules.values():
            x = block(x)
        return x
torch.manual_seed(0)
net = MySequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
print(net, net(torch.ones(2)), len(net._modules), list(net._modules), [n for n, _ in net.named_parameters()])
layer = nn.Linear(2, 2, bias=False)
print(layer._parameters, layer._buffers, nn.BatchNorm1d(2)._buffers, layer._modules)
net._parameters['w'] = nn.Parameter(torch.ones(2))
print(net.w, net._parameters.keys())
d = nn.ModuleDict({'a': nn.Linear(2, 2)})
d['out'] = nn.ReLU()
s = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
s[1] = nn.Tanh()
s[0] = nn.Identity()
print(d, s, s(torch.ones(2)), d.out)
"""

PROGRAMS = [TABLES, TRAINER, TRANSFORMER_AND_OTHERS, NANOGPT, SINGLE_HEAD, CUSTOM_LINEAR, SHAPES, MICROGRAD]
