"""Drawn notebooks in which drawn statements are refused: what is shown below is Python's, or is marked.

A statement is refused by wrapping it in an `if` on a private name: plain Python runs that, and the language
never will take it.
"""

from __future__ import annotations

import ast
import contextlib
import io
import random
from pathlib import Path
from typing import Any

import pytest
import torch
from llm_linalg.language.notebook_source import NotebookSource
from llm_linalg.language.source import Source
from torch import nn
from torch.nn import functional

from llm_linalg import ProgramError, Trace, run
from llm_linalg.recording.cell_state import CellState
from llm_linalg.recording.plot import Plot, PlotSeries

NAMES = "abcd"
START = """\
from functools import partial
from torch.utils.data import TensorDataset
torch.manual_seed(0)
g = torch.Generator().manual_seed(1)
a = torch.arange(6.).reshape(2, 3)
b = torch.ones(2, 3)
c = [1, 2]
d = {"k": b}
m = nn.Linear(3, 3)
def add(x, y):
    return x + y
def write(x):
    x[0] = 7
def uses_a():
    return a.sum()
def grow(xs):
    for x in [1]:
        xs.append(x)
e = lambda t: t * 2
class Net(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.layer = nn.Linear(3, n)
        self.seen = []
    def forward(self, x):
        return self.layer(x).relu()
    def note(self, x):
        self.seen.append(len(x))
class Counter:
    total = 0
    def __init__(self, of):
        self.of = of
    def up(self):
        self.of[0] += 1
        self.bump()
    def bump(self):
        Counter.total += 1
net = Net(3)
opt = torch.optim.SGD(net.parameters(), lr=0.1)
count = Counter(a)
def train():
    pass
loss = net(b).sum()
class Stack(Net):
    def __init__(self, n):
        super().__init__(n)
        self.nets = nn.ModuleList(Net(n) for _ in range(2))
    def forward(self, x):
        return self.nets[0](x) + super().forward(x)
    def renew(self):
        self.nets[1] = Net(3)
stack = Stack(3)
drop = nn.Dropout(0.5)
def drop_twice(x):
    return drop(drop(x))
p = torch.ones(3, requires_grad=True)
def head(xs, n):
    out = torch.zeros_like(xs)
    out[:1] = xs[:1] * n
    return out
def touch(xs):
    ys = [x for x in xs]
    ys[0][0] = 7
def firsts(xs):
    out = []
    for x in xs:
        out.append(x)
    return out
def fit(x):
    y = (net(x) * p).sum()
    y.backward()
class Part:
    items = []
    def __init__(self, x):
        self.x = x
    def add(self, x):
        self.x = x
        self.items.append(len(x))
    def forward(self, x):
        self.x = x
    def fill(self):
        self.x[0] = 7
part = Part(b)
def keep(part, x):
    part.kept = x
log = []
def hand():
    return log
def turns(to, x):
    for k in range(9):
        to.append(k)
        yield x
gen = turns(log, b)
put = partial(log.append, 5)
def pair():
    n = [0]
    def up():
        n[0] += 1
    return up, lambda: n
up, seen = pair()
def note(x, to=log):
    to.append(x)
class Tally:
    made = []
    def __init__(self, f):
        self.f = f
    def __enter__(self):
        log.append(0)
    def __exit__(self, *args):
        pass
    @classmethod
    def mark(cls):
        cls.made.append(1)
    @property
    def last(self):
        self.made.append(2)
        return self.f
tally = Tally(put)
data = TensorDataset(b)
it = iter(c)
"""
STATEMENTS = (
    "{x} = torch.full((2, 3), {n}.)",
    "{x} = {y}",
    "{x} = {y} if isinstance({y}, torch.Tensor) else torch.zeros(2, 3)",
    "a = a + {n}",
    "a += {n}",
    "a[0] = {n}",
    "b.add_({n})",
    "b = a.view(3, 2).T.contiguous() if {n} % 2 else a[:]",
    "a = b.view(2, 3)",
    "c.append({n})",
    "c = c + [{n}]",
    "c = [a, b]",
    "d['k'] = {y}",
    "d = dict(k=a, j=c)",
    "d['k'] = d['k'] * 2 if isinstance(d['k'], torch.Tensor) else d['k']",
    "write(a)",
    "write(b)",
    "grow(c)",
    "a = add(a, b)",
    "b = uses_a() * torch.ones(2, 3)",
    "a = torch.rand(2, 3)",
    "b = torch.randn(2, 3) + b",
    "torch.manual_seed({n})",
    "a = torch.rand(2, 3, generator=g)",
    "b = b + torch.multinomial(torch.ones(3), 2, generator=g).sum().item()",
    "g = None if {n} % 2 else torch.Generator().manual_seed({n})",
    "g = torch.Generator().manual_seed({n})",
    "m = nn.Linear(3, 3)",
    "a = m(b).detach()",
    "m(b).sum().backward()",
    "m.weight.data[0] = {n}",
    "m.eval()",
    "for i in range({n} % 4):\n    a = a * 2\n    c.append(i)",
    "if {n} % 2:\n    b = b + 1",
    "e = lambda t: t + a",
    "b = e(b)",
    "def uses_a():\n    return b.sum()",
    "for t in (a, b):\n    t[1] = {n}",
    "a, b = b, a",
    "w = m.weight\nw.data.mul_(2)",
    "net = Net(3)",
    "net.note(a)",
    "a = net(b).detach()",
    "net(b).sum().backward()",
    "opt.step()",
    "opt.zero_grad()",
    "opt = torch.optim.SGD(net.parameters(), lr=0.1)",
    "count.up()",
    "count = Counter(b)",
    "def train():\n    opt.zero_grad()\n    net(torch.ones(2, 3)).sum().backward()\n    opt.step()",
    "def train():\n    a[1] = 3",
    "train()",
    "loss = (net(b) * p).sum()",
    "loss.backward()",
    "loss = loss + net(a).sum()",
    "fit(a)",
    "a = head(a, {n})",
    "b = head(b, {n}) + b",
    "touch([a, b])",
    "c = firsts([a, b])",
    "Part(a).add(b)",
    "part = Part(a)",
    "part.add([{n}])",
    "part.forward({y})",
    "part.fill()",
    "keep(part, {y})",
    "part.x = {y}",
    "Part.items = [{n}]",
    "net.kept = {y}",
    "c.append({y})",
    "a = a.float()",
    "p = torch.ones(3, requires_grad=True)",
    "stack = Stack(3)",
    "{x} = stack({y}).detach()",
    "stack.renew()",
    "stack = Stack(3) if {n} % 2 else stack",
    "drop = nn.Dropout(0.5) if {n} % 2 else abs",
    "drop = abs",
    "{x} = drop({y})",
    "k = drop\n{x} = k({y})",
    "for k in (abs, drop):\n    {x} = k({y})",
    "{x} = drop_twice({y})",
    "{x} = [drop, abs][{n} % 2]({y})",
    "h = p.register_hook(lambda g: g * torch.rand(3))",
    "{x} = torch.softmax({y}, 0)",
    "xs = [t for t in (a, b)]\nxs[0][0] = {n}",
    "hand().append({n})",
    "k = hand()\nk.append({n})",
    "k = hand()",
    "k = [{n}]",
    "k.append({n})",
    "next(gen)",
    "t = next(gen)\nt[0] = {n}",
    "gen = turns(c, {y})",
    "gen = zip(gen, gen)",
    "put()",
    "put = partial(c.append, {n})",
    "up()",
    "up, seen = pair()",
    "fs = [up, put]\nfs[{n} % 2]()",
    "note({n})",
    "h = p.register_hook(lambda g: log.append({n}))",
    "with tally: pass",
    "with Tally(put): b = b + 1",
    "tally.f()",
    "tally = Tally(up)",
    "Tally.mark()",
    "{x} = tally.last",
    "data = TensorDataset({y})",
    "for (t,) in data: t += {n}",
    "it = iter(c)",
    "next(it)",
    "it = enumerate(it)",
    "sorted([{n}, 1], key=lambda k: log.append(k) or k)",
    "list.append(log, {n})",
)
FAILING = (
    "torch.ones(3) @ torch.ones(77)",
    "[][99]",
    "1 / 0",
    "undefined_{n}",
    "{x} = torch.randn(2, 3).cuda() + torch.rand(3)",
    "{y} = {x} + torch.rand(3) @ torch.ones(77)",
)
SHOWN = (
    "print(a)",
    "print(b)",
    "print(c if not any(isinstance(t, torch.Tensor) for t in c) else len(c))",
    "print(sorted(d))",
    "print(m.weight.data, m.training)",
    "print(uses_a())",
    "print(m.weight.grad)",
    "print(torch.rand(2))",
    "print(torch.rand(2, generator=g))",
    "print(d['k'])",
    "print(net.layer.weight.data, net.seen)",
    "print(net(torch.ones(2, 3)).sum())",
    "print(count.of, Counter.total)",
    "print(p.grad, net.layer.weight.grad)",
    "print(loss)",
    "print(part.x, Part.items)",
    "print(part.items)",
    "print(count.total)",
    "print(hasattr(part, 'kept'), hasattr(net, 'kept'), len(c))",
    "print(log)",
    "print(seen())",
    "print(Tally.made)",
    "print(len(tally.made))",
    "print(data[0])",
    "print(next(gen))",
    "print(len(list(it)))",
    "print(k)",
)


