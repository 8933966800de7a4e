"""A level of the map as rows of the stage: boxes one below the other, and beside them what reads which."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import isfinite, isnan

from rich.cells import cell_len

from llm_linalg.base.text import elide_title
from tui.files.course_progress import DONE, CourseProgress
from tui.model.map_view import BoxRow, MapView
from tui.model.window import window
from tui.text.glyphs import Glyphs
from tui.text.rows import Row, TextSpan, cut, fit

LABEL = 22  # columns of a label, at most
BAR = 10  # columns of a bar, at most
SHARE = 4  # columns of a share
COUNTED = ("multiplications", "products", "")  # what is counted, and in fewer columns
RAILS = 6  # arrows beside each other, at most
GAP = 2
NO_PROGRESS = CourseProgress()
HEAVY = str.maketrans("╭├╰│─┼┴┬", "┏┣┗┃━╋┻┳")
PLAIN = str.maketrans("╭├╰│─┼┴┬┏┣┗┃━╋┻┳→↓", "+++|-+++###H=###>v")


@dataclass(frozen=True, slots=True)
class Rail:
    """The arrows that leave one box for boxes further down, drawn as one line with branches."""

    source: int
    targets: frozenset[int]

    @property
    def last(self) -> int:
        """The row where it ends."""
        return max(self.targets)

    def at(self, row: int) -> str:
        """Return what of it stands in a row: where it starts, goes on, branches off, or ends."""
        if not self.source <= row <= self.last:
            return " "
        if row == self.source:
            return "╭"
        if row == self.last:
            return "╰"
        return "├" if row in self.targets else "│"


@dataclass(frozen=True, slots=True)
class MapColumns:
    """How the columns of a level are shared.

    Attributes:
        label, shape, count: Columns of each.
        bar: Columns of the longest bar.
        most: What that stands for.
        follows_cell: Whether a cell is followed: then the columns say how many cells and how steep.
        large: Whether each character takes the room of several: then a box has its shape and its share alone.
        word: What the count's column is headed by.
    """

    label: int
    shape: int
    count: int
    bar: int
    most: float
    follows_cell: bool
    large: bool = False
    word: str = ""

    @classmethod
    def of(cls, rows: Sequence[BoxRow], shown: MapView, width: int, *, large: bool = False) -> MapColumns:
        """Return the columns for some rows of a level, in a space of `width`."""
        followed = bool(shown.question)
        label = min(LABEL, max(cell_len(_label(row)) for row in rows))
        shape = max(5, *(len(row.sizes) for row in rows))
        if large:
            last = max(len(row.columns[1]) for row in rows)
            label = max(1, min(label, width - shape - last - 2 * GAP))
            return cls(label, shape, 0, 0, 1.0, followed, large)
        digits, last = (max(len(row.columns[k]) for row in rows) for k in range(2))
        room = width - shape - 3 * GAP - max(SHARE, last)  # of label and count: a number is never cut
        words = ("cells",) if followed else COUNTED
        word = next((word for word in words if max(len(word), digits) + label <= room), words[-1])
        count = max(len(word), digits)
        label = max(1, min(label, room - count))
        bar = max(0, min(BAR, width - label - shape - count - 3 * GAP - 6))
        sizes = [(row.influence or 0.0) if followed else row.share for row in shown.rows]
        sizes = list(filter(isfinite, sizes))
        return cls(
            label, shape, count, bar, max(sizes, default=0.0) if followed else 1.0, followed, word=word
        )

    @property
    def header(self) -> str:
        """What the columns hold."""
        last = "derivative" if self.follows_cell else "share"
        gap = " " * GAP
        return f"{'':<{self.label}}{gap}{'shape':<{self.shape}}{gap}{self.word:>{self.count}}{gap}{last}"

    def bar_of(self, row: BoxRow) -> int:
        """Return how long a box's bar is: none for NaN, the longest for infinity."""
        size = (row.influence or 0.0) if self.follows_cell else row.share
        if not isfinite(size):
            return 0 if isnan(size) else self.bar
        return round(self.bar * size / self.most) if self.most > 0 else 0


def map_rows(
    shown: MapView,
    width: int,
    height: int,
    glyphs: Glyphs,
    *,
    large: bool = False,
    progress: CourseProgress = NO_PROGRESS,
) -> list[Row]:
    """Return the level in `height` rows of at most `width` columns; the selected box is always among them.

    A box whose lesson was begun or done has its mark.

    Where it is to be drawn in `large` letters, it is names, shapes and shares alone.
    """
    headed = height > 3 and not large
    places = window(len(shown.rows), height - headed, range(shown.row, shown.row + 1))
    rails = rails_of(shown.arrows, places)
    edge = len(rails) + 5
    columns = MapColumns.of([shown.rows[place] for place in places], shown, width - edge, large=large)
    near = {target for source, target in shown.arrows if target == source + 1 and target in places}
    lit = {k for k, row in enumerate(shown.rows) if row.lit} if shown.question else set()
    lines: list[Row] = [(TextSpan(" " * edge), TextSpan(columns.header, "dim"))] if headed else []
    for place in places:
        lines.append(
            (
                *_arrows(place, rails, lit, place in near, glyphs),
                *_box(shown, place, columns, glyphs, progress),
            )
        )
    above = max(0, height - len(lines)) // 2
    return [*[()] * above, *(fit(line, width, glyphs.dots) for line in lines)]


