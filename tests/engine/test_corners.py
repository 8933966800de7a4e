"""Corners that were wrong once: repeated letters of size 1, many axes, an operand that is not there."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from llm_linalg import trace
from tests.ops.drawing import values


def test_a_repeated_letter_of_size_one_reads_its_one_cell() -> None:
    node = trace(lambda x, y: torch.einsum("ii,i->i", x, y), values((1, 1), 1), values((3,), 2)).nodes[-1]
    for cell in range(3):
        assert [set(own) for own in node.reads((cell,))] == [{(0, 0)}, {(cell,)}]
    assert set(node.feeds(0, (0, 0))) == {(0,), (1,), (2,)}
    relation = node.operand_reads[0]
    assert set(relation.block((range(1, 3),))) == {(0, 0)}
    assert relation.back(torch.tensor([False, True, False])).tolist() == [[True]]
    assert relation.forward(torch.tensor([[True]])).tolist() == [True, True, True]


def test_more_axes_than_small_letters_can_be_walked() -> None:
    shape = (1,) * 24 + (2, 3)
    node = trace(torch.matmul, values(shape, 1), values((*shape[:-2], 3, 2), 2)).nodes[-1]
    walk = node.walk("outer")
    last = walk.values(len(walk) - 1, (0,) * 24, range(2), range(2))
    assert torch.allclose(torch.tensor(last), node.value.reshape(2, 2).double().float())
    assert walk.values(0, (0,) * 24, range(2), range(2)) != last


def test_an_operand_that_is_not_there_is_an_index_error() -> None:
    node = trace(torch.matmul, values((2, 3), 1), values((3, 2), 2)).nodes[-1]
    for operand in (-1, 2):
        with pytest.raises(IndexError, match="no operand"):
            node.feeds(operand, (0, 0))


def test_a_failure_that_the_function_got_over_is_not_its_next_error() -> None:
    def patient(x: Tensor) -> Tensor:
        try:
            return x @ torch.ones(5, 5)
        except RuntimeError:
            raise ValueError("mine") from None

    with pytest.raises(ValueError, match=r"^mine$"):
        trace(patient, values((2, 3), 1))


def test_evidence_is_measured_once() -> None:
    calls: list[int] = []

    class Counting(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return nn.functional.local_response_norm(x, 2)

    node = trace(Counting(), values((1, 4, 2), 1)).nodes[-1]
    assert node.call is not None
    plain = type(node.call.operation)._relation  # type: ignore[attr-defined]

    def counted(*arguments: object) -> object:
        calls.append(1)
        return plain(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(node.call.operation), "_relation", counted)
        assert [node.evidence for _ in range(3)] == ["autograd"] * 3
        assert node.reads((0, 0, 0))
    assert len(calls) == 1
