"""What modules take and give: against torch's own counts, and where numbers stop being finite."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from llm_linalg import load_trace, trace
from llm_linalg.analysis.summary import MODULE, Extremes, first_not_finite, summary
from tests.engine.here import run


class Block(nn.Module):
    """Attention and a layer, both added to what comes in."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width, bias=False)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        """Returns as many rows."""
        q, k, v = self.qkv(self.norm(x)).chunk(3, -1)
        y = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y)
        found: Tensor = x + self.mlp(self.norm(x))
        return found


class Model(nn.Module):
    """Words, blocks, and scores."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(11, 8)
        self.blocks = nn.ModuleList(Block(8) for _ in range(3))
        self.head = nn.Linear(8, 11)
        self.head.weight = self.words.weight

    def forward(self, ids: Tensor) -> Tensor:
        """Returns the scores of each place."""
        x = self.words(ids)
        for block in self.blocks:
            x = block(x)
        found: Tensor = self.head(x)
        return found


def kept_by_torch(model: Callable[..., object], *inputs: Tensor) -> int:
    """Returns the bytes that torch's autograd keeps, without parameters."""
    saved: list[Tensor] = []
    parameters = model.parameters() if isinstance(model, nn.Module) else ()
    own = {parameter.untyped_storage().data_ptr() for parameter in parameters}

    def note(tensor: Tensor) -> Tensor:
        if not isinstance(tensor, nn.Parameter):
            saved.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        model(*inputs)
    sizes = {x.untyped_storage().data_ptr(): x.untyped_storage().nbytes() for x in saved}
    return sum(size for place, size in sizes.items() if place not in own)


def test_the_counts_are_torchs_own() -> None:
    torch.manual_seed(0)
    model, ids = Model(), torch.arange(6).reshape(1, 6)
    rows = summary(trace(model, ids))
    operations = [row for row in rows if row.op != MODULE]
    assert sum(row.bytes for row in operations) == kept_by_torch(model, ids)
    by_path = {row.path: row for row in rows}
    for name, module in model.named_modules():
        if name and name in by_path:
            own = sum(parameter.numel() for parameter in module.parameters())
            assert by_path[name].parameters == own, name
    assert by_path["blocks.1.mlp"].op == MODULE
    assert by_path["blocks.1.mlp"].shape == (1, 6, 8)
    assert (by_path["blocks.1.mlp"].products or 0) > 2 * 6 * 8 * 32
    assert by_path["blocks.1"].bytes == sum(
        row.bytes for row in operations if row.path.startswith("blocks.1.")
    )
    assert all(row.seconds is not None and row.seconds >= 0 for row in rows)
    linear = by_path["head"].values
    assert linear is not None
    assert linear.cells == 66
    assert linear.largest == model(ids).double().abs().max().item()


def test_extremes_say_what_cells_are() -> None:
    cells = torch.tensor([0.0, -3.0, 0.5, float("nan"), float("inf"), -float("inf")])
    assert Extremes.of(cells) == Extremes(6, 3.0, 0.0, 1, 2, 1)
    assert Extremes.of(torch.tensor([float("nan")])) == Extremes(1, None, None, 1)
    both = Extremes.of(cells).with_those_of(Extremes.of(torch.tensor([7])))
    assert both == Extremes(7, 7.0, 0.0, 1, 2, 1)
    assert Extremes.of(torch.tensor([3 + 4j])).largest == 5.0
    assert Extremes.of(torch.zeros(0)) == Extremes()


