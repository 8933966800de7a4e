"""Judge an answer to an exercise: first as it stands, then in several trials; and say what is wrong.

A trial is the whole program run again, under another seed, with other controls or other data. What an answer
gives there is compared with what the author's solution gives.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from torch import Tensor

from llm_linalg.api.programs import Halt
from llm_linalg.base.errors import HaltedError, ProgramError, RoomError
from llm_linalg.base.text import NOTHING, CleanText, clean
from llm_linalg.questions import mistakes
from llm_linalg.questions.answer_text import AnswerText, read_answer
from llm_linalg.questions.changed_program import changed_program
from llm_linalg.questions.program_state import ProgramState, is_lost, state_after
from llm_linalg.questions.question import Exercise
from llm_linalg.questions.value import (
    as_form,
    as_tensor,
    difference,
    is_same,
    plain_tensor,
    shape_of,
    value_text,
)
from llm_linalg.questions.verdict import Verdict, plain_reason
from llm_linalg.tracefile.plain_values import Decoder, UnknownValue, UntoldValueError, encode_whole

UNEXPLAINED = "it does not do what is asked"


class Trial(NamedTuple):
    """The circumstances under which an answer is tried."""

    seed: int = 0  # the seed before the program
    names: Mapping[str, Any] = {}  # the values of the controls, as the program sees them
    statement: str = ""  # a statement that binds other data within the program, or empty
    words: str = ""  # how it differs from the first trial, such as `seed 1` or `n = 4`; empty for the first

    def state(
        self, program: str, *, cells: Sequence[int] = (), **terms: Any
    ) -> AbstractContextManager[ProgramState]:
        """Run a program as in this trial, on the terms of `state_after`."""
        if self.statement:
            program, cells = changed_program(program, self.statement, cells, self.names)
        return state_after(program, seed=self.seed, names=self.names, cells=cells, **terms)


FIRST = Trial()


@dataclass(frozen=True, slots=True)
class Judge:
    """An exercise with the program that it works on. Counts alone decide when either is stopped."""

    program: str  # the program that leaves the state, setup included
    exercise: Exercise
    trials: Sequence[Trial]  # what an answer must pass; the first is the one that the learner sees
    cells: Sequence[int] = ()  # the lines at which the cells of a document's program begin
    halt: Halt | None = None  # asked all along whether to stop
    own: bool = False  # whether program and exercise are our own text; an answer never is
    trust: bool = False  # whether what is foreign may run with the user's rights where there is no lock
    holds_for: str = ""  # what a whole answer holds for, such as `any A`

    def verdict(self, answer: str) -> Verdict:
        """Return the verdict on an answer.

        Raises:
            ProgramError: If the program fails, or can't be read.
            HaltedError: If `halt` stopped it.
        """
        with self.hearing() as hearing:
            return hearing.verdict(answer)

    @contextmanager
    def hearing(self) -> Iterator[Hearing]:
        """Hold the states in which answers are judged; the program runs once a trial."""
        with ExitStack() as stack:
            yield Hearing(self, stack)

    def state(self, trial: Trial, *, is_foreign: bool = False) -> AbstractContextManager[ProgramState]:
        """Run the program as in a trial, and hold the state it leaves; its `failure` is why it failed."""
        own = self.own and not is_foreign
        return trial.state(self.program, cells=self.cells, halt=self.halt, own=own, trust=self.trust)


class Outcome(NamedTuple):
    """What an expression gave: a value, or an error; neither if there was no expression."""

    value: Any = None
    error: ProgramError | None = None
    is_there: bool = False
    operations: frozenset[str] = frozenset()  # of torch that it called
    is_cheap: bool = True  # whether others like it may be tried

    @classmethod
    def of(cls, state: ProgramState, expression: str, **names: Any) -> Outcome:
        """Return what an expression gives in a state; raises `HaltedError` if it is stopped."""
        try:
            value = state.value(expression, **names)
        except HaltedError:
            raise
        except ProgramError as error:
            return cls(error=error)
        return cls(value, None, True, state.operations, state.was_cheap)

    @property
    def text(self) -> CleanText:
        """The value on one line; empty without one."""
        return clean(value_text(self.value), None) if self.is_there else NOTHING


class Case:
    """A trial, and what is right in it."""

    def __init__(self, exercise: Exercise, trial: Trial, state: ProgramState) -> None:
        self.trial, self.state = trial, state
        self._exercise = exercise

    @cached_property
    def asked(self) -> tuple[Outcome, ...]:
        """What the author's answers give, that of the solution first."""
        return tuple([Outcome.of(self.state, line.text) for line in self._exercise.answers])

    @cached_property
    def wrong(self) -> tuple[Outcome, ...]:
        """What the wrong answers give that the author expects."""
        return tuple([Outcome.of(self.state, wrong.expression) for wrong in self._exercise.wrong])

    @property
    def solution(self) -> Outcome:
        """What the solution gives; without one there is nothing."""
        return self.asked[0] if self.asked else Outcome()

    @property
    def is_sound(self) -> bool:
        """Whether the program ran, and the solution, if there is one, is right."""
        return self.state.failure is None and not (self.asked and self.why_wrong(self.solution))

    def accepts(self, outcome: Outcome, answer: AnswerText | None = None) -> bool:
        """Return whether what an answer gave is right: as the author's, or by the check.

        A number that is typed may be rounded. What the author calls a mistake is right by the check alone.
        """
        if not outcome.is_there:
            return False
        named = any(one.is_there and is_same(outcome.value, one.value) for one in self.wrong)
        if named and self._exercise.check is not None:
            return self._passes(outcome)
        halves = None if named else halves_of(answer)
        return self._passes(outcome) or any(
            asked.is_there and is_same(as_form(outcome.value, asked.value), asked.value, halves)
            for asked in self.asked
        )

    def _passes(self, outcome: Outcome) -> bool:
        """Return whether the check, if there is one, is true of what an answer gave."""
        check = self._exercise.check
        try:
            return check is not None and self.state.is_true(check.text, answer=self._checked(outcome))
        except HaltedError:
            raise
        except ProgramError:  # it can't take such an answer
            return False

    def _checked(self, outcome: Outcome) -> object:
        """Return what an answer gave in the form that the check takes."""
        solution = self.solution
        return as_form(outcome.value, solution.value) if solution.is_there else outcome.value

    def why_wrong(self, outcome: Outcome) -> str:
        """Return why an answer is not right, for the author of the exercise; empty if it is."""
        if outcome.error is not None:
            return f"it fails: {outcome.error.message}"
        check = self._exercise.check
        if check is None or not outcome.is_there:
            return ""
        try:
            return self.state.false_reason(check.text, answer=outcome.value)
        except HaltedError:
            raise
        except ProgramError as error:
            return f"the check can't be said: {error.message}"

    def values(self, names: frozenset[str]) -> dict[str, Any]:
        """Return copies of the values of some of the program's names.

        Raises:
            UntoldValueError: If one can't be handed to another program.
        """
        return {name: self._copy(name) for name in self.state.names if name in names}

    def _copy(self, name: str) -> Any:
        value = self.state.value(name)
        if isinstance(value, UnknownValue):
            raise UntoldValueError
        try:
            return Decoder().decode(encode_whole(value))
        except RecursionError:  # of a list that holds itself
            raise UntoldValueError from None


