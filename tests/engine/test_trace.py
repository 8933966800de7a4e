"""Traces of real Python: what is recorded of modules, of writes in place, of calls the table lacks."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from llm_linalg import Node, ProgramError, ShapeError, Trace, trace
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


def test_attention_reads_back_to_its_own_head_and_slice() -> None:
    _, _, t = attention()
    q = t["q"]
    assert q.reads((1, 0, 2, 1)) == ({(1, 2, 0, 1)},)
    scores = t.nodes[13]
    row, column = scores.reads((1, 0, 2, 1))
    assert row == {(1, 0, 2, 0), (1, 0, 2, 1)}
    assert column == {(1, 0, 0, 1), (1, 0, 1, 1)}


def test_the_global_generator_is_left_alone() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    t = trace(lambda: torch.randn(3), seed=1)
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(1)
    assert torch.equal(t.nodes[-1].value, torch.randn(3))


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


def test_several_outputs_are_several_nodes() -> None:
    def function(x: Tensor) -> Tensor:
        a, b = x.chunk(2)
        best, where = x.topk(2)
        largest, place = x.max(dim=0)
        return a.sum() + b.sum() + best.sum() + where.sum() + largest + place

    t = trace(function, torch.tensor([3.0, 1.0, 2.0]))
    assert [node.op for node in t.nodes[1:7]] == ["chunk", "chunk", "topk", "topk", "max", "max"]
    assert t["b"].value.tolist() == [2.0]
    assert t["b"].reads((0,)) == ({(2,)},)
    assert t["where"].value.tolist() == [0, 2]
    assert t["place"].dtype == "int64"


def test_the_same_tensor_twice() -> None:
    node = trace(lambda x: x @ x, values((2, 2), 1)).nodes[-1]
    assert node.op == "matmul"
    assert [operand.name for operand in node.operands] == ["x", "x"]
    assert node.reads((0, 1)) == ({(0, 0), (0, 1)}, {(0, 1), (1, 1)})


def test_calls_in_place_keep_what_was_before() -> None:
    def function(x: Tensor) -> Tensor:
        y = x * 1
        z = y * 2
        y += 10
        y.clamp_(max=11.5)
        y[0] = 7.0
        return y + z

    t = trace(function, torch.tensor([1.0, 2.0]))
    by_op = {node.op: node for node in t.nodes}
    assert by_op["mul"].value.tolist() == [2.0, 4.0]
    assert by_op["mul"].operands[0].value.tolist() == [1.0, 2.0]
    assert by_op["clamp"].value.tolist() == [11.0, 11.5]
    assert by_op["clamp"].operands[0].value.tolist() == [11.0, 12.0]
    assert by_op["setitem"].value.tolist() == [7.0, 11.5]
    assert by_op["setitem"].reads((0,)) == (set(),)
    assert by_op["setitem"].reads((1,)) == ({(1,)},)
    assert t["y"] is by_op["setitem"]
    assert t.nodes[-1].value.tolist() == [9.0, 15.5]
    assert [step.value for step in by_op["mul"].walk("cells")] == [2.0, 4.0]


def test_a_write_through_a_view_is_seen_in_the_whole() -> None:
    def function(x: Tensor) -> Tensor:
        x = x.clone()
        v = x[1]
        v *= 10
        return x + 1

    t = trace(function, torch.arange(4.0).reshape(2, 2))
    assert t.nodes[-1].value.tolist() == [[1.0, 2.0], [21.0, 31.0]]
    (seen, *_) = (operand.node for operand in t.nodes[-1].operands)
    assert seen is not None
    assert seen.value.tolist() == [[0.0, 1.0], [20.0, 30.0]]
    assert seen.reads((0, 1)) == ({(0, 1)}, set())
    assert seen.reads((1, 0)) == (set(), {(0,)})
    assert t["v"].value.tolist() == [20.0, 30.0]


def test_what_is_looked_at_for_the_trace_is_no_part_of_the_program() -> None:
    """A view that was written through the whole is a node of its own where it gets a name, and no more."""
    t = run("x = torch.ones(3, 3)\nr = x[0]\nx += 1\ns = r\ny = s + 1\nlayer = nn.Linear(3, 3)\nz = layer(y)")
    ops = ["ones", "getitem", "add", "alias", "add", "parameter", "parameter", "linear"]
    assert [node.op for node in t.nodes] == ops
    assert t["y"].value.tolist() == [3, 3, 3]


def test_a_write_is_seen_through_an_expanded_view() -> None:
    t = run("x = torch.arange(3.0)\ne = x.expand(2, 3)\nx[0] = 5\nz = e * 1")
    (seen,) = (operand.node for operand in t["z"].operands)
    assert seen.op == "alias"
    assert t["z"].value.tolist() == [[5, 1, 2], [5, 1, 2]]
    assert seen.reads((1, 0)) == (set(), {(0,)})
    assert seen.reads((1, 2)) == (set(), {(2,)})  # the node of the write is the whole of x


WRITES = [
    *(
        "{a} += 1",
        "{a}.mul_(2)",
        "{a}[0] = 5.0",
        "{a}[..., 0] *= 3",
        "torch.relu_({a})",
        "{a}.copy_({a} + 1)",
    ),
    *("{b} = {a}[0]", "{b} = {a}.T", "{b} = {a} * 2", "{b} = {a}.reshape(-1)", "{b} = {a}.view(-1)[1:]"),
    *("{b} = {a}.clone()", "{b} = {a}[..., :1].expand(2, 2)", "{b} = {a}.reshape(-1)[0].expand(3)"),
]


@given(st.lists(st.tuples(st.sampled_from(WRITES), *[st.sampled_from("xyzw")] * 2), min_size=1, max_size=10))
def test_writes_and_views_in_any_order(lines: list[tuple[str, str, str]]) -> None:
    text = ["def function(x):", "    x = x.clone()", "    y = x.T", "    z = x[1]", "    w = x * 2"]
    text += [f"    {form.format(a=a, b=b)}" for form, a, b in lines]
    text += ["    out = [t * 1 for t in (x, y, z, w)]", "    return out"]
    scope: dict[str, object] = {"torch": torch}
    exec("\n".join(text), scope)  # noqa: S102  the oracle: the tests' own text
    function = scope["function"]
    assert callable(function)
    start = torch.arange(1.0, 5.0).reshape(2, 2)
    try:
        wanted = function(start)
    except (RuntimeError, IndexError):
        return
    t = trace(function, start)
    last = [node for node in t.nodes if node.op == "mul"][-4:]
    for node, value in zip(last, wanted, strict=True):
        assert torch.equal(node.value, value)
    for node in t.nodes:  # what a node says it was made from gives its values again
        _made_again(node)


def _made_again(node: Node) -> None:
    for operand in node.operands:
        assert torch.equal(operand.value, operand.node.value)
    if node.call is not None:
        assert torch.equal(node.call.replay([operand.value for operand in node.operands]), node.value)


def test_a_failing_call_says_where_and_why() -> None:
    def function(x: Tensor, W: Tensor) -> Tensor:
        return x @ W

    with pytest.raises(ShapeError) as caught:
        trace(function, torch.ones(2, 3), torch.ones(4, 5))
    error = caught.value
    assert error.operation == "matmul"
    assert [(axis.operand, axis.axis, axis.size) for axis in error.axes] == [(0, 1, 3), (1, 0, 4)]
    assert error.line == function.__code__.co_firstlineno + 1
    assert "return x @ W" in str(error)
    with pytest.raises(ZeroDivisionError):
        trace(lambda x: x * (1 // 0), torch.ones(2))


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
