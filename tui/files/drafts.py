"""Keep the playground's program between two runs of the app. No failure of that ends the app.

What is kept lies in the user's state folder, readable by nobody else, and appears whole or not at all. What
another window or another program wrote meanwhile is never lost without a word.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from llm_linalg.base import file_io
from llm_linalg.base.text import clean
from tui.files import user_dirs
from tui.files.output import Sink

NAME = "program.py"
BEFORE = "before.py"


class Drafts:
    """A place for programs.

    Attributes:
        folder: Where what is typed is kept by itself; None keeps nothing.
        file: The file that was opened, if one was: written only when that is asked for.
    """

    def __init__(self, folder: Path | None = None, file: Path | None = None) -> None:
        """A file's text is what `save` expects to find there again."""
        self.folder = None if file is not None else folder
        self.file = file
        self._known = None if file is None else _text_of(file)  # what stood there when we last looked

    def load(self) -> str | None:
        """Return what was kept; None if there is nothing that can be read."""
        if self.folder is None:
            return None
        try:
            self._known = user_dirs.read_own(file_io.written_path(self.folder) / NAME)
        except (OSError, ValueError):
            self._known = None
        return self._known

    def keep(self, text: str, *, anew: bool = False) -> str:
        """Keep what was typed; return what is to be said of it, if anything.

        Args:
            text: The program.
            anew: Whether it is another program than the one that was kept, which then stays beside it.

        Raises:
            OSError: If it can't be kept.
        """
        if self.folder is None:
            return ""
        folder, notice = file_io.written_path(self.folder), ""
        path = folder / NAME
        text = user_dirs.kept_text(text)
        try:
            there = user_dirs.read_own(path)
        except (FileNotFoundError, NotADirectoryError):
            there = ""
        except (OSError, ValueError):
            there = ""
            notice = f"{NAME} could not be read: it was renamed to {file_io.set_aside(path).name}."
        if there.strip() and there != text and (anew or there != self._known):
            user_dirs.keep(folder / BEFORE, there)
            if not anew:
                notice = f"Another window had a program here: it is in {BEFORE} now."
        user_dirs.keep(path, text)
        self._known = text
        return notice

    def holds(self, text: str) -> bool:
        """Return whether the file that was opened, if one was, has this text."""
        return self.file is None or (_text_of(self.file) or "") == text

    def save(self, text: str, *, anew: bool = False) -> tuple[str, bool]:
        """Save on request, as `keep` does or to the file; return how that went, and whether it is saved.

        A file that another program has changed is written only when that is asked for again.
        """
        place = self.file or (None if self.folder is None else self.folder / NAME)
        if place is None:
            return "Nothing is kept here.", True
        shown = clean(str(place), 200)
        try:
            if self.file is None:
                notice = self.keep(text, anew=anew)
                return f"Saved as {shown}. {notice}".rstrip(), True
            there = _text_of(self.file)
            if there not in (None, self._known, text):
                self._known = there
                return f"Another program has changed {shown}: ^s again writes over that.", False
            with Sink(str(self.file)) as sink:
                sink.keep(text)
            self._known = _text_of(self.file)
        except OSError as error:
            return f"It can't be saved as {shown}: {error.strerror or error}.", False
        return f"Saved as {shown}.", True


def _text_of(file: Path) -> str | None:
    """Return a file's text, None if it isn't there, and of what can't be read the reason."""
    try:
        return user_dirs.read(file)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        return f"\0{error}"  # it's no program


def play_folder(environment: Mapping[str, str]) -> Path | None:
    """Return the user's folder for programs, or None where no home is known."""
    state = user_dirs.folder(environment)
    return None if state is None else state / "play"
