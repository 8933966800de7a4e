"""A rehearsal counts how long it goes through the items of lists and the like, before it does."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest
import torch

from llm_linalg.errors import LimitError
from llm_linalg.foresight import Rehearsal, Start, reach, several, unknown
from llm_linalg.foresight.least import Least
from llm_linalg.foresight.unknown import UNKNOWN, doubtful, few, has_tensors, numbered, parts
from llm_linalg.language import keys, plain, values
from llm_linalg.language.budget import Budget
from llm_linalg.language.source import Source

MANY = 20_000
PAIRS = [(number, number) for number in range(MANY)]

# What goes through many items in each turn, and takes next to none of the steps of a run.
WEIGHING = {
    "a sum of lists": "z = xs + xs",
    "a list behind another": "z += xs",
    "a slice behind another": "z += xs[::-1]",
    "a list of it": "z = [] + list(xs)",
}


def gone_through(program: str, *, exact: bool = False, given: Sequence[Any] | None = None) -> Rehearsal:
    source = Source(program)
    rehearsal = Rehearsal(source, lambda: False, exact)
    with suppress(LimitError):
        rehearsal.refuse(Start(source.tree.body, [({}, {})], Budget().left, given))
    return rehearsal


@pytest.fixture
def weighed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Returns the items of what will be weighed."""
    found: list[int] = []
    weighs = plain.weighed

    def noted(*given: Any) -> tuple[int, int, int]:
        found.append(sum(len(value) for value in given if isinstance(value, list)))
        return weighs(*given)

    monkeypatch.setattr(plain, "weighed", noted)
    return found


def counted(*given: Any) -> int:
    """Returns how many steps are counted while values are weighed."""
    steps: list[int] = []
    budget = Least()
    budget.went_on = steps.append
    budget.weigh(*given)
    return sum(steps)


@pytest.mark.parametrize("turn", WEIGHING.values(), ids=WEIGHING)
def test_what_weighs_long_lists_is_soon_gone_through_by_one_turn_for_all(
    turn: str, weighed: list[int]
) -> None:
    gone_through(f"xs = [[]] * 10000\nfor i in range(9000):\n    z = []\n    {turn}")
    assert len(weighed) <= 30


@pytest.mark.parametrize("given", [[0] * MANY, PAIRS, [[]] * MANY, [{}] * MANY, {0: PAIRS}, tuple(PAIRS)])
def test_to_weigh_items_takes_steps(given: Any) -> None:
    assert counted(given) >= MANY // 600
    assert not counted([1, 2], (3,), {4: 5}, "text", "a" * MANY, range(MANY))


def test_lists_in_a_list_are_counted_before_they_are_weighed(weighed: list[int]) -> None:
    budget = Least()

    def ends(steps: int) -> None:
        raise TimeoutError

    budget.went_on = ends
    with pytest.raises(TimeoutError):
        budget.weigh([[1]] * MANY)
    assert not weighed


