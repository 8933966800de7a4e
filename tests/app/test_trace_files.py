"""Traces as files on the command line and on the screen: the same as what was traced."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from llm_linalg import Trace, load_trace, trace
from llm_linalg.analysis.summary import summary
from llm_linalg.lessons.external import of_trace
from llm_linalg.lessons.lesson import lesson_of
from tests.common import known, ours
from tests.small_gpt import GPT, Settings
from tui.compose.nodes import find_nodes, top_node
from tui.compose.view_runner import open_view
from tui.model.view import END, View
from tui.render.json_text import to_json
from tui.render.plain import to_plain

Capture = pytest.CaptureFixture[str]
MODEL = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Linear(4, 8), nn.Linear(8, 2)

    def forward(self, x):
        print("a line")
        return self.two(self.one(x).relu()).softmax(-1)

def wrong(x):
    y = x + 1
    return y @ torch.ones(9)

def raises(x):
    y = x + 1
    raise KeyError("nothing")
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a model in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.py").write_text(MODEL, encoding="utf-8")
    return tmp_path


def told(capsys: Capture, *words: str) -> tuple[int, str, list[str]]:
    code, out, narration = ours(capsys, *words)
    return code, out, narration.splitlines()


@pytest.mark.parametrize("form", ["plain", "json"])
def test_a_trace_that_was_saved_prints_as_it_did_without_the_model(
    folder: Path, capsys: Capture, form: str
) -> None:
    words = ("trace", "model.py:Net", "--inputs", "3x4", "--save", "net.trace", "--format", form)
    code, printed, narration = told(capsys, *words)
    assert code == 0
    assert '"net.trace" has 9 nodes' in narration[-1]
    (folder / "model.py").unlink()
    assert told(capsys, "open", "net.trace", "--format", form) == (0, printed, [])
    assert "a line" in printed
    assert sorted(path.suffix for path in folder.iterdir() if path.is_file()) == [".trace"]


def test_saving_opens_no_app_and_prints_nothing(folder: Path, capsys: Capture) -> None:
    code, printed, _ = told(capsys, "trace", "model.py:Net", "--inputs", "3x4", "--save", "net.trace")
    assert (code, printed) == (0, "")
    assert len(load_trace(folder / "net.trace").nodes) == 9


@pytest.mark.parametrize(("name", "said"), [("wrong", "can't be paired up"), ("raises", "KeyError")])
@pytest.mark.usefixtures("folder")
def test_what_ran_before_a_failure_is_saved(capsys: Capture, name: str, said: str) -> None:
    code, _, narration = told(capsys, "trace", f"model.py:{name}", "--inputs", "3x4", "--save", "left.trace")
    assert code == 1
    assert said in " ".join(narration)
    code, printed, narration = told(capsys, "open", "left.trace", "--format", "json")
    assert code == 0
    assert [json.loads(line).get("node", {}).get("op") for line in printed.splitlines()][:2] == [
        "input",
        "add",
    ]
    assert "it failed" in narration[0]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("open", "damaged.trace", "--format", "plain"), 1, "damaged.trace is damaged: "),
        (("open", "text.trace", "--format", "json"), 1, "text.trace is no trace"),
        (("open", "nowhere.trace", "--format", "json"), 2, 'no file "nowhere.trace"'),
        (("open", "text.trace"), 2, "--format plain"),
        (("open", "whole.trace", "--format", "plain", "--set", "a=1"), 2, "a trace has no controls"),
        (("open", "model.py", "--format", "plain"), 2, "'llm-linalg run'"),
        (("frame", "damaged.trace"), 1, "damaged.trace is damaged: "),
        (("frame", "nowhere.trace"), 2, 'no file "nowhere.trace"'),
        (("frame", "whole.trace", "--code", "x = 1"), 2, "a trace has no controls"),
        (("export", "damaged.trace", "-o", "page.html"), 1, "damaged.trace is damaged: "),
        (("run", "whole.trace"), 2, "a trace was run already"),
        (("trace", "model.py:Net", "--inputs", "3x4", "--save", "net.txt"), 2, "does not end in .trace"),
        (("trace", "model.py:Net", "--inputs", "3x4", "--save", "no/net.trace"), 1, "cannot write"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    folder: Path, capsys: Capture, words: tuple[str, ...], code: int, said: str
) -> None:
    trace(torch.sum, torch.ones(3)).save(folder / "whole.trace")
    (folder / "damaged.trace").write_bytes((folder / "whole.trace").read_bytes()[:200])
    (folder / "text.trace").write_text("a text", encoding="utf-8")
    found, printed, narration = told(capsys, *words)
    assert (found, printed) == (code, "")
    assert said in narration[-1]
    assert len(narration) == 1 + (words[0] == "trace" and code == 1)


def frames(t: Trace) -> list[str]:
    """Returns the frames of each node, at both ends and on the map."""
    view = View.opening(lesson_of(of_trace(t), "gpt"))
    run = open_view(view)
    found: list[str] = []
    for label in ("", *t.labels.values()):
        for step in (0, 1, END):
            own = replace(view, path=(label,) if label else (), step=step)
            frame = run.frame(own)
            found += [to_plain(frame), to_json(frame)]
    return found


def test_frames_of_a_file_are_those_of_the_trace(tmp_path: Path) -> None:
    t = trace(GPT(Settings(layers=1)).eval(), torch.arange(5)[None])
    t.save(tmp_path / "gpt.trace")
    assert frames(load_trace(tmp_path / "gpt.trace")) == frames(t)


@pytest.mark.parametrize("form", ["plain", "json", "screen"])
def test_a_command_prints_a_frame_of_a_file(tmp_path: Path, capsys: Capture, form: str) -> None:
    t = trace(torch.matmul, torch.ones(2, 3), torch.ones(3, 2))
    t.save(tmp_path / "product.trace")
    name = t.nodes[-1].name
    words = "frame", str(tmp_path / "product.trace"), "--node", name, "--step", "last", "--format", form
    code, printed, narration = told(capsys, *words)
    assert (code, narration) == (0, [])
    assert "= 1 + 1 + 1 = 3" in printed or form == "json"
    assert "line 0" not in printed  # torch was called from no line
    assert name in printed


def test_a_file_is_a_stop_of_a_deck_and_a_page(folder: Path, capsys: Capture) -> None:
    trace(torch.matmul, torch.ones(2, 3), torch.ones(3, 2)).save(folder / "product.trace")
    line = "product.trace --node matmul_2 --step last"
    deck = f'+++\ntitle = "Two products"\n+++\n\n## One\n\n```stops\n{line}\n```\n'
    (folder / "deck.md").write_text(deck, encoding="utf-8")
    at = "--node", "matmul_2", "--step", "last"
    for words in (("frame", "deck.md"), ("export", "product.trace", "--format", "markdown", *at)):
        code, printed, narration = told(capsys, *words)
        assert (code, narration) == (0, [])
        assert "= 1 + 1 + 1 = 3" in printed
    for file in ("deck.md", "product.trace"):
        code, _, narration = told(capsys, "check", file)
        assert (code, narration) == (0, ["llm-linalg: 1 checked, 1 stop: nothing wrong"])


def test_the_lines_of_a_file_come_from_the_trace_and_from_no_file(folder: Path, capsys: Capture) -> None:
    words = ("trace", "model.py:Net", "--inputs", "3x4", "--save", "net.trace")
    assert ours(capsys, *words)[0] == 0
    t = load_trace("net.trace")
    (folder / "model.py").write_text("another text", encoding="utf-8")
    (node,) = [node for node in t.nodes if node.op == "softmax"]
    view = View.opening(lesson_of(of_trace(t), "net"))
    code = open_view(view).frame(view).listing.code
    assert code[known(node.line) - 1].strip().startswith("return self.two")
    t.files = {}
    assert open_view(view).frame(view).listing.code == ()


def test_a_node_is_named_by_the_path_of_its_row(tmp_path: Path, capsys: Capture) -> None:
    t = trace(GPT(Settings()), torch.arange(5).reshape(1, 5))
    rows = summary(t)
    assert any(":" in row.path and "." in row.path for row in rows)
    for row in rows:
        assert find_nodes(t.nodes, (row.path,), {}) == row.nodes[-1:]
        assert top_node(t.nodes, (row.path,)) is row.nodes[-1]
    t.save(tmp_path / "gpt.trace")
    row = next(row for row in rows if ":" in row.path and "." in row.path)
    for path in (row.path, row.path.rpartition(".")[2]):
        words = ("frame", str(tmp_path / "gpt.trace"), "--node", path, "--format", "json")
        code, printed, _ = told(capsys, *words)
        assert (code, json.loads(printed)["node"]["line"]) == (0, row.nodes[0].line)
    row_of_another = row.path.replace("0", "1", 1)
    assert told(capsys, "frame", str(tmp_path / "gpt.trace"), "--node", row_of_another)[0] == 2


@pytest.mark.parametrize("step", ["first", "last", "5"])
def test_a_step_keeps_the_slice_that_is_asked_for(tmp_path: Path, capsys: Capture, step: str) -> None:
    trace(lambda x: x.softmax(-1), torch.randn(2, 3, 4)).save(tmp_path / "p.trace")
    words = ("frame", str(tmp_path / "p.trace"), "--at", "1", "--step", step)
    code, printed, _ = told(capsys, *words)
    assert code == 0
    assert "\nx[1] (2, 3, 4)\n" in printed


@pytest.mark.usefixtures("folder")
def test_a_trace_that_was_saved_has_the_summary_that_it_had(capsys: Capture) -> None:
    words = ("trace", "model.py:Net", "--inputs", "3x4", "--save", "net.trace", "--summary")
    code, printed, _ = told(capsys, *words)
    assert code == 0
    same = told(capsys, "open", "net.trace", "--summary")[1]
    names = [[line.split("  ")[0] for line in text.splitlines()] for text in (printed, same)]
    assert names[1] == names[0][-len(names[1]) :]
    by_products = told(capsys, "open", "net.trace", "--summary", "--sort", "products", "--format", "json")[1]
    products = [json.loads(line)["products"] for line in by_products.splitlines()[1:]]
    assert products == sorted(products, reverse=True)
    assert told(capsys, "open", "net.trace", "--summary", "--attention")[0] == 2
