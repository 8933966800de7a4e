"""Calls: with the allow-list, the door through which a program reaches torch."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from functools import cache
from inspect import signature
from types import BuiltinFunctionType, FunctionType
from typing import Any

import torch
from torch import Tensor, nn

from llm_linalg.base.errors import LimitError
from llm_linalg.base.short_repr import short_repr
from llm_linalg.language import (
    allowlist,
    arithmetic,
    autograd,
    builtin_functions,
    containers,
    hardware,
    module_count,
    modules,
    suggestions,
    torch_functions,
    value_methods,
)
from llm_linalg.language.arrays.array import Array, numbers_in, tensor_data
from llm_linalg.language.arrays.array_dtypes import DType
from llm_linalg.language.autograd import GradMode
from llm_linalg.language.budget import (
    CALL_STEPS,
    DICT_STEPS,
    LAYER_CALL_STEPS,
    LAYER_VISIT_STEPS,
    NEW_INSTANCE_STEPS,
    NEW_LAYER_STEPS,
)
from llm_linalg.language.classes.own_functions import REGISTER_HOOK
from llm_linalg.language.classes.program_class import MISSING, Instance, Module, ProgramClass
from llm_linalg.language.figures import Figure
from llm_linalg.language.functions import invoke
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.item_iterator import ItemIterator
from llm_linalg.language.iteration import gives_items, take_items
from llm_linalg.language.methods import Method
from llm_linalg.language.out_arguments import check_gradients, write_into
from llm_linalg.language.plotting import take_plot
from llm_linalg.language.records import FieldTuple
from llm_linalg.language.run_function import RunFunction
from llm_linalg.language.sets import OrderedSet
from llm_linalg.language.storages import TensorStorage
from llm_linalg.language.tensor_types import TensorType
from llm_linalg.language.type_function import TypeFunction
from llm_linalg.language.user_function import UserFunction

MAX_ARGUMENTS = 10_000  # of one call
_HANDED = arithmetic.PLAIN_TYPES - {list, tuple, dict} | {
    Tensor,
    nn.Parameter,
    torch.Size,
    torch.dtype,
    slice,
    type(...),
}
"""Types of most arguments of torch's functions, for a quick check."""
_NATIVE: frozenset[type] = frozenset([BuiltinFunctionType, FunctionType])
"""Types of functions that are Python's or torch's own."""
_STRANGE = (
    UserFunction,
    Method,
    RunFunction,
    ItemIterator,
    Instance,
    allowlist.Namespace,
    GradMode,
    dict,
    OrderedSet,
    TensorStorage,
)
_OF_PROGRAM: Any = ProgramClass | Instance
_GO_THROUGH = value_methods.GO_THROUGH | {builtin_functions.prod, modules.METHODS["extend"]}
_CALLED = type | Tensor | TensorType | DType
_WORDS = frozenset(["reduction"])
"""Parameters whose text torch writes into its message, whatever it is."""
_CHECKED = allowlist.REFUSED_ARGUMENTS | _WORDS


def call(run: Interpreter, node: ast.Call) -> Any:
    """Evaluate `f(a, *b, name=c, **d)`."""
    function = run.evaluate(node.func)
    arguments: list[Any] = []
    for item in node.args:
        if item.__class__ is ast.Starred:
            arguments += take_items(run, run.evaluate(item.value), MAX_ARGUMENTS, item)
        else:
            arguments.append(run.evaluate(item))
    named: dict[str, Any] = {}
    for keyword in node.keywords:
        value = run.evaluate(keyword.value)
        if keyword.arg is None:
            _spread(run, keyword, value, named)
        else:
            _check_new(run, keyword, keyword.arg, named)
            named[keyword.arg] = value
    return apply(run, function, arguments, named)


def _spread(run: Interpreter, node: ast.keyword, value: Any, named: dict[str, Any]) -> None:
    """Add the arguments of `**value` to those by name."""
    if not isinstance(value, dict):
        words = f"argument after ** must be a mapping, not {type(value).__name__}"
        raise run.error(
            f"what stands after ** is a dict, not a {type(value).__name__}", node, TypeError(words)
        )
    if len(value) > MAX_ARGUMENTS:
        raise LimitError(f"a call with {len(value):,} arguments; {MAX_ARGUMENTS} are allowed")
    for name, item in value.items():
        if not isinstance(name, str):
            raise run.error(
                "a dict after ** has words for its keys", node, TypeError("keywords must be strings")
            )
        _check_new(run, node, name, named)
        named[name] = item


