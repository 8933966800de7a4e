"""Judge an answer to an exercise: run its check in several trials, and say what is wrong."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from llm_linalg.api.programs import Halt
from llm_linalg.base.errors import HaltedError, LimitError, ProgramError
from llm_linalg.base.source import Source
from llm_linalg.base.text import NOTHING, CleanText, clean
from llm_linalg.questions.mistakes import SCALE, TYPED, is_typed_in, known_mistake, mistake_in
from llm_linalg.questions.program_state import LITERALS, ProgramState, is_literal, state_after
from llm_linalg.questions.question import Exercise
from llm_linalg.questions.value import (
    ValueDifference,
    as_tensor,
    difference,
    is_same,
    plain_tensor,
    value_text,
)

LONGEST_ANSWER = 2_000  # characters
UNEXPLAINED = "This is not what was asked for."


class Trial(NamedTuple):
    """The circumstances under which an answer is tried."""

    seed: int = 0  # the seed before the program
    names: Mapping[str, Any] = {}  # the values of the controls, as the program sees them
    statement: str = ""  # a statement that binds other data after the program, or empty
    words: str = ""  # how it differs from the first trial, such as `seed 1` or `n = 4`; empty for the first

    def state(self, program: str, **terms: Any) -> AbstractContextManager[ProgramState]:
        """Run a program as in this trial, on the terms of `state_after`."""
        program = f"{program}\n{self.statement}" if self.statement else program
        return state_after(program, seed=self.seed, names=self.names, **terms)


FIRST = Trial()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of an answer.

    Attributes:
        right: Whether it is right in all trials.
        reason: Why it is wrong, in a sentence; empty for a right one.
        mistake: The name of the mistake, if it is a known one.
        got: What it gave, on one line; empty if it gave nothing.
        asked: What was asked for there, on one line; empty if no solution says so.
        difference: How the two differ, where both are there.
        trial: The trial in which it is wrong, or the first.
        error: Why the answer failed; None if it gave a value.
        pictures: The two values as tensors; None where one can't be shown as such.
    """

    right: bool
    reason: CleanText = NOTHING
    mistake: CleanText = NOTHING
    got: CleanText = NOTHING
    asked: CleanText = NOTHING
    difference: ValueDifference | None = None
    trial: Trial = FIRST
    error: ProgramError | None = None
    pictures: tuple[Tensor | None, Tensor | None] = field(default=(None, None), compare=False, repr=False)

    @property
    def lines(self) -> tuple[CleanText, ...]:
        """The verdict in words, a line each."""
        if self.right:
            return (clean("Right."),)
        where = f" with {self.trial.words}" if self.trial.words else ""
        told = [f"It gave{where}: {self.got}"] * bool(self.got)
        told += [f"Asked for: {self.asked}"] * bool(self.asked)
        first, *rest = self.summary
        values = [clean(line, 1_000) for line in told]
        return (first, *rest, *values) if self.error is not None else (first, *values, *rest)

    @property
    def summary(self) -> tuple[CleanText, ...]:
        """The verdict in words without the two values, as where they are shown beside it."""
        if self.right:
            return (clean("Right."),)
        one = self.error is not None and not self.mistake and self.reason and ": " not in self.reason
        told = [_wrong(self.reason)] if one else [_wrong(self.mistake), self.reason]
        told += [self.difference.words] if self.difference is not None else []
        return tuple(clean(line, 1_000) for line in told if line)


