"""Whatever raises while a program is run or its picture is made: it is shown, and the app goes on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from llm_linalg.base.errors import InternalError
from tests.app.driving import opened
from tests.app.test_playground import bench
from tui.cli.main import main
from tui.compose import frames, panels, run_pictures
from tui.compose.view_runner import open_view
from tui.model.frame import Frame
from tui.navigation.playground import PLAYGROUND, playground_view
from tui.render.json_text import to_json
from tui.render.plain import to_plain
from tui.screens import explorer
from tui.terminal import crash_log

SAID = "this can't be drawn, and the fault is not the program's: IndexError: boom"


@pytest.fixture(autouse=True)
def _own_logs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(crash_log, "_KNOWN", set())
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def boom(*_: object, **__: object) -> Any:
    raise IndexError("boom")


def failing_for(name: str) -> Any:
    """What makes frames, but not of the node with this name."""
    made = frames.node_frame

    def node_frame(*given: Any) -> Frame:
        return boom() if given[3].node.name == name else made(*given)

    return node_frame


def test_what_raises_in_a_frame_gives_a_frame_of_the_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    view = playground_view("x = torch.ones(2, 3)\ny = x * 2")
    run = open_view(view)
    monkeypatch.setattr(run_pictures, "node_frame", boom)
    frame = run.frame(view)
    assert frame.error is not None
    assert frame.error.sentence == SAID
    assert isinstance(frame.error.cause.__cause__, IndexError)
    assert SAID in " ".join(to_plain(frame).split())
    assert json.loads(to_json(frame))["error"]["type"] == "InternalError"
    with pytest.raises(LookupError, match="nothing"):
        run.frame(replace(view, path=("nothing",)))


def test_what_raises_in_a_run_is_its_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llm_linalg.api.run.run_text", boom)
    run = open_view(playground_view("x = torch.ones(2)"))
    assert isinstance(run.error, InternalError)
    assert "this can't be run, and the fault is not the program's" in run.error.message


async def test_the_app_shows_it_and_another_step_is_shown_as_ever(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(run_pictures, "node_frame", failing_for("Y"))
    async with opened("matmul") as d:
        assert "this can't be drawn" in d.screen
        assert "Its traceback is in" in d.screen
        assert "boom" in next(tmp_path.glob("*.log")).read_text(encoding="utf-8")
        monkeypatch.undo()
        await d.press("right")
        assert "this can't be drawn" not in d.screen


async def test_cells_that_can_not_be_read_are_a_picture_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(PLAYGROUND) as d:
        monkeypatch.setattr(panels.TensorCells, "window", boom)
        await d.press("right")
        assert "this can't be drawn" in d.screen
        monkeypatch.undo()
        await d.press("left")
        assert "this can't be drawn" not in d.screen


async def test_the_editor_stays_usable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_pictures, "node_frame", failing_for("bad"))
    async with bench("bad = torch.ones(2)") as d:
        assert "this can't be drawn" in d.screen
        await d.press("ctrl+end", "enter", *"ok=bad*2")
        assert "ok=bad*2" in d.screen
        assert "this can't be drawn" not in d.screen
        await d.press("up")
        assert "this can't be drawn" in d.screen
        await d.press("up", "down", "down")
        assert "this can't be drawn" not in d.screen


async def test_a_result_that_can_not_be_taken_over_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("tui.compose.line_notes.path_at", boom)
        async with bench("x = torch.ones(2)\ny = x * 2") as d:
            assert "this can't be run" in d.screen
            broken.undo()
            await d.press("ctrl+end", "enter", *"z=y*2")
            assert "this can't be run" not in d.screen
            assert "z" in d.screen


async def test_a_place_that_a_run_lacks_is_said() -> None:
    async with opened("matmul") as d:
        d.app.explorer.update_session(replace(d.session, view=replace(d.view, path=("nowhere",))))
        await d.settle()
        assert "nowhere" in d.screen
        await d.press("u")


async def test_a_command_that_fails_leaves_everything_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened("matmul") as d:
        before = d.view
        monkeypatch.setattr(explorer, "run", boom)
        await d.press("right")
        assert "That failed, by a fault of this program: IndexError" in d.screen
        assert d.view == before


def test_the_command_line_prints_the_picture_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run_pictures, "node_frame", boom)
    assert main(("frame", "matmul")) == 1
    out, narration = capsys.readouterr()
    assert SAID in " ".join(out.split())
    assert "boom" in narration
