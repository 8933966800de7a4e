"""Commands that ask what comes next, and answer."""

from __future__ import annotations

from tui.session.script.tokens import Words
from tui.session.session import Session
from tui.session.stop_commands import Transition

NOTHING_ASKED = "Nothing is asked here."
NOT_ON_MAP = "Q asks about the steps of an operation: ↵ goes into the box."
NOTHING_NEXT = "There is nothing to predict here: go to a step of an operation."


def predict(session: Session) -> Session:
    """Ask what the next step shows; if something is asked already, ask something else."""
    run, view = session.current, session.reopening_view
    if run is None or session.navigation is None or run.trace is None:
        return session
    number = 1 if view.guess is None else view.guess.number + 1
    asked = view.with_guess(number)
    if run.question(asked) is None:
        return session.with_notice(NOT_ON_MAP if view.depth == "map" else NOTHING_NEXT)
    return session.at_view(asked)


def answer(session: Session, text: str) -> Session:
    """Answer what is asked; what is no answer to it says what one is."""
    run, view = session.current, session.view
    question = None if run is None else run.question(view)
    if question is None:
        return session.with_notice(NOTHING_ASKED)
    from llm_linalg.questions.guess import FORMS
    from tui.compose.guess_frame import answered

    if answered(question, text) is None:
        choices = len(question.ask.choices)
        form = f"a choice from 1 to {choices}" if choices else FORMS[question.answer.kind]
        return session.with_notice(f"That is no answer here: it is {form}.")
    number = 0 if view.guess is None else view.guess.number
    stops = set() if number else {(view.lesson.slug, view.stop)}
    answered_here = session.with_learner(guessed=session.learner.guessed | stops)
    return answered_here.at_view(view.with_guess(number, text))


def choose(number: int) -> Transition:
    """Return the command that answers with a choice by its number."""
    return lambda session: answer(session, str(number))


def point(session: Session) -> Session:
    """Answer with the cell under the cursor."""
    cell = session.view.cursor
    return session if cell is None else answer(session, cell_text(cell[1]))


def cell_text(index: tuple[int, ...]) -> str:
    """Return a cell as it would be typed."""
    return f"({', '.join(map(str, index))})"


def write_answer(_before: Session, argument: str, after: Session) -> Words:
    """Write what was answered."""
    guess = after.view.guess
    return ("guess", argument if guess is None or guess.answer is None else guess.answer)
