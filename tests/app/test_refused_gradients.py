"""Where a gradient is refused, command, check, frame and key say so, with the operation and its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from llm_linalg.lessons.reader import load
from tests.common import file_at, ours
from tui.compose.view_runner import open_view
from tui.model.view import View

Capture = pytest.CaptureFixture[str]
PROGRAM = "x = torch.randn(3, 4)\ny = x // 2\nloss = (x * y).sum()\n"
WHY = "the gradient flows through y (floor_divide, {}), which has no derivative in torch"
LESSON = '+++\ntitle = "Back"\n+++\n## One\nBack.\n\n```python{}\n{}```\n'


def test_the_trace_of_a_function_says_it_and_exits_1(tmp_path: Path, capsys: Capture) -> None:
    body = PROGRAM.replace("\n", "\n    ")
    path = file_at(tmp_path, "own.py", f"import torch\ndef f():\n    {body}return loss\n")
    code, out, said = ours(capsys, "trace", f"{path}:f", "--backward", "--format", "plain")
    assert (code, out) == (1, "")
    assert WHY.format("own.py:4") in said
    body = "x = torch.ones(2)\n    return (x * x).sum()\n"
    good = file_at(tmp_path, "good.py", f"import torch\ndef f():\n    {body}")
    code, out, _ = ours(capsys, "trace", f"{good}:f", "--backward", "--format", "plain")
    assert code == 0
    assert "dx = " in out


def test_a_backward_stop_fails_and_the_check_finds_it(tmp_path: Path, capsys: Capture) -> None:
    path = file_at(tmp_path, "back.md", LESSON.format(" backward", PROGRAM))
    code, out, _ = ours(capsys, "check", str(path))
    assert code == 1
    assert WHY.format("line 2") in out
    code, out, _ = ours(capsys, "frame", str(path), "--stop", "1")
    assert code == 1
    assert "floor_divide, line 2" in out


def test_the_key_says_why_there_is_no_way_back(tmp_path: Path) -> None:
    lesson = load(file_at(tmp_path, "there.md", LESSON.format("", PROGRAM)))
    view = View.opening(lesson, 1)
    run = open_view(view)
    assert run.passes.switch(view) == f"No way back: {WHY.format('line 2')}."