class Layer(nn.Module):
    """A layer, and what is done with what it gives."""

    def __init__(self, then: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.layer, self.then = nn.Linear(3, 4), then

    def forward(self, x: Tensor) -> Tensor:
        """Returns what is made of as many rows."""
        return self.then(self.layer(x))


def without_its_diagonal(y: Tensor) -> Tensor:
    square = (y.T @ y).clone()
    square.diagonal().zero_()
    return square.pow(2)


def scattered(y: Tensor) -> Tensor:
    largest = torch.zeros_like(y).scatter_(-1, y.argmax(-1, keepdim=True), 1.0)
    return (largest - y.detach() + y) * largest.exp()


def clipped_unseen(y: Tensor) -> Tensor:
    square = y.T @ y
    with torch.no_grad():
        functional.hardtanh(square, inplace=True)
    return square.exp()


def chosen(y: Tensor) -> Tensor:
    largest, places = torch.topk(y, 2, 1)
    own: Tensor = (y * 2).gather(1, places) * largest
    return own


def decomposed(y: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh(y @ y.mT)
    own: Tensor = (vectors * values.exp()) @ vectors.mT
    return own


def spread(y: Tensor) -> Tensor:
    own, other = torch.broadcast_tensors(y, torch.full((4,), 0.5))  # type: ignore[no-untyped-call]
    made: Tensor = own.exp() * other.log()
    return made


def written_by_a_part(y: Tensor) -> Tensor:
    own = y * 1
    own[0].mul_(y[0])
    own *= torch.ones(64, 4)[1:3]
    return own


def normalized(y: Tensor) -> Tensor:
    mean, spread = torch.zeros(4), torch.ones(4)
    own = functional.batch_norm(y, mean, spread, training=True)
    return own * functional.batch_norm(torch.arange(8.0).reshape(2, 4), mean, spread, training=True)


@pytest.mark.parametrize(
    "then",
    [
        normalized,
        chosen,
        decomposed,
        spread,
        written_by_a_part,
        clipped_unseen,
        lambda y: y.exp() * y.detach().tanh().exp(),
        lambda y: y * torch.rand_like(y).exp(),
        lambda y: (y > 0).to(y.dtype).exp() + y,
        lambda y: torch.view_as_complex(y.reshape(2, 2, 2)) * torch.polar(torch.ones(2), torch.ones(2)),
        scattered,
        without_its_diagonal,
    ],
)
def test_what_is_kept_is_what_a_gradient_goes_back_through(then: Callable[[Tensor], Tensor]) -> None:
    model, x = Layer(then), torch.randn(2, 3)
    assert sum(row.bytes for row in summary(trace(model, x)) if row.op != MODULE) == kept_by_torch(model, x)


def test_parameters_that_the_program_makes_are_parameters() -> None:
    def built(steps: int = 1) -> Tensor:
        layers = nn.Sequential(nn.Linear(4, 3), nn.LayerNorm(3), nn.Linear(3, 2))
        optimizer = torch.optim.SGD(layers.parameters(), lr=0.1)
        x = torch.ones(2, 4)
        for _ in range(steps):
            layers(x).square().sum().backward()
            optimizer.step()
        return x

    rows = {row.path: row for row in summary(trace(built))}
    outside = nn.Sequential(nn.Linear(4, 3), nn.LayerNorm(3), nn.Linear(3, 2))
    x = torch.ones(2, 4)
    expected = {row.path: row for row in summary(trace(outside, x)) if row.op == MODULE}
    assert rows["Sequential"].bytes == kept_by_torch(outside, x)
    assert rows["Sequential"].parameters == 4 * 3 + 3 + 3 + 3 + 3 * 2 + 2
    for path, row in expected.items():
        own = rows[f"Sequential.{path}"]
        assert (own.parameters, own.bytes) == (row.parameters, row.bytes), path
    again = {row.path: row for row in summary(trace(built, 2))}  # after a step they are still the same
    assert again["Sequential:2"].parameters == rows["Sequential"].parameters


def test_without_gradients_nothing_is_kept() -> None:
    text = (
        "x = nn.Parameter(torch.ones(2, 2))\nwith torch.no_grad():\n    y = (x @ x).exp()\nz = (x @ x).exp()"
    )
    assert [row.bytes for row in summary(run(text)) if row.op == "exp"] == [0, 16]


@pytest.mark.parametrize("kind", [nn.RNN, nn.GRU, nn.LSTM])
def test_the_parameters_of_recurrent_layers_are_not_among_what_is_kept(kind: type[nn.GRU]) -> None:
    for layer in (kind(8, 4), kind(8, 4, num_layers=2, bidirectional=True), kind(8, 4, batch_first=True)):
        x = torch.randn(5, 2, 8)
        assert sum(row.bytes for row in summary(trace(layer, x)) if row.op != MODULE) == kept_by_torch(
            layer, x
        )


def layers() -> dict[str, tuple[nn.Module, Tensor]]:
    """Returns layers of several kinds, each with an input."""
    folded = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.ConvTranspose2d(4, 2, 2, 2))
    ends = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.GELU(), nn.Linear(8, 4), nn.LayerNorm(4))
    norms = nn.Sequential(nn.PReLU(4), nn.InstanceNorm1d(4, affine=True), nn.Conv1d(4, 2, 3), nn.RNN(3, 3))
    encoder = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
    return {
        "blocks": (Model(), torch.arange(6).reshape(1, 6)),
        "convolutions": (folded, torch.randn(2, 3, 6, 6)),
        "evaluated": (ends.eval(), torch.randn(5, 4)),
        "norms": (norms, torch.randn(2, 4, 5)),
        "encoder": (encoder, torch.randn(2, 5, 8)),
        "gru": (nn.GRU(4, 3, num_layers=2), torch.randn(5, 2, 4)),
        "lstm": (nn.LSTM(4, 3, bidirectional=True), torch.randn(5, 2, 4)),
    }


