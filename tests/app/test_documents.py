"""Documents in the app and on the command line: outline, cells, what was not run and what is saved of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from llm_linalg.capture import program
from llm_linalg.capture.limits import Limits
from llm_linalg.lessons.deck import load
from llm_linalg.lessons.documents import read
from llm_linalg.lessons.lesson import LessonError
from tests.app.driving import opened
from tests.app.lessons import failure_of
from tests.common import file_at, known, ours
from tests.engine.test_documents import code, notebook, words
from tui.cli import launch
from tui.cli.cell_report import program_of
from tui.compose.view_runner import open_view, survey
from tui.model.usage_error import UsageError
from tui.model.view import View
from tui.model.view_words import arguments
from tui.session.contexts import Context
from tui.session.decks import check_views
from tui.session.outline import outline

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    place = tmp_path / "attention [x].ipynb"
    place.write_bytes(
        notebook(
            words("# Attention \x1b[31m[b]\n\nSome words."),
            code("x = torch.arange(6.).reshape(2, 3)"),
            code("import nowhere\nz = nowhere.f()"),
            words("## Scores"),
            code("S = x @ x.T"),
            code("%matplotlib inline\nprint(z)"),
            code("A = S.softmax(-1)"),
        )
    )
    return place


def record(capsys: Capture, path: Path, stop: int) -> dict[str, Any]:
    _, out, _ = ours(capsys, "frame", str(path), "--stop", str(stop), "--format", "json")
    found: dict[str, Any] = json.loads(out)
    return found


def test_frame_shows_a_cell_with_the_state_of_those_before_it(path: Path, capsys: Capture) -> None:
    done, out, narration = ours(capsys, "frame", str(path), "--stop", "3", "--step", "last")
    assert (done, narration) == (0, "")
    assert "attention [x].ipynb, Attention" in out
    assert "S: matmul, line 4" in out
    shown = record(capsys, path, 5)
    assert (shown["node"]["name"], shown["operands"][0]["name"]) == ("A", "S")


def test_a_cell_that_was_not_run_is_shown_with_its_reason(path: Path, capsys: Capture) -> None:
    why = "nowhere is not installed"
    for stop, reason, told in (
        (2, why, "ProgramError, line 3: "),
        (4, f"z is made by cell 2, which failed: {why}", "rests, line 6: "),
    ):
        done, out, narration = ours(capsys, "frame", str(path), "--stop", str(stop))
        assert done == 1
        assert f"{told}{reason}" in " ".join(out.split())
        assert reason in narration
        assert record(capsys, path, stop)["error"]["message"].startswith(reason)


def test_a_view_of_a_document_has_a_command_that_reopens_it(path: Path) -> None:
    assert arguments(View.opening(read(path), 3)) == [str(path), "--stop", "3"]


def test_a_broken_document_is_one_line(tmp_path: Path, capsys: Capture) -> None:
    place = file_at(tmp_path, "bad.ipynb", '{"nbformat": 4,\n"cells": [}')
    for command in ("frame", "open"):
        done, out, narration = ours(capsys, command, str(place))
        assert (done, out) == (1, "")
        assert f"{place}:2: not JSON" in narration
        assert narration.count("\n") == 1
    done, _, narration = ours(capsys, "open", str(tmp_path / "none.ipynb"))
    assert (done, narration.count("\n")) == (2, 1)


def test_open_needs_a_file_and_a_terminal(path: Path, capsys: Capture) -> None:
    assert ours(capsys, "open")[0] == 2
    done, _, narration = ours(capsys, "open", str(path))
    assert (done, "llm-linalg frame" in narration) == (2, True)


def test_run_runs_the_cells_in_order_and_tells_what_fails_and_what_rests_on_it(
    tmp_path: Path, path: Path, capsys: Capture
) -> None:
    done, out, narration = ours(capsys, "run", str(path), "--seed", "3")
    assert done == 1
    why = "nowhere is not installed"
    cell = "attention [x].ipynb, code cell"
    assert narration.splitlines() == [
        f"{cell} 2: line 2, column 5: {why}", "z = nowhere.f()", "    ^^^^^^^^^",
        f"llm-linalg: {cell} 4: rests on cell 2: z is made by cell 2, which failed: {why}",
        "llm-linalg: 5 cells: 3 run, cell 2 fails and one rests on it.",
    ]  # fmt: skip
    assert "A = softmax(S" in out
    failing = tmp_path / "fails.ipynb"
    failing.write_bytes(
        notebook(
            code("x = torch.ones(2, 3)"), words("w"), code("k = 1\ny = x @ x"), code("z = x.T"), code("z @ q")
        )
    )
    done, out, narration = ours(capsys, "run", str(failing), "--format", "json")
    assert done == 1
    assert "fails.ipynb, code cell 2: line 2, column 5: matmul: a row of x" in narration
    assert "fails.ipynb, code cell 4: line 1, column 5: NameError: name 'q' is not defined" in narration
    objects = [json.loads(line) for line in out.splitlines()]
    assert [one.get("node", {}).get("name") for one in objects] == ["x", "z", None]
    assert [(cell["number"], cell["state"], cell["root"]) for cell in objects[-1]["cells"]] == [
        (1, "run", None), (2, "failed", None), (3, "run", None), (4, "failed", None),
    ]  # fmt: skip


def test_a_picture_of_a_failing_cell_names_its_cell_and_line_once(tmp_path: Path, capsys: Capture) -> None:
    place = tmp_path / "fails.ipynb"
    place.write_bytes(notebook(code("x = torch.ones(2, 3)"), words("w"), code("k = 1\ny = x @ x")))
    for command in (
        ("frame", str(place), "--stop", "2"),
        ("export", str(place), "-o", str(tmp_path / "a.md")),
    ):
        done, _, narration = ours(capsys, *command)
        assert done == 1
        assert narration.splitlines()[0].startswith(f"{place}, code cell 2:2: column 5: matmul: a row of x")
        assert " line " not in narration


def test_run_tells_the_lines_of_a_markdown_file(tmp_path: Path, capsys: Capture) -> None:
    place = tmp_path / "notes.md"
    fences = ("x = torch.ones(2)\nprint(x)", "\nx[2]", "y = x @ torch.ones(3)")
    place.write_text("# T\n\n" + "\n".join(f"```python\n{text}\n```" for text in fences), encoding="utf-8")
    done, out, narration = ours(capsys, "run", str(place))
    lines = place.read_text(encoding="utf-8").split("\n")
    assert done == 1
    assert "notes.md: line 9, column 1: getitem: axis 0 of x (2,) has size 2" in narration
    assert f"notes.md: line {lines.index('y = x @ torch.ones(3)') + 1}, column 5: matmul" in narration
    assert "tensor([1., 1.])" in out


def test_a_cell_that_was_not_run_shows_what_is_saved_of_it(tmp_path: Path, capsys: Capture) -> None:
    place = tmp_path / "saved.ipynb"
    table = {"text/html": "<table><tr><th>a</th></tr></table>", "text/plain": "   a   b\n0  1  22"}

    def saved(source: str, data: dict[str, str]) -> dict[str, Any]:
        return {**code(source), "outputs": [{"output_type": "execute_result", "data": data}]}

    place.write_bytes(
        notebook(
            saved("x = torch.ones(2)\nx", {"text/plain": "tensor([7., 7.])"}),
            saved("import nowhere\ndf = nowhere.read()\ndf", table),
            saved("df.sum()", {"text/plain": "tensor(41.5)"}),
        )
    )
    text = "saved, not computed here:\n   a   b\n0  1  22\n"
    done, out, narration = ours(capsys, "run", str(place), "--format", "json")
    assert (done, narration.count("saved,"), text in narration) == (1, 2, True)
    assert [cell["saved"] for cell in json.loads(out.splitlines()[-1])["cells"]] == [False, True, True]
    assert "7." not in out
    assert text in ours(capsys, "frame", str(place), "--stop", "2")[1]
    assert record(capsys, place, 2)["cell"]["saved"] == text.rstrip()
    assert record(capsys, place, 1)["cell"]["saved"] == ""
    rows = ours(capsys, "frame", str(place), "--stop", "3", "--format", "screen")[1].splitlines()
    shown = [row.partition("│")[2].strip() for row in rows]
    assert shown[shown.index("saved, not computed here:") + 1] == "tensor(41.5)"
    page = tmp_path / "page.html"
    ours(capsys, "export", str(place), "-o", str(page))
    html = page.read_text(encoding="utf-8")
    assert '<pre class="saved" tabindex="0">saved, not computed here:\ntensor(41.5)</pre>' in html
    assert "7., 7." not in html


def test_a_script_runs_cell_by_cell_and_its_exit_code_says_whether_all_of_it_did(
    tmp_path: Path, capsys: Capture
) -> None:
    place = file_at(
        tmp_path, "script.py", "import os\n\nx = torch.ones(2)\nos.fork()\nprint(x)\n\ny = x * 2\n"
    )
    done, out, narration = ours(capsys, "run", str(place))
    assert done == 1
    assert "y = mul(x)" in out
    assert "tensor([1., 1.])" in out  # what is not allowed there leaves the rest of a cell to run
    assert "script.py: line 4, column 1: PermissionError: [Errno 1] Operation not permitted" in narration
    place.write_text("x = torch.ones(2)\n", encoding="utf-8")
    assert ours(capsys, "run", str(place))[0] == 0


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("script.py", "# ones\n\n\n# %% Begin\n\nx = torch.ones(2)\n\n# twice\n\n# %%\ny = x * 2\n"),
        (
            "page.md",
            "# Ones\n\nText.\n\n```python\nx = torch.ones(2)\n```\nM.\n\n```python\ny = x * 2\n```\n",
        ),
    ],
)
def test_lines_are_those_of_the_file(name: str, text: str, tmp_path: Path, capsys: Capture) -> None:
    place = file_at(tmp_path, name, text)
    done, out, _ = ours(capsys, "run", str(place), "--format", "json")
    assert done == 0
    facts = [json.loads(line) for line in out.splitlines()]
    assert [fact["node"]["line"] for fact in facts if "node" in fact] == [6, 11]
    place.write_text(text.replace("x * 2", "x @ 2"), encoding="utf-8")
    done, _, narration = ours(capsys, "run", str(place))
    assert done == 1
    assert f"{name}: line 11" in narration


def test_an_exit_code_of_the_program_is_an_error(tmp_path: Path, capsys: Capture) -> None:
    place = file_at(tmp_path, "script.py", "import sys\nx = torch.ones(2)\nsys.exit(3)\n")
    done, _, narration = ours(capsys, "run", str(place))
    assert (done, "script.py: line 3" in narration, "SystemExit: 3" in narration) == (1, True, True)
    place.write_text("import sys\nx = torch.ones(2)\nsys.exit()\n", encoding="utf-8")
    assert ours(capsys, "run", str(place))[0] == 0


def test_the_cells_of_a_document_are_one_program_of_the_playground(tmp_path: Path, path: Path) -> None:
    from llm_linalg import run

    made = known(program_of(path, 1000))
    assert "# %matplotlib inline\nprint(z)\n" in made
    whole = made.replace("print(z)", "").replace("import nowhere\nz = nowhere.f()", "")
    assert run(whole)["A"].shape == (2, 2)
    place = tmp_path / "b.ipynb"
    place.write_bytes(notebook(code("x = 1"), code("y = 2\nz = x x"), code("files = !ls\nw = 3")))
    made = known(program_of(place, 1000))
    assert "# this is not Python: invalid syntax\n# y = 2\n# z = x x\n" in made
    assert "# not run: !ls is a notebook's command\n# files = !ls\nw = 3\n" in made
    with pytest.raises(UsageError, match="llm-linalg open"):
        program_of(path, 10)
    assert program_of(tmp_path / "a.py", 10) is None


@pytest.mark.slow
async def test_the_sidebar_is_the_outline(path: Path) -> None:
    async with opened(read(path), (100, 24)) as app:
        assert "\x1b" not in app.screen
        rows = [line[:19] for line in app.screen.splitlines()]
        assert any("Attention" in row for row in rows)
        assert any("1 x = torch" in row for row in rows)
        assert any("Scores" in row for row in rows)
        assert not any("S = x" in row for row in rows)  # folded
        assert outline(app.session)[1].here
        await app.press("l", "down", "down")  # the heading unfolds
        assert any(entry.text.endswith("S = x @ x.T") for entry in outline(app.session))
        await app.press("down", "enter")
        assert app.has(stop=3)
        assert app.session.selection.sidebar is None
        await app.press("full_stop")
        assert app.has(stop=4)
        assert "z is made by cell 2, which failed" in app.screen
        await app.press("full_stop")
        texts = [entry.text for entry in outline(app.session)]
        assert "4 ~ print(z)" in texts
        await app.press("l", "up", "up", "up", "up", "enter")  # back to the first heading
        assert app.has(stop=1)


def test_a_cell_that_was_stopped_shows_what_ran_of_it(tmp_path: Path) -> None:
    place = tmp_path / "training.ipynb"
    place.write_bytes(notebook(code("x = torch.ones(2)"), code("y = x + 1\nwhile True:\n    y = y * 2")))
    view = View.opening(read(place), 2)
    frame = open_view(view, seconds=0.2).frame(view)
    assert frame.error is not None
    assert frame.error.sentence.startswith("stopped after 0.2 s: ")  # and no line of the whole program
    assert frame.error.good_caption == "what ran before it stopped"
    assert known(frame.error.good).stage.panels[-1].title.startswith("y")


@pytest.fixture
def training(tmp_path: Path) -> Path:
    """A notebook of which each cell but the first and the last two would run for ever."""
    place = tmp_path / "training.ipynb"
    endless = code("while True:\n    x = x + 1")
    place.write_bytes(notebook(code("x = torch.ones(2)"), *[endless] * 3, code("y = x"), code("z = 1")))
    return place


@pytest.mark.slow
def test_each_cell_has_its_time_and_run_tells_of_those_that_exceed_it(
    training: Path, capsys: Capture
) -> None:
    done, _, narration = ours(capsys, "run", str(training), "--time-limit", "0.2")
    assert done == 1
    for cell in (2, 3, 4):
        stopped = f"code cell {cell}: stopped after 0.2 s: "
        assert f"{stopped}use fewer iterations, or raise the time limit (--time-limit)" in narration
    assert "code cell 5: rests on cell 4: x is made by cell 4, stopped after 0.2 s" in narration
    assert narration.endswith("6 cells: 2 run, cells 2, 3 and 4 are stopped and one rests on them.\n")


async def test_a_cell_that_has_no_code_is_listed_by_what_it_says(tmp_path: Path) -> None:
    place = tmp_path / "asks.ipynb"
    told = "```exercise\nWrite `x` **twice**.\ncheck: (answer == 2 * x).all()\nanswer: x + x\n```"
    place.write_bytes(notebook(code("x = torch.ones(2)"), words(told), code("y = 1")))
    async with opened(read(place)) as app:
        texts = [entry.text for entry in outline(app.session)]
        assert texts == ["1 x = torch.ones(2)", "2 Write x twice.", "3 y = 1"]


@pytest.mark.slow
async def test_cells_that_failed_stay_marked_and_what_stands_above_one_is_read(tmp_path: Path) -> None:
    place = tmp_path / "fails.ipynb"
    place.write_bytes(
        notebook(
            words("# T\n\nWhy it is so."), code("numpi"), code("x = torch.ones(2, 3)"),
            code("y = x @ x"), code("z = x * 2"), code("w = r + 1"), code("v = z + 1"),
        )
    )  # fmt: skip
    async with opened(read(place), (80, 24)) as app:
        assert "T. Why it is so." in app.screen
        assert "NameError: name 'numpi' is not defined" in app.screen
        for stop in (3, 4, 5, 6):  # known from the opening on
            await app.press(*["full_stop"] * (stop - app.session.view.stop))
            assert "NameError: name 'numpi'" not in app.screen
            texts = [entry.text for entry in outline(app.session)]
            assert _marked(texts) == [1, 3, 5]


@pytest.mark.slow
async def test_beside_a_cell_that_is_no_python_those_that_failed_stay_marked(tmp_path: Path) -> None:
    place = tmp_path / "broken.ipynb"
    place.write_bytes(
        notebook(
            words("# T"), code("x = torch.ones(2, 3)"), code("y = x @ x"),
            code("break"), code("z = x[9]"), code("w = (((")
        )
    )  # fmt: skip
    async with opened(read(place), (80, 24)) as app:
        for stop in (3, 5):
            await app.press(*["full_stop"] * (stop - app.session.view.stop))
            assert "this is not Python" in app.screen
            texts = [entry.text for entry in outline(app.session)]
            assert _marked(texts) == [2, 3, 4, 5]


def _marked(entries: Iterable[str]) -> list[int]:
    """The numbers of the cells that are marked as failed, of entries of the sidebar."""
    found = [re.match(r"(\d+) ✗", text) for text in entries]
    return [int(match[1]) for match in found if match]


def test_a_repair_of_a_cell_holds_in_those_below(tmp_path: Path) -> None:
    place = file_at(tmp_path, "cells.py", "x = torch.ones(2, 4)\n\nz = x @ x\n\nw = z + 1\n")
    broken = View.opening(read(str(place)), 2)
    mended = failure_of(open_view(broken)).apply_repair(broken, 1)
    below = mended.at_stop_number(3)
    assert open_view(broken.at_stop_number(3)).error is not None
    assert open_view(below).error is None
    assert below.at_stop_number(2) == mended
    assert below.at_stop_number(1).code is None


@pytest.mark.slow
def test_a_cell_shows_its_answer_its_prints_and_its_plots(tmp_path: Path, capsys: Capture) -> None:
    place = tmp_path / "shown.ipynb"
    place.write_bytes(
        notebook(
            code("import os\nimport matplotlib.pyplot as plt"), code("x = torch.arange(6.).reshape(2, 3)"),
            code("# the shape\nx.shape"), code("for i in range(30):\n    print('row', i)"),
            code("plt.plot(x[0])"), code("plt.imshow(x)"), code("plt.hist([1, 2, 2], bins=2)"),
            code("def f(a, b):\n    return a"), code("print('long ' * 30)\n(1, 2)"),
            code("plt.bar([0, 1, 2, 3], [1., -2., float('nan'), float('inf')])"),
        )
    )  # fmt: skip

    def screen(stop: int) -> str:
        return ours(capsys, "frame", str(place), "--stop", str(stop), "--format", "screen")[1]

    assert record(capsys, place, 3)["cell"]["answer"] == "torch.Size([2, 3])"
    assert "→ torch.Size([2, 3])" in screen(3)
    assert "row 0" in screen(4)
    assert "more lines: p" in screen(4)
    assert "x[0] against x" in screen(5)
    assert record(capsys, place, 6)["look"] == "heat"
    assert "1.75 █" in screen(7)
    assert "→ def f(a, b)" in screen(8)
    assert "→ (1, 2)" in screen(9)
    bars = [row.partition("│")[2].strip() for row in screen(10).splitlines()]
    assert [bar.split()[-1] for bar in bars if re.match(r"[0-3] ", bar)] == ["1", "-2", "nan", "∞"]
    assert "2 nan" in bars
    assert any(re.fullmatch(r"1 ▒+ -2", bar) for bar in bars)
    assert any(re.fullmatch(r"3 █+▶ ∞", bar) for bar in bars)
    assert "x = torch.arange" in ours(capsys, "frame", str(place))[1]  # the first that shows something
    assert read(place).opens_at == 2


@pytest.mark.parametrize(
    ("cells", "opens_at"),
    [
        (["url = 'a'\nx = open(url).name_of(__file__)", "def f():\n    pass", "x = torch.ones(2)"], 3),
        (["import nowhere\nn = 3\ny = nowhere.f(n)", "import torch"], 1),  # better than nothing
        (["import nowhere\ny = nowhere.f(3)", "z = y + 1", "x = torch.ones(2)\nx + 1"], 3),
        (["torch.manual_seed(0)", "x = torch.rand(2)"], 2),
    ],
)
def test_a_document_opens_at_the_first_cell_that_runs_whole_and_shows_something(
    tmp_path: Path, cells: list[str], opens_at: int
) -> None:
    place = tmp_path / "first.ipynb"
    place.write_bytes(notebook(*map(code, cells)))
    assert read(place).opens_at == opens_at


def test_a_cell_says_once_which_turns_of_its_loops_are_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "Limits", partial(Limits, loop_nodes=40))
    loop = "for k in range(2):\n    for i in range(90):\n        x = x + i"
    file = tmp_path / "loops.ipynb"
    file.write_bytes(notebook(code("import torch\nx = torch.zeros(2)"), code(loop), code("x")))
    document = replace(read(file), is_own=True)  # it runs in this process, under the limits that are set here
    told = []
    for stop in (2, 3):
        view = View.opening(document, stop)
        cell = open_view(view).frame(view).listing.cell
        told.append(None if cell is None else cell.remarks)
    assert told == [("turns 11 to 80 of 90 were computed, and their steps are not kept",), ()]


@pytest.mark.slow
def test_the_answer_of_a_cell_stands_below_the_picture_of_its_last_operation(
    tmp_path: Path, capsys: Capture
) -> None:
    place = tmp_path / "answers.ipynb"
    place.write_bytes(
        notebook(
            code("class Config:\n    def __init__(self, **kw):\n        self.__dict__.update(kw)"),
            code("config = Config(n=3)\nconfig.n"),
            code("x = torch.ones(2, 3)\nx.shape"),
            code("net = nn.Sequential(*[nn.Linear(2, 2) for _ in range(9)])\nprint('made')\nnet"),
            code("import numpy as np\na = np.ones((2, 1))\na, 2"),
        )
    )

    def screen(stop: int) -> str:
        return ours(capsys, "frame", str(place), "--stop", str(stop), "--format", "screen")[1]

    assert read(place).opens_at == 2  # what a class is made of is no name that is missing
    assert "→ 3" in screen(2)
    assert "gives torch.Size([2, 3])" in screen(3)
    assert "prints made" in screen(4)
    assert "more lines: p" in screen(4)
    assert re.search(r"gives \(array\(\[\[1\.\],\n[^\n]* {14}\[1\.\]\]\), 2\)", screen(5))


@pytest.fixture
def names(tmp_path: Path) -> Path:
    """A document that names a file beside it, and makes up the name of another."""
    (tmp_path / "names.txt").write_text("emma\nolivia\n", encoding="utf-8")
    (tmp_path / "other.txt").write_text("other", encoding="utf-8")
    place = tmp_path / "names.ipynb"
    place.write_bytes(
        notebook(
            code("words = open('names.txt').read().splitlines()"),
            code("x = torch.tensor([len(word) for word in words])"),
            code("print(x)"), code("open('oth' + 'er.txt').read()"),
        )
    )  # fmt: skip
    return place


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ("ab", "a.txt, b.txt"),
        ("abc", "a.txt, b.txt, c.txt"),
        ("abcde", "a.txt, b.txt, c.txt and 2 more"),
        (["a-long-name-of-a-corpus"], "a-long-name-of-a-corpus.txt"),
        (["shakespeare", "a-long-name"], "shakespeare.txt and 1 more"),
    ],
)
def test_many_files_leave_room_for_what_came_of_the_cells(
    files: Iterable[str], said: str, names: Path
) -> None:
    seen = survey(View.opening(read(names)), seconds=None)._replace(
        named=tuple(f"{one}.txt" for one in files)
    )
    assert seen.says.startswith(f"F: let it read {said}. 4 cells: none runs, ")


@pytest.mark.slow
async def test_a_key_lets_a_document_read_the_files_that_it_names(names: Path) -> None:
    async with opened(read(names), (80, 24)) as app:
        assert "F: let it read names.txt. 4 cells: none runs" in app.screen
        await app.press("full_stop", "full_stop")
        assert app.has(stop=3, reads=False)
        assert "F read files" in app.screen
        await app.press("F")
        assert app.has(stop=3, reads=True)
        assert "It reads names.txt." in app.screen
        assert "tensor([4, 6])" in app.screen
        survey = known(app.session.survey)
        assert [cell.state for cell in survey.cells] == ["run", "run", "run", "run"]
        await app.press("full_stop")
        assert app.has(stop=4, reads=True)
        assert "other" in app.screen  # the folder may be read: F
        assert "F read files" not in app.screen
        await app.press("u", "u")
        assert app.has(stop=3, reads=False)
        assert Context.NAMED_FILES in app.session.contexts


def test_what_a_document_may_read_is_named_by_its_command_and_asked_anew(
    names: Path, capsys: Capture
) -> None:
    reading = replace(View.opening(read(names), 3), reads=True)
    assert arguments(reading) == [str(names), "--read", "--stop", "3"]
    assert "--read" not in launch.place(reading)
    assert "tensor([4, 6])" in ours(capsys, "frame", *arguments(reading))[1]
    assert "tensor([4, 6])" not in ours(capsys, "frame", str(names), "--stop", "3")[1]


def test_a_deck_does_not_say_what_may_be_read(names: Path) -> None:
    deck = file_at(
        names.parent, "deck.md", '+++\ntitle = "T"\n+++\n## A\n```stops\nnames.ipynb --read\n```\n'
    )
    with pytest.raises(LessonError, match="--read"):
        check_views(load(deck))


@pytest.mark.slow
def test_the_outline_knows_of_each_cell_that_exceeds_its_time(training: Path) -> None:
    cells = survey(View.opening(read(training)), seconds=0.2).cells
    assert [cell.state for cell in cells] == ["run", *["stopped"] * 3, "rests", "run"]


MODEL = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(8, 8) for _ in range(3)])
        self.out = nn.Sequential(nn.Linear(8, 4), nn.GELU(), nn.LayerNorm(4))

net = Net()
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    place = tmp_path / "model.ipynb"
    cells = ["x = torch.randn(2, 3)", "prob = torch.softmax(x, -1)", "prob = torch.softmax(x * 2, -1)"]
    place.write_bytes(notebook(code(f"import torch\nfrom torch import nn\n{MODEL}"), *map(code, cells)))
    return place


async def test_a_cell_is_shown_by_what_it_defines(model: Path) -> None:
    async with opened(read(model), (80, 40), stop=1) as app:
        told = app.screen.partition("net = Net(")[2]
        for line in ("(0-2): 3 x Linear(in_features=8,", "(1): GELU(", "(2): LayerNorm((4,),"):
            assert line in told


async def test_what_was_drawn_is_shown_as_numbers_until_one_steps(model: Path) -> None:
    async with opened(read(model), (80, 24), stop=2) as app:
        assert len(re.findall(r"-?\d\.\d{2,4}", app.screen)) == 6
        assert "·" not in app.screen
        await app.press("right")
        assert app.screen.count("·") == 5
        await app.press("full_stop")  # what has operands has steps to tell
        assert app.screen.count("·") >= 6


async def test_cells_that_begin_alike_are_told_apart(model: Path) -> None:
    async with opened(read(model), (80, 24)) as app:
        titles = [line[:18].strip() for line in app.screen.splitlines() if "prob" in line[:18]]
        assert len(titles) == 2
        assert titles[0].split()[1:] != titles[1].split()[1:]
