"""Lineage and reach, held against changing an input and seeing what changes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from llm_linalg import Node, Trace, trace
from tests.engine.counting import at_most
from tests.engine.here import run
from tests.thinning import thin

HEAD = """
x = torch.randn(T, 4, dtype=torch.float64)
Wq = torch.randn(4, 3, dtype=torch.float64)
Wk = torch.randn(4, 3, dtype=torch.float64)
Wv = torch.randn(4, 3, dtype=torch.float64)
q = x @ Wq
k = x @ Wk
v = x @ Wv
scores = q @ k.T / 3 ** 0.5
"""
LATER = "torch.triu(torch.ones(T, T), 1)"
MASKS = {
    "masked_fill": f"w = F.softmax(scores.masked_fill({LATER} == 1, -torch.inf), dim=-1)",
    "add": "m = torch.full((T, T), -torch.inf).triu(diagonal=1)\nw = torch.softmax(scores + m, dim=-1)",
    "where": f"w = torch.softmax(torch.where({LATER} > 0, -torch.inf, scores), dim=-1)",
    "multiply after": "e = torch.exp(scores) * torch.tril(torch.ones(T, T))\nw = e / e.sum(-1, keepdim=True)",
    "exp of masked": f"e = torch.exp(scores.masked_fill({LATER} > 0, -torch.inf))\n"
    "w = e / e.sum(-1, keepdim=True)",
    "tril of softmax": "w = torch.softmax(scores, dim=-1) * torch.tril(torch.ones(T, T))",
    "written": f"att = scores * 1\natt[{LATER} > 0] = -torch.inf\nw = torch.softmax(att, dim=-1)",
}
TAIL = """
out = w @ v
y = x + out @ torch.randn(3, 4, dtype=torch.float64)
"""


def moved(
    t: Trace, program: str, names: dict[str, int], target: str, source: str, cell: tuple[int, ...]
) -> set[tuple[int, ...]]:
    """Returns the cells of `target` that change when one cell of `source` does."""
    before, shape = t[target].value, list(t[source].shape)
    found = set()
    for by in (0.37, -0.93):
        lines = program.split("\n")
        last = max(n for n, line in enumerate(lines) if line.startswith(f"{source} = "))
        bump = f"bump = torch.zeros({shape}, dtype=torch.float64)\nbump[{cell}] = {by}"
        lines.insert(last + 1, f"{bump}\n{source} = {source} + bump")
        after = run("\n".join(lines), seed=1, names=names)[target].value
        same = (before == after) | ((before != before) & (after != after))
        found |= {tuple(index) for index in (~same).nonzero().tolist()}
    return found


def cells(node: Node) -> list[tuple[int, ...]]:
    return [tuple(index) for index in torch.ones(node.shape).nonzero().tolist()]


def exact(program: str, names: dict[str, int], target: str, source: str) -> Trace:
    """Holds lineage from `target` and reach from `source` against what changes, exactly."""
    t = run(program, seed=1, names=names)
    wanted = {cell: moved(t, program, names, target, source, cell) for cell in cells(t[source])}
    for cell, changed in wanted.items():
        assert set(t.reach(source, cell).get(t[target], ())) == changed, cell
    for cell in cells(t[target]):
        back = set(t.lineage(target, cell).get(t[source], ()))
        assert back == {own for own, changed in wanted.items() if cell in changed}, cell
    return t


@pytest.mark.parametrize("name", MASKS)
@pytest.mark.parametrize("source", thin(["x", "scores", "v", "Wk"], 3))
def test_causal_attention(name: str, source: str) -> None:
    program = HEAD + MASKS[name] + TAIL
    if name == "tril of softmax" and source in ("x", "scores", "Wk"):
        return  # the softmax has seen what comes later: see below
    if "e.sum" in MASKS[name] and source in ("scores", "Wk"):
        return  # e / e is 1 in the first row, which no rule of cells can know
    t = exact(program, {"T": 3}, "out", source)
    if source == "x":
        for cell in cells(t["y"]):
            assert {row for row, _ in t.lineage("y", cell)[t["x"]]} == set(range(cell[0] + 1))


def test_a_long_chain_of_operations_is_followed_from_end_to_end() -> None:
    def steps(x: Tensor) -> Tensor:
        for _ in range(3_000):
            x = x + 1
        return x

    found = trace(steps, torch.ones(2))
    first, last = found.nodes[0], found.nodes[-1]
    assert set(found.lineage(last, (1,))[first]) == {(1,)}
    assert set(found.reach(first, (0,))[last]) == {(0,)}


def test_a_mask_after_the_softmax_still_sees_what_comes_later() -> None:
    t = exact(HEAD + MASKS["tril of softmax"] + TAIL, {"T": 3}, "out", "scores")
    assert {row for row, _ in t.lineage("out", (0, 0))[t["x"]]} == {0, 1, 2}


PROGRAMS = {
    "split": "a, b = x.split(2)\ny = torch.cat([b, a * 2]).flip(1)",
    "a zero that was written": "z = x.clone()\nz[0] = 0.0\ny = z @ W",
    "masked row": "m = x.masked_fill(torch.eye(3) > 0, 0.0)\ny = m * m.sum(0)",
    "triu product": "y = torch.triu(x) @ torch.tril(W)",
    "triu twice": "u = torch.triu(x, 1)\ny = u @ u",
    "linear": "y = F.linear(torch.tril(x), W, x[0])",
    "a bias alone": "y = F.linear(torch.triu(x, 1), W, W[0])",
    "einsum": "y = torch.einsum('ij,jk,kl->il', torch.tril(x), W, torch.triu(W))",
    "a masked denominator": "y = torch.tril(x) / (x * x + 1)",
    "minus infinity both ways": "m = torch.full((3, 3), -torch.inf).double().triu(1)\ny = torch.exp(m - x)",
    "a mask added to a product": "m = torch.full((3, 3), -torch.inf).double().triu(1)\n"
    "y = torch.baddbmm(m[None], x[None], W[None]).softmax(-1)[0]",
    "gathered": "y = x[torch.tensor([2, 0])][:, 1:]",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name: str) -> None:
    start = "x = torch.randn(3, 3, dtype=torch.float64)\nW = torch.randn(3, 3, dtype=torch.float64)\n"
    for source in ("x", "W"):
        exact(start + PROGRAMS[name], {}, "y", source)


STEPS = [
    "{a} @ {b}",
    "{a} * {b}",
    "{a} + {b}",
    "torch.tril({a})",
    "torch.triu({a}, 1)",
    "{a}.T",
    "torch.softmax({a}, -1)",
]
STEPS += [
    "{a}.masked_fill(mask, 0.0)",
    "{a} - {a}.mean(1, keepdim=True)",
    "torch.tanh({a})",
    "{a}[[1, 0, 2]]",
    "{a} * low",
]
STEPS += [
    "torch.softmax({a}.masked_fill(mask, -torch.inf), -1)",
    "torch.where(mask, {a}, {b})",
    "{a}.sum(0) + {b}",
]


@given(data=st.data())
def test_random_programs_are_never_short_of_what_changes(data: st.DataObject) -> None:
    lines = ["x = torch.randn(3, 3, dtype=torch.float64)", "W = torch.randn(3, 3, dtype=torch.float64)"]
    lines += ["mask = torch.triu(torch.ones(3, 3), 1) > 0", "low = torch.tril(torch.ones(3, 3).double())"]
    names = ["x", "W"]
    for number in range(data.draw(st.integers(1, 5))):
        one, other = (data.draw(st.sampled_from([*names[-3:], "x"])) for _ in range(2))
        lines.append(f"h{number} = {data.draw(st.sampled_from(STEPS)).format(a=one, b=other)}")
        names.append(f"h{number}")
    program, target = "\n".join(lines), names[-1]
    t = run(program, seed=1)
    for cell in [(0, 0), (0, 2), (2, 1)]:
        changed = moved(t, program, {}, target, "x", cell)
        assert changed <= set(t.reach("x", cell).get(t[target], ()))
    wanted = {cell: set(t.lineage(target, cell).get(t["x"], ())) for cell in cells(t[target])}
    for own in cells(t["x"]):
        assert set(t.reach("x", own).get(t[target], ())) == {
            cell for cell, back in wanted.items() if own in back
        }


def test_lineage_is_of_one_cell_and_names_it() -> None:
    t = run("x = torch.randn(2, 2)\ny = x * 2\nz = y.sum()")
    assert t.lineage("z", ()) == {t["z"]: {()}, t["y"]: set(cells(t["y"])), t["x"]: set(cells(t["x"]))}
    assert t.lineage(t["y"], (0, 1)) == {t["y"]: {(0, 1)}, t["x"]: {(0, 1)}}
    assert t.reach("x", (0, 1)) == {t["x"]: {(0, 1)}, t["y"]: {(0, 1)}, t["z"]: {()}}
    with pytest.raises(IndexError):
        t.lineage("y", (2, 0))
    with pytest.raises(KeyError):
        t.lineage("nothing", (0,))


def test_a_larger_attention_is_quick() -> None:
    program = HEAD + MASKS["masked_fill"] + TAIL
    t = run(program, seed=1, names={"T": 128})
    with at_most(200_000):
        found = t.lineage("y", (5, 2))
    assert {row for row, _ in found[t["x"]]} == set(range(6))
    assert isinstance(t["y"].value, Tensor)


def test_a_cell_feeds_nothing_of_what_has_no_cells() -> None:
    t = run("A = torch.eye(2).repeat(3, 1, 1)\nx = torch.linalg.lstsq(A, A)")  # without residuals
    assert (0,) in {node.shape for node in t.nodes}
    assert [node.shape for node in t.reach("A", (0, 0, 0))][1:] == [(3, 2, 2), (3,)]


@pytest.mark.parametrize("seed", range(3))
def test_each_cell_that_moves_a_cell_is_in_its_lineage(seed: int) -> None:
    def pooled(x: Tensor) -> Tensor:
        torch.manual_seed(seed)
        return torch.nn.functional.fractional_max_pool2d(x, 2, 2)

    def scattered(x: Tensor) -> Tensor:
        return torch.as_strided_scatter(x, x[0, :1, :2].clone(), (1, 2), (2, 1), 5)

    x = torch.randn(1, 4, 4, generator=torch.Generator().manual_seed(seed))
    for function in (pooled, scattered):
        made = trace(function, x)
        last = made.nodes[-1]
        for place in range(16):
            other = x.clone()
            other.view(-1)[place] += 100
            for cell in (function(other) != last.value).nonzero().tolist():
                source = (0, *divmod(place, 4))
                assert source in made.lineage(last, tuple(cell))[made.nodes[0]]


@pytest.mark.parametrize("softened", [torch.exp, lambda x: x.softmax(0), lambda x: x.log_softmax(0)])
def test_an_infinity_that_was_computed_moves(softened: Callable[[Tensor], Tensor]) -> None:
    def logarithm(x: Tensor) -> Tensor:
        return softened(torch.log(x))

    x = torch.tensor([0.5, 0.0, 2.0])
    made = trace(logarithm, x)
    for place in range(3):
        other = x.clone()
        other[place] += 1
        for (cell,) in (logarithm(other) != made.nodes[-1].value).nonzero().tolist():
            assert (place,) in made.lineage(made.nodes[-1], (cell,))[made.nodes[0]]


LOWEST = torch.finfo(torch.float32).min
FUTURE = torch.ones(3, 3, dtype=torch.bool).triu(1)


@pytest.mark.parametrize(
    "hide",
    [
        lambda s: s.masked_fill(FUTURE, -torch.inf),
        lambda s: s.masked_fill(FUTURE, LOWEST),
        lambda s: s.masked_fill(FUTURE, -1e9),
        lambda s: s + FUTURE * -1e4,
        lambda s: torch.where(FUTURE, torch.tensor(LOWEST), s),
        lambda s: s * ~FUTURE - 1e9 * FUTURE,
    ],
)
def test_what_a_mask_with_a_low_number_hides_is_not_read(hide: Callable[[Tensor], Tensor]) -> None:
    def attention(x: Tensor) -> Tensor:
        return hide(x @ x.T).softmax(-1) @ x

    made = trace(attention, torch.randn(3, 3))
    cells = made.lineage(made.nodes[-1], (1, 0))[made.nodes[0]]
    assert {*cells} == {(row, column) for row in range(2) for column in range(3)}
    weights = trace(lambda x: hide(x).log_softmax(-1), torch.randn(3, 3))
    own = weights.lineage(weights.nodes[-1], (1, 0))[weights.nodes[0]]
    assert {*own} >= {(1, 0), (1, 1)}
