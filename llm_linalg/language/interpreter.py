"""Interprets a checked syntax tree: a program is run, whole or cell by cell."""

from __future__ import annotations

import ast
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from llm_linalg.base.errors import HaltedError, LimitError, ProgramError, Repair, ShapeError
from llm_linalg.base.syntax import walk
from llm_linalg.language import allowlist
from llm_linalg.language.budget import A_CELL, A_CLASH, A_FAILURE, Budget
from llm_linalg.language.expressions import Explain
from llm_linalg.language.local_names import bound_names, imported_as
from llm_linalg.language.source import Source
from llm_linalg.language.statements import Broken, Continued, Returned, Statements, imported
from llm_linalg.recording import scopes
from llm_linalg.recording.record_node import Node

MOST_MENDED = 20  # cells that fail for which repairs are sought


FindRepairs = Callable[
    ["Interpreter", ast.expr | ast.stmt, ShapeError, list[ast.expr | None]], tuple[Repair, ...]
]

_STRAIGHT = ast.Assign | ast.AugAssign | ast.Expr  # statements all of which is reached
_MAYBE = ast.IfExp | ast.BoolOp | ast.comprehension  # but within these


class Interpreter(Statements):
    """Runs one program, and can run others over its names.

    Args:
        source: The checked program.
        names: Plain values or tensors that the program may use.
        budget: What calls are held against.
        explain: Turns a failed call into the error that is shown.
        find_repairs: Finds what can stand in place of a call whose shapes clash; None: nothing is looked for.
        node_type: What the nodes of its calls are made as.

    Attributes:
        refused: What failed in cells, and was passed over.
    """

    def __init__(
        self,
        source: Source,
        names: Mapping[str, Any],
        budget: Budget,
        explain: Explain,
        find_repairs: FindRepairs | None = None,
        node_type: type[Node] = Node,
    ) -> None:
        super().__init__(source, names, budget, explain)
        self.recorder.node_type = node_type
        self._find_repairs = find_repairs

    refused: tuple[ProgramError, ...] = ()

    def run(self, cells: Sequence[int] = ()) -> None:
        """Run the program; torch calls are recorded.

        Args:
            cells: Lines at which its cells begin. What fails in one is passed over, but in the last; after
                one that asked for too much the others have at least half of what it had.
        """
        self.budget.start()
        body = self.source.tree.body
        begun = 0
        for start in sorted(cells)[1:]:
            self.budget.steps -= A_CELL
            end = bisect_left(body, start, key=lambda item: item.lineno)
            try:
                self._run(body[begun:end])
            except HaltedError:
                raise
            except ProgramError as error:
                self.budget.steps -= A_CLASH if isinstance(error, ShapeError) else A_FAILURE
                self.refused = (*self.refused, _alone(error))
                self.recorder.failed = self.failing = None
                if isinstance(error, LimitError):
                    self.budget.start_smaller()
                if self.budget.steps < 0:  # nothing that stands below could run
                    self._spent(body[begun])
            begun = end
        self._run(body[begun:])
        for node in self.recorder.nodes:
            node.scope = scopes.plainly(node.scope, self._calls)

    def _spent(self, statement: ast.stmt) -> NoReturn:
        """Raise what is said once no step is left, at a statement."""
        try:
            self.budget.look()
        except ProgramError as error:
            self.fail(error, statement)
        raise AssertionError

    def _run(self, statements: list[ast.stmt]) -> None:
        try:
            self._refuse_missing(statements)
            with self.recorder:
                self._each(statements)
        except (Returned, Broken, Continued):
            raise self.error(
                "`return`, `break` and `continue` belong inside a `def` or a `for`", self._at
            ) from None
        except RecursionError:
            raise LimitError("the program is nested too deeply to run") from None
        except ShapeError as error:
            if (
                self.failing is not None
                and self._find_repairs is not None
                and len(self.refused) < MOST_MENDED
            ):
                node, pieces, names = self.failing
                outer, self.names = self.names, names
                try:
                    error.repairs = self._find_repairs(self, node, error, pieces)
                finally:
                    self.names = outer
            raise

    def _refuse_missing(self, statements: list[ast.stmt]) -> None:
        """Refuse what torch's modules lack in the language where it stands behind a loop, before that runs.

        Raises:
            ProgramError: If a line that is surely reached names such a thing.
        """
        loop = next((place for place, item in enumerate(statements) if isinstance(item, ast.For)), None)
        if loop is None:
            return
        modules = self._modules()
        for statement in statements[loop + 1 :]:
            parts = list(walk(statement)) if isinstance(statement, _STRAIGHT) else []
            if not any(isinstance(part, _MAYBE) for part in parts):
                for part in parts:
                    if isinstance(part, ast.Attribute):
                        self._module(part, modules)

    def _modules(self) -> Mapping[str, Any]:
        """Return torch's modules by the names that mean nothing else in the program."""
        imports = [item for item in self.source.tree.body if isinstance(item, ast.Import | ast.ImportFrom)]
        others = bound_names([item for item in self.source.tree.body if item not in imports])
        modules = {**allowlist.IMPORTED}
        for item in imports:
            modules |= {imported_as(alias): imported(item, alias)[1] for alias in item.names}
        return {name: module for name, module in modules.items() if name not in others}

    def _module(self, node: ast.expr, modules: Mapping[str, Any]) -> Any:
        """Return what a dotted name means in a module; raise if the module lacks it."""
        if isinstance(node, ast.Name):
            known = self.names.get(node.id)
            return modules.get(node.id) if known is None or isinstance(known, allowlist.Namespace) else None
        if not isinstance(node, ast.Attribute):
            return None
        owner = self._module(node.value, modules)
        return self._member(owner, node) if isinstance(owner, allowlist.Namespace) else None

    def _each(self, statements: list[ast.stmt]) -> None:
        for statement in statements:
            self.values.clear()
            self._statement(statement)

    def again(self, source: Source, budget: Budget) -> Interpreter:
        """Return an interpreter of another program over the same names."""
        other = Interpreter(source, {}, budget, self._explain)
        other.names = self.names.new_child()
        return other


def _alone(error: ProgramError) -> ProgramError:
    """Return an error without what led to it, which holds all that was at hand there."""
    found: BaseException | None = error
    while found is not None:
        found.__traceback__ = None
        found = found.__cause__ or found.__context__
    return error
