"""Import and run the user's own code: `model.py:forward`, `package.module:GPT(Settings(heads=4))`."""

from __future__ import annotations

import ast
import builtins
import operator
import re
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from inspect import signature
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from llm_linalg.api.user_code import user_code_errors
from llm_linalg.base import syntax
from llm_linalg.base.errors import ProgramError
from llm_linalg.base.rng import lock_rng, seed_rng
from llm_linalg.base.source import Source
from llm_linalg.base.spelling import quote, unknown
from llm_linalg.base.text import clean
from llm_linalg.capture.program import ProgramRun

_SHAPE = re.compile(r"[0-9]{1,9}(?:x[0-9]{1,9})*")
_DRAW = re.compile(r"randint:(-?[0-9]{1,18}):(-?[0-9]{1,18}):([0-9]{1,9}(?:x[0-9]{1,9})*)")

_OTHER_DRAW = re.compile(r"\w*:[\w:.,-]*|[0-9]+(?:[x*][0-9]*)*")
"""What is no expression, and looks like one of the two above."""


class TargetError(Exception):
    """Nothing can be run under a name; the message is one line on why."""


def load(
    target: str, seed: int = 0, importing: AbstractContextManager[object] | None = None
) -> tuple[Callable[..., Any], Path | None]:
    """Import the callable that a target names, and return it with its file.

    Args:
        target: `FILE.py:EXPRESSION` or `MODULE:EXPRESSION`. Most are a name; a dotted one goes into classes.
            Any other is evaluated in the module's own names, as the last line of its file would be:
            `GPT(Settings(layers=2))`. An `nn.Module` class is instantiated.
        seed: The seed with which a module's parameters are drawn.
        importing: What is open while the module's own code runs.

    Raises:
        TargetError: If there is no such callable.
        ProgramError: If importing or instantiating it fails, with the frames that led there.
    """
    place, _, expression = target.partition(":")
    if not place or not expression.strip():
        raise TargetError(f"{quote(target, 200)} is not FILE.py:FUNCTION or MODULE:FUNCTION")
    names = _read(expression := expression.strip())
    with user_code_errors(TargetError), lock_rng(), importing or nullcontext():
        module = _imported(place)
    found: Any = module
    for name in names:
        found = _member(found, name, place)
    with user_code_errors(TargetError), seed_rng(seed):
        if not names:
            found = _evaluated(syntax.expression(expression), module, place)
        if isinstance(found, type) and issubclass(found, nn.Module):
            _check_arguments(found, expression)
            found = found()
    if not callable(found) or isinstance(found, type):
        raise TargetError(f"{quote(expression)} is not a function or an nn.Module")
    file = getattr(module, "__file__", None)
    return found, Path(file) if file else None


def evaluate_inputs(texts: list[str], seed: int = 0) -> tuple[Any, ...]:
    """Return the inputs that texts describe, each one or several.

    A text is an expression (`torch.randn(2, 5, 8)`, or `a, b` for two inputs), the shape of normal random
    numbers (`2x5x8`), or random integers between two bounds (`randint:0:50:2x5`).

    Args:
        texts: The texts.
        seed: The seed of each.

    Raises:
        ProgramError: If a text is none of these.
    """
    found: list[Any] = []
    for text in texts:
        names = ProgramRun("", seed)
        names.run()
        value = names.evaluate(_expression(text.strip()))
        found += value if isinstance(value, tuple) else [value]
    return tuple(found)


def check_inputs(function: Callable[..., Any], given: tuple[Any, ...], title: str) -> None:
    """Check the number of inputs against a callable's signature, if it has one.

    Raises:
        TargetError: If there are too few or too many.
    """
    try:
        parameters = signature(function.forward if isinstance(function, nn.Module) else function)
    except (TypeError, ValueError):
        return
    try:
        parameters.bind(*given)
    except TypeError:
        taken = ", ".join(map(str, parameters.parameters.values())) or "nothing"
        count = "1 input" if len(given) == 1 else f"{len(given)} inputs"
        raise TargetError(
            f"{quote(title, 100)} takes {clean(taken, 200)}, and has {count}: --inputs 2x5x8 gives one"
        ) from None


