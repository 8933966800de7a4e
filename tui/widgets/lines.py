"""A widget that shows rows of styled text and repaints only the columns that changed."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from tui.widgets.drawn import Drawn
from tui.widgets.rows import Row, changed, cleaned, fit, span_at, width_of


class Lines(Drawn):
    """Rows of text.

    Every segment carries a style, so that no line filter meets one without.
    """

    DEFAULT_CSS = "Lines { width: 100%; height: auto; }"

    class Pressed(Message):
        """A span with a command was clicked."""

        def __init__(self, command: str) -> None:
            super().__init__()
            self.command = command

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's
        super().__init__(id=id, classes=classes)
        self.rows: tuple[Row, ...] = ()
        self._given: tuple[Row, ...] = ()

    def show(self, rows: Sequence[Row]) -> None:
        """Shows these rows; what looks as before is not sent again."""
        glyphs = self.glyphs
        if glyphs.plain:
            rows = [tuple(span.with_text(glyphs.text(span.text)) for span in spans) for spans in rows]
        old, given = self.rows, self._given
        self._given = tuple(rows)
        self.rows = tuple(
            old[y] if y < len(given) and spans == given[y] else cleaned(spans)
            for y, spans in enumerate(self._given)
        )
        dirty = []
        for y in range(max(len(old), len(self.rows))):
            before = old[y] if y < len(old) else ()
            after = self.rows[y] if y < len(self.rows) else ()
            if before is after or before == after:
                continue
            columns = changed(before, after)
            if columns:
                dirty.append(Region(columns.start, y, len(columns), 1))
        if dirty:
            self.refresh(*dirty)

    def render_line(self, y: int) -> Strip:
        """One row as a strip as wide as the widget."""
        width = self.outer_size.width
        look, glyphs = self.look, self.glyphs
        spans = self.rows[y] if y < len(self.rows) else ()
        spans = fit(spans, width, glyphs.dots)
        segments = [Segment(span.text, look.style(span.role)) for span in spans if span.text]
        rest = width - width_of(spans)
        if rest > 0:
            segments.append(Segment(" " * rest, look.style("")))
        return Strip(segments, width).simplify()

    def on_click(self, event: events.Click) -> None:
        """Turns a click into the command of the span under it."""
        if event.y < len(self.rows):
            span = span_at(self.rows[event.y], event.x)
            if span is not None and span.do:
                event.stop()
                self.post_message(self.Pressed(span.do))
