"""Turn the cells of a document into a lesson."""

from __future__ import annotations

import ast
import builtins
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from llm_linalg.base.code_names import code_names
from llm_linalg.base.constants import PRESET_NAMES
from llm_linalg.base.text import NOTHING, CleanText, clean, clean_lines
from llm_linalg.capture.cell_program import CellProgram
from llm_linalg.lessons import question_reader
from llm_linalg.lessons.documents.foreign_markdown import readable
from llm_linalg.lessons.fence_options import list_fence
from llm_linalg.lessons.lesson import Lesson, LineError
from llm_linalg.lessons.markdown import MOST_LINES, RULE, Block, blocks, group_blocks, plain_text
from llm_linalg.lessons.stop import Heading, Stop
from llm_linalg.questions.question import Ask

MOST_CELLS = 2_000
MOST_PROSE = 4_000_000  # characters in all
LONGEST_TITLE = 80


_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_SHOWS_NOTHING = (*_DEFINITIONS, ast.Pass)
_QUESTION = re.compile(r"(ask|exercise)((?:\s+\w+\s*=.*)?)")


@dataclass(frozen=True, slots=True)
class DocumentCell:
    """A cell of a document."""

    kind: Literal["code", "prose"]  # code, or prose in Markdown
    text: str
    line: int = 1  # the line in the file, from 1, above its first; in a notebook, the cell's number
    saved: CleanText = NOTHING  # the outputs that a notebook has saved of it, as text


def lesson_of_cells(cells: Sequence[DocumentCell], path: Path) -> Lesson:
    """Return a lesson with one stop for each code cell, and for each exercise.

    Raises:
        LineError: If there are no code cells, or too many, or a question is broken.
    """
    cells = [cell for cell in cells if cell.text.strip()]
    if not any(cell.kind == "code" for cell in cells):
        raise LineError(1, "there is no program in it: no cell of Python")
    if len(cells) > MOST_CELLS:
        raise LineError(1, f"it has {len(cells):,} cells; {MOST_CELLS:,} are read")
    if sum(len(cell.text) for cell in cells if cell.kind == "prose") > MOST_PROSE:
        raise LineError(1, f"it has more than {MOST_PROSE:,} characters of prose")
    if sum(cell.text.count("\n") + 1 for cell in cells if cell.kind == "prose") > MOST_LINES:
        raise LineError(1, f"it has more than {MOST_LINES:,} lines of prose")
    name = clean(clean(path.stem, LONGEST_TITLE) or "document")
    made = _DocumentStops(name, numbered=path.suffix.lower() == ".ipynb")
    for cell in cells:
        made.add(cell)
    made.close()
    first = made.outline[0].title if made.outline else name
    return Lesson(
        slug=name,
        title=first,
        stops=tuple(made.stops),
        path=path,
        outline=tuple(made.outline),
        document=True,
        opens_at=first_shown(made.stops),
    )


class _DocumentStops:
    """The stops of the cells so far, and the prose since the last of them.

    Above the first heading a stop is called after the document. With
    `numbered` a line is a cell's number, as in a notebook.
    """

    def __init__(self, name: CleanText, *, numbered: bool) -> None:
        self.stops: list[Stop] = []
        self.outline: list[Heading] = []
        self._title = name
        self._numbered = numbered
        self._running: list[str] = []
        self._prose: list[str] = []
        self._line = 1
        self._ask: Ask | None = None  # one that the next program is asked about
        self._section = 0  # the position of the first stop below the last heading

    def add(self, cell: DocumentCell) -> None:
        """Add a cell: a program, prose, or a question."""
        question = written_question(cell)
        if question is not None:
            self._take(*question, cell.line)
        elif cell.kind == "prose":
            self._add_prose(cell)
        else:
            stop = self._stop(cell)
            self.stops.append(stop._replace(ask=self._ask))
            self._ask = None
            self._running.append(cell.text)

    def close(self) -> None:
        """Make a stop of the prose below the last program."""
        self._end_section()
        if any(line != RULE for line in self._prose):
            self.stops.append(self._stop(DocumentCell("code", "", self._line)))

    def _add_prose(self, cell: DocumentCell) -> None:
        self._line = cell.line if not self._prose else self._line
        prose: list[Block] = []
        for block in blocks(readable(clean(cell.text, None, lines=True))):
            question = _question_in(block.info, block.text) if block.is_fence else None
            if question is None:
                prose.append(block)
                continue
            self._add_paragraphs(prose)
            prose = []
            self._take(*question, cell.line if self._numbered else cell.line + block.first)
        self._add_paragraphs(prose)

    def _add_paragraphs(self, parts: Sequence[Block]) -> None:
        for first, *others in group_blocks(parts):
            if first.level:
                self._end_section()
                self._title = clean(plain_text(first.text), LONGEST_TITLE)
                self.outline.append(Heading(first.level, self._title, len(self.stops) + 1))
                first = first._replace(text=self._title)
            self._prose.append("\n".join(block.source for block in (first, *others)))

    def _take(self, word: str, info: str, text: str, line: int) -> None:
        """Add a question, whose fence begins at a line."""
        fence = list_fence(info, text, line, numbered=not self._numbered)
        if word == "ask":
            self._ask = question_reader.read_ask(fence, ())
        else:
            stop = self._stop(DocumentCell("code", "", line))
            self.stops.append(question_reader.exercise_stop(stop, fence, (), self.stops))

    def _end_section(self) -> None:
        """Ask about the last program above, if there is none below."""
        places = [k for k in range(self._section, len(self.stops)) if self.stops[k].code]
        if self._ask is not None and places:
            self.stops[places[-1]] = self.stops[places[-1]]._replace(ask=self._ask)
        self._ask, self._section = None, len(self.stops)

    def _stop(self, cell: DocumentCell) -> Stop:
        prose, self._prose = self._prose, []
        if prose[:1] == [f"**{self._title}**"]:
            prose = prose[1:]  # it repeats the stop's title
        words = [place for place, paragraph in enumerate(prose) if paragraph != RULE]
        prose = prose[words[0] : words[-1] + 1] if words else []  # at its ends a rule divides nothing
        return Stop(
            number=len(self.stops) + 1,
            title=self._title,
            prose=clean_lines("\n\n".join(prose)),
            code=cell.text,
            above=tuple(self._running),
            line=cell.line,
            refusals=_refusals(cell.text),
            saved=cell.saved,
        )


