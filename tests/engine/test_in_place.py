"""Writes in place, generators and modes: a program prints what plain torch prints."""

from __future__ import annotations

from math import prod
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from llm_linalg import ProgramError, load_trace, trace
from tests.engine.alike import SETUP, printed, programs
from tests.engine.here import run
from tests.ops.laws import cells

ALIKE = """
x = torch.arange(6)
y = x.view(2, 3)
y.t_()
print(x, y, y.is_contiguous())

x = torch.arange(24.0).view(2, 12)
y, z = torch.Tensor(x), x[0]
print(y.resize_(3, 8), y.shape, x.shape, y.resize_([24])[:2])
y.zero_()
print(x.sum(), z, torch.ones(6).resize_(torch.Size([2, 3])))

x = torch.arange(6.0).view(2, 3)
y, g = torch.empty(2, 3), torch.zeros(2, 2)
z = torch.add(x, 1, out=y)
print(y, z is y, torch.matmul(x, x.T, out=g) is g, g, torch.rand(2, 2, out=g) is g, g)
print(torch.max(x, 1, out=(torch.zeros(2), torch.zeros(2, dtype=torch.int64)))[1])
torch.exp(y[0], out=y[0])
torch.add(x, y, out=x)
print(x, y)

a, b = [torch.ones(2), torch.full((1,), 3.0)], [torch.full((2,), 2.0), torch.ones(1)]
print(torch._foreach_addcmul_(a, b, b, 0.5) is a)
torch._foreach_addcdiv_(a, b, b, [0.5, 2.0])
print(a, torch._foreach_maximum(a, 4.0), torch._foreach_minimum(a, [1.0, 2.0]), torch._foreach_pow(2.0, a))
print(torch._foreach_addcmul(a, b, b, torch.tensor([1.0, 2.0])), torch._foreach_addcdiv(a, b, b, value=3))

x = [torch.nn.Parameter(torch.ones(3)), torch.nn.Parameter(torch.ones(1))]
for kind in (torch.optim.Adam, torch.optim.AdamW, torch.optim.RMSprop, torch.optim.SGD):
    steps = kind(x, lr=0.1, foreach=True)
    ((x[0] * x[1] - 2) ** 2).sum().backward()
    steps.step()
    print(kind.__name__, x)

g = torch.Generator()
g.manual_seed(3)
print(torch.randint(0, 9, (4,), generator=g))
print(torch.randperm(5, generator=g), torch.empty(2).normal_(generator=g))
print(torch.multinomial(torch.ones(6), 9, replacement=True, generator=g))

x = torch.ones(2, requires_grad=True)
torch.set_grad_enabled(False)
print((x * 2).requires_grad, torch.is_grad_enabled())
with torch.set_grad_enabled(True):
    print((x * 2).requires_grad)
print((x * 2).requires_grad)

@torch.inference_mode()
def f(x):
    return x * 2
x = torch.ones(2, requires_grad=True)
print(f(x).requires_grad)
"""
REFUSED = [
    ("x = torch.ones(2, requires_grad=True)\nx.add_(1)", "no_grad"),
    ("x = torch.ones(2, requires_grad=True)\nx[0] = 1", "no_grad"),
    ("x = torch.ones(2)\nx.add_(torch.ones(3, 2))", "keeps its shape"),
    ("x = torch.ones(2)\nx.copy_(torch.ones(3, 2))", "has more axes"),
    ("x = torch.ones(2)\nx.copy_(torch.ones(3))", "broadcast to the shape"),
    ("x = torch.ones(2).expand(3, 2)\nx.add_(1)", "one number in memory"),
    ("x = torch.ones(3)\nx.add_(x[0])", "x.clone"),
]
WRITES = [
    "x.add_(n)",
    "x[0].mul_(2)",
    "v.sub_(x[0, 0].clone())",
    "x.t_()",
    "x.zero_()",
    "v.fill_(n)",
    "x.copy_(v[2].clone())",
    "v.copy_(v.flip(0))",
    "x.unsqueeze_(0).squeeze_()",
    "x.resize_(1, 4).resize_((2, 2))",
    "x += v.sum()",
    "v[n] = x.sum()",
    "w = x.clone().neg_()",
    "x.masked_fill_(x > n, n)",
    "w = v.detach()",
    "w.clamp_(-2, 2)",
]