@settings(max_examples=4, deadline=None)
@pytest.mark.parametrize("kind", layers())
@given(seed=st.integers(0, 2**20), asks=st.booleans())
def test_of_frozen_layers_nothing_is_kept_that_torch_does_not_keep(kind: str, seed: int, asks: bool) -> None:
    torch.manual_seed(seed)
    model, x = layers()[kind]
    learned = torch.rand(len(list(model.parameters()))) < 0.5
    learned[seed % len(learned)] = True
    for parameter, own in zip(model.parameters(), learned.tolist(), strict=True):
        parameter.requires_grad_(own)
    if x.is_floating_point() and asks:
        x.requires_grad_()
    expected = kept_by_torch(model, x)
    assert sum(row.bytes for row in summary(trace(model, x)) if row.op != MODULE) == expected


@pytest.mark.parametrize("frozen", [(), (0,), (2,), (0, 2), (0, 2, 4)])
def test_a_trace_file_says_which_layers_are_frozen(frozen: tuple[int, ...], tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.GELU(), nn.Linear(8, 8), nn.GELU(), nn.Linear(8, 4))
    for place in frozen:
        model[place].requires_grad_(False)
    made = trace(model, torch.randn(40, 4))
    made.save(tmp_path / "frozen.trace")
    kept = [row.bytes for row in summary(load_trace(tmp_path / "frozen.trace"))]
    assert kept == [row.bytes for row in summary(made)]


def test_where_nothing_requires_a_gradient_it_is_as_if_all_parameters_did() -> None:
    model, x = nn.Sequential(nn.Linear(3, 4), nn.GELU(), nn.Linear(4, 2)), torch.ones(2, 3)
    expected = kept_by_torch(model, x)
    made = trace(model.requires_grad_(False), x)
    assert sum(row.bytes for row in summary(made) if row.op != MODULE) == expected > 0


class Checkpointed(nn.Module):
    """Blocks of which torch keeps what comes in, and makes the rest again on the way back."""

    def __init__(self, reentrant: bool) -> None:
        super().__init__()
        kinds = (nn.Linear(4, 8), nn.GELU(), nn.Linear(8, 4))
        self.blocks, self.reentrant = nn.ModuleList([nn.Sequential(*kinds), nn.Sequential(*kinds)]), reentrant

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = checkpoint(block, x, use_reentrant=self.reentrant)
        return (x.exp() * x).sum()


