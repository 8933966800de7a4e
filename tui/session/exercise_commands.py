"""Commands of an exercise: an answer, a hint, at last the solution."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from llm_linalg.base.text import clean
from tui.model.view import SOLUTION
from tui.session.session import THE_SOLUTION, Session

if TYPE_CHECKING:
    from llm_linalg.questions.verdict import Verdict
    from tui.model.frame import Frame
    from tui.model.view import View

LONGEST = 2_000  # characters of an answer
NO_EXERCISE = "There is nothing to answer here."


def answer(session: Session, text: str) -> Session:
    """Take an answer, which is judged next; without a text nothing happens."""
    written = clean(" ".join(text.split()), LONGEST)
    if session.view.at_stop.exercise is None:
        return session.with_notice(NO_EXERCISE)
    if not written:
        return session
    view = session.view if session.view.code is None else _at_question(session)
    attempt = session.attempt._replace(answer=written, view=view, verdict=None)
    there = session.at_view(view)
    return there.with_attempt(view, attempt)


def judged(session: Session) -> Session:
    """Return the session with the verdict that it waits for, made at once; for where nothing is drawn.

    Raises:
        RoomError: If the answer is code, and nothing would lock it in.
    """
    from tui.compose.error_frame import is_unlocked
    from tui.compose.verdicts import judge_answer

    attempt = session.attempt
    if attempt.view is None or not attempt.is_pending:
        return session
    verdict = judge_answer(attempt.view, attempt.answer)
    if is_unlocked(verdict.error) and verdict.error is not None:
        raise verdict.error
    return with_verdict(session, verdict)


def with_verdict(session: Session, verdict: Verdict) -> Session:
    """Return the session with a verdict on the answer that waits for it; without one if it may not be run."""
    from tui.compose.error_frame import is_unlocked

    attempt = session.attempt
    if is_unlocked(verdict.error):
        return session.with_attempt(session.view, attempt._replace(view=None))
    judged = attempt._replace(
        verdict=verdict,
        is_solved=attempt.is_solved or verdict.is_whole,
        is_half=attempt.is_half or verdict.right,
    )
    return session.with_attempt(session.view, judged)


def hint(session: Session) -> Session:
    """Show the next hint; after the last one, or once it is solved, step through the solution."""
    exercise, attempt = session.view.at_stop.exercise, session.attempt
    if exercise is None:
        return session.with_notice(NO_EXERCISE)
    if attempt.is_solved or attempt.rungs >= len(exercise.hints):
        return _solution(session)
    view = session.view if session.view.code is None else _at_question(session)
    more = attempt._replace(rungs=attempt.rungs + 1)
    there = session.at_view(view)
    return there.with_attempt(view, more)


def _solution(session: Session) -> Session:
    """Show the program with the solution below it: the author's, or the answer that was right."""
    exercise, attempt = session.view.at_stop.exercise, session.attempt
    text = ""
    if exercise is not None and exercise.answer is not None:
        text = exercise.answer.text
    elif attempt.verdict is not None and attempt.verdict.right:
        text = attempt.answer
    if not text:
        return session.with_notice("This exercise says no solution.")
    above = session.view.at_stop.program
    view = _at_question(session).with_program(f"{above}\n{SOLUTION} = {text}".lstrip("\n"))
    shown = session.with_undo(replace(view, path=(SOLUTION,), depth="cells"))
    return shown.with_notice(f"{THE_SOLUTION} → steps through it.")


def _at_question(session: Session) -> View:
    """Return the view of the exercise itself, without a solution below its program."""
    opened = session.view.at_stop_number(session.view.stop)
    return replace(opened, code=None)


def session_frame(session: Session, *, ascii_only: bool = False) -> Frame | None:
    """Return the picture of a session; None while its program has not been run.

    At an exercise it shows how far the learner has come: at the view of the last answer what came of that.

    Raises:
        LookupError: For a path that the run lacks.
    """
    run, attempt = session.current, session.attempt
    if run is None:
        return None
    frame = run.frame(session.view, ascii_only=ascii_only)
    if frame.exercise is None:
        return frame
    there = attempt.view == session.view and attempt.verdict is not None
    verdict = attempt.verdict if there else None
    latest = attempt.verdict  # that an answer was right is said at every step of the picture
    done = frame.exercise._replace(
        rungs=attempt.rungs,
        answer=attempt.answer,
        is_right=latest is not None and latest.is_whole,
        is_half=latest is not None and latest.right,
    )
    if verdict is None:
        return replace(frame, exercise=done)
    from tui.compose.verdicts import shown_verdict, verdict_frame

    # Until the last hint nothing shows what was asked for.
    is_revealed = attempt.is_solved or 0 < len(done.hints) <= attempt.rungs
    shown = shown_verdict(verdict, is_revealed=is_revealed)
    return verdict_frame(replace(frame, exercise=done), shown, ascii_only=ascii_only)
