"""Traces of real Python: what is recorded of modules, of writes in place, of calls the table lacks."""

from __future__ import annotations

import math
from contextlib import suppress

import pytest
import torch
from torch import Tensor, nn

from llm_linalg import ProgramError, ShapeError, Trace, trace
from tests.engine.here import run
from tests.ops.drawing import values

F = nn.functional


class Attention(nn.Module):
    """Multi-head causal attention, written in the ordinary way."""

    mask: Tensor

    def __init__(self, width: int, heads: int, context: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width)
        self.register_buffer("mask", torch.tril(torch.ones(context, context)))

    def forward(self, x: Tensor) -> Tensor:
        B, T, C = x.size()
        q, k, v = self.qkv(x).split(C, dim=2)
        q = q.view(B, T, self.heads, C // self.heads).transpose(1, 2)
        k = k.view(B, T, self.heads, C // self.heads).transpose(1, 2)
        v = v.view(B, T, self.heads, C // self.heads).transpose(1, 2)
        att = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))
        att = att.masked_fill(self.mask[:T, :T] == 0, float("-inf"))
        weights = F.softmax(att, dim=-1)
        y = weights @ v
        y = y.transpose(1, 2).contiguous().view(B, T, C)
        return self.out(y)  # type: ignore[no-any-return]


def attention() -> tuple[Attention, Tensor, Trace]:
    torch.manual_seed(0)
    module = Attention(4, 2, 6)
    x = torch.randn(2, 3, 4)
    return module, x, trace(module, x)


def test_attention_is_what_was_written() -> None:
    module, x, t = attention()
    assert [node.op for node in t.nodes] == [
        *("input", "parameter", "linear", "split", "split", "split"),
        *("view", "transpose", "view", "transpose", "view", "transpose"),
        *("transpose", "matmul", "mul", "input", "getitem", "eq", "masked_fill", "softmax", "matmul"),
        *("transpose", "contiguous", "view", "parameter", "parameter", "linear"),
    ]
    assert torch.equal(t.nodes[-1].value, module(x).detach())
    assert all(node.evidence in ("rule", "index") for node in t.nodes)
    assert [operand.name for operand in t["weights"].operands] == ["att"]
    assert [operand.name for operand in t["att"].operands][1].startswith("eq")
    assert t["x"].op == "input"
    assert t["qkv.weight"].op == "parameter"
    assert t["mask"].op == "input"
    assert [operand.name for operand in t.nodes[-1].operands] == ["y", "out.weight", "out.bias"]
    assert t["q"].shape == (2, 2, 3, 2)
    assert [operand.name for operand in t["q"].operands] == ["view_6"]
    lines = [node.line for node in t.nodes if node.line is not None and node.op not in ("input", "parameter")]
    assert lines == sorted(lines)
    assert t.nodes[13].source == "q @ k.transpose(-2, -1)"
    assert len(t) == len(t.nodes) == 27


def test_a_call_stands_where_it_does_in_a_line_with_letters_of_several_bytes() -> None:
    t = trace(lambda x: {"größe": x}["größe"] * 2 + 1, torch.ones(2))
    assert [node.source for node in t.nodes[1:]] == [
        '{"größe": x}["größe"] * 2',
        '{"größe": x}["größe"] * 2 + 1',
    ]


def test_the_global_generator_is_left_alone() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    t = trace(lambda: torch.randn(3), seed=1)
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(1)
    assert torch.equal(t.nodes[-1].value, torch.randn(3))


def test_what_holds_whatever_is_in_memory_holds_zeros() -> None:
    def built() -> Tensor:
        filled = torch.full((64,), 3.5)
        del filled  # its memory is given out again
        left = torch.empty(64).new_empty(64).resize_(64)
        return (
            left
            + torch.empty_like(left)
            + torch.empty_strided((64,), (1,))
            + torch.empty_permuted((64,), (0,))
        )

    for node in trace(built).nodes[1:]:
        assert not node.value.any(), node


def test_inputs_are_named_after_parameters() -> None:
    def function(a: Tensor, b: Tensor, *rest: Tensor, scale: float = 2.0) -> Tensor:
        return (a + b + rest[0]) * scale

    t = trace(function, torch.ones(2), torch.ones(2), torch.ones(2))
    assert [node.name for node in t.nodes if node.op == "input"] == ["a", "b", "rest_0"]


def test_what_is_no_operation_is_no_node() -> None:
    def function(x: Tensor) -> Tensor:
        assert x.dim() == 2
        assert x.shape == (2, 3)
        assert x.size(0) == 2
        assert x.dtype == torch.float32
        assert len(x) == 2
        assert f"{x.sum().item():.1f}" == "6.0"
        assert x.is_contiguous()
        return x * x.numel()

    assert [node.op for node in trace(function, torch.ones(2, 3)).nodes] == ["input", "sum", "mul"]


def test_what_is_looked_at_for_the_trace_is_no_part_of_the_program() -> None:
    """A view that was written through the whole is a node of its own where it gets a name, and no more."""
    t = run("x = torch.ones(3, 3)\nr = x[0]\nx += 1\ns = r\ny = s + 1\nlayer = nn.Linear(3, 3)\nz = layer(y)")
    ops = ["ones", "getitem", "add", "alias", "add", "parameter", "parameter", "linear"]
    assert [node.op for node in t.nodes] == ops
    assert t["y"].value.tolist() == [3, 3, 3]


class WrongError(RuntimeError):
    pass


def test_what_the_function_itself_raises_is_its_own() -> None:
    def function(x: Tensor) -> Tensor:
        raise WrongError("mine")

    with pytest.raises(WrongError, match="mine"):
        trace(function, torch.ones(2))


def test_names_that_are_not_there() -> None:
    _, _, t = attention()
    with pytest.raises(KeyError, match="did you mean weights"):
        t["weigths"]
    assert "weights" in t
    assert "nothing" not in t


def test_a_program_error_is_no_shape_error_where_no_shape_is_wrong() -> None:
    with pytest.raises(ProgramError) as caught:
        trace(torch.linalg.inv, torch.zeros(2, 2))
    assert not isinstance(caught.value, ShapeError)


def test_what_a_backward_pass_takes_is_found_out_without_a_call() -> None:
    """How many cells a mask picks is asked of it; that is no part of the program."""
    program = "x = torch.randn(3, requires_grad=True)\nz = x[x.detach() > -99].sum()\nz.backward()"
    assert [node.op for node in run(program).nodes] == ["randn", "detach", "gt", "getitem", "sum"]


def test_a_failure_that_the_function_got_over_is_not_its_next_error() -> None:
    def patient(x: Tensor) -> Tensor:
        try:
            return x @ torch.ones(5, 5)
        except RuntimeError:
            raise ValueError("mine") from None

    with pytest.raises(ValueError, match=r"^mine$"):
        trace(patient, values((2, 3), 1))


def test_a_scatter_that_adds_reads_what_it_adds_to() -> None:
    t = run(
        "x = torch.ones(3)\nk = torch.tensor([0, 1])\ns = torch.tensor([5.0, 6.0])\n"
        "y = x.scatter(0, k, s, reduce='add')"
    )
    assert all(cells for cells in t["y"].reads((0,)))


def test_what_is_not_there_is_an_index_error() -> None:
    node = trace(torch.matmul, torch.ones(2, 3), torch.ones(3, 4)).nodes[-1]
    for index in ((2, 0), (0, -1), (0,), (0, 0, 0)):
        with pytest.raises(IndexError):
            node.reads(index)
        with pytest.raises(IndexError):
            node.mask_rule(index)
    with pytest.raises(IndexError):
        node.feeds(0, (2, 0))
    with pytest.raises(IndexError):
        node.feeds(2, (0, 0))


def test_arguments_by_name_may_be_called_like_those_of_trace() -> None:
    def scaled(x: Tensor, *, seed: Tensor, keep: float = 1.0) -> Tensor:
        return x * seed * keep

    made = trace(scaled, torch.ones(2), keep=None, kwargs={"seed": torch.tensor([3.0, 4.0]), "keep": 2.0})
    assert made["seed"].value.tolist() == [3.0, 4.0]
    assert made.nodes[-1].value.tolist() == [6.0, 8.0]
    assert trace(torch.sum, torch.ones(2, 3), dim=1).nodes[-1].shape == (2,)


class Failing(nn.Module):
    """Fails in one of its calls, and goes on."""

    def __init__(self, fails: bool = True) -> None:
        super().__init__()
        self.fails, self.inner = fails, Failing(False) if fails else None

    def forward(self, x: Tensor) -> Tensor:
        if self.inner is None:
            raise ValueError(x * 2)
        with suppress(ValueError):
            self.inner(x)
        return x + 1


def test_a_module_is_left_also_by_an_exception() -> None:
    t = trace(Failing(), torch.ones(2))
    assert [(node.op, node.scope) for node in t.nodes[1:]] == [("mul", "inner"), ("add", "")]
