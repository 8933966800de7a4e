"""Two traces beside each other: a change is found at the node where it is, and nowhere before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from llm_linalg import load_trace, trace
from llm_linalg.analysis.comparison import compare
from llm_linalg.recording.record import descendants
from tests.common import known


class Block(nn.Module):
    """Attention and a layer, added to what comes in; a number may be changed in the middle of it."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.qkv, self.out = nn.LayerNorm(8), nn.Linear(8, 24), nn.Linear(8, 8)
        self.nudge = 0.0
        self.activation: Callable[[Tensor], Tensor] = functional.gelu

    def forward(self, x: Tensor) -> Tensor:
        """Returns as many rows."""
        q, k, v = self.qkv(self.norm(x)).chunk(3, -1)
        y = functional.scaled_dot_product_attention(q, k, v)
        mixed = y * (1.0 + self.nudge)
        found: Tensor = x + self.activation(self.out(mixed))
        return found


def model(blocks: int = 3) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(*(Block() for _ in range(blocks)))


X = torch.linspace(-1, 1, 2 * 4 * 8).reshape(2, 4, 8)


def block(layers: nn.Sequential, place: int) -> Block:
    found = layers[place]
    assert isinstance(found, Block)
    return found


def test_a_trace_is_the_same_as_itself() -> None:
    one, other = trace(model(), X), trace(model(), X)
    found = compare(one, other)
    assert found.is_same
    assert found.first is None
    assert [found.twins[node].index for node in one.nodes] == [node.index for node in other.nodes]


@given(st.integers(0, 2), st.floats(1e-3, 10))
def test_an_injected_change_is_found_at_its_node(place: int, nudge: float) -> None:
    changed = model()
    block(changed, place).nudge = nudge
    one, other = trace(model(), X), trace(changed, X)
    found = compare(one, other)
    first = known(found.first)
    assert (first.node.bound_name, first.node.scope, first.kind) == ("mixed", str(place), "values")
    gap = (first.twin.value - first.node.value).abs()
    assert first.largest == pytest.approx(float(gap.max()), rel=1e-6)
    assert first.relative == pytest.approx(float(gap.max() / first.node.value.abs().max()), rel=1e-6)
    assert first.cells == int((gap > 0).sum())
    assert [change.node for change in found.changes.values() if change.begins] == [first.node]
    assert set(found.changes) <= set(descendants(one.nodes, first.node))
    for node, twin in found.twins.items():
        assert (node in found.changes) == (not torch.equal(node.value, twin.value))


@given(st.integers(0, 2), st.sampled_from(["norm.weight", "qkv.bias", "out.weight"]))
def test_another_parameter_is_where_a_checkpoint_differs(place: int, name: str) -> None:
    changed = model()
    with torch.no_grad():
        block(changed, place).get_parameter(name).reshape(-1)[3] += 0.5
    found = compare(trace(model(), X), trace(changed, X))
    first = known(found.first)
    assert (first.node.name, first.cells) == (f"{place}.{name}", 1)
    assert first.largest == pytest.approx(0.5, rel=1e-5)
    assert [change.node for change in found.changes.values() if change.begins] == [first.node]


def test_another_input_and_another_length() -> None:
    one = trace(model(), X)
    longer = compare(one, trace(model(), torch.cat([X, X], 1)))
    assert known(longer.first).node.name == "input"
    assert {change.kind for change in longer.changes.values()} == {"shape"}
    assert known(longer.first).largest is None
    moved = compare(one, trace(model(), X + 1))
    assert [change.node.name for change in moved.changes.values() if change.begins] == ["input"]


def test_an_operation_in_the_place_of_another_and_one_that_is_new() -> None:
    changed = model()
    block(changed, 1).activation = functional.relu
    found = compare(trace(model(), X), trace(changed, X))
    assert [node.op for node in found.only_first] == ["gelu"]
    assert [node.op for node in found.only_other] == ["relu"]
    assert known(found.first).node.scope == "1"
    assert known(found.first).node.op == "add"
    assert known(found.first).begins  # what is other before it has no twin

    def one(x: Tensor) -> Tensor:
        y = x.tanh()
        return y * 2

    def other(x: Tensor) -> Tensor:
        y = x.sigmoid()
        return y * 2

    first = known(compare(trace(one, X), trace(other, X)).first)
    assert (first.node.bound_name, first.kind, first.begins) == ("y", "operation", True)


