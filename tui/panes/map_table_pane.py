"""A level of the map as a table: a row for each module and operation, or for several that are alike."""

from __future__ import annotations

from collections.abc import Mapping

from rich.cells import cell_len

from llm_linalg.base.text import elide_title
from tui.model.map_table import HEADS, SMALLEST_FIRST, MapTable, TableRow, cell_text
from tui.model.window import window
from tui.text.glyphs import Glyphs
from tui.text.rows import Row, TextSpan, cut, fit

LABEL = 22  # columns of a label, at most
LEAST_LABEL = 14  # the dtype and the shape rather go than more of a label
GAPS = {"shape": 2, "dtype": 1}  # before the two facts that stand before the columns
GAP = 2


def table_rows(table: MapTable, width: int, height: int, glyphs: Glyphs) -> list[Row]:
    """Return the table in `height` rows of at most `width` columns; the selected row is always among them."""
    headed = height > 3
    places = window(len(table.rows), height - headed, range(table.row, table.row + 1))
    shown = [table.rows[place] for place in places]
    texts = {name: [glyphs.text(_text(row, name)) for row in shown] for name in (*GAPS, *table.columns)}
    heads = {name: glyphs.text(_head(table, name)) for name in texts}
    widths = {name: max(map(cell_len, [heads[name], *texts[name]])) for name in texts}
    by = f"by {HEADS[table.sort]}" if table.sort and table.sort not in table.columns else ""
    longest = min(LABEL, max(len(by), *(cell_len(row.label) + 2 * row.opens for row in shown)))
    columns = _fitting(table, widths, width - 2 - min(LEAST_LABEL, longest))
    label = max(1, min(longest, width - 2 - sum(_gap(name) + widths[name] for name in columns)))
    lines: list[Row] = []
    if headed:
        roles = ("strong" if name == table.sort else "dim" for name in columns)
        cells = [_aligned(heads[name], widths[name], name) for name in columns]
        lines.append((TextSpan(f"  {cut(by, label, pad=True)}", "dim"), *map(TextSpan, cells, roles)))
    for k, place in enumerate(places):
        role, do = "picked" if place == table.row else "", f"box:{place + 1}"
        cells = [_aligned(texts[name][k], widths[name], name) for name in columns]
        roles = ("dim" if name in GAPS else "error" if name == "nan" else "" for name in columns)
        mark = glyphs.pointer if role else " "
        named = glyphs.text(_label(shown[k], label))
        spans = [TextSpan(f"{mark} ", role, do), TextSpan(cut(named, label, pad=True), role, do)]
        lines.append((*spans, *(TextSpan(text, own, do) for text, own in zip(cells, roles, strict=True))))
    above = max(0, height - len(lines)) // 2
    return [*[()] * above, *(fit(line, width, glyphs.dots) for line in lines)]


def _fitting(table: MapTable, widths: Mapping[str, int], room: int) -> list[str]:
    """Return the columns for which there is room: dtype and shape go first, then those at the right."""
    columns = list(widths)
    for name in (*reversed(GAPS), *reversed(table.columns)):
        if sum(_gap(one) + widths[one] for one in columns) > room:
            columns.remove(name)
    return columns


def _label(row: TableRow, width: int) -> str:
    if not row.opens:
        return elide_title(row.label, width)
    return f"{elide_title(row.label, max(1, width - 2))} ›"


def _text(row: TableRow, name: str) -> str:
    return {"shape": row.shape, "dtype": row.dtype}.get(name) or cell_text(row.facts, name)


def _head(table: MapTable, name: str) -> str:
    arrow = "" if name != table.sort else "↑" if name in SMALLEST_FIRST else "↓"
    return {"shape": name, "dtype": ""}.get(name, f"{HEADS.get(name)}{arrow}")


def _gap(name: str) -> int:
    return GAPS.get(name, GAP)


def _aligned(text: str, width: int, name: str) -> str:
    space = " " * (width - cell_len(text))
    return " " * _gap(name) + (text + space if name in GAPS else space + text)
