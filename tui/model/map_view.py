"""A level of a program's map as a value: boxes, arrows, costs, and cells on a followed cell's way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from llm_linalg.base.constants import LookName
from llm_linalg.base.text import NOTHING, CleanText, clean
from tui.model.gallery import Gallery
from tui.model.map_table import MapTable


@dataclass(frozen=True, slots=True)
class BoxRow:
    """One box.

    Attributes:
        name: Its name on the level.
        label: Its text on the level.
        op: The operation if the box is a single one, else empty.
        shape: The shape of its result; None for several tensors from outside in one row.
        opens: Whether it has boxes inside.
        foreign: Whether it comes in from outside the level.
        operations: How many operations are in it.
        multiplications: How many multiplications they make.
        share: Their share of the program's multiplications, 0 to 1.
        products: How many of them are in matrix products.
        words: Its meaning in linear algebra.
        lesson: The slug of the lesson that it opens, or None.
        title: That lesson's title.
        lit: How many cells of its result lie on the followed cell's way; None if no cell is followed.
        cells: How many cells its result has.
        influence: The largest derivative along that way, in size; None if there is none.
        is_start: Whether the followed cell is one of its result's.
    """

    name: str
    label: CleanText
    op: str
    shape: tuple[int, ...] | None
    opens: bool
    foreign: bool
    operations: int
    multiplications: int
    share: float
    products: int
    words: CleanText = NOTHING
    lesson: str | None = None
    title: CleanText = NOTHING
    lit: int | None = None
    cells: int = 0
    influence: float | None = None
    is_start: bool = False

    @property
    def sizes(self) -> str:
        """The shape as torch writes it."""
        if self.shape is None:
            return ""
        return f"({', '.join(map(str, self.shape))}{',' if len(self.shape) == 1 else ''})"

    @property
    def columns(self) -> tuple[str, str]:
        """What stands beside it: the cells on the way and the derivative, or what it takes and its share."""
        if self.lit is not None:
            steep = "" if not self.lit or self.influence is None else f"{self.influence:.2g}"
            return f"{self.lit}/{self.cells}" if self.lit else "", steep
        if self.foreign or not self.multiplications:
            return "" if self.foreign else "-", ""
        return f"{self.multiplications:,}", brief(self.share)

    @property
    def cost_text(self) -> str:
        """What it takes, in words."""
        many = f"{self.operations} operations, " if self.operations > 1 else ""
        times = "multiplication" if self.multiplications == 1 else "multiplications"
        if not self.multiplications:
            return f"{many}no multiplications"
        part = f"{self.multiplications:,} {times}, {percent(self.share)} of all"
        inside = {0: "none", self.multiplications: "all"}.get(self.products)
        inside = inside or percent(self.products / self.multiplications)
        if self.multiplications == 1:
            return f"{many}{part}, {'' if self.products else 'not '}in a matrix product"
        return f"{many}{part}, {inside} of them in matrix products"


@dataclass(frozen=True, slots=True)
class MapView:
    """One level of the map.

    Attributes:
        path: The names of the boxes that lead here.
        rows: What comes in from outside, then the boxes of the level in order.
        arrows: Which reads which, as pairs of places among the rows: from, to.
        row: The place of the selected box.
        followed: The cell that is followed, such as "logits[4, 2]"; empty if none is.
        back: Whether it is followed back to what it depends on, and not on to what it feeds.
        table: The table that is shown in place of boxes and arrows.
        gallery: The attention heads that are shown in place of them.
    """

    path: tuple[CleanText, ...]
    rows: tuple[BoxRow, ...]
    arrows: tuple[tuple[int, int], ...]
    row: int
    followed: CleanText = NOTHING
    back: bool = True
    table: MapTable | None = None
    gallery: Gallery | None = None

    @property
    def look(self) -> LookName:
        """The look in which it is shown."""
        if self.gallery is not None:
            return "attention"
        return "numbers" if self.table is None else self.table.look

    @property
    def question(self) -> str:
        """What is asked of the boxes, such as "logits[4, 2] depends on"; empty if nothing is."""
        return f"{self.followed} {'depends on' if self.back else 'feeds'}" if self.followed else ""

    @property
    def selection(self) -> BoxRow:
        """The selected box."""
        return self.rows[self.row]

    @property
    def place(self) -> tuple[int, int]:
        """Its number, from 1, among the boxes of the level, the rows of its table, or the heads; how many."""
        if self.gallery is not None:
            return self.gallery.place
        if self.table is not None:
            return self.table.row + 1, len(self.table.rows)
        foreign = sum(row.foreign for row in self.rows)
        return self.row + 1 - foreign, len(self.rows) - foreign

    def reads(self, place: int) -> tuple[str, ...]:
        """Return the labels of the boxes that a box reads."""
        return tuple(self.rows[source].label for source, target in self.arrows if target == place)

    @property
    def plain(self) -> list[tuple[str, bool]]:
        """Each box, row of the table or head as a line to be read aloud, and whether it is selected."""
        if self.gallery is not None:
            return list(self.gallery.plain)
        if self.table is not None:
            return [(line, place == self.table.row) for place, line in enumerate(self.table.plain)]
        return [(self._plain(place), place == self.row) for place in range(len(self.rows))]

    def _plain(self, place: int) -> str:
        row = self.rows[place]
        reads = f"reads {', '.join(self.reads(place))}" if self.reads(place) else ""
        words = [
            f"{'from outside: ' if row.foreign and row.shape is not None else ''}{row.label}",
            f"shape {row.sizes}" if row.sizes else "",
            "" if row.foreign else row.cost_text,
            reads,
            "opens" if row.opens and not row.foreign else "",
            "" if row.lit is None else f"{row.lit} of {row.cells} cells",
            "" if row.influence is None else f"derivative up to {row.influence:.3g}",
        ]
        return "; ".join(filter(None, words))

    @property
    def sentence(self) -> CleanText:
        """What there is to say about the selected box or head, or about the columns of the table."""
        if self.gallery is not None:
            return self.gallery.sentence
        if self.table is not None:
            return self.table.sentence
        row = self.selection
        name = row.label if row.op in ("", row.label) else f"{row.label} ({row.op})"
        words = f"{name}: {row.words or row.cost_text}."
        asked = "" if row.lit is None else f"{self._followed_through(row, row.lit)} "
        more = f" {row.cost_text[:1].upper()}{row.cost_text[1:]}." if row.words else ""
        opens = f" Its lesson: {row.title}." if row.title else ""
        return clean(f"{asked}{words}{more}{opens}")

    def _followed_through(self, row: BoxRow, lit: int) -> str:
        """Return what the followed cell has to do with a box, as a sentence."""
        if row.is_start:
            way = "go up to see what it is made of" if self.back else "go down to see what it feeds"
            return f"This is {self.followed} itself: {way}."
        share = f"{self.question} {lit or 'none'} of the {row.cells} cells here"
        if not lit or not row.influence:
            return f"{share}."
        nudged, moved = ("one", self.followed) if self.back else ("it", "one of them")
        much = "as much" if row.influence == 1 else f"{row.influence:.3g} times as much"
        return f"{share}: nudge {nudged} a little, and {moved} moves by up to {much}."

    def record(self) -> dict[str, object]:
        """Return the level for JSON."""
        return {
            "path": list(self.path),
            "box": self.selection.name,
            "boxes": list(self._records()),
            **({"followed": self.question} if self.question else {}),
            **({} if self.table is None else {"table": self.table.record()}),
            **({} if self.gallery is None else {"gallery": self.gallery.record()}),
        }

    def _records(self) -> Iterator[dict[str, object]]:
        for place, row in enumerate(self.rows):
            record: dict[str, object] = {
                "name": row.name,
                "label": row.label,
                "shape": None if row.shape is None else list(row.shape),
                "outside": row.foreign,
                "opens": row.opens,
                "operations": row.operations,
                "multiplications": row.multiplications,
                "share": row.share,
                "products": row.products,
                "reads": [self.rows[source].name for source, target in self.arrows if target == place],
            }
            if row.lesson is not None:
                record["lesson"] = row.lesson
            if row.lit is not None:
                record |= {"lit": row.lit, "cells": row.cells, "influence": row.influence}
            yield record


def brief(share: float) -> str:
    """Return a share in percent, in four columns."""
    return percent(share).replace("under ", "<").replace("over ", ">")


def percent(share: float) -> str:
    """Return a share in percent; one that is not 0 or 1 is never rounded to it."""
    whole = round(100 * share)
    if 0 < share < 0.01:
        return "under 1%"
    return "over 99%" if 0.99 < share < 1 and whole == 100 else f"{whole}%"
