"""Real Python in the app: its inputs, modules as a tree that folds, files, failures, dropped values."""

from __future__ import annotations

import json
import queue
import threading
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from llm_linalg import HaltedError, Node, Trace, explore, trace
from llm_linalg import run as run_program
from llm_linalg.lessons import explore as exploring
from llm_linalg.lessons.external import of_function, of_trace
from llm_linalg.lessons.lesson import lesson_of
from llm_linalg.lessons.stop import FollowedCell
from tests.app.driving import opened
from tests.common import file_at, known, ours
from tests.engine.test_places import Model
from tui.cli import main as cli
from tui.cli import trace_command
from tui.compose.view_runner import open_view
from tui.layout.pane_sizes import BEHIND, RUNNING
from tui.model.view import View
from tui.model.view_words import arguments
from tui.session.outline import outline
from tui.session.session import Session
from tui.terminal.process import RUN_THREAD

Capture = pytest.CaptureFixture[str]
SOURCE = "def double(x):\n    y = x * 2\n    return y @ x\n"


def written(folder: Path, name: str, text: str) -> str:
    path = file_at(folder, f"{name}.py", text)
    return str(path)


@pytest.fixture
def file(tmp_path: Path) -> str:
    return written(tmp_path, "own_double", SOURCE)


def test_trace_lists_the_nodes_with_file_and_line(file: str, capsys: Capture) -> None:
    done, out, narration = ours(capsys, "trace", f"{file}:double", "--inputs", "3x3", "--format", "plain")
    assert done == 0
    assert "imports and runs" in narration
    assert "x = input()   float32 (3, 3)" in out  # of no line
    assert "y = mul(x)   own_double.py:2   float32 (3, 3)" in out
    done, out, _ = ours(
        capsys, "trace", f"{file}:double", "--inputs", "3x3", "--format", "json", "--keep", "0"
    )
    nodes = [json.loads(line) for line in out.splitlines()]
    assert [node["node"]["op"] for node in nodes[:-1]] == ["input", "mul", "matmul"]
    assert (nodes[1]["file"], nodes[1]["dropped"], "values" in nodes[1]["output"]) == (file, True, False)
    assert (nodes[0]["operands"], "values" in nodes[0]["output"]) == ([], True)


def test_a_failure_is_explained_with_the_frames(file: str, capsys: Capture) -> None:
    done, out, narration = ours(capsys, "trace", f"{file}:double", "--inputs", "2x3", "--format", "plain")
    assert (done, out) == (1, "")
    assert "matmul: a row of y (2, 3) has 3 entries, a column of x (2, 3) has 2: they can't" in narration
    (line,) = [line for line in narration.splitlines() if line.startswith("  from ")]
    assert line.endswith(f"{file[-40:]}:3 in double: return y @ x")  # the beginning of a long path is cut


def test_nothing_is_run_where_there_is_no_terminal_or_no_such_thing(file: str, capsys: Capture) -> None:
    done, _, narration = ours(capsys, "trace", f"{file}:double")
    assert (done, narration.count("\n")) == (2, 1)
    assert "--format plain" in narration
    done, _, narration = ours(capsys, "trace", f"{file}:duoble", "--format", "plain")
    assert (done, 'did you mean "double"' in narration) == (2, True)
    assert ours(capsys, "trace", f"{file}:double", "--set", "n=1", "--format", "plain")[0] == 2


def steps(x: Tensor) -> Tensor:
    for _ in range(500):
        x = x + 1
    return x


@pytest.mark.slow
async def test_a_long_trace_is_gone_through_by_pages_and_from_end_to_end() -> None:
    lesson = lesson_of(of_function(steps, (torch.ones(2),), ("trace", "m.py:steps")), "steps")
    async with opened(lesson) as app:
        for keys, chosen in (
            (("l",), "node:500"),
            (("K", "K"), "node:460"),
            (("J",), "node:480"),
            (("0",), "node:0"),
            (("J", "down"), "node:21"),
            (("end",), "node:500"),
            (("home",), "node:0"),
            (("dollar_sign",), "node:500"),
        ):
            await app.press(*keys)
            assert app.session.selection.sidebar == chosen
        await app.press("0", "down", "enter")
        assert app.view.path == ("x:2",)


