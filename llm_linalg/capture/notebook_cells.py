"""A notebook's program, run cell by cell and statement by statement.

A statement that fails as it would in Jupyter ends its cell, as there. One that fails for want of something
that is not here, such as a package or a file, doesn't: the next is run. Neither ends the notebook. What was
not run leaves marks (`Marks`), and what reads one of these `rests` on its cell.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator, MutableMapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from copy import copy
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import NamedTuple

from torch import Tensor

from llm_linalg.base.code_names import code_names
from llm_linalg.base.errors import LimitError, MissingValueError, ProgramError
from llm_linalg.base.text import clean
from llm_linalg.base.untraced import untraced
from llm_linalg.capture.cell_program import CellProgram
from llm_linalg.capture.limits import Interruption
from llm_linalg.capture.marks import Marks, UnrunMark
from llm_linalg.capture.missing_package import MissingPackage, MissingPackageError
from llm_linalg.capture.plots import BlankFigureError, Plots, is_blank_figure
from llm_linalg.recording.cell_state import CellState, State

MOST_LEFT_OUT = 20  # lines of a cell that are told to be left out
MOST_ANSWERS = 6  # names by whose values a cell is shown
_LONGEST_REASON = 160  # characters
_LONGEST_ANSWER = 4_000
_LONGEST_LINE = 200
_UNTOLD = (Tensor, FunctionType, BuiltinFunctionType, ModuleType, type, MissingPackage)
NOT_HERE = (OSError, ImportError, BlankFigureError)
"""Errors of a statement that fails for want of something, and not by itself."""


class StatementResult(NamedTuple):
    """How a statement ended.

    Attributes:
        error: Why it failed; its `exception` is what Python raised.
        value: The value of an expression.
        node: The position of the node of that value; None if it is no tensor.
        nodes: How many nodes there are now.
        printed: What it printed.
        drew: The generators from which it drew random numbers; None if nobody knows.
    """

    error: ProgramError | None = None
    value: object = None
    node: int | None = None
    nodes: int = 0
    printed: str = ""
    drew: Collection[str] | None = None


Execute = Callable[[ast.stmt], StatementResult]
"""Runs a statement of the program."""
CellClock = Callable[[], AbstractContextManager[object]]
"""Returns the time of a cell: while it is entered a statement runs, and `Interruption` may be raised."""


class CellRun:
    """A run of the cells of a program.

    Attributes:
        errors: By the number of a cell, the first error in it.
        marks: What was not run leaves them.
    """

    def __init__(
        self,
        execute: Execute,
        names: MutableMapping[str, object],
        plots: Plots | None = None,
        clock: CellClock = nullcontext,
    ) -> None:
        self._execute, self._names, self._clock = execute, names, clock
        self._plots = plots or Plots()
        self.errors: dict[int, ProgramError] = {}
        self.marks = Marks(names)
        self._nodes = 0
        self._time: AbstractContextManager[object] = nullcontext()
        self._source = CellProgram("")
        self._state = CellState(0)
        self._left_out: list[str] = []
        self._has_run = False

    def run(self, cells: Sequence[CellProgram]) -> Iterator[CellState]:
        """Run cells, and yield how each ended."""
        with self._plots.installed():
            for number, cell in enumerate(cells, 1):
                yield self._cell(number, cell)

    def _cell(self, number: int, source: CellProgram) -> CellState:
        self._state, self._source, self._time = CellState(number), source, self._clock()
        before = self._nodes
        self._left_out = [*source.left_out.values()]
        self._has_run, last = False, StatementResult()
        if source.error is not None:
            self._note(source.error, "failed")
            self.marks.note_unrun_text(source.text, self._mark(_why(source.error, "failed")))
        for place, statement in enumerate(source.statements):
            goes_on, last = self._statement(statement)
            if not goes_on:
                self._leave(source.statements[place + 1 :])
                break
        answer, node = self._answer(source.statements[-1:], last)
        if node is None and self._nodes > before:
            node = self._nodes - 1
        plot, self._plots.plot = self._plots.plot, None
        if plot is not None and plot.node is not None:
            node = plot.node
        state = self._state._replace(answer=answer, node=node, plot=plot)
        if state.state == "run" and self._left_out and not self._has_run:
            state = state._replace(state="skipped")
        return state._replace(left_out=tuple(dict.fromkeys(self._left_out))[:MOST_LEFT_OUT])

    def _statement(self, statement: ast.stmt) -> tuple[bool, StatementResult]:
        """Run a statement; return whether the cell goes on, and how the statement ended."""
        reason = self._source.commands.get(statement)
        if reason is not None:
            self._note(ProgramError(reason, self._source.span(statement), self._text()), "failed")
            self._leave_unrun(statement, reason)
            if "%run" in reason:  # it runs a file among the program's names
                self.marks.note_unrun_all(self._mark(reason))
            return True, StatementResult()
        mark = self.marks.rests_on(statement)
        self._plots.statement = statement
        result = self._run(statement)
        error = result.error
        if error is None:
            self._settle(statement, mark, result)
            return True, result
        if isinstance(error.exception, ImportError) and isinstance(statement, ast.Import | ast.ImportFrom):
            return self._import(statement), result
        return self._fail(statement, mark, error), result._replace(value=None, node=None)

    def _run(self, statement: ast.stmt) -> StatementResult:
        try:
            with self._time:
                result = self._execute(statement)
        except Interruption as stop:
            error = LimitError(stop.error.message, self._source.span(statement), self._text())
            result = StatementResult(error, nodes=self._nodes)
        self._nodes = max(self._nodes, result.nodes)
        self._state = self._state._replace(printed=self._state.printed + result.printed)
        return result

    def _settle(self, statement: ast.stmt, mark: UnrunMark | None, result: StatementResult) -> None:
        """Take in that a statement was run."""
        mark = mark or self.marks.rests_on(statement, result.drew)
        self.marks.note_run(statement, self._state.number, result.drew)
        if mark is not None and self._state.state == "run":
            self._state = self._state._replace(state="rests", root=mark.root, reason=clean(str(mark), None))
        if isinstance(statement, ast.Expr) and is_blank_figure(result.value) and self._plots.plot is None:
            self._left_out.append(_first_line(ast.unparse(statement)))
        else:
            self._has_run = True

    def _import(self, statement: ast.Import | ast.ImportFrom) -> bool:
        """Import name by name; what can't be imported fails where it is used."""
        for item in statement.names:
            one = copy(statement)
            one.names = [item]
            error = self._run(one).error
            if error is None:
                self.marks.note_run(one, self._state.number, ())
                self._has_run = True
                continue
            path = item.name if isinstance(one, ast.Import) else one.module or "."
            reason = f"not run: {clean(_missing(error.exception), _LONGEST_REASON)}"
            self.marks.note_unrun(one, self._mark(reason))
            self._left_out.append(_first_line(ast.unparse(one)))
            if item.name != "*":
                name = item.asname or item.name.partition(".")[0]
                self._names[name] = MissingPackage(path, _missing(error.exception))
        return True

    def _fail(self, statement: ast.stmt, mark: UnrunMark | None, error: ProgramError) -> bool:
        """Take in that a statement failed; return whether the cell goes on."""
        if isinstance(error.exception, BlankFigureError):
            self._left_out.append(_first_line(ast.unparse(statement)))
            self._leave_unrun(statement, "not run: it needs a plot, which is not drawn")
            return True
        is_missing = isinstance(error.exception, MissingPackageError)
        if is_missing:
            error.message = clean(str(error.exception), _LONGEST_REASON)
        if mark is not None and not is_missing and not isinstance(error, LimitError):
            rests = MissingValueError(str(mark), error.span, error.source)
            self._note(rests, "rests", mark.root)
            self._leave_unrun(statement, mark.reason, mark.root)
            return True
        stopped = isinstance(error, LimitError)
        self._note(error, "stopped" if stopped else "failed")
        reason = _why(error, self._state.state)
        if stopped or isinstance(error.exception, NOT_HERE):
            self._leave_unrun(statement, reason)
            return not stopped
        self._miss(statement, reason)
        return False

    def _leave(self, statements: Sequence[ast.stmt]) -> None:
        """Take in that the statements below the end of a cell are not run."""
        reason = _why(self.errors[self._state.number], self._state.state)
        for statement in statements:
            if isinstance(self.errors[self._state.number], LimitError):
                self._leave_unrun(statement, reason)
            else:
                self._miss(statement, reason)

    def _leave_unrun(self, statement: ast.stmt, reason: str, root: int | None = None) -> None:
        """Take in that a statement was not run that Jupyter runs: older values are gone."""
        self.marks.note_unrun(statement, self._mark(reason, root))
        for name in _bound(statement):
            self._names.pop(name, None)

    def _miss(self, statement: ast.stmt, reason: str) -> None:
        """Take in that a statement is not run in Jupyter either: what is there is right."""
        missing = [name for name in code_names(statement).binds if name not in self._names]
        self.marks.note_unrun_names(missing, self._mark(reason))

    def _mark(self, reason: str, root: int | None = None) -> UnrunMark:
        return UnrunMark(self._state.number, root or self._state.number, reason)

    def _note(self, error: ProgramError, state: State, root: int | None = None) -> None:
        """Note the first error of a cell."""
        if self._state.number in self.errors:
            return
        self.errors[self._state.number] = error
        self._state = self._state._replace(state=state, root=root, reason=error.message, line=error.line)

    def _answer(self, statements: Sequence[ast.stmt], last: StatementResult) -> tuple[str, int | None]:
        """Return the text, or the node, of the value that a cell ends with or of what it binds."""
        if last.error is not None or not statements:
            return "", None
        match statements[0]:
            case ast.Expr():
                if last.node is not None or last.value is None or is_blank_figure(last.value):
                    return "", last.node
                return self._repr(last.value), None
            case ast.FunctionDef(name=name, args=args):
                return f"def {name}({_parameters(args)})"[:_LONGEST_LINE], None
            case ast.ClassDef(name=name):
                return f"class {name}", None
            case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
                bound = [(name, self._names.get(name)) for name in _bound(statements[0])[:MOST_ANSWERS]]
                lines = [
                    f"{name} = {_cut(self._repr(value))}"
                    for name, value in bound
                    if not isinstance(value, _UNTOLD) and not is_blank_figure(value)
                ]
                return "\n".join(lines)[:_LONGEST_ANSWER], None
        return "", None

    def _repr(self, value: object) -> str:
        """Return a value as Python writes it; what that takes is the cell's own time."""
        try:
            with self._time, untraced():
                return repr(value)[:_LONGEST_ANSWER]
        except (Exception, Interruption):  # noqa: BLE001  a program's own `__repr__` raises what it likes
            return f"<{type(value).__name__}>"

    def _text(self) -> str:
        return "\n" * (self._source.line - 1) + self._source.text


