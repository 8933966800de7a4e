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
