"""Assignments to names, items and attributes."""

from __future__ import annotations

import ast
from collections import Counter, deque
from collections.abc import Sequence
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

from llm_linalg.base.errors import LimitError, ProgramError
from llm_linalg.base.short_repr import short_repr
from llm_linalg.language import allowlist, arithmetic, containers, hardware, module_count, modules, sets
from llm_linalg.language.arithmetic import MAX_ITEMS
from llm_linalg.language.arrays.array import Array, key_of_tensor, number_of
from llm_linalg.language.attributes import attribute_of, missing_in_python
from llm_linalg.language.budget import LAYER_NAME_STEPS
from llm_linalg.language.classes import members
from llm_linalg.language.classes.program_class import MISSING, Instance, Module, ProgramClass
from llm_linalg.language.expressions import charge_lookup, check_pair, item_of, lookup_key
from llm_linalg.language.figures import Figure
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.item_iterator import ItemIterator
from llm_linalg.language.iteration import gives_items, take_first, take_items
from llm_linalg.language.name_scopes import ClassScope, ComprehensionScope, unbind
from llm_linalg.language.sets import OrderedSet
from llm_linalg.language.storages import TensorStorage
from llm_linalg.language.text_formats import percent

# Unions are built once: these are asked for at each turn of a loop.
_NOT_UNPACKED = "cannot unpack non-iterable {} object"
MOST_ADDED = 1_000  # names that a program puts into modules
_PYTHONS = frozenset([torch.float64, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8])
_MUTABLE: Any = (
    Tensor
    | Array
    | TensorStorage
    | list
    | dict
    | deque
    | Figure
    | Instance
    | nn.ModuleDict
    | nn.ModuleList
    | nn.Sequential
)
_WITHOUT_FIELDS: Any = int | float | str | list | tuple | dict | range | deque | OrderedSet | None
_IN_PLACE: Any = Tensor | Array | list | deque | Counter | Instance


def assignment(run: Interpreter, node: ast.Assign) -> None:
    """Execute `a = b = value`."""
    value = run.evaluate(node.value)
    run.current = node
    if len(node.targets) > 1:
        run.budget.step(len(node.targets) - 1)
    for target in node.targets:
        assign(run, target, value)


def named_expression(run: Interpreter, node: ast.NamedExpr) -> Any:
    """Evaluate `(a := b)`, which binds its name outside of a comprehension."""
    value = run.evaluate(node.value)
    outer = run.names
    while isinstance(run.names.maps[0], ComprehensionScope):
        run.names = run.names.parents
    try:
        bind(run, node.target.id, value)
    finally:
        run.names = outer
    return value


def annotated_assignment(run: Interpreter, node: ast.AnnAssign) -> None:
    """Execute `a: Tensor = value`; the annotation is not looked at."""
    names = run.names.maps[0]
    if isinstance(names, ClassScope) and isinstance(node.target, ast.Name):
        names.annotations[node.target.id] = run.source.text_of(node.annotation)
    if node.value is not None:
        assign(run, node.target, run.evaluate(node.value))


def augmented_assignment(run: Interpreter, node: ast.AugAssign) -> None:
    """Execute `a += value`."""
    if isinstance(node.target, ast.Subscript):
        owner, key = _item(run, node.target)
        charge_lookup(key, run.budget)  # it is looked up a second time
        left = item_of(run, owner, key, node.target)
        _store_item(run, node.target, owner, key, _augment(run, node, left))
    elif isinstance(node.target, ast.Name):
        left = run.evaluate(node.target)
        bind(run, node.target.id, _augment(run, node, left))
    elif isinstance(node.target, ast.Attribute):
        owner = run.evaluate(node.target.value)
        store_attribute(run, node.target, owner, _augment(run, node, attribute_of(run, owner, node.target)))


