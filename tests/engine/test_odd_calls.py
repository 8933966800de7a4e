"""Calls that could end the process, that our rules refuse and torch takes, and whose factors clash."""

from __future__ import annotations

import re
from typing import Any

import pytest

from llm_linalg import ShapeError
from llm_linalg.base.axes import ShapeMismatch
from llm_linalg.explain.shape_errors import unpaired
from llm_linalg.ops import TABLE
from tests.engine.here import run


def test_a_call_that_our_rules_refuse_and_torch_takes_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Any) -> Any:
        raise ShapeMismatch("no")

    monkeypatch.setattr(type(TABLE.operations["matmul"]), "axes", lambda _self, call: refuse(call))
    node = run("x = torch.randn(2, 3)\ny = x @ x.T")["y"]
    assert (node.kind, node.evidence) == ("measured", "autograd")
    assert set(node.reads((1, 0))[0]) == {(1, 0), (1, 1), (1, 2)}


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("a.flatten().addmv(a, a.flatten())", "a row of a (2, 4) has 4 entries, a.flatten() (8,) has 8"),
        ("torch.addmm(b, a, b)", "a row of a (2, 4) has 4 entries, a column of b (2, 2) has 2"),
        ("c.baddbmm(d, c)", "a row of d (3, 2, 4) has 4 entries, a column of c (3, 2, 2) has 2"),
        ("b.addbmm(d, c)", "a row of d (3, 2, 4) has 4 entries, a column of c (3, 2, 2) has 2"),
    ],
)
def test_of_a_product_that_is_added_the_factors_clash(call: str, said: str) -> None:
    made = "a, b = torch.ones(2, 4), torch.ones(2, 2)\nc, d = torch.ones(3, 2, 2), torch.ones(3, 2, 4)\n"
    with pytest.raises(ShapeError, match=re.escape(said)) as error:
        run(f"{made}y = {call}")
    assert unpaired(error.value)[0] == [(1.0, 1.0)] * len(unpaired(error.value)[0])
    assert len(unpaired(error.value)[0]) in (2, 4)
