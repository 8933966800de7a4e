"""Four themes, each a table of roles.

Every colour of the coloured themes is one of the 256 colours that an SSH session without COLORTERM
has, given exactly, so that nothing that differs in truecolor falls together there. Meaning is carried
by glyph, bracket and weight first; colour comes on top.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from rich.color import Color, ColorSystem
from rich.style import Style
from textual.theme import Theme as TextualTheme

DEFAULT_THEME = "dark"
STRENGTHS = 4  # of the value scale, on each side of the background
INK, PAPER = "ink-", "paper-"  # roles that name a colour of their own, as a picture's points: ink-ff8700


class Theme(NamedTuple):
    """One theme: what Textual's own widgets use, and what each role of ours is drawn with.

    Attributes:
        textual_theme: the colours for Textual's own widgets (palette, input).
        base: foreground and background that every role starts from, as a Rich style.
        roles: role to Rich style; a role that is missing is drawn as `base`.
        negative, positive: backgrounds of the value scale, from weak to strong.
    """

    textual_theme: TextualTheme
    base: str
    roles: Mapping[str, str]
    negative: tuple[str, ...] = ()
    positive: tuple[str, ...] = ()
    colourless: bool = False

    @property
    def name(self) -> str:
        """The theme's name, as `--theme` takes it."""
        return self.textual_theme.name

    def style(self, role: str) -> Style:
        """Return the style of a role; several roles may be joined by a space, the later on top."""
        return _style(self.name, role)

    def part(self, role: str) -> Style:
        """Return what a role adds to the style that a text has already."""
        return _parse(self.roles.get(role, ""))

    def heat(self, level: float | None, role: str, *, few: bool = False) -> Style:
        """Return the style of a cell whose value is `level` (−1 to 1) of the range that the colour maps.

        Where a terminal has a `few` colours only, the scale has two steps on each side.
        """
        style = self.style(role)
        negative, positive = (FEW_NEGATIVE, FEW_POSITIVE) if few else (self.negative, self.positive)
        scale = () if self.colourless else negative if level is not None and level < 0 else positive
        if level is None or not scale:
            return style
        strength = step_of(level, len(scale))
        return style if strength == 0 else style + _parse(scale[strength - 1])

    def halves(self, upper: int, lower: int) -> Style:
        """Return the style of `▀` whose halves are so strong; 0 is a shade beside the background, −1 it."""
        scale = [f"on {self.textual_theme.surface}", *self.positive, self.base]
        above, below = (_parse(scale[strength]).bgcolor for strength in (upper, lower))
        return Style(color=above, bgcolor=below)


# The value scale where there are 16 colours: chosen by hand, since nearest colours would mix the signs.
FEW_NEGATIVE = ("bright_white on blue", "black on bright_blue")
FEW_POSITIVE = ("black on yellow", "black on bright_yellow")


def step_of(level: float, steps: int) -> int:
    """Return which of `steps` strengths a level has; 0 is the background, in the middle of the scale."""
    size = min(1.0, abs(level))
    return 0 if size < 0.5 / (steps + 1) else min(steps, 1 + int(size * steps - 1e-9))


@lru_cache(256)
def _parse(spec: str) -> Style:
    """Return a Rich style, its colours as numbers of the 256.

    They look the same, and half the bytes say them.
    """
    return Style.parse(re.sub(r"#[0-9a-f]{6}", lambda found: f"color({_number(found[0])})", spec))


def _number(colour: str) -> int:
    number = Color.parse(colour).downgrade(ColorSystem.EIGHT_BIT).number
    return 0 if number is None else number


@lru_cache(512)
def _style(name: str, roles: str) -> Style:
    theme = THEMES[name]
    style = _parse(theme.base)
    for role in roles.split():
        colour = role.replace(INK, "#").replace(PAPER, "on #") if role.startswith((INK, PAPER)) else ""
        style += _parse(theme.roles.get(role, colour))
    return style


_WEIGHTS: dict[str, str] = {
    "strong": "bold",
    "emphasis": "italic",
    "title": "bold",
    "key": "bold",
    "current": "bold",
    "read": "bold",
    "factor": "bold",
    "write": "bold",
    "cursor": "bold reverse",
    "made": "bold",
    "fed": "underline",
    "link": "underline",
    "clash": "bold reverse",
    "error": "bold",
    "picked": "reverse",
    "open": "bold",
    "code-now": "bold",
    "keyword": "bold",
    "mark": "underline",
}


def _roles(colours: Mapping[str, str]) -> dict[str, str]:
    names = [*_WEIGHTS, *(name for name in colours if name not in _WEIGHTS)]
    return {name: f"{_WEIGHTS.get(name, '')} {colours.get(name, '')}".strip() for name in names}


def _slices(*colours: str) -> dict[str, str]:
    """Return the roles of the slices of a tensor, which follow each other."""
    return {f"slice-{number}": colour for number, colour in enumerate(colours)}


