"""Prove an exercise: its solution passes, and nothing else that is at hand does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from llm_linalg.base.errors import HaltedError, ProgramError
from llm_linalg.base.spelling import quote
from llm_linalg.questions.judge import Judge, Outcome, check_answer
from llm_linalg.questions.mistakes import is_typed_in
from llm_linalg.questions.program_state import ProgramState
from llm_linalg.questions.question import Exercise
from llm_linalg.questions.value import is_same, plain_tensor

MOST_NAMES = 100  # of the state that are tried as answers
TYPED_IN = "a value that is typed in passes: let something vary, as in vary: n, or vary: x = torch.randn(4)"

Fault = tuple[int, str]  # a line of the file, from 1, and what is wrong


def faults(judge: Judge) -> Iterator[Fault]:
    """Yield what is wrong with an exercise, with the line in its file. Runs its program once a trial."""
    unwritable = [*_unwritable(judge.exercise)]
    yield from unwritable or _proof(judge)


def _unwritable(exercise: Exercise) -> Iterator[Fault]:
    """Yield the solution and the wrong answers that nobody may write."""
    answers = [
        (wrong.expression, wrong.line, f"the wrong answer {quote(wrong.expression)}")
        for wrong in exercise.wrong
    ]
    if exercise.answer is not None:
        answers.append((*exercise.answer, "the solution"))
    for text, line, said in answers:
        try:
            check_answer(text, exercise.barred)
        except ProgramError as error:
            yield line, f"{said} can't be written: {error.message}"


def _proof(judge: Judge) -> Iterator[Fault]:
    exercise, solution = judge.exercise, judge.exercise.answer
    passing: dict[str, Fault] = {}  # the answers that have passed every trial so far
    numbers: dict[str, Any] = {}  # the values of the program's names in the first trial
    typed_in = Outcome()  # the value of the solution there, as long as it passes
    varies = bool(exercise.vary)
    for number, trial in enumerate(judge.trials):
        try:
            with judge.state(trial) as state:
                now = {} if varies else {name: state.value(name) for name in state.names}
                if not number:
                    numbers, passing = now, _at_hand(exercise, state)
                varies = varies or _has_changed(numbers, now)
                solved = Outcome() if solution is None else Outcome.of(state, solution.text)
                fault = _fault_of(judge, state, solved)
                if not number:
                    typed_in = solved
                elif typed_in.is_there and not judge.is_right(state, typed_in.value):
                    typed_in = Outcome()
                passing = {text: said for text, said in passing.items() if _passes(judge, state, text)}
        except HaltedError:
            raise
        except ProgramError as error:
            fault = exercise.line, f"the program fails: {error.message}"
        if fault is not None:
            line, reason = fault
            yield line, f"with {trial.words}: {reason}" if trial.words else reason
            return
    yield from passing.values()
    constant = solution is None or is_typed_in(solution.text)
    if typed_in.is_there and not constant and not varies:
        yield exercise.check.line, TYPED_IN


def _at_hand(exercise: Exercise, state: ProgramState) -> dict[str, Fault]:
    """Return what is there without any thought, and what is wrong if it passes.

    The wrong answers of the list, nothing, and each name of the program.
    """
    line = exercise.check.line
    found: dict[str, Fault] = {}
    for wrong in exercise.wrong:
        said = f"the wrong answer {quote(wrong.expression, 80)} passes: it is right, or the check weak"
        found[wrong.expression] = wrong.line, said
    found.setdefault("None", (line, "None passes: the check asks for nothing"))
    for name in state.names[:MOST_NAMES]:
        if name not in exercise.barred:
            reason = f'{name}, which the program has, passes: bar it with without="{name}"'
            found.setdefault(name, (line, reason))
    return found


def _has_changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Return whether some number is another than before."""
    return any(
        plain_tensor(value) is not None and not is_same(value, before.get(name))
        for name, value in now.items()
    )


def _fault_of(judge: Judge, state: ProgramState, solved: Outcome) -> Fault | None:
    """Return what is wrong with the solution in one trial."""
    solution = judge.exercise.answer
    if solution is None:
        return None
    if solved.error is not None:
        return solution.line, f"the solution fails: {solved.error.message}"
    why = judge.why_wrong(state, solved.value)
    return (solution.line, f"the solution does not pass: {why}") if why else None


def _passes(judge: Judge, state: ProgramState, answer: str) -> bool:
    """Return whether an answer that is not the solution is right in one trial."""
    solution, made = judge.exercise.answer, Outcome.of(state, answer)
    is_solution = solution is not None and answer == solution.text
    return not is_solution and made.is_there and judge.is_right(state, made.value)