@pytest.mark.parametrize("program", programs(ALIKE))
def test_a_program_prints_what_torch_prints(program: str) -> None:
    assert run(SETUP + program).printed == printed(program)


@given(st.lists(st.sampled_from(WRITES), min_size=1, max_size=6), st.integers(0, 3))
def test_writes_change_views_as_in_torch_and_no_earlier_node(lines: list[str], n: int) -> None:
    program = "\n".join(
        [f"n = {n}", "v = torch.arange(4.0)", "x = v.view(2, 2)", "w = v", *lines, "print(v, x, w)"]
    )
    trace = run(SETUP + program)
    assert trace.printed == printed(program)
    for node in trace.nodes:
        if node.call is not None:
            assert torch.equal(node.call.replay([operand.value for operand in node.operands]), node.value)


@pytest.mark.parametrize(("program", "said"), REFUSED)
def test_what_torch_refuses_is_said(program: str, said: str) -> None:
    with pytest.raises(ProgramError, match=said):
        run(SETUP + program)


def test_a_write_is_a_node_of_its_name() -> None:
    trace = run("x = torch.ones(2)\ny = x * 2\nx.add_(1)\nx.zero_()")
    assert [(node.name, node.op, node.value.tolist()) for node in trace.nodes] == [
        ("x", "ones", [1, 1]),
        ("y", "mul", [2, 2]),
        ("x", "add", [2, 2]),
        ("x", "zero", [0, 0]),
    ]


def test_a_turn_in_place_writes_no_cell_that_a_view_shows() -> None:
    trace = run("x = torch.ones(2, 3)\nv = x[0]\nx.t_()\ny = v * 2")
    assert [node.op for node in trace.nodes] == ["ones", "getitem", "t", "mul"]


@pytest.mark.parametrize("write", [".zero_()", " += 1", ".copy_(torch.ones(2, 0))", ".detach().fill_(1)"])
def test_a_write_through_a_view_without_cells_leaves_what_made_the_whole(write: str) -> None:
    trace = run(f"x = torch.rand(2, 3)\nx[:, 3:]{write}\ny = x * 2")
    assert trace["y"].operands[0].node.op in ("rand", "setitem")
    assert [node.value.shape for node in trace.lineage("y", (0, 0)) if node.op == "rand"] == [(2, 3)]


def test_running_statistics_are_written_and_earlier_ones_stay_as_they_were() -> None:
    trace = run(
        "norm = nn.BatchNorm1d(2)\nbefore = norm.running_mean.clone()\nx = torch.randn(4, 2)\ny = norm(x)\n"
        "mean = norm.running_mean\nprint(before, mean, norm.running_var)"
    )
    made = {node.op: node for node in trace.nodes}
    assert torch.allclose(made["running_mean"].value, 0.1 * trace["x"].value.mean(0))
    assert made["running_mean"].operands[0].value.tolist() == [0, 0]
    assert trace["mean"].value.tolist() == made["running_mean"].value.tolist()
    assert made["running_var"].reads((0,))[1]


@pytest.mark.parametrize("key", ["j:", "j:j + 2", "None, j:", "::j"])
def test_a_slice_stays_where_it_was_when_what_bounds_it_is_written(key: str) -> None:
    program = f"x = torch.arange(10.0)\nj = torch.tensor(2)\na = x[{key}]\nx[{key}] = -1.0\n"
    before, after = run(program), run(f"{program}j += 3")
    for op in ("getitem", "setitem"):
        one, other = (next(node for node in trace.nodes if node.op == op) for trace in (before, after))
        last = tuple(size - 1 for size in one.shape)
        assert [set(cells) for cells in other.reads(last)] == [set(cells) for cells in one.reads(last)]


@pytest.mark.parametrize("grad", ["W.grad", "2 * W.grad"])
def test_no_gradient_goes_back_through_what_has_none(grad: str) -> None:
    trace = run(
        "W = torch.randn(3, requires_grad=True)\nfirst = (W * W).sum()\nfirst.backward()\n"
        f"with torch.no_grad():\n    W -= 0.1 * {grad}\nW.grad = None\n"
        "loss = (W ** 3).sum()\nloss.backward()\ntrue = W.grad"
    )
    gradients = trace.backward("loss")
    assert torch.allclose(gradients["dW"].value, trace["true"].value)
    assert [
        node.forward_node.op
        for node in gradients.nodes
        if node.forward_node is not None and node.forward_node.no_grad
    ] == []