@pytest.mark.parametrize("reentrant", [False, True])
def test_of_what_a_checkpoint_makes_again_nothing_is_kept(reentrant: bool, tmp_path: Path) -> None:
    model, x = Checkpointed(reentrant), torch.randn(3, 4, requires_grad=True)
    expected = kept_by_torch(model, x)
    made = trace(model, x)
    made.save(tmp_path / "blocks.trace")
    for own in (made, load_trace(tmp_path / "blocks.trace")):
        assert sum(row.bytes for row in summary(own) if row.op != MODULE) == expected


def learning(x: Tensor) -> Tensor:
    w = torch.randn(4, 8, requires_grad=True)
    h = (x @ w + torch.zeros(8).requires_grad_()).relu()
    code = h.detach().requires_grad_()
    return (h * code).exp() @ nn.Parameter(torch.randn(8))


def test_what_a_program_makes_and_learns_keeps_what_torch_keeps(tmp_path: Path) -> None:
    x = torch.randn(40, 4)
    expected = kept_by_torch(learning, x)
    made = trace(learning, x)
    made.save(tmp_path / "learning.trace")
    for t in (made, load_trace(tmp_path / "learning.trace")):
        assert sum(row.bytes for row in summary(t) if row.op != MODULE) == expected


class Around(nn.Module):
    """A module, and something that reads the first of what it gives."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        """Returns as much."""
        found = self.inner(x)
        first: Tensor = found if isinstance(found, Tensor) else found[0]
        return first * 2


class Pair(nn.Module):
    """A module that gives two tensors, and computes a third on the way."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Returns rows, and their shares."""
        shares = x.softmax(-1)
        rows = shares @ x.mT
        self.entropy = -(shares * shares.log()).sum(-1).detach()
        return rows, shares


def gives() -> list[tuple[nn.Module, Tensor]]:
    """Returns modules, each with an input, whose last operation is not what they give."""
    norm = nn.Sequential(nn.BatchNorm1d(4), nn.Identity())
    found = [(kind(4, 3, batch_first=True), torch.randn(2, 5, 4)) for kind in (nn.RNN, nn.GRU, nn.LSTM)]
    norms = [(nn.BatchNorm2d(3), torch.randn(2, 3, 4, 4)), (norm, torch.randn(6, 4))]
    cells = [(nn.LSTMCell(4, 3), torch.randn(2, 4)), (nn.ReLU(inplace=True), torch.randn(2, 4))]
    return [*found, *norms, *cells, (Pair(), torch.randn(5, 4)), (Pair(), torch.randn(1, 2, 3, 4))]


@pytest.mark.parametrize(("module", "x"), gives())
def test_the_shape_of_a_module_is_that_of_what_it_gives(module: nn.Module, x: Tensor) -> None:
    shapes: dict[str, tuple[int, ...]] = {}

    def note(own: nn.Module, _: object, given: Tensor | tuple[Tensor, ...]) -> None:
        first = given if isinstance(given, Tensor) else given[0]
        shapes[names[own]] = tuple(first.shape)

    model = nn.Sequential(Around(module))
    names = {own: name for name, own in model.named_modules()}
    handles = [own.register_forward_hook(note) for own in names]
    model(x.clone())
    for handle in handles:
        handle.remove()
    rows = {row.path: row.shape for row in summary(trace(model, x)) if row.op == MODULE}
    assert {"0", "0.inner"} <= rows.keys()
    assert rows == {path: shapes[path] for path in rows}


def test_running_statistics_are_not_among_what_a_norm_gives() -> None:
    norm, x = nn.BatchNorm1d(4), torch.rand(6, 4) * 1e-3
    norm.running_mean = torch.full((4,), 50.0)
    rows = {row.path: row for row in summary(trace(Around(norm), x)) if row.path in ("inner", "found")}
    ((_, inner),) = rows.items()
    assert inner.values is not None
    assert inner.values.largest == norm(x).double().abs().max().item()
    plain = summary(trace(nn.BatchNorm1d(4, track_running_stats=False), x))[0].products or 0
    assert inner.products == plain + 2 * 2 * 4


