"""A run ends when it is asked to: within a bounded number of steps, at a place that it names."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from llm_linalg import HaltedError, LimitError, run, trace
from tests.engine.here import run as run_here

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
        run_here(program, cells=cells, halt=asked)
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


@pytest.mark.parametrize("cells", [(), (1,)])
def test_a_loop_of_plain_steps_is_halted_in_a_room(cells: tuple[int, ...]) -> None:
    run("x = 1")  # it is stopped while it runs, not while it waits for a room
    with pytest.raises(HaltedError) as caught:
        run("print('begun')\nwhile True:\n    x = 1", cells=cells, halt=Asked(30))
    assert caught.value.line in (2, 3)
    assert caught.value.trace is not None
    assert caught.value.trace.printed == "begun\n"


@given(st.integers(1, 50))
def test_no_call_is_made_after_it(last: int) -> None:
    error, _ = halted(CALLS, last)
    assert error.trace is not None
    assert len(error.trace.nodes) < last
    assert "stopped" in str(error)


def test_a_cell_that_is_halted_is_not_passed_over() -> None:
    error, asked = halted(CELLS, 5, cells=(1, 4))
    assert asked.times == 5 + 1  # the cell below is stopped where it asks
    assert error.trace is not None
    assert len(error.trace.nodes) < 5
    assert [state.state for state in error.trace.cells] == ["failed", "failed"]


def test_a_cell_whose_time_is_over_says_so_and_shows_what_ran() -> None:
    with pytest.raises(LimitError, match=r"stopped after 0.2 s") as caught:
        run("x = torch.ones(2)\nwhile True:\n    x = x + 1", cells=(1,), seconds=0.2)
    assert caught.value.line in (2, 3)
    assert caught.value.trace is not None
    (state,) = caught.value.trace.cells
    assert state.state == "stopped"


def test_a_cell_has_its_time_for_all_its_statements_and_the_next_has_its_own() -> None:
    wait = "threading.Event().wait(0.2)"
    found = run(f"import threading\n{wait}\n{wait}\n{wait}\n{wait}\nx = 1", cells=(1, 2, 6), seconds=0.5)
    assert [state.state for state in found.cells] == ["run", "stopped", "run"]


def test_repairs_are_halted_too() -> None:
    _, asked = halted(CLASH, 4)  # two calls, and then the first of a repair
    assert asked.times == 4


UPDATES = "x = torch.ones(2)\nfor i in range(3):\n    with torch.no_grad():\n        x = x + 1"


def test_wherever_it_is_halted_gradients_are_recorded_as_before() -> None:
    asked = Asked(2**31)
    run_here(UPDATES, halt=asked)
    for last in range(1, asked.times + 1):
        halted(UPDATES, last)
        assert torch.is_grad_enabled(), f"halted at question {last}"
