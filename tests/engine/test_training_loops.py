"""Training loops of a thousand steps and more run within the bounds, and print what plain Python prints."""

from __future__ import annotations

from typing import Any

import pytest

from llm_linalg import run
from llm_linalg.language import execute
from llm_linalg.language.budget import Budget
from tests.engine.alike import printed
from tests.engine.counting import at_most
from tests.engine.training_loops import LOOPS
from tests.thinning import thin

FEW = 12


def spent(program: str, monkeypatch: pytest.MonkeyPatch) -> tuple[int, ...]:
    """Returns the steps, tensors, elements and multiplications that a program takes."""
    made: list[Budget] = []

    def budget(**bounds: Any) -> Budget:
        made.append(Budget(**bounds))
        return made[-1]

    with monkeypatch.context() as patch:
        patch.setattr(execute, "Budget", budget)
        run(program, seconds=None)
    return tuple(all_ - left for all_, left in zip(Budget().left, made[0].left, strict=True))


@pytest.mark.parametrize("name", thin(LOOPS, 4))
def test_a_loop_of_many_turns_is_within_the_bounds(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = LOOPS[name]
    programs = [loop.program.replace("TURNS", str(turns)) for turns in (FEW, 2 * FEW)]
    few, more = (spent(program, monkeypatch) for program in programs)
    for first, second, allowed in zip(few, more, Budget().left, strict=True):
        assert first + (second - first) / FEW * (loop.turns - FEW) < allowed
    assert run(programs[0], seconds=None).printed == printed(programs[0])


def test_a_step_of_training_takes_so_many_calls_of_pythons_and_no_more() -> None:
    program, made = LOOPS["attention"].program, []
    for turns in (40, 20, 40):  # the first imports what all of them need
        with at_most(1_000_000) as calls:
            run(program.replace("TURNS", str(turns)), seconds=None)
        made.append(calls[0])
    _, few, more = made
    assert (more - few) / 20 < 9_400  # of 82 nodes
