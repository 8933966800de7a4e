"""Evaluates checked expressions: names, calls and operators become torch calls, and nothing else."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from llm_linalg.errors import LimitError, ProgramError, Span
from llm_linalg.language import plain, tables
from llm_linalg.language.budget import Budget, check_layer
from llm_linalg.language.source import Source
from llm_linalg.recorder import Recorder
from llm_linalg.shapes import operand_nodes
from llm_linalg.text import nearest

TORCH_ERRORS = (
    RuntimeError,
    TypeError,
    ValueError,
    IndexError,
    NotImplementedError,
    ZeroDivisionError,
    OverflowError,
)
_PRINTED_LIMIT = 200_000

Explain = Callable[["Evaluator", ast.expr, Exception], ProgramError]


class Evaluator:
    """Evaluates the expressions of one program.

    Args:
        source: The checked program.
        names: Plain values or tensors that the program may use.
        budget: What calls are held against.
        explain: Turns a failed call into the error that is shown.
    """

    def __init__(self, source: Source, names: Mapping[str, Any], budget: Budget, explain: Explain) -> None:
        self.source = source
        self.names: dict[str, Any] = dict(names)
        self.printed: list[str] = []
        self.recorder = Recorder(self._where, budget.check)
        self._explain = explain
        self._budget = budget
        self._at: ast.AST = source.tree
        self._failing: tuple[ast.expr, list[ast.expr | None]] | None = None
        self.values: dict[ast.expr, Tensor] = {}  # of the statement that is being run
        self._modules: dict[str, Any] = {
            "torch": tables.TORCH,
            "nn": tables.NN,
            "F": tables.F,
            "math": tables.MATH,
        }
        self._evaluators: dict[type[ast.expr], Callable[[Any], Any]] = {
            ast.Constant: lambda node: node.value,
            ast.Name: self._name,
            ast.Tuple: lambda node: tuple(self.evaluate(item) for item in node.elts),
            ast.List: lambda node: [self.evaluate(item) for item in node.elts],
            ast.Dict: self._dict,
            ast.BinOp: self._binary,
            ast.UnaryOp: self._unary,
            ast.BoolOp: self._boolean,
            ast.Compare: self._compare,
            ast.IfExp: self._conditional,
            ast.Call: self._call,
            ast.Attribute: self._attribute,
            ast.Subscript: self._subscript,
            ast.Slice: self._slice,
            ast.JoinedStr: self._text,
            ast.FormattedValue: self._formatted,
        }

    def evaluate(self, node: ast.expr) -> Any:
        """Return an expression's value."""
        outer, self._at = self._at, node
        try:
            value = self._evaluators[type(node)](node)
            if isinstance(value, Tensor):
                self.values[node] = value
            return value
        except ProgramError as error:
            if error.span is None:
                raise type(error)(error.message, self.source.span(node), self.source.text) from None
            raise
        except TORCH_ERRORS as error:
            raise self._explained(node, error) from error
        finally:
            self._at = outer

    def error(self, message: str, node: ast.AST) -> ProgramError:
        """Return an error at a place of the program."""
        return self.source.error(message, node)

    def _explained(self, node: ast.expr, error: Exception) -> ProgramError:
        call = self.recorder.failed
        if call is not None:
            self._failing = (node, operand_nodes(self, node, call.tensors))
        return self._explain(self, node, error)

    def _where(self) -> tuple[Span | None, str]:
        return self.source.span(self._at), self.source.text_of(self._at)

    def _name(self, node: ast.Name) -> Any:
        for table in (self.names, self._modules, tables.BUILTINS):
            if node.id in table:
                return table[node.id]
        if node.id == "print":
            return self._print
        guess = nearest(node.id, [*self.names, *self._modules, *tables.BUILTINS, "print"])
        raise self.error(f"nothing is called {node.id}" + (f": did you mean {guess}?" if guess else ""), node)

    def _dict(self, node: ast.Dict) -> dict[Any, Any]:
        if any(key is None for key in node.keys):
            raise self.error("`**` unpacking is not part of the language", node)
        keys = [self.evaluate(key) for key in node.keys if key is not None]
        return dict(zip(keys, [self.evaluate(value) for value in node.values], strict=True))

    def _binary(self, node: ast.BinOp) -> Any:
        left, right = self.evaluate(node.left), self.evaluate(node.right)
        return plain.binary(type(node.op), left, right)

    def _unary(self, node: ast.UnaryOp) -> Any:
        value = self.evaluate(node.operand)
        if isinstance(node.op, ast.Not):
            return not self._truth(value, node)
        return plain.UNARY[type(node.op)](value)

    def _boolean(self, node: ast.BoolOp) -> Any:
        value: Any = None
        for item in node.values:
            value = self.evaluate(item)
            if self._truth(value, item) is isinstance(node.op, ast.Or):
                return value
        return value

    def _compare(self, node: ast.Compare) -> Any:
        left = self.evaluate(node.left)
        result: Any = True
        for kind, item in zip(node.ops, node.comparators, strict=True):
            right = self.evaluate(item)
            result = plain.COMPARE[type(kind)](left, right)
            if len(node.ops) > 1 and not self._truth(result, node):
                return result
            left = right
        return result

    def _conditional(self, node: ast.IfExp) -> Any:
        return self.evaluate(node.body if self._truth(self.evaluate(node.test), node.test) else node.orelse)

    def _truth(self, value: Any, node: ast.AST) -> bool:
        if isinstance(value, Tensor) and value.numel() != 1:
            raise self.error(f"a tensor of shape {tuple(value.shape)} is neither true nor false", node)
        return bool(value)

    def _subscript(self, node: ast.Subscript) -> Any:
        value, key = self.evaluate(node.value), self.evaluate(node.slice)
        if not isinstance(value, Tensor | tuple | list | dict | str):
            raise self.error(f"a {type(value).__name__} has no items", node)
        try:
            return value[key]
        except KeyError:
            raise self.error(f"there is no item {key!r}", node) from None

    def _slice(self, node: ast.Slice) -> slice:
        parts = (node.lower, node.upper, node.step)
        return slice(*(None if part is None else self.evaluate(part) for part in parts))

    def _attribute(self, node: ast.Attribute) -> Any:
        value = self.evaluate(node.value)
        match value:
            case tables.Namespace():
                return self._member(value, node)
            case Tensor() if node.attr in tables.ATTRIBUTES:
                return tables.attribute(value, node.attr)
            case Tensor() if node.attr in tables.METHODS:
                return _Method(tables.METHODS[node.attr], value, node.attr)
            case nn.Module():
                try:
                    return tables.layer_attribute(value, node.attr)
                except KeyError:
                    raise self.error(f"a layer has no {node.attr} in this language", node) from None
            case list() if node.attr == "append":
                return value.append
            case torch.Size() if node.attr == "numel":
                return value.numel
        known = [*tables.METHODS, *tables.ATTRIBUTES] if isinstance(value, Tensor) else []
        raise self.error(_missing(f".{node.attr}", node.attr, known), node)

    def _member(self, namespace: tables.Namespace, node: ast.Attribute) -> Any:
        if node.attr in namespace.members:
            return namespace.members[node.attr]
        raise self.error(_missing(f"{namespace.name}.{node.attr}", node.attr, namespace.members), node)

    def _call(self, node: ast.Call) -> Any:
        function = self.evaluate(node.func)
        arguments = [self.evaluate(item) for item in node.args]
        named: dict[str, Any] = {}
        for keyword in node.keywords:
            if keyword.arg is None:
                raise self.error("`**` unpacking is not part of the language", node)
            if keyword.arg in tables.REFUSED_ARGUMENTS:
                raise self.error(f"{keyword.arg}= is not part of the language", keyword)
            named[keyword.arg] = self.evaluate(keyword.value)
        if isinstance(function, type) and issubclass(function, nn.Module):
            return self._layer(function, arguments, named)
        if isinstance(function, _Method):
            return function.function(function.owner, *arguments, **named)
        if not callable(function) or isinstance(function, Tensor):
            raise self.error(f"{self.source.text_of(node.func)} can't be called", node)
        return function(*arguments, **named)

    def _layer(self, kind: type[nn.Module], arguments: list[Any], named: dict[str, Any]) -> nn.Module:
        """Make a layer: its parameters are inputs of the trace, and how they are filled is no part of it."""
        check_layer(self._budget, kind.__name__, [*arguments, *named.values()])
        with torch._C.DisableTorchFunction():
            layer = kind(*arguments, **named)
        for parameter in layer.parameters():
            if self.recorder.node_of(parameter) is None:
                self.recorder.input(parameter, None, "parameter")
        return layer

    def _text(self, node: ast.JoinedStr) -> str:
        return "".join(str(self.evaluate(part)) for part in node.values)

    def _formatted(self, node: ast.FormattedValue) -> str:
        spec = self.evaluate(node.format_spec) if node.format_spec else ""
        value = self.evaluate(node.value)
        with torch._C.DisableTorchFunction():
            return plain.formatted(value, node.conversion, spec)

    def _print(self, *values: Any, sep: str = " ", end: str = "\n") -> None:
        with torch._C.DisableTorchFunction():
            self.printed.append(str(sep).join(str(value) for value in values) + str(end))
        if sum(map(len, self.printed)) > _PRINTED_LIMIT:
            raise LimitError(f"the program prints more than {_PRINTED_LIMIT} characters")


class _Method:
    """A tensor's method with its tensor, called through the table's function."""

    __slots__ = ("function", "name", "owner")

    def __init__(self, function: Callable[..., Any], owner: Tensor, name: str) -> None:
        self.function = function
        self.owner = owner
        self.name = name


def _missing(shown: str, name: str, known: Any) -> str:
    guess = nearest(name, known)
    return f"{shown} is not part of the language" + (f": did you mean {guess}?" if guess else "")
