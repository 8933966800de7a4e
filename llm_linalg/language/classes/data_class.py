"""`@dataclass`: classes whose `__init__`, text and equality follow from the annotations in their body."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from llm_linalg.base.errors import LimitError
from llm_linalg.language import strings
from llm_linalg.language.classes.members import attribute_of
from llm_linalg.language.classes.program_class import MISSING, Instance, ProgramClass, native
from llm_linalg.language.classes.reflection import hash_of
from llm_linalg.language.python_modules.copies import deep_copy
from llm_linalg.language.refusal import RefusalError
from llm_linalg.language.run_function import RunFunction, RunMethod
from llm_linalg.language.signatures import ParameterList

if TYPE_CHECKING:
    from llm_linalg.language.interpreter import Interpreter

MAX_TEXT = 10_000  # characters of an object
_OPTIONS: Mapping[str, Any] = {"init": True, "repr": True, "eq": True, "order": False, "frozen": False}
_ORDER: Mapping[str, Callable[[Any, Any], Any]] = {
    "__lt__": operator.lt,
    "__le__": operator.le,
    "__gt__": operator.gt,
    "__ge__": operator.ge,
}


@dataclass(frozen=True, slots=True, eq=False)
class DataField:
    """A field of a data class.

    Attributes:
        default: The value that it has without an argument; `MISSING` if there is none.
        factory: What makes that value each time; `MISSING` if nothing does.
        in_init: Whether `__init__` has a parameter for it.
        in_text: Whether the text of an object shows it.
        is_compared: Whether equality looks at it.
    """

    default: Any = MISSING
    factory: Any = MISSING
    in_init: bool = True
    in_text: bool = True
    is_compared: bool = True

    @property
    def is_optional(self) -> bool:
        """Whether it has a value without an argument."""
        return self.default is not MISSING or self.factory is not MISSING


def make_field(
    _run: Interpreter,
    *,
    default: Any = MISSING,
    default_factory: Any = MISSING,
    init: bool = True,
    repr: bool = True,  # noqa: A002  as Python calls it
    compare: bool = True,
) -> DataField:
    """Do what `field` does.

    Raises:
        ValueError: For a default and a factory at once.
    """
    if default is not MISSING and default_factory is not MISSING:
        raise ValueError("cannot specify both default and default_factory")
    return DataField(default, default_factory, bool(init), bool(repr), bool(compare))


def make_data_class(run: Interpreter, kind: Any = None, **options: Any) -> Any:
    """Do what `@dataclass` and `@dataclass(frozen=True)` do.

    Raises:
        RefusalError: For an option that the language lacks.
        TypeError: For what is no class of the program, or for fields that can't stand in this order.
    """
    unknown = options.keys() - _OPTIONS.keys()
    if unknown:
        raise RefusalError(f"dataclass has no {min(unknown)}= in this language")
    chosen = {**_OPTIONS, **options}
    if kind is None:
        return RunFunction("dataclass", partial(_complete, options=chosen))
    return _complete(run, kind, chosen)


def _complete(run: Interpreter, kind: Any, options: Mapping[str, Any]) -> ProgramClass:
    """Give a class its fields and the methods that follow from them."""
    if not isinstance(kind, ProgramClass) or vars(kind).get("is_shared"):
        raise TypeError("a data class is a class of the program")
    fields = _fields_of(kind)
    run.budget.step(10 * len(fields))
    kind.data_fields = fields
    kind.is_frozen = bool(options["frozen"])
    order = _ORDER if options["order"] else {}
    members = {
        "__init__": RunMethod("__init__", partial(_initialize, kind)) if options["init"] else None,
        "__repr__": RunMethod("__repr__", _text_of) if options["repr"] else None,
        "__eq__": RunMethod("__eq__", partial(_compare, operator.eq)) if options["eq"] else None,
        "__hash__": RunMethod("__hash__", _hash_of) if options["eq"] and options["frozen"] else None,
        **{name: RunMethod(name, partial(_compare, does)) for name, does in order.items()},
    }
    for name, member in members.items():
        if member is not None and name not in kind.__members__:
            kind.__members__[name] = member
            setattr(kind, name, native(member))
    if options["eq"] and "__hash__" not in kind.__members__:
        kind.__hash__ = None  # type: ignore[assignment]
    return kind


def _fields_of(kind: ProgramClass) -> dict[str, DataField]:
    """Return the fields of a class, those of its bases first; a value in its body is a field's default."""
    fields: dict[str, DataField] = {}
    for base in reversed(kind.__mro__[1:]):
        if isinstance(base, ProgramClass):
            fields.update(base.data_fields or {})
    for name, annotation in kind.__annotations__.items():
        if annotation.removeprefix("typing.").startswith("ClassVar"):
            continue
        value = kind.__members__.get(name, MISSING)
        default = value.default if isinstance(value, DataField) else value
        if default.__class__.__hash__ is None:
            said = f"mutable default {type(default)} for field {name} is not allowed: use default_factory"
            raise ValueError(said)
        fields[name] = value if isinstance(value, DataField) else DataField(value)
        if isinstance(value, DataField):
            del kind.__members__[name]
            if value.default is not MISSING:
                kind.__members__[name] = value.default
    needed = True
    for name, own in fields.items():
        if own.in_init and needed and own.is_optional:
            needed = False
        elif own.in_init and not needed and not own.is_optional:
            raise TypeError(f"non-default argument '{name}' follows default argument")
    return fields


