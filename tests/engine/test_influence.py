"""Influence and effect, held against autograd on the same function and against lineage."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from llm_linalg import trace
from tests.engine.here import run
from tests.two_blocks import TWO_BLOCKS

F = nn.functional
CAUSAL = """
x = torch.randn(T, 4)
q, k, v = torch.randn(3, 4, 4)
S = (x @ q) @ (x @ k).T / 2
P = torch.softmax(S.masked_fill(torch.ones(T, T).triu(1) == 1, -math.inf), dim=-1)
n = F.layer_norm(x + P @ (x @ v), (4,))
up = torch.randn(4, 8)
y = n + F.gelu(n @ up) @ up.T
"""


class Model(nn.Module):
    """A bit of everything that has a derivative, and an argmax, which has none."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.one, self.two = nn.Linear(3, 5), nn.Linear(5, 3)
        self.norm = nn.LayerNorm(3)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.relu(self.one(x))
        best = h.argmax(dim=-1)
        h = torch.cat([h[:, :2], h[:, 2:].exp() / (1 + best[:, None])], dim=-1)
        parts = self.norm(x + self.two(h)).split(1, dim=-1)
        return F.scaled_dot_product_attention(parts[0], parts[1], parts[2], is_causal=True) * x.sum()


def jacobian(model: nn.Module, x: Tensor) -> Tensor:
    """d output / d x, every cell by every cell."""
    made: Tensor = torch.autograd.functional.jacobian(model, x)  # type: ignore[no-untyped-call]
    return made


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 5), st.integers(0, 2**16), st.data())
def test_every_derivative_is_that_of_autograd(rows: int, seed: int, data: st.DataObject) -> None:
    model = Model()
    x = torch.randn(rows, 3, generator=torch.Generator().manual_seed(seed))
    made = trace(model, x)
    out = made.nodes[-1]
    whole = jacobian(model, x)
    cell = (data.draw(st.integers(0, rows - 1)), 0)
    back = made.influence(out, cell)
    assert torch.allclose(back[made["x"]], whole[cell], atol=1e-5)
    source = (data.draw(st.integers(0, rows - 1)), data.draw(st.integers(0, 2)))
    forth = made.effect("x", source)
    assert torch.allclose(forth[out], whole[(..., *source)], atol=1e-5)
    assert all(tensor.shape == node.value.shape for node, tensor in (back | forth).items())


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 5), st.data())
def test_what_a_cell_does_not_depend_on_has_no_influence(size: int, data: st.DataObject) -> None:
    made = run(CAUSAL, names={"T": size})
    cell = (data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, 3)))
    for way, slopes in (("lineage", made.influence("y", cell)), ("reach", made.effect("x", cell))):
        cells = made.lineage("y", cell) if way == "lineage" else made.reach("x", cell)
        for node, slope in slopes.items():
            fixed = made._lineage.constant_cells(node)  # a share in a single token is 1 whatever comes before
            steep = (slope != 0) if fixed is None else (slope != 0) & ~fixed
            found = {tuple(index) for index in steep.nonzero().tolist()}
            assert found <= set(cells.get(node, ())), (way, node)


def test_a_cell_may_matter_and_have_no_influence_here() -> None:
    made = run("x = torch.tensor([-1., 2.])\ny = F.relu(x)\nz = y.sum()")
    assert set(made.lineage("z", ())[made["x"]]) == {(0,), (1,)}
    assert made.influence("z", ())[made["x"]].tolist() == [0.0, 1.0]


def test_what_is_not_real_has_none() -> None:
    made = run("t = torch.tensor([1, 2])\nx = torch.randn(3, 2)\ny = x[t] * t[:, None]")
    assert {node.dtype for node in made.influence("y", (0, 0))} == {"float32"}
    assert made["x"] in made.influence("y", (0, 0))
    with pytest.raises(ValueError, match="t is int64"):
        made.influence("t", (0,))
    with pytest.raises(IndexError):
        made.influence("y", (9, 0))


