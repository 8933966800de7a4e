"""What an engineer asks of a model, each answered within ten keys: NaN, time, parameters, bytes, one head."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from llm_linalg.lessons.external import of_function
from llm_linalg.lessons.lesson import Lesson, lesson_of
from tests.app.driving import Driver, opened
from tests.common import known
from tests.engine.test_summary import kept_by_torch
from tui.model.map_table import MapTable, count_text

KEYS = 10


class Bad(nn.Module):
    """Gives NaN, when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.broken = False

    def forward(self, x: Tensor) -> Tensor:
        """Returns x, or the logarithm of what is below 0."""
        return (-x.abs() - 1).log() if self.broken else x


class Decoder(nn.Module):
    """Words in, scores out: rotary places, heads that share keys, a gate."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(90, 16)
        self.layers = nn.ModuleList(DecoderLayer() for _ in range(3))
        self.scores = nn.Linear(16, 90, bias=False)

    def forward(self, ids: Tensor) -> Tensor:
        """Returns the scores of the next word."""
        x: Tensor = self.words(ids)
        for layer in self.layers:
            x = layer(x)
        found: Tensor = self.scores(x)
        return found


class DecoderLayer(nn.Module):
    """Grouped attention and a gated layer."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.RMSNorm(16)
        self.query, self.key, self.value, self.out = (nn.Linear(16, n, bias=False) for n in (16, 8, 8, 16))
        self.gate, self.up, self.down = (
            nn.Linear(*size, bias=False) for size in ((16, 24), (16, 24), (24, 16))
        )
        self.bad = Bad()

    def forward(self, x: Tensor) -> Tensor:
        """Returns as many rows."""
        y = self.norm(x)
        q, k, v = (
            part(y).unflatten(-1, (-1, 4)).transpose(1, 2) for part in (self.query, self.key, self.value)
        )
        turn = torch.arange(x.shape[1])[:, None] / 100 ** (torch.arange(2) / 2)
        q, k = (rotated(part, turn.cos(), turn.sin()) for part in (q, k))
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
        x = x + self.out(mixed.transpose(1, 2).flatten(2))
        found: Tensor = x + self.bad(self.down(functional.silu(self.gate(x)) * self.up(x)))
        return found


