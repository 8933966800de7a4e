"""Functions that the program defines, with `def` and with `lambda`."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from llm_linalg.base.errors import LimitError, ProgramError, StackFrame
from llm_linalg.language import arithmetic, suggestions
from llm_linalg.language.assignment import bind, bind_argument
from llm_linalg.language.budget import FUNCTION_CALL_STEPS, GRAD_MODE_STEPS, NAMES_PER_STEP
from llm_linalg.language.grad_mode import mode_of, set_grad_mode
from llm_linalg.language.hardware import compile_function
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.item_iterator import ItemIterator, PausedBody
from llm_linalg.language.jumps import Return
from llm_linalg.language.name_scopes import ClassScope, SharingScope, visible_inside
from llm_linalg.language.signatures import ArgumentsError
from llm_linalg.language.source import Source
from llm_linalg.language.suspension import MAX_CALLS, BodyState, resume_each
from llm_linalg.language.user_function import FunctionCode, UserFunction
from llm_linalg.recording import scopes

MOST_FRAMES = 20
_LAMBDA = "<lambda>"


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
    scope = visible_inside(run.names)
    return _noted(run, UserFunction(name, path, code, defaults, scope, (), run.source, owner))


def _noted(run: Interpreter, function: UserFunction) -> UserFunction:
    """Return a function, which the class knows in whose body it stands."""
    scope = run.names.maps[0]
    if isinstance(scope, ClassScope):
        scope.functions.append(function)
    return function


def _decorate(run: Interpreter, node: ast.expr, decorator: Any, function: Any) -> Any:
    """Return what a decorator makes of a function."""
    mode = mode_of(decorator)
    if decorator is compile_function:
        run.leave_out(node)
    if mode is None:
        run.current = node
        return run.call(decorator, [function])
    run.budget.step(GRAD_MODE_STEPS)
    if not isinstance(function, UserFunction):
        raise run.error(suggestions.DECORATOR, node)
    return _noted(run, replace(function, modes=(mode, *function.modes)))


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
        run.note_result(run.recorder.node_of(value), value)
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
    try:
        values = code.parameters.bind(function.name, arguments, named, function.defaults)
    except ArgumentsError as error:
        error.path = function.qualified_name
        raise
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
    site = run.current
    run.depth += 1
    try:
        own = "" if function.owner is None else function.first_parameter
        for name, value in values.items():
            is_plain = value.__class__ in arithmetic.PLAIN_TYPES or name == own
            if not is_plain and isinstance(value, nn.Module):
                bind_argument(run, name, value)  # tensors keep their names; a layer's weights follow its own
        if function.modes:
            with set_grad_mode(run, function.modes):
                return _value_of(run, code.body)
        return _value_of(run, code.body)
    except ProgramError as error:
        if (function.owner is not None or error.frames) and len(error.frames) < MOST_FRAMES:
            error.frames = (*_frames_at(outer_source, site, outer_path), *error.frames)
        raise
    finally:
        run.names, run.scope, run.source, run.path = outer, outer_scope, outer_source, outer_path
        run.function = outer_function
        run.depth -= 1


def _frames_at(source: Source, site: ast.AST, function: str) -> tuple[StackFrame, ...]:
    """Return the call that stands at a place of the program, as it is told below an error."""
    span = source.span(site)
    return () if span is None else (StackFrame("", span, function, source.text_of(site)),)


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
    items = resume_each(run, state, body)
    inner = PausedBody(code.node, state.names)
    return ItemIterator(run.new_number(), f"generator object {function.path}", items, inner)


def _own_scope(function: UserFunction) -> SharingScope:
    """Return the scope of a call whose names are partly another scope's."""
    return SharingScope.within(function.scope, function.code.shared_names)
