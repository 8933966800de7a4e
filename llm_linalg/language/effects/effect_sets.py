"""What statements would do to names, as sets of these."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from llm_linalg.language.effects.definition_facts import GOING_BACKWARD
from llm_linalg.language.effects.generator_use import NO_GENERATOR, Generator

_EMPTY: frozenset[str] = frozenset()


class Effects(NamedTuple):
    """What a statement would do to names.

    Attributes:
        binds: Names that it binds.
        rebinds: Those of them that it surely binds, to a value of their own.
        changes: Names whose values it changes in place.
        alters: Names whose values it changes unless they are tensors or arrays.
        holds: Names whose values, or parts of them, get other attributes or items, while no tensor changes.
        fills: Names whose values it changes unless they are tensors.
        steps: Names of iterators from which it takes items, while these don't change.
        grades: Names to whose gradients, and those of what they are made of, it adds.
        touches: Names whose values it hands to calls of which nothing is known.
        reads: Names that it reads, those that the functions read which it calls among them.
        draws: The generators from which it may draw random numbers.
        seeds: The generators that it may seed.
        sources: Names of generators of the program's own, by which it draws instead if they are some.
        settings: The settings of torch's and NumPy's that it may change.
        attributes: The attributes that it asks for, and so do the functions that it may call.
    """

    binds: frozenset[str]
    rebinds: frozenset[str]
    changes: frozenset[str]
    alters: frozenset[str]
    holds: frozenset[str]
    fills: frozenset[str]
    steps: frozenset[str]
    grades: frozenset[str]
    touches: frozenset[str]
    reads: frozenset[str]
    draws: frozenset[Generator]
    seeds: frozenset[Generator]
    sources: frozenset[str]
    settings: frozenset[str]
    attributes: frozenset[str]

    @property
    def goes_backward(self) -> bool:
        """Whether it may go backward, by what it is called."""
        return not GOING_BACKWARD.isdisjoint(self.attributes | self.reads)


NO_EFFECTS = Effects(*(_EMPTY,) * 10, NO_GENERATOR, NO_GENERATOR, _EMPTY, _EMPTY, _EMPTY)
Kind = Literal["changes", "holds", "steps", "grades"]
"""How a value may change: altogether, but for its tensors, in the place of an iterator alone, or in the
gradients of what it is made of."""
KINDS: tuple[Kind, ...] = ("changes", "holds", "steps", "grades")


def join(several: Sequence[Effects]) -> Effects:
    """Return the effects of several statements together."""
    fields: Any = zip(*several, strict=True)
    return Effects(*(frozenset().union(*field) for field in fields))
