"""Functions that the program defines, with `def` and with `lambda`."""

from __future__ import annotations

import ast
from collections import ChainMap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor, nn

from llm_linalg.base.errors import LimitError
from llm_linalg.language import arithmetic, suggestions
from llm_linalg.language.assignment import bind
from llm_linalg.language.autograd import GradMode
from llm_linalg.language.budget import FUNCTION_CALL_STEPS, GRAD_MODE_STEPS, NAMES_PER_STEP
from llm_linalg.language.grad_mode import mode_of, set_grad_mode
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.item_iterator import ItemIterator
from llm_linalg.language.jumps import Return
from llm_linalg.language.local_names import local_names_of, shared_names_of
from llm_linalg.language.methods import Bindable
from llm_linalg.language.name_scopes import ClassScope, SharingScope
from llm_linalg.language.signatures import ParameterList
from llm_linalg.language.source import Source
from llm_linalg.language.suspension import MAX_CALLS, BodyState, pauses_of, resume_each
from llm_linalg.recording import scopes

_LAMBDA = "<lambda>"


@dataclass(frozen=True, slots=True, eq=False)
class FunctionCode:
    """What a definition says, found once for all its functions and calls.

    Attributes:
        parameters: The parameters.
        body: The statements, or the expression of a `lambda`.
        local_names: The names that it binds itself, all of them unbound.
        shared_names: The names of which it says `global` (True) or `nonlocal` (False).
        pauses: The statements in which it yields, and those around them; none unless it is a generator.
    """

    parameters: ParameterList
    body: Sequence[ast.stmt] | ast.expr
    local_names: Mapping[str, Any]
    shared_names: Mapping[str, bool]
    pauses: frozenset[ast.AST]

    @classmethod
    def of(cls, node: ast.FunctionDef | ast.Lambda) -> FunctionCode:
        """Return what a definition says."""
        body: Sequence[ast.AST] = node.body if isinstance(node, ast.FunctionDef) else [node.body]
        shared = shared_names_of(body)
        return cls(ParameterList.of(node.args), node.body, local_names_of(body), shared, pauses_of(body))


@dataclass(slots=True, eq=False, repr=False)
class UserFunction(Bindable):
    """A function that the program defines.

    Attributes:
        name: Its name; `<lambda>` if it has none.
        path: The name within the functions around it, as Python's `__qualname__`.
        code: What its definition says.
        defaults: The values of parameters that need no argument.
        scope: The names around the definition.
        modes: The gradient modes above it, as in `@torch.no_grad()`.
        source: The program that it stands in, which need not be the one that calls it.
        owner: The class in whose body it stands; None outside of all.
    """

    name: str
    path: str
    code: FunctionCode
    defaults: Mapping[str, Any]
    scope: ChainMap[str, Any]
    modes: tuple[GradMode, ...]
    source: Source
    owner: Any = None

    def __repr__(self) -> str:  # its scope may be endless to write
        return "<a function>"

    def __deepcopy__(self, _memo: Any) -> UserFunction:
        return self

    @property
    def first_parameter(self) -> str:
        """The name of its first parameter, `self` in a method; empty if it has none."""
        return next(iter(self.code.parameters.places), "")


def definition(run: Interpreter, node: ast.FunctionDef) -> None:
    """Execute `def f(x): …`."""
    decorators = [run.evaluate(item) for item in node.decorator_list]
    function: Any = make_function(run, node, node.name)
    for item, decorator in zip(reversed(node.decorator_list), reversed(decorators), strict=True):
        function = _decorate(run, item, decorator, function)
    bind(run, node.name, function)


def lambda_expression(run: Interpreter, node: ast.Lambda) -> UserFunction:
    """Evaluate `lambda x: …`."""
    return make_function(run, node, _LAMBDA)


def make_function(run: Interpreter, node: ast.FunctionDef | ast.Lambda, name: str) -> UserFunction:
    """Return the function of a definition, with its defaults evaluated and without its decorators."""
    args = node.args
    defaults = _defaults(run, args) if args.defaults or args.kwonlyargs else {}
    code = run.function_codes.get(node)
    if code is None:
        code = run.function_codes[node] = FunctionCode.of(node)
    path = f"{run.path}.<locals>.{name}" if run.path else name
    owner = None if run.function is None else run.function.owner
    scope = run.names.parents if isinstance(run.names.maps[0], ClassScope) else run.names
    return UserFunction(name, path, code, defaults, scope, (), run.source, owner)


