"""Prove an exercise: its answers pass, and nothing else that is at hand does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from llm_linalg.base.errors import HaltedError, ProgramError
from llm_linalg.base.spelling import quote
from llm_linalg.questions.answer_text import read_answer
from llm_linalg.questions.judge import Case, Hearing, Judge, Outcome, is_alike
from llm_linalg.questions.program_state import is_lost
from llm_linalg.questions.question import Exercise
from llm_linalg.questions.value import is_same, plain_tensor

MOST_NAMES = 100  # of the state that are tried as answers
TYPED_IN = "a value that is typed in passes: let something vary, as in vary: n, or vary: x = torch.randn(4)"

Fault = tuple[int, str]  # a line of the file, from 1, and what is wrong


def faults(judge: Judge) -> Iterator[Fault]:
    """Yield what is wrong with an exercise, with the line in its file. Runs its program once a trial."""
    unwritable = [*_unwritable(judge.exercise)]
    yield from unwritable
    if not unwritable:
        with judge.hearing() as hearing:
            yield from _proof(hearing)


def _unwritable(exercise: Exercise) -> Iterator[Fault]:
    """Yield the answers and the wrong answers that nobody may write."""
    answers = [
        (wrong.expression, wrong.line, f"the wrong answer {quote(wrong.expression)}")
        for wrong in exercise.wrong
    ]
    answers += [(*line, "the solution") for line in exercise.answers]
    for text, line, what in answers:
        try:
            answer = read_answer(text)
        except ProgramError as error:
            yield line, f"{what} can't be written: {error.message}"
            continue
        for name in exercise.barred:
            if name in answer.reads | answer.attributes:
                yield line, f"{what} can't be written: {name} is barred here"


def _proof(hearing: Hearing) -> Iterator[Fault]:
    judge, exercise = hearing.judge, hearing.judge.exercise
    passing: dict[str, Fault] = {}  # the answers that have passed every trial so far
    numbers: dict[str, Any] = {}  # the values of the program's names in the first trial
    typed_in = Outcome()  # the value of the solution there, as long as it passes
    varies = bool(exercise.vary)
    cases: list[Case] = []
    for number, trial in enumerate(judge.trials):
        try:
            case = hearing.case(number)
            if case.state.failure is not None:
                raise case.state.failure
            now = {} if varies else {name: case.state.value(name) for name in case.state.names}
            if not number:
                numbers, passing = now, _at_hand(exercise, case)
                typed_in = case.solution
            elif typed_in.is_there and not case.accepts(typed_in):
                typed_in = Outcome()
            varies = varies or _has_changed(numbers, now)
            fault = _fault_of(exercise, case)
            passing = {text: wording for text, wording in passing.items() if _passes(case, text)}
            cases.append(case)
        except HaltedError:
            raise
        except ProgramError as error:
            fault = exercise.line, f"the program fails: {error.message}"
        if fault is not None:
            line, reason = fault
            yield line, f"with {trial.words}: {reason}" if trial.words else reason
            return
    yield from passing.values()
    yield from _unreached(exercise, cases)
    solution = exercise.answer
    constant = solution is None or read_answer(solution.text).is_typed_in
    if typed_in.is_there and not constant and not varies:
        yield _line_of(exercise), TYPED_IN


def _at_hand(exercise: Exercise, case: Case) -> dict[str, Fault]:
    """Return what is there without any thought, and what is wrong if it passes.

    The wrong answers of the list, nothing, and each name of the program, but for what the author calls right.
    """
    line = _line_of(exercise)
    faults: dict[str, Fault] = {}
    for wrong in exercise.wrong:
        weakness = f"the wrong answer {quote(wrong.expression, 80)} passes: it is right, or the check weak"
        faults[wrong.expression] = wrong.line, weakness
    faults.setdefault("None", (line, "None passes: the check asks for nothing"))
    for name in case.state.names[:MOST_NAMES]:
        if name not in exercise.barred:
            reason = f'{name}, which the program has, passes: bar it with without="{name}"'
            faults.setdefault(name, (line, reason))
    for right in exercise.answers:
        faults.pop(right.text, None)
    return faults


def _line_of(exercise: Exercise) -> int:
    """Return the line of what decides: the check, or the solution."""
    line = exercise.check or exercise.answer
    return exercise.line if line is None else line.line


def _unreached(exercise: Exercise, cases: list[Case]) -> Iterator[Fault]:
    """Yield the wrong answers whose name is never given: in every trial they give what one above does."""
    named = [(place, wrong) for place, wrong in enumerate(exercise.wrong) if wrong.name]
    for count, (place, wrong) in enumerate(named):
        for other, first in named[:count]:
            pairs = [(case.wrong[place], case.wrong[other]) for case in cases]
            if all(one.is_there and is_alike(one, two) for one, two in pairs):
                both = f"{quote(wrong.expression, 80)} and {quote(first.expression, 80)}"
                yield wrong.line, f"the wrong answers {both} are the same in every trial"
                break


def _has_changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Return whether some number is another than before."""
    return any(
        plain_tensor(value) is not None and not is_same(value, before.get(name))
        for name, value in now.items()
    )


def _fault_of(exercise: Exercise, case: Case) -> Fault | None:
    """Return what is wrong with the author's answers in one trial."""
    for line, outcome in zip(exercise.answers, case.asked, strict=True):
        if outcome.error is not None:
            return line.line, f"the solution fails: {outcome.error.message}"
        if why := case.why_wrong(outcome):
            return line.line, f"the solution does not pass: {why}"
    for wrong, outcome in zip(exercise.wrong, case.wrong, strict=True):
        if outcome.error is not None and is_lost(outcome.error):
            return wrong.line, f"the wrong answer {quote(wrong.expression, 80)}: {outcome.error.message}"
    return None


def _passes(case: Case, answer: str) -> bool:
    """Return whether an answer is right in one trial."""
    return case.accepts(Outcome.of(case.state, answer))
