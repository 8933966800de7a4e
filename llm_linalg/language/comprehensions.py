"""Comprehensions, and what a loop shares with them: the items of a value, one after another."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from torch import Tensor

from llm_linalg.language import modules
from llm_linalg.language.assignment import assign
from llm_linalg.language.budget import DICT_STEPS
from llm_linalg.language.containers import DICT_VIEWS, OrderedSet, check_keys
from llm_linalg.language.expressions import truth
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.suggestions import CHANGED

# Unions are built once: these are asked for at each loop.
_ITERABLE: Any = range | list | tuple | dict | str | DICT_VIEWS | OrderedSet
_MUTABLE: Any = list | dict | DICT_VIEWS | modules.LAYER_LISTS
Row = Sequence[Any]
"""The values of one turn: an item, or a key and its value."""


def list_comprehension(run: Interpreter, node: ast.ListComp | ast.GeneratorExp) -> list[Any]:
    """Evaluate `[a for x in xs]`, and a generator as if it were one."""
    return [value for (value,) in _rows(run, [node.elt], node.generators)]


def dict_comprehension(run: Interpreter, node: ast.DictComp) -> dict[Any, Any]:
    """Evaluate `{a: b for x in xs}`."""
    pairs = _rows(run, [node.key, node.value], node.generators)
    run.budget.step(DICT_STEPS)
    run.budget.charge_items([key for key, _ in pairs])
    check_keys([key for key, _ in pairs])
    return {key: value for key, value in pairs}  # noqa: C416  each is a row of two


def _rows(run: Interpreter, items: list[ast.expr], generators: list[ast.comprehension]) -> list[Row]:
    """Return the values of the items in each turn, in a scope that ends with the comprehension."""
    outer, run.names = run.names, run.names.new_child()
    rows: list[Row] = []
    try:
        _fill(run, rows, items, generators)
    finally:
        run.names = outer
    return rows


def _fill(
    run: Interpreter, rows: list[Row], items: list[ast.expr], generators: list[ast.comprehension]
) -> None:
    first, *rest = generators
    source = run.evaluate(first.iter)
    alone = items[0] if len(items) == 1 else None
    for value in iterate(run, source, items_of(run, source, first.iter), first.iter):
        assign(run, first.target, value)
        if first.ifs and not all(truth(run, run.evaluate(test), test) for test in first.ifs):
            continue
        if rest:
            _fill(run, rows, items, rest)
        elif alone is not None:  # the usual case, a little faster
            rows.append([run.evaluate(alone)])
        else:
            rows.append([run.evaluate(item) for item in items])


def items_of(run: Interpreter, value: Any, node: ast.expr) -> Sequence[Any]:
    """Return the items of a value that stands after `in`, as they are before the first turn."""
    if isinstance(value, Tensor):
        value = value.unbind(0)
    elif isinstance(value, modules.LAYER_LISTS):
        value = list(value)
    if not isinstance(value, _ITERABLE):
        raise run.error(f"a value of type {type(value).__name__} can't be gone through", node)
    if isinstance(value, range):  # its numbers don't exist yet: each turn is charged by itself
        run.budget.step(4)
        return value
    run.budget.charge_items(value)
    return value if isinstance(value, str) else tuple(value)


def iterate(run: Interpreter, source: Any, items: Sequence[Any], node: ast.expr) -> Iterable[Any]:
    """Return the items of a value, to be refused at the next turn if the body changes the value.

    Python would go on with the items that are there then, or raise an error that names no line.
    """
    return _iterate_unchanged(run, source, items, node) if isinstance(source, _MUTABLE) else items


def _iterate_unchanged(run: Interpreter, source: Any, items: Sequence[Any], node: ast.expr) -> Iterator[Any]:
    for place, item in enumerate(items):
        if len(source) != len(items) or (source.__class__ is list and source[place] is not item):
            raise run.error(CHANGED, node)
        yield item
    if len(source) != len(items):
        raise run.error(CHANGED, node)
