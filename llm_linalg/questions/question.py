"""What an author asks: guesses before a picture moves, and exercises, as immutable values."""

from __future__ import annotations

from typing import Any, NamedTuple

from llm_linalg.base.text import CleanText

AN_ERROR = "an error"
"""The choice that is right where the check of an ask fails."""


class FenceLine(NamedTuple):
    """A line of a fence: what it says, and its line in the file, from 1."""

    text: str
    line: int = 1


class Ask(NamedTuple):
    """A guess that is asked for before the picture of a stop moves.

    Attributes:
        question: The question, as prose.
        check: An expression; its value, after the program of the stop, is the right answer.
        choices: What there is to choose from; without any, the value itself is asked for.
        vary: What the right choice must survive: controls, or statements such as `x = torch.randn(4)`.
        line: The line of its fence in the file, from 1.
    """

    question: CleanText
    check: FenceLine
    choices: tuple[CleanText, ...] = ()
    vary: tuple[FenceLine, ...] = ()
    line: int = 1


class Mistake(NamedTuple):
    """A wrong answer: as a choice says it, its value, and the name of the mistake that gives it."""

    text: CleanText
    value: Any
    name: CleanText


class WrongAnswer(NamedTuple):
    """A wrong answer that the author expects: an expression, the mistake's name, and its line in the file."""

    expression: str
    name: CleanText
    line: int = 1


class Exercise(NamedTuple):
    """An expression to write, in the state after a stop.

    Attributes:
        question: What to write, as prose.
        check: An expression that is true if `answer` is right; None where only what equals the author's
            answers is.
        after: The number of the stop in whose state it works; 0 for an empty state.
        setup: Lines that run after the program of that stop.
        barred: Names that the answer may not use.
        vary: What the answer must survive: controls, or statements such as `x = torch.randn(4)`.
        hints: One rung after the other.
        answers: The author's answers: the solution, and others whose values have another form.
        wrong: Wrong answers that the author expects.
        line: The line of its fence in the file, from 1.
    """

    question: CleanText
    check: FenceLine | None = None
    after: int = 0
    setup: tuple[FenceLine, ...] = ()
    barred: tuple[str, ...] = ()
    vary: tuple[FenceLine, ...] = ()
    hints: tuple[CleanText, ...] = ()
    answers: tuple[FenceLine, ...] = ()
    wrong: tuple[WrongAnswer, ...] = ()
    line: int = 1

    @property
    def answer(self) -> FenceLine | None:
        """The solution; None if the author gives none."""
        return self.answers[0] if self.answers else None
