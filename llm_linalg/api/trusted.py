"""Import and run the user's own code: `model.py:forward`, `package.module:GPT(Settings(heads=4))`."""

from __future__ import annotations

import ast
import builtins
import re
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from inspect import Parameter, signature
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, MappingProxyType, ModuleType
from typing import Any

from torch import nn

from llm_linalg.api.user_code import user_code_errors
from llm_linalg.base import syntax
from llm_linalg.base.code_names import code_names
from llm_linalg.base.errors import ProgramError
from llm_linalg.base.file_io import read_bytes
from llm_linalg.base.rng import lock_rng, seed_rng
from llm_linalg.base.source import Source
from llm_linalg.base.spelling import quote, unknown
from llm_linalg.base.text import clean
from llm_linalg.capture.program import ProgramRun, value_of

LONGEST_FILE = 1_000_000  # bytes of a file whose names are listed
NO_NAMES: Mapping[str, Any] = MappingProxyType({})
_SHAPE = re.compile(r"[0-9]{1,9}(?:x[0-9]{1,9})*")
_DRAW = re.compile(r"randint:(-?[0-9]{1,18}):(-?[0-9]{1,18}):([0-9]{1,9}(?:x[0-9]{1,9})*)")
_NAMED = re.compile(r"\s*([^\W\d]\w*)\s*=(?!=)(.*)", re.DOTALL)

_OTHER_DRAW = re.compile(r"\w*:[\w:.,-]*|[0-9]+(?:[x*][0-9]*)*")
"""What is no expression, and looks like one of the two above."""


class TargetError(Exception):
    """Nothing can be run under a name; the message is one line on why."""


def load(
    target: str, seed: int = 0, importing: AbstractContextManager[object] | None = None
) -> tuple[Callable[..., Any], Path | None]:
    """Import the callable that a target names, and return it with its file.

    Args:
        target: `FILE.py:EXPRESSION` or `MODULE:EXPRESSION`. The expression is evaluated in the module's own
            names, as the last line of its file would be: most are a name, others such as
            `GPT(Settings(layers=2))`. An `nn.Module` class is instantiated.
        seed: The seed with which a module's parameters are drawn.
        importing: What is open while the module's own code runs.

    Raises:
        TargetError: If there is no such callable.
        ProgramError: If importing or instantiating it fails, with the frames that led there.
    """
    place, _, expression = target.partition(":")
    if not place or not expression.strip():
        names = ", ".join(_defined_in(place))
        known = f": it has {clean(names, 200)}" if names else ""
        raise TargetError(f"{quote(target, 200)} is not FILE.py:FUNCTION or MODULE:FUNCTION{known}")
    needed = _names_in(expression := expression.strip())
    with user_code_errors(TargetError), lock_rng(), importing or nullcontext():
        module = _imported(place)
    with user_code_errors(TargetError), seed_rng(seed):
        own = [name for name in needed if hasattr(module, name) or not hasattr(builtins, name)]
        value = value_of(expression, {name: _member(module, name, place) for name in own})
        if isinstance(value, type) and issubclass(value, nn.Module):
            lacking = [
                own.name for own in _unfit(value, ()) or ()
                if own.default is own.empty and own.kind not in (own.VAR_POSITIONAL, own.VAR_KEYWORD)
            ]  # fmt: skip
            if lacking:
                name, words = clean(expression, 100), clean(", ".join(lacking), 200)
                raise TargetError(f'{name} takes {words}: write its arguments, as in "{name}({words})"')
            value = value()
    if not callable(value) or isinstance(value, type):
        raise TargetError(f"{quote(expression)} is not a function or an nn.Module")
    file = getattr(module, "__file__", None)
    return value, Path(file) if file else None


def module_of(
    function: Callable[..., Any],
    inputs: int,
    seed: int = 0,
    running: AbstractContextManager[object] | None = None,
) -> Callable[..., Any]:
    """Return the module that a function without parameters gives, where there are inputs; or the function.

    Args:
        function: A callable, such as `load` returns.
        inputs: How many inputs there are.
        seed: The seed with which the module's parameters are drawn.
        running: What is open while the function runs.

    Raises:
        ProgramError: If the function fails, with the frames that led there.
    """
    takes_nothing = _unfit(function, (None,)) == ()
    if not inputs or not takes_nothing or isinstance(function, nn.Module):
        return function
    with user_code_errors(TargetError), seed_rng(seed), running or nullcontext():
        made = function()
    return made if isinstance(made, nn.Module) else function