def _cut(text: str) -> str:
    """Return what is shown of the text of a value: its beginning; of several lines, as a module has, all."""
    return text if "\n" in text else text[:_LONGEST_LINE]


def _bound(statement: ast.stmt) -> list[str]:
    """Return the names that a statement surely binds to something new."""
    match statement:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Assign(targets=targets):
            parts = [part for target in targets for part in ast.walk(target)]
        case ast.AnnAssign(target=target) | ast.AugAssign(target=target):
            parts = [target]
        case _:
            return []
    return [part.id for part in parts if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)]


def _why(error: ProgramError, state: State) -> str:
    """Return why a cell was not run, as it is said behind `is made by cell 3,`."""
    reason = clean(error.message, _LONGEST_REASON)
    if state == "stopped":
        return reason if reason.startswith("stopped") else f"stopped: {reason}"
    return f"which failed: {reason}"


def _missing(error: BaseException | None) -> str:
    """Return why something could not be imported."""
    is_absent = isinstance(error, ModuleNotFoundError) and error.name is not None
    return f"{error.name} is not installed" if is_absent else str(error)  # type: ignore[union-attr]


def _first_line(text: str) -> str:
    return text.partition("\n")[0][:_LONGEST_LINE]


def _parameters(args: ast.arguments) -> str:
    """Return the parameters of a definition, without their defaults."""
    plain = [arg.arg for arg in (*args.posonlyargs, *args.args)]
    rest = [] if args.vararg is None else [f"*{args.vararg.arg}"]
    rest = ["*"] if args.kwonlyargs and not rest else rest
    named = [arg.arg for arg in args.kwonlyargs]
    others = [] if args.kwarg is None else [f"**{args.kwarg.arg}"]
    return ", ".join([*plain, *rest, *named, *others])
