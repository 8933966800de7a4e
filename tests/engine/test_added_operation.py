"""The entry that the operations' README adds, added: all that it promises is derived from it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch

from llm_linalg import ops, trace
from llm_linalg.ops import Operation, table
from llm_linalg.ops.pointwise import Pointwise
from llm_linalg.ops.table import OperationTable

README = Path(ops.__file__).with_name("README.md").read_text(encoding="utf-8")
EXAMPLE = re.search(r"```python\n(.*?)```", README, re.DOTALL)


def entry() -> Operation:
    assert EXAMPLE is not None
    made: Any = eval(EXAMPLE[1], {"Pointwise": Pointwise})  # noqa: S307 - our own text
    assert isinstance(made, Operation)
    return made


@pytest.fixture(autouse=True)
def added(monkeypatch: pytest.MonkeyPatch) -> OperationTable:
    """Adds the entry to the table that a recording asks."""
    others = [operation for operation in table.TABLE.operations.values() if operation.name != entry().name]
    whole = OperationTable((*others, entry()))
    monkeypatch.setattr("llm_linalg.recording.recorder.TABLE", whole)
    return whole


def test_it_is_the_entry_that_the_table_has() -> None:
    own = table.TABLE.operations[entry().name]
    facts = ("signature", "phrase", "gradient", "multiplications_per_cell")
    for fact in facts:
        assert getattr(own, fact) == getattr(entry(), fact)


def test_it_is_recorded_with_its_reads_and_its_formula() -> None:
    t = trace(torch.hypot, torch.tensor([3.0, 5.0]), torch.tensor([[4.0, 12.0]]))
    node = t.nodes[-1]
    assert (node.op, node.kind, node.evidence) == ("hypot", "pointwise", "rule")
    assert [list(cells) for cells in node.reads((0, 1))] == [[(1,)], [(0, 1)]]
    assert "√(5² + 12²)" in node.walk()[1].text
    assert node.multiplications == 4


def test_its_gradient_is_torch_s() -> None:
    x, y = torch.tensor([3.0, 5.0]), torch.tensor([4.0, 12.0])

    def loss(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return torch.hypot(x, y).sum()

    forward = trace(loss, x, y)
    back = forward.backward(forward.nodes[-1].name)
    a, b = x.clone().requires_grad_(), y.clone().requires_grad_()
    torch.autograd.backward(loss(a, b))
    assert torch.allclose(back["dx"].value, a.grad if a.grad is not None else a)
    assert torch.allclose(back["dy"].value, b.grad if b.grad is not None else b)
    assert not any(node.op == "vjp" for node in back.nodes)
