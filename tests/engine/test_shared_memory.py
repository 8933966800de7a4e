"""What a recording keeps of views: one memory for many of them, and no large one for a small view."""

from __future__ import annotations

import pytest
import torch

from llm_linalg import trace
from llm_linalg.ops import TABLE
from llm_linalg.ops.operation import SlottedArguments
from llm_linalg.ops.price import price_of
from llm_linalg.recording.recorder import call_of


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


CALLS = {
    "sort": (1,), "topk": (2,), "sum": (1,), "softmax": (0,), "repeat": (3, 2), "expand": (7, -1, -1),
    "view": (2, 6), "reshape": (-1, 2), "unsqueeze": (0,), "transpose": (0, 1), "narrow": (1, 0, 2),
    "flip": (1,), "split": (2,), "chunk": (2,), "unfold": (1, 2, 1), "diagonal": (0, 0, 1), "tril": (1,),
    "cumsum": (1,), "norm": (2, 1), "permute": (1, 0), "movedim": (0, 1), "repeat_interleave": (2, 1),
    "select": (1, 2), "roll": (2,),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_a_number_that_a_tensor_holds_asks_for_as_much_as_that(name: str) -> None:
    function, tensor = getattr(torch.Tensor, name), torch.ones(3, 4)
    numbers = CALLS[name]
    calls = []
    for given_ in (numbers, tuple(map(torch.tensor, numbers))):
        written = SlottedArguments.of((tensor, *given_), {})
        calls.append(call_of(function, written, written.tensors))
    plain, held = map(price_of, calls)
    assert plain == held
    assert TABLE.entry(function) is not None
