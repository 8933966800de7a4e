"""How an app looks: its theme, its characters, how much it may send, and whether anything moves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual.app import App
from textual.filter import LineFilter, NoColor

from tui.text.glyphs import ASCII, UNICODE, Glyphs
from tui.text.themes import DARK, DEFAULT_THEME, THEMES, Theme


class Appearance:
    """The appearance of an app, which has it as its `appearance`.

    Attributes:
        unasked_theme: the theme that the app started with, or that follows the background.
        sparing: whether as little as possible is sent.
        motion: whether a drawing moves from one step to the next.
    """

    def __init__(
        self,
        app: App[Any],
        theme: str = "",
        *,
        ascii_only: bool = False,
        sparing: bool = False,
        motion: bool = False,
    ) -> None:
        """Give the app our themes, and this one of them; without a name it keeps the theme that it has."""
        self._app = app
        self._ascii_only = ascii_only
        self.sparing = sparing
        self.motion = motion and not sparing
        if theme:
            for one in THEMES.values():
                app.register_theme(one.textual_theme)
            app.theme = theme
        self.unasked_theme = theme

    @property
    def theme(self) -> Theme:
        """The theme in force."""
        return THEMES.get(self._app.theme, DARK)

    @property
    def glyphs(self) -> Glyphs:
        """The characters in force."""
        return ASCII if self._ascii_only else UNICODE

    @property
    def few_colours(self) -> bool:
        """Whether the terminal has 16 colours; a headless picture never depends on the terminal."""
        return not self._app.is_headless and self._app.console.color_system == "standard"

    @property
    def line_filters(self) -> Sequence[LineFilter]:
        """Colour goes with the theme alone: what the environment says was decided before.

        Our colours are those of the 256 and need no translation to others.
        """
        return [NoColor()] if self.theme.colourless else []

    def follow_background(self, light: bool) -> None:
        """Take the light theme on a light background, unless another was chosen meanwhile."""
        if self._app.theme == self.unasked_theme:
            self._app.theme = self.unasked_theme = "light" if light else DEFAULT_THEME


def appearance_of(app: App[Any]) -> Appearance:
    """Return the appearance of an app; that of the dark theme for one that has none, as in tests."""
    appearance = getattr(app, "appearance", None)
    return appearance if isinstance(appearance, Appearance) else Appearance(app)
