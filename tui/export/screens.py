"""Scenes as screens: the app itself draws them, without a terminal. There is no second renderer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from textual.strip import Strip

from tui.app import Explorer, Options
from tui.export.scenes import Scene

Screen = list[Strip]


def draw(
    scenes: Sequence[Scene], size: tuple[int, int], options: Options, take: Callable[[Scene, Screen], None]
) -> None:
    """Draws each scene, in order, and hands its rows on: the same rows each time.

    A lesson and a deck stand on a clean stage, as in a talk; a script has the whole screen.
    """
    asyncio.run(_draw(scenes, size, options, take))


async def _draw(
    scenes: Sequence[Scene], size: tuple[int, int], options: Options, take: Callable[[Scene, Screen], None]
) -> None:
    first = scenes[0].session
    app = Explorer(first.view, first.lessons, options, first.talk)
    async with app.run_test(size=size) as pilot:
        for scene in scenes:
            app.explorer.update_session(scene.session)
            await pilot.pause()
            while not app.explorer.settled:
                await pilot.pause()
            take(scene, app.screen._compositor.render_strips())  # noqa: SLF001 - no public way gives the cells
