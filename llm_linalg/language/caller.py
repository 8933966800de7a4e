"""Calls and attributes: the doors through which a program reaches torch."""

from __future__ import annotations

import ast
from collections import ChainMap, Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from llm_linalg.errors import LimitError
from llm_linalg.language import plain, tables
from llm_linalg.language.budget import Budget, check_layer
from llm_linalg.language.evaluator import Evaluator, Explain
from llm_linalg.language.source import Source
from llm_linalg.spelling import hint

_PRINTED_LIMIT = 200_000


class Caller(Evaluator):
    """Evaluates what an `Evaluator` does, and calls and attributes by the tables."""

    def __init__(self, source: Source, names: Mapping[str, Any], budget: Budget, explain: Explain) -> None:
        super().__init__(source, names, budget, explain)
        self.builtins = {**tables.BUILTINS, "print": self._print}
        self._room = _PRINTED_LIMIT
        self._calls: Counter[str] = Counter()  # of each function inside each scope

    def evaluators(self) -> dict[type[ast.expr], Callable[[Any], Any]]:
        """Return what evaluates each kind of expression."""
        return super().evaluators() | {ast.Call: self._call, ast.Attribute: self._attribute}

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
        self.budget.weigh(*arguments, *named.values())
        if isinstance(function, UserFunction):
            return self.invoke(function, arguments, named)
        if isinstance(function, type) and issubclass(function, nn.Module):
            return self._layer(function, arguments, named)
        if isinstance(function, _Method):
            return function.function(function.owner, *arguments, **named)
        if not callable(function) or isinstance(function, Tensor):
            raise self.error(f"{self.source.text_of(node.func)} can't be called", node)
        return plain.bounded(function(*arguments, **named))

    def invoke(self, function: UserFunction, arguments: list[Any], named: dict[str, Any]) -> Any:
        """Call a function that the program defined."""
        raise NotImplementedError

    def _layer(self, kind: type[nn.Module], arguments: list[Any], named: dict[str, Any]) -> nn.Module:
        """Make a layer: its parameters are inputs of the trace, and how they are filled is no part of it."""
        check_layer(self.budget, kind, arguments, named)
        with torch._C.DisableTorchFunction():
            layer = kind(*arguments, **named)
        for parameter in layer.parameters():
            if self.recorder.node_of(parameter) is None:
                self.recorder.input(parameter, None, "parameter")
        return layer

    def _print(self, *values: Any, **named: Any) -> None:
        unknown = named.keys() - {"sep", "end", "flush"}
        if unknown:
            raise TypeError(f"print has no {min(unknown)}= in this language")
        sep, end = named.get("sep"), named.get("end")
        between = " " if sep is None else plain.text(sep)
        line = between.join(plain.text(value) for value in values)
        line += "\n" if end is None else plain.text(end)
        self._room -= len(line)
        if self._room < 0:
            raise LimitError(f"the program prints more than {_PRINTED_LIMIT:,} characters")
        self.printed.append(line)


@dataclass(frozen=True, slots=True, eq=False)
class UserFunction:
    """A function that the program defined, with its defaults and the names around it."""

    node: ast.FunctionDef
    defaults: Mapping[str, Any]
    scope: ChainMap[str, Any]

    def bound(self, arguments: list[Any], named: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of its parameters by name; `TypeError` if the arguments don't fit."""
        args = self.node.args
        places = [arg.arg for arg in args.args]
        names = [*places, *(arg.arg for arg in args.kwonlyargs)]
        title = self.node.name
        if len(arguments) > len(places):
            raise TypeError(f"{title} takes {len(places)} arguments, not {len(arguments)}")
        bound = {**self.defaults, **dict(zip(places, arguments, strict=False))}
        for name, value in named.items():
            if name not in names or name in places[: len(arguments)]:
                raise TypeError(f"{title} has no free parameter {name}")
            bound[name] = value
        missing = [name for name in names if name not in bound]
        if missing:
            raise TypeError(f"{title} also needs {', '.join(missing)}")
        return bound


class _Method:
    """A tensor's method with its tensor, called through the table's function."""

    __slots__ = ("function", "name", "owner")

    def __init__(self, function: Callable[..., Any], owner: Tensor, name: str) -> None:
        self.function = function
        self.owner = owner
        self.name = name


def _missing(shown: str, name: str, known: Any) -> str:
    return f"{shown} is not part of the language{hint(name, known)}"
