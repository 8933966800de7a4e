"""What an object or a class of the program has under a name, and what can be put there, as in Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import FrozenInstanceError
from typing import TYPE_CHECKING, Any

from torch import nn

from llm_linalg.base.untraced import untraced
from llm_linalg.language import layer_dtypes, module_count, modules, suggestions
from llm_linalg.language.budget import LAYER_VISIT_STEPS
from llm_linalg.language.classes.descriptors import ClassMethod, Property, StaticMethod, Super
from llm_linalg.language.classes.module_tables import table_of
from llm_linalg.language.classes.program_class import MISSING, Instance, Module, ProgramClass, caller
from llm_linalg.language.methods import Bindable, Method
from llm_linalg.language.refusal import RefusalError

if TYPE_CHECKING:
    from llm_linalg.language.interpreter import Interpreter

BASES_PER_STEP = 8
INTERNAL = frozenset(name for name in (*dir(nn.Module()), *dir(nn.Module)) if name.startswith("_"))
"""Names that torch's own code looks up on a module."""
_TABLES = ("_parameters", "_buffers", "_modules")
NOT_FROM_TORCH = "and torch can't call a program's own: give it another name"
"""Why what would call a method of the program from torch's code is refused."""

_NEEDS = {
    **dict.fromkeys(["parameters", "requires_grad_", "zero_grad"], "_parameters"),
    "state_dict": "_state_dict_pre_hooks",
}
"""By a module's method, what its torch code looks up first, where that is not its modules."""
_EARLY = {
    f"register_{part}": f"cannot assign {part} before Module.__init__() call"
    for part in ("buffer", "parameter")
}
_CHILDREN = frozenset(["children", "named_children"])
_INNER = frozenset(["named_modules"])
_OWN_CALLS: Mapping[str, frozenset[str]] = {
    "parameters": _INNER | {"named_parameters"},
    "buffers": _INNER | {"named_buffers"},
    **dict.fromkeys(["named_parameters", "named_buffers", "modules"], _INNER),
    "children": frozenset(["named_children"]),
    **dict.fromkeys(["requires_grad_", "zero_grad"], _INNER | {"parameters", "named_parameters"}),
    **dict.fromkeys(["apply", "train", "eval", *layer_dtypes.METHODS], _CHILDREN),
    "register_module": frozenset(["add_module"]),
}
"""By a module's method, what its torch code calls of the module itself."""
_INNER_CALLS: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(["parameters", "named_parameters", "buffers", "named_buffers"], _INNER),
    **dict.fromkeys(["modules", "named_modules", "requires_grad_", "zero_grad"], _INNER),
    **dict.fromkeys(["train", "eval", *layer_dtypes.METHODS], _CHILDREN),
    "apply": _CHILDREN | {"apply"},
    "state_dict": frozenset(["state_dict"]),
}
"""By a module's method, what its torch code calls of the modules within."""


def attribute_of(run: Interpreter, value: Any, name: str) -> Any:
    """Return what an object of the program, its class or `super()` has under a name.

    Raises:
        AttributeError: If it has nothing there.
    """
    if isinstance(value, Super):
        return _of_super(run, value, name)
    is_class = isinstance(value, ProgramClass)
    found = _of_class(value, name) if is_class else _of_instance(run, value, name)
    if found is MISSING:
        _check_lacking(run, value, name)
        raise AttributeError(_missing(value, name))
    return found


def _check_lacking(run: Interpreter, value: Any, name: str) -> None:
    """Refuse what a module has in torch and not in the language: no program may take it for missing."""
    if isinstance(value, nn.Module):
        native = next(base for base in type(value).__mro__ if not isinstance(base, ProgramClass))
        if name in INTERNAL or name in dir(native):
            said = suggestions.unknown_member(f".{name}", name, modules.ATTRIBUTES, run.budget.hint)
            raise RefusalError(f"a module's {said}")


def _of_instance(run: Interpreter, value: Instance, name: str) -> Any:
    kind: ProgramClass = value.__class__
    if name == "__class__":
        return kind
    if name == "__dict__":
        return fields_of(value)
    if name == "__call__" and isinstance(value, nn.Module):
        return value
    run.budget.steps -= len(kind.__mro__) // BASES_PER_STEP
    member = kind.find(name)
    if member.__class__ is Property:
        return run.call(member.getter, [value])
    if name in value.__fields__:
        return value.__fields__[name]
    if member is not MISSING:
        return _bound(member, value, kind)
    return of_layer(value, name) if isinstance(value, nn.Module) else _of_exception(value, name)


def _of_exception(value: Instance, name: str) -> Any:
    return value.args if name == "args" and isinstance(value, BaseException) else MISSING


