"""What each module and operation of a trace takes and gives: parameters, memory, products, time, extremes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from math import inf, isfinite
from time import perf_counter
from typing import Generic

import torch
from torch import Tensor

from llm_linalg.analysis.parts import multiplications_of
from llm_linalg.analysis.saved_tensors import learned_nodes, saved_tensors
from llm_linalg.base.axes import Shape
from llm_linalg.base.untraced import untraced
from llm_linalg.ops.batch_norms import STATISTICS
from llm_linalg.recording.aliasing import storage_id
from llm_linalg.recording.record import Record
from llm_linalg.recording.record_node import N, RecordNode
from llm_linalg.recording.scopes import Scope

MODULE = "module"
"""In place of an operation: the row of a module, or of a function's call."""
ROUNDS = 3  # plain runs of an operation, of which the fastest counts
_TOGETHER, _SMALL = 256, 64  # nodes that are added up together, and the most cells of each
_SUMMED = frozenset([torch.float64, torch.float32, torch.bfloat16, torch.float16])
_PURPOSE = ("mask", "creation", "movement")
"""Kinds of operations that may make an infinity on purpose, or only carry one on."""


@dataclass(frozen=True, slots=True)
class Extremes:
    """What the cells of some tensors are.

    Attributes:
        cells: How many there are.
        largest: The largest magnitude among the finite ones; None if there is none.
        smallest: The smallest of these.
        nan: How many are NaN.
        inf: How many are infinite.
        zeros: How many are 0.
    """

    cells: int = 0
    largest: float | None = None
    smallest: float | None = None
    nan: int = 0
    inf: int = 0
    zeros: int = 0

    @classmethod
    def of(cls, value: Tensor) -> Extremes:
        """Return what the cells of a tensor are."""
        sizes = value.abs() if value.is_complex() else value.double().abs()
        finite = sizes[sizes.isfinite()]
        low, high = map(float, finite.aminmax()) if finite.numel() else (None, None)
        nan, zeros = int(value.isnan().sum()), int((value == 0).sum())
        return cls(value.numel(), high, low, nan, value.numel() - finite.numel() - nan, zeros)

    def with_those_of(self, other: Extremes) -> Extremes:
        """Return what the cells of both are."""
        high = [own for own in (self.largest, other.largest) if own is not None]
        low = [own for own in (self.smallest, other.smallest) if own is not None]
        return Extremes(
            self.cells + other.cells,
            max(high, default=None),
            min(low, default=None),
            self.nan + other.nan,
            self.inf + other.inf,
            self.zeros + other.zeros,
        )


@dataclass(frozen=True, slots=True)
class SummaryRow(Generic[N]):
    """A module, or an operation.

    Attributes:
        path: Its path from the outermost module.
        op: Its operation; `MODULE` for a module.
        shape: The shape of what it gives: of the last that is read outside, or of its last; of several
            results of one call the first.
        dtype: The dtype of that.
        parameters: The cells of the parameters that are read in it, each counted once.
        bytes: What autograd keeps of it for a backward pass, without parameters, in bytes. A pass goes to
            what requires a gradient; where nothing does, to all parameters.
        products: Its multiplications: the sum of those known; None if of none of its nodes they are.
        seconds: What plain runs of its operations take; None where one could not be run again.
        values: What the cells of all that it computes are, but for statistics that it keeps for later; None
            if they were dropped.
        nodes: Its nodes.
    """

    path: str
    op: str
    shape: Shape
    dtype: str
    parameters: int
    bytes: int
    products: int | None
    seconds: float | None
    values: Extremes | None
    nodes: tuple[N, ...]


@dataclass(frozen=True, slots=True)
class Cost:
    """What one operation takes.

    Attributes:
        bytes: As of a row, and so are `products`, `seconds` and `values`.
        readers: The positions of the operations that read what it gives.
        is_update: Whether it writes what is kept for later: a running statistic, or what came in and
            nothing reads again.
    """

    bytes: int
    products: int | None
    seconds: float | None
    values: Extremes | None
    readers: tuple[int, ...] = ()
    is_update: bool = False


def summary(record: Record[N]) -> list[SummaryRow[N]]:
    """Return a row for each module and operation of a trace, each module before what is in it."""
    costs = costs_of(record.nodes)
    rows: list[SummaryRow[N]] = []
    for scope in record.scopes:
        inside = sorted((node for own in scope for node in own.nodes if node in costs), key=_position)
        if scope.path and inside:
            rows.append(row_of(scope.path, MODULE, inside, costs))
        for node in scope.nodes:
            if node in costs:
                rows.append(row_of(record.path(node), node.op, [node], costs))
    return rows


