"""Turns in the middle of a long loop run without being recorded: nothing else may be different."""

from __future__ import annotations

import json
import re
from functools import partial
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from llm_linalg import ProgramError, Trace
from llm_linalg import run as run_in_room
from llm_linalg.analysis.abscissa import numbers_by_turn, turns
from llm_linalg.capture import program as capture_program
from llm_linalg.capture.limits import Limits
from llm_linalg.recording.recorder import Recorder
from tests.engine.alike import printed
from tests.engine.here import run
from tests.engine.training_loops import LOOPS
from tests.thinning import thin
from tui.compose.line_notes import line_notes, path_at
from tui.render.program_text import program_json, program_plain

TURNS = 12
START = """\
torch.manual_seed(3)
W = torch.randn(3, 3, requires_grad=True)
B = torch.nn.Parameter(torch.zeros(3))
layer = torch.nn.Linear(3, 3)
norm = torch.nn.BatchNorm1d(3)
adam = torch.optim.Adam(layer.parameters(), lr=0.1)
X = torch.randn(4, 3)
a, row, kept, known, best = X.clone(), X[1], [], {}, None
h = torch.zeros(3)
def f(x, k=2):
    y = x * k
    return y.relu() + h.detach()
class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3
    @staticmethod
    def backward(ctx, grad):
        x, = ctx.saved_tensors
        return grad * 3 * x**2
total = torch.tensor(0.0)
"""
STATEMENTS = [
    "loss = (X @ W + B).square().mean()",
    "loss = layer(X).tanh().mean()",
    "loss = Cube.apply(X @ W).mean() * 0.1",
    "loss = norm(X * i).abs().mean()",
    "loss = torch.nn.functional.dropout(X @ W, 0.5).sum()",
    "(X @ W).sum().backward()",
    "(B * 2).sum().backward()",
    "layer(X).sum().backward()",
    "g, = torch.autograd.grad((W * W).sum(), W)",
    "W.grad = None",
    "if W.grad is not None: W.grad.zero_()",
    "if W.grad is not None: W.data -= 0.1 * W.grad",
    "if B.grad is not None: g = B.grad",
    "W.data = W.data * 0.9",
    "with torch.no_grad(): W *= 0.5",
    "with torch.no_grad(): B += i",
    "adam.step(); adam.zero_grad()",
    "a[i % 4] = i",
    "a += 1",
    "a = a.clone()",
    "a = X + i",
    "row = X[i % 4]",
    "row = a[1]",
    "row *= 2",
    "with torch.no_grad(): X[0] += 1",
    "X = X * 0.5",
    "h = h.detach() + row.mean()",
    "kept.append(a.sum())",
    "kept = kept[-2:]",
    "known[i % 3] = row * 2",
    "if i == 5: best = a * 3",
    "if i == 5: W.data = W.data * 2",
    "if i == 6: norm(X)",
    "if i == 6: print(a, h)",
    "if i % 4 == 0: total = total + a.sum().item()",
    "total += 1",
    "h = f(h)",
    "b = a.view(-1); b[0] = i",
    "c = a.t(); a.mul_(2)",
    "torch.add(a, 1, out=a)",
    "u, v = a.chunk(2)",
    "p, q = B[:2]; loss = (p * 2 - q) ** 2",
    "u = torch.randn(3); a = a + u",
    "for j in range(3): h = h + j",
    "h = sum(x.sum() for x in a)+ h",
    "i2 = i * 2",
    "try:\n    a @ X\nexcept RuntimeError as e:\n    h = h * 0.5",
    "if i == 7: a = a[0, 0] @ a",
]
AFTER = [
    "print(total, h.sum())",
    "z = W * 2 + B",
    "(X @ W).sum().backward()\nprint(W.grad)",
    "row += 1\nprint(a, X)",
    "print(norm.running_mean)",
    "out = torch.stack(kept) if kept else a",
    "print(best)",
    "a[0] = 7\nprint(row)",
    "adam.step()\nprint(layer.weight)",
]
HEADS = [
    f"for i in range({TURNS}):",
    f"for i, _ in enumerate([0] * {TURNS}):",
    f"for i, _ in zip(range({TURNS}), [0] * {2 * TURNS}):",
    f"for i in torch.arange({TURNS}).tolist():",
    f"for i in (k for k in range({TURNS})):",
    f"i = -1\nwhile i < {TURNS - 1}:\n    i += 1",
    f"for i in range({2 * TURNS}):\n    if i == {TURNS}: break",
]


