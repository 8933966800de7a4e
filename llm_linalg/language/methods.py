"""A method together with the value that it belongs to."""

from __future__ import annotations

from typing import Any


class Bindable:
    """What becomes a method of an object in whose class it is found: a function that the program defines.

    Attributes:
        name: Its name.
    """

    __slots__ = ()
    name: str


class Method:
    """A function of the allow-list, or of the program, together with the value it is a method of."""

    __slots__ = ("function", "owner")

    def __init__(self, function: Any, owner: Any) -> None:
        self.function = function
        self.owner = owner

    def __repr__(self) -> str:
        return "<a method>"

    def __eq__(self, other: object) -> bool:
        same = isinstance(other, Method) and self.owner is other.owner
        return same and self.function is other.function  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash((id(self.function), id(self.owner)))
