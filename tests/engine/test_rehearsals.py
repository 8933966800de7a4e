"""How much of a program's room its rehearsals take, and which of them are made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from llm_linalg import LimitError, OpenEndedError, run
from llm_linalg.foresight import Rehearsal
from llm_linalg.language.allowance import ROOM
from llm_linalg.language.budget import Budget
from llm_linalg.language.moments import Moments
from tests.engine.fitting import FITTING
from tests.engine.open_ended import OPEN_ENDED

MAY_BE_LEFT = "x = torch.randn(3)\nfor i in range(100_000):\n    if x.sum() > 1000:\n        break\n    {}"


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Returns what the rehearsals take of the runs to come, in steps and effort."""
    found: list[int] = []
    rehearsed = Budget.rehearsed

    def noted(budget: Budget, steps: int, walked: int) -> int:
        found.append(rehearsed(budget, steps, walked))
        return found[-1]

    monkeypatch.setattr(Budget, "rehearsed", noted)
    return found


@pytest.fixture
def kinds(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Returns the kinds of the rehearsals of the runs to come."""
    found: list[str] = []
    gone_through = Moments._gone_through

    def noted(self: Moments, moment: Any, **kind: Any) -> Rehearsal:
        paced = isinstance(kind.get("paces"), Mapping) and bool(kind["paces"])
        chosen = [name for name in ("exact", "dearest") if kind.get(name)]
        found.append("pace" if paced else chosen[0] if chosen else "least")
        return gone_through(self, moment, **kind)

    monkeypatch.setattr(Moments, "_gone_through", noted)
    return found


@pytest.mark.parametrize(
    "turn", ["y = x + 1", "y = F.gelu(x)", "x = torch.tanh(x @ torch.ones(3, 3))", "x[0] = 1"]
)
def test_those_of_a_simple_loop_take_a_tenth_of_its_room(turn: str, taken: list[int]) -> None:
    with pytest.raises(OpenEndedError):
        run(MAY_BE_LEFT.format(turn))
    assert taken
    assert sum(taken) <= ROOM // 10


@pytest.mark.parametrize("program", OPEN_ENDED.values(), ids=list(OPEN_ENDED))
def test_those_of_a_program_take_little_more_than_its_room(program: str, taken: list[int]) -> None:
    with pytest.raises(LimitError):
        run(program)
    assert sum(taken) <= ROOM + ROOM // 5


def test_a_loop_of_which_all_was_known_is_not_rehearsed_once_more_when_it_is_under_way(
    kinds: list[str],
) -> None:
    with pytest.raises(OpenEndedError):
        run(MAY_BE_LEFT.format("y = x + 1"))
    assert kinds.count("dearest") == 1


def test_one_that_hangs_on_what_only_the_run_knows_is(kinds: list[str]) -> None:
    hangs = "n = int(torch.tensor([100_000.0]).sum())\n" + MAY_BE_LEFT.replace("100_000", "n")
    with pytest.raises(OpenEndedError):
        run(hangs.format("y = x + 1"))
    assert kinds.count("dearest") == 2


def test_values_are_kept_apart_only_if_the_dearest_case_does_not_tell_all(kinds: list[str]) -> None:
    run(FITTING["a network that is trained"])
    assert kinds == ["least", "dearest"]


def test_a_rehearsal_of_very_many_guesses_is_soon_over(taken: list[int]) -> None:
    run(FITTING["arms of a bandit that are tried"])
    assert taken[0] <= 40_000
