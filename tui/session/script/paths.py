"""The paths in a script, which are relative to the script's own folder."""

from __future__ import annotations

import os
from pathlib import Path

from tui.model.lesson_words import is_path
from tui.session.script.opening import FIRST
from tui.session.script.tokens import Words


def resolve_path(words: Words, folder: Path) -> Words:
    """Return an act as it is carried out, with the file that it opens as seen from the working directory."""
    if not _opens_file(words, folder) or os.path.isabs(words[1]):  # noqa: PTH117 - a text stays a text
        return words
    return (words[0], os.path.normpath(folder / words[1]), *words[2:])


def relative_path(words: Words, folder: Path) -> Words:
    """Return an act as it stands in a script of that folder."""
    if not _opens_file(words, Path()) or os.path.isabs(words[1]):  # noqa: PTH117
        return words
    return (words[0], os.path.relpath(words[1], folder), *words[2:])


def _opens_file(words: Words, folder: Path) -> bool:
    """Return whether an act opens a file, and not a built-in lesson."""
    from llm_linalg.lessons.documents import is_document

    if len(words) < 2 or words[0] not in FIRST:
        return False
    return is_path(words[1]) or is_document(words[1]) or (words[0] == "deck" and (folder / words[1]).is_dir())
