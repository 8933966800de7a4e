"""What a program does takes its steps: none of it takes far longer than it says."""

from __future__ import annotations

from textwrap import indent

import pytest

from llm_linalg import run
from llm_linalg.language.allowance import Spent
from tests.engine.constructs import BEFORE, EXPRESSIONS, STATEMENTS
from tests.engine.counting import at_most
from tests.engine.test_foresight import difference, taken

FEW, MANY = 2, 42  # turns
CALLS_A_STEP = 14  # of Python's; most take five
CALLS_A_TENSOR = 160


def program(statement: str, turns: int) -> str:
    return f"{BEFORE}for j in range({turns}):\n{indent(statement, '    ')}"


def measured(text: str) -> tuple[int, Spent]:
    """Returns how many calls of Python's a run takes, and what of its budget."""
    spent = taken(text, {})
    assert spent is not None, text
    with at_most(10**6) as made:
        run(text)
    return made[0], spent


@pytest.mark.parametrize("statement", [*[f"a = {text}" for text in EXPRESSIONS], *STATEMENTS])
def test_none_takes_longer_than_its_steps(statement: str) -> None:
    few, before = measured(program(statement, FEW))
    many, after = measured(program(statement, MANY))
    more = difference(after, before)
    assert many - few <= CALLS_A_STEP * more.steps + CALLS_A_TENSOR * more.tensors
