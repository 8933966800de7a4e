"""A run ends when it is asked to: within a bounded number of steps, at a place that it names."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from itertools import count

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from llm_linalg.language import budget, execute
from llm_linalg.language.budget import LOOK_EVERY, Budget

from llm_linalg import HaltedError, LimitError, run, trace

LOOP = "for i in range(20000):\n    print(i)"
CALLS = "x = torch.ones(2)\nfor i in range(1000):\n    x = x + 1"
CELLS = "x = torch.ones(2)\nfor i in range(1000):\n    x = x + 1\ny = torch.ones(3)"
CLASH = "x = torch.ones(2, 3)\ny = x @ x"


class Asked:
    """Says yes from its `last`-th question on."""

    def __init__(self, last: int) -> None:
        self.last = last
        self.times = 0

    def __call__(self) -> bool:
        self.times += 1
        return self.times >= self.last


def halted(program: str, last: int, cells: tuple[int, ...] = ()) -> tuple[HaltedError, Asked]:
    asked = Asked(last)
    with pytest.raises(HaltedError) as caught:
        run(program, cells=cells, halt=asked)
    return caught.value, asked


def endless(x: torch.Tensor) -> None:
    while True:
        x = x + 1


def test_code_of_one_s_own_is_halted_at_its_next_torch_call() -> None:
    with pytest.raises(HaltedError) as caught:
        trace(endless, torch.ones(2), halt=Asked(20))
    assert caught.value.frames[-1].function == "endless"
    assert caught.value.caret.strip().startswith("x = x + 1")


def test_code_that_never_ends_is_told_so_before_it_takes_all_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llm_linalg.recording.tensor_index.MOST_NODES", 500)
    with pytest.raises(LimitError, match="more than 500 operations: trace a part") as caught:
        trace(endless, torch.ones(2))
    assert caught.value.frames[-1].function == "endless"


@given(st.integers(1, 50))
def test_plain_steps_are_halted_within_so_many(last: int) -> None:
    error, asked = halted(LOOP, last)
    assert asked.times == last
    assert error.trace is not None
    assert len(error.trace.printed.splitlines()) <= last * LOOK_EVERY
    assert error.line in (1, 2)


@given(st.integers(1, 50))
def test_no_call_is_made_after_it(last: int) -> None:
    error, _ = halted(CALLS, last)
    assert error.trace is not None
    assert len(error.trace.nodes) < last
    assert "stopped" in str(error)


def test_a_cell_that_is_halted_is_not_passed_over() -> None:
    error, asked = halted(CELLS, 5, cells=(1, 4))
    assert asked.times == 5
    assert error.line in (2, 3)


def test_a_cell_that_is_halted_shows_what_ran_of_it() -> None:
    error, _ = halted(f"print('begun')\n{CELLS}", 5, cells=(1,))
    assert error.trace is not None
    (state,) = error.trace.cells
    assert (state.state, state.printed) == ("failed", "begun\n")
    assert state.node == len(error.trace.nodes) - 1 > 0


def test_a_cell_whose_time_is_over_says_where_and_shows_what_ran(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = count()
    monkeypatch.setattr(budget, "monotonic", lambda: next(clock))
    with pytest.raises(LimitError, match="stopped after 5 s at line 3") as caught:
        run(CELLS, cells=(1,), seconds=5)
    assert caught.value.line == 3
    assert caught.value.trace is not None
    (state,) = caught.value.trace.cells
    assert state.state == "failed"
    assert state.node == len(caught.value.trace.nodes) - 1 > 0


def test_once_the_time_is_over_for_good_each_cell_below_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = count()
    monkeypatch.setattr(budget, "monotonic", lambda: next(clock))
    stopped = "while True:\n    x = x + 1\n"
    with pytest.raises(LimitError) as caught:
        run(f"x = torch.ones(2)\n{stopped * 9}y = 1\n", cells=[1, *range(2, 21, 2)], seconds=9)
    assert caught.value.trace is not None
    states = caught.value.trace.cells
    assert [state.number for state in states] == [*range(1, 12)]
    last = next(state.number for state in states if state.reason.startswith("not run"))
    assert {(state.state, state.root) for state in states[last - 1 :]} == {("rests", last - 1)}
    not_run = [state for state in states[: last - 1] if state.state != "run"]
    assert len(not_run) == len(caught.value.trace.cell_errors) > 4


def test_repairs_are_halted_too() -> None:
    _, asked = halted(CLASH, 4)  # two calls, and then the first of a repair
    assert asked.times == 4


def test_what_is_not_asked_to_end_runs_to_its_end() -> None:
    asked = Asked(10**9)
    assert len(run(CALLS, halt=asked).nodes) == 1001
    assert asked.times >= 1001


UPDATES = "x = torch.ones(2)\nfor i in range(3):\n    with torch.no_grad():\n        x = x + 1"
REHEARSED = "for i in range(3000):\n    z = i + 1\nx = torch.ones(2)"


@pytest.mark.parametrize(("program", "stride"), [(UPDATES, 1), (REHEARSED, 5)], ids=["with", "rehearsed"])
def test_wherever_it_is_halted_gradients_are_recorded_as_before(program: str, stride: int) -> None:
    asked = Asked(2**31)
    run(program, halt=asked)
    for last in range(1, asked.times + 1, stride):
        halted(program, last)
        assert torch.is_grad_enabled(), f"halted at question {last}"


def without_gradients(x: torch.Tensor) -> None:
    with torch.no_grad():
        x = x + 1


def test_code_of_one_s_own_that_is_halted_leaves_gradients_recorded() -> None:
    for last in (1, 2, 3):
        asked = Asked(last)
        with suppress(HaltedError):
            trace(without_gradients, torch.ones(2), halt=asked)
        assert torch.is_grad_enabled()


@pytest.mark.parametrize("calls", range(4994, 5002))
def test_a_budget_that_is_used_up_leaves_gradients_recorded(
    calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execute, "Budget", partial(Budget, tensors=5_000))
    program = f"x = torch.ones(2)\nfor i in range({calls}):\n    x = x + 1\n    if i > {calls - 9}:\n"
    program += "        with torch.no_grad():\n            x = x + 1"
    with pytest.raises(LimitError):
        run(program)
    assert torch.is_grad_enabled()
