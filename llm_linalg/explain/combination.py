"""Steps that write a row, a column or a vector at once, as weighted sums: `y = 1·[1 4] + [2·[2 5]]`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from llm_linalg.base.axes import Labels
from llm_linalg.base.cells import Box, Index
from llm_linalg.ops.terms import Number, State
from llm_linalg.recording.record_node import Operand, RecordNode
from llm_linalg.walks.walk import Step, Walk

MOST_NUMBERS = 6  # of a vector that are written out
MOST_TERMS = 64  # of a sum; more are not made into text at all

Words = Callable[[RecordNode, int, int], str]
"""Return the word at a position along an axis of a node's tensor; empty if there is none."""


class CombinationTerm(NamedTuple):
    """A vector with its weight."""

    weight: Number | None  # what it is multiplied by; None for a bias, which is added as it is
    name: str  # what the vector is called: the word along its axis, or `A[:, 0]`
    is_word: bool  # whether that is a word of the program's
    numbers: tuple[Number, ...]  # its numbers; () if there are many
    state: State  # `done`, `current` or `pending`


@dataclass(frozen=True, slots=True)
class Combination:
    """A vector of a product as the weighted sum of others."""

    target: str  # what the vector is called
    terms: tuple[CombinationTerm, ...]  # the weighted vectors, in the order in which they are added
    values: tuple[Number, ...]  # its numbers so far; () if there are many
    places: tuple[int, int]  # the positions of the operands that hold the weights and the vectors

    @property
    def is_complete(self) -> bool:
        """Whether all terms are added."""
        return all(term.state != "pending" for term in self.terms)


def combination_of(walk: Walk, step: Step, words: Words | None = None) -> Combination | None:
    """Return a step as a weighted sum of vectors, named by the words along the axes; None if it is none.

    A row of a product is the sum of the second operand's rows, each times an entry of the first; a column
    that of the first one's columns. A product with a vector is the same, one term per step.
    """
    node, axes = walk.node, walk.node.axes
    beside = node.bias_position
    factors = [place for place in range(len(node.operands)) if place != beside]
    if node.kind != "contraction" or axes is None or len(factors) != 2 or len(axes.reduction_labels) != 1:
        return None
    inner = axes.reduction_labels[0]
    writes = step.writes
    if not isinstance(writes, Box) or axes.sizes[inner] > MOST_TERMS:
        return None
    whole = {"rows": axes.output[-1:], "columns": axes.output[-2:-1], "outer": axes.output[-2:]}
    runs = whole.get(walk.order, ())  # the axes along which a step writes all, whatever their size
    if len(runs) != 1:
        return None
    (along,) = runs
    cell = {label: r.start for label, r in zip(axes.output, writes.ranges, strict=True)}
    sides = {along in axes.operands[place]: place for place in factors}
    if len(sides) != 2 or any(inner not in axes.operands[place] for place in factors):
        return None
    vectors, weights = sides[True], sides[False]
    term = walk.loop.term(walk.grid, step.index)
    label_of = words or (lambda *_: "")
    terms = []
    for k in range(axes.sizes[inner]):
        at = cell | {inner: k}
        place = axes.operands[vectors].index(inner)
        word = label_of(node.operands[vectors].node, place, k)
        terms.append(
            CombinationTerm(
                _at(node.operands[weights].value, axes.operands[weights], at).item(),
                word or _name(node.operands[vectors], axes.operands[vectors], at, along),
                bool(word),
                _numbers(_at(node.operands[vectors].value, axes.operands[vectors], at, along)),
                _state(k, term),
            )
        )
    if beside is not None:
        value = _at(node.operands[beside].value, axes.operands[beside], cell, along)
        title = node.operands[beside].title
        terms.append(CombinationTerm(None, title, False, _numbers(value), _state(len(terms), term)))
    fixed = [axis for axis, label in enumerate(axes.output) if label != along]
    word = label_of(node, fixed[0], cell[axes.output[fixed[0]]]) if len(fixed) == 1 else ""
    target = word or (_name(node, axes.output, cell, along) if fixed else node.title)
    return Combination(target, tuple(terms), _values(walk, step), (weights, vectors))


def _state(k: int, term: int | None) -> State:
    if term is None or k < term:
        return "done"
    return "current" if k == term else "pending"


def _at(value: Tensor, labels: Labels, at: Mapping[str, int], along: str = "") -> Tensor:
    """Return the entry of a tensor at some labels, or its vector along one of them."""
    picks = [
        slice(None) if label == along else 0 if size == 1 else at.get(label, 0)
        for label, size in zip(labels, value.shape, strict=True)
    ]
    return value[tuple(picks)]


def _numbers(vector: Tensor) -> tuple[Number, ...]:
    return tuple(vector.reshape(-1).tolist()) if vector.numel() <= MOST_NUMBERS else ()


def _values(walk: Walk, step: Step) -> tuple[Number, ...]:
    """Return the numbers that the step has written."""
    writes = step.writes
    if not isinstance(writes, Box) or len(writes) > MOST_NUMBERS:
        return ()
    *leading, rows, columns = (range(1), *writes.ranges) if len(writes.ranges) == 1 else writes.ranges
    at: Index = tuple(r.start for r in leading)
    return tuple(x for line in walk.values(step.index, at, rows, columns) for x in line if x is not None)


def _name(tensor: RecordNode | Operand[RecordNode], labels: Labels, at: Mapping[str, int], along: str) -> str:
    """Return a vector of a tensor as torch writes it: `W[0]`, `A[:, 1]`."""
    sizes = zip(labels, tensor.value.shape, strict=True)
    parts = [":" if label == along else "0" if size == 1 else str(at.get(label, 0)) for label, size in sizes]
    while len(parts) > 1 and parts[-1] == ":":
        parts.pop()
    return tensor.title_of_cells if parts == [":"] else f"{tensor.title_of_cells}[{', '.join(parts)}]"