def _initialize(kind: ProgramClass, run: Interpreter, owner: Instance, *arguments: Any, **named: Any) -> None:
    fields = kind.data_fields or {}
    places = ("self", *[name for name, own in fields.items() if own.in_init])
    defaults = {name: own for name, own in fields.items() if own.is_optional or not own.in_init}
    parameters = ParameterList(places, 0, (), None, None, is_plain=True)
    values = parameters.bind(f"{kind.__name__}.__init__", [owner, *arguments], named, defaults)
    run.budget.step(len(fields))
    for name, own in fields.items():
        value = values.get(name, MISSING)
        if value is own:
            value = run.call(own.factory, []) if own.factory is not MISSING else own.default
        if value is not MISSING:
            owner.__fields__[name] = value
    if kind.find("__post_init__") is not MISSING:
        run.call(attribute_of(run, owner, "__post_init__"), [])


def _text_of(run: Interpreter, owner: Instance) -> str:
    fields = owner.__class__.data_fields or {}
    parts: list[str] = []
    for name, own in fields.items():
        if own.in_text:
            parts.append(f"{name}={strings.repr_of(run, attribute_of(run, owner, name))}")
            if sum(map(len, parts)) > MAX_TEXT:
                raise LimitError(f"the text of an object has more than {MAX_TEXT:,} characters")
    return f"{type(owner).__name__}({', '.join(parts)})"


def _values(run: Interpreter, owner: Instance) -> tuple[Any, ...]:
    fields = owner.__class__.data_fields or {}
    values = tuple([attribute_of(run, owner, name) for name, own in fields.items() if own.is_compared])
    run.budget.charge_items(*values)
    return values


def _compare(does: Callable[[Any, Any], Any], run: Interpreter, owner: Instance, other: Any) -> Any:
    if other.__class__ is not owner.__class__:
        return NotImplemented
    return does(_values(run, owner), _values(run, other))


def _hash_of(run: Interpreter, owner: Instance) -> int:
    return hash_of(run, _values(run, owner))


def _fields_in(owner: Any, title: str) -> Mapping[str, DataField]:
    fields = owner.__class__.data_fields if isinstance(owner, Instance) else None
    if fields is None:
        raise TypeError(f"{title}() should be called on dataclass instances")
    return fields


def as_dict(run: Interpreter, owner: Any) -> dict[str, Any]:
    """Do what `asdict` does: fields that are objects of data classes become dicts, others are copied.

    Raises:
        TypeError: For another object.
    """
    return {name: _as_plain(run, attribute_of(run, owner, name)) for name in _fields_in(owner, "asdict")}


def _as_plain(run: Interpreter, value: Any) -> Any:
    run.budget.step()
    if isinstance(value, Instance) and value.__class__.data_fields is not None:
        return as_dict(run, value)
    if value.__class__ in (list, tuple):
        return value.__class__([_as_plain(run, item) for item in value])
    if value.__class__ is dict:
        return {key: _as_plain(run, item) for key, item in value.items()}
    return deep_copy(run, value)


def replace(run: Interpreter, owner: Any, **changes: Any) -> Any:
    """Do what `dataclasses.replace` does.

    Raises:
        TypeError: For an object of no data class.
    """
    kept = {name: own for name, own in _fields_in(owner, "replace").items() if own.in_init}
    values = {name: attribute_of(run, owner, name) for name in kept if name not in changes}
    return run.call(owner.__class__, [], {**values, **changes})


FUNCTIONS: Mapping[str, RunFunction] = {
    function.name: function
    for function in (
        RunFunction("dataclass", make_data_class),
        RunFunction("field", make_field),
        RunFunction("asdict", as_dict),
        RunFunction("replace", replace),
    )
}
"""What `dataclasses` has here."""
