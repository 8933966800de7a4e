"""What stands after a dot: members of modules, attributes and methods of values, all by the allow-list."""

from __future__ import annotations

import ast
import re
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Mapping
from functools import partial
from itertools import chain
from types import BuiltinFunctionType, FunctionType, GeneratorType
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from llm_linalg.language import (
    allowlist,
    data_loading,
    distributions,
    generators,
    gradient_functions,
    hardware,
    meanings,
    modules,
    optimizers,
    packed_sequences,
    pretrained_embeddings,
    readable_files,
    schedulers,
    storages,
    suggestions,
    tensor_types,
    value_methods,
    weight_files,
)
from llm_linalg.language.arrays import array_generators, array_members, array_random
from llm_linalg.language.arrays.array import Array
from llm_linalg.language.arrays.array_generators import ArrayGenerator
from llm_linalg.language.arrays.array_random import RandomState
from llm_linalg.language.classes import members, own_functions, reflection
from llm_linalg.language.classes.descriptors import DESCRIPTOR_METHODS, Property, Super
from llm_linalg.language.classes.own_functions import HookHandle
from llm_linalg.language.classes.program_class import MISSING, Instance, ProgramClass
from llm_linalg.language.distribution_value import Distribution
from llm_linalg.language.figures import Figure
from llm_linalg.language.gradient_functions import GradientFunction
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.item_iterator import ItemIterator
from llm_linalg.language.methods import Method
from llm_linalg.language.optimizer_state import Optimizer
from llm_linalg.language.python_modules import package_versions, patterns
from llm_linalg.language.records import DefaultDict, FieldTuple
from llm_linalg.language.run_function import RunFunction
from llm_linalg.language.schedule_rates import Scheduler
from llm_linalg.language.sets import FrozenSet, OrderedSet
from llm_linalg.language.storages import TensorStorage
from llm_linalg.language.type_function import kind_of
from llm_linalg.language.user_function import UserFunction

_PLAIN_METHODS = frozenset(chain.from_iterable(value_methods.METHODS.values()))


class _Members(NamedTuple):
    """What values of a kind have under a name."""

    methods: Mapping[str, Any]
    attributes: Mapping[str, Callable[[Any], Any]]