def _wrong(mistake: str) -> str:
    """Return that an answer is wrong, and why, in a word; what has a colon is a sentence of its own."""
    if ": " in mistake:
        return f"Wrong. {mistake[0].upper()}{mistake[1:]}."
    return f"Wrong: {mistake.removesuffix('.')}." if mistake else "Wrong."


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

    def verdict(self, answer: str) -> Verdict:
        """Return what comes of an answer.

        Raises:
            ProgramError: If the program fails, or can't be read.
            HaltedError: If `halt` stopped it.
        """
        answer = answer.strip()
        try:
            check_answer(answer, self.exercise.barred)
        except ProgramError as error:
            return Verdict(False, clean(error.message, None), trial=self.trials[0], error=error)
        for number, trial in enumerate(self.trials):
            found = self._under(trial, answer, first=not number)
            if found is not None:
                return self._named(found, answer, number)
        return Verdict(True, trial=self.trials[0])

    def state_for(self, answer: str, trial: Trial) -> AbstractContextManager[ProgramState]:
        """Hold a state for an answer; no program has to be run for a number, a text, or a list of these."""
        if is_literal(answer):
            return nullcontext(LITERALS)
        solution = self.exercise.answer
        is_authors = solution is not None and answer == solution.text
        return self.state(trial, is_foreign=not is_authors)

    @contextmanager
    def state(self, trial: Trial, *, is_foreign: bool = False) -> Iterator[ProgramState]:
        """Run the program as in a trial, and hold the state it leaves; raise `ProgramError` if it fails."""
        own = self.own and not is_foreign
        with trial.state(self.program, cells=self.cells, halt=self.halt, own=own, trust=self.trust) as state:
            if state.failure is not None:
                raise state.failure
            yield state

    def _under(self, trial: Trial, answer: str, *, first: bool) -> Verdict | None:
        """Return what is wrong with an answer in one trial; None if nothing is.

        The answer is evaluated in a state of its own: what it writes can't reach what it is compared with.
        Trials after the first are passed over where the program fails, or the author's solution too.
        """
        try:
            with self.state_for(answer, trial) as state:
                got = Outcome.of(state, answer)
            with self.state(trial) as state:
                return self._compared(state, trial, got, first=first)
        except HaltedError:
            raise
        except ProgramError:
            if first:
                raise
            return None

    def _compared(self, state: ProgramState, trial: Trial, got: Outcome, *, first: bool) -> Verdict | None:
        if got.error is None and self.is_right(state, got.value):
            return None
        asked = self._asked(state)
        if (
            not first
            and self.exercise.answer is not None
            and not (asked.is_there and self.is_right(state, asked.value))
        ):
            return None
        if got.error is not None:
            reason = clean(got.error.message, None)
            return Verdict(False, reason, asked=asked.text, trial=trial, error=got.error)
        differs = difference(got.value, asked.value) if asked.is_there else None
        reason = clean(
            f"It is right as the exercise stands, and wrong with {trial.words}."
            if not first and trial.words
            else ""
            if differs is not None and differs.words
            else UNEXPLAINED
        )
        pictures = as_tensor(got.value), as_tensor(asked.value)
        return Verdict(False, reason, NOTHING, got.text, asked.text, differs, trial, pictures=pictures)

    def _named(self, found: Verdict, answer: str, number: int) -> Verdict:
        """Return a verdict with the name of the mistake, if it is a known one.

        That of an answer that gave no value is known if the author expects that very text.
        """
        if found.error is not None:
            text = "".join(answer.split())
            names = (one.name for one in self.exercise.wrong if "".join(one.expression.split()) == text)
            return replace(found, mistake=next(names, NOTHING))
        if is_typed_in(answer) and (number or _is_rounded(*found.pictures)):
            reason = NOTHING if found.reason == UNEXPLAINED else found.reason
            return replace(found, mistake=clean(TYPED), reason=reason)
        try:
            with self.state_for(answer, found.trial) as written, self.state(found.trial) as state:
                got = Outcome.of(written, answer)
                cheap = written.was_cheap
                name = self._mistake(state, got)
                name = name or (self._changed(written, state, answer) if cheap else "")
            name = name or self._scale(answer)
        except HaltedError:
            raise
        except ProgramError:
            return found
        reason = NOTHING if name and found.reason == UNEXPLAINED else found.reason
        return replace(found, mistake=clean(name), reason=reason)

    def is_right(self, state: ProgramState, answer: object) -> bool:
        """Return whether the check is true of an answer in a state; one that it can't take is wrong."""
        try:
            return state.is_true(self.exercise.check.text, answer=answer)
        except HaltedError:
            raise
        except ProgramError:
            return False

    def why_wrong(self, state: ProgramState, answer: object) -> str:
        """Return why the check is not true of an answer, for its author; empty if it is."""
        try:
            return state.false_reason(self.exercise.check.text, answer=answer)
        except HaltedError:
            raise
        except ProgramError as error:
            return f"the check can't be said: {error.message}"

    def _mistake(self, state: ProgramState, got: Outcome) -> str:
        """Return what the value of an answer is of the right one, or of a mistake that the author named."""
        for wrong in self.exercise.wrong:
            known = Outcome.of(state, wrong.expression)
            if wrong.name and known.is_there and is_same(known.value, got.value):
                return wrong.name
        asked = self._asked(state)
        return known_mistake(got.value, asked.value) if asked.is_there else ""

    def _asked(self, state: ProgramState) -> Outcome:
        """Return what the author's solution gives."""
        solution = self.exercise.answer
        return Outcome() if solution is None else Outcome.of(state, solution.text)

    def _changed(self, written: ProgramState, state: ProgramState, answer: str) -> str:
        """Return the name of a mistake without which the answer would be right."""

        def is_right(other: str) -> bool:
            try:
                check_answer(other, ())
                made = Outcome.of(written, other)
            except ProgramError:
                return False
            return made.is_there and self.is_right(state, made.value)

        return mistake_in(answer, is_right)

    def _scale(self, answer: str) -> str:
        """Return the name of a missing scale if a number is too large by the same factor everywhere."""
        pairs: list[tuple[float, float]] = []
        for trial in self.trials[:3]:
            with self.state_for(answer, trial) as written, self.state(trial) as state:
                got, asked = Outcome.of(written, answer), self._asked(state)
            one, other = plain_tensor(got.value), plain_tensor(asked.value)
            if one is None or other is None or one.numel() != 1 or other.numel() != 1 or not other.item():
                return ""
            pairs.append((one.item() / other.item(), other.item()))
        (first, _), *_ = pairs
        is_one = all(math.isclose(factor, first, rel_tol=1e-4) for factor, _ in pairs)
        return SCALE if is_one and first not in (0, 1) and len({number for _, number in pairs}) > 1 else ""


