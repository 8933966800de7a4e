"""Calls whose rules are easily got wrong: a bias of many axes, norms of matrices, numbers held by tensors."""

from __future__ import annotations

import re
from itertools import product
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from llm_linalg import ProgramError, ShapeError
from llm_linalg.base.axes import ShapeMismatch
from llm_linalg.explain.shape_errors import unpaired
from llm_linalg.ops import TABLE
from tests.engine.here import run

F = nn.functional


BIASES = [(), (1,), (5,), (1, 5), (3, 5), (3, 1), (1, 1), (2, 3, 5), (1, 1, 5), (4,), (2, 5)]


@pytest.mark.parametrize("bias", BIASES, ids=str)
@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4)], ids=str)
def test_a_bias_is_broadcast_as_torch_does(shape: tuple[int, ...], bias: tuple[int, ...]) -> None:
    program = f"W = torch.randn(5, 4, requires_grad=True)\nx, b = torch.randn({shape}), torch.randn({bias})\n"
    program += "y = F.linear(x, W, b)"
    try:
        wanted = F.linear(torch.zeros(shape), torch.zeros(5, 4), torch.zeros(bias))
    except RuntimeError:
        with pytest.raises(ProgramError):
            run(program)
        return
    trace = run(program + "\ny.sum().backward()\ng = W.grad")
    assert trace["y"].shape == tuple(wanted.shape)
    index = (0,) * len(wanted.shape)
    terms = trace["y"].terms(index)
    if terms is not None:
        assert terms.total(len(terms)) == pytest.approx(trace["y"].value[index].item(), abs=1e-5)
    assert trace["b"].shape == bias


def test_a_call_that_our_rules_refuse_and_torch_takes_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Any) -> Any:
        raise ShapeMismatch("no")

    monkeypatch.setattr(type(TABLE.operations["matmul"]), "axes", lambda _self, call: refuse(call))
    node = run("x = torch.randn(2, 3)\ny = x @ x.T")["y"]
    assert (node.kind, node.evidence) == ("measured", "autograd")
    assert set(node.reads((1, 0))[0]) == {(1, 0), (1, 1), (1, 2)}


@given(st.sampled_from([(0, 1), (1, 2), (0, -1), (2,), [1], (0, 1, 2), None, ()]))
def test_a_row_may_have_several_axes(dim: Any) -> None:
    node = run(f"x = torch.randn(2, 3, 4)\ny = F.normalize(x, dim={dim})")["y"]
    x = node.operands[0].value
    index = (1, 2, 3)
    moved = set()
    for cell in [tuple(cell) for cell in torch.ones(2, 3, 4).nonzero().tolist()]:
        other = x.clone()
        other[cell] += 1
        if F.normalize(other, dim=dim)[index] != node.value[index]:
            moved.add(cell)
    assert set(node.reads(index)[0]) == moved


BY_SINGULAR_VALUES = [
    "torch.linalg.norm(x, 2)",
    "torch.linalg.norm(x, -2, (1, 0))",
    "torch.linalg.norm(x, 'nuc')",
    "torch.norm(x, 'nuc')",
    "x.norm('nuc', (0, 1))",
    "torch.linalg.matrix_norm(x, 2)",
]
OF_ALL_CELLS = ["torch.linalg.norm(x)", "torch.norm(x, 2, (0, 1))", "torch.linalg.vector_norm(x, 2, (0, 1))"]


@pytest.mark.parametrize("call", [*BY_SINGULAR_VALUES, *OF_ALL_CELLS])
def test_a_norm_of_matrices_has_autograd_s_gradient(call: str) -> None:
    trace = run(f"x = torch.randn(3, 4, requires_grad=True)\ny = {call}\ny.backward()\ng = x.grad")
    torch.testing.assert_close(trace.backward("y")["dx"].value, trace["g"].value)


@pytest.mark.parametrize("call", OF_ALL_CELLS)
def test_a_norm_of_all_cells_takes_any_numbers(call: str) -> None:
    assert run(f"x = torch.full((3, 4), float('inf'))\ny = {call}")["y"].value == float("inf")


def test_a_gradient_program_s_own_inputs_are_nodes_like_others() -> None:
    program = "x = torch.randn(3, 4, requires_grad=True)\ny = x[[0, 2]].flatten()\nz = (y * y).sum()"
    for node in run(program).backward("z").nodes:
        for operand in node.operands:
            assert type(operand.node) is type(node)
            assert isinstance(operand.node.value, Tensor)


NUMBERED = """
    x.sum(z) x.softmax(z) x.cumsum(z) x.topk(z+1)[0] x.std(correction=z) x.argmax(z) x.norm(z+1)
    x.std(z) x.prod(z) x.scatter_add(z,x.long()*0,x) x.gather(z,x.long()*0) F.one_hot(x.long()*0,z+2)
    F.layer_norm(x,[z+2]) x.var((z,)) F.normalize(x,2.0,z) x.narrow(z,0,1) x.select(z,0) x.roll(z)
    F.pad(x,(z,1)) x.unfold(z,1,1) x.split(z+1)[0] x.round(decimals=z) x.index_select(z,x[0].long()*0)
    x.logsumexp(z) x.any(z) x.mean(dim=[z,1]) x.sort(z)[0]
"""


def test_each_operand_has_its_reads_where_a_tensor_stands_for_a_number() -> None:
    lines = [f"for i in range(3): y = {call}" for call in NUMBERED.split()]
    for line in lines:
        node = run(f"x = torch.ones(2, 2)\nz = torch.tensor(0)\n{line}").nodes[-1]
        assert len(node.operand_reads) == len(node.operands), line
    turns = run("x = torch.randn(2, 3)\nfor i in range(4): y = x.sum(torch.tensor(i % 2))").nodes
    assert [node.shape for node in turns if node.op == "sum"] == [(3,), (2,), (3,), (2,)]


OVERLOADS = """
    torch.max(x,z) torch.min(z,x) x.max(z) torch.max(z,z) torch.max(x,other=z) torch.max(x,dim=one)[0]
    torch.sub(x,2,z) torch.add(z,2,x) x.sub(3,x) x.add(x,alpha=z) torch.sub(x,z,x) torch.add(x,x,alpha=3)
"""


@pytest.mark.filterwarnings("ignore:This overload:UserWarning")
@pytest.mark.parametrize("number", ["0.0", "1", "3"])
def test_an_overload_is_the_one_that_torch_takes(number: str) -> None:
    above = (
        f"x = torch.tensor([[0.5, -2.0], [3.0, 1.5]])\nz = torch.tensor({number})\none = torch.tensor(1)\n"
    )
    for call in OVERLOADS.split():
        names: dict[str, Any] = {"torch": torch}
        exec(f"{above}x.requires_grad_()\ny = ({call} + 0 * x).sum()\ny.backward()", names)  # noqa: S102
        trace = run(f"{above}w = {call}\ny = (w + 0 * x).sum()")
        node, gradient = trace["w"], trace.backward("y")["dx"].value
        assert torch.equal(trace["y"].value, names["y"]), call
        assert torch.allclose(gradient, names["x"].grad), call
        reads = node.reads((0,) * node.value.dim())
        assert len(reads) == len(node.operands), call
        for cells, operand in zip(reads, node.operands, strict=True):
            assert set(cells) <= set(product(*map(range, operand.value.shape))), call


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