_OF_PROGRAM: Any = Super | ProgramClass | Instance  # built once: it is asked for at each attribute
_NO_OBJECTS: frozenset[type] = frozenset([Tensor, nn.Parameter, allowlist.Namespace])
"""Types of values that are no objects of the program, for a quick check."""
_KINDS: Mapping[type, _Members] = {
    Optimizer: _Members(optimizers.METHODS, optimizers.ATTRIBUTES),
    Scheduler: _Members(schedulers.METHODS, schedulers.ATTRIBUTES),
    Array: _Members(array_members.METHODS, array_members.ATTRIBUTES),
    **{kind: _Members({}, attributes) for kind, attributes in data_loading.ATTRIBUTES.items()},
    readable_files.TextFile: _Members(readable_files.METHODS, readable_files.ATTRIBUTES),
    weight_files.TensorFile: _Members(weight_files.FILE_METHODS, {}),
    weight_files.ArrayArchive: _Members(weight_files.ARCHIVE_METHODS, weight_files.ARCHIVE_ATTRIBUTES),
    TensorStorage: _Members(storages.METHODS, storages.ATTRIBUTES),
    torch.Generator: _Members(generators.METHODS, {}),
    torch.device: _Members({}, hardware.DEVICE),
    torch.dtype: _Members({}, tensor_types.OF_DTYPES),
    torch.finfo: _Members({}, tensor_types.LIMITS),
    torch.iinfo: _Members({}, tensor_types.LIMITS),
    RandomState: _Members(array_random.METHODS, {}),
    ArrayGenerator: _Members(array_generators.METHODS, {}),
    Distribution: _Members(distributions.METHODS, distributions.ATTRIBUTES),
    PackedSequence: _Members({}, packed_sequences.ATTRIBUTES),
    package_versions.PackageVersion: _Members({}, package_versions.ATTRIBUTES),
    HookHandle: _Members(own_functions.HANDLE_METHODS, {}),
    range: _Members(value_methods.METHODS[range], value_methods.OF_RANGES),
    deque: _Members(value_methods.METHODS[deque], {"maxlen": lambda items: items.maxlen}),
    re.Pattern: _Members(patterns.PATTERN_METHODS, patterns.PATTERN_ATTRIBUTES),
    re.Match: _Members(patterns.MATCH_METHODS, patterns.MATCH_ATTRIBUTES),
    GradientFunction: _Members(gradient_functions.METHODS, gradient_functions.ATTRIBUTES),
}
_IN_PYTHON: Mapping[type, type] = {
    UserFunction: FunctionType,
    OrderedSet: set,
    FrozenSet: frozenset,
    ItemIterator: GeneratorType,
    DefaultDict: defaultdict,
}
"""The types of Python's whose values ours stand for."""


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
    table = value_methods.METHODS.get(value.__class__)
    if table is not None and name in table:
        return Method(table[name], value)
    if value.__class__ not in _NO_OBJECTS and isinstance(value, _OF_PROGRAM):
        return members.attribute_of(run, value, name)
    if name in ("__name__", "__class__"):
        found = reflection.name_of(value) if name == "__name__" else reflection.type_of(run, value)
    else:
        found = _of_torch(run, value, node)
    found = _of_plain(value, name) if found is MISSING else found
    if found is not MISSING:
        return found
    methods = _methods(value)
    of_tensors = name in allowlist.METHODS or name in allowlist.ATTRIBUTES
    stands = isinstance(node.value, ast.Name | ast.Attribute) and hasattr(node.value, "lineno")
    owner = run.source.text_of(node.value) if stands else ""  # that of `getattr` stands nowhere
    of_others = value is None or of_tensors or name in _PLAIN_METHODS
    exception = missing_in_python(value, name)
    if of_others and exception is not None and not isinstance(value, Tensor):
        raise run.error(suggestions.missing_attribute(value, owner, name, of_tensors), node, exception)
    known = [*allowlist.METHODS, *allowlist.ATTRIBUTES] if isinstance(value, Tensor) else methods
    raise run.error(_unknown(run, f".{name}", name, known), node, exception)


def _unknown(run: Interpreter, shown: str, name: str, known: Collection[str]) -> str:
    """Return the message for a member that the language lacks."""
    return suggestions.unknown_member(shown, name, known, nearest(run, shown))


def nearest(run: Interpreter, shown: str) -> suggestions.Hint:
    """Return what hints at the nearest name to an unknown one: by its meaning, or else its spelling."""

    def near(word: str, names: Collection[str]) -> str:
        found = meanings.meant(shown, word)
        if found:
            return f": {found}"
        if meanings.is_real(shown, word):
            return ""
        # What writes in place has another effect than what does not.
        return run.budget.hint(word, [name for name in names if name[-1:] != "_" or word[-1:] == "_"])

    return near


def missing_in_python(value: Any, name: str) -> AttributeError | None:
    """Return what Python raises for an attribute that a value lacks; None if the value has it in Python."""
    kind, stands_for = kind_of(value), _python_type(value)
    title = f"type object '{kind.__name__}'" if kind is not None else f"'{stands_for.__name__}' object"
    names = dir(kind) if kind is not None else dir(value if stands_for is type(value) else stands_for)
    return None if name in names else AttributeError(f"{title} has no attribute '{name}'")


def _python_type(value: Any) -> type:
    """Return the type that a value has in Python, for values of our own that stand for it."""
    if isinstance(value, RunFunction):
        return partial if value.name == "partial" else BuiltinFunctionType
    if isinstance(value, Method):  # Python asks its function
        return FunctionType if isinstance(value.function, UserFunction) else BuiltinFunctionType
    return _IN_PYTHON.get(value.__class__, type(value))


