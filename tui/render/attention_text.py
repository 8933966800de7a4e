"""The attention heads of a trace as text: a table of where their weights go, or an object a head."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.cells import cell_len

from llm_linalg.base.numbers import significant
from llm_linalg.base.text import CleanText, clean, clean_lines, elide_title
from tui.text.json_line import json_line

if TYPE_CHECKING:
    from llm_linalg import Trace
    from llm_linalg.analysis.attention import Head
    from llm_linalg.api.node import Node

LARGEST = 4096  # weights of a head that are written
_HEADS = ("", "head", "batch", "queries", "keys", "own place", "before", "first", "spread")
_PATH = 40  # columns of a path
_LEGEND = (
    "own place, before, first: the share of the key at the query's place, of the one before, of the first\n"
    "spread: among how many keys weights as uneven as these would be shared evenly"
)


def attention_json(trace: Trace) -> Iterator[CleanText]:
    """Return an object for each head, with its weights if they are few."""
    for head in trace.heads:
        queries, keys = head.shape
        record: dict[str, object] = {
            "format": 1, "path": head.path, "layer": head.layer, "head": head.head, "batch": head.batch,
            "queries": queries, "keys": keys,
        }  # fmt: skip
        if not head.node.dropped:
            focus = zip(("own_place", "before", "first", "spread"), head.focus, strict=True)
            record |= {name: None if own is None else significant(own) for name, own in focus}
            if queries * keys <= LARGEST:
                record["weights"] = [list(map(significant, row)) for row in head.weights.tolist()]
        yield json_line(record)


def attention_plain(trace: Trace) -> CleanText:
    """Return a table of the heads."""
    if not trace.heads:
        return clean_lines("no attention: no softmax along the last axis is multiplied with values\n")
    table = [list(_HEADS), *map(_cells, trace.heads)]
    if all(not head.batch for head in trace.heads):
        table = [row[:2] + row[3:] for row in table]
    widths = [max(cell_len(row[k]) for row in table) for k in range(len(table[0]))]
    lines = [
        "  ".join([first + " " * (widths[0] - cell_len(first)), *map(str.rjust, rest, widths[1:])])
        for first, *rest in table
    ]
    return clean_lines("\n".join(line.rstrip() for line in (*lines, _LEGEND)) + "\n")


def _cells(head: Head[Node]) -> list[str]:
    facts = ["?"] * 4
    if not head.node.dropped:
        *shares, spread = head.focus
        facts = [*("" if share is None else f"{share:.0%}" for share in shares), f"{spread:.1f}"]
    path = elide_title(clean(head.path) or "-", _PATH)
    facts = ["NaN" if "nan" in fact else fact for fact in facts]
    return [path, *map(str, (head.head, head.batch, *head.shape)), *facts]
