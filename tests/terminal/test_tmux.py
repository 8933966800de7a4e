"""Inside tmux: attached, detached, attached again at another size."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.terminal.console import LONGEST, Console, environment, within

TMUX = shutil.which("tmux")
pytestmark = pytest.mark.skipif(TMUX is None, reason="needs tmux")
READY = "/12 steps"
APP = f"exec {shlex.quote(sys.executable)} -W ignore -m tui matmul"


@dataclass(frozen=True, slots=True)
class Server:
    """A tmux server of our own."""

    folder: Path

    @property
    def argv(self) -> tuple[str, ...]:
        return (str(TMUX), "-S", str(self.folder / "socket"), "-f", "/dev/null")

    def run(self, *words: str) -> str:
        given = environment() | {"TMUX_TMPDIR": str(self.folder)}
        done = subprocess.run(
            [*self.argv, *words], env=given, capture_output=True, text=True, check=False, timeout=LONGEST
        )
        return done.stdout

    @property
    def text(self) -> str:
        return self.run("capture-pane", "-p")

    def until(self, reached: Callable[[str], bool] | str) -> Server:
        test = reached if callable(reached) else lambda text: reached in text
        assert within(lambda: test(self.text)), self.text
        return self

    def keys(self, *names: str) -> None:
        self.run("send-keys", *names)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """The app in a detached session of 80×24."""
    made = Server(tmp_path)
    made.run("new-session", "-d", "-x", "80", "-y", "24", APP)
    made.run("set-option", "-g", "mouse", "on")
    try:
        made.until(READY).until("q quit")
        yield made
    finally:
        made.run("kill-server")


@pytest.mark.slow
def test_the_picture_is_that_of_any_terminal(server: Server) -> None:
    with Console("matmul") as console:
        console.until(READY).until("q quit")
        expected = [line.rstrip() for line in console.quiet().split("\n")]
    server.until(lambda text: [line.rstrip() for line in text.split("\n")][:24] == expected)
    server.keys("Right")
    server.until("1/12 steps")


@pytest.mark.slow
def test_it_is_attached_again_at_another_size(server: Server) -> None:
    for size in ((80, 24), (100, 30), (70, 21)):
        with Console(argv=(*server.argv, "attach"), size=size) as client:
            width = size[0]
            client.until(lambda: len(client.screen.display[1].rstrip()) == width)  # noqa: B023 - read at once
            client.until(READY)
            client.send("\x1b[C\x1b[D")
            client.until(READY)
    server.keys("Right")
    server.until("1/12 steps")


@pytest.mark.slow
def test_the_mouse_cannot_end_it(server: Server) -> None:
    """A report of the oldest kind past column 95, as tmux sends when it is attached again."""
    for column in (94, 96, 127, 200):
        server.run("send-keys", "-H", "1b", "5b", "4d", "43", f"{(33 + column) & 255:x}", "28")
    with Console(argv=(*server.argv, "attach"), size=(120, 24)) as client:
        client.until(READY)
        for x in (10, 96, 118):
            client.send(f"\x1b[<35;{x};10M\x1b[<0;{x};10M\x1b[<0;{x};10m")
        client.quiet()
    server.keys("g", "5", "Enter")
    server.until("5/12 steps")


@pytest.mark.slow
def test_nested(server: Server) -> None:
    """A tmux in a tmux shows no raw text either."""
    inner = (
        f"unset TMUX; exec {shlex.quote(str(TMUX))} -S {server.folder}/inner -f /dev/null new-session '{APP}'"
    )
    server.run("new-window", inner)
    try:
        server.until(READY)
        assert "\x1b" not in server.text
        assert "[?" not in server.text
        assert "rgb:" not in server.text
        server.keys("Right")
        server.until("1/12 steps")
    finally:
        subprocess.run(
            [str(TMUX), "-S", f"{server.folder}/inner", "kill-server"], check=False, capture_output=True
        )


@pytest.mark.slow
def test_quitting_gives_the_shell_back(tmp_path: Path) -> None:
    made = Server(tmp_path)
    made.run("new-session", "-d", "-x", "80", "-y", "24", f"echo before; ({APP}); echo code $?; exec cat")
    try:
        made.until(READY)
        made.keys("q")
        made.until("code 0")
        assert made.text.split() == ["before", "code", "0"]
    finally:
        made.run("kill-server")