DARK = Theme(
    TextualTheme(
        name="dark", primary="#5fafff", secondary="#87d7d7", accent="#ffaf00", warning="#ffaf00",
        error="#ff5f5f", success="#87d787", foreground="#d0d0d0", background="#1c1c1c", surface="#262626",
        panel="#303030", dark=True,
    ),
    "#d0d0d0 on #1c1c1c",
    _roles({
        "dim": "#808080", "rule": "#4e4e4e", "strong": "#ffffff", "title": "#ffffff", "accent": "#5fafff",
        "key": "#5fd7d7", "current": "#ffd75f", "pending": "#808080", "read": "#87d7ff", "factor": "#ffd75f",
        "write": "#ffd75f", "made": "#87d7ff", "fed": "#afd787", "masked": "#6c6c6c", "error": "#ff5f5f",
        "ok": "#87d787", "open": "#5fafff", "part": "#a8a8a8", "code-now": "#ffffff", "label": "#a8a8a8",
        "clash": "#ff5f5f", "link": "#87d7ff",
        "editor": "on #262626", "editor-line": "on #303030", "keyword": "#ff87af", "string": "#afd787",
        "number": "#ffd787", "comment": "#808080", "call": "#87d7ff", "note": "#8787af", "mark": "#ff5f5f",
        **_slices("#87d7ff", "#afd787", "#d7afff", "#ff87af", "#5fd7d7", "#d7af87"),
    }),
    ("#d0d0d0 on #00005f", "#ffffff on #005f87", "#ffffff on #0087d7", "#000000 on #5fafff"),
    ("#ffffff on #875f00", "#000000 on #d78700", "#000000 on #ffaf00", "#000000 on #ffd787"),
)  # fmt: skip

LIGHT = Theme(
    TextualTheme(
        name="light", primary="#005faf", secondary="#005f5f", accent="#af5f00", warning="#af5f00",
        error="#af0000", success="#005f00", foreground="#262626", background="#ffffff", surface="#eeeeee",
        panel="#e4e4e4", dark=False,
    ),
    "#262626 on #ffffff",
    _roles({
        "dim": "#767676", "rule": "#b2b2b2", "strong": "#000000", "title": "#000000", "accent": "#005faf",
        "key": "#005f87", "current": "#af5f00", "pending": "#767676", "read": "#005faf", "factor": "#af5f00",
        "write": "#af5f00", "made": "#005faf", "fed": "#005f00", "masked": "#949494", "error": "#af0000",
        "ok": "#005f00", "open": "#005faf", "part": "#585858", "code-now": "#000000", "label": "#585858",
        "clash": "#af0000", "link": "#005faf",
        "editor": "on #eeeeee", "editor-line": "on #e4e4e4", "keyword": "#af005f", "string": "#005f00",
        "number": "#875f00", "comment": "#767676", "call": "#005faf", "note": "#5f5f87", "mark": "#af0000",
        **_slices("#005faf", "#005f00", "#5f5faf", "#af005f", "#005f5f", "#875f00"),
    }),
    ("#000000 on #afd7ff", "#000000 on #5fafff", "#ffffff on #0087ff", "#ffffff on #005faf"),
    ("#000000 on #ffd7af", "#000000 on #ffaf5f", "#000000 on #d78700", "#ffffff on #af5f00"),
)  # fmt: skip

CONTRAST = Theme(
    TextualTheme(
        name="high-contrast", primary="#00ffff", secondary="#00ffff", accent="#ffff00", warning="#ffff00",
        error="#ff5f5f", success="#00ff00", foreground="#ffffff", background="#000000", surface="#000000",
        panel="#262626", dark=True,
    ),
    "#ffffff on #000000",
    _roles({
        "dim": "#c6c6c6", "rule": "#9e9e9e", "accent": "#00ffff", "key": "#00ffff", "current": "#ffff00",
        "pending": "#c6c6c6", "read": "#00ffff", "factor": "#000000 on #ffff00", "write": "#ffff00",
        "made": "#00ffff", "fed": "#00ff00", "masked": "#9e9e9e", "error": "#ff8787", "ok": "#00ff00",
        "open": "#00ffff", "link": "#00ffff", "part": "#ffffff", "clash": "#ff8787",
        "editor-line": "on #262626", "keyword": "#ff87ff", "string": "#00ff00", "number": "#ffff00",
        "comment": "#c6c6c6", "call": "#00ffff", "note": "#c6c6c6", "mark": "#ff8787",
        **_slices("#00ffff", "#00ff00", "#d787ff", "#ff87d7", "#87ffd7", "#ffaf5f"),
    }),
    ("#ffffff on #00005f", "#ffffff on #0000d7", "#000000 on #5f87ff", "#000000 on #afd7ff"),
    ("#ffffff on #875f00", "#000000 on #d78700", "#000000 on #ffaf00", "#000000 on #ffd787"),
)  # fmt: skip

_DEFAULTS = dict.fromkeys(
    (
        *("ansi-background", "ansi-foreground", "input-cursor-background", "input-cursor-foreground"),
        *("input-selection-background", "input-selection-foreground", "block-cursor-foreground"),
        *("block-cursor-background", "border", "border-blurred", "scrollbar", "scrollbar-hover"),
        *("scrollbar-active", "scrollbar-background", "scrollbar-corner-color"),
        *("scrollbar-background-hover", "scrollbar-background-active", "block-hover-background"),
        *("screen-selection-background", "screen-selection-foreground"),
    ),
    "ansi_default",
)

COLOURLESS = Theme(
    TextualTheme(
        name="no-colour", ansi=True, primary="ansi_default", secondary="ansi_default", warning="ansi_default",
        error="ansi_default", success="ansi_default", accent="ansi_default", foreground="ansi_default",
        background="ansi_default", surface="ansi_default", panel="ansi_default", boost="ansi_default",
        dark=True,
        variables={**_DEFAULTS, "input-cursor-text-style": "reverse", "block-cursor-text-style": "reverse"},
    ),
    "default on default",
    _roles({"pending": "dim", "masked": "dim", "comment": "dim", "note": "dim"}),
    colourless=True,
)  # fmt: skip

THEMES: dict[str, Theme] = {theme.name: theme for theme in (DARK, LIGHT, CONTRAST, COLOURLESS)}


def colours_of(theme: Theme) -> tuple[str, str]:
    """Return the colours of text and background where a style names none.

    The dark ones where there is no colour.
    """
    foreground, _, background = (DARK.base if theme.colourless else theme.base).partition(" on ")
    return foreground, background
