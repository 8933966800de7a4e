"""Comprehensions, and generators, which are comprehensions that are worked out item by item."""

from __future__ import annotations

import ast
from collections import ChainMap
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from llm_linalg.language.assignment import assign
from llm_linalg.language.budget import DICT_STEPS
from llm_linalg.language.containers import check_keys
from llm_linalg.language.expressions import truth
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.item_iterator import ItemIterator, PausedBody
from llm_linalg.language.iteration import iterate
from llm_linalg.language.name_scopes import ComprehensionScope, visible_inside
from llm_linalg.language.sets import OrderedSet
from llm_linalg.language.suspension import BodyState, resume_each

Row = Sequence[Any]
"""The values of one turn: an item, or a key and its value."""


def list_comprehension(run: Interpreter, node: ast.ListComp) -> list[Any]:
    """Evaluate `[a for x in xs]`."""
    source = run.evaluate(node.generators[0].iter)
    found = _looked_up(run, node, source)
    return [value for (value,) in _rows(run, [node.elt], node.generators, source)] if found is None else found


def _looked_up(run: Interpreter, node: ast.ListComp, source: Any) -> list[Any] | None:
    """Return what `[table[x] for x in text]` gives: a text of a megabyte is quickly encoded.

    None for any other comprehension, and where something is not in the table.
    """
    match node:
        case ast.ListComp(
            elt=ast.Subscript(value=ast.Name(id=name), slice=ast.Name(id=item)),
            generators=[ast.comprehension(target=ast.Name(id=target), ifs=[])],
        ) if item == target != name:
            table = visible_inside(run.names).get(name)
            if table.__class__ is dict and source.__class__ is str:
                run.budget.charge_new_items(len(source))
                with suppress(KeyError):
                    return [*map(table.__getitem__, source)]
    return None


def set_comprehension(run: Interpreter, node: ast.SetComp) -> OrderedSet:
    """Evaluate `{a for x in xs}`."""
    source = run.evaluate(node.generators[0].iter)
    items = [value for (value,) in _rows(run, [node.elt], node.generators, source)]
    run.budget.step(2 * DICT_STEPS)
    run.budget.charge_items(items)
    return OrderedSet(items)


def dict_comprehension(run: Interpreter, node: ast.DictComp) -> dict[Any, Any]:
    """Evaluate `{a: b for x in xs}`."""
    source = run.evaluate(node.generators[0].iter)
    pairs = _rows(run, [node.key, node.value], node.generators, source)
    run.budget.step(DICT_STEPS)
    run.budget.charge_items([key for key, _ in pairs])
    check_keys([key for key, _ in pairs])
    return {key: value for key, value in pairs}  # noqa: C416  each is a row of two


def generator(run: Interpreter, node: ast.GeneratorExp) -> ItemIterator:
    """Evaluate `(a for x in xs)`: what it first goes through is looked at now, all else item by item."""
    first, *_ = node.generators
    items = run.evaluate(first.iter)
    source = iterate(run, items, first.iter)
    path = f"{run.path}.<locals>.<genexpr>" if run.path else "<genexpr>"
    state = BodyState(_inner_names(run), run.scope, path, run.source)
    body = _items(run, node.elt, source, node.generators)
    inner = PausedBody(node, state.names)
    return ItemIterator(
        run.new_number(), f"generator object {path}", resume_each(run, state, body), inner, items
    )


def _inner_names(run: Interpreter) -> ChainMap[str, Any]:
    return visible_inside(run.names).new_child(ComprehensionScope())


def _items(
    run: Interpreter, item: ast.expr, source: Iterator[Any], generators: list[ast.comprehension]
) -> Iterator[Any]:
    first, *rest = generators
    for value in source:
        assign(run, first.target, value)
        if first.ifs and not all(truth(run, run.evaluate(test), test) for test in first.ifs):
            continue
        if rest:
            yield from _items(run, item, iterate(run, run.evaluate(rest[0].iter), rest[0].iter), rest)
        else:
            yield run.evaluate(item)


def _rows(
    run: Interpreter, items: list[ast.expr], generators: list[ast.comprehension], source: Any
) -> list[Row]:
    """Return the values of the items in each turn, in a scope that ends with the comprehension.

    Args:
        run: The run.
        items: The items.
        generators: What is gone through.
        source: The value that the first of them goes through.
    """
    outer, run.names = run.names, _inner_names(run)
    rows: list[Row] = []
    try:
        _fill(run, rows, items, generators, source)
    finally:
        run.names = outer
    return rows


def _fill(
    run: Interpreter, rows: list[Row], items: list[ast.expr], generators: list[ast.comprehension], source: Any
) -> None:
    first, *rest = generators
    alone = items[0] if len(items) == 1 else None
    for value in iterate(run, source, first.iter):
        assign(run, first.target, value)
        if first.ifs and not all(truth(run, run.evaluate(test), test) for test in first.ifs):
            continue
        if rest:
            _fill(run, rows, items, rest, run.evaluate(rest[0].iter))
        elif alone is not None:  # the usual case, a little faster
            rows.append([run.evaluate(alone)])
        else:
            rows.append([run.evaluate(item) for item in items])
