"""The command palette: what is found by its words, and where it leads."""

from __future__ import annotations

from tests.app.driving import opened


async def test_the_palette_opens_lessons() -> None:
    async with opened("matmul") as d:
        await d.pilot.press("ctrl+p")
        await d.pilot.press(*"nn.lin")
        await d.app.workers.wait_for_complete()
        await d.pilot.pause()
        await d.pilot.press("enter")
        await d.settle()
        if d.view.lesson.slug != "linear":  # the first enter chose, the second runs
            await d.pilot.press("enter")
            await d.settle()
        assert d.view.lesson.slug == "linear"


async def test_the_palette_finds_a_stop_of_another_lesson() -> None:
    async with opened("matmul") as d:
        await d.pilot.press("ctrl+p")
        await d.pilot.press(*"softmax without")
        await d.app.workers.wait_for_complete()
        await d.pilot.pause()
        await d.pilot.press("enter")
        await d.settle()
        if d.view.lesson.slug != "scores":  # the first enter chose, the second runs
            await d.pilot.press("enter")
            await d.settle()
        assert (d.view.lesson.slug, d.view.at_stop.title) == ("scores", "Softmax without it")
