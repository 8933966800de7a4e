"""Calls that could end the process, that our rules refuse and torch takes, and whose factors clash."""

from __future__ import annotations

import ast
import os
import re
from itertools import product
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from llm_linalg import ShapeError, trace
from llm_linalg.base.axes import ShapeMismatch
from llm_linalg.capture.uncompiled import DISABLED
from llm_linalg.explain.shape_errors import unpaired
from llm_linalg.ops import TABLE
from llm_linalg.ops.operation import literal, price_of
from tests.common import known
from tests.engine.here import run


def test_a_call_that_our_rules_refuse_and_torch_takes_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Any) -> Any:
        raise ShapeMismatch("no")

    monkeypatch.setattr(type(TABLE.operations["matmul"]), "axes", lambda _self, call: refuse(call))
    node = run("x = torch.randn(2, 3)\ny = x @ x.T")["y"]
    assert (node.kind, node.evidence) == ("measured", "autograd")
    assert set(node.reads((1, 0))[0]) == {(1, 0), (1, 1), (1, 2)}


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("a.flatten().addmv(a, a.flatten())", "a row of a (2, 4) has 4 entries, a.flatten() (8,) has 8"),
        ("torch.addmm(b, a, b)", "a row of a (2, 4) has 4 entries, a column of b (2, 2) has 2"),
        ("c.baddbmm(d, c)", "a row of d (3, 2, 4) has 4 entries, a column of c (3, 2, 2) has 2"),
        ("b.addbmm(d, c)", "a row of d (3, 2, 4) has 4 entries, a column of c (3, 2, 2) has 2"),
    ],
)
def test_of_a_product_that_is_added_the_factors_clash(call: str, said: str) -> None:
    made = "a, b = torch.ones(2, 4), torch.ones(2, 2)\nc, d = torch.ones(3, 2, 2), torch.ones(3, 2, 4)\n"
    with pytest.raises(ShapeError, match=re.escape(said)) as error:
        run(f"{made}y = {call}")
    assert unpaired(error.value)[0] == [(1.0, 1.0)] * len(unpaired(error.value)[0])
    assert len(unpaired(error.value)[0]) in (2, 4)


@pytest.mark.parametrize(("offset", "evidence"), [(1, "index"), (2, "opaque"), (None, "index")])
def test_of_a_view_beyond_what_its_tensor_shows_nobody_knows_the_cells(
    offset: int | None, evidence: str
) -> None:
    t = trace(lambda x: x[:1].as_strided((2,), (1 if offset == 1 else 2,), offset), torch.ones(2, 3))
    assert t.nodes[-1].evidence == evidence


@pytest.mark.parametrize(
    ("call", "place"),
    [
        ("torch.linalg.solve(torch.stack([m, m]), x)", 1),
        ("torch.linalg.solve(torch.stack([m, m]), x[..., None])", 1),
        ("torch.linalg.inv(torch.stack([m, m]))", 0),
        ("torch.searchsorted(x.sort()[0], x)", 0),
        ("torch.searchsorted(x.sort()[0], x)", 1),
        ("torch.multinomial(x.abs(), 2)", 0),
        ("x.topk(2)[0]", 0),
        ("x.cumsum(1)", 0),
        ("F.normalize(x)", 0),
    ],
)
def test_a_row_reads_none_of_another_row(call: str, place: int) -> None:
    node = run(f"x = torch.randn(2, 3)\nm = torch.randn(3, 3)\ny = {call}")["y"]
    for cell in product(*map(range, node.shape)):
        assert {index[0] for index in node.reads(cell)[place]} == {cell[0]}


@pytest.mark.parametrize("count", [2, 3, 4])
def test_an_adaptive_pool_whose_windows_overlap_is_what_its_parts_make(count: int) -> None:
    trace = run(
        f"x = torch.randn(2, 5)\nF.adaptive_avg_pool1d(x, {count})\nF.adaptive_max_pool1d(x, {count})"
    )
    for node in trace.nodes[1:]:
        assert torch.allclose(known(node.parts)[-1].value, node.value)