@pytest.mark.parametrize("choice", ["node:9", "module:gone"])
def test_a_choice_that_the_next_run_lacks_is_dropped(choice: str) -> None:
    def some(x: torch.Tensor) -> torch.Tensor:
        for _ in range(9 if torch.initial_seed() == 0 else 2):
            x = x + 1
        return x

    lesson = lesson_of(of_function(some, (torch.ones(2),), ("trace", "m.py:some")), "some")
    view = View.opening(lesson)
    session = Session.start(view, [lesson]).with_run(open_view(view)).with_choice(choice)
    kept = session.with_choice("node:1")
    other = open_view(view.with_seed(1))
    assert session.last_run is not None
    for before, after in ((session, None), (kept, "node:1")):
        fresh = before.at_view(other.view).with_run(other)
        assert fresh.selection.sidebar == after
        assert len(outline(fresh)) == len(known(other.trace).nodes)


async def test_a_program_that_waits_for_the_call_of_the_one_before_is_not_said_to_run() -> None:
    blocks, done = threading.Event(), threading.Event()

    def slow(x: Tensor) -> Tensor:
        if blocks.is_set():
            done.wait(240)  # it heeds nobody
        return x + 1

    async with opened(lesson_of(of_function(slow, (torch.ones(2),)), "slow")) as app:
        explorer = app.app.explorer
        blocks.set()
        try:
            explorer.do("seed.up")
            await app.until_told(RUNNING)
            explorer.do("open:scalar")
            await app.until_told(BEHIND)
            assert BEHIND in app.screen
            assert "^g" not in app.rows[-1]
        finally:
            done.set()
        await app.settle()
        assert BEHIND not in app.screen
        assert app.view.lesson.slug == "scalar"
        assert "guesses (3,)" in app.screen


async def test_the_modules_are_a_tree_that_folds() -> None:
    lesson = lesson_of(of_function(Model(), (torch.ones(2, 3),), ("trace", "m.py:Model")), "Model")
    async with opened(lesson, (110, 30)) as app:
        entries = [entry.text for entry in outline(app.session)]
        assert entries[0] == "x:1"
        assert "transformer (15)" in entries
        assert "ln (3)" in entries  # the last node stands in it
        assert "0 (6)" not in entries  # folded
        assert "▸ " in app.screen
        await app.app.explorer.perform("module:transformer.h.0.proj")
        await app.settle()
        entries = [entry.text for entry in outline(app.session)]
        assert {"h (12)", "0 (6)", "1 (6)", "proj (3)"} <= set(entries)
        assert "weight" in entries  # of transformer.h.0.proj, which stands above
        first = app.view.path
        await app.press("l", "down", "enter")
        assert app.view.path != first
        assert arguments(app.view)[:2] == ["trace", "m.py:Model"]
        frame = known(app.app.explorer.frame)
        assert "return torch.nn" not in "".join(frame.listing.code)
        assert frame.node is not None
        await app.press("s")  # another seed: it is run again
        assert app.has(seed=1)


async def test_a_module_is_open_at_its_own_nodes_and_not_at_those_of_one_whose_name_goes_on() -> None:
    layers = nn.Sequential(*[nn.ReLU() for _ in range(11)])
    async with opened(lesson_of(of_function(layers, (torch.ones(2),)), "layers")) as app:
        assert [entry.command for entry in outline(app.session) if entry.here] == ["module:10", "node:11"]


async def test_a_failure_opens_at_the_guilty_call() -> None:
    lesson = lesson_of(of_function(Model(wide=4), (torch.ones(2, 3),)), "Model")
    async with opened(lesson, (110, 30)) as app:
        assert "a column of other (4, 3) has" in " ".join(app.screen.split())
        assert "Head.forward" in app.screen
        frame = known(app.app.explorer.frame)
        assert "repair" not in app.screen  # of code of one's own
        assert "torch.ones(self.wide, 3)" in frame.listing.code[known(frame.listing.line) - 1]


