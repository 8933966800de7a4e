"""Slow links: what may be on its way when a key is pressed, in bytes, since a link's seconds are bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.common import known
from tests.terminal.console import Console

LINK = 32_000  # bytes a second: 256 kbit/s
SLOWER = 8_000  # 64 kbit/s
SIZE = tuple(f"--set={name}=8" for name in "mkn")
PLAYING = ("matmul", *SIZE, "--play", "--speed", "20")


def step(console: Console) -> str:
    """Which step of how many the screen says."""
    found = known(re.search(r"\d+/\d+ steps", console.text))
    return found[0]


@pytest.fixture(params=["outer"])
def playing(request: pytest.FixtureRequest) -> Iterator[Console]:
    """The app at play, some steps into it, read as fast as the link lets."""
    with Console(*PLAYING, "--order", request.param) as console:
        console.until("‖")  # it plays
        console.slowly(LINK, lambda: "3/" in console.text)
        yield console


def test_a_key_acts_within_300_ms_of_the_link(playing: Console) -> None:
    before = len(playing.raw)
    playing.send(" ")
    playing.slowly(LINK, lambda: "‖" not in playing.text)
    assert len(playing.raw) - before <= 0.3 * LINK
    at = step(playing)
    playing.quiet()
    assert step(playing) == at  # no frame stood in the queue behind it


@pytest.mark.slow
def test_it_is_left_within_500_ms_of_the_link(playing: Console) -> None:
    before = len(playing.raw)
    playing.send("q")
    playing.slowly(LINK, lambda: b"\x1b[?1049l" in playing.raw)
    assert len(playing.raw) - before <= 0.5 * LINK
    assert playing.wait() == 0
    assert playing.left_over == []


@pytest.mark.slow
def test_twenty_steps_fit_into_a_second_of_the_link() -> None:
    with Console("matmul", *SIZE) as console:
        console.until("/64 steps").quiet()
        before = len(console.raw)
        for number in range(1, 21):
            console.send("\x1b[C")
            console.until(f" {number}/64 steps")
        console.quiet()
        assert len(console.raw) - before <= LINK / 2


@pytest.mark.slow
def test_a_slow_link_is_comfortable_at_64_kbit() -> None:
    """The first picture in a second, and while it plays half of the link is free."""
    with Console(*PLAYING, "--slow-link") as console:
        console.until("‖")
        assert len(console.raw) <= SLOWER
        console.until("3/64")
        before, frames = len(console.raw), console.raw.count(b"\x1b[0m")
        console.until("13/64")
        sent, frames = len(console.raw) - before, console.raw.count(b"\x1b[0m") - frames
        assert frames <= 12  # one a beat, and none between them
        assert sent / 10 * 4 <= SLOWER / 2  # four beats a second