def _check_new(run: Interpreter, node: ast.keyword, name: str, named: Mapping[str, Any]) -> None:
    """Refuse an argument whose name another has."""
    if name in named:
        words = f"got multiple values for keyword argument '{name:.100}'"
        raise run.error(f"{name:.100} is given twice", node, TypeError(words))


def apply(run: Interpreter, function: Any, arguments: Sequence[Any], named: Mapping[str, Any]) -> Any:
    """Call a value with its arguments, as the running part of the program."""
    if function.__class__ is Method:
        if isinstance(function.function, UserFunction):
            return invoke(run, function.function, [function.owner, *arguments], named)
    elif function.__class__ not in _NATIVE:
        if isinstance(function, UserFunction):
            return invoke(run, function, arguments, named)
        if isinstance(function, _OF_PROGRAM):
            return _apply_of_program(run, function, arguments, named)
        if isinstance(function, RunFunction):
            run.budget.steps -= CALL_STEPS
            return arithmetic.check_result(function.does(run, *arguments, **named))
    node = run.current
    arguments = list(arguments)
    if named and not _takes_any_name(function):
        named = {name: value for name, value in named.items() if _is_for_torch(run, node, name, value)}
    if not _HANDED.issuperset(map(type, arguments)) or not _HANDED.issuperset(map(type, named.values())):
        arguments, named = _as_taken(run, function, arguments, named)
    if named.get("out") is not None and _is_among(function, allowlist.TORCH_FUNCTIONS):
        return _call_into(run, node, function, arguments, dict(named))
    return _apply(run, node, function, arguments, named)


def _as_taken(
    run: Interpreter, function: Any, arguments: list[Any], named: Mapping[str, Any]
) -> tuple[list[Any], Mapping[str, Any]]:
    """Return arguments as a function takes them: lists for iterators, Python's numbers for NumPy's."""
    if any(map(gives_items, arguments)) and _goes_through(function):
        arguments = [take_items(run, item) if gives_items(item) else item for item in arguments]
    if (Array in map(type, arguments) or Array in map(type, named.values())) and _takes_numbers(function):
        arguments = list(map(numbers_in, arguments))
        named = {name: numbers_in(value) for name, value in named.items()}
    return arguments, named


def _apply_of_program(
    run: Interpreter, function: Any, arguments: Sequence[Any], named: Mapping[str, Any]
) -> Any:
    """Call a class of the program, or an object of one, such as a module."""
    if isinstance(function, ProgramClass):
        run.budget.step(NEW_LAYER_STEPS if issubclass(function, nn.Module) else NEW_INSTANCE_STEPS)
    elif isinstance(function, nn.Module):
        run.budget.step(LAYER_CALL_STEPS * module_count.count_layers(function, within=False))
    elif function.__class__.find("__call__") is MISSING:
        kind = type(function).__name__
        exception = TypeError(f"'{kind}' object is not callable")
        raise run.error(f"a {kind} can't be called: it has no `__call__`", run.current, exception)
    return function(*arguments, **named)


def _takes_any_name(function: Any) -> bool:
    """Return whether a call's names are the program's own: `dict(device="cpu")`, `"{out}".format(out=1)`."""
    if function.__class__ is Method:
        return isinstance(function.owner, dict | str | FieldTuple)
    return function is allowlist.BUILTINS["dict"]


def _is_for_torch(run: Interpreter, node: ast.AST, name: str, value: Any) -> bool:
    """Return whether an argument is handed on; `device="cpu"` may be written, and is left out."""
    if name == "device":
        if value is not None:
            torch_functions.cpu_device(value)
        return False
    if name in allowlist.REFUSED_ARGUMENTS and name != "out":
        keywords = node.keywords if isinstance(node, ast.Call) else []
        place = next((keyword for keyword in keywords if keyword.arg == name), node)
        raise run.error(f"{name}= is not part of the language: {suggestions.ARGUMENTS[name]}", place)
    return True


