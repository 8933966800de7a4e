"""Executes checked statements, and calls the functions that they define."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from llm_linalg.base.errors import LimitError
from llm_linalg.base.untraced import untraced
from llm_linalg.language import allowlist, arithmetic, suggestions
from llm_linalg.language.assignment import Assigner
from llm_linalg.language.autograd import Gradients, enable_grad, no_grad
from llm_linalg.language.budget import AN_OWN_CALL, NAMES_A_STEP, Budget
from llm_linalg.language.calls import UserFunction
from llm_linalg.language.expressions import FAILURES, Explain
from llm_linalg.language.local_names import bound_names, imported_as
from llm_linalg.language.source import Source, not_imported
from llm_linalg.recording import scopes

MAX_CALLS = 30


class Returned(Exception):  # noqa: N818  a way out of nested statements, not an error
    """Leaves a function with its value."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


class Broken(Exception):  # noqa: N818
    """Leaves a loop."""


class Continued(Exception):  # noqa: N818
    """Goes on with the next turn of a loop."""


class Statements(Assigner):
    """Executes statements: what `Evaluator` evaluates is bound to names, and recorded."""

    def __init__(self, source: Source, names: Mapping[str, Any], budget: Budget, explain: Explain) -> None:
        super().__init__(source, names, budget, explain)
        self._executors = self.executors()
        self._own: dict[ast.FunctionDef, Mapping[str, Any]] = {}
        self._depth = 0

    def _statement(self, node: ast.stmt) -> None:
        self._at, budget = node, self.budget
        try:
            steps = budget.steps = budget.steps - 1  # as `step` does
            if steps < budget.next_look:
                budget.look()
            self._executors[node.__class__](node)
        except FAILURES as error:
            self.fail(error, node)

    def executors(self) -> Mapping[type[ast.stmt], Callable[[Any], None]]:
        """Return what executes each kind of statement."""
        return {
            ast.Assign: self._assigned,
            ast.AnnAssign: self._annotated,
            ast.AugAssign: self.augmented,
            ast.Expr: self._alone,
            ast.Assert: self._assert,
            ast.Import: self._import,
            ast.ImportFrom: self._import,
            ast.Pass: lambda _: None,
            ast.If: self._if,
            ast.For: self._for,
            ast.With: self._with,
            ast.FunctionDef: self._define,
            ast.Return: self._return,
            ast.Break: self._break,
            ast.Continue: self._continue,
        }

    def _assigned(self, node: ast.Assign) -> None:
        value = self.evaluate(node.value)
        self._at = node
        if len(node.targets) > 1:
            self.budget.step(len(node.targets) - 1)
        for target in node.targets:
            self.assign(target, value)

    def _annotated(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.assign(node.target, self.evaluate(node.value))

    def _alone(self, node: ast.Expr) -> None:
        self._given(node, self.evaluate(node.value))

    def _if(self, node: ast.If) -> None:
        chosen = node.body if self._truth(self.evaluate(node.test), node.test) else node.orelse
        self._block(chosen)

    def _with(self, node: ast.With) -> None:
        asked = [self._gradients(item.context_expr) for item in node.items]
        with self._recording(asked):
            self._block(node.body)

    def _return(self, node: ast.Return) -> None:
        value = None if node.value is None else self.evaluate(node.value)
        self._given(node, value)
        raise Returned(value)

    def _break(self, _: ast.Break) -> None:
        raise Broken

    def _continue(self, _: ast.Continue) -> None:
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
        source = self.evaluate(node.iter)
        values = self.gone_through(source, node.iter)
        names, name = self.names.maps[0], node.target.id if isinstance(node.target, ast.Name) else None
        for value in self.each(source, values, node.iter):
            self._at = node
            if name is not None and value.__class__ in arithmetic.KINDS:  # as `assign` does
                names[name] = value
            else:
                self.assign(node.target, value)
            try:
                self._block(node.body)
            except Continued:
                continue
            except Broken:
                return
        self._block(node.orelse)

    def _define(self, node: ast.FunctionDef) -> None:
        defaults = self._defaults(node.args) if node.args.defaults or node.args.kwonlyargs else {}
        gradients = tuple(map(self._gradients, node.decorator_list))
        names = self._own.get(node)
        if names is None:
            names = self._own[node] = bound_names(node.body)
        self.names.maps[0][node.name] = UserFunction(node, defaults, self.names, gradients, names)

    def _defaults(self, taken: ast.arguments) -> dict[str, Any]:
        self.budget.step((len(taken.args) + len(taken.kwonlyargs)) // 10)
        names = [arg.arg for arg in taken.args]
        values = [self.evaluate(default) for default in taken.defaults]
        defaults = dict(zip(names[len(names) - len(values) :], values, strict=True))
        for arg, default in zip(taken.kwonlyargs, taken.kw_defaults, strict=True):
            if default is not None:
                defaults[arg.arg] = self.evaluate(default)
        return defaults

    def _gradients(self, node: ast.expr) -> Gradients:
        """Return what stands after a ``with`` or an ``@``: it says whether gradients are recorded."""
        found = self.evaluate(node)
        if found is no_grad or found is enable_grad:  # `@torch.no_grad`, without brackets
            found = found()
        if not isinstance(found, Gradients):
            message = suggestions.SYNTAX[ast.With].replace("`with` is", "`with` and `@` are")
            raise self.outside(message if isinstance(node, ast.Call) else suggestions.DECORATOR, node)
        return found

    @contextmanager
    def _recording(self, asked: Sequence[Gradients]) -> Iterator[None]:
        """Record gradients, or none, while the context is open."""
        if not asked:
            yield
            return
        severed, self.recorder.severed = self.recorder.severed, not asked[-1].recorded
        enabled = torch.is_grad_enabled()
        _enable_grad(asked[-1].recorded)
        try:
            yield
        finally:
            _enable_grad(enabled)
            self.recorder.severed = severed

    def _assert(self, node: ast.Assert) -> None:
        if self._truth(self.evaluate(node.test), node.test):
            return
        said = ""
        if node.msg is not None:
            value = self.evaluate(node.msg)
            self.budget.charge_items(value)
            said = f": {self._shown(value):.300}"
        raise self.error(f"this does not hold{said}", node.test)

    def invoke(self, function: UserFunction, arguments: list[Any], named: dict[str, Any]) -> Any:
        """Call a function that the program defined: its names are its own, it sees those around it."""
        if self._depth >= MAX_CALLS:
            raise LimitError(f"functions that call each other more than {MAX_CALLS} deep")
        bound = function.bound(arguments, named)
        self.budget.step(AN_OWN_CALL + (len(bound) + len(function.own)) // NAMES_A_STEP)
        outer, self.names = self.names, function.scope.new_child()
        around, self._scope = self._scope, scopes.inside(self._scope, function.node.name, self._calls)
        self._depth += 1
        try:
            self.names.maps[0].update(function.own)
            self.names.maps[0].update(bound)
            for name, value in bound.items():
                if value.__class__ not in arithmetic.KINDS and isinstance(value, nn.Module):
                    self.bind(name, value)  # its parameters have no name of their own
            if function.gradients:
                with self._recording(function.gradients):
                    self._block(function.node.body)
            else:
                self._block(function.node.body)
        except Returned as returned:
            return returned.value
        finally:
            self.names, self._scope = outer, around
            self._depth -= 1
        return None

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        self.budget.step(len(node.names) - 1)
        for alias in node.names:
            path, module = imported(node, alias)
            if module is None:
                raise self.outside(not_imported(path), node)
            self.names.maps[0][imported_as(alias)] = module


def imported(node: ast.Import | ast.ImportFrom, alias: ast.alias) -> tuple[str, Any]:
    """Return what an import asks for, and what its name is bound to; None if the language lacks it."""
    if isinstance(node, ast.ImportFrom):
        home = allowlist.MODULES.get(node.module or "")
        path = f"{node.module}.{alias.name}"
        return path, allowlist.MODULES.get(path) or (home.members.get(alias.name) if home else None)
    module = allowlist.MODULES.get(alias.name)
    outer = allowlist.MODULES.get(alias.name.partition(".")[0])
    return alias.name, module if module is None or alias.asname else outer


def _enable_grad(enabled: bool) -> None:
    """Have torch record gradients from here on, or none: by itself that is no part of the program."""
    with untraced():
        torch.set_grad_enabled(enabled)
