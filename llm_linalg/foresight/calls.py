"""Calls and attributes before the run: as far as they are known."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor, nn

from llm_linalg.foresight import by_turn, turns
from llm_linalg.foresight.expressions import keyed
from llm_linalg.foresight.guessing import asks_little, changes_its_own, changes_nothing
from llm_linalg.foresight.nowhere import gradient_like, may_be_none, without_cells
from llm_linalg.foresight.reach import LISTING, a_step, ahead
from llm_linalg.foresight.results import keeps, no_larger
from llm_linalg.foresight.several import common
from llm_linalg.foresight.texts import Texts
from llm_linalg.foresight.unknown import (
    ANY,
    LOOKED_AT_A_STEP,
    UNKNOWN,
    Undecided,
    Unknown,
    doubtful,
    has_tensors,
    is_some_tensor,
    is_tensor,
    kind_of,
    numbered,
)
from llm_linalg.foresight.wholes import some_range
from llm_linalg.language import gradients, layered, layers, plain, printing, tables, values
from llm_linalg.language.caller import Method, UserFunction
from llm_linalg.language.costs import A_FIELD, AN_ANSWER
from llm_linalg.ops import TABLE
from llm_linalg.ops.pointwise import Pointwise

MOST_ITEMS = 1_000  # that a rehearsal looks at one by one
_HIDDEN = frozenset(["requires_grad", "is_leaf", "dtype"])  # what a tensor without cells may have otherwise
_KEYED = (dict.get, dict.setdefault, values.METHODS[dict]["pop"])
_ADDING = frozenset(["extend", "update"])  # methods that put all items of what they are given
_COMPARING = (values.METHODS[list]["index"], list.count, tuple.index, tuple.count)
_OPTIONAL = frozenset(["clamp", "clip"])  # of which any operand but the first may be None
_TURNED = frozenset(["T", "mT"])
_SPLITTING = frozenset(["split", "chunk", "unbind"])
# They may give none, or several in one value.
_SEVERAL = _SPLITTING | {"max", "min", "sort", "topk", "setitem", "cross_entropy", "equal", "allclose"}
_LISTS = _SPLITTING | {"", "tolist"}  # what gives one, perhaps; also all that is not torch's
_JOINING = frozenset(["stack", "cat", "hstack", "vstack"])
_OTHERWISE = (Unknown, UserFunction, Tensor)  # what is called goes through nothing itself
_SIZED = (list, tuple, dict, str)
_ROOTS = (math.sqrt, math.exp, *(math.log, math.log2, math.log10, math.log1p), math.sin, math.cos, math.tanh)
_KEEPING = frozenset([abs, min, max, plain.total])  # of numbers with a point they give one
_GIVES: Mapping[Any, type] = {
    float: float,
    int: int,
    len: int,
    bool: bool,
    str: str,
    **dict.fromkeys(_ROOTS, float),
}


class Calls(Texts):
    """Calls what a `Caller` does, as far as it is known."""

    def attribute(self, value: Any, node: ast.Attribute) -> Any:
        """Return what stands after the dot, of a value."""
        if is_some_tensor(value) and node.attr in tables.METHODS:
            return Method(tables.METHODS[node.attr], value)
        if is_some_tensor(value) and node.attr in _TURNED:
            return self.some_tensor(within=value)
        if isinstance(value, Unknown) and node.attr == "data":
            self.budget.guess(calls=False, multiplies=False)
        if isinstance(value, Tensor) and node.attr in _HIDDEN:
            self.budget.step(A_FIELD)
            raise Undecided
        if isinstance(value, Unknown):
            raise Undecided
        if isinstance(value, Tensor) and node.attr == "grad":
            self.budget.step(A_FIELD + AN_ANSWER)
            return gradient_like(value)
        if isinstance(value, Tensor) and node.attr == "device":
            return plain.device("cpu")
        if isinstance(value, nn.Module) and node.attr == "training":
            raise Undecided(bool)
        return super().attribute(value, node)

    def applied(self, node: ast.Call, function: Any, arguments: list[Any], named: dict[str, Any]) -> Any:
        """Call what was evaluated, as far as it is known."""
        if function is len and len(arguments) == 1 and isinstance(arguments[0], _SIZED):
            return len(arguments[0])
        if function is plain.total and (doubtful(arguments) or doubtful(named)):
            self.may_give_the_start(node, [*arguments[1:], *named.values()])
        if isinstance(function, _OTHERWISE) or function in self._making_text:
            return self._applied(node, function, arguments, named)
        before, counted = self.budget.items, ahead(function, arguments)
        self.went_on(counted)
        result = self._applied(node, function, arguments, named)
        taken = before - self.budget.items
        if taken:
            self.went_on(max(taken // a_step(function, arguments) - counted, 0))
        return result

    def _applied(self, node: ast.Call, function: Any, arguments: list[Any], named: dict[str, Any]) -> Any:
        if isinstance(function, Unknown):
            self._anything(node, *arguments, *named.values())
            raise Undecided
        if isinstance(function, UserFunction):
            return super().applied(node, function, arguments, named)
        if function is printing.set_printoptions and (self.uncertain or self._depth):
            self.missed()
        if function is plain.bounded_range and doubtful(arguments) and not named:
            return self._range(arguments)
        if function is torch.is_tensor and any(map(may_be_none, arguments)):
            raise Undecided(bool)
        if function is values.Distinct and any(map(has_tensors, arguments)):
            raise Undecided
        if isinstance(named.get("dtype"), Unknown):
            named["dtype"] = torch.float32
        if isinstance(function, Method):
            return self._method(node, function, arguments, named)
        if function in self._making_text:
            self.budget.weigh(*arguments, *named.values())
            return function(*arguments, **named)
        if function in LISTING and _long(arguments) and not named:
            self.budget.weigh(*arguments)
            return _listed(function, arguments)
        if isinstance(function, nn.Module):
            self.went_on(layered.count(function))
        with suppress(Undecided):
            return by_turn.mapped(function, [] if named else arguments)
        result = super().applied(node, function, *self._any_numbers(function, arguments, named))
        return keyed(result) if isinstance(result, dict) else result

    def _anything(self, node: ast.Call, *arguments: Any) -> None:
        """Call something of which at most the name is known."""
        method = node.func.attr if isinstance(node.func, ast.Attribute) else None
        if method == "item" and self.dearest:
            raise Undecided(float)
        self.unbounded += method is None
        if not asks_little(node):
            self.budget.weigh(ANY, *arguments)
        if method == "backward":
            self.budget.guess_back()
        if method in layers.METHODS:
            self.budget.guess_layers()
        if changes_nothing(node.func):
            return
        if changes_its_own(node.func):
            self.may_alter_within(node.func)
            self.adds(node, ANY, arguments[0] if method in _ADDING and arguments else None)
        else:
            self.budget.grows()
        if not self.dearest or not changes_its_own(node.func):
            self.missed()

    @property
    def _making_text(self) -> tuple[Any, ...]:
        """What makes text, which is not made before the run."""
        return self._print, self._shown, self._representation

    def _range(self, arguments: list[Any]) -> Unknown:
        for bound in arguments:
            turns.apart(bound)
        self.vague = True
        found = some_range(arguments)
        if found is None:
            self.unbounded += 1
            raise Undecided
        self.ranges += 1
        return found

    def _method(self, node: ast.Call, method: Method, arguments: list[Any], named: dict[str, Any]) -> Any:
        """Call a method, which may change what it is of."""
        if isinstance(method.owner, Tensor):
            if method.function is gradients.backward:
                self._goes_back(method.owner)
                return None
            if method.function is Tensor.requires_grad_:
                self.budget.step(AN_ANSWER)
                return self.asks(method.owner, *arguments[:1], *named.values())
            if method.function is plain.converted:
                return _converted(method.owner, arguments, named)
            (_, *arguments), named = self._any_numbers(method.function, [method.owner, *arguments], named)
            return super().applied(node, method, arguments, named)
        if is_some_tensor(method.owner):
            return self._of_some_tensor(method, arguments, named)
        if isinstance(method.owner, nn.Module):
            return self._layer_method(node, method, arguments, named)
        if method.function in values.CHANGING:
            self.alters(method.owner)
            self.lengthens(node, method, arguments)
        if method.function is not list.append and (doubtful(arguments) or doubtful(named)):
            self.budget.weigh(*arguments, *named.values())
            self.weigh_owner(method)
            self.differs(method)
        if self._compares(method, arguments):
            self.differs(method)
        self.budget.weigh(*arguments, *named.values())
        self.weigh_owner(method)
        return plain.bounded(method.function(method.owner, *arguments, **named))

    def _of_some_tensor(self, method: Method, arguments: list[Any], named: dict[str, Any]) -> Any:
        if method.function is gradients.backward:
            self.budget.guess_back()
            return None
        if self.dearest and method.function is Tensor.item:
            return UNKNOWN[float]
        if method.function is Tensor.requires_grad_:
            self.missed()  # nobody knows which tensor that is
        self._any_numbers(method.function, [method.owner, *arguments], named)
        raise Undecided

    def _layer_method(
        self, node: ast.Call, method: Method, arguments: list[Any], named: dict[str, Any]
    ) -> Any:
        """Call a layer's method; what it does to gradients and the like is not known anyway."""
        self.went_on(layered.count(method.owner))
        if method.function is layers.METHODS["append"]:
            if self.uncertain or doubtful(arguments):
                self.unbounded += 1
                self.missed()
                raise Undecided
            self.changes += 1
        if method.function is layers.METHODS["requires_grad_"]:
            for parameter in method.owner.parameters():
                self.asks(parameter, *arguments[:1], *named.values())
        return super().applied(node, method, arguments, named)

    def _compares(self, method: Method, arguments: list[Any]) -> bool:
        """Return whether a method of a list or a dict asks which tensors are the same one."""
        if method.function in _COMPARING:
            self.went_on(len(method.owner) // LOOKED_AT_A_STEP)
            return has_tensors([method.owner, *arguments])
        if method.function in _KEYED:
            return has_tensors(arguments[:1])
        return method.function is values.updated and any(isinstance(item, list | tuple) for item in arguments)

    def _any_numbers(
        self, function: Any, arguments: list[Any], named: dict[str, Any]
    ) -> tuple[list[Any], dict[str, Any]]:
        """Return arguments with a number for each unknown one, of a function for which any will do.

        Raises:
            Undecided: If one is unknown, and the function asks for more; or if one is a gradient that may be
                None, and the function takes None.
        """
        entry = TABLE.entry(function)
        pointwise = entry is not None and isinstance(entry.operation, Pointwise)
        optional = not pointwise or getattr(function, "__name__", "") in _OPTIONAL
        if optional and any(map(may_be_none, [*arguments[1:], *named.values()])):
            raise Undecided
        if not doubtful(arguments) and not doubtful(named):
            return arguments, named
        name = "" if entry is None else entry.operation.name
        drawn = name == "randint" and not doubtful([arguments[-1:], *named.values()])  # its shape comes last
        if pointwise or drawn or name == "tensor":
            with suppress(Undecided):
                return _numbers(arguments), dict(zip(named, _numbers([*named.values()]), strict=True))
        self.budget.weigh(*arguments, *named.values())
        self.for_the_largest(None if entry is None else entry.operation, function, arguments, named)
        if name in _LISTS:
            self.may_be_lists(arguments)
        elif name in _JOINING and arguments:
            self.budget.guess_operands(arguments[0])
        if entry is not None and entry.operation.kind == "creation":
            self.budget.guess_size(name, arguments)
        if isinstance(function, type) and issubclass(function, nn.Module):
            self.budget.guess_size(f"nn.{function.__name__}", layers.sized(function, arguments, named))
        if entry is not None and entry.operation.name not in _SEVERAL and any(map(_has_tensor, arguments)):
            self.at_most(function, arguments, named)
            if not self.dearest:  # else what is guessed takes it
                self.some_tensor()
            raise Undecided(value=no_larger([*arguments, *named.values()], keeps(entry.operation)))
        raise Undecided(_gives(function, arguments))

    def _layer(self, kind: type[nn.Module], arguments: list[Any], named: dict[str, Any]) -> nn.Module:
        layer = layers.made(self.budget, kind, arguments, named, self.hollow.making())
        self.went_on(layered.count(layer))
        return layer


def _gives(function: Any, arguments: list[Any]) -> type | None:
    """Return the kind of what a function gives of arguments that are unknown; None if that isn't known."""
    if function in _KEEPING and arguments:
        items = arguments[0] if len(arguments) == 1 and isinstance(arguments[0], list | tuple) else arguments
        kinds = {kind_of(item) for item in items[:MOST_ITEMS]}
        return float if kinds == {float} and len(items) <= MOST_ITEMS else None
    return _GIVES.get(function)


def _numbers(values: list[Any]) -> list[Any]:
    plain.weight(*values)
    return [numbered(value) for value in values]


def _has_tensor(argument: Any) -> bool:
    """Return whether an argument is a tensor for sure, or a list with one."""
    items = argument if isinstance(argument, list | tuple) else (argument,)
    return any(map(is_tensor, items[:MOST_ITEMS]))


def _long(arguments: list[Any]) -> bool:
    """Return whether arguments are sequences with many items."""
    plain_ones = all(isinstance(value, str | list | tuple | range) for value in arguments)
    return plain_ones and sum(map(len, arguments)) > MOST_ITEMS


def _listed(function: Any, arguments: list[Any]) -> Any:
    """Return what a builtin makes of long sequences: each item is what is known of all of them."""
    size = min(map(len, arguments))
    items = tuple(map(common, arguments)) if size else ()
    if function is plain.paired:
        return [items] * size
    if function is plain.numbered:
        return [(UNKNOWN[int], *items)] * size
    return function(items) * size


def _converted(tensor: Tensor, arguments: list[Any], named: dict[str, Any]) -> Tensor:
    kind = tensor.dtype
    for value in (*arguments, *named.values()):
        if isinstance(value, Unknown):
            raise Undecided
        kind = value.dtype if isinstance(value, Tensor) else value if isinstance(value, torch.dtype) else kind
    return without_cells(tuple(tensor.shape), kind)
