"""The files beside a document that its cells name, by text alone: those that it could be allowed to read."""

from __future__ import annotations

import re

from llm_linalg.base.file_io import lies_in
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
    named = {match[2] for stop in document.stops for match in _LITERAL.finditer(stop.code)}
    return tuple([name for name in sorted(named) if lies_in(name, folder)][:MOST_FILES])
