"""The files beside a document that its cells name, by text alone: those that it could be allowed to read."""

from __future__ import annotations

import re
from pathlib import Path

from llm_linalg.lessons.lesson import Lesson

MOST_FILES = 50
_LITERAL = re.compile(r"""(?<!\\)(["'])([^"'\n\\]{1,200}?\.\w{1,11})\1""")  # with a suffix, as files have


def files_named(document: Lesson) -> tuple[str, ...]:
    """Return the files in a document's folder whose names stand in its cells as text, sorted.

    What is hidden, or lies elsewhere, is none of them: the folder that it may read does not reach there.
    """
    if document.path is None or not document.document:
        return ()
    folder = document.path.parent
    named = {found[2] for stop in document.stops for found in _LITERAL.finditer(stop.code)}
    return tuple([name for name in sorted(named) if lies_in(name, folder)][:MOST_FILES])


def lies_in(name: str, folder: Path) -> bool:
    """Return whether a name leads to a file in a folder, and neither out of it nor to what is hidden."""
    try:
        root = folder.resolve()
        place = (root / name).resolve()
        if Path(name).is_absolute() or not place.is_relative_to(root) or not place.is_file():
            return False
        parts = (*Path(name).parts, *place.relative_to(root).parts)
    except (OSError, RuntimeError, ValueError):
        return False
    return not any(part.startswith(".") and part != "." for part in parts)
