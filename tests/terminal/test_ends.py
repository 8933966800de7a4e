"""How it ends, is suspended, and fails: the terminal is given back, and the exit code says why."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.common import file_at
from tests.terminal.console import LONGEST, Console
from tests.thinning import thin

PROSE = "Each cell of Y"
READY = "/12 steps"


SIGNALS = [("TERM", 143), ("HUP", 129), ("INT", 130), ("QUIT", 131)]


@pytest.mark.parametrize(("name", "code"), thin(SIGNALS, 2))
def test_a_signal_ends_it_and_gives_the_terminal_back(name: str, code: int) -> None:
    with Console("matmul", "--play") as console:
        console.until(PROSE)
        console.signal(signal.Signals[f"SIG{name}"])
        assert console.wait() == code
        assert console.left_over == []
        assert console.after == ""


EXPLORING = """
import signal
import torch
from llm_linalg import explore, run
explore(run("x = torch.ones(2, 2)"))
signals = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
print("as before:", all(signal.getsignal(number) == signal.SIG_DFL for number in signals))
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.slow
def test_a_script_that_goes_on_has_its_signals_again() -> None:
    with Console(argv=(sys.executable, "-W", "ignore", "-c", EXPLORING)) as console:
        console.until("q quit")
        console.send("q")
        assert console.wait() == 0
        assert console.after.split("\r\n")[:2] == ["as before: True", "interrupted"]
        assert console.left_over == []


TAKEN = {"the first mode": b"\x1b[?1049h", "the cursor": b"\x1b[?25l", "the keyboard": b"\x1b[>"}


@pytest.mark.parametrize(
    ("name", "code", "mark"),
    thin([(*number, mark) for number, mark in zip(SIGNALS, TAKEN.values(), strict=False)], 4),
)
def test_a_signal_while_the_terminal_is_being_taken_gives_it_back(name: str, code: int, mark: bytes) -> None:
    with Console("matmul") as console:
        console.until(lambda: mark in console.raw)
        console.signal(signal.Signals[f"SIG{name}"])
        assert console.wait() == code
        assert console.left_over == []
        assert console.after == ""


