"""The attention patterns of a trace, whatever computed them: a softmax, a fused call, or a module of torch.

A pattern is found by what it is: a softmax whose result, with its axis laid last, is multiplied with values
along that axis, or a call of `scaled_dot_product_attention`, which does so inside.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, product
from math import inf, prod
from typing import Generic, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from llm_linalg.analysis.parts import parts_of
from llm_linalg.base.axes import Shape
from llm_linalg.base.cells import Index
from llm_linalg.base.untraced import untraced
from llm_linalg.ops.operation import Call
from llm_linalg.ops.reads import IndexReads
from llm_linalg.ops.rowwise import Rowwise
from llm_linalg.recording.record import Record
from llm_linalg.recording.record_node import N, RecordNode

FUSED = "scaled_dot_product_attention"
_MAKE_WEIGHTS = frozenset([FUSED, "softmax", "exp"])  # one of them is among what computes weights
_CARRIED = ("pointwise", "mask", "movement")
"""Kinds of operations that may stand between a softmax and the product with the values."""
_MOST_STEPS = 8  # operations between scores and softmax
_NUMBER = re.compile(r"[.:]?\d+$")


class Focus(NamedTuple):
    """Where the weights of a head go, on the average of its queries.

    Attributes:
        itself: The share of the key at the query's own place; None for other keys than queries.
        before: The share of the key one place before, of all queries but the first; None likewise.
        first: The share of the first key; None of one query.
        spread: Among how many keys the weights would be shared evenly with the same entropy.
    """

    itself: float | None
    before: float | None
    first: float | None
    spread: float


@dataclass(frozen=True, slots=True)
class Head(Generic[N]):
    """One head: how much of each key's value each query takes.

    Attributes:
        node: The softmax, or the fused call; what lays the axis of a softmax last, or takes the keys out of a
            softmax over more, such as a sink.
        layer: The layer's number, from 0, in the order in which they ran.
        layer_path: The layer's path: of heads that are modules or calls of their own, without their numbers.
        head: Its number in the layer, from 0.
        batch: Which of a batch it is of, from 0.
        index: Its place along the leading axes of the weights of the node.
        shape: The queries, and the keys.
    """

    node: N
    layer: int
    layer_path: str
    head: int
    batch: int
    index: Index
    shape: tuple[int, int]

    @property
    def path(self) -> str:
        """The path of the module or the function call that computed it."""
        return self.node.scope

    @property
    def weights(self) -> Tensor:
        """The weights, one row a query, one column a key.

        Those of a fused call are computed here: softmax(Q Kᵀ/√d + mask), before dropout.

        Raises:
            LookupError: If the values were dropped.
        """
        self.node.require_values()
        call = self.node.call
        with untraced():
            if self.node.op == FUSED and call is not None:
                return _fused_weights(call, self.index)
            return self.node.value[self.index].reshape(self.shape)

    @property
    def focus(self) -> Focus:
        """Where its weights go. Raises LookupError if the values were dropped."""
        with untraced():
            weights = self.weights.double()
            own, before = (weights.diagonal(off) for off in (0, -1))
            square, several = self.shape[0] == self.shape[1], self.shape[0] > 1
            shares = weights / weights.sum(-1, keepdim=True).clamp(min=1e-300)  # a sink may have some, too
            entropy = -torch.special.xlogy(shares, shares).sum(-1)
            return Focus(
                float(own.mean()) if square else None,
                float(before.mean()) if square and several else None,
                float(weights[:, 0].mean()) if several else None,
                float(entropy.exp().mean()),
            )

    def largest(self, size: int) -> list[list[float]]:
        """Return the largest weight of each square block of `size` queries and keys.

        Raises:
            LookupError: If the values were dropped.
        """
        with untraced():
            maxima: list[list[float]] = functional.max_pool2d(
                self.weights.double()[None], size, ceil_mode=True
            )[0].tolist()
        return maxima

    @property
    def weights_node(self) -> N:
        """The node whose value the weights are: of a fused call one of its parts, if it can be opened."""
        parts = parts_of(self.node) if self.node.op == FUSED and not self.node.dropped else ()
        products = [part for part in parts if part.op == "matmul"]
        return products[-1].operands[0].node if products else self.node


def attention_heads(record: Record[N]) -> tuple[Head[N], ...]:
    """Return the heads of all layers, in the order in which they ran, those of a batch one after another.

    What does not depend on each other and is computed side by side is one layer. Where there are no weights
    there is no head.
    """
    patterns = {node: values for node, values in _patterns(record.nodes) if math.prod(_weights_shape(node))}
    if not patterns:
        return ()
    nodes = sorted(patterns, key=lambda node: node.index)
    depths, shapes = _depths(record.nodes, patterns), _read_shapes(record.nodes, patterns)
    heads: list[Head[N]] = []

    def alike(node: N) -> tuple[str, int, Shape]:
        return _NUMBER.sub("", node.scope), depths[node.index], _weights_shape(node)

    for layer, ((stem, _, _), run) in enumerate(groupby(nodes, alike)):
        first, side_by_side = 0, list(run)
        several = len({node.scope for node in side_by_side}) > 1
        path = stem if several else side_by_side[0].scope
        for node in side_by_side:
            *leading, keys = _weights_shape(node)
            queries = leading.pop() if leading else 1
            count = _heads(leading, [*_score_shapes(node), *shapes[node]], patterns[node])
            for number, index in enumerate(product(*map(range, leading))):
                batch, head = divmod(number, count)
                heads.append(Head(node, layer, path, first + head, batch, index, (queries, keys)))
            first += count
    return tuple(heads)


def _patterns(nodes: Sequence[N]) -> Iterator[tuple[N, RecordNode]]:
    """Yield each node that computes weights, with the one that gives the values which they multiply."""
    if {node.op for node in nodes}.isdisjoint(_MAKE_WEIGHTS):  # as in a long loop
        return
    carried: dict[RecordNode, tuple[N, int]] = {}  # weights still, after dropout, casts, masks and views
    for node in nodes:
        if node.op == FUSED and (call := node.call) is not None:
            yield node, node.operands[call.place("value") or 0].node
        axis = _softmax_axis(node)
        if axis is not None:
            carried[node] = node, axis
            continue
        for place, operand in enumerate(node.operands):
            if operand.node not in carried:
                continue
            weights, axis = carried[operand.node]
            values = _values(node, place) if axis == len(operand.node.shape) - 1 else None
            if values is not None:
                yield weights, values
            elif place == 0 and _is_carried(node) and (moved := _moved(node, weights, axis)) is not None:
                carried[node] = moved


def _moved(node: N, weights: N, axis: int) -> tuple[N, int] | None:
    """Return the weights after what carries them, and the axis of the keys; None if they are none any more.

    They are the same as before, unless the keys come to lie along the last axis, or some of what the softmax
    was over, such as a sink, are left out.
    """
    before, last = tuple(node.operands[0].value.shape), len(node.shape) - 1
    if node.kind != "movement":
        return (weights, axis) if node.shape == before else None
    cells, was_last = _row_cells(node, axis), axis == len(before) - 1
    if cells == range(before[axis]):
        return (weights if was_last else node), last
    is_part = was_last and cells is not None and len(cells) in _joined_sizes(weights)
    return (node, last) if is_part else None


def _values(node: RecordNode, place: int) -> RecordNode | None:
    """Return what a product multiplies with an operand, if it sums along that operand's last axis."""
    axes = node.axes if node.kind == "contraction" and len(node.operands) > 1 else None
    if axes is None or place > 1:
        return None
    own, other = axes.operands[place], axes.operands[1 - place]
    return node.operands[1 - place].node if own and own[-1] in other and own[-1] not in axes.output else None


