"""`getattr`, `setattr`, `hasattr` and `delattr`: an attribute by a name that the program has as text; `dir`.

They reach what stands after a dot, and nothing else: the same tables, and no name with two underscores.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Mapping
from typing import Any

from llm_linalg.base.errors import LimitError, ProgramError
from llm_linalg.language import allowlist, assignment, exceptions
from llm_linalg.language.attributes import attribute_of
from llm_linalg.language.budget import MISSING_STEPS
from llm_linalg.language.classes import members, reflection
from llm_linalg.language.classes.program_class import MISSING
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.refusal import RefusalError
from llm_linalg.language.run_function import RunFunction

MAX_NAME = 100  # characters
_MISSING, _MISSING_HERE = object(), object()


def get_attribute(run: Interpreter, value: Any, name: Any, default: Any = _MISSING) -> Any:
    """Do what `getattr` does."""
    try:
        return attribute_of(run, value, _after_dot(run, name))
    except (AttributeError, ProgramError) as error:
        if default is _MISSING or not _is_missing(run, error):
            raise
        run.budget.step(MISSING_STEPS)
        return default


def has_attribute(run: Interpreter, value: Any, name: Any) -> bool:
    """Do what `hasattr` does."""
    return get_attribute(run, value, name, _MISSING_HERE) is not _MISSING_HERE


def set_attribute(run: Interpreter, value: Any, name: Any, new: Any) -> None:
    """Do what `setattr` does."""
    assignment.store_attribute(run, _after_dot(run, name), value, new)


def delete_attribute(run: Interpreter, value: Any, name: Any) -> None:
    """Do what `delattr` does."""
    members.delete_attribute(value, _after_dot(run, name).attr)


def names_of(run: Interpreter, value: Any = MISSING) -> list[str]:
    """Do what `dir` does: of a module it gives the names that the language lacks, too."""
    path = next((path for path, own in allowlist.MODULES.items() if own is value), "")
    if path not in sys.modules:
        return reflection.names_of(run, value)
    names = dir(sys.modules[path])
    run.budget.charge_sort(names)
    return names


def _after_dot(run: Interpreter, name: Any) -> ast.Attribute:
    """Return an expression in which a name stands after a dot, where the program now is.

    Raises:
        TypeError: If the name is no text.
        RefusalError: If it could not stand after a dot in the language.
    """
    if not isinstance(name, str):
        raise TypeError(f"attribute name must be string, not '{type(name).__name__}'")
    if len(name) > MAX_NAME:
        raise LimitError(f"a name of more than {MAX_NAME} characters")
    if name.startswith("__") or not name.isprintable():
        raise RefusalError(f"{name!r} is not part of the language")
    place = run.current
    made = ast.Attribute(ast.Name("value", ast.Load()), name, ast.Load())
    return ast.copy_location(made, place) if hasattr(place, "lineno") else made


def _is_missing(run: Interpreter, error: Exception) -> bool:
    """Return whether an error says that a value has no such attribute, in Python as here."""
    exception = exceptions.exception_of(error) if isinstance(error, ProgramError) else error
    if isinstance(exception, AttributeError):
        run.recorder.failed = run.failed_call = None
        return True
    return False


FUNCTIONS: Mapping[str, RunFunction] = {
    function.name: function
    for function in (
        RunFunction("getattr", get_attribute),
        RunFunction("hasattr", has_attribute),
        RunFunction("setattr", set_attribute),
        RunFunction("delattr", delete_attribute),
        RunFunction("dir", names_of),
    )
}
