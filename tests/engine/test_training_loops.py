"""Training loops of a thousand steps and more run within the bounds, and print what plain Python prints."""

from __future__ import annotations

import pytest
from llm_linalg.language.budget import Budget

from llm_linalg import run
from tests.engine.alike import printed
from tests.engine.counting import at_most
from tests.engine.training_loops import LOOPS
from tests.thinning import thin

LONGEST = "attention", "line with optim", "mlp over characters", "matrix factorisation"
FEW = 1_000  # nodes that are made outside of the loop


@pytest.mark.parametrize("name", thin(LONGEST, 4))
def test_a_loop_of_many_turns_is_within_the_bounds_and_prints_what_plain_python_prints(name: str) -> None:
    program = LOOPS[name].program.replace("TURNS", str(LOOPS[name].turns))
    trace = run(program, seconds=None)
    assert trace.printed == printed(program)
    assert len(trace.nodes) <= Budget().loop_nodes + FEW


def test_a_step_of_training_takes_so_many_calls_of_pythons_and_no_more() -> None:
    program, made = LOOPS["attention"].program, []
    for turns in (40, 20, 40):  # the first imports what all of them need
        with at_most(1_000_000) as calls:
            run(program.replace("TURNS", str(turns)), seconds=None)
        made.append(calls[0])
    _, few, more = made
    assert (more - few) / 20 < 9_400  # of 82 nodes
