"""What each operation reads and feeds, held against torch: change a cell and see what changes."""

from __future__ import annotations

import pytest
import torch

from llm_linalg import trace


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
