"""The methods of plain values, such as text, lists, dicts and sets."""

from __future__ import annotations

import re
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from torch import nn

from llm_linalg.language import containers, modules, sets, text_formats, text_methods
from llm_linalg.language.classes.module_tables import ModuleTable, refuse
from llm_linalg.language.item_iterator import ItemIterator, ProgressBar
from llm_linalg.language.iterators import GENERATOR_METHODS, sort_list
from llm_linalg.language.python_modules import clocks, collection_types, patterns, python_random
from llm_linalg.language.records import DefaultDict, FieldTuple
from llm_linalg.language.run_function import RunFunction

Method = Callable[..., Any] | RunFunction
_DICT: Mapping[str, Method] = {
    "keys": dict.keys,
    "values": dict.values,
    "items": dict.items,
    "get": dict.get,
    "pop": dict.pop,
    "popitem": dict.popitem,
    "clear": dict.clear,
    "update": containers.update,
    "copy": dict.copy,
    "setdefault": dict.setdefault,
}
_ORDERED_VIEWS: Mapping[str, Method] = {  # which print as `odict_keys(…)`
    "keys": OrderedDict.keys,
    "values": OrderedDict.values,
    "items": OrderedDict.items,
}
_TUPLE: Mapping[str, Method] = {"index": containers.index_of, "count": tuple.count}
METHODS: Mapping[Any, Mapping[str, Method]] = {
    str: {**text_methods.METHODS, "format": RunFunction("format", text_formats.format_text)},
    list: {
        "append": list.append,
        "extend": list.extend,
        "insert": list.insert,
        "pop": list.pop,
        "remove": list.remove,
        "clear": list.clear,
        "index": containers.index_of,
        "count": list.count,
        "reverse": list.reverse,
        "copy": list.copy,
        "sort": RunFunction("sort", sort_list),
    },
    FieldTuple: {**_TUPLE, **collection_types.NAMED_METHODS},
    tuple: _TUPLE,
    Counter: {**_DICT, **collection_types.COUNTER_METHODS},
    OrderedDict: {**_DICT, **_ORDERED_VIEWS, **collection_types.ORDERED_METHODS},
    DefaultDict: {**_DICT, "copy": DefaultDict.copy},
    deque: collection_types.QUEUE_METHODS,
    dict: _DICT,
    range: {"index": range.index, "count": range.count},
    ModuleTable: {**_DICT, **dict.fromkeys(("pop", "popitem", "clear", "update", "setdefault"), refuse)},
    sets.FrozenSet: sets.FROZEN_METHODS,
    sets.OrderedSet: sets.METHODS,
    ItemIterator: GENERATOR_METHODS,
    Random: python_random.METHODS,
    re.Pattern: patterns.PATTERN_METHODS,
    re.Match: patterns.MATCH_METHODS,
    ProgressBar: clocks.PROGRESS_METHODS,
    float: {"is_integer": float.is_integer},
    int: {"bit_length": int.bit_length, "bit_count": int.bit_count},
}

OF_RANGES: Mapping[str, Callable[[range], int]] = {
    "start": lambda items: items.start,
    "stop": lambda items: items.stop,
    "step": lambda items: items.step,
}
"""Attributes of ranges."""

CONSTANT_TIME: frozenset[Any] = sets.CONSTANT_TIME | {
    *GENERATOR_METHODS.values(),
    *_ORDERED_VIEWS.values(),
    *(deque.append, deque.appendleft, deque.pop, deque.popleft),
    *(list.append, dict.get, dict.setdefault, dict.keys, dict.values, dict.items, dict.pop, dict.popitem),
}
"""Methods that take as long however many items there are."""
GO_THROUGH: frozenset[Any] = (
    text_methods.GO_THROUGH
    | sets.GO_THROUGH
    | {list, tuple, list.extend, containers.make_dict, containers.make_dict_from_keys, containers.update}
)
"""Functions and methods that go through all items of their arguments, which may be iterators."""


OF_TYPES: Mapping[type, Mapping[str, Method]] = {
    dict: {"fromkeys": containers.make_dict_from_keys},
    str: {"maketrans": str.maketrans},
    nn.Transformer: {"generate_square_subsequent_mask": modules.subsequent_mask},
}
"""What stands after the name of a type, and is no method of its values."""


def methods(value: Any) -> Mapping[str, Method]:
    """Return the methods of a plain value by name."""
    return next((table for kind, table in METHODS.items() if isinstance(value, kind)), {})
