"""What each module and operation of a trace takes and gives, as text: a table, or an object a row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.cells import cell_len

from llm_linalg.base.text import CleanText, clean, clean_lines, elide_middle
from tui.model.map_table import count_text, facts_of, sort_key, time_text
from tui.text.json_line import json_line

if TYPE_CHECKING:
    from llm_linalg import Node, Trace
    from llm_linalg.analysis.summary import Extremes, SummaryRow
    from llm_linalg.recording.scopes import Scope

_HEADS = ("", "shape", "param", "kept B", "product", "time", "max |x|", "min |x|", "zero")
OVERFLOWS = {"float16": 65_520.0, "bfloat16": 3.3961775e38}
"""The least magnitude that rounds to infinity, halfway beyond the largest number of a dtype."""
_WIDE = ("float32", "float64")
_NAME = 30  # columns of a row's name


def summary_json(trace: Trace, by: str | None = None, gradients: Trace | None = None) -> Iterator[CleanText]:
    """Return where the first number is not finite, then an object a module and operation, sorted by a column.

    With the gradients also where the first of them is not.
    """
    from llm_linalg.analysis.summary import summary

    gradient = {} if gradients is None else {"first_nonfinite_gradient": _first_place(gradients)}
    yield json_line({"format": 1, "first_nonfinite": _first_place(trace), **gradient})
    rows = [(row, facts_of(row)) for row in summary(trace)]
    for row, facts in rows if by is None else sorted(rows, key=lambda own: sort_key(own[1], by)):
        yield json_line({"format": 1, "path": row.path, "op": row.op, **facts, "shape": list(row.shape)})


def _first_place(trace: Trace) -> dict[str, object] | None:
    """Return where the first number that is not finite was made; None without."""
    from llm_linalg.analysis.summary import first_broken

    node = first_broken(trace.nodes)
    if node is None:
        return None
    made = node.forward_node or node
    path = trace.labels[node] if node.is_input else trace.path(node)  # a parameter's label names its module
    return {"node": trace.labels[node], "path": path, "file": made.file, "line": made.line}


def summary_plain(trace: Trace, by: str | None = None) -> CleanText:
    """Return a table: by module, those that are alike as one row; or its operations, sorted by a column."""
    from llm_linalg.analysis.summary import MODULE, Extremes, summary

    rows = summary(trace)
    values = {row.nodes[0]: row.values for row in rows if len(row.nodes) == 1}
    values |= {node: Extremes.of(node.value) for node in trace.nodes if node.is_input and not node.dropped}
    in_order = [(node, values[node]) for node in trace.nodes if node in values]
    lines = [_first(trace), *_overflows(trace, in_order, "number")]
    if by is None:
        body = list(_lines(trace.scopes, {row.path: row for row in rows if row.op == MODULE}, rows))
    else:
        of = [row for row in rows if row.op != MODULE]
        of.sort(key=lambda row: sort_key(facts_of(row), by))
        body = [_cells(f"{row.path} {row.op}", row) for row in of]
    table = [list(_HEADS), *body]
    widths = [max(cell_len(row[k]) for row in table) for k in range(len(_HEADS))]
    for row in table:
        first = row[0] + " " * (widths[0] - cell_len(row[0]))
        lines.append(
            "  ".join([first, *[text.rjust(own) for text, own in zip(row[1:], widths[1:], strict=True)]])
        )
    some = [row.values for row in rows if row.values is not None]
    counted = "; NaN and inf: how many cells are" if any(own.nan or own.inf for own in some) else ""
    if any(row.products is None for row in rows):
        counted = f"; product ?: no rule counts them, and sums leave them out{counted}"
    lines.append(
        f"kept B: for a backward pass, without parameters; time: of plain runs beside the trace{counted}"
    )
    return clean_lines("\n".join(line.rstrip() for line in lines) + "\n")


def alarming_gradients(gradients: Trace) -> Iterator[str]:
    """Yield a line on the first of a program's gradients that is not finite, or too large for a dtype."""
    from llm_linalg.analysis.summary import Extremes, first_not_finite

    first = first_not_finite(gradients.nodes)
    if first is not None:
        yield clean(f"the first gradient that is not finite: {_named(gradients, first)}", 300)
    own = [node for node in gradients.nodes if (node.bound_name or "").startswith("d")]
    yield from _overflows(gradients, [(node, Extremes.of(node.value)) for node in own], "gradient")


def _first(trace: Trace) -> str:
    """Return where the first number is not finite; of those that a mask puts there, or that come in, that."""
    from llm_linalg.analysis.summary import first_broken, holds_not_finite

    node = first_broken(trace.nodes)
    if node is not None and not node.is_input:
        return clean(f"the first number that is not finite: {_named(trace, node)}", 300)
    given = node or next(filter(holds_not_finite, trace.nodes), None)
    if given is None:
        return "all numbers are finite"
    if given.is_input:
        return clean(f"what comes in is not finite: {given.title}", 300)
    return clean(f"all numbers are finite, but for those meant not to be: first {_named(trace, given)}", 300)


