"""How much runs use."""

from __future__ import annotations

from typing import Any

import pytest
from llm_linalg.language import execute
from llm_linalg.language.budget import Budget

from llm_linalg import run


def budgets(monkeypatch: pytest.MonkeyPatch) -> list[Budget]:
    """Returns the budgets of the runs to come."""
    made: list[Budget] = []

    def noted(**bounds: Any) -> Budget:
        made.append(Budget(**bounds))
        return made[-1]

    monkeypatch.setattr(execute, "Budget", noted)
    return made


def nine(before: str, line: str, other: str, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """Returns how many steps nine of a line take, and nine of another."""
    made = budgets(monkeypatch)
    for program in ("", f"{line}\n" * 9, f"{other}\n" * 9):
        run(before + program)
    start, one, another = (budget.steps_used for budget in made)
    return one - start, another - start
