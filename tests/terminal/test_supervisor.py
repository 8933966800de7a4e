"""The process around the app: whatever ends the app, the terminal is given back, and the shell told."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.common import file_at
from tests.terminal.console import Console, busy, gone, within
from tests.thinning import thin

pytestmark = pytest.mark.skipif(not Path("/proc").exists(), reason="needs a /proc to find the app's process")
PROSE, READY = "Each cell of Y", "/12 steps"
DEATHS = ["FPE", "KILL", "SEGV"]


@pytest.mark.parametrize("name", thin(DEATHS, 6))
def test_whatever_signal_kills_the_app_the_terminal_is_given_back(name: str, tmp_path: Path) -> None:
    with Console("matmul", env={"TMPDIR": str(tmp_path)}) as console:
        console.until(PROSE)
        number = signal.Signals[f"SIG{name}"]
        os.kill(console.app, number)
        assert console.wait() == 128 + number
        assert console.left_over == []
        (said,) = console.after.strip().splitlines()
        assert "\x1b" not in said
        if name == "KILL":
            assert said.startswith("llm-linalg: the app was killed: by somebody, or ")
            assert list(tmp_path.iterdir()) == []
        else:
            assert said.startswith(f"llm-linalg: the app was ended by an error in native code (SIG{name})")
            log = Path(said.rpartition(" ")[2])
            assert "launch.py" in log.read_text(encoding="utf-8")  # where it was


OWN = "import ctypes\n\ndef crash(x):\n    ctypes.string_at(0)\n"


@pytest.mark.slow
def test_native_code_that_fails_in_a_run_is_told_of(tmp_path: Path) -> None:
    file = file_at(tmp_path, "own.py", OWN)
    with Console("trace", f"{file}:crash", "--inputs", "3", env={"TMPDIR": str(tmp_path)}) as console:
        assert console.wait() == 128 + signal.SIGSEGV
        assert console.left_over == []
        said = console.after.strip().splitlines()[-1]
        assert "the app was ended by an error in native code (SIGSEGV)" in said
        assert "own.py" in Path(said.rpartition(" ")[2]).read_text(encoding="utf-8")


STUCK = """
import ctypes
from pathlib import Path

def stuck(x):
    Path("{mark}").write_text("here")
    ctypes.PyDLL(None).sleep(1000)  # with Python's lock held
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_an_app_that_can_do_nothing_is_killed_after_a_while(number: signal.Signals, tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    mark = tmp_path / "mark"
    file.write_text(STUCK.replace("{mark}", str(mark)), encoding="utf-8")
    with Console("trace", f"{file}:stuck", "--inputs", "3", env={"TMPDIR": str(tmp_path)}) as console:
        console.until(mark.exists)
        app = console.app
        console.until(lambda: not busy(app))
        console.signal(number)
        assert console.wait() == 128 + number
        assert console.left_over == []
        assert f"did not end within 10 s of {number.name}" in console.after
        assert gone(app)


def test_the_process_around_it_may_be_killed_as_well() -> None:
    with Console("matmul") as console:
        console.until(PROSE)
        app = console.app
        console.process.kill()
        assert console.wait() == -signal.SIGKILL
        read_until_gone(console, app)
        assert console.left_over == []


def read_until_gone(console: Console, pid: int) -> None:
    """Reads what a process still writes, until it has ended."""

    def ended() -> bool:
        console.read(0.0)
        return not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().split()[2]

    assert within(ended)
    console.read_all()


@pytest.mark.parametrize("number", thin([signal.SIGTERM, signal.SIGINT], 2))
def test_a_signal_before_there_is_anything_to_see_is_obeyed(number: signal.Signals) -> None:
    with Console("matmul") as console:
        pid = console.app
        console.signal(number)
        assert console.wait() == 128 + number
        assert console.left_over == []
        assert b"Traceback" not in console.raw
        assert b"llm-linalg:" not in console.raw
        assert gone(pid)


@pytest.mark.parametrize("how", thin(["a signal to the app", "signals to both", "the key"], 3))
@pytest.mark.slow
def test_however_it_is_stopped_and_however_often_it_is_continued_it_goes_on(how: str) -> None:
    """By the key, or by a signal that no process can handle."""
    with Console("matmul") as console:
        console.until(READY)
        for step in range(1, 4):
            if step < 3:
                stop(console, how)
                console.screen.reset()
            for pid in (console.process.pid, console.app) * 2:
                os.kill(pid, signal.SIGCONT)
            console.until("q quit")  # until then what is typed may be the shell's, and is thrown away
            console.send("\x1b[C")
            console.until(f"{step}/12 steps").until("q quit")
        console.send("q")  # one thread reads keys: none is lost
        assert console.wait() == 0
        assert console.left_over == []


def stop(console: Console, how: str) -> None:
    """Stops the app, and perhaps the process around it, which then can give no terminal back."""
    app = console.app
    if how == "the key":
        console.send("\x1a")
    else:
        os.kill(app, signal.SIGSTOP)
        if how == "signals to both":
            console.signal(signal.SIGSTOP)
    assert console.stopped()
    assert how == "signals to both" or console.left_over == []


@pytest.mark.slow
def test_it_stays_small() -> None:
    with Console("matmul") as console:
        console.until(READY)
        around = Path(f"/proc/{console.process.pid}")
        assert "torch" not in (around / "maps").read_text(encoding="utf-8")
        assert len(list((around / "task").iterdir())) == 1
        assert own_memory(console.process.pid) < own_memory(console.app) / 10


def own_memory(pid: int) -> int:
    """What a process shares with no other, in KiB."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8")
    return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Private_"))
