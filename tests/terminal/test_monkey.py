"""A monkey at the keys: nothing it does breaks the app, which shows the right frame afterwards."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual import events

from llm_linalg.lessons.reader import Lesson, catalog
from tests.app.driving import Driver
from tests.thinning import thin
from tui.app import Explorer, Options
from tui.model.frame import Frame
from tui.model.view import View
from tui.session.keys import KEYS
from tui.session.session import Session

# What leaves the app, or the process, or writes to the clipboard of whoever runs the tests.
LEFT_OUT = {"quit", "suspend", "copy.code", "copy.command", "palette"}
NAMES = sorted({name for key in KEYS if key.id not in LEFT_OUT for name in key.keys.split(",")})
LETTERS = [*"adehijkmtxz0123456789", "enter", "escape", "right", "left", "full_stop", "right"]
SIZES = [(80, 24), (60, 20), (120, 40), (81, 23), (30, 8), (200, 60)]
AT_ONCE = 12  # keys, faster than the app draws


def moves(seed: int, count: int) -> Iterator[tuple[str, object]]:
    """What the monkey does: mostly keys, now and then a click or another size."""
    monkey = random.Random(seed)  # noqa: S311 - a monkey is no secret
    for _ in range(count):
        chance = monkey.random()
        if chance < 0.8:
            yield "keys", [monkey.choice(NAMES if monkey.random() < 0.6 else LETTERS) for _ in range(AT_ONCE)]
        elif chance < 0.97:
            yield "click", (monkey.randrange(80), monkey.randrange(24))
        else:
            yield "size", monkey.choice(SIZES)


async def act(driver: Driver, what: str, value: object) -> None:
    if driver.app.failure is not None:  # an app that has ended takes no keys, and would be waited for
        raise driver.app.failure
    if what == "keys":
        assert isinstance(value, list)
        for key in value:
            driver.app.post_message(events.Key(key, key if len(key) == 1 else None))
        await driver.pilot.pause()
    elif what == "size":
        assert isinstance(value, tuple)
        await driver.pilot.resize_terminal(*value)
    else:
        assert isinstance(value, tuple)
        width, height = driver.app.size
        await driver.pilot.click(offset=(min(value[0], width - 1), min(value[1], height - 1)))


def facts(frame: Frame | None) -> object:
    """What must be the same in a frame made anew."""
    assert frame is not None
    panels = [
        (panel.label, panel.cells.window(range(min(panel.rows, 6)), range(min(panel.columns, 6)), 4))
        for panel in frame.panels
    ]
    return (
        frame.lesson,
        frame.stop,
        frame.step,
        frame.steps,
        frame.order,
        frame.formula,
        frame.printed,
        panels,
    )


async def home(driver: Driver) -> None:
    """Whatever is open above is closed, nothing plays, and the window is as at the beginning."""
    while len(driver.app.screen_stack) > 1:
        assert driver.app.failure is None
        await driver.pilot.press("escape")
    driver.app.explorer.pause()
    await driver.pilot.resize_terminal(80, 24)
    await driver.settle()


# The last two seeds found keys of one moment that broke it.
@pytest.mark.parametrize(
    ("seed", "presses"), thin([(2, 300), (0, 3000), (1, 3000), (13, 3000), (15, 3000)], 5)
)
async def test_nothing_a_monkey_does_breaks_it(
    seed: int, presses: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)  # where it saves scripts
    monkeypatch.setattr(Explorer, "exit", lambda _: None)  # a click on "quit": the monkey has more to do
    lessons: list[Lesson] = list(catalog())
    mine = lessons[seed % 2 :: 2 if presses > 1000 else 12]
    app = Explorer(View.opening(mine[0]), lessons, Options(motion=False))
    async with app.run_test(size=(80, 24)) as pilot:
        driver = Driver(app, pilot)
        await driver.settle()
        for number, lesson in enumerate(mine):
            app.explorer.update_session(Session.start(View.opening(lesson), app.explorer.session.lessons))
            await driver.settle()
            for what, value in moves(seed * 1000 + number, -(-presses // AT_ONCE // len(lessons))):
                await act(driver, what, value)
            await home(driver)
            assert app.return_code in (None, 0)
            session = app.explorer.session
            assert len(session.history.past) <= session.history.limit
            assert facts(app.explorer.frame) == facts(anew(session))


def anew(session: Session) -> Frame:
    """The frame of the session's view, from a program run again."""
    from tui.compose.view_runner import open_view

    assert session.last_run is not None
    opened = open_view(session.view)
    return opened.frame(session.view)
