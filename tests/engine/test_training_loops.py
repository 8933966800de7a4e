"""Training loops of a thousand steps and more run within the bounds, and print what plain Python prints."""

from __future__ import annotations

import pytest

from llm_linalg import run
from llm_linalg.capture.limits import Limits
from tests.engine.alike import printed
from tests.engine.training_loops import LOOPS
from tests.thinning import thin

LONGEST = "attention", "line with optim", "mlp over characters", "matrix factorisation"
FEW = 1_000  # nodes that are made outside of the loop


@pytest.mark.parametrize("name", thin(LONGEST, 4))
def test_a_loop_of_many_turns_is_within_the_bounds_and_prints_what_plain_python_prints(name: str) -> None:
    program = LOOPS[name].program.replace("TURNS", str(LOOPS[name].turns))
    trace = run(program, seconds=None)
    assert trace.printed == printed(program)
    assert len(trace.nodes) <= Limits().loop_nodes + FEW
