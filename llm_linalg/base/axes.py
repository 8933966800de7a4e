"""Axes specs, as in einsum: which axis of an operand runs along which axis of the result.

`ik,kj->ij` says that cell (i, j) of a matrix product is computed from row i of the first operand and
column j of the second. The cells read, the loop orders, the shape rule with its error, and the formula
all follow from that one line. An axis of size 1 whose label is larger is broadcast: index 0 is read.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from string import ascii_letters

from llm_linalg.base.errors import MismatchedAxis

Labels = tuple[str, ...]
Shape = tuple[int, ...]


class ShapeMismatch(Exception):  # noqa: N818 - a mismatch is what the field calls it, and it is always caught
    """Operands whose shapes don't fit a rule.

    Attributes:
        axes: The axes that clash.
        rule: What the rule requires, as a sentence.
        at: The operand that the sentence is about, if it is about no particular axis.
    """

    def __init__(self, rule: str, *axes: MismatchedAxis, at: int | None = None) -> None:
        super().__init__(rule)
        self.rule = rule
        self.axes = axes
        self.at = at


@dataclass(frozen=True, slots=True)
class Axes:
    """A solved spec: labels of the output and of each operand, with the size of each label."""

    output: Labels
    operands: tuple[Labels, ...]
    sizes: Mapping[str, int]
    shapes: tuple[Shape, ...]

    @classmethod
    def solve(
        cls,
        output: Labels,
        operands: Sequence[Labels],
        shapes: Sequence[Shape],
        exact: Collection[str] = (),
        rule: str = "",
        given: Mapping[str, int] | None = None,
        rules: Mapping[str, str] | None = None,
    ) -> Axes:
        """Return the spec with the size of each label.

        Args:
            output: The labels of the result's axes.
            operands: The labels of each operand's axes.
            shapes: The operands' shapes.
            exact: The labels whose sizes must be equal; the others broadcast.
            rule: The sentence of the error.
            given: Sizes of labels that only the output has.
            rules: By label, a sentence to use instead of `rule`.

        Raises:
            ShapeMismatch: If two sizes of a label don't fit.
        """
        first: dict[str, MismatchedAxis] = {}
        for position, (labels, shape) in enumerate(zip(operands, shapes, strict=True)):
            for axis, (label, size) in enumerate(zip(labels, shape, strict=True)):
                here = MismatchedAxis(position, axis, size)
                known = first.setdefault(label, here)
                if known.size == size:
                    continue
                if label in exact or 1 not in (known.size, size):
                    raise ShapeMismatch((rules or {}).get(label, rule), known, here)
                if known.size == 1:
                    first[label] = here
        sizes = {label: axis.size for label, axis in first.items()} | dict(given or {})
        return cls(output, tuple(operands), sizes, tuple(shapes))

    @property
    def reduction_labels(self) -> Labels:
        """The labels summed over: those of the operands that the output lacks, in order."""
        seen = dict.fromkeys(label for labels in self.operands for label in labels)
        return tuple(label for label in seen if label not in self.output)

    @property
    def shape(self) -> Shape:
        """The shape of the output."""
        return tuple(self.sizes[label] for label in self.output)

    @property
    def letters(self) -> Mapping[str, str]:
        """A letter for each label, for `torch.einsum`, which has 52."""
        return dict(zip(self.sizes, ascii_letters, strict=False))

    @property
    def terms(self) -> int:
        """The number of terms of one output cell: the product of the reduced labels' sizes."""
        return prod(self.sizes[label] for label in self.reduction_labels)

    def broadcast(self, operand: int) -> tuple[bool, ...]:
        """Return for each axis of an operand whether it is broadcast along its label."""
        pairs = zip(self.operands[operand], self.shapes[operand], strict=True)
        return tuple(size == 1 and self.sizes[label] != 1 for label, size in pairs)

    def __str__(self) -> str:
        inner = ",".join("".join(labels) for labels in self.operands)
        return f"{inner}->{''.join(self.output)}"


@lru_cache(1_000)
def align_right(rank: int, total: int, prefix: str = "a") -> Labels:
    """Return the labels of an operand with `rank` axes among `total`, aligned right for broadcasting."""
    return tuple(f"{prefix}{axis}" for axis in range(total - rank, total))


def pointwise(shapes: Sequence[Shape], rule: str = "") -> Axes:
    """Return the spec of an elementwise operation, whose shapes are broadcast as torch does."""
    return _pointwise(tuple(shapes), rule)


@lru_cache(1_000)
def _pointwise(shapes: tuple[Shape, ...], rule: str) -> Axes:
    total = max((len(shape) for shape in shapes), default=0)
    operands = [align_right(len(shape), total) for shape in shapes]
    return Axes.solve(align_right(total, total), operands, shapes, rule=rule)


def axes_text(axes: Sequence[int]) -> str:
    """Return axes by their numbers: `axis 0`, `axes 0, 1`."""
    return f"{'axis' if len(axes) == 1 else 'axes'} {', '.join(map(str, axes))}"
