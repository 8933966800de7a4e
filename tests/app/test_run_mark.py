"""A program at which a process died is opened, and not run, until it is changed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tui.files.run_mark import NAME, RunMark

FATAL, OTHER = "x = torch.ones(2)\ny = x + 1", "x = torch.ones(3)"
DYING = """
import sys
from pathlib import Path
from tui.files.run_mark import RunMark
RunMark(Path(sys.argv[1])).set(sys.argv[2])
"""


def die(folder: Path, program: str = FATAL) -> None:
    """A process that ends while it runs a program."""
    subprocess.run([sys.executable, "-c", DYING, str(folder), program], check=True)


def test_a_mark_is_told_by_the_next_process_for_that_program_alone(tmp_path: Path) -> None:
    folder = tmp_path / "play"
    assert not RunMark(folder).is_fatal(FATAL)
    die(folder)
    assert RunMark(folder).is_fatal(FATAL)
    assert RunMark(folder).is_fatal(FATAL)  # as often as it is opened
    assert not RunMark(folder).is_fatal(OTHER)
    mark = RunMark(folder)
    mark.set(OTHER)
    assert not mark.is_fatal(FATAL)
    mark.clear(FATAL)
    text = (folder / NAME).read_text()
    (folder / NAME).write_text(text.replace(str(os.getpid()), str(os.getppid())))
    assert not RunMark(folder).is_fatal(OTHER)  # whoever runs it still lives
    mark.clear(OTHER)
    assert (folder / NAME).read_text() == ""


@pytest.mark.parametrize("text", ["", "x", "1", "999999999", "12 \0", "\x1b[2J " * 1000, "PID "])
def test_whatever_stands_there_is_no_obstacle(text: str, tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(text.replace("PID", str(os.getpid())))
    assert not RunMark(tmp_path).is_fatal("")
    assert not RunMark(None).is_fatal("")
