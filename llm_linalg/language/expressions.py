"""Operators, comparisons, conditions, items, and the lists, tuples and dicts that are written out."""

from __future__ import annotations

import ast
import re
from collections import deque
from collections.abc import Sequence
from itertools import chain
from typing import Any

from torch import Tensor, nn

from llm_linalg.base.errors import LimitError
from llm_linalg.base.short_repr import short_repr
from llm_linalg.base.untraced import untraced
from llm_linalg.language import arithmetic, module_count, modules
from llm_linalg.language.arithmetic import NUMERIC_TYPES
from llm_linalg.language.arrays.array import Array, as_times, key_of_tensor
from llm_linalg.language.arrays.array_joiners import BRACKETS
from llm_linalg.language.budget import CHARACTERS_PER_STEP, DICT_STEPS, Budget
from llm_linalg.language.classes.program_class import MISSING, Instance, ProgramClass
from llm_linalg.language.containers import check_key, check_keys
from llm_linalg.language.data_loading import DATASETS
from llm_linalg.language.figures import Figure
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.item_iterator import ItemIterator
from llm_linalg.language.iteration import charge_each, iterate, take_items
from llm_linalg.language.records import DefaultDict
from llm_linalg.language.refusal import RefusalError
from llm_linalg.language.sets import FrozenSet, OrderedSet
from llm_linalg.language.storages import TensorStorage
from llm_linalg.language.text_formats import percent
from llm_linalg.language.type_function import HINT, TypeHint, kind_of, union_of

MAX_KEY_PARTS = 50  # parts of a key
MAX_KEY_PLACES = 10_000  # numbers in the lists and ranges of a key

# Unions are built once: these are asked for at each turn of a loop.
WITH_ITEMS: Any = (
    Tensor
    | Array
    | TensorStorage
    | tuple
    | list
    | dict
    | str
    | range
    | deque
    | modules.CONTAINERS
    | Figure
    | DATASETS
    | BRACKETS
    | Instance
    | re.Match
    | TypeHint
)
_REPEATED: Any = list | tuple | str
_PLAIN_ITEMS = frozenset([tuple, list, dict, str, range])
_GENERIC = frozenset([list, tuple, dict, OrderedSet, FrozenSet, type, deque, DefaultDict])
_KEYS: Any = tuple | list | dict | range
_LARGE_HASH = 1_000  # items of a dict or a set, among which a search may meet many others first
_COPIED: Any = list | tuple | str | range
_WITHOUT_OBJECTS = NUMERIC_TYPES | {slice, bool, str, type(None), type(...)}
"""Types of values that have no object of the program among their items, for a quick check."""
_MEMBERSHIP: Any = ast.In | ast.NotIn
_IDENTITY: Any = ast.Is | ast.IsNot
_HASHED: Any = dict | OrderedSet


def tuple_display(run: Interpreter, node: ast.Tuple) -> tuple[Any, ...]:
    """Evaluate `(a, b)`."""
    return tuple(_items(run, node.elts))


def list_display(run: Interpreter, node: ast.List) -> list[Any]:
    """Evaluate `[a, b]`."""
    return _items(run, node.elts)


def set_display(run: Interpreter, node: ast.Set) -> OrderedSet:
    """Evaluate `{a, *b}`."""
    run.budget.step(2 * DICT_STEPS)
    items = _items(run, node.elts)
    run.budget.charge_items(items)
    if len(items) > 2 and all(map(_is_number, node.elts)):
        return OrderedSet(_as_constant(items))
    return OrderedSet(items)


def _as_constant(items: Sequence[Any]) -> frozenset[Any]:
    """Return numbers in the order that they have in a set that is written out.

    Python's compiler makes them a constant, a frozen set that it builds twice, of which the set is then made.
    """
    return frozenset([*frozenset(check_keys(items))])


def _is_number(node: ast.expr) -> bool:
    """Return whether a number is written out, with or without a sign."""
    inner = node.operand if isinstance(node, ast.UnaryOp) else node
    return isinstance(inner, ast.Constant) and isinstance(inner.value, int | float)


def _items(run: Interpreter, nodes: Sequence[ast.expr]) -> list[Any]:
    """Return the items that are written out, or spread out with a `*`."""
    items: list[Any] = []
    for node in nodes:
        if node.__class__ is not ast.Starred:
            items.append(run.evaluate(node))
            continue
        items += take_items(run, run.evaluate(node.value), node=node)
        if len(items) > arithmetic.MAX_ITEMS:
            raise LimitError(f"a list of more than {arithmetic.MAX_ITEMS:,} items")
    return items


