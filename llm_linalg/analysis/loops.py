"""The loops of a long trace: stretches in which the same operations follow each other again and again.

Operations are the same by their place in the program's text, scopes by what they do: layers in a row are a
loop, too.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Iterable, Iterator, Sequence
from itertools import pairwise
from math import inf
from typing import TypeAlias

from llm_linalg.base.spelling import number_duplicates
from llm_linalg.recording.record_node import N, RecordNode
from llm_linalg.recording.scopes import Scope

MOST_TURNS = 100  # turns of a loop, or groups of them, on a level
SHORTEST = 16  # parts of a loop that is folded
LONGEST_LABEL = 14  # characters of an expression that stands in a box; else its operation does
LEAST = 3  # turns that are a repeat
_LONGEST = 4096  # things in a turn
_TRIES = 4  # places at which a turn may begin again that are tried


Part: TypeAlias = Scope[N] | N
"""What stands in a scope: an operation, or a scope inside it."""


Turns: TypeAlias = tuple[int, ...]
"""Where the turns of a stretch of a sequence begin, one if it is no repeat; then where it ends."""


def find_repeats(things: Iterable[Hashable]) -> list[Turns]:
    """Return a sequence as stretches in order: repeats, whose turns may hold repeats, and single things."""
    numbers: dict[Hashable, int] = {}
    signs = [numbers.setdefault(thing, len(numbers)) for thing in things]
    starts = [*range(len(signs) + 1)]
    loops: dict[int, Turns] = {}
    before = -1
    while len(signs) != before:
        before = len(signs)
        signs, starts = _fold_once(signs, starts, loops, numbers)
    return [loops.get(first, (first, end)) for first, end in pairwise(starts)]


def _fold_once(
    signs: list[int], starts: list[int], loops: dict[int, Turns], numbers: dict[Hashable, int]
) -> tuple[list[int], list[int]]:
    """Return the signs and the starts of stretches with the repeats among them as one each.

    Their turns are added to `loops`, by where they start.
    """
    again = _next_places(signs)
    ends: dict[int, int] = {}  # for a length of turns, where the last run of them that was too short ended
    folded: list[int] = []
    places: list[int] = []
    k = 0
    while k < len(signs):
        length, count = _turns_at(signs, again, k, ends)
        sign, stop = signs[k], k + length * count
        if count >= LEAST:
            sign = numbers.setdefault((tuple(signs[k : k + length]), count), len(numbers))
            loops[starts[k]] = tuple(starts[k : stop + 1 : length])
        folded.append(sign)
        places.append(starts[k])
        k = stop
    return folded, [*places, starts[-1]]


def _next_places(signs: Sequence[int]) -> list[int]:
    """Return for each position the next one of the same sign; the length where there is none."""
    later: dict[int, int] = {}
    again = [len(signs)] * len(signs)
    for k in range(len(signs) - 1, -1, -1):
        again[k] = later.get(signs[k], len(signs))
        later[signs[k]] = k
    return again


def _turns_at(
    signs: Sequence[int], again: Sequence[int], start: int, ends: dict[int, int]
) -> tuple[int, int]:
    """Return the length of a turn that is repeated from a position on, and how often it stands there."""
    place = start
    for _ in range(_TRIES):
        place = again[place]
        length = place - start
        if place >= len(signs) or length > _LONGEST:
            break
        if ends.get(length, 0) > start:
            continue
        end = start
        while end + length < len(signs) and signs[end] == signs[end + length]:
            end += 1
        count = (end - start) // length + 1
        if count >= LEAST:
            return length, count
        ends[length] = end
    return 1, 1


def fold_loops(scope: Scope[N], parts: Sequence[Part[N]]) -> list[Part[N]]:
    """Return the parts of a scope, in order, with each loop among them as one scope.

    Where all of them are one loop, its turns are the scopes, or groups of turns if there are many.
    """
    stretches = find_repeats(_sign(part) for part in parts)
    if len(stretches) == 1:
        return list(_turns(scope, parts, stretches[0]))
    folded: list[Part[N]] = []
    for turns in stretches:
        start, stop = turns[0], turns[-1]
        if len(turns) > LEAST and stop - start >= SHORTEST:
            first, last = label_of(parts[start]), label_of(parts[turns[1] - 1])
            name = f"{first if first == last else f'{first} … {last}'} ×{len(turns) - 1:,}"
            folded.append(_slice(scope, parts, start, stop, name))
        else:
            folded += parts[start:stop]
    return folded


def _turns(scope: Scope[N], parts: Sequence[Part[N]], turns: Turns) -> Iterator[Part[N]]:
    """Yield the turns of a loop, in groups of 1, 10, 100 … of them."""
    count = len(turns) - 1
    size = 1
    while count > MOST_TURNS * size:
        size *= 10
    for first, end in pairwise([*range(0, count, size), count]):
        start, stop = turns[first], turns[end]
        if stop - start == 1:
            yield parts[start]
        else:
            name = f"turn {end:,}" if end - first == 1 else f"turns {first + 1:,} to {end:,}"
            yield _slice(scope, parts, start, stop, name)


def _slice(scope: Scope[N], parts: Sequence[Part[N]], start: int, stop: int, name: str) -> Scope[N]:
    """Return some of the parts of a scope as a scope, with the nodes between them that have no box."""
    inner = [part for part in parts[start:stop] if isinstance(part, Scope)]
    names = number_duplicates([part.name for part in inner])
    first = first_position(parts[start])
    end = first_position(parts[stop]) if stop < len(parts) else inf
    nodes = scope.nodes[
        bisect_left(scope.nodes, first, key=position) : bisect_left(scope.nodes, end, key=position)
    ]
    return Scope(name, scope.path, dict(zip(names, inner, strict=True)), nodes)


def _sign(part: Part[N]) -> Hashable:
    if isinstance(part, Scope):
        return part.likeness
    return part.op, part.line, part.source


def label_of(part: Part[N]) -> str:
    """Return the text of a part in a box: its name in the program, or a short expression."""
    if isinstance(part, Scope):
        return part.name
    unnamed = part.bound_name is None and (part.title == part.name or len(part.source) > LONGEST_LABEL)
    return part.op if unnamed else part.title


def position(node: RecordNode) -> int:
    """Return a node's position in its trace."""
    return node.index


def first_position(part: Part[N]) -> int:
    """Return the position of a part's first node."""
    if not isinstance(part, Scope):
        return part.index
    return min(node.index for node in part.every)
