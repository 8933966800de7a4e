"""The command that lets a document read files."""

from __future__ import annotations

from dataclasses import replace

from tui.session.session import Session


def allow(session: Session) -> Session:
    """Let the document read the files beside it that it names."""
    from llm_linalg.lessons.documents import files_named

    view = session.view
    if view.reads or not view.lesson.document or not files_named(view.lesson):
        return session.with_notice("It names no file beside it that it may not read.")
    return session.with_undo(replace(view, reads=True))
