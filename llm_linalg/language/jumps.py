"""Ways out of nested statements. They are raised, but they are no errors, and no program catches them."""

from __future__ import annotations

from typing import Any


class Return(Exception):  # noqa: N818
    """Leaves a function with its value."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


class Break(Exception):  # noqa: N818
    """Leaves a loop."""


class Continue(Exception):  # noqa: N818
    """Goes on with the next turn of a loop."""


JUMPS = (Return, Break, Continue)
MISPLACED = "`return`, `break` and `continue` belong inside a `def` or a loop"
"""The message for one that leaves nothing."""
