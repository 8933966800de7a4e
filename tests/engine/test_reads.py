"""What each operation reads and feeds, held against torch: change a cell and see what changes."""

from __future__ import annotations

import pytest
import torch

from llm_linalg import trace
from tests.engine.here import run


def test_a_scatter_that_adds_reads_what_it_adds_to() -> None:
    t = run(
        "x = torch.ones(3)\nk = torch.tensor([0, 1])\ns = torch.tensor([5.0, 6.0])\n"
        "y = x.scatter(0, k, s, reduce='add')"
    )
    assert all(cells for cells in t["y"].reads((0,)))


def test_a_norm_of_matrices_reads_its_own_matrix() -> None:
    program = "x = torch.randn(4, 3, 2)\ny = torch.linalg.matrix_norm(x)\n"
    t = run(f"{program}z = torch.linalg.matrix_norm(x, dim=(0, 2))")
    assert set(t["y"].reads((1,))[0]) == {(1, i, j) for i in range(3) for j in range(2)}
    assert set(t["z"].reads((1,))[0]) == {(i, 1, j) for i in range(4) for j in range(2)}


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
