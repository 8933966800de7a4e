"""The state that a program leaves, in which expressions are evaluated, each without a trace in it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import Tensor

from llm_linalg.api.programs import Program, ProgramTask
from llm_linalg.api.run import program_of
from llm_linalg.base.errors import HaltedError, LimitError, ProgramError, RoomError
from llm_linalg.base.source import Source
from llm_linalg.base.spelling import quote
from llm_linalg.questions.value import LONGEST, value_text
from llm_linalg.room.room_limits import TOO_LONG

Run = tuple[Program, ProgramError | None]  # a program that has ended, and why early, if so


class ProgramState:
    """The names that a program has bound.

    Attributes:
        failure: Why the program ended early; None if it did not.
        names: Its names.
    """

    def __init__(self, run: Callable[[], Run]) -> None:
        self._run = run
        self._program, self.failure = run()
        self.names = self._program.names

    @property
    def was_cheap(self) -> bool:
        """Whether the last expression took so little that others like it may be tried."""
        return self._program.was_cheap

    @property
    def operations(self) -> frozenset[str]:
        """The operations of torch that the last expression called."""
        return self._program.operations_of_last

    def value(self, expression: str, **names: Any) -> Any:
        """Return the value of an expression, which sees the program's names and those given here.

        A process that is gone, or was slow, as on a busy machine, is replaced once: its program runs again.

        Raises:
            ProgramError: If the text is not one expression, or fails.
        """
        expression_of(Source(expression))
        try:
            return self._program.value(expression, **names)
        except ProgramError as error:
            if not is_lost(error):
                raise
        self._program, self.failure = self._run()
        return self._program.value(expression, **names)

    def is_true(self, claim: str, **names: Any) -> bool:
        """Return whether a claim is true; raises as `false_reason` does."""
        result = self.value(claim, **names)
        if isinstance(result, Tensor) and result.numel() != 1:
            shape = tuple(result.shape)
            raise ProgramError(f"it gives {shape} answers, not one: torch.equal and torch.allclose give one")
        return bool(result)

    def false_reason(self, claim: str, **names: Any) -> str:
        """Return why a claim is false, with the values of its sides; empty if it is true.

        Raises:
            ProgramError: If the claim is not one expression that is true or false, or fails.
        """
        if self.is_true(claim, **names):
            return ""
        source = Source(claim)
        node = expression_of(source)
        sides = [node.left, *node.comparators] if isinstance(node, ast.Compare) else []
        sides = node.args if isinstance(node, ast.Call) else sides
        texts = [source.text_of(side) for side in sides]
        values = [value_text(self.value(text, **names)) for text in texts]
        known = [f"{text} is {now}" for text, now in zip(texts, values, strict=True) if text != now]
        return f"{quote(claim, LONGEST)} is false{': ' * bool(known)}{'; '.join(known)}"


def is_lost(error: ProgramError) -> bool:
    """Return whether an expression has no value because its process is gone, or was slow."""
    return isinstance(error, RoomError) or error.message == TOO_LONG


def expression_of(source: Source) -> ast.expr:
    """Return the one expression that a source is; raises `ProgramError` for any other."""
    body = source.tree.body
    if len(body) != 1 or not isinstance(body[0], ast.Expr):
        raise ProgramError("it is not one expression, such as Y.sum()")
    return body[0].value


@contextmanager
def state_after(
    program: str, *, own: bool = False, trust: bool = False, **terms: Any
) -> Iterator[ProgramState]:
    """Run a program, for expressions in the state that it leaves; its terms are those of `run_text`.

    Of a program with cells, one that fails is passed over. Counts alone decide unless it is given seconds.

    Raises:
        ProgramError: If the program can't be read.
        LimitError: If it uses up its limits.
        HaltedError: If `halt` stopped it.
        RoomError: If nothing foreign may run on this machine.
    """
    Source(program)
    task = ProgramTask(program, **{"seconds": None, **terms})
    with ExitStack() as stack:

        def run() -> Run:
            running = stack.enter_context(program_of(task, own=own, trust=trust))
            try:
                running.run(repairs=False)
            except (LimitError, HaltedError, RoomError):
                raise
            except ProgramError as error:
                return running, error
            return running, None

        yield ProgramState(run)
