"""Movements of three and more axes, held against torch on a tensor of positions."""

from __future__ import annotations

from itertools import product

import pytest

from llm_linalg.api.node_view import node_view
from llm_linalg.illustrations.weave import MOST_CELLS, is_woven, weave_of
from tests.engine.here import run

MOVES = (
    "X.transpose(1, 2)", "X.permute(2, 0, 1)", "X.view(2, 12)", "X.reshape(4, 2, 3)", "X[:, -1]", "X[1]",
    "X[:, 1:3]", "X.unsqueeze(0)", "X.flatten()", "X.flip(1)", "X.expand(2, 2, 4, 3)",
    "X.view(2, 4, 1, 3).transpose(1, 2)",
)  # fmt: skip


@pytest.mark.parametrize("move", MOVES)
def test_each_cell_of_the_result_has_the_slice_that_its_number_came_from(move: str) -> None:
    node = run(f"X = torch.arange(24.0).reshape(2, 4, 3)\nY = {move}").nodes[-1]
    view = node_view(node)
    assert is_woven(view)
    weave = weave_of(view)
    (source,) = weave.sources
    slice_of = {cell.number: cell.slice for matrix in source.matrices for row in matrix.cells for cell in row}
    assert len(slice_of) == 24
    for matrix in weave.result.matrices:
        for i, j in product(*(range(len(side)) for side in (matrix.cells, matrix.cells[0]))):
            cell = matrix.cells[i][j]
            assert cell.slice == slice_of[cell.number]
            place = (*matrix.at, i, j)[-node.value.dim() :]
            assert cell.number == node.value[place].item()
    if len(source.shape) == 3:
        assert weave.slices == ("X[0]", "X[1]")
        assert slice_of == {float(k): k // 12 for k in range(24)}


def test_one_matrix_falls_into_its_rows_and_several_tensors_go_on_counting() -> None:
    source = "X = torch.arange(6.0).reshape(2, 3)\nY = torch.stack([X, X + 6])"
    weave = weave_of(node_view(run(source).nodes[-1]))
    assert weave.slices == ("X[0]", "X[1]", "(X + 6)[0]", "(X + 6)[1]")
    assert [row[0].slice for matrix in weave.result.matrices for row in matrix.cells] == [0, 1, 2, 3]


def test_a_step_lights_what_it_moves_and_later_cells_are_not_there() -> None:
    node = run("X = torch.arange(24.0).reshape(2, 4, 3)\nY = X.transpose(1, 2)")["Y"]
    weave = weave_of(node_view(node, "rows", 1))
    lit = [
        (tensor.title, matrix.at, i, j)
        for tensor in (*weave.sources, weave.result)
        for matrix in tensor.matrices
        for i, row in enumerate(matrix.cells)
        for j, cell in enumerate(row)
        if cell.now
    ]
    assert lit == [*(("X", (0,), i, 1) for i in range(4)), *(("Y", (0,), 1, j) for j in range(4))]
    there = [cell.number is not None for m in weave.result.matrices for row in m.cells for cell in row]
    assert there == [True] * 8 + [False] * 16


def test_a_large_tensor_costs_a_window_around_what_is_moved() -> None:
    node = run("X = torch.zeros(64, 32, 8, 64)\nY = X.transpose(1, 2)")["Y"]
    weave = weave_of(node_view(node, "rows", 64 * 8 * 32 - 1))
    for tensor in (*weave.sources, weave.result):
        assert sum(len(m.cells) * len(m.cells[0]) for m in tensor.matrices) <= MOST_CELLS
        assert any(cell.now for m in tensor.matrices for row in m.cells for cell in row)


@pytest.mark.parametrize(
    "source",
    ["torch.ones(2, 3).T", "torch.zeros(0, 3, 2).transpose(0, 1)", "torch.ones(2, 3, 4) * 2"],
)
def test_other_operations_have_no_weave(source: str) -> None:
    assert not is_woven(node_view(run(f"y = {source}").nodes[-1]))
