"""The folders whose documents, decks and lessons may run with the user's rights where nothing locks them in.

They stand, by their resolved paths, in a file in the user's folder of this program: nothing within a trusted
folder says that it is one. What can't be read trusts nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from llm_linalg.base import file_io
from tui.files import user_dirs

NAME = "trusted.json"
FORMAT = 1
MOST = 32
LONGEST = 1000  # characters of a path


class TrustedFolders(NamedTuple):
    """Where they are kept.

    Attributes:
        folder: The user's; None keeps nothing.
    """

    folder: Path | None = None

    def load(self) -> tuple[str, ...]:
        """Return the folders, the one trusted last at the end; none if the file is not as it was written."""
        return self._read()[1]

    def cover(self, files: Iterable[Path]) -> bool:
        """Return whether all of these files, at least one, lie in trusted folders or below them."""
        trusted = [Path(folder) for folder in self.load()]
        places = [file.resolve() for file in files]
        return bool(places) and all(any(map(place.is_relative_to, trusted)) for place in places)

    def add(self, file: Path) -> str:
        """Trust the folder of a file from now on; return why that is not remembered, empty if it is."""
        folder = file.resolve().parent
        if self.folder is None:
            return "there is no home folder to remember it in"
        if self.folder.resolve().is_relative_to(folder):
            return "what this program remembers lies within that folder"
        if len(str(folder)) > LONGEST:
            return "its path is too long"
        path = self.folder / NAME
        try:
            with file_io.lock_folder(self.folder):
                return self._write(path, str(folder))
        except OSError as error:
            return f"{NAME} can't be written: {error.strerror or error}"

    def _write(self, path: Path, folder: str) -> str:
        condition, known = self._read()
        if condition == "newer":
            return f"{NAME} is of a newer version"
        if condition == "damaged":
            file_io.set_aside(path)
        folders = [*(other for other in known if other != folder), folder][-MOST:]
        user_dirs.keep(path, json.dumps({"format": FORMAT, "folders": folders}) + "\n")
        return ""

    def _read(self) -> tuple[user_dirs.Condition, tuple[str, ...]]:
        """Return how the file is, and the folders in it."""
        if self.folder is None:
            return "absent", ()
        condition, table = user_dirs.read_table(self.folder / NAME, FORMAT)
        if condition != "sound":
            return condition, ()
        entries = table.get("folders")
        folders = entries if isinstance(entries, list) else [None]
        known = tuple(name for name in folders if isinstance(name, str) and len(name) <= LONGEST)
        whole = len(known) == len(folders) <= MOST and all(Path(name).is_absolute() for name in known)
        return ("sound", known) if whole else ("damaged", ())
