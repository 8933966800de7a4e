"""Python's functions that make iterators or go through them, such as `zip`, `next`, `sorted` and `max`."""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from llm_linalg.base.errors import LimitError, ProgramError
from llm_linalg.language import exceptions, modules
from llm_linalg.language.arithmetic import MAX_ITEMS, NUMERIC_TYPES
from llm_linalg.language.arrays.array import Array
from llm_linalg.language.classes import members
from llm_linalg.language.classes.program_class import MISSING, Instance
from llm_linalg.language.containers import DICT_VIEWS
from llm_linalg.language.expressions import combine, truth
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.item_iterator import ItemIterator
from llm_linalg.language.iteration import charge_each, iterate, iterator_of, take_items, until
from llm_linalg.language.refusal import RefusalError
from llm_linalg.language.run_function import RunFunction

_MISSING = object()
_SEQUENCE = ("__len__", "__getitem__")
_NUMBERS = NUMERIC_TYPES | {bool}


def make_iterator(run: Interpreter, items: Any, *end: Any) -> Any:
    """Do what `iter` does."""
    if end:
        return ItemIterator(run.new_number(), "callable_iterator object", _until(run, items, *end), items)
    if items.__class__ is ItemIterator:
        return items
    if isinstance(items, Instance) and (found := iterator_of(run, items)) is not MISSING:
        return found
    source = iterate(run, items)
    title = "generator" if isinstance(items, Tensor) else type(source).__name__
    return ItemIterator(run.new_number(), f"{title} object", source, items)


def _until(run: Interpreter, function: Any, end: Any) -> Iterator[Any]:
    while True:
        item = run.call(function, [])
        run.budget.charge_items(item, end)
        if item == end:
            return
        yield item


def next_item(run: Interpreter, items: Any, default: Any = _MISSING) -> Any:
    """Do what `next` does."""
    if isinstance(items, Instance) and items.__class__.find("__next__") is not MISSING:
        method = members.attribute_of(run, items, "__next__")
        return run.call(method, []) if default is _MISSING else next(until(run, method, [()]), default)
    if items.__class__ is not ItemIterator:
        kind = type(items).__name__
        raise run.error(
            f"next takes an iterator, not a {kind}: write next(iter(...))",
            run.current,
            TypeError(f"'{kind}' object is not an iterator"),
        )
    item = next(items.source, _MISSING)
    if item is not _MISSING:
        return item
    if default is not _MISSING:
        return default
    raise run.error("this iterator has no more items", run.current, StopIteration())


def _source_of(items: ItemIterator) -> Generator[Any, Any, Any]:
    """Return Python's generator of one of the program's."""
    if not isinstance(items.source, Generator) or not items.title.startswith("generator"):
        raise TypeError(f"a {items.title} is no generator")
    return items.source


def _next_of(run: Interpreter, resume: Callable[[Any], Any], given: Any) -> Any:
    """Return the next item of a generator that is handed something."""
    try:
        return resume(given)
    except StopIteration as end:
        raise run.error("this generator has no more items", run.current, StopIteration(end.value)) from None


def send(run: Interpreter, items: ItemIterator, value: Any) -> Any:
    """Do what `generator.send` does."""
    return _next_of(run, _source_of(items).send, value)


def throw(run: Interpreter, items: ItemIterator, value: Any) -> Any:
    """Do what `generator.throw` does."""
    source, exception = _source_of(items), exceptions.exception_from(run, value, run.current)
    return _next_of(run, source.throw, exceptions.error_of(run, exception, run.current))


def close(run: Interpreter, items: ItemIterator) -> None:
    """Do what `generator.close` does: end it where it is, by way of each `finally`.

    Raises:
        RuntimeError: If it goes on.
    """
    source, error = _source_of(items), exceptions.error_of(run, GeneratorExit(), run.current)
    try:
        source.throw(error)
    except StopIteration:
        return
    except ProgramError as end:
        if not isinstance(exceptions.exception_of(end), GeneratorExit):
            raise
        return
    raise RuntimeError("generator ignored GeneratorExit")


GENERATOR_METHODS: Mapping[str, RunFunction] = {
    "send": RunFunction("send", send),
    "throw": RunFunction("throw", throw),
    "close": RunFunction("close", close),
}


def zip_items(run: Interpreter, *sequences: Any, strict: bool = False) -> ItemIterator:
    """Do what `zip` does."""
    sources = [iterate(run, items) for items in sequences]
    return ItemIterator(run.new_number(), "zip object", zip(*sources, strict=bool(strict)), *sequences)


def enumerate_items(run: Interpreter, iterable: Any, start: int = 0) -> ItemIterator:
    """Do what `enumerate` does."""
    return ItemIterator(
        run.new_number(), "enumerate object", enumerate(iterate(run, iterable), start), iterable
    )


def map_items(run: Interpreter, function: Any, first: Any, *others: Any) -> ItemIterator:
    """Do what `map` does."""
    sources = [iterate(run, items) for items in (first, *others)]
    found = (run.call(function, arguments) for arguments in zip(*sources, strict=False))
    return ItemIterator(run.new_number(), "map object", found, function, first, *others)


def filter_items(run: Interpreter, function: Any, items: Any) -> ItemIterator:
    """Do what `filter` does."""
    source = charge_each(run, iterate(run, items))
    found = (
        item for item in source if is_true(run, item if function is None else run.call(function, [item]))
    )
    return ItemIterator(run.new_number(), "filter object", found, function, items)


