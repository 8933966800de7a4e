"""Programs as they are captured: what their lines give, what is called what, and what NumPy's calls are."""

from __future__ import annotations

import ast
import contextlib
import io
import sys
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch

from llm_linalg import ProgramError
from llm_linalg.capture import program as capture_program
from llm_linalg.capture.cell_program import CellProgram
from llm_linalg.capture.console import Output
from llm_linalg.capture.instrument import instrument
from llm_linalg.capture.limits import SMALL, Counts, Interruption, Limits
from llm_linalg.capture.numpy_calls import likeness
from llm_linalg.capture.plots import Plots
from llm_linalg.capture.program import ProgramRun, finished
from llm_linalg.ops.operation import Price
from llm_linalg.recording.plot import PlotSeries
from tests.common import known
from tests.engine.here import run
from tests.engine.plain_cells import run_plain


def printed(text: str) -> str:
    """What Python prints for a program."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(compile(text, "<text>", "exec"), {"torch": torch, "nn": torch.nn})  # noqa: S102 - our own text
    return out.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        "def f():\n    'words'\n    return 1\nprint(f.__doc__)",
        "*a, b = 1, 2, torch.ones(2)\nprint(a, b)",
        "import numpy as np\nx = np.float64(2)\nprint(1 < x < 3, 3 > x > 5, 1 < x)",
        "import numpy as np\na = np.arange(4.0)\ns = a.sum()\na.resize(6)\nprint(a.sum(), a[4:])",
        "import numpy as np\na = np.ones(2)\nb = a.view(np.int64)\nprint(b + 0, a)",
        "import numpy as np\nprint(torch.tensor(np.empty(0), dtype=torch.float32).dtype)",
        "x, z = torch.eye(2).requires_grad_()\nprint(torch.autograd.grad(x + 0, (x, z), x, allow_unused=1))",
        '"""Words."""\nprint(__doc__)',
        "l = nn.LazyLinear(3)\nprint(l(torch.ones(2, 4)).shape, l.weight.shape)",
    ],
)
def test_a_program_prints_what_it_prints_in_python(text: str) -> None:
    assert run(text).printed == printed(text)


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("torch.set_grad_enabled(False)", torch.is_grad_enabled),
        ("torch.set_default_dtype(torch.float64)", torch.get_default_dtype),
        ("torch.manual_seed(3)\ntorch.rand(2)", lambda: torch.default_generator.get_state().tolist()),
        ("import sys\nsys.setrecursionlimit(700)", sys.getrecursionlimit),
        ("torch.set_printoptions(precision=1)", lambda: repr(torch.tensor(1 / 3))),
        ("import numpy as np\nnp.random.rand()", lambda: repr(np.random.get_state())),
    ],
)
def test_a_program_leaves_the_process_as_it_was(text: str, setting: Callable[[], object]) -> None:
    before = setting()
    run(text)
    assert setting() == before


# What lines give


def test_a_name_that_follows_a_starred_one_is_bound_to_its_own_value() -> None:
    t = run("*a, b = 1, 2, torch.ones(2) * 3\nc, *d = torch.zeros(1), 5, 6")
    assert t["b"].value.tolist() == [3.0, 3.0]
    assert t["c"].shape == (1,)


def test_what_a_comprehension_binds_is_no_result_of_a_line() -> None:
    t = run("x = torch.ones(2)\ny = [k * 2 for k in (x, x + 1)]\nz = x - 1")
    assert {*t.lines} <= {1, 2, 3}
    assert t.lines[3] is t["z"]
    assert 0 not in t.lines


def test_a_cell_without_a_tensor_shows_none_and_one_with_a_picture_that() -> None:
    t = run("x = torch.ones(2)\nn = 3\ny = x + n\nz = y * 2\nm = n + 1", cells=(1, 2, 3))
    assert [state.node if state.node is None else t.nodes[state.node].name for state in t.cells] == [
        *("x", None, "z"),  # the last that it made
    ]
    picture = "import matplotlib.pyplot as plt\nx = torch.ones(2, 2)\ny = x + 1\nplt.imshow(x)\nz = y * 2"
    shown = run(picture, cells=(1,))
    assert shown.nodes[known(shown.cells[0].node)] is shown["x"]


def test_turns_that_a_last_line_has_left_out_are_its_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture_program, "Limits", partial(Limits, loop_nodes=40))
    t = run("x = torch.ones(1)\nfor _ in range(200): x = x * 1.1\ny = x + 1", cells=(1, 3))
    assert [len(state.gaps) for state in t.cells] == [1, 0]
    t = run("x = torch.ones(1)\nfor _ in range(200): x = x * 1.1\ny = x + 1", cells=(1, 2))
    assert [len(state.gaps) for state in t.cells] == [0, 1]
    text = "x = torch.zeros(2)\nfor k in range(99):\n    y = x * 1\n    if k > 80: x.add_(1) @ torch.ones(3)"
    failed = ProgramRun(text)
    with pytest.raises(ProgramError, match="matmul"):  # which is made again to be explained
        finished(failed)
    assert failed.names["x"].tolist() == [1, 1]


def test_an_older_value_is_gone_that_a_statement_would_have_replaced() -> None:
    results, names = run_plain(["x = 1", "import nothing_of_the_kind as no", "x = no.n", "print(x)"])
    assert "x" not in names
    assert [state.state for state in results.states[2:]] == ["failed", "rests"]


def test_a_name_that_is_bound_anew_rests_on_nothing() -> None:
    t = run("x = open('nowhere').read()\nx = torch.ones(2)\ny = x * 2", cells=(1, 2, 3))
    assert [cell.state for cell in t.cells] == ["failed", "run", "run"]


def test_commands_stand_in_the_lines_of_the_program_and_end_where_they_end() -> None:
    cell = CellProgram("\n!pip install a\nx = %sql select 1 from  a  \ny = 2", 5)
    assert cell.left_out == {6: "!pip install a"}
    command = next(iter(cell.commands))
    span = cell.span(command)
    assert (span.line, span.column, span.end_column) == (7, 0, len("x = %sql select 1 from  a"))
    cell = CellProgram("\n%%time\n!ls\n%time x = 1\nk?", 5)
    assert cell.left_out == {6: "%%time", 7: "!ls", 8: "%time", 9: "k?"}
    (timed,) = run_plain(["\n\n%%time\nprint(1)"])[0].states
    assert (timed.printed, timed.left_out, timed.state) == ("1\n", ("%%time",), "run")


def test_a_program_begins_with_its_own_words() -> None:
    own = '"""What it is."""\nfrom __future__ import annotations\nprint(__doc__)'
    for line in (None, [0]):  # where the line that runs is noted, if it is
        assert finished(ProgramRun(own, running_line=line)).printed == "What it is.\n"


def test_a_layer_s_weights_come_in_where_it_is_made() -> None:
    t = run("layers = [nn.Linear(2, 3), nn.LazyLinear(2)]\nx = torch.ones(2)\n\ny = layers[1](layers[0](x))")
    assert [(node.line, node.op) for node in t.nodes[:3]] == [(1, "parameter"), (1, "parameter"), (2, "ones")]
    assert [node.line for node in t.nodes[3:]] == [4] * 4


def test_a_plot_is_called_by_what_stands_up_and_a_bar_has_a_width() -> None:
    def series(call: str) -> PlotSeries:
        cell = f"import matplotlib.pyplot as plt\nx = torch.arange(4.)\n{call}"
        (state,) = run_plain([cell], plots=Plots())[0].states
        return known(state.plot).series[0]

    assert series("plt.plot(x, x ** 2)").name == "x ** 2"
    assert series("plt.plot(x + 1)").name == "x + 1"
    assert series("plt.plot(x, x ** 2, label='squares')").name == "squares"
    notebook, *_ = run_plain(["import matplotlib.pyplot as plt\nplt.plot(torch.tensor(2.))"], plots=Plots())
    assert notebook.states[0].state == "run"
    assert series("plt.hist([2, 2, 2], bins=1)").points == ((2.0, 3.0),)


def test_what_is_printed_apart_takes_nothing_from_what_a_program_may_print() -> None:
    output = Output(lambda: 1, 10)
    output.write("1234")
    with output.apart():
        output.write("123456")
    output.write("567890")
    assert output.texts == [(1, "1234"), (1, "567890")]


def test_gradients_that_are_set_to_zero_are_written_and_those_that_are_freed_are_not() -> None:
    for freed, value, writes in ((False, [0.0, 0.0], 1), (True, [2.0, 2.0], 0)):
        t = run(
            "w = nn.Parameter(torch.ones(2))\no = torch.optim.SGD([w], 0.1)\n(w * 2).sum().backward()\n"
            f"g = w.grad\no.zero_grad(set_to_none={freed})\nh = g * 1"
        )
        assert t["h"].value.tolist() == value
        assert not [node for node in t.nodes if node.evidence == "outside"]
        assert len([node for node in t.nodes if node.is_write]) == writes


def test_an_expression_of_several_lines_ends_in_its_last_one() -> None:
    text = "torch.cat([  # é é é\n    torch.ones(2), torch.ones(3)])"
    assert run(f"y = {text}")["y"].source == text


def test_a_loop_may_end_early_by_a_break_of_its_own() -> None:
    text = "for i in a:\n    for j in b:\n        break\nfor k in a:\n    if k:\n        break\n"
    text += "def f():\n    for m in a:\n        for n in b:\n            return n\n"
    found = {place.line: place.may_leave for place in instrument(ast.parse(text))}
    assert found == {1: False, 2: True, 4: True, 8: True, 9: True}


def test_what_a_program_may_do_is_counted_in_all() -> None:
    counts = Counts(Limits(elements=100, tensors=3))
    counts.charge_again("add", Price(60))
    with pytest.raises(Interruption, match="more than 100 cells in all"):
        counts.charge_again("add", Price(60))
    counts = Counts(Limits(tensors=3))
    counts.charge_again("add_", Price(1), torch.empty(SMALL + 1))
    assert counts.elements == SMALL + 2
    counts.charge_again("add_", Price(1), torch.empty(SMALL))
    assert (counts.elements, counts.tensors, counts.calls) == (SMALL + 3, 2, 2)
    with pytest.raises(Interruption, match="more than 3 tensors"):
        counts.charge_again("split", Price(1, outputs=2))
    with pytest.raises(ProgramError, match="more than 24 axes"):
        run("x = torch.ones(1) + torch.ones([1] * 25)")


# What is called what

MODULES = """
class Plain:
    def forward(self, layer, x):
        return layer(x)
