"""Interprets a checked syntax tree, statement by statement."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from llm_linalg import scopes
from llm_linalg.errors import HaltedError, LimitError, ProgramError, ShapeError
from llm_linalg.language import plain, tables
from llm_linalg.language.budget import Budget
from llm_linalg.language.caller import Caller, UserFunction
from llm_linalg.language.evaluator import FAILURES
from llm_linalg.language.source import Source, not_imported

MAX_CALLS = 30


class _Returned(Exception):  # noqa: N818  a way out of nested statements, not an error
    """Leaves a function with its value."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


class _Broken(Exception):  # noqa: N818
    """Leaves a loop."""


class _Continued(Exception):  # noqa: N818
    """Goes on with the next turn of a loop."""


class Interpreter(Caller):
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
        try:
            with self.recorder:
                for statement in statements:
                    self.values.clear()
                    self._statement(statement)
        except (_Returned, _Broken, _Continued):
            raise self.error(
                "`return`, `break` and `continue` belong inside a `def` or a `for`", self._at
            ) from None
        except RecursionError:
            raise LimitError("the program is nested too deeply to run") from None
        except ShapeError as error:
            if self._failing is not None:
                from llm_linalg.repairs import repairs

                node, pieces = self._failing
                error.repairs = repairs(self, node, error, pieces)
            raise

    def again(self, source: Source, budget: Budget) -> Interpreter:
        """Return an interpreter of another program over the same names."""
        other = Interpreter(source, {}, budget, self._explain)
        other.names = self.names.new_child()
        other._modules = self._modules
        return other

    def _statement(self, node: ast.stmt) -> None:
        self._at = node
        try:
            self.budget.step()
            self._execute(node)
        except FAILURES as error:
            self.fail(error, node)

    def _execute(self, node: ast.stmt) -> None:
        if isinstance(node, ast.If | ast.For | ast.FunctionDef | ast.Return | ast.Break | ast.Continue):
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
                self._augmented(node)
            case ast.Expr():
                self.evaluate(node.value)
            case ast.Import() | ast.ImportFrom():
                self._import(node)

    def _flow(self, node: ast.stmt) -> None:
        match node:
            case ast.If():
                chosen = node.body if self._truth(self.evaluate(node.test), node.test) else node.orelse
                self._block(chosen)
            case ast.For():
                self._for(node)
            case ast.FunctionDef():
                self._define(node)
            case ast.Return():
                raise _Returned(None if node.value is None else self.evaluate(node.value))
            case ast.Break():
                raise _Broken
            case ast.Continue():
                raise _Continued

    def _block(self, statements: list[ast.stmt]) -> None:
        for statement in statements:
            self._statement(statement)

    def _for(self, node: ast.For) -> None:
        for value in self.items(node.iter):
            self.assign(node.target, value)
            try:
                self._block(node.body)
            except _Continued:
                continue
            except _Broken:
                return
        self._block(node.orelse)

    def _define(self, node: ast.FunctionDef) -> None:
        names = [arg.arg for arg in node.args.args]
        values = [self.evaluate(default) for default in node.args.defaults]
        defaults = dict(zip(names[len(names) - len(values) :], values, strict=True))
        for arg, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
            if default is not None:
                defaults[arg.arg] = self.evaluate(default)
        self.names[node.name] = UserFunction(node, defaults, self.names)

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
                    self._bind(name, value)  # its parameters have no name of their own
            self._block(function.node.body)
        except _Returned as returned:
            return returned.value
        finally:
            self.names, self._scope = outer, around
            self._depth -= 1
        return None

    def assign(self, target: ast.expr, value: Any) -> None:
        """Bind a target to a value."""
        match target:
            case ast.Name():
                self._bind(target.id, value)
            case ast.Tuple() | ast.List():
                self._unpack(target, value)
            case ast.Subscript():
                self._store(target, *self._item(target), value)
            case _:
                raise self.error("only names and items can be assigned to", target)

    def _item(self, target: ast.Subscript) -> tuple[Any, Any]:
        """Return what an item that is assigned to belongs to, and its key."""
        owner, key = self.evaluate(target.value), self.evaluate(target.slice)
        if not isinstance(owner, Tensor | list | dict):
            raise self.error(f"a {type(owner).__name__}'s items can't be assigned to", target)
        if isinstance(key, slice) and isinstance(owner, list):
            raise self.error("a slice of a list can't be assigned to", target)
        return owner, key

    def _store(self, target: ast.Subscript, owner: Any, key: Any, value: Any) -> None:
        """Write an item: of a tensor, that is an operation, and a node of its own."""
        owner[key] = value
        if isinstance(owner, Tensor) and isinstance(target.value, ast.Name):
            self._bind(target.value.id, owner)

    def _bind(self, name: str, value: Any) -> None:
        self.names[name] = value
        if isinstance(value, Tensor):
            self.recorder.bind(name, value)
        elif isinstance(value, nn.Module):
            for inner, parameter in value.named_parameters():
                self.recorder.bind(f"{name}.{inner}", parameter)

    def _unpack(self, target: ast.Tuple | ast.List, value: Any) -> None:
        if isinstance(value, Tensor):
            value = value.unbind(0)
        if not isinstance(value, tuple | list):
            raise self.error("only a tuple, a list or a tensor can be unpacked", target)
        if len(value) != len(target.elts):
            raise self.error(f"{len(value)} values can't be unpacked to {len(target.elts)} names", target)
        for item, part in zip(target.elts, value, strict=True):
            self.assign(item, part)

    def _augmented(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Subscript):
            owner, key = self._item(node.target)
            self._store(node.target, owner, key, self._changed(node, owner[key]))
        elif isinstance(node.target, ast.Name):
            left = self.evaluate(ast.copy_location(ast.Name(node.target.id, ast.Load()), node.target))
            self._bind(node.target.id, self._changed(node, left))
        else:
            raise self.error("only names and items can be assigned to", node.target)

    def _changed(self, node: ast.AugAssign, left: Any) -> Any:
        """Return ``left op= right``; tensors and lists are changed in place."""
        right = self.evaluate(node.value)
        self._at = node
        self.budget.weigh(left, right)
        plain.bound(type(node.op), left, right)
        in_place = isinstance(left, Tensor | list)
        return (plain.IN_PLACE if in_place else plain.BINARY)[type(node.op)](left, right)

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
