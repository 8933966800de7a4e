"""The ruler that notebooks are measured with: kinds of cells, verdicts, and plain Python behind a fence."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.bench.notebooks.flow import cells_of, flow_of, statements, without_commands
from tests.bench.notebooks.report import Verdict, judge, ranking, table
from tests.bench.notebooks.run import documents, measure, plain_python
from tests.bench.notebooks.values import alike, fingerprint
from tests.bench.notebooks.watch import Outcome

CELLS = (
    "# A comment.\n%matplotlib inline",
    "import torch\nimport numpy as np\nimport matplotlib.pyplot as plt",
    "x = torch.ones(2)",
    "n = 3",
    "a = np.zeros(n)",
    "def double(t):\n    return 2 * t",
    "y = double(x)\n%timeit double(x)",
    "plt.plot(y)",
    "words = open('words.txt').read()",
    "z = torch.tensor(len(words))",
    "z = y * n",
    "y += z",
    "w = lost + x",
    "if True:",
)
KINDS = """
    commands imports tensor plain numpy plain tensor mixed outside tensor tensor tensor tensor unread
"""


def numbered(*codes: str) -> list[tuple[int, str]]:
    return list(enumerate(codes, 1))


def test_a_cell_has_its_kind_by_what_its_names_were_made_with() -> None:
    cells = cells_of(numbered(*CELLS))
    assert " ".join(cell.kind for cell in cells) == KINDS.strip()
    resting = {cell.number for cell in cells if cell.kind == "tensor" and not cell.inside}
    assert resting == {10, 13}  # on a file, and on what no cell makes


@pytest.mark.parametrize(
    ("code", "reads", "binds", "changes"),
    [
        ("y = f(x)", "f x", "y", ""),
        ("x += 1", "x", "x", ""),
        ("x.zero_()", "x", "", "x"),
        ("x[0] = y", "x y", "", "x"),
        ("model.w = y", "model y", "", "model"),
        ("xs.append(y)", "xs y", "", "xs y"),
        ("train(model, 3)", "model train", "", "model train"),
        ("print(x)", "print x", "", ""),
        ("for k, v in xs:\n    total += v * k", "k total v xs", "k total v", ""),
        ("def f(a):\n    b = a + c\n    return b", "c", "f", ""),
        ("ys = [a * k for a in xs]", "k xs", "ys", ""),
    ],
)
def test_the_names_of_a_statement(code: str, reads: str, binds: str, changes: str) -> None:
    body = statements(code)
    assert body is not None
    flow = flow_of(body[0])
    assert [" ".join(sorted(names)) for names in (flow.reads, flow.binds, flow.changes)] == [
        reads, binds, changes,
    ]  # fmt: skip


def test_commands_of_a_notebook_are_left_out_and_what_they_time_is_kept() -> None:
    code = "%timeit -n 10 f(x)\n%%time\n!pip install torch\nx = 1\n?x"
    assert without_commands(code).split("\n") == ["f(x)", "", "", "x = 1", ""]
    assert without_commands("%%writefile x.py\nx = 1") == ""
    assert without_commands("%%capture\nx = 1") == "\nx = 1"


# A verdict, from what both sides say.

DONE = Outcome(done=["…"])
FAILED = Outcome(error="nothing is called b", stopped="…")


def said(*codes: str, ours: list[Outcome], whole: list[Outcome] | None = None) -> list[Verdict]:
    cells = cells_of(numbered(*(f"import torch\n{code}" if k == 0 else code for k, code in enumerate(codes))))
    for cell, outcome in zip(cells, ours, strict=True):
        if outcome.error is None:
            outcome.done = [flow.text for flow in cell.flows or []]
    same = [Outcome(printed=one.printed, values=one.values) for one in ours]
    return judge("f", cells, ours, same, whole or [Outcome(error="Python was ended")] * len(cells))


def test_what_rests_on_a_cell_that_was_not_run_is_stale_unless_it_says_so() -> None:
    codes = (
        "a = torch.ones(2)",
        "a = torch.lacks(a)",
        "print(a * 10)",
        "b = a + 1",
        "a = torch.ones(3)",
        "a * 2",
    )
    refused = Outcome(error="torch.lacks is not part of the language")
    whole = [Outcome() for _ in codes]
    whole[2] = Outcome(printed="other")
    ours = [Outcome(), refused, Outcome(printed="tensor"), Outcome(), Outcome(), Outcome()]
    found = said(*codes, ours=ours, whole=[*whole[:3], Outcome(values={"b": ["int", "1"]}), *whole[4:]])
    assert [one.state for one in found][:3] == ["equal", "refused", "stale"]
    assert [one.state for one in found][4:] == ["equal", "equal"]  # it is made anew
    marked = Outcome(error="a is made by code cell 2, which is refused", root=2)
    found = said(*codes[:3], ours=[Outcome(), refused, marked], whole=whole[:3])
    assert [one.state for one in found] == ["equal", "refused", "rests"]
    assert found[2].lacks == {"torch.lacks is not part of the language"}
    misled = Outcome(error="axis 0 of a has size 2", stopped="print(a * 10)")
    assert said(*codes[:3], ours=[Outcome(), refused, misled], whole=whole[:3])[2].state == "misled"


def test_a_difference_is_wrong_and_an_error_that_python_has_too_is_equal() -> None:
    cells = cells_of(numbered("import torch\nx = torch.ones(2)", "x @ torch.ones(3)", "torch.gone(x)"))
    one, two = (["tensor", "torch.float32", [2], False, digest] for digest in ("ab", "cd"))
    made = [
        Outcome(values={"x": one}),
        Outcome(error="inner sizes", stopped="…"),
        Outcome(error="no torch.gone"),
    ]
    same = [Outcome(values={"x": two}), Outcome(stopped="RuntimeError: size mismatch"), Outcome()]
    whole = [Outcome(), Outcome(), Outcome(error="AttributeError")]
    found = judge("f", cells, made, same, whole)
    assert [verdict.state for verdict in found] == ["wrong", "equal", "broken"]
    assert found[0].why.startswith("x: ")
    made[0].values, made[0].printed = same[0].values, "1 2"
    assert judge("f", cells, made, same, whole)[0].why.startswith("printed: ")


@pytest.mark.parametrize("said", ["plain Python was ended", "TimeoutError: longer than 30 s"])
def test_where_plain_python_did_not_end_nothing_is_compared(said: str) -> None:
    cells = cells_of(numbered("import torch\nx = torch.ones(2)"))
    found = judge("f", cells, [Outcome(printed="1")], [Outcome(error=said)], [Outcome(error=said)])
    assert [verdict.state for verdict in found] == ["broken"]


def test_an_address_is_another_in_each_process_and_no_difference() -> None:
    cells = cells_of(numbered("import torch\nx = torch.ones(2)\nn = x.data_ptr()\nprint(n)", "m = x.numel()"))
    here, there = (
        [Outcome(values={"n": ["int", n]}, printed=f"{n}\n"), Outcome(values={"m": ["int", n]})]
        for n in ("138538465099784", "94910447303560")
    )
    assert [verdict.state for verdict in judge("f", cells, here, there, there)] == ["equal", "wrong"]


def test_values_are_alike_down_to_their_bytes() -> None:
    import torch

    x = torch.tensor([0.0, 1.0])
    for other in (x.double(), x[:1], x + 1e-7, torch.tensor([-0.0, 1.0]), x.clone().requires_grad_()):
        assert not alike(fingerprint(x), fingerprint(other))
    assert alike(fingerprint(x), fingerprint(torch.stack([x, x], dim=1)[:, 0]))  # whatever the strides
    assert alike(fingerprint([x, lambda: 1]), fingerprint([x, print]))  # a function has nothing to compare
    assert not alike(fingerprint({"a": x}), fingerprint({"a": -x}))


def test_a_lazy_layer_has_a_value_before_its_first_input() -> None:
    import torch
    from torch import nn

    lazy, made = nn.LazyLinear(2), nn.LazyLinear(2)
    assert alike(fingerprint(lazy), fingerprint(nn.LazyLinear(2)))
    made(torch.ones(1, 3))
    assert not alike(fingerprint(lazy), fingerprint(made))


def test_the_table_counts_and_the_ranking_says_what_alone_would_help() -> None:
    codes = ("x = torch.ones(2)", "y = torch.lacks(x)", "z = y + 1", "w = other(z)")
    lacks, other = (Outcome(error=f"{name} is not part of it") for name in ("torch.lacks", "other"))
    rests = Outcome(error="nothing is called y", stopped="z = y + 1")
    found = said(*codes, ours=[Outcome(), lacks, rests, other], whole=[Outcome() for _ in codes])
    rows = table(found).splitlines()
    assert rows[1].split() == ["f", "4", "1", "2", "1", "25.0%"]
    ranked = [line.split(maxsplit=3) for line in ranking(found).splitlines()[1:]]
    assert ranked == [
        ["3", "2", "1", "torch.lacks is not part of it"],
        ["1", "1", "other", "is not part of it"],
    ]


# Both sides, on notebooks of our own.


def notebook(path: Path, *codes: str) -> None:
    cells = [{"cell_type": "code", "metadata": {}, "source": code, "outputs": []} for code in codes]
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}))


@pytest.mark.slow
def test_a_folder_of_notebooks_is_measured(tmp_path: Path) -> None:
    notebook(
        tmp_path / "tensors.ipynb",
        "import torch",
        "torch.manual_seed(3)\nx = torch.randn(3, 2)\nprint(x)\nx.sum()",
        "y = x.__deepcopy__({})",
        "print(x.mean(0))",
        "y.T @ x",
        "x @ x",
        "import matplotlib.pyplot as plt\nplt.rcParams['lines.linewidth'] = 2\nw = x * 2",
    )
    (tmp_path / "script.py").write_text("import torch\n\nx = torch.arange(6).view(2, 3)\n\nprint(x.T)\n")
    with plain_python(sys.executable) as ask:
        found = {path.stem: measure(path, path.name, ask, None) for path in documents(tmp_path)}
        outside = [cell["error"] for cell in ask([{"code": code, "names": []} for code in (
            f"from pathlib import Path\nPath({str(tmp_path / 'out')!r}).write_text('x')",
            "import socket\nsocket.create_connection(('127.0.0.1', 9), timeout=1)",
            "import os\nos.system('true')",
            "from pathlib import Path\nPath('mine').write_text('x')",
            "raise SystemExit",
        )], [])]  # fmt: skip
    assert [one.state for one in found["script"]] == ["equal", "equal"]
    tensors = [(one.cell.kind, one.state) for one in found["tensors"]]
    assert tensors[:2] == [("imports", "equal"), ("tensor", "equal")]
    assert [state for _, state in tensors[2:]] == ["refused", "equal", "rests", "equal", "equal"]
    for error, reason in zip(outside, ("outside the folder", "not allowed", "not allowed"), strict=False):
        assert reason in error
    assert outside[3:] == [None, "SystemExit: "]
    assert not (tmp_path / "out").exists()