class Hearing:
    """Judges answers to one exercise; the states of its trials are held until it ends."""

    def __init__(self, judge: Judge, stack: ExitStack) -> None:
        self.judge, self._stack = judge, stack
        self._cases: dict[int, Case] = {}
        self._desks: dict[int, ProgramState] = {}

    def case(self, number: int) -> Case:
        """Return a trial's case, from 0; raises `ProgramError` if the program can't be run at all."""
        if number not in self._cases:
            trial = self.judge.trials[number]
            state = self._stack.enter_context(self.judge.state(trial))
            self._cases[number] = Case(self.judge.exercise, trial, state)
        return self._cases[number]

    @cached_property
    def _first(self) -> Case:
        first = self.case(0)
        if first.state.failure is not None:
            raise first.state.failure
        return first

    @cached_property
    def _others(self) -> list[Case]:
        """The further cases in which the program runs, and the solution is right."""
        cases = []
        for number in range(1, len(self.judge.trials)):
            try:
                if (case := self.case(number)).is_sound:
                    cases.append(case)
            except HaltedError:
                raise
            except ProgramError:
                continue
        return cases

    def outcome(self, case: Case, answer: AnswerText) -> Outcome:
        """Return what an answer gives in a case, whose state it can't change.

        No program has to be run for numbers, or for the author's own answers.
        """
        if answer.numbers is not None:
            return Outcome(answer.numbers.value, is_there=True)
        if isinstance(answer.tree, ast.Constant):
            return Outcome(answer.tree.value, is_there=True)
        if any(answer.code == line.text for line in self.judge.exercise.answers):
            return Outcome.of(case.state, answer.code)
        try:
            values = case.values(answer.reads)
        except UntoldValueError:  # such as a layer
            return Outcome.of(self._desk(case.trial), answer.code)
        return Outcome.of(self._desk(None), answer.code, **values)

    def _desk(self, trial: Trial | None) -> ProgramState:
        """Return where answers are evaluated: behind a program that was run as in a trial, or behind none."""
        if id(trial) not in self._desks:
            judge = self.judge
            empty = state_after("", halt=judge.halt, trust=judge.trust)
            desk = empty if trial is None else judge.state(trial, is_foreign=True)
            self._desks[id(trial)] = self._stack.enter_context(desk)
        return self._desks[id(trial)]

    def verdict(self, text: str) -> Verdict:
        """Return the verdict on an answer; raises what `Judge.verdict` does."""
        first = self._first
        try:
            answer = read_answer(_quoted(text, first), several=_is_several(first.solution))
        except ProgramError as error:
            return Verdict(right=False, reason=clean(error.message, None), error=error)
        got = self.outcome(first, answer)
        is_right = first.accepts(got, answer)
        if reason := _barred(answer, got, self.judge.exercise.barred, first.state.names):
            shown = clean(f"{'the value is right, but ' if is_right else ''}{reason}", None)
            return Verdict(right=False, reason=shown, got=got.text)
        if not is_right:
            return self._wrong(answer, got)
        holds_for = clean(self.judge.holds_for, None)
        return Verdict(True, self._holds(answer), holds_for, got=got.text)

    def _holds(self, answer: AnswerText) -> bool:
        """Return whether an answer is right in the further cases; raises `RoomError` if nobody can tell."""
        for case in self._others:
            outcome = self.outcome(case, answer)
            if outcome.error is not None and is_lost(outcome.error):
                raise RoomError(f"it can't be tried with other data: {outcome.error.message}")
            if not case.accepts(outcome, answer):
                return False
        return True

    # Why it is wrong

    @property
    def _is_open(self) -> bool:
        """Whether other values than the solution's may be right."""
        return self.judge.exercise.check is not None

    def _wrong(self, answer: AnswerText, got: Outcome) -> Verdict:
        asked = self._first.solution
        if got.error is not None:
            reason = clean(_power_hint(answer) or plain_reason(got.error.message), None)
            mistake = self._expected_failure(answer)
            return Verdict(
                False,
                reason=reason,
                mistake=mistake,
                asked=asked.text,
                is_open=self._is_open,
                error=got.error,
            )
        form = as_form(got.value, asked.value) if asked.is_there else got.value
        differs = difference(form, asked.value, halves_of(answer)) if asked.is_there else None
        name = self._mistake(answer, got)
        if differs is not None and (
            differs.got == differs.asked if self._is_open else name and differs.is_form_alone
        ):
            differs = None
        hint = _power_hint(answer) or _kind_reason(got.value, asked)
        if self._is_open and not (name or hint or (differs is not None and differs.words)):
            hint = UNEXPLAINED
        return Verdict(
            right=False,
            reason=clean(hint, None),
            mistake=clean(name, None),
            got=got.text,
            asked=asked.text,
            is_open=self._is_open,
            difference=differs,
            pictures=(as_tensor(form), as_tensor(asked.value)),
        )

    def _expected_failure(self, answer: AnswerText) -> CleanText:
        """Return the name of a mistake that gives no value: if the author expects that very text."""
        text = "".join(answer.code.split())
        wrong = self.judge.exercise.wrong
        return next((one.name for one in wrong if "".join(one.expression.split()) == text), NOTHING)

    def _mistake(self, answer: AnswerText, got: Outcome) -> str:
        """Return the name of a mistake that the answer makes in every case; empty if none is known."""
        pairs = [(self._first, got)]
        pairs += [(case, self.outcome(case, answer)) for case in self._others]
        for place, wrong in enumerate(self.judge.exercise.wrong):
            if wrong.name and all(is_alike(made, case.wrong[place]) for case, made in pairs):
                return wrong.name
        names = {_known(made, case.solution) for case, made in pairs}
        name = names.pop() if len(names) == 1 else ""
        if name and not (name == mistakes.SCALE and (self._is_open or _varies(pairs))):
            return name
        return self._correction(answer) if got.is_cheap and answer.numbers is None else ""

    def _correction(self, answer: AnswerText) -> str:
        """Return the name of a mistake without which the answer would be right in every case."""

        def is_right(code: str) -> bool:
            try:
                other = read_answer(code)
            except ProgramError:
                return False
            return all(case.accepts(self.outcome(case, other)) for case in (self._first, *self._others))

        return mistakes.mistake_in(answer.tree, is_right)


