"""Values that change by being used, where no word of the program says so at that place."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from itertools import islice
from typing import Any

from torch import Tensor, nn

from llm_linalg.base.syntax import descendants
from llm_linalg.language.classes.descriptors import Property
from llm_linalg.language.classes.program_class import Instance, ProgramClass
from llm_linalg.language.effects.value_changes import ALTERING, all_changed_names
from llm_linalg.language.item_iterator import ItemIterator
from llm_linalg.language.memory import PLAIN
from llm_linalg.language.methods import Method
from llm_linalg.language.records import DefaultDict
from llm_linalg.language.source import SPECIAL_METHODS
from llm_linalg.language.user_function import UserFunction

MOST_ITEMS = 1_000  # that are looked through
_CHANGEABLE: Any = list | dict | Tensor
_UNSEEN = SPECIAL_METHODS - {"__init__", "__call__"}  # a call, and what is made, the text shows


def parts_of(value: Any) -> list[Any]:
    """Return a value with what it holds, and what that holds in turn: items, fields and layers.

    Numbers and text are left out, and of more than `MOST_ITEMS` parts the others.
    """
    found: list[Any] = []
    known: set[int] = set()
    todo = [value]
    while todo and len(found) < MOST_ITEMS:
        part = todo.pop()
        if id(part) in known:
            continue
        known.add(id(part))
        found.append(part)
        if isinstance(part, dict | list | tuple):
            items = islice(part.values() if isinstance(part, dict) else part, MOST_ITEMS)
            todo += [item for item in items if item.__class__ not in PLAIN]
        if isinstance(part, Instance):
            todo += part.__fields__.values()
        if isinstance(part, nn.Module):
            todo += part.children()
    return found


def changes_by_use(part: Any) -> bool:
    """Return whether a value may change if it is called, asked or gone through, whatever it holds.

    So does a batch norm in training, an iterator, a bound method's owner, a closure with `nonlocal`, a
    function with a list as a default, a defaultdict, and an object whose special methods or properties write.
    """
    match part:
        case DefaultDict() | ItemIterator() | Method():
            return True
        case UserFunction():
            is_sharing = False in part.code.shared_names.values()
            return is_sharing or any(isinstance(one, _CHANGEABLE) for one in part.defaults.values())
    return _has_running_statistics(part) or any(map(_writes, _unseen_bodies(part)))


def changes_arguments(part: Any) -> bool:
    """Return whether a layer itself writes into what it is given, such as `nn.ReLU(inplace=True)`."""
    return isinstance(part, nn.Module) and bool(vars(part).get("inplace"))


def names_written(part: Any) -> set[str]:
    """Return the names whose values an object may change, outside it, if it is asked or gone through."""
    return {
        name for body in _unseen_bodies(part) for statement in body for name in all_changed_names(statement)
    }


def _has_running_statistics(part: Any) -> bool:
    """Return whether a value is a layer with statistics that change with each batch."""
    if not isinstance(part, nn.Module) or not part.training:
        return False
    return vars(part)["_buffers"].get("running_mean") is not None


def _unseen_bodies(value: Any) -> list[Sequence[ast.AST]]:
    """Return the bodies of an object's special methods and properties, which no name says are called."""
    if not isinstance(value, Instance):
        return []
    kinds = [kind for kind in type(value).__mro__ if isinstance(kind, ProgramClass)]
    members = [item for kind in kinds for item in kind.__members__.items()]
    found = [member for name, member in members if name in _UNSEEN]
    found += [member.getter for _, member in members if isinstance(member, Property)]
    bodies = [function.code.body for function in found if isinstance(function, UserFunction)]
    return [[body] if isinstance(body, ast.AST) else body for body in bodies]


def _writes(body: Sequence[ast.AST]) -> bool:
    for part in descendants(*body):
        match part:
            case ast.Attribute(ctx=ast.Store() | ast.Del()) | ast.Subscript(ctx=ast.Store() | ast.Del()):
                return True
            case ast.Global() | ast.Nonlocal():
                return True
            case ast.Call(func=ast.Attribute(attr=name)) if name in ALTERING:
                return True
    return False
