"""The look of a movement of three and more axes: all matrices, a colour and a letter a slice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, zip_longest
from string import ascii_letters
from typing import TYPE_CHECKING, NamedTuple

from llm_linalg.base.numbers import format_cell
from llm_linalg.base.text import CleanText
from tui.looks.look import Look, LookInput
from tui.model.drawing import lines_in_words
from tui.text.glyphs import ASCII, ascii_text
from tui.text.rows import Row, TextSpan, cut, fit, width_of

if TYPE_CHECKING:
    from llm_linalg.api.node import Node
    from llm_linalg.api.node_view import NodeView
    from llm_linalg.illustrations.weave import Weave, WeaveCell, WeaveMatrix, WeaveTensor

SLICE_ROLES = 6  # of the themes: slice-0 and so on
GAP = 2  # columns between matrices
LONGEST_NUMBER = 8
LEGEND = 8  # slices whose letters are explained
LONGEST_LINE = 10**6
MOST_NAMED = 3  # slices of a row that are named one by one
SAID = 16  # matrices that are put into words

Line = list[TextSpan]


class _Form(NamedTuple):
    """How a cell is written: bracket, letter, number, bracket.

    Attributes:
        width: Columns of the number; 0 for none.
        decimals: Digits after its point.
    """

    width: int
    decimals: int = 0

    @property
    def cell(self) -> int:
        """Columns of a cell."""
        return 3 + self.width


@dataclass(frozen=True, slots=True, eq=False)
class WeaveDrawing:
    """A `Drawing` of a movement.

    Attributes:
        weave: What there is to draw.
        ascii_only: Whether to draw in ASCII.
    """

    weave: Weave
    ascii_only: bool
    has_dots = False

    @property
    def words(self) -> tuple[CleanText, ...]:
        """Which slices of the sources the rows of the result come from, a line a matrix."""
        return lines_in_words(self._words(), ascii_only=self.ascii_only)

    def rows(self, width: int, height: int) -> tuple[Row, ...]:
        """Return the tensors one below the other or side by side, whole where they fit, and the letters."""
        if width < 4 or height < 2:
            return ()
        picture = self._picture(width, height)
        return tuple(map(_with_ascii_dots, picture)) if self.ascii_only else picture

    def _picture(self, width: int, height: int) -> tuple[Row, ...]:
        tensors = [*self.weave.sources, self.weave.result]
        legend = fit(self._legend(width), width)
        between = GAP * (len(tensors) - 1)
        half = (width - between) // len(tensors)
        for form in self._forms():
            if all(_is_whole(tensor, form, width) for tensor in tensors):
                blocks = [self._block(tensor, form, width) for tensor in tensors]
                if sum(map(len, blocks)) < height:
                    return _in_middle([line for block in blocks for line in block], legend, width, height)
                blocks = self._beside(tensors, form, LONGEST_LINE)
                widths = [max(map(width_of, block)) for block in blocks]
                if sum(widths) + between <= width and max(map(len, blocks)) < height:
                    return _in_middle(_side_by_side(blocks, widths), legend, width, height)
            if all(_is_whole(tensor, form, half) for tensor in tensors):
                blocks = self._beside(tensors, form, half)
                if max(map(len, blocks)) < height:
                    return _in_middle(_side_by_side(blocks, [half] * len(tensors)), legend, width, height)
        each = max(1, (height - 1) // len(tensors))
        blocks = [self._block(tensor, _Form(0), width, each) for tensor in tensors]
        return _in_middle([line for block in blocks for line in block], legend, width, height)

    def _forms(self) -> Iterator[_Form]:
        """Yield the ways to write a cell, the most exact first."""
        cells = [cell for tensor in (*self.weave.sources, self.weave.result) for cell in _cells(tensor)]
        for decimals in (2, 1, 0):
            texts = [_number(cell, decimals) for cell in cells if cell.number is not None]
            yield _Form(max(map(len, texts), default=1), decimals)
        yield _Form(0)

    def _block(self, tensor: WeaveTensor, form: _Form, width: int, most: int = 10**6) -> list[Line]:
        """Return a tensor as rows: its title, and as many matrices beside each other as there is room for."""
        rows, columns = tensor.sides
        across = min(columns, max(1, width // form.cell), len(tensor.matrices[0].cells[0]))
        wide = across * form.cell
        beside = max(1, (width + GAP) // (wide + GAP))
        shape = ", ".join(map(str, tensor.shape)) + ("," if len(tensor.shape) == 1 else "")
        lines: list[Line] = []
        shown = 0
        down = min(len(tensor.matrices[0].cells), max(1, most - 2))
        for start in range(0, len(tensor.matrices), beside):
            if lines and len(lines) + 1 + down > most - 1:
                break
            matrices = tensor.matrices[start : start + beside]
            shown += len(matrices)
            if tensor.count > 1:
                lines.append(_joined([[_head(matrix, wide)] for matrix in matrices]))
            for i in range(down):
                lines.append(_joined([self._row(matrix.cells[i][:across], form) for matrix in matrices]))
        left = [
            f"{shown} of {tensor.count} matrices" if shown < tensor.count else "",
            f"{down} of {rows} rows" if down < rows else "",
            f"{across} of {columns} columns" if across < columns else "",
        ]
        note = ", ".join(filter(None, left))
        title = [
            TextSpan(f"{self._text(tensor.title)} ({shape})", "title"),
            TextSpan(f"  {note}" if note else "", "dim"),
        ]
        return [list(fit(tuple(title), width)), *lines]

    def _beside(self, tensors: Sequence[WeaveTensor], form: _Form, width: int) -> list[list[Line]]:
        """Return the tensors as rows to stand side by side: their numbers begin at one height."""
        blocks = [self._block(tensor, form, width) for tensor in tensors]
        stacked = any(tensor.count > 1 for tensor in tensors)
        return [
            [block[0], [], *block[1:]] if stacked and tensor.count == 1 else block
            for block, tensor in zip(blocks, tensors, strict=True)
        ]

    def _row(self, cells: Sequence[WeaveCell], form: _Form) -> Line:
        spans: Line = []
        for cell in cells:
            if cell.number is None:
                text, role = ("*" if self.ascii_only else "·"), "pending"
            else:
                number = _number(cell, form.decimals) if form.width else ""
                text, role = letter_of(cell.slice) + number.rjust(form.width), role_of(cell.slice)
            text = text.rjust(1 + form.width)
            spans.append(
                TextSpan(f"[{text}]" if cell.now else f" {text} ", f"{role} current" if cell.now else role)
            )
        return spans

    def _legend(self, width: int) -> Row:
        """Return what the letters stand for, of as many as there is room for."""
        names: Sequence[str] = self.weave.slices
        legend: Row = ()
        for count in range(min(len(names), LEGEND), 0, -1):
            more = len(names) - count
            entries = [
                TextSpan(f"{letter_of(k)} {self._text(name)}", role_of(k))
                for k, name in enumerate(names[:count])
            ]
            entries += [TextSpan(self._text(f"… {more} more"), "dim")] * bool(more)
            legend = tuple(_apart(entries))
            if width_of(legend) <= width:
                break
        return legend

    def _words(self) -> Iterator[str]:
        weave = self.weave
        for matrix in weave.result.matrices[:SAID]:
            at = f"[{','.join(map(str, matrix.at))}]" if matrix.at else ""
            runs = [
                (place, [i for i, _ in run])
                for place, run in groupby(enumerate(map(self._said, matrix.cells)), _second)
            ]
            rows = [f"row{_span(run)} {place}" for place, run in runs]
            yield f"{weave.result.title}{at}: {', '.join(rows)}"
        if weave.result.count > SAID:
            yield f"and {weave.result.count - SAID} more matrices"

    def _said(self, row: Sequence[WeaveCell]) -> str:
        """Return where the cells of a row come from."""
        names, numbers = self.weave.slices, [cell for cell in row if cell.number is not None]
        taken = dict.fromkeys(cell.slice for cell in numbers)
        known = ["nowhere" if k is None else names[k] if k < len(names) else f"slice {k}" for k in taken]
        if len(known) > MOST_NAMED:
            known = [f"{len(known)} slices, {known[0]} to {known[-1]}"]
        sources = f"from {' and '.join(known)}" if known else ""
        return (
            f"{sources}, not all moved yet"
            if known and len(numbers) < len(row)
            else sources or "not yet moved"
        )

    def _text(self, text: str) -> str:
        return ascii_text(text) if self.ascii_only else text


def _second(pair: tuple[int, str]) -> str:
    return pair[1]


def _span(run: Sequence[int]) -> str:
    """Return the numbers of rows that follow each other, behind the word `row`."""
    return f" {run[0]}" if len(run) == 1 else f"s {run[0]} to {run[-1]}"


def letter_of(slice_: int | None) -> str:
    """Return the letter of a slice; after z come the capitals, then the letters again."""
    return "-" if slice_ is None else ascii_letters[slice_ % len(ascii_letters)]


def role_of(slice_: int | None) -> str:
    """Return the role of a slice; there are a few colours, which return."""
    return "dim" if slice_ is None else f"slice-{slice_ % SLICE_ROLES}"


def _cells(tensor: WeaveTensor) -> Iterator[WeaveCell]:
    return (cell for matrix in tensor.matrices for row in matrix.cells for cell in row)


def _number(cell: WeaveCell, decimals: int) -> str:
    number = cell.number
    if number is None:
        return ""
    if isinstance(number, float) and number.is_integer() and abs(number) < 1e6:
        number = int(number)
    return format_cell(number, LONGEST_NUMBER, decimals, ascii_only=True)


def _is_whole(tensor: WeaveTensor, form: _Form, width: int) -> bool:
    """Return whether all of a tensor is at hand, and its matrices are no wider than there is room for."""
    first = tensor.matrices[0].cells
    whole = len(tensor.matrices) == tensor.count and (len(first), len(first[0])) == tensor.sides
    return whole and len(first[0]) * form.cell <= width


def _head(matrix: WeaveMatrix, width: int) -> TextSpan:
    index = f"[{','.join(map(str, matrix.at))}]"
    return TextSpan(cut(f" {index}", width, pad=True), "label")


def _joined(parts: Sequence[Line]) -> Line:
    """Return the rows of matrices as one row."""
    line: Line = []
    for part in parts:
        line += [TextSpan(" " * GAP)] * bool(line) + part
    return line


def _apart(entries: Sequence[TextSpan]) -> Iterator[TextSpan]:
    """Yield the entries of a legend with room between them."""
    for place, entry in enumerate(entries):
        if place:
            yield TextSpan("   ")
        yield entry


def _with_ascii_dots(row: Row) -> Row:
    """Return a row in which what is cut ends in a sign of ASCII."""
    return tuple(span.with_text(span.text.replace("…", ASCII.dots)) for span in row)


def _side_by_side(blocks: Sequence[list[Line]], widths: Sequence[int]) -> list[Line]:
    """Return blocks of rows beside each other, each in its columns."""
    lines = []
    for parts in zip_longest(*blocks, fillvalue=[]):
        line: Line = []
        for part, width in zip(parts, widths, strict=True):
            line += [TextSpan(" " * GAP)] * bool(line) + [*part, TextSpan(" " * (width - width_of(part)))]
        lines.append(line)
    return lines


def _in_middle(lines: Sequence[Line], legend: Row, width: int, height: int) -> tuple[Row, ...]:
    """Return rows with the legend below them, in the middle of the space."""
    shown = [*(fit(tuple(line), width) for line in lines[: height - 1]), legend]
    wide = max(map(width_of, shown), default=0)
    left = (TextSpan(" " * ((width - wide) // 2)),)
    return (*[()] * ((height - len(shown)) // 2), *((*left, *line) for line in shown))


def suits(node: NodeView, _: Sequence[Node]) -> bool:
    """Return whether a node moves cells of a tensor of three and more axes."""
    from llm_linalg.illustrations.weave import is_woven

    return is_woven(node)


def draw(given: LookInput) -> WeaveDrawing:
    """Return the drawing of a movement."""
    from llm_linalg.illustrations.weave import weave_of

    return WeaveDrawing(weave_of(given.node), given.ascii_only)


WEAVE = Look("weave", suits, draw)
