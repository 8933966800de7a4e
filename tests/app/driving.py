"""Driving the app in tests: opens a lesson, waits for its run, never sleeps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from textual.pilot import Pilot
from textual.worker import WorkerCancelled

from llm_linalg.lessons.lesson import Lesson
from llm_linalg.lessons.reader import catalog, find, parse
from tui.app import Explorer, Options
from tui.headless import capture
from tui.model.view import View
from tui.session.exercise_commands import hint
from tui.session.session import Session

SMALL = (80, 24)
LONGEST = 240.0  # seconds: past this something that we wait for is broken


class Driver:
    """The app and its pilot."""

    def __init__(self, app: Explorer, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def session(self) -> Session:
        return self.app.explorer.session

    @property
    def view(self) -> View:
        return self.session.view

    def has(self, **facts: object) -> bool:
        """Whether the view has these facts: a fresh look each time, that no type checker narrows."""
        return all(getattr(self.view, name) == value for name, value in facts.items())

    def ticks(self) -> bool:
        """Whether there is a timer for the player."""
        return self.app.explorer.play_timer.running

    async def settle(self) -> None:
        """Until every program that was asked for has been run and drawn."""
        async with asyncio.timeout(LONGEST):
            await self.pilot.pause()
            while not self.app.explorer.is_settled or self.app.explorer.page.is_moving:
                with suppress(WorkerCancelled):  # a newer run took its place: that one is waited for then
                    await self.app.workers.wait_for_complete()
                await self.pilot.pause()
            await self.pilot.pause()

    async def until_told(self, words: str) -> None:
        """Until it is said what a run that is under way waits for."""
        async with asyncio.timeout(LONGEST):
            while self.app.explorer.run.waiting != words:
                await self.pilot.pause()

    async def until_shown(self, words: str) -> None:
        """Until the screen says this: a palette looks for what was typed while keys are served."""
        async with asyncio.timeout(LONGEST):
            while words not in self.screen:
                await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        """Presses keys, each one's run waited for."""
        for key in keys:
            await self.pilot.press(key)
            await self.settle()

    @property
    def screen(self) -> str:
        """The characters of the screen."""
        return capture(self.app, "screen")

    @property
    def rows(self) -> list[str]:
        return self.screen.splitlines()


@asynccontextmanager
async def opened(
    lesson: str | Lesson, size: tuple[int, int] = SMALL, *, stop: int = 1, options: Options | None = None
) -> AsyncIterator[Driver]:
    """The app with a lesson open and its first picture drawn."""
    found = find(lesson) if isinstance(lesson, str) else lesson
    app = Explorer(View.opening(found, stop), catalog(), options or Options())
    async with app.run_test(size=size) as pilot:
        driver = Driver(app, pilot)
        await driver.settle()
        yield driver


def lesson(body: str, front: str = "") -> Lesson:
    """A lesson made of a body and front matter."""
    return parse(f'+++\ntitle = "A test"\npart = 3\n{front}\n+++\n{body}', "a-test.md")


def solution(lesson: Lesson, number: int) -> View | None:
    """The view of an exercise's solution; None at another stop."""
    session = Session.start(View.opening(lesson, number), [lesson])
    exercise = session.view.at_stop.exercise
    for _ in range(0 if exercise is None else len(exercise.hints) + 1):
        session = hint(session)
    return session.view if session.view.code is not None else None
