"""`python -m tests.fuzz keys [--count N] [--seed N]`: random keys, clicks and sizes in the app, from a seed.

It begins at a stop of a lesson, where a lesson asks, at the door, or with a talk on stage, and types answers
now and then. What comes of it is what a reader sees: an app that ended, or one that shows another picture
than its view has. Each is printed with its traceback and the number of the key at which it came.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import tempfile
import traceback
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from textual import events
from textual.geometry import Size

from llm_linalg.lessons.deck import load
from llm_linalg.lessons.reader import catalog, find
from tests.app.driving import Driver
from tui.app import Explorer, Options
from tui.compose.view_runner import open_view
from tui.model.frame import Frame
from tui.model.view import View
from tui.session.door import at_door
from tui.session.keys import KEYS
from tui.session.presentation.state import Talk
from tui.session.session import Session
from tui.terminal import crash_log

LESSONS = ("shapes", "matmul", "attention", "backward", "summary")
TALK = "talk"
"""The name of the deck that is on stage: not the explorer's keys, and all that a lesson has."""
DECK = """\
+++
title = "A talk [/of] keys"
minutes = 10
[controls.n]
range = [1, 4]
default = 2
key = "t"
+++
## Words only
Nothing to step through.

```notes minutes=1
Say hello.
```

## A sum
It adds up.

```python show="y"
x = torch.ones(n, 3)
y = x + 1
```

```ask
What does a one do to its sum?
- more
- less
- as much
check: "more" if y.sum() > x.sum() else "less"
```

## Write it
All of it once more.

```exercise
Add two to `x`.
check: answer.shape == x.shape and (answer - x == 2).all()
hint: As above, but two.
answer: x + 2
wrong: x + 1
```

## From elsewhere
```stops
matmul --set n=2 --set m=1 --step 1
shapes --stop 1
summary --stop 1
```
"""
# What leaves the app or the process.
LEFT_OUT = {"quit", "edit.quit", "suspend"}
NAMES = sorted({name for key in KEYS if key.id not in LEFT_OUT for name in key.keys.split(",")})
LETTERS = [*"adehijkmtxz0123456789QHPv", "enter", "escape", "right", "left", "full_stop", "right"]
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
TEXTS = [
    "1", "0", "-2", "0.5", "3.25", "(2, 3)", "(0, 0)", "[1, 2]", "()", "none", "x = 1", "import os", "1e400",
    "x + 2", "x @ W", "A @ B", "A.T @ B", "A @ B.T", "torch.softmax(x, -1)", "y.sum()", "W.T", "x + ", "x[",
    "x.__class__", "[/b] [@click=app.quit]x[/]", "\x1b]0;t\x07", "é ×\u202e", "softmax(", "9" * 60,
]  # fmt: skip
"""What is typed, or pasted, where something is asked: answers of each kind, and none."""
SIZES = [(80, 24), (60, 20), (120, 40), (81, 23), (30, 8), (200, 60)]
AT_ONCE = 12  # keys at most, faster than the app draws
PIECE = 1000  # keys after which the picture is compared with one made anew

