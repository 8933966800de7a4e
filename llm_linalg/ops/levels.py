"""How deep lists stand within lists that a call is given."""

from __future__ import annotations

from itertools import chain
from typing import Any

from llm_linalg.errors import LimitError

MOST_LEVELS = 24  # a tensor has an axis for each


def hold(value: Any) -> None:
    """Hold what a call is given against the bound on lists within lists.

    Raises:
        LimitError: If no tensor that could be made of it would have so many axes.
    """
    level = [value]
    for _ in range(MOST_LEVELS + 1):
        level = [item for item in level if isinstance(item, list | tuple)]
        if not level:
            return
        level = list(chain.from_iterable(level))
    raise LimitError(f"lists in lists, more than {MOST_LEVELS} deep: no tensor has as many axes")