def _of_torch(run: Interpreter, value: Any, node: ast.Attribute) -> Any:
    """Return what a module or a value of torch's has under a name; `MISSING` if it has nothing there."""
    name, known = node.attr, _KINDS.get(value.__class__)
    if known is not None and name in known.attributes:
        return known.attributes[name](value)
    match value:
        case allowlist.Namespace():
            return member(run, value, node)
        case Tensor() if name in allowlist.ATTRIBUTES:
            return allowlist.attribute(value, name)
        case Tensor() if name in allowlist.METHODS:
            return Method(allowlist.METHODS[name], value)
        case nn.Module():
            return _of_layer(run, value, node)
    return MISSING


def _of_plain(value: Any, name: str) -> Any:
    """Return an attribute of a value that is no tensor and no module; `MISSING` if it has none."""
    match value:
        case RunFunction() if name in value.members:
            return value.members[name]
        case RunFunction() | UserFunction() if name == "__name__":
            return value.name
        case FieldTuple() if name == "_fields":
            return value.fields
        case torch.Size() if name == "numel":
            return value.numel
        case type() if (value, name) in pretrained_embeddings.OF_CLASSES:
            return pretrained_embeddings.OF_CLASSES[value, name]
        case type() if members.native_method(value, name) is not MISSING:
            return members.native_method(value, name)
        case BaseException() if name == "args":
            return value.args
        case tuple() if name in _fields(value):
            return value[_fields(value).index(name)]
    methods = _methods(value)
    if name in methods:
        return Method(methods[name], value)
    return _of_type(value, name)


def _methods(value: Any) -> Mapping[str, Any]:
    known = _KINDS.get(value.__class__)
    if known is not None:
        return known.methods
    return DESCRIPTOR_METHODS if isinstance(value, Property) else value_methods.methods(value)


def _fields(value: tuple[Any, ...]) -> tuple[str, ...]:
    """Return the names of a tuple's items; () for one that has none."""
    if isinstance(value, FieldTuple):
        return value.fields
    kind = type(value)
    return allowlist.FIELDS.get(kind.__name__, ()) if kind.__module__ == "torch.return_types" else ()


def _of_type(value: Any, name: str) -> Any:
    """Return a method of a type as a function, such as `str.lower`, or what else stands after its name."""
    kind = kind_of(value)
    if kind is None:
        return MISSING
    if name in value_methods.OF_TYPES.get(kind, ()):
        return value_methods.OF_TYPES[kind][name]
    method = value_methods.METHODS.get(kind, {}).get(name)
    if method is None:
        return MISSING

    def call(run: Interpreter, owner: Any, *arguments: Any, **named: Any) -> Any:
        if not isinstance(owner, kind):
            given = type(owner).__name__
            words = f"descriptor '{name}' for '{kind.__name__}' objects doesn't apply to a '{given}' object"
            raise TypeError(words)
        return run.call(Method(method, owner), arguments, named)

    return RunFunction(name, call)


def _of_layer(run: Interpreter, layer: nn.Module, node: ast.Attribute) -> Any:
    found = members.of_layer(layer, node.attr)
    if found is not MISSING:
        return found
    said = suggestions.unknown_member(f".{node.attr}", node.attr, modules.ATTRIBUTES, run.budget.hint)
    raise run.error(f"a layer's {said}", node, missing_in_python(layer, node.attr))


def member(run: Interpreter, namespace: allowlist.Namespace, node: ast.Attribute) -> Any:
    """Return what a module such as `torch` has under the name after the dot.

    Raises:
        ProgramError: If the language has no such member.
    """
    if node.attr in namespace.members:
        return namespace.members[node.attr]
    if (namespace.name, node.attr) in run.added:
        return run.added[namespace.name, node.attr]
    path = f"{namespace.name}.{node.attr}"
    raise run.error(_unknown(run, path, node.attr, namespace.members), node)