@pytest.mark.parametrize("place", [0, 2, 4])
def test_what_stands_between_names_that_are_alike_moves_no_other(place: int) -> None:
    def run(x: Tensor, added: int | None) -> Tensor:
        for turn in range(5):
            x = x.tanh()
            if turn == added:
                x = x + 1
        return x.sum()

    found = compare(trace(run, X, None), trace(run, X, place))
    assert [node.op for node in found.only_other] == ["add"]
    assert not found.only_first
    ops = [(node.op, twin.op) for node, twin in found.twins.items()]
    assert all(one == other for one, other in ops)
    first = known(found.first).node
    assert first.index == found.only_other[0].index  # the first that comes after it
    assert [change.node for change in found.changes.values() if change.begins] == [first]


def test_nan_is_itself_and_nothing_else() -> None:
    def f(x: Tensor) -> Tensor:
        y = x / x
        return y + 1

    zero, one = torch.zeros(3), torch.tensor([0.0, 1.0, 0.0])
    assert compare(trace(f, zero), trace(f, zero.clone())).is_same
    found = compare(trace(f, zero), trace(f, one))
    changes = list(found.changes.values())
    assert [change.cells for change in changes] == [1, 1, 1]
    assert str((changes[1].largest, changes[1].relative)) == "(nan, nan)"
    endless = torch.tensor([0.0, torch.inf, 0.0])
    assert known(compare(trace(f, one), trace(f, endless)).first).largest == torch.inf


def test_a_tolerance_leaves_rounding_out() -> None:
    layers, exact = model(), model().double()
    one, other = trace(layers, X), trace(exact, X.double())
    assert {change.kind for change in compare(one, other).changes.values()} == {"dtype"}
    assert compare(one, other, 1e-4).is_same
    block(exact, 2).nudge = 0.01
    found = compare(one, trace(exact, X.double()), 1e-4)
    assert known(found.first).node.bound_name == "mixed"


def test_of_dropped_values_nothing_is_said() -> None:
    one = trace(model(), X, keep=1)
    found = compare(one, trace(model(), X + 1))
    assert found.unknown
    assert not set(found.unknown) & set(found.changes)


def test_traces_that_were_saved_are_compared_as_they_were(tmp_path: Path) -> None:
    changed = model()
    block(changed, 1).nudge = 0.5
    trace(model(), X).save(tmp_path / "one.trace")
    trace(changed, X).save(tmp_path / "other.trace")
    found = compare(load_trace(tmp_path / "one.trace"), load_trace(tmp_path / "other.trace"))
    first = known(found.first)
    assert (first.node.bound_name, first.node.scope, first.begins) == ("mixed", "1", True)


@pytest.mark.parametrize(
    ("one", "other", "largest"),
    [([2**60, 5], [2**60 + 1, 5], 1.0), ([2**62, 5], [-(2**62), 5], 2.0**63), ([7, 7], [7, 4], 3.0)],
)
def test_long_whole_numbers_differ_by_their_last_digit(
    one: list[int], other: list[int], largest: float
) -> None:
    own, theirs = (trace(lambda x: x * 1, torch.tensor(numbers)) for numbers in (one, other))
    found = known(compare(own, theirs).first)
    assert (found.node.op, found.cells, found.largest, found.begins) == ("input", 1, largest, True)


DTYPES = [
    *(torch.bool, torch.uint8, torch.uint16, torch.int64, torch.float16, torch.bfloat16, torch.float32),
    *(torch.float64, torch.complex64, torch.float8_e4m3fn, torch.float8_e5m2),
]


@pytest.mark.parametrize("one", DTYPES)
def test_numbers_of_any_two_dtypes_are_compared(one: torch.dtype) -> None:
    for other in DTYPES:
        same, less = (trace(torch.clone, own.to(other)) for own in (torch.eye(2), torch.zeros(2, 2)))
        own = trace(torch.clone, torch.eye(2).to(one))
        assert compare(own, same).is_same == (one == other)
        found = known(compare(own, less).first)
        assert (found.cells, found.largest) == (2, 1.0)
