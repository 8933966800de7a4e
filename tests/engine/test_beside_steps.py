"""Counted beside steps: how far a backward pass goes, what a message shows; keys of dicts in order."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from llm_linalg import LimitError, ProgramError, run
from llm_linalg.language.brief import brief
from llm_linalg.language.plain import total
from tests.engine.counting import at_most
from tests.engine.test_foresight import taken

DEEP = "x = torch.ones(2, requires_grad=True)\ny = x\nfor i in range({}): y = y * 2\n"


def printed(program: str) -> str:
    trace = run(program)
    return trace.printed


def test_a_backward_pass_takes_the_calls_that_it_goes_back_through() -> None:
    found = []
    for depth in (10, 60):
        without = taken(DEEP.format(depth) + "y.sum()", {})
        passed = taken(DEEP.format(depth) + "y.sum().backward()", {})
        assert without is not None
        assert passed is not None
        found.append(passed.steps - without.steps)
        assert passed.work - without.work >= 2 * 2 * depth  # two cells each
    assert found[1] - found[0] == 50 * 3


def test_it_ends_at_the_leaves_whatever_was_written_into_them() -> None:
    train = """
w = torch.zeros(3, requires_grad=True)
for step in range({}):
    loss = ((torch.ones(4, 3) @ w - 1) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        w -= 0.1 * w.grad
    w.grad = None
"""
    few, many = taken(train.format(10), {}), taken(train.format(40), {})
    assert few is not None
    assert many is not None
    assert abs(many.steps - 4 * few.steps) < few.steps  # as long at the end as at the beginning


def test_again_and_again_through_a_deep_one_is_refused() -> None:
    with pytest.raises(LimitError):
        run(DEEP.format(1000) + "z = y.sum()\nfor i in range(2000): z.backward(retain_graph=True)")


def test_a_message_shows_little_of_a_value_and_takes_no_time() -> None:
    many = torch.zeros([2] * 20)
    nested: tuple[object, ...] = (1, 2)
    for _ in range(40):
        nested = (nested, nested)
    with at_most(500):
        shown = [brief(many), brief([many, many]), brief(nested), brief({(1, 2): "x" * 10**6}), brief(None)]
    assert shown[0] == "a Tensor"
    assert shown[1] == "[a Tensor, a Tensor]"
    assert max(map(len, shown)) <= 60
    assert brief((1, -2.5, True)) == "(1, -2.5, True)"


def test_what_keys_have_in_common_is_in_the_order_in_which_they_came() -> None:
    assert (
        printed("""
d, e = {'b': 1, 'a': 2, 'c': 3}, {'c': 0, 'z': 0, 'b': 0}
print(list(d.keys() & e.keys()), list(d.keys() | e.keys()))
print(list(d.keys() - e.keys()), list(d.keys() ^ e.keys()))
k = d.keys()
k |= e.keys()
print(list(k), len(k), 'z' in k)
""")
        == "['b', 'c'] ['b', 'a', 'c', 'z']\n['a'] ['a', 'z']\n['b', 'a', 'c', 'z'] 4 True\n"
    )


def test_sums_of_lists_are_pythons() -> None:
    cases: tuple[tuple[list[Any], list[Any]], ...] = ([[1], [2, 3]], [[]]), ([], [[5]]), ([(1,), ()], [()])
    for items, starts in cases:
        for start in starts:
            assert total(items, start) == sum(items, start)
    assert total([1, 2.5], 3) == 6.5
    with pytest.raises(TypeError, match="can't be added"):
        total([[1], (2,)], [])


def test_a_roll_of_many_shifts_is_left_undone() -> None:
    with pytest.raises(ProgramError, match="shifts"):
        run("x = torch.ones(2)\nx.roll([1] * 12000, [0] * 12000)")
    assert (
        printed("print(torch.arange(4).view(2, 2).roll((1, 1), (0, 1)))")
        == "tensor([[3, 2],\n        [1, 0]])\n"
    )
