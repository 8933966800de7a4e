"""`collections`: counters, dicts with defaults, queues, and tuples with names."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Mapping
from keyword import iskeyword
from typing import Any

from llm_linalg.base.errors import LimitError
from llm_linalg.language import containers
from llm_linalg.language.arithmetic import MAX_ITEMS
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.item_iterator import ItemIterator
from llm_linalg.language.iteration import take_items
from llm_linalg.language.records import DefaultDict, FieldTuple
from llm_linalg.language.run_function import RunFunction

MOST_FIELDS = 100
_TYPE_STEPS = 60


def _keys(run: Interpreter, items: Any) -> Any:
    """Return what a counter counts: a dict of numbers, or keys that have been checked."""
    if isinstance(items, dict):
        return items
    found = containers.check_keys(take_items(run, items))
    run.budget.charge_sort(found)
    return found


def _make_counter(run: Interpreter, items: Any = (), **named: Any) -> Counter[Any]:
    return Counter(_keys(run, items), **named)


def _changing(name: str, does: Callable[..., None]) -> RunFunction:
    """Return a method of a counter that counts items, such as `update`."""

    def change(run: Interpreter, counter: Counter[Any], items: Any = (), **named: Any) -> None:
        keys = _keys(run, items)
        containers.check_keys([*counter, *keys])
        does(counter, keys, **named)

    return RunFunction(name, change)


def _most_common(run: Interpreter, counter: Counter[Any], n: int | None = None) -> list[Any]:
    run.budget.charge_sort(list(counter.values()))
    return counter.most_common(n)


def _elements(run: Interpreter, counter: Counter[Any]) -> ItemIterator:
    counts: list[Any] = list(counter.values())
    total = sum(max(count, 0) for count in counts if isinstance(count, int))
    if total > MAX_ITEMS:
        raise LimitError(f"a list of more than {MAX_ITEMS:,} items")
    return ItemIterator(run.new_number(), "itertools.chain object", counter.elements())


def _make_ordered(_run: Interpreter, items: Any = (), **named: Any) -> OrderedDict[Any, Any]:
    pairs = items if isinstance(items, dict) else take_items(_run, items)
    return OrderedDict(containers.make_dict(pairs, **named))


def _make_default(run: Interpreter, factory: Any = None, items: Any = (), **named: Any) -> DefaultDict:
    pairs = items if isinstance(items, dict) else take_items(run, items)
    found = DefaultDict(containers.make_dict(pairs, **named))
    found.factory = factory
    return found


def _make_queue(run: Interpreter, items: Any = (), maxlen: int | None = None) -> deque[Any]:
    return deque(take_items(run, items), maxlen)


def _extend(does: Callable[..., None], name: str) -> RunFunction:
    def extend(run: Interpreter, queue: deque[Any], items: Any) -> None:
        found = take_items(run, items)
        if len(queue) + len(found) > MAX_ITEMS:
            raise LimitError(f"a queue of more than {MAX_ITEMS:,} items")
        does(queue, found)

    return RunFunction(name, extend)


def _insert(_run: Interpreter, queue: deque[Any], index: int, value: Any) -> None:
    if len(queue) >= MAX_ITEMS:
        raise LimitError(f"a queue of more than {MAX_ITEMS:,} items")
    queue.insert(index, value)


def _named_tuple(
    run: Interpreter, name: str, fields: Any, *, defaults: Any = (), rename: bool = False
) -> RunFunction:
    """Do what `namedtuple` does; the type is a table of names, and no text is run to make it."""
    words = fields.replace(",", " ").split() if isinstance(fields, str) else take_items(run, fields)
    for word in (name, *words):
        if not isinstance(word, str) or not word.isidentifier() or iskeyword(word):
            raise ValueError(f"Type names and field names must be valid identifiers: {word!r:.100}")
        if word.startswith("_"):
            raise ValueError(f"Field names cannot start with an underscore: {word!r:.100}")
    if len(words) > MOST_FIELDS or len(set(words)) < len(words) or rename:
        raise ValueError("the fields of a namedtuple are few, and each has a name of its own")
    run.budget.step(_TYPE_STEPS)
    kind: Any = type(name[:MOST_FIELDS], (FieldTuple,), {"fields": tuple(words), "__module__": "__main__"})
    given = take_items(run, defaults)
    left = dict(zip(words[len(words) - len(given) :], given, strict=True))

    def make(_run: Interpreter, *values: Any, **named: Any) -> FieldTuple:
        found = {**left, **dict(zip(words, values, strict=False)), **named}
        missing = [word for word in words if word not in found]
        wrong = [*named.keys() - set(words), *named.keys() & set(words[: len(values)])]
        if len(values) > len(words) or missing or wrong:
            raise TypeError(f"{name} takes {', '.join(words)}")
        made: FieldTuple = kind([found[word] for word in words])
        return made

    def make_from(run: Interpreter, items: Any) -> FieldTuple:
        return make(run, *take_items(run, items))

    members = {"_fields": tuple(words), "_make": RunFunction("_make", make_from)}
    maker = kind.maker = RunFunction(name, make, kind, members)
    return maker


def _as_dict(items: FieldTuple) -> dict[str, Any]:
    return dict(zip(items.fields, items, strict=True))


def _replace(items: FieldTuple, **changes: Any) -> FieldTuple:
    unknown = sorted(changes.keys() - set(items.fields))
    if unknown:
        raise ValueError(f"Got unexpected field names: {unknown!r}")
    return type(items)([changes.get(name, value) for name, value in _as_dict(items).items()])


COUNTER_METHODS: Mapping[str, Any] = {
    "most_common": RunFunction("most_common", _most_common),
    "elements": RunFunction("elements", _elements),
    "total": Counter.total,
    "update": _changing("update", Counter.update),
    "subtract": _changing("subtract", Counter.subtract),
}
QUEUE_METHODS: Mapping[str, Any] = {
    "append": deque.append,
    "appendleft": deque.appendleft,
    "pop": deque.pop,
    "popleft": deque.popleft,
    "extend": _extend(deque.extend, "extend"),
    "extendleft": _extend(deque.extendleft, "extendleft"),
    "rotate": deque.rotate,
    "reverse": deque.reverse,
    "clear": deque.clear,
    "copy": deque.copy,
    "count": deque.count,
    "index": deque.index,
    "insert": RunFunction("insert", _insert),
    "remove": deque.remove,
}
ORDERED_METHODS: Mapping[str, Any] = {"move_to_end": OrderedDict.move_to_end, "popitem": OrderedDict.popitem}
NAMED_METHODS: Mapping[str, Any] = {"_asdict": _as_dict, "_replace": _replace}
MEMBERS: Mapping[str, Any] = {
    "Counter": RunFunction("Counter", _make_counter, Counter),
    "OrderedDict": RunFunction("OrderedDict", _make_ordered, OrderedDict),
    "defaultdict": RunFunction("defaultdict", _make_default, DefaultDict),
    "deque": RunFunction("deque", _make_queue, deque),
    "namedtuple": RunFunction("namedtuple", _named_tuple),
}