def _overflows(trace: Trace, values: Iterable[tuple[Node, Extremes | None]], what: str) -> Iterator[str]:
    """Yield for each smaller dtype the first of some nodes with a number that would be infinite in it."""
    wide = [(node, own.largest or 0.0) for node, own in values if own and node.dtype in _WIDE]
    for dtype, least in OVERFLOWS.items():
        first = next(((node, size) for node, size in wide if size >= least), None)
        if first is not None:
            place = _named(trace, first[0])
            yield clean(f"the first {what} too large for {dtype}: {first[1]:.3g} in {place}", 300)


def _named(trace: Trace, node: Node) -> str:
    made = node.forward_node or node
    name = trace.path(node) if node.bound_name else node.title
    inside = f" in {node.scope}" if node.scope and not node.bound_name else ""
    through = "" if made is node else f" back through {made.title}"
    return f"{name} ({made.op}){through}{inside}{where_made(made)}{_turn(trace, node)}"


def _turn(trace: Trace, node: Node) -> str:
    """Return which turn of a loop made a node, to follow other words; empty outside of loops."""

    def place(own: Node) -> tuple[object, ...]:
        return own.span, own.file, own.scope, own.op, own.call and own.call.position

    turns = [own for own in trace.nodes if place(own) == place(node)]
    return f", turn {turns.index(node) + 1}" if node.span and len(turns) > 1 else ""


def where_made(node: Node) -> str:
    """Return the line that made a node, to follow other words; empty where no line did."""
    if node.file:
        return f", {Path(node.file).name}:{node.line}"
    return f", line {node.line}" if node.line else ""


def _lines(
    scope: Scope[Node], modules: dict[str, SummaryRow[Node]], rows: Sequence[SummaryRow[Node]]
) -> Iterator[list[str]]:
    operations = {row.nodes[0]: row for row in rows if len(row.nodes) == 1}
    yield from _inside([scope], modules, operations, 0)


def _inside(
    alike: Sequence[Scope[Node]],
    modules: dict[str, SummaryRow[Node]],
    operations: dict[Node, SummaryRow[Node]],
    depth: int,
) -> Iterator[list[str]]:
    """Yield the rows inside scopes that are alike, in the order in which they ran."""
    from llm_linalg.analysis.summary import alike_runs

    groups: list[tuple[int, list[list[str]]]] = []
    for nodes in zip(*[scope.nodes for scope in alike], strict=True):
        if nodes[0] in operations:
            text = (
                f"{nodes[0].bound_name or nodes[0].op} {nodes[0].op if nodes[0].bound_name else ''}".strip()
            )
            groups.append(
                (nodes[0].index, [_cells(_indented(text, depth), *[operations[own] for own in nodes])])
            )
    position = 0
    children = [list(scope.children.values()) for scope in alike]
    for run in alike_runs(children[0]):
        span = slice(position, position + len(run))
        position += len(run)
        together = [child for own in children for child in own[span]]
        first = together[0].first
        if first is None or together[0].path not in modules:
            continue
        name = run[0].name if len(run) == 1 else f"{run[0].name}…{run[-1].name} ×{len(run)}"
        own_row = _cells(_indented(name, depth), *[modules[child.path] for child in together])
        groups.append((first.index, [own_row, *_inside(together, modules, operations, depth + 1)]))
    for _, lines in sorted(groups, key=lambda own: own[0]):
        yield from lines


def _indented(name: str, depth: int) -> str:
    return "  " * depth + elide_middle(clean(name), _NAME - 2 * min(depth, 8))


def _cells(name: str, *rows: SummaryRow[Node]) -> list[str]:
    """Return the texts of a row for one or several that are alike, which count together."""
    from functools import reduce

    from llm_linalg.analysis.summary import Extremes, known_sum, parameters_of

    values = [row.values for row in rows]
    extremes = (
        None if None in values else reduce(Extremes.with_those_of, [own for own in values if own is not None])
    )
    seconds = [row.seconds for row in rows]
    products = known_sum(row.products for row in rows)
    shape = "×".join(map(str, rows[0].shape)) or "number"
    return [
        elide_middle(name, _NAME),
        shape,
        count_text(parameters_of(node for row in rows for node in row.nodes)),
        count_text(sum(row.bytes for row in rows)),
        "?" if products is None else count_text(products),
        "?" if None in seconds else time_text(sum(own for own in seconds if own is not None)),
        *_extremes(extremes),
    ]


def _extremes(extremes: Extremes | None) -> list[str]:
    if extremes is None:
        return ["?", "?", "?"]
    broken = " ".join(
        f"{count_text(own)} {word}" for own, word in ((extremes.nan, "NaN"), (extremes.inf, "inf")) if own
    )
    high, low = (("" if own is None else f"{own:.3g}") for own in (extremes.largest, extremes.smallest))
    zeros = extremes.zeros / max(extremes.cells, 1)
    return [broken or high, low, f"{zeros:.0%}" if zeros else ""]