Track = tuple[Rail, ...]
"""Rails that share a column: none of them stand in the same row."""


def rails_of(arrows: Sequence[tuple[int, int]], places: range) -> list[Track]:
    """Return the rails through some rows, by their columns from the left; short ones stand further in.

    Where there are more than there is room for, the longest are left out: the words name what a box reads.
    """
    far: dict[int, set[int]] = {}
    for source, target in arrows:
        if target != source + 1:
            far.setdefault(source, set()).add(target)
    rails = [Rail(source, frozenset(targets)) for source, targets in far.items()]
    rails = [rail for rail in rails if rail.source < places.stop and rail.last >= places.start]
    tracks: list[list[Rail]] = []
    for rail in sorted(rails, key=lambda rail: (rail.last - rail.source, rail.source)):
        for track in tracks:
            if all(rail.last < other.source or other.last < rail.source for other in track):
                track.append(rail)
                break
        else:
            if len(tracks) < RAILS:
                tracks.append([rail])
    return [tuple(track) for track in reversed(tracks)]


def _arrows(place: int, rails: Sequence[Track], lit: Collection[int], near: bool, glyphs: Glyphs) -> Row:
    """Return what stands before a box: rails, the head of an arrow that enters, one from the row above.

    What lies on the way that is followed is drawn heavier.
    """
    drawn: list[tuple[str, bool]] = []
    going = heavy = enters = False
    for track in rails:
        rail = next((rail for rail in track if rail.at(place) != " "), None)
        mark = " " if rail is None else rail.at(place)
        on = rail is not None and rail.source in lit
        ahead = on and rail is not None and any(target in lit for target in rail.targets if target >= place)
        ends_here = on and mark in "├╰" and place in lit
        if going and mark not in "├╭╰":
            drawn.append(("┼" if mark == "│" else "─", heavy or ahead))
        else:
            drawn.append(({"╭": "┬", "├": "┼", "╰": "┴"}[mark] if going else mark, ahead or ends_here))
        enters |= mark in "├╰"
        going |= mark in "╭├╰"
        heavy |= ends_here or (mark == "╭" and ahead)
    drawn.append(("─" if going else " ", heavy))
    drawn.append(("→" if enters else "─" if going else " ", heavy))
    drawn.append(("↓" if near else " ", place in lit and place - 1 in lit))
    spans = []
    for on, run in groupby(drawn, key=lambda mark: mark[1]):
        text = "".join(mark for mark, _ in run)
        text = text.translate(HEAVY) if on else text
        spans.append(TextSpan(text.translate(PLAIN) if glyphs.plain else text, "accent" if on else "rule"))
    return tuple(spans)


def _label(row: BoxRow, most: int = LABEL) -> str:
    return f"{row.label} ›" if row.opens and not row.foreign else elide_title(row.label, most)


def _box(shown: MapView, place: int, columns: MapColumns, glyphs: Glyphs, progress: CourseProgress) -> Row:
    """Return a box with its shape and what it takes; a click selects it, and goes in where it is selected."""
    row = shown.rows[place]
    number = place - shown.row + shown.place[0]
    picked, do = place == shown.row, "" if row.foreign else f"box:{number}"
    label = cut(glyphs.text(_label(row, columns.label)), columns.label, pad=True)
    gap = " " * GAP
    lit = columns.follows_cell and bool(row.lit)
    dim = "dim" if row.foreign or (columns.follows_cell and not lit) else ""
    chosen = "current" if columns.large else "picked"  # letters made of dots are hard to read reversed
    role = chosen if picked else "strong" if lit else dim
    count, last = row.columns
    if columns.large:
        shape = TextSpan(f"{gap}{row.sizes:<{columns.shape}}", dim, do)
        return (
            TextSpan(f"{glyphs.pointer if picked else ' '} {label}", role, do),
            shape,
            TextSpan(f"{gap}{last}", dim, do),
        )
    bar = glyphs.bar_full * columns.bar_of(row) if last else ""
    stage = progress.light(row.lesson)
    mark = glyphs.stages[stage] if stage else " "
    return (
        TextSpan(f"{glyphs.pointer if picked else ' '}", role, do),
        TextSpan(mark, "ok" if stage == DONE else "accent", do),
        TextSpan(label, role, do),
        TextSpan(f"{gap}{row.sizes:<{columns.shape}}", dim, do),
        TextSpan(f"{gap}{count:>{columns.count}}", dim or "strong", do),
        TextSpan(f"{gap}{last:<6}" if bar else f"{gap}{last}", dim, do),
        TextSpan(bar, "accent", do),
    )
