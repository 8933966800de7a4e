"""Small models in plain torch, each with a way that gradients are easily lost on."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function

F = nn.functional


def numbers(*shape: int) -> Tensor:
    """The same numbers each time."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))


def tokens(most: int, *shape: int) -> Tensor:
    """The same whole numbers each time."""
    return torch.randint(0, most, shape, generator=torch.Generator().manual_seed(most))


class RotaryAttention(nn.Module):
    """Grouped queries, turned as complex numbers: as Llama was published."""

    def __init__(self, width: int = 8, heads: int = 4, groups: int = 2) -> None:
        super().__init__()
        self.heads, self.groups, self.size = heads, groups, width // heads
        self.q, self.k, self.v = (
            nn.Linear(width, n * self.size, bias=False) for n in (heads, groups, groups)
        )
        self.out = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Attend."""
        batch, length, width = x.shape
        shapes = [(self.q, self.heads), (self.k, self.groups), (self.v, self.groups)]
        q, k, v = (layer(x).view(batch, length, count, self.size) for layer, count in shapes)
        rates = 1 / 100.0 ** (torch.arange(0, self.size, 2) / self.size)
        turns = torch.polar(torch.ones(length, self.size // 2), torch.outer(torch.arange(length), rates))
        q, k = (_turned(own, turns) for own in (q, k))
        k, v = (own.repeat_interleave(self.heads // self.groups, 2) for own in (k, v))
        q, k, v = (own.transpose(1, 2) for own in (q, k, v))
        future = torch.ones(length, length).triu(1).bool()
        shares = (q @ k.mT / math.sqrt(self.size)).masked_fill(future, -math.inf).softmax(-1)
        made: Tensor = self.out((shares @ v).transpose(1, 2).reshape(batch, length, width))
        return made


def _turned(x: Tensor, turns: Tensor) -> Tensor:
    pairs = torch.view_as_complex(x.float().reshape(*x.shape[:-1], -1, 2))
    return torch.view_as_real(pairs * turns[None, :, None]).flatten(3).type_as(x)


class Llama(nn.Module):
    """Two blocks with rotary attention, RMS norm and a gated layer."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.read = nn.Embedding(11, 8), nn.Linear(8, 11, bias=False)
        self.attend = nn.ModuleList([RotaryAttention(), RotaryAttention()])
        self.norm = nn.ModuleList([nn.RMSNorm(8) for _ in range(4)])
        self.gate, self.up, self.down = nn.Linear(8, 16), nn.Linear(8, 16), nn.Linear(16, 8)

    def forward(self, words: Tensor, after: Tensor) -> Tensor:
        """The loss."""
        x = self.embed(words)
        for attend, one, other in zip(self.attend, self.norm[:2], self.norm[2:], strict=True):
            x = x + attend(one(x))
            inner = other(x)
            x = x + self.down(F.silu(self.gate(inner)) * self.up(inner))
        return F.cross_entropy(self.read(x).flatten(0, 1), after.flatten())


class Sign(Function):
    """A step whose gradient goes straight through."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """The sign."""
        ctx.save_for_backward(x)
        return torch.sign(x)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> Tensor:
        """The gradient where x is small."""
        (x,) = ctx.saved_tensors
        small: Tensor = slopes[0] * (x.abs() <= 1)
        return small


class Reversed(Function):
    """A gradient with another sign."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, times: float) -> Tensor:
        """The same."""
        ctx.times = times
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> Any:
        """The opposite."""
        return -ctx.times * slopes[0], None


class Attended(Function):
    """Attention with a backward pass by hand, and two results."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor) -> Any:
        """The attention, and the sums in its softmax."""
        scores = q @ k.mT
        shares = scores.softmax(-1)
        ctx.save_for_backward(q, k, v, shares)
        return shares @ v, scores.logsumexp(-1)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> Any:
        """As one writes it."""
        q, k, v, shares = ctx.saved_tensors
        one, other = slopes
        share = one @ v.mT
        score = shares * (share - (share * shares).sum(-1, keepdim=True) + other[..., None])
        return score @ k, score.mT @ q, shares.mT @ one


class Binary(nn.Module):
    """A binary net: straight through by a function."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.norm, self.two = nn.Linear(5, 6), nn.BatchNorm1d(6), nn.Linear(6, 3)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """The loss."""
        return F.cross_entropy(self.two(Sign.apply(self.norm(self.one(x)))), y)


class Quantized(nn.Module):
    """Ternary weights and a code book: straight through by `detach`."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.book = nn.Linear(5, 6), nn.Linear(6, 3), nn.Parameter(numbers(4, 6))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """The loss."""
        weight = self.one.weight
        size = weight.abs().mean()
        rounded = (weight / size).round().clamp(-1, 1) * size
        h = F.linear(x, weight + (rounded - weight).detach(), self.one.bias)
        z = self.book[torch.cdist(h, self.book).argmin(-1)]
        loss = F.cross_entropy(self.two(h + (z - h).detach()), y)
        return loss + F.mse_loss(z, h.detach()) + 0.25 * F.mse_loss(z.detach(), h)


class Mixer(nn.Module):
    """FNet: a Fourier transform in the place of attention, and a filter of its spectrum."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.norm, self.read = nn.Embedding(9, 8), nn.LayerNorm(8), nn.Linear(8, 9)
        self.filter = nn.Parameter(numbers(6, 5, 2))

    def forward(self, words: Tensor, after: Tensor) -> Tensor:
        """The loss."""
        x = self.embed(words)
        x = self.norm(x + torch.fft.fft(torch.fft.fft(x, dim=-1), dim=-2).real)
        x = x + torch.fft.irfft(torch.fft.rfft(x, norm="ortho") * torch.view_as_complex(self.filter), n=8)
        return F.cross_entropy(self.read(x).flatten(0, 1), after.flatten())


