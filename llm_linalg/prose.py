"""Markdown as lessons and documents read it: headings, fences, paragraphs, and links to lessons."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_FENCE = re.compile(r"([ \t]*)(`{3,}|~{3,})[ \t]*(.*)")
_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(.*?)[ \t#]*")
_LINK = re.compile(r"\[([^\[\]\n]+)\]\(lesson:([A-Za-z0-9_-]+)\)")
# A line that begins something of its own, and so does not run on from the line above it.
_OWN = re.compile(r"\s*([-*+>|]|\d+[.)])(\s|$)|\s*\||\s{4,}|\s*(```|~~~)")


class Fence(NamedTuple):
    """The line that opens a fence: its indentation, its marks, and its info string."""

    indent: str
    mark: str
    info: str

    def closed_by(self, line: str) -> bool:
        """Whether a line closes it: marks of its kind alone, as many or more."""
        line = line.strip()
        return len(line) >= len(self.mark) and set(line) == {self.mark[0]}

    def end(self, lines: Sequence[str], start: int) -> int | None:
        """The place of the line that closes the fence opened at `start`; None if it is never closed."""
        places = range(start + 1, len(lines))
        return next((place for place in places if self.closed_by(lines[place])), None)


class Paragraph(NamedTuple):
    """A paragraph in one line, but for lists, tables and fences; of a heading, its level from 1."""

    text: str
    level: int = 0

    @property
    def shown(self) -> str:
        """The paragraph as prose: a heading within it is strong."""
        return f"**{self.text}**" if self.level else self.text


def fence(line: str, *, anywhere: bool = False) -> Fence | None:
    """The fence that a line opens, or None.

    Args:
        line: A line that stands in no fence.
        anywhere: However far it is indented, as in a list's item; else by three columns at most.
    """
    found = _FENCE.fullmatch(line)
    if not found or (found[2][0] == "`" and "`" in found[3]):
        return None
    if not anywhere and len(found[1].expandtabs(4)) > 3:
        return None
    return Fence(found[1], found[2], found[3])


def heading(line: str) -> Paragraph | None:
    """The heading that a line is, its text perhaps empty, or None."""
    found = _HEADING.fullmatch(line)
    return Paragraph(found[2].strip(), len(found[1])) if found else None


def paragraphs(text: str) -> Iterator[Paragraph]:
    """The paragraphs of Markdown; a heading and a fence are each one of their own.

    A fence keeps its lines, blank ones too; one that is never closed ends the text.
    """
    lines = text.split("\n")
    running: list[str] = []
    place = 0
    while place < len(lines):
        line = lines[place]
        title, opened = heading(line), fence(line)
        if running and (title or opened or not line.strip()):
            yield Paragraph("".join(running))
            running = []
        if opened:
            end = opened.end(lines, place)
            end = len(lines) - 1 if end is None else end
            yield Paragraph("\n".join(lines[place : end + 1]))
            place = end
        elif title:
            if title.text:
                yield title
        elif line.strip():
            gap = "" if not running else "\n" if _OWN.match(line) else " "
            running.append(gap + line.strip())
        place += 1
    if running:
        yield Paragraph("".join(running))


def spans(prose: str) -> tuple[tuple[str, str | None], ...]:
    """Prose in pieces: a text, and the slug of the lesson that it links to, or None.

    >>> spans("See [a product](lesson:matmul).")
    (('See ', None), ('a product', 'matmul'), ('.', None))
    """
    pieces: list[tuple[str, str | None]] = []
    at = 0
    for link in _LINK.finditer(prose):
        pieces += [(prose[at : link.start()], None), (link[1], link[2])]
        at = link.end()
    pieces.append((prose[at:], None))
    return tuple((text, slug) for text, slug in pieces if text)
