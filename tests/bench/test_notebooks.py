"""The ruler that notebooks are measured with: verdicts, and plain Python behind a fence."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from llm_linalg.recording.cell_state import CellState
from tests.bench.notebooks.plain import fingerprint, without_commands
from tests.bench.notebooks.run import documents, measure, plain_python
from tests.bench.notebooks.verdict import Outcome, judge, table


def test_commands_of_a_notebook_are_left_out_and_what_they_time_is_kept() -> None:
    code = "%timeit -n 10 f(x)\n%%time\n!pip install torch\nx = 1\n?x"
    assert without_commands(code).split("\n") == ["f(x)", "", "", "x = 1", ""]
    assert without_commands("%%writefile x.py\nx = 1") == ""
    assert without_commands("%%capture\nx = 1") == "\nx = 1"


def test_a_difference_is_wrong_and_below_a_cell_that_was_not_run_unmarked() -> None:
    states = [
        *(CellState(1), CellState(2, "failed"), CellState(3), CellState(4, "failed", reason="no file")),
        *(CellState(5, "rests", 4), CellState(6), CellState(7)),
    ]
    tensor, other = (["torch.float32", [2], digest] for digest in ("ab", "cd"))
    ours = [
        *(Outcome(printed="1"), Outcome(["KeyError"]), Outcome(answer=tensor), Outcome(["no file"])),
        *(Outcome(["it rests on cell 4"]), Outcome(), Outcome(printed="2")),
    ]
    plain = [
        *(Outcome(printed="1"), Outcome(["KeyError: 1"]), Outcome(answer=other), Outcome(printed="read")),
        *(Outcome(printed="read"), Outcome(["TimeoutError: longer"]), Outcome(printed="3")),
    ]
    verdicts = judge("f", states, ours, plain)
    assert [one.state for one in verdicts] == [
        "equal", "equal", "wrong", "marked", "marked", "open", "unmarked",
    ]  # fmt: skip
    assert verdicts[2].why.startswith("answer: ")
    assert verdicts[6].why.startswith("printed: ")
    assert judge("f", states[:1], [Outcome()], [Outcome(["KeyError: 1"])])[0].why.startswith("fails: ")
    assert [row.split() for row in table(verdicts).splitlines()[1:]] == [
        ["f", "7", "2", "2", "1", "1", "1"],
        ["all", "7", "2", "2", "1", "1", "1"],
    ]


def test_tensors_are_alike_down_to_their_bytes() -> None:
    import torch

    x = torch.tensor([0.0, 1.0])
    for other in (x.double(), x[:1], x + 1e-7, torch.tensor([-0.0, 1.0])):
        assert fingerprint(x) != fingerprint(other)
    assert fingerprint(x) == fingerprint(torch.stack([x, x], dim=1)[:, 0])  # whatever the strides


def notebook(path: Path, *codes: str) -> None:
    cells = [{"cell_type": "code", "metadata": {}, "source": code, "outputs": []} for code in codes]
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}))


@pytest.mark.slow
def test_a_folder_of_notebooks_is_measured(tmp_path: Path) -> None:
    notebook(
        tmp_path / "tensors.ipynb",
        "import torch",
        "torch.manual_seed(3)\nx = torch.randn(3, 2)\nprint(x)\nx.sum()",
        "y = open('/etc/hostname').read()",
        "print(x.mean(0))",
        "print(y)",
        "x @ x",
        "w = x * 2\nw",
    )
    (tmp_path / "script.py").write_text("import torch\n\nx = torch.arange(6).view(2, 3)\n\nprint(x.T)\n")
    with plain_python(sys.executable) as ask:
        states = {
            path.stem: [one.state for one in measure(path, path.name, ask, None)]
            for path in documents(tmp_path)
        }
        outside = ask(
            [
                f"from pathlib import Path\nPath({str(tmp_path / 'out')!r}).write_text('x')",
                "import socket\nsocket.create_connection(('127.0.0.1', 9), timeout=1)",
                "import os\nos.system('true')",
                "from pathlib import Path\nPath('mine').write_text('x')",
                "raise SystemExit",
            ],
            [],
        )
    assert set(states["script"]) == {"equal"}
    assert states["tensors"] == ["equal", "equal", "marked", "equal", "marked", "equal", "equal"]
    for outcome, reason in zip(outside, ("outside the folder", "not allowed", "not allowed"), strict=False):
        assert reason in outcome.errors[0]
    assert [list(outcome.errors) for outcome in outside[3:]] == [[], ["SystemExit: "]]
    assert not (tmp_path / "out").exists()