class StateSpace(nn.Module):
    """A diagonal state space, convolved by way of its spectrum."""

    def __init__(self) -> None:
        super().__init__()
        self.decay, self.turn, self.weight = (nn.Parameter(numbers(3, n)) for n in (4, 5, 8))
        self.step, self.read = nn.Parameter(numbers(3)), nn.Linear(3, 2)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """The loss."""
        length, rate = x.shape[-1], -self.decay.exp() + 1j * self.turn[:, :4]
        paces = rate * self.step.exp()[:, None]
        weight = torch.view_as_complex(self.weight.view(3, 4, 2)) * (paces.exp() - 1) / rate
        powers = torch.exp(paces[..., None] * torch.arange(length))
        kernel = 2 * torch.einsum("hn,hnl->hl", weight, powers).real
        spectra = [torch.fft.rfft(own, n=2 * length) for own in (x, kernel)]
        made = torch.fft.irfft(spectra[0] * spectra[1], n=2 * length)[..., :length]
        return F.cross_entropy(self.read(F.gelu(made).mean(-1)), y)


class Convolved(nn.Module):
    """Convolutions of all kinds, pools and norms."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.deep = nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1, groups=4)
        self.norm, self.group = nn.BatchNorm2d(4), nn.GroupNorm(2, 4)
        self.back, self.read = nn.ConvTranspose2d(4, 3, 2, stride=2), nn.Linear(3, 2)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """The loss."""
        x = F.max_pool2d(F.relu(self.norm(self.one(x))), 2)
        x = self.back(F.hardswish(self.group(self.deep(x))))
        return F.cross_entropy(self.read(F.adaptive_avg_pool2d(x, 1).flatten(1)), y)


class Recurrent(nn.Module):
    """An LSTM both ways, and a GRU."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.lstm = nn.Embedding(7, 4), nn.LSTM(4, 5, bidirectional=True)
        self.gru, self.read = nn.GRU(10, 3), nn.Linear(3, 7)

    def forward(self, words: Tensor, after: Tensor) -> Tensor:
        """The loss."""
        x, _ = self.lstm(self.embed(words))
        _ = self.gru(x)[0]
        return F.cross_entropy(self.read(_).flatten(0, 1), after.flatten())


class Normed(nn.Module):
    """Norms one after another, and weights that are made of others."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.norms = (
            nn.Linear(6, 6),
            nn.ModuleList([nn.LayerNorm(6), nn.RMSNorm(6), nn.GroupNorm(2, 6)]),
        )
        self.two = nn.utils.parametrizations.weight_norm(nn.Linear(6, 3))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """The loss."""
        x = self.one(x)
        for norm in self.norms:
            x = x + norm(x)
        return F.cross_entropy(self.two(F.normalize(x)), y)


class Experts(nn.Module):
    """A mixture of experts, added up where their tokens are."""

    def __init__(self) -> None:
        super().__init__()
        self.route, self.read = nn.Linear(6, 3), nn.Linear(6, 2)
        self.experts = nn.ModuleList([nn.Linear(6, 6) for _ in range(3)])

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """The loss."""
        shares = self.route(x).softmax(-1)
        best, chosen = shares.topk(2, -1)
        out = torch.zeros_like(x)
        for number, expert in enumerate(self.experts):
            rows, places = torch.where(chosen == number)
            out.index_add_(0, rows, expert(x[rows]) * best[rows, places, None])
        used = F.one_hot(chosen, 3).float().mean((0, 1))
        balance: Tensor = (shares.mean(0) * used).sum()
        return balance + F.cross_entropy(self.read(out), y)


class Opposed(nn.Module):
    """A part that learns the opposite, and attention with a backward pass by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.three = nn.Linear(5, 12), nn.Linear(4, 2), nn.Linear(4, 2)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """The loss."""
        h, sums = Attended.apply(*torch.tanh(self.one(x)).chunk(3, -1))
        away = self.three(Reversed.apply(h, 0.3))
        loss: Tensor = F.cross_entropy(self.two(h), y) + F.cross_entropy(away, 1 - y) + sums.mean()
        return loss


MODELS: dict[str, tuple[Callable[[], nn.Module], tuple[Tensor, Tensor]]] = {
    "rotary": (Llama, (tokens(11, 2, 5), tokens(11, 2, 5))),
    "straight through": (Binary, (numbers(6, 5), tokens(3, 6))),
    "quantized": (Quantized, (numbers(6, 5), tokens(3, 6))),
    "mixer": (Mixer, (tokens(9, 2, 6), tokens(9, 2, 6))),
    "state space": (StateSpace, (numbers(2, 3, 7), tokens(2, 2))),
    "convolutions": (Convolved, (numbers(2, 2, 6, 6), tokens(2, 2))),
    "recurrent": (Recurrent, (tokens(7, 4, 2), tokens(7, 4, 2))),
    "norms": (Normed, (numbers(5, 6), tokens(3, 5))),
    "experts": (Experts, (numbers(5, 6), tokens(2, 5))),
    "opposed": (Opposed, (numbers(6, 5), tokens(2, 6))),
}