def is_alike(one: Outcome, other: Outcome) -> bool:
    """Return whether two expressions gave the same value, to within rounding, or both failed."""
    if one.is_there and other.is_there:
        return is_same(as_form(one.value, other.value), other.value)
    return one.error is not None and other.error is not None


def halves_of(answer: AnswerText | None) -> Tensor | float | None:
    """Return by how much the numbers of an answer may be off, because of how they were typed."""
    if answer is None or not answer.is_typed_in:
        return None
    return math.inf if answer.numbers is None else plain_tensor(answer.numbers.halves)


def _is_several(asked: Outcome) -> bool:
    """Return whether several numbers are asked for."""
    shape = shape_of(asked.value) if asked.is_there else None
    return isinstance(asked.value, tuple | list) or bool(shape)


def _quoted(text: str, first: Case) -> str:
    """Return an answer in quotes where a text is asked for, and words were typed that the program lacks."""
    word = text.strip()
    is_text = isinstance(first.solution.value, str) and word.replace(" ", "").isalnum()
    return repr(word) if is_text and word not in first.state.names else text


def _barred(answer: AnswerText, got: Outcome, barred: Sequence[str], names: Sequence[str]) -> str:
    """Return why an answer may not be written so: it reads, or calls, what is barred; else empty."""
    for name in barred:
        called = any(own == name or own.endswith(f"_{name}") for own in got.operations)
        if name in names and name in answer.reads:
            return f"without {name}, please: it holds the answer, or a step on the way there"
        if name not in names and (called or name in answer.reads | answer.attributes):
            return f"without {name}, please: it does in one call what you are to write out"
    return ""


