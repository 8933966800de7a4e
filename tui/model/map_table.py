"""The table of a level of the map as a value: what its modules and operations take and give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from llm_linalg.base.constants import LookName
from llm_linalg.base.numbers import significant
from llm_linalg.base.text import CleanText, clean

if TYPE_CHECKING:
    from llm_linalg.analysis.summary import SummaryRow

TABLES: Mapping[LookName, tuple[str, ...]] = {
    "sizes": ("parameters", "bytes", "products", "seconds"),
    "values": ("max_abs", "min_abs", "nan", "inf", "zeros"),
    "changes": ("changed", "begins", "change", "relative"),
}
"""The columns of each of the map's tables, by the look that it is."""
MAP_LOOKS: tuple[LookName, ...] = ("numbers", *TABLES, "attention")
"""The looks of the map: the diagram, the tables, and the attention heads, if there are any."""
COLUMNS = (*TABLES["sizes"], *TABLES["values"])
"""What the tables of one trace can be sorted by."""
SORTS = (*COLUMNS, *TABLES["changes"])
"""What any table can be sorted by."""
HEADS = {
    "parameters": "params", "bytes": "kept B", "products": "mults", "seconds": "time",
    "max_abs": "max |x|", "min_abs": "min |x|", "nan": "NaN", "inf": "inf", "zeros": "zeros",
    "changed": "differ", "begins": "begin", "change": "largest", "relative": "relative",
}  # fmt: skip
UNITS = {"parameters": "params", "bytes": "B", "products": "mults", "seconds": ""}
SMALLEST_FIRST = ("min_abs",)
TOLD: Mapping[LookName, str] = {
    "sizes": "params: each counted once. kept B: what autograd keeps for a backward pass, without "
    "parameters. mults: multiplications. time: of plain runs beside the trace.",
    "values": "Of all that it gives: the largest and smallest finite |x|, how many are NaN or infinite, and "
    "the share of zeros.",
    "changes": "differ: operations with other numbers there. begin: those made of what is the same. largest: "
    "the largest difference of two numbers; relative: as a share of the largest in its tensor.",
}
STOPPED = "? was not computed: it was stopped, or the values were dropped. "
UNCOUNTED = " ? mults: no rule counts them."
_UNITS = ("", "k", "M", "G", "T", "P")


@dataclass(frozen=True, slots=True)
class TableRow:
    """An operation or a module, or several that are alike.

    Attributes:
        label: What it is called.
        boxes: The names of the boxes of the level that it stands for.
        opens: Whether they have boxes inside.
        facts: What it takes and gives, by the names that these have in JSON.
    """

    label: CleanText
    boxes: tuple[str, ...]
    opens: bool
    facts: Mapping[str, Any]

    @property
    def shape(self) -> str:
        """The shape of what it gives last: `2×16×16`."""
        return "×".join(map(str, self.facts["shape"])) or "number"

    @property
    def dtype(self) -> str:
        """The dtype of that, in short: `f32`."""
        return short_dtype(self.facts["dtype"])


