"""Answers to a lesson's questions, and the claims of its author: what is right, and under which trials."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from llm_linalg.api.programs import Halt
from llm_linalg.base.errors import ProgramError
from llm_linalg.base.source import Source
from llm_linalg.base.spelling import quote
from llm_linalg.lessons.control import Value
from llm_linalg.lessons.lesson import Lesson
from llm_linalg.lessons.stop import Stop
from llm_linalg.questions import guess
from llm_linalg.questions.changed_program import bound_names
from llm_linalg.questions.judge import Judge, Trial
from llm_linalg.questions.program_state import state_after
from llm_linalg.questions.question import Ask, Exercise, FenceLine
from llm_linalg.questions.value import LONGEST

OTHER_SEEDS = 2


def trials(
    lesson: Lesson,
    vary: Sequence[FenceLine],
    controls: Mapping[str, Value] | None = None,
    seed: int | None = None,
) -> Iterator[Trial]:
    """Yield the trials that an answer must pass, that of the learner first.

    Other seeds follow, then for each line of `vary` other values of a control or other data, then all of
    those controls moved together.
    """
    now = lesson.values(controls)
    first = lesson.seed if seed is None else seed
    yield Trial(first, lesson.names(now))
    for other in range(first + 1, first + 1 + OTHER_SEEDS):
        yield Trial(other, lesson.names(now), words=f"seed {other}")
    names = [control.name for control in lesson.controls]
    together = now
    for line in vary:
        if line.text not in names:
            yield Trial(first, lesson.names(now), line.text, line.text)
            continue
        control = lesson.control(line.text)
        for direction in (1, -1):
            value = control.move(now[control.name], direction)
            if value != now[control.name]:
                moved = lesson.change(now, control.name, value)
                words = f"{control.name} = {control.show(value)}"
                yield Trial(first, lesson.names(moved), words=words)
                if direction == 1 or together is now:
                    together = lesson.change(together, control.name, value)
    if together != now:
        yield Trial(first + 1, lesson.names(together), words=f"other controls and seed {first + 1}")


def judge(
    lesson: Lesson,
    stop: Stop,
    exercise: Exercise,
    controls: Mapping[str, Value] | None = None,
    seed: int | None = None,
    *,
    halt: Halt | None = None,
    trust: bool = False,
) -> Judge:
    """Return the judge of an exercise, whose terms are those of `Judge` and `trials`."""
    tried = tuple(trials(lesson, exercise.vary, controls, seed))
    return Judge(
        stop.program, exercise, tried, cells=lesson.cells(stop), halt=halt, own=lesson.is_own, trust=trust,
        holds_for=holds_for(exercise),
    )  # fmt: skip


def holds_for(exercise: Exercise) -> str:
    """Return what an answer is to hold for, such as `any rows and A`; empty if the author doesn't say so.

    That is what varies, or else what the exercise sets up.
    """
    lines = exercise.vary or exercise.setup
    *most, last = dict.fromkeys(name for line in lines for name in _bound_in_order(line.text)) or [""]
    return f"any {', '.join(most)}{' and ' * bool(most)}{last}" if last else ""


def wanted(exercise: Exercise, solution: object = None) -> str:
    """Return what an exercise wants, such as `an expression in torch, for any A`; `solution` is its value."""
    anything = holds_for(exercise)
    kind = None if solution is None else guess.kind_of(solution)
    if kind == "number":
        return f"a number{', or an expression for ' * bool(anything)}{anything}"
    what = "a shape" if kind in ("shape", "cell") else "an expression in torch"
    return f"{what}{', for ' * bool(anything)}{anything}"


def _bound_in_order(text: str) -> list[str]:
    """Return the names that a line binds, as they stand there; or the name of a control that it is."""
    try:
        bound = bound_names(Source(text).tree)
    except ProgramError:
        return []
    words = dict.fromkeys(re.findall(r"\w+", text))
    return [word for word in words if word in bound] if bound else [text]


def ask_fault(lesson: Lesson, stop: Stop, ask: Ask) -> str:
    """Return why an ask has no right answer in some trial, for its author; empty if it has one in each."""
    for trial in trials(lesson, ask.vary):
        try:
            with trial.state(stop.program, cells=lesson.cells(stop), own=lesson.is_own) as state:
                guess.right_answer(ask, state)
        except ProgramError as error:
            return f"with {trial.words}: {error.message}" if trial.words else error.message
    return ""


def failing_claims(
    program: str,
    claims: Sequence[str],
    seed: int = 0,
    names: Mapping[str, object] | None = None,
    *,
    own: bool = False,
) -> Iterator[tuple[int, str]]:
    """Yield the position of each false claim, from 0, with the values that it has instead.

    Claims are expressions, each evaluated in the state that the program leaves.

    Raises:
        ProgramError: If the program itself fails.
    """
    with state_after(program, seed=seed, names=names, own=own) as state:
        if state.failure is not None:
            raise state.failure
        for place, claim in enumerate(claims):
            try:
                instead = state.false_reason(claim)
            except ProgramError as error:
                instead = f"{quote(claim, LONGEST)} can't be said: {error.message}"
            if instead:
                yield place, instead