class Inverted(nn.Module):
    """A layer, and an inverse, which no rule counts."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.inverse = nn.Linear(3, 3, bias=False), Inverse()

    def forward(self, x: Tensor) -> Tensor:
        """Returns as many rows."""
        found: Tensor = self.inverse(self.layer(x))
        return found


class Inverse(nn.Module):
    """An inverse alone."""

    def forward(self, x: Tensor) -> Tensor:
        """Returns as many rows."""
        found: Tensor = torch.linalg.inv(x)
        return found


def test_products_that_no_rule_counts_are_unknown_and_a_sum_leaves_them_out() -> None:
    rows = summary(trace(nn.Sequential(Inverted()), torch.eye(3)))
    products = {(row.path, row.op == MODULE): row.products for row in rows}
    assert products["0", True] == 27
    assert products["0.inverse", True] is None
    assert [row.products for row in rows if row.op != MODULE] == [27, None]
    x = torch.ones(3, 4)
    for call in (torch.cdist, torch.linalg.lstsq):
        assert summary(trace(call, x, x))[0].products is None, call
    for single in (torch.linalg.svd, torch.fft.rfft, torch.cov):
        assert summary(trace(single, x))[0].products is None, single


def test_where_numbers_stop_being_finite() -> None:
    def masked(x: Tensor) -> Tensor:
        hidden = torch.full((3, 3), -float("inf")).triu(1)
        return (x + hidden).softmax(-1)

    def divides(x: Tensor) -> Tensor:
        y = x - x
        z = x / y
        return z * 2

    def all_hidden(x: Tensor) -> Tensor:
        scores = x.masked_fill(torch.ones(3, 3, dtype=torch.bool), -float("inf"))
        return scores.softmax(-1) + x

    x = torch.ones(3, 3)
    assert first_not_finite(trace(masked, x).nodes) is None
    found = first_not_finite(trace(divides, x).nodes)
    assert found is not None
    assert (found.name, found.op) == ("z", "div")
    found = first_not_finite(trace(all_hidden, x).nodes)
    assert found is not None
    assert found.op == "softmax"


X = torch.arange(9.0).reshape(3, 3) - 4
HIDDEN = torch.ones(3, 3, dtype=torch.bool).triu(1)
BEGINNINGS: dict[str, Callable[[Tensor], Tensor]] = {
    "mul": lambda s: s * 1e38,
    "exp": lambda s: s.exp() / s.exp().sum(-1, keepdim=True),
    "div": lambda s: (s / 0.0).softmax(-1),
    "log": lambda s: (s.softmax(-1) - s.softmax(-1)).log() * 2,
    "matmul": lambda s: (s.softmax(-1) * 1e38) @ torch.full((3, 3), 10.0) + s,
}


@pytest.mark.parametrize("op", [*BEGINNINGS])
def test_an_infinity_begins_beside_those_of_a_mask(op: str) -> None:
    def program(x: Tensor) -> Tensor:
        return BEGINNINGS[op](x.masked_fill(HIDDEN, -torch.inf) * 2)

    found = first_not_finite(trace(program, torch.full((3, 3), 100.0)).nodes)
    assert found is not None
    assert found.op == op
    assert first_not_finite(trace(lambda x: (x.masked_fill(HIDDEN, -torch.inf) * 2).exp(), X).nodes) is None


def test_a_nan_begins_beside_those_that_come_in() -> None:
    x = torch.tensor([torch.nan, -1.0, 4.0])
    found = first_not_finite(trace(lambda x: ((x * 2) + 1).sqrt() * 2, x).nodes)
    assert found is not None
    assert found.op == "sqrt"