def _expression(text: str) -> str:
    if _SHAPE.fullmatch(text):
        return f"torch.randn({text.replace('x', ', ')})"
    if draw := _DRAW.fullmatch(text):
        return f"torch.randint({draw[1]}, {draw[2]}, ({draw[3].replace('x', ', ')},))"
    if _OTHER_DRAW.fullmatch(text):
        forms = "2x5x8, randint:0:50:2x5, or an expression such as torch.ones(2, 5)"
        raise ProgramError(f"{quote(text, 40)} is no input: write {forms}")
    body = Source(text).tree.body
    if len(body) != 1 or not isinstance(body[0], ast.Expr):
        said = text[:60] or "an empty text"
        raise ProgramError(f"{said} is not an expression, such as torch.randn(2, 5, 8)")
    return text


def _read(expression: str) -> list[str]:
    """Return the names of a dotted name; none for any other expression.

    Raises:
        TargetError: If it is no expression.
    """
    try:
        node = syntax.expression(expression)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise TargetError(
            f"{quote(expression, 100)} is not an expression, such as GPT(50, heads=4)"
        ) from None
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.insert(0, node.attr)
        node = node.value
    return [node.id, *names] if isinstance(node, ast.Name) else []


def _imported(place: str) -> ModuleType:
    if not (place.endswith(".py") or "/" in place or "\\" in place):
        sys.path.insert(0, str(Path.cwd()))
        try:
            return import_module(place)
        except ModuleNotFoundError as error:
            if error.name is not None and (place == error.name or place.startswith(f"{error.name}.")):
                raise TargetError(f"no module {quote(place, 100)}") from None
            raise
    path = Path(place)
    if not path.is_file():
        raise TargetError(f"no file {quote(place, 200)}")
    spec = spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise TargetError(f"{quote(place, 200)} is not a Python file")
    sys.path.insert(0, str(path.resolve().parent))  # so that its own imports work as if it were run
    module = module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def _member(owner: Any, name: str, place: str) -> Any:
    if not hasattr(owner, name):
        known = [other for other in dir(owner) if not other.startswith("_")]
        raise TargetError(unknown(f"name in {quote(place, 100)}", name, known[:40]))
    return getattr(owner, name)


def _evaluated(node: ast.expr, module: ModuleType, place: str) -> Any:
    """Return the value of an expression that the user adds to their own module, whose code has just run.

    It is a name, a call, a number or text, or lists and dicts of these.

    Raises:
        TargetError: If it is anything else, or a name that the module lacks.
    """

    def value(part: ast.expr) -> Any:
        return _evaluated(part, module, place)

    match node:
        case ast.Constant():
            return node.value
        case ast.Name():
            is_own = hasattr(module, node.id) or not hasattr(builtins, node.id)
            return _member(module if is_own else builtins, node.id, place)
        case ast.Attribute():
            return _member(value(node.value), node.attr, place)
        case ast.Call() if all(keyword.arg for keyword in node.keywords):
            named = {keyword.arg: value(keyword.value) for keyword in node.keywords if keyword.arg}
            return value(node.func)(*map(value, node.args), **named)
        case ast.UnaryOp(op=ast.USub()):
            return -value(node.operand)
        case ast.BinOp(op=sign) if type(sign) in _OPERATORS:
            return _OPERATORS[type(sign)](value(node.left), value(node.right))
        case ast.Tuple() | ast.List():
            items = list(map(value, node.elts))
            return items if isinstance(node, ast.List) else tuple(items)
        case ast.Dict() if None not in node.keys:
            return {value(key): value(item) for key, item in zip(node.keys, node.values, strict=True) if key}
        case ast.Subscript():
            return value(node.value)[value(node.slice)]
    raise TargetError(f"{quote(ast.unparse(node), 100)} is not made of names, calls and numbers")


_OPERATORS: dict[type[ast.operator], Any] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Pow: operator.pow,
}


def _check_arguments(kind: type[nn.Module], expression: str) -> None:
    """Refuse a class that can't be made without arguments.

    Raises:
        TargetError: With what it takes.
    """
    try:
        parameters = signature(kind)
        parameters.bind()
    except ValueError:
        return  # it says not what it takes
    except TypeError:
        needed = ", ".join(
            name for name, taken in parameters.parameters.items()
            if taken.default is taken.empty and taken.kind not in (taken.VAR_POSITIONAL, taken.VAR_KEYWORD)
        )  # fmt: skip
        name, needed = clean(expression, 100), clean(needed, 200)
        raise TargetError(f'{name} takes {needed}: write its arguments, as in "{name}({needed})"') from None
