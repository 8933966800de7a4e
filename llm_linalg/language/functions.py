"""Functions that the program defines."""

from __future__ import annotations

import ast
from collections import ChainMap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from llm_linalg.base.errors import LimitError
from llm_linalg.language import arithmetic
from llm_linalg.language.assignment import bind
from llm_linalg.language.autograd import GradMode
from llm_linalg.language.budget import FUNCTION_CALL_STEPS, NAMES_PER_STEP
from llm_linalg.language.grad_mode import grad_mode, set_grad_mode
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.local_names import local_names_of
from llm_linalg.language.source import Source
from llm_linalg.recording import scopes

MAX_CALLS = 30


class Return(Exception):  # noqa: N818  a way out of nested statements, not an error
    """Leaves a function with its value."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


@dataclass(slots=True, eq=False, repr=False)
class UserFunction:
    """A function that the program defines.

    Attributes:
        node: Its definition.
        defaults: The values of parameters that need no argument.
        scope: The names around the definition.
        modes: The gradient modes above it, as in `@torch.no_grad()`.
        local_names: The names that it binds itself, all of them unbound.
        source: The program that it stands in, which need not be the one that calls it.
    """

    node: ast.FunctionDef
    defaults: Mapping[str, Any]
    scope: ChainMap[str, Any]
    modes: tuple[GradMode, ...]
    local_names: Mapping[str, Any]
    source: Source

    def __repr__(self) -> str:  # its scope may be endless to write
        return "<a function>"

    def parameters(self, arguments: list[Any], named: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of its parameters by name.

        Raises:
            TypeError: If the arguments don't fit.
        """
        args = self.node.args
        if not named and not args.kwonlyargs and len(arguments) == len(args.args):
            return {arg.arg: value for arg, value in zip(args.args, arguments, strict=True)}
        places = [arg.arg for arg in args.args]
        names = dict.fromkeys([*places, *(arg.arg for arg in args.kwonlyargs)])
        title = self.node.name
        if len(arguments) > len(places):
            raise TypeError(
                f"{title} takes {len(places)} argument{'s' * (len(places) != 1)}, not {len(arguments)}"
            )
        positional = dict(zip(places, arguments, strict=False))
        values = {**self.defaults, **positional}
        for name, value in named.items():
            if name not in names or name in positional:
                raise TypeError(f"{title} has no free parameter {name}")
            values[name] = value
        missing = [name for name in names if name not in values]
        if missing:
            raise TypeError(f"{title} also needs {', '.join(missing)}")
        return values


def definition(run: Interpreter, node: ast.FunctionDef) -> None:
    """Execute `def f(x): …`."""
    defaults = _defaults(run, node.args) if node.args.defaults or node.args.kwonlyargs else {}
    modes = tuple([grad_mode(run, decorator) for decorator in node.decorator_list])
    names = run.local_names.get(node)
    if names is None:
        names = run.local_names[node] = local_names_of(node.body)
    run.names.maps[0][node.name] = UserFunction(node, defaults, run.names, modes, names, run.source)


def _defaults(run: Interpreter, parameters: ast.arguments) -> dict[str, Any]:
    run.budget.step((len(parameters.args) + len(parameters.kwonlyargs)) // 10)
    names = [arg.arg for arg in parameters.args]
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


def invoke(run: Interpreter, function: UserFunction, arguments: list[Any], named: dict[str, Any]) -> Any:
    """Call a function of the program, in a scope of its own within the one that it was defined in."""
    if run.depth >= MAX_CALLS:
        raise LimitError(f"functions that call each other more than {MAX_CALLS} deep")
    values = function.parameters(arguments, named)
    run.budget.step(FUNCTION_CALL_STEPS + (len(values) + len(function.local_names)) // NAMES_PER_STEP)
    outer, run.names = run.names, function.scope.new_child()
    outer_scope, run.scope = run.scope, scopes.call_path(run.scope, function.node.name, run.call_counts)
    outer_source, run.source = run.source, function.source
    run.depth += 1
    try:
        run.names.maps[0].update(function.local_names)
        run.names.maps[0].update(values)
        for name, value in values.items():
            if value.__class__ not in arithmetic.PLAIN_TYPES and isinstance(value, nn.Module):
                bind(run, name, value)  # tensors keep their names; a layer's weights follow its own
        if function.modes:
            with set_grad_mode(run, function.modes):
                run.execute(function.node.body)
        else:
            run.execute(function.node.body)
    except Return as ended:
        return ended.value
    finally:
        run.names, run.scope, run.source = outer, outer_scope, outer_source
        run.depth -= 1
    return None
