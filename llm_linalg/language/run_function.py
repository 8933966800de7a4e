"""Functions of Python's that are written anew here: they call the program, or go through iterators."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from llm_linalg.language.methods import Bindable


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RunFunction:
    """A function that is handed the run before its arguments, and charges what it does.

    Attributes:
        name: Its name.
        does: The function.
        kind: The type that it makes, for a name that is a type's in Python, such as `zip`.
        members: What stands after a dot behind it, such as `chain.from_iterable`.
        holds: What it was made of and may call, change or give: the function and the arguments of `partial`.
    """

    name: str
    does: Callable[..., Any]
    kind: Any = None
    members: Mapping[str, Any] = field(default_factory=dict)
    holds: Sequence[Any] = ()

    def __repr__(self) -> str:
        return repr(self.kind) if isinstance(self.kind, type) else f"<built-in function {self.name}>"


class RunMethod(RunFunction, Bindable):
    """Such a function that becomes a method of an object in whose class it is found."""

    __slots__ = ()
