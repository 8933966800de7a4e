"""Attempts at exercises: what was written, the verdict on it, and how many hints were asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from llm_linalg.base.text import NOTHING, CleanText

if TYPE_CHECKING:
    from llm_linalg.questions.verdict import Verdict
    from tui.model.view import View


class ExerciseAttempt(NamedTuple):
    """What a learner has done at an exercise.

    Attributes:
        answer: What was written last; empty before.
        view: The view at which it was; its verdict is shown there.
        verdict: Whether it is right and why; None while it is judged.
        rungs: How many hints are shown.
        is_solved: Whether an answer was right, in general too where that is asked for.
        is_half: Whether an answer was right as the exercise stands.
    """

    answer: CleanText = NOTHING
    view: View | None = None
    verdict: Verdict | None = None
    rungs: int = 0
    is_solved: bool = False
    is_half: bool = False

    @property
    def is_pending(self) -> bool:
        """Whether an answer waits for its verdict."""
        return self.view is not None and self.verdict is None


NO_ATTEMPT = ExerciseAttempt()
Attempts = tuple[tuple[tuple[str, int], ExerciseAttempt], ...]
"""Attempts, each with the lesson's slug and the number of its stop."""


def attempt_at(attempts: Attempts, view: View) -> ExerciseAttempt:
    """Return the attempt at a view's stop; an empty one before the first."""
    key = (view.lesson.slug, view.stop)
    return next((attempt for place, attempt in attempts if place == key), NO_ATTEMPT)


def with_attempt(attempts: Attempts, view: View, attempt: ExerciseAttempt) -> Attempts:
    """Return the attempts with another one at a view's stop."""
    key = (view.lesson.slug, view.stop)
    return (*((place, other) for place, other in attempts if place != key), (key, attempt))
