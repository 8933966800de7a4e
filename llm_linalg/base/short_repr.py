"""Short texts of values for messages, in constant time whatever the value is."""

from __future__ import annotations

from reprlib import Repr
from typing import Any

_TYPE_NAMES = {
    "str": "text",
    **dict.fromkeys(["builtin_function_or_method", "method", "method_descriptor"], "function"),
}


class _Brief(Repr):
    """A `repr` cut short, in which an object other than plain data is named by its type."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 2
        self.maxstring = 40

    def repr_instance(self, x: Any, level: int) -> str:  # noqa: ARG002  as `Repr` calls it
        """Return the text of an object that `Repr` has no rule for, such as `a function`."""
        kind = type(x).__name__
        name = _TYPE_NAMES.get(kind, kind)
        article = "an" if name[0].lower() in "aeiou" else "a"
        return repr(x) if x is None or isinstance(x, bool | float) else f"{article} {name}"


_BRIEF = _Brief()


def short_repr(value: Any, most: int = 60) -> str:
    """Return a value's text in at most `most` characters."""
    return f"{_BRIEF.repr(value):.{most}}"