def reverse_items(run: Interpreter, items: Any) -> ItemIterator | Tensor:
    """Do what `reversed` does."""
    if isinstance(items, Tensor):
        return items.flip(0) if items.dim() else items  # torch returns a tensor
    if isinstance(items, Array):
        places = range(len(items))
        return _reversed_object(run, (items[place] for place in reversed(places)), items)
    if isinstance(items, Instance) and all(items.__class__.find(name) is not MISSING for name in _SEQUENCE):
        method = members.attribute_of(run, items, "__getitem__")
        sized: Any = items
        places = range(len(sized))
        return _reversed_object(run, (run.call(method, [place]) for place in reversed(places)), items)
    if not isinstance(items, list | tuple | str | range | dict | deque | DICT_VIEWS | modules.LAYER_LISTS):
        kind = type(items).__name__
        words = f"'{kind}' object is not reversible"
        raise run.error(f"a {kind} can't be gone through in reverse", run.current, TypeError(words))
    run.budget.charge_items(items)
    source = reversed(list(items) if isinstance(items, modules.LAYER_LISTS) else items)
    home = "" if type(source).__module__ == "builtins" else f"{type(source).__module__}."
    return ItemIterator(run.new_number(), f"{home}{type(source).__name__} object", source, items)


def _reversed_object(run: Interpreter, source: Iterator[Any], items: Any) -> ItemIterator:
    return ItemIterator(run.new_number(), "reversed object", source, items)


def is_true(run: Interpreter, value: Any) -> bool:
    """Return whether a value is true, as in a condition."""
    return truth(run, value, run.current)


def any_item(run: Interpreter, items: Any) -> bool:
    """Do what `any` does: stop at the first item that is true."""
    return any(is_true(run, item) for item in charge_each(run, iterate(run, items)))


def all_items(run: Interpreter, items: Any) -> bool:
    """Do what `all` does."""
    return all(is_true(run, item) for item in charge_each(run, iterate(run, items)))


def sum_items(run: Interpreter, items: Any, /, start: Any = 0) -> Any:
    """Do what `sum` does; of lists in linear time, where Python's own is quadratic.

    Raises:
        TypeError: If the items can't be added.
        LimitError: If the result would be too large.
    """
    parts = take_items(run, items)
    if _NUMBERS.issuperset(map(type, (start, *parts))):
        return sum(parts, start)
    if isinstance(start, nn.Module):
        raise RefusalError("a sum joins no layers: write nn.ModuleList(items)")
    if isinstance(start, str):
        raise TypeError("sum() can't sum strings [use ''.join(seq) instead]")
    if start.__class__ in (list, tuple):
        run.budget.charge_items(parts)
        return _joined(parts, start)
    total = start
    for part in parts:
        total = combine(run, ast.Add, total, part)
    return total


def _joined(parts: Sequence[Any], start: list[Any] | tuple[Any, ...]) -> Any:
    """Return lists, or tuples, one behind the other; `start` itself if there are none."""
    kind, result = type(start), list(start)
    for item in parts:
        if not isinstance(item, kind):
            words = f'can only concatenate {kind.__name__} (not "{type(item).__name__}") to {kind.__name__}'
            raise TypeError(words)
        result += item
        if len(result) > MAX_ITEMS:
            raise LimitError(f"a sequence of more than {MAX_ITEMS:,} items")
    return kind(result) if parts else start


def sort_items(run: Interpreter, items: Any, *, key: Any = None, reverse: bool = False) -> list[Any]:
    """Do what `sorted` does."""
    found = take_items(run, items)
    sort_list(run, found, key=key, reverse=reverse)
    return found


def sort_list(run: Interpreter, items: list[Any], *, key: Any = None, reverse: bool = False) -> None:
    """Do what `list.sort` does."""
    keys = items if key is None else [run.call(key, [item]) for item in items]
    run.budget.charge_sort(keys)
    if key is None:
        items.sort(reverse=reverse)
        return
    order = sorted(range(len(keys)), key=keys.__getitem__, reverse=reverse)
    items[:] = [items[place] for place in order]


def _error_of_none(choose: Callable[..., Any]) -> ValueError:
    """Return what Python raises for no items, in the words of its release."""
    try:
        choose(())
    except ValueError as error:
        return ValueError(*error.args)
    raise AssertionError


def _extreme(choose: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Return what `min` or `max` does."""

    def extreme(run: Interpreter, *items: Any, key: Any = None, default: Any = _MISSING) -> Any:
        if len(items) == 1:
            tensor = isinstance(items[0], Tensor)
            found: Any = items[0] if tensor else take_items(run, items[0])
            if not tensor and not found:
                if default is not _MISSING:
                    return default
                raise run.error(f"{name} of no items", run.current, _error_of_none(choose))
        else:
            found = items
        if not isinstance(found, Tensor):
            run.budget.charge_items(found)
        if key is None:
            return choose(found) if len(items) == 1 else choose(*found)
        keys = [run.call(key, [item]) for item in found]
        run.budget.charge_items(keys)
        return found[choose(range(len(keys)), key=keys.__getitem__)]

    return extreme


FUNCTIONS: Mapping[str, RunFunction] = {
    function.name: function
    for function in (
        RunFunction("iter", make_iterator),
        RunFunction("next", next_item),
        RunFunction("zip", zip_items, zip),
        RunFunction("enumerate", enumerate_items, enumerate),
        RunFunction("map", map_items, map),
        RunFunction("filter", filter_items, filter),
        RunFunction("reversed", reverse_items, reversed),
        RunFunction("any", any_item),
        RunFunction("all", all_items),
        RunFunction("sum", sum_items),
        RunFunction("sorted", sort_items),
        RunFunction("min", _extreme(min, "min")),
        RunFunction("max", _extreme(max, "max")),
    )
}
