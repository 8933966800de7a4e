"""`class` statements, and the calls that Python and torch make of a program's methods."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dis import get_instructions
from functools import cache
from inspect import getmembers, isfunction
from itertools import pairwise
from typing import Any

import torch
from torch import nn

from llm_linalg.base.errors import LimitError
from llm_linalg.base.untraced import untraced
from llm_linalg.language import modules
from llm_linalg.language.budget import CLASS_STEPS, NEW_LAYER_STEPS
from llm_linalg.language.classes.descriptors import ClassMethod, StaticMethod
from llm_linalg.language.classes.members import INTERNAL, NOT_FROM_TORCH
from llm_linalg.language.classes.program_class import MISSING, OF_MODULES, Module, ProgramClass, make_class
from llm_linalg.language.exceptions import EXCEPTIONS
from llm_linalg.language.functions import invoke
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.iteration import iterate
from llm_linalg.language.jumps import JUMPS, MISPLACED
from llm_linalg.language.methods import Bindable
from llm_linalg.language.name_scopes import ClassScope, visible_inside
from llm_linalg.language.refusal import RefusalError
from llm_linalg.language.source import SPECIAL_METHODS
from llm_linalg.language.suspension import MAX_CALLS
from llm_linalg.language.user_function import UserFunction

BASES = "it can be made from nn.Module, a layer, autograd.Function, an exception or a class of the program"
MAX_INSTANCE_TEXT, MAX_MODULE_TEXT = 10_000, 2_000  # characters
_TEXTS = frozenset(["__repr__", "__str__", "__format__", "extra_repr", "_get_name"])
_OF_THE_CLASS = frozenset(["__init__", "__call__"])


def definition(run: Interpreter, node: ast.ClassDef) -> None:
    """Execute `class A(B): …`."""
    if node.keywords:
        raise run.error("a class statement takes base classes alone here", node.keywords[0])
    bases = [_base(run, item) for item in node.bases]
    decorators = [run.evaluate(item) for item in node.decorator_list]
    run.budget.step(CLASS_STEPS)
    scope = ClassScope()
    outer, run.names = run.names, visible_inside(run.names).new_child(scope)
    try:
        run.execute(node.body)
    except JUMPS:
        raise run.error(MISPLACED, run.current) from None
    finally:
        run.names = outer
    run.current = node
    if any(issubclass(base, nn.Module) for base in bases):
        for function in scope.functions:
            if function.name in INTERNAL and function.name not in ("_get_name", *SPECIAL_METHODS):
                said = f"{function.name} is torch's own method of a module: give yours another name"
                raise run.error(said, node)
    made: Any = make_class(node.name, bases, dict(scope), scope.annotations)
    for function in scope.functions:
        function.owner = made
    for decorator in reversed(decorators):
        made = run.call(decorator, [made])
    run.names.maps[0][node.name] = made


def _base(run: Interpreter, node: ast.expr) -> type:
    """Return a class that stands in the brackets of a class statement.

    Raises:
        ProgramError: If the language has no classes of it.
    """
    value = run.evaluate(node)
    if isinstance(value, ProgramClass) or value is object or value is torch.utils.data.Dataset:
        return value
    if isinstance(value, type) and (issubclass(value, nn.Module) or value in EXCEPTIONS.values()):
        return value
    raise run.error(f"a class can't be made from {run.source.text_of(node)} here: {BASES}", node)


def call_native(
    run: Interpreter, member: Any, owner: Any, arguments: Sequence[Any], named: Mapping[str, Any]
) -> Any:
    """Call a method that Python or torch asks for, such as `forward`, as the running part of the program."""
    function, arguments = _unbound(member, owner, arguments)
    if not isinstance(function, UserFunction):
        return _call_deeper(run, function, arguments, named)
    if isinstance(owner, Module) and function.name == "forward":
        with run.module_paths.entered(owner, run.names) as title:
            return invoke(run, function, arguments, named, title)
    if function.name == "__iter__":
        return iterate(run, owner)
    result = invoke(run, function, arguments, named, _title(function, owner))
    if function.name == "__hash__":
        _charge_hash(run, owner, result)
    if function.name in _TEXTS and isinstance(result, str):  # Python or torch will join many of them
        most = MAX_MODULE_TEXT if isinstance(owner, Module) else MAX_INSTANCE_TEXT
        run.budget.step(len(result) // 10)
        if len(result) > most:
            raise LimitError(f"the text of an object has more than {most:,} characters")
    return result


def _charge_hash(run: Interpreter, owner: Any, value: Any) -> None:
    """Charge the objects of the same hash that a dict may meet before one that has no `__eq__` to call."""
    if isinstance(value, int) and owner.__class__.find("__eq__") is MISSING:
        others = run.hash_owners.setdefault(value, set())
        others.add(id(owner))
        run.budget.charge_list(len(others))


def _call_deeper(run: Interpreter, function: Any, arguments: Sequence[Any], named: Mapping[str, Any]) -> Any:
    """Call what is no function of the program, but may ask for another method of an object in turn."""
    if run.depth >= MAX_CALLS:
        raise LimitError(f"functions that call each other more than {MAX_CALLS} deep")
    run.depth += 1
    try:
        return run.call(function, arguments, named)
    finally:
        run.depth -= 1


def _unbound(member: Any, owner: Any, arguments: Sequence[Any]) -> tuple[Any, Sequence[Any]]:
    match member:
        case StaticMethod():
            return member.function, arguments
        case ClassMethod():
            return member.function, [type(owner), *arguments]
        case Bindable():
            return member, [owner, *arguments]
    return member, arguments


def _title(function: UserFunction, owner: Any) -> str:
    """Return the name of the scope of a special method's call: `__init__` and `__call__` are the class."""
    return type(owner).__name__ if function.name in _OF_THE_CLASS else function.name.strip("_")


