"""Methods of plain values: of text, lists and dicts, bounded before they are computed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from torch import Tensor

from llm_linalg.errors import LimitError

MAX_JOINED = 100_000
VIEWS: Any = type({}.keys()) | type({}.values()) | type({}.items())
"""What a dict's ``keys()``, ``values()`` and ``items()`` are."""


class _NotYet:
    """What a name of a function's own is until the function assigns to it."""


NOT_YET: Any = _NotYet()


class Distinct:
    """What ``set`` gives: each item once, in the order in which they came, so that each run is the same."""

    __slots__ = ("items",)

    def __init__(self, items: Iterable[Any] = ()) -> None:
        self.items = dict.fromkeys(items)

    def __iter__(self) -> Iterator[Any]:
        return iter(tuple(self.items))

    def __len__(self) -> int:
        return len(self.items)

    def __contains__(self, item: object) -> bool:
        return item in self.items

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Distinct) and self.items == other.items

    __hash__ = None  # type: ignore[assignment]


def _joined(between: str, parts: Iterable[str]) -> str:
    words = list(parts)
    if sum(map(len, words)) + len(between) * len(words) > MAX_JOINED:
        raise LimitError(f"a text of more than {MAX_JOINED:,} characters")
    return between.join(words)


def _replaced(text: str, old: str, new: str, count: int = -1) -> str:
    if text.count(old) * len(new) + len(text) > MAX_JOINED:
        raise LimitError(f"a text of more than {MAX_JOINED:,} characters")
    return text.replace(old, new, count)


def _popped(items: dict[Any, Any], key: Any, *default: Any) -> Any:
    if key not in items and not default:
        raise ValueError(f"there is no item {key!r:.40}")
    return items.pop(key, *default)


METHODS: Mapping[type, Mapping[str, Callable[..., Any]]] = {
    str: {
        "split": str.split,
        "splitlines": str.splitlines,
        "strip": str.strip,
        "lower": str.lower,
        "upper": str.upper,
        "startswith": str.startswith,
        "endswith": str.endswith,
        "count": str.count,
        "find": str.find,
        "index": str.index,
        "join": _joined,
        "replace": _replaced,
    },
    list: {
        "append": list.append,
        "extend": list.extend,
        "insert": list.insert,
        "pop": list.pop,
        "index": list.index,
        "count": list.count,
        "reverse": list.reverse,
        "copy": list.copy,
    },
    tuple: {"index": tuple.index, "count": tuple.count},
    dict: {
        "keys": dict.keys,
        "values": dict.values,
        "items": dict.items,
        "get": dict.get,
        "pop": _popped,
        "update": dict.update,
        "copy": dict.copy,
        "setdefault": dict.setdefault,
    },
}

AT_ONCE: frozenset[Any] = frozenset(
    [list.append, dict.get, dict.setdefault, dict.keys, dict.values, dict.items, _popped]
)
"""Methods that take as long however many items there are."""


def methods(value: Any) -> Mapping[str, Callable[..., Any]]:
    """Return the methods of a plain value, by name."""
    return next((table for kind, table in METHODS.items() if isinstance(value, kind)), {})


def ordered(items: Iterable[Any], *, key: Any = None, reverse: bool = False) -> list[Any]:
    """Return what ``sorted`` gives."""
    if key is not None:
        raise TypeError("sorted has no key= in this language: sort pairs, such as (len(w), w)")
    return sorted(items, reverse=reverse)


def backwards(items: Any) -> list[Any]:
    """Return what ``reversed`` yields."""
    return list(items)[::-1] if isinstance(items, Tensor) else list(reversed(items))


def mapping(items: Any = (), **named: Any) -> dict[Any, Any]:
    """Return what ``dict`` gives."""
    return dict(items, **named)
