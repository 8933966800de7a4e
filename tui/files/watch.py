"""Watch the files of a deck, and read it again when one was saved."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from llm_linalg.lessons.lesson import LessonError

if TYPE_CHECKING:
    from llm_linalg.lessons.deck import Deck

Seen = tuple[tuple[str, int, int, int], ...]


class Watch:
    """Looks whether a deck's files are as they were; a deck without files never changes.

    Args:
        deck: As it was read.
        load: Reads it again; raises LessonError.
    """

    def __init__(self, deck: Deck, load: Callable[[Path], Deck]) -> None:
        self._load = load
        self._path = deck.path if deck.sources else None
        self._files = tuple(deck.sources)
        self._seen = self._now()
        self._wrong = ""

    def look(self) -> Deck | str | None:
        """Return the deck as it was saved since the last look, or what is wrong with it.

        None if nothing changed.
        """
        now = self._now()
        if self._path is None or (now == self._seen and not self._wrong):
            return None
        before, self._wrong, self._seen = self._wrong, "", now
        try:
            deck = self._load(self._path)
        except LessonError as error:  # what it lacks may be made elsewhere: it is tried again at each look
            self._wrong = f"{Path(error.file).name}:{error.line}: {error.reason}"
            return self._wrong if self._wrong != before else None
        if set(deck.sources) != set(self._files):
            self._files = tuple(deck.sources)
            self._seen = self._now()
        return deck

    def _now(self) -> Seen:
        """Return what tells a saved file from the one before; of a folder, also what is in it."""
        if self._path is None:
            return ()
        listed: list[Path] = []
        with suppress(OSError):
            listed = sorted(self._path.iterdir()) if self._path.is_dir() else []
        return tuple(_stamp(file) for file in dict.fromkeys([*self._files, *listed]))


def _stamp(file: Path) -> tuple[str, int, int, int]:
    try:
        status = file.stat()
    except (OSError, ValueError):
        return str(file), -1, -1, -1  # gone for a moment, as while an editor renames
    return str(file), status.st_mtime_ns, status.st_size, status.st_ino
