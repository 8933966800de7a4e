"""A program on several devices, run in turn in one process: the arithmetic is that of blocks."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_linalg import run
from llm_linalg.errors import OpenEndedError, ProgramError
from llm_linalg.lesson import LessonError, find, parse
from llm_linalg.ranks import MOST_EXCHANGES

F = torch.nn.functional
START = "X = torch.randn({m}, {k}).double()\nW = torch.randn({k}, {n}).double()\n"
SPLITS = {
    "columns": "Y = torch.cat(dist.all_gather(X @ W.chunk(ranks, dim=1)[rank]), dim=1)",
    "rows": "Y = dist.all_reduce(X.chunk(ranks, dim=1)[rank] @ W.chunk(ranks, dim=0)[rank])",
    "twice": "Z = dist.all_reduce(X) / ranks\nY = torch.cat(dist.all_gather(Z @ W.chunk(ranks, 1)[rank]), 1)",
}


@settings(max_examples=40)
@given(
    st.sampled_from(sorted(SPLITS)),
    st.integers(1, 4),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(1, 3),
)
def test_split_products_are_the_product(split: str, ranks: int, m: int, k: int, n: int) -> None:
    text = START.format(m=m, k=k * ranks, n=n * ranks) + SPLITS[split]
    whole = run(START.format(m=m, k=k * ranks, n=n * ranks) + "Y = X @ W")["Y"].value
    trace = run(text, ranks=ranks)
    assert len(trace.ranks) == ranks
    for one in trace.ranks:
        assert torch.allclose(one["Y"].value, whole)
    assert trace is trace.ranks[0]


def test_an_all_reduce_is_a_sum_in_the_trace() -> None:
    trace = run(
        "mine = torch.ones(2) * (rank + 1)\ntotal = dist.all_reduce(mine)", ranks=3, names={"rank": 1}
    )
    assert trace is trace.ranks[1]
    total = trace["total"]
    assert total.op == "add"
    assert total.value.tolist() == [6, 6]
    assert trace["mine_0"].value.tolist() == [1, 1]
    assert trace["mine_2"].op == "input"
    assert trace.lineage("total", (0,))[trace["mine"]]
    gradient = trace.backward("total")
    assert gradient["dmine"].value.tolist() == [1, 1]


def test_one_device_alone_exchanges_nothing() -> None:
    trace = run("x = torch.ones(2) * 3\ny = dist.all_reduce(x)\nz = dist.all_gather(x)[0]")
    assert trace["y"].value.tolist() == trace["z"].value.tolist() == [3, 3]
    assert trace.ranks == ()


@pytest.mark.parametrize(
    ("text", "ranks", "said"),
    [
        ("x = torch.ones(2)\nif rank == 0:\n    x = dist.all_reduce(x)", 2, "don't exchange the same"),
        ("x = dist.all_reduce(torch.ones(rank + 1))", 2, "don't exchange the same"),
        ("x = torch.ones(2)", 99, "1 to 8 devices"),
        (
            f"x = torch.ones(1)\nfor i in range({MOST_EXCHANGES + 1}):\n    x = dist.all_reduce(x)",
            2,
            "more than 32 times",
        ),
        ("x = torch.ones(2) @ torch.ones(3)", 2, "has size 2"),
    ],
)
def test_what_devices_cannot_do_is_said(text: str, ranks: int, said: str) -> None:
    with pytest.raises(ProgramError, match=said):
        run(text, ranks=ranks)
    with pytest.raises(ProgramError, match="no rank 5"):
        run("x = torch.ones(2)", ranks=2, names={"rank": 5})


def test_the_lesson_is_the_unsplit_thing() -> None:
    lesson = find("parallel")
    trace = lesson.run(len(lesson.stops), {"rank": 1, "T": 5})
    for one in trace.ranks:
        X, W, up, down = (one[name].value for name in ("X", "W", "up", "down"))
        for name in ("Y", "Y_columns", "Y_rows", "whole"):
            assert torch.allclose(one[name].value, X @ W, atol=1e-5)
        for name in ("M", "out"):
            assert torch.allclose(one[name].value, F.gelu(X @ up) @ down, atol=1e-4)
        assert not torch.allclose(one["wrong"].value, one["right"].value, atol=1e-3)
        assert "False" not in one.printed
    assert trace is trace.ranks[1]
    first, second = trace.ranks
    Q, K, V = (torch.stack([one[name].value for one in trace.ranks]) for name in "QKV")
    attended = F.scaled_dot_product_attention(Q, K, V, is_causal=True)
    wanted = attended.transpose(0, 1).reshape(5, 4) @ torch.cat([first["O"].value, second["O"].value])
    assert torch.allclose(first["attended"].value, wanted, atol=1e-5)
    assert torch.equal(first["attended"].value, second["attended"].value)


@pytest.mark.parametrize("value", ["0", "9", "two", "-1", "100"])
def test_how_many_devices_there_may_be(value: str) -> None:
    text = f'+++\ntitle = "T"\n+++\nHi.\n\n```python ranks="{value}"\nx = torch.ones(2)\n```\n'
    with pytest.raises(LessonError, match="number of devices"):
        parse(text, "x.md")


def test_devices_that_exchange_often_and_do_much_are_refused_unless_one_has_patience() -> None:
    text = "x = torch.ones(1)\nfor i in range(12):\n    x = dist.all_reduce(x)"
    with pytest.raises(OpenEndedError, match="again for each exchange"):
        run(text, ranks=8)
    assert run(text, ranks=8, patient=True)["x"].value.item() == 8.0**12
