"""Long lists of cases: a few are quick tests, all of them slow ones."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from _pytest.mark import ParameterSet


def thin(cases: Iterable[object], every: int) -> list[ParameterSet]:
    """Return the cases, tuples of arguments or the only one: every so many-th is quick, the others `slow`."""
    return [
        pytest.param(
            *(case if isinstance(case, tuple) else (case,)),
            marks=[pytest.mark.slow] if number % every else [],
        )
        for number, case in enumerate(cases)
    ]
