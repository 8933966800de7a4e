"""Exceptions: `raise`, `assert`, and `try`, which catches what Python itself would raise, and nothing else.

What the language refuses, Python would do: so no program can catch a refusal. Neither can one catch the end
of its budget.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from llm_linalg.base.errors import HaltedError, InternalError, LimitError, ProgramError, ShapeError
from llm_linalg.language import strings
from llm_linalg.language.budget import FAILURE_STEPS, SHAPE_ERROR_STEPS
from llm_linalg.language.expressions import truth
from llm_linalg.language.interpreter import FAILURES, Interpreter
from llm_linalg.language.jumps import JUMPS
from llm_linalg.language.name_scopes import unbind
from llm_linalg.language.refusal import RefusalError
from llm_linalg.language.signatures import ArgumentsError

ENDING = (LimitError, HaltedError, InternalError)
"""Errors that no program catches, whatever it says."""
MOST_SHOWN = 300  # characters of an exception that nothing catches

_NAMES: tuple[type[BaseException], ...] = (
    *(BaseException, Exception, ArithmeticError, AssertionError, AttributeError, EOFError, FileNotFoundError),
    *(FloatingPointError, GeneratorExit, ImportError, IndexError, KeyError, KeyboardInterrupt),
    *(
        LookupError,
        MemoryError,
        ModuleNotFoundError,
        NameError,
        NotImplementedError,
        OSError,
        OverflowError,
        PermissionError,
    ),
    *(RecursionError, RuntimeError, StopIteration, SystemExit, TimeoutError, TypeError, UnboundLocalError),
    *(UnicodeError, ValueError, ZeroDivisionError),
    *(Warning, DeprecationWarning, FutureWarning, RuntimeWarning, UserWarning),
)
EXCEPTIONS: Mapping[str, type[BaseException]] = {kind.__name__: kind for kind in _NAMES} | {
    "IOError": OSError
}
"""The exceptions that a program can name; they are Python's own."""


def raising(run: Interpreter, node: ast.Raise) -> None:
    """Execute `raise ValueError("why")`, or `raise` alone within an `except`."""
    if node.exc is None:
        if not run.caught:
            words = "No active exception to reraise"
            raise run.error("a `raise` alone stands within an `except`", node, RuntimeError(words))
        raise run.caught[-1]
    exception = exception_from(run, run.evaluate(node.exc), node.exc)
    if node.cause is not None:
        _check_cause(run, run.evaluate(node.cause), node.cause)
    raise error_of(run, exception, node)


def _check_cause(run: Interpreter, value: Any, node: ast.AST) -> None:
    """Refuse what stands after `from` and is no exception, and no type of one."""
    is_kind = isinstance(value, type) and issubclass(value, BaseException)
    if value is not None and not is_kind and not isinstance(value, BaseException):
        words = "exception causes must derive from BaseException"
        raise run.error("what stands after `from` is an exception, or None", node, TypeError(words))


def exception_from(run: Interpreter, value: Any, node: ast.AST) -> BaseException:
    """Return the exception that stands at a place of the program, or that is made of the type there.

    Raises:
        ProgramError: If it is none.
    """
    if isinstance(value, type) and issubclass(value, BaseException):
        value = run.call(value, [])
    if isinstance(value, BaseException):
        return value
    words = "exceptions must derive from BaseException"
    raise run.error("what is raised is an exception: ValueError(...)", node, TypeError(words))


def error_of(run: Interpreter, exception: BaseException, node: ast.AST) -> ProgramError:
    """Return the error of an exception that the program raises at a place."""
    said = strings.str_of(run, exception)
    name = type(exception).__name__
    return run.error(f"{name}: {said:.{MOST_SHOWN}}" if said else name, node, exception)


