"""A GPT as people write them: settings in a dataclass, blocks in a `ModuleDict`, tied weights."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass
class Settings:
    """What a model is made with."""

    context: int = 16
    words: int = 50
    layers: int = 3
    heads: int = 2
    width: int = 16
    bias: bool = True


class LayerNorm(nn.Module):
    """A layer norm whose bias can be left out."""

    def __init__(self, width: int, bias: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """Normalise each row."""
        return nn.functional.layer_norm(x, self.weight.shape, self.weight, self.bias, 1e-5)


class CausalSelfAttention(nn.Module):
    """Attention in which a token reads those up to itself."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.c_attn = nn.Linear(settings.width, 3 * settings.width, bias=settings.bias)
        self.c_proj = nn.Linear(settings.width, settings.width, bias=settings.bias)
        self.heads, self.width = settings.heads, settings.width
        mask = torch.tril(torch.ones(settings.context, settings.context))
        self.register_buffer("mask", mask.view(1, 1, settings.context, settings.context))

    def forward(self, x: Tensor) -> Tensor:
        """Mix the tokens of each sequence."""
        B, T, C = x.size()
        q, k, v = (
            part.view(B, T, self.heads, C // self.heads).transpose(1, 2)
            for part in self.c_attn(x).split(self.width, dim=2)
        )
        scores = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))
        scores = scores.masked_fill(self.get_buffer("mask")[:, :, :T, :T] == 0, float("-inf"))
        y = scores.softmax(dim=-1) @ v
        mixed: Tensor = self.c_proj(y.transpose(1, 2).contiguous().view(B, T, C))
        return mixed


class Block(nn.Module):
    """Attention, and a network for each token."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.ln_1 = LayerNorm(settings.width, settings.bias)
        self.attn = CausalSelfAttention(settings)
        self.ln_2 = LayerNorm(settings.width, settings.bias)
        self.mlp = nn.Sequential(
            nn.Linear(settings.width, 4 * settings.width),
            nn.GELU(),
            nn.Linear(4 * settings.width, settings.width),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Add what both parts find."""
        x = x + self.attn(self.ln_1(x))
        y: Tensor = x + self.mlp(self.ln_2(x))
        return y


class GPT(nn.Module):
    """The model: tokens in, scores of the next token out."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.settings = settings
        self.transformer = nn.ModuleDict(
            {
                "wte": nn.Embedding(settings.words, settings.width),
                "wpe": nn.Embedding(settings.context, settings.width),
                "h": nn.ModuleList([Block(settings) for _ in range(settings.layers)]),
                "ln_f": LayerNorm(settings.width, settings.bias),
            }
        )
        self.lm_head = nn.Linear(settings.width, settings.words, bias=False)
        self.transformer["wte"].weight = self.lm_head.weight

    def forward(self, idx: Tensor) -> Tensor:
        """Return the scores for the last token of each sequence."""
        pos = torch.arange(0, idx.shape[1])
        x = self.transformer["wte"](idx) + self.transformer["wpe"](pos)
        blocks = self.transformer["h"]
        assert isinstance(blocks, nn.ModuleList)
        for block in blocks:
            x = block(x)
        x = self.transformer["ln_f"](x)
        scores: Tensor = self.lm_head(x[:, [-1], :])
        return scores


def generate(count: int) -> Tensor:
    """Return a sequence with so many tokens added, each the likeliest."""
    model = GPT(Settings(layers=1))
    idx = torch.zeros(1, 1, dtype=torch.long)
    for _ in range(count):
        idx = torch.cat((idx, model(idx)[:, -1].argmax(-1, keepdim=True)), dim=1)
    return idx
