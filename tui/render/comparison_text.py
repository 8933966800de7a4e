"""What differs between two traces, as text: the first node, and a table by module; or an object a row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from rich.cells import cell_len

from llm_linalg.base.numbers import significant
from llm_linalg.base.text import CleanText, clean, clean_lines, elide_middle
from tui.model.change_table import change_facts
from tui.model.map_table import HEADS, TABLES, change_text
from tui.render.summary_text import where_made
from tui.text.json_line import json_line

if TYPE_CHECKING:
    from llm_linalg import Trace
    from llm_linalg.analysis.comparison import Change, Comparison
    from llm_linalg.api.node import Node

_HEADS = ("", *(HEADS[column] for column in TABLES["changes"]))
_NAME = 34  # columns of a module's name
_NAMED = 8  # nodes that are named one by one


def comparison_json(first: Trace, comparison: Comparison[Node]) -> Iterator[CleanText]:
    """Return the first node that differs, and what only one of the traces has; then an object a row."""
    change = comparison.first
    yield json_line(
        {
            "format": 1,
            "first": None if change is None else _place(change),
            "only_first": [_path(node) for node in comparison.only_first],
            "only_other": [_path(node) for node in comparison.only_other],
            "unknown": len(comparison.unknown),
        }
    )
    for scope in first.scopes:
        inside = [node for own in scope for node in own.nodes]
        if scope.path and inside:
            yield json_line({"format": 1, "path": scope.path, "op": "module", **_facts(comparison, inside)})
        for node in scope.nodes:
            if node in comparison.changes:
                facts = _facts(comparison, [node]) | {"kind": comparison.changes[node].kind}
                yield json_line({"format": 1, "path": _path(node), "op": node.op, **facts})


def _facts(comparison: Comparison[Node], nodes: Sequence[Node]) -> dict[str, object]:
    facts = change_facts(comparison, nodes)
    return {name: significant(value) if isinstance(value, float) else value for name, value in facts.items()}


def comparison_plain(first: Trace, comparison: Comparison[Node], names: Sequence[str]) -> CleanText:
    """Return what differs first, where differences begin, and a table of the modules that differ."""
    lines = list(_told(comparison, names))
    rows = [list(_HEADS)]
    same = 0
    for scope in first.scopes:
        inside = [node for own in scope for node in own.nodes]
        if not scope.path or not inside:
            continue
        facts = change_facts(comparison, inside)
        if not facts["changed"]:
            same += 1
            continue
        depth = scope.path.count(".")
        name = "  " * min(depth, 8) + elide_middle(clean(scope.name), _NAME - 2 * min(depth, 8))
        rows.append([name, *(change_text(facts, column) for column in TABLES["changes"])])
    if len(rows) > 1:
        widths = [max(cell_len(row[k]) for row in rows) for k in range(len(_HEADS))]
        for head, *rest in rows:
            cells = (text.rjust(width) for text, width in zip(rest, widths[1:], strict=True))
            lines.append("  ".join([head + " " * (widths[0] - cell_len(head)), *cells]).rstrip())
    if same:
        lines.append(f"{same} module{'s are' if same > 1 else ' is'} the same")
    return clean_lines("\n".join(lines) + "\n")


def _told(comparison: Comparison[Node], names: Sequence[str]) -> Iterator[str]:
    change = comparison.first
    if change is None:
        yield "no number differs" if not comparison.unknown else "no number that is in both differs"
    else:
        yield clean(f"the first that differs: {named_change(change)}", 300)
    begins = [own.node for own in comparison.changes.values() if own.begins and own is not change]
    if begins:
        yield clean(f"differences also begin at {_listed(begins)}", 600)
    for nodes, name in ((comparison.only_first, names[0]), (comparison.only_other, names[1])):
        if nodes:
            yield clean(f"only in {Path(name).name}: {_listed(nodes)}", 600)
    if comparison.unknown:
        yield f"the values of {len(comparison.unknown)} nodes were dropped, so of these nothing is known"


def named_change(change: Change[Node]) -> str:
    """Return a change in words: the node, where it is, and by how much it differs."""
    node, twin = change.node, change.twin
    inside = f" in {node.scope}" if node.scope and not node.title.startswith(f"{node.scope}.") else ""
    op = "" if node.op in ("input", "parameter", node.title) else f" ({node.op})"
    return f"{node.title}{op}{inside}{where_made(node)}: {_how(change, twin)}"


def _how(change: Change[Node], twin: Node) -> str:
    node = change.node
    if change.kind == "shape":
        return f"{node.shape} here, {twin.shape} there"
    other = {"dtype": f"{twin.dtype} there, ", "operation": f"{twin.op} there, "}.get(change.kind, "")
    most = node.value.numel()
    share = f", {change.relative:.2g} × its largest" if isfinite(change.relative or 0.0) else ""
    largest = f"{change.largest:.3g}".replace("nan", "NaN")
    return f"{other}{change.cells:,} of {most:,} cells, by up to {largest}{share}"


def _listed(nodes: Sequence[Node]) -> str:
    more = len(nodes) - _NAMED
    return ", ".join(map(_path, nodes[:_NAMED])) + (f" and {more:,} more" if more > 0 else "")


def _path(node: Node) -> str:
    return (
        f"{node.scope}.{node.name}"
        if node.scope and not node.name.startswith(f"{node.scope}.")
        else node.name
    )


def _place(change: Change[Node]) -> dict[str, object]:
    node = change.node
    return {
        "node": node.name, "path": node.scope, "op": node.op, "file": node.file, "line": node.line,
        "kind": change.kind, "cells": change.cells, "of": node.value.numel(),
        "change": None if change.largest is None else significant(change.largest),
        "relative": None if change.relative is None else significant(change.relative),
    }  # fmt: skip