def of_layer(layer: nn.Module, name: str) -> Any:
    """Return what a layer has under a name: what the program put there, torch's methods, what it holds."""
    fields: Mapping[str, Any] = vars(layer).get("__fields__") or {}
    if name in fields:
        return fields[name]
    _check_ready(layer, name)
    if name in modules.METHODS:
        _check_overrides(layer, name)
        return Method(modules.METHODS[name], layer)
    tables = _registered(layer)
    if name in _TABLES:
        return table_of(layer, name, tables[_TABLES.index(name)])
    for table in tables:
        if name in table:
            return table[name]
    try:
        return modules.attribute_of(layer, name)
    except KeyError:
        return MISSING


def _check_ready(layer: nn.Module, name: str) -> None:
    """Refuse what torch gives to a module, before its class has called `super().__init__()`.

    Raises:
        AttributeError: If it has not: in the words of what torch does first.
    """
    if isinstance(layer, Module) and not layer.__ready__:
        lacks = _NEEDS.get(name, "_modules") if name in modules.METHODS else name
        said = f"'{type(layer).__name__}' object has no attribute '{lacks}'"
        raise AttributeError(_EARLY.get(name, said))


def _check_overrides(layer: nn.Module, name: str) -> None:
    """Refuse a method of a module where torch's code would call one that the program has put in its place.

    Raises:
        RefusalError: If it would.
    """
    own, inner = _OWN_CALLS.get(name, frozenset()), _INNER_CALLS.get(name, frozenset())
    for part in layer.modules() if inner else [layer]:
        overrides: frozenset[str] = vars(type(part)).get("overrides", frozenset())
        found = overrides & (own if part is layer else inner)
        if found:
            title = f"{type(part).__name__}.{min(found)}"
            raise RefusalError(f"torch's .{name} calls {title}, {NOT_FROM_TORCH}")


def _registered(layer: nn.Module) -> Sequence[dict[str, Any]]:
    """Return the tables of a module's parameters, buffers and modules."""
    return vars(layer)["_parameters"], vars(layer)["_buffers"], vars(layer)["_modules"]


def _of_class(kind: ProgramClass, name: str) -> Any:
    if name == "__name__":
        return kind.__name__
    member = kind.find(name)
    return native_method(kind, name) if member is MISSING else _bound(member, None, kind)


def _of_super(run: Interpreter, value: Super, name: str) -> Any:
    owner, after = value.owner, value.after
    kind = owner if isinstance(owner, ProgramClass) else owner.__class__
    member = kind.find(name, after)
    if member.__class__ is Property:
        return run.call(member.getter, [owner])
    if member is not MISSING:
        return _bound(member, None if owner is kind else owner, kind)
    found = native_method(kind, name, owner)
    if found is MISSING:
        _check_lacking(run, owner, name)
        raise AttributeError(f"super() has no .{name}")
    return Method(found, owner)


def native_method(kind: type, name: str, owner: Any = None) -> Any:
    """Return what a class has from Python or torch under a name; `MISSING` if the language has none.

    Args:
        kind: A class of the program, or one that it may derive from.
        name: The name.
        owner: The object whose method it will be; without one there is `__init__` alone.
    """
    if name == "__init__" and (kind is object or issubclass(kind, Instance | nn.Module | Exception)):
        return _initialize
    if name == "__repr__" and isinstance(owner, Instance):
        return nn.Module.__repr__ if isinstance(owner, nn.Module) else Instance.__repr__
    if not isinstance(owner, nn.Module):
        return MISSING
    if name in modules.METHODS:
        _check_ready(owner, name)
        _check_overrides(owner, name)
    if name in ("forward", "train", "extra_repr"):  # torch's own: that of the table calls the program's
        native: type[nn.Module] = next(base for base in kind.__mro__ if not isinstance(base, ProgramClass))
        return {"forward": native.forward, "train": native.train, "extra_repr": native.extra_repr}[name]
    return modules.METHODS.get(name, MISSING)


def _initialize(owner: Any, *arguments: Any, **named: Any) -> None:
    """Do what `__init__` does of the Python or torch class that an object's class is made from."""
    if isinstance(owner, Module):
        caller().initialize(owner, arguments, named)
    elif isinstance(owner, BaseException):
        owner.args = arguments
    elif arguments or named:
        raise TypeError("object.__init__() takes exactly one argument (the instance to initialize)")


def _bound(member: Any, owner: Any, kind: ProgramClass) -> Any:
    """Return a member as an object (None for the class itself) sees it: a function becomes its method."""
    match member:
        case StaticMethod():
            return member.function
        case ClassMethod():
            return Method(member.function, kind)
        case Bindable() if owner is not None:
            return Method(member, owner)
    return member


def _missing(value: Any, name: str) -> str:
    if isinstance(value, ProgramClass):
        return f"type object '{value.__name__}' has no attribute '{name}'"
    return f"'{type(value).__name__}' object has no attribute '{name}'"


