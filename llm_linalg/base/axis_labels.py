"""Names of a tensor's axes, and labels of their positions: `query`, and the tokens along it.

A lesson declares a few; `llm_linalg.analysis.axis_names` derives the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class AxisLabels(NamedTuple):
    """The name of one axis of a tensor, and the labels along it.

    Attributes:
        name: What runs along the axis, such as `query`; empty if unknown.
        labels: A word for each position, empty where there is none; () for no labels at all.
    """

    name: str = ""
    labels: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.name or self.labels)


TensorLabels = tuple[AxisLabels, ...]


class AxisDeclarations(NamedTuple):
    """The axis names and labels that a lesson declares.

    Attributes:
        axes: Pairs of a tensor's name and the names of its axes, in order; an empty name declares nothing.
        labels: Pairs of an axis's name and the words along it, or the name of a list in the program.
    """

    axes: tuple[tuple[str, tuple[str, ...]], ...] = ()
    labels: tuple[tuple[str, tuple[str, ...] | str], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.axes)

    @property
    def needs(self) -> set[str]:
        """The names that the program must define: of tensors, and of lists of words."""
        return {tensor for tensor, _ in self.axes} | {x for _, x in self.labels if isinstance(x, str)}

    def labels_of(self, lists: Mapping[str, Sequence[str]]) -> dict[str, TensorLabels]:
        """Return the axes of each declared tensor; a list that the program lacks gives no labels."""
        words = {
            name: tuple(lists.get(given, ())) if isinstance(given, str) else given
            for name, given in self.labels
        }
        return {
            tensor: tuple(AxisLabels(name, words.get(name, ()) if name else ()) for name in names)
            for tensor, names in self.axes
        }


NO_DECLARATIONS = AxisDeclarations()


def fit_labels(edge: AxisLabels, size: int) -> AxisLabels:
    """Return an axis with its labels cut or padded to `size` positions."""
    given = edge.labels[:size]
    labels = (*given, *[""] * (size - len(given))) if any(given) else ()
    return AxisLabels(edge.name, labels)