@dataclass(frozen=True, slots=True)
class MapTable:
    """The rows of a level.

    Attributes:
        look: Which table it is.
        rows: The rows, as they are sorted.
        row: The place of the selected one.
        sort: The column that sorts them; empty: they stand as they ran.
        box: The name of the selected box.
        whole: The facts of all rows together; None where nothing is summed up.
    """

    look: LookName
    rows: tuple[TableRow, ...]
    row: int
    sort: str
    box: CleanText
    whole: Mapping[str, Any] | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Its columns."""
        return TABLES[self.look]

    @property
    def sentence(self) -> CleanText:
        """What its columns say, and of a row of several boxes into which ↵ goes."""
        lacks = any(row.facts.get("nan", 0) is None for row in self.rows)
        is_uncounted = self.look == "sizes" and any(row.facts["products"] is None for row in self.rows)
        many = len(self.rows[self.row].boxes)
        alike = f"{many} that are alike count together; ↵ goes into {self.box}. " if many > 1 else ""
        more = UNCOUNTED if is_uncounted else ""
        return clean(f"{STOPPED if lacks else ''}{alike}{self._shares}{TOLD[self.look]}{more}")

    @property
    def _shares(self) -> str:
        """What the selected row takes of what all take, such as `Of all 389k params blocks has 67%`."""
        if self.whole is None or self.look != "sizes" or len(self.rows) == 1:
            return ""
        row, whole = self.rows[self.row].facts, self.whole
        parts = [
            (f"{cell_text(whole, column)} {UNITS[column]}".strip(), row[column] / whole[column])
            for column in self.columns
            if whole[column] and row[column] is not None
        ]
        if not parts:
            return ""
        shares = ", ".join(share_text(share) or "0%" for _, share in parts)
        return f"Of all {', '.join(what for what, _ in parts)} {self.rows[self.row].label} has {shares}. "

    @property
    def plain(self) -> Iterator[str]:
        """Each row as a line to be read aloud."""
        for row in self.rows:
            pairs = ((HEADS[column], cell_text(row.facts, column)) for column in self.columns)
            words = [f"{head} {text}" for head, text in pairs if text]
            yield "; ".join([row.label, f"shape {row.shape}", row.facts["dtype"], *words])

    def record(self) -> dict[str, object]:
        """Return the table for JSON."""
        rows = [
            {"boxes": list(row.boxes), **row.facts, "shape": list(row.facts["shape"])} for row in self.rows
        ]
        return {"sort": self.sort, "rows": rows}


def facts_of(row: SummaryRow[Any]) -> dict[str, Any]:
    """Return the facts of a summary's row under their names in JSON."""
    extremes = row.values
    return {
        "shape": row.shape,
        "dtype": row.dtype,
        "parameters": row.parameters,
        "bytes": row.bytes,
        "products": row.products,
        "seconds": None if row.seconds is None else significant(row.seconds),
        "max_abs": None if extremes is None or extremes.largest is None else significant(extremes.largest),
        "min_abs": None if extremes is None or extremes.smallest is None else significant(extremes.smallest),
        "nan": None if extremes is None else extremes.nan,
        "inf": None if extremes is None else extremes.inf,
        "zeros": None if extremes is None else significant(extremes.zeros / max(extremes.cells, 1)),
    }


def sort_key(facts: Mapping[str, Any], column: str) -> float:
    """Return what puts a row in its place: what is not known comes last."""
    value = facts[column]
    if value is None:
        return float("inf")
    if value != value:  # NaN
        return -float("inf")
    return float(value) if column in SMALLEST_FIRST else -float(value)


def cell_text(facts: Mapping[str, Any], column: str) -> str:
    """Return a cell of a table: nothing for 0, `?` for what is not known."""
    if column in TABLES["changes"]:
        return change_text(facts, column)
    value, known = facts[column], facts["nan"] is not None
    if value is None or (column == "bytes" and not known):
        return "" if known and column != "products" else "?"
    if column == "seconds":
        return time_text(value)
    if column in ("max_abs", "min_abs"):
        return f"{value:.3g}"
    return count_text(value) if column != "zeros" else share_text(value)


def change_text(facts: Mapping[str, Any], column: str) -> str:
    """Return a cell of a table of what differs: nothing for what does not."""
    value = facts[column]
    if column == "changed":
        return f"{value:,}/{facts['nodes']:,}" if value else ""
    if column == "begins":
        return f"{value:,}" if value else ""
    if value is None and facts["changed"]:
        return "shape"
    return "NaN" if value != value else f"{value:.2g}" if value else ""


def share_text(share: float) -> str:
    """Return a share in percent; nothing for 0."""
    if not share:
        return ""
    return "<1%" if share < 0.01 else ">99%" if 0.99 < share < 1 else f"{share:.0%}"


def count_text(number: int) -> str:
    """Return a count in three digits: `12.3k`; nothing for 0."""
    value, unit = float(number), 0
    while value >= 999.5:
        value, unit = value / 1000, unit + 1
    digits = 0 if not unit or value >= 99.95 else 1
    return f"{value:.{digits}f}{_UNITS[min(unit, len(_UNITS) - 1)]}" if number else ""


def time_text(seconds: float) -> str:
    """Return a time in three digits; nothing for 0."""
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * factor >= 0.9995 or unit == "µs":
            return f"{seconds * factor:.3g} {unit}" if seconds else ""
    return ""


def short_dtype(dtype: str) -> str:
    """Return a dtype in short: `f32` for float32, `bf16`, `i64`."""
    for long, short in (("bfloat", "bf"), ("float", "f"), ("uint", "u"), ("int", "i"), ("complex", "c")):
        if dtype.startswith(long):
            return short + dtype[len(long) :]
    return dtype
