"""Interprets a checked syntax tree, statement by statement."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from llm_linalg import scopes
from llm_linalg.errors import HaltedError, LimitError, ProgramError, ShapeError
from llm_linalg.language import instead, printing, tables
from llm_linalg.language.budget import Budget
from llm_linalg.language.caller import UserFunction
from llm_linalg.language.evaluator import FAILURES
from llm_linalg.language.gradients import Gradients, enable_grad, no_grad
from llm_linalg.language.rehearsed import Rehearsed
from llm_linalg.language.source import Source, not_imported

MAX_CALLS = 30
_FLOW = ast.If | ast.For | ast.With | ast.FunctionDef | ast.Return | ast.Break | ast.Continue


class Returned(Exception):  # noqa: N818  a way out of nested statements, not an error
    """Leaves a function with its value."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


class Broken(Exception):  # noqa: N818
    """Leaves a loop."""


class Continued(Exception):  # noqa: N818
    """Goes on with the next turn of a loop."""


class Interpreter(Rehearsed):
    """Runs one program: what `Evaluator` evaluates is bound to names, and recorded."""

    _depth = 0

    def run(self, cells: Sequence[int] = ()) -> list[ProgramError]:
        """Run the program; torch calls are recorded.

        Args:
            cells: Lines at which its cells begin. What fails in one is passed over, but in the last.

        Returns:
            What was passed over.
        """
        refused: list[ProgramError] = []
        body = self.source.tree.body
        begun = 0
        for start in sorted(cells)[1:]:
            end = next((k for k, item in enumerate(body) if item.lineno >= start), len(body))
            try:
                self._run(body[begun:end])
            except HaltedError:
                raise
            except ProgramError as error:
                refused.append(error)
                self.recorder.failed = self._failing = None
            begun = end
        self._run(body[begun:])
        for node in self.recorder.nodes:
            node.scope = scopes.plainly(node.scope, self._calls)
        return refused

    def _run(self, statements: list[ast.stmt]) -> None:
        self.begin(statements)
        try:
            with self.recorder:
                for statement in statements:
                    self.values.clear()
                    self._statement(statement)
        except (Returned, Broken, Continued):
            raise self.error(
                "`return`, `break` and `continue` belong inside a `def` or a `for`", self._at
            ) from None
        except RecursionError:
            raise LimitError("the program is nested too deeply to run") from None
        except ShapeError as error:
            if self._failing is not None:
                from llm_linalg.repairs import repairs

                node, pieces, names = self._failing
                outer, self.names = self.names, names
                try:
                    error.repairs = repairs(self, node, error, pieces)
                finally:
                    self.names = outer
            raise

    def again(self, source: Source, budget: Budget) -> Interpreter:
        """Return an interpreter of another program over the same names."""
        other = Interpreter(source, {}, budget, self._explain)
        other.names = self.names.new_child()
        other._modules = self._modules
        other.begin(source.tree.body)
        return other

    def _statement(self, node: ast.stmt) -> None:
        self._at = node
        try:
            self.budget.step()
            self._execute(node)
        except FAILURES as error:
            self.fail(error, node)

    def _execute(self, node: ast.stmt) -> None:
        if isinstance(node, _FLOW):
            self._flow(node)
            return
        match node:
            case ast.Assign():
                value = self.evaluate(node.value)
                self._at = node
                for target in node.targets:
                    self.assign(target, value)
            case ast.AnnAssign(value=ast.expr() as right):
                self.assign(node.target, self.evaluate(right))
            case ast.AugAssign():
                self.augmented(node)
            case ast.Expr():
                self._given(node, self.evaluate(node.value))
            case ast.Assert():
                self._assert(node)
            case ast.Import() | ast.ImportFrom():
                self._import(node)

    def _flow(self, node: ast.stmt) -> None:
        match node:
            case ast.If():
                chosen = node.body if self._truth(self.evaluate(node.test), node.test) else node.orelse
                self._block(chosen)
            case ast.For():
                self._for(node)
            case ast.With():
                asked = [self._gradients(item.context_expr) for item in node.items]
                with self._recording(asked):
                    self._block(node.body)
            case ast.FunctionDef():
                self._define(node)
            case ast.Return():
                value = None if node.value is None else self.evaluate(node.value)
                self._given(node, value)
                raise Returned(value)
            case ast.Break():
                raise Broken
            case ast.Continue():
                raise Continued

    def _given(self, node: ast.stmt, value: Any) -> None:
        """Remember the tensor that a line returns, or that stands there alone."""
        if isinstance(value, Tensor):
            self._at = node
            self.gave(self.recorder.node_of(value))

    def _block(self, statements: Sequence[ast.stmt]) -> None:
        for statement in statements:
            self._statement(statement)

    def _for(self, node: ast.For) -> None:
        values = self.items(node.iter)
        with self.foreseen(node, values):
            for value in values:
                self._at = node
                self.assign(node.target, value)
                try:
                    self._block(node.body)
                except Continued:
                    continue
                except Broken:
                    return
        self._block(node.orelse)

    def _define(self, node: ast.FunctionDef) -> None:
        names = [arg.arg for arg in node.args.args]
        values = [self.evaluate(default) for default in node.args.defaults]
        defaults = dict(zip(names[len(names) - len(values) :], values, strict=True))
        for arg, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
            if default is not None:
                defaults[arg.arg] = self.evaluate(default)
        gradients = tuple(self._gradients(decorator) for decorator in node.decorator_list)
        self.names[node.name] = UserFunction(node, defaults, self.names, gradients)

    def _gradients(self, node: ast.expr) -> Gradients:
        """Return what stands after a ``with`` or an ``@``: it says whether gradients are recorded."""
        found = self.evaluate(node)
        if found is no_grad or found is enable_grad:  # `@torch.no_grad`, without brackets
            found = found()
        if not isinstance(found, Gradients):
            message = instead.SYNTAX[ast.With].replace("`with` is", "`with` and `@` are")
            raise self.error(message if isinstance(node, ast.Call) else instead.DECORATOR, node)
        return found

    @contextmanager
    def _recording(self, asked: Sequence[Gradients]) -> Iterator[None]:
        """Record gradients, or none, while the context is open."""
        if not asked:
            yield
            return
        severed, self.recorder.severed = self.recorder.severed, not asked[-1].recorded
        try:
            with torch.set_grad_enabled(asked[-1].recorded):
                yield
        finally:
            self.recorder.severed = severed

    def _assert(self, node: ast.Assert) -> None:
        if self._truth(self.evaluate(node.test), node.test):
            return
        said = "" if node.msg is None else f": {printing.text(self.evaluate(node.msg)):.300}"
        raise self.error(f"this does not hold{said}", node.test)

    def invoke(self, function: UserFunction, arguments: list[Any], named: dict[str, Any]) -> Any:
        """Call a function that the program defined: its names are its own, it sees those around it."""
        if self._depth >= MAX_CALLS:
            raise LimitError(f"functions that call each other more than {MAX_CALLS} deep")
        bound = function.bound(arguments, named)
        outer, self.names = self.names, function.scope.new_child()
        around, self._scope = self._scope, scopes.inside(self._scope, function.node.name, self._calls)
        self._depth += 1
        try:
            for name, value in bound.items():
                self.names[name] = value
                if isinstance(value, nn.Module):
                    self.bind(name, value)  # its parameters have no name of their own
            with self._recording(function.gradients):
                self._block(function.node.body)
        except Returned as returned:
            return returned.value
        finally:
            self.names, self._scope = outer, around
            self._depth -= 1
        return None

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            path, module = _imported(node, alias)
            if module is None:
                raise self.error(not_imported(path), node)
            self._modules[alias.asname or alias.name.partition(".")[0]] = module


def _imported(node: ast.Import | ast.ImportFrom, alias: ast.alias) -> tuple[str, Any]:
    """Return what an import asks for, and what its name is bound to; None if the language lacks it."""
    if isinstance(node, ast.ImportFrom):
        home = tables.MODULES.get(node.module or "")
        path = f"{node.module}.{alias.name}"
        return path, tables.MODULES.get(path) or (home.members.get(alias.name) if home else None)
    module = tables.MODULES.get(alias.name)
    outer = tables.MODULES.get(alias.name.partition(".")[0])
    return alias.name, module if module is None or alias.asname else outer
