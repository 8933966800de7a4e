"""Whatever fails, in a lesson, in a program or in the app itself: it is said, and the app goes on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from llm_linalg.base.errors import InternalError
from llm_linalg.base.text import clean
from llm_linalg.lessons.lesson import Lesson
from llm_linalg.lessons.reader import find, load
from tests.app.driving import lesson, opened
from tests.app.lessons import failure_of
from tests.app.test_playground import bench
from tests.common import file_at, known
from tui.cli.main import main
from tui.compose import frames, run_pictures
from tui.compose.view_runner import open_view
from tui.model.frame import Frame
from tui.model.view import View
from tui.navigation.playground import playground_view
from tui.render.json_text import to_json
from tui.render.plain import to_plain
from tui.screens import explorer
from tui.session.commands import run
from tui.session.session import Session
from tui.terminal import crash_log


async def test_linear_with_another_in_features_fails_beside_the_picture_before() -> None:
    async with opened("linear") as d:
        assert "y (3, 6)" in d.screen
        moved = 0
        while d.session.current is not None and d.session.current.error is None and moved < 3:
            await d.press("right_square_bracket")
            moved += 1
        run = known(d.session.current)
        assert run.error is not None
        assert "the last good picture" in d.screen
        assert "y (3, 6)" in d.screen


async def test_a_program_that_is_no_program_has_a_caret() -> None:
    broken = lesson("Text.\n\n```python\nx = torch.ones(2)\ny = x +\n```\n")
    async with opened(broken) as d:
        assert "^" in d.screen
        await d.press("right", "space", "enter", "c", "n", "o")
        assert d.app.is_running


async def test_text_is_never_markup() -> None:
    prose = "[@click=app.quit]press[/] [/foo] $x"
    hostile = lesson(f"{prose}\n\n```python\nx = torch.ones(2)  # [b]not bold[/b]\n```\n")
    async with opened(hostile) as d:
        assert prose in d.screen
        assert "# [b]not bold[/b]" in d.screen
        await d.press("p")
        assert "[/foo]" in d.screen


async def test_a_stale_result_is_dropped() -> None:
    async with opened("matmul") as d:
        screen = d.app.explorer
        stale = known(screen.session.last_run)
        later = d.view.move("m", 1)
        screen.update_session(screen.session.with_undo(later))
        from tui.screens.run_worker import RunFinished

        screen.post_message(RunFinished(stale))
        await d.settle()
        assert "(4, 2) @ (2, 4)" in d.screen


def test_a_listed_lesson_that_is_broken_is_told_and_the_one_that_is_open_stays(tmp_path: Path) -> None:
    file = file_at(tmp_path, "own.md", '+++\ntitle = "Own"\npart = 2\norder = 9\nseeed = 1\n+++\nHi.\n')
    dot = find("dot")
    listed = Lesson("own", clean("Own"), 2, 9, path=file)
    session = Session.start(View.opening(dot, len(dot.stops)), (dot, listed))
    for command in ("open:own", "stop.next"):
        after = run(session, command)
        assert (after.view, after.history) == (session.view, session.history)
        assert after.notice.startswith('own.md:5: unknown key "seeed": did you mean "seed"?')
    file.write_text('+++\ntitle = "Own"\npart = 2\norder = 9\n+++\nHi.\n', encoding="utf-8")  # mended
    assert run(session, "open:own").view.lesson.slug == "own"


CLASHES = {
    "A = torch.tensor([[1.0, 2]])\nB = torch.tensor([[3.0], [-4], [-5]])\nA @ B": "1·3 + 2·(-4) + [?·(-5)]",
    "x = torch.tensor([1.0, -2, 3, 4, 5, 6])\ntorch.dot(x, torch.ones(5))": (
        "1·1 - 2·1 + … 2 more … + 5·1 + [6·?]"
    ),
    "torch.ones(2, 0) @ torch.ones(1, 2)": "[?·1]",
    "torch.ones(2, 3) + torch.ones(2)": "",
}


def test_a_row_is_laid_along_the_column_that_it_clashes_with() -> None:
    for program, said in CLASHES.items():
        view = playground_view(program)
        frame = open_view(view).frame(view)
        assert " ".join(frame.captions.formula_text) == said
        states = [state for line in frame.captions.formula for _, state in line]
        assert not said or (states[-1] == "error" and "current" not in states)  # yellow is what is done now


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
    assert known(frame.error).sentence == SAID
    assert isinstance(known(frame.error).cause.__cause__, IndexError)
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


@pytest.mark.slow
async def test_a_result_that_can_not_be_taken_over_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("tui.compose.line_notes.path_at", boom)
        async with bench("x = torch.ones(2)\ny = x * 2") as d:
            assert "this can't be run" in d.screen
            broken.undo()
            await d.press("ctrl+end", "enter", *"z=y*2")
            assert "this can't be run" not in d.screen
            assert "z" in d.screen


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


Capture = pytest.CaptureFixture[str]

BROKEN = """\
+++
title = "Broken"
[controls.n]
range = [1, 3]
default = 2
+++
Text.