@pytest.mark.slow
async def test_torch_s_own_words_stand_beside_the_frames_in_the_usual_size() -> None:
    def inner(x: Tensor) -> Tensor:
        return torch.nn.functional.linear(x, torch.ones(2, 5))

    def outer(x: Tensor) -> Tensor:
        return inner(x)

    def outermost(x: Tensor) -> Tensor:
        return outer(x)

    async with opened(lesson_of(of_function(outermost, (torch.ones(2, 4),)), "f"), (80, 24)) as app:
        assert "torch: mat1 and mat2 shapes cannot be multiplied (" in app.screen
        assert "they can't be" in app.screen
        assert "test_given.py" in app.screen  # where the innermost frame is
        await app.press("p", *["down"] * 8)
        assert "(2x4 and 5x2)" in app.screen


def long(x: Tensor) -> Tensor:
    for _ in range(40):
        x = x + 1
    return x


async def test_values_that_were_dropped_are_computed_again_where_they_are_shown() -> None:
    lesson = lesson_of(of_function(long, (torch.zeros(10),), keep=200), "long")
    async with opened(lesson) as app:
        run = known(app.session.current)
        assert known(run.trace).nodes[5].dropped
        await app.app.explorer.perform("node:5")
        await app.settle()
        await app.press("dollar_sign")
        assert app.has(path=("x:6",))
        assert "5." in app.screen
        now = known(app.session.current)
        assert now is not run


async def test_where_that_is_stopped_what_was_shown_comes_back() -> None:
    blocks, done = threading.Event(), threading.Event()

    def held(x: Tensor) -> Tensor:
        if blocks.is_set():
            done.wait(240)
        return long(x)

    lesson = lesson_of(of_function(held, (torch.zeros(10),), keep=200), "trace:held")
    async with opened(lesson) as app:
        before = app.session.view
        blocks.set()
        await app.app.explorer.perform("node:5")
        await app.until_told(RUNNING)
        await app.app.explorer.perform("halt")
        done.set()
        await app.settle()
        assert app.session.view == before
        assert "Stopped: this is what was there before." in app.screen
        await app.press("l", "enter")
        await app.settle()
        assert app.app.is_running


def longer(x: Tensor) -> Tensor:
    for _ in range(600):
        x = x * 1.01
    return x


@pytest.mark.slow
async def test_the_backward_pass_of_a_long_run_is_made_in_its_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    before = Trace.backward

    def noted(trace: Trace, loss: str | Node) -> Trace:
        made.append(threading.current_thread().name)
        return before(trace, loss)

    monkeypatch.setattr(Trace, "backward", noted)
    async with opened(lesson_of(of_function(longer, (torch.ones(3),)), "longer")) as app:
        await app.press("w")
        assert made == [RUN_THREAD]
        assert app.has(backward=True)
        assert "dx" in app.screen
        await app.press("w")
        assert app.has(backward=False)
        await app.press("M", "w")
        assert app.has(backward=True, depth="map")
        assert made == [RUN_THREAD]  # once


async def test_what_is_too_long_for_a_key_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.compose.passes.MOST_BACKWARD", 100)
    async with opened(lesson_of(of_function(longer, (torch.ones(3),)), "longer")) as app:
        await app.press("w")
        assert app.has(backward=False)
        assert "more than 100 operations: too many for a backward pass" in app.screen
        await app.press("$", "c", "I")
        assert "depends on" in app.screen


def test_following_a_cell_can_be_stopped() -> None:
    lesson = lesson_of(of_function(longer, (torch.ones(3),)), "longer")
    view = View.opening(lesson)
    run = open_view(view)
    followed = replace(view, follows=FollowedCell("lineage", known(run.trace).nodes[-1].name, (0,)))
    assert run.lineages.awaits(followed)
    assert run.lineages.of(followed, halt=lambda: True) is None
    assert run.lineages.refusal(followed) == "Stopped: the cell was not followed to its ends."
    with pytest.raises(HaltedError):
        known(run.trace).lineage(known(run.trace).nodes[-1], (0,), halt=lambda: True)


def test_values_that_cannot_be_computed_again_are_said_to_be_dropped() -> None:
    found = trace(long, torch.zeros(10), keep=10)
    found.rerun = None
    view = View.opening(lesson_of(of_trace(found), "long"))
    run = open_view(view)
    assert "were dropped" in run.frame(view).captions.sentence
    assert "were dropped" in str(run.passes.switch(view))
    other = replace(view, path=("x:4",))
    assert not run.serves(other)
    again = open_view(other, run)
    assert again.serves(other)
    assert "were dropped" in again.frame(other).captions.sentence
    assert again.frame(other).captions.shape_line


