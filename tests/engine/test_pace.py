"""What a loop takes is foretold by what its turns have taken so far."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_linalg import LimitError, run
from llm_linalg.language.allowance import Spent
from llm_linalg.language.pace import Going, Pace, Ran

START = Spent(*[10**9] * 5)


def went(costs: list[int], *, closely: bool = False, under_way: int = 0) -> tuple[Going, Spent]:
    """Returns a loop after turns that took so much of each unit, and what is left; another turn has begun."""
    going, left = Going(SimpleNamespace(left=START), closely=closely), START
    for cost in [*costs, under_way]:
        going.turn += 1
        if going.turn == going.noted:
            going.note(left)
        left = Spent(*[unit - cost for unit in left])
    return going, left


@given(st.integers(1, 60), st.integers(0, 1_000), st.integers(1, 40))
def test_turns_that_are_all_alike_go_on_so(turns: int, cost: int, times: int) -> None:
    going, left = went([cost] * turns)
    assert all(abs(total - cost * turns * times) <= 1 for total in going.foretold(turns * times, left))


@given(st.integers(1, 200), st.integers(0, 1_000), st.integers(1, 40), st.floats(0, 1))
def test_a_turn_that_is_under_way_adds_nothing(turns: int, cost: int, times: int, done: float) -> None:
    going, left = went([cost] * turns, closely=True, under_way=int(cost * done))
    size = turns * times
    truly = max(cost * size, cost * turns + int(cost * done))
    assert all(abs(total - truly) <= 1 for total in going.foretold(size, left))


@given(st.integers(8, 200), st.integers(1, 50), st.integers(2, 30))
def test_turns_that_take_more_and_more_do_so_still(turns: int, step: int, times: int) -> None:
    going, left = went([step * turn for turn in range(turns)])
    size = turns * times
    truly = sum(step * turn for turn in range(size))
    assert 0.7 * truly <= going.foretold(size, left).steps <= 1.4 * truly


@given(st.integers(14, 40), st.floats(2, 10))
def test_turns_that_take_times_as_much_each_are_told_of(turns: int, times: float) -> None:
    going, _ = went([int(10 * times**turn) for turn in range(turns)], closely=True)
    assert going.explodes


@given(st.integers(1, 200), st.integers(0, 3), st.integers(0, 1_000), st.integers(0, 10))
def test_turns_that_take_more_by_their_number_are_not(turns: int, power: int, cost: int, late: int) -> None:
    costs = [cost * turn**power for turn in range(turns)]
    if late < turns:
        costs[late] += 10**6  # one that takes far more than the others tells nothing
    going, _ = went(costs, closely=True)
    assert not going.explodes


def begun(costs: list[int]) -> Going:
    """Returns a loop after turns that did so much, in steps and effort; another one has begun."""
    going, done = Going(SimpleNamespace(left=START), closely=True), 0
    for cost in [*costs, 0]:
        going.turn += 1
        going.begins(done)
        done += cost
    return going


@given(st.integers(1, 60), st.integers(0, 100), st.floats(2, 10))
def test_turns_that_begin_late_to_take_times_as_much_are_told_of(late: int, cost: int, times: float) -> None:
    grown = [int(1_000 * times**turn) for turn in range(1, 7)]
    assert not begun([cost] * late + grown[:4]).explodes
    assert begun([cost] * late + grown).explodes


@given(st.lists(st.integers(0, 10**6), min_size=2, max_size=40), st.integers(0, 10**7))
def test_a_turn_is_sudden_that_does_far_more_than_any_before(costs: list[int], more: int) -> None:
    assert begun(costs).sudden(sum(costs) + more) == (more > max(4 * max(costs), 15_000))


@given(st.integers(1, 100), st.integers(1, 3), st.integers(1, 1_000))
def test_turns_that_take_more_by_their_number_do_not_leap(turns: int, power: int, cost: int) -> None:
    assert not begun([cost * turn**power for turn in range(turns)]).explodes


@given(st.lists(st.integers(0, 100), min_size=1, max_size=60), st.integers(1, 20))
def test_no_less_is_foretold_than_was_taken(costs: list[int], times: int) -> None:
    going, left = went(costs)
    assert going.foretold(len(costs) * times, left).items >= sum(costs)


def test_a_loop_that_is_left_early_does_about_as_many_turns() -> None:
    pace = Pace([Ran(5, 100, START, Spent(*[unit - 50 for unit in START]))] * 4)
    assert pace.of(100) == Spent(50, 50, 50, 50, 50)
    assert pace.of(None) == pace.of(100)
    assert pace.of(200) == Spent(100, 100, 100, 100, 100)


def test_what_is_to_come_counts_whole() -> None:
    pace = Pace(())
    pace.add(40, Spent(80, 40, 40, 400, 0))
    assert pace.of(40) == Spent(80, 40, 40, 400, 0)


UNTOLD = """
def f(x):
    if x.sum() > 0:
        return [x * 1 for j in range(int(x.sum()))]
    return []
x = torch.ones(3)
ys = []
for i in range({}):
    ys.append(f(x))
"""


def test_a_loop_of_which_nothing_is_told_before_is_let_go_on_at_its_pace() -> None:
    trace = run(UNTOLD.format(700))
    assert len([node for node in trace.nodes if node.op == "mul"]) == 2_100


def test_one_that_will_not_fit_at_its_pace_is_refused_before_it_did_much() -> None:
    with pytest.raises(LimitError) as refused:
        run(UNTOLD.format(9_000))
    assert refused.value.trace is not None
    assert len(refused.value.trace.nodes) < 2_500


def test_a_loop_without_turns_takes_nothing() -> None:
    """The inner loop has turns at first, and none later; nothing is told of the outer one before."""
    program = """
    x, ys = torch.ones(3), list(range(40))
    for i in range(600):
        for y in ys[: max(3 - i, 0)]:
            x = x * 1
        if x.sum() > 0:
            z = x + i
    for y in []:
        x = x * 1
    else:
        last = x + 1
    """
    assert run("\n".join(line[4:] for line in program.splitlines())).names["last"].shape == (3,)
