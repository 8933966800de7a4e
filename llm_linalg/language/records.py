"""Tuples whose items have names, and dicts that make the items that they lack."""

from __future__ import annotations

from typing import Any, ClassVar


class FieldTuple(tuple[Any, ...]):
    """A tuple of a type that `namedtuple` makes.

    Attributes:
        fields: The names of the items.
        maker: What the language calls the type.
    """

    fields: ClassVar[tuple[str, ...]] = ()
    maker: ClassVar[Any] = None

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in zip(self.fields, self, strict=True))
        return f"{type(self).__name__}({shown})"


class DefaultDict(dict[Any, Any]):
    """What `defaultdict` makes. It is the run that calls the factory, never Python.

    Attributes:
        factory: What makes a missing item; None if nothing does.
    """

    __slots__ = ("factory",)
    factory: Any

    def __repr__(self) -> str:
        return f"defaultdict({self.factory!r}, {super().__repr__()})"

    def copy(self) -> DefaultDict:
        """Do what `defaultdict.copy` does."""
        found = DefaultDict(self)
        found.factory = self.factory
        return found

    def __or__(self, other: Any) -> Any:
        if not isinstance(other, dict):
            return NotImplemented
        found = self.copy()
        found.update(other)
        return found

    def __ror__(self, other: Any) -> Any:
        if not isinstance(other, dict):
            return NotImplemented
        found = DefaultDict(other)
        found.factory = self.factory
        found.update(self)
        return found


DefaultDict.__name__ = DefaultDict.__qualname__ = "defaultdict"
DefaultDict.__module__ = "collections"  # where it is in Python, as its type is printed
