"""Check a lesson's claims: expressions of the tensor language that must be true after a program."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from torch import Tensor

from llm_linalg.base.errors import ProgramError
from llm_linalg.base.number_range import summary
from llm_linalg.base.spelling import quote
from llm_linalg.base.text import clean
from llm_linalg.explain.repairs import repairs
from llm_linalg.explain.shape_errors import explain
from llm_linalg.language.budget import Budget
from llm_linalg.language.execute import isolated_torch_state
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.program import interpreter, run_program
from llm_linalg.language.source import Source

MOST_CELLS = 24
LONGEST = 300  # characters of a value in a message


def failing_claims(
    program: str, claims: Sequence[str], seed: int = 0, names: Mapping[str, Any] | None = None
) -> Iterator[tuple[int, str]]:
    """Yield the position of each false claim, from 0, with the values that it has instead.

    Args:
        program: The program that runs first.
        claims: Expressions, each evaluated in the state that the program leaves.
        seed: The seed for `torch.manual_seed` before the program.
        names: Plain values that the program may use, such as a lesson's controls.

    Raises:
        ProgramError: If the program itself fails.
    """
    run = interpreter(Source(program), names or {}, Budget(seconds=None), explain)
    with isolated_torch_state(seed):
        run_program(run, find_repairs=repairs)
        for place, claim in enumerate(claims):
            try:
                said = _false(run.fork(Source(claim), Budget(seconds=None)), claim)
            except ProgramError as error:
                said = f"{quote(claim, LONGEST)} can't be said: {error.message}"
            if said:
                yield place, said


def _false(state: Interpreter, claim: str) -> str:
    """Return why a claim is false; empty if it is true."""
    body = state.source.tree.body
    if len(body) != 1 or not isinstance(body[0], ast.Expr):
        raise ProgramError("it is not one expression that is true or false")
    node = body[0].value
    with state.recorder:
        result = state.evaluate(node)
        if isinstance(result, Tensor) and result.numel() != 1:
            shape = tuple(result.shape)
            raise ProgramError(f"it gives {shape} answers, not one: torch.equal and torch.allclose give one")
        if bool(result):
            return ""
        sides = [node.left, *node.comparators] if isinstance(node, ast.Compare) else []
        sides = node.args if isinstance(node, ast.Call) else sides
        values = [state.evaluate(side) for side in sides]
    texts = map(state.source.text_of, sides)
    told = [
        f"{text} is {now}" for text, now in zip(texts, map(value_text, values), strict=True) if text != now
    ]
    return f"{quote(claim, LONGEST)} is false{': ' * bool(told)}{'; '.join(told)}"


def value_text(value: object) -> str:
    """Return a value on one line: the cells of a small tensor, a summary of a large one."""
    if isinstance(value, Tensor):
        small = value.numel() <= MOST_CELLS
        return _cells(value.detach().tolist()) if small else summary(value)
    if isinstance(value, tuple):
        return clean(str(tuple(value)), LONGEST)  # a torch.Size is a tuple
    return clean(repr(value), LONGEST)


def _cells(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_cells, value))}]"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
