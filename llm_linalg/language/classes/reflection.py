"""`isinstance`, `super` and the like: what is asked about classes, answered by the language's own types."""

from __future__ import annotations

from collections.abc import Mapping
from types import FunctionType
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from llm_linalg.language import builtin_functions, containers, modules, torch_functions
from llm_linalg.language.classes.descriptors import ClassMethod, Property, StaticMethod, Super
from llm_linalg.language.classes.program_class import ProgramClass
from llm_linalg.language.run_function import RunFunction
from llm_linalg.language.tensor_types import TensorType

if TYPE_CHECKING:
    from llm_linalg.language.interpreter import Interpreter

MAX_TYPES = 50
_WRONG = "isinstance() arg 2 must be a type, a tuple of types, or a union"
_STANDS_FOR: Mapping[Any, type] = {
    containers.make_dict: dict,
    builtin_functions.make_range: range,
    torch_functions.cpu_device: torch.device,
    torch_functions.make_size: torch.Size,
    modules.make_parameter: nn.Parameter,
}
"""Functions of the language that stand for a type, which Python or torch has under their name."""


def types_in(value: Any) -> tuple[type, ...]:
    """Return the types that a program means by a type, or by a tuple of some.

    Raises:
        TypeError: If it is something else.
    """
    values = value if isinstance(value, tuple) else (value,)
    if len(values) > MAX_TYPES:
        raise TypeError(f"more than {MAX_TYPES} types")
    return tuple([_type_in(item) for item in values])


def _type_in(value: Any) -> type:
    if isinstance(value, type):
        return value
    if isinstance(value, TensorType):
        return value.kind
    if isinstance(value, RunFunction) and isinstance(value.kind, type):
        return value.kind
    if not isinstance(value, FunctionType) or value not in _STANDS_FOR:
        raise TypeError(_WRONG)
    return _STANDS_FOR[value]


def is_instance(_run: Interpreter, value: Any, kinds: Any) -> bool:
    """Do what `isinstance` does."""
    return isinstance(value, types_in(kinds))


def is_subclass(_run: Interpreter, kind: Any, kinds: Any) -> bool:
    """Do what `issubclass` does."""
    if not isinstance(kind, ProgramClass | type):
        raise TypeError("issubclass() arg 1 must be a class")
    return issubclass(kind, types_in(kinds))


def super_of(run: Interpreter, kind: Any = None, owner: Any = None) -> Super:
    """Do what `super()` and `super(A, self)` do.

    Raises:
        TypeError: Outside of a method, or for what is no object of the class.
    """
    if kind is None:
        if run.owner is None:
            raise TypeError("super() stands in a method of a class")
        kind, owner = run.function.owner, run.owner
    found = owner if isinstance(owner, ProgramClass) else type(owner)
    if (
        not isinstance(kind, ProgramClass)
        or not isinstance(found, ProgramClass)
        or not issubclass(found, kind)
    ):
        raise TypeError("super(type, obj): obj must be an instance or subtype of type")
    return Super(kind, owner)


FUNCTIONS: Mapping[str, Any] = {
    "object": object,
    "property": Property,
    "staticmethod": StaticMethod,
    "classmethod": ClassMethod,
    "super": RunFunction("super", super_of),
    "isinstance": RunFunction("isinstance", is_instance),
    "issubclass": RunFunction("issubclass", is_subclass),
}
"""Python's functions and types that classes are written and asked about with, by name."""
