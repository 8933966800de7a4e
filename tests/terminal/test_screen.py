"""Inside GNU screen: attached, detached, attached again at another size, and left."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.terminal.console import LONGEST, Console, environment

SCREEN = shutil.which("screen")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(SCREEN is None, reason="needs GNU screen")]
READY = "/12 steps"
APP = f"{shlex.quote(sys.executable)} -W ignore -m tui matmul"
AWAY = "\x01d"  # detaches


@pytest.fixture
def home(tmp_path: Path) -> Iterator[dict[str, str | None]]:
    """Where screen keeps its sockets; what runs there ends with the test."""
    place = tmp_path / "screens"
    place.mkdir(mode=0o700)
    (tmp_path / "rc").write_text("startup_message off\n", encoding="utf-8")
    given: dict[str, str | None] = {"SCREENDIR": str(place), "SCREENRC": str(tmp_path / "rc")}
    yield given
    subprocess.run(
        [str(SCREEN), "-S", "ours", "-X", "quit"], env=environment(**given), check=False,
        capture_output=True, timeout=LONGEST,
    )  # fmt: skip


@contextmanager
def inside(home: dict[str, str | None], *words: str, size: tuple[int, int] = (80, 24)) -> Iterator[Console]:
    with Console(argv=(str(SCREEN), "-U", "-S", "ours", *words), size=size, env=home) as console:
        yield console


def test_it_is_the_picture_of_any_terminal_and_gives_the_shell_back(home: dict[str, str | None]) -> None:
    with Console("matmul") as console:
        expected = console.until(READY).until("q quit").quiet()
    with inside(home, "sh", "-c", f"{APP}; echo code $?; exec cat") as console:
        console.until(READY).until("q quit")
        assert console.quiet() == expected
        console.send("\x1b[C")
        console.until("1/12 steps")
        console.send("q")
        console.until("code 0")
        assert console.text.split() == ["code", "0"]


def test_it_is_attached_again_at_another_size(home: dict[str, str | None]) -> None:
    with inside(home, "sh", "-c", f"exec {APP}") as console:
        console.until(READY)
        console.send(AWAY)
        assert console.wait() == 0
    for size in ((100, 30), (70, 21)):
        with inside(home, "-r", size=size) as console:
            console.until(READY)
            console.until(lambda: len(console.screen.display[1].rstrip()) == size[0])  # noqa: B023 - read at once
            for x in (10, 69, 96):
                console.send(f"\x1b[<35;{x};10M")
            console.send("\x1b[C")
            console.until(f"{1 if size[0] == 100 else 2}/12 steps")
            assert "[?" not in console.text
            console.send(AWAY)
            assert console.wait() == 0