def costs_of(
    nodes: Sequence[N], halt: Callable[[], bool] | None = None, *, timed: bool = True
) -> dict[N, Cost]:
    """Return what each operation takes and gives.

    Each is run again on the operands that it had, plainly, which takes as long as the program some times
    over.

    Args:
        nodes: The nodes of a trace.
        halt: Asked at each operation whether to stop; those left are as if their values had been dropped.
        timed: Whether to take their time, which is never the same twice.
    """
    made = [node for node in nodes if node.call is not None]
    products = {node: multiplications_of(node) for node in made}
    with untraced():
        learned = learned_nodes(nodes)
        times = _times(made, halt) if timed else {}
        kept = {storage_id(node.value) for node in nodes if node.parameter}  # and so are their views
        outputs: dict[int, list[N]] = {}  # by what went in, the results of one call
        for node in made:
            if node.is_one_of_several:
                outputs.setdefault(id(node.operands), []).append(node)
        costs = {
            node: _cost(node, products[node], learned, kept, halt, times.get(node), outputs) for node in made
        }
    readers = _readers(nodes)
    updates = _updates(nodes, readers)
    return {
        node: replace(cost, readers=tuple(own.index for own in readers[node]), is_update=node in updates)
        for node, cost in costs.items()
    }


def first_not_finite(nodes: Iterable[N]) -> N | None:
    """Return the first node with a NaN, or an infinity, that none of its operands explains; None without.

    An infinity that a mask or a constant puts somewhere on purpose does not count.
    """
    for node in _possibly_not_finite([node for node in nodes if not (node.is_input or node.dropped)]):
        if not _has(node.value, _is_not_finite):
            continue
        is_nan = _has(node.value, torch.isnan)
        if (is_nan or node.kind not in _PURPOSE) and _begins(node, torch.isnan if is_nan else _is_not_finite):
            return node
    return None


def first_broken(nodes: Iterable[N]) -> N | None:
    """Return the first node with a number that is not finite by mistake: made so, or a NaN that came in."""
    known = list(nodes)
    made = first_not_finite(known)
    for node in known if made is None else known[: known.index(made)]:
        if node.is_input and not node.dropped and holds_not_finite(node) and _has(node.value, torch.isnan):
            return node
    return made


def _begins(node: RecordNode, test: Callable[[Tensor], Tensor]) -> bool:
    """Return whether some cells of a node pass a test that the cells that they come from do not pass.

    Where an operand has cells that pass, the node is run again with other numbers in their place: what passes
    whichever these are does not come from them.
    """
    given = [operand.value for operand in node.operands]
    if node.call is None or not any(_has(value, test) for value in given):
        return True
    begun = test(node.value)
    for number in (0.0, 1.0):
        others = [value.masked_fill(test(value), number) if _has(value, test) else value for value in given]
        try:
            with untraced(), torch.no_grad():
                begun = begun & test(node.call.replay(others))
        except (RuntimeError, TypeError, ValueError, IndexError):  # as of what can't be run again
            return False
    return bool(begun.any())


def holds_not_finite(node: RecordNode) -> bool:
    """Return whether a node has a NaN or an infinity, whoever put it there."""
    return not _sums_up(node.value) and _has(node.value, _is_not_finite)


def alike_runs(scopes: Sequence[Scope[N]]) -> Iterator[list[Scope[N]]]:
    """Yield scopes side by side in runs that do the same with tensors of the same shapes."""
    run: list[Scope[N]] = []
    for scope in scopes:
        if run and run[0].likeness != scope.likeness:
            yield run
            run = []
        run.append(scope)
    if run:
        yield run


def _possibly_not_finite(nodes: Sequence[N]) -> Iterator[N]:
    """Yield the nodes of whose cells not all add up to a number; small ones are added up together."""
    for start in range(0, len(nodes), _TOGETHER):
        some = nodes[start : start + _TOGETHER]
        small = [node.value for node in some if node.value.numel() <= _SMALL and node.value.dtype in _SUMMED]
        flat = [value if value.dim() == 1 else value.reshape(-1) for value in small if not value.is_meta]
        if len(flat) < len(some) or not _sums_up(torch.cat(flat)):
            yield from [node for node in some if not _sums_up(node.value)]


def _sums_up(value: Tensor) -> bool:
    """Return whether the sum of all cells is a number, so that each cell is; it takes one pass."""
    return value.dtype in _SUMMED and not value.is_meta and isfinite(value.sum().item())


def _is_not_finite(value: Tensor) -> Tensor:
    return ~value.isfinite()


def _has(value: Tensor, test: Callable[[Tensor], Tensor]) -> bool:
    """Return whether a cell passes a test; whole numbers and tensors without values have none that does."""
    is_asked = not value.is_meta and (value.is_floating_point() or value.is_complex())
    return is_asked and bool(test(value).any())


def _position(node: RecordNode) -> int:
    return node.index


def parameters_of(nodes: Iterable[RecordNode]) -> int:
    """Return how many cells the parameters have that some operations read or write, each counted once."""
    read = {operand.node.parameter for node in nodes for operand in node.operands}
    return sum(parameter.value.numel() for parameter in read if parameter is not None)


