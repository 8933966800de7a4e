"""`match` statements: which case a value fits, and the names that the case binds, as in Python."""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from llm_linalg.base.errors import LimitError
from llm_linalg.language.arithmetic import MAX_ITEMS
from llm_linalg.language.assignment import bind
from llm_linalg.language.attribute_functions import get_attribute
from llm_linalg.language.classes.program_class import ProgramClass
from llm_linalg.language.containers import check_key
from llm_linalg.language.expressions import compare, truth
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.records import FieldTuple
from llm_linalg.language.sets import FrozenSet, OrderedSet
from llm_linalg.language.type_function import kind_of

_SEQUENCES = (list, tuple, range, deque)
_WHOLE = frozenset([bool, dict, float, FrozenSet, int, list, OrderedSet, str, tuple])
"""Types of which a pattern such as `int(n)` binds the value itself."""
_MISSING = object()
Names = dict[str, Any]


def match_statement(run: Interpreter, node: ast.Match) -> None:
    """Execute `match x: case …`."""
    run.execute(matching_body(run, node))


def matching_body(run: Interpreter, node: ast.Match) -> Sequence[ast.stmt]:
    """Return the statements of the first case that a value fits, its names bound; none if it fits no case."""
    value = run.evaluate(node.subject)
    for case in node.cases:
        run.current = node
        names: Names = {}
        if not _fits(run, case.pattern, value, names):
            continue
        for name, item in names.items():
            bind(run, name, item)
        if case.guard is None or truth(run, run.evaluate(case.guard), case.guard):
            return case.body
    return ()


def _fits(run: Interpreter, pattern: ast.pattern, value: Any, names: Names) -> bool:
    """Return whether a value fits a pattern, and note the names that the pattern binds."""
    run.budget.step(2)
    return _PATTERNS[pattern.__class__](run, pattern, value, names)


def _fits_value(run: Interpreter, pattern: ast.MatchValue, value: Any, _names: Names) -> bool:
    wanted = run.evaluate(pattern.value)
    return truth(run, compare(run, ast.Eq(), value, wanted), pattern.value)


def _fits_singleton(_run: Interpreter, pattern: ast.MatchSingleton, value: Any, _names: Names) -> bool:
    return value is pattern.value


def _fits_sequence(run: Interpreter, pattern: ast.MatchSequence, value: Any, names: Names) -> bool:
    if not isinstance(value, _SEQUENCES):
        return False
    parts = pattern.patterns
    star = next((place for place, part in enumerate(parts) if isinstance(part, ast.MatchStar)), None)
    if star is None:
        return len(value) == len(parts) and all(
            _fits(run, part, item, names) for part, item in zip(parts, value, strict=True)
        )
    after = len(parts) - star - 1
    if len(value) < star + after:
        return False
    if len(value) > MAX_ITEMS:
        raise LimitError(f"a list of more than {MAX_ITEMS:,} items")
    run.budget.charge_list(len(value))
    items = list(value)
    middle = items[star : len(items) - after]
    ends = [*items[:star], middle, *items[len(items) - after :]]
    return all(_fits(run, part, item, names) for part, item in zip(parts, ends, strict=True))


def _fits_star(_run: Interpreter, pattern: ast.MatchStar, value: Any, names: Names) -> bool:
    if pattern.name is not None:
        names[pattern.name] = value
    return True


def _fits_mapping(run: Interpreter, pattern: ast.MatchMapping, value: Any, names: Names) -> bool:
    if not isinstance(value, dict):
        return False
    run.budget.charge_list(len(value))
    keys = [run.evaluate(key) for key in pattern.keys]
    for key, part in zip(keys, pattern.patterns, strict=True):
        check_key(key)
        item = value.get(key, _MISSING)
        if item is _MISSING or not _fits(run, part, item, names):
            return False
    if pattern.rest is not None:
        run.budget.step(len(value) // 4)
        taken = set(keys)
        names[pattern.rest] = {key: item for key, item in value.items() if key not in taken}
    return True


def _fits_class(run: Interpreter, pattern: ast.MatchClass, value: Any, names: Names) -> bool:
    kind = kind_of(run.evaluate(pattern.cls))
    if kind is None:
        words = "called match pattern must be a class"
        raise run.error("a class stands before the brackets of a pattern", pattern.cls, TypeError(words))
    if not isinstance(value, kind):
        return False
    parts = pattern.patterns
    if kind in _WHOLE and len(parts) == 1:
        inner = [(parts[0], value)]
    else:
        inner = [
            (part, _item(run, value, name)) for part, name in zip(parts, _positions(kind, parts), strict=True)
        ]
    for part, name in zip(pattern.kwd_patterns, pattern.kwd_attrs, strict=True):
        inner.append((part, _item(run, value, name)))
    return all(item is not _MISSING and _fits(run, part, item, names) for part, item in inner)


def _positions(kind: Any, parts: Sequence[ast.pattern]) -> Sequence[str]:
    """Return the attributes that the patterns without a name in the brackets stand for."""
    known: Sequence[str] = ("",) if kind in _WHOLE else ()
    if issubclass(kind, FieldTuple):
        known = kind.fields
    elif isinstance(kind, ProgramClass):
        known = tuple(kind.data_fields or ())
    if len(parts) > len(known):
        parts_known = f"{len(known)} positional sub-pattern{'' if len(known) == 1 else 's'}"
        words = f"{kind.__name__}() accepts {parts_known} ({len(parts)} given)"
        raise TypeError(words)
    return known[: len(parts)]


def _item(run: Interpreter, value: Any, name: str) -> Any:
    return get_attribute(run, value, name, _MISSING)


def _fits_name(run: Interpreter, pattern: ast.MatchAs, value: Any, names: Names) -> bool:
    if pattern.pattern is not None and not _fits(run, pattern.pattern, value, names):
        return False
    if pattern.name is not None:
        names[pattern.name] = value
    return True


def _fits_either(run: Interpreter, pattern: ast.MatchOr, value: Any, names: Names) -> bool:
    for part in pattern.patterns:
        own: Names = {}
        if _fits(run, part, value, own):
            names.update(own)
            return True
    return False


_PATTERNS: Mapping[type[ast.pattern], Callable[[Interpreter, Any, Any, Names], bool]] = {
    ast.MatchValue: _fits_value,
    ast.MatchSingleton: _fits_singleton,
    ast.MatchSequence: _fits_sequence,
    ast.MatchStar: _fits_star,
    ast.MatchMapping: _fits_mapping,
    ast.MatchClass: _fits_class,
    ast.MatchAs: _fits_name,
    ast.MatchOr: _fits_either,
}
