"""Carry names and labels of axes through a trace.

A product has the rows of its first operand and the columns of its second; a transpose swaps axes, a sum
drops one, a softmax keeps all. None of this is written down for an operation: it follows from its axes spec
or, for operations that move cells, from the index map. So the scores `Q @ K.T` have queries as rows and
keys as columns because the rows of Q and K have these names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from torch import Tensor

from llm_linalg.analysis.parts import parts_of
from llm_linalg.base.axis_labels import AxisDeclarations, AxisLabels, TensorLabels, fit_labels
from llm_linalg.base.cells import strides
from llm_linalg.ops.reads import AxesReads, IndexReads
from llm_linalg.recording.record import derive
from llm_linalg.recording.record_node import RecordNode, operand_nodes

if TYPE_CHECKING:
    from llm_linalg.base.axes import Axes, Shape

MOST_CELLS = 65_536
"""Larger index maps are not examined; their results have no axis names."""


@dataclass(frozen=True, slots=True)
class _Link:
    """An axis of a result that runs along an axis of an operand.

    Attributes:
        axis: The axis of the result.
        operand: The operand's position.
        own: The axis of the operand.
        places: For each position along the result's axis, that along the operand's; −1 for none.
    """

    axis: int
    operand: int
    own: int
    places: Sequence[int]


class AxisNaming:
    """The axis names and labels of nodes, derived on request.

    Args:
        declared: The axes of some tensors.
        lists: The program's own lists of words, by name.
    """

    def __init__(self, declared: AxisDeclarations, lists: Mapping[str, Sequence[str]]) -> None:
        self._declared = declared.labels_of(lists)
        self._found: dict[RecordNode, TensorLabels] = {}

    def of(self, node: RecordNode) -> TensorLabels:
        """Return the names and labels of a node's axes, in order; () if none is known."""
        return derive(self._found, node, _sources, self._edges) if self._declared else ()

    def _edges(self, node: RecordNode) -> TensorLabels:
        rank = len(node.shape)
        own = self._declared.get(node.bound_name or "", ())
        said = own if len(own) == rank else (AxisLabels(),) * rank
        derived = self._derive(node) or (AxisLabels(),) * rank
        edges = tuple(
            fit_labels(AxisLabels(by_name.name or found.name, by_name.labels or found.labels), size)
            for by_name, found, size in zip(said, derived, node.shape, strict=True)
        )
        return edges if any(edges) else ()

    def _derive(self, node: RecordNode) -> TensorLabels:
        """Return the axes that follow from the operands'; () if nothing follows."""
        operands = [self._found[item.node] for item in node.operands]
        if not any(operands):
            return ()
        if node.kind == "composite":
            parts = parts_of(node)
            return self._found[parts[-1]] if parts else ()
        links = list(_links(node, operands))
        return tuple(
            _agree(size, [(operands[x.operand][x.own], x.places) for x in links if x.axis == axis])
            for axis, size in enumerate(node.shape)
        )


def _sources(node: RecordNode) -> list[RecordNode]:
    """Return the nodes from whose axes a node's own are derived."""
    last = parts_of(node)[-1:] if node.kind == "composite" else ()
    return [*operand_nodes(node), *last]


def _links(node: RecordNode, operands: Sequence[TensorLabels]) -> Iterator[_Link]:
    """Yield which axis runs along which, for the operands with known axes."""
    axes = node.call.operation.label_axes(node.call) if node.call else None
    for place, edges in enumerate(operands):
        if not edges:
            continue
        if axes is not None and place < len(axes.operands):
            yield from _by_axes(axes, place, node.shape)
            continue
        relation = node.operand_reads[place]
        if isinstance(relation, AxesReads):
            yield from _by_axes(relation.axes, place, node.shape)
        elif isinstance(relation, IndexReads) and relation.source.numel() <= MOST_CELLS:
            yield from _by_index(relation, place)


def _by_axes(axes: Axes, place: int, shape: Shape) -> Iterator[_Link]:
    for axis, label in enumerate(axes.output):
        for own, other in enumerate(axes.operands[place]):
            if other == label and axes.shapes[place][own] == shape[axis]:
                yield _Link(axis, place, own, range(shape[axis]))


def _by_index(relation: IndexReads, place: int) -> Iterator[_Link]:
    """Yield the axes of a result whose position alone determines the position along an operand's axis.

    An axis of size 1 determines nothing, so it is linked only if it has no rival.
    """
    flat = relation.source.long() - relation.first - 1
    inside = (flat >= 0) & (flat < prod(relation.shape))
    found = []
    for own, (size, stride) in enumerate(zip(relation.shape, strides(relation.shape), strict=True)):
        there = flat.div(max(stride, 1), rounding_mode="floor") % max(size, 1)
        for axis in range(flat.dim()):
            places = _function(there, inside, axis)
            if places is not None:
                found.append(_Link(axis, place, own, places))
    for link in found:
        rivals = sum(link.axis == other.axis or link.own == other.own for other in found) - 1
        if len(link.places) > 1 or not rivals:
            yield link


def _function(there: Tensor, inside: Tensor, axis: int) -> list[int] | None:
    """Return the position along an operand's axis for each along a result's; None if other axes matter.

    Args:
        there: For each cell of the result, the position along the operand's axis that it came from.
        inside: A mask (bool) of the cells that came from the operand at all.
        axis: The result's axis.
    """
    if not there.numel():
        return None
    rows, known = (x.movedim(axis, 0).reshape(x.shape[axis], -1) for x in (there, inside))
    most = rows.masked_fill(~known, -1).amax(1)
    least = rows.masked_fill(~known, 2**62).amin(1)
    seen = known.any(1)
    if bool((most != least)[seen].any()):
        return None
    places: list[int] = most.tolist()
    real = [i for i in places if i >= 0]
    same = len(real) > 1 and len(set(real)) == 1  # a constant position does not run along the axis
    return None if same or not real else places


def _agree(size: int, sources: Sequence[tuple[AxisLabels, Sequence[int]]]) -> AxisLabels:
    """Return the name and the labels on which all sources agree."""
    names = {edge.name for edge, _ in sources if edge.name}
    labels = []
    for i in range(size) if any(edge.labels for edge, _ in sources) else ():
        words = {edge.labels[at[i]] for edge, at in sources if edge.labels and at[i] >= 0} - {""}
        labels.append(words.pop() if len(words) == 1 else "")
    return AxisLabels(names.pop() if len(names) == 1 else "", tuple(labels) if any(labels) else ())
