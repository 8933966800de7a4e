"""What is there many times over, or is gone through again each turn, is counted before it is done."""

from __future__ import annotations

import pytest

from llm_linalg import LimitError, OpenEndedError, run
from llm_linalg.language import plain
from llm_linalg.language.allowance import ROOM
from llm_linalg.language.budget import MOST_SIZES
from tests.engine.again import SIZED, VIEWED, WAYS
from tests.engine.doing import budgets, done


@pytest.mark.parametrize("program", VIEWED)
def test_no_more_is_listed_than_anything_may_have(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    listed: list[int] = []
    sequence = plain._sequence

    def noted(value: object) -> object:
        items = sequence(value)
        listed.append(len(items))
        return items

    monkeypatch.setattr(plain, "_sequence", noted)
    with pytest.raises(LimitError):
        run(program)
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