def assign(run: Interpreter, target: ast.expr, value: Any) -> None:
    """Assign a value to whatever stands left of the equals sign."""
    if target.__class__ is ast.Name:
        bind(run, target.id, value)
        return
    match target:
        case ast.Subscript():
            _store_item(run, target, *_item(run, target), value)
        case ast.Tuple() | ast.List():
            _unpack(run, target, value)
        case ast.Attribute():
            store_attribute(run, target, run.evaluate(target.value), value)
        case ast.Starred():
            message = "a `*` on the left stands in a list of names: `first, *rest = xs`"
            raise run.error(message, target)
        case _:
            raise run.error("only names and items can be assigned to", target)


def deletion(run: Interpreter, node: ast.Delete) -> None:
    """Execute `del a, b[0]`."""
    for target in node.targets:
        _delete(run, target)


def _delete(run: Interpreter, target: ast.expr) -> None:
    match target:
        case ast.Name():
            run.evaluate(target)  # which says so if it has no value
            if target.id not in run.names:
                words = f"name '{target.id}' is not defined"
                raise run.error(f"{target.id} is not the program's own", target, NameError(words))
            unbind(run.names, target.id)
        case ast.Tuple() | ast.List():
            for item in target.elts:
                _delete(run, item)
        case ast.Subscript():
            owner, key = _item(run, target)
            if isinstance(owner, Tensor | Array):
                words = "'Tensor' object doesn't support item deletion"
                raise run.error("a tensor keeps its cells: take a slice of it", target, TypeError(words))
            if isinstance(owner, dict) and key not in owner:
                raise run.error(f"there is no item {short_repr(key)}", target, KeyError(key))
            run.budget.charge_list(0 if isinstance(owner, Instance) else len(owner))
            del owner[key]
        case ast.Attribute():
            members.delete_attribute(run.evaluate(target.value), target.attr)
        case _:
            raise run.error("`del` is for names, items and attributes", target)


def bind(run: Interpreter, name: str, value: Any) -> None:
    """Bind a name to a value; a tensor's node, and those of a layer's weights, get the name too."""
    run.names.maps[0][name] = value
    if value.__class__ not in arithmetic.PLAIN_TYPES:
        _name_nodes(run, name, value)


def _name_nodes(run: Interpreter, name: str, value: Any) -> None:
    """Give a tensor's node, and those of a layer's weights, a name that some scope binds."""
    if isinstance(value, Tensor):
        run.budget.steps -= 2
        run.note_result(run.recorder.bind(name, value), value)
    elif value.__class__ is Array:
        run.note_result(run.recorder.bind(name, value.tensor), value.tensor)
    elif isinstance(value, nn.Module):
        run.budget.step(LAYER_NAME_STEPS * module_count.count_layers(value))
        _bind_weights(run, name, value)


def bind_argument(run: Interpreter, name: str, layer: nn.Module) -> None:
    """Bind a parameter of a function to a layer; the weights of a module keep the name that they had."""
    if any(isinstance(inner, Module) for inner in layer.modules()) or isinstance(run.owner, Module):
        run.budget.step(module_count.count_layers(layer))
        run.names.maps[0][name] = layer
    else:
        bind(run, name, layer)


def _bind_weights(run: Interpreter, name: str, layer: nn.Module) -> None:
    """Give the nodes of a layer's weights its name; a module's get their nodes where it reads them."""
    if isinstance(run.owner, Module):  # whoever binds the module itself names them
        return
    lazy = any(isinstance(inner, Module) for inner in layer.modules())
    for inner, tensor in chain(layer.named_parameters(), layer.named_buffers()):
        path = f"{name}.{inner}"
        empty = nn.parameter.is_lazy(tensor)  # it has no cells yet
        if not empty and (not lazy or run.recorder.node_of(tensor) is not None):
            run.recorder.bind(path, tensor)
        elif run.function is None or run.recorder.label_of(tensor) is None:
            run.recorder.label(tensor, path)


