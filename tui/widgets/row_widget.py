"""The base of our panes: rows of styled text, of which only the columns that changed are painted again.

It has no border, no padding and no opacity, so none is worked out for a step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tui.text.glyphs import Glyphs
from tui.text.heat import segment
from tui.text.rows import Row, clean_row, differing_columns, fit, span_at, width_of
from tui.text.themes import Theme
from tui.widgets.appearance import appearance_of

_FAINT = Style(dim=True)


class CommandClicked(Message):
    """A span with a command was clicked."""

    def __init__(self, command: str) -> None:
        super().__init__()
        self.command = command


class RowWidget(Widget, inherit_css=False):
    """Rows on the Line API, each kept until it is refreshed. Never focusable, selectable or scrolled.

    `show` gives it rows of text; a widget whose rows are made otherwise has its own `render_line`, one that
    only holds others has none. A style sheet may place and size it, and no more: Textual's box around a
    widget is left out, which costs more at each step than the rows themselves. Every segment carries a
    style, so that no line filter meets one without.
    """

    ALLOW_SELECT: ClassVar[bool] = False
    DEFAULT_CSS = "RowWidget { width: 100%; height: auto; }"
    can_focus = False

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's
        super().__init__(id=id, classes=classes)
        self.rows: tuple[Row, ...] = ()
        self._given: tuple[Row, ...] = ()
        self._kept: dict[int, Strip] = {}
        self._kept_size = Size(0, 0)
        self._page: list[Strip] | None = None  # all rows, until one is refreshed
        self._faded = False

    @property
    def theme(self) -> Theme:
        """The theme in force."""
        return theme_of(self)

    @property
    def glyphs(self) -> Glyphs:
        """The characters in force."""
        return glyphs_of(self)

    def fade(self, faded: bool) -> None:
        """Show the rows faintly, as of a picture that is not yet what was asked for; or as they are."""
        if faded != self._faded:
            self._faded = faded
            self.refresh()

    def refresh(
        self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False
    ) -> Self:
        """Forget the rows that have to be drawn again: those of the regions, or all."""
        self._page = None
        if regions and not (layout or recompose):
            for region in regions:
                for y in region.line_range:
                    self._kept.pop(y, None)
        else:
            self._kept.clear()
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the rows of a region of the widget, those that were kept as they are.

        The compositor asks every widget for all of its rows whenever one of them has changed anything.
        """
        size = self.outer_size  # there is no box, and the size inside of one costs more than a row
        if size != self._kept_size:
            self._kept.clear()
            self._kept_size = size
            self._page = None
        if crop == size.region:
            if self._page is None:
                self._page = [self._strip(y) for y in crop.line_range]
            return self._page
        strips = [self._strip(y) for y in crop.line_range]
        if crop.column_span != (0, size.width):
            strips = [strip.crop(*crop.column_span) for strip in strips]
        return strips

    def _strip(self, y: int) -> Strip:
        strip = self._kept.get(y)
        if strip is None:
            strip = self.render_line(y)
            if self._faded:
                strip = strip.apply_style(_FAINT)
            for line_filter in self.get_line_filters():
                strip = strip.apply_filter(line_filter, self.background_colors[1])
            self._kept[y] = strip
        return strip

    def show(self, rows: Sequence[Row]) -> None:
        """Show these rows; what looks as before is not sent again."""
        glyphs = self.glyphs
        if glyphs.plain:
            rows = [tuple(span.with_text(glyphs.text(span.text)) for span in spans) for spans in rows]
        old, given = self.rows, self._given
        self._given = tuple(rows)
        self.rows = tuple(
            old[y] if y < len(given) and spans == given[y] else clean_row(spans)
            for y, spans in enumerate(self._given)
        )
        dirty = []
        for y in range(max(len(old), len(self.rows))):
            before = old[y] if y < len(old) else ()
            after = self.rows[y] if y < len(self.rows) else ()
            if before is after or before == after:
                continue
            columns = differing_columns(before, after)
            if columns:
                dirty.append(Region(columns.start, y, len(columns), 1))
        if dirty:
            self.refresh(*dirty)

    def render_line(self, y: int) -> Strip:
        """Return one row as a strip as wide as the widget."""
        width = self.outer_size.width
        theme, glyphs = self.theme, self.glyphs
        spans = self.rows[y] if y < len(self.rows) else ()
        spans = fit(spans, width, glyphs.dots)
        few = appearance_of(self.app).few_colours
        segments = [segment(span, theme, glyphs, few=few) for span in spans if span.text]
        rest = width - width_of(spans)
        if rest > 0:
            segments.append(Segment(" " * rest, theme.style("")))
        return Strip(segments, width).simplify()

    def on_click(self, event: events.Click) -> None:
        """Turn a click into the command of the span under it."""
        if event.y < len(self.rows):
            span = span_at(self.rows[event.y], event.x)
            if span is not None and span.do:
                event.stop()
                self.post_message(CommandClicked(span.do))


def theme_of(widget: Widget) -> Theme:
    """Return the theme in force for a widget; a bare app gets the dark one."""
    return appearance_of(widget.app).theme


def glyphs_of(widget: Widget) -> Glyphs:
    """Return the characters in force for a widget."""
    return appearance_of(widget.app).glyphs
