"""What a recording keeps of views: one memory for many of them, and no large one for a small view."""

from __future__ import annotations

import torch

from llm_linalg import trace


def test_views_that_a_write_leaves_as_they_were_share_one_memory() -> None:
    def written(x: torch.Tensor) -> None:
        views = [x[k:] for k in range(9)]
        x[0] = 5.0
        views[0].sum()

    nodes = trace(written, torch.arange(90.0)).nodes
    views = [node.value for node in nodes if node.op == "getitem"]
    assert [view.tolist() for view in views] == [torch.arange(k, 90.0).tolist() for k in range(9)]
    assert len({view.untyped_storage().data_ptr() for view in views}) == 1
    assert nodes[-1].value.item() == sum(range(90)) + 5


def test_one_small_view_keeps_no_large_memory() -> None:
    def written(x: torch.Tensor) -> None:
        y = x * 1
        y[:2].sum()
        y += 1

    small = next(node.value for node in trace(written, torch.ones(900)).nodes if node.op == "getitem")
    assert small.untyped_storage().nbytes() <= 900 * small.element_size()
