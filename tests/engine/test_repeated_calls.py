"""Calls that come again and again: what is known of the first is true of a later one, or is asked anew."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from llm_linalg import trace
from llm_linalg.analysis.summary import first_not_finite
from llm_linalg.base.errors import LimitError
from llm_linalg.recording.ending import OUT_OF_MEMORY, Ending
from llm_linalg.recording.gap import Gap
from llm_linalg.recording.record_node import OUTSIDE, Origin, has_operator
from llm_linalg.recording.recorder import Recorder
from tests.common import known
from tests.engine.here import run

TIMES = 4  # a call is known by its key from its third time on


def test_what_is_drawn_anew_at_each_call_can_be_drawn_again() -> None:
    t = run(
        f"x = torch.ones(50)\nfor _ in range({TIMES}):\n    y = F.dropout(x)\n    z = torch.bernoulli(x / 2)"
    )
    drawn = [node for node in t.nodes if node.op in ("dropout", "bernoulli")]
    assert len(drawn) == 2 * TIMES
    for node in drawn:
        call = known(node.call)
        assert torch.equal(call.replay(call.tensors), node.value)


def test_what_is_shown_of_a_long_loop_at_first_binds_few_of_its_calls() -> None:
    def function(x: Tensor) -> Tensor:
        for _ in range(50):
            x = x @ x.T + x[0:1]
            x = x / x.sum()
        return x

    made = trace(function, torch.rand(2, 2))
    assert first_not_finite(made.nodes) is None
    assert made.map.multiplications == 50 * (8 + 4)
    assert not made.heads
    assert all(node.name for node in made.nodes)
    bound = [node for node in made.nodes if node.plan is None]
    assert len(bound) < 20


def test_a_call_is_described_by_its_own_cells_and_not_by_those_of_the_calls_before() -> None:
    targets = [*[[0, 1]] * (TIMES - 1), [0, -100]]
    t = run(f"x = torch.randn(2, 3)\nfor k in {targets}:\n    y = F.cross_entropy(x, torch.tensor(k))")
    parts = [[part.name for part in n.parts] for n in t.nodes if n.op == "cross_entropy"]
    assert ["ignored" in names for names in parts] == [*[False] * (TIMES - 1), True]
    counts = [*[[1, 2]] * (TIMES - 1), [2, 0]]
    t = run(f"x = torch.randn(2, 3)\nfor k in {counts}:\n    y = x.repeat_interleave(torch.tensor(k), 0)")
    assert [len(node.value) for node in t.nodes if node.op == "repeat_interleave"] == [3, 3, 3, 2]
    last = t["y"]
    assert {index[0] for cell in ((0, 0), (1, 2)) for index in last.reads(cell)[0]} == {0}


@pytest.mark.parametrize("number", [0.0, -0.0, 1.0, 1, True])
def test_numbers_that_are_equal_are_not_the_same_number(number: float) -> None:
    others = [0.0, -0.0, 1.0, 1, True]
    for written in ("torch.full((2,), {})", "torch.ones(2).copysign({})", "torch.tensor([{}])"):
        lines = [f"y = {written.format(own)}" for own in [*others, *others, number]]
        t = run("\n".join(lines))
        node = t["y"]
        expected = eval(written.format(number), {"torch": torch})  # noqa: S307 - our own text
        assert torch.equal(node.value.signbit(), expected.signbit())
        call = known(node.call)
        again = call.replay(call.tensors)
        assert (again.dtype, repr(again)) == (expected.dtype, repr(expected)), written


def test_a_statistic_that_is_written_shows_what_it_was() -> None:
    t = run(
        "x, mean, var = torch.ones(4, 3), torch.zeros(3), torch.ones(3)\nbefore = mean * 1\n"
        f"for _ in range({TIMES}):\n    y = F.batch_norm(x, mean, var, training=True, momentum=0.5)"
    )
    means = [node.value[0].item() for node in t.nodes if node.op == "running_mean"]
    assert means == [0.5, 0.75, 0.875, 0.9375]
    assert next(node for node in t.nodes if node.bound_name == "mean").value.tolist() == [0.0] * 3


def test_a_gradient_that_is_given_shows_what_it_was_before_a_pass_adds_to_it() -> None:
    t = run(
        "w = torch.ones(2, requires_grad=True)\ng = torch.full((2,), 5.0)\nw.grad = g\n"
        "(w * 3).sum().backward()\nh = g * 1"
    )
    given = next(node for node in t.nodes if node.op == "full")
    assert given.value.tolist() == [5.0, 5.0]
    assert t["h"].value.tolist() == [8.0, 8.0]


def test_a_gradient_that_is_added_to_is_of_what_its_tensor_holds_by_then() -> None:
    t = run(
        "w = torch.ones(2, requires_grad=True)\n(w * 3).sum().backward()\ng = w.grad\n"
        "with torch.no_grad():\n    w.sub_(g)\n(w * w).sum().backward()\nh = g * 1\n"
        "(w * 2).sum().backward()\nk = g * 1"
    )
    assert (t["h"].value.tolist(), t["k"].value.tolist()) == ([-1.0, -1.0], [1.0, 1.0])
    for node in t.nodes:
        call = node.call
        values = [operand.value for operand in node.operands]
        assert call is None or all(map(torch.equal, call.tensors, values)), node.op


class Fresh(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * 2


class Making(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = Fresh()(x)
        return made


def test_a_module_that_is_made_on_the_way_stands_in_the_one_that_makes_it() -> None:
    model = nn.Sequential(nn.Identity(), Making())
    assert [node.scope for node in trace(model, torch.ones(2)).nodes if node.op == "mul"] == ["1.Fresh"]


def test_data_that_a_plain_tensor_is_given_stops_no_gradient() -> None:
    t = run(
        "w = torch.ones(2, requires_grad=True)\nx = torch.zeros(2)\nx.data = torch.full((2,), 3.0)\n"
        "loss = (x * w).sum()"
    )
    assert not any(node.flows_on for node in t.nodes)
    assert t.backward("loss")["dw"].value.tolist() == [3.0, 3.0]


def test_what_a_gap_has_not_changed_is_what_it_was() -> None:
    recorder = Recorder(Origin)
    with recorder:
        odd, other = torch.tensor([1.0, float("nan")]), torch.ones(2)
        node, changed = recorder.bind("odd", odd), recorder.bind("other", other)
        recorder.pause()
        other.add_(1)
        recorder.resume(Gap(1, 1, 1, 1, 2))
        assert recorder.node_of(odd) is node
        assert recorder.node_of(other) is None
        doubled = other * 2
    names = recorder.finish("", 0).names
    assert names["other"] is not changed
    assert known(recorder.node_of(doubled)).operands[0].node is names["other"]


def test_of_what_is_lost_to_an_unseen_write_all_is_open_that_was_made_from_it() -> None:
    recorder, x = Recorder(Origin), torch.arange(3.0)
    with recorder:
        part = x[1:]
        double = part * 2
        apart = torch.ones(2) * 3
        with torch._C.DisableTorchFunction():
            x.add_(1)
        after = x * 1
    assert after.tolist() == [1.0, 2.0, 3.0]
    assert [node.op for node in recorder.nodes[:5]] == [*[OUTSIDE] * 3, "ones", "mul"]
    assert known(recorder.node_of(apart)).op == known(recorder.node_of(after)).op == "mul"
    assert known(recorder.node_of(double)).op == OUTSIDE


def test_a_tensor_that_is_passed_twice_has_the_first_name() -> None:
    x = torch.ones(2)
    t = trace(lambda one, other: one + other * 2, x, x)
    assert [node.bound_name for node in t.nodes if node.call is None] == ["one"]


def test_scopes_are_alike_that_do_the_same_with_the_same_kinds_of_numbers() -> None:
    calls = ("torch.ones(2)", "torch.zeros(2)", "torch.ones(2).double()", "torch.ones(3)")
    t = run("def f(x):\n    return x * 2\n" + "\n".join(f"y = f({call})" for call in calls))
    first, *others = t.scopes.children.values()
    assert [first.likeness == other.likeness for other in others] == [True, False, False]


def test_a_title_shows_both_ends_of_a_long_expression() -> None:
    expression = f"torch.cat([{', '.join(['x'] * 300)}, x.neg()])"
    t = run(f"x = torch.ones(1)\nprint({expression})")
    node = next(own for own in t.nodes if own.op == "cat")
    assert node.title.startswith("torch.cat([x")
    assert node.title.endswith("x.neg()])")
    assert len(node.title) <= 24


@pytest.mark.parametrize(
    ("text", "has"),
    [
        ("x.expand(2, 3)", False),
        ("torch.linalg.norm(x)", False),
        ("f(a + b)", False),
        ("notes[1]", False),
        ("a if b else c", True),
        ("not a", True),
        ("a.T @ b", True),
    ],
)
def test_an_index_follows_what_has_no_operator(text: str, has: bool) -> None:
    assert has_operator(text) is has


def test_what_is_differentiated_is_what_gradients_flow_through() -> None:
    made = "x = torch.ones(2, requires_grad=True)\ny = x * 2\n"
    silent = "with torch.no_grad():\n    z = y.sum()"
    assert known(run(f"{made}{silent}").loss).name == "y"
    assert known(run(f"{made}s = y.sum()\n{silent}").loss).name == "s"
    assert known(run(f"{made}loss = y.mean()\ns = y.sum()").loss).name == "loss"


def test_an_end_and_a_gap_in_words() -> None:
    assert Ending.of(LimitError(OUT_OF_MEMORY)).kind == "memory"
    assert Ending.of(LimitError("too much")).kind == "counts"
    assert Gap(1, 3, 3, 10, 0).says == "turn 3 of 10 was computed, and its steps are not kept"
    assert Gap(1, 3, 1_800, 2_000, 0).says.startswith("turns 3 to 1,800 of 2,000 were computed, and their")
