"""Calls and attributes: the doors through which a program reaches torch."""

from __future__ import annotations

import ast
from collections import ChainMap, Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

from llm_linalg.base.errors import LimitError
from llm_linalg.language import (
    allowlist,
    arithmetic,
    autograd,
    containers,
    module_count,
    modules,
    printing,
    suggestions,
)
from llm_linalg.language.autograd import Gradients
from llm_linalg.language.budget import A_LAYER_CALLED, A_LAYER_MET, LETTERS_A_STEP, Budget
from llm_linalg.language.comprehensions import Comprehensions
from llm_linalg.language.expressions import Explain
from llm_linalg.language.source import Source

_PRINTED_LIMIT = 200_000
_OF_OTHERS = frozenset(chain.from_iterable(containers.METHODS.values()))  # methods of plain values


class Caller(Comprehensions):
    """Evaluates what an `Evaluator` does, calls and attributes by the tables, and texts."""

    def __init__(self, source: Source, names: Mapping[str, Any], budget: Budget, explain: Explain) -> None:
        super().__init__(source, names, budget, explain)
        own = {"print": self._print, "str": self._shown, "repr": self._representation}
        self.builtins = {**allowlist.BUILTINS, **own}
        self._room = _PRINTED_LIMIT
        self._calls: Counter[str] = Counter()  # of each function inside each scope

    def evaluators(self) -> dict[type[ast.expr], Callable[[Any], Any]]:
        """Return what evaluates each kind of expression."""
        return super().evaluators() | {
            ast.Call: self._call,
            ast.Attribute: self._attribute,
            ast.JoinedStr: self._text,
            ast.FormattedValue: self._formatted,
        }

    def _attribute(self, node: ast.Attribute) -> Any:
        return self.attribute(self.evaluate(node.value), node)

    def attribute(self, value: Any, node: ast.Attribute) -> Any:
        """Return what stands after the dot, of a value."""
        name = node.attr
        table = containers.METHODS.get(value.__class__)
        if table is not None and name in table:
            return Method(table[name], value)
        match value:
            case allowlist.Namespace():
                return self._member(value, node)
            case Tensor() if name in allowlist.ATTRIBUTES:
                return allowlist.attribute(value, name)
            case Tensor() if name in allowlist.METHODS:
                return Method(allowlist.METHODS[name], value)
            case nn.Module():
                return self._of_layer(value, node)
            case torch.Size() if name == "numel":
                return value.numel
            case tuple() if name in allowlist.FIELDS and type(value).__module__ == "torch.return_types":
                return value[allowlist.FIELDS.index(name)]
        methods = containers.methods(value)
        if name in methods:
            return Method(methods[name], value)
        of_tensors = name in allowlist.METHODS or name in allowlist.ATTRIBUTES
        advised = isinstance(value, list) and name in suggestions.LISTS
        owner = self.source.text_of(node.value) if isinstance(node.value, ast.Name | ast.Attribute) else ""
        of_others = value is None or of_tensors or name in _OF_OTHERS
        if of_others and not advised and not isinstance(value, Tensor):
            raise self.error(suggestions.without(value, owner, name, of_tensors), node)
        known = [*allowlist.METHODS, *allowlist.ATTRIBUTES] if isinstance(value, Tensor) else methods
        raise self.outside(suggestions.missing(f".{name}", name, known, self.budget.hint, owner), node)

    def _of_layer(self, layer: nn.Module, node: ast.Attribute) -> Any:
        if node.attr in modules.METHODS:
            return Method(modules.METHODS[node.attr], layer)
        try:
            return modules.attribute(layer, node.attr)
        except KeyError:
            said = suggestions.missing(f".{node.attr}", node.attr, modules.ATTRIBUTES, self.budget.hint)
            raise self.outside(f"a layer's {said}", node) from None

    def _member(self, namespace: allowlist.Namespace, node: ast.Attribute) -> Any:
        if node.attr in namespace.members:
            return namespace.members[node.attr]
        shown = f"{namespace.name}.{node.attr}"
        raise self.outside(suggestions.missing(shown, node.attr, namespace.members, self.budget.hint), node)

    def _call(self, node: ast.Call) -> Any:
        function = self.evaluate(node.func)
        arguments = [self.evaluate(item) for item in node.args]
        named: dict[str, Any] = {}
        for keyword in node.keywords:
            if keyword.arg is None:
                raise self.outside(suggestions.SPREAD, node)
            value = self.evaluate(keyword.value)
            if isinstance(function, UserFunction) or self._torch_takes(keyword, value):
                named[keyword.arg] = value
        return self.applied(node, function, arguments, named)

    def applied(self, node: ast.Call, function: Any, arguments: list[Any], named: dict[str, Any]) -> Any:
        """Call what was evaluated."""
        if isinstance(function, UserFunction):
            return self.invoke(function, arguments, named)
        if (arguments or named) and function is not len:
            self.budget.charge_call(function, arguments, named.values())
        if function.__class__ is Method:
            return self._by_method(function, arguments, named)
        if isinstance(function, type) and issubclass(function, nn.Module):
            return self._layer(function, arguments, named)
        if isinstance(function, nn.Module):
            self._met(function)
        if (
            isinstance(named.get("key"), UserFunction | Method)
            and function is not allowlist.BUILTINS["sorted"]
        ):
            raise self.outside("key= takes no function of a program here: " + suggestions.KEY, node)
        if not callable(function) or isinstance(function, Tensor):
            raise self.error(f"{self.source.text_of(node.func)} can't be called", node)
        return arithmetic.bounded(function(*arguments, **named))

    def _by_method(self, method: Method, arguments: list[Any], named: dict[str, Any]) -> Any:
        """Call a method of what it is of."""
        self._charge_owner(method)
        if method.function is dict.setdefault and arguments:
            containers.check_key(arguments[0])
        if method.function is not autograd.backward:
            return arithmetic.bounded(method.function(method.owner, *arguments, **named))
        self.budget.charge_backward(*self.recorder.backward_prices(method.owner))
        return self.recorder.went_back(method.function, method.owner, *arguments, **named)

    def _met(self, layer: nn.Module) -> None:
        self.budget.step(A_LAYER_CALLED * module_count.count(layer))

    def _charge_owner(self, method: Method) -> None:
        """Charge the items of what a method is of, if it goes through them."""
        if isinstance(method.owner, nn.Module):  # each method goes through all of them
            self.budget.step(A_LAYER_MET * module_count.count(method.owner))
        elif not isinstance(method.owner, Tensor) and method.function not in containers.AT_ONCE:
            self.budget.charge_items(method.owner)

    def _torch_takes(self, keyword: ast.keyword, value: Any) -> bool:
        """Return whether an argument is handed on; ``device=`` may say what is so anyway."""
        if keyword.arg == "device":
            if value is not None:
                arithmetic.device(value)
            return False
        if keyword.arg in allowlist.REFUSED_ARGUMENTS:
            advice = suggestions.ARGUMENTS[keyword.arg]
            raise self.outside(f"{keyword.arg}= is not part of the language: {advice}", keyword)
        return True

    def invoke(self, function: UserFunction, arguments: list[Any], named: dict[str, Any]) -> Any:
        """Call a function that the program defined."""
        raise NotImplementedError

    def _layer(self, kind: type[nn.Module], arguments: list[Any], named: dict[str, Any]) -> nn.Module:
        """Make a layer: its parameters are inputs of the trace, and how they are filled is no part of it."""
        layer = modules.made(self.budget, kind, arguments, named)
        for parameter in layer.parameters():
            if self.recorder.node_of(parameter) is None:
                self.recorder.input(parameter, None, "parameter")
        return layer

    def _text(self, node: ast.JoinedStr) -> Any:
        return reduce(self._longer, map(self.evaluate, node.values), "")

    def _longer(self, text: str, part: Any) -> str:
        """Return a text with another one behind it."""
        text += str(part)
        self.budget.step(len(text) // LETTERS_A_STEP)
        if len(text) > printing.MAX_TEXT:
            raise LimitError(f"a text of more than {printing.MAX_TEXT:,} characters")
        return text

    def _formatted(self, node: ast.FormattedValue) -> str:
        value = self.evaluate(node.value)
        spec = self.evaluate(node.format_spec) if node.format_spec else ""
        self.budget.charge_items(value)
        if not printing.is_number(value, node.conversion):
            self.budget.charge_text(printing.shown(value))
        text = printing.formatted(value, node.conversion, spec)
        self.budget.step(2 + len(text) // 15)
        return text

    def _shown(self, value: Any = "") -> str:
        self.budget.charge_text(printing.shown(value))
        return printing.text(value)

    def _representation(self, value: Any) -> str:
        self.budget.charge_text(printing.shown(value))
        return printing.representation(value)

    def _print(self, *shown: Any, **named: Any) -> None:
        unknown = named.keys() - {"sep", "end", "flush"}
        if unknown:
            raise TypeError(f"print has no {min(unknown)}= in this language")
        sep, end = named.get("sep"), named.get("end")
        between = " " if sep is None else self._shown(sep)
        texts = [self._shown(value) for value in shown]
        if sum(map(len, texts)) + len(between) * len(texts) > self._room:
            raise LimitError(f"the program prints more than {_PRINTED_LIMIT:,} characters")
        line = between.join(texts)
        line += "\n" if end is None else self._shown(end)
        self._room -= len(line)
        if self._room < 0:
            raise LimitError(f"the program prints more than {_PRINTED_LIMIT:,} characters")
        self.printed.append(line)


@dataclass(slots=True, eq=False)
class UserFunction:
    """A function that the program defined, with its defaults and the names around it."""

    node: ast.FunctionDef
    defaults: Mapping[str, Any]
    scope: ChainMap[str, Any]
    gradients: tuple[Gradients, ...] = ()  # what stands above it, as in `@torch.no_grad()`
    own: Mapping[str, Any] = field(default_factory=dict)  # the names that it binds, none of them bound

    def bound(self, arguments: list[Any], named: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of its parameters by name; `TypeError` if the arguments don't fit."""
        args = self.node.args
        if not named and not args.kwonlyargs and len(arguments) == len(args.args):
            return {arg.arg: value for arg, value in zip(args.args, arguments, strict=True)}
        places = [arg.arg for arg in args.args]
        names = dict.fromkeys([*places, *(arg.arg for arg in args.kwonlyargs)])
        title = self.node.name
        if len(arguments) > len(places):
            raise TypeError(
                f"{title} takes {len(places)} argument{'s' * (len(places) != 1)}, not {len(arguments)}"
            )
        given = dict(zip(places, arguments, strict=False))
        bound = {**self.defaults, **given}
        for name, value in named.items():
            if name not in names or name in given:
                raise TypeError(f"{title} has no free parameter {name}")
            bound[name] = value
        missing = [name for name in names if name not in bound]
        if missing:
            raise TypeError(f"{title} also needs {', '.join(missing)}")
        return bound


class Method:
    """A method with the value that it is of, called through the table's function."""

    __slots__ = ("function", "owner")

    def __init__(self, function: Callable[..., Any], owner: Any) -> None:
        self.function = function
        self.owner = owner
