"""Walks: every step of every order, held against the node's cells, its reads and its values."""

from __future__ import annotations

import tracemalloc

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_linalg import trace
from llm_linalg.base.constants import ORDER_NAMES
from llm_linalg.walks.orders import ORDERS
from tests.engine.counting import at_most
from tests.ops.drawing import broadcast, values


def test_every_order_has_its_name() -> None:
    assert tuple(ORDERS) == ORDER_NAMES


def test_the_orders_of_a_product() -> None:
    node = trace(torch.matmul, torch.ones(2, 3), torch.ones(3, 4)).nodes[-1]
    assert node.orders == ("cells", "terms", "rows", "columns", "outer", "wave")
    assert {order: len(node.walk(order)) for order in node.orders} == {
        "cells": 8,
        "terms": 24,
        "rows": 2,
        "columns": 4,
        "outer": 3,
        "wave": 5,
    }
    wave = node.walk("wave")
    assert [set(step.writes) for step in wave[:2]] == [{(0, 0)}, {(0, 1), (1, 0)}]
    with pytest.raises(ValueError, match="no order 'spiral'"):
        node.walk("spiral")


@given(st.integers(-10, 10))
def test_a_walk_is_a_sequence(k: int) -> None:
    walk = trace(torch.matmul, torch.ones(2, 3), torch.ones(3, 2)).nodes[-1].walk("cells")
    assert len(walk) == 4
    if -4 <= k < 4:
        assert walk[k].index == range(4)[k]
    else:
        with pytest.raises(IndexError, match=f"no step {k}"):
            walk[k]
    assert [step.index for step in walk] == [0, 1, 2, 3]
    assert [step.index for step in walk[1:3]] == [1, 2]
    assert [step.index for step in reversed(walk)] == [3, 2, 1, 0]


def test_a_huge_product_answers_at_once_and_holds_nothing() -> None:
    n = 2048
    x = values((n, n), 1, torch.float32)
    node = trace(torch.matmul, x, x).nodes[-1]
    for order in node.orders:  # what is imported late is imported now
        str(node.walk(order)[0])
    tracemalloc.start()
    for order in node.orders:
        walk = node.walk(order)
        total = len(walk)
        for k in (0, 1, total // 3, total - 1, -1):
            with at_most(20_000):
                step = walk[k]
                assert len(step.writes) >= 1
                assert all(len(found) >= 1 for found in step.reads)
                assert isinstance(step.text, str)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(node.walk("terms")) == n**3
    assert peak < 4_000_000
    last = node.walk("terms")[-1]
    assert last.value == pytest.approx(node.value[-1, -1].item(), rel=1e-3)


@settings(max_examples=30)
@given(data=st.data())
def test_half_types_add_up_to_within_their_rounding(data: st.DataObject) -> None:
    dtype = data.draw(
        st.sampled_from([torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.float32])
    )
    one, other = data.draw(broadcast(2))
    x, y = values((*one, 2, 3), 1, dtype), values((*other, 3, 2), 2, dtype)
    node = trace(torch.matmul, x, y).nodes[-1]
    for step in node.walk("cells"):
        (cell,) = step.writes
        tolerance = 0.0 if not dtype.is_floating_point else 8 * torch.finfo(dtype).eps
        assert step.value == pytest.approx(node.value[cell].item(), rel=tolerance, abs=4 * tolerance)


def test_whole_numbers_are_added_up_exactly() -> None:
    node = trace(torch.matmul, torch.tensor([[3, 2**60 + 1]]), torch.tensor([[1], [1]])).nodes[-1]
    terms = [term.factors for term in node.walk("cells")[0].terms]
    assert sum(one * other for one, other in terms) == int(node.value) == 2**60 + 4


def test_more_axes_than_small_letters_can_be_walked() -> None:
    shape = (1,) * 24 + (2, 3)
    node = trace(torch.matmul, values(shape, 1), values((*shape[:-2], 3, 2), 2)).nodes[-1]
    walk = node.walk("outer")
    last = walk.values(len(walk) - 1, (0,) * 24, range(2), range(2))
    assert torch.allclose(torch.tensor(last), node.value.reshape(2, 2).double().float())
    assert walk.values(0, (0,) * 24, range(2), range(2)) != last
