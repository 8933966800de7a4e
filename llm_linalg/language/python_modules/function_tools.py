"""`functools`: functions made from functions."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from llm_linalg.language.containers import check_key
from llm_linalg.language.expressions import charge_lookup
from llm_linalg.language.interpreter import Interpreter
from llm_linalg.language.iteration import charge_each, iterate
from llm_linalg.language.records import FieldTuple
from llm_linalg.language.refusal import RefusalError
from llm_linalg.language.run_function import RunFunction, RunMethod
from llm_linalg.language.user_function import UserFunction

_MISSING: Any = object()
_KEY_PARTS = 5  # steps for the key of a call whose result is kept
MOST_KEPT = 10_000  # results that one function keeps


def _reduce(run: Interpreter, function: Any, items: Any, initial: Any = _MISSING) -> Any:
    found = initial
    for item in charge_each(run, iterate(run, items)):
        found = item if found is _MISSING else run.call(function, [found, item])
    if found is _MISSING:
        raise TypeError("reduce() of empty iterable with no initial value")
    return found


def _partial(_run: Interpreter, function: Any, /, *given: Any, **words: Any) -> RunFunction:
    def call(run: Interpreter, *arguments: Any, **named: Any) -> Any:
        return run.call(function, [*given, *arguments], {**words, **named})

    return RunFunction("partial", call, holds=(function, *given, *words.values()))


def _wraps(_run: Interpreter, wrapped: Any) -> RunFunction:
    def name(_run: Interpreter, function: Any) -> Any:
        if isinstance(function, UserFunction) and isinstance(wrapped, UserFunction):
            return replace(function, name=wrapped.name, path=wrapped.path)
        return function

    return RunFunction("wraps", name)


class CacheInfo(FieldTuple):
    """What `cache_info()` tells of a function that keeps its results."""

    fields: ClassVar[tuple[str, ...]] = ("hits", "misses", "maxsize", "currsize")


def _keep_results(function: Any, most: int | None) -> RunFunction:
    """Return a function that calls another once for each key of arguments, and remembers the results."""
    results: OrderedDict[Any, Any] = OrderedDict()
    counts = {"hits": 0, "misses": 0}
    most = most if most is None else max(most, 0)
    limit = MOST_KEPT if most is None else min(most, MOST_KEPT)

    def call(run: Interpreter, *arguments: Any, **named: Any) -> Any:
        key = (arguments, tuple(named.items()))
        run.budget.step(_KEY_PARTS)
        charge_lookup(key, run.budget)
        check_key(key)
        if key in results:
            counts["hits"] += 1
            results.move_to_end(key)
            return results[key]
        counts["misses"] += 1
        result = run.call(function, arguments, named)
        if limit > 0:
            results[key] = result
        if len(results) > limit:
            results.popitem(last=False)
        return result

    def clear(_run: Interpreter) -> None:
        results.clear()
        counts.update(hits=0, misses=0)

    def info(_run: Interpreter) -> CacheInfo:
        return CacheInfo((counts["hits"], counts["misses"], most, len(results)))

    name = function.name if isinstance(function, UserFunction) else "lru_cache"
    methods = (RunFunction("cache_clear", clear), RunFunction("cache_info", info))
    members = {method.name: method for method in methods}
    return RunMethod(name, call, members=members, holds=(function, results, counts))


def _lru_cache(_run: Interpreter, maxsize: Any = 128, typed: bool = False) -> RunFunction:
    if typed:
        raise RefusalError("lru_cache has no typed= here")
    if maxsize is None or isinstance(maxsize, int):
        return RunFunction("lru_cache", lambda _run, function: _keep_results(function, maxsize))
    return _keep_results(maxsize, 128)  # `@lru_cache`, without brackets


_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "reduce": _reduce,
    "partial": _partial,
    "wraps": _wraps,
    "lru_cache": _lru_cache,
    "cache": lambda _run, function: _keep_results(function, None),
}
MEMBERS: Mapping[str, Any] = {name: RunFunction(name, does) for name, does in _FUNCTIONS.items()}