def drawn(draw: random.Random) -> list[str]:
    """A notebook, of whose statements some are refused and some fail."""
    cells = [START]
    for _ in range(draw.randint(4, 9)):
        lines = []
        for _ in range(draw.randint(1, 3)):
            fails = draw.random() < 0.06
            form = draw.choice(FAILING if fails else STATEMENTS)
            text = form.format(x=draw.choice("ab"), y=draw.choice("ab"), n=draw.randint(1, 9))
            if not fails and draw.random() < 0.12:  # what is refused is taken to run in Python
                inner = "\n".join(f"    {line}" for line in text.split("\n"))
                text = f"if __builtins__:\n{inner}"
            lines.append(text)
        lines += draw.sample(SHOWN, draw.randint(1, 2))
        cells.append("\n".join(lines))
    return cells


def printed_by_python(cells: list[str]) -> list[tuple[str, bool]]:
    """What plain Python prints in each cell, of one that fails up to there, and whether it fails."""
    names: dict[str, Any] = {"torch": torch, "nn": nn, "F": functional}
    found = []
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for cell in cells:
            out = io.StringIO()
            fails = True
            with contextlib.redirect_stdout(out), contextlib.suppress(Exception):
                exec(compile(cell, "cell", "exec"), names)  # noqa: S102 - our own text
                fails = False
            found.append((out.getvalue(), fails))
    return found


def traced(cells: list[str]) -> Trace:
    starts, line = [], 1
    for cell in cells:
        starts.append(line)
        line += cell.count("\n") + 1
    return run("\n".join(cells) + "\n", cells=(*starts, line), seconds=None)


def unmarked(cells: list[str]) -> int:
    """Checks a notebook; returns how many of its cells below the first were run without a mark."""
    said = printed_by_python(cells)
    states = traced(cells).cells[:-1]
    assert len(states) == len(cells)
    plain = -1
    for state, (printed, fails) in zip(states, said, strict=True):
        if fails and state.state in ("refused", "rests"):
            break  # what was not run would have failed: nobody can tell
        if state.state == "run" and state.root is None:
            text = "\n# ---\n".join(cells[: state.number])
            assert state.printed == printed, f"{text}\n{states}"
            plain += 1
    return plain


