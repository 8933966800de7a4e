"""The types of a program's classes, and their objects: tables of what the program put there.

The tables have names with two underscores, which no program can give to a part of a module: torch would look
such a part up in their place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

from torch import nn

from llm_linalg.base.errors import LimitError
from llm_linalg.language.source import SPECIAL_METHODS

if TYPE_CHECKING:
    from collections.abc import Iterator

_NATIVE = SPECIAL_METHODS - {"__post_init__"}
"""Methods that Python calls by itself."""
OF_MODULES = frozenset(["forward", "extra_repr", "_get_name", "train"])
"""Methods that torch calls by itself."""
_CALLED_WORDS = """
    parameters named_parameters named_buffers named_modules children named_children apply state_dict
    add_module register_parameter register_buffer
"""
_CALLED_IN_TURN = frozenset(_CALLED_WORDS.split())
"""Those that others of its methods call, which can't call a program's own."""
MAX_BASES = 50
MAX_SLOTS = 1_000
MISSING: Any = object()
"""What a lookup gives that finds nothing."""


class StepBudget(Protocol):
    """What takes the steps of a run."""

    def step(self, count: int = 1) -> None:
        """Charge steps."""


class MethodCaller(Protocol):
    """What the native methods of a program's objects need of the run."""

    @property
    def budget(self) -> StepBudget:
        """What the run may still use up."""

    def call_native(self, member: Any, owner: Any, arguments: Sequence[Any], named: Mapping[str, Any]) -> Any:
        """Call a method of the program that Python or torch asks for."""

    def initialize(self, module: Module, arguments: Sequence[Any], named: Mapping[str, Any]) -> None:
        """Do what the `__init__` of the torch class does that a module's class is made from."""

    def address_of(self, value: object) -> int:
        """Return what stands for a value's address."""


_CALLER: ContextVar[MethodCaller | None] = ContextVar("the run that calls", default=None)


def caller() -> MethodCaller:
    """Return the run in which a native method is called.

    Raises:
        TypeError: Outside of any run.
    """
    found = _CALLER.get()
    if found is None:
        raise TypeError("an object of a program can't be asked once the program has ended")
    return found


@contextmanager
def calls_from(run: MethodCaller) -> Iterator[None]:
    """Hand the native methods of objects to a run while the context is open."""
    token = _CALLER.set(run)
    try:
        yield
    finally:
        _CALLER.reset(token)


class ProgramClass(type):
    """The type of a class of the program.

    Attributes:
        __members__: What its body bound, by name.
        __annotations__: What stands behind the colon in `n: int = 1`, by name, in their order.
        data_fields: The fields of a data class, by name; None for another class.
        is_frozen: Whether nothing can be put on its objects.
        slots: The names that can be put on its objects; None if all can.
        overrides: The methods of the program's own that stand in the place of those of a module which
            others of torch's methods call.
        is_shared: Whether it is the language's own, the same for every program.
    """

    __members__: dict[str, Any]
    data_fields: Mapping[str, Any] | None = None
    is_frozen: bool = False
    slots: frozenset[str] | None = None
    overrides: frozenset[str] = frozenset()
    is_shared: bool = False

    def __repr__(cls) -> str:
        return f"<class '__main__.{cls.__name__}'>"

    def put(cls, name: str, value: Any) -> None:
        """Bind a name in a class.

        Raises:
            TypeError: If the class is the language's own.
        """
        if vars(cls).get("is_shared"):
            raise TypeError(f"cannot set '{name:.100}' attribute of immutable type '{cls.__name__}'")
        cls.__members__[name] = value
        if name == "forward" and issubclass(cls, Module):
            setattr(cls, "forward", native(value))  # noqa: B010  mypy takes it for a method of every class

    def find(cls, name: str, after: type | None = None) -> Any:
        """Return what a class or one of its bases binds to a name; `MISSING` if none does.

        Args:
            name: The name.
            after: The class behind which to begin, in the order of resolution, as `super()` does.
        """
        order = cls.__mro__
        for kind in order if after is None else order[order.index(after) + 1 :]:
            if kind.__class__ is ProgramClass and name in kind.__members__:
                return kind.__members__[name]
        return MISSING


