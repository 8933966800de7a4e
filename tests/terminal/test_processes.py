"""The processes beside the app's: none for the course, one for what is foreign, none after the app."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.common import file_at
from tests.terminal.console import Console, within
from tests.thinning import thin

pytestmark = pytest.mark.skipif(not Path("/proc").exists(), reason="needs a /proc to find processes")
READY = "/12 steps"
ENDLESS = "x = torch.ones(2, 3)\nwhile True:\n    pass\n"


def under(pid: int) -> Iterator[int]:
    """The processes that a process has started, and those that they have."""
    try:
        tasks = [task / "children" for task in Path(f"/proc/{pid}/task").iterdir()]
        children = [int(word) for task in tasks for word in task.read_text(encoding="ascii").split()]
    except OSError:  # it has ended
        return
    for child in children:
        yield child
        yield from under(child)


def ended(pid: int) -> bool:
    """Whether a process has ended; its parent may not have asked how yet."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return True
    return state.rpartition(")")[2].split()[0] in "ZX"


@pytest.mark.slow
def test_a_course_starts_no_process_before_a_stop_asks_for_a_program() -> None:
    with Console("matmul") as console:
        console.until(READY)
        console.send("\x1b[C")
        console.until("1/12 steps").quiet(0.2)
        assert not [*under(console.app)]
        console.send("q")
        assert console.wait() == 0


def test_an_exercise_has_its_process_ready() -> None:
    with Console("matmul", "--stop", "5") as console:
        console.until("q quit")
        assert within(lambda: bool([*under(console.app)]))


@pytest.mark.parametrize(
    ("how", "program"),
    thin(
        [
            ("KILL of the parent", "x = torch.ones(2, 3)\n"),
            *((how, ENDLESS) for how in ("key", "HUP", "KILL", "KILL of the parent")),
        ],
        5,
    ),
)
@pytest.mark.slow
def test_none_is_left_however_the_app_ends(how: str, program: str, tmp_path: Path) -> None:
    file = file_at(tmp_path, "program.py", program)
    with Console("play", str(file), "--time-limit", "off") as console:
        console.until("running…" if program is ENDLESS else "(2, 3) float32")
        assert within(lambda: len([*under(console.app)]) > 1)  # the one that waits, and a spare
        app = console.app
        every = [app, *under(app)]
        if how == "key":
            console.send("\x11")
        elif how == "KILL of the parent":
            console.process.kill()
        else:
            os.kill(app, signal.Signals[f"SIG{how}"])
        console.wait()
        assert within(lambda: all(map(ended, every)))