```python
x = torch.ones(n, 3)
y = x @ x
```

## Nothing is called so
Text.

```python show="z"
w = torch.ones(2)
```
"""
FAULTY = """\
+++
title = "Faulty"
[controls.n]
range = [1, 3]
default = 2
+++
Text.

```python show="z"
x = torch.ones(n, 3)
```

## It works
Text.

```python fails
y = x + 1
```

## Too many
Text.

```python steps="5-99"
y = x + 2
```

## With some controls
Text.

```python show="z"
z = x if n == 2 else 0
w = 0 * x
```
"""


@pytest.fixture
def broken(tmp_path: Path) -> str:
    path = file_at(tmp_path, "broken.md", BROKEN)
    return str(path)


@pytest.fixture
def faulty(tmp_path: Path) -> str:
    path = file_at(tmp_path, "faulty.md", FAULTY)
    return str(path)


def test_a_failing_program_is_said_with_the_line_of_the_file(broken: str, capsys: Capture) -> None:
    assert main(("frame", broken)) == 1
    out, narration = capsys.readouterr()
    assert "broken.md:11: matmul" in " ".join(out.split())
    assert narration.startswith(f"{broken}:11: ")


@pytest.mark.parametrize(
    ("stop", "line", "reason"),
    [
        (1, 9, 'unknown node "z": there is x'),
        (2, 16, "the stop is meant to fail, and does not"),
        (3, 23, "y has 6 steps, not 99"),
    ],
)
def test_what_a_stop_asks_for_in_vain_is_said(
    faulty: str, capsys: Capture, stop: int, line: int, reason: str
) -> None:
    assert main(("frame", faulty, "--stop", str(stop))) == 1
    out, narration = capsys.readouterr()
    assert f"faulty.md:{line}: {reason}" in out
    assert narration == f"{faulty}:{line}: {reason}\n"
    assert "None" not in out


def test_a_change_of_the_reader_s_is_no_fault_of_the_lesson_s(broken: str) -> None:
    lesson = load(broken)
    assert failure_of(open_view(View.opening(lesson))).fault is not None
    changed = open_view(View.opening(lesson).move("n", 1))
    assert changed.failure is None or changed.failure.fault is None


def test_what_is_shown_may_be_missing_with_some_controls_only(faulty: str) -> None:
    view = View.opening(load(faulty), 4)
    # The first stop's `show` is at fault; the fourth's own program is well with the default.
    assert open_view(view).error is None
    missing = open_view(view.move("n", 1))
    assert "unknown node" in known(missing.error).message


async def test_the_app_shows_it_and_goes_on(faulty: str) -> None:
    async with opened(load(faulty)) as d:
        assert 'faulty.md:9: unknown node "z"' in d.screen
        await d.press("full_stop", "full_stop", "full_stop")
        assert d.view.stop == 4
        assert "faulty.md" not in d.screen
        await d.press("right")
        assert d.view.step == 1


async def test_stepping_brings_back_the_slice_of_the_active_cells() -> None:
    async with opened("shapes", stop=4) as d:
        await d.press("right_curly_bracket", "right_curly_bracket")
        assert d.view.at == (2,)
        await d.press("right")
        assert d.view.at is None
        assert "Y[0]" in d.screen


async def test_printed_text_that_is_cut_says_so() -> None:
    async with opened(
        lesson("Text.\n\n```python\nx = torch.ones(2)\nfor i in range(40):\n    print(i)\n```\n")
    ) as d:
        assert "prints" not in d.screen  # the picture is made first
        await d.press("f")
        assert "… prints" in d.screen
        assert "prints 39" in d.screen
        assert "prints 0" not in d.screen


async def test_a_result_is_printed_when_the_picture_has_made_it() -> None:
    async with opened("scalar", stop=3) as d:
        assert "1.75" not in d.screen
        await d.press("f")
        assert "loss = (0.25 + 1 + [4]) / 3 = 1.75" in d.screen
        assert d.rows[-3].endswith("prints 1.75")  # behind the control, so that nothing said gives way
        await d.press("left")
        assert "1.75" not in d.screen


async def test_a_stop_shows_what_its_own_lines_print_whole() -> None:
    async with opened("shapes", stop=4) as d:
        assert "prints" not in d.screen
        await d.press("f")
        assert "prints torch.Size([4, 2, 2])" in d.screen
        assert "… prints" not in d.screen


def test_a_stops_own_cell_that_its_controls_took_away_is_no_fault_of_the_command(capsys: Capture) -> None:
    assert main(("frame", "why", "--stop", "5", "--set", "seq_len=2")) == 0  # what Y copies in the app
    assert "depends on" not in capsys.readouterr()[0]
    assert main(("frame", "why", "--stop", "5", "--set", "seq_len=3")) == 0
    assert "logits[2,3] depends on" in capsys.readouterr()[0]
