"""Turn the cells of a document into a lesson."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from llm_linalg.base.errors import ProgramError
from llm_linalg.base.text import NOTHING, CleanText, clean, clean_lines
from llm_linalg.language.source import MAX_CHARACTERS, Source
from llm_linalg.lessons.lesson import Heading, Lesson, Stop
from llm_linalg.lessons.markdown import MOST_LINES, Paragraph, paragraphs
from llm_linalg.lessons.stop import CodeAbove

MOST_CELLS = 2_000
MOST_PROSE = 4_000_000  # characters in all
LONGEST_TITLE = 80


class DocumentError(Exception):
    """An error in a document, with its line, from 1."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line
        self.reason = reason


@dataclass(frozen=True, slots=True)
class DocumentCell:
    """A cell of a document.

    Attributes:
        kind: Code, or prose in Markdown.
        text: Its text.
        line: The line in the file, from 1, above its first; in a notebook, the cell's number.
    """

    kind: Literal["code", "prose"]
    text: str
    line: int = 1


@dataclass(slots=True)
class _Above:
    """The prose since the last code cell."""

    paragraphs: list[str]
    line: int = 1


def lesson_of_cells(cells: Sequence[DocumentCell], path: Path) -> Lesson:
    """Return a lesson with one stop for each code cell.

    Raises:
        DocumentError: If there are no code cells, or too many.
    """
    cells = [cell for cell in cells if cell.text.strip()]
    if not any(cell.kind == "code" for cell in cells):
        raise DocumentError(1, "there is no program in it: no cell of Python")
    if len(cells) > MOST_CELLS:
        raise DocumentError(1, f"it has {len(cells):,} cells; {MOST_CELLS:,} are read")
    if sum(len(cell.text) for cell in cells if cell.kind == "prose") > MOST_PROSE:
        raise DocumentError(1, f"it has more than {MOST_PROSE:,} characters of prose")
    if sum(cell.text.count("\n") + 1 for cell in cells if cell.kind == "prose") > MOST_LINES:
        raise DocumentError(1, f"it has more than {MOST_LINES:,} lines of prose")
    name = clean(clean(path.stem, LONGEST_TITLE) or "document")
    stops: list[Stop] = []
    outline: list[Heading] = []
    running: list[str] = []
    title, above = NOTHING, _Above([])
    for cell in cells:
        if cell.kind == "prose":
            above.line = cell.line if not above.paragraphs else above.line
            for found in paragraphs(clean(cell.text, None, lines=True)):
                if found.level:
                    title = clean(found.text, LONGEST_TITLE)
                    found = Paragraph(title, found.level)
                    outline.append(Heading(found.level, title, len(stops) + 1))
                above.paragraphs.append(found.as_prose)
            continue
        stops.append(_stop(len(stops) + 1, title or name, above.paragraphs, cell, running))
        if stops[-1].refusal is None:
            running.append(cell.text)
        above = _Above([])
    if above.paragraphs:  # prose below the last program
        last = DocumentCell("code", "", above.line)
        stops.append(_stop(len(stops) + 1, title or name, above.paragraphs, last, running))
    first = outline[0].title if outline else name
    return Lesson(
        slug=name, title=first, stops=tuple(stops), path=path, outline=tuple(outline), document=True
    )


def _stop(number: int, title: CleanText, prose: list[str], cell: DocumentCell, running: list[str]) -> Stop:
    if len(prose) and prose[0] == f"**{title}**":
        prose = prose[1:]  # it repeats the stop's title
    return Stop(
        number=number,
        title=title,
        prose=clean_lines("\n\n".join(prose)),
        code=cell.text,
        above=CodeAbove(running, len(running)),
        line=cell.line,
        refusal=_refusal(cell.text),
    )


def _refusal(code: str) -> str | None:
    """Return why the language rejects a cell before it runs; None if it doesn't."""
    if len(code) > MAX_CHARACTERS:
        return f"the cell has {len(code)} characters; {MAX_CHARACTERS} are allowed"
    try:
        Source(code)
    except ProgramError as error:
        return error.message
    return None