class Instance(metaclass=ProgramClass):
    """An object of a class of the program.

    Attributes:
        __fields__: What the program put on it, by name.
    """

    __members__: dict[str, Any] = {}  # noqa: RUF012  of the class, as every program class has them
    __fields__: dict[str, Any]

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Make an object without fields.

        Raises:
            TypeError: If it gets arguments that no `__init__` takes.
        """
        if (args or kwargs) and cls.__init__ is object.__init__:
            raise TypeError(f"{cls.__name__}() takes no arguments")
        own = super().__new__(cls, *(args if issubclass(cls, BaseException) else ()))
        object.__setattr__(own, "__fields__", {})  # a module's own `__setattr__` would look at it
        return own

    def __repr__(self) -> str:
        if isinstance(self, BaseException):
            return super().__repr__()
        return f"<__main__.{type(self).__name__} object at {caller().address_of(self):#014x}>"


class Module(Instance, nn.Module):
    """An object of a class that derives from `nn.Module` or a layer.

    Attributes:
        __ready__: Whether its class has called `super().__init__()`.
    """

    __members__: dict[str, Any] = {}  # noqa: RUF012
    __ready__: bool

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Make a module that holds nothing yet: every module is whole, whatever its `__init__` does."""
        own = super().__new__(cls, *args, **kwargs)
        nn.Module.__init__(own)
        object.__setattr__(own, "__ready__", False)
        del vars(own)["_backward_hooks"]  # so torch refuses to call it, as it does in Python
        return own

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        caller().initialize(self, args, kwargs)

    def __repr__(self) -> str:
        if not self.__ready__:
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '_modules'")
        return super(Instance, self).__repr__()


def bases_of(bases: Sequence[type]) -> tuple[type, ...]:
    """Return the Python types that a class of the program derives from, for those that it names."""
    found: list[type] = []
    for base in bases:
        if base.__class__ is ProgramClass:
            found.append(base)
        elif issubclass(base, nn.Module):
            found += [Module] if base is nn.Module else [Module, base]
        elif base is not object:
            found += [Instance, base]
    return tuple(dict.fromkeys(found)) or (Instance,)


def make_class(
    name: str, bases: Sequence[type], members: dict[str, Any], annotations: Mapping[str, str]
) -> ProgramClass:
    """Return a new class.

    Args:
        name: Its name.
        bases: The classes that the program names as its bases.
        members: What its body bound.
        annotations: What stands behind the colons in it, by name.

    Raises:
        LimitError: If it is derived from another, which is derived from another, too many times over.
        TypeError: If its bases can't stand together.
    """
    if len(set(bases)) < len(bases):
        raise TypeError("duplicate base class")
    if sum(len(base.__mro__) for base in bases) > MAX_BASES:
        raise LimitError(f"a class with more than {MAX_BASES} classes above it")
    asked_for = _NATIVE | OF_MODULES if any(issubclass(base, nn.Module) for base in bases) else _NATIVE
    own = {
        "__module__": "__main__",
        "__members__": members,
        "__annotations__": annotations,
        "slots": _slots(bases, members),
        "overrides": (_CALLED_IN_TURN & members.keys()).union(
            *(base.overrides for base in bases if isinstance(base, ProgramClass))
        ),
    }
    natives = {
        member: None if value is None else native(value)  # `__hash__ = None`, as Python has it
        for member, value in members.items()
        if member in asked_for
    }
    return ProgramClass(name, bases_of(bases), {**own, **natives})


def _slots(bases: Sequence[type], members: dict[str, Any]) -> frozenset[str] | None:
    """Return the names that can be put on the objects of a class; None if all can.

    What `__slots__` says is no member of the class any more.

    Raises:
        TypeError: If `__slots__` is no name, and no names.
        ValueError: If a class variable has one of the names.
    """
    if "__slots__" not in members:
        return None
    given = members.pop("__slots__")
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, list | tuple) or len(names) > MAX_SLOTS:
        raise TypeError("__slots__ is a tuple of names")
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"__slots__ items must be strings, not '{type(name).__name__}'")
        if not name.isidentifier() or name.startswith("__"):
            raise TypeError("__slots__ must be identifiers, and none with two underscores here")
        if name in members:
            raise ValueError(f"{name!r} in __slots__ conflicts with class variable")
    above = [base.slots if isinstance(base, ProgramClass) else None for base in bases if base is not object]
    if None in above:
        return None
    return frozenset(names).union(*(slots for slots in above if slots is not None))


def native(function: Any) -> Callable[..., Any]:
    """Return the native method that hands its call to a method of the program."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return caller().call_native(function, self, args, kwargs)

    return method
