"""Assignments: names, items and attributes that are bound to what was evaluated."""

from __future__ import annotations

import ast
from typing import Any

from torch import Tensor, nn

from llm_linalg.base.short_repr import brief
from llm_linalg.language import allowlist, arithmetic, containers, module_count, modules
from llm_linalg.language.budget import A_LAYER_NAMED
from llm_linalg.language.calls import Caller
from llm_linalg.language.containers import Distinct

_STORING: Any = Tensor | list | dict
_UNPACKED: Any = tuple | list
_IN_PLACE: Any = Tensor | list


class Assigner(Caller):
    """Evaluates what a `Caller` does, and binds it."""

    def assign(self, target: ast.expr, value: Any) -> None:
        """Bind a target to a value."""
        if target.__class__ is ast.Name:
            self.bind(target.id, value)
            return
        match target:
            case ast.Subscript():
                self._store(target, *self._item(target), value)
            case ast.Tuple() | ast.List():
                self._unpack(target, value)
            case ast.Attribute():
                self._put(target, self.evaluate(target.value), value)
            case _:
                raise self.outside("only names and items can be assigned to", target)

    def _put(self, target: ast.Attribute, owner: Any, value: Any) -> None:
        """Write an attribute: a tensor's gradient or data, a layer's weight."""
        if isinstance(owner, Tensor) and target.attr in allowlist.STORED:
            self.budget.step(6)
            allowlist.STORED[target.attr](owner, value)
            return
        if not isinstance(owner, nn.Module):
            raise self.outside(f"what can be assigned to is x.{', x.'.join(allowlist.STORED)}", target)
        self.budget.step(8)
        try:
            modules.stored(owner, target.attr, value)
        except KeyError:
            raise self.outside(f"a layer's {target.attr} can't be assigned to here", target) from None
        self.budget.step(sum(map(len, self.names.maps)) // 20 + len(self.names.maps))
        found = [name for scope in self.names.maps for name, bound in scope.items() if bound is owner]
        for name in found:
            if self.names[name] is owner:  # else an inner scope has another of this name
                self.bind(name, owner)

    def _item(self, target: ast.Subscript) -> tuple[Any, Any]:
        """Return what an item that is assigned to belongs to, and its key."""
        owner, key = self.evaluate(target.value), self.key(target.slice)
        if owner.__class__ is not dict:
            self.takes(target, owner, key)
        return owner, key

    def takes(self, target: ast.Subscript, owner: Any, key: Any) -> None:
        """See whether an item can be written: no slice of a list, and nothing of what has no items."""
        if not isinstance(owner, _STORING):
            raise self.error(f"a {type(owner).__name__}'s items can't be assigned to", target)
        if isinstance(key, slice) and isinstance(owner, list):
            raise self.outside("a slice of a list can't be assigned to: write xs[:i] + new + xs[j:]", target)

    def _store(self, target: ast.Subscript, owner: Any, key: Any, value: Any) -> None:
        """Write an item: of a tensor, that is an operation, and a node of its own."""
        if owner.__class__ is dict:
            containers.check_key(key)
            owner[key] = value
            return
        if isinstance(owner, Tensor):
            self.budget.charge_items(value)
        owner[key] = value
        if isinstance(owner, Tensor) and isinstance(target.value, ast.Name):
            self.bind(target.value.id, owner)

    def bind(self, name: str, value: Any) -> None:
        """Bind a name to a value."""
        self.names.maps[0][name] = value
        if value.__class__ in arithmetic.KINDS:
            return
        if isinstance(value, Tensor):
            self.budget.steps -= 2
            self.gave(self.recorder.bind(name, value))
        elif isinstance(value, nn.Module):
            self.budget.step(A_LAYER_NAMED * module_count.count(value))
            for inner, parameter in value.named_parameters():
                self.recorder.bind(f"{name}.{inner}", parameter)

    def _unpack(self, target: ast.Tuple | ast.List, value: Any) -> None:
        if isinstance(value, Tensor):
            value = value.unbind(0)
        if not isinstance(value, _UNPACKED):
            raise self.error("only a tuple, a list or a tensor can be unpacked", target)
        self.budget.step(2 + len(target.elts) // 4)
        if len(value) != len(target.elts):
            raise self.error(f"{len(value)} values can't be unpacked to {len(target.elts)} names", target)
        for item, part in zip(target.elts, value, strict=True):
            self.assign(item, part)

    def augmented(self, node: ast.AugAssign) -> None:
        """Bind a target to ``target op= value``."""
        if isinstance(node.target, ast.Subscript):
            owner, key = self._item(node.target)
            if isinstance(owner, dict) and key not in owner:
                raise self.error(f"there is no item {brief(key)}", node.target)
            self._store(node.target, owner, key, self._changed(node, owner[key]))
        elif isinstance(node.target, ast.Name):
            left = self.evaluate(node.target)
            self.bind(node.target.id, self._changed(node, left))
        elif isinstance(node.target, ast.Attribute):
            owner = self.evaluate(node.target.value)
            self._put(node.target, owner, self._changed(node, self.attribute(owner, node.target)))

    def _changed(self, node: ast.AugAssign, left: Any) -> Any:
        """Return ``left op= right``; tensors, lists and dicts are changed in place."""
        return self._written(node, left, self.evaluate(node.value))

    def _written(self, node: ast.AugAssign, left: Any, right: Any) -> Any:
        self._at = node
        self.budget.charge_items(left, right)
        self.budget.charge_list(arithmetic.items_made(node.op.__class__, left, right))
        if isinstance(left, Distinct):
            raise self.outside("a set isn't changed in place here: write s = s | other", node)
        if isinstance(left, dict) and isinstance(node.op, ast.BitOr):
            containers.updated(left, right)
            return left
        if not isinstance(left, _IN_PLACE):
            return arithmetic.binary(type(node.op), left, right)
        arithmetic.bound(type(node.op), left, right)
        return arithmetic.IN_PLACE[type(node.op)](left, right)
