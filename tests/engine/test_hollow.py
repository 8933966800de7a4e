"""Calls on tensors without cells: their shapes, and whether a gradient goes back through them."""

from __future__ import annotations

from operator import sub
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from llm_linalg.foresight import back
from llm_linalg.foresight.hollow import Hollow
from llm_linalg.foresight.nowhere import holds_truths, memory, without_cells
from llm_linalg.foresight.unknown import Undecided
from llm_linalg.language.budget import Budget
from llm_linalg.ops import TABLE
from tests.engine.samples import samples

# Their shapes may hang on values; or no program of the language can make them; or they are left open.
OPEN = {"one_hot", "repeat_interleave", "getitem", "setitem", "take_along_dim", "cross_entropy"}


@pytest.mark.parametrize("name", sorted(TABLE.operations))
@pytest.mark.filterwarnings("ignore::UserWarning")  # torch's own, of a variance of one number and the like
@settings(max_examples=25)
@given(data=st.data())
def test_calls_without_cells_have_the_shapes_of_others(name: str, data: st.DataObject) -> None:
    sample = data.draw(samples(name))
    wanted = each(sample.function(*[tensor.clone() for tensor in sample.inputs]))
    hollow = Hollow(Budget(), lambda: False)
    tensors = [without_cells(tuple(tensor.shape), tensor.dtype) for tensor in sample.inputs]
    try:
        with hollow:
            found = each(sample.function(*tensors))
    except Undecided:
        assert name in OPEN
        return
    assert [tuple(tensor.shape) for tensor in found] == [tuple(tensor.shape) for tensor in wanted]
    for one, other in zip(found, wanted, strict=True):
        assert one.device.type == "meta"
        assert one.dtype == other.dtype or one.dtype != torch.int64


@pytest.mark.parametrize("name", sorted(TABLE.operations))
@pytest.mark.filterwarnings("ignore::UserWarning")
@settings(max_examples=10)
@given(data=st.data())
def test_a_way_back_is_foreseen_only_where_torch_has_one(name: str, data: st.DataObject) -> None:
    sample = data.draw(samples(name))
    tensors = [
        tensor.clone().requires_grad_(tensor.is_floating_point() and tensor.is_leaf)
        for tensor in sample.inputs
    ]
    try:
        wanted = each(sample.function(*tensors))
    except RuntimeError:
        return  # it writes into a leaf
    alike = [without_cells(tuple(tensor.shape), tensor.dtype) for tensor in tensors]
    for hollow, tensor in zip(alike, tensors, strict=True):
        back.ask(hollow, wanted=tensor.requires_grad)
    try:
        with Hollow(Budget(), lambda: False):
            found = each(sample.function(*alike))
    except Undecided:
        return
    for one, other in zip(found, wanted, strict=True):
        assert other.requires_grad or back.way(one) is None


@pytest.mark.parametrize("name", sorted(TABLE.operations))
@pytest.mark.filterwarnings("ignore::UserWarning")
@settings(max_examples=10)
@given(data=st.data())
def test_a_call_like_one_before_takes_and_gives_the_like(name: str, data: st.DataObject) -> None:
    sample = data.draw(samples(name))
    budget, found = Budget(), list[Any]()
    hollow = Hollow(budget, lambda: False)
    for _ in range(3):
        tensors = [without_cells(tuple(tensor.shape), tensor.dtype) for tensor in sample.inputs]
        for tensor in tensors:
            back.ask(tensor, wanted=True)
        left, effort = budget.left, budget.effort
        try:
            with hollow:
                given = each(sample.function(*tensors))
        except Undecided:
            return
        took = *map(sub, left, budget.left), budget.effort - effort
        found.append((took, [_known(tensor) for tensor in given]))
    assert found[0] == found[1] == found[2]


def _known(tensor: Tensor) -> Any:
    """What is known of a tensor without cells."""
    way = back.way(tensor)
    asks = None if way is None else (way.asks, [before.asks for before in way.before])
    return tuple(tensor.shape), tensor.dtype, holds_truths(tensor), memory(tensor), asks


def each(result: Any) -> list[Tensor]:
    return [result] if isinstance(result, Tensor) else list(result or ())


BESIDE = [
    functional.l1_loss,
    functional.mse_loss,
    functional.kl_div,
    functional.binary_cross_entropy_with_logits,
]
WAYS: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((), {}),
    *(((), {"reduction": way}) for way in ("none", "mean", "sum")),
    ((None, None, "none"), {}),
]


@pytest.mark.parametrize("function", BESIDE)
@pytest.mark.parametrize(("given", "named"), WAYS)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_losses_without_cells_have_the_shapes_of_others(
    function: Any, given: tuple[Any, ...], named: dict[str, Any]
) -> None:
    x = torch.rand(2, 3)
    wanted = called(function, (x, x, *given), named)
    hollow = without_cells((2, 3), torch.float32)
    with Hollow(Budget(), lambda: False):
        assert called(function, (hollow, hollow, *given), named) == wanted


def called(function: Any, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
    """Returns the shape of what a call gives; None if it fails."""
    try:
        return tuple(function(*given, **named).shape)
    except (TypeError, RuntimeError, AttributeError):
        return None


@pytest.mark.parametrize("shape", [(4,), (2, 4)])
@pytest.mark.parametrize(("given", "named"), [((2,), {}), ((), {"num_samples": 3}), ((2, True), {})])
def test_draws_without_cells_have_the_shapes_of_others(
    shape: tuple[int, ...], given: tuple[Any, ...], named: dict[str, Any]
) -> None:
    wanted = torch.multinomial(torch.ones(shape), *given, **named)
    with Hollow(Budget(), lambda: False):
        found = torch.multinomial(without_cells(shape, torch.float32), *given, **named)
    assert (found.shape, found.dtype) == (wanted.shape, wanted.dtype)
