"""A notebook's cells: what fails, is stopped, left out, or rests on another cell."""

from __future__ import annotations

import ast
import sys
from importlib import import_module

import pytest
import torch

from llm_linalg.capture.cell_program import cells_of
from llm_linalg.capture.plots import Plots
from llm_linalg.recording.cell_state import CellState, counts, summary
from llm_linalg.recording.plot import Plot, PlotSeries
from tests.engine.plain_cells import run_plain, texts

NOWHERE = "import nothing_of_the_kind as nowhere"
STOP = "import signal; signal.raise_signal(signal.SIGUSR1)"


def states(*cells: str) -> list[tuple[str, int | None]]:
    return [(state.state, state.root) for state in run_plain(cells)[0].states]


def test_what_fails_in_jupyter_ends_its_cell_and_what_fails_here_does_not() -> None:
    results, names = run_plain(["x = 1\nx / 0\nx = 2", "print(x)", f"{NOWHERE}\ny = nowhere.f()\nz = 3", "z"])
    assert [state.state for state in results.states] == ["failed", "run", "failed", "run"]
    assert (names["x"], names["z"], "y" in names) == (1, 3, False)
    assert results.states[1].printed == "1\n"
    assert results.states[2].reason.startswith("nothing_of_the_kind is not installed")
    assert results.states[3].answer == "3"


@pytest.mark.parametrize(
    ("cell", "below", "says"),
    [
        (f"{NOWHERE}\nx = nowhere.f()", "x + 1", "x is made by cell 2, which failed: nothing_of"),
        ("x = open('/no/such/file')", "x + 1", "x is made by cell 2, which failed: FileNotFoundError"),
        ("x = !ls", "len(x)", "x is made by cell 2, not run: !ls is a notebook's command"),
        (f"{STOP}\nx = 2", "x", "x is made by cell 2, stopped after 2 s"),
        ("%run other.py", "y", "y is made by cell 2, not run: %run other.py is a notebook's command"),
        ("y = 1 / 0\nw = 2", "w", "w is made by cell 2, which failed: "),
        ("w = 1 / 0", "f = lambda: w", "w is made by cell 2, which failed: "),
        ("y = (", "y", "y is made by cell 2, which failed: this is not Python"),
        ("from nothing_of_the_kind import *", "y", "y is made by cell 2, not run: "),
        (f"{NOWHERE}\na[0] = nowhere.f()", "b = a\nb", "a is changed by cell 2, which failed: "),
    ],
)  # fmt: skip
def test_what_reads_what_was_not_run_rests_on_its_cell(cell: str, below: str, says: str) -> None:
    results, _ = run_plain(["x = 1\na = [1]", cell, below, "c = 1\nc"])
    state = results.states[2]
    assert (state.state, state.root) == ("rests", 2)
    assert state.reason.startswith(says)
    assert (results.states[3].state, results.states[3].answer) == ("run", "1")


def test_an_error_is_kept_for_each_cell_that_has_one() -> None:
    results, _ = run_plain(["x = nothing_of_that_name", "y = x + 1", "z = y", "w = 2"])
    assert sorted(results.errors) == [1, 2, 3]
    assert [(state.state, state.root) for state in results.states] == [
        ("failed", None), ("rests", 1), ("rests", 1), ("run", None),
    ]  # fmt: skip
    assert results.states[2].reason.startswith("y is made by cell 2, which rests on cell 1, which failed: ")
    assert results.errors[2].line == 2


def test_a_stopped_cell_ends_and_the_next_runs() -> None:
    assert states("x = 1", f"try:\n    {STOP}\nexcept Exception:\n    pass\nx = 2", "x", "y = 3") == [
        ("run", None), ("stopped", None), ("rests", 2), ("run", None),
    ]  # fmt: skip


