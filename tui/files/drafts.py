"""Keep the playground's program between two runs of the app. No failure of that ends the app.

What is kept lies in the user's state folder, readable by nobody else, and appears whole or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from llm_linalg.base.text import clean
from tui.files import user_dirs
from tui.files.output import Sink

NAME = "program.py"
BEFORE = "before.py"


class Drafts(NamedTuple):
    """A place for programs.

    Attributes:
        folder: Where what is typed is kept by itself; None keeps nothing.
        file: The file that was opened, if one was: written only when that is asked for.
    """

    folder: Path | None = None
    file: Path | None = None

    def load(self) -> str | None:
        """Return what was kept; None if there is nothing that can be read."""
        if self.folder is None or self.file is not None:
            return None
        try:
            return user_dirs.read(self.folder / NAME)
        except (OSError, ValueError):
            return None

    def keep(self, text: str, *, anew: bool = False) -> bool:
        """Keep what was typed; whether that worked, or there was nothing to do.

        Args:
            text: The program.
            anew: Whether it is another program than the one that was kept, which then stays beside it.
        """
        if self.folder is None or self.file is not None:
            return True
        before = self.load() if anew else None
        try:
            if before is not None and before.strip() and before != text:
                user_dirs.keep(self.folder / BEFORE, before)
            user_dirs.keep(self.folder / NAME, text)
        except OSError:
            return False
        return True

    def holds(self, text: str) -> bool:
        """Return whether the file that was opened, if one was, has this text."""
        if self.file is None:
            return True
        try:
            return user_dirs.read(self.file) == text
        except FileNotFoundError:
            return not text
        except (OSError, ValueError):
            return False

    def save(self, text: str, *, anew: bool = False) -> str:
        """Save on request, as `keep` does or to the file; say in one line how that went."""
        if self.file is None:
            if self.folder is None:
                return "Nothing is kept here."
            done = self.keep(text, anew=anew)
            return f"Saved as {clean(str(self.folder / NAME), 200)}." if done else "It can't be saved."
        shown = clean(str(self.file), 200)
        try:
            with Sink(str(self.file)) as sink:
                sink.keep(text)
        except OSError as error:
            return f"It can't be saved as {shown}: {error.strerror or error}."
        return f"Saved as {shown}."


def folder(environment: Mapping[str, str]) -> Path | None:
    """Return the user's folder for programs, or None where no home is known."""
    state = user_dirs.folder(environment)
    return None if state is None else state / "play"
