"""Values that change by being used, where no word of the program says so at that place."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Mapping, MutableMapping, Sequence
from itertools import islice
from typing import Any

import torch
from torch import nn
from torch.nn.modules.lazy import LazyModuleMixin

from llm_linalg.language.block_context import BlockContext
from llm_linalg.language.classes.descriptors import ClassMethod, Property, StaticMethod
from llm_linalg.language.classes.program_class import Instance, ProgramClass
from llm_linalg.language.data_loading import DataLoader, Subset
from llm_linalg.language.effects.names_in_code import SPREAD
from llm_linalg.language.effects.statement_effects import Definitions
from llm_linalg.language.item_iterator import ItemIterator, PausedBody, ProgressBar
from llm_linalg.language.memory import PLAIN, Memory, program_classes
from llm_linalg.language.methods import Method
from llm_linalg.language.records import DefaultDict
from llm_linalg.language.run_function import RunFunction, RunMethod
from llm_linalg.language.schedule_rates import Scheduler
from llm_linalg.language.source import SPECIAL_METHODS
from llm_linalg.language.user_function import UserFunction

MOST_ITEMS = 1_000  # of a list that is looked through
_MOST_LOOKS = 20_000
_LOOKS_PER_CALL = 8
_AT_ONCE = 8  # names that are looked up in the time of one look
_SEEN = SPECIAL_METHODS - {"__init__", "__call__"}  # a call, and what is made, the text shows
_CALLABLE = (UserFunction, Method, RunFunction)
_RUN_BY: Mapping[type, Callable[[Any], Sequence[Any]]] = {
    BlockContext: lambda context: [context.generator],
    DataLoader: lambda loader: [loader.dataset, loader.collate, loader.generator],
    ProgressBar: lambda bar: [bar.items],
    Scheduler: lambda scheduler: [*scheduler.settings.values(), *scheduler.inner],
    Subset: lambda subset: [subset.dataset],
}
"""What values of the language run when they are used."""


class Use:
    """What may change when some values are called, asked or gone through, beyond what the text says.

    So does a batch norm in training, an iterator and what its body writes to, a bound method's owner, what a
    closure holds, a default, a defaultdict, a dict's `out` that is handed on by `**`, and what an object's
    special methods and properties write to.

    Args:
        definitions: What functions change, by their text.
        asked: The attributes that the code asks for which uses the values.
        outermost: The names of the program.

    Attributes:
        changed: The memory that may change.
        names: Names of the program whose values may change.
        writes_arguments: Whether a function among them may change what the code hands to it.
        writes_tensors: Whether a layer does, such as `nn.ReLU(inplace=True)`.
        looks: How many values were looked at.
    """

    def __init__(
        self, definitions: Definitions, asked: Collection[str], outermost: Mapping[str, Any]
    ) -> None:
        self._definitions = definitions
        self._asked = asked
        self._outermost = outermost
        self._seen: set[int] = set()
        self._todo: list[Any] = []
        self.changed: list[Memory] = []
        self.names: set[str] = set()
        self.writes_arguments = self.writes_tensors = False
        self.looks = 0

    def of(self, value: Any, *, is_named: bool = False) -> None:
        """Take in the use of a value, and of what it runs.

        Args:
            value: The value.
            is_named: Whether a name of the program stands for it, so that the text tells what it writes to
                under other names.
        """
        self._todo.append(value)
        while self._todo and self.looks < _MOST_LOOKS:
            found = self._todo.pop()
            if id(found) not in self._seen:
                self._seen.add(id(found))
                self.looks += 1
                self._take_in(found, is_named=is_named and found is value)

    def _take_in(self, value: Any, *, is_named: bool) -> None:
        match value:
            case DefaultDict():
                self._change(Memory.at(id(value)))
            case list() | tuple() | dict():
                items = value.values() if isinstance(value, dict) else value
                several = islice(items, MOST_ITEMS)
                if isinstance(value, dict) and SPREAD in self._asked:
                    keywords = {k: v for k, v in islice(value.items(), MOST_ITEMS) if k.__class__ is str}
                    self._change(Memory(keywords.get("out")))
                    self.writes_tensors |= keywords.get("inplace") is True
                self._todo += [item for item in several if item.__class__ not in PLAIN]
            case UserFunction() | Method() | RunFunction() | PausedBody():
                self._function(value, is_named=is_named)
            case ItemIterator(inner=parts):
                self._change(Memory.of_steps(value))
                self._made_of(parts)
            case nn.Module():
                for part in value.modules():
                    self._layer(part)
            case Instance() | ProgramClass():
                self._object(value)
            case _ if value.__class__ in _RUN_BY:
                self._made_of(_RUN_BY[value.__class__](value))
            case torch.Generator():
                self._change(Memory(value))

    def _function(self, value: Any, *, is_named: bool) -> None:
        """Take in a call of a function, or the next turn of a generator's body."""
        match value:
            case UserFunction():
                self.writes_arguments |= not is_named and self._writes_arguments(value)
                self._called(value.code.node, value.scope.maps, value.defaults, is_named=is_named)
            case Method(owner=owner, function=UserFunction() as function):
                self.writes_arguments |= self._writes_arguments(value)
                self._called(function.code.node, function.scope.maps, function.defaults, owner)
                self._todo.append(owner)
            case Method(owner=owner):
                self._change(Memory(owner))
            case PausedBody(node=node, names=names):
                self._called(node, names.maps, names.maps[0])
            case RunFunction(holds=[function, *given]):
                self._made_of([function, *given])
                if not isinstance(function, (*_CALLABLE, type)):  # `partial(torch.add, out=x)`
                    self._change(Memory(given))
                if isinstance(value, RunMethod):  # it keeps the results
                    self._change(Memory.at(*map(id, given)))

    def _change(self, memory: Memory) -> None:
        self.changed.append(memory)
        self.looks += memory.visited

    def _made_of(self, parts: Sequence[Any]) -> None:
        """Take in that what is made of some values is used: functions among them are called with others."""
        self._todo += parts
        writing = any(self._writes_arguments(part) for part in parts)
        for part in parts if writing else ():
            self._change(Memory(part))

    def _writes_arguments(self, function: Any) -> bool:
        if isinstance(function, Method):
            function = function.function
        return isinstance(function, UserFunction) and self._definitions.writes(function.code.node).arguments

    def _layer(self, layer: nn.Module) -> None:
        if layer.training and vars(layer)["_buffers"].get("running_mean") is not None:
            self._change(Memory([*vars(layer)["_buffers"].values()]))
        if isinstance(layer, LazyModuleMixin):  # it gets its weights with the first batch
            self._change(Memory(layer))
        self.writes_tensors |= bool(vars(layer).get("inplace"))
        if isinstance(layer, Instance):
            self._object(layer)

    def _object(self, value: Instance | ProgramClass) -> None:
        """Take in the use of an object, or of a class of which one may be made."""
        is_class = isinstance(value, ProgramClass)
        kinds = program_classes(value if isinstance(value, ProgramClass) else type(value))
        for name, member in (item for kind in kinds for item in kind.__members__.items()):
            if name in _SEEN or (isinstance(member, Property) and name in self._asked):
                for function in _functions_of(member):
                    owner = None if is_class else value
                    self._called(function.code.node, function.scope.maps, function.defaults, owner)
            elif name in self._asked or (is_class and name == "__init__"):
                functions = _functions_of(member)
                self._todo += [] if functions else [member]
                for function in functions:
                    is_named = function.name == name  # else the text knows no method of that name
                    scopes = function.scope.maps
                    self._called(function.code.node, scopes, function.defaults, is_named=is_named)
        fields = value.__fields__ if isinstance(value, Instance) else {}
        self._todo += [fields[name] for name in fields.keys() & self._asked]

    def _called(
        self,
        node: ast.FunctionDef | ast.Lambda | ast.GeneratorExp,
        scopes: Sequence[MutableMapping[str, Any]],
        arguments: Mapping[str, Any],
        owner: Any = None,
        *,
        is_named: bool = False,
    ) -> None:
        """Take in a call of a function.

        Args:
            node: Its definition.
            scopes: The names around it, and those of the program last.
            arguments: Values that its parameters may have.
            owner: The object whose method it is.
            is_named: As for `of`.
        """
        writes = self._definitions.writes(node)
        self.looks += _LOOKS_PER_CALL + len(writes.outside) // _AT_ONCE
        if writes.arguments:
            self._change(Memory([*arguments.values()]))
        if owner is not None and (writes.owner or writes.arguments):
            self._change(Memory(owner))
        for name in writes.outside:
            scope = next((scope for scope in scopes if name in scope), self._outermost)
            if scope is not self._outermost:
                self._change(Memory.at((id(scope), name)))
                self._change(Memory(scope.get(name)))
            elif not is_named:
                self.names.add(name)
        inner = [scope[name] for scope in scopes[:-1] for name in writes.mentioned if name in scope]
        self._todo += [one for one in inner if isinstance(one, _CALLABLE)]  # such as what it decorates


def _functions_of(member: Any) -> list[UserFunction]:
    """Return the functions that a member of a class stands for."""
    match member:
        case Property(getter=getter, setter=setter):
            found = [getter, setter]
        case StaticMethod(function=function) | ClassMethod(function=function):
            found = [function]
        case _:
            found = [member]
    return [function for function in found if isinstance(function, UserFunction)]