def test_of_an_import_only_what_is_missing_fails_and_only_where_it_is_used() -> None:
    results, names = run_plain(
        ["import math, nothing_of_the_kind as no, json", "json.dumps(math.pi)", "no.x"]
    )
    assert [state.state for state in results.states] == ["run", "run", "failed"]
    assert results.states[0].left_out == ("import nothing_of_the_kind as no",)
    assert "nothing_of_the_kind" in results.states[2].reason
    assert {"math", "json"} <= names.keys()
    results, _ = run_plain(["import os.path, nothing_of_the_kind.part", "os.sep, nothing_of_the_kind.part"])
    assert [state.state for state in results.states] == ["run", "failed"]
    assert results.states[1].reason == "nothing_of_the_kind is not installed"
    results, names = run_plain(
        ["try:\n    import nothing_of_the_kind as no\nexcept ImportError:\n    no = None"]
    )
    assert (results.states[0].state, names["no"]) == ("run", None)
    results, _ = run_plain(
        [f"{NOWHERE}\nclass A(nowhere.B): pass", "from nothing_of_the_kind import C\nclass D(C): pass"]
    )
    assert [state.state for state in results.states] == ["failed", "failed"]


@pytest.mark.parametrize(
    ("cell", "left_out", "printed", "state"),
    [
        ("!pip install torch", "!pip install torch", "", "skipped"),
        ("%matplotlib inline\n%load_ext autoreload", "%matplotlib inline", "", "skipped"),
        ("%%time\nprint(1)", "%%time", "1\n", "run"),
        ("%%bash\nx = 1", "%%bash", "", "skipped"),
        ("\n%%bash\nx = 1", "%%bash", "", "skipped"),
        ("%%timeit\nprint(1)", "%%timeit", "", "skipped"),
        ("%time print(2)", "%time", "2\n", "run"),
        ("%timeit -n 10 -r3 print(-1)", "%timeit", "-1\n", "run"),
        ("if True:\n    %matplotlib inline\n    print(3)", "%matplotlib inline", "3\n", "run"),
        ("from IPython.display import display\ndisplay(6)\n%pwd", "%pwd", "6\n", "run"),
        ("!" + "a" * 99, "!" + "a" * 59, "", "skipped"),
        ("torch.randn?", "torch.randn?", "", "skipped"),
        ("??f", "??f", "", "skipped"),
        ("!pip install a \\\n  b\nprint(4)", "!pip install a \\", "4\n", "run"),
        ("import matplotlib.pyplot as plt\nplt.show()", "plt.show()", "", "run"),
        ("import matplotlib.pyplot as plt\nplt.gca() + 1\nprint(5)", "plt.gca() + 1", "5\n", "run"),
        ("import nothing_of_the_kind", "import nothing_of_the_kind", "", "skipped"),
    ],
)
def test_what_means_nothing_here_is_left_out(cell: str, left_out: str, printed: str, state: str) -> None:
    (found,) = run_plain([cell])[0].states
    assert (found.left_out[0], found.printed, found.state) == (left_out, printed, state)


def test_plots_are_taken_with_all_that_belongs_to_them() -> None:
    cell = """\
import matplotlib.pyplot as plt
from mpl_toolkits.mplot3d import Axes3D
import seaborn as sns
fig, axes = plt.subplots(2, 3, figsize=(4, 4))
for ax, x in zip(axes.flat, [1, 2]):
    ax.imshow(x)
axes[0, 1].set_title(f"{len([1])}")
single, (one, two) = plt.subplots(1, 2)
plt.rcParams['x'] = 3
low, high = one.get_xlim()
with plt.style.context('dark'):
    line, = plt.plot([[1], [2]])
def draw(ax, x):
    ax.plot(x, color='r')
    return ax
draw(axes[1, 0], 'a').legend()
for spine in one.spines.values(): spine.set(lw=1)
plt.show()"""
    (found,) = run_plain([cell])[0].states
    assert (found.state, found.reason, found.plot, found.answer) == ("run", "", None, "")
    (found,) = run_plain([f"{cell}\nfloat(low)\nprint(2)"])[0].states
    assert (found.state, found.printed) == ("run", "2\n")


def test_axes_without_numpy_are_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "numpy")
    cell = "import matplotlib.pyplot as plt\nfig, (one, two) = plt.subplots(2)\none.plot([1, 2])"
    assert run_plain([cell])[0].states[0].state == "run"


