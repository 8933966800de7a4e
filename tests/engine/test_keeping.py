"""Long traces: a budget bounds the values that are kept, what was dropped says so and can be had again."""

from __future__ import annotations

import gc
import re
from collections.abc import Callable
from typing import Any
from weakref import ref

import pytest
import torch
from torch import Tensor

from llm_linalg import Trace, run, trace
from tests.engine.test_written_outside import WAYS

SIZE = 1000 * 4  # bytes of one value


def function(x: Tensor) -> Tensor:
    for _ in range(50):
        y = x + torch.rand(1000)
        x = y.view(10, 100).view(-1) * 0.5
    return x


def kept(t: Trace) -> list[int]:
    return [node.index for node in t.nodes if node.call is not None and not node.dropped]


def held(t: Trace) -> int:
    """Bytes of memory that the kept nodes of a trace hold, counted once; its inputs left out."""
    outside = {node.value.untyped_storage().data_ptr() for node in t.nodes if node.call is None}
    found = {}
    for node in t.nodes:
        for tensor in (node.value, *(operand.value for operand in node.operands)):
            if not tensor.is_meta:
                found[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
    return sum(size for place, size in found.items() if place not in outside)


def test_without_a_budget_nothing_is_dropped_and_views_share() -> None:
    t = trace(function, torch.ones(1000), keep=None)
    assert not [node for node in t.nodes if node.dropped]
    assert held(t) == 3 * 50 * SIZE  # the random numbers, the sum, the product; not the views


@pytest.mark.parametrize("values", [0, 1, 4, 20])
def test_a_budget_bounds_the_values_that_are_kept(values: int) -> None:
    t = trace(function, torch.ones(1000), keep=values * SIZE)
    assert held(t) <= values * SIZE
    assert len(t.nodes) == 251
    last = kept(t)
    assert last == list(range(251 - len(last), 251))  # the latest
    assert bool(last) == (values >= 2)


@pytest.mark.filterwarnings("ignore")  # torch's own, of odd ways to write
@pytest.mark.parametrize("way", sorted(WAYS.keys() - {"set"}))  # which makes it shorter
def test_a_budget_holds_whoever_writes_what_was_read(way: str) -> None:
    def function(x: Tensor) -> Tensor:
        for _ in range(60):
            y = torch.rand(1000) + x
            part = y[:500]  # what it shows is written before it is looked at
            WAYS[way](y)
            x = x + y + part.sum()
        return x

    assert held(trace(function, torch.ones(1000), keep=10 * SIZE)) <= 10 * SIZE


def test_a_budget_is_used_however_often_a_value_was_written() -> None:
    def function(x: Tensor) -> Tensor:
        y = x * 1
        for _ in range(60):
            y.add_(1)
        return y

    assert 8 * SIZE < held(trace(function, torch.ones(1000), keep=10 * SIZE)) <= 10 * SIZE


def test_views_of_what_is_the_callers_take_none_of_a_budget() -> None:
    assert not trace(lambda x: x[1:].view(3, 333)[1:].mT, torch.ones(1000), keep=8).dropped


def test_what_was_dropped_says_so_and_knows_its_shape() -> None:
    t = trace(function, torch.ones(1000), keep=8 * SIZE)
    node = next(node for node in t.nodes if node.op == "mul")
    assert (node.dropped, node.shape, node.dtype, node.kind) == (True, (1000,), "float32", "pointwise")
    assert node.value.is_meta
    assert node.shape_line
    assert node.operands[0].node is not None
    assert node.operands[0].value.shape == (1000,)


def test_what_was_dropped_can_be_computed_again() -> None:
    whole = trace(function, torch.ones(1000), seed=3, keep=None)
    t = trace(function, torch.ones(1000), seed=3, keep=8 * SIZE)
    for index in (1, 5, 100, 249, 250):
        again = t.recomputed(t.nodes[index])
        assert not again.dropped
        assert torch.equal(again.value, whole.nodes[index].value)
        for operand, other in zip(again.operands, whole.nodes[index].operands, strict=True):
            assert torch.equal(operand.value, other.value)
    assert t.recomputed(t.nodes[250]) is t.nodes[250]
    little = trace(function, torch.ones(1000), seed=3, keep=1)
    assert torch.equal(little.recomputed(little.nodes[100]).value, whole.nodes[100].value)
    little.rerun = None
    with pytest.raises(LookupError, match="can't be computed again"):
        little.recomputed(little.nodes[100])


def test_what_is_dropped_leaves_each_its_name() -> None:
    def block(x: Tensor) -> Tensor:
        h = x.sin()
        x = x + h
        return x * 2

    def blocks(x: Tensor) -> Tensor:
        for _ in range(90):
            x = block(x)
        return x

    whole, t = (trace(blocks, torch.ones(1000), keep=keep) for keep in (None, 8 * SIZE))
    assert [node.name for node in t.nodes] == [node.name for node in whole.nodes]
    assert {name: node.index for name, node in t.names.items()} == {
        name: node.index for name, node in whole.names.items()
    }


def test_what_goes_another_way_is_not_taken_for_what_was_dropped() -> None:
    ways = iter([torch.sin, torch.cos])
    t = trace(lambda x: next(ways)(x) + 1, torch.ones(1000), keep=SIZE)
    node = next(node for node in t.nodes if node.op == "sin")
    with pytest.raises(LookupError, match="the values of sin_1 were dropped, and can't be computed again"):
        t.recomputed(node)


def through(x: Tensor) -> Tensor:
    shut = torch.ones(4, 4).tril() == 0
    return ((x @ x.T).masked_fill(shut, 0.0) @ torch.ones(4, 2)).sum() * 3


@pytest.mark.parametrize("asked", ["backward", "lineage", "influence", "reach", "effect"])
def test_nothing_is_said_of_cells_through_values_that_were_dropped(asked: str) -> None:
    x = torch.randn(4, 4)
    whole, some = trace(through, x, keep=None), trace(through, x, keep=150)
    assert [node.op for node in some.nodes if node.dropped][-1] == "masked_fill"
    first = asked in ("reach", "effect")
    start = 0 if first else -1

    def found(t: Trace, position: int) -> list[int]:
        node = t.nodes[position]
        given = () if asked == "backward" else ((0,) * len(node.shape),)
        given_back = getattr(t, asked)(node, *given)
        return [other.index for other in getattr(given_back, "nodes", given_back)]

    with pytest.raises(
        LookupError, match=r"^the values of \w+ were dropped: trace it again with a larger keep$"
    ):
        found(some, start)
    assert found(whole, start)
    if asked == "effect":  # the others hang on what those are made from
        assert found(some, -3) == found(whole, -3)


@pytest.mark.parametrize(("asked", "given"), [("reads", ((0, 0),)), ("feeds", (0, (0, 0))), ("walk", ())])
def test_nothing_is_said_of_the_cells_of_a_node_whose_values_were_dropped(
    asked: str, given: tuple[Any, ...]
) -> None:
    whole, some = trace(through, torch.randn(4, 4), keep=None), trace(through, torch.randn(4, 4), keep=150)
    node = some.nodes[6]
    assert (node.op, node.dropped) == ("masked_fill", True)
    with pytest.raises(LookupError, match=r"^the values of masked_fill_6 were dropped: `recomputed`"):
        getattr(node, asked)(*given)
    found, there = getattr(some.recomputed(node), asked)(*given), getattr(whole.nodes[6], asked)(*given)
    assert len(found) == len(there)


def test_around_a_node_its_neighbours_are_kept() -> None:
    t = trace(function, torch.ones(1000), keep=20 * SIZE, around=100)
    assert 100 in kept(t)
    assert held(t) <= 20 * SIZE
    assert {99, 101} <= set(kept(t))


def step(W: Tensor, x: Tensor) -> Tensor:
    """A step of a training, which writes its weight."""
    loss = ((x @ W) ** 2).mean()
    loss.backward()  # type: ignore[no-untyped-call]
    assert W.grad is not None
    with torch.no_grad():
        W -= 0.1 * W.grad
    W.grad = None
    return loss


def double(xs: list[Tensor]) -> Tensor:
    return xs[0].mul_(2) + 1


@pytest.mark.parametrize(
    ("function", "inputs", "name"),
    [
        (step, (torch.ones(3, 2, requires_grad=True), torch.ones(4, 3)), "W"),
        (double, ([torch.ones(50)],), "xs[0]"),
        (lambda x: (x.exp().sum() + 1).backward(), (torch.ones(50, requires_grad=True),), "x"),
    ],
)
def test_what_a_run_has_written_is_not_computed_again(
    function: Callable[..., Any], inputs: tuple[Any, ...], name: str
) -> None:
    found = trace(function, *inputs, keep=1)
    were = [item.clone() for item in inputs if isinstance(item, Tensor)]
    dropped = [node for node in found.nodes if node.dropped]
    assert dropped
    for node in dropped:
        with pytest.raises(LookupError, match=re.escape(f"{name} has been written since")):
            found.recomputed(node)
    assert all(map(torch.equal, were, [item for item in inputs if isinstance(item, Tensor)]))


@pytest.mark.parametrize(
    "make",
    [
        lambda: trace(function, torch.ones(1000)),
        lambda: trace(function, torch.ones(1000), keep=10 * SIZE),
        lambda: trace(torch.nn.Linear(3, 3), torch.ones(3)),
        lambda: run("x = torch.ones(3)\nprint(x)\ny = x * 2"),
    ],
    ids=["function", "dropped", "module", "text"],
)
def test_a_trace_that_nobody_holds_waits_for_no_collection(make: Callable[[], Trace]) -> None:
    gc.disable()
    try:
        made = make()
        whole, node, value = ref(made), ref(made.nodes[-1]), ref(made.nodes[-1].value)
        del made
        assert (whole(), node(), value()) == (None, None, None)
    finally:
        gc.enable()