def assertion(run: Interpreter, node: ast.Assert) -> None:
    """Execute `assert a, "why"`."""
    if truth(run, run.evaluate(node.test), node.test):
        return
    reason, exception = "", AssertionError()
    if node.msg is not None:
        value = run.evaluate(node.msg)
        run.budget.charge_items(value)
        reason = f": {strings.str_of(run, value):.{MOST_SHOWN}}"
        exception = AssertionError(value)
    raise run.error(f"this does not hold{reason}", node.test, exception)


def try_statement(run: Interpreter, node: ast.Try) -> None:
    """Execute `try: … except: … else: … finally: …`."""
    try:
        try:
            with trying(run):
                run.execute(node.body)
        except ProgramError as error:
            handler = handler_of(run, node, error)
            with catching(run, handler, error):
                run.execute(handler.body)
        else:
            run.execute(node.orelse)
    except ENDING:
        raise
    except (ProgramError, *JUMPS):
        run.execute(node.finalbody)
        raise
    run.execute(node.finalbody)


@contextmanager
def trying(run: Interpreter) -> Iterator[None]:
    """Note that an error may be caught while the context is open: then an import fails at once."""
    run.tries += 1
    try:
        yield
    finally:
        run.tries -= 1


def handler_of(run: Interpreter, node: ast.Try, error: ProgramError) -> ast.ExceptHandler:
    """Return the part of a `try` that catches an error; raise the error if none does."""
    exception = exception_of(error)
    for handler in node.handlers if exception is not None else ():
        kinds = (BaseException,) if handler.type is None else _kinds(run, handler.type)
        if exception is not None and isinstance(exception, kinds):
            run.budget.step(SHAPE_ERROR_STEPS if isinstance(error, ShapeError) else FAILURE_STEPS)
            run.recorder.failed = run.failed_call = None
            return handler
    raise error


def _kinds(run: Interpreter, node: ast.expr) -> tuple[type[BaseException], ...]:
    value = run.evaluate(node)
    kinds = value if isinstance(value, tuple) else (value,)
    if not all(isinstance(kind, type) and issubclass(kind, BaseException) for kind in kinds):
        words = "catching classes that do not inherit from BaseException is not allowed"
        raise run.error(
            "what stands after `except` is an exception, such as ValueError", node, TypeError(words)
        )
    return kinds


def exception_of(error: ProgramError) -> BaseException | None:
    """Return what Python raises where a program failed; None if Python raises nothing there."""
    if isinstance(error, ENDING):
        return None
    if error.exception is None and error.__cause__ is not None:
        cause = error.__cause__
        if isinstance(cause, ArgumentsError):
            error.exception = cause.exception
        elif isinstance(error, ShapeError) and error.detail:
            error.exception = _torch_exception(cause, error.detail)
        elif isinstance(cause, FAILURES) and not isinstance(cause, ProgramError | RefusalError):
            error.exception = cause
    forget_frames(error)
    return error.exception


def _torch_exception(cause: BaseException, words: str) -> BaseException:
    """Return torch's exception with its own words; our rules object with a `ValueError`."""
    is_torchs = isinstance(cause, IndexError | TypeError) or str(cause) == words
    kind = type(cause) if is_torchs else RuntimeError
    return kind(words)


def forget_frames(error: BaseException) -> None:
    """Drop the tracebacks of an error, which would keep the tensors of every frame alive."""
    cause: BaseException | None = error
    while cause is not None:
        cause.__traceback__ = None
        cause = cause.__cause__ or cause.__context__


@contextmanager
def catching(run: Interpreter, handler: ast.ExceptHandler, error: ProgramError) -> Iterator[None]:
    """While the body of an `except` runs, bind its name, and let `raise` alone raise the error again."""
    names = run.names
    run.caught.append(error)
    if handler.name is not None:
        names.maps[0][handler.name] = error.exception
    try:
        yield
    finally:
        if error in run.caught:  # not where a generator is left as it is, with its body suspended
            run.caught.remove(error)
        if handler.name is not None:
            unbind(names, handler.name)
