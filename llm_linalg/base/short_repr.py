"""Short texts of values, for messages: whatever the value is, they take no time."""

from __future__ import annotations

from reprlib import Repr
from typing import Any

TYPE_NAMES = {  # what the language calls a value of a type, if not as the type is called
    "str": "text",
    "UserFunction": "function",
    "Method": "function",
    "Size": "tuple",
    "Distinct": "set",
    **dict.fromkeys(["function", "builtin_function_or_method", "method_descriptor"], "function"),
}


class _Brief(Repr):
    """As `repr`, of little of a value: what is no number, text, list or the like is named by its type."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 2
        self.maxstring = 40

    def repr_instance(self, x: Any, level: int) -> str:  # noqa: ARG002  as `Repr` calls it
        """Return what stands for anything else."""
        kind = type(x).__name__
        return repr(x) if x is None or isinstance(x, bool | float) else f"a {TYPE_NAMES.get(kind, kind)}"


_BRIEF = _Brief()


def short_repr(value: Any, most: int = 60) -> str:
    """Return a short text of a value."""
    return f"{_BRIEF.repr(value):.{most}}"