def _is_rounded(got: Tensor | None, asked: Tensor | None) -> bool:
    """Return whether a value is what was asked for, to the few digits that a screen shows of it."""
    return (
        got is not None
        and asked is not None
        and got.shape == asked.shape
        and torch.allclose(got.double(), asked.double(), rtol=1e-3, atol=1e-4, equal_nan=True)
    )


class Outcome(NamedTuple):
    """What an expression gave: a value, or an error; neither if there was no expression."""

    value: Any = None
    error: ProgramError | None = None
    is_there: bool = False

    @classmethod
    def of(cls, state: ProgramState, expression: str) -> Outcome:
        """Return what an expression gives in a state; raises `HaltedError` if it is stopped."""
        try:
            return cls(state.value(expression), None, is_there=True)
        except HaltedError:
            raise
        except ProgramError as error:
            return cls(error=error)

    @property
    def text(self) -> CleanText:
        """The value on one line; empty without one."""
        return clean(value_text(self.value), None) if self.is_there else NOTHING


def check_answer(answer: str, barred: Sequence[str]) -> None:
    """Raise `ProgramError` for an answer that is no expression, or uses a barred name."""
    if len(answer) > LONGEST_ANSWER:
        raise LimitError(f"the answer has {len(answer):,} characters; {LONGEST_ANSWER:,} are allowed")
    source = Source(answer)
    body = source.tree.body
    if len(body) != 1 or not isinstance(body[0], ast.Expr):
        raise ProgramError("an answer is one expression, such as Y.sum()")
    for node in ast.walk(body[0]):
        name = (
            node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else None
        )
        if name in barred:
            raise source.error(f"{name} is barred here: find another way", node)
