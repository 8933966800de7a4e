"""Saving a recorded session: in the file that was named, or a new one in this folder."""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from llm_linalg.base.file_io import written_path
from llm_linalg.base.spelling import quote
from llm_linalg.base.text import clean
from tui.files.output import Sink, not_saved
from tui.files.output import check_target as check_overwrite
from tui.model.usage_error import UsageError
from tui.model.view_words import shell_line

if TYPE_CHECKING:
    from llm_linalg.lessons.lesson import Lesson
    from tui.session.script.script_reader import Script

SUFFIX = ".steps"
NO_SCRIPT = "a run of your own Python can't be written as a script"


class Tape(NamedTuple):
    """The script that the app records, and the one that it plays.

    Attributes:
        record: The file in which the session is saved as a script at the end, if one is given.
        script: The script to play until a key is pressed.
        tempo: How many times faster than written.
    """

    record: str | None = None
    script: Script | None = None
    tempo: float = 1.0


def check_target(name: str | None, lesson: Lesson, sources: Iterable[Path | None] = ()) -> None:
    """Raise UsageError where no file of that name can be written, or no script says what is opened.

    The files that are shown beside the lesson's, its `sources`, are not written over either.
    """
    if name is None:
        return
    if lesson.external is not None:
        raise UsageError(NO_SCRIPT)
    path = Path(name)
    folder = path.parent
    if (path.exists() and not path.is_file()) or not folder.is_dir() or not os.access(folder, os.W_OK):
        raise UsageError(f"cannot write {quote(name, 200)}: --record takes a file in a folder of yours")
    try:
        check_overwrite(written_path(path), filter(None, (lesson.path, *sources)))
    except OSError as error:
        raise UsageError(f"cannot write {quote(name, 200)}: {error.strerror}") from None


def save_script(text: str, name: str | None, slug: str) -> tuple[str, bool]:
    """Save a script, in a new file named after the lesson unless one is named.

    Return in one line how that went, and whether it did.
    """
    path = new_file(slug) if name is None else Path(name)
    shown = clean(str(path), 200)
    try:
        with Sink(str(path)) as sink:
            sink.keep(text)
    except OSError as error:
        return not_saved(shown, error), False
    return f"Saved as {shown}: {shell_line(['llm-linalg', 'play-script', str(path)])}", True


def new_file(slug: str) -> Path:
    """Return a file of this folder that is not there yet."""
    stem = "".join(character if character.isalnum() else "-" for character in slug)[:60] or "session"
    names = (Path(f"{stem}{f'-{number}' if number > 1 else ''}{SUFFIX}") for number in count(1))
    return next(path for path in names if not os.path.lexists(path))
