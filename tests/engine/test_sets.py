"""Sets are Python's; those of text stand in the order in which their items came, the same in every run."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
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
    if "a" in found or "b" in found:  # Python's order differs from run to run
        assert found == str([item for item in dict.fromkeys([*one, *other]) if item in expected["x"]])
    elif all(isinstance(item, int) for item in [*one, *other]):
        assert found == str(list(expected["x"]))
    else:
        assert sorted(run(f"{program}\nprint(sorted(x))").printed) == sorted(f"{sorted(expected['x'])}\n")


@pytest.mark.parametrize("operator", [*OF_THEM, "<", ">="])
@pytest.mark.parametrize("other", ["[1]", "(1,)", "{1: 2}", "{1: 2}.values()", "1", "torch.ones(1)"])
def test_what_python_refuses_is_refused(operator: str, other: str) -> None:
    for pair in (("set([1])", other), (other, "set([1])")):
        with pytest.raises(ProgramError):
            run(f"x = {operator.join(pair)}")


NUMBERS = st.lists(st.integers(-40, 40), max_size=12)
CHANGES = [
    *[f"s {operator}= set({{}})" for operator in OF_THEM],
    *[f"s.{name}({{}})" for name in ("update", "difference_update", "intersection_update")],
    "s = s.union({}, s)",
    "for x in {}: s.add(x)",
    "for x in {}: s.discard(x)",
    "s = {{x * 3 for x in {}}} - s",
    "if s: s.pop()  # {}",
]


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(CHANGES), NUMBERS), max_size=6))
def test_a_set_of_numbers_is_in_the_order_of_pythons(changes: list[tuple[str, list[int]]]) -> None:
    lines = [change.format(numbers) for change, numbers in changes]
    program = "\n".join(["s = t = set([5, 13, 21])", *lines])
    expected: dict[str, Any] = {}
    exec(program, expected)  # noqa: S102
    assert run(f"{program}\nprint(s, t)").printed == f"{expected['s']} {expected['t']}\n"


@pytest.mark.parametrize("operator", thin(OF_THEM, 4))
def test_all_their_items_are_counted(operator: str) -> None:
    with pytest.raises(LimitError):
        run(f"s = set(range(90_000))\nfor i in range(90): t = s {operator} s")


@given(st.lists(st.integers(-200, 200), min_size=1, max_size=12))
def test_numbers_that_are_written_out_stand_in_python_s_order(numbers: list[int]) -> None:
    written = f"{{{', '.join(map(str, numbers))}}}"
    expected = eval(written)  # noqa: S307  numbers that were drawn above
    assert run(f"s = {written}\nprint(s, [*s])").printed == f"{expected} {[*expected]}\n"


@pytest.mark.parametrize("value", ["torch.float32", "print", "list", "torch.ones(1)", "nn.ReLU()", "A"])
def test_the_hash_of_what_has_an_address_is_the_same_in_every_run(value: str) -> None:
    assert run(f"class A: pass\nx = {value}\nprint(hash(x) * 16 == id(x), hash(x) == hash(x))").printed == (
        "True True\n"
    )


def test_so_is_that_of_texts_and_of_what_holds_them() -> None:
    program = """
from dataclasses import dataclass
@dataclass(frozen=True)
class P:
    n: str
class A:
    def f(self): pass
a = A()
print(hash("a"), hash(frozenset(["a"])) == hash(frozenset([hash("a")])), hash(P("a")) == hash((hash("a"),)))
print(hash(a.f) == hash(a.f), hash(a.f) != hash(A().f), hash(frozenset([1, 2])), hash(2.5), hash(range(2)))
try: hash([])
except TypeError as e: print(e)
try: hash(frozenset([(1, [])]))
except TypeError as e: print(e)
"""
    numbers = f"{hash(frozenset([1, 2]))} {hash(2.5)} {hash(range(2))}"
    assert run(program).printed == (
        f"3904355907 True True\nTrue True {numbers}\nunhashable type: 'list'\nunhashable type: 'list'\n"
    )
