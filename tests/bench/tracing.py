"""Tracing a real module, beside its own forward pass: at most twice as long, plus 50 µs a call."""

from __future__ import annotations

from typing import cast

from tests.bench.fresh import fresh
from tests.bench.stats import Row

A_CALL = 50e-6
ROUNDS = 15
# A GPT of four blocks as tutorials write it, small, where a call's own cost shows, and larger.
TRACING = """
import json, math, time
import torch
from torch import nn
from llm_linalg import trace

class Attention(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.qkv, self.proj, self.heads = nn.Linear(d, 3 * d), nn.Linear(d, d), heads
    def forward(self, x):
        B, T, C = x.shape
        q, k, v = (part.view(B, T, self.heads, -1).transpose(1, 2) for part in self.qkv(x).split(C, dim=2))
        scores = q @ k.transpose(-2, -1) / math.sqrt(k.size(-1))
        scores = scores.masked_fill(torch.tril(torch.ones(T, T)) == 0, -math.inf)
        return self.proj((scores.softmax(dim=-1) @ v).transpose(1, 2).contiguous().view(B, T, C))

class Block(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.ln_1, self.attn, self.ln_2 = nn.LayerNorm(d), Attention(d, heads), nn.LayerNorm(d)
        self.mlp = nn.Sequential(nn.Linear(d, 4 * d), nn.GELU(), nn.Linear(4 * d, d))
    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))

def seconds(d, tokens):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Embedding(50, d), *(Block(d, 4) for _ in range(4)), nn.Linear(d, 50))
    x = torch.randint(0, 50, (2, tokens))
    plain, traced = [], []
    for _ in range({rounds} + 2):
        start = time.perf_counter(); model(x); plain.append(time.perf_counter() - start)
        start = time.perf_counter(); found = trace(model, x); traced.append(time.perf_counter() - start)
    calls = sum(bool(node.operands) for node in found.nodes)
    return [min(plain[2:]), min(traced[2:]), calls]

torch.set_num_threads(1)
print(json.dumps([seconds(32, 8), seconds(256, 64)]))
"""


def tracing() -> list[Row]:
    """Runs a model plainly and traced, in turn, and holds the best of either against the other."""
    measured = fresh(TRACING.replace("{rounds}", str(ROUNDS)))
    rows = []
    for size, (plain, traced, calls) in zip(
        ("small", "256 wide"), cast("list[list[float]]", measured), strict=True
    ):
        allowed = 2 * plain + A_CALL * calls
        rows.append(
            Row(
                f"traced forward pass, {size}",
                traced * 1000,
                "ms",
                plain * 1000,
                "the plain pass",
                allowed * 1000,
            )
        )
    return rows
