"""What stands after a dot: members of modules, attributes and methods of values, all by the allow-list."""

from __future__ import annotations

import ast
from collections.abc import Callable
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

from llm_linalg.language import allowlist, containers, generators, hardware, modules, suggestions
from llm_linalg.language.figures import Figure
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.run_function import RunFunction

_PLAIN_METHODS = frozenset(chain.from_iterable(containers.METHODS.values()))


class Method:
    """A function of the allow-list together with the value it is a method of."""

    __slots__ = ("function", "owner")

    def __init__(self, function: Callable[..., Any] | RunFunction, owner: Any) -> None:
        self.function = function
        self.owner = owner

    def __repr__(self) -> str:
        return "<a method>"


def attribute(run: Interpreter, node: ast.Attribute) -> Any:
    """Evaluate `a.name`."""
    value = run.evaluate(node.value)
    return value.member(node.attr) if value.__class__ is Figure else attribute_of(run, value, node)


def attribute_of(run: Interpreter, value: Any, node: ast.Attribute) -> Any:
    """Return what a value has under the name after the dot.

    Raises:
        ProgramError: If the allow-list has no such name for it.
    """
    name = node.attr
    table = containers.METHODS.get(value.__class__)
    if table is not None and name in table:
        return Method(table[name], value)
    match value:
        case allowlist.Namespace():
            return member(run, value, node)
        case Tensor() if name in allowlist.ATTRIBUTES:
            return allowlist.attribute(value, name)
        case Tensor() if name in allowlist.METHODS:
            return Method(allowlist.METHODS[name], value)
        case torch.Generator() if name in generators.METHODS:
            return Method(generators.METHODS[name], value)
        case torch.device() if name in hardware.DEVICE:
            return hardware.DEVICE[name](value)
        case nn.Module():
            return _of_layer(run, value, node)
        case torch.Size() if name == "numel":
            return value.numel
        case tuple() if name in allowlist.FIELDS and type(value).__module__ == "torch.return_types":
            return value[allowlist.FIELDS.index(name)]
    methods = containers.methods(value)
    if name in methods:
        return Method(methods[name], value)
    of_tensors = name in allowlist.METHODS or name in allowlist.ATTRIBUTES
    advised = isinstance(value, list) and name in suggestions.LISTS
    owner = run.source.text_of(node.value) if isinstance(node.value, ast.Name | ast.Attribute) else ""
    of_others = value is None or of_tensors or name in _PLAIN_METHODS
    if of_others and not advised and not isinstance(value, Tensor):
        raise run.error(suggestions.missing_attribute(value, owner, name, of_tensors), node)
    known = [*allowlist.METHODS, *allowlist.ATTRIBUTES] if isinstance(value, Tensor) else methods
    raise run.error(suggestions.unknown_member(f".{name}", name, known, run.budget.hint), node)


def _of_layer(run: Interpreter, layer: nn.Module, node: ast.Attribute) -> Any:
    if node.attr in modules.METHODS:
        return Method(modules.METHODS[node.attr], layer)
    try:
        return modules.attribute_of(layer, node.attr)
    except KeyError:
        said = suggestions.unknown_member(f".{node.attr}", node.attr, modules.ATTRIBUTES, run.budget.hint)
        raise run.error(f"a layer's {said}", node) from None


def member(run: Interpreter, namespace: allowlist.Namespace, node: ast.Attribute) -> Any:
    """Return what a module such as `torch` has under the name after the dot.

    Raises:
        ProgramError: If the language has no such member.
    """
    if node.attr in namespace.members:
        return namespace.members[node.attr]
    path = f"{namespace.name}.{node.attr}"
    raise run.error(suggestions.unknown_member(path, node.attr, namespace.members, run.budget.hint), node)
