"""Interprets a checked syntax tree, statement by statement."""

from __future__ import annotations

import ast
from typing import Any

from torch import Tensor, nn

from llm_linalg.errors import LimitError, ShapeError
from llm_linalg.language import plain, tables
from llm_linalg.language.budget import Budget
from llm_linalg.language.evaluator import TORCH_ERRORS, Evaluator
from llm_linalg.language.source import Source


class Interpreter(Evaluator):
    """Runs one program: what `Evaluator` evaluates is bound to names, and recorded."""

    def run(self) -> None:
        """Run the program; torch calls are recorded."""
        try:
            with self.recorder:
                for statement in self.source.tree.body:
                    self.values.clear()
                    self._statement(statement)
        except ShapeError as error:
            if self._failing is not None:
                from llm_linalg.repairs import repairs

                node, pieces = self._failing
                error.repairs = repairs(self, node, error, pieces)
            raise

    def again(self, source: Source, budget: Budget) -> Interpreter:
        """Return an interpreter of another program over the same names."""
        other = Interpreter(source, self.names, budget, self._explain)
        other._modules = self._modules
        return other

    def _statement(self, node: ast.stmt) -> None:
        self._at = node
        match node:
            case ast.Assign():
                value = self.evaluate(node.value)
                for target in node.targets:
                    self._assign(target, value)
            case ast.AnnAssign(value=ast.expr() as right):
                self._assign(node.target, self.evaluate(right))
            case ast.AugAssign():
                self._augmented(node)
            case ast.Expr():
                self.evaluate(node.value)
            case ast.Import() | ast.ImportFrom():
                self._import(node)

    def _assign(self, target: ast.expr, value: Any) -> None:
        match target:
            case ast.Name():
                self._bind(target.id, value)
            case ast.Tuple() | ast.List():
                self._unpack(target, value)
            case _:
                raise self.error("only names can be assigned to", target)

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
            self._assign(item, part)

    def _augmented(self, node: ast.AugAssign) -> None:
        if not isinstance(node.target, ast.Name):
            raise self.error("only names can be assigned to", node.target)
        left = self.evaluate(ast.copy_location(ast.Name(node.target.id, ast.Load()), node.target))
        right = self.evaluate(node.value)
        self._at = node
        try:
            if isinstance(left, Tensor) and type(node.op) in plain.IN_PLACE:
                value = plain.IN_PLACE[type(node.op)](left, right)
            else:
                value = plain.binary(type(node.op), left, right)
        except LimitError as error:
            raise LimitError(error.message, self.source.span(node), self.source.text) from None
        except TORCH_ERRORS as error:
            raise self._explained(node.value, error) from error
        self._bind(node.target.id, value)

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            path = alias.name if isinstance(node, ast.Import) else f"{node.module}.{alias.name}"
            module = tables.MODULES.get(path)
            if module is None and isinstance(node, ast.ImportFrom):
                home = tables.MODULES.get(node.module or "")
                module = home.members.get(alias.name) if home else None
            if module is None:
                known = ", ".join(tables.MODULES)
                raise self.error(f"{path} can't be imported: the language has {known}", node)
            self._modules[alias.asname or alias.name.partition(".")[0]] = (
                module
                if alias.asname or isinstance(node, ast.ImportFrom)
                else tables.TORCH
                if path.startswith("torch")
                else module
            )
