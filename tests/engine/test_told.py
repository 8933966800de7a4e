"""What a rehearsal tells of a program is what it takes: no more, and in the dearest case no less."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_linalg import LimitError, ProgramError, run
from llm_linalg.foresight import Rehearsal, growth
from llm_linalg.language.allowance import ROOM, Spent
from llm_linalg.language.rehearsed import Rehearsed
from tests.engine.doing import budgets, done
from tests.engine.flows import flows
from tests.engine.told import CALLS, DOUBLING, FAIR, GROWING, RARE, RARELY, START

KINDS: dict[str, dict[str, Any]] = {"least": {}, "exact": {"exact": True}, "dearest": {"dearest": True}}


class Told(NamedTuple):
    """What a rehearsal told of a program, or None if it was refused; and what its run took."""

    all: bool
    taken: Spent | None


Rehearse = Callable[[str, str], tuple[Told, Spent, bool]]


@pytest.fixture
def rehearsed(monkeypatch: pytest.MonkeyPatch) -> Rehearse:
    """Returns what rehearses a program in one way, and runs it; see `rehearsing`."""
    return rehearsing(monkeypatch)


def rehearsing(monkeypatch: pytest.MonkeyPatch) -> Rehearse:
    """Returns what gives what was told of a program, what it took, and whether it ran to its end."""
    found: list[tuple[Told, Rehearsed, Spent]] = []
    begin = Rehearsed.begin
    way = {"kind": "least"}

    def noted(self: Rehearsed, statements: Any) -> None:
        begin(self, statements)
        start = self._start.left
        try:
            rehearsal: Rehearsal = self._gone_through(self._start, **KINDS[way["kind"]])
        except LimitError:
            told = Told(all=False, taken=None)
        else:
            told = Told(rehearsal.told_all, _between(start, rehearsal.budget.left))
        found.append((told, self, self.budget.left))

    monkeypatch.setattr(Rehearsed, "begin", noted)

    def rehearse(program: str, kind: str) -> tuple[Told, Spent, bool]:
        way["kind"], ran = kind, False
        with suppress(ProgramError):
            run(program, patient=True)
            ran = True
        told, evaluator, start = found.pop()
        return told, _between(start, evaluator.budget.left), ran

    return rehearse


def _between(one: Spent, other: Spent) -> Spent:
    return Spent(*[before - after for before, after in zip(one, other, strict=True)])


PROGRAMS = {**GROWING, **{program: program for program in CALLS}}


@pytest.mark.parametrize("kind", ["least", "exact"])
@pytest.mark.parametrize("program", PROGRAMS.values(), ids=list(PROGRAMS))
def test_what_is_told_is_taken(program: str, kind: str, rehearsed: Rehearse) -> None:
    told, taken, ran = rehearsed(START + program, kind)
    assert ran
    assert told.taken is not None
    assert all(least <= most for least, most in zip(told.taken, taken, strict=True))
    assert not told.all or told.taken == taken


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=list(PROGRAMS))
def test_no_more_is_taken_than_the_dearest_case_tells(program: str, rehearsed: Rehearse) -> None:
    told, taken, ran = rehearsed(START + program, "dearest")
    assert ran
    assert told.taken is not None
    if told.all:
        assert told.taken.tensors >= taken.tensors
        assert told.taken.steps >= taken.steps


def test_of_most_it_tells_all(rehearsed: Rehearse) -> None:
    told = [rehearsed(START + program, "dearest")[0].all for program in PROGRAMS.values()]
    assert sum(told) >= len(PROGRAMS) // 2


@pytest.mark.parametrize("program", DOUBLING)
def test_what_doubles_without_end_is_not_told_to_fit(program: str, rehearsed: Rehearse) -> None:
    told, _, ran = rehearsed(START + program, "dearest")
    assert not told.all
    assert not ran


@pytest.mark.parametrize("program", FAIR.values(), ids=list(FAIR))
def test_what_fits_runs(program: str) -> None:
    run(START + program)


def grown(*cells: int, size: int, times: int) -> int:
    turns = [{"x": growth.Sizes(cells=each)} for each in cells]
    return growth.foretold(*turns, size=size, times=times)["x"].cells


@given(st.integers(1, 10**6), st.integers(1, 10**4), st.integers(1, 10**5), st.integers(1, 30))
def test_what_grows_by_as_much_each_turn_does_so_still(first: int, step: int, size: int, around: int) -> None:
    third = first + 2 * step
    assert grown(first, first + step, third, size=size, times=size * around) == third + step * size * around


@given(st.integers(1, 10**3), st.integers(2, 9), st.integers(1, 90_000))
def test_what_grows_times_as_much_each_turn_does_so_still(first: int, times: int, size: int) -> None:
    truly = first * times ** (2 + min(size, 40))
    found = grown(first, first * times, first * times**2, size=size, times=size)
    assert found == pytest.approx(truly) or min(found, truly) > 2**30  # more than any tensor has


@given(st.integers(1, 10**6), st.integers(0, 10**6), st.integers(1, 10**5))
def test_what_does_not_grow_tells_nothing(first: int, less: int, size: int) -> None:
    assert grown(first + less, first, first, size=size, times=size) == 0


@given(flows(known=False, gradients=True), st.sampled_from(list(KINDS)))
def test_so_it_is_of_drawn_programs(program: str, kind: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        told, taken, ran = rehearsing(patch)(program, kind)
    if ran and told.all and told.taken is not None:
        steps, tensors = taken.steps - told.taken.steps, taken.tensors - told.taken.tensors
        assert (steps <= 0 and tensors <= 0) if kind == "dearest" else (steps == 0 and tensors == 0)


@pytest.mark.parametrize("turns", [33, 40])
@pytest.mark.parametrize("rare", RARE)
def test_a_turn_that_may_take_more_than_there_is_lets_no_pace_tell(
    rare: str, turns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = budgets(monkeypatch)
    with pytest.raises(LimitError):
        run(RARELY.format(rare=rare, turns=turns))
    assert done(made[0]) <= 2 * ROOM


def test_without_that_turn_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    made = budgets(monkeypatch)
    run(RARELY.format(rare="y = y + 1", turns=33))
    assert done(made[0]) > 2 * ROOM
