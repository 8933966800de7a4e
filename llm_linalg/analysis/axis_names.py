"""Carry names and labels of axes through a trace.

A product has the rows of its first operand and the columns of its second; a transpose swaps axes, a sum
drops one, a softmax keeps all. None of this is written down for an operation: it follows from its axes spec
or, for operations that move cells, from the index map. So the scores `Q @ K.T` have queries as rows and
keys as columns because the rows of Q and K have these names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from llm_linalg.analysis.parts import parts_of
from llm_linalg.base.axes import Shape
from llm_linalg.base.axis_labels import AxisLabels, TensorLabels, fit_labels
from llm_linalg.base.cells import strides
from llm_linalg.ops.reads import AxesReads, IndexReads
from llm_linalg.recording.aliasing import storage_id
from llm_linalg.recording.record import derive
from llm_linalg.recording.record_node import RecordNode, operand_nodes

MOST_CELLS = 65_536
"""Larger index maps are not examined, unless they are views; what they give has no axis names."""

_Run = tuple[int, int, Sequence[int]]
"""An axis of a result, that of an operand along which it runs, and for each position along the former that
along the latter; −1 for none."""


class Declared(Protocol):
    """What is known of the axes of tensors from the start."""

    def labels_of(self, lists: Mapping[str, Sequence[str]]) -> dict[str, TensorLabels]:
        """Return the axes of each tensor by its name, given the program's lists of words."""


class AxisNaming:
    """The axis names and labels of nodes, derived on request."""

    def __init__(self, declared: Declared, lists: Mapping[str, Sequence[str]]) -> None:
        self._declared = declared.labels_of(lists)
        self._found: dict[RecordNode, TensorLabels] = {}

    def of(self, node: RecordNode) -> TensorLabels:
        """Return the names and labels of a node's axes, in order; () if none is known."""
        return derive(self._found, node, _sources, self._edges) if self._declared else ()

    def _edges(self, node: RecordNode) -> TensorLabels:
        rank = len(node.shape)
        own = self._declared.get(node.bound_name or "", ())
        named = own if len(own) == rank else (AxisLabels(),) * rank
        derived = self._derive(node) or (AxisLabels(),) * rank
        edges = tuple(
            fit_labels(AxisLabels(by_name.name or inferred.name, by_name.labels or inferred.labels), size)
            for by_name, inferred, size in zip(named, derived, node.shape, strict=True)
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
        runs = [
            (axis, edges[own], places)
            for place, edges in enumerate(operands)
            for axis, own, places in (_runs(node, place) if edges else ())
        ]
        return tuple(
            _agree(size, [(edge, places) for along, edge, places in runs if along == axis])
            for axis, size in enumerate(node.shape)
        )


def _sources(node: RecordNode) -> list[RecordNode]:
    """Return the nodes from whose axes a node's own are derived."""
    last = parts_of(node)[-1:] if node.kind == "composite" else ()
    return [*operand_nodes(node), *last]


def _runs(node: RecordNode, place: int) -> Iterator[_Run]:
    """Yield which axes of a node run along which of an operand."""
    axes = node.call.operation.label_axes(node.call) if node.call else None
    if axes is None or place >= len(axes.operands):
        view = _View.of_memory(node, node.operands[place].value)
        if view is not None:
            yield from _without_rivals(view.runs(tuple(node.operands[place].value.shape)))
            return
        relation = node.operand_reads[place]
        if isinstance(relation, IndexReads):
            yield from _without_rivals(_runs_by_index(relation))
        if not isinstance(relation, AxesReads):
            return
        axes = relation.axes
    for axis, label in enumerate(axes.output):
        for own, other in enumerate(axes.operands[place]):
            if other == label and axes.shapes[place][own] == node.shape[axis]:
                yield axis, own, range(node.shape[axis])


def _runs_by_index(relation: IndexReads) -> Iterator[_Run]:
    """Yield the axes of a result whose position alone determines the position along an operand's axis."""
    flat = relation.positions - 1
    view = _View.of(flat) if flat.numel() else None
    if view is not None:
        yield from view.runs(relation.shape)
    elif flat.numel() <= MOST_CELLS:
        inside = flat >= 0
        for own, (size, stride) in enumerate(zip(relation.shape, strides(relation.shape), strict=True)):
            there = flat.div(max(stride, 1), rounding_mode="floor") % max(size, 1)
            for axis in range(flat.dim()):
                places = _function(there, inside, axis)
                if places is not None:
                    yield axis, own, places


class _View(NamedTuple):
    """An index map that is a sum: where it starts, and how far each axis goes with a step."""

    start: int
    steps: tuple[int, ...]
    shape: tuple[int, ...]

    @classmethod
    def of(cls, flat: Tensor) -> _View | None:
        """Return an index map with cells as a sum of steps ahead; None if it is none."""
        total = flat[(0,) * flat.dim()]
        start, steps = int(total), []
        for axis, size in enumerate(flat.shape):
            line = flat[tuple(slice(None) if axis == other else 0 for other in range(flat.dim()))]
            steps.append(int(line[-1] - start) // max(size - 1, 1))
            if start < 0 or steps[-1] < 0:
                return None
            total = total.unsqueeze(-1) + steps[-1] * torch.arange(size)
        return cls(start, tuple(steps), tuple(flat.shape)) if torch.equal(total, flat) else None

    @classmethod
    def of_memory(cls, node: RecordNode, source: Tensor) -> _View | None:
        """Return how a node's memory lies in an operand's; None if it is not the operand's own, in order."""
        value = node.value
        if node.kind != "movement" or node.is_write or node.dropped or not value.numel():
            return None
        if not source.is_contiguous() or storage_id(value) != storage_id(source):
            return None
        start = int(value.storage_offset()) - int(source.storage_offset())
        return cls(start, tuple(value.stride()), tuple(value.shape))

    def runs(self, shape: Shape) -> Iterator[_Run]:
        """Yield its axes that run along an axis of the operand, whose shape is given."""
        for own, (size, stride) in enumerate(zip(shape, strides(shape), strict=True)):
            for axis in range(len(self.shape)):
                places = self.places(axis, max(size, 1), max(stride, 1))
                if places is not None:
                    yield axis, own, places

    def places(self, axis: int, size: int, stride: int) -> list[int] | None:
        """Return the position along an operand's axis for each along one of the result's.

        It is that axis alone if the others go whole rounds of the operand's, or stay within one step of it.
        None if others may matter, or this one does not.
        """
        line = [self.start + self.steps[axis] * place for place in range(self.shape[axis])]
        within = max(at % stride for at in line)
        for other, (step, count) in enumerate(zip(self.steps, self.shape, strict=True)):
            if other == axis or step % (stride * size) == 0:
                continue
            within += step * (count - 1)
        places = [at // stride % size for at in line]
        same = len(places) > 1 and len(set(places)) == 1
        return None if within >= stride or same else places


def _without_rivals(runs: Iterable[_Run]) -> Iterator[_Run]:
    """Yield what runs along what; an axis of size 1 determines nothing, so only if it has no rival."""
    known = list(runs)
    for axis, own, places in known:
        rivals = sum(axis == other or own == another for other, another, _ in known) - 1
        if len(places) > 1 or not rivals:
            yield axis, own, places


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
