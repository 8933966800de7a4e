"""What tutorials on language models write, as they write it: it prints and binds what Python does."""

from __future__ import annotations

import math
from contextlib import redirect_stdout
from io import StringIO
from typing import Any

import pytest
import torch

from tests.engine.alike import SETUP
from tests.engine.here import run

TUTORIALS = {
    "an average of what came before": """
x = torch.randn(4, 8, 2)
xbow = torch.zeros((4, 8, 2))
for b in range(4):
    for t in range(8):
        xprev = x[b, :t + 1]
        xbow[b, t] = torch.mean(xprev, 0)
wei = torch.tril(torch.ones(8, 8))
wei = wei / wei.sum(1, keepdim=True)
print(torch.allclose(xbow, wei @ x, atol=1e-6))""",
    "a head": """
B, T, C, head_size = 2, 4, 8, 4
x = torch.randn(B, T, C)
key, query, value = [nn.Linear(C, head_size, bias=False) for _ in range(3)]
k, q = key(x), query(x)
wei = q @ k.transpose(-2, -1) * head_size**-0.5
wei = wei.masked_fill(torch.tril(torch.ones(T, T)) == 0, float('-inf'))
wei = F.softmax(wei, dim=-1)
out = wei @ value(x)
print(out.shape, wei[0])""",
    "several heads from one layer": """
B, T, C, n_head = 2, 4, 8, 2
assert C % n_head == 0, "heads share the width"
q, k, v = nn.Linear(C, 3 * C)(torch.randn(B, T, C)).split(C, dim=2)
q = q.view(B, T, n_head, C // n_head).transpose(1, 2)
k = k.view(B, T, n_head, C // n_head).transpose(1, 2)
v = v.view(B, T, n_head, C // n_head).transpose(1, 2)
att = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))
y = (F.softmax(att, dim=-1) @ v).transpose(1, 2).contiguous().view(B, T, C)""",
    "positions as waves": """
pe = torch.zeros(10, 6)
position = torch.arange(0, 10, dtype=torch.float).unsqueeze(1)
div_term = torch.exp(torch.arange(0, 6, 2).float() * (-math.log(10000.0) / 6))
pe[:, 0::2] = torch.sin(position * div_term)
pe[:, 1::2] = torch.cos(position * div_term)""",
    "rotary positions": """
def rotate_half(x):
    x1 = x[..., : x.shape[-1] // 2]
    x2 = x[..., x.shape[-1] // 2 :]
    return torch.cat((-x2, x1), dim=-1)

freqs = torch.outer(torch.arange(5).float(), 1.0 / (10000 ** (torch.arange(0, 8, 2).float() / 8)))
emb = torch.cat((freqs, freqs), dim=-1)
q = torch.randn(1, 2, 5, 8)
q_embed = (q * emb.cos()) + (rotate_half(q) * emb.sin())""",
    "a cache of keys": """
k_cache = torch.empty(1, 0, 4)
for t in range(3):
    x = torch.randn(1, 1, 4)
    k_cache = torch.cat([k_cache, x], dim=1)
    y = torch.softmax(x @ k_cache.transpose(1, 2) / 2, dim=-1)
    print(t, k_cache.shape, y.shape)""",
    "sampling from the best": """
logits = torch.randn(2, 10)
v, _ = torch.topk(logits, min(3, logits.size(-1)))
logits[logits < v[:, [-1]]] = -float('Inf')
probs = F.softmax(logits, dim=-1)
idx_next = torch.multinomial(probs, num_samples=1)
best = torch.topk(probs, k=2)
print(probs, idx_next, best.values, best.indices, probs.max(dim=-1).indices)""",
    "sampling from the nucleus": """
logits = torch.randn(1, 10)
sorted_logits, sorted_indices = torch.sort(logits, descending=True)
remove = torch.cumsum(F.softmax(sorted_logits, dim=-1), dim=-1) > 0.9
remove[..., 1:] = remove[..., :-1].clone()
remove[..., 0] = 0
filtered = logits.masked_fill(remove.scatter(1, sorted_indices, remove), float('-inf'))""",
    "a mask of the least number": """
x = torch.randn(2, 3)
least = torch.finfo(x.dtype).min
x = x.masked_fill(x < 0, least).softmax(-1)
assert x.shape == torch.Size([2, 3])
print(least, -torch.finfo(torch.float16).max, torch.finfo(torch.bfloat16).eps, torch.Size((4,)))
print(x.to(dtype=torch.float64).dtype, x.to("cpu", torch.int64), x.to(x.long()).dtype)""",
    "a function without gradients": """
W = torch.ones(2, requires_grad=True)

@torch.no_grad
def estimate(x):
    return (x * W).sum()

print(estimate(torch.ones(2)), (W * 2).sum())""",
    "a line fitted": """
x = torch.randn(20, 1)
y = 3 * x + 2
w = torch.randn(1, requires_grad=True)
b = torch.zeros(1, requires_grad=True)
for step in range(5):
    loss = ((x * w + b - y) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        w -= 0.1 * w.grad
        b -= 0.1 * b.grad
    w.grad = None
    b.grad = None
    print(f'step {step}: loss {loss.item():.4f}')""",
    "an MLP over characters": """
words = ['emma', 'olivia', 'ava']
chars = sorted(list(set(''.join(words))))
stoi = {s: i + 1 for i, s in enumerate(chars)}
stoi['.'] = 0
itos = {i: s for s, i in stoi.items()}
pairs = [(stoi[a], stoi[b]) for w in words for a, b in zip('.' + w, w + '.')]
X, Y = torch.tensor(pairs).T
C, W, b = torch.randn(9, 2), torch.randn(2, 9), torch.zeros(9)
parameters = [C, W, b]
for p in parameters:
    p.requires_grad = True
for i in range(3):
    loss = F.cross_entropy(torch.tanh(C[X]) @ W + b, Y)
    for p in parameters:
        p.grad = None
    loss.backward()
    for p in parameters:
        p.data += -0.1 * p.grad
    print(i, loss.item(), sum(p.nelement() for p in parameters), ''.join(itos[i] for i in [1, 2]))""",
    "a network of layers": """
model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
X, Y = torch.randn(4, 2), torch.randn(4, 1)
loss_fn = nn.MSELoss()
for epoch in range(3):
    loss = loss_fn(model(X), Y)
    model.zero_grad()
    loss.backward()
    with torch.no_grad():
        for param in model.parameters():
            param -= 0.1 * param.grad
print(model, model[0].weight, len(model), [name for name, _ in model.named_parameters()])""",
    "layers in a list": """
blocks = nn.ModuleList([nn.Sequential(nn.LayerNorm(4), nn.Linear(4, 4), nn.GELU()) for _ in range(2)])
x = torch.randn(3, 4)
for block in blocks:
    x = x + block(x)
print(blocks, blocks[-1][1].in_features, x)""",
    "generation": """
tok, lm = nn.Embedding(9, 4), nn.Linear(4, 9)

@torch.no_grad()
def generate(idx: torch.Tensor, n: int) -> torch.Tensor:
    '''Appends n tokens.'''
    for _ in range(n):
        probs = F.softmax(lm(tok(idx))[:, -1, :], dim=-1)
        idx = torch.cat((idx, torch.multinomial(probs, 1)), dim=1)
    return idx

print(generate(torch.zeros((1, 1), dtype=torch.long), 5)[0].tolist(), tok.num_embeddings)""",
    "weights of one's own": """
device = 'cuda' if torch.cuda.is_available() else 'cpu'
W_query = torch.nn.Parameter(torch.rand(3, 2), requires_grad=False)
layer = nn.Linear(3, 2, device=device)
layer.weight = nn.Parameter(W_query.T)
layer.bias.data = torch.ones(2)
x = torch.rand(6, 3, device=device).to(device)
print(x @ W_query, layer(x), W_query)""",
    "experts": """
gate = nn.Linear(4, 3)
experts = nn.ModuleList([nn.Linear(4, 4) for _ in range(3)])
x = torch.randn(5, 4)
w, idx = gate(x).topk(2, dim=-1)
w = w.softmax(dim=-1)
out = torch.zeros_like(x)
for e, expert in enumerate(experts):
    tok, slot = (idx == e).nonzero(as_tuple=True)
    if tok.numel():
        out[tok] += w[tok, slot].unsqueeze(-1) * expert(x[tok])""",
    "a norm by hand": """
x = torch.randn(2, 3, 4)
ln = nn.LayerNorm(4)
xhat = (x - x.mean(-1, keepdim=True)) / torch.sqrt(x.var(-1, keepdim=True, unbiased=False) + ln.eps)
print(torch.allclose(xhat, ln(x), atol=1e-5), ln.normalized_shape, torch.linalg.norm(x))""",
    "printing": """
torch.set_printoptions(precision=2, sci_mode=False)
x = torch.tensor([1.23456, 1e-8])
print(x, f'{x=}', repr(x), [x], {'x': x}, str(x))
torch.set_printoptions(threshold=3, edgeitems=1)
print(torch.arange(9))""",
    "a dropout in training and after": """
dropout = nn.Dropout(0.5)
a = dropout(torch.ones(6, 6))
dropout.eval()
b = dropout(torch.ones(6, 6))
print(dropout.training, dropout)""",
    "words": """from __future__ import annotations
from typing import Optional, List
import torch
from torch import Tensor, nn
text = 'The cat sat'.lower().strip().replace('t', 'd')
words: List[str] = text.split()
counts: Optional[dict] = {}
for word in words:
    counts[word] = counts.get(word, 0) + 1
print(sorted(counts), list(counts.items()), ' '.join(reversed(words)), any(counts.values()), len(set(text)))
def f(x: Tensor, mask: Optional[Tensor] = None) -> Tensor: return x
print(f(torch.Tensor([[1, 2]])))""",
}


