"""A line that is being typed, as a value: its text, the place of its cursor, and what a key does to it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import takewhile
from typing import NamedTuple

from llm_linalg.base.text import clean

LONGEST = 500  # characters
_WORD = re.compile(r"[^\W\d][\w.]*\Z")
_MOVES = {"left": -1, "right": 1, "ctrl+b": -1, "ctrl+f": 1}
_ENDS = {"home": 0, "ctrl+a": 0, "end": LONGEST, "ctrl+e": LONGEST}


def _is_one(characters: tuple[str, ...]) -> bool:
    return len(set(characters)) == 1


class LineEdit(NamedTuple):
    """A line of text with a cursor.

    Attributes:
        text: The text.
        caret: The characters before the cursor.
        offered: The names that may be completed here, once that was asked for.
        picked: Which of them stands before the cursor; −1 for none yet.
    """

    text: str = ""
    caret: int = 0
    offered: tuple[str, ...] = ()
    picked: int = -1

    @classmethod
    def of(cls, text: str) -> LineEdit:
        """Return a line with the cursor at its end."""
        return cls(text[:LONGEST], min(len(text), LONGEST))

    @property
    def before(self) -> str:
        """The text before the cursor."""
        return self.text[: self.caret]

    @property
    def after(self) -> str:
        """The text behind the cursor."""
        return self.text[self.caret :]

    def insert(self, text: str) -> LineEdit:
        """Return the line with a text typed or pasted at the cursor, its line breaks as spaces."""
        typed = clean(" ".join(text.splitlines()), None)[: LONGEST - len(self.text)]
        return LineEdit(self.before + typed + self.after, self.caret + len(typed))

    def press(self, key: str, character: str | None) -> LineEdit:
        """Return the line after a key, by Textual's name of it; the same line for one that does nothing."""
        if key in _MOVES:
            return LineEdit(self.text, min(max(self.caret + _MOVES[key], 0), len(self.text)))
        if key in _ENDS:
            return LineEdit(self.text, min(_ENDS[key], len(self.text)))
        if key == "backspace":
            return LineEdit(self.before[:-1] + self.after, max(0, self.caret - 1))
        if key in ("delete", "ctrl+d"):
            return LineEdit(self.before + self.after[1:], self.caret)
        if key == "ctrl+u":
            return LineEdit(self.after, 0)
        if key == "ctrl+k":
            return LineEdit(self.before, self.caret)
        if key == "ctrl+w":
            kept = re.sub(r"\S+\s*\Z|\s+\Z", "", self.before)
            return LineEdit(kept + self.after, len(kept))
        if character is not None and len(character) == 1 and character.isprintable():
            return self.insert(character)
        return self

    def complete(self, names: Iterable[str]) -> LineEdit:
        """Return the line with the name before the cursor completed as far as all names go that begin so.

        Where they go no further, they are offered, and from then on picked one after the other.
        """
        match = _WORD.search(self.before)
        begun = match[0] if match else ""
        if self.offered:
            picked = (self.picked + 1) % len(self.offered)
            kept = self.before.removesuffix(begun)
            name = self.offered[picked]
            return LineEdit(kept + name + self.after, len(kept) + len(name), self.offered, picked)
        fitting = tuple(dict.fromkeys(name for name in names if name.startswith(begun)))
        common = "".join([chars[0] for chars in takewhile(_is_one, zip(*fitting, strict=False))])
        if len(common) > len(begun):
            return self.insert(common[len(begun) :])
        return self._replace(offered=fitting) if len(fitting) > 1 else self
