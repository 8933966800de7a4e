"""Sets are Python's, but that their items stand in the order in which they came."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_linalg import LimitError, ProgramError, run
from tests.thinning import thin

ITEMS = st.lists(st.integers(-3, 3) | st.sampled_from(["a", "b"]), max_size=5)
SIDES = ("set({})", "{{item: 0 for item in {}}}.keys()")
OF_THEM = ("|", "&", "-", "^")
COMPARING = ("<", "<=", ">", ">=", "==", "!=")


@given(ITEMS, ITEMS, st.sampled_from(SIDES), st.sampled_from(SIDES), st.sampled_from(OF_THEM + COMPARING))
def test_they_are_what_python_says(
    one: list[Any], other: list[Any], left: str, right: str, operator: str
) -> None:
    program = f"x = {left.format(one)} {operator} {right.format(other)}"
    expected: dict[str, Any] = {}
    exec(program, expected)  # noqa: S102
    found = run(f"{program}\nprint({'x' if operator in COMPARING else 'list(x)'})").printed.strip()
    if operator in COMPARING:
        assert found == str(expected["x"])
        return
    assert found == str([item for item in dict.fromkeys([*one, *other]) if item in expected["x"]])


@pytest.mark.parametrize("operator", [*OF_THEM, "<", ">="])
@pytest.mark.parametrize("other", ["[1]", "(1,)", "{1: 2}", "{1: 2}.values()", "1", "torch.ones(1)"])
def test_what_python_refuses_is_refused(operator: str, other: str) -> None:
    for pair in (("set([1])", other), (other, "set([1])")):
        with pytest.raises(ProgramError):
            run(f"x = {operator.join(pair)}")


@pytest.mark.parametrize("operator", OF_THEM)
def test_none_is_changed_in_place(operator: str) -> None:
    with pytest.raises(ProgramError, match="a set isn't changed in place here"):
        run(f"s = set([1])\nt = s\ns {operator}= set([2])\nprint(list(t))")


@pytest.mark.parametrize("operator", thin(OF_THEM, 4))
def test_all_their_items_are_counted(operator: str) -> None:
    with pytest.raises(LimitError):
        run(f"s = set(range(90_000))\nfor i in range(90): t = s {operator} s")
