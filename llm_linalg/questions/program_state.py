"""The state that a program leaves, in which expressions are evaluated, each without a trace in it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor

from llm_linalg.api.programs import Program, ProgramTask
from llm_linalg.api.run import program_of
from llm_linalg.base.errors import HaltedError, LimitError, ProgramError, RoomError
from llm_linalg.base.source import Source
from llm_linalg.base.spelling import quote
from llm_linalg.questions.value import LONGEST, value_text


class ProgramState:
    """The names that a program has bound.

    Attributes:
        failure: Why the program ended early; None if it did not.
        names: Its names.
    """

    def __init__(self, program: Program, failure: ProgramError | None = None) -> None:
        self._program = program
        self.failure = failure
        self.names = program.names

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

        Raises:
            ProgramError: If the text is not one expression, or fails.
        """
        expression_of(Source(expression))
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
    with program_of(task, own=own, trust=trust) as running:
        failure = None
        try:
            running.run(repairs=False)
        except (LimitError, HaltedError, RoomError):
            raise
        except ProgramError as error:
            failure = error
        yield ProgramState(running, failure)
