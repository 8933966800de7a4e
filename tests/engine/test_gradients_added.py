"""A backward pass adds to gradients where they live: what was read of them before stays as it was."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, library

from llm_linalg import trace
from tests.engine.here import run

READ = "w = torch.ones(2, requires_grad=True)\n(w * 2).sum().backward()\ng = w.grad\n"
AGAIN = "(w * 3).sum().backward()\n"


@given(st.lists(st.integers(1, 9), min_size=2, max_size=5))
def test_each_gradient_that_was_read_shows_what_it_was_then(times: list[int]) -> None:
    passes = "".join(f"(w * {k}).sum().backward()\ny = w.grad + 1\n" for k in times)
    found = run("w = torch.ones(2, requires_grad=True)\n" + passes)
    sums = [float(sum(times[: k + 1])) for k in range(len(times))]
    gradients = [node for node in found.nodes if node.op == "grad"]
    assert [node.value.tolist() for node in gradients] == [[total] * 2 for total in sums]
    added = [node for node in found.nodes if node.op == "add"]
    assert [node.operands[0].node for node in added] == gradients
    assert [node.value.tolist() for node in added] == [[total + 1] * 2 for total in sums]


def test_a_name_means_the_gradient_as_it_is_now() -> None:
    found = run(READ + AGAIN + "h = g + 1")
    assert found["g"].value.tolist() == [5, 5]
    assert found["h"].operands[0].node is found["g"]
    before, after = [node for node in found.nodes if node.op == "grad"]
    assert (before.value.tolist(), before.line) == ([2, 2], 3)
    assert (after.value.tolist(), after.line) == ([5, 5], 4)


def test_what_looks_into_a_gradient_sees_what_was_added() -> None:
    found = run(READ + "v = g[0]\n" + AGAIN + "z = v * 2")
    assert found["z"].value.item() == 10
    assert [node.value.item() for node in found.nodes if node.name == "v"] == [2, 5]


@pytest.mark.parametrize(
    "between",
    ["w.grad = None\n", "g = g.clone()\nw.grad = None\n", "w = w.detach() + 0\nw.requires_grad = True\n"],
)
def test_one_that_was_put_away_is_not_added_to(between: str) -> None:
    found = run(READ + between + AGAIN + "y = g + 1")
    assert found["g"].value.tolist() == [2, 2]
    assert found["y"].value.tolist() == [3, 3]


@pytest.mark.parametrize("own", ["g", "g[:]", "g.detach()"])
def test_one_that_the_program_has_set_is_added_to(own: str) -> None:
    start = f"w = nn.Parameter(torch.ones(2))\ng = torch.zeros(2)\nw.grad = {own}\n"
    t = run(start + AGAIN + "y = g + 1\nz = w.grad * 2")
    assert not [node for node in t.nodes if node.evidence == "outside"]
    assert [t[name].value.tolist() for name in "gyz"] == [[3, 3], [4, 4], [6, 6]]
    assert t["z"].operands[0].node.op == "grad"


@library.custom_op("llm_linalg_tests::grad", mutates_args=())
def grad(size: int) -> Tensor:
    return torch.ones(size)


def test_an_operator_may_be_called_grad() -> None:
    t = run(READ.replace("2)", "grad(2))", 1).replace("g =", "h =") + AGAIN, names={"grad": grad})
    assert t["h"].op == "grad"


def test_one_that_the_program_has_set_is_shown_before_and_after_each_pass() -> None:
    t = run("w = nn.Parameter(torch.ones(2))\nw.grad = torch.zeros(2)\n" + AGAIN * 2)
    assert next(node for node in t.nodes if node.op == "zeros").value.tolist() == [0, 0]
    assert [node.value.tolist() for node in t.nodes if node.op == "grad"] == [[0, 0], [3, 3], [6, 6]]


def test_one_that_the_way_back_does_not_reach_stays_the_same_node() -> None:
    found = run(READ + "u = torch.ones(2, requires_grad=True)\n(u * 3).sum().backward()\ny = g + 1")
    assert [node.op for node in found.nodes].count("grad") == 1
    assert found["y"].operands[0].node is found["g"]


def test_those_that_a_budget_keeps_are_as_they_were() -> None:
    def accumulate() -> None:
        w = torch.ones(1000, requires_grad=True)
        for k in range(1, 30):
            (w * k).sum().backward()  # type: ignore[no-untyped-call]
            gradient = w.grad
            assert gradient is not None
            _ = gradient + 1

    found = trace(accumulate, keep=200_000)
    assert any(node.dropped for node in found.nodes if node.op == "grad")
    whole = [node for node in found.nodes if node.op == "add" and not node.dropped]
    kept = [node for node in whole if not node.operands[0].node.dropped]
    assert len(kept) > 3
    assert all(torch.equal(node.value, node.operands[0].value + 1) for node in kept)


@pytest.mark.parametrize("inputs", ["x", "[x]", "{0: x}"])
def test_gradients_are_nodes_whatever_they_are_asked_in(inputs: str) -> None:
    ask = f"torch.autograd.grad((x * 2).sum(), {inputs})[0]"
    t = run(f"x = torch.ones(2).requires_grad_()\ng = {ask}\nh = g * 1")
    assert (t["h"].operands[0].node.op, t["g"].value.tolist()) == ("grad", [2, 2])


def test_a_gradient_that_has_one_itself_is_not_gone_back_through() -> None:
    t = run("w = torch.ones(2).requires_grad_()\n(w**3).sum().backward(create_graph=True)\ny = w.grad.sum()")
    with pytest.raises(LookupError, match="not recorded"):
        t.backward(t["y"])


def test_a_gradient_that_is_read_again_is_a_node_again() -> None:
    again = "(w * 3).sum().backward()\n"
    t = run(
        f"w = torch.ones(2, requires_grad=True)\n{again}a = w.grad * 1\n{again}b = w.grad * 1\nc = w.grad * 2"
    )
    assert len({t[name].operands[0].node for name in "bc"}) == 2