class Inner(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2))
    def forward(self, x):
        return x * self.weight
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = Inner()
    def keep(self, x):
        self.kept = x * 2
    def forward(self, x):
        extra = Inner()
        return extra(Plain().forward(self.inner, x))
class Twice:
    def __call__(self, x):
        return x / 2
net = Net()
net.keep(torch.ones(2))
y = Twice()(net(torch.ones(1, 2)))
"""


def test_each_target_of_an_assignment_and_each_result_of_a_call_is_told_from_the_others() -> None:
    t = run("x = torch.arange(4.0)\na = b = c = x + 1\ny = torch.cat(x.chunk(2))")
    assert t["a"] is t["b"] is t["c"]
    assert [operand.title for operand in t["y"].operands] == ["x.chunk(2)[0]", "x.chunk(2)[1]"]


def test_calls_and_attributes_are_called_as_a_reader_would() -> None:
    t = run(MODULES)
    made = [(node.op, node.scope) for node in t.nodes if node.op in ("mul", "div")]
    assert made == [("mul", "keep"), ("mul", "net.forward.inner"), ("mul", "net.Inner:2"), ("div", "Twice")]
    assert "self.kept" in [node.bound_name for node in t.nodes]


def test_a_model_with_another_name_lends_its_weights_the_later_one() -> None:
    t = run(
        MODULES.rpartition("net = Net()")[0] + "first = Net()\nlater = first\ny = later(torch.ones(1, 2))"
    )
    weights = {node.title for node in t.nodes if node.op == "parameter" and "inner" in node.title}
    assert weights == {"later.inner.weight"}


# What NumPy's calls are

METHODS = """
import numpy as np
class Layer:
    def __init__(self):
        self.w = np.ones(2)
    def step(self, g):
        self.w += g
    def put(self, x):
        x[0] = 5.0
