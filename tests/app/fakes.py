"""Small stand-ins for the engine: panels over plain lists, a navigation for the player, a lesson."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from llm_linalg.base.cells import TensorSlice
from llm_linalg.base.text import clean
from tui.compose.panels import TensorCells
from tui.model.frame import CellMark, Index, Number, Panel, Role


@dataclass(frozen=True)
class Fixed:
    """Numbers with a fixed number of decimals; ``digits`` columns before the point."""

    digits: int = 2

    def width(self, decimals: int) -> int:
        return self.digits + 1 + decimals

    def text(self, value: Number, decimals: int) -> str:
        return f"{value:{self.width(decimals)}.{decimals}f}"


@dataclass(frozen=True)
class Entries:
    """Numbers by row and column."""

    value: Callable[[int, int], Number | None]

    def window(self, matrix: TensorSlice, rows: range, columns: range) -> Sequence[Sequence[Number | None]]:
        assert isinstance(matrix, TensorSlice)
        return [[self.value(row, column) for column in columns] for row in rows]


def panel(
    name: str,
    role: Role,
    *shape: int,
    axes: tuple[int | None, int | None] | None = None,
    focus: tuple[range, range] = (range(0), range(0)),
    mark: Callable[[Index], CellMark] | None = None,
    values: Callable[[int, int], Number | None] | None = None,
    sign: str = "",
    at: Index = (),
    title: str | None = None,
    digits: int = 2,
) -> Panel:
    """A panel whose cell (r, c) is r + c / 100."""

    if axes is None:
        axes = (
            (None, None) if not shape else (None, 0) if len(shape) == 1 else (len(shape) - 2, len(shape) - 1)
        )
    return Panel(
        name=name,
        title=clean(title or name),
        role=role,
        shape=shape,
        dtype="float32",
        row_axis=axes[0],
        column_axis=axes[1],
        at=at,
        cells=TensorCells(
            Entries(values or (lambda r, c: r + c / 100)),
            TensorSlice(*axes, at),
            Fixed(digits),
            mark or (lambda _: CellMark.NONE),
            0.0,
            "·",
            "░",
        ),
        focus_rows=focus[0],
        focus_columns=focus[1],
        sign=sign,
    )


def draw(panels: Sequence[Panel], layout: object, width: int, height: int) -> list[str]:
    """The stage as rows of text; fails if anything overlaps or leaves the space."""
    from tui.layout.arrange import cell_texts
    from tui.layout.values import Layout

    assert isinstance(layout, Layout)
    grid = [[" "] * width for _ in range(height)]
    taken: set[tuple[int, int]] = set()

    def put(x: int, y: int, text: str) -> None:
        for offset, character in enumerate(text):
            assert 0 <= x + offset < width, (x, y, text)
            assert 0 <= y < height, (x, y, text)
            assert (x + offset, y) not in taken, ("overlap", x, y, text)
            taken.add((x + offset, y))
            grid[y][x + offset] = character

    for label in layout.labels:
        put(label.x, label.y, label.text)
    for slot in layout.slots:
        for r, row in enumerate(panels[slot.panel].cells.window(slot.rows, slot.columns, slot.decimals)):
            put(slot.x, slot.y + r, "".join(piece.text for piece in cell_texts(row, slot)))
    return ["".join(row).rstrip() for row in grid]
