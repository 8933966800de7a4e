"""Run the app without a terminal, and give its screen as characters, SVG or ANSI."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from rich.console import Console
from textual.worker import WorkerCancelled

from llm_linalg.base.text import CleanText, clean_lines
from tui.app import Explorer, Options
from tui.model.view import View
from tui.render.svg_drawing import ScreenSvg
from tui.session.session import Session
from tui.terminal.textual_private import screen_rows, still_rows
from tui.text.themes import colours_of

if TYPE_CHECKING:
    from tui.session.presentation.state import Talk

Format = Literal["screen", "svg", "ansi"]


def render(
    view: View,
    size: tuple[int, int],
    format: Format,  # noqa: A002 - the name of the flag
    *,
    theme: str = "dark",
    ascii: bool = False,  # noqa: A002 - the name of the flag
    talk: Talk | None = None,
) -> CleanText:
    """Return the screen of a view in a terminal of `size` columns and rows: the same text each time.

    A stop of a talk stands on the stage.
    """
    return render_all([view], size, format, theme=theme, ascii=ascii, talk=talk)[0]


def render_all(
    views: Iterable[View],
    size: tuple[int, int],
    format: Format,  # noqa: A002 - the name of the flag
    *,
    theme: str = "dark",
    ascii: bool = False,  # noqa: A002
    talk: Talk | None = None,
) -> list[CleanText]:
    """Return the screens of several views, one after the other in one app."""

    async def collect() -> list[CleanText]:
        options = Options(theme=theme, ascii_only=ascii, motion=False)
        return [picture async for picture in pictures(list(views), size, format, options, talk)]

    return asyncio.run(collect())


async def pictures(
    views: list[View],
    size: tuple[int, int],
    format: Format,  # noqa: A002 - the name of the flag
    options: Options,
    talk: Talk | None = None,
) -> AsyncIterator[CleanText]:
    """Yield each view's screen, as soon as it is there."""
    if not views:
        return
    from llm_linalg.lessons.reader import catalog

    app = Explorer(views[0], catalog(), options, talk)
    async with app.run_test(size=size) as pilot:
        for view in views:
            screen = app.explorer
            run = screen.session.last_run
            fresh = Session.start(view, screen.session.lessons)  # what came before leaves no trace
            fresh = fresh if talk is None else fresh.with_presentation(talk)
            screen.update_session(replace(fresh, last_run=run if run and run.serves(view) else None))
            while not app.explorer.is_settled:
                with suppress(WorkerCancelled):  # the run that this view's has replaced
                    await app.workers.wait_for_complete()
                await pilot.pause(0)
            await still_rows(pilot, lambda: app.explorer.is_settled)
            yield capture(app, format)


def capture(app: Explorer, format: Format) -> CleanText:  # noqa: A002
    """Return what is on the screen of a running app."""
    if format == "svg":
        return svg(app)
    strips = screen_rows(app.screen)
    if format == "screen":
        return clean_lines("\n".join(strip.text.rstrip() for strip in strips) + "\n")
    console = Console(
        file=io.StringIO(), force_terminal=True, color_system="truecolor", no_color=False,
        width=app.size.width, legacy_windows=False, _environ={},
    )  # fmt: skip
    # The text is clean; the styles are ours.
    return CleanText("\n".join(strip.simplify().render(console) for strip in strips) + "\n")


def svg(app: Explorer) -> CleanText:
    """Return the screen as SVG that asks nothing of the network."""
    pieces: list[str] = []
    picture = ScreenSvg(app.title, app.size, colours_of(app.appearance.theme), pieces.append)
    picture.add(screen_rows(app.screen))
    picture.end()
    return clean_lines("".join(pieces))