def plot_of(cell: str) -> Plot | None:
    plots = Plots(lambda value: 7 if isinstance(value, torch.Tensor) else None)
    text = f"import matplotlib.pyplot as plt\nx = torch.arange(4.)\n{cell}"
    (state,) = run_plain([text], plots=plots)[0].states
    assert not (state.plot and state.left_out)
    return state.plot


def test_a_plot_of_numbers_is_taken_for_the_apps_looks() -> None:
    squares = tuple((float(k), float(k * k)) for k in range(4))
    for cell in (
        "plt.plot(x, x**2)",
        "plt.plot(x ** 2, 'r-', label='x**2')",
        "_, ax = plt.subplots()\nax.plot(x.numpy(), (x ** 2).tolist())",
        "import seaborn\nseaborn.lineplot(x=x, y=x**2)",
    ):
        found = plot_of(cell)
        assert found is not None
        assert (found.kind, found.series[0].points) == ("curve", squares)
    two = plot_of("plt.plot([1, 2])\nplt.plot([3., torch.tensor(4.)], label='b')")
    assert two is not None
    assert two.series == (
        PlotSeries("[1, 2]", ((0.0, 1.0), (1.0, 2.0))), PlotSeries("b", ((0.0, 3.0), (1.0, 4.0))),
    )  # fmt: skip
    same = tuple((float(k), float(k)) for k in range(4))
    assert plot_of("plt.scatter(x, x)") == Plot("points", (PlotSeries("x", same),))
    bars = PlotSeries("[0, 0, 1]", ((0.25, 2.0), (0.75, 1.0)))
    assert plot_of("counts, edges, _ = plt.hist([0, 0, 1], bins=2)\nassert counts == [2, 1]") == Plot(
        "bars", (bars,)
    )
    assert plot_of("plt.plot(x)\nplt.scatter(x, x)") == Plot("curve", (PlotSeries("x", same),))
    assert (
        plot_of("plt.scatter(x, x[1:])")
        == plot_of("plt.scatter(x, [[1], [2]])")
        == plot_of("plt.scatter(x, x)")
    )
    assert plot_of("plt.imshow(torch.eye(2))") == Plot("heat", node=7)
    for arguments in ("plot()", "plot('a')", "plot(torch.ones(2, 2))", "title('a')", "plot([[1], [2]])"):
        assert plot_of(f"plt.{arguments}") is None


def test_the_plotting_packages_of_a_run_are_gone_after_it() -> None:
    package = pytest.importorskip("matplotlib")
    run_plain(["import matplotlib.pyplot as plt"])
    assert import_module("matplotlib") is package
    assert isinstance(package.__version__, str)


@pytest.mark.parametrize(
    ("cell", "answer"),
    [
        ("torch.ones(2, 3).shape", "torch.Size([2, 3])"),
        ("x = 1\nx, 'a'", "(1, 'a')"),
        ("'a'.upper()", "'A'"),
        ("None", ""),
        ("print(1)", ""),
        ("def f(x, y=2):\n    return x", "def f(x, y)"),
        ("def f(a, /, x, *rest, k=1, **o):\n    return x", "def f(a, x, *rest, k, **o)"),
        ("def f(*, k):\n    return k", "def f(*, k)"),
        ("class A:\n    pass", "class A"),
        ("n, words = 2, 'a b'.split()", "n = 2\nwords = ['a', 'b']"),
        ("f = torch.exp", ""),
        ("m = torch.nn.ReLU()", "m = ReLU()"),
        ("x = torch.ones(2)", ""),
        (f"class A:\n    def __repr__(self):\n        {STOP}\nA()", "<A>"),
    ],
)
def test_the_last_value_of_a_cell_is_its_answer(cell: str, answer: str) -> None:
    assert run_plain([cell])[0].states[0].answer == answer


def test_what_a_cell_prints_is_its_own() -> None:
    results, _ = run_plain(["print(1)\nprint(2)", "print(3)\n1 / 0"])
    assert [state.printed for state in results.states] == ["1\n2\n", "3\n"]


