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
from llm_linalg.language.methods import Method
from llm_linalg.language.records import DefaultDict
from llm_linalg.language.source import SPECIAL_METHODS
from llm_linalg.language.user_function import UserFunction

MOST_ITEMS = 1_000  # of a list that is looked through
_CHANGEABLE: Any = list | dict | Tensor
_UNSEEN = SPECIAL_METHODS - {"__init__", "__call__"}  # a call, and what is made, the text shows


def changes_by_use(value: Any) -> bool:
    """Return whether a value may change if it is called, asked or gone through.

    So does a batch norm in training, an iterator, a bound method's owner, a closure with `nonlocal`, a
    function with a list as a default, a defaultdict, and an object whose special methods or properties write.
    """
    match value:
        case DefaultDict() | ItemIterator() | Method():
            return True
        case list() | tuple() | dict():
            items = value.values() if isinstance(value, dict) else value
            return any(isinstance(item, Method) for item in islice(items, MOST_ITEMS))
        case UserFunction():
            is_sharing = False in value.code.shared_names.values()
            return is_sharing or any(isinstance(one, _CHANGEABLE) for one in value.defaults.values())
        case nn.Module():
            return any(_counts(part) or _writes_unseen(part) for part in value.modules())
    return _writes_unseen(value)


def changes_arguments(value: Any) -> bool:
    """Return whether a layer writes into what it is given, such as `nn.ReLU(inplace=True)`."""
    return isinstance(value, nn.Module) and any(vars(part).get("inplace") for part in value.modules())


def _counts(layer: nn.Module) -> bool:
    """Return whether a layer's running statistics change with each batch."""
    return layer.training and vars(layer)["_buffers"].get("running_mean") is not None


def names_written(value: Any) -> set[str]:
    """Return the names outside it whose values an object may change if it is asked or gone through."""
    return {
        name
        for part in (value.modules() if isinstance(value, nn.Module) else [value])
        for body in _unseen_bodies(part)
        for statement in body
        for name in all_changed_names(statement)
    }


def _writes_unseen(value: Any) -> bool:
    return any(map(_writes, _unseen_bodies(value)))


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