def test_the_terms_of_a_cumulative_sum_are_the_cells_up_to_it() -> None:
    trace = run("x = torch.randn(3, 4)\ny = x.cumsum(0)\nz = x.cumsum(1)")
    for node, axis in ((trace["y"], 0), (trace["z"], 1)):
        for cell in product(*map(range, node.shape)):
            terms = known(node.terms(cell))
            assert len(terms) == cell[axis] + 1 == len(node.reads(cell)[0])
            assert sum(term.value for term in terms) == pytest.approx(float(node.value[cell]))


@pytest.mark.parametrize(("training", "written"), [("False", []), ("True", ["running_mean", "running_var"])])
def test_a_batch_norm_writes_its_statistics_while_it_is_trained(training: str, written: list[str]) -> None:
    t = run(
        "x, mean, var = torch.randn(4, 3), torch.zeros(3), torch.ones(3)\n"
        f"y = F.batch_norm(x, mean, var, training={training})"
    )
    assert [node.op for node in t.nodes if node.op.startswith("running")] == written


def test_cells_are_followed_through_memory_that_is_taken_in_its_own_order() -> None:
    t = run("x = torch.arange(6.0).reshape(2, 3)\ny = x.T\ny.resize_(2, 3)")
    assert torch.equal(t["y"].value, t["x"].value)
    assert {cell: list(t["y"].reads(cell)[0]) for cell in ((0, 1), (1, 0))} == {
        (0, 1): [(1, 0)],
        (1, 0): [(0, 1)],
    }


def test_a_layer_that_drops_nothing_has_parts() -> None:
    made = "l = nn.LSTM(3, 4, 2, dropout=0.5)\nx = torch.randn(5, 1, 3)\n"
    assert run(f"{made}y = l.eval()(x)[0]")["y"].parts
    assert not run(f"{made}y = l(x)[0]")["y"].parts


def test_a_product_pays_for_the_copies_of_what_it_broadcasts() -> None:
    def price(*shapes: tuple[int, ...]) -> int:
        node = trace(torch.matmul, *(torch.ones(shape) for shape in shapes)).nodes[-1]
        return known(price_of(known(node.call))).cells

    assert price((50, 1, 30), (1, 30, 20)) == 50 * 30 * 20
    assert price((2, 50, 1, 30), (1, 30, 20)) == 2 * 50 * 30 * 20
    assert price((50, 1, 30), (30, 20)) == 50 * 30
    assert price((1, 7, 30), (50, 30, 2)) == 50 * 7 * 30


def test_what_a_mask_picks_is_paid_for_by_all_that_it_may_pick() -> None:
    for key in ("m", "m[:, 0]", ":, m[0]", "m[:, 0], 1"):
        node = run(f"x = torch.randn(4, 3)\nm = torch.ones(4, 3) > 0\ny = x[{key}]")["y"]
        assert known(price_of(known(node.call))).cells >= node.value.numel() > 0


@pytest.mark.parametrize("kind", ["GRU", "LSTM"])
def test_sequences_of_several_lengths_are_parts_both_ways_and_padded_at_a_price(kind: str) -> None:
    t = run(
        f"layer = nn.{kind}(3, 4, bidirectional=True)\n"
        "p = nn.utils.rnn.pack_padded_sequence(torch.randn(5, 3, 3), [5, 4, 2])\n"
        "packed, last = layer(p)\ny = nn.utils.rnn.pad_packed_sequence(packed, total_length=9)[0]"
    )
    results = [node for node in t.nodes if node.op == kind.lower()]
    assert len(results) == (2 if kind == "GRU" else 3)
    for node in results:
        assert node.parts[-1].shape == node.shape
        assert torch.allclose(node.parts[-1].value, node.value, atol=1e-6)
    assert known(price_of(known(t["y"].call))).cells >= t["y"].value.numel()


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.lists(inner, max_size=3).map(tuple),
    max_leaves=6,
)


