"""Running a session's program at once, where nothing is drawn meanwhile."""

from __future__ import annotations

from dataclasses import replace

from tui.compose.view_runner import open_view
from tui.session.exercise_commands import judged
from tui.session.session import Session


def ensure_run(session: Session, before: Session | None = None, seconds: float | None = None) -> Session:
    """Run the program of the session's view unless it was run, and judge an answer that waits.

    `before` is what was on the screen.
    """
    if session.current is not None:
        return judged(session)
    shown = None if before is None or before.current is None else replace(before.current, view=before.view)
    return judged(session.with_run(open_view(session.view, session.before(shown), seconds=seconds)))
