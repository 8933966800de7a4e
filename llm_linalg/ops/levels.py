"""Limit the depth of nested lists in the arguments of a call."""

from __future__ import annotations

from itertools import chain
from typing import Any

from llm_linalg.base.errors import LimitError

MOST_LEVELS = 24  # a tensor has an axis for each


def hold(value: Any) -> None:
    """Check how deep the lists of an argument are nested.

    Raises:
        LimitError: If they are nested deeper than `MOST_LEVELS`.
    """
    level = [value]
    for _ in range(MOST_LEVELS + 1):
        if not any(issubclass(kind, list | tuple) for kind in set(map(type, level))):  # of most lists at once
            return
        level = list(chain.from_iterable(item for item in level if isinstance(item, list | tuple)))
    raise LimitError(f"lists in lists, more than {MOST_LEVELS} deep: no tensor has as many axes")
