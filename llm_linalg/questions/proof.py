"""Prove an exercise: its solution passes, and nothing else that is at hand does."""

from __future__ import annotations

from collections.abc import Iterator
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
    yield from unwritable
    if not unwritable:
        yield from _Proof(judge).faults()


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


class _Proof:
    """The answers that have passed every trial so far."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self.exercise = judge.exercise
        self.solution = judge.exercise.answer
        self.passing: dict[str, Fault] = {}
        for wrong in judge.exercise.wrong:
            said = f"the wrong answer {quote(wrong.expression, 80)} passes: it is right, or the check weak"
            self.passing[wrong.expression] = wrong.line, said
        self.typed_in = Outcome()  # the value of the solution in the first trial
        self.numbers: dict[str, Any] = {}  # the values of the names there
        self.varies = bool(judge.exercise.vary)

    def faults(self) -> Iterator[Fault]:
        """Yield what is wrong."""
        for number, trial in enumerate(self.judge.trials):
            try:
                with self.judge.state(trial) as state:
                    if not number:
                        self._add_names(state)
                        self.numbers = {name: state.value(name) for name in state.names}
                    self.varies = self.varies or self._has_changed(state)
                    fault = self._try_solution(state, first=not number)
                    self._try_others(state)
            except HaltedError:
                raise
            except ProgramError as error:
                fault = self.exercise.line, f"the program fails: {error.message}"
            if fault is not None:
                line, reason = fault
                yield line, f"with {trial.words}: {reason}" if trial.words else reason
                return
        yield from self.passing.values()
        constant = self.solution is None or is_typed_in(self.solution.text)
        if self.typed_in.is_there and not constant and not self.varies:
            yield self.exercise.check.line, TYPED_IN

    def _has_changed(self, state: ProgramState) -> bool:
        """Return whether some number of the program is another than in the first trial."""
        now = {name: state.value(name) for name in state.names}
        return any(
            plain_tensor(value) is not None and not is_same(value, self.numbers.get(name))
            for name, value in now.items()
        )

    def _add_names(self, state: ProgramState) -> None:
        """Add what is there without any thought: nothing, and each name of the program."""
        line = self.exercise.check.line
        self.passing.setdefault("None", (line, "None passes: the check asks for nothing"))
        for name in state.names[:MOST_NAMES]:
            if name not in self.exercise.barred:
                reason = f'{name}, which the program has, passes: bar it with without="{name}"'
                self.passing.setdefault(name, (line, reason))

    def _try_solution(self, state: ProgramState, *, first: bool) -> Fault | None:
        if self.solution is None:
            return None
        solved = Outcome.of(state, self.solution.text)
        if solved.error is not None:
            return self.solution.line, f"the solution fails: {solved.error.message}"
        if not self.judge.is_right(state, solved.value):
            why = self.judge.why_wrong(state, solved.value)
            return self.solution.line, f"the solution does not pass: {why}"
        if first:
            self.typed_in = solved
        elif self.typed_in.is_there and not self.judge.is_right(state, self.typed_in.value):
            self.typed_in = Outcome()
        return None

    def _try_others(self, state: ProgramState) -> None:
        """Take the answers that are wrong in one more trial from those that pass."""
        solution = "" if self.solution is None else self.solution.text
        for answer in [*self.passing]:
            made = Outcome.of(state, answer)
            if answer == solution or not made.is_there or not self.judge.is_right(state, made.value):
                del self.passing[answer]