def evaluate_inputs(texts: list[str], seed: int = 0) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the inputs that texts describe by position, and those by name, such as `mask=2x5`.

    A text is an expression (`torch.randn(2, 5, 8)`, or `a, b` for two inputs), the shape of normal random
    numbers (`2x5x8`), or random integers between two bounds (`randint:0:50:2x5`). Each draws its own.

    Raises:
        TargetError: If a text describes none, or a named one several.
    """
    named: dict[str, Any] = {}
    unnamed: list[Any] = []
    for place, text in enumerate(texts):
        match = _NAMED.fullmatch(text)
        try:
            values = _values_of(text if match is None else match[2], seed + place)
        except ProgramError as error:
            given = "" if quote(text, 40) in error.message else f" {quote(text, 40)}"
            raise TargetError(f"--inputs{given}: {error.message}") from None
        if match is None:
            unnamed += values
            continue
        if len(values) != 1:
            raise TargetError(f"{match[1]} is one input, and has {len(values)}")
        named[match[1]] = values[0]
    return tuple(unnamed), named


def _values_of(text: str, seed: int) -> tuple[Any, ...]:
    names = ProgramRun("", seed)
    names.run()
    value = names.evaluate(_expression(text.strip()))
    return value if isinstance(value, tuple) else (value,)


def check_inputs(
    function: Callable[..., Any], given: tuple[Any, ...], title: str, named: Mapping[str, Any] = NO_NAMES
) -> None:
    """Check the inputs against a callable's signature, if it has one.

    Raises:
        TargetError: If there are too few or too many, or one has no such name.
    """
    unfit = _unfit(function.forward if isinstance(function, nn.Module) else function, given, named)
    if unfit is not None:
        stray = next((name for name in named if name not in [own.name for own in unfit]), None)
        if stray is not None:
            raise TargetError(unknown(f"input of {quote(title, 100)}", stray, [own.name for own in unfit]))
        taken = ", ".join(map(str, unfit)) or "nothing"
        inputs = len(given) + len(named)
        count = "1 input" if inputs == 1 else f"{inputs} inputs"
        raise TargetError(
            f"{quote(title, 100)} takes {clean(taken, 200)}, and has {count}: --inputs 2x5x8 gives one, "
            "--inputs randint:0:50:2x5 one of whole numbers"
        )


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
        shown = text[:60] or "an empty text"
        raise ProgramError(f"{shown} is not an expression, such as torch.randn(2, 5, 8)")
    return text


def _names_in(expression: str) -> list[str]:
    """Return the names that an expression reads; raise `TargetError` if it is none."""
    try:
        read = code_names(syntax.expression(expression))
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise TargetError(
            f"{quote(expression, 100)} is not an expression, such as GPT(50, heads=4)"
        ) from None
    return sorted(read.loads | read.later)


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


def _defined_in(place: str) -> list[str]:
    """Return the functions and classes at the top of a Python file, if it is one. It is not run."""
    try:
        body = syntax.statements(syntax.decode(read_bytes(Path(place), LONGEST_FILE))).body
    except (OSError, SyntaxError, ValueError, MemoryError, RecursionError):
        return []
    return [own.name for own in body if isinstance(own, (ast.FunctionDef, ast.ClassDef))]


def _member(owner: Any, name: str, place: str) -> Any:
    if not hasattr(owner, name):
        public = [other for other in dir(owner) if not other.startswith("_")]
        own = [other for other in public if not _imported_by(owner, getattr(owner, other))]
        raise TargetError(unknown(f"name in {quote(place, 100)}", name, own or public))
    return getattr(owner, name)


def _imported_by(owner: Any, value: Any) -> bool:
    """Return whether a module's value is another module, or a function or class of one."""
    if not isinstance(value, (type, FunctionType, BuiltinFunctionType)):
        return isinstance(value, ModuleType)
    return not f"{value.__module__}.".startswith(f"{owner.__name__}.")


def _unfit(
    function: Callable[..., Any], given: tuple[Any, ...], named: Mapping[str, Any] = NO_NAMES
) -> tuple[Parameter, ...] | None:
    """Return the parameters of what can't be called with some arguments; None if it can, or says no more."""
    try:
        accepted = signature(function)
    except (TypeError, ValueError):
        return None
    try:
        accepted.bind(*given, **named)
    except TypeError:
        return tuple(accepted.parameters.values())
    return None
