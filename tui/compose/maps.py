"""A level of the map with the values of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llm_linalg.base.text import NOTHING, CleanText, clean
from tui.compose.nodes import NodeNavigation
from tui.model.map_view import BoxRow, MapView
from tui.model.view import View
from tui.navigation.map_moves import current_box
from tui.text.glyphs import ascii_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from llm_linalg.analysis.block_diagram import BlockDiagram, DiagramBox
    from llm_linalg.api.node import Node
    from llm_linalg.lessons.lesson import BoxNote
    from llm_linalg.lessons.stop import FollowedCell
    from tui.compose.lineage_highlight import FollowedCells

LABEL = 40  # characters of a label
MOST_FOREIGN = 4  # rows from outside, listed one by one


BoxRows = dict[tuple[tuple[str, ...], "FollowedCell | None", bool], tuple[BoxRow, ...]]
"""The rows of levels, by the way to them, the cell that is followed, and whether they are in ASCII."""


def map_view(
    view: View, navigation: NodeNavigation, followed: FollowedCells | None, ascii_only: bool, cache: BoxRows
) -> MapView | None:
    """Return the level of the map at which a view is; None for a program without boxes."""
    from llm_linalg.lessons.reader import shelf

    box = current_box(view, navigation)
    if navigation.map is None or not box:
        return None
    level = navigation.map.level(box[:-1])
    spell: Callable[[CleanText], CleanText] = ascii_text if ascii_only else clean
    outside = sum(one.foreign for one in level.boxes)
    folded = outside - 1 if outside > MOST_FOREIGN else 0
    key = (box[:-1], None if followed is None else followed.start, ascii_only)
    if key not in cache:
        notes = {note.name: note for note in view.lesson.boxes}
        titles = {lesson.slug: lesson.title for lesson in (*shelf(), view.lesson)}
        rows = [_row(one, navigation.map, notes, titles, followed, spell) for one in level.boxes]
        cache[key] = tuple([_fold_rows(rows[:outside]), *rows[outside:]] if folded else rows)
    return MapView(
        path=tuple(spell(clean(name, LABEL)) for name in box[:-1]),
        rows=cache[key],
        arrows=level.arrows if not folded else _fold_arrows(level.arrows, folded),
        row=level.places[box[-1]] - folded,
        followed=NOTHING if followed is None else clean(followed.name),
        back=followed is None or followed.start.way == "lineage",
    )


def _fold_rows(rows: Sequence[BoxRow]) -> BoxRow:
    """Return what comes in from outside, as one row."""
    label = clean(f"{len(rows)} from outside")
    lit = None if rows[0].lit is None else sum(row.lit or 0 for row in rows)
    steep = [row.influence for row in rows if row.influence is not None]
    return BoxRow(
        label, label, "", None, False, True, 0, 0, 0.0, 0,
        lit=lit, cells=sum(row.cells for row in rows), influence=max(steep, default=None),
    )  # fmt: skip


def _fold_arrows(arrows: Sequence[tuple[int, int]], by: int) -> tuple[tuple[int, int], ...]:
    """Return the arrows between rows of which the first `by` + 1 are one."""
    return tuple(sorted({(max(0, source - by), target - by) for source, target in arrows}))


def _row(
    box: DiagramBox[Node],
    whole: BlockDiagram[Node],
    notes: Mapping[str, BoxNote],
    titles: Mapping[str, str],
    followed: FollowedCells | None,
    spell: Callable[[CleanText], CleanText],
) -> BoxRow:
    inside = box.scope is not None
    note = notes.get(box.name.partition(":")[0] if inside else box.node.op)
    lesson = note.lesson if note is not None and note.lesson in titles else None
    lit, cells = (None, box.node.value.numel()) if followed is None else box.count_cells(followed.cells)
    steep = (
        [] if followed is None else [s for node in box.outputs if (s := followed.steepest(node)) is not None]
    )
    return BoxRow(
        name=box.name,
        label=spell(clean(box.label, LABEL)),
        op="" if inside else box.node.op,
        shape=box.node.shape,
        opens=inside,
        foreign=box.foreign,
        operations=len(box.nodes),
        multiplications=box.multiplications,
        share=box.multiplications / whole.multiplications if whole.multiplications else 0.0,
        products=box.products,
        words=NOTHING if note is None else spell(clean(note.words)),
        lesson=lesson,
        title=NOTHING if lesson is None else spell(clean(titles[lesson], 60)),
        lit=lit,
        cells=cells,
        influence=max(steep, default=None),
        is_start=followed is not None and followed.node in box.outputs,
    )