def test_a_detach_ends_it_and_a_write_does_not() -> None:
    made = run("x = torch.randn(3)\ny = x.detach() * 2\nz = y + 1")
    assert made["x"] not in made.influence("z", (0,))
    made = run("x = torch.randn(3)\nw = torch.ones(3)\nw[1] = x[2]\nz = w * 3")
    assert made.influence("z", (1,))[made["x"]].tolist() == [0.0, 0.0, 3.0]


BUMPED = "x = embed(tokens)\nbump = torch.zeros(T, C)\nbump[i, j] = by\nstart = x + bump\nx = start\n"


@pytest.mark.parametrize("cell", [(0, 1), (2, 3), (3, 7)])
def test_through_the_whole_model_a_cell_reaches_what_changes_with_it(cell: tuple[int, int]) -> None:
    lesson = TWO_BLOCKS
    program = lesson.stop(1).program.replace("x = embed(tokens)\n", BUMPED)
    names = {**lesson.names(), "i": cell[0], "j": cell[1]}
    before, *after = (run(program, names={**names, "by": by}) for by in (0.0, 0.7, -1.1))
    reached = before.reach("start", cell)
    for k, node in enumerate(before.nodes):
        if node.index <= before["start"].index:
            continue
        changed = torch.stack([made.nodes[k].value != node.value for made in after]).any(0)
        found = {tuple(index) for index in changed.nonzero().tolist()}
        assert found == set(reached.get(node, ())), node
    lines = [before.lineage("logits", (row, 0)) for row in range(4)]
    assert [cell in cells[before["start"]] for cells in lines] == [row >= cell[0] for row in range(4)]


@pytest.mark.parametrize(
    "call",
    [
        "F.dropout(x, 0.5, training=True)",
        "nn.Dropout(0.3)(x)",
        "F.scaled_dot_product_attention(x, x, x, dropout_p=0.4)",
    ],
)
def test_what_is_drawn_is_drawn_alike_on_every_way(call: str) -> None:
    program = (
        f"x = torch.randn(6, 6)\nx.requires_grad_()\nw = torch.randn(6, 6)\ny = {call}\nz = (y * w).sum()\n"
    )
    made = run(f"{program}z.backward()\ng = x.grad * 1")
    wanted = made["g"].value
    assert wanted.any()
    assert torch.allclose(made.influence("z", ())[made["x"]], wanted, atol=1e-6)
    assert torch.allclose(made.backward("z")["dx"].value, wanted, atol=1e-6)
    dropped = run("x = torch.ones(40)\ny = F.dropout(x, 0.5, training=True)")
    reads = [len(dropped["y"].reads((k,))[0]) for k in range(40)]
    assert reads == dropped["y"].value.gt(0).int().tolist()


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 99), st.booleans())
def test_an_effect_that_goes_on_unseen_is_not_a_part_of_itself(seed: int, before: bool) -> None:
    def unseen(x: Tensor) -> Tensor:
        mapped: Tensor = torch.vmap(torch.sin)(x)
        return mapped + x**2 if before else x**2 + mapped

    x = torch.randn(2, generator=torch.Generator().manual_seed(seed))
    made = trace(unseen, x)
    assert made.nodes[-1] not in made.effect("x", (0,))
    with pytest.raises(LookupError):
        made.influence(made.nodes[-1], (0,))


@pytest.mark.parametrize(
    ("function", "x"),
    [
        (lambda x: x.logcumsumexp(0), torch.rand(3)),
        (torch.std, torch.ones(4)),
        (torch.cumprod, torch.tensor([0.0, 2, 3])),
        (torch.prod, torch.tensor([0.0, 2, 3])),
        (torch.norm, torch.zeros(3)),
        (lambda x: x.softmax(0), torch.rand(3)),
    ],
)
def test_an_effect_is_a_number_where_the_derivative_is(function: Callable[..., Tensor], x: Tensor) -> None:
    def program(x: Tensor) -> Tensor:
        return function(x, 0) if function is torch.cumprod else function(x)

    x = x.double()
    made = trace(program, x)
    for cell in range(len(x)):
        wanted = torch.autograd.functional.jacobian(program, x)[..., cell]  # type: ignore[no-untyped-call]
        assert torch.allclose(made.effect(made.nodes[0], (cell,))[made.nodes[-1]], wanted)
