"""What a result looks like after a step: only the window on the screen is ever computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from llm_linalg.axes import Axes
from llm_linalg.cells import Index
from llm_linalg.ops.contraction import wide

if TYPE_CHECKING:
    from llm_linalg.ops.terms import Number
    from llm_linalg.walk import Walk


def window(walk: Walk, k: int, at: Index, rows: range, columns: range) -> list[list[Number | None]]:
    """Return the cells of a window after step ``k``; see `Walk.values`."""
    node = walk.node
    if not node.value.numel():
        return [[] for _ in rows]
    final = _final(node.value, at, rows, columns)
    partial = _partial(walk, k, at, rows, columns)
    result: list[list[Number | None]] = []
    for r, row in enumerate(rows):
        line: list[Number | None] = []
        for c, column in enumerate(columns):
            index = (*at, row, column)[-len(node.shape) :] if node.shape else ()
            first, last = walk.span(index)
            if k < first:
                line.append(None)
            else:
                line.append(final[r][c] if k >= last else partial[r][c])
        result.append(line)
    return result


def _final(value: Tensor, at: Index, rows: range, columns: range) -> list[list[Number]]:
    matrix = value[at] if at else value
    while matrix.dim() < 2:
        matrix = matrix.unsqueeze(0)
    cells: list[list[Number]] = matrix[rows.start : rows.stop, columns.start : columns.stop].tolist()
    return cells


def _partial(walk: Walk, k: int, at: Index, rows: range, columns: range) -> list[list[Number]]:
    """Return the sums so far of the cells that are begun and not finished."""
    blank: list[list[Number]] = [[0.0] * len(columns) for _ in rows]
    term = walk.loop.term(walk.grid, k) if 0 <= k < len(walk) else None
    if term is None:
        return blank
    if walk.order == "terms":
        cell = walk[k].cell or ()
        row, column = (0, 0, *cell)[-2:]
        if cell[:-2] == at and row in rows and column in columns:
            value = walk[k].value
            blank[row - rows.start][column - columns.start] = 0.0 if value is None else value
        return blank
    axes = walk.node.axes
    return blank if axes is None else _outer(walk, axes, term, at, rows, columns)


def _outer(walk: Walk, axes: Axes, term: int, at: Index, rows: range, columns: range) -> list[list[Number]]:
    """Return the sum of the first outer products, for the window alone."""
    spans = dict(
        zip(axes.output, [*(range(i, i + 1) for i in at), rows, columns][-len(axes.output) :], strict=True)
    )
    labels = axes.letters
    factors, names = [], []
    for operand, value in enumerate(walk.node.operands):
        if operand == walk.node.bias_position:
            continue
        tensor = value.value
        own = zip(axes.operands[operand], axes.shapes[operand], strict=True)
        for axis, (label, size) in enumerate(own):
            span = spans.get(label)
            if span is not None and size > 1:
                tensor = tensor.narrow(axis, span.start, len(span))
        factors.append(wide(tensor))
        names.append("".join(labels[label] for label in axes.operands[operand]))
    reduced = "".join(labels[label] for label in axes.reduced)
    output = "".join(labels[label] for label in axes.output)
    sizes = [axes.sizes[label] for label in axes.reduced]
    taken = (torch.arange(axes.terms).reshape(sizes) <= term).to(factors[0].dtype)
    result = torch.einsum(f"{','.join([*names, reduced])}->{output}", *factors, taken)
    result = result.expand([len(spans[label]) for label in axes.output])
    while result.dim() < 2:
        result = result.unsqueeze(0)
    cells: list[list[Number]] = result.reshape(result.shape[-2:]).tolist()
    return cells