@pytest.mark.parametrize("program", TUTORIALS.values(), ids=TUTORIALS)
def test_a_recorded_program_does_what_python_does(program: str) -> None:
    names: dict[str, Any] = {"math": math}
    out, options = StringIO(), vars(torch._tensor_str.PRINT_OPTS).copy()
    with redirect_stdout(out), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        try:
            exec(program if program.startswith("from __future__") else SETUP + program, names)  # noqa: S102
        finally:
            vars(torch._tensor_str.PRINT_OPTS).update(options)
    trace = run(program)
    assert trace.printed == out.getvalue()
    bound = {name: value for name, value in names.items() if isinstance(value, torch.Tensor)}
    assert bound.keys() <= trace.names.keys()
    for name, value in bound.items():
        assert torch.equal(trace[name].value, value.detach()), name


def test_torch_prints_as_it_did_after_a_program_chose_otherwise() -> None:
    before = str(torch.tensor([1.23456]))
    run("torch.set_printoptions(precision=1)\nprint(torch.tensor([1.23456]))")
    assert str(torch.tensor([1.23456])) == before
    assert run("print(torch.tensor([1.23456]))").printed == f"{before}\n"


@pytest.mark.parametrize("grad", ["W.grad", "2 * W.grad"])
def test_no_gradient_goes_back_through_what_has_none(grad: str) -> None:
    trace = run(
        "W = torch.randn(3, requires_grad=True)\nfirst = (W * W).sum()\nfirst.backward()\n"
        f"with torch.no_grad():\n    W -= 0.1 * {grad}\nW.grad = None\n"
        "loss = (W ** 3).sum()\nloss.backward()\ntrue = W.grad"
    )
    gradients = trace.backward("loss")
    assert torch.allclose(gradients["dW"].value, trace["true"].value)
    assert [
        node.forward_node.op
        for node in gradients.nodes
        if node.forward_node is not None and node.forward_node.no_grad
    ] == []


def test_an_update_is_a_node_and_what_was_before_it_stays() -> None:
    trace = run("W = torch.ones(2, requires_grad=True)\nwith torch.no_grad():\n    W -= 0.25\ny = W * 2")
    first, update = [node for node in trace.nodes if node.name == "W"]
    assert (first.value.tolist(), update.value.tolist(), update.op) == ([1, 1], [0.75, 0.75], "sub")
    assert trace["y"].operands[0].node is update


def test_what_is_written_through_data_is_seen() -> None:
    trace = run(
        "W = torch.ones(2, requires_grad=True)\nW.data -= 0.25\ny = W * 2\nW.data = torch.zeros(2)\nz = W + 0"
    )
    assert trace["y"].value.tolist() == [1.5, 1.5]
    assert trace["z"].value.tolist() == [0, 0]
    assert trace["W"].value.tolist() == [0, 0]
