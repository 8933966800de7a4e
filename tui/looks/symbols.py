"""The look of a textbook: a node in numbers, and below them the same entries as letters with subscripts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TYPE_CHECKING

from rich.cells import cell_len

from llm_linalg.base.text import CleanText, clean
from tui.looks.look import Look, LookInput
from tui.model.drawing import lines_in_words
from tui.model.frame import CellMark, Panel
from tui.model.window import window
from tui.text.glyphs import ascii_text
from tui.text.rows import Row, TextSpan, fit, width_of, wrap

if TYPE_CHECKING:
    from llm_linalg.api.node import Node
    from llm_linalg.api.node_view import NodeView

MOST_ROWS, MOST_COLUMNS = 5, 6  # of a tensor that are shown at once
LEAST_ROWS, LEAST_COLUMNS = 2, 2  # of a larger one, where there is little room
MOST_OPERANDS = 3  # that stand beside the result
GAP = 3  # columns between tensors
DECIMALS = (4, 2, 1)  # of numbers, the most that there is room for


@dataclass(frozen=True, slots=True)
class SymbolCell:
    """A cell twice.

    Attributes:
        numbers: Its number, with fewer and fewer decimals.
        letter: Its letter with subscripts.
        mark: Its marks.
        role: Its role, the same as in the tensor's grid.
    """

    numbers: tuple[str, ...]
    letter: str
    mark: CellMark
    role: str


@dataclass(frozen=True, slots=True)
class SymbolTable:
    """A tensor of one or two axes, or a window of it.

    Attributes:
        sign: What stands before it.
        title: What it is called.
        entries: Its cells, row by row.
        focus: The rows and the columns of them that must be in view.
        rows: How many rows it has, and which of them these are.
        columns: How many columns it has, and which of them these are.
    """

    sign: str
    title: str
    entries: tuple[tuple[SymbolCell, ...], ...]
    focus: tuple[range, range]
    rows: tuple[int, range]
    columns: tuple[int, range]

    def narrowed(self, rows: int, columns: int) -> SymbolTable:
        """Return a window of so many rows and columns at most, around the focus."""
        (count, down), (wide, across) = self.rows, self.columns
        rows_shown = window(len(down), rows, self.focus[0])
        columns_shown = window(len(across), columns, self.focus[1])
        return replace(
            self,
            entries=tuple(self.entries[y][columns_shown.start : columns_shown.stop] for y in rows_shown),
            focus=(_moved(self.focus[0], -rows_shown.start), _moved(self.focus[1], -columns_shown.start)),
            rows=(count, _moved(rows_shown, down.start)),
            columns=(wide, _moved(columns_shown, across.start)),
        )

    @property
    def note(self) -> str:
        """Which rows and columns are shown; empty if all are."""
        parts = [
            f"{name} {shown.start}–{shown.stop - 1} of {count}"
            for name, (count, shown) in (("rows", self.rows), ("columns", self.columns))
            if len(shown) < count
        ]
        return ", ".join(parts)


@dataclass(frozen=True, slots=True, eq=False)
class Symbols:
    """Tensors in numbers and in letters, a `Drawing`.

    Attributes:
        tables: The operands and the result.
        formula: How an entry of the result is made; may be empty.
        spaces: The spaces that the tensors are from: `A ∈ ℝᵐˣⁿ`.
        ascii_only: Whether to draw in ASCII.
    """

    tables: tuple[SymbolTable, ...]
    formula: str
    spaces: str
    ascii_only: bool
    has_dots = False

    @property
    def words(self) -> tuple[CleanText, ...]:
        """The spaces of the tensors, the formula, what is lit, and all numbers, row by row."""
        return lines_in_words(self._words(), ascii_only=self.ascii_only)

    def rows(self, width: int, height: int) -> tuple[Row, ...]:
        """Return the numbers, the letters below them, the formula and the spaces, as far as there is room."""
        drawn: list[Row] = []
        for count in range(MOST_ROWS, LEAST_ROWS - 1, -1):
            drawn = self._parts(count, width, height)
            if len(drawn) <= height:
                break
        drawn = drawn[:height]
        wide = max(map(width_of, drawn), default=0)
        left = (TextSpan(" " * max(0, (width - wide) // 2)),)
        above = max(0, height - len(drawn)) // 2
        dots = self._text("…")
        return (*[()] * above, *(fit((*left, *line), width, dots) if line else () for line in drawn))

    def _parts(self, count: int, width: int, height: int) -> list[Row]:
        """Return all that there is to draw, with so many rows of a tensor at most, close if it has to be."""
        columns = MOST_COLUMNS
        tables, blocks = self._numbers(count, columns)[0]
        for columns in range(MOST_COLUMNS, LEAST_COLUMNS - 1, -1):
            options = self._numbers(count, columns)
            tables, blocks = next((one for one in options if _wide(one[1]) <= width), options[-1])
            if _wide(blocks) <= width:
                break
        letters = [self._block(table, None) for table in tables]
        alike = len({table.note for table in tables}) == 1
        noted = [f"{table.title}: {table.note}" for table in tables if table.note]
        notes = tables[0].note if alike else "; ".join(noted)
        lines = [(line, "strong") for line in (self.formula, self.spaces)]
        words = [
            (TextSpan(piece, role),)
            for line, role in [*lines, (notes, "dim")]
            for piece in (wrap(self._text(line), width) if line else ())
        ]
        dots = self._text("…")
        parts = [
            part for part in (_beside(blocks, width, dots), _beside(letters, width, dots), words) if part
        ]
        close = [line for part in parts for line in part]
        spaced = [line for part in parts for line in ((), *part)][1:]
        return spaced if len(spaced) <= height else close

    def _numbers(self, count: int, columns: int) -> list[tuple[list[SymbolTable], list[list[Row]]]]:
        """Return windows of the tensors, drawn in numbers with fewer and fewer decimals."""
        tables = [table.narrowed(count, columns) for table in self.tables]
        return [(tables, [self._block(table, place) for table in tables]) for place in range(len(DECIMALS))]

    def _block(self, table: SymbolTable, place: int | None) -> list[Row]:
        """Return one tensor with the sign before it: in letters, or in numbers with so many decimals."""
        texts = [
            [self._text(entry.letter if place is None else entry.numbers[place]) for entry in row]
            for row in table.entries
        ]
        wide = max((cell_len(text) for row in texts for text in row), default=1)
        head = self._text(f"{table.sign} " if table.sign else "")
        lines: list[Row] = []
        for y, row in enumerate(texts):
            spans = [TextSpan(head if y == 0 else " " * cell_len(head), "label")]
            for text, entry in zip(row, table.entries[y], strict=True):
                space = " " * (wide - cell_len(text))
                padded = text + space if place is None else space + text
                brackets = entry.mark.brackets
                spans.append(TextSpan(f"{brackets[0]}{padded}{brackets[1]}", entry.role))
            if table.columns[1].stop < table.columns[0]:
                spans.append(TextSpan(self._text(" ⋯"), "dim"))
            lines.append(tuple(spans))
        if table.rows[1].stop < table.rows[0]:
            lines.append((TextSpan(" " * cell_len(head) + self._text(" ⋮"), "dim"),))
        return lines

    def _words(self) -> Iterator[str]:
        yield self.spaces
        if self.formula:
            yield self.formula
        for table in self.tables:
            rows = "; ".join(" ".join(_said(entry) for entry in row) for row in table.entries)
            lit = [entry for row in table.entries for entry in row if entry.mark.brackets.strip()]
            entries = ", ".join(f"{entry.letter} = {_said(entry)}" for entry in lit)
            yield f"{table.title}: {entries}, in {rows}" if lit else f"{table.title}: {rows}"

    def _text(self, text: str) -> str:
        return ascii_text(text) if self.ascii_only else text


def _said(entry: SymbolCell) -> str:
    """Return an entry's number as it is said; of one that isn't computed yet, a blank to fill in."""
    return "_" if CellMark.PENDING in entry.mark else entry.numbers[0].strip()


def _beside(blocks: Sequence[Sequence[Row]], width: int, dots: str) -> list[Row]:
    """Return blocks of rows beside each other: the last that there is room for, and dots for the others."""
    shown, left_out = list(blocks), [[(TextSpan(dots, "dim"),)]]
    for first in range(1, len(blocks)):
        if _wide(shown) <= width:
            break
        shown = [*left_out, *blocks[first:]]
    lines: list[Row] = []
    for parts in zip_longest(*shown, fillvalue=()):
        spans: list[TextSpan] = []
        for part, block in zip(parts, shown, strict=True):
            spans += [TextSpan(" " * GAP)] * bool(spans)
            spans += [*part, TextSpan(" " * (_width(block) - width_of(part)))]
        lines.append(tuple(spans))
    return lines


def _wide(blocks: Sequence[Sequence[Row]]) -> int:
    """Return how many columns blocks take beside each other."""
    return sum(map(_width, blocks)) + GAP * (len(blocks) - 1)


def _moved(which: range, by: int) -> range:
    return range(which.start + by, which.stop + by)


def _width(block: Sequence[Row]) -> int:
    return max(map(width_of, block), default=0)


def suits(node: NodeView, _: Sequence[Node]) -> bool:
    """Return whether a node is made of vectors and matrices, one at least."""
    tensors = (node.result, *node.operands)
    low = all(tensor.value.numel() and len(tensor.shape) <= 2 for tensor in tensors)
    return low and any(tensor.shape for tensor in tensors)


def draw(given: LookInput) -> Symbols:
    """Return the numbers of a node with their letters."""
    from llm_linalg.explain.general import general_formula, spaces

    node = given.node
    few = len(given.operands) <= MOST_OPERANDS
    shown = [*given.operands, given.result] if few else [given.result]
    titles = [*(operand.title_of_cells for operand in node.operands), node.result.title_of_cells]
    tables = tuple(map(_table, shown, titles[-len(shown) :], _signs(node, len(shown))))
    return Symbols(tables, general_formula(node.node), spaces(node.node), given.ascii_only)


def _signs(node: NodeView, count: int) -> list[str]:
    """Return what stands before each tensor: nothing, the operator, and `=` or an arrow."""
    if count == 1:
        return [""]
    operator = {"@": "", "*": "·", "/": "÷"}.get(node.operator, node.operator)
    equals = count == 3 and bool(node.operator)
    return ["", *[operator if equals else ""] * (count - 2), "=" if equals else "→"]


def _table(panel: Panel, title: str, sign: str) -> SymbolTable:
    """Return a window of a tensor around what is lit."""
    from llm_linalg.explain.general import entry

    rows = window(panel.rows, MOST_ROWS, panel.focus_rows)
    columns = window(panel.columns, MOST_COLUMNS, panel.focus_columns)
    windows = [panel.cells.window(rows, columns, decimals) for decimals in DECIMALS]
    name = clean(title, 16)
    entries = tuple(
        tuple(
            SymbolCell(
                tuple(some[y][x].text for some in windows),
                entry(name, [str(k + 1) for k in panel.index(i, j)]),
                (mark := windows[0][y][x].mark),
                panel.role_of(mark),
            )
            for x, j in enumerate(columns)
        )
        for y, i in enumerate(rows)
    )
    focus = (_within(panel.focus_rows, rows), _within(panel.focus_columns, columns))
    shown = (panel.rows, rows), (panel.columns, columns)
    return SymbolTable(sign, clean(panel.title, 24), entries, focus, *shown)


def _within(focus: range, shown: range) -> range:
    """Return the part of a focus that is shown, counted from the first that is."""
    inside = range(max(focus.start, shown.start), min(focus.stop, shown.stop))
    return _moved(inside, -shown.start) if inside else range(0)


SYMBOLS = Look("symbols", suits, draw)
