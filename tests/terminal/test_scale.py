"""The value scale keeps its steps apart: at every depth, on dark and on light, and for every kind of eye."""

from __future__ import annotations

from itertools import pairwise

import pytest
from rich.color import Color, ColorSystem
from rich.terminal_theme import TerminalTheme

from tests.terminal.vision import Eye, distance, lab
from tui.text.themes import THEMES, Theme

EYES: tuple[Eye, ...] = ("usual", "protanope", "deuteranope")
COLOURED = [name for name, look in THEMES.items() if not look.colourless]
LEVELS = (-1.0, -0.7, -0.45, -0.2, 0.0, 0.2, 0.45, 0.7, 1.0)
FEW = (-1.0, -0.3, 0.0, 0.3, 1.0)
NEIGHBOURS, ENDS = 7.0, 40.0  # CIE76; 2.3 is just noticeable side by side
# xterm's own sixteen colours: other terminals' are the user's, and near to these.
XTERM = TerminalTheme(
    (0, 0, 0),
    (229, 229, 229),
    [
        (0, 0, 0),
        (205, 0, 0),
        (0, 205, 0),
        (205, 205, 0),
        (0, 0, 238),
        (205, 0, 205),
        (0, 205, 205),
        (229, 229, 229),
    ],
    [
        (127, 127, 127),
        (255, 0, 0),
        (0, 255, 0),
        (255, 255, 0),
        (92, 92, 255),
        (255, 0, 255),
        (0, 255, 255),
        (255,) * 3,
    ],
)


def backgrounds(look: Theme, depth: ColorSystem) -> list[tuple[int, int, int]]:
    """The scale's backgrounds, the most negative first, as a terminal of this depth has them."""
    few = depth is ColorSystem.STANDARD
    found = []
    for level in FEW if few else LEVELS:
        colour = look.heat(level, "", few=few).bgcolor or Color.default()
        triplet = colour.downgrade(depth).get_truecolor(XTERM, foreground=False)
        found.append((triplet.red, triplet.green, triplet.blue))
    return found


@pytest.mark.parametrize("eye", EYES)
@pytest.mark.parametrize(
    "depth", [ColorSystem.TRUECOLOR, ColorSystem.EIGHT_BIT, ColorSystem.STANDARD], ids=str
)
@pytest.mark.parametrize("name", COLOURED)
def test_neighbours_and_ends_are_apart(name: str, depth: ColorSystem, eye: Eye) -> None:
    scale = backgrounds(THEMES[name], depth)
    steps = [distance(one, other, eye) for one, other in pairwise(scale)]
    assert min(steps) >= NEIGHBOURS, steps
    assert distance(scale[0], scale[-1], eye) >= ENDS
    for left, right in zip(scale, reversed(scale[len(scale) // 2 + 1 :]), strict=False):
        assert distance(left, right, eye) >= ENDS / 2, "the two signs of one strength"


@pytest.mark.parametrize("depth", [ColorSystem.EIGHT_BIT, ColorSystem.STANDARD], ids=str)
@pytest.mark.parametrize("name", COLOURED)
def test_a_number_can_be_read_on_every_step(name: str, depth: ColorSystem) -> None:
    few = depth is ColorSystem.STANDARD
    for level in FEW if few else LEVELS:
        style = THEMES[name].heat(level, "", few=few)
        colours = (style.color or Color.default(), style.bgcolor or Color.default())
        ink, paper = (
            colour.downgrade(depth).get_truecolor(XTERM, foreground=k == 0)
            for k, colour in enumerate(colours)
        )
        assert (
            abs(lab((ink.red, ink.green, ink.blue))[0] - lab((paper.red, paper.green, paper.blue))[0]) >= 35
        ), (level, ink, paper)


def test_the_ruler_itself() -> None:
    assert lab((255, 255, 255)) == pytest.approx((100, 0, 0), abs=0.02)
    assert lab((255, 0, 0)) == pytest.approx((53.24, 80.09, 67.2), abs=0.05)
    assert distance((255, 0, 0), (0, 160, 0)) > 100
    assert distance((210, 60, 0), (130, 120, 0), "deuteranope") < distance((210, 60, 0), (130, 120, 0)) / 2
    for eye in EYES:
        assert lab((128, 128, 128), eye)[0] == pytest.approx(lab((128, 128, 128))[0], abs=1)


@pytest.mark.parametrize("name", COLOURED)
def test_the_background_is_in_the_middle(name: str) -> None:
    look = THEMES[name]
    assert look.heat(0.0, "") == look.style("")
    scale = backgrounds(look, ColorSystem.EIGHT_BIT)
    light = [lab(colour)[0] for colour in scale]
    centre = len(scale) // 2
    away = [abs(value - light[centre]) for value in light]
    assert away[:centre] == sorted(away[:centre], reverse=True)
    assert away[centre:] == sorted(away[centre:])
