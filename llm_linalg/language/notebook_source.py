"""The program of a notebook's cells: checked statement by statement, its shell's commands left out.

One program is all right or refused. Of a notebook what is refused is a statement, or a cell that can't be
parsed, and what stands beside it is run.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from llm_linalg.base.errors import LimitError, ProgramError, Span
from llm_linalg.language import suggestions
from llm_linalg.language.source import MAX_CHARACTERS, MAX_NODES, Source

MOST_CHARACTERS = 4 * MAX_CHARACTERS  # of all cells
MOST_NODES = 4 * MAX_NODES
_LONGEST_MARK = 60  # characters of a line that is left out, as it is told

_RUN = ("time", "timeit", "prun", "memit", "mprun", "lprun")  # commands that run the Python behind them
_RUN_WHOLE = (*_RUN, "capture")
_RUN_FILE = "run"  # the command that runs a file among the program's names
_BOUND = re.compile(r"(\s*)[A-Za-z_][\w.]*(?:\s*,\s*\w+)*\s*=\s*([%!]+[^\s(]*).*")
_LINE = re.compile(r"(\s*)%([A-Za-z]\w*)((?:\s+-\w+(?:\s*\d+)?)*)(?:\s+(.*))?")
_SHELL = re.compile(r"(\s*)(?:!|%).*")
_QUESTION = re.compile(r"(\s*)(?:[\w.]{1,80}\?{1,2}|\?{1,2}[\w.]{1,80})\s*")
_WHOLE = re.compile(r"\s*%%([A-Za-z]\w*)(.*)")


class CellPython(NamedTuple):
    """A cell without the commands of its notebook, each character in the column where it was.

    Attributes:
        lines: Its lines; a command that stands alone has become `0`.
        left_out: By line, from 1, what was left out.
        bound: By line, commands whose result a name is bound to, which is therefore refused; and `%run`.
        timed: The lines that are run as often as a clock wants.
        has_scope: Whether the names that it binds are gone at its end.
    """

    lines: tuple[str, ...]
    left_out: Mapping[int, str]
    bound: Mapping[int, str]
    timed: frozenset[int] = frozenset()
    has_scope: bool = False


def python_of(lines: Sequence[str]) -> CellPython:
    """Return a cell without its notebook's commands; what they run, as in `%timeit f(x)`, stays."""
    made = list(lines)
    left_out: dict[int, str] = {}
    bound: dict[int, str] = {}
    timed: set[int] = set()
    first = next((place for place, line in enumerate(lines) if line.strip()), 0)
    whole = _WHOLE.fullmatch(lines[first]) if lines else None
    if whole is not None:
        left_out[first + 1] = lines[first].strip()[:_LONGEST_MARK]
        if whole[1] not in _RUN_WHOLE:
            return CellPython(("",) * len(lines), left_out, {})
        made[first] = ""
        if whole[1] == "timeit":
            timed = set(range(first + 2, len(lines) + 1))
    goes_on = False
    for place, line in enumerate(made):
        number = place + 1
        run, binding = _LINE.fullmatch(line), _BOUND.fullmatch(line)
        if goes_on:
            made[place], goes_on = "", line.rstrip().endswith("\\")
        elif binding:
            equals = line.index("=") + 1
            made[place] = f"{line[:equals]} 0"
            bound[number] = binding[2][:_LONGEST_MARK]
        elif run and run[2] == _RUN_FILE:
            made[place] = f"{run[1]}0"
            bound[number] = line.strip()[:_LONGEST_MARK]
        elif run and run[2] in _RUN and run[4]:
            made[place] = f"{run[1]}0;".ljust(run.start(4)) + run[4]
            left_out[number] = f"%{run[2]}"
            timed |= {number} if run[2] == "timeit" else set()
        elif found := _SHELL.fullmatch(line) or _QUESTION.fullmatch(line):
            made[place] = f"{found[1]}0"
            left_out[number] = line.strip()[:_LONGEST_MARK]
            goes_on = line.rstrip().endswith("\\")
    has_scope = whole is not None and whole[1] == "timeit"
    return CellPython(tuple(made), left_out, bound, frozenset(timed), has_scope)