def test_explore_opens_the_installed_app(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    command = EntryPoint("llm-linalg", "llm_linalg.launcher:command", "console_scripts")
    monkeypatch.setattr(exploring, "entry_points", lambda **_: [command])
    shown: list[str] = []

    def launch(_flags: object, lesson: object) -> int:
        shown.append(getattr(lesson, "title", ""))
        return 0

    monkeypatch.setattr("tui.cli.launch.launch", launch)
    assert explore(trace(long, torch.zeros(2))) == 0
    assert explore(long, torch.zeros(2)) == 0
    assert explore(nn.Linear(2, 2), torch.zeros(2)) == 0
    assert shown == ["trace", "long", "Linear"]
    monkeypatch.undo()
    monkeypatch.setattr(exploring, "entry_points", lambda **_: [])
    with pytest.raises(RuntimeError, match="not installed"):
        explore(long, torch.zeros(2))
    assert cli.main([], lesson_of(of_function(long, (torch.zeros(2),)), "long")) == 2
    assert "not a terminal" in capsys.readouterr().err


def test_what_is_neither_text_nor_code_is_a_type_error(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: tuple[tuple[Any, str], ...] = (
        (run_program, "a program is a text, not 3"),
        (trace, "what is traced is a function or a module, not 3"),
        (explore, "what is opened is a trace, a function or a module, not 3"),
    )
    for call, said in calls:
        with pytest.raises(TypeError, match=said):
            call(3)
    command = EntryPoint("llm-linalg", "tui.cli.main:main", "console_scripts")
    monkeypatch.setattr(exploring, "entry_points", lambda **_: [command])
    with pytest.raises(RuntimeError, match="what the terminal lacks"):
        explore(trace(long, torch.zeros(2)))


def test_a_file_that_trains_when_it_is_imported_is_told_of_once_it_takes_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = queue.Queue[str]()
    monkeypatch.setattr(trace_command, "PATIENCE", 0.0)
    monkeypatch.setattr(trace_command, "say", told.put)
    with trace_command.own_code_running("gpt.py"):
        assert told.get(timeout=10) == (
            '"gpt.py" is still running its own code; ^C ends it; '
            "put its training under `if __name__ == '__main__':`"
        )
    monkeypatch.setattr(trace_command, "PATIENCE", 3600.0)
    with trace_command.own_code_running("gpt.py"):
        waiting = threading.enumerate()[-1]
    waiting.join(10)
    assert not waiting.is_alive()
    assert told.empty()


PAIR = """
from torch import nn

def pair(a, b):
    return a @ b.float()

class Deep(nn.Module):
    def __init__(self):
        super().__init__()
        self.h = nn.ModuleList([nn.Linear(4, 5), nn.Linear(4, 3)])

    def forward(self, x):
        for layer in self.h:
            x = layer(x)
        return x
"""


def test_inputs_stand_before_or_behind_the_target(tmp_path: Path, capsys: Capture) -> None:
    target = written(tmp_path, "own_pair", PAIR) + ":pair"
    first, second = "2x3", "randint:0:9:3x4"
    for words in (
        [target, "--inputs", first, second],
        [target, "--inputs", first, "--inputs", second],
        ["--inputs", first, second, target],
        ["--inputs", first, target, "--inputs", second],
    ):
        done, out, _ = ours(capsys, "trace", *words, "--format", "plain")
        assert (done, "= matmul(a, " in out) == (0, True)
    (tmp_path / "own (1)").mkdir()
    named = written(tmp_path / "own (1)", "own_named", "def own(x):\n    return x\n") + ":own"
    for text in ("'a:b'", '{"x":torch.ones(2)}', "2x3"):
        assert ours(capsys, "trace", "--inputs", text, named, "--format", "plain")[0] == 0
    for words in ([], ["--inputs", first, second]):
        assert ours(capsys, "trace", *words)[::2] == (
            2, "llm-linalg: the following arguments are required: TARGET\n",
        )  # fmt: skip


def test_a_failure_names_the_weight_as_the_module_does(tmp_path: Path, capsys: Capture) -> None:
    target = written(tmp_path, "own_deep", PAIR) + ":Deep()"
    done, _, narration = ours(capsys, "trace", target, "--inputs", "2x4", "--format", "plain")
    assert (done, "a row of h.1.weight (3, 4) has 4: they can't be paired up" in narration) == (1, True)


def test_a_summary_is_a_table_or_an_object_a_row(tmp_path: Path, capsys: Capture) -> None:
    text = "from tests.engine.test_summary import Model\n\n\n\ndef bad(x):\n    y = x - x; return x / y\n"
    file = written(tmp_path, "own_summary", text)
    words = ("trace", f"{file}:Model()", "--inputs", "randint:0:11:1x6", "--summary")
    done, out, _ = ours(capsys, *words)
    assert done == 0
    assert out.splitlines()[0] == "all numbers are finite"
    assert any(line.startswith("  0…2 ×3") for line in out.splitlines())
    assert max(map(len, out.splitlines())) <= 100
    done, out, _ = ours(capsys, *words, "--sort", "products")
    first = out.splitlines()[2]
    assert "mlp" in first
    assert "linear" in first
    done, out, _ = ours(capsys, *words, "--format", "json")
    told = [json.loads(line) for line in out.splitlines()]
    assert told[0] == {"format": 1, "first_nonfinite": None}
    names = "format path op shape dtype parameters bytes products seconds max_abs min_abs nan inf zeros"
    assert all(list(row) == names.split() for row in told[1:])
    assert next(row for row in told if row.get("path") == "blocks.2.mlp")["op"] == "module"
    done, out, _ = ours(capsys, "trace", f"{file}:bad", "--inputs", "2", "--summary", "--format", "json")
    assert json.loads(out.splitlines()[0])["first_nonfinite"] == {
        "node": "div_2", "path": "div_2", "file": file, "line": 6,
    }  # fmt: skip
    done, out, _ = ours(capsys, "trace", f"{file}:bad", "--inputs", "2", "--summary")
    assert out.splitlines()[0] == "the first number that is not finite: x / y (div), own_summary.py:6"
    done, _, said = ours(capsys, "trace", f"{file}:bad", "--inputs", "2", "--sort", "nan")
    assert done == 2
    assert "--sort sorts the table of --summary" in said


def test_the_first_number_that_is_not_finite_has_the_path_of_its_row(tmp_path: Path, capsys: Capture) -> None:
    text = (
        "import torch\nfrom torch import nn\nclass Layer(nn.Module):\n"
        "    def forward(self, x):\n        for _ in range(3):\n            x = x * 1e20\n        return x\n"
        "def model(): return nn.Sequential(Layer(), Layer())\n"
    )
    words = ("trace", written(tmp_path, "grows", text) + ":model", "--inputs", "torch.ones(2)", "--summary")
    done, out, _ = ours(capsys, *words)
    assert done == 0
    assert out.splitlines()[0] == "the first number that is not finite: 0.x:2 (mul), grows.py:6, turn 2"
    first, *rows = [json.loads(line) for line in ours(capsys, *words, "--format", "json")[1].splitlines()]
    assert first["first_nonfinite"]["node"] == "x:2"
    place = first["first_nonfinite"]["path"]
    assert next(row["path"] for row in rows if row["op"] != "module" and row["inf"]) == place == "0.x:2"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (
            "2x2",
            "all numbers are finite, but for those meant not to be: first torch.full(…) (full), masked.py:2",
        ),
        ("torch.tensor([[1.0, float('nan')]] * 2)", "what comes in is not finite: x"),
    ],
)
def test_a_summary_says_who_put_there_what_is_not_finite(
    tmp_path: Path, capsys: Capture, given: str, says: str
) -> None:
    text = "import torch\ndef f(x): return (x + torch.full((2, 2), -torch.inf).triu(1)).softmax(-1)\n"
    words = ("trace", written(tmp_path, "masked", text) + ":f", "--inputs", given, "--summary")
    done, out, _ = ours(capsys, *words)
    assert (done, out.splitlines()[0]) == (0, says)
    first = json.loads(ours(capsys, *words, "--format", "json")[1].splitlines()[0])["first_nonfinite"]
    assert (first and first["path"]) == ("x" if "comes in" in says else None)
    assert out.endswith("; NaN and inf: how many cells are\n")