Move = tuple[str, Any]
Perform = Callable[[str], Awaitable[None]]


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
        if chance < 0.06:
            yield monkey.choice(["text", "text", "paste"]), monkey.choice(TEXTS)
        elif chance < 0.8:
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
    elif what == "text":
        for key in ("enter", *value, "enter"):
            app.post_message(events.Key(key, key if len(key) == 1 else None))
    elif what == "paste":
        app.post_message(events.Key("enter", None))
        app.post_message(events.Paste(value))
        app.post_message(events.Key("enter", None))
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
        for panel in frame.stage.panels
    ]
    return (
        frame.lesson.slug,
        frame.lesson.stop,
        frame.place.step,
        frame.place.steps,
        frame.place.order,
        frame.captions.formula,
        frame.listing.printed,
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


def beginning(slug: str, monkey: random.Random) -> Session:
    """Return a session to begin with: a talk, a lesson at its first stop or where it asks, or the door."""
    if slug == TALK:
        deck = load(Path(f"{TALK}.md"))
        talk = Talk(deck, monkey.randint(1, len(deck.stops)))
        return Session.start(talk.first_view(talk.number), deck.lessons).with_presentation(talk)
    lesson = find(slug)
    asking = [stop.number for stop in lesson.stops if stop.ask is not None or stop.exercise is not None]
    session = Session.start(View.opening(lesson, monkey.choice([1, *asking])), catalog())
    return at_door(session) if monkey.random() < 0.2 else session


async def press(driver: Driver, begin: Session, todo: Iterator[Move], count: int, made: list[int]) -> None:
    """Open a session and do moves until so many keys were pressed; `made` counts them.

    Raises:
        AssertionError: If the app shows something else than its view has.
        Exception: What ended the app.
    """
    app = driver.app
    app.explorer.update_session(begin)
    await driver.settle()
    end = made[0] + count
    while made[0] < end:
        what, value = next(todo)
        made[0] += len(value) if what in ("keys", "text") else 1
        await act(driver, what, value)
    await settle_home(driver)
    assert app.return_code in (None, 0)
    session = app.explorer.session
    assert len(session.history.past) <= session.history.limit
    assert facts(app.explorer.frame) == facts(frame_anew(session))


def write_deck(folder: Path) -> None:
    """Write the deck of the talk into a folder, which has to be the working one."""
    (folder / f"{TALK}.md").write_text(DECK, encoding="utf-8")


async def press_in_lesson(
    slug: str, seed: int, count: int, *, motion: bool = True, done: Counter[str] | None = None
) -> list[Crash]:
    """Press so many keys in a lesson; return what went wrong. After each failure the app is begun anew.

    `done` counts the commands that were done, by their ids.
    """
    monkey = random.Random(f"{seed} {slug}")  # noqa: S311 - a monkey is no secret
    todo, made, crashes = moves(monkey), [0], []
    recent: deque[Move] = deque(maxlen=4)

    def noted() -> Iterator[Move]:
        for move in todo:
            recent.append(move)
            yield move

    stream = noted()
    while made[0] < count:
        first = beginning(slug, monkey)
        app = Restless(first.view, first.lessons, Options(motion=motion, time_limit=0.0), talk=first.talk)
        perform = app.start.perform

        async def counted(command: str, perform: Perform = perform) -> None:
            if done is not None:
                done[command.partition(":")[0]] += 1
            await perform(command)

        try:
            # A fault of its own the app tells and goes on: here it ends.
            ends = patch.object(crash_log, "log_once", app.fail)
            with patch.object(app.start, "perform", counted), ends:
                async with app.run_test(size=(80, 24)) as pilot:
                    driver = Driver(app, pilot)
                    await driver.settle()
                    while made[0] < count:
                        begin = beginning(slug, monkey)
                        await press(driver, begin, stream, min(PIECE, count - made[0]), made)
            if app.failure is not None:  # of what was still under way
                raise app.failure
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told, and the monkey goes on
            told = "".join(traceback.format_exception(app.failure or error))
            crashes.append(Crash(slug, made[0], f"{told}after {list(recent)}\n"))
    return crashes


def main(words: Sequence[str]) -> int:
    """Press the keys in each of the lessons; print the figures. Return 1 if anything went wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz keys", description=__doc__)
    parser.add_argument("--count", type=int, default=150_000, help="keys in all (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other keys (%(default)s)")
    parser.add_argument("--lesson", choices=[*LESSONS, TALK], action="append", help="only these lessons")
    flags = parser.parse_args(words)
    lessons = flags.lesson or [*LESSONS, TALK]
    failures, done = 0, Counter[str]()
    with tempfile.TemporaryDirectory() as folder:  # where it saves scripts
        os.chdir(folder)
        write_deck(Path(folder))
        for slug in lessons:
            pressing = press_in_lesson(slug, flags.seed, flags.count // len(lessons), done=done)
            crashes = asyncio.run(pressing)
            for crash in crashes:
                print(f"--- {crash.lesson}, key {crash.key}, seed {flags.seed}\n{crash.told}", flush=True)
            failures += len(crashes)
            print(f"{slug}: {flags.count // len(lessons):,} keys, {len(crashes)} failures", flush=True)
        os.chdir("/")
    never = sorted({key.id for key in KEYS} - LEFT_OUT - set(done))
    print(f"{flags.count:,} keys, seed {flags.seed}: {failures} failures")
    print(f"never done: {', '.join(never) or 'none'}")
    return 1 if failures else 0
