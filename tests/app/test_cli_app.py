from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import pinned
from tui.cli import launch
from tui.cli.main import main
from tui.cli.settings import utf8
from tui.model.usage_error import UsageError


def test_the_app_needs_a_terminal_and_names_what_does_not(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["matmul"])
    out, narration = capsys.readouterr()
    assert (code, out) == (2, "")
    assert "llm-linalg frame" in narration
    assert narration.count("\n") == 1


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_that_cannot_draw_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Tty())
    monkeypatch.setattr(sys, "stdout", Tty())
    assert all(launch.is_dumb(environment) for environment in ({}, {"TERM": ""}, {"TERM": "dumb"}))
    assert not launch.is_dumb({"TERM": "whatever"})
    launch.check_terminal({"TERM": "xterm-kitty"})
    with pytest.raises(UsageError, match="TEXTUAL_COLOR_SYSTEM is one of"):
        launch.check_terminal({"TERM": "xterm", "TEXTUAL_COLOR_SYSTEM": "many"})
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert not launch.is_dumb({})
    with pytest.raises(UsageError, match="standard input is not a terminal"):
        launch.check_terminal({"TERM": "xterm"})
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(UsageError, match="standard input"):
        launch.check_terminal({"TERM": "xterm"})


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"LC_ALL": "C.UTF-8"}, True),
        ({"LANG": "de_DE.utf8"}, True),
        ({"LC_ALL": "de_DE.ISO-8859-1", "LANG": "C.UTF-8"}, False),
        ({"LC_ALL": "", "LC_CTYPE": "en_US.UTF-8@euro"}, True),
        ({"LANG": "x.nonsense"}, False),
    ],
)
def test_the_locale_says_whether_there_are_glyphs(environment: dict[str, str], expected: bool) -> None:
    assert utf8(environment) is expected


def process(*words: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "tui", *words],
        env=pinned(dict(os.environ)) | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=240,
    )


@pytest.mark.slow
def test_a_frame_takes_nothing_from_the_environment() -> None:
    words = ("frame", "matmul", "--step", "6", "--format", "ansi")
    plain = process(*words)
    other = process(
        *words,
        LC_ALL="C",
        NO_COLOR="1",
        TERM="dumb",
        COLUMNS="33",
        TEXTUAL_THEME="dracula",
        OMP_NUM_THREADS="7",
    )
    assert plain.returncode == other.returncode == 0, other.stderr
    assert plain.stdout == other.stdout
    assert "Y = x @ W" in plain.stdout.decode()


def test_a_reader_that_leaves_is_no_error() -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "tui", "lessons"],
        stdin=subprocess.DEVNULL,
        stdout=write,
        stderr=subprocess.PIPE,
        check=False,
        timeout=240,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("words", [["lessons"], ["--help"], ["frame", "scalar"]])
def test_a_full_disk_is_one_line(words: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "tui", *words],
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            timeout=240,
        )
    assert done.returncode == 2
    assert done.stderr.decode().splitlines() == [
        "llm-linalg: cannot write to standard output: No space left on device"
    ]
