"""A program of which it can't be told how much it does: it takes its time once it may."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from llm_linalg import HaltedError, OpenEndedError
from tests.app.test_cli import Capture, ours
from tests.app.test_playground import bench, editor
from tests.engine.test_documents import code, notebook
from tui.playground import PLAYGROUND
from tui.render.json import to_json
from tui.render.plain import to_plain
from tui.stage import open_view
from tui.view import View, arguments

TURNS = """x = torch.zeros(2)
for i in range(20000):
    if x.sum() > {}:
        break
    x = x + 1
"""
LONG = TURNS.format(2500)
MESSAGE = "it can't be told beforehand how much this program does"


async def test_a_key_has_patience_and_takes_it_back() -> None:
    async with bench(LONG) as d:
        assert "^r have patience" in d.screen.replace("  ", " ")
        await d.press("enter", "ctrl+r")
        await d.settle()
        assert d.session.current is not None
        assert d.session.current.error is None
        assert d.session.view.patient
        await d.press("ctrl+r")
        await d.settle()
        assert not d.session.view.patient
        assert isinstance(d.session.current.error, OpenEndedError)


async def test_a_run_that_was_stopped_is_run_again_by_the_same_key() -> None:
    async with bench(LONG) as d:
        d.app.explorer.do("edit.repair")
        await d.app.explorer.perform("halt")
        await d.settle()
        assert d.session.current is not None
        assert isinstance(d.session.current.error, HaltedError)
        await d.press("ctrl+r")
        await d.settle()
        assert d.session.current.error is None
        assert d.session.view.patient


async def test_patience_is_for_the_text_at_hand_as_it_is_written() -> None:
    async with bench(LONG) as d:
        await d.press("enter", "ctrl+r", *"#1")
        await d.settle()
        assert editor(d).text != LONG
        assert d.session.view.patient
        await d.app.explorer.perform("example:broadcast")
        await d.settle()
        assert not d.session.view.patient


def test_a_picture_says_how_it_is_had() -> None:
    view = View(PLAYGROUND, code=LONG)
    opened = open_view(view)
    assert opened.repairs == 1
    frame = opened.frame(view)
    assert "repair 1: have patience: it may take some seconds; ^g stops it" in to_plain(frame, 80)
    assert json.loads(to_json(frame))["error"]["type"] == "OpenEndedError"
    patient = opened.repaired(view, 1)
    assert not patient.same_program(view)
    assert arguments(patient)[-1] == "--patient"
    assert open_view(patient).error is None
    with pytest.raises(IndexError):
        opened.repaired(view, 2)


@pytest.mark.parametrize(
    "words", [("run", "-c", LONG), ("frame", "matmul", "--code", LONG)], ids=["run", "frame"]
)
def test_a_command_line_has_it_by_a_flag(words: Sequence[str], capsys: Capture) -> None:
    done, _, narration = ours(capsys, *words)
    assert done == 1
    assert MESSAGE in narration
    assert narration.splitlines()[-1] == "try: --patient    it may take some seconds"
    done, out, narration = ours(capsys, *words, "--patient")
    assert (done, narration) == (0, "")
    assert "x" in out


def test_so_has_a_document_of_which_each_cell_takes_long(tmp_path: Path, capsys: Capture) -> None:
    place = tmp_path / "long.ipynb"
    cells = [LONG, TURNS.removeprefix("x = torch.zeros(2)\n").format(2700), "y = x + 1"]
    place.write_bytes(notebook(*map(code, cells)))
    done, _, narration = ours(capsys, "run", str(place))
    assert done == 1
    assert narration.count(MESSAGE) >= 1
    done, out, narration = ours(capsys, "run", str(place), "--patient")
    assert (done, narration) == (0, "")
    assert "y = add(x)" in out


async def test_it_is_kept_from_one_stop_of_a_document_to_the_next(tmp_path: Path) -> None:
    from llm_linalg.documents import read

    place = tmp_path / "long.ipynb"
    place.write_bytes(notebook(code(LONG), code("y = x + 1")))
    async with bench(lesson=read(str(place))) as d:
        assert MESSAGE[:20] in d.screen
        await d.press("r")
        await d.settle()
        assert d.session.current is not None
        assert d.session.current.error is None
        await d.press(".")
        await d.settle()
        assert (d.session.view.stop, d.session.view.patient) == (2, True)
        assert d.session.current.error is None


def test_a_trace_takes_the_time_that_it_takes(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "own.py"
    file.write_text("def f(x):\n    return x + 1\n", encoding="utf-8")
    done, _, narration = ours(capsys, "trace", f"{file}:f", "--inputs", "3", "--format", "plain", "--patient")
    assert done == 2
    assert "--patient" in narration
