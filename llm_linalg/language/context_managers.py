"""`with`: gradient modes, contexts of `contextlib`, and objects of the program that have `__enter__`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

from llm_linalg.base.errors import ProgramError
from llm_linalg.language import suggestions
from llm_linalg.language.assignment import assign
from llm_linalg.language.block_context import BlockContext
from llm_linalg.language.budget import GRAD_MODE_STEPS
from llm_linalg.language.classes.program_class import MISSING, Instance
from llm_linalg.language.exceptions import exception_of
from llm_linalg.language.figures import Figure
from llm_linalg.language.grad_mode import mode_of, set_grad_mode
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.item_iterator import ItemIterator, ProgressBar
from llm_linalg.language.jumps import JUMPS
from llm_linalg.language.methods import Method
from llm_linalg.language.readable_files import TextFile
from llm_linalg.language.weight_files import ArrayArchive, TensorFile


def with_block(run: Interpreter, node: ast.With) -> None:
    """Execute `with a as b, c: …`."""
    with ExitStack() as stack:
        for item in node.items:
            stack.enter_context(open_context(run, item))
        run.execute(node.body)


@contextmanager
def open_context(run: Interpreter, item: ast.withitem, *, pauses: bool = False) -> Iterator[None]:
    """Open what stands after a `with`, and close it in the end.

    Args:
        run: The run.
        item: The expression, and the name after `as`.
        pauses: Whether the body yields, so that other parts of the program run in between.

    Raises:
        ProgramError: If it can't be opened.
    """
    run.budget.step(GRAD_MODE_STEPS)
    value = run.evaluate(item.context_expr)
    mode = mode_of(value)
    if value.__class__ is Figure or (mode is not None and mode.enabled is None):  # it means nothing here
        run.leave_out(item.context_expr)
    if mode is not None and pauses:
        raise run.error(suggestions.YIELD, item.context_expr)
    if mode is not None:
        _bind(run, item, None)
        with set_grad_mode(run, [mode]):
            yield
        return
    _bind(run, item, _enter(run, value, item.context_expr))
    try:
        yield
    except ProgramError as error:
        if not _leave(run, value, error):
            raise
    except JUMPS:
        _leave(run, value, None)
        raise
    else:
        _leave(run, value, None)


def _bind(run: Interpreter, item: ast.withitem, value: Any) -> None:
    if item.optional_vars is not None:
        assign(run, item.optional_vars, value)


def _enter(run: Interpreter, value: Any, node: ast.expr) -> Any:
    """Return what the name after `as` is bound to."""
    if isinstance(value, Figure | ProgressBar | TextFile | ArrayArchive | TensorFile):
        return value
    if isinstance(value, torch.device) and value.type == "cpu":
        return value
    if isinstance(value, BlockContext):
        return value.value if value.generator is None else _first_of(value.generator)
    if isinstance(value, Instance):
        enter = type(value).find("__enter__")
        if enter is not MISSING and type(value).find("__exit__") is not MISSING:
            return run.call(Method(enter, value), [])
        words = f"'{type(value).__name__}' object does not support the context manager protocol"
        raise run.error(suggestions.SYNTAX[ast.With], node, TypeError(words))
    raise run.error(suggestions.SYNTAX[ast.With], node)


def _leave(run: Interpreter, value: Any, error: ProgramError | None) -> bool:
    """Close what was opened; return whether an error ends here."""
    exception = None if error is None else exception_of(error)
    if error is not None and exception is None:  # a refusal, or the end of the budget
        return False
    if isinstance(value, Instance):
        kind = None if exception is None else type(exception)
        return bool(run.call(Method(type(value).find("__exit__"), value), [kind, exception, None]))
    if not isinstance(value, BlockContext):
        return False
    if value.generator is None:
        return isinstance(exception, value.suppressed)
    source: Any = value.generator.source
    try:
        next(source) if error is None else source.throw(error)
    except StopIteration:
        return error is not None
    raise RuntimeError("generator didn't stop" if error is None else "generator didn't stop after throw()")


def _first_of(generator: ItemIterator) -> Any:
    """Return what the generator of a `@contextmanager` yields first."""
    for value in generator.source:
        return value
    raise RuntimeError("generator didn't yield")