def dict_display(run: Interpreter, node: ast.Dict) -> dict[Any, Any]:
    """Evaluate `{a: b, **c}`."""
    run.budget.step(DICT_STEPS)
    pairs: list[tuple[Any, Any]] = []
    for key, value in zip(node.keys, node.values, strict=True):
        if key is not None:
            pairs.append((lookup_key(run, key), run.evaluate(value)))
            continue
        others = run.evaluate(value)
        if not isinstance(others, dict):
            kind = type(others).__name__
            words = f"'{kind}' object is not a mapping"
            raise run.error(f"what stands after ** is a dict, not a {kind}", value, TypeError(words))
        run.budget.charge_items(others)
        run.budget.step(len(others) // 4)
        pairs += others.items()
        if len(pairs) > arithmetic.MAX_ITEMS:
            raise LimitError(f"a dict of more than {arithmetic.MAX_ITEMS:,} items")
    return dict(zip(check_keys(key for key, _ in pairs), [value for _, value in pairs], strict=True))


def binary(run: Interpreter, node: ast.BinOp) -> Any:
    """Evaluate `a + b`."""
    left, right = run.evaluate(node.left), run.evaluate(node.right)
    operator = node.op.__class__
    if left.__class__ in NUMERIC_TYPES and right.__class__ in NUMERIC_TYPES:  # most of them
        return arithmetic.binary(operator, left, right)
    return combine(run, operator, left, right)


def combine(run: Interpreter, operator: type[ast.operator], left: Any, right: Any) -> Any:
    """Return `left operator right`, charged."""
    if left.__class__ is str and operator is ast.Mod:
        return percent(run, left, right)
    if operator is ast.BitOr and (union := union_of(left, right)) is not None:
        return union
    if operator is ast.Mult and isinstance(left, _REPEATED):
        right = as_times(right)
    elif operator is ast.Mult and isinstance(right, _REPEATED):
        left = as_times(left)
    if left.__class__ not in NUMERIC_TYPES or right.__class__ not in NUMERIC_TYPES:
        check_pair(left, right)
        run.budget.charge_items(left, right)
        run.budget.charge_list(arithmetic.new_items(operator, left, right))
    return arithmetic.binary(operator, left, right)


def unary(run: Interpreter, node: ast.UnaryOp) -> Any:
    """Evaluate `-a`."""
    value = run.evaluate(node.operand)
    if isinstance(node.op, ast.Not):
        return not truth(run, value, node)
    return apply_sign(run, type(node.op), value)


def apply_sign(run: Interpreter, operator: type[ast.unaryop], value: Any) -> Any:
    """Return `operator value`, charged: of a `Counter` it goes through all items."""
    if value.__class__ not in NUMERIC_TYPES:
        run.budget.charge_items(value)
    return arithmetic.UNARY[operator](value)


def boolean(run: Interpreter, node: ast.BoolOp) -> Any:
    """Evaluate `a and b`."""
    value, last = None, node.values[-1]
    for item in node.values:
        value = run.evaluate(item)
        if item is last or truth(run, value, item) is isinstance(node.op, ast.Or):
            break  # the last one is the value, and need not be true or false
    return value


def comparison(run: Interpreter, node: ast.Compare) -> Any:
    """Evaluate `a < b <= c`."""
    left = run.evaluate(node.left)
    if len(node.ops) == 1:
        return compare(run, node.ops[0], left, run.evaluate(node.comparators[0]))
    result: Any = True
    for operator, item in zip(node.ops, node.comparators, strict=True):
        right = run.evaluate(item)
        result = compare(run, operator, left, right)
        if not truth(run, result, node):
            return result
        left = right
    return result


def compare(run: Interpreter, operator: ast.cmpop, left: Any, right: Any) -> Any:
    """Return what a comparison of two values gives, charged."""
    if not isinstance(operator, _IDENTITY):
        check_pair(left, right)
    if left.__class__ not in NUMERIC_TYPES or right.__class__ not in NUMERIC_TYPES:
        if isinstance(operator, _MEMBERSHIP) and _is_gone_through(right):
            return _is_among(run, left, right) is isinstance(operator, ast.In)
        hashed = isinstance(operator, _MEMBERSHIP) and isinstance(right, _HASHED)
        run.budget.charge_items(left, *(() if hashed else (right,)))
        if hashed and len(right) > _LARGE_HASH:
            run.budget.step(DICT_STEPS)
    return arithmetic.COMPARE[operator.__class__](left, right)


def _is_among(run: Interpreter, item: Any, items: ItemIterator) -> bool:
    """Return whether an iterator gives an item, which takes it that far."""
    for other in charge_each(run, iterate(run, items)):
        run.budget.charge_items(item, other)
        if other is item or truth(run, other == item, run.current):
            return True
    return False


def conditional(run: Interpreter, node: ast.IfExp) -> Any:
    """Evaluate `a if c else b`."""
    return run.evaluate(node.body if truth(run, run.evaluate(node.test), node.test) else node.orelse)


def truth(run: Interpreter, value: Any, node: ast.AST) -> bool:
    """Return whether a value is true.

    Raises:
        ProgramError: If it is a tensor of several cells, or of none.
    """
    if value.__class__ is bool:
        return bool(value)
    if isinstance(value, Tensor):
        run.budget.step(8)
        with untraced():
            count = value.numel()
        if count != 1:
            which = "more than one value" if count else "no values"
            exception = RuntimeError(f"Boolean value of Tensor with {which} is ambiguous")
            said = f"a tensor of shape {tuple(value.shape)} is neither true nor false"
            raise run.error(said, node, exception)
    return bool(value)


def subscript(run: Interpreter, node: ast.Subscript) -> Any:
    """Evaluate `a[b]`."""
    return item_of(run, run.evaluate(node.value), lookup_key(run, node.slice), node)


def item_of(run: Interpreter, value: Any, key: Any, node: ast.AST) -> Any:
    """Return `value[key]`, for a key that has been charged.

    Raises:
        ProgramError: If there is no such item.
    """
    check_pair(value, key)
    if type(value) not in _PLAIN_ITEMS and not isinstance(value, WITH_ITEMS):
        if kind_of(value) in _GENERIC:
            return HINT  # `list[int]`
        kind = type(value).__name__
        raise run.error(f"a {kind} has no items", node, TypeError(f"'{kind}' object is not subscriptable"))
    if isinstance(value, Tensor):
        key = key_of_tensor(key)
    try:
        item = value[key]
    except KeyError:
        if isinstance(value, DefaultDict) and value.factory is not None:
            return missing_item(run, value, key)
        raise run.error(f"there is no item {short_repr(key)}", node, KeyError(key)) from None
    if key.__class__ is slice and not isinstance(item, Tensor):
        _charge_copy(run, item)
    return item


def missing_item(run: Interpreter, items: DefaultDict, key: Any) -> Any:
    """Make the item that a `defaultdict` lacks."""
    check_key(key)
    items[key] = run.call(items.factory, [])
    return items[key]


def check_pair(left: Any, right: Any) -> None:
    """Refuse an operation of torch's on an object of the program, which torch would take for a list.

    Raises:
        TypeError: If one side is a tensor, and the other an object or has one among its items.
    """
    if left.__class__ in _WITHOUT_OBJECTS and right.__class__ in _WITHOUT_OBJECTS:
        return
    for tensor, other in ((left, right), (right, left)):
        if isinstance(tensor, Tensor) and other.__class__ not in _WITHOUT_OBJECTS and _has_instance(other):
            raise RefusalError(f"a tensor and {short_repr(other)} have no operation in common")


def _has_instance(value: Any) -> bool:
    level = [value]
    while level:
        if any(issubclass(kind, Instance) for kind in set(map(type, level))):
            return True
        level = list(chain.from_iterable(item for item in level if isinstance(item, list | tuple)))
    return False


def _is_gone_through(value: Any) -> bool:
    """Return whether `in` goes through the items of a value one by one, as the program gives them."""
    kind = value.__class__
    return kind is ItemIterator or (kind.__class__ is ProgramClass and kind.find("__contains__") is MISSING)


def _charge_copy(run: Interpreter, items: Any) -> None:
    """Charge the items that a slice copied."""
    if isinstance(items, nn.Module):
        run.budget.step(8 * module_count.count_layers(items))
    elif isinstance(items, _COPIED):
        run.budget.charge_list(len(items))


def slice_display(run: Interpreter, node: ast.Slice) -> slice:
    """Evaluate `a:b:c` between brackets."""
    parts = (node.lower, node.upper, node.step)
    return slice(*[None if part is None else run.evaluate(part) for part in parts])


def lookup_key(run: Interpreter, node: ast.expr) -> Any:
    """Return the value of a key, charged: to look it up goes through all its items."""
    value = run.evaluate(node)
    charge_lookup(value, run.budget)
    return value


def charge_lookup(key: Any, budget: Budget) -> None:
    """Charge a key that is looked up."""
    if isinstance(key, _KEYS):
        _charge_key(key, budget)
    elif key.__class__ is str and len(key) > CHARACTERS_PER_STEP:
        budget.step(len(key) // CHARACTERS_PER_STEP)


def _charge_key(key: Any, budget: Budget) -> None:
    """Charge the items of a key.

    Raises:
        LimitError: If they are too many.
    """
    budget.charge_items(key)
    parts = key if isinstance(key, tuple) else (key,)
    if len(parts) > MAX_KEY_PARTS:
        raise LimitError(f"a key of {len(parts):,} parts; {MAX_KEY_PARTS} are allowed")
    places = [
        part
        for part in parts
        if isinstance(part, _KEYS) and (len(part) > MAX_KEY_PARTS or not isinstance(part, tuple))
    ]
    if places:
        budget.charge_list(10 * arithmetic.item_count(*places))
    if float in set(map(type, parts)):  # floats with the same hash are easily found
        budget.step(100)
    for part in parts:
        if isinstance(part, list) and len(part) > MAX_KEY_PARTS and _has_tensor(part):
            raise LimitError(f"a list of {len(part):,} tensors as a key; {MAX_KEY_PARTS} are allowed")
    if arithmetic.item_count(key) > MAX_KEY_PLACES:
        raise LimitError(f"a key with more than {MAX_KEY_PLACES:,} places: write torch.tensor(places)")


def _has_tensor(items: list[Any]) -> bool:
    return any(issubclass(kind, Tensor) for kind in set(map(type, items)))
