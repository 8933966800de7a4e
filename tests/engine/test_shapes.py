"""Shape rules against torch: they object where it does, and say the shape that it gives; repairs work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from torch import Tensor, nn

from llm_linalg import ProgramError, ShapeError, Trace
from llm_linalg.base.axes import ShapeMismatch
from llm_linalg.capture.limits import Counts, Limits
from llm_linalg.ops import TABLE, Call
from llm_linalg.recording.record_node import Origin
from llm_linalg.recording.recorder import Recorder
from tests.engine.here import run
from tests.ops.drawing import Shape, values

F = nn.functional
SHAPES = st.lists(st.integers(0, 4), max_size=4).map(tuple)
NEAR = st.lists(st.sampled_from([1, 2, 3]), max_size=3).map(tuple)
RULED: dict[str, Callable[..., Any]] = {
    "matmul": lambda x, y: x @ y,
    "mm": torch.mm,
    "x.mm": Tensor.mm,  # by another name than torch.mm, which is torch.spmm
    "mv": torch.mv,
    "bmm": torch.bmm,
    "dot": torch.dot,
    "vdot": torch.vdot,
    "inner": torch.inner,
    "outer": torch.outer,
    "ger": torch.ger,
    "linear": F.linear,
    "add": lambda x, y: x + y,
    "mul": lambda x, y: x * y,
    "where": lambda x, y: torch.where(x > 0, x, y),
    "masked_fill": lambda x, y: x.masked_fill(y > 0, 0.0),
    "cat": lambda x, y: torch.cat([x, y]),
    "cat last": lambda x, y: torch.cat([x, y], dim=-1),
    "stack": lambda x, y: torch.stack([x, y], 1),
    "view": lambda x, y: x.view(y.shape),
    "reshape": lambda x, y: x.reshape(tuple(y.shape)),
    "expand": lambda x, y: x.expand(y.shape),
    "broadcast_to": lambda x, y: torch.broadcast_to(x, y.shape),
    "repeat": lambda x, y: x.repeat(y.shape),
    "ij,jk->ik": lambda x, y: torch.einsum("ij,jk->ik", x, y),
    "...i,ij->...j": lambda x, y: torch.einsum("...i,ij->...j", x, y),
    "ii,i": lambda x, y: torch.einsum("ii,i->i", x, y),
    "triu": lambda x, _: torch.triu(x),
    "diag": lambda x, y: torch.diag(x, len(y.shape)),
    "diag_embed": lambda x, y: torch.diag_embed(x, len(y.shape)),
    "embedding": lambda x, y: F.embedding(torch.zeros(x.shape, dtype=torch.int64), y),
    "index_select": lambda x, _: torch.index_select(x, 1, torch.zeros(2, dtype=torch.int64)),
    "layer_norm": lambda x, y: F.layer_norm(x, y.shape),
    "three": lambda x, y: F.linear(x, y, torch.ones(2).double()),
    "pad": lambda x, _: F.pad(x, [1, -1, 2, 0]),
    "repeat_interleave": lambda x, _: torch.repeat_interleave(x, 2, dim=1),
}


class Noting(Counts):
    """Notes the calls that it is asked about."""

    def __init__(self) -> None:
        super().__init__(Limits())
        self.noted: list[Call] = []

    def charge(self, call: Call) -> None:
        self.noted.append(call)


def ruled(function: Callable[..., Any], inputs: tuple[Tensor, ...]) -> tuple[Call, Any, Exception | None]:
    """Returns the last call that a function makes, what it gives, and how torch refuses it."""
    noting = Noting()
    recorder = Recorder(Origin, noting)
    try:
        with recorder:
            result = function(*inputs)
    except (RuntimeError, IndexError, ValueError, TypeError) as error:
        return noting.noted[-1], None, error
    return noting.noted[-1], result, None


def inferred(call: Call) -> Shape | ShapeMismatch | None:
    """Returns what the operation's own rule says of a call's shapes."""
    try:
        return call.operation.infer(call)
    except ShapeMismatch as mismatch:
        return mismatch


@pytest.mark.parametrize("name", RULED)
@given(one=st.one_of(NEAR, SHAPES), other=st.one_of(NEAR, SHAPES))
@example(one=(3, 2), other=(2, 4))
@example(one=(0,), other=(2, 3))
@example(one=(2, 3), other=(2, 3))
@example(one=(2, 3), other=(2, 2))
@example(one=(1, 2, 3), other=(4, 3, 2))
def test_rules_object_where_torch_does(name: str, one: Shape, other: Shape) -> None:
    call, result, error = ruled(RULED[name], (values(one, 1), values(other, 2)))
    assert call.operation.name in TABLE.operations
    shape = inferred(call)
    if isinstance(shape, ShapeMismatch):
        assert error is not None, f"the rule objects, torch doesn't: {shape}"
        for axis in shape.axes:
            assert call.shapes[axis.operand][axis.axis] == axis.size
        return
    if "axis dim should be positive" in str(error):
        return  # the index is out of range: that is no matter of shapes
    assert error is None, f"torch objects, the rule doesn't: {error}"
    assert shape == tuple(result.shape)


def outcome(program: str) -> Trace | ProgramError:
    try:
        return run(program)
    except ProgramError as error:
        return error


def failure(program: str) -> ShapeError:
    with pytest.raises(ShapeError) as caught:
        run(program)
    return caught.value


BROKEN = [
    ("{x} @ {y}", "matmul"),
    ("torch.matmul({x}, {y})", "matmul"),
    ("{x} + {y}", "add"),
    ("{x} * ({y} + 1)", "mul"),
    ("F.linear({x}, {y})", "linear"),
    ("torch.cat([{x}, {y}], dim=0)", "cat"),
    ("torch.stack([{x}, {y}])", "stack"),
    ("torch.einsum('ij,jk->ik', {x}, {y})", "einsum"),
    ("{x}.masked_fill({y} > 0, 0)", "masked_fill"),
    ("torch.where({x} > 0, {x}, {y})", "where"),
    ("{x}.view(4, -1)", "view"),
    ("{x}.reshape(5, 2)", "reshape"),
    ("{x}.expand(3, 3)", "expand"),
    ("nn.Linear(4, 2)({x})", "linear"),
]


@given(
    st.sampled_from(BROKEN),
    st.lists(st.integers(1, 4), min_size=1, max_size=3),
    st.lists(st.integers(1, 4), min_size=1, max_size=3),
    st.sampled_from(["{e}", "({e}).sum()", "é + ({e})", "torch.relu({e} * 2)"]),
)
def test_errors_name_the_operands_and_their_repairs_run(
    broken: tuple[str, str], one: list[int], other: list[int], around: str
) -> None:
    form, operation = broken
    expression = form.format(x="x", y="y")
    start = f"x = torch.randn({one})\ny = torch.randn({other})\né = 1\n"
    program = f"{start}z = {around.format(e=expression)}\nw = z * 1"
    found = outcome(program)
    if not isinstance(found, ShapeError):
        assert not isinstance(found, ProgramError) or operation in ("view", "einsum", "linear"), found
        return
    assert found.line == 4
    if found.operation != operation:
        return
    assert found.expression == expression
    assert {info.name for info in found.operands} & {"x", "y"}
    for info in found.operands:
        if info.name in ("x", "y"):
            assert info.shape == tuple(one if info.name == "x" else other)
    for axis in found.axes:
        assert found.operands[axis.operand].shape[axis.axis] == axis.size
    if len(found.axes) == 2:
        assert found.axes[0].size != found.axes[1].size
    assert found.detail
    assert len(found.repairs) == len(set(found.repairs)) <= 6
    for repair in found.repairs:
        assert repair.why
        fixed = found.apply_repair(repair)
        alone = "\n".join([*fixed.split("\n")[:3], f"r = {repair}"])
        assert run(alone)["r"].shape == repair.shape


def test_a_product_s_error() -> None:
    error = failure("x = torch.randn(3, 2)\nW = torch.randn(4, 2)\nY = x @ W")
    assert error.operation == "matmul"
    assert [(info.name, info.shape, info.source) for info in error.operands] == [
        ("x", (3, 2), "x"),
        ("W", (4, 2), "W"),
    ]
    assert [(axis.operand, axis.axis, axis.size) for axis in error.axes] == [(0, 1, 2), (1, 0, 4)]
    assert "x @ W.T" in error.repairs
    assert error.expression == "x @ W"
    assert error.caret.split("\n")[1] == "    ^^^^^"
    assert "a row of x (3, 2) has 2 entries, a column of W (4, 2) has 4: they can't be paired up" in str(
        error
    )
    assert run(error.apply_repair("x @ W.T"))["Y"].shape == (3, 4)
    assert "mat1" in error.detail or "size" in error.detail


def test_repairs_have_no_side_effects() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        state = torch.get_rng_state()
        failure("x = torch.randn(3, 2)\nY = torch.randn(5, 4) @ x")
        assert torch.equal(state, torch.get_rng_state())


def test_an_operand_of_several_lines_is_named_on_one() -> None:
    with pytest.raises(ShapeError) as caught:
        run("x = torch.ones(2, 3)\ny = torch.stack([\n    x,\n    x\n]) @ torch.ones(2,\n        2)")
    assert "a row of torch.stack([x, x]) (2, 2, 3) has 3" in caught.value.message
    assert "a column of torch.ones(2, 2) (2, 2)" in caught.value.message