@pytest.mark.parametrize(("first", "code"), thin(SIGNALS[:2], 2))
@pytest.mark.slow
def test_one_signal_more_cuts_nothing_off(first: str, code: int, tmp_path: Path) -> None:
    """A window that is closed sends some: the kernel's, the shell's."""
    with Console("matmul", "--step", "3", env={"XDG_STATE_HOME": str(tmp_path)}) as console:
        console.until("3/12 steps")
        console.signal(signal.Signals[f"SIG{first}"])
        console.until(lambda: b"\x1b[?1049l" in console.raw)
        while console.process.poll() is None:
            for more in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
                console.signal(more)
            console.read(0.001)
        assert console.wait() == code
        assert console.left_over == []
    assert '"--step", "3"' in (tmp_path / "llm-linalg" / "state.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("key", thin(["q", "\x03"], 2))
def test_a_key_ends_it(key: str) -> None:
    with Console("matmul") as console:
        console.until(READY)
        console.send(key)
        console.until(lambda: b"\x1b[?1049l" in console.raw)
        assert console.wait() == 0
        assert console.left_over == []


HEEDLESS = """
import threading
import torch

def waits(x):
    threading.Event().wait()

def endless(x):
    while True:
        x = x * 2
"""


@pytest.mark.parametrize(("name", "by"), thin([("waits", "q"), ("endless", "HUP")], 2))
@pytest.mark.slow
def test_it_ends_though_code_of_one_s_own_is_still_running(name: str, by: str, tmp_path: Path) -> None:
    file = file_at(tmp_path, "own.py", HEEDLESS)
    with Console("trace", f"{file}:{name}", "--inputs", "3") as console:
        console.until("running")
        if by == "q":
            console.send("q")
        else:
            console.signal(signal.SIGHUP)
        assert console.wait() == (0 if by == "q" else 129)
        assert console.left_over == []


@pytest.mark.slow
def test_a_run_of_one_s_own_code_is_stopped_by_the_key(tmp_path: Path) -> None:
    file = file_at(tmp_path, "own.py", HEEDLESS)
    with Console("trace", f"{file}:endless", "--inputs", "3") as console:
        console.until("running")
        console.send("\x07")
        console.until("stopped: what comes after this was not run")
        console.send("q")
        assert console.wait() == 0


@pytest.mark.slow
def test_a_file_whose_own_code_runs_for_long_is_said_and_ended_by_the_key(tmp_path: Path) -> None:
    file = file_at(tmp_path, "own.py", "import threading\nthreading.Event().wait()\n")
    with Console("trace", f"{file}:model") as console:
        said = "is still running its own code; ^g or ^C ends it; put its training under"
        console.until(lambda: said in "".join(console.screen.display))  # the path's length breaks the line
        console.send("\x07")
        assert console.wait() == 130
        assert console.left_over == []


@pytest.mark.parametrize("by", thin(["key", "signal"], 2))
@pytest.mark.slow
def test_it_is_suspended_and_comes_back(by: str) -> None:
    with Console("matmul") as console:
        console.until(READY)
        console.send("\x1b[C")
        still = console.until("1/12 steps").quiet(0.2)
        if by == "key":
            console.send("\x1a")
        else:
            console.signal(signal.SIGTSTP)
        assert console.stopped()
        assert console.left_over == []
        console.screen.reset()
        console.signal(signal.SIGCONT)
        console.until(lambda: console.text == still)
        console.send("\x1b[C")
        console.until("2/12 steps")
        console.send("q")
        assert console.wait() == 0
        assert console.left_over == []


def deaf() -> None:
    """As nohup does."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


@pytest.mark.slow
def test_when_the_terminal_goes_away_nothing_stays_behind() -> None:
    with Console("matmul", before=deaf) as console:
        console.until(PROSE)
        console.hang_up()
        assert console.process.wait(LONGEST) == 129


PLAYING = ("matmul", "--play", "--speed", "100", "--set", "m=12", "--set", "n=12")


def not_reading(console: Console, seconds: float = 1.5) -> None:
    """Leaves the program alone with a full terminal: it plays on, and does not end."""
    with pytest.raises(subprocess.TimeoutExpired):
        console.process.wait(seconds)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").exists(), reason="needs a /proc to see another process's memory")
def test_a_terminal_that_does_not_read_costs_no_memory_and_can_be_left_from_outside() -> None:
    with Console(*PLAYING) as console:
        console.until("/144 steps")
        not_reading(console)
        before = resident(console.app)
        for _ in range(3):  # it plays on: the walk is over and begun again
            console.signal(signal.SIGWINCH)
            not_reading(console)
        assert resident(console.app) - before < 2_000_000  # bytes; a queue would hold megabytes
        console.signal(signal.SIGHUP)
        assert console.process.wait(LONGEST) == 129


def resident(pid: int) -> int:
    """The memory of a process, in bytes."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").exists(), reason="needs a /proc to see another process's memory")
def test_a_flood_of_keys_waits_in_the_terminal_and_it_can_be_left_from_outside() -> None:
    with Console("matmul") as console:
        console.until(READY).quiet()
        before, end = resident(console.app), time.monotonic() + 4.0
        while time.monotonic() < end:
            console.read(0.0)
            if select.select([], [console.master], [], 0.05)[1]:
                os.write(console.master, b"\x1b[C\x1b[D" * 80)
        assert resident(console.app) - before < 30_000_000
        console.signal(signal.SIGTERM)
        assert console.wait() == 143
        assert console.left_over == []


