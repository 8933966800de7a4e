"""The commands that let programs do more: run with the user's rights where nothing locks them in, read files.

No script and no deck says the first: it is a key's. What it changes is written down for a folder alone, by
`tui.files.trusted_folders`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tui.model.view import View
from tui.navigation.playground import is_playground
from tui.session.session import Session

if TYPE_CHECKING:
    from tui.files.trusted_folders import TrustedFolders

UNJUDGED = "An answer that is code is not run: nothing on this machine would lock it in."


def once(session: Session) -> Session:
    """Run it with the user's rights: the playground's text as it stands, a file until the app ends."""
    if not session.needs_trust:
        return session
    view = replace(session.view, trusted=True)
    if is_playground(view.lesson):
        return replace(session, view=view, notice="")
    history = session.history
    past, future = (tuple(_like(one, view) for one in views) for views in (history.past, history.future))
    return replace(session.at_view(view), history=history._replace(past=past, future=future))


def _like(other: View, view: View) -> View:
    """Return a view that was left, trusted if it is of the lesson that is."""
    return replace(other, trusted=True) if other.lesson is view.lesson else other


def file_to_trust(view: View) -> Path | None:
    """Return the file whose folder may be trusted for a view; None where the program is not its own."""
    lesson = view.lesson
    return None if lesson.is_own or lesson.external is not None or view.code is not None else lesson.path


def trusted_view(view: View, folders: TrustedFolders, *others: Path) -> View:
    """Return a view as it opens: trusted if the folder of its file is, and those of the others it is from."""
    file = file_to_trust(view)
    return view if file is None or not folders.cover((file, *others)) else replace(view, trusted=True)


def read_files(session: Session) -> Session:
    """Let the document read the files beside it that it names."""
    from llm_linalg.lessons.documents import files_named

    view = session.view
    if view.reads or not view.lesson.document or not files_named(view.lesson):
        return session.with_notice("It names no file beside it that it may not read.")
    return session.with_undo(replace(view, reads=True))
