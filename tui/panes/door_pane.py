"""The door as rows: the sentence, a bar for each word that may come next, and the ways."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from tui.session.door import WAYS
from tui.text.glyphs import Glyphs
from tui.text.rows import Row, TextSpan, cut, row, width_of

if TYPE_CHECKING:
    from tui.model.frame import Frame

BAR = 40  # columns of a bar that stands for certainty
MOST_BARS = 8
KEPT_BARS = 5  # rows that are kept free for bars until they are there: nothing moves when they come
QUESTION = "What comes next? To a language model every word has a chance:"
PROMISE = "torch has just computed these bars. You will compute them yourself."


def door_rows(
    title: str, frame: Frame | None, width: int, height: int, glyphs: Glyphs, waiting: str
) -> list[Row]:
    """Return the door in `height` rows of at most `width` columns, or what it is `waiting` for."""
    words, title = chances(frame), _sentence(title, frame)
    bars = [_bar(*one, words, width, glyphs) for one in words]
    if waiting and not bars:
        bars = [()] * KEPT_BARS
    ways = [
        row((f"  {way.key}  ", "key", f"door.{way.name}"), (way.text, "strong", f"door.{way.name}"))
        for way in WAYS
    ]
    promise = row((PROMISE, "label")) if words else row((glyphs.text(waiting), "dim")) if waiting else ()
    rows = [row((title, "title")), (), row((QUESTION, "")), (), *bars, (), promise, (), *ways]
    above = max(0, height - len(rows)) // 3
    left = max(0, (width - max(len(PROMISE), *map(width_of, rows))) // 3)
    return [*[()] * above, *((TextSpan(" " * left), *spans) if spans else () for spans in rows)][:height]


def chances(frame: Frame | None) -> list[tuple[str, float]]:
    """Return the words of a picture's result with their chances, if it is a distribution over words."""
    panel = None if frame is None else next((one for one in frame.stage.panels if one.role == "result"), None)
    if panel is None or len(panel.shape) != 1 or not panel.shape[0] <= MOST_BARS:
        return []
    edge = panel.row_edge if panel.row_axis is not None else panel.column_edge
    values = [value for line in panel.cells.values(range(panel.rows), range(panel.columns)) for value in line]
    numbers = [float(value) for value in values if isinstance(value, int | float) and isfinite(value)]
    whole = len(numbers) == len(edge.labels) == panel.shape[0] and abs(sum(numbers) - 1) < 1e-3
    return list(zip(edge.labels, numbers, strict=True)) if whole else []


def door_words(title: str, frame: Frame | None) -> list[str]:
    """Return the door as lines of text, for where there is no screen."""
    words = chances(frame)
    bars = [f"  {label} {chance:.2f}" for label, chance in words]
    return [
        _sentence(title, frame),
        QUESTION,
        *bars,
        *([PROMISE] if bars else []),
        *(f"{way.key}  {way.text}" for way in WAYS),
    ]


def _sentence(title: str, frame: Frame | None) -> str:
    """Return the sentence that the bars go on with: what the program prints, and until then the title."""
    printed = "" if frame is None else frame.listing.own_printed
    return printed.split("\n", 1)[0] or title


def _bar(label: str, chance: float, words: list[tuple[str, float]], width: int, glyphs: Glyphs) -> Row:
    wide = max(len(name) for name, _ in words)
    room = max(1, min(BAR, width - wide - 12))
    best = chance == max(value for _, value in words)
    length = round(room * chance)
    role = "current" if best else "accent"
    return row(
        (f"  {cut(label, wide, pad=True)}  ", "strong" if best else ""),
        (glyphs.bar_full * length, role),
        (f" {chance:.2f}", role),
    )
