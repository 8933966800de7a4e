"""Walks: every step of every order, held against the node's cells, its reads and its values."""

from __future__ import annotations

import math
import time
import tracemalloc
from collections import Counter
from itertools import product
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_linalg import Node, Walk, trace
from llm_linalg import node as recorded
from llm_linalg.formula import walk_of
from llm_linalg.ops import TABLE
from llm_linalg.orders import ORDERS
from llm_linalg.vocabulary import ORDER_NAMES
from tests.engine.drawing import Sample, broadcast, values
from tests.engine.samples import samples

Index = tuple[int, ...]


def cells(node: recorded.Node) -> list[Index]:
    return list(product(*map(range, node.shape)))


def close(one: Any, other: Any, exact: bool = False) -> bool:
    if isinstance(one, bool | int) or one is None or exact:
        return bool(one == other or (one != one and other != other))
    return float(one) == pytest.approx(float(other), rel=1e-4, abs=1e-5, nan_ok=True)


def nodes_of(data: st.DataObject, name: str) -> list[Node]:
    sample: Sample = data.draw(samples(name))
    return [node for node in trace(sample.function, *sample.inputs).nodes if node.op == name]


@pytest.mark.filterwarnings("ignore::UserWarning")  # torch's, of a variance of one number
@pytest.mark.parametrize("name", sorted(TABLE.operations))
@settings(max_examples=10)
@given(data=st.data())
def test_walks(name: str, data: st.DataObject) -> None:
    for node in nodes_of(data, name):
        assert node.orders[0] == "cells"
        assert len(set(node.orders)) == len(node.orders)
        for order in node.orders:
            walk = node.walk(order)
            _covers(walk)
            _reads(walk)
            _adds_up(walk)
            _looks(walk)


def _covers(walk: Walk) -> None:
    """All steps together write each cell, as often as the order says, and `locate` finds the first."""
    node, written = walk.node, Counter[Index]()
    first: dict[Index, int] = {}
    for k in range(len(walk)):
        writes = list(walk[k].writes)
        assert len(writes) == len(set(writes)) == len(walk[k].writes)
        assert all(cell in walk[k].writes for cell in writes)
        written.update(writes)
        for cell in writes:
            first.setdefault(cell, k)
    terms = node.term_count if walk.order in ("terms", "outer") else 1
    assert terms is not None
    assert written == Counter(dict.fromkeys(cells(node), terms)) if terms else not written
    for cell, k in first.items():
        assert walk.locate(cell) == k
        assert walk.state(k - 1, cell) == "pending"
        last = walk.span(cell)[1]
        assert cell in walk[last].writes
        assert {walk.state(k, cell), walk.state(last, cell)} == {"current"}
        assert walk.state(last + 1, cell) == "done"


def _reads(walk: Walk) -> None:
    """A step reads what its cells read; the terms of a cell read it part by part."""
    node = walk.node
    by_cell: dict[Index, list[set[Index]]] = {}
    for k in range(len(walk)):
        step = walk[k]
        own: list[set[Index]] = [set() for _ in node.operands]
        for cell in step.writes:
            for place, found in enumerate(node.reads(cell)):
                own[place] |= set(found)
        assert len(step.reads) == len(node.operands)
        for place, found in enumerate(step.reads):
            if walk.order in ("terms", "outer"):
                assert set(found) <= own[place]
            else:
                assert set(found) == own[place]
            for cell in step.writes:
                by_cell.setdefault(cell, [set() for _ in node.operands])[place] |= set(found)
    if walk.order == "terms":
        for cell, parts in by_cell.items():
            assert parts == [set(found) for found in node.reads(cell)]


def _adds_up(walk: Walk) -> None:
    """A step's value is the sum of the terms up to it, and the last one's is the node's."""
    node = walk.node
    for k in range(len(walk)):
        step = walk[k]
        if walk.order not in ("cells", "terms"):
            assert step.value is None
            assert tuple(step.terms) == ()
            assert step.current is None
            continue
        (cell,) = step.writes
        assert node.term_count is None or len(step.terms) == node.term_count
        states = [term.state for term in step.terms]
        assert states == sorted(states, key=["done", "current", "pending"].index)
        if states:
            assert states.count("current") == 1
            assert step.current == states.index("current")
            assert repr(step.terms[-1]) == repr(list(step.terms)[-1])  # nan equals nothing
        if node.term_count:
            total = sum(term.value for term in step.terms if term.state != "pending")
            assert close(total, step.value)
            if node.value.dtype.is_floating_point:
                for term in step.terms:
                    assert close(math.prod(term.factors), term.value)
        if k in (walk.span(cell)[1], walk.locate(cell)) and k == walk.span(cell)[1]:
            assert close(node.value[cell].item(), step.value)


def _looks(walk: Walk) -> None:
    """The window after a step holds what is done, what is under way, and None for the rest."""
    node = walk.node
    rows = node.shape[-2] if len(node.shape) > 1 else 1
    columns = node.shape[-1] if node.shape else 1
    for k in {-1, 0, len(walk) // 2, len(walk) - 1} & set(range(-1, len(walk))):
        for at in product(*map(range, node.shape[:-2])):
            shown = walk.values(k, at, range(rows), range(columns))
            assert [len(row) for row in shown] == [columns] * rows
            for r, c in product(range(rows), range(columns)):
                cell = (*at, r, c)[-len(node.shape) :] if node.shape else ()
                state = walk.state(k, cell)
                assert (shown[r][c] is None) == (state == "pending")
                if state == "done" or (state == "current" and k == walk.span(cell)[1]):
                    assert close(shown[r][c], node.value[cell].item(), exact=True)
                elif state == "current" and walk.order == "terms":
                    assert close(shown[r][c], walk[k].value)
                elif state == "current":
                    cells_walk = walk_of(node, "terms")
                    done = k - walk.locate(cell)
                    assert close(shown[r][c], cells_walk[cells_walk.locate(cell) + done].value)
    part = walk.values(
        len(walk) - 1, (0,) * max(len(node.shape) - 2, 0), range(rows)[1:2], range(columns)[1:3]
    )
    assert len(part) == len(range(rows)[1:2])


@pytest.mark.parametrize("name", ["matmul", "linear", "einsum"])
@settings(max_examples=30)
@given(data=st.data())
def test_products_in_every_order(name: str, data: st.DataObject) -> None:
    for node in nodes_of(data, name):
        for order in node.orders:
            walk = node.walk(order)
            for check in (_covers, _reads, _adds_up, _looks):
                check(walk)


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
    n = 4096
    x = values((n, n), 1, torch.float32)
    node = trace(torch.matmul, x, x).nodes[-1]
    for order in node.orders:  # what is imported late is imported now
        str(node.walk(order)[0])
    tracemalloc.start()
    for order in node.orders:
        walk = node.walk(order)
        total = len(walk)
        for k in (0, 1, total // 3, total - 1, -1):
            start = time.process_time()
            step = walk[k]
            assert len(step.writes) >= 1
            assert all(len(found) >= 1 for found in step.reads)
            assert isinstance(step.text, str)
            assert time.process_time() - start < 0.05
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


def test_an_empty_inner_axis_gives_zeros_and_no_terms() -> None:
    node = trace(torch.matmul, torch.ones(2, 0), torch.ones(0, 3)).nodes[-1]
    assert len(node.walk("terms")) == 0
    assert [step.value for step in node.walk("cells")] == [0] * 6
    assert all(step.text for step in node.walk("cells"))
