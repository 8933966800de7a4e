"""Questions in a frame: the guess of a stop, and the exercise that a stop is, never with their answers."""

from __future__ import annotations

from typing import NamedTuple

from llm_linalg.base.text import CleanText, clean
from llm_linalg.lessons.markdown import plain_text
from llm_linalg.questions.question import Ask, Exercise


class GuessView(NamedTuple):
    """A guess, and what torch says."""

    text: CleanText
    right: bool
    answer: CleanText

    @property
    def sentence(self) -> CleanText:
        """Both in words."""
        if self.right:
            return clean(f"Right: {self.answer}.")
        return clean(f"You said {_quoted(self.text)}. It is {_quoted(self.answer)}.")

    @property
    def brief(self) -> CleanText:
        """The same without what was said, where there is little room."""
        return self.sentence if self.right else clean(f"No. It is {_quoted(self.answer)}.")


def _quoted(text: str) -> str:
    """Return words in quotation marks, so that they end where they end, and a value as it is."""
    is_value = text[:1] in "([-−" or (text[:1].isdigit() and " " not in text)
    return text if is_value else f'"{text}"'


class AskView(NamedTuple):
    """A guess that is asked for before the picture moves.

    Attributes:
        question: The question.
        choices: What there is to choose from; without any, something is typed.
        check: The expression that is asked about.
        is_asked: Whether it is asked now, or was answered here; else the picture has moved on.
        guess: The guess that was made, or None.
    """

    question: CleanText
    choices: tuple[CleanText, ...]
    check: CleanText
    is_asked: bool = False
    guess: GuessView | None = None

    @classmethod
    def of(cls, ask: Ask) -> AskView:
        """Return what a frame shows of an ask."""
        return cls(ask.question, ask.choices, clean(ask.check.text, None))

    def record(self) -> dict[str, object]:
        """Return it as an object for JSON, with a guess and whether that is right, but never the answer."""
        record: dict[str, object] = {
            "question": self.question, "choices": [*self.choices], "check": self.check
        }  # fmt: skip
        given = self.guess
        return record if given is None else record | {"guess": given.text, "right": given.right}

    @property
    def lines(self) -> tuple[str, ...]:
        """It as lines of text; once there is a guess, the verdict on that."""
        if self.guess is not None:
            return (self.guess.sentence,)
        choices = (f"  {k}: {plain_text(text)}" for k, text in enumerate(self.choices, 1))
        return (f"guess: {plain_text(self.question)}", *choices)


class ExerciseView(NamedTuple):
    """An exercise, and how far the learner has come with it.

    Attributes:
        question: What to write.
        check: What must be true of the answer; empty where it is compared with the author's.
        hints: All hints.
        rungs: How many of them are shown.
        answer: What was written last; empty if nothing was.
        verdict: Whether it is right and why, a line each; () until it is judged.
        summary: The same without the values, where the picture shows them.
        is_right: Whether the answer is right, in general too where that is asked for.
        is_half: Whether it is right as the exercise stands.
        wanted: What is to be written, such as `a number`.
    """

    question: CleanText
    check: CleanText
    hints: tuple[CleanText, ...] = ()
    rungs: int = 0
    answer: CleanText = clean("")
    verdict: tuple[CleanText, ...] = ()
    summary: tuple[CleanText, ...] = ()
    is_right: bool = False
    is_half: bool = False
    wanted: CleanText = clean("an expression")

    @classmethod
    def of(cls, exercise: Exercise) -> ExerciseView:
        """Return what a frame shows of an exercise."""
        check = "" if exercise.check is None else exercise.check.text
        return cls(exercise.question, clean(check, None), exercise.hints)

    def record(self) -> dict[str, object]:
        """Return the exercise as an object for JSON."""
        return {"question": self.question, "check": self.check, "hints": [*self.hints]}

    @property
    def lines(self) -> tuple[str, ...]:
        """What was written and the verdict on it, below the hints that are shown; the question is prose."""
        hints = (f"hint {k}: {text}" for k, text in enumerate(self.hints[: self.rungs], 1))
        written = (f"your answer: {self.answer}",) if self.answer else ()
        return (f"exercise: write {self.wanted}", *hints, *written, *self.verdict)