@pytest.mark.parametrize(("written", "value"), [("5.0", 5.0), ("v", 7.0), ("v[None]", 7.0)])
def test_cells_that_are_one_number_in_memory_are_written_as_one(
    written: str, value: float, tmp_path: Path
) -> None:
    """A number of an expanded tensor stands in several of its cells, and so does what replaces it."""
    found = run(
        "a, v = torch.arange(2.0), torch.tensor(7.0)\nx = a[:, None].expand(2, 3)\n"
        f"x[1, 0] = {written}\ny = (x * torch.arange(6.0).view(2, 3)).sum()"
    )
    found.save(tmp_path / "a.trace")
    for t in (found, load_trace(tmp_path / "a.trace")):
        node = next(node for node in t.nodes if node.op == "setitem")
        assert node.call is not None
        assert node.value.tolist() == node.call.replay(node.call.tensors).tolist() == [[0] * 3, [value] * 3]
        assert not any(node.reads((1, column))[0] for column in range(3))
        assert all(node.reads((0, column))[0] for column in range(3))
        program = t.backward(t["y"])
        assert program["da"].value.tolist() == [0 + 1 + 2, 0]
        assert written == "5.0" or program["dv"].value.item() == 3 + 4 + 5


@pytest.mark.parametrize("value", ["0", "torch.tensor(9.0)", "torch.tensor([9.0])"])
@pytest.mark.parametrize(("x", "shape"), [("torch.ones(3, 4)", (3, 4)), ("torch.ones(4, 3).T", (3,))])
def test_a_number_written_by_a_mask_reads_the_own_cell_of_the_mask(
    value: str, x: str, shape: tuple[int, ...]
) -> None:
    made = f"x, m = {x}, torch.arange({prod(shape)}).view({shape}) % 3 == 0\n"
    node = next(node for node in run(f"{made}x[m] = {value}").nodes if node.op == "setitem")
    for cell in cells(node.shape):
        before, mask, *_ = node.reads(cell)
        assert set(mask) == {cell[: len(shape)]}
        assert set(before) == (set() if node.value[cell] != 1 else {cell})


@pytest.mark.filterwarnings("ignore:Use of masked_fill_ on expanded tensors")
def test_a_number_written_by_a_mask_into_cells_that_are_one_may_read_all_of_it() -> None:
    t = run("x = torch.ones(3, 1).expand(3, 2)\nx[torch.tensor([[True, False]] * 3)] = 2.0")
    node = next(node for node in t.nodes if node.op == "setitem")
    assert set(node.reads((0, 1))[1]) >= {(0, 0), (0, 1)}


def test_where_a_result_goes_is_shown_as_it_was_before() -> None:
    def into(a: Tensor, b: Tensor) -> Tensor:
        given = torch.zeros(3)
        torch.mul(a, b, out=given)
        return given + 1

    t = trace(into, torch.ones(3), torch.full((3,), 5.0))
    assert [node.value.tolist() for node in t.nodes if node.op == "zeros"] == [[0, 0, 0]]
    assert t.nodes[-1].value.tolist() == [6, 6, 6]


@given(momentum=st.floats(0, 1), seed=st.integers(0, 99))
def test_a_batch_norm_by_its_other_name_writes_what_it_runs_along(momentum: float, seed: int) -> None:
    mean, var = torch.zeros(3), torch.ones(3)

    def step(x: Tensor) -> tuple[Tensor, ...]:
        y = torch.batch_norm(x, None, None, mean, var, True, momentum, 1e-5, False)
        return y, mean * 1, var * 1

    made = trace(step, torch.randn(5, 3, generator=torch.Generator().manual_seed(seed)))
    for node, buffer in zip(made.nodes[-2:], (mean, var), strict=True):
        assert torch.equal(node.operands[0].value, buffer)
        assert node.operands[0].node.op.startswith("running")