def row_of(path: str, op: str, nodes: Sequence[N], costs: Mapping[N, Cost]) -> SummaryRow[N]:
    """Return the row of some operations, in the order in which they ran."""
    own = [costs[node] for node in nodes]
    computed = [node for node in nodes if not costs[node].is_update] or nodes
    result = _result(computed, {node.index for node in nodes}, costs)
    seconds = [cost.seconds for cost in own]
    values = [costs[node].values for node in computed]
    return SummaryRow(
        path,
        op,
        result.shape,
        result.dtype,
        parameters_of(nodes),
        sum(cost.bytes for cost in own),
        known_sum(cost.products for cost in own),
        None if None in seconds else sum(own for own in seconds if own is not None),
        None
        if None in values
        else reduce(Extremes.with_those_of, [own for own in values if own is not None]),
        tuple(nodes),
    )


def _result(computed: Sequence[N], inside: set[int], costs: Mapping[N, Cost]) -> N:
    """Return which of the nodes that a module computes it gives; `inside` has the positions of all of its."""
    returned = [node for node in computed if node.is_returned]
    read = [node for node in computed if not inside.issuperset(costs[node].readers)]
    candidates = returned or read or computed
    last = candidates[-1]
    first = last.index - (last.call.position if last.call is not None else 0)
    return next(node for node in candidates if node.index >= first and node.op == last.op)


def _readers(nodes: Sequence[N]) -> dict[N, list[N]]:
    """Return which nodes read each."""
    readers: dict[N, list[N]] = {node: [] for node in nodes}
    for node in nodes:
        for operand in node.operands:
            readers.setdefault(operand.node, []).append(node)
    return readers


def _updates(nodes: Sequence[N], readers: Mapping[N, Sequence[N]]) -> set[N]:
    """Return the nodes that write what came in and is kept for later, such as how many batches there were."""
    written = {node for node in nodes if node.op == "input"}
    for node in nodes:
        if node.written_place is not None and node.operands[node.written_place].node in written:
            written.add(node)
    updates = set[N]()
    for node in reversed(nodes):
        is_last = node.is_write and node in written and not node.is_returned
        if node.op in STATISTICS or (is_last and updates.issuperset(readers[node])):
            updates.add(node)
    return updates


def known_sum(counts: Iterable[int | None]) -> int | None:
    """Return the sum of the counts that are known; None if none is."""
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _times(nodes: Sequence[N], halt: Callable[[], bool] | None) -> dict[N, float]:
    """Return how long each operation takes: the fastest of some runs.

    These are rounds of the whole program, so that what holds the machine up for a while holds up one of them.
    """
    times: dict[N, float] = {}
    refused: set[N] = set()
    for _ in range(ROUNDS):
        for node in nodes:
            call = node.call
            if call is None or node in refused or not _can_run(node):
                continue
            if halt is not None and halt():
                return {}
            given = [operand.value for operand in node.operands]
            try:
                with torch.no_grad():
                    begun = perf_counter()
                    call.replay_all(given)
                    taken = perf_counter() - begun
            except (RuntimeError, TypeError, ValueError, IndexError, NotImplementedError):
                refused.add(node)
                times.pop(node, None)
                continue
            times[node] = min(times.get(node, inf), taken)
    return times


def _can_run(node: RecordNode) -> bool:
    """Return whether an operation can be run again, and was not by another of its call's results."""
    call = node.call
    return call is not None and not (
        call.position or node.dropped or any(operand.value.is_meta for operand in node.operands)
    )


def _cost(
    node: N,
    products: int | None,
    learned: set[N],
    kept: set[int],
    halt: Callable[[], bool] | None,
    seconds: float | None,
    outputs: Mapping[int, Sequence[N]],
) -> Cost:
    """Return what an operation takes; `kept` are the storages that are counted already."""
    call = node.call
    assert call is not None  # noqa: S101
    stopped = halt is not None and halt()
    if stopped or node.value.is_meta or any(operand.value.is_meta for operand in node.operands):
        return Cost(0, products, None, None)
    values = Extremes.of(node.value)
    if call.position:  # another result of a call that was counted
        return Cost(0, 0, 0.0, values)
    size = _kept_bytes(node, learned, kept, outputs.get(id(node.operands), ()))
    return Cost(size, products, seconds, values)


def _kept_bytes(node: N, learned: set[N], kept: set[int], outputs: Sequence[N]) -> int:
    """Return the bytes that autograd keeps of an operation beside what it keeps already.

    Of what a checkpoint makes again on the way back it keeps what comes in, and nothing else.
    """
    known, own = set[int](), dict[int, int]()  # what only this call makes may come to lie anywhere later
    if node.checkpoint and node in learned:
        given = [operand.node for operand in node.operands if operand.node.checkpoint != node.checkpoint]
        tensors: Sequence[tuple[Tensor, RecordNode | None]] = [(source.value, source) for source in given]
    else:
        tensors = saved_tensors(node, learned, outputs)
    for saved, source in tensors:
        if source is None:
            own[storage_id(saved)] = saved.untyped_storage().nbytes()
        elif source.parameter is None and (place := storage_id(source.value)) not in kept | known:
            known.add(place)
            own[place] = source.value.untyped_storage().nbytes()
    kept |= known
    return sum(own.values())