def _unpack(run: Interpreter, target: ast.Tuple | ast.List, value: Any) -> None:
    """Assign the items of a value to names, of which one may take all that the others leave: `a, *b = xs`."""
    names = target.elts
    star = next((place for place, name in enumerate(names) if name.__class__ is ast.Starred), None)
    run.budget.step(2 + len(names) // 4)
    if value.__class__ is Figure:
        value = value.unpack(len(names))
    if star is None:
        if value.__class__ is tuple or value.__class__ is list:
            items = value
        else:  # of an iterator one more than fits is taken, as Python does
            most = len(names) + 1 if value.__class__ is ItemIterator else MAX_ITEMS
            items = take_first(run, value, most, target, _NOT_UNPACKED)
        if len(items) != len(names):
            raise _wrong_count(run, target, items, len(names), value)
        for name, item in zip(names, items, strict=True):
            assign(run, name, item)
        return
    items = take_items(run, value, node=target)
    after = len(names) - star - 1
    if len(items) < len(names) - 1:
        raise _wrong_count(run, target, items, len(names) - 1, value, "at least ")
    rest = items[star : len(items) - after]
    for name, item in zip(names[:star], items[:star], strict=True):
        assign(run, name, item)
    assign(run, names[star].value, list(rest))  # type: ignore[attr-defined]
    for name, item in zip(names[star + 1 :], items[len(items) - after :], strict=True):
        assign(run, name, item)


def _wrong_count(
    run: Interpreter, target: ast.expr, items: Sequence[Any], names: int, value: Any, least: str = ""
) -> ProgramError:
    """Return the error for values that are fewer or more than the names that they are unpacked to."""
    many = len(items) > names
    words = f"too many values to unpack (expected {names})"
    if not many:
        words = f"not enough values to unpack (expected {least}{names}, got {len(items)})"
    count = "more" if many and value.__class__ is ItemIterator else f"{len(items)}"
    said = f"{count} values can't be unpacked to {least}{names} names"
    return run.error(said, target, ValueError(words))


def _item(run: Interpreter, target: ast.Subscript) -> tuple[Any, Any]:
    """Return the owner and the key of an item that is assigned to, if it can be."""
    owner, key = run.evaluate(target.value), lookup_key(run, target.slice)
    if owner.__class__ is not dict and not isinstance(owner, _MUTABLE):
        kind = type(owner).__name__
        exception = TypeError(f"'{kind}' object does not support item assignment")
        raise run.error(f"a {kind}'s items can't be assigned to", target, exception)
    return owner, key


def _store_item(run: Interpreter, target: ast.Subscript, owner: Any, key: Any, value: Any) -> None:
    """Write an item: of a tensor, that is a torch call, and gives a node."""
    if isinstance(owner, dict):
        containers.check_key(key)
        owner[key] = value
        return
    if owner.__class__ is Figure:
        return
    if isinstance(owner, modules.CONTAINERS) and not _has_own_items(owner):
        modules.set_item(owner, key, value)
        return
    if isinstance(owner, Tensor | Array):
        run.budget.charge_items(value)
        check_pair(owner, key)
        if isinstance(owner, Tensor):
            key, value = key_of_tensor(key), _cell(value)
    elif isinstance(owner, list) and key.__class__ is slice:
        value = take_items(run, value)
        run.budget.charge_items(owner)
        if len(owner) + len(value) > MAX_ITEMS:
            raise LimitError(f"a list of more than {MAX_ITEMS:,} items")
    owner[key] = value
    if isinstance(owner, Tensor | Array) and isinstance(target.value, ast.Name):
        _name_nodes(run, target.value.id, owner)


def _cell(value: Any) -> Any:
    """Return what is written into a tensor; of NumPy's numbers it takes those that are Python's as well."""
    if value.__class__ is Array and value.tensor.dtype in _PYTHONS:
        return number_of(value)
    return value


def _has_own_items(owner: nn.Module) -> bool:
    """Return whether a module is of a class of the program that says what `module[key] = value` does."""
    return isinstance(owner, Instance) and owner.__class__.find("__setitem__") is not MISSING


def store_attribute(run: Interpreter, target: ast.Attribute, owner: Any, value: Any) -> None:
    """Write an attribute: a tensor's gradient or data, a layer's weight."""
    if isinstance(owner, Tensor) and target.attr in allowlist.STORED:
        run.budget.step(6)
        allowlist.STORED[target.attr](owner, value)
        return
    if owner.__class__ is Figure:
        return
    if isinstance(owner, allowlist.Namespace) and target.attr in hardware.SWITCHES & owner.members.keys():
        return
    if isinstance(owner, allowlist.Namespace):
        _add_member(run, owner, target, value)
        return
    if not isinstance(owner, Instance | ProgramClass | nn.Module):
        exception = missing_in_python(owner, target.attr) if isinstance(owner, _WITHOUT_FIELDS) else None
        raise run.error(f"what can be assigned to is x.{', x.'.join(allowlist.STORED)}", target, exception)
    members.set_attribute(run, owner, target.attr, value)
    if isinstance(value, Tensor) and isinstance(owner, Instance | ProgramClass):
        node = run.recorder.node_of(value)
        if node is not None and node.bound_name is None:
            node.bound_name = run.source.text_of(target)
        run.note_result(node, value)
    if isinstance(owner, nn.Module) and not isinstance(owner, Module):
        _bind_again(run, owner)


def _add_member(run: Interpreter, owner: allowlist.Namespace, target: ast.Attribute, value: Any) -> None:
    """Put a value into a module, for this run alone, under a name that is free: `F.mine = F.softmax`."""
    of_hardware = not hardware.SWITCHES.isdisjoint(owner.members)
    if of_hardware or target.attr in owner.members or target.attr.startswith("_"):
        words = f"{owner.name}.{target.attr} stays what it is: give yours a name of its own"
        raise run.error(words, target)
    run.budget.step(6)
    if len(run.added) >= MOST_ADDED:
        raise LimitError(f"more than {MOST_ADDED:,} names put into modules")
    run.added[owner.name, target.attr] = value


def _bind_again(run: Interpreter, owner: nn.Module) -> None:
    """Give a new weight of a layer its name in the trace from each name that the layer has."""
    run.budget.step(sum(map(len, run.names.maps)) // 20 + len(run.names.maps))
    names = [name for scope in run.names.maps for name, bound in scope.items() if bound is owner]
    for name in names:
        if run.names[name] is owner:  # else an inner scope has another value of this name
            _name_nodes(run, name, owner)


def _augment(run: Interpreter, node: ast.AugAssign, left: Any) -> Any:
    """Return `left op= value`; what can change is changed in place."""
    right = run.evaluate(node.value)
    run.current = node
    operator = node.op.__class__
    if left.__class__ in arithmetic.NUMERIC_TYPES and right.__class__ in arithmetic.NUMERIC_TYPES:
        if isinstance(left, Tensor):
            return arithmetic.IN_PLACE[operator](left, right)
        return arithmetic.binary(operator, left, right)
    if left.__class__ is str and operator is ast.Mod:
        return percent(run, left, right)
    if isinstance(left, Tensor):
        right = number_of(right)
    is_object = isinstance(right, Instance)  # it may have `__radd__`
    if operator is ast.Add and isinstance(left, list | deque) and gives_items(right) and not is_object:
        right = take_items(run, right)
    check_pair(left, right)
    run.budget.charge_items(left, right)
    run.budget.charge_list(arithmetic.new_items(operator, left, right))
    if left.__class__ is OrderedSet and operator in sets.IN_PLACE and isinstance(right, sets.SETS):
        left.change(sets.IN_PLACE[operator], right)
        return left
    if isinstance(left, dict) and not isinstance(left, Counter) and operator is ast.BitOr:
        containers.update(left, right)
        return left
    if operator is ast.Add and isinstance(left, modules.LAYER_LISTS) and not isinstance(left, Instance):
        return modules.add_in_place(left, take_items(run, right) if gives_items(right) else right)
    if not isinstance(left, _IN_PLACE):
        return arithmetic.binary(operator, left, right)
    arithmetic.check_operation(operator, left, right)
    return arithmetic.IN_PLACE[operator](left, right)
