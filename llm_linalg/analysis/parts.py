"""Expand a composite operation into the small program that it consists of."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from llm_linalg.analysis.lineage import Lineage
from llm_linalg.analysis.own_programs import NONSENSE, run_over
from llm_linalg.base.axes import Shape
from llm_linalg.base.errors import ProgramError
from llm_linalg.base.untraced import untraced
from llm_linalg.ops.composite import Composite
from llm_linalg.ops.operation import HALF_PRECISION, Call, operand_cells, operand_names
from llm_linalg.ops.reads import OpaqueReads, Reads
from llm_linalg.ops.vjp import has_gradient
from llm_linalg.recording.record_node import N, RecordNode

SMALL = 2**22  # cost up to which a composite's parts are run on the CPU in order to count them


def parts_of(node: N) -> tuple[N, ...]:
    """Return the nodes inside a composite call, in order; () for other operations.

    Also () where the parts can't do what the call does, such as a softmax along an axis without cells, or end
    in another number, such as one that overflowed on the way.
    """
    call = node.call
    if node.part_nodes is None:
        node.part_nodes = ()
        if call is not None and (program := _program(call)):
            known = {name: node.operands[place].node for place, name in operand_names(call).items()}
            with suppress(ProgramError):
                node.part_nodes = run_over(program, known, node_type=type(node)).nodes
            if node.part_nodes and not _agree(node.part_nodes[-1].value, node.value):
                node.part_nodes = ()
        for part in node.part_nodes:
            part.composite = node
    return node.part_nodes


def _agree(last: Tensor, whole: Tensor) -> bool:
    """Return whether parts end in what a call gave, but for rounding."""
    if not has_gradient(whole) or whole.is_meta or last.shape != whole.shape:
        return True
    with untraced():
        finite = whole[whole.isfinite()].abs()
        close = torch.finfo(whole.dtype).eps ** 0.5
        most = close * float(finite.max()) if finite.numel() else 0
        return torch.allclose(last, whole.to(last.dtype), rtol=close, atol=most, equal_nan=True)


@dataclass(frozen=True)
class ComposedReads(Reads):
    """The reads of a composite: the lineage from its last part back to one operand.

    Masks inside count: a token does not read what causal attention hides from it.
    """

    lineage: Lineage[RecordNode]  # the lineage of the parts' trace
    source: RecordNode  # the input that stands for the operand
    last: RecordNode  # the part that returns the result

    @property
    def sizes(self) -> tuple[Shape, Shape]:
        return self.last.shape, self.source.shape

    def back(self, mask: Tensor) -> Tensor:
        cells = self.lineage.masks_back(self.last, mask).get(self.source)
        return torch.zeros(self.source.shape, dtype=torch.bool) if cells is None else cells

    def forward(self, mask: Tensor) -> Tensor:
        cells = self.lineage.masks_forward(self.source, mask).get(self.last)
        return torch.zeros(self.last.shape, dtype=torch.bool) if cells is None else cells


def reads_of(node: RecordNode) -> tuple[Reads, ...]:
    """Return the reads of a node, one entry per operand; those of a composite go through its parts."""
    call = node.call
    if call is None:
        return ()
    program = _program(call) if isinstance(call.operation, Composite) else ""
    if not program:
        return call.operation.operand_reads(call)
    kind, names = type(node), operand_names(call)
    inputs = [
        kind(0, "input", tensor.detach(), name=names[place]) for place, tensor in enumerate(call.tensors)
    ]
    try:
        inner = run_over(program, {own.name: own for own in inputs}, node_type=kind)
    except ProgramError:
        return call.operation.operand_reads(call)
    lineage = Lineage(inner.nodes, is_composite=True)
    used = {own.node for node in inner.nodes for own in node.operands}
    return tuple(
        [
            ComposedReads(lineage, own, inner.nodes[-1])
            if own in used or not _shapes_program(call, own)
            else OpaqueReads(call.shape, own.shape)
            for own in inputs
        ]
    )


def _shapes_program(call: Call, operand: RecordNode) -> bool:
    """Return whether a program may be what it is by the cells of an operand, such as the ends of groups."""
    return call.operation.depends_on_cells and not has_gradient(operand.value)


def _program(call: Call) -> str:
    """Return the program of a call; empty if it has none, or what a trace says of it makes no sense."""
    try:
        program = call.operation.program_for(call)
    except NONSENSE:
        return ""
    return _in_float32(program, call) if program and call.operation.in_float32 else program


def _in_float32(program: str, call: Call) -> str:
    """Return a program that begins with casts of what is of half precision, and rounds its end."""
    names = operand_names(call).items()
    halves = [name for place, name in names if call.tensors[place].dtype in HALF_PRECISION]
    if not halves:
        return program
    last = program.splitlines()[-1].split(" = ")[0]
    casts = [f"{name} = {name}.float()" for name in halves]
    return "\n".join([*casts, program, f"{last} = {last}.to({call.result.dtype})"])


def multiplications_of(node: RecordNode) -> int | None:
    """Return the number of multiplications and divisions of a node, by its axes; None if unknown."""
    call = node.call
    if call is None or call.position:  # an input, or a later output of a call that has several
        return 0
    if call.operation.multiplications_for_call is not None:
        return call.operation.multiplications_for_call(call)
    program = _program(call)
    if not program:
        return call.operation.multiplications(call)
    operands = tuple(
        (name, tuple(call.tensors[place].shape), call.tensors[place].dtype)
        for place, name in operand_names(call).items()
    )
    # The meta device computes nothing, but torch takes most of a second to set it up.
    small = max(*call.operation.price(call, call.shape), operand_cells(call)) <= SMALL
    return _multiplications(program, operands, "cpu" if small else "meta")


@lru_cache(1_000)
def _multiplications(
    program: str, operands: tuple[tuple[str, Shape, torch.dtype], ...], device: str
) -> int | None:
    """Run the program on zeros: only shapes matter."""
    with torch.device(device):
        known = {
            name: RecordNode(0, "input", torch.zeros(shape, dtype=dtype), name=name)
            for name, shape, dtype in operands
        }
        try:
            parts = run_over(program, known, node_type=RecordNode, bounded=device == "cpu").nodes
        except ProgramError:
            return None
        counts = [multiplications_of(node) for node in parts]
    return None if None in counts else sum(count or 0 for count in counts)
