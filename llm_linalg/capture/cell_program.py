"""The statements of a notebook's cell, without the commands of its notebook; each stays where it was."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence

from llm_linalg.base.errors import LimitError, ProgramError, Span
from llm_linalg.base.source import Source
from llm_linalg.base.text import characters

_LONGEST_COMMAND = 60  # characters of a line that is left out, as it is shown
_TIMING = ("time", "timeit", "prun", "memit", "mprun", "lprun")  # commands that run the Python behind them
_AROUND = ("time", "prun", "memit", "mprun", "lprun", "capture")  # of a whole cell whose names stay
_BOUND = re.compile(r"(\s*)[A-Za-z_][\w.]*(?:\s*,\s*\w+)*\s*=\s*([%!]+[^\s(]*).*")
_LINE = re.compile(r"(\s*)%([A-Za-z]\w*)((?:\s+-\w+(?:\s*\d+)?)*)(?:\s+(.*))?")
_SHELL = re.compile(r"(\s*)(?:!|%).*")
_QUESTION = re.compile(r"(\s*)(?:[\w.]{1,80}\?{1,2}|\?{1,2}[\w.]{1,80})\s*")
_WHOLE = re.compile(r"\s*%%([A-Za-z]\w*)(.*)")


class CellProgram:
    """A cell of a program, and its statements, whose lines are those of the program.

    `line` is the one, from 1, at which it begins in the program.

    Attributes:
        statements: Its statements; none if it is not Python.
        left_out: By line, the commands that were left out.
        commands: By statement that needs what a command gives, why it is not run.
        error: Why it is not Python, or too long; None if it is read.
        python: Its text as Python, lines and columns as they are: commands have become `0`, and a cell that
            can't be read is blank.
    """

    def __init__(self, text: str, line: int = 1) -> None:
        self.text, self.line = text.replace("\r\n", "\n"), line
        self.statements: list[ast.stmt] = []
        self.left_out: dict[int, str] = {}
        self.commands: dict[ast.stmt, str] = {}
        self.error: ProgramError | None = None
        self.python = self.text
        try:
            self.statements = self._read()
        except ProgramError as error:
            self.error = error
            self.python = "\n" * self.text.count("\n")
        for statement in self.statements if line > 1 else ():
            ast.increment_lineno(statement, line - 1)

    def _read(self) -> list[ast.stmt]:
        try:
            return Source(self.text).tree.body
        except LimitError:
            raise
        except ProgramError as error:
            made, left_out, bound = _without_commands(self.text.split("\n"))
            if not left_out and not bound:
                raise error.shift(self.line - 1) from None
        statements = []
        self.python = "\n".join(made)
        for statement in Source(self.python).tree.body:
            lines = range(statement.lineno, (statement.end_lineno or statement.lineno) + 1)
            command = next((bound[line] for line in lines if line in bound), None)
            if command is not None:
                self.commands[statement] = f"not run: {command} is a notebook's command"
            match statement:
                case ast.Expr(value=ast.Constant(value=0)) if command is None and lines[0] in left_out:
                    continue  # it stands for a command
            statements.append(statement)
        self.left_out = {self.line - 1 + line: text for line, text in left_out.items()}
        return statements

    def span(self, statement: ast.stmt) -> Span:
        """Return the place of a statement in the program."""
        lines = self.text.split("\n")
        end = statement.end_lineno or statement.lineno
        first, last = lines[statement.lineno - self.line], lines[end - self.line]
        stop = characters(last, statement.end_col_offset or 0)
        if statement in self.commands:  # of which the Python in its place is shorter
            stop = len(last.rstrip())
        return Span(statement.lineno, characters(first, statement.col_offset), end, stop)


def cells_of(text: str, starts: Sequence[int]) -> tuple[tuple[CellProgram, ...], Source]:
    """Return the cells of a program, and all of it as Python, without commands and unreadable cells.

    `starts` are the lines, from 1, at which they begin, if it has cells; some may have no lines.

    Raises:
        ProgramError: If what is not in cells is not Python, or all of it is too long.
    """
    if not starts:
        return (), Source(text)
    lines, firsts = text.split("\n"), sorted(starts)
    ends = [*firsts[1:], len(lines) + 1]
    cells = [
        CellProgram("\n".join(lines[first - 1 : end - 1]), first)
        for first, end in zip(firsts, ends, strict=True)
    ]
    parts = [cell.python for cell in cells if cell.text or cell.line <= len(lines)]
    return tuple(cells), Source("\n".join([*lines[: firsts[0] - 1], *parts]))


def parts_of(body: Sequence[ast.stmt]) -> Callable[[ast.stmt], list[ast.stmt]]:
    """Return what gives a statement of a cell with what is noted around it in the tree that is run.

    What was added to a statement there has its place.
    """
    parts: dict[tuple[int, int], list[ast.stmt]] = {}
    for own in body:
        parts.setdefault((own.lineno, own.col_offset), []).append(own)

    def of(statement: ast.stmt) -> list[ast.stmt]:
        before = parts.get((statement.lineno, statement.col_offset), [])
        if isinstance(statement, ast.Import | ast.ImportFrom):  # which may have one name of several
            return [*[own for own in before if not isinstance(own, ast.Import | ast.ImportFrom)], statement]
        return before

    return of


def _without_commands(lines: Sequence[str]) -> tuple[list[str], dict[int, str], dict[int, str]]:
    """Return a cell's lines without commands, and these by line: those left out, those whose result is used.

    A command that stood alone has become `0`, so that all columns stay.
    """
    made, left_out, bound = [*lines], dict[int, str](), dict[int, str]()
    first = next((place for place, line in enumerate(lines) if line.strip()), 0)
    if whole := _WHOLE.fullmatch(lines[first]):
        left_out[first + 1] = lines[first].strip()[:_LONGEST_COMMAND]
        made[first] = ""
        if whole[1] not in _AROUND:
            return [""] * len(lines), left_out, bound
    goes_on = False
    for place, line in enumerate(made):
        run, text = _LINE.fullmatch(line), line.strip()[:_LONGEST_COMMAND]
        if goes_on:
            made[place] = ""
        elif command := _BOUND.fullmatch(line):
            made[place] = f"{line[: line.index('=') + 1]} 0"
            bound[place + 1] = command[2][:_LONGEST_COMMAND]
            continue
        elif run and run[2] == "run":
            made[place] = f"{run[1]}0"
            bound[place + 1] = text
            continue
        elif run and run[2] in _TIMING and run[4]:
            made[place] = f"{run[1]}0;".ljust(run.start(4)) + run[4]
            left_out[place + 1] = f"%{run[2]}"
            continue
        elif command := _SHELL.fullmatch(line) or _QUESTION.fullmatch(line):
            made[place] = f"{command[1]}0"
            left_out[place + 1] = text
        else:
            continue
        goes_on = line.rstrip().endswith("\\")
    return made, left_out, bound
