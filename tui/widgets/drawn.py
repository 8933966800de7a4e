"""A widget that is nothing but rows: no border, no padding, no opacity, so none is worked out for a step."""

from __future__ import annotations

from typing import ClassVar, Self

from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from tui.themes import DARK, UNICODE, Glyphs, Look


class Drawn(Widget, inherit_css=False):
    """Rows on the Line API, each kept until it is refreshed. Never focusable, selectable or scrolled.

    A style sheet may place and size it, and no more: Textual's box around a widget is left out, which costs
    more at each step than the rows themselves.
    """

    ALLOW_SELECT: ClassVar[bool] = False
    can_focus = False

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's
        super().__init__(id=id, classes=classes)
        self._kept: dict[int, Strip] = {}
        self._kept_size = Size(0, 0)
        self._page: list[Strip] | None = None  # all rows, until one is refreshed

    @property
    def look(self) -> Look:
        """The theme in force."""
        return look_of(self)

    @property
    def glyphs(self) -> Glyphs:
        """The characters in force."""
        return glyphs_of(self)

    def refresh(
        self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False
    ) -> Self:
        """Forgets the rows that have to be drawn anew: those of the regions, or all."""
        self._page = None
        if regions and not (layout or recompose):
            for region in regions:
                for y in region.line_range:
                    self._kept.pop(y, None)
        else:
            self._kept.clear()
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def render_lines(self, crop: Region) -> list[Strip]:
        """The rows of a region of the widget, those that were kept as they are.

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
            for line_filter in self.get_line_filters():
                strip = strip.apply_filter(line_filter, self.background_colors[1])
            self._kept[y] = strip
        return strip

    def render_line(self, y: int) -> Strip:  # noqa: ARG002 - every row is alike
        """One row; an empty one unless a widget says otherwise."""
        return Strip.blank(self.outer_size.width, self.look.style(""))


def look_of(widget: Widget) -> Look:
    """The theme in force for a widget; the app has it, and a bare test app gets the dark one."""
    look = getattr(widget.app, "look", DARK)
    return look if isinstance(look, Look) else DARK


def glyphs_of(widget: Widget) -> Glyphs:
    """The characters in force for a widget."""
    glyphs = getattr(widget.app, "glyphs", UNICODE)
    return glyphs if isinstance(glyphs, Glyphs) else UNICODE