def test_a_summary_says_what_a_smaller_dtype_could_not_hold(tmp_path: Path, capsys: Capture) -> None:
    text = "def own(x):\n    a = x * 65519\n    b = x * 65520\n    c = b * 1e30\n    return c * 5.19e3\n"
    words = (written(tmp_path, "own_large", text) + ":own", "--inputs", "torch.ones(2)", "--summary")
    done, out, _ = ours(capsys, "trace", *words)
    assert done == 0
    assert out.splitlines()[:3] == [
        "all numbers are finite",
        "the first number too large for float16: 6.55e+04 in b (mul), own_large.py:3",
        "the first number too large for bfloat16: 3.4e+38 in c * 5.19e3 (mul), own_large.py:5",
    ]


def test_a_summary_says_so_of_what_comes_in_and_counts_a_parameter_once(
    tmp_path: Path, capsys: Capture
) -> None:
    text = (
        "import torch\nclass Own(torch.nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.block = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.GELU())\n"
        "    def forward(self, x):\n        for _ in range(3):\n            x = self.block(x)\n"
        "        return x\n"
    )
    words = (written(tmp_path, "own_shared", text) + ":Own", "--inputs", "torch.full((1, 4), 1e5)")
    done, out, _ = ours(capsys, "trace", *words, "--summary")
    assert done == 0
    assert out.splitlines()[1] == "the first number too large for float16: 1e+05 in x:1 (input)"
    (folded,) = [line for line in out.splitlines() if "×2" in line]
    assert folded.split()[2:4] == ["1×4", "20"]


