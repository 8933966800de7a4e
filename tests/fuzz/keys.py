"""`python -m tests.fuzz keys [--count N] [--seed N]`: random keys, clicks and sizes in the app, from a seed.

What comes of it is what a reader would see: an app that ended, or one that shows another picture than its
view has. Each is printed with its traceback and the number of the key at which it came.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import tempfile
import traceback
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from textual import events
from textual.geometry import Size

from llm_linalg.lessons.reader import catalog, find
from tests.app.driving import Driver
from tui.app import Explorer, Options
from tui.compose.view_runner import open_view
from tui.model.frame import Frame
from tui.model.view import View
from tui.session.keys import KEYS
from tui.session.session import Session

LESSONS = ("shapes", "matmul", "attention", "backward", "summary")
# What leaves the app or the process.
LEFT_OUT = {"quit", "edit.quit", "suspend"}
NAMES = sorted({name for key in KEYS if key.id not in LEFT_OUT for name in key.keys.split(",")})
LETTERS = [*"adehijkmtxz0123456789", "enter", "escape", "right", "left", "full_stop", "right"]
IN_LISTS = [
    "down",
    "up",
    "pagedown",
    "pageup",
    "ctrl+end",
    "ctrl+home",
    "enter",
    "escape",
    "backspace",
    *"aeq ",
]
SIZES = [(80, 24), (60, 20), (120, 40), (81, 23), (30, 8), (200, 60)]
AT_ONCE = 12  # keys at most, faster than the app draws
PIECE = 1000  # keys after which the picture is compared with one made anew

Move = tuple[str, Any]


class Restless(Explorer):
    """An app that is not left, by no key and no click: there is more to do."""

    def exit(self, *_: object, **__: object) -> None:
        """Stay."""


class Crash(NamedTuple):
    """A failure, and where it came."""

    lesson: str
    key: int
    told: str


def moves(monkey: random.Random) -> Iterator[Move]:
    """Yield what a monkey does: mostly keys, now and then the mouse or another size."""
    while True:
        chance = monkey.random()
        if chance < 0.8:
            count = monkey.randint(1, AT_ONCE) if monkey.random() < 0.5 else AT_ONCE
            yield "keys", [_key(monkey) for _ in range(count)]
        elif chance < 0.97:
            yield monkey.choice(["click", "click", "move", "scroll"]), (monkey.random(), monkey.random())
        else:
            yield "size", monkey.choice(SIZES)


def _key(monkey: random.Random) -> str:
    chance = monkey.random()
    names: Sequence[str] = NAMES if chance < 0.55 else LETTERS if chance < 0.9 else IN_LISTS
    return monkey.choice(names)


MOUSE: dict[str, tuple[tuple[type[events.MouseEvent], int], ...]] = {
    "click": ((events.MouseDown, 1), (events.MouseUp, 1)),
    "move": ((events.MouseMove, 0),),
    "scroll": ((events.MouseScrollDown, 0), (events.MouseScrollUp, 0), (events.MouseScrollDown, 0)),
}


async def act(driver: Driver, what: str, value: Any) -> None:
    """Do one move, as the terminal's driver hands it on. Raises what ended the app."""
    app = driver.app
    if app.failure is not None:  # an app that has ended takes no keys, and would be waited for
        raise app.failure
    if what == "keys":
        for key in value:
            app.post_message(events.Key(key, key if len(key) == 1 else None))
    elif what == "size":
        size = Size(*value)
        app.post_message(events.Resize(size, size))
    else:
        x, y = int(value[0] * app.size.width), int(value[1] * app.size.height)
        for kind, button in MOUSE[what]:
            app.post_message(
                kind(None, x, y, 0, 0, button, shift=False, meta=False, ctrl=False, screen_x=x, screen_y=y)
            )
    await driver.pilot.pause(0)  # what is sent is handled; what it brings about may still be under way


def facts(frame: Frame | None) -> object:
    """Return what must be the same in a frame made anew."""
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


async def settle_home(driver: Driver) -> None:
    """Close whatever is open above, stop what plays, and give the window its first size."""
    while len(driver.app.screen_stack) > 1:
        if driver.app.failure is not None:
            raise driver.app.failure
        await driver.pilot.press("escape")
    driver.app.explorer.pause()
    await driver.pilot.resize_terminal(80, 24)
    await driver.settle()


def frame_anew(session: Session) -> Frame:
    """Return the frame of the session's view, from a program run again."""
    return open_view(session.view).frame(session.view)


async def press(driver: Driver, slug: str, todo: Iterator[Move], count: int, made: list[int]) -> None:
    """Open a lesson and do moves until so many keys were pressed; `made` counts them.

    Raises:
        AssertionError: If the app shows something else than its view has.
        Exception: What ended the app.
    """
    app = driver.app
    app.explorer.update_session(Session.start(View.opening(find(slug)), app.explorer.session.lessons))
    await driver.settle()
    end = made[0] + count
    while made[0] < end:
        what, value = next(todo)
        made[0] += len(value) if what == "keys" else 1
        await act(driver, what, value)
    await settle_home(driver)
    assert app.return_code in (None, 0)
    session = app.explorer.session
    assert len(session.history.past) <= session.history.limit
    assert facts(app.explorer.frame) == facts(frame_anew(session))


async def press_in_lesson(slug: str, seed: int, count: int, *, motion: bool = True) -> list[Crash]:
    """Press so many keys in a lesson; return what went wrong. After each failure the app is begun anew."""
    monkey = random.Random(f"{seed} {slug}")  # noqa: S311 - a monkey is no secret
    todo, made, crashes = moves(monkey), [0], []
    recent: deque[Move] = deque(maxlen=4)

    def noted() -> Iterator[Move]:
        for move in todo:
            recent.append(move)
            yield move

    stream = noted()
    while made[0] < count:
        app = Restless(View.opening(find(slug)), catalog(), Options(motion=motion, time_limit=0.0))
        try:
            async with app.run_test(size=(80, 24)) as pilot:
                driver = Driver(app, pilot)
                await driver.settle()
                while made[0] < count:
                    await press(driver, slug, stream, min(PIECE, count - made[0]), made)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told, and the monkey goes on
            told = "".join(traceback.format_exception(app.failure or error))
            crashes.append(Crash(slug, made[0], f"{told}after {list(recent)}\n"))
    return crashes


def main(words: Sequence[str]) -> int:
    """Press the keys in each of the lessons; print the figures. Return 1 if anything went wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz keys", description=__doc__)
    parser.add_argument("--count", type=int, default=250_000, help="keys in all (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other keys (%(default)s)")
    parser.add_argument("--lesson", choices=LESSONS, action="append", help="only these lessons")
    flags = parser.parse_args(words)
    lessons = flags.lesson or list(LESSONS)
    failures = 0
    with tempfile.TemporaryDirectory() as folder:  # where it saves scripts
        os.chdir(folder)
        for slug in lessons:
            crashes = asyncio.run(press_in_lesson(slug, flags.seed, flags.count // len(lessons)))
            for crash in crashes:
                print(f"--- {crash.lesson}, key {crash.key}, seed {flags.seed}\n{crash.told}", flush=True)
            failures += len(crashes)
            print(f"{slug}: {flags.count // len(lessons):,} keys, {len(crashes)} failures", flush=True)
        os.chdir("/")
    print(f"{flags.count:,} keys, seed {flags.seed}: {failures} failures")
    return 1 if failures else 0
