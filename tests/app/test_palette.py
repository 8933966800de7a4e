"""The command palette: what is found by its words, and where it leads."""

from __future__ import annotations

import pytest

from tests.app.driving import Driver, opened
from tui.screens.explorer import ExplorerScreen
from tui.screens.pager import Pager


async def choose(d: Driver, words: str, slug: str, key: str = "ctrl+p") -> None:
    """Types words into the palette that a key opens, and runs the first thing that it finds."""
    await d.pilot.press(key)
    await d.pilot.press(*words)
    await d.app.workers.wait_for_complete()
    await d.pilot.pause()
    await d.pilot.press("enter")
    await d.settle()
    if d.view.lesson.slug != slug:  # the first enter chose, the second runs
        await d.pilot.press("enter")
        await d.settle()


@pytest.mark.parametrize(
    ("words", "slug", "stop"),
    [("nn.lin", "linear", 1), ("softmax without", "scores", 5)],
    ids=["a lesson", "a stop of another lesson"],
)
async def test_the_palette_opens(words: str, slug: str, stop: int) -> None:
    async with opened("matmul") as d:
        await choose(d, words, slug)
        assert (d.view.lesson.slug, d.view.at_stop.number) == (slug, stop)


async def test_the_palette_opens_a_guide() -> None:
    async with opened("matmul") as d:
        await choose(d, "guide settings", "matmul")
        assert isinstance(d.app.screen, Pager)
        assert "config.toml" in d.screen
        await d.press("escape")
        assert isinstance(d.app.screen, ExplorerScreen)


@pytest.mark.parametrize("words", ["open", "notebook", "file of your own"])
async def test_the_palette_says_how_a_notebook_is_opened(words: str) -> None:
    async with opened("matmul") as d:
        await d.pilot.press("ctrl+p")
        await d.pilot.press(*words)
        await d.until_shown("Open a notebook or a file of your own")
        await d.until_shown("llm-linalg open NOTEBOOK.ipynb")


async def test_the_help_leads_to_the_guides() -> None:
    async with opened("matmul") as d:
        await d.press("question_mark", "pagedown", "pagedown", "pagedown")
        assert "F2  Read a guide" in d.screen
        await d.press("escape")
        await choose(d, "settings", "matmul", "f2")
        assert isinstance(d.app.screen, Pager)
        assert "config.toml" in d.screen


async def test_the_palette_opens_lessons_from_the_help_too() -> None:
    async with opened("matmul") as d:
        await d.press("question_mark")
        assert not isinstance(d.app.screen, ExplorerScreen)
        await choose(d, "nn.lin", "linear")
        assert d.view.lesson.slug == "linear"
        assert isinstance(d.app.screen, ExplorerScreen)
