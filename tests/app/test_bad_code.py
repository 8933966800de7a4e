"""Bad code and bad inputs at the front door: the line, the module, what to do; what ran is there to see."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from llm_linalg import load_trace
from llm_linalg.api import trusted
from llm_linalg.lessons.external import of_function
from llm_linalg.lessons.lesson import lesson_of
from tests.app.driving import opened
from tests.common import known, ours

Capture = pytest.CaptureFixture[str]
MODEL = """
import sys
import torch
from torch import nn

class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.up = nn.Linear(4, 4)

    def forward(self, x):
        h = self.up(x).relu()
        print("\\x1b[2J\\x1b]0;owned\\x07", flush=True)
        if len(x) > 1:
            raise KeyError("no \\x1b[31mexpert")
        return h

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(10, 4)
        self.blocks = nn.ModuleList([Block(), Block()])

    def forward(self, ids, mask=None):
        x = self.words(ids)
        for block in self.blocks:
            x = block(x)
        return x

class Large(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(10**6, 10**6)

def fine(x):
    print("\\x1b[2J\\x1b]0;owned\\x07")
    return x @ x.T

def large(x):
    y = x * 2
    return torch.ones(10**6, 10**6) + y.sum()

def leaves(x):
    y = x + 1
    sys.exit(3)

def endless(x):
    y = x + 1
    print("ready", file=sys.stderr, flush=True)
    while True:
        pass

def rooted(x):
    r = torch.sqrt(x)
    return torch.where(x > 0, r, x * 0).sum()
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with code in it of each kind."""
    monkeypatch.chdir(tmp_path)
    files = {
        "model": MODEL,
        "lacks": "import torch, nowhere_installed\ndef f(x):\n    return x\n",
        "unread": "import torch\ndef f(x) return x\n",
        "bursts": "import torch\ntorch.ones(2) @ torch.ones(3)\ndef f(x):\n    return x\n",
    }
    for name, text in files.items():
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("target", "inputs", "code", "said"),
    [
        (
            "model.py:Net",
            ["randint:0:10:2"],
            1,
            ["model.py: line 15", "KeyError", "Block.forward (blocks.0)", "nodes"],
        ),
        (
            "model.py:Net",
            ["randint:50:99:2"],
            1,
            ["model.py: line 25", "words.weight", "0 to 9", "Net.forward"],
        ),
        ("model.py:Net", ["2x3"], 1, ["model.py: line 25", "whole numbers", "Net.forward", "1 node comes"]),
        ("model.py:Net", ["ids=randint:0:9:2", "musk=2"], 2, ["musk", "mask"]),
        ("model.py:Net", [], 2, ["takes ids", "0 inputs", "--inputs"]),
        ("model.py:Net", ["2", "2", "2"], 2, ["takes ids", "3 inputs"]),
        ("model.py:Nat", ["2"], 2, ["Nat", "Net"]),
        ("model.py:Large", ["2"], 1, ["model.py: line 33", "4,000.0 GB", "meta", "Large.__init__"]),
        ("model.py:large", ["2"], 1, ["model.py: line 41", "4,000.0 GB", "meta", "nodes come before it"]),
        ("model.py:leaves", ["2"], 1, ["model.py: line 45", "SystemExit: 3", "2 nodes come before it"]),
        ("model.py:fine", ["2x3", "--inputs", "nonsense("], 2, ["--inputs ", "nonsense("]),
        ("lacks.py:f", ["2"], 1, ["lacks.py: line 1", "nowhere_installed", f"in {sys.prefix}"]),
        ("unread.py:f", ["2"], 1, ["unread.py: line 2", "SyntaxError", "def f(x) return x"]),
        ("bursts.py:f", ["2"], 1, ["bursts.py: line 2", "bursts.py:2"]),
        ("nowhere.py:f", ["2"], 2, ["no file"]),
    ],
)
@pytest.mark.usefixtures("folder")
def test_what_is_wrong_is_said_with_its_line(
    capsys: Capture, target: str, inputs: list[str], code: int, said: list[str]
) -> None:
    words = ["--inputs", *inputs] if inputs else []
    found, _, narration = ours(capsys, "trace", target, *words, "--format", "plain")
    assert found == code
    for part in said:
        assert part in narration, part
    assert "\x1b" not in narration
    assert "Traceback" not in narration
    assert "importlib" not in narration


@pytest.mark.usefixtures("folder")
def test_the_first_gradient_that_is_not_finite_is_said(capsys: Capture) -> None:
    words = ["trace", "model.py:rooted", "--inputs", "torch.tensor([4.0, 0.0])", "--format", "plain"]
    assert "not finite" not in ours(capsys, *words)[2]
    code, _, narration = ours(capsys, *words, "--backward")
    assert code == 0
    assert "the first gradient that is not finite: " in narration
    assert "(sqrt) back through r, model.py:54" in narration


@pytest.mark.usefixtures("folder")
def test_what_it_prints_is_data(capsys: Capture) -> None:
    code, out, _ = ours(capsys, "trace", "model.py:fine", "--inputs", "2x3", "--format", "json")
    assert code == 0
    assert "\x1b" not in out
    assert json.loads(out.splitlines()[-1])["printed"] == "\x1b[2J\x1b]0;owned\x07\n"


@pytest.mark.slow
def test_an_endless_loop_is_ended_by_a_key_and_what_ran_is_kept(folder: Path) -> None:
    words = ["trace", "model.py:endless", "--inputs", "2", "--save", "left.trace"]
    with subprocess.Popen(
        [sys.executable, "-m", "tui", *words], cwd=folder, stderr=subprocess.PIPE, text=True
    ) as process:
        stream = known(process.stderr)
        while stream.readline() != "ready\n":
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        narration = stream.read()
        assert process.wait() == 130
    assert "model.py" in narration
    assert "in endless: " in narration  # the line is that of the loop, or of its body
    assert [node.op for node in load_trace(folder / "left.trace").nodes] == ["input", "add"]


async def test_operands_that_do_not_fit_are_not_cut_for_what_ran() -> None:
    def product(x: Tensor) -> Tensor:
        return x.T @ x @ x[:5]

    x = torch.arange(36.0).reshape(6, 6) / 7
    async with opened(lesson_of(of_function(product, (x,)), "product")) as d:
        assert "this fails; esc opens what ran" in d.screen
        (row,) = [row for row in d.rows if "@" in row and "!" in row]
        assert len(re.findall(r"\d\.\d", row)) >= 6


async def test_in_the_app_what_ran_before_an_error_is_a_key_away(folder: Path) -> None:
    function, path = trusted.load("model.py:Net")
    given = trusted.evaluate_inputs(["randint:0:10:2"])[0]
    async with opened(lesson_of(of_function(function, given), "Net", path)) as d:
        assert "KeyError: 'no \\x1b[31mexpert'" in d.screen
        assert "esc opens it" in d.screen
        for key in ("M", "v", "r", "Q"):
            await d.press(key)
            assert d.rows[-1].strip() == (
                "It failed: there is no result to draw or ask about. esc opens what ran before."
            )
        await d.press("escape")
        run = known(d.session.current)
        assert run.failure is None
        assert [node.op for node in known(run.trace).nodes][-1] == "relu"
        await d.press("M")
        assert "blocks" in d.screen
