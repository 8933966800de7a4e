"""Calls that the table lacks: measured by autograd where they have a slope, else the whole operand."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor, library, nn
from torch.autograd.function import once_differentiable

from llm_linalg import trace
from tests.ops.drawing import values

F = nn.functional


@pytest.mark.parametrize(
    ("function", "shapes"),
    [
        (lambda x: F.lp_pool1d(x, 2.0, 2), [(1, 2, 6)]),
        (lambda x: F.lp_pool2d(x, 2.0, 2), [(1, 1, 4, 2)]),
        (F.pairwise_distance, [(2, 3), (2, 3)]),
        (lambda x: F.local_response_norm(x, 2), [(1, 4, 2)]),
        (lambda x: F.interpolate(x, (2, 3), mode="bilinear", antialias=True), [(1, 1, 4, 3)]),
        (torch.dist, [(2, 3), (2, 3)]),
        (lambda x, y: torch.cdist(x, y, p=3), [(2, 2), (3, 2)]),
        (torch.fft.fft, [(4,)]),
        (lambda x, y: torch.stft(x, 4, window=y, return_complex=True), [(9,), (4,)]),
        (lambda x, y: F.grid_sample(x, y.tanh() * 0.6, align_corners=False), [(1, 1, 4, 5), (1, 2, 3, 2)]),
        (lambda x: F.fold(x, (3, 3), 2), [(1, 4, 4)]),
        (lambda x: F.avg_pool1d(x, 2, ceil_mode=True), [(1, 1, 5)]),
    ],
)
def test_calls_that_the_table_lacks_are_measured(function: object, shapes: list[tuple[int, ...]]) -> None:
    assert callable(function)
    node = trace(function, *(values(shape, place) for place, shape in enumerate(shapes))).nodes[-1]
    assert node.evidence == "autograd"
    assert node.kind == "measured"
    assert node.call is not None
    for place, operand in enumerate(node.operands):
        for cell in torch.ones(operand.value.shape).nonzero().tolist():
            tensors = [other.value.clone() for other in node.operands]
            tensors[place][tuple(cell)] += 0.321
            moved = (node.call.replay(tensors) - node.value).abs() > 1e-12
            assert {tuple(index) for index in moved.nonzero().tolist()} == set(node.feeds(place, tuple(cell)))


PICKING: dict[str, Callable[..., Tensor]] = {
    "windows with places": lambda x: F.max_pool2d(x[None], 2, return_indices=True)[0],
    "pieces of an axis": lambda x: F.adaptive_max_pool1d(x, 2, return_indices=True)[0],
    "largest row": lambda x: F.embedding_bag(torch.tensor([[0, 1, 4], [2, 3, 3]]), x, mode="max"),
    "largest distance": lambda x: torch.cdist(x, x[:2], p=float("inf")),
    "largest of a pair": lambda x: F.pdist(x, p=float("inf")),
    "row by its largest": lambda x: torch.renorm(x, float("inf"), 0, 1.0),
    "segments": lambda x: torch.segment_reduce(x.flatten(), "max", lengths=torch.tensor([3, 22])),
}


@pytest.mark.parametrize("name", PICKING)
def test_a_call_that_picks_cells_reads_all_that_it_picks_from(name: str) -> None:
    node = next(own for own in trace(PICKING[name], values((5, 5), 3)).nodes if own.kind == "measured")
    assert node.call is not None
    for place, operand in enumerate(node.operands):
        for cell in (
            torch.ones(operand.value.shape).nonzero().tolist()
            if operand.value.dtype.is_floating_point
            else ()
        ):
            fed = set(node.feeds(place, tuple(cell)))
            for change in (0.01, -0.02, 3.0, -3.0, 50.0, -50.0):
                tensors = [other.value.clone() for other in node.operands]
                tensors[place][tuple(cell)] += change
                moved = (node.call.replay(tensors) - node.value).abs() > 1e-9
                assert {tuple(index) for index in moved.nonzero().tolist()} <= fed


def test_a_call_that_picks_cells_reads_those_that_it_has_picked() -> None:
    for largest in range(8):
        x = values((8,), 1).index_fill(0, torch.tensor(largest), 9.0)
        node = trace(lambda x: torch.segment_reduce(x, "max", lengths=torch.tensor([8])), x).nodes[-1]
        assert (largest,) in node.reads((0,))[0]


def test_what_can_t_be_differentiated_is_opaque() -> None:
    for function in (lambda x: x.view(torch.int64), lambda x: torch.frexp(x).exponent):
        node = trace(function, values((2, 3), 1)).nodes[-1]
        assert node.evidence == "opaque", node.op
        first = next(iter(torch.ones(node.shape).nonzero().tolist()))
        assert len(node.reads(tuple(first))[0]) == node.operands[0].value.numel()


def test_a_gradient_that_torch_has_for_some_values_alone_is_opaque() -> None:
    def singular(z: Tensor) -> Tensor:
        return torch.slogdet(z @ z.mT)[1]

    forward = trace(singular, torch.ones(2, 3))
    backward = forward.backward(forward.nodes[-1])
    assert "opaque" in {node.evidence for node in backward.nodes}


def test_what_would_take_many_passes_is_opaque() -> None:
    def back(context: Any, given: Tensor) -> Tensor:
        return given * 2

    with library._scoped_library("measured", "FRAGMENT") as fragment:
        fragment.define("doubled(Tensor x) -> Tensor")
        fragment.impl("doubled", lambda x: x * 2, "CompositeExplicitAutograd")
        library.register_autograd("measured::doubled", once_differentiable(back), lib=fragment)
        few, many = (trace(torch.ops.measured.doubled, torch.randn(rows, 16)).nodes[-1] for rows in (4, 80))
        assert (few.evidence, many.evidence) == ("autograd", "opaque")
        assert list(few.feeds(0, (3, 0))) == [(3, 0)]
        assert len(many.feeds(0, (3, 0))) == many.value.numel()


def test_a_loss_reads_the_rows_that_its_margin_leaves_out_now() -> None:
    """Its target leads: with any other number than 1 and -1 no row goes in."""
    x = values((4, 4), 1)
    y = values((4, 4), 2) / 9 - x
    target = torch.tensor([1.0, -1.0, 1.0, -1.0])
    made = trace(lambda x, y: F.cosine_embedding_loss(x, y, target), x, y)
    assert all(made.nodes[-1].reads(())[place] == set(product(range(4), range(4))) for place in (0, 1))
