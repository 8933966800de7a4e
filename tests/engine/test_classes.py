"""Classes of a program: their modules are boxes of the map."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from llm_linalg import ShapeError, run, trace
from tests.engine.here import run as run_here

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


def test_modules_are_boxes_of_the_map() -> None:
    made = run_here(SINGLE_HEAD)
    assert list(made.map.level(["blocks", "0", "sa"]).own) == ["heads", "out", "linear_43"]


WRONG = """class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 4)
        self.out = nn.Linear(5, 2)

    def forward(self, x):
        h = self.fc(x)
        return self.out(h)

net = Net()
x = torch.ones(2, 3)
y = net(x)"""


def test_a_shape_error_tells_the_line_in_the_method_and_the_line_of_the_call() -> None:
    with pytest.raises(ShapeError) as caught:
        run(WRONG)
    error = caught.value
    assert (error.line, error.column) == (9, 15)
    assert [operand.name for operand in error.operands[:2]] == ["h", "net.out.weight"]
    assert [str(frame) for frame in error.frames] == ["line 13: net(x)"]
    assert error.repairs


def test_a_weight_has_the_name_that_the_module_was_given_and_stands_in_the_box_that_reads_it() -> None:
    made = run_here(WRONG.replace("nn.Linear(5, 2)", "nn.Linear(4, 2)"))
    assert made["net.out.weight"].scope == "net"
    assert "net" in made.map.level().own


def test_a_tensor_has_the_name_of_an_attribute_only_without_one_of_its_own() -> None:
    made = run_here("class A: pass\na, x = A(), torch.ones(2)\na.w = x\na.v = x * 2\ny = a.u = a.v + 1")
    assert [node.name for node in made.nodes] == ["x", "a.v", "y"]


def test_a_weight_that_two_layers_share_is_one() -> None:
    layers = "a, b = nn.Linear(2, 2), nn.Linear(2, 2)\nx = a(torch.ones(1, 2))"
    made = run_here(f"{layers}\nb.weight = a.weight\ny = b(x)")
    names = [node.name for node in made.nodes if node.op == "parameter"]
    assert names == ["a.weight", "a.bias", "b.weight", "b.bias"]
    assert [own.node.name for own in made["y"].operands] == ["x", "a.weight", "b.bias"]


PROGRAM_OF_BOXES = """
class Part(nn.Module):
    def forward(self, x):
        return torch.relu(x) + 1

class Whole(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = Part()
        self.rest = nn.ModuleDict({"a": Part(), "b": nn.Sequential(Part(), Part())})

    def helper(self, x):
        return x * 2

    def forward(self, x):
        x = self.first(x)
        for part in self.rest.values():
            x = part(x)
        return self.helper(x)

whole = Whole()
y = whole(whole(torch.ones(2)))
"""


def test_scopes_are_the_paths_of_modules_as_in_a_trace_of_python() -> None:
    found = {node.scope for node in run_here(PROGRAM_OF_BOXES).nodes}
    parts = ["", ".first", ".rest.a", ".rest.b.0", ".rest.b.1", ".helper"]
    assert {f"whole:{turn}{part}" for turn in (1, 2) for part in parts[1:]} <= found
    names: dict[str, Any] = {}
    exec("import torch\nfrom torch import nn\n" + PROGRAM_OF_BOXES, names)  # noqa: S102  it is ours
    traced = {node.scope for node in trace(names["whole"], torch.ones(2)).nodes}
    assert {part.removeprefix(".") for part in parts[1:-1]} <= traced