def rotated(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Returns the features turned in pairs, by an angle for each place."""
    first, second = x.chunk(2, -1)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), -1)


class Pictures(nn.Module):
    """Patches of a picture, blocks with torch's own attention, classes."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 12, 4, 4)
        self.layers = nn.ModuleList(PictureBlock() for _ in range(2))
        self.head = nn.Linear(12, 5)

    def forward(self, pictures: Tensor) -> Tensor:
        """Returns the scores of classes."""
        x: Tensor = self.patches(pictures).flatten(2).transpose(1, 2)
        for layer in self.layers:
            x = layer(x)
        found: Tensor = self.head(x.mean(1))
        return found


class PictureBlock(nn.Module):
    """Attention and a layer with GELU."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.attention = nn.LayerNorm(12), nn.MultiheadAttention(12, 3, batch_first=True)
        self.mlp, self.bad = nn.Sequential(nn.Linear(12, 48), nn.GELU(), nn.Linear(48, 12)), Bad()

    def forward(self, x: Tensor) -> Tensor:
        """Returns as many rows."""
        y = self.norm(x)
        x = x + self.attention(y, y, y)[0]
        found: Tensor = x + self.bad(self.mlp(self.norm(x)))
        return found


class Translator(nn.Module):
    """An encoder and a decoder that looks into what it gives."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(50, 8)
        self.layers = nn.ModuleList(Looking() for _ in range(4))

    def forward(self, ids: Tensor, others: Tensor) -> Tensor:
        """Returns the chances of the next word."""
        memory: Tensor = self.words(ids)
        for layer in self.layers[:2]:
            memory = layer(memory, memory)
        x: Tensor = self.words(others)
        for layer in self.layers[2:]:
            x = layer(x, memory)
        return (x @ self.words.weight.T).softmax(-1)


class Looking(nn.Module):
    """Attention as a softmax of scores, from one sequence into another."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(8, 8, bias=False) for _ in range(3))
        self.bad = Bad()

    def forward(self, x: Tensor, memory: Tensor) -> Tensor:
        """Returns as many rows as the first has."""
        q, k, v = (
            part(y).unflatten(-1, (2, 4)).transpose(1, 2)
            for part, y in ((self.query, x), (self.key, memory), (self.value, memory))
        )
        weights = (q @ k.mT / 2).softmax(-1)
        found: Tensor = x + self.bad((weights @ v).transpose(1, 2).flatten(2))
        return found


def decoder() -> tuple[nn.Module, tuple[Tensor, ...]]:
    return Decoder(), (torch.tensor([[4, 8, 15, 16, 23, 42]]),)


def pictures() -> tuple[nn.Module, tuple[Tensor, ...]]:
    return Pictures().eval(), (torch.randn(1, 3, 8, 8),)


def translator() -> tuple[nn.Module, tuple[Tensor, ...]]:
    return Translator(), (torch.tensor([[1, 2, 3, 4, 5]]), torch.tensor([[6, 7, 8]]))


Make = Callable[[], tuple[nn.Module, tuple[Tensor, ...]]]
MODELS = (decoder, pictures, translator)


def lesson(make: Make, *, broken: bool = False) -> tuple[Lesson, nn.Module, tuple[Tensor, ...]]:
    torch.manual_seed(0)
    model, inputs = make()
    bad = [own for own in model.modules() if isinstance(own, Bad)][1]
    bad.broken = broken
    return lesson_of(of_function(model, inputs), "model"), model, inputs


async def answered(d: Driver, keys: Sequence[str]) -> None:
    """Presses keys, no more than there may be."""
    assert len(keys) <= KEYS
    await d.press(*keys)


def table(d: Driver) -> MapTable:
    run = known(d.session.current)
    return known(known(run.frame(d.view).stage.map).table)


@pytest.mark.parametrize("make", MODELS)
async def test_where_is_the_first_nan(make: Make) -> None:
    shown, model, _ = lesson(make, broken=True)
    name = next(name for name, own in model.named_modules() if isinstance(own, Bad) and own.broken)
    async with opened(shown) as d:
        await answered(d, ["exclamation_mark"])
        node = known(known(d.session.current).top_node(d.view))
        assert (node.op, node.scope) == ("log", name)
        assert "NaN begins here" in d.screen


@pytest.mark.parametrize("make", MODELS)
@pytest.mark.slow
async def test_what_takes_the_largest_share_of_the_time(make: Make) -> None:
    async with opened(lesson(make)[0]) as d:
        keys = ["M", "escape", "v", "o", "o", "o", "o"]
        while True:
            await answered(d, keys)
            rows = table(d).rows
            seconds = [row.facts["seconds"] for row in rows]
            assert seconds == sorted(seconds, reverse=True)
            assert d.view.box[-1] == rows[0].boxes[0]
            share = seconds[0] / known(table(d).whole)["seconds"]
            assert len(rows) == 1 or f"{share:.0%}" in " ".join(d.screen.split())
            if not rows[0].opens:
                return
            keys = ["enter"]


@pytest.mark.parametrize("make", MODELS)
async def test_how_many_parameters_and_bytes(make: Make) -> None:
    shown, model, inputs = lesson(make)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    async with opened(shown) as d:
        await answered(d, ["M", "escape", "v"])
        whole = known(table(d).whole)
        assert (whole["parameters"], whole["bytes"]) == (parameters, kept_by_torch(model, *inputs))
        assert f"Of all {count_text(parameters)} params, {count_text(whole['bytes'])} B" in d.screen


@pytest.mark.parametrize(
    ("make", "number", "path"),
    [(decoder, 7, "layers.1"), (pictures, 6, "layers.1.attention"), (translator, 8, "layers.3")],
)
async def test_the_pattern_of_one_head(make: Make, number: int, path: str) -> None:
    async with opened(lesson(make)[0]) as d:
        await answered(d, ["A", "g", str(number), "enter", "enter"])
        run = known(d.session.current)
        head = known(run.trace).heads[number - 1]
        assert head.path == path
        (panel,) = run.frame(d.view).stage.panels
        queries, keys = head.shape
        shown = torch.tensor(panel.cells.values(range(queries), range(keys)))
        torch.testing.assert_close(shown, head.weights)
        percents = [f"{100 * weight:.0f}" for weight in head.weights[-1].tolist()]
        assert any(row.split()[-keys - 1 :] == [str(queries - 1), *percents] for row in d.rows)
