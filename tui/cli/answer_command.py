"""`llm-linalg answer`: judge an answer to an exercise, without the app."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from llm_linalg.base.errors import ProgramError, RoomError
from llm_linalg.base.spelling import quote
from llm_linalg.base.text import clean_lines
from tui.files.output import explain, write
from tui.model.flags import Parser, whole_number
from tui.model.usage_error import UsageError
from tui.model.view_words import add_trust_flag

if TYPE_CHECKING:
    from llm_linalg.lessons.deck import Deck, DeckStop

OPTIONS = ("--stop", "--trust", "--help", "-h", "--")


class AnswerParser(Parser):
    """A parser whose last word is an expression, which may begin with a minus."""

    def read(self, arguments: Sequence[str]) -> argparse.Namespace:
        """Return the flags' values; raises `UsageError`."""
        plain, minus, after_stop = 0, -1, False
        for place, word in enumerate(arguments):
            option = word.partition("=")[0] in OPTIONS
            if after_stop or option:
                after_stop = word == "--stop"
            elif word.startswith("-") and len(word) > 1:
                minus = place
            else:
                plain += 1
        if minus < 0 or plain != 1 or "--" in arguments:
            return super().read(arguments)
        others = [word for place, word in enumerate(arguments) if place != minus]
        return super().read([*others, "--", arguments[minus]])


def parser() -> Parser:
    """Return the parser of `llm-linalg answer`."""
    parser = AnswerParser(
        prog="llm-linalg answer",
        description="Check an answer to an exercise: exit code 0 if it is right, 1 if it is wrong.",
    )
    parser.add_argument("lesson", metavar="LESSON", help="a slug, or the path of a lesson or a deck")
    parser.add_argument("expression", metavar="EXPRESSION", help="the answer: it may begin with a minus")
    parser.add_argument(
        "--stop", type=whole_number, metavar="N",
        help="the exercise, or the stop in whose state it works; without it the only exercise",
    )  # fmt: skip
    add_trust_flag(parser)
    return parser


def run(flags: argparse.Namespace) -> int:
    """Judge the answer; 0 if it is right, 1 if it is wrong."""
    from llm_linalg.lessons.answers import judge
    from tui.session.decks import check_stop_number, find_deck

    deck = find_deck(flags.lesson)
    at = _exercise(deck, check_stop_number(deck, flags.stop), flags.lesson)
    exercise = at.at.exercise
    if exercise is None:
        raise UsageError(f"stop {flags.stop} is not an exercise")
    try:
        verdict = judge(at.lesson, at.at, exercise).verdict(flags.expression)
    except RoomError:
        raise
    except ProgramError as error:
        explain(error)
        return 1
    write(clean_lines("".join(f"{line}\n" for line in verdict.lines)))
    return int(not verdict.right)


def _exercise(deck: Deck, number: int | None, word: str) -> DeckStop:
    """Return the exercise at a stop of a deck, or in the state of that stop; without one the only exercise.

    Raises:
        UsageError: If there is none, or more than one.
    """
    there = dict(enumerate(deck.stops, 1))
    exercises = {k: stop for k, stop in there.items() if stop.at.exercise is not None}
    if number is not None:
        if number in exercises:
            return exercises[number]
        named = there[number]
        exercises = {
            k: stop
            for k, stop in exercises.items()
            if stop.lesson is named.lesson and stop.at.exercise and stop.at.exercise.after == named.stop
        }
    if len(exercises) == 1:
        return next(iter(exercises.values()))
    where = f"stop {number} of {quote(word)}" if number is not None else quote(word)
    if not exercises:
        raise UsageError(
            f"there is no exercise at {where}" if number is not None else f"{where} has no exercise"
        )
    several = " or ".join(f"--stop {k}" for k in exercises)
    raise UsageError(f"{where} has {len(exercises)} exercises: {several}")
