"""What the axes of a tensor are called, and what stands at their places: ``query``, and the tokens.

A lesson declares a few; the others are derived by `llm_linalg.analysis.axis_names`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class AxisLabels(NamedTuple):
    """One axis of a tensor.

    Attributes:
        name: What runs along it, such as ``query``; empty if nobody said.
        labels: A word for each of its places, empty where there is none; () for none at all.
    """

    name: str = ""
    labels: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.name or self.labels)


TensorLabels = tuple[AxisLabels, ...]


class AxisDeclarations(NamedTuple):
    """What is said of some tensors' axes beforehand.

    Attributes:
        axes: For a tensor's name the names of its axes, in order; an empty one says nothing.
        labels: For an axis's name the words at its places, or the name of a list in the program.
    """

    axes: tuple[tuple[str, tuple[str, ...]], ...] = ()
    labels: tuple[tuple[str, tuple[str, ...] | str], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.axes)

    @property
    def required_names(self) -> set[str]:
        """The names that the program has to have: of the tensors, and of lists of words."""
        return {tensor for tensor, _ in self.axes} | {x for _, x in self.labels if isinstance(x, str)}

    def labels_of(self, lists: Mapping[str, Sequence[str]]) -> dict[str, TensorLabels]:
        """Return the edges of each tensor declared; a list that the program lacks labels nothing.

        Args:
            lists: The program's own lists of words, by name.
        """
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
    """Return an edge with as many labels as its axis has places."""
    given = edge.labels[:size]
    labels = (*given, *[""] * (size - len(given))) if any(given) else ()
    return AxisLabels(edge.name, labels)
