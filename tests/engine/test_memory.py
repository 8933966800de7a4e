"""What is written through one tensor is seen through others, however often that was."""

from __future__ import annotations

import gc

import pytest
import torch
from torch import Tensor

from llm_linalg import ProgramError
from llm_linalg.recording.aliasing import AliasUpdate
from tests.engine.counting import at_most
from tests.engine.here import run


def test_many_updates_take_as_long_each_as_a_few() -> None:
    program = "W = torch.ones(2, requires_grad=True)\nfor step in range({}):\n    W.data -= 0.1 * W"
    run(program.format(100))
    with at_most(10**6) as few:
        run(program.format(100))
    with at_most(5 * few[0]):
        run(program.format(400))


def test_tensors_without_cells_share_nothing() -> None:
    trace = run("x = torch.ones(0)\ny = torch.ones(0)\nx[:] = 3\nz = y + 1")
    assert [node.op for node in trace.nodes] == ["ones", "ones", "setitem", "add"]


@pytest.mark.parametrize("view", ["x[i]", "x[:, i]", "x.T[i]"])
def test_many_views_take_as_long_each_as_a_few(view: str) -> None:
    program = "x = torch.zeros({0}, {0})\nfor v in [" + view + " for i in range({0})]:\n    v[0] = 1"
    run(program.format(50))
    with at_most(10**6) as few:
        run(program.format(50))
    with at_most(5 * few[0]):
        run(program.format(200))


@pytest.mark.parametrize("view", ["expand(100_000, 3)", "unfold(0, 2, 1).expand(100_000, 2, 2)"])
def test_a_view_of_many_cells_takes_no_more_than_the_memory_that_it_sees(view: str) -> None:
    trace = run(
        f"b = torch.zeros(3)\nx = b.{view}\nfor i in range(20):\n    b[i % 2] = i\n    y = x[0]\nz = x[5] + 0"
    )
    seen = [node for node in trace.nodes if node.value.numel() >= 10**5]
    assert len(seen) >= 20
    assert all(node.value.untyped_storage().nbytes() == 12 for node in seen)
    renewals = [node.call.operation for node in seen if node.call]
    sources = [renewal.source for renewal in renewals if isinstance(renewal, AliasUpdate)]
    assert len(sources) >= 19
    assert all(source.numbers.untyped_storage().nbytes() == 24 for source in sources)
    shown = torch.tensor([18, 19, 0.0]).expand(100_000, 3) if "unfold" not in view else None
    assert shown is None or trace["x"].value.equal(shown)
    assert [float(node.value.flatten()[0]) for node in seen][-1] == 18


def test_what_a_view_of_many_cells_showed_stays_as_it_was() -> None:
    program = "b = torch.zeros(2)\nx = b.expand(3, 2)\ny = x + 0\nb[1] = 5\nz = x + 0\nb[0] = 7\nw = x + 0"
    trace = run(program)
    assert [trace[name].operands[0].value.tolist() for name in "yzw"] == [
        [[0, 0]] * 3,
        [[0, 5]] * 3,
        [[7, 5]] * 3,
    ]
    renewed = trace["w"].operands[0].node
    assert renewed.call is not None
    assert renewed.call.replay(renewed.call.tensors).equal(renewed.value)


def test_a_view_shows_those_who_wrote_it() -> None:
    trace = run(
        "x = torch.zeros(2, 3)\nrow, other, column, corner = x[0], x[1], x[:, 1], x[0, :1]\n"
        "column[:] = 5\nother[:] = 7\ny = row + 0\nrow[:] = 9\ncorner[:] = 3\nz = column + 0"
    )
    first = trace["y"].operands[0].node
    assert first.value.tolist() == [0, 5, 0]
    assert [operand.node.op for operand in first.operands] == ["getitem", "setitem"]
    last = trace["z"].operands[0].node
    assert last.value.tolist() == [9, 7]
    assert [tuple(operand.node.value.shape) for operand in last.operands] == [(2,), (3,), (3,)]
    assert [[list(cells) for cells in last.reads((row,))] for row in range(2)] == [
        [[], [], [(1,)]],
        [[], [(1,)], []],
    ]


@pytest.mark.parametrize("end", ["", "w @ torch.ones(7)", "raise ValueError"])
def test_a_run_leaves_the_graphs_of_autograd_of_its_names_alone(end: str) -> None:
    program = f"w = torch.ones(2, 2, requires_grad=True)\nfor i in range(20):\n    y = (w * w).sum()\n{end}"
    gc.collect()
    gc.disable()
    try:
        before = _with_graphs()
        try:
            trace = run(program)
        except ProgramError as error:
            trace = error.trace
        assert len(trace.nodes) > 40
        assert _with_graphs() - before < 10  # of 40: names, and what an error holds of its call
    finally:
        gc.enable()


def _with_graphs() -> int:
    tensors = [value for value in gc.get_objects() if issubclass(type(value), Tensor)]
    return sum(value.grad_fn is not None for value in tensors)
