"""A talk on a real terminal: a clicker's keys, and who follows from other processes."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.app.talks import DECK, deck_at
from tests.common import known
from tests.terminal.console import LONGEST, Console, environment, within
from tui.audience import meeting
from tui.files.state_file import NAME

pytestmark = pytest.mark.slow  # a process on a terminal for each

PAGE_DOWN, PAGE_UP, RIGHT, LEFT = "\x1b[6~", "\x1b[5~", "\x1b[C", "\x1b[D"


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str | None]:
    run = tmp_path / "run"
    run.mkdir(mode=0o700)
    return {"XDG_RUNTIME_DIR": str(run), "XDG_STATE_HOME": str(tmp_path / "state")}


@contextmanager
def follower(what: str, home: dict[str, str | None], *words: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "tui", what, "--plain", *words],
        env=environment(**home),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def until(process: subprocess.Popen[str], wanted: str) -> str:
    """The line that has this text."""
    for line in known(process.stdout):
        if wanted in line:
            return line
    raise AssertionError(f"no {wanted!r}")


def met(home: dict[str, str | None], count: int = 1) -> list[Path]:
    """The sockets of so many presenters, once they are there."""
    place = Path(str(home["XDG_RUNTIME_DIR"])) / "llm-linalg"
    end = time.monotonic() + LONGEST
    while time.monotonic() < end:
        found = meeting.presenters(place) if place.exists() else []
        if len(found) == count:
            return found
    raise AssertionError(f"not {count} presenters")


def kept_when(home: dict[str, str | None], wanted: str) -> None:
    """Wait until the state file has this text."""
    file = Path(str(home["XDG_STATE_HOME"])) / "llm-linalg" / NAME
    assert within(lambda: file.exists() and wanted in file.read_text(encoding="utf-8")), f"no {wanted!r}"


def test_a_clicker_goes_on_and_back_and_black(tmp_path: Path, home: dict[str, str | None]) -> None:
    with Console("present", str(deck_at(tmp_path)), env=home) as console:
        console.until("Only words.")
        for keys, wanted in (
            (PAGE_DOWN, "0/2 steps"),
            (RIGHT, "1/2 steps"),
            (" ", "2/2 steps"),
            (LEFT, "1/2 steps"),
        ):
            console.send(keys)
            console.until(wanted)
        console.send(PAGE_UP)
        console.until("0/2 steps")
        console.send(".")
        console.until(lambda: not console.text.strip())
        console.send(PAGE_DOWN)
        console.until("0/2 steps")
        console.send("3G")
        console.until("3/4")
        console.send("qq")
        assert console.wait() == 0
        assert console.left_over == []
    assert met(home, 0) == []
    with Console("present", str(tmp_path / "talk.md"), env=home) as console:
        console.until("Where you left it: stop 3")


def test_others_follow_and_the_notes_drive(tmp_path: Path, home: dict[str, str | None]) -> None:
    with Console("present", str(deck_at(tmp_path)), env=home) as console:
        console.until("Only words.")
        (path,) = met(home)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert path.stat().st_uid == os.geteuid()
        with follower("notes", home) as notes, follower("follow", home) as audience:
            until(notes, "stop 1 of 4: Welcome")
            until(notes, "Say hello.")
            until(notes, "next: A sum")
            until(audience, "Only words.")
            assert notes.stdin is not None
            notes.stdin.write("stop 2\n")
            notes.stdin.flush()
            console.until("0/2 steps")
            until(notes, "stop 2 of 4: A sum")
            until(audience, "step 0 of 2")
            console.send(RIGHT)
            until(audience, "step 1 of 2")
            notes.stdin.write("next\n")
            notes.stdin.flush()
            console.until("2/2 steps")
            until(audience, "step 2 of 2")
            console.process.kill()
            until(audience, "The presenter has gone.")
            assert (audience.wait(LONGEST), notes.wait(LONGEST)) == (0, 0)
    assert met(home, 0) == []


def test_several_presenters_are_told_apart(tmp_path: Path, home: dict[str, str | None]) -> None:
    other = deck_at(tmp_path, DECK.replace("A talk", "Another"), "other.md")
    with (
        Console("present", str(deck_at(tmp_path)), env=home),
        Console("present", str(other), env=home) as second,
    ):
        met(home, 2)
        with follower("follow", home) as asking:
            out, err = asking.communicate(timeout=LONGEST)
            assert (asking.returncode, out) == (2, "")
            assert "2 are presenting: --of " in err
            assert "is A talk" in err
            assert "is Another" in err
        with follower("notes", home, "--of", "1") as asking:
            _, err = asking.communicate(timeout=LONGEST)
            assert asking.returncode == 2
            assert "1 presents nothing: --of " in err
            assert "is Another" in err
        with follower("notes", home, "--of", str(second.app)) as notes:
            until(notes, "stop 1 of 4: Welcome")


def test_without_a_presenter_notes_wait_on_a_screen_and_end_in_a_pipe(home: dict[str, str | None]) -> None:
    with Console("notes", env=home) as console:
        console.until("nobody presents")
        console.send("q")
        assert console.wait() == 0
        assert console.left_over == []
    with follower("notes", home) as notes:
        assert notes.wait(LONGEST) == 1


def test_step_and_clock_outlive_the_process(tmp_path: Path, home: dict[str, str | None]) -> None:
    file = str(deck_at(tmp_path))
    with Console("present", file, "--stop", "2", env=home) as console:
        console.until("0/2 steps")
        console.send(RIGHT)
        console.until("1/2 steps")
        kept_when(home, '"--step", "1"')
        console.process.kill()
    with Console("present", file, env=home) as console:
        console.until("Where you left it: stop 2.").until("The clock goes on")
        console.send("C")
        console.until("1/2 steps")
        console.send("qq")
        assert console.wait() == 0
    kept_when(home, '"marks": {}')


def test_notes_at_a_terminal_are_left_by_a_word(tmp_path: Path, home: dict[str, str | None]) -> None:
    with Console("present", str(deck_at(tmp_path)), env=home) as console:
        console.until("Only words.")
        met(home)
        for word in ("quit\n", "\x04"):
            with Console("notes", "--plain", env=home) as notes:
                notes.until("stop 1 of 4: Welcome").until("10:00 left").until("> ")
                notes.send("dance\n")
                notes.until("stop back, quit")
                notes.send(word)
                assert notes.wait() == 0


def test_a_saved_file_appears_by_itself(tmp_path: Path, home: dict[str, str | None]) -> None:
    file = deck_at(tmp_path)
    with Console("present", str(file), "--stop", "2", env=home) as console:
        console.until("It adds up.")
        file.write_text(DECK.replace("It adds up.", "It adds up well."), encoding="utf-8")
        console.until("It adds up well.")
