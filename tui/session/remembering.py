"""What a session leaves to be remembered, besides its place."""

from __future__ import annotations

from tui.files.state_file import State
from tui.session.session import Session


def with_progress(session: Session, state: State) -> State:
    """Return the state with a session's progress, and the way that was taken from the door."""
    return state._replace(
        progress=state.progress.merged(session.learner.progress), way=session.learner.way or state.way
    )
