"""A program at which a process died is opened, and not run, until it is changed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from llm_linalg.lessons.reader import catalog
from tests.app.driving import Driver
from tui.app import Explorer, Options
from tui.compose.view_runner import UNRUN
from tui.files.drafts import Drafts
from tui.files.run_mark import NAME, RunMark
from tui.model.view import View
from tui.navigation.playground import PLAYGROUND

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


async def test_a_fatal_draft_is_opened_and_not_run(tmp_path: Path) -> None:
    die(tmp_path)
    drafts = Drafts(tmp_path)
    drafts.keep(FATAL)
    options = Options(drafts=drafts, run_mark=RunMark(tmp_path))
    app = Explorer(View.opening(PLAYGROUND), catalog(), options)
    async with app.run_test(size=(80, 24)) as pilot:
        driver = Driver(app, pilot)
        await driver.settle()
        assert driver.view.program == FATAL
        assert UNRUN[:40] in " ".join(driver.screen.split())
        run = driver.session.current
        assert run is not None
        assert run.trace is None
        await pilot.press("ctrl+end", "0")  # x + 10
        await driver.settle()
        assert driver.view.program == FATAL + "0"
        assert "11" in driver.screen
        await pilot.press("backspace")  # the same again: the reader wants it
        await driver.settle()
        run = driver.session.current
        assert run is not None
        assert run.trace is not None
        await app.workers.wait_for_complete()
    assert (tmp_path / NAME).read_text() == ""