layer = Layer()
layer.step(np.array([1.0, 2.0]))
before = layer.w * 1
layer.put(layer.w)
after = layer.w * 1
"""


def test_what_methods_do_to_arrays_is_seen() -> None:
    t = run(METHODS)
    assert (t["before"].value.tolist(), t["after"].value.tolist()) == ([2.0, 3.0], [5.0, 3.0])
    ops = [node.op for node in t.nodes]
    assert "setitem" in ops
    assert not [node for node in t.nodes if node.evidence == "outside"]
    assert next(node.op for node in t.nodes if node.value.tolist() == [2.0, 3.0]) == "add"


def test_an_array_that_is_written_at_once_is_shown_as_it_was() -> None:
    t = run("import numpy as np\nc = np.add(a, 1, out=a)", names={"a": np.zeros(2)})
    assert [node.value.tolist() for node in t.nodes] == [[0, 0], [1, 1]]


def test_memory_that_is_seen_as_another_type_shows_the_numbers_of_that() -> None:
    t = run("import numpy as np\na = np.ones(2)\nb = a.view(np.int64)\nc = b + 0\nd = a + 0")
    for name in ("b", "c"):
        assert t[name].value.tolist() == np.ones(2).view(np.int64).tolist()
        assert t[name].dtype == "int64"
    assert t["d"].value.tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    "call",
    [
        "np.linspace(0, 1, 5)",
        "np.linspace(0, 1, 5, endpoint=False)",
        "np.linspace(0, 1, num=4)",
        "np.arange(1, 7, 2)",
        "np.arange(5.0)",
        "np.arange(1, 4, dtype=float)",
        "np.eye(3)",
        "np.eye(2, 3)",
        "np.eye(3, k=1)",
        "np.eye(2, 3, -1)",
        "np.identity(2)",
        "np.full((2, 2), 7)",
        "np.full(2, fill_value=0.5)",
        "np.zeros((2, 0))",
        "np.ones(3, dtype=bool)",
        "np.logspace(0, 2, 3)",
        "np.array([[1, 2], [3, 4]])",
        "np.random.default_rng(0).normal(size=3)",
    ],
)
def test_what_makes_an_array_makes_it_again(call: str) -> None:
    node = run(f"import numpy as np\na = {call}")["a"]
    made = known(node.call).replay(known(node.call).tensors)
    assert made.dtype == node.value.dtype
    assert torch.allclose(made.double(), node.value.double(), atol=1e-12)
    assert np.array_equal(node.value.numpy(), eval(call, {"np": np}))  # noqa: S307 - our own text


def test_results_are_alike_up_to_rounding_and_all_of_them() -> None:
    one, near, far = torch.tensor([1.0]), torch.tensor([1.0 + 2e-7]), torch.tensor([1.01])
    assert [likeness(tried, [one]) for tried in (one, near, far)] == ["exact", "rounding", ""]
    assert likeness(torch.tensor([1.0 + 1e-7]).double(), [one.double()]) == ""
    assert likeness((one, far), [one]) == "exact"
    assert likeness(one, [one, one]) == ""
    assert likeness(one[None], [one]) == ""


def test_what_is_added_to_keeps_its_name_and_the_last_loss_is_the_loss() -> None:
    t = run("x = torch.ones(3)\ntotal = 0\nfor k in range(2):\n    total += x.sum()")
    assert [node.name for node in t.nodes if node.op == "add"] == ["total", "total"]
    assert t["total"].value == 6
    t = run("w = torch.ones(2)\nfor k in range(3):\n    loss = (w * k).sum()")
    assert known(t.loss).value == 4


def test_a_result_stands_at_the_first_of_its_lines() -> None:
    assert sorted(run("x = torch.ones(2)\n(x *\n  2)").lines) == [1, 2]


def test_what_an_expression_makes_on_its_way_is_inner_each_time() -> None:
    t = run("x = torch.ones(2)\nfor k in range(3):\n    y = sum([x, x, x])")
    assert [node.is_inner for node in t.nodes if node.op == "add"] == [True, True, False] * 3


def test_what_writes_into_its_tensor_is_a_node_if_the_table_lacks_it() -> None:
    t = run("x = torch.ones(2, 2)\nx.renorm_(2, 0, 0.5)\ny = x * 1")
    assert [(node.op, node.is_write) for node in t.nodes] == [
        ("ones", False),
        ("renorm", True),
        ("mul", False),
    ]


def test_a_return_gives_its_line_what_it_returns() -> None:
    t = run("def f(x):\n    y = x + 1\n    x - 1\n    return y\nz = f(torch.ones(2)) * 2")
    assert t.lines[4] is t["y"]
