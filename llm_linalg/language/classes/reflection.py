"""`isinstance`, `type`, `super` and the like: what is asked about classes, answered by our own types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from zlib import crc32

from torch import nn

from llm_linalg.language.arrays.array import Array
from llm_linalg.language.arrays.array_dtypes import DType
from llm_linalg.language.budget import CHARACTERS_PER_STEP
from llm_linalg.language.classes.descriptors import ClassMethod, Property, StaticMethod, Super
from llm_linalg.language.classes.members import fields_of
from llm_linalg.language.classes.program_class import MISSING, Instance, ProgramClass
from llm_linalg.language.distribution_value import Distribution
from llm_linalg.language.gradient_functions import GradientFunction
from llm_linalg.language.item_iterator import ItemIterator
from llm_linalg.language.methods import Bindable, Method
from llm_linalg.language.optimizer_state import Optimizer
from llm_linalg.language.records import FieldTuple
from llm_linalg.language.refusal import RefusalError
from llm_linalg.language.run_function import RunFunction
from llm_linalg.language.schedule_rates import Scheduler
from llm_linalg.language.sets import FrozenSet
from llm_linalg.language.storages import TensorStorage
from llm_linalg.language.type_function import TypeHint, TypeName, TypeUnion, kind_of

if TYPE_CHECKING:
    from llm_linalg.language.interpreter import Interpreter

MAX_TYPES = 50
_WRONG = "isinstance() arg 2 must be a type, a tuple of types, or a union"
_PLAIN = frozenset(dir(type("Plain", (), {})()))  # the names that every object has in Python
_FUNCTION, _METHOD = TypeName("function"), TypeName("method")


def types_in(value: Any) -> tuple[type, ...]:
    """Return the types that a program means by a type, or by a tuple of some, one within another.

    Raises:
        TypeError: If it is something else.
    """
    found: list[type] = []
    todo = [value]
    while todo:
        item = todo.pop()
        if isinstance(item, tuple):
            todo += reversed(item[: MAX_TYPES + 1])
        elif (kind := kind_of(item)) is not None:
            found.append(kind)
        elif isinstance(item, TypeUnion):
            todo += [type(None) if one is None else one for one in reversed(item.kinds)]
        elif isinstance(item, TypeHint):
            raise RefusalError("isinstance takes types here, such as list, and none of typing's names")
        else:
            raise TypeError(_WRONG)
        if len(found) + len(todo) > MAX_TYPES:
            raise RefusalError(f"more than {MAX_TYPES} types")
    return tuple(found)


def is_instance(_run: Interpreter, value: Any, kinds: Any) -> bool:
    """Do what `isinstance` does."""
    return isinstance(value, types_in(kinds))


def is_subclass(_run: Interpreter, value: Any, kinds: Any) -> bool:
    """Do what `issubclass` does."""
    kind = kind_of(value)
    if kind is None:
        raise TypeError("issubclass() arg 1 must be a class")
    return issubclass(kind, types_in(kinds))


def type_of(run: Interpreter, value: Any, *others: Any) -> Any:
    """Do what `type` does with one value: return what the language calls its type.

    Raises:
        RefusalError: If it is asked to make a class.
    """
    if others:
        raise RefusalError("type takes one value here: write a class statement")
    kind = value.__class__
    if isinstance(kind, ProgramClass):
        return kind
    if kind in run.types:
        return run.types[kind]
    if isinstance(value, Bindable):
        return _FUNCTION
    if isinstance(value, Method):
        return _METHOD if isinstance(value.function, Bindable) else TypeName("builtin_function_or_method")
    if isinstance(value, ItemIterator):
        return TypeName(value.title.split()[0])
    if kind_of(value) is not None:
        return TypeName("type")
    if isinstance(value, FieldTuple):
        return value.maker
    if kind.__module__.startswith("llm_linalg"):
        return TypeName(_name_in_python(value))
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return TypeName(f"{module}{kind.__qualname__}")


def _name_in_python(value: Any) -> str:
    """Return the name of the type that stands in Python where a value is one of our own.

    Raises:
        RefusalError: If there is none that a program could want.
    """
    match value:
        case RunFunction():
            return "functools.partial" if value.name == "partial" else "builtin_function_or_method"
        case TensorStorage():
            return f"torch.storage.{'Typed' if value.is_typed else 'Untyped'}Storage"
        case Optimizer():
            title = value.kind.title
            return f"torch.optim.{title.lower()}.{title}"
        case Scheduler():
            return f"torch.optim.lr_scheduler.{value.title}"
        case Distribution():
            return f"{type(value.native).__module__}.{type(value.native).__qualname__}"
        case GradientFunction():
            return type(value.function).__name__
    if type(value).__name__ == "Namespace":  # of `allowlist`, which imports this module
        return "module"
    raise RefusalError("the type of this value is not part of the language: print the value itself")


def name_of(value: Any) -> Any:
    """Return the `__name__` of a class or a function; `MISSING` if a value has none."""
    kind = kind_of(value)
    if kind is not None:
        return kind.__name__
    if isinstance(value, TypeName):
        return value.name.rpartition(".")[2]
    if isinstance(value, Method):
        return name_of(value.function)
    if isinstance(value, RunFunction):
        return value.name
    if isinstance(value, Bindable):
        return value.name
    name = value.__name__ if callable(value) and not isinstance(value, Instance) else MISSING
    return name if isinstance(name, str) else MISSING


def identity(run: Interpreter, value: Any) -> int:
    """Do what `id` does: return a number of the value's own, the same in every run.

    Raises:
        RefusalError: If the value is gone as soon as Python has told its address.
    """
    if isinstance(value, TensorStorage) and value.is_typed:
        raise RefusalError(
            "a storage is made anew each time, so its id says nothing: compare x.storage().data_ptr()"
        )
    return run.address_of(value)


def hash_of(run: Interpreter, value: Any) -> int:
    """Do what `hash` does; that of a text, which Python draws at random, is the same in every run.

    So is that of what Python tells apart by its address.

    Raises:
        TypeError: If the value has no hash.
    """
    if isinstance(value, str):
        run.budget.step(2 + len(value) // CHARACTERS_PER_STEP)
        return crc32(value.encode())
    if isinstance(value, tuple | FrozenSet):
        run.budget.charge_items(value)
        parts = [hash_of(run, item) for item in value]
        return hash(tuple(parts) if isinstance(value, tuple) else frozenset(parts))
    if isinstance(value, int | float | range | Array):
        return hash(value)
    if isinstance(value, Instance) and value.__class__.find("__hash__") is not MISSING:
        return hash(value)
    hash(value)  # which says so if it has none
    if isinstance(value, DType | TypeName):
        return crc32(value.name.encode())
    if isinstance(value, Method):
        return hash((run.address_of(value.owner), run.address_of(value.function)))
    return run.address_of(value.function if isinstance(value, GradientFunction) else value) // 16


def vars_of(_run: Interpreter, value: Any = MISSING) -> dict[str, Any]:
    """Do what `vars` does for an object of a class of the program."""
    if value is MISSING:
        raise RefusalError("name what you want: vars takes an object of the program's own")
    if isinstance(value, Instance) and value.__class__.slots is not None:
        raise TypeError("vars() argument must have __dict__ attribute")
    return fields_of(value)


def names_of(run: Interpreter, value: Any = MISSING) -> list[str]:
    """Do what `dir` does for an object of a plain class of the program, or for such a class.

    Raises:
        RefusalError: For anything else, of which Python and torch know more.
    """
    kind = value if isinstance(value, ProgramClass) else value.__class__
    kinds = [one for one in kind.__mro__ if isinstance(one, ProgramClass)]
    native = kind.__class__ is not ProgramClass or issubclass(kind, nn.Module | BaseException)
    if native or any(one.data_fields is not None or one.slots is not None for one in kinds):
        raise RefusalError(
            "dir is for what is imported and for objects of plain classes of the program: name what you want"
        )
    found = {*_PLAIN, *(value.__fields__ if value is not kind else ())}
    for one in kinds:
        found.update(one.__members__, ["__annotations__"] if one.__annotations__ else [])
    if not all(isinstance(name, str) for name in found):  # put there by way of vars
        raise TypeError("the names of an object are text")
    run.budget.charge_sort(list(found))
    return sorted(found)


def is_callable(_run: Interpreter, value: Any) -> bool:
    """Do what `callable` does."""
    return isinstance(value, Method | RunFunction | Bindable) or callable(value)


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
    if not (isinstance(kind, ProgramClass) and isinstance(found, ProgramClass) and issubclass(found, kind)):
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
    "type": RunFunction("type", type_of, type),
    "id": RunFunction("id", identity),
    "hash": RunFunction("hash", hash_of),
    "callable": RunFunction("callable", is_callable),
    "vars": RunFunction("vars", vars_of),
}
"""Python's functions and types that classes are written and asked about with, by name."""
