"""Explain why a cell is NaN or infinite: in which step it arose, and from which numbers."""

from __future__ import annotations

import math

from llm_linalg.analysis.parts import parts_of
from llm_linalg.base.cells import Index
from llm_linalg.explain.formula import node_cell, walk_of
from llm_linalg.recording.record_node import RecordNode
from llm_linalg.walks.orders import orders_of

MANY = 4096
"""The most cells of an operand that are examined."""


def nan_reason(node: RecordNode, index: Index) -> str:
    """Return why a cell is NaN, or infinite although its operands are finite; empty for any other cell.

    A composite is searched for the first part in which the NaN arises: for a softmax over a fully masked row,
    the difference −inf − (−inf).
    """
    if not _broken(node, index):
        return ""
    word = "NaN" if math.isnan(node.value[index]) else "inf"
    before = _source(node, index)
    if before is not None:
        return f"{word}, since {node_cell(*before)} is"
    born, at = _birth(node, index)
    orders = orders_of(born)
    walk = walk_of(born, "cells" if "cells" in orders else orders[0])
    step = walk[walk.locate(at)].text
    for operand, cells in zip(node.operands, node.reads(index), strict=True):
        if not 1 < len(cells) <= MANY or not operand.value.is_floating_point():
            continue
        number, *others = {float(operand.value[cell]) for cell in cells}
        if not others and math.isinf(number):
            return f"All {len(cells)} cells of {operand.title} that it reads are {number:g}: {step}"
    return f"{word} begins here: {step}"


def _broken(node: RecordNode, index: Index) -> bool:
    """Return whether a cell is NaN, or infinite and computed from finite numbers."""
    if node.value.is_complex() or not node.value.is_floating_point() or not node.operands:
        return False
    value = float(node.value[index])
    if math.isnan(value):
        return True
    if math.isfinite(value) or node.kind in ("mask", "movement"):
        return False
    reads = list(zip(node.operands, node.reads(index), strict=True))
    few = all(len(cells) <= MANY for _, cells in reads)
    return few and all(bool(operand.value[cell].isfinite()) for operand, cells in reads for cell in cells)


def _source(node: RecordNode, index: Index) -> tuple[RecordNode, Index] | None:
    """Return a NaN cell that a cell was computed from; None if there is none."""
    for operand, cells in zip(node.operands, node.reads(index), strict=True):
        if operand.value.is_floating_point() and len(cells) <= MANY:
            for cell in cells:
                if math.isnan(float(operand.value[cell])):
                    return operand.node, cell
    return None


def _birth(node: RecordNode, index: Index) -> tuple[RecordNode, Index]:
    """Return the part and the cell in which a NaN arises; the node itself if it has no parts."""
    parts = parts_of(node)
    if not parts or not math.isnan(parts[-1].value[index]) or parts[-1].shape != node.shape:
        return node, index
    now, at = parts[-1], index
    while (before := _source(now, at)) is not None and before[0] in parts:
        now, at = before
    return _birth(now, at)