def _softmax_axis(node: RecordNode) -> int | None:
    """Return the axis of a softmax, called or along the last axis written out; None for other nodes."""
    last = len(node.shape) - 1
    if node.op == "softmax":
        call = node.call
        dims = call.operation.dims(call) if call is not None and isinstance(call.operation, Rowwise) else ()
        return dims[0] if len(dims) == 1 else None
    if node.op != "div" or len(node.operands) != 2:
        return None
    sizes, total = (operand.node for operand in node.operands)
    if sizes.op != "exp" or total.op != "sum" or total.operands[0].node is not sizes:
        return None
    return last if total.shape == (*sizes.shape[:-1], 1) else None


def _is_carried(node: RecordNode) -> bool:
    return node.kind in _CARRIED or node.op == "dropout"


def _row_cells(node: RecordNode, axis: int) -> range | None:
    """Return which cells along an axis of what it moves each row has, in order; None if it is not so."""
    before = tuple(node.operands[0].value.shape)
    size, count = before[axis], node.shape[-1] if node.shape else 0
    if not count or prod(before) * count != prod(node.shape) * size or node.dropped:
        return None
    reads = node.operand_reads[0]
    if not isinstance(reads, IndexReads):
        return None
    with untraced():
        step = prod(before[axis + 1 :])
        rows = reads.positions.reshape(-1, count) - 1
        first = rows[:, 0] // step % size
        start = int(first[0])
        is_run = bool((rows.diff() == step).all() and (first == start).all()) and start + count <= size
    return range(start, start + count) if is_run else None