def test_what_is_shown_without_a_mark_is_what_python_shows() -> None:
    draw = random.Random(29)  # noqa: S311
    notebooks = [drawn(draw) for _ in range(50)]
    shown, cells = sum(map(unmarked, notebooks)), sum(len(one) - 1 for one in notebooks)
    assert shown > cells / 3  # a mark on everything would say nothing


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(30, 35))
def test_what_is_shown_without_a_mark_is_what_python_shows_for_many(seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311
    assert sum(unmarked(drawn(draw)) for _ in range(300))


def states(*cells: str, last: bool = False) -> tuple[CellState, ...]:
    if not last:
        return traced([*cells]).cells[:-1]
    with pytest.raises(ProgramError) as caught:
        run(
            "\n".join(cells), cells=[1 + sum(c.count("\n") + 1 for c in cells[:k]) for k in range(len(cells))]
        )
    found: tuple[CellState, ...] = caught.value.trace.cells
    return found


INIT = "    def __init__(self):\n        super().__init__()\n"
FORWARD = "    def forward(self, x):\n        return self.l(x)"
REFUSED = "if __builtins__:\n    "
ROOT = "refused: names with two underscores are Python's own, not the language's"
MADE = (
    ("an older value is none", ["x = 1", f"{REFUSED}x = 2", "print(x)"], f"x is made by cell 2, {ROOT}"),
    (
        "what rests on it rests on its root",
        [f"{REFUSED}x = 2", "y = x + 1", "y"],
        f"y is made by cell 2, which rests on cell 1, {ROOT}",
    ),
    (
        "a method that changes",
        ["x = torch.ones(2)", f"{REFUSED}x.add_(1)", "x"],
        f"x is changed by cell 2, {ROOT}",
    ),
    (
        "an alias",
        ["x = torch.ones(2)\ny = x.view(2, 1)", f"{REFUSED}x[0] = 1", "y"],
        f"y is changed by cell 2, {ROOT}",
    ),
    (
        "what out= names",
        ["x = torch.ones(2)\ny = torch.ones(2)", f"{REFUSED}z = torch.exp(x, out=y)", "y"],
        f"y is changed by cell 2, {ROOT}",
    ),
    (
        "what is changed where it is",
        ["x = torch.ones(2)", f"{REFUSED}y = F.relu(x, inplace=True)", "x"],
        f"x is changed by cell 2, {ROOT}",
    ),
    (
        "a list that holds it",
        ["x = torch.ones(2)\nxs = [x]", f"{REFUSED}x[0] = 1", "xs[0]"],
        f"xs is changed by cell 2, {ROOT}",
    ),
    (
        "a missing value that may be the older one",
        ["x = torch.ones(2)\nxs = [x]", f"{REFUSED}x = x", "x[0] = 1", "xs[0]"],
        f"xs is changed by cell 3, which rests on cell 2, {ROOT}",
    ),
    (
        "a missing value that was made of a name bound anew",
        ["x = torch.ones(2)\nxs = [x]", f"{REFUSED}y = x", "x = 3", "y[0] = 1", "xs[0]"],
        f"xs is changed by cell 4, which rests on cell 2, {ROOT}",
    ),
    (
        "a loop that may have bound nothing",
        ["x = torch.ones(2)\nxs = [x]", f"{REFUSED}for i in []: x = i", "x[0] = 1", "xs[0]"],
        f"xs is changed by cell 3, which rests on cell 2, {ROOT}",
    ),
    (
        "a function that reads it",
        [f"{REFUSED}w = 1", "def f(x):\n    return x * w", "f(2)"],
        f"w is made by cell 1, {ROOT}",
    ),
    (
        "a function that writes to its argument",
        ["def f(x):\n    x[0] = 3\nx = torch.ones(2)", f"{REFUSED}f(x)", "x"],
        f"x is changed by cell 2, {ROOT}",
    ),
    (
        "a loop that was not run",
        [f"{REFUSED}words = 1", "N = torch.zeros(2)\nfor w in words:\n    N[0] += 1", "N"],
        f"N is changed by cell 2, which rests on cell 1, {ROOT}",
    ),
    (
        "a training that was stopped",
        ["a = torch.ones(1)", "for i in range(10**7):\n    a -= 0.1", "print(a)"],
        "a is made by cell 2, stopped: ",
    ),
    (
        "a name that `import *` may have brought",
        ["from nowhere.all import *\ny = 1", "x = thing(y)", "x"],
        "x is made by cell 2, refused: thing may be from nowhere.all, which can't be imported",
    ),
    (
        "a name that `import *` would have bound anew",
        ["relu = abs", f"{REFUSED}from torch.nn.functional import *", "relu(torch.ones(2))"],
        f"relu is made by cell 2, {ROOT}",
    ),
    (
        "a name that a refused `import *` would have brought",
        ["from numpy import *", "zeros(2)"],
        "zeros is made by cell 1, refused: numpy.* can't be imported",
    ),
    (
        "a gradient",
        ["w = torch.ones(2, requires_grad=True)\ny = (w * 2).sum()", f"{REFUSED}y.backward()", "w.grad"],
        f"w is changed by cell 2, {ROOT}",
    ),
    (
        "a gradient of what a function reads",
        [
            "w = torch.ones(2, requires_grad=True)\ndef f():\n    y = (w * 2).sum()\n    y.backward()",
            f"{REFUSED}f()",
            "w.grad",
        ],
        f"w is changed by cell 2, {ROOT}",
    ),
    (
        "an item of a list that a function makes of another",
        [
            "def f(xs):\n    ys = [x for x in xs]\n    ys[0][0] = 7\nxs = [torch.ones(2)]",
            f"{REFUSED}f(xs)",
            "xs",
        ],
        f"xs is changed by cell 2, {ROOT}",
    ),
    (
        "a class of which an object is read",
        ["class A:\n    n = 1\na = A()", f"{REFUSED}A.n = 2", "a.n"],
        f"a is changed by cell 2, {ROOT}",
    ),
    (
        "a tensor that an object holds and a method writes to",
        [
            "class A:\n    def fill(self):\n        self.x[0] = 3\na = A()\ny = torch.ones(2)\na.x = y",
            f"{REFUSED}a.fill()",
            "y",
        ],
        f"y is changed by cell 2, {ROOT}",
    ),
    (
        "a list that all objects of a class share",
        ["class A:\n    xs = []\ndef f(a):\n    a.xs.append(1)", f"{REFUSED}f(A())", "A.xs"],
        f"A is changed by cell 2, {ROOT}",
    ),
    (
        "the place of an iterator that a function goes on with",
        ["def take(it): return next(it)\nit = iter([1, 2])\nz = zip(it)", f"{REFUSED}take(z)", "next(it)"],
        f"it is changed by cell 2, {ROOT}",
    ),
    (
        "a cell that can't be read",
        ["x = torch.ones(2)", "x = x * 2\nprint 'old'", "x"],
        "x is made by cell 2, refused: this is not Python",
    ),
    (
        "an import that is missing, where it is used",
        ["import nowhere as no\nx = torch.ones(2)\ny = no.f(x)", "x.sum()", "y"],
        "y is made by cell 1, refused: nowhere can't be imported",
    ),
)


@pytest.mark.parametrize(("cells", "said"), [case[1:] for case in MADE], ids=[case[0] for case in MADE])
def test_what_rests_on_a_cell_names_it(cells: list[str], said: str) -> None:
    found = states(*cells)
    assert found[-1].state == "rests"
    assert found[-1].reason.startswith(said)
    assert found[-1].printed == ""
    assert states(*cells, last=True)[-1] == found[-1]


MARKED = (
    (
        "a graph that is used up",
        [
            "w = torch.ones(2, requires_grad=True)\ny = (w * w).sum()",
            f"{REFUSED}y.backward()",
            "y.backward()",
        ],
        f"y may be changed by cell 2, {ROOT}",
    ),
    (
        "a failure of the program's own",
        ["x = torch.ones(2, 3)", "x = x @ x", "x"],
        "x is made by cell 2, which failed: matmul",
    ),
    (
        "an unknown call",
        ["import nowhere\nx = torch.ones(2)", "nowhere.train(x)", "x"],
        "x may be changed by cell 2, refused: nowhere can't be imported",
    ),
    (
        "a call of what `import *` may have brought",
        ["from nowhere import *\nx = torch.ones(2)", "train(x)", "x"],
        "x may be changed by cell 2, refused: train may be from nowhere, which can't be imported",
    ),
    (
        "random numbers",
        ["torch.manual_seed(1)", f"{REFUSED}x = torch.rand(2)", "torch.rand(2)"],
        f"random numbers may be drawn by cell 2, {ROOT}",
    ),
    (
        "random numbers by a generator that may be none",
        ["torch.manual_seed(1)\ng = None", f"{REFUSED}x = torch.rand(2, generator=g)", "torch.rand(2)"],
        f"random numbers may be drawn by cell 2, {ROOT}",
    ),
    (
        "random numbers of a generator's own",
        ["g = torch.Generator()", f"{REFUSED}x = torch.rand(2, generator=g)", "torch.rand(2, generator=g)"],
        f"g may be changed by cell 2, {ROOT}",
    ),
    (
        "what a backward pass has kept",
        [
            "x = torch.ones(2)\nw = torch.ones(2, requires_grad=True)\nloss = (x.view(2) * w).sum()",
            f"{REFUSED}x.add_(1)",
            "loss.backward()",
        ],
        f"x is changed by cell 2, {ROOT}",
    ),
    (
        "a layer that draws, given to a function",
        ["torch.manual_seed(1)\nd = nn.Dropout()", f"{REFUSED}[*map(d, [torch.ones(2)])]", "torch.rand(2)"],
        f"random numbers may be drawn by cell 2, {ROOT}",
    ),
    (
        "a hook that draws in a backward pass",
        [
            "torch.manual_seed(1)\np = torch.ones(3, requires_grad=True)\nh = p.register_hook(F.dropout)",
            f"{REFUSED}p.sum().backward()",
            "torch.rand(2)",
        ],
        f"random numbers may be drawn by cell 2, {ROOT}",
    ),
    (
        "an object whose layers are made with it",
        [
            f"torch.manual_seed(1)\nclass A(nn.Module):\n{INIT}        self.l = nn.Linear(2, 2)",
            f"{REFUSED}a = A()",
            "torch.rand(2)",
        ],
        f"random numbers may be drawn by cell 2, {ROOT}",
    ),
    (
        "a sample of a distribution",
        [
            "from torch.distributions import Normal\ntorch.manual_seed(1)\nd = Normal(0., 1.)",
            f"{REFUSED}d.sample()",
            "torch.rand(2)",
        ],
        f"random numbers may be drawn by cell 2, {ROOT}",
    ),
    (
        "a file that is run among the names",
        ["x = 1", "%run -i a.py --n 2", "x"],
        "x may be made by cell 2, refused: %run -i a.py --n 2 runs a file",
    ),
    (
        "a class that is made with it",
        ["import nowhere\nx = torch.ones(2)", "nowhere.train(x)", "class A: y = x * 2", "A.y"],
        "x may be changed by cell 2, refused: nowhere can't be imported",
    ),
    (
        "a decorator out of it",
        [
            "import nowhere\ndef f(x): return x\nxs = [f]",
            "nowhere.train(xs)",
            "@xs[0]\ndef g(): pass",
            "g",
        ],
        "xs may be changed by cell 2, refused: nowhere can't be imported",
    ),
    (
        "what is timed",
        ["x = torch.ones(2)", "%timeit x.add_(1)", "x"],
        "x is timed by cell 2, which Python runs",
    ),
    (
        "what is made of it",
        ["x = torch.ones(2, 3)", "x = x @ x", "y = x * 2", "y"],
        "x is made by cell 2, which failed: matmul",
    ),
)


HOLDING = """\
class A(nn.Module):
    def __init__(self, f):
        super().__init__()
        self.f, self.l = f, nn.Linear(2, 2)
    def forward(self, x): return self.l(x)
    def other(self, x): return self.f(x)"""


@pytest.mark.parametrize(
    ("layer", "may_draw"),
    [
        ("nn.Linear(2, 2)", False),
        ("nn.LSTM(2, 2, num_layers=2)", False),
        ("A(1)", False),
        ("nn.Sequential(nn.Linear(2, 2), nn.Dropout())", True),
        ("nn.LSTM(2, 2, num_layers=2, dropout=0.5)", True),
        ("nn.TransformerEncoderLayer(2, 1, 2)", True),
        ("nn.LazyLinear(2)", True),
        ("A(F.dropout)", True),
        ("A([torch.rand_like])", True),
    ],
)
def test_a_layer_draws_if_it_holds_what_drops_or_has_no_weights_yet(layer: str, may_draw: bool) -> None:
    made = f"torch.manual_seed(0)\n{HOLDING}\nm = {layer}"
    for start in (made, f"{made}\nfor _ in [1]:\n    m.train()\n    torch.rand(1)"):
        found = states(start, f"{REFUSED}m(torch.ones(1, 2))", "torch.rand(1)")[-1]
        assert found.root == (2 if may_draw else None)


LAYER = """\
m = nn.Linear(2, 1)
opt = torch.optim.SGD(m.parameters(), lr=0.1)
b = nn.BatchNorm1d(2)"""
RESTING = (
    ("w = torch.ones(2, requires_grad=True)", "y = (w * x).sum()\ny.backward()", "w.grad"),
    ("y = torch.ones(2)\nz = y.view(1, 2)", "y += x", "z"),
    ("xs = []\nd = {'a': xs}", "xs.append(x)", "d"),
    (LAYER, "loss = m(x).sum()\nloss.backward()\nopt.step()", "m.weight"),
    (LAYER, "b(x.expand(3, 2))", "b.running_mean"),
    ("xs = [torch.ones(2)]\ny = xs[0]", "for t in xs: t += x", "y"),
    ("y = torch.zeros(2)\nkw = {'out': y}", "torch.add(x, 1, **kw)", "y"),
    ("made = []\ndef note(f):\n    made.append(x)\n    return f", "@note\ndef f(): pass", "made"),
)


@pytest.mark.parametrize(("start", "line", "shown"), RESTING)
def test_what_is_written_with_a_marked_value_is_marked(start: str, line: str, shown: str) -> None:
    found = states(f"import nowhere\nx = torch.ones(2)\n{start}", "nowhere.train(x)", line, shown)
    assert [(cell.state, cell.root) for cell in found[2:]] == [("run", 2)] * 2


@pytest.mark.parametrize(
    ("start", "line", "shown"),
    [
        (LAYER, "y = m(x)", "m.weight"),
        ("ys = []\nxs = []", "xs.append(x)", "ys"),
        ("w, v = torch.ones(2, 2, requires_grad=True)", "y = (w * x).sum()", "w.grad"),
        ("y = torch.zeros(2)", "nn.init.zeros_(y)\nprint(x)", "nn.Linear(2, 2)"),
        ("class A: pass\na = A()", "nn.init.zeros_(x)", "a"),
        ("y = torch.zeros(2)", "torch.manual_seed(int(x[0]))", "torch.ones(2)"),
    ],
)
def test_what_is_not_written_has_no_mark(start: str, line: str, shown: str) -> None:
    found = states(f"import nowhere\nx = torch.ones(2)\n{start}", "nowhere.train(x)", line, shown)
    assert [(cell.state, cell.root) for cell in found[2:]] == [("run", 2), ("run", None)]


CALLED_X = """\
class A(nn.Module):
    def forward(self, x):
        def inner(k): return k * x
        return inner(2)
m = A()
def of(y): return x * y"""


@pytest.mark.parametrize(
    ("line", "is_marked"),
    [
        ("m(torch.ones(1))", False),
        ("[x for x in (1, 2)]", False),
        ("for x in (1, 2): print(x)", False),
        ("(lambda x: x)(1)", False),
        ("m(x)", True),
        ("of(1)", True),
        ("[x for x in x]", True),
        ("[x for y in (1, 2)]", True),
        ("[y for y in (1, 2) if x is None]", True),
        ("for x in x: print(1)", True),
        ("for x in []: print(1)\nelse: print(x)", True),
        ("(lambda y=x: y)()", True),
        ("(lambda y: x)(1)", True),
        ("def f(x=x): return 1\nf()", True),
    ],
)
def test_a_name_of_ones_own_is_not_the_marked_one(line: str, is_marked: bool) -> None:
    found = states(f"import nowhere\nx = torch.ones(2)\n{CALLED_X}", "nowhere.train(x)", line)[-1]
    assert (found.state, found.root) == ("run", 2 if is_marked else None)


@pytest.mark.parametrize(("cells", "said"), [case[1:] for case in MARKED], ids=[case[0] for case in MARKED])
def test_what_may_be_another_value_is_shown_with_a_mark(cells: list[str], said: str) -> None:
    found = states(*cells)[-1]
    assert (found.state, found.root) == ("run", 2)
    assert found.reason.startswith(said)


@pytest.mark.parametrize(
    ("imports", "draws"),
    [
        ("from torch import rand as r", "r(2)"),
        ("from torch import randn as r\nf = lambda: r(2)", "f()"),
        ("import torch.nn.functional as G", "G.dropout(torch.ones(2))"),
        ("from torch.nn.functional import dropout as d", "d(torch.ones(2))"),
        ("from torch.nn import Dropout as D\nd = D()", "d(torch.ones(2))"),
        ("from torch.nn import Linear as L", "L(2, 2)"),
        ("from random import random, seed\nseed(1)", "random()"),
        ("from random import *\nseed(1)", "random()"),
        ("from random import random as r, seed as s\nimport random\nrandom.seed(1)", "r()"),
        ("import numpy.random as r\nr.seed(1)", "r.rand(2)"),
        ("from numpy import random as r\nr.seed(1)", "r.randn(2)"),
        ("from numpy.random import rand, seed\nseed(1)", "rand(2)"),
        ("name = 'rand'", "getattr(torch, name)(2)"),
        ("def f(name):\n    return getattr(torch, name)(2)", "f('rand')"),
    ],
)
def test_what_an_import_has_renamed_draws_all_the_same(imports: str, draws: str) -> None:
    seeded = (
        imports if "seed(1)" in imports else f"torch.manual_seed(1)\n{imports}"
    )  # no generator but its own
    found = states(seeded, f"{REFUSED}x = {draws}", draws)[-1]
    assert (found.state, found.root) == ("run", 2)
    assert found.reason.startswith(f"random numbers may be drawn by cell 2, {ROOT}")


@pytest.mark.parametrize(
    "line",
    [
        "x = torch.rand(2).cuda()",
        "x = torch.rand(2).cuda(0) + 1",
        "x = torch.ones(2, 3) @ torch.rand(2)",
        "x = [1, -torch.rand(2)[5]]",
        "nn.Linear(2, 2).cuda().eval()",
        "x = torch.rand(2).cuda()\nprint(x)",
    ],
)
def test_what_was_drawn_before_a_failure_is_known(line: str) -> None:
    found = states("torch.manual_seed(1)", line, "print(torch.rand(2))")[-1]
    torch.manual_seed(1)
    with contextlib.suppress(Exception):
        exec(line, {"torch": torch, "nn": nn})  # noqa: S102  the oracle
    assert (found.state, found.root) == ("run", None)
    assert found.printed == f"{torch.rand(2)}\n"


@pytest.mark.parametrize(
    "line",
    [
        "x = torch.ones(2).cuda() + torch.rand(2)",
        "x = torch.add(torch.ones(2).cuda(), other=torch.rand(2))",
        "x = torch.rand(10**10)",
        "x = [torch.rand(2).cuda() for _ in range(2)]",
        "x = torch.rand(2).cuda().uniform_()",
        "def f(x):\n    return x.cuda() + torch.rand(2)\nx = f(torch.rand(2))",
        "for _ in range(2):\n    x = torch.rand(2).cuda()",
    ],
)
def test_what_may_be_drawn_after_a_failure_is_marked(line: str) -> None:
    found = states("torch.manual_seed(1)", line, "torch.rand(2)")[-1]
    assert (found.state, found.root) == ("run", 2)
    assert found.reason.startswith("random numbers may be drawn by cell 2")


COUNTING = "class C:\n    def __init__(self): self.n = [0]\n"
CLOSURE = "def make(n=0):\n    def up():\n        nonlocal n\n        n += 1\n        return n\n    return up"
COUNTED = """\
def make(n=0):
    class C:
        def __getitem__(self, i):
            nonlocal n
            n += 1
            return n
    return C()
c = make()"""
HELD = f"""\
class D(nn.Module):
{INIT}        self.bs = [nn.BatchNorm1d(2)]
    def forward(self, x): return self.bs[0](x)
d = nn.Sequential(D())
b = d[0].bs[0]"""
HIDDEN = (
    (f"{CLOSURE}\nup = make()", "up()", "up()"),
    ("r = nn.ReLU(inplace=True)\nx = -torch.ones(2)\ny = x.view(2)", "z = r(x)", "y"),
    ("b = nn.BatchNorm1d(2)\nx = torch.ones(3, 2)", "b(x)", "b.running_mean"),
    ("b = nn.Sequential(nn.BatchNorm1d(2))\nm = b[0].running_mean", "y = b(torch.ones(3, 2))", "m"),
    ("it = iter([1, 2, 3])\nz = zip(it, it)", "next(z)", "list(it)"),
    ("xs = []", "list(map(xs.append, [1]))", "xs"),
    ("xs = [3, 1]\nf = xs.sort", "f()", "xs"),
    ("xs = [3, 1]\nfs = {'s': xs.sort}", "fs['s']()", "xs"),
    ("x = torch.ones(2)\nf = x.zero_", "f()", "x"),
    ("x = torch.ones(2)", "getattr(x, 'mul_')(3)", "x"),
    ("from operator import setitem\nd = {}", "setitem(d, 1, 2)", "d"),
    ("from collections import defaultdict\nd = defaultdict(list)", "d['x']", "len(d)"),
    (f"{COUNTING}    def __getitem__(self, i): self.n[0] += 1\nc = C()", "c[0]", "c.n"),
    (f"{COUNTING}    def __add__(self, o): self.n = 1\nc = C()", "c + 1", "c.n"),
    (f"{COUNTING}    def __eq__(self, o): return self.n.append(1)\nc = C()", "c == 1", "c.n"),
    (f"{COUNTING}    def __enter__(self): self.n.append(1)\n    def __exit__(self, *a): pass\nc = C()",
     "with c: pass", "c.n"),
    (f"{COUNTING}    @property\n    def v(self): self.n.append(1)\nc = C()", "c.v", "c.n"),
    ("n = []\nclass C:\n    def __getitem__(self, i): n.append(i)\nc = C()", "c[0]", "n"),
    ("n = []\nclass C:\n    @property\n    def v(self): n.append(1)\nc = C()", "c.v", "n"),
    (COUNTED, "c[0]", "c[0]"),
    ("bs = [nn.BatchNorm1d(2)]", "bs[0](torch.ones(3, 2))", "bs[0].running_mean"),
    ("r = {'r': nn.ReLU(inplace=True)}\nx = -torch.ones(2)", "r['r'](x)", "x"),
    (f"{CLOSURE}\nups = [make()]", "ups[0]()", "ups[0]()"),
    (f"{COUNTED}\ncs = [[c]]", "cs[0][0][1]", "c[1]"),
    ("class D: pass\nd = D()\nd.b = nn.BatchNorm1d(2)\nb = d.b", "d.b(torch.ones(3, 2))", "b.running_mean"),
    ("r = nn.ReLU(inplace=True)\nxs = [-torch.ones(2)]", "r(xs[0])", "xs"),
    (HELD, "d(torch.ones(3, 2))", "b.running_mean"),
    (f"{COUNTING}    def __repr__(self): self.n = 1\nc = C()", "print(c)", "c.n"),
    ("def f(xs=[]):\n    xs.append(1)\n    return xs", "f()", "f()"),
    ("x = torch.ones(2)", "(lambda v: v.zero_())(x)", "x"),
    ("y = 1", "torch.set_default_dtype(torch.float64)", "torch.ones(1)"),
    ("y = 1", "torch.set_printoptions(precision=1)", "print(torch.tensor(1.2345))"),
    ("x = torch.ones(1, requires_grad=True)", "torch.set_grad_enabled(False)", "(x * 2).requires_grad"),
    ("def f(): torch.set_printoptions(precision=1)", "f()", "print(torch.tensor(1.2345))"),
    ("from torch import set_default_dtype", "set_default_dtype(torch.float64)", "torch.ones(1)"),
)  # fmt: skip


@pytest.mark.parametrize(("start", "line", "shown"), HIDDEN)
def test_what_changes_by_being_used_has_a_mark(start: str, line: str, shown: str) -> None:
    found = states(start, f"{REFUSED}{line}", shown)[-1]
    assert found.root == 2
    assert " by cell 2, " in found.reason


def hidden_changes() -> list[list[str]]:
    """The notebooks in the file: a first cell, one of refused statements, behind `>`, and what is shown.

    An empty `>` parts what is refused by itself.
    """
    cells = []
    for text in Path(__file__).with_name("hidden_changes.txt").read_text().split("\n\n"):
        lines = text.strip().split("\n")
        start = [line for line in lines if line[0] not in ">?"]
        refused = "\n".join(line[2:] for line in lines if line[0] == ">").split("\n\n")
        blocks = [part.replace("\n", "\n    ") for part in refused]
        cells.append(["\n".join(start), "\n".join(f"{REFUSED}{part}" for part in blocks), lines[-1][2:]])
    return cells


@pytest.mark.parametrize("cells", hidden_changes(), ids=lambda cells: cells[1])
def test_what_is_changed_where_no_word_says_so_has_a_mark(cells: list[str]) -> None:
    found = states(*cells)
    assert found[0].state == "run"
    assert found[-1].root == 2
    assert " by cell 2, " in found[-1].reason


HOOKED = """\
def keep(m, i, o):
    m.log.append(o)
net.lin.register_forward_hook(keep)"""
NET = """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.lin = nn.Linear(2, 2)
    def forward(self, x):
        return self.lin(x)
net, log = Net(), []
net.lin.log = log"""
KEEPING = """\
class Net(nn.Module):
    def __init__(self, to):
        super().__init__()
        self.lin, self.to_ = nn.Linear(2, 2), to
        self.lin.register_forward_hook(self.keep)
    def keep(self, m, i, o):
        self.to_.append(o)
    def forward(self, x):
        return self.lin(x)"""
AT_THE_END = "class D:\n    def __del__(self):\n        log.append(1)\nd = D()"
ASKED = "class D:\n    def __get__(self, o, t):\n        log.append(1)\nclass A:\n    x = D()\na = A()"


@pytest.mark.parametrize(
    "cells",
    [
        (NET, HOOKED, "y = net(torch.ones(2))", "print(len(log))"),
        ("lin, log = nn.Linear(2, 2), []\nlin.log = log", HOOKED.replace("net.lin", "lin"), "lin(x)", "log"),
        (f"{KEEPING}\nlog = []", f"{REFUSED}net = Net(log)", "net(torch.ones(2))", "log"),
        ("log = []", AT_THE_END, "del d", "log"),
        ("log = []", ASKED, "a.x", "log"),
        ("def f(): return 1\ndef g(): return 2", "f.__code__ = g.__code__", "f()"),
        ("def f(x=1): return x", "f.__defaults__ = (2,)", "f()"),
        ("log, text = [], 'log.append(1)'", "eval(text)", "log"),
        ("log = []", "eval('log.append(1)')", "log"),
    ],
)
def test_what_is_changed_in_ways_that_the_language_lacks_has_a_mark(cells: tuple[str, ...]) -> None:
    assert states(*cells)[-1].root == 2


@pytest.mark.parametrize("line", ["z = eval('3 + 4')", "z = eval('log[0]')", "z = D.__get__"])
def test_what_changes_nothing_leaves_no_mark(line: str) -> None:
    assert states("class D: pass\nlog = [1]", line, "log")[-1].root is None


PRECISE = "torch.set_printoptions(precision=1)"


def test_a_setting_that_is_made_again_is_known_again() -> None:
    assert states("y = 1", f"{REFUSED}{PRECISE}", PRECISE, "torch.tensor(1.2345)")[-1].root is None


@pytest.mark.parametrize(
    ("line", "between"),
    [
        (PRECISE, f"def f():\n    {PRECISE}"),
        (PRECISE, f"if torch.rand(1) > 2:\n    {PRECISE}"),
        (PRECISE, "torch.set_printoptions(linewidth=80)"),
        ("np.set_printoptions(precision=1)", PRECISE),
        ("torch.set_grad_enabled(False)", "with torch.set_grad_enabled(False):\n    y = 2"),
    ],
)
def test_what_may_not_make_a_setting_again_leaves_its_mark(line: str, between: str) -> None:
    start = "import numpy as np\nx = torch.ones(1, requires_grad=True)"
    assert states(start, f"{REFUSED}{line}", between, "print(x * 2)")[-1].root == 2


@pytest.mark.parametrize(
    "cell",
    [
        f"def f():\n    {PRECISE}\n    return __builtins__",
        f"{REFUSED}with torch.set_grad_enabled(False): y = 2",
    ],
)
def test_what_sets_nothing_for_the_lines_below_leaves_no_mark(cell: str) -> None:
    assert states("x = torch.ones(1)", cell, "print(x * 2)")[-1].root is None


FREE = (
    (
        "a function that reads what it is given",
        [
            "x = torch.ones(2)",
            "def f(a):\n    b = torch.zeros_like(a)\n    b[0] = 1\n    c = {}\n    c[1] = a\n    return b",
            f"{REFUSED}y = f(x)",
            "x",
        ],
    ),
    (
        "what a training reads",
        [
            "w = torch.ones(2, requires_grad=True)\nx = torch.ones(2)",
            "def f(w, x):\n    y = (w * x).sum()\n    y.backward()",
            f"{REFUSED}f(w, x)",
            "x",
        ],
    ),
    (
        "a class whose object is trained",
        [
            "class A(nn.Module):\n    def forward(self, x):\n        self.x = x\ndef f(a):\n    a.x = 1",
            f"{REFUSED}f(A())\n{REFUSED}A()(2)",
            "A()",
        ],
    ),
    (
        "what an object of a method holds",
        [
            "class A:\n    def keep(self, x):\n        self.x = x\na = A()\ny = torch.ones(2)\na.y = y",
            f"{REFUSED}a.keep(1)",
            "print(y)",
        ],
    ),
    (
        "another object of a class",
        [
            "class A:\n    def keep(self, x):\n        self.x = x\na = A()\nb = A()",
            f"{REFUSED}a.keep(1)",
            "print(hasattr(b, 'x'))",
        ],
    ),
    (
        "a method of another class",
        [
            "class A:\n    def go(self, x):\n        return x",
            "class B:\n    def go(self, x):\n        x[0] = 1\na = A()\nx = torch.ones(2)",
            f"{REFUSED}a.go(x)",
            "x",
        ],
    ),
    (
        "what was never Python",
        ["x = torch.ones(2)", "y = (x", "x"],
    ),
    (
        "a cell of which one line can't be read",
        ["x = torch.ones(2)", "print(x, end='')\nprint 'old'", "print(x)"],
    ),
    (
        "an array that is made a tensor of another type",
        ["import numpy as np\nx = np.ones(2)", f"{REFUSED}y = torch.from_numpy(x)", "z = y.float()", "x"],
    ),
    (
        "a function that is read beside what is refused",
        [f"def f(x):\n    return x\n{REFUSED}y = f(torch.ones(2))", "y[0] = 1", "f(1)"],
    ),
    (
        "other generators",
        ["import numpy as np\ntorch.manual_seed(1)", f"{REFUSED}x = np.random.randn(2)", "torch.rand(2)"],
    ),
    (
        "a generator of one's own",
        [
            "torch.manual_seed(1)\ng = torch.Generator()",
            f"{REFUSED}x = torch.rand(2, generator=g)\n    y = x.sum().item()",
            "torch.rand(2)",
        ],
    ),
    (
        "what a tensor can't hold",
        [
            "w = ['a', 'b']\nx = torch.zeros(2)",
            f"{REFUSED}for k in w:\n        x[len(k)] += 1",
            "y = x[0].float()\ny = y / y.sum()",
            "w[0]",
        ],
    ),
    (
        "a class above one that changes",
        ["class A:\n    n = 1\nclass B(A): pass", f"{REFUSED}B.n = 5", "A.n"],
    ),
    (
        "what a function copies before it writes",
        [
            "x = torch.ones(2)\ndef f(x):\n    x = x.clone()\n    x += 1\n    return x",
            f"{REFUSED}y = f(x)",
            "x",
        ],
    ),
    (
        "what another follows",
        [
            "m, k = nn.Linear(2, 2), nn.Linear(2, 2)",
            "def up():\n    for p, q in zip(m.parameters(), k.parameters()):\n        p.data.copy_(q)",
            f"{REFUSED}up()",
            "k.weight",
        ],
    ),
    (
        "what a function calls to make its own",
        [
            "m = nn.Linear(2, 2)\nx = torch.ones(2)\ndef f():\n    y = m(x)\n    y[0] = 1\n    return y",
            f"{REFUSED}y = f()",
            "m(x)",
        ],
    ),
    ("a look at the table of names", ["n = 1", "seen = 'm' in globals()", "n"]),
    ("bound below a file that is run", ["x = 1", "%run a.py", "x = 3\nprint(x, nn.Linear)"]),
    ("bound anew", ["x = 1", f"{REFUSED}x = 2", "x = 3\nprint(x)"]),
    (
        "a class that changes nothing",
        ["x = torch.ones(2)", f"{REFUSED}class A:\n        pass", "print(x)"],
    ),
    ("an unread read", ["x = torch.ones(2)", f"{REFUSED}y = x.sum()", "print(x)"]),
    ("a call that is known", ["x = torch.ones(2)", f"{REFUSED}y = torch.exp(x)", "print(x)"]),
    (
        "seeded again",
        [f"torch.manual_seed(1)\n{REFUSED}x = torch.rand(2)", "torch.manual_seed(1)", "torch.rand(2)"],
    ),
    ("seeds nobody", [f"{REFUSED}x = torch.rand(2)", "torch.rand(2)"]),
    (
        "what was drawn before",
        [
            "torch.manual_seed(1)\nx = torch.rand(2)\nxs = [x]",
            f"{REFUSED}y = torch.rand(2)",
            "print(x.sum(), torch.softmax(x, 0), torch.stack(xs))",
        ],
    ),
    (
        "what takes the place of what was drawn",
        ["torch.manual_seed(1)\nx = torch.rand(2)", f"{REFUSED}y = torch.rand(2)", "x = x * 2\nx += 1\nx"],
    ),
    (
        "a module by whose name something was drawn",
        [
            "import torch as t\nt.manual_seed(1)\ndef f(x):\n    return x * t.ones(2)",
            f"{REFUSED}e = t.rand(2).unknown()",
            "y = f(t.ones(2, requires_grad=True))\ny.sum().backward()",
        ],
    ),
    (
        "a call of an object whose parts are drawn when it is made",
        [
            f"torch.manual_seed(1)\nclass A(nn.Module):\n{INIT}        self.l = nn.Linear(2, 2)\n{FORWARD}",
            f"class B(A):\n{INIT}        self.l = nn.Sequential(A())\n{FORWARD}\nb = B()",
            f"{REFUSED}y = b(torch.ones(2))",
            "torch.rand(2)",
        ],
    ),
    (
        "a plot of what was drawn before",
        [
            "import matplotlib.pyplot as plt\ntorch.manual_seed(1)\nx = torch.rand(2)\nplt.plot(x)",
            f"{REFUSED}y = torch.rand(2)",
            "plt.plot(x)\nx",
        ],
    ),
    ("beside it in one cell", [f"{REFUSED}x = 1\ny = torch.ones(2)", "print(y)"]),
    ("a plot", ["import matplotlib.pyplot as plt\nx = torch.ones(2)\nplt.plot(x)", "x"]),
    (
        "a list of very many words",
        ["w = ['a', 'b'] * 9_000\nb = {}\nfor x in w:\n    b[x] = b.get(x, 0) + len(b) // 0", "w[0]"],
    ),
    (
        "a name that a function which draws has made before",
        [
            "def f():\n    return torch.rand(2)\ntorch.manual_seed(1)\nx = f()",
            "x = torch.ones(2).cuda()",
            "torch.rand(2)",
        ],
    ),
    (
        "what an iterator goes through",
        [
            "xs = [torch.ones(2)]\nit = iter(xs)\ng = (x.sum() for x in xs)",
            f"{REFUSED}next(it), list(g), next(iter(xs))",
            "xs",
        ],
    ),
    (
        "what a loader gives batches of",
        [
            "from torch.utils.data import DataLoader, TensorDataset\nm = nn.Linear(2, 2)",
            "x = torch.zeros(2, 2)\nd = DataLoader(TensorDataset(x))",
            f"{REFUSED}y = [m(t) for t, in d]",
            "print(x, next(iter(d)))",
        ],
    ),
    (
        "a default that nobody writes to",
        [
            "class A:\n    def __init__(self, n=[1]): self.n = n\n    @property\n    def m(self): return 1",
            "a = A([2])\nb = A()\ndef f(xs=[1]): return xs",
            f"{REFUSED}a.k = f()",
            "print(b.m, f())",
        ],
    ),
    ("another closure", [f"{CLOSURE}\nup = make()\nother = make()", f"{REFUSED}up()", "other()"]),
    (
        "a hook to which nothing goes back",
        [
            "log = []\nw = torch.ones(2, requires_grad=True)\nw.register_hook(log.append)",
            f"{REFUSED}w * 2",
            "log",
        ],
    ),
    (
        "a hook that was removed",
        [
            "log = []\nw = torch.ones(2, requires_grad=True)\nh = w.register_hook(log.append)",
            "h.remove()\nh.remove()",
            f"{REFUSED}w.sum().backward()",
            "log",
        ],
    ),
    (
        "a function that an object is not asked for",
        ["log = []\nclass A: n = 1\na = A()\na.f = lambda: log.append(1)", f"{REFUSED}b = a.n", "log"],
    ),
    (
        "what a function makes a new tensor of",
        [
            "x = torch.ones(4)\ndef batch(n):\n    y = torch.stack([x[k] for k in range(n)])\n    return y",
            f"{REFUSED}y = batch(2); y += 1",
            "x",
        ],
    ),
    (
        "a class whose object a function makes",
        [
            "class A:\n    pass\ndef make():\n    a = A()\n    return a\nb = A()",
            f"{REFUSED}a = make(); a.x = 1",
            "print(hasattr(b, 'x'))",
        ],
    ),
    (
        "a partial function that writes to nothing",
        [
            "from functools import partial\nx = torch.ones(2)\ndef f(x, y): return x + y\ng = partial(f, x)",
            f"{REFUSED}y = g(1)",
            "x",
        ],
    ),
    (
        "what is very deep",
        [
            "from functools import partial\nxs, f = [], abs\nfor _ in range(3_000): xs, f = [xs], partial(f)",
            "def wrap(f): return lambda: f()\nfor _ in range(3_000): f = wrap(f)",
            f"{REFUSED}f(xs)",
            "print(1)",
        ],
    ),
    (
        "a table that a function looks into",
        [
            "table = {'a': [1]}\ndef encode(s): return [table[c] for c in s]",
            f"{REFUSED}x = torch.tensor(encode('a')); x[0] = 1",
            "table",
        ],
    ),
    (
        "what is handed on by a dict, and is no `out`",
        [
            "x = torch.ones(2)\nkw, seen = {'dim': 0, 'input': x}, {'out': x}",
            f"{REFUSED}y = torch.sum(**kw)\n{REFUSED}z = seen['out'] + 1",
            "x",
        ],
    ),
    (
        "a class that is below another",
        [
            "log = []\nclass A: pass",
            f"{REFUSED}class B:\n        def __init_subclass__(cls): log.append(1)",
            f"{REFUSED}class C(A): pass",
            "log",
        ],
    ),
    (
        "a layer whose hook nobody calls",
        [
            "log = []\ndef keep(m, i, o): log.append(1)\nm = nn.ReLU()\nk = nn.ReLU()",
            f"{REFUSED}m.register_forward_hook(keep)\n{REFUSED}k(torch.ones(1))",
            "log",
        ],
    ),
    (
        "a function of one's own below an import of its name",
        ["from nowhere import f\nxs = [1]\ndef f(x): return x", f"{REFUSED}f(xs)", "xs"],
    ),
    ("a module apart", ["import nowhere, os\nx = torch.ones(2)\nos.f(x)", "print(x)"]),
)


@pytest.mark.parametrize("cells", [case[1] for case in FREE], ids=[case[0] for case in FREE])
def test_what_rests_on_nothing_has_no_mark(cells: list[str]) -> None:
    found = states(*cells)[-1]
    assert (found.state, found.root, found.reason) == ("run", None, "")


def test_a_statement_below_a_refused_one_runs_and_below_a_failing_one_does_not() -> None:
    refused, failed = states(f"{REFUSED}x = 1\nprint(1)", "torch.ones(2) @ torch.ones(3)\nprint(1)")
    assert (refused.state, refused.printed) == ("refused", "1\n")
    assert (failed.state, failed.printed) == ("failed", "")


def test_plots_are_left_out_with_all_that_belongs_to_them() -> None:
    cell = """\
import matplotlib.pyplot as plt
fig, axes = plt.subplots(2, 3, figsize=(4, 4))
for ax, x in zip(axes.flat, [1, 2]):
    ax.imshow(x)
axes[0].set_title(f"{len([1])}")
plt.rcParams['x'] = 3
def draw(ax, x):
    ax.plot(x)
    return ax
draw(axes[1], [1]).legend()
plt.show()
print(fig.get_axes())
y = torch.ones(2)"""
    (found,) = states(cell)
    assert (found.state, found.reason) == ("run", "")
    assert found.left_out == (
        "for ax, x in zip(axes.flat, [1, 2]):", 'axes[0].set_title(f"{len([1])}")',
        "draw(axes[1], [1]).legend()", "plt.show()", "print(fig.get_axes())",
    )  # fmt: skip


def plot_of(cell: str) -> Plot | None:
    return states(f"import matplotlib.pyplot as plt\nx = torch.arange(4.)\n{cell}")[0].plot


def test_a_plot_of_numbers_is_taken_for_the_apps_looks() -> None:
    squares = tuple((float(k), float(k * k)) for k in range(4))
    for cell in (
        "plt.plot(x, x**2)",
        "plt.plot(x ** 2, 'r-', label='x**2')",
        "_, ax = plt.subplots()\nax.plot(x, x**2)",
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
    assert plot_of("plt.hist([0, 0, 1], bins=2)") == Plot("bars", (bars,))
    assert plot_of("plt.imshow(torch.eye(2))") == Plot("heat", node=1)
    for arguments in ("plot()", "plot('a')", "plot(torch.ones(2, 2))", "title('a')", "plot([[1], [2]])"):
        cell = f"plt.{arguments}"
        assert plot_of(cell) is None


def test_what_sets_up_what_is_not_here_is_left_out() -> None:
    (found,) = states("import sys, os\nsys.path.append('..')\nos.environ['A'] = '1'")
    assert (found.state, found.left_out) == (
        "run",
        ("import sys, os", "sys.path.append('..')", "os.environ['A'] = '1'"),
    )


def test_of_an_import_only_what_is_missing_is_left_out() -> None:
    (found,) = states(
        "import torch, sys, os as o\nfrom collections import Counter, UserDict as U\ntorch.ones(1)"
    )
    assert (found.state, found.left_out) == (
        "run",
        ("import sys, os as o", "from collections import UserDict as U"),
    )


@pytest.mark.parametrize(
    ("cell", "answer"),
    [
        ("torch.ones(2, 3).shape", "torch.Size([2, 3])"),
        ("x = 1\nx, 'a'", "(1, 'a')"),
        ("'a'.upper()", "'A'"),
        ("None", ""),
        ("print(1)", ""),
        ("torch.ones(2)", ""),
        ("def f(x, y=2):\n    return x", "def f(x, y)"),
        ("def f(a, /, x, *rest, k=1, **o):\n    return x", "def f(a, x, *rest, k, **o)"),
        ("def f(*, k):\n    return k", "def f(*, k)"),
        ("n, words = 2, 'a b'.split()", "n = 2\nwords = ['a', 'b']"),
        ("f = torch.exp", "f = a function"),
        ("x = torch.ones(2)", ""),
        ("list(range(100_000))", "a list"),
    ],
)
def test_the_last_value_of_a_cell_is_its_answer(cell: str, answer: str) -> None:
    found = run(cell, cells=(1,)).cells[-1].answer
    assert found == answer or (answer == "a list" and found.startswith("[0, 1"))


def test_the_node_that_a_cell_shows_is_that_of_its_last_value() -> None:
    trace = run("x = torch.ones(2)\ny = x * 2\nx", cells=(1,))
    assert trace.cells[0].node == 0
    assert run("x = torch.ones(2)\ny = x * 2", cells=(1,)).cells[0].node == 1
    assert run("x = torch.ones(2)\nn = 2", cells=(1, 2)).cells[1].node is None


def test_where_a_cell_is_too_large_is_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes through the whole text, and each statement below would ask for it again."""
    calls = []
    find = Source._excess_statement

    def found(source: Source) -> ast.stmt:
        calls.append(source)
        return find(source)

    monkeypatch.setattr(Source, "_excess_statement", found)
    NotebookSource("x = 1\n" * 5_000, [1])
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("cell", "left_out"),
    [
        ("net = torch.compile(nn.Linear(1, 1))\nprint(2)", "torch.compile(nn.Linear(1, 1))"),
        ("@torch.compile\ndef f(x):\n    return x\nprint(f(2))", "torch.compile"),
        (
            "import matplotlib.pyplot as plt\nwith plt.style.context('a'):\n    print(2)",
            "plt.style.context('a')",
        ),
        ("with torch.autocast('cuda'):\n    print(2)", "torch.autocast('cuda')"),
        ("with torch.profiler.profile() as prof:\n    print(2)\nprof.export()", "torch.profiler.profile()"),
        ("from torch.profiler import profile\nwith profile():\n    print(2)", "profile()"),
        ("import warnings\nwith warnings.catch_warnings():\n    print(2)", "warnings.catch_warnings()"),
    ],
)
def test_what_means_nothing_here_is_left_out_with_a_mark(cell: str, left_out: str) -> None:
    (found,) = states(cell)
    assert (found.state, found.printed) == ("run", "2\n")
    assert left_out in found.left_out


def test_a_context_that_changes_results_is_not_left_out() -> None:
    assert states("with torch.autocast('cpu'):\n    print(2)")[0].printed == ""
    assert states("with open('a.txt'):\n    print(2)")[0].printed == ""
    assert states("with torch.device('cpu'):\n    print(2)")[0].printed == "2\n"
    assert states("with torch.device('meta'):\n    print(2)")[0].printed == ""


def test_what_a_limit_of_time_stopped_is_told_without_a_line_of_the_whole() -> None:
    cells = ["a = 1", "while True:\n    a = a + 1", "a"]
    starts = [1, 2, 4]
    with pytest.raises(ProgramError) as caught:
        run("\n".join(cells), cells=starts, seconds=0.05)
    reason = caught.value.trace.cells[-1].reason
    assert reason.startswith("a is made by cell 2, stopped after 0.05 s: ") or "steps" in reason
    assert " at line " not in reason


SHARED = {
    "s = x.storage()": ("s[0]", "x"),
    "a = np.arange(4)\nb = a[::-1]": ("b[0]", "a"),
    "w, t = torch.ones(2), torch.zeros(2)\nw.data = t": ("t[0]", "w"),
    "class C: pass\nc = C()\nc.n = 1\ntable = vars(c)": ("table['n']", "c.n"),
    "rng = np.random.default_rng(1)": ("k = rng.random() + ", "rng.random()"),
}


@pytest.mark.parametrize("start", SHARED)
def test_what_shares_memory_with_what_was_not_written_is_marked(start: str) -> None:
    place, seen = SHARED[start]
    line = f"{place}{'' if place.endswith('+ ') else ' = '}nothing_of_that_name"
    cells = [f"import numpy as np\nx = torch.arange(4.0)\n{start}", line, f"print({seen})"]
    lines = [1, 2 + cells[0].count("\n"), 3 + cells[0].count("\n")]
    trace = run("\n".join([*cells, ""]), cells=(*lines, lines[-1] + 1), seconds=None)
    assert [cell.state for cell in trace.cells[:3]] == ["run", "failed", "run"]
    assert "cell 2" in trace.cells[2].reason