class NotebookSource(Source):
    """The checked program of a notebook's cells.

    Args:
        text: The cells, one below the other.
        cells: The lines, from 1, at which they begin.

    Attributes:
        refused: Why each statement is refused that is; for a cell that can't be parsed a `pass` stands.
        unread: The text of such cells.
        left_out: By line, from 1, a command of the notebook that means nothing here.
        timed: The lines that are run as often as a clock wants.
        scoped: The lines of cells whose names are gone at their end.
        files: The statements that stand for a file which is run among the program's names.
    """

    def __init__(self, text: str, cells: Sequence[int]) -> None:
        self._begin(text)
        self.unread: dict[ast.stmt, str] = {}
        self.left_out: dict[int, str] = {}
        self.timed: set[int] = set()
        self.scoped: set[int] = set()
        self.files: set[ast.stmt] = set()
        self._room = [MOST_CHARACTERS, MOST_NODES]
        body: list[ast.stmt] = []
        for start, end in pairwise([*sorted(cells), len(self._lines) + 1]):
            body += self._cell(self._lines[start - 1 : end - 1], start - 1)
        self.tree = ast.Module(body, [])

    def _cell(self, lines: Sequence[str], above: int) -> list[ast.stmt]:
        """Return the statements of a cell below so many lines."""
        text = "\n".join(lines)
        self._room[0] -= len(text)
        try:
            if self._room[0] < 0:
                raise LimitError(f"the cells have more than {MOST_CHARACTERS:,} characters together")
            return self._statements(text, above, CellPython((), {}, {}))
        except ProgramError as error:
            if not isinstance(error, LimitError):
                python = python_of(lines)
                if python.left_out or python.bound:
                    return self._without_commands(python, above, text)
            return [self._unread(text, error, above)]

    def _without_commands(self, python: CellPython, above: int, text: str) -> list[ast.stmt]:
        try:
            return self._statements("\n".join(python.lines), above, python)
        except ProgramError as error:
            return [self._unread(text, error, above)]

    def _statements(self, text: str, above: int, python: CellPython) -> list[ast.stmt]:
        cell = Source(text, by_statement=True)
        self._room[1] -= cell.size
        if self._room[1] < 0:
            raise LimitError(f"the cells have more than {MOST_NODES:,} parts together")
        self.left_out |= {above + line: told for line, told in python.left_out.items()}
        self.timed |= {above + line for line in python.timed}
        if python.has_scope:
            self.scoped |= {above + line for line in range(1, len(python.lines) + 1)}
        kept = [item for item in cell.tree.body if not _is_command(item, python)]
        for statement in kept:
            refusal = cell.refused.get(statement) or self._bound(statement, python, text)
            if above:  # it goes through the whole tree
                ast.increment_lineno(statement, above)
            if refusal is not None:
                self.refused[statement] = refusal.shift(above)
        return kept

    def _bound(self, statement: ast.stmt, python: CellPython, text: str) -> ProgramError | None:
        """Return the refusal of a statement in which a command's result is bound."""
        for line in range(statement.lineno, (statement.end_lineno or statement.lineno) + 1):
            if line in python.bound:
                column = python.lines[line - 1].find("=")
                if column < 0:
                    self.files.add(statement)
                command = python.bound[line]
                message = suggestions.file_command(command) if column < 0 else suggestions.command(command)
                return ProgramError(message, Span(line, 0, line, max(column, 1)), text)
        return None

    def _unread(self, text: str, error: ProgramError, above: int) -> ast.stmt:
        """Return what stands for a cell that can't be read."""
        line = above + (error.line or 1)
        stands = ast.Pass(lineno=line, col_offset=0, end_lineno=line, end_col_offset=1)
        self.refused[stands], self.unread[stands] = error.shift(above), text
        return stands


def _is_command(statement: ast.stmt, python: CellPython) -> bool:
    """Return whether a statement is the `0` that stands for a command."""
    match statement:
        case ast.Expr(value=ast.Constant(value=0)):
            return statement.lineno in python.left_out
    return False