def _joined_sizes(softmax: RecordNode) -> set[int]:
    """Return the sizes along the last axis of what was joined to the scores of a softmax; or none."""
    node = softmax
    for _ in range(_MOST_STEPS):
        if not node.operands:
            break
        node = node.operands[0].node
        if node.op == "cat":
            return {operand.value.shape[-1] for operand in node.operands if operand.value.dim()}
        if not _is_carried(node):
            break
    return set()


def _depths(nodes: Sequence[N], patterns: Mapping[N, RecordNode]) -> list[int]:
    """Return for each node how many patterns one after another it is computed from, its own included."""
    depths: list[int] = []
    for node in nodes:
        before = [depths[operand.node.index] for operand in node.operands]
        depths.append(max(before, default=0) + (node in patterns))
    return depths


def _weights_shape(node: RecordNode) -> Shape:
    """Return the shape of the weights that a node computes."""
    call = node.call
    if node.op != FUSED or call is None:
        return node.shape
    return (*node.shape[:-1], call.tensor("key").shape[-2])


def _score_shapes(node: RecordNode) -> Iterator[Shape]:
    """Yield the shapes that the scores of a softmax had on their way to it."""
    for _ in range(_MOST_STEPS):
        if not node.operands:
            return
        node = node.operands[0].node
        if not _is_carried(node) and node.op != "softmax":
            return
        yield node.shape


def _read_shapes(nodes: Sequence[N], patterns: Mapping[N, RecordNode]) -> dict[N, list[Shape]]:
    """Return the shapes in which the weights of each pattern are seen later."""
    shapes: dict[N, list[Shape]] = {node: [] for node in patterns}
    for node in nodes:
        if node.kind == "movement" and node.operands and node.operands[0].node in shapes:
            shapes[node.operands[0].node].append(node.shape)
    return shapes


def _heads(leading: Sequence[int], shapes: Sequence[Shape], values: RecordNode) -> int:
    """Return how many heads the leading axes of weights have, each of a batch.

    One axis alone is heads of a batch if weights, scores or values are also seen with two in its place.
    Else it is a batch if the values always had it, and heads if they were cut into these.
    """
    if len(leading) != 1:
        return prod(leading[1:])
    for shape in shapes:
        if len(shape) == 4 and shape[0] * shape[1] == leading[0]:
            return shape[1]
    source = values
    while source.kind == "movement" and source.operands:
        source = source.operands[0].node
        batch, *inner = source.shape or (0,)
        if tuple(inner[1:]) == values.shape[1:] and batch * inner[0] == leading[0]:
            return inner[0]
    return 1 if source.shape[:-1] == values.shape[:-1] else leading[0]


def _fused_weights(call: Call, index: Index) -> Tensor:
    """Return softmax(Q Kᵀ/√d + mask) of one head of a fused call; a query that sees no key takes nothing."""
    query, key, mask = call.tensor("query"), call.tensor("key"), call["attn_mask"]
    shared = query.shape[-3] // key.shape[-3] if call["enable_gqa"] else 1
    at = [place // shared if axis == len(index) - 1 else place for axis, place in enumerate(index)]
    own, seen = query[_broadcast(index, query)], key[_broadcast(at, key)]
    scale = max(own.shape[-1], 1) ** -0.5 if call["scale"] is None else call["scale"]
    scores: Tensor = own @ seen.transpose(-2, -1) * scale
    if call["is_causal"]:
        scores = scores.masked_fill(~torch.ones_like(scores, dtype=torch.bool).tril(), -inf)
    if mask is None:
        return scores.softmax(-1)
    hidden = mask.expand(*mask.shape[:-2], *scores.shape)[_broadcast(index, mask)]
    scores = scores.masked_fill(~hidden, -inf) if hidden.dtype == torch.bool else scores + hidden
    unseen = (scores == -inf).all(-1, keepdim=True)
    return scores.softmax(-1).masked_fill(unseen, 0.0)


def _broadcast(index: Sequence[int], tensor: Tensor) -> Index:
    """Return the place along a tensor's leading axes that belongs to one of the result's."""
    own = tensor.shape[:-2]
    return tuple(
        0 if size == 1 else place for place, size in zip(index[len(index) - len(own) :], own, strict=True)
    )
