"""What stands in a class for more than itself: properties, static and class methods, and `super()`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llm_linalg.language.classes.program_class import ProgramClass


@dataclass(slots=True, eq=False, repr=False)
class Property:
    """What `@property` makes: an attribute that a method computes, and another may set."""

    getter: Any
    setter: Any = None


@dataclass(slots=True, eq=False, repr=False)
class StaticMethod:
    """What `@staticmethod` makes: a function of a class that gets no `self`."""

    function: Any


@dataclass(slots=True, eq=False, repr=False)
class ClassMethod:
    """What `@classmethod` makes: a function that gets the class in place of an object."""

    function: Any


@dataclass(slots=True, eq=False, repr=False)
class Super:
    """What `super()` gives: an object's attributes behind those of a class.

    Attributes:
        after: The class that calls it.
        owner: The object, or in a class method the class.
    """

    after: ProgramClass
    owner: Any


def _with_setter(found: Property, setter: Any) -> Property:
    return Property(found.getter, setter)


DESCRIPTOR_METHODS: Mapping[str, Callable[..., Any]] = {"setter": _with_setter}
"""Methods of a property: `@x.setter`."""
