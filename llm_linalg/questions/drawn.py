"""Questions that nobody wrote: drawn from a walk, about what its next step shows.

A question depends on the node, the order, the step and a number, and on nothing else: the same again is the
same question. Its answer is read from torch's tensors.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from itertools import product
from random import Random
from typing import TYPE_CHECKING, Literal, NamedTuple

import torch

from llm_linalg.base.cells import Index
from llm_linalg.base.text import NOTHING, CleanText, clean
from llm_linalg.explain.formula import factors_text, node_cell, sum_pieces
from llm_linalg.questions.guess import RightAnswer
from llm_linalg.questions.question import Ask, FenceLine, Mistake
from llm_linalg.questions.value import value_text

if TYPE_CHECKING:
    from llm_linalg.api.node import Node

DrawnKind = Literal["value", "sum", "reads", "shape", "mask"]
MOST_CHOICES = 4
MOST_READ = 64  # cells that are described
MOST_AROUND = 200  # operations that are looked at
ALL = "[:]"  # all of a tensor
MOST_ROW = 64  # cells of a row whose masked ones are counted


class Question(NamedTuple):
    """A question with its answer."""

    kind: str  # what is asked for
    ask: Ask  # the question as an author would write it
    answer: RightAnswer  # what torch answers
    cell: Index | None = None  # the cell that it is about, or None
    why: CleanText = NOTHING  # why that is the answer, in a line
    mistakes: tuple[Mistake, ...] = ()  # wrong answers, and the names of the mistakes that give them


class WalkPlace(NamedTuple):
    """A place in a walk: a node, an order, and the number of steps that are shown."""

    node: Node
    order: str
    step: int

    @property
    def next_cell(self) -> Index | None:
        """The cell that the next step writes, if it is one cell whose value is a finite number."""
        walk = self.node.walk(self.order)
        if not 0 <= self.step < len(walk):
            return None
        writes = walk[self.step].writes
        if len(writes) != 1:
            return None
        index = next(iter(writes))
        value = self.node.value[index]
        unsuited = value.dtype == torch.bool or value.is_complex() or not value.isfinite()
        return None if unsuited else index


def question_at(place: WalkPlace, number: int, kind: str | None = None) -> Question | None:
    """Return the question of a number (from 1) at a place: each number asks for something else.

    Only for what is of one kind, if that is given; None where there is nothing to ask.
    """
    node = place.node
    if node.dropped or node.value.is_meta or not node.operands:
        return None
    questions: list[Question] = []
    for name, make in KINDS.items():
        if kind in (None, name):
            seed = f"{number}:{name}:{node.index}:{place.order}:{place.step}"
            made = make(place, Random(seed))  # noqa: S311 - it draws a question, and keeps no secret
            questions += [] if made is None else [made]
    return questions[(number - 1) % len(questions)] if questions else None


def _value(place: WalkPlace, _random: Random) -> Question | None:
    """Ask for the value that the next step writes."""
    index = place.next_cell
    if index is None:
        return None
    name = node_cell(place.node, index)
    value = place.node.value[index].item()
    ask = _ask(f"What will `{name}` be?", name)
    return Question("value", ask, _number(value), index, _why(place.node.walk(place.order)[place.step].text))


def _sum(place: WalkPlace, random: Random) -> Question | None:
    """Ask for a running sum of the cell that the next step writes."""
    index = place.next_cell
    if index is None or place.order == "terms":
        return None
    terms = place.node.walk(place.order)[place.step].terms
    if len(terms) < 3 or not place.node.term_count:
        return None
    count = random.randint(2, min(len(terms) - 1, 6))
    value = math.fsum(term.value for term in terms[:count] if isinstance(term.value, int | float))
    if not math.isfinite(value):
        return None
    name = node_cell(place.node, index)
    text = f"`{name}` is a sum of {len(terms)} terms. What is the sum of the first {count}?"
    pieces = sum_pieces([(factors_text(term.factors, value_text), "") for term in terms[:count]], "")
    why = _why(f"{''.join(piece for piece, _ in pieces)} = {value_text(value)}")
    return Question("sum", _ask(text, f"{name}, {count} terms"), _number(value), index, why)


def _reads(place: WalkPlace, random: Random) -> Question | None:
    """Ask which cells of an operand the next step's cell is made from."""
    index = place.next_cell
    if index is None:
        return None
    node = place.node
    readable = [
        k
        for k, operand in enumerate(node.operands)
        if operand.value.numel() > 1 and operand.value.ndim <= 2 and not _is_read_twice(node, k)
    ]
    if not readable:
        return None
    which = random.choice(readable)
    operand = node.operands[which]
    shape, name = tuple(operand.value.shape), operand.node.title
    cells = node.reads(index)[which]
    if len(cells) > MOST_READ or math.prod(shape) > MOST_READ:
        return None
    read, regions = frozenset(cells), _regions(shape)
    where = next((where for where, region in regions.items() if region == read), None)
    if where is None:
        return None
    others = [other for other in _near(regions, len(shape), index) if regions[other] != read]
    random.shuffle(others)
    right, *wrong = (f"{name}{one}" if one != ALL else f"all of {name}" for one in (where, *others))
    choices = [right, *wrong[: MOST_CHOICES - 1]]
    if len(choices) < 3:
        return None
    random.shuffle(choices)
    text = f"Which cells of `{name}` is `{node_cell(node, index)}` made from?"
    answer = RightAnswer("choice", clean(right), choices.index(right), right)
    return Question(
        "reads", _ask(text, f"reads of {name}", choices), answer, index, _why(node.sentence(place.order))
    )


