"""Running a session's program at once, where nothing is drawn meanwhile."""

from __future__ import annotations

from dataclasses import replace

from tui.compose.view_runner import open_view
from tui.session.exercise_commands import judged
from tui.session.session import Session


def ensure_run(
    session: Session,
    before: Session | None = None,
    seconds: float | None = None,
    *,
    shows_unlocked: bool = False,
) -> Session:
    """Run the program of the session's view unless it was run, and judge an answer that waits.

    Args:
        session: The session.
        before: What was on the screen.
        seconds: The time limit; None where the result must not depend on a clock.
        shows_unlocked: Whether a program that nothing would lock in is shown as text: somebody can be asked.

    Raises:
        RoomError: For such a program, else, and for an answer of that kind.
    """
    if session.current is not None:
        return judged(session)
    shown = None if before is None or before.current is None else replace(before.current, view=before.view)
    run = open_view(session.view, session.before(shown), seconds=seconds)
    if run.is_unlocked and run.error is not None and not shows_unlocked:
        raise run.error
    return judged(session.with_run(run))
