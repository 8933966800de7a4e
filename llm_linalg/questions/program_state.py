"""The state that a program leaves, in which expressions are evaluated, each without a trace in it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from llm_linalg.base.errors import HaltedError, LimitError, ProgramError
from llm_linalg.base.garbage import rare_full_collections
from llm_linalg.base.spelling import quote
from llm_linalg.explain.interpreted import explain
from llm_linalg.language.budget import Budget
from llm_linalg.language.execute import isolated_torch_state
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.program import interpreter, run_program, source_of
from llm_linalg.language.source import Source
from llm_linalg.questions.value import LONGEST, value_text

Halt = Callable[[], bool]

EXPRESSION: Mapping[str, Any] = {
    "steps": 500_000,
    "tensors": 5_000,
    "elements": 2**24,
    "multiplications": 2**32,
}  # what an expression may use up: less than a second
_CHEAP = (10_000, 2**24)  # steps and multiplications: some milliseconds


class ProgramState:
    """The names that a program has bound, and torch's generator as it left it.

    Attributes:
        failure: Why the program ended early; None if it did not.
        is_random: Whether the program drew random numbers.
        was_cheap: Whether the last expression took so little that others like it may be tried.
    """

    def __init__(
        self, run: Interpreter, budget: Callable[[], Budget], failure: ProgramError | None, seeded: Tensor
    ) -> None:
        """Hold what a run has left; `seeded` is the state of torch's generator before it."""
        self.failure = failure
        self.was_cheap = True
        self._run = run
        self._budget = budget
        self._generator = torch.default_generator.get_state()
        self.is_random = not torch.equal(self._generator, seeded)

    def __contains__(self, name: str) -> bool:
        return name in self._run.names

    @property
    def names(self) -> Mapping[str, Any]:
        """The values of its names."""
        return self._run.names

    def value(self, expression: str, **names: Any) -> Any:
        """Return the value of an expression, which sees the program's names and those given here.

        Raises:
            ProgramError: If the text is not one expression, or fails.
        """
        state = self._fork(expression, names)
        return self._value(state, _expression(state.source))

    def is_true(self, claim: str, **names: Any) -> bool:
        """Return whether a claim is true; raises as `false_reason` does."""
        state = self._fork(claim, names)
        return _truth(self._value(state, _expression(state.source)))

    def false_reason(self, claim: str, **names: Any) -> str:
        """Return why a claim is false, with the values of its sides; empty if it is true.

        Raises:
            ProgramError: If the claim is not one expression that is true or false, or fails.
        """
        state = self._fork(claim, names)
        node = _expression(state.source)
        if _truth(self._value(state, node)):
            return ""
        sides = [node.left, *node.comparators] if isinstance(node, ast.Compare) else []
        sides = node.args if isinstance(node, ast.Call) else sides
        texts = [state.source.text_of(side) for side in sides]
        values = [value_text(self._value(state, side)) for side in sides]
        told = [f"{text} is {now}" for text, now in zip(texts, values, strict=True) if text != now]
        return f"{quote(claim, LONGEST)} is false{': ' * bool(told)}{'; '.join(told)}"

    def _fork(self, expression: str, names: Mapping[str, Any]) -> Interpreter:
        state = self._run.fork(Source(expression), self._budget())
        state.names.maps[0].update(names)
        return state

    def _value(self, state: Interpreter, node: ast.expr) -> Any:
        torch.default_generator.set_state(self._generator)
        budget = state.budget
        before = budget.left
        budget.start()
        try:
            with state.recording():
                return state.evaluate(node)
        except RecursionError:
            raise LimitError("the expression is nested too deeply to run") from None
        finally:
            steps, _, _, multiplications = (a - b for a, b in zip(before, budget.left, strict=True))
            self.was_cheap = steps <= _CHEAP[0] and multiplications <= _CHEAP[1]


def _truth(result: object) -> bool:
    if isinstance(result, Tensor) and result.numel() != 1:
        shape = tuple(result.shape)
        raise ProgramError(f"it gives {shape} answers, not one: torch.equal and torch.allclose give one")
    return bool(result)


def _expression(source: Source) -> ast.expr:
    body = source.tree.body
    if len(body) != 1 or not isinstance(body[0], ast.Expr):
        raise ProgramError("it is not one expression, such as Y.sum()")
    return body[0].value


@contextmanager
def state_after(
    program: str,
    *,
    seed: int = 0,
    names: Mapping[str, Any] | None = None,
    cells: Sequence[int] = (),
    seconds: float | None = None,
    halt: Halt | None = None,
) -> Iterator[ProgramState]:
    """Run a program and hold torch's generator for expressions in the state that it leaves.

    Args:
        program: The program, anyone's text.
        seed: The seed for `torch.manual_seed` before the program.
        names: Plain values that the program may use, such as a lesson's controls.
        cells: The lines, from 1, at which its cells begin, if it has cells; one that fails is passed over.
        seconds: The time for the program, and for each expression; None if counts alone decide.
        halt: Asked all along whether to stop.

    Raises:
        ProgramError: If the program can't be read.
        LimitError: If it uses up its budget.
        HaltedError: If `halt` stopped it.
    """

    def budget() -> Budget:
        return Budget(**EXPRESSION, seconds=seconds, halt=halt)

    run = interpreter(source_of(program, cells), names or {}, Budget(seconds=seconds, halt=halt), explain)
    failure = None
    with rare_full_collections(), isolated_torch_state(seed):
        seeded = torch.default_generator.get_state()
        try:
            run_program(run, cells)
        except (LimitError, HaltedError):
            raise
        except ProgramError as error:
            failure = error
        yield ProgramState(run, budget, failure, seeded)
