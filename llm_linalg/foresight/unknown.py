"""Values that are not known before a program is run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, compress
from typing import Any, NoReturn

from torch import Tensor

from llm_linalg.foresight.nowhere import may_be_none
from llm_linalg.language.caller import Method
from llm_linalg.language.values import VIEWS, Distinct

NESTED_A_STEP = 15  # items of lists in lists that something goes through as fast as a rehearsal takes a step
LISTED_A_STEP = 300  # that a list is made of as fast: what is known of all of them stands for each
ITEMS_A_STEP = 50  # that something goes through as fast as a rehearsal takes a step
HASHED_A_STEP = 25  # likewise, of which a dict or a set is made
LOOKED_AT_A_STEP = 60  # likewise, of which it is asked whether all are known
GLANCED_AT_A_STEP = 120  # likewise, of which the kinds are looked at
REPEATED_A_STEP = 500  # likewise, of a list or a text that is repeated
LETTERS_A_STEP = 1_000  # likewise, of a text
_LEVELS = 5  # of lists in lists that are gone through level by level
_MOST_AT_ONCE = 300_000  # items of a level
_ARGUMENTS = 10  # that most calls have at most
_FEW = 60  # items of tuples in tuples that are looked at one by one
_CHANGEABLE = list | dict | Distinct | VIEWS | Method
_HOLDING = list | tuple | dict | Distinct | VIEWS
_LISTS: frozenset[Any] = frozenset([list, tuple])
_PLAIN: frozenset[Any] = frozenset([bool, int, float, str, type(None)])
_CERTAIN: frozenset[Any] = _PLAIN | {Tensor}  # told at a glance
EXACT: Any = bool | int | float | str | type(None)  # plain values without parts


class Undecided(Exception):  # noqa: N818  a way out of an expression, not an error
    """An expression's value hangs on what only the run will know; at most its kind is known, or a value."""

    def __init__(self, kind: type | None = None, value: Unknown | None = None) -> None:
        super().__init__()
        self.value = UNKNOWN.get(kind, UNKNOWN[None]) if value is None else value


def _undecided(*_: Any) -> NoReturn:
    raise Undecided


class Unknown:
    """A value of which at most the kind is known: whatever is done to it is undecided.

    Attributes:
        kind: Its type; None if that is not known either.
        least: What a whole number is at least; None if that is not known.
        most: What it is at most, or how many cells a tensor has at most; None if that is not known.
    """

    __slots__ = ("kind", "least", "most")

    def __init__(self, kind: type | None, least: int | None = None, most: int | None = None) -> None:
        self.kind = kind
        self.least = least
        self.most = most

    @property
    def number(self) -> int | float | None:
        """A number of its kind, for what takes any; None if it need not be one."""
        return {int: 1, float: 1.0}.get(self.kind) if self.kind else None

    @property
    def identity(self) -> Any:
        """What is equal for another one of which the same is known; None if none is."""
        return Unknown, self.kind, self.least, self.most

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _undecided
    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = _undecided
    __pow__ = __rpow__ = __matmul__ = __rmatmul__ = __and__ = __rand__ = __or__ = __ror__ = _undecided
    __neg__ = __pos__ = __abs__ = __invert__ = __round__ = _undecided
    __lt__ = __le__ = __gt__ = __ge__ = __contains__ = __getitem__ = _undecided
    __bool__ = __int__ = __float__ = __index__ = __len__ = __iter__ = __str__ = __format__ = _undecided
    __eq__ = __ne__ = __hash__ = _undecided


UNKNOWN: Mapping[type | None, Unknown] = {
    kind: Unknown(kind) for kind in (int, float, str, bool, Tensor, None)
}
ANY = UNKNOWN[None]
SOME_DICT = Unknown(dict)
SOME_TENSOR = UNKNOWN[Tensor]  # of which not even the shape is known


def tensor_of_at_most(cells: int) -> Unknown:
    """Return what is known of a tensor whose shape hangs on values, but that has no more cells."""
    return Unknown(Tensor, most=cells)


def parts(value: Any) -> Iterator[Any]:
    """Yield a value and all inside it: each item once, however often it is there.

    Of items that are certain, one tensor stands for all of them, if there is one.
    """
    todo, seen = [value], set[int]()
    while todo:
        item = todo.pop()
        yield item
        if isinstance(item, slice):
            todo += [item.start, item.stop, item.step]
        elif isinstance(item, _HOLDING) and id(item) not in seen:
            seen.add(id(item))
            if isinstance(item, dict):
                todo += item.keys()
                item = item.values()
            elif isinstance(item, Distinct):
                item = item.items
            kinds = set(map(type, item))
            if Tensor in kinds:
                todo.append(next(inner for inner in item if inner.__class__ is Tensor))
            others = kinds - _CERTAIN
            if others:
                todo += different(list(compress(item, map(others.__contains__, map(type, item)))))