def test_multiplications_that_no_rule_counts_are_null_in_json_and_a_question_in_the_table(
    tmp_path: Path, capsys: Capture
) -> None:
    text = "import torch\n\ndef solved(x):\n    y = torch.linalg.inv(x)\n    return y @ x\n"
    words = ("trace", written(tmp_path, "solved", text) + ":solved", "--inputs", "torch.eye(3)", "--summary")
    _, *rows = map(json.loads, ours(capsys, *words, "--format", "json")[1].splitlines())
    assert [row["products"] for row in rows] == [None, 27]
    *_, inverse, product, note = ours(capsys, *words)[1].splitlines()
    assert "?" in inverse
    assert "?" not in product
    assert "product ?: no rule counts them" in note


def test_a_summary_in_json_is_sorted_and_has_the_first_gradient_that_is_not_finite(
    tmp_path: Path, capsys: Capture
) -> None:
    text = "def own(x):\n    z = x * 0\n    n = z.pow(2).sum(-1).sqrt()\n    return (n * x.sum(-1)).sum()\n"
    file = written(tmp_path, "own_kink", text)
    words = ("trace", f"{file}:own", "--inputs", "2x3", "--summary", "--format", "json")
    first, *rows = [
        json.loads(line) for line in ours(capsys, *words, "--backward", "--sort", "zeros")[1].splitlines()
    ]
    assert first["first_nonfinite"] is None
    gradient = first["first_nonfinite_gradient"]
    assert (gradient["file"], gradient["line"]) == (file, 3)
    shares = [row["zeros"] for row in rows]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > shares[-1]


@pytest.mark.parametrize("form", [["--summary"], ["--format", "plain"]])
def test_a_gradient_that_a_smaller_dtype_could_not_hold_is_named(
    tmp_path: Path, capsys: Capture, form: list[str]
) -> None:
    text = "def own(x):\n    a = x * 1e-4\n    b = a * 65520\n    return b.sum()\n"
    words = (written(tmp_path, "own_steep", text) + ":own", "--inputs", "torch.ones(2)", "--backward")
    done, _, said = ours(capsys, "trace", *words, *form)
    assert done == 0
    found = said.partition("too large for float16: ")[2]
    assert found == "6.55e+04 in da (mul) back through b, own_steep.py:3\n"


def test_beside_an_error_stands_what_ran_as_it_was_computed() -> None:
    def fails(x: torch.Tensor) -> torch.Tensor:
        h = x * 2
        return h @ torch.ones(5)

    run = open_view(View.opening(lesson_of(of_function(fails, (torch.ones(2, 3),)), "fails")))
    good = known(known(run.failure).good)
    place = good.frame(good.view).place
    assert place.step == place.steps > 0
