"""Read a lesson's notes on the boxes of its maps: `[boxes]` in front matter, a line for each name.

[boxes]
attention = { lesson = "attention", words = "the tokens meet" }
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from llm_linalg.base.spelling import unknown
from llm_linalg.base.text import NOTHING, CleanText
from llm_linalg.lessons.controls import FrontError, line_of_text

KEYS = ("lesson", "words")

_SLUG = re.compile(r"[A-Za-z0-9_-]+")


class BoxNote(NamedTuple):
    """A note on the boxes of one name.

    Attributes:
        name: A function of the program, a module, or an operation.
        lesson: The slug of the lesson that such a box opens, or None.
        words: Its meaning in linear algebra, in a few words.
    """

    name: str
    lesson: str | None = None
    words: CleanText = NOTHING


def boxes_of(table: object) -> tuple[BoxNote, ...]:
    """Return the notes in a front matter's table.

    Raises:
        FrontError: With the path of the key that is wrong.
    """
    if not isinstance(table, dict):
        raise FrontError(("boxes",), "boxes is a table: [boxes]")
    return tuple(_note(name, said) for name, said in table.items())


def _note(name: str, said: object) -> BoxNote:
    at = ("boxes", name)
    if not isinstance(said, Mapping) or not said:
        raise FrontError(at, f'{name} takes a lesson, words, or both: {{ lesson = "dot", words = "…" }}')
    for key in said:
        if key not in KEYS:
            raise FrontError((*at, key), unknown("key", key, KEYS))
    lesson, words = said.get("lesson"), said.get("words", "")
    if lesson is not None and not (isinstance(lesson, str) and _SLUG.fullmatch(lesson)):
        raise FrontError((*at, "lesson"), 'lesson is the slug of a lesson, such as "attention"')
    return BoxNote(name, lesson, line_of_text(words, (*at, "words")) if words else NOTHING)