def _title(run: Interpreter, node: ast.AST) -> str:
    """Return how the program writes the function that it calls."""
    return run.source.text_of(node.func if isinstance(node, ast.Call) else node)


def _apply(
    run: Interpreter, node: ast.AST, function: Any, arguments: list[Any], named: Mapping[str, Any]
) -> Any:
    run.budget.steps -= CALL_STEPS
    kinds = {*map(type, arguments), *map(type, named.values())}
    if not kinds <= arithmetic.ITEMLESS_TYPES and function is not len:
        run.budget.charge_call(function, arguments, named.values())
    if (
        function is OrderedSet
        or function is allowlist.BUILTINS["dict"]
        or function is torch_functions.manual_seed
    ):
        run.budget.step(2 * DICT_STEPS)
    if function.__class__ is Figure:
        take_plot(run, node, function, arguments, named)
        return function
    if function.__class__ is Method:
        return _call_method(run, node, function, arguments, named)
    if Figure in kinds:
        raise next(value for value in (*arguments, *named.values()) if value.__class__ is Figure).error()
    is_native = function.__class__ in _NATIVE
    if isinstance(function, type) and issubclass(function, nn.Module):
        return _make_layer(run, function, arguments, named)
    if not is_native and isinstance(function, nn.Module):
        run.budget.step(LAYER_CALL_STEPS * module_count.count_layers(function, within=False))
        run.module_paths.note(function, run.names)
    is_torchs = _is_among(function, allowlist.TORCH_FUNCTIONS) and function is not hardware.compile_function
    if is_torchs and not _takes_storage(function, arguments):
        _check_arguments(run, node, function, arguments, named)
        arguments[:1] = map(tensor_data, arguments[:1]) if function is torch.tensor else arguments[:1]
    if function is hardware.compile_function:
        run.leave_out(node)
    if not is_native and (not callable(function) or isinstance(function, Tensor)):
        kind = type(function).__name__
        exception = TypeError(f"'{kind}' object is not callable")
        raise run.error(f"{_title(run, node)} can't be called", node, exception)
    return arithmetic.check_result(function(*arguments, **named))


def _call_into(
    run: Interpreter, node: ast.AST, function: Any, arguments: list[Any], named: dict[str, Any]
) -> Any:
    """Call a function, and write what it gives into its argument `out`."""
    out = named.pop("out")
    check_gradients(_title(run, node), out, arguments)
    return write_into(out, _apply(run, node, function, arguments, named))


def _goes_through(function: Any) -> bool:
    """Return whether a function goes through all items of its arguments."""
    if isinstance(function, type) and issubclass(function, modules.LAYER_LISTS):
        return True
    does = function.function if function.__class__ is Method else function
    does = does.make if isinstance(does, TypeFunction) else does
    return _is_among(does, _GO_THROUGH)


def _takes_numbers(function: Any) -> bool:
    """Return whether a function is torch's, which takes NumPy's numbers for Python's, and no array."""
    if isinstance(function, type):
        return issubclass(function, nn.Module)
    if function.__class__ is Method:
        return isinstance(function.owner, Tensor)
    return _is_among(function, allowlist.TORCH_FUNCTIONS) and function not in allowlist.TAKE_ARRAYS


def _is_among(function: Any, others: frozenset[Any]) -> bool:
    """Return whether a function is one of others; anything may stand there."""
    return callable(function) and function.__class__.__hash__ is not None and function in others