@st.composite
def programs(draw: st.DrawFn) -> str:
    """Draws a program with a loop, or two."""
    lines = [START]
    for _ in range(draw(st.integers(1, 2))):
        lines += draw(st.sampled_from(HEADS)).split("\n")
        for statement in draw(st.lists(st.sampled_from(STATEMENTS), min_size=1, max_size=7)):
            lines += ["    " + line for line in statement.split("\n")]
        lines += draw(st.lists(st.sampled_from(AFTER), max_size=3))
    return "import torch\n" + "\n".join(lines)


def run_within(program: str, nodes: int) -> tuple[Trace | None, str]:
    """Returns the trace of a program whose loops may make so many nodes, and its error."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(capture_program, "Limits", partial(Limits, loop_nodes=nodes))
        try:
            return run(program), ""
        except ProgramError as error:
            trace: Any = error.trace
            return trace, str(error)


def kept(program: str, nodes: int) -> Trace:
    """Returns the trace of such a program, which doesn't fail."""
    trace, said = run_within(program, nodes)
    assert trace is not None
    assert not said
    return trace


def alike(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether two tensors have the same cells, NaN included."""
    return (
        one.dtype == other.dtype
        and one.shape == other.shape
        and bool(((one == other) | (one != one) & (other != other)).all())
    )


def check(program: str, most: int) -> int:
    """Holds a run with gaps to one without; returns how many there are."""
    (whole, said), (trace, says) = run_within(program, 10**9), run_within(program, most)
    assert said == says
    if whole is None or trace is None:
        return 0
    assert trace.printed == whole.printed
    assert trace.names.keys() == whole.names.keys()
    for name, node in whole.names.items():
        assert alike(trace.names[name].value, node.value), name
    first = trace.gaps[0].position if trace.gaps else len(whole.nodes)
    for node, same in zip(trace.nodes[:first], whole.nodes, strict=False):
        assert node.op == same.op
        assert node.op == "empty" or alike(node.value, same.value)  # which no program reads
    for node in trace.nodes:
        assert all(alike(operand.value, operand.node.value) for operand in node.operands)
        assert all(operand.node.index < node.index for operand in node.operands)
    return len(trace.gaps)


@given(programs(), st.sampled_from([8, 20, 40]))
def test_a_run_with_gaps_prints_and_binds_what_one_without_does(program: str, most: int) -> None:
    check(program, most)


@pytest.mark.parametrize("name", thin(LOOPS, 4))
def test_training_loops_end_alike(name: str) -> None:
    assert check(LOOPS[name].program.replace("TURNS", "20"), 40) == 1


LOOP = """\
import torch
w = torch.zeros((), requires_grad=True)
for i in range(50):
    loss = (w - 3) ** 2
    loss.backward()
    with torch.no_grad():
        w -= 0.1 * w.grad
        w.grad.zero_()
print(loss)
"""


def test_the_first_and_the_last_turns_are_recorded_and_the_numbers_of_all() -> None:
    whole, trace = kept(LOOP, 10**9), kept(LOOP, 100)
    (gap,) = trace.gaps
    assert (gap.line, gap.turns) == (3, 50)
    assert gap.which == f"turns {gap.first} to {gap.last} of 50"
    per_turn = (len(whole.nodes) - 1) // 50
    assert len(trace.nodes) <= len(whole.nodes) - (gap.last - gap.first) * per_turn
    made = turns(trace["loss"], trace.nodes)
    numbers = [float(node.value) for node in turns(whole["loss"], whole.nodes)]
    assert numbers_by_turn(made, len(made)) == numbers
    assert numbers_by_turn(made, len(made) - 1) == numbers[:-1]
    assert trace.nodes[gap.position - 1].index + 1 == gap.position
    assert (gap.first - 1) * per_turn <= 25 + per_turn
    assert (50 - gap.last) * per_turn <= 25
    after = trace.nodes[gap.position]
    assert after.gap == gap
    assert after.name == "w"


@pytest.mark.parametrize(
    "head",
    [
        "for i, _ in enumerate([0] * 50):",
        "for i, _ in zip(range(80), [0] * 50):",
        "for i, _ in enumerate(zip([0] * 50, range(90))):",
        "for i in torch.arange(50):",
        "from torch.utils.data import DataLoader\nfor i, _ in enumerate(DataLoader(torch.ones(99, 2), 2)):",
        "for i in range(50):\n    for j in range(3):\n        if j: break",
        "for i in range(50):\n    def f():\n        return i",
    ],
)
def test_the_turns_of_what_has_a_length_are_known(head: str) -> None:
    program = LOOP.replace("for i in range(50):", head)
    trace = kept(program, 100)
    assert [gap.turns for gap in trace.gaps] == [50]


EARLY = """\
import torch
def f(x):
    for i in range(200):
        x = x + 1
        if i > 300:
            return x
    return x
print(f(torch.ones(2)))
"""
FAILING = """\
import torch
x, y = torch.ones(3), torch.ones(2)
for i in range(90):
    z = x * i
    if i == 50: z @ y
"""


OPEN = [
    LOOP.replace("    loss.backward()", "    if loss < 1e-9: break\n    loss.backward()"),
    LOOP.replace(
        "for i in range(50):",
        "for i in range(50):\n    for j in []: pass\n    else:\n        if i > 60: break",
    ),
    LOOP.replace("for i in range(50):", "i = 0\nwhile i < 50:\n    i += 1"),
    EARLY,
]


@pytest.mark.parametrize("program", OPEN)
def test_of_a_loop_that_may_end_at_any_turn_more_is_recorded(program: str) -> None:
    whole, trace = kept(program, 10**9), kept(program, 40)
    (gap,) = trace.gaps
    assert 80 <= gap.position < 80 + 25
    exactly = kept(program, len(whole.nodes) // 2 + 1)
    assert not exactly.gaps


def test_a_loop_that_nobody_knows_the_end_of_may_end_in_a_gap() -> None:
    trace, ends = kept(OPEN[2], 40), kept(OPEN[0].replace("1e-9", "1e-3"), 40)
    assert trace.gaps[0].which == f"turns {trace.gaps[0].first} to 50 of 50"
    assert ends.gaps[0].last < ends.gaps[0].turns == 50
    assert ends["loss"].gap == ends.gaps[0]


def test_on_several_devices_all_is_recorded() -> None:
    program = "import torch\nx = torch.ones(2)\nfor i in range(90):\n    x = x + rank\n"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(capture_program, "Limits", partial(Limits, loop_nodes=40))
        trace = run(program, ranks=2)
    assert all(not own.gaps and len(own.nodes) > 90 for own in trace.ranks)


WHILE = LOOP.replace("for i in range(50):", "i = 0\nwhile i < 50:\n    i += 1").replace("print(loss)\n", "")


def test_what_the_last_turns_of_an_open_loop_gave_stands_at_its_lines() -> None:
    whole, trace = kept(WHILE, 10**9), kept(WHILE, 40)
    assert line_notes(trace) == {**line_notes(whole), 4: f"{trace.gaps[0].span} not kept"}
    loss = trace["loss"]
    assert trace.lines[6] is loss
    assert path_at(trace, 6) == ("loss",)
    assert (loss.line, loss.gap) == (6, trace.gaps[0])
    made = turns(loss, trace.nodes)
    numbers = [float(node.value) for node in turns(whole["loss"], whole.nodes)]
    assert numbers_by_turn(made, len(made)) == numbers


def test_a_line_shows_nothing_of_an_earlier_turn_than_the_last() -> None:
    trace = kept(WHILE.replace("    i += 1", "    i += 1\n    w * i"), 60)
    assert trace.gaps
    assert 6 not in trace.lines


def test_a_line_that_runs_again_after_a_gap_shows_what_it_gave_last() -> None:
    loop = "i = 0\nwhile i < 50:\n    i += 1\n    r = f(i)\n"
    trace = kept(f"import torch\ndef f(k):\n    return torch.ones(2) * k\n{loop}y = r + 1\nz = f(1)", 40)
    assert trace["r"].gap is trace.gaps[0]
    assert trace.lines[3] is trace["z"]


def test_a_gap_after_which_nothing_comes_is_said_in_plain_text_too() -> None:
    trace = kept("import torch\nx = torch.ones(2)\ni = 0\nwhile i < 99: i += 1; (x * i)", 40)
    (gap,) = trace.gaps
    assert gap.position == len(trace.nodes)
    assert program_plain(trace).endswith(f"line 4: {gap.says}\n")


def test_what_fails_in_a_gap_is_told_as_ever_and_ends_it() -> None:
    (_, said), (trace, says) = run_within(FAILING, 10**9), run_within(FAILING, 40)
    assert said == says
    assert trace is not None
    assert trace.gaps[0].last == 51
    assert alike(trace["z"].value, torch.full((3,), 50.0))


WRONG = """\
import torch
from torch import nn
X, layer = torch.ones(4, 3), nn.Linear(3, 2)
adam = torch.optim.Adam(layer.parameters())
for i in range(90):
    layer(X).sum().backward()
    adam.step()
    new = nn.Linear(3, 3)
    if i == 50: CALL
"""


@pytest.mark.parametrize("call", ["layer(X.t())", "nn.Linear(3, 2)(X[0, :2])"])
def test_an_error_in_a_gap_names_the_weights_too(call: str) -> None:
    program = WRONG.replace("CALL", call)
    (_, said), (trace, says) = run_within(program, 10**9), run_within(program, 60)
    (said, *_), (says, *_) = said.split("\n"), says.split("\n")
    assert "weight" in said
    # Where it was made is not kept in a gap.
    assert re.sub(r"X\.\w+\(\)|X\[0, :2\]", "operand 1", said) == says
    assert trace is not None
    assert trace.gaps


CROSSING = """\
import torch
W = torch.eye(2, requires_grad=True)
h = torch.ones(2)
for i in range(90):
    CUT
    h = torch.tanh(h @ W)
    loss = h.sum()
loss.backward()
"""


def test_there_is_no_way_back_through_a_gap() -> None:
    trace = kept(CROSSING.replace("CUT", "h = h * 1"), 60)
    with pytest.raises(LookupError, match="flows through turns 5 to 87 of 90, which are not kept"):
        trace.backward("loss")
    assert "outside" not in {node.evidence for node in trace.nodes}
    whole, cut = (kept(CROSSING.replace("CUT", "h = h.detach()"), most) for most in (10**9, 60))
    assert cut.gaps
    assert alike(cut.backward("loss")["dW"].value, whole.backward("loss")["dW"].value)


SIMULATED = """\
import torch
x, k = torch.ones(1), torch.ones(1)
h = x * 0
for i in range(90):
    h = h * 0.9 + x
    y = x * k
z = h.sum()
y = (x * k).sum()
"""


def test_there_is_none_where_nothing_asks_for_gradients_either() -> None:
    t = kept(SIMULATED, 60)
    for ask in (lambda: t.backward("z"), lambda: t.influence("z", ())):
        with pytest.raises(LookupError, match="turns 6 to 85 of 90, which are not kept"):
            ask()
    assert t["z"] not in t.effect("x", (0,))
    assert t.backward("y")["dx"].value == t["k"].value  # what came before and is as it was is known


DEEP = """\
import torch
W, h = torch.eye(2, requires_grad=True), torch.ones(2)
for i in range(TURNS):
    h = torch.tanh(h @ W) * 1.0
    loss = h.sum()
loss.backward()
print(W.grad.sum() > 0)
"""


def test_a_graph_of_many_steps_in_a_row_is_let_go_of_without_a_fault() -> None:
    trace = run(DEEP.replace("TURNS", "9000"))
    assert trace.gaps
    assert trace.printed == "tensor(True)\n"


ADDED = """\
import torch
w = torch.ones(3, requires_grad=True)
{before}
for i in range(50):
    (w * 2).sum().backward()
    x = i * torch.ones(3)
    {within}
y = g * 2
(w * 3).sum().backward()
z = g * 1
"""


@pytest.mark.parametrize(
    ("before", "within"),
    [
        ("", "if i == 25: g = w.grad"),
        ("", "if i == 25: g = w.grad[:2]"),
        ("", "if i == 25: g = torch.zeros(3); w.grad = g"),
        ("g = torch.zeros(3); w.grad = g; g * 1", ""),
        ("(w * 2).sum().backward(); g = w.grad", ""),
        ("(w * 2).sum().backward(); g = w.grad[:2]", ""),
        (
            "(w * 2).sum().backward(); g = w.grad; v = torch.ones(1, requires_grad=True)",
            "if i < 9: (v * 2).backward()",  # which keeps what nodes show of other gradients too
        ),
    ],
)
def test_a_gradient_that_a_node_shows_stays_as_it_was_when_a_pass_adds_to_it(
    before: str, within: str
) -> None:
    trace = kept(ADDED.format(before=before, within=within), 60)
    for node in trace.nodes:
        if node.op == "mul" and len(node.operands) == 1:
            factor = {"y": 2, "z": 1}.get(node.bound_name or "")
            assert factor is None or alike(node.operands[0].node.value * factor, node.value)
    assert alike(trace["g"].value, trace["z"].value)
    assert trace["z"].value[0] == trace["y"].value[0] / 2 + 3
    assert [trace[name].op for name in "yz"] == ["mul", "mul"], "no write went unseen"


LATER = """\
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(1, 1)
        nn.init.ones_(self.layer.weight)
    def forward(self, x):
        return self.layer(x)
net, x = Net(), torch.ones(1, 1)
for i in range(50):
    net(x).sum().backward()
    with torch.no_grad():
        for p in net.parameters(): p -= 1
for q in net.parameters(): q.data *= 2
other = Net()
other(x)
"""


def test_only_what_was_there_in_a_gap_is_said_to_come_from_it() -> None:
    trace = kept(LATER, 60)
    (gap,) = trace.gaps
    after = [node for node in trace.nodes[gap.position :] if node.is_input]
    assert [node.gap for node in after] == [gap, gap, None, None]


MAKING = """\
import copy, torch
from torch import nn
x, kept = torch.ones(2, 2), {}
layer = nn.Linear(2, 2)
for i in range(50):
    kept[i] = nn.Linear(2, 2), copy.deepcopy(layer)
    x = kept[i][0](x) + kept[i][1](x)
    if i == 20: layer.double(); layer.float()
    if i == 22: early = nn.Linear(2, 2)
    if i == 23: adam = torch.optim.Adam(early.parameters())
    if i >= 23: early(x.detach()).sum().backward(); adam.step()
y = kept[25][0](x) + kept[25][1](x) + layer(x) + early(x)
"""


def test_what_layers_and_optimizers_make_in_a_gap_has_no_nodes_before_it_is_used() -> None:
    assert check(MAKING, 60) == 1
    trace = kept(MAKING, 60)
    (gap,) = trace.gaps
    inputs = [node for node in trace.nodes if node.is_input]
    used = {operand.node for node in trace.nodes for operand in node.operands}
    assert all(node in used for node in inputs if node.index >= gap.position)


def test_in_plain_text_and_json_a_gap_stands_where_it_is() -> None:
    trace = kept(LOOP, 100)
    (gap,) = trace.gaps
    blocks = program_plain(trace).split("\n\n")
    assert (
        blocks[gap.position]
        == f"line 3: turns {gap.first} to {gap.last} of 50 were computed, and their steps are not kept"
    )
    assert json.loads(list(program_json(trace))[-1])["gaps"] == [gap.record()]


LONGEST = "attention", "line with optim"


FEW = 1_000  # nodes that are made outside of the loop


@pytest.mark.parametrize("name", thin(LONGEST, 2))
@pytest.mark.slow
def test_a_loop_of_many_turns_is_within_the_bounds_and_prints_what_plain_python_prints(name: str) -> None:
    program = LOOPS[name].program.replace("TURNS", str(LOOPS[name].turns))
    trace = run_in_room(program, seconds=None)
    assert trace.printed == printed(program)
    assert len(trace.nodes) <= Limits().loop_nodes + FEW


def test_a_call_in_a_gap_is_seen_by_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    see = Recorder.__torch_function__

    def counted(recorder: Recorder, func: Any, *rest: Any) -> Any:
        seen.append(func.__name__)
        return see(recorder, func, *rest)

    monkeypatch.setattr(Recorder, "__torch_function__", counted)
    trace = kept("x = torch.ones(2)\nfor i in range(5_000): x = (x * 1.001).clamp(max=2.0)", 40)
    (gap,) = trace.gaps
    assert len(seen) <= 2 * (5_000 - (gap.last - gap.first + 1)) + 1
    assert gap.last - gap.first > 4_900


@pytest.mark.parametrize(
    "write",
    [
        *("x.data += 1", "x.data = x.data + 1", "x.numpy()[0] = i", "x.detach()[1] = i", "v[0] = i"),
        *("torch._foreach_add_([x], 1.0)", "torch.add(x, 1, out=x)", "x = x + 1", "x.add_(1)"),
    ],
)
def test_what_is_written_in_a_gap_by_whatever_way_comes_in_with_its_cells(write: str) -> None:
    """A node from before the gap goes on showing what it did."""
    head = "x = torch.zeros(3)\nv, y = x[:2], x + 1\n"
    check(f"{head}for i in range(60):\n    {write}\n    z = y * 2\nw, u = x * 1, v * 1", 16)
    trace = kept(f"{head}for i in range(60):\n    {write}\n    z = y * 2\nw = x * 1", 16)
    assert trace.gaps
    assert trace.nodes[0].value.tolist() == [0, 0, 0]


@pytest.mark.parametrize("context", ["torch.device('cpu')", "torch.no_grad()", "Noted()"])
def test_a_gap_may_lie_within_any_mode_of_torchs(context: str) -> None:
    head = (
        "from torch.overrides import TorchFunctionMode\n"
        "class Noted(TorchFunctionMode):\n"
        "    def __torch_function__(self, func, types, args=(), kwargs=None):\n"
        "        calls.append(func)\n"
        "        return func(*args, **(kwargs or {}))\n"
        "calls, x = [], torch.ones(2)\n"
    )
    loop = (
        f"with {context}:\n    for i in range(60): x = x * 1.01\n    y = x + 1\nz = x * 2\nprint(len(calls))"
    )
    assert check(head + loop, 16) == 1
    nodes = [node.op for node in kept(head + loop, 16).nodes]
    assert nodes[-2:] == ["add", "mul"]


def test_what_fails_among_the_turns_that_are_left_out_writes_once() -> None:
    source = """\
x, s = torch.zeros(2), torch.zeros(())
for k in range(12000):
    s = (s + k) * 0.5
    if k == 6000: y = x.add_(1) @ torch.ones(3)
z = x * 1"""
    made = capture_program.ProgramRun(source, cells=(1, 5))
    made.run()
    assert made.record().names["z"].value.tolist() == [1, 1]
