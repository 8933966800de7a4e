"""What is there many times over, or is gone through again each turn, is counted before it is done."""

from __future__ import annotations

import ast
import difflib
import tokenize
from collections.abc import Collection, Iterable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_linalg import LimitError, OpenEndedError, ProgramError, run
from llm_linalg.language import plain, source
from llm_linalg.language.allowance import ROOM
from llm_linalg.language.bounds import MOST_SIZES
from llm_linalg.language.keys import MOST, Keys, hashable
from llm_linalg.language.source import Source
from tests.engine.again import COLLIDING, FACTORS, PAIRS, REPEATED, SIZED, SPELT, VIEWED, WAYS
from tests.engine.doing import budgets, done


@pytest.mark.parametrize("program", VIEWED)
def test_no_more_is_listed_than_anything_may_have(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    listed: list[int] = []

    def noted(values: Iterable[Iterable[object]]) -> Iterator[object]:
        for value in values:
            for item in value:
                listed[-1] += 1
                yield item

    def weighed(level: Collection[object], total: int) -> tuple[int, int, int]:
        listed.append(0)
        return weigh(level, total)

    weigh = plain._weighed
    monkeypatch.setattr(plain, "_weighed", weighed)
    monkeypatch.setattr(plain, "chain", SimpleNamespace(from_iterable=noted))
    with pytest.raises(LimitError):
        run(program)
    assert 0 < max(listed) <= plain.MAX_WEIGHT
    assert sum(listed) <= 3 * plain.MAX_WEIGHT  # it is rehearsed, too


@pytest.mark.parametrize("program", WAYS)
def test_a_way_back_that_grows_is_not_told_to_fit(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = budgets(monkeypatch)
    with pytest.raises(OpenEndedError):
        run(program)
    assert done(made[0]) <= 2 * ROOM


@pytest.mark.parametrize("program", WAYS)
def test_a_short_one_runs(program: str) -> None:
    assert run(program.replace("range(1000)", "range(12)")).nodes


@pytest.mark.parametrize("program", SIZED)
def test_more_sizes_than_axes_are_refused_before_torch_is_asked(program: str) -> None:
    with pytest.raises(LimitError, match=f"90,000 sizes; {MOST_SIZES} are allowed"):
        run(program)


@pytest.mark.parametrize("program", [*REPEATED, *COLLIDING, *FACTORS])
def test_what_is_made_of_little_is_counted(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = budgets(monkeypatch)
    with pytest.raises(LimitError):
        run(program)
    assert done(made[0]) <= 5 * ROOM  # that a list has room takes some of it


@pytest.mark.parametrize("program", SPELT)
def test_of_many_names_few_are_looked_at(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[int] = []
    close = difflib.get_close_matches

    def noted(word: str, choices: Collection[str], **how: Any) -> list[str]:
        compared.append(len(word) * sum(map(len, choices)))
        return close(word, choices, **how)

    monkeypatch.setattr(difflib, "get_close_matches", noted)
    monkeypatch.delattr(tokenize, "generate_tokens")
    with pytest.raises(ProgramError):
        run(program)
    assert sum(compared) <= 200_000


def test_names_are_compared_with_those_of_the_same_hash_alone() -> None:
    asked = [0]

    class Name(str):
        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            asked[0] += 1
            return str.__eq__(self, other)

    names = [(Name(f"n{place}"), ast.Load()) for place in range(1_000)]
    source._named_once(Source("x = 1"), names)
    assert asked[0] <= len(names)
    with pytest.raises(ProgramError, match="n7 stands there twice"):
        source._named_once(Source("x = 1"), [*names, names[7]])


@pytest.mark.parametrize("name", ["\u212b", "\uff58", "\U0001d465"])
def test_names_that_would_be_read_as_others_are_refused_wherever_they_stand(name: str) -> None:
    with pytest.raises(ProgramError, match="not spelt as it would be read"):
        run(f"# é\ns = 'é'\n{name} = 1")
    assert run(f"# {name}\ns = '{name}'\nx = 1").nodes == ()


def test_few_keys_have_the_same_hash() -> None:
    assert len(set(map(hash, PAIRS))) == 1
    keys = Keys()
    for pair in PAIRS[:MOST] * 2:
        keys.hold(pair, {})
    with pytest.raises(LimitError, match="more than 30 keys that have the same hash"):
        keys.hold(PAIRS[-1], {})
    assert hashable(PAIRS[:MOST] * 9) == PAIRS[:MOST] * 9
    with pytest.raises(LimitError):
        hashable(PAIRS[: MOST + 1])


@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)) | st.integers() | st.floats() | st.text()))
def test_others_are_keys(items: list[Any]) -> None:
    keys = Keys()
    for item in hashable(items * 40):
        keys.hold(item, {})


def test_few_of_all_that_is_made_run() -> None:
    run("xs = [[0] * 1_000 for i in range(500)]\nd = {(0.5, 2): 1, (1.5, 3): 2}")
    run("s = set([torch.Size([k * 2**52, 1]) for k in range(200)])")
    run("x = torch.ones(4, 3)\ny = torch.linalg.norm(x, 2), x.norm('nuc')")
    run("x = torch.ones(4, 3)\ny = torch.einsum('ij,ij,ij,ij->', x, x, x, x)")
