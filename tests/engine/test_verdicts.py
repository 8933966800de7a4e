"""The law of verdicts: what people type into the exercises of the course is judged as it deserves.

`answers.toml` holds what they type, written without sight of what an exercise checks: for each exercise at
least ten answers that are right, and ten that are not.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from llm_linalg.base.errors import ProgramError
from llm_linalg.lessons.answers import judge
from llm_linalg.lessons.lesson import Lesson
from llm_linalg.lessons.reader import catalog, find
from llm_linalg.questions import mistakes
from llm_linalg.questions.answer_text import read_answer
from llm_linalg.questions.judge import Hearing
from llm_linalg.questions.program_state import ProgramState, state_after
from llm_linalg.questions.question import Exercise
from llm_linalg.questions.value import as_form
from llm_linalg.questions.verdict import Verdict
from tests.common import known
from tests.thinning import thin

KINDS = {"right", "here", "either", "wrong", "barred"}
SLUGS = [lesson.slug for lesson in catalog()]
OTHER_SEEDS = (101, 102)  # which no trial has
READ_OFF = re.compile("«(.*?):([^:»]*)»")


@cache
def typed() -> dict[str, dict[str, list[str]]]:
    """What people type, by the slug of the lesson and what it deserves."""
    text = Path(__file__).with_name("answers.toml").read_text(encoding="utf-8")
    return {
        slug: {kind: lines.strip().split("\n") for kind, lines in kinds.items()}
        for slug, kinds in tomllib.loads(text).items()
    }


def shown(value: Any, form: str) -> str:
    """A value as somebody reads it off the screen."""
    value = value.tolist() if isinstance(value, Tensor) else value
    if isinstance(value, list):
        return f"[{', '.join(shown(part, form) for part in value)}]"
    return format(value, form)


@contextmanager
def heard(slug: str) -> Iterator[tuple[Lesson, Exercise, Hearing, dict[str, list[str]]]]:
    """Hold a hearing on a lesson's exercise, with what people type there."""
    lesson = find(slug)
    stop = next(stop for stop in lesson.stops if stop.exercise is not None)
    exercise = known(stop.exercise)
    with judge(lesson, stop, exercise).hearing() as hearing:
        state = hearing.case(0).state

        def read_off(answer: str) -> str:
            return READ_OFF.sub(lambda found: shown(state.value(found[1]), found[2]), answer)

        answers = {kind: [*map(read_off, lines)] for kind, lines in typed()[slug].items()}
        yield lesson, exercise, hearing, answers


def kind_of(verdict: Verdict) -> str:
    if verdict.right:
        return "right" if verdict.is_general else "here"
    return "barred" if verdict.reason.startswith(("without ", "the value is right, but")) else "wrong"


def gives_away(verdict: Verdict, answer: str, solution: str) -> bool:
    """Whether what is said holds the solution, or what it gives, beyond what was typed."""
    said = " ".join(verdict.summary).replace(verdict.got or "\0", "")
    asked = verdict.asked if len(verdict.asked) > 2 else ""
    return (bool(asked) and asked in said) or (solution in said and solution not in answer)


def test_each_exercise_has_answers_enough() -> None:
    assert typed().keys() == set(SLUGS)
    for kinds in typed().values():
        assert kinds.keys() <= KINDS
        right = [line for kind in ("right", "here", "either") for line in kinds.get(kind, ())]
        wrong = [line for kind in ("wrong", "barred") for line in kinds.get(kind, ())]
        assert min(len(right), len(wrong)) >= 10
        assert len({*right, *wrong}) == len(right) + len(wrong)


@pytest.mark.parametrize("slug", thin(SLUGS, 4))
def test_what_people_type_is_judged_as_it_deserves(slug: str) -> None:
    with heard(slug) as (lesson, exercise, hearing, answers):
        misjudged = []
        for deserved, lines in answers.items():
            for answer in lines:
                verdict = hearing.verdict(answer)
                kind = kind_of(verdict)
                if kind != deserved and not (deserved == "either" and kind in ("right", "here")):
                    misjudged.append((answer, deserved, verdict.lines))
                assert not gives_away(verdict, answer, known(exercise.answer).text), verdict.lines
                if verdict.mistake and verdict.error is None:
                    check_mistake(lesson, exercise, answer, verdict.mistake)
        assert misjudged == []


@pytest.mark.parametrize("slug", SLUGS)
def test_each_named_mistake_is_reached(slug: str) -> None:
    with heard(slug) as (_, exercise, hearing, _answers):
        for wrong in exercise.wrong:
            verdict = hearing.verdict(wrong.expression)
            assert not verdict.right
            assert verdict.mistake == wrong.name, wrong.expression


def check_mistake(lesson: Lesson, exercise: Exercise, answer: str, name: str) -> None:
    """Check that an answer makes the mistake that it is said to make, where no trial has looked."""
    stop = next(stop for stop in lesson.stops if stop.exercise is exercise)
    wrong = [one.expression for one in exercise.wrong if one.name == name]
    for seed in OTHER_SEEDS:
        with state_after(stop.program, own=True, seed=seed, names=lesson.names()) as state:
            given = evaluated(state, answer)
            if wrong:
                assert any(is_close(given, evaluated(state, one)) for one in wrong), (answer, name)
            elif name in CLAIMS:
                asked = evaluated(state, known(exercise.answer).text)
                assert CLAIMS[name](given, asked), (answer, name)


def evaluated(state: ProgramState, expression: str) -> Any:
    value = state.value(read_answer(expression).code)
    return value if isinstance(value, tuple) else as_form(value, torch.zeros(()))


def is_close(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        same = one.shape == other.shape
        return same and torch.allclose(one.double(), other.double(), 1e-4, 1e-5, equal_nan=True)
    return isinstance(one, tuple) and all(map(is_close, as_form(one, other), other))  # type: ignore[call-overload]


CLAIMS: dict[str, Callable[[Tensor, Tensor], bool]] = {
    mistakes.SIGN: lambda given, asked: is_close(given, -asked),
    mistakes.SCALE: lambda given, asked: is_close(given * asked.norm(), asked * given.norm()),
}


def test_an_answer_that_fails_gives_nothing_away() -> None:
    with heard("vector") as (_, _exercise, hearing, _answers):
        for answer in ("banana", "table[9]", "table @ table", "table[2] -", "sqrt(14)", "saw - the"):
            verdict = hearing.verdict(answer)
            assert verdict.error is not None
            assert not gives_away(verdict, answer, "table[2] - table[0]")


def test_a_claim_about_a_mistake_can_fail() -> None:
    lesson = find("vector")
    exercise = known(next(stop.exercise for stop in lesson.stops if stop.exercise is not None))
    with pytest.raises(AssertionError):
        check_mistake(lesson, exercise, "table[1]", exercise.wrong[0].name)
    with pytest.raises(AssertionError):
        check_mistake(lesson, exercise, "2 * table[0]", mistakes.SIGN)
    with pytest.raises(ProgramError):
        check_mistake(lesson, exercise, "banana", mistakes.SIGN)
