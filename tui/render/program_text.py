"""A program's run as text: its tensors in order, and what it printed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from llm_linalg.base.number_range import summary
from llm_linalg.base.numbers import Formatter
from llm_linalg.base.text import CleanText, clean, clean_lines, elide_title
from tui.render.json_text import tensor_object
from tui.text.json_line import json_line

if TYPE_CHECKING:
    from llm_linalg import Node, Trace

MOST_CELLS = 64  # cells of a tensor that are written out


def program_plain(trace: Trace) -> CleanText:
    """Return every node with its operation, shape and numbers, then the printed text.

    Between two nodes it says which turns of a loop ran and were not recorded.
    """
    gaps = {gap.position: gap for gap in trace.gaps}
    blocks: list[str] = []
    for place, node in enumerate(trace.nodes):
        if place in gaps:
            blocks.append(f"line {gaps[place].line}: {gaps[place].says}")
        blocks.append("\n".join(_node(node)))
    if len(trace.nodes) in gaps:
        blocks.append(f"line {gaps[len(trace.nodes)].line}: {gaps[len(trace.nodes)].says}")
    if trace.printed:
        blocks.append(output_text(trace.printed).rstrip("\n"))
    return clean_lines("\n\n".join(blocks) + "\n" if blocks else "")


def output_text(printed: str) -> CleanText:
    """Return what a program printed, tabs kept, below the line `printed:`; nothing if it printed none."""
    return clean_lines("printed:\n" + printed.rstrip("\n") + "\n" if printed else "")


def _node(node: Node) -> Iterator[str]:
    operands = ", ".join(_name(operand.name, 40) for operand in node.operands)
    where = f"   line {node.line}" if node.line else ""  # an input of a function has none
    where = f"   {clean(Path(node.file).name, 60)}:{node.line}" if node.file else where
    scope = f"   {clean(node.scope, 100)}" if node.scope else ""
    facts = f"{node.dtype} {node.shape}  dropped" if node.dropped else summary(node.value)
    yield f"{_name(node.name, 60)} = {node.op}({operands}){where}{scope}   {facts}"
    value = node.value.detach()
    if node.dropped or not 0 < value.numel() <= MOST_CELLS:
        return
    formatter = Formatter.of(value, 4)
    rows = value.reshape(-1, value.shape[-1]) if value.dim() else value.reshape(1, 1)
    for row in rows.tolist():
        yield "  " + "  ".join(formatter.text(number) for number in row)


def _name(name: str, limit: int) -> str:
    """Return the name of a tensor, of a long one what tells it from others."""
    return elide_title(clean(name), limit)


def program_json(trace: Trace) -> Iterator[CleanText]:
    """Return one object a node, a line each; the last one holds what was printed."""
    for node in trace.nodes:
        yield json_line(
            {
                "format": 1,
                "node": {
                    "name": node.name,
                    "op": node.op,
                    "line": node.line,
                    "shape": list(node.shape),
                    "dtype": node.dtype,
                    "evidence": node.evidence,
                },
                **_place(node),
                "operands": [operand.name for operand in node.operands],
                "output": {"name": node.name, "shape": list(node.shape)}
                if node.dropped
                else tensor_object(node.name, node.value),
            }
        )
    cells = {"cells": [cell.record() for cell in trace.cells]} if trace.cells else {}
    gaps = {"gaps": [gap.record() for gap in trace.gaps]} if trace.gaps else {}
    code = {"format": 1, "seed": trace.seed, "code": trace.source, "printed": trace.printed}
    yield json_line({**code, **cells, **gaps})


def _place(node: Node) -> dict[str, object]:
    """Return the file and module of a node of trusted Python, and whether its values were dropped."""
    return {"file": node.file, "scope": node.scope, "dropped": node.dropped} if node.file else {}