@given(plain)
def test_a_literal_is_read_back_as_what_it_was(value: object) -> None:
    assert ast.literal_eval(literal(value)) == value
    assert type(ast.literal_eval(literal(value))) is type(value)


def test_one_matrix_solves_many_right_sides() -> None:
    t = run("A = torch.eye(2)\nB = torch.arange(12.0).reshape(3, 2, 2)\nX = torch.linalg.solve(A, B)")
    assert set(t["X"].reads((1, 0, 1))[1]) == set(product([1], range(2), range(2)))


def test_many_small_matrices_and_views_are_cheap() -> None:
    assert run("y = torch.linalg.det(torch.eye(2).expand(16384, 2, 2))")["y"].shape == (16384,)
    assert len(run("x = torch.ones(1024, 1024)\nfor _ in range(200): x.T").nodes) == 201


@pytest.mark.parametrize(("beta", "evidence"), [("0.0", "autograd"), ("torch.tensor(1.0)", "opaque")])
def test_a_loss_whose_bend_is_no_number_above_0_has_no_parts(beta: str, evidence: str) -> None:
    node = run(f"y = F.smooth_l1_loss(torch.tensor([0.0, 2.0]), torch.zeros(2), beta={beta})")["y"]
    assert node.evidence == evidence
    assert not node.parts


def test_the_mean_over_a_batch_of_a_number_alone_is_itself() -> None:
    node = run("y = F.kl_div(torch.tensor(0.5), torch.tensor(2.0), reduction='batchmean')")["y"]
    assert node.parts
    assert torch.allclose(node.parts[-1].value, node.value)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["inductor", "eager"])
def test_a_compiled_function_is_recorded_as_what_it_calls(backend: str) -> None:
    compiled = torch.compile(_sum_of_sines, backend=backend)
    t = trace(lambda x: compiled(x) + 1, torch.ones(3))
    assert [node.op for node in t.nodes] == ["input", "sin", "mul", "sum", "add"]
    assert t.nodes[-1].value.isclose(torch.ones(3).sin().sum() * 2 + 1)


@pytest.mark.parametrize("before", [None, "0"])
def test_what_is_compiled_in_a_trace_is_recorded(before: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if before is None:
        monkeypatch.delenv(DISABLED, raising=False)
    else:
        monkeypatch.setenv(DISABLED, before)
    t = trace(lambda x: torch.compile(_sum_of_sines)(x) + 1, torch.ones(3))
    assert [node.op for node in t.nodes] == ["input", "sin", "mul", "sum", "add"]
    assert os.environ.get(DISABLED) == before


def _sum_of_sines(x: Tensor) -> Tensor:
    return (x.sin() * 2).sum()


@pytest.mark.parametrize("name", ["l1_loss", "mse_loss", "huber_loss"])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_a_loss_with_weights_has_torchs_value_and_gradients(name: str, reduction: str) -> None:
    def program(x: Tensor, y: Tensor, w: Tensor) -> Tensor:
        loss: Tensor = getattr(functional, name)(x, y, reduction=reduction, weight=w).sum()
        return loss

    leaves = [torch.randn(2, 3, requires_grad=True) for _ in range(3)]
    made, plain = trace(program, *leaves), program(*leaves)
    assert torch.equal(made["loss"].value, plain)
    gradients = made.backward("loss")
    for own, gradient in zip("xyw", torch.autograd.grad(plain, leaves), strict=True):
        assert torch.allclose(gradients[f"d{own}"].value, gradient, atol=1e-6)


@pytest.mark.parametrize("name", ["l1_loss", "mse_loss", "huber_loss"])
def test_a_loss_without_weights_has_its_rule(name: str) -> None:
    x, y = torch.randn(2, 3), torch.randn(2, 3)
    made = trace(getattr(functional, name), x, y)
    assert [node.op for node in made.nodes if not node.is_input] == [name]
    assert made.nodes[-1].evidence == "rule"
