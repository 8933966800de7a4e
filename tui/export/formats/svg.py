"""SVG of screens: one picture, or an animation that plays by itself."""

from __future__ import annotations

from tui.export.format import Export, Format, Shot, Write


class SvgWriter:
    """Writes the screens of all shots into one picture."""

    def __init__(self, export: Export, write: Write) -> None:
        from tui.render.svg_drawing import ScreenSvg
        from tui.text.themes import THEMES, colours_of

        self._svg = ScreenSvg(export.title, export.size, colours_of(THEMES[export.theme]), write)

    def add(self, shot: Shot) -> None:
        """Draw the next screen."""
        self._svg.add(shot.screen, shot.seconds)

    def end(self) -> None:
        """Write the whole."""
        self._svg.end()


ANIMATION = Format("animation", (), "an SVG that plays by itself", SvgWriter, screens=True)
PICTURE = Format("svg", (".svg",), "one picture of the screen", SvgWriter, screens=True, single=True)