@pytest.mark.slow
def test_frames_are_dropped_and_never_queued() -> None:
    with Console(*PLAYING, "--set", "k=12") as console:
        console.until("/144 steps")
        not_reading(console)
        before = len(console.raw)
        console.until("144/144 steps")
        assert len(console.raw) - before < 100_000  # what the kernel held, and one frame or a few
        assert "Y[11,11] =" in console.text


CRASH = """
import sys
from importlib import import_module
from tui.cli.main import main
module, *names, last = {place!r}.split(".")
def broken(*_, **__):
    raise ValueError("a \\x1b[31mbroken[/] widget")
owner = import_module(module.replace(":", "."))
for name in names:
    owner = getattr(owner, name)
setattr(owner, last, broken)
sys.exit(main(["matmul"]))
"""
# Where it breaks, and the key that leads there.
PLACES = {
    "a widget": ("tui:panes:footer.Footer.render_line", ""),
    "making the app": ("tui:app.Explorer.__init__", ""),
    "the thread of a run": ("tui:compose:view_runner.open_view", ""),
    "a frame": ("tui:compose:program_run.Run.frame", ""),
    "a key": ("tui:screens:explorer.ExplorerScreen.on_key", "x"),
    "a callback of the loop": ("tui:app.Explorer.tell_cut", f"\x1b[200~{'x' * 30_000}\x1b[201~"),
    "the thread that reads": ("tui:terminal:input_filter.InputFilter._keys", "x"),
    "the thread that writes": ("tui:terminal:writer.TerminalWriter._send", ""),
    "the end": ("tui:screens:explorer.ExplorerScreen.on_unmount", "q"),
}


@pytest.mark.parametrize(("place", "key"), thin(PLACES.values(), 6), ids=PLACES)
@pytest.mark.slow
def test_an_exception_anywhere_is_a_short_message_and_a_log(tmp_path: Path, place: str, key: str) -> None:
    argv = (sys.executable, "-W", "ignore", "-c", CRASH.format(place=place))
    with Console(argv=argv, env={"TMPDIR": str(tmp_path)}) as console:
        if key:
            console.until(READY)
            console.send(key)
        assert console.wait() == 1
        assert console.left_over == []
        said = console.after
        assert "\x1b" not in said
        first, second = said.strip().splitlines()
        assert first.strip().startswith("llm-linalg: ValueError: a ")
        log = Path(second.strip().rpartition(" ")[2])
        assert log.parent == tmp_path
        assert "ValueError: a ␛[31mbroken" in log.read_text(encoding="utf-8")


NOISE = """
import os, sys
from tui.cli.main import main
from tui.screens.explorer import ExplorerScreen
late = ExplorerScreen.draw
def draw(self):
    os.write(1, b"noise on 1\\n")
    os.write(2, b"noise on 2\\n")
    late(self)
ExplorerScreen.draw = draw
sys.exit(main(["matmul"]))
"""


def test_what_a_library_writes_goes_to_the_log(tmp_path: Path) -> None:
    argv = (sys.executable, "-W", "ignore", "-c", NOISE)
    with Console(argv=argv, env={"TMPDIR": str(tmp_path)}) as console:
        console.until(PROSE)
        console.send("q")
        assert console.wait() == 0
        assert b"noise" not in console.raw
        (log,) = tmp_path.glob("llm-linalg-*.log")
        assert {"noise on 1", "noise on 2"} == set(log.read_text(encoding="utf-8").split("\n")) - {""}


@pytest.mark.parametrize("home", thin(["/dev/null/nowhere", "/proc", None], 3))
@pytest.mark.slow
def test_a_home_that_cannot_be_written_is_no_obstacle_and_told_once(home: str | None) -> None:
    with Console("matmul", env={"HOME": home, "XDG_STATE_HOME": None}) as console:
        console.until(READY).until("nothing is remembered")
        console.send("\x1b[C")
        assert "nothing is remembered" not in console.until("1/12 steps").quiet(0.2)
        console.send("q")
        assert console.wait() == 0
        assert console.left_over == []