def _kind_reason(value: object, asked: Outcome) -> str:
    """Return what kind of value it is, where that can't be compared with what is asked for."""
    if not asked.is_there or plain_tensor(asked.value) is None or plain_tensor(value) is not None:
        return ""
    if isinstance(value, str):
        return f"that is a text, and {'numbers are' if _is_several(asked) else 'a number is'} asked for"
    if value_text(value) == "a function":
        return "that is a function: to call it, write ( ) behind it"
    return ""


def _power_hint(answer: AnswerText) -> str:
    return "a power is written **, not ^" if "^" in answer.code else ""


def _known(got: Outcome, asked: Outcome) -> str:
    return mistakes.known_mistake(got.value, asked.value) if got.is_there and asked.is_there else ""


def _varies(pairs: Sequence[tuple[Case, Outcome]]) -> bool:
    """Return whether what seems a scale is another factor in each case, or can't be told from a number."""
    tensors = [(plain_tensor(got.value), plain_tensor(case.solution.value)) for case, got in pairs]
    factors = [(one, other) for one, other in tensors if one is not None and other is not None]
    if any(other.numel() != 1 for _, other in factors):
        return False
    if any(not other.item() for _, other in factors):
        return True
    ratios = [(one / other).item() for one, other in factors]
    return len({other.item() for _, other in factors}) < 2 or not all(
        math.isclose(ratio, ratios[0], rel_tol=1e-4) for ratio in ratios
    )
