"""`contextlib`: contexts made from generators, and those that do next to nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llm_linalg.language.block_context import BlockContext
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.item_iterator import ItemIterator
from llm_linalg.language.run_function import RunFunction


def _null(_run: Interpreter, enter_result: Any = None) -> BlockContext:
    return BlockContext(enter_result)


def _suppress(_run: Interpreter, *kinds: Any) -> BlockContext:
    if not all(isinstance(kind, type) and issubclass(kind, BaseException) for kind in kinds):
        raise TypeError("suppress takes exceptions, such as ValueError")
    return BlockContext(suppressed=kinds)


def _contextmanager(_run: Interpreter, function: Any) -> RunFunction:
    def make(run: Interpreter, *arguments: Any, **named: Any) -> BlockContext:
        generator = run.call(function, arguments, named)
        if not isinstance(generator, ItemIterator):
            raise TypeError("a function under @contextmanager yields once")
        return BlockContext(generator=generator)

    return RunFunction("contextmanager", make, holds=(function,))


MEMBERS: Mapping[str, RunFunction] = {
    "nullcontext": RunFunction("nullcontext", _null),
    "suppress": RunFunction("suppress", _suppress),
    "contextmanager": RunFunction("contextmanager", _contextmanager),
}