def _check_arguments(
    run: Interpreter, node: ast.AST, function: Any, arguments: list[Any], named: Mapping[str, Any]
) -> None:
    """Refuse what torch would only put into a message, however long its text, or take by its position.

    Raises:
        ProgramError: If an argument is a function, a module, a layer or a list with one in it; or if one is
            refused by its name.
    """
    if _is_among(function, allowlist.TAKE_ARRAYS):
        run.budget.charge_list(arithmetic.item_count(*arguments))  # each item of a list is looked at
    elif Array in map(type, arguments):
        written = f"{_title(run, node)} takes tensors, not an array"
        raise run.error(f"{written}: write torch.from_numpy(a)", node)
    strange = _stranger([*arguments, *named.values()])
    if strange is not None:
        title = _title(run, node)
        raise run.error(f"{title} takes tensors, numbers and words, not {short_repr(strange)}", node)
    parameters = _parameters(function)
    if _CHECKED.isdisjoint((*parameters[: len(arguments)], *named)):
        return
    by_name = {**dict(zip(parameters, arguments, strict=False)), **named}
    for name in by_name.keys() & allowlist.REFUSED_ARGUMENTS:
        if modules.is_given(by_name[name]):
            raise run.error(f"{name}= is not part of the language: {suggestions.ARGUMENTS[name]}", node)
    for name in by_name.keys() & _WORDS:
        if not isinstance(by_name[name], str):
            raise run.error(f"{name} is a word, not {short_repr(by_name[name])}", node)


def _takes_storage(function: Any, arguments: Sequence[Any]) -> bool:
    """Return whether a call makes a tensor over a storage, as `torch.Tensor(x.storage())` does."""
    return function.__class__ is TensorType and [*map(type, arguments)] == [TensorStorage]


def _stranger(values: Sequence[Any]) -> Any:
    """Return a value that torch has no use for, at any depth of some arguments; None if there is none."""
    level = [values]
    while level:
        inner: list[Any] = []
        for items in level:
            if _HANDED.issuperset(map(type, items)):
                continue
            for item in items:
                if isinstance(item, list | tuple):
                    inner.append(item)
                elif isinstance(item, _STRANGE) or (callable(item) and not isinstance(item, _CALLED)):
                    return item
        level = inner
    return None


@cache
def _parameters(function: Any) -> tuple[str, ...]:
    """Return the names of a function's parameters by position; () for one in C, which has no signature."""
    return tuple(signature(function).parameters) if isinstance(function, FunctionType) else ()


def _call_method(
    run: Interpreter, node: ast.AST, method: Method, arguments: list[Any], named: Mapping[str, Any]
) -> Any:
    is_tensors = isinstance(method.owner, Tensor)
    if is_tensors:
        pass  # what its methods do is charged as they do it
    elif isinstance(method.owner, nn.Module):  # each method of a layer goes through all its layers
        run.budget.step(LAYER_VISIT_STEPS * module_count.count_layers(method.owner))
    elif method.function not in value_methods.CONSTANT_TIME:
        run.budget.charge_items(method.owner)
        run.budget.step(2 * DICT_STEPS if method.owner.__class__ is dict else 0)
    if method.function is dict.setdefault and arguments:
        containers.check_key(arguments[0])
    if is_tensors and method.function is not REGISTER_HOOK:
        _check_arguments(run, node, method.function, [method.owner, *arguments], named)
    if isinstance(method.function, RunFunction):
        return arithmetic.check_result(method.function.does(run, method.owner, *arguments, **named))
    if method.function is not autograd.backward:
        found = arithmetic.check_result(method.function(method.owner, *arguments, **named))
        if method.owner.__class__ is str:
            _charge_text_parts(run, found)
        return found
    passed = run.recorder.backward_pass(method.owner)
    run.budget.charge_backward(passed.prices, passed.leaves, recorded=not run.recorder.is_paused)
    with run.recorder.charge_gradients(passed.large):
        return run.recorder.run_backward(method.function, method.owner, *arguments, **named)


def _charge_text_parts(run: Interpreter, found: Any) -> None:
    """Charge what a method of a text has made: another text, or a list of its parts."""
    if found.__class__ is str:
        run.budget.charge_new_text(len(found))
    elif found.__class__ is list:
        run.budget.charge_new_items(len(found))


def _make_layer(
    run: Interpreter, kind: type[nn.Module], arguments: list[Any], named: Mapping[str, Any]
) -> nn.Module:
    """Make a layer: its weights are inputs of the trace, and how they are filled is no part of it."""
    layer = modules.make_layer(run.budget, kind, arguments, named)
    if not isinstance(layer, modules.CONTAINERS) and not isinstance(run.owner, Module):  # it reads them later
        for parameter in layer.parameters():
            if run.recorder.node_of(parameter) is None and not nn.parameter.is_lazy(parameter):
                run.recorder.note_input(parameter, None, "parameter")
    return layer