def set_attribute(run: Interpreter, owner: Any, name: str, value: Any) -> None:
    """Put a value on an object or a class of the program.

    Raises:
        AttributeError: If nothing can be put there.
        LimitError: If a module would hold too many, or itself.
    """
    run.budget.step(2)
    if name.startswith("__"):
        raise RefusalError(f"{name} can't be assigned to: define it in the class")
    if isinstance(owner, ProgramClass):
        owner.put(name, value)
    elif not isinstance(owner, Instance):
        _put_on_module(run, owner, name, value)
    elif (member := owner.__class__.find(name)).__class__ is Property:
        if member.setter is None:
            raise AttributeError(f"property '{name}' of '{type(owner).__name__}' object has no setter")
        run.call(member.setter, [owner, value])
    elif owner.__class__.is_frozen:
        raise FrozenInstanceError(f"cannot assign to field '{name}'")
    elif isinstance(owner, nn.Module):
        _put_on_module(run, owner, name, value)
    else:
        _check_slot(owner, name)
        owner.__fields__[name] = value


def _check_slot(owner: Instance, name: str) -> None:
    """Refuse a name that is none of those in `__slots__`, where a class has them."""
    slots = owner.__class__.slots
    if slots is None or name in slots:
        return
    kind = type(owner).__name__
    if owner.__class__.find(name) is not MISSING:
        raise AttributeError(f"'{kind}' object attribute '{name}' is read-only")
    raise AttributeError(f"'{kind}' object has no attribute '{name}'")


def _program_classes(owner: Any) -> list[ProgramClass]:
    return [kind for kind in type(owner).__mro__ if isinstance(kind, ProgramClass)]


def fields_of(owner: Any) -> dict[str, Any]:
    """Return what the program put on an object of a class of its own, by name: as in Python, not a copy.

    Raises:
        AttributeError: If the object has no such table.
        RefusalError: If torch or Python put things there as well.
    """
    if isinstance(owner, Instance) and owner.__class__.slots is not None:
        raise AttributeError(f"'{type(owner).__name__}' object has no attribute '__dict__'")
    is_plain = isinstance(owner, Instance) and not isinstance(owner, nn.Module | BaseException)
    if not is_plain or any(kind.slots is not None for kind in _program_classes(owner)):
        raise RefusalError("vars and __dict__ are for objects of the program's own plain classes")
    fields: dict[str, Any] = owner.__fields__
    return fields


def delete_attribute(owner: Any, name: str) -> None:
    """Do `del owner.name`.

    Raises:
        AttributeError: If the program has put nothing there.
    """
    if isinstance(owner, ProgramClass) and name in owner.__members__ and not name.startswith("__"):
        if vars(owner).get("is_shared"):
            raise TypeError(f"cannot delete '{name:.100}' attribute of immutable type '{owner.__name__}'")
        del owner.__members__[name]
        return
    if isinstance(owner, Instance) and owner.__class__.is_frozen:
        raise FrozenInstanceError(f"cannot delete field '{name}'")
    fields = owner.__fields__ if isinstance(owner, Instance) else {}
    if isinstance(owner, nn.Module):
        fields = next((table for table in (fields, *_registered(owner)) if name in table), {})
    if name not in fields:
        raise AttributeError(f"'{type(owner).__name__}' object has no attribute '{name}'")
    del fields[name]


def _is_registered(module: nn.Module, name: str) -> bool:
    return any(name in table for table in _registered(module))


def _check_registering(module: nn.Module, value: Any) -> None:
    """Refuse to assign what torch would hand to a method that the program has put in its place."""
    overrides: frozenset[str] = vars(type(module)).get("overrides", frozenset())
    name = "register_parameter" if isinstance(value, nn.Parameter) else "register_buffer"
    if name in overrides and not isinstance(value, nn.Module):
        raise RefusalError(f"an assignment calls {name}, {NOT_FROM_TORCH}")


def _put_on_module(run: Interpreter, module: nn.Module, name: str, value: Any) -> None:
    if name in INTERNAL or name == "forward":
        raise RefusalError(f"{name} is torch's own: take another name")
    if vars(module).get("__fields__") is None:
        object.__setattr__(module, "__fields__", {})  # of a layer of torch's
    fields: dict[str, Any] = vars(module)["__fields__"]
    if name == "training":
        if not isinstance(value, bool):
            raise RefusalError("training is True or False")
        module.training = value
    elif isinstance(value, nn.Parameter | nn.Module) or _is_registered(module, name):
        if isinstance(module, Module) and not module.__ready__:
            kind = "module" if isinstance(value, nn.Module) else "parameters"
            raise AttributeError(f"cannot assign {kind} before Module.__init__() call")
        _check_registering(module, value)
        if isinstance(value, nn.Module):
            run.budget.step(LAYER_VISIT_STEPS * module_count.count_layers(value))
            modules.check_attachment(module, value)
        fields.pop(name, None)
        with untraced():
            nn.Module.__setattr__(module, name, value)
    elif name in modules.FIELDS and not isinstance(module, Module):
        raise RefusalError(f"a layer's {name} can't be assigned to here")
    else:
        fields[name] = value
