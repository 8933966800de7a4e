"""`itertools`: Python's own iterators, over sources that are charged wherever one passes over items."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from llm_linalg.base.errors import LimitError
from llm_linalg.language.arithmetic import MAX_ITEMS
from llm_linalg.language.expressions import combine
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.item_iterator import ItemIterator
from llm_linalg.language.iteration import charge_each, iterate, take_items
from llm_linalg.language.iterators import is_true
from llm_linalg.language.run_function import RunFunction

MOST_REPEATED = 8  # iterators that `tee` makes, and how often `product` repeats its factors
_ITEMS_PER_STEP = 8
_MISSING: Any = object()


def _made(run: Interpreter, name: str, source: Iterator[Any], *inner: Any) -> ItemIterator:
    return ItemIterator(run.new_number(), f"itertools.{name} object", source, *inner)


def _source(run: Interpreter, items: Any) -> Iterator[Any]:
    return charge_each(run, iterate(run, items))


def _count(run: Interpreter, start: Any = 0, step: Any = 1) -> ItemIterator:
    if not all(isinstance(number, int | float) for number in (start, step)):
        raise TypeError("a number is required")
    return _made(run, "count", itertools.count(start, step))


def _cycle(run: Interpreter, items: Any) -> ItemIterator:
    def turns() -> Iterator[Any]:
        kept: list[Any] = []
        for item in iterate(run, items):
            if len(kept) >= MAX_ITEMS:
                raise LimitError(f"a list of more than {MAX_ITEMS:,} items")
            kept.append(item)
            yield item
        while kept:
            yield from kept

    return _made(run, "cycle", turns(), items)


def _repeat(run: Interpreter, item: Any, times: int | None = None) -> ItemIterator:
    source = itertools.repeat(item) if times is None else itertools.repeat(item, times)
    return _made(run, "repeat", source, item)


def _chain(run: Interpreter, *several: Any) -> ItemIterator:
    return _made(run, "chain", _chained(run, iter(several)), *several)


def _chain_from(run: Interpreter, several: Any) -> ItemIterator:
    return _made(run, "chain", _chained(run, iterate(run, several)), several)


def _chained(run: Interpreter, several: Iterator[Any]) -> Iterator[Any]:
    for items in charge_each(run, several):
        yield from iterate(run, items)


def _islice(run: Interpreter, items: Any, *bounds: Any) -> ItemIterator:
    return _made(run, "islice", itertools.islice(_source(run, items), *bounds), items)


def _zip_longest(run: Interpreter, *several: Any, fillvalue: Any = None) -> ItemIterator:
    sources = [iterate(run, items) for items in several]
    return _made(run, "zip_longest", itertools.zip_longest(*sources, fillvalue=fillvalue), *several)


def _accumulate(run: Interpreter, items: Any, func: Any = None, *, initial: Any = None) -> ItemIterator:
    def totals() -> Iterator[Any]:
        total = _MISSING if initial is None else initial
        if total is not _MISSING:
            yield total
        for item in iterate(run, items):
            if total is _MISSING:
                total = item
            else:
                total = combine(run, ast.Add, total, item) if func is None else run.call(func, [total, item])
            yield total

    return _made(run, "accumulate", totals(), func, items)


def _by_test(name: str, python: Callable[..., Iterator[Any]]) -> RunFunction:
    """Return a function such as `takewhile`, which asks about each item."""

    def select(run: Interpreter, test: Any, items: Any) -> ItemIterator:
        def holds(item: Any) -> bool:
            return is_true(run, item if test is None else run.call(test, [item]))

        return _made(run, name, python(holds, _source(run, items)), test, items)

    return RunFunction(name, select)


def _starmap(run: Interpreter, function: Any, items: Any) -> ItemIterator:
    found = (run.call(function, take_items(run, own)) for own in iterate(run, items))
    return _made(run, "starmap", found, function, items)


def _compress(run: Interpreter, items: Any, selectors: Any) -> ItemIterator:
    chosen = (is_true(run, selector) for selector in iterate(run, selectors))
    return _made(run, "compress", itertools.compress(_source(run, items), chosen), items, selectors)


def _pairwise(run: Interpreter, items: Any) -> ItemIterator:
    return _made(run, "pairwise", itertools.pairwise(iterate(run, items)), items)


def _groupby(run: Interpreter, items: Any, key: Any = None) -> ItemIterator:
    def key_of(item: Any) -> Any:
        found = item if key is None else run.call(key, [item])
        run.budget.charge_items(found)  # it is compared with the one before
        return found

    groups = (
        (name, ItemIterator(run.new_number(), "itertools._grouper object", group, items))
        for name, group in itertools.groupby(_source(run, items), key_of)
    )
    return _made(run, "groupby", groups, key, items)


def _tee(run: Interpreter, items: Any, n: Any = 2) -> tuple[ItemIterator, ...]:
    if not isinstance(n, int) or n > MOST_REPEATED:
        raise LimitError(f"tee makes at most {MOST_REPEATED} iterators")
    return tuple([_made(run, "_tee", source, items) for source in itertools.tee(_source(run, items), n)])


def _choosing(name: str, python: Callable[..., Iterator[Any]]) -> RunFunction:
    """Return a function such as `permutations`, which chooses some of several items in all ways."""

    def choose(run: Interpreter, items: Any, r: Any = None) -> ItemIterator:
        pool = take_items(run, items)
        length = len(pool) if r is None else r
        run.budget.step(max(length, 0) if isinstance(length, int) else 0)
        ways = python(pool, *(() if r is None else (r,)))
        return _made(run, name, _sized(run, ways, length), items)

    return RunFunction(name, choose)


def _product(run: Interpreter, *several: Any, repeat: Any = 1) -> ItemIterator:
    pools = [take_items(run, items) for items in several]
    if not isinstance(repeat, int) or repeat * len(pools) > MAX_ITEMS or repeat > MAX_ITEMS:
        raise LimitError(f"a product of at most {MAX_ITEMS:,} factors")
    length = len(pools) * max(repeat, 0)
    run.budget.step(length)
    return _made(run, "product", _sized(run, itertools.product(*pools, repeat=repeat), length), *several)


def _sized(run: Interpreter, items: Iterator[Any], length: int) -> Iterator[Any]:
    """Yield tuples of a length, charged by it."""
    for item in items:
        run.budget.step(1 + length // _ITEMS_PER_STEP)
        yield item


MEMBERS: Mapping[str, RunFunction] = {
    function.name: function
    for function in (
        RunFunction("count", _count),
        RunFunction("cycle", _cycle),
        RunFunction("repeat", _repeat),
        RunFunction("chain", _chain, members={"from_iterable": RunFunction("from_iterable", _chain_from)}),
        RunFunction("islice", _islice),
        RunFunction("zip_longest", _zip_longest),
        RunFunction("accumulate", _accumulate),
        _by_test("takewhile", itertools.takewhile),
        _by_test("dropwhile", itertools.dropwhile),
        _by_test("filterfalse", itertools.filterfalse),
        RunFunction("starmap", _starmap),
        RunFunction("compress", _compress),
        RunFunction("pairwise", _pairwise),
        RunFunction("groupby", _groupby),
        RunFunction("tee", _tee),
        _choosing("permutations", itertools.permutations),
        _choosing("combinations", itertools.combinations),
        _choosing("combinations_with_replacement", itertools.combinations_with_replacement),
        RunFunction("product", _product),
    )
}