def _is_read_twice(node: Node, which: int) -> bool:
    """Return whether an operand also reaches a node by way of another one, which then reads other cells."""
    wanted = node.operands[which].node
    todo = [other.node for k, other in enumerate(node.operands) if k != which]
    seen: set[int] = set()
    while todo and len(seen) < MOST_AROUND:
        one = todo.pop()
        if one is wanted:
            return True
        if one.index not in seen:
            seen.add(one.index)
            todo += [operand.node for operand in one.operands]
    return bool(todo)


def _shape(place: WalkPlace, _random: Random) -> Question | None:
    """Ask for the shape of the result, before any of it is shown."""
    node = place.node
    if place.step or not node.value.ndim:
        return None
    given = " and ".join(
        f"`{operand.node.title}` is {tuple(operand.value.shape)}" for operand in node.operands[:3]
    )
    size = node.value.shape
    answer = RightAnswer("shape", clean(value_text(size)), None, size)
    ask = _ask(f"{given}. What shape has `{node.title}`?", f"{node.title}.shape")
    return Question("shape", ask, answer, why=_why(node.shape_line))


def _mask(place: WalkPlace, _random: Random) -> Question | None:
    """Ask how many cells of a row a mask hides."""
    node = place.node
    if node.kind != "mask" or node.value.ndim != 2 or not 1 < node.value.shape[1] <= MOST_ROW:
        return None
    walk = node.walk(place.order)
    if not 0 <= place.step < len(walk):
        return None
    row = next(iter(walk[place.step].writes))[0]
    rules = [node.mask_rule((row, column)) for column in range(node.value.shape[1])]
    hidden = [rule for rule in rules if rule is not None]
    text = f"How many cells of `{node.title}[{row}]` does the mask hide?"
    why = f"One of them, by its rule: {hidden[0]}." if hidden else "Its rule holds for all of them."
    return Question("mask", _ask(text, f"{node.title}[{row}]"), _number(len(hidden)), why=_why(why))


Maker = Callable[[WalkPlace, Random], Question | None]
KINDS: Mapping[DrawnKind, Maker] = {
    "value": _value,
    "reads": _reads,
    "sum": _sum,
    "shape": _shape,
    "mask": _mask,
}
"""What can be asked at a place in a walk: a kind is an entry here."""


def _ask(text: str, about: str, choices: Collection[str] = ()) -> Ask:
    return Ask(clean(text, 500), FenceLine(clean(about, 200)), tuple(map(clean, choices)))


def _why(text: str) -> CleanText:
    return clean(text, 300)


def _number(value: float) -> RightAnswer:
    return RightAnswer("number", clean(value_text(value)), None, value)


def _regions(shape: tuple[int, ...]) -> dict[str, frozenset[Index]]:
    """Return the regions of a vector or a matrix as they are indexed: cells, all of it, rows and columns."""
    cells = list(product(*map(range, shape)))
    regions = {f"[{', '.join(map(str, cell))}]": frozenset([cell]) for cell in cells}
    regions[ALL] = frozenset(cells)
    for axis, before in enumerate(("", ":, ") if len(shape) == 2 else ()):
        for i in range(shape[axis]):
            regions[f"[{before}{i}]"] = frozenset(cell for cell in cells if cell[axis] == i)
    return regions


def _near(regions: Mapping[str, frozenset[Index]], rank: int, index: Index) -> list[str]:
    """Return the regions that one may take for what a cell reads: those with its indices first."""
    named = [f"[{before}{i}]" for before in ("", ":, ")[:rank] for i in index]
    named += [f"[{i}, {j}]" for i, j in product(index, repeat=2)]
    named += [ALL, *(where for where in regions if rank == 1 or where.count(",") == where.count(":"))]
    near: dict[frozenset[Index], str] = {}
    for where in named:
        if where in regions:
            near.setdefault(regions[where], where)
    return list(near.values())[: 6 if rank == 1 else 8]
