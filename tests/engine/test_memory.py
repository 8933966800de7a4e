"""What is written through one tensor is seen through others, however often that was."""

from __future__ import annotations

import pytest

from llm_linalg import run
from tests.engine.counting import at_most


def test_many_updates_take_as_long_each_as_a_few() -> None:
    program = "W = torch.ones(2, requires_grad=True)\nfor step in range({}):\n    W.data -= 0.1 * W"
    run(program.format(100))
    with at_most(10**6) as few:
        run(program.format(100))
    with at_most(5 * few[0]):
        run(program.format(400))


@pytest.mark.parametrize("turns", [1, 3])
def test_a_view_shows_all_that_was_written_since_it_was_used(turns: int) -> None:
    program = "x = torch.zeros(4)\nv = x[1:3]\n"
    program += (
        "".join(f"x[{turn}] = {turn + 1}\n" for turn in range(turns)) + "y = v + 0\nx[2] = 9\nz = v + 0"
    )
    trace = run(program)
    written = [turn + 1 for turn in range(turns)] + [0] * (3 - turns)
    assert trace["y"].value.tolist() == written[1:3]
    assert trace["z"].value.tolist() == [written[1], 9]
    assert [operand.node.op for operand in trace["y"].operands] == ["alias"]


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


def test_a_view_that_nobody_wrote_stays_as_it_was() -> None:
    trace = run("x = torch.zeros(3, 3)\na, b, r = x[0], x[:, 1], x[2]\nr[:] = 1\nc = a + 0\nd = b + 0")
    assert [operand.node.op for operand in trace["c"].operands] == ["getitem"]
    assert [operand.node.op for operand in trace["d"].operands] == ["alias"]


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
