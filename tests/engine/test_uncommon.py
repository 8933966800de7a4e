"""What a call or a line takes is counted by how cells lie, what items are, and how keys are found."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_linalg import LimitError, ProgramError, run
from llm_linalg.language import keys
from llm_linalg.language.keys import Keys, hashable
from llm_linalg.language.plain import weighed
from tests.engine.doing import nine
from tests.engine.uncommon import CHAINS, SHORTENED

PERMUTED = "x = torch.rand(2, 2, 2, 2, 2, 3_000).permute(5, 4, 3, 2, 1, 0)\ny = torch.ones(x.shape)\n"
ATTENTION = "F.scaled_dot_product_attention({}, {}, {}{})"
PICKED = "x, k = torch.ones(2, 9000), torch.arange(9000)\n"
COSTS = {
    "of an operand that is scattered": (PERMUTED, "y + x", "y + y", 2.0),
    "of one that is moved": (PERMUTED, "x.roll(1)", "y.roll(1)", 1.5),
    "of two, whichever is the first": (PERMUTED, "y + x", "x + y", 0.9),
    "of axes that alternate": (
        "x, y, z = torch.ones(30, 1, 30, 1, 2), torch.ones(1, 30, 1, 30, 2), torch.ones(30, 30, 30, 30, 2)\n",
        "x + y",
        "z + z",
        1.5,
    ),
    "of rows that are picked": (PICKED, "x.T.index_select(0, k)", "x.index_select(1, k)", 2.0),
    "of rows with a norm": ("x = torch.ones(9000, 2)\n", "x.norm(dim=1)", "x.norm(dim=0)", 1.5),
    "of scores that are dropped": (
        "x = torch.ones(1, 9000, 2)\nk = x[:, :3]\n",
        ATTENTION.format("x", "k", "k", ", dropout_p=0.5"),
        ATTENTION.format("x", "k", "k", ""),
        1.3,
    ),
    "of places within a key": ("x, xs = torch.ones(5, 5), [0] * 900\n", "x[:, xs]", "x[:, 0]", 9.0),
    "of lists of places": ("x, xs, ys = torch.ones(5), [[0]] * 900, [0] * 900\n", "x[xs,]", "x[ys,]", 1.5),
    "of sets within a list": ("xs, ys = [set()] * 900, [0] * 900\n", "xs == xs", "ys == ys", 3.0),
}


@pytest.mark.parametrize(("before", "line", "other", "times"), COSTS.values(), ids=list(COSTS))
def test_it_takes_so_many_times_as_much(
    before: str, line: str, other: str, times: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, another = nine(before, f"a = {line}", f"a = {other}", monkeypatch)
    assert one > times * another


@pytest.mark.parametrize("size", CHAINS)
def test_no_table_is_searched_for_long(size: int) -> None:
    with pytest.raises(LimitError, match="searched for long"):
        run(CHAINS[size] + "s = set(keys)", patient=True)
    with pytest.raises(LimitError, match="searched for long"):
        run(CHAINS[size] + "d = dict(zip(keys, keys))", patient=True)


def test_nor_is_one_that_is_written_key_by_key() -> None:
    with pytest.raises(LimitError, match="searched for long"):
        run(CHAINS[10_900] + "d = {}\nfor k in keys: d[k] = 1", patient=True)


def test_to_look_at_keys_is_no_part_of_a_program() -> None:
    keys._walk.cache_clear()
    program = "x = torch.ones(2)\nfor i in range(5_000): d[i] = x\ns = set(d)\ne = dict(zip(s, s))"
    assert [node.op for node in run("d = {}\n" + program, patient=True).nodes] == ["ones"]
    keys._walk.cache_clear()
    heavy = "y = torch.rand(900, 900)\nfor i in range(9): y = y @ y\ns = set(range(3_000))"
    assert [node.op for node in run(heavy).nodes] == ["rand", *["matmul"] * 9]


MANY = st.integers(2_000, 20_000)


@given(MANY, st.integers(1, 2**40), st.integers(-(2**50), 2**50), st.integers(1, 9))
def test_keys_at_equal_distances_are_found_soon(size: int, step: int, first: int, apart: int) -> None:
    found: list[Any] = [first + step * place + place % apart for place in range(size)]
    assert hashable(found) == found


@given(MANY, st.integers(0, 99), st.sampled_from([15, 20, 40, 70]))
def test_others_are_too(size: int, seed: int, bits: int) -> None:
    random = Random(seed)  # noqa: S311
    found = [random.getrandbits(bits) for _ in range(size)]
    assert hashable(found) == found
    held, items = Keys(), dict[Any, Any]()
    for key in found:
        held.hold(key, items)
        items[key] = 1


@given(st.lists(st.booleans() | st.integers(-5, 5) | st.floats(-2, 2)))
def test_truths_are_multiplied_as_numbers(numbers: list[Any]) -> None:
    from math import prod

    assert run(f"print(math.prod({numbers}))").printed == f"{prod(numbers)}\n"


def test_a_dict_within_a_list_weighs_more_than_a_number() -> None:
    assert weighed([{}] * 100) == (100, 1, 800)
    assert weighed([[1]] * 100) == (200, 1, 0)  # a list does not
    assert weighed({1: 2}) == (2, 0, 0)


@pytest.mark.parametrize("program", SHORTENED)
def test_a_look_up_changes_no_table(program: str) -> None:
    with pytest.raises(ProgramError, match="max_norm"):
        run(program)


def test_a_text_of_many_tensors_is_refused_as_such() -> None:
    with pytest.raises(LimitError, match="more than 700 tensors"):
        run("print([torch.ones(1)] * 20_000)")
    assert len(run("print([torch.ones(1)] * 300)", patient=True).printed) > 3_000
