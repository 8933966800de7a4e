from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from llm_linalg import Trace
from llm_linalg.api.node_view import node_view
from llm_linalg.base.cells import TensorSlice
from tests.engine.here import run

SOURCE = """
A = torch.randn(2, 3, 4)
B = torch.randn(2, 4, 5)
C = A @ B
s = C.sum(-1)
t = torch.softmax(s, -1).T
z = t.sum()
"""


def matrices(rank: int, shape: tuple[int, ...]) -> Iterator[TensorSlice]:
    """All matrices of a tensor, whichever two of its axes run down and across."""
    axes = [None, *range(rank)]
    for row in axes:
        for column in axes:
            rest = [axis for axis in range(rank) if axis not in (row, column)]
            if row is None or row != column:
                yield TensorSlice(row, column, tuple(shape[axis] - 1 for axis in rest))


@pytest.fixture(scope="module")
def trace() -> Trace:
    return run(SOURCE)


@pytest.mark.parametrize("name", ["C", "s", "t", "z"])
def test_a_window_holds_what_torch_has_at_its_cells_and_nothing_that_is_to_come(
    trace: Trace, name: str
) -> None:
    node = trace[name]
    for order in node.orders:
        walk = node.walk(order)
        for k in {-1, 0, len(walk) // 2, len(walk) - 1}:
            result = node_view(node, order, k).result
            for matrix in matrices(len(node.shape), node.shape):
                rows = range(1 if matrix.row_axis is None else node.shape[matrix.row_axis])
                columns = range(1 if matrix.column_axis is None else node.shape[matrix.column_axis])
                for row, line in zip(rows, result.window(matrix, rows, columns), strict=True):
                    for column, number in zip(columns, line, strict=True):
                        index = matrix.cell(row, column)
                        first, last = walk.span(index)
                        assert (number is None) == (k < first)
                        assert k < last or number == node.value[index].item()


@pytest.mark.parametrize("name", ["C", "s", "t", "z"])
def test_as_lists_it_is_the_tensor_when_all_is_done(trace: Trace, name: str) -> None:
    node = trace[name]
    for order in node.orders:
        assert node_view(node, order).result.tolist() == node.value.tolist()
        before = str(node_view(node, order, -1).result.tolist())
        assert before.count("None") == node.value.numel()


def test_a_view_of_a_large_product_reads_no_more_than_its_window(monkeypatch: pytest.MonkeyPatch) -> None:
    trace = run("A = torch.ones(1500, 8)\nB = torch.ones(8, 1500)\nC = A @ B")
    listed: list[int] = []
    tolist = torch.Tensor.tolist

    def counted(tensor: torch.Tensor) -> object:
        listed.append(tensor.numel())
        return tolist(tensor)

    monkeypatch.setattr(torch.Tensor, "tolist", counted)
    for order in trace["C"].orders:
        view = node_view(trace["C"], order, 7)
        assert len(view.result.window(TensorSlice(0, 1), range(700, 705), range(20, 24))) == 5
        assert view.step is not None
        assert view.step.writes
    assert max(listed) <= 5 * 4