@pytest.mark.parametrize("items", ["range(90000)", "'ab' * 40000"])
def test_a_rehearsal_ends_before_it_makes_a_set_for_which_it_has_not_the_time(
    items: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    hashable = keys.hashable

    def noted(keys: Any, *given: Any, **named: Any) -> list[Any]:
        found = hashable(keys, *given, **named)
        made.append(len(found))
        return found

    monkeypatch.setattr(values, "hashable", noted)
    rehearsal = gone_through(f"xs = {items}\nz = set(xs)", exact=True)
    assert rehearsal.too_long
    assert not rehearsal.told_all
    assert not made


def test_what_a_call_is_given_takes_as_many_steps_at_a_glance_as_it_has_items() -> None:
    assert reach.ahead(sorted, [[1.5] * MANY]) == MANY // unknown.ITEMS_A_STEP
    assert reach.ahead(sorted, [PAIRS]) == 3 * MANY // unknown.NESTED_A_STEP
    assert reach.ahead(torch.tensor, [[{}] * MANY]) >= 3 * MANY // unknown.NESTED_A_STEP
    assert reach.ahead(set, ["a" * MANY]) == MANY // unknown.ITEMS_A_STEP
    assert not reach.ahead(max, [1, 2])
    assert not reach.ahead(sorted, [[1, 2]])


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Returns the values of which a number will be asked for."""
    found: list[Any] = []
    number = numbered

    def noted(value: Any, *seen: Any) -> Any:
        found.append(value)
        return number(value, *seen)

    monkeypatch.setattr(unknown, "numbered", noted)
    return found


def test_a_tensor_of_pairs_is_not_made_by_a_rehearsal_that_has_not_the_time(asked: list[Any]) -> None:
    rehearsal = gone_through("xs = list(zip(range(20000), [1.5] * 20000))\nxs = xs + xs\ntorch.tensor(xs)")
    assert rehearsal.too_long
    assert len(asked) <= 10


def test_a_number_is_found_once_for_what_is_there_many_times(asked: list[Any]) -> None:
    assert unknown.numbered([(UNKNOWN[int], 1.5)] * MANY) == [(1, 1.5)] * MANY
    assert len(asked) <= 4


def test_of_many_items_each_kind_is_looked_at_not_each_item(monkeypatch: pytest.MonkeyPatch) -> None:
    def one_by_one(_: Any) -> Any:
        raise AssertionError

    monkeypatch.setattr(unknown, "parts", one_by_one)
    monkeypatch.setattr(unknown, "_each", one_by_one)
    assert not doubtful(PAIRS)
    assert doubtful([*PAIRS, (1, UNKNOWN[int])])
    assert not has_tensors([*PAIRS, UNKNOWN[int]])
    assert has_tensors([*PAIRS, (1, torch.ones(1))])
    assert not few(tuple(PAIRS))


def test_what_is_in_itself_or_in_others_many_times_is_looked_at_once() -> None:
    endless: list[Any] = [1]
    endless.append(endless)
    assert not doubtful(endless)
    wide: list[Any] = [UNKNOWN[int]]
    for _ in range(12):
        wide = [wide] * 1_000
    assert doubtful(wide)
    assert not has_tensors(wide)


def test_plain_items_are_no_parts_beside_others() -> None:
    found = list(parts([*range(MANY), UNKNOWN[int], (1, 2)]))
    assert len(found) == 3
    assert UNKNOWN[int] in [part for part in found if part is UNKNOWN[int]]


def test_what_all_values_have_in_common_takes_steps_for_each_other_one() -> None:
    tensors = [torch.ones(2) for _ in range(300)]
    assert several.looking(tensors) == 100
    assert several.looking(dict(enumerate(tensors))) == 100
    assert several.looking(tensors[:1] * 900) == several.looking([1] * 400) == 0
    assert several.looking([1.5] * 50_000) == 100
    assert not several.looking(range(90_000))


def test_an_item_of_which_the_place_is_not_known_takes_as_long_as_it_takes_to_look_at_all() -> None:
    one = gone_through("xs = [[k] for k in range(30)]\nu = int(torch.rand(3)[0])\nxs[u]").length
    many = "xs = [1.5 * k for k in range(30)] * 30\nys = [[k] for k in range(30)] * 30\n"
    assert gone_through(f"{many}u = int(torch.rand(3)[0])\nxs[u % 5]\nys[u % 5]").length > one


def test_many_values_are_counted_before_each_is_weighed() -> None:
    assert counted(*PAIRS) >= MANY // 20


def test_what_a_loop_goes_through_that_is_under_way_is_looked_at_before() -> None:
    one, many = (gone_through("for pair in []:\n    pass", given=[(1, (2, 3))] * size) for size in (2, 900))
    assert many.length - one.length >= 400
    start = Start([], [], Budget().left, PAIRS)
    assert start.looking(start.known(leaves=True, ways=False)[1]) == MANY // 30
    assert not start.looking(None)


def test_letters_that_are_repeated_take_hardly_a_step() -> None:
    assert gone_through("xs = 'the quick brown fox ' * 3000").length <= 40


def test_rows_that_are_the_same_tell_the_type_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    tensor = torch.tensor

    def noted(data: Any, *given: Any, **named: Any) -> torch.Tensor:
        made.append(len(data))
        return tensor(data, *given, **named)

    monkeypatch.setattr(torch, "tensor", noted)
    gone_through("torch.tensor([[1, 2.5]] * 4000)")
    assert made
    assert max(made) <= 1