RUN = [*map(CellState, range(1, 6))]
FAULTS = [CellState(k, "stopped" if k % 2 else "failed") for k in range(1, 9)]


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ([CellState(1)], "1 cell, which runs"),
        ([CellState(1), CellState(2)], "2 cells: all run"),
        ([CellState(1, "failed")], "1 cell, which fails"),
        ([CellState(1, "stopped")], "1 cell, which is stopped"),
        ([CellState(1), CellState(2, "failed")], "2 cells: one runs, cell 2 fails"),
        ([CellState(1, "skipped"), CellState(2), CellState(3)], "3 cells: 2 run, one is left out"),
        (
            [*RUN, CellState(6, "stopped"), *[CellState(k, "rests", 6) for k in range(7, 26)]],
            "25 cells: 5 run, cell 6 is stopped and 19 rest on it",
        ),
        (
            [CellState(1), CellState(2, "failed"), CellState(3, "stopped"), CellState(4, "rests", 3)],
            "4 cells: one runs, cell 3 is stopped, cell 2 fails and one rests on them",
        ),
        (
            [*FAULTS, CellState(9, "rests", 1), *map(CellState, range(10, 30))],
            "29 cells: 20 run, 4 are stopped, 4 fail and one rests on them",
        ),
    ],
)  # fmt: skip
def test_the_cells_are_summed_up_in_a_line(cells: list[CellState], says: str) -> None:
    assert summary(cells) == says


def test_cells_that_do_not_run_are_counted() -> None:
    assert counts([RUN[0], FAULTS[0]]) == "2 cells: one runs, one doesn't"
    assert counts([*RUN, *FAULTS[:2]]) == "7 cells: 5 run, 2 don't"
    assert counts([*RUN, FAULTS[0], CellState(7, "skipped")]) == "7 cells: 5 run, one doesn't"


def test_a_state_in_json_says_whether_its_saved_output_is_shown() -> None:
    assert CellState(2, "rests", 1, "why", saved=True).record() == {
        "number": 2, "state": "rests", "root": 1, "reason": "why", "saved": True,
    }  # fmt: skip


def test_the_text_that_is_run_has_each_statement_where_it_stands() -> None:
    cells = ["x = 1\n%time y = x", "z = = 2\n3", "!ls \\\n  -l\nw = 4\nfiles = !ls", "%%bash\nls"]
    for program in texts(cells):
        assert program.python.count("\n") == program.text.count("\n")
        found = {(node.lineno + program.line - 1, node.col_offset) for node in ast.parse(program.python).body}
        assert {(node.lineno, node.col_offset) for node in program.statements} <= found
    text = "x = 1\n\n\ny = 2\n"  # the second cell is empty, and the last
    assert cells_of(text, (1, 2, 3, 5))[1].text == text


@pytest.mark.parametrize(
    ("cells", "below"),
    [
        (["w = 1 / 0", "def f(): return w * 2"], ["run", "run"]),
        (["def f(x): return x\na = [f, 1]", f"{NOWHERE}\na.append(nowhere.f(1))", "v = f(1)", "u = a[0]"],
         ["failed", "run", "rests", "run"]),
        (["a = [1]\nb = a\nb = [2]", f"{NOWHERE}\na.append(nowhere.f(1))", "b", "a"],
         ["run", "rests", "run"]),
        (["from torch import manual_seed", f"{NOWHERE}\nmanual_seed(0)\nnowhere.f()", "x = torch.rand(2)"],
         ["failed", "rests", "run"]),
    ],
)  # fmt: skip
def test_what_rests_on_a_cell_is_no_more_than_what_reads_it(cells: list[str], below: list[str]) -> None:
    assert [state for state, _ in states(*cells, "c = 1")][-len(below) :] == below


def test_a_0_beside_a_command_is_a_statement() -> None:
    (state,) = run_plain(["!pip install x\nk = 5\n0"])[0].states
    assert (state.state, state.answer) == ("run", "0")