def _decorate(run: Interpreter, node: ast.expr, decorator: Any, function: Any) -> Any:
    """Return what a decorator makes of a function."""
    mode = mode_of(decorator)
    if mode is None:
        run.current = node
        return run.call(decorator, [function])
    run.budget.step(GRAD_MODE_STEPS)
    if not isinstance(function, UserFunction):
        raise run.error(suggestions.DECORATOR, node)
    return replace(function, modes=(mode, *function.modes))


def _defaults(run: Interpreter, parameters: ast.arguments) -> dict[str, Any]:
    run.budget.step((len(parameters.args) + len(parameters.kwonlyargs)) // 10)
    names = [arg.arg for arg in (*parameters.posonlyargs, *parameters.args)]
    values = [run.evaluate(default) for default in parameters.defaults]
    defaults = dict(zip(names[len(names) - len(values) :], values, strict=True))
    for arg, default in zip(parameters.kwonlyargs, parameters.kw_defaults, strict=True):
        if default is not None:
            defaults[arg.arg] = run.evaluate(default)
    return defaults


def return_value(run: Interpreter, node: ast.Return) -> None:
    """Execute `return value`."""
    value = None if node.value is None else run.evaluate(node.value)
    if isinstance(value, Tensor):
        run.current = node
        run.note_result(run.recorder.node_of(value))
    raise Return(value)


def invoke(
    run: Interpreter,
    function: UserFunction,
    arguments: Sequence[Any],
    named: Mapping[str, Any],
    title: str = "",
) -> Any:
    """Call a function of the program, in a scope of its own within the one that it was defined in.

    Args:
        run: The interpreter.
        function: The function.
        arguments: Its arguments by position.
        named: Its arguments by name.
        title: What the map calls its scope; the function's name if it is empty.
    """
    if run.depth >= MAX_CALLS:
        raise LimitError(f"functions that call each other more than {MAX_CALLS} deep")
    code = function.code
    values = code.parameters.bind(function.name, arguments, named, function.defaults)
    run.budget.step(FUNCTION_CALL_STEPS + (len(values) + len(code.local_names)) // NAMES_PER_STEP)
    names = function.scope.new_child(_own_scope(function) if code.shared_names else {})
    names.maps[0].update(code.local_names)
    names.maps[0].update(values)
    is_named = function.name != _LAMBDA
    scope = scopes.call_path(run.scope, title or function.name, run.call_counts) if is_named else run.scope
    if code.pauses:
        state = BodyState(names, scope, function.path, function.source, function.modes, function)
        return _generator(run, function, state)
    outer, run.names = run.names, names
    outer_scope, run.scope = run.scope, scope
    outer_source, run.source = run.source, function.source
    outer_path, run.path = run.path, function.path
    outer_function, run.function = run.function, function
    run.depth += 1
    try:
        own = "" if function.owner is None else function.first_parameter
        for name, value in values.items():
            is_plain = value.__class__ in arithmetic.PLAIN_TYPES or name == own
            if not is_plain and isinstance(value, nn.Module):
                bind(run, name, value)  # tensors keep their names; a layer's weights follow its own
        if function.modes:
            with set_grad_mode(run, function.modes):
                return _value_of(run, code.body)
        return _value_of(run, code.body)
    finally:
        run.names, run.scope, run.source, run.path = outer, outer_scope, outer_source, outer_path
        run.function = outer_function
        run.depth -= 1


def _value_of(run: Interpreter, body: Sequence[ast.stmt] | ast.expr) -> Any:
    if isinstance(body, ast.expr):
        return run.evaluate(body)
    try:
        run.execute(body)
    except Return as ended:
        return ended.value
    return None


def _generator(run: Interpreter, function: UserFunction, state: BodyState) -> ItemIterator:
    """Return what a call of a function that yields gives: nothing of its body has run yet."""
    code = function.code
    body = run.suspend(code.body, code.pauses) if isinstance(code.body, list) else iter(())
    return ItemIterator(run.new_number(), f"generator object {function.path}", resume_each(run, state, body))


def _own_scope(function: UserFunction) -> SharingScope:
    """Return the scope of a call whose names are partly another scope's."""
    return SharingScope.within(function.scope, function.code.shared_names)
