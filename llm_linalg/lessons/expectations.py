"""Check a lesson's claims: expressions that must be true after a program."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from llm_linalg.base.errors import ProgramError
from llm_linalg.base.spelling import quote
from llm_linalg.questions.program_state import state_after
from llm_linalg.questions.value import LONGEST


def failing_claims(
    program: str,
    claims: Sequence[str],
    seed: int = 0,
    names: Mapping[str, Any] | None = None,
    *,
    own: bool = False,
) -> Iterator[tuple[int, str]]:
    """Yield the position of each false claim, from 0, with the values that it has instead.

    Args:
        program: The program that runs first.
        claims: Expressions, each evaluated in the state that the program leaves.
        seed: The seed for `torch.manual_seed` before the program.
        names: Plain values that the program may use, such as a lesson's controls.
        own: Whether program and claims are our own text.

    Raises:
        ProgramError: If the program itself fails.
    """
    with state_after(program, seed=seed, names=names, own=own) as state:
        if state.failure is not None:
            raise state.failure
        for place, claim in enumerate(claims):
            try:
                said = state.false_reason(claim)
            except ProgramError as error:
                said = f"{quote(claim, LONGEST)} can't be said: {error.message}"
            if said:
                yield place, said