def written_question(cell: DocumentCell) -> tuple[str, str, str] | None:
    """Return the question that a whole cell is: its first line says `ask` or `exercise`; else None.

    A cell of code is one if it is nothing but comments. It must have a check: many notebooks call a cell an
    exercise.
    """
    lines = cell.text.strip().split("\n")
    if cell.kind == "code":
        if not all(line.startswith("#") for line in lines):
            return None
        lines = [line[1:].removeprefix(" ") for line in lines]
    return _question_in(lines[0].strip(), "\n".join(lines[1:]))


def _question_in(info: str, text: str) -> tuple[str, str, str] | None:
    """Return the word, the options and the text of a question with a check; None for anything else."""
    match = _QUESTION.fullmatch(info)
    has_check = any(line.startswith("check:") for line in text.split("\n"))
    return (match[1], match[2], text) if match and has_check else None


def first_shown(stops: Sequence[Stop]) -> int:
    """Return the number of the first stop whose cell shows something, as far as its text tells; else 1.

    Imports, definitions and seeds show nothing, nor does what needs a package that is not installed. A cell
    that runs whole comes before one of which a statement is not run.
    """
    known = {*PRESET_NAMES, *dir(builtins)}
    in_part: list[int] = []
    for stop in stops:
        if not stop.code:
            continue
        source = CellProgram(stop.code)
        shows, runs_whole = False, source.error is None
        for statement in source.statements:
            names = code_names(statement)
            if isinstance(statement, ast.Import | ast.ImportFrom):
                known |= names.binds if _is_installed(statement) else set()
                continue
            later = set() if isinstance(statement, _DEFINITIONS) else names.later
            runs = statement not in source.commands and names.loads | later <= known | names.binds
            known = known | names.binds if runs else known - names.binds
            runs_whole &= runs
            shows |= runs and not isinstance(statement, _SHOWS_NOTHING) and not _seeds(statement)
        if shows and runs_whole:
            return stop.number
        in_part += [stop.number] if shows else []
    return in_part[0] if in_part else 1


def _is_installed(statement: ast.Import | ast.ImportFrom) -> bool:
    """Return whether the packages that a statement imports from are there; none is imported."""
    if isinstance(statement, ast.ImportFrom):
        paths = [] if statement.level else [statement.module or ""]
    else:
        paths = [item.name for item in statement.names]
    packages = [path.partition(".")[0] for path in paths]
    try:
        return all(package in sys.modules or find_spec(package) is not None for package in packages)
    except (ImportError, ValueError):
        return False


def _seeds(statement: ast.stmt) -> bool:
    """Return whether a statement does nothing but seed."""
    match statement:
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name))):
            return "seed" in name
    return False


def _refusals(code: str) -> tuple[tuple[int, str], ...]:
    """Return why a cell, or statements of it, are not run, with their lines."""
    source = CellProgram(code)
    if source.error is not None:
        return ((source.error.line or 1, source.error.message),)
    return tuple((statement.lineno, reason) for statement, reason in source.commands.items())
