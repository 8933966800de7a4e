"""Bodies that pause between two items: of generators, and of functions that `yield`.

Such a body is a generator of Python's. Between two items the run goes on elsewhere, so each time that the
body goes on, the run is given back what it looks like inside the body, and afterwards what it was.
"""

from __future__ import annotations

import ast
import sys
from collections import ChainMap
from collections.abc import Generator, Iterator, Sequence
from typing import Any, NamedTuple

from llm_linalg.base.errors import LimitError, ProgramError
from llm_linalg.language.autograd import GradMode
from llm_linalg.language.grad_mode import set_grad_mode
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.jumps import Return
from llm_linalg.language.local_names import own_parts
from llm_linalg.language.source import Source

MAX_CALLS = 200  # of functions and generators, each of which runs within the one before
# A call takes some ten to twenty of Python's own. The limit is never lowered again: other threads may run.
sys.setrecursionlimit(max(sys.getrecursionlimit(), 30 * MAX_CALLS))


class BodyState(NamedTuple):
    """What a run looks like inside a body.

    Attributes:
        names: The names of the body.
        scope: The path of the calls that it belongs to.
        path: The name of its function.
        source: The program that it stands in.
        modes: The gradient modes in which it runs.
        function: Its function; None for a generator that is an expression.
    """

    names: ChainMap[str, Any]
    scope: str
    path: str
    source: Source
    modes: tuple[GradMode, ...] = ()
    function: Any = None


def pauses_of(body: Sequence[ast.AST]) -> frozenset[ast.AST]:
    """Return the parts of a function's body in which it yields, and all those around them."""
    return frozenset(
        part
        for part in own_parts(body)
        if isinstance(part, ast.stmt | ast.ExceptHandler | ast.Yield | ast.YieldFrom)
        and any(isinstance(inner, ast.Yield | ast.YieldFrom) for inner in own_parts([part]))
    )


def resume_each(run: Interpreter, state: BodyState, body: Iterator[Any]) -> Generator[Any, Any, Any]:
    """Yield the items of a body, giving it what is sent; its value is what the body returns."""
    sent: Any = None
    thrown: ProgramError | None = None
    caught: list[ProgramError] = []
    while True:
        try:
            item = _resume(run, state, body, sent, thrown, caught)
        except StopIteration:
            return None
        except Return as ended:
            return ended.value
        except ProgramError as error:
            if isinstance(error.exception, StopIteration):  # whoever goes on would take it for the end
                words = "generator raised StopIteration"
                raise run.error(f"{words}: it ends with `return`", run.current, RuntimeError(words)) from None
            raise
        sent = thrown = None
        try:
            sent = yield item
        except ProgramError as error:
            thrown = error


def _resume(
    run: Interpreter,
    state: BodyState,
    body: Any,
    sent: Any,
    thrown: ProgramError | None,
    caught: list[ProgramError],
) -> Any:
    """Run a body to its next item; `caught` is what it has caught and is still dealing with."""
    if run.depth >= MAX_CALLS:
        raise LimitError(f"functions that call each other more than {MAX_CALLS} deep")
    outer, outer_scope, outer_path, outer_source = run.names, run.scope, run.path, run.source
    current, outer_function = run.current, run.function
    run.names, run.scope, run.path, run.source, modes, function = state
    run.function = function or outer_function
    run.depth += 1
    outside = len(run.caught)
    run.caught += caught
    try:
        if modes:
            with set_grad_mode(run, modes):
                return _next(body, sent, thrown)
        return _next(body, sent, thrown)
    finally:
        run.names, run.scope, run.path, run.source = outer, outer_scope, outer_path, outer_source
        run.current, run.function = current, outer_function
        run.depth -= 1
        caught[:] = run.caught[outside:]
        del run.caught[outside:]


def _next(body: Any, sent: Any, thrown: ProgramError | None) -> Any:
    if thrown is not None:
        return body.throw(thrown)
    return next(body) if sent is None else body.send(sent)