def _check_layer_calls(own: ProgramClass, kind: type) -> None:
    """Refuse a class with a method that torch's own code of its layer would call.

    Raises:
        RefusalError: If it has one.
    """
    classes = [base for base in own.__mro__ if isinstance(base, ProgramClass)]
    found = _called_methods(kind) & {name for base in classes for name in base.__members__}
    if found:
        raise RefusalError(f"nn.{kind.__name__} calls {min(found)}, {NOT_FROM_TORCH}")


@cache
def _called_methods(kind: type) -> frozenset[str]:
    """Return the methods that torch's code of a layer calls on it, as `self.name` in its byte code.

    Those of `OF_MODULES` are none of them: in their place torch finds the program's own.
    """
    if issubclass(kind, modules.CONTAINERS):
        return frozenset(["add_module", "extend", "update"])  # as it is made
    functions = {function for base in kind.__mro__ for _, function in getmembers(base, isfunction)}
    functions -= {function for _, function in getmembers(nn.Module, isfunction)}
    read = {
        after.argval
        for function in functions
        for before, after in pairwise(get_instructions(function))
        if before.argval == "self" and after.opname in ("LOAD_ATTR", "LOAD_METHOD")
    }
    return frozenset({name for name, _ in getmembers(kind, isfunction)} & read) - OF_MODULES


def initialize(run: Interpreter, module: Module, arguments: Sequence[Any], named: Mapping[str, Any]) -> None:
    """Do what `__init__` does of the torch class that a module's class is made from."""
    kind = next(base for base in type(module).__mro__ if not isinstance(base, ProgramClass))
    if kind is nn.Module:
        run.budget.step(NEW_LAYER_STEPS)
        with untraced():
            nn.Module.__init__(module, *arguments, **named)
    else:
        _check_layer_calls(type(module), kind)
        modules.fill_layer(run.budget, module, kind, list(arguments), named)
    object.__setattr__(module, "__ready__", True)