def nested(value: Any) -> bool:
    """Return whether a value is a list whose items have items themselves, as far as the first tells."""
    return isinstance(value, list | tuple) and bool(value) and isinstance(value[0], _HOLDING)


def different(items: Sequence[Any]) -> list[Any]:
    """Return each item once, however often it is there."""
    return list(dict(zip(map(id, items), items, strict=True)).values())


def doubtful(value: Any) -> bool:
    """Return whether a value, or one inside it, is unknown."""
    if value.__class__ in _CERTAIN:
        return False
    if value.__class__ in _LISTS:
        kinds = set(map(type, value))
        if kinds <= _CERTAIN:
            return False
        if any(issubclass(kind, Unknown) for kind in kinds):
            return True
        if len(value) <= _ARGUMENTS:
            known = {_known(item) for item in value}
            if None not in known or False in known:
                return False in known
    return _has(value, Unknown)


def _known(value: Any) -> bool | None:
    """Return whether all is known of a value, or of a list's items; None if that has to be looked for."""
    if value.__class__ in _CERTAIN:
        return True
    if value.__class__ not in _LISTS:
        return None
    kinds = set(map(type, value))
    if kinds <= _CERTAIN:
        return True
    return False if any(issubclass(kind, Unknown) for kind in kinds) else None


def has_tensors(value: Any) -> bool:
    """Return whether a value has tensors inside: which of them are the same one, only the run will know."""
    if isinstance(value, Tensor) or value.__class__ in _CERTAIN:
        return False
    if value.__class__ in _LISTS and _PLAIN.issuperset(map(type, value)):
        return False
    return _has(value, Tensor)


def _has(value: Any, wanted: type) -> bool:
    """Return whether a value of a kind is inside another one, or is that."""
    level = [value]
    for _ in range(_LEVELS):
        kinds = set(map(type, level))
        if any(issubclass(kind, wanted) for kind in kinds):
            return True
        others = {kind for kind in kinds - _CERTAIN if issubclass(kind, _HOLDING | slice)}
        if not others:
            return False
        if not others <= _LISTS:
            break
        if others != kinds:
            level = list(compress(level, map(others.__contains__, map(type, level))))
        if sum(map(len, level)) > _MOST_AT_ONCE:  # the same one may be there many times
            break
        level = list(chain.from_iterable(level))
    return any(isinstance(part, wanted) for part in parts(value))


def few(value: Any) -> bool:
    """Return whether a value has only few items, those within it included, each as often as it is there."""
    if not isinstance(value, tuple):
        return True
    if len(value) >= _FEW:
        return False
    if not any(issubclass(kind, tuple) for kind in set(map(type, value))):
        return True
    return all(count < _FEW for count, _ in enumerate(_each(value)))


def _each(value: Any) -> Iterator[Any]:
    todo = [value]
    while todo:
        item = todo.pop()
        yield item
        if isinstance(item, tuple):
            todo += item[:_FEW]


def changeable(value: Any) -> bool:
    """Return whether a value, or one inside it, can be changed through another name; of many, it is."""
    if isinstance(value, tuple):
        return not few(value) or any(isinstance(part, _CHANGEABLE) for part in _each(value))
    return isinstance(value, _CHANGEABLE)


def numbered(value: Any, seen: dict[int, Any] | None = None) -> Any:
    """Return a value, or a number if it is unknown, for what asks for no more than a number.

    Args:
        value: The value.
        seen: What lists within it became that are there many times.

    Raises:
        Undecided: If it need not be a number.
    """
    seen = {} if seen is None else seen
    if isinstance(value, Unknown):
        if value.number is None:
            raise Undecided
        return value.number
    if isinstance(value, list | tuple) and doubtful(value):
        for item in different(value):
            if id(item) not in seen:
                seen[id(item)] = numbered(item, seen)
        items = [seen[id(item)] for item in value]
        return items if isinstance(value, list) else tuple(items)
    return value


def kind_of(value: Any) -> type | None:
    """Return a value's kind: one that stands for plain values, a tensor that is there for sure, or None."""
    if isinstance(value, Unknown):
        return value.kind
    if isinstance(value, Tensor):
        return None if may_be_none(value) else Tensor
    return type(value) if isinstance(value, EXACT) else None


def is_number(value: Any) -> bool:
    """Return whether a value is a number, or a tensor, for sure: no list becomes longer by it."""
    return kind_of(value) in (int, float, bool, Tensor)


def is_some_tensor(value: Any) -> bool:
    """Return whether a value is a tensor for sure, of which not even the shape is known."""
    return isinstance(value, Unknown) and value.kind is Tensor


def is_tensor(value: Any) -> bool:
    """Return whether a value is a tensor for sure, known or not."""
    return kind_of(value) is Tensor
