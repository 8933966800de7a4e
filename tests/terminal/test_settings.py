"""What is remembered and what is set, on a real terminal: from one run of the app to the next."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.common import file_at
from tests.terminal.console import LONGEST, Console
from tests.thinning import thin
from tui.files.user_dirs import read

pytestmark = pytest.mark.slow  # a process on a terminal for each

READY = "/12 steps"


@pytest.fixture
def homes(tmp_path: Path) -> dict[str, str | None]:
    (tmp_path / "config" / "llm-linalg").mkdir(parents=True)
    return {"XDG_STATE_HOME": str(tmp_path / "state"), "XDG_CONFIG_HOME": str(tmp_path / "config")}


@pytest.fixture
def past_the_door(homes: dict[str, str | None], tmp_path: Path) -> dict[str, str | None]:
    """Homes of somebody who has taken a way from the door."""
    (tmp_path / "state" / "llm-linalg").mkdir(parents=True)
    file_at(tmp_path / "state" / "llm-linalg", "state.json", '{"format": 1, "way": "map"}')
    return homes


def test_a_newcomer_sees_the_door_until_a_way_is_taken_and_later_the_last_place(
    homes: dict[str, str | None], tmp_path: Path
) -> None:
    with Console(env=homes) as console:
        console.until("the cat saw the ___").until("q quit")
        assert "To begin anew" not in console.text
        console.send("q")
        assert console.wait() == 0
    with Console(env=homes) as console:  # no way was taken
        console.until("I know matrices").until("q quit")
        console.send("2")
        console.until("0 The sentence").until("q quit")
        console.send("q")
        assert console.wait() == 0
    with Console("matmul", env=homes) as console:
        console.until(READY)
        console.send("\x1b[C")
        console.until("1/12 steps")
        console.send("T")
        console.until("Theme: light")
        console.send("q")
        assert console.wait() == 0
    with Console(env=homes) as console:
        console.until("1/12 steps").until("You are where you left off. To begin anew: llm-linalg start")
        console.send("\x1b[C")
        console.until("2/12 steps").until("q quit")
        console.send("T")
        console.until("Theme: high-contrast")
        console.send("q")
        assert console.wait() == 0
    kept = tmp_path / "state" / "llm-linalg" / "state.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert json.loads(read(kept))["theme"] == "high-contrast"
    with Console("--stop", "2", env=homes) as console:  # a picture of the first lesson is named
        console.until("0 The sentence").until("q quit")
        assert "To begin anew" not in console.text


def test_the_signal_of_a_closed_window_keeps_the_place(past_the_door: dict[str, str | None]) -> None:
    with Console("matmul", "--step", "3", env=past_the_door) as console:
        console.until("3/12 steps")
        console.hang_up()
        assert console.process.wait(LONGEST) == 129
    with Console(env=past_the_door) as console:
        console.until("3/12 steps")


@pytest.mark.parametrize(("name", "code"), thin([("INT", 130), ("HUP", 129)], 2))
def test_a_signal_keeps_the_place_line_by_line_too(
    past_the_door: dict[str, str | None], tmp_path: Path, name: str, code: int
) -> None:
    record = tmp_path / "said.lin"
    with Console("matmul", "--plain", "--record", str(record), env=past_the_door) as console:
        console.until("> ")
        console.send("next\n")
        console.until("step 1 of 12").quiet()
        console.signal(signal.Signals[f"SIG{name}"])
        assert console.wait() == code
    assert '"--step", "1"' in (tmp_path / "state" / "llm-linalg" / "state.json").read_text(encoding="utf-8")
    assert "next" in record.read_text(encoding="utf-8")


@pytest.mark.parametrize("deaf", thin([True, False], 2))
def test_a_terminal_that_goes_away_keeps_the_place_line_by_line_too(
    homes: dict[str, str | None], tmp_path: Path, deaf: bool
) -> None:
    def begin() -> None:
        if deaf:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)

    with Console("matmul", "--plain", env=homes, before=begin) as console:
        console.until("> ")
        console.send("next\n")
        console.until("step 1 of 12").quiet()
        console.hang_up()
        assert console.process.wait(LONGEST) == 129
    assert '"--step", "1"' in (tmp_path / "state" / "llm-linalg" / "state.json").read_text(encoding="utf-8")


def test_a_damaged_state_is_a_first_run_that_says_so(homes: dict[str, str | None], tmp_path: Path) -> None:
    (tmp_path / "state" / "llm-linalg").mkdir(parents=True)
    file_at(tmp_path / "state" / "llm-linalg", "state.json", '{"place": ["matmul", "--st')
    with Console(env=homes) as console:
        console.until("the cat saw the ___").until("it was renamed to state.json.bak")
        console.send("q")
        assert console.wait() == 0
