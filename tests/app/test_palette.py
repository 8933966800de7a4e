"""The command palette: what is found by its words, and where it leads."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext, suppress

import pytest
from rich.style import Style
from textual._context import active_message_pump
from textual.events import Click

from tests.app.driving import Driver, opened
from tui.screens.pager import Pager
from tui.screens.palette import Lines, Palette


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
    [("nn.lin", "linear", 1), ("softmax makes", "scores", 5)],
    ids=["a lesson", "a stop of another lesson"],
)
@pytest.mark.slow
async def test_the_palette_opens(words: str, slug: str, stop: int) -> None:
    async with opened("matmul") as d:
        await choose(d, words, slug)
        assert (d.view.lesson.slug, d.view.at_stop.number) == (slug, stop)


@pytest.mark.parametrize("words", ["notebook", "file of your own"])
@pytest.mark.slow
async def test_the_palette_says_how_a_notebook_is_opened(words: str) -> None:
    async with opened("matmul") as d:
        await d.pilot.press("ctrl+p")
        await d.pilot.press(*words)
        await d.until_shown("Open a notebook or a file of your own")
        await d.until_shown("llm-linalg open NOTEBOOK.ipynb")


@pytest.mark.slow
async def test_the_help_leads_to_the_guides() -> None:
    async with opened("matmul") as d:
        await d.press("question_mark")
        while "F2  Read a guide" not in d.screen and "more below" in d.screen:
            await d.press("pagedown")
        assert "F2  Read a guide" in d.screen
        await d.press("escape")
        await choose(d, "settings", "matmul", "f2")
        assert isinstance(d.app.screen, Pager)
        assert "config.toml" in d.screen


async def test_a_click_on_a_line_that_is_gone_does_nothing() -> None:
    async with opened("matmul") as d:
        await d.pilot.press("ctrl+p")
        await d.app.workers.wait_for_complete()
        await d.pilot.pause()
        lines = d.app.screen.query_one(Lines)
        gone = Style.from_meta({"option": lines.option_count})
        x, y = (int(one) for one in lines.region.center)
        lines.post_message(Click(lines, 1, 1, 0, 0, 1, False, False, False, x, y, style=gone))
        await d.pilot.pause()
        assert isinstance(d.app.screen, Palette)
        assert d.app.failure is None


async def test_a_click_where_the_window_ends_by_now_does_nothing() -> None:
    async with opened("matmul") as d:
        await d.pilot.press("ctrl+p")
        palette = d.app.screen
        x, y = d.app.size.width + 12, d.app.size.height + 4  # the window was larger when it was clicked
        palette.post_message(Click(palette, x, y, 0, 0, 1, False, False, False, x, y))
        await d.pilot.pause()
        assert isinstance(d.app.screen, Palette)
        assert d.app.failure is None


async def test_there_is_one_palette_also_beneath_another_screen() -> None:
    async with opened("matmul") as d:
        await d.pilot.press("ctrl+p")
        d.app.push_screen(Pager("above", lambda _: []))
        await d.pilot.pause()
        d.app.action_command_palette()
        await d.pilot.pause()
        assert sum(isinstance(screen, Palette) for screen in d.app.screen_stack) == 1


async def test_a_palette_opens_while_the_last_one_is_being_closed() -> None:
    async with opened("matmul") as d:
        for _ in range(3):
            d.app.action_command_palette()
            await d.until_shown("Search for")
            d.app.screen.dismiss()
        d.app.action_command_palette()
        await d.until_shown("Search for")
        assert isinstance(d.app.screen, Palette)
        assert d.app.failure is None


@pytest.mark.parametrize("closed", [True, False])
async def test_only_what_fails_in_a_screen_that_is_there_ends_the_app(
    closed: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    """A search that is under way when its palette is closed misses the palette's widgets."""
    with nullcontext() if closed else pytest.raises(ValueError, match="missed"):
        async with opened("matmul") as d:
            await d.pilot.press("ctrl+p")
            palette = d.app.screen
            if closed:
                await d.press("escape")
            failing = active_message_pump.set(palette)
            d.app._handle_exception(ValueError("missed"))
            active_message_pump.reset(failing)
            assert (d.app.failure is None) == closed
    assert ("ValueError: missed" in capfd.readouterr().err) == closed


@pytest.mark.parametrize("leaving", [True, False], ids=["as the app ends", "while it goes on"])
async def test_a_search_that_fails_ends_nothing_once_the_app_is_ending(leaving: bool) -> None:
    going = asyncio.Event()

    async def search() -> None:
        with suppress(asyncio.CancelledError):
            await going.wait()
        raise KeyError("command-palette--help-text")

    async with opened("matmul") as d:
        await d.pilot.press("ctrl+p")
        worker = d.app.screen.run_worker(search())
        await d.pilot.pause()
        if leaving:
            d.app.leave(143)
        going.set()
        while not worker.is_finished:
            await asyncio.sleep(0)
        assert isinstance(worker.error, KeyError)
        assert (d.app.failure is None) == leaving
        assert d.app.return_code == (143 if leaving else 1)
        d.app._exception = None  # which the pilot would raise


@pytest.mark.parametrize("words", ["start", "begin", "door"])
@pytest.mark.slow
async def test_the_palette_leads_to_the_door_first(words: str) -> None:
    async with opened("matmul") as d:
        await d.pilot.press("ctrl+p", *words)
        await d.app.workers.wait_for_complete()  # what was found for fewer letters stands there until then
        await d.until_shown("Go to the door: start, or begin anew")
        await d.pilot.press("enter")
        await d.settle()
        assert d.session.door
