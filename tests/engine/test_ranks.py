"""A program on several devices, run in one process: the arithmetic is that of blocks."""

from __future__ import annotations

import warnings
from threading import enumerate as enumerate_threads

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_linalg.api.run import run_text
from llm_linalg.base.errors import HaltedError, LimitError, ProgramError, ShapeError
from llm_linalg.capture.devices import MOST_EXCHANGES
from llm_linalg.lessons.lesson import LessonError
from llm_linalg.lessons.reader import parse
from tests.engine.here import run

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
    assert (trace["mine_0"].title, trace["mine"].title) == ("mine on device 0", "mine")
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
        ("x = torch.ones(2)\nx = dist.all_reduce(x) if rank else dist.all_gather(x)", 2, "don't exchange"),
        ("x = torch.ones(2) @ torch.ones(3)", 2, "has 2 entries"),
    ],
)
def test_what_devices_cannot_do_is_said(text: str, ranks: int, said: str) -> None:
    with pytest.raises(ProgramError, match=said):
        run(text, ranks=ranks)


def test_a_trusted_program_of_several_devices_has_a_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llm_linalg.api.run._runs_here", lambda trust: trust)
    text = "x = dist.all_reduce(torch.ones(1))\nwhile True:\n    y = rank"
    with pytest.raises(LimitError, match=r"stopped after 0\.2 s"):
        run_text(text, own=False, trust=True, ranks=2, seconds=0.1)


def test_there_is_no_device_with_a_number_too_large() -> None:
    with pytest.raises(ProgramError, match="no rank 5"):
        run("x = torch.ones(2)", ranks=2, names={"rank": 5})


@pytest.mark.parametrize("value", ["0", "9", "two", "-1", "100"])
def test_how_many_devices_there_may_be(value: str) -> None:
    text = f'+++\ntitle = "T"\n+++\nHi.\n\n```python ranks="{value}"\nx = torch.ones(2)\n```\n'
    with pytest.raises(LessonError, match="number of devices"):
        parse(text, "x.md")


OFTEN = "x = torch.ones(1)\nfor i in range({}):\n    x = dist.all_reduce(x)"


@pytest.mark.parametrize("ranks", [1, 4])
def test_devices_may_exchange_as_often_as_there_may_be_exchanges(ranks: int) -> None:
    assert run(OFTEN.format(MOST_EXCHANGES), ranks=ranks)["x"].value.item() == pytest.approx(
        float(ranks) ** MOST_EXCHANGES
    )


@settings(max_examples=20)
@given(st.integers(0, 2**31), st.integers(1, 8))
def test_each_device_draws_the_numbers_that_it_would_draw_alone(seed: int, ranks: int) -> None:
    text = "a = torch.randn(3)\nb = {}(torch.randn(3 + 2 * rank)[:2])\nc = torch.randn(3)"
    before = torch.get_rng_state()
    together = run(text.format("dist.all_reduce"), seed=seed, ranks=ranks)
    assert torch.equal(torch.get_rng_state(), before)
    for rank, one in enumerate(together.ranks):
        alone = run(text.format(""), seed=seed, names={"rank": rank})
        for name in "ac":
            assert torch.equal(one[name].value, alone[name].value)


def test_what_a_device_writes_no_other_device_sees() -> None:
    text = (
        "x = torch.ones(2) * (rank + 1)\nparts = dist.all_gather(x)\nparts[0][0] = 10 + rank\n"
        "x[1] = 20 + rank\n"
        "again = torch.stack(parts)\nlater = torch.stack(dist.all_gather(x))"
    )
    first, second = run(text, ranks=2).ranks
    assert first["again"].value.tolist() == [[10, 1], [2, 2]]
    assert second["again"].value.tolist() == [[11, 1], [2, 2]]
    assert [one["x"].value.tolist() for one in (first, second)] == [[1, 20], [2, 21]]
    assert first["later"].value.tolist() == second["later"].value.tolist() == [[1, 20], [2, 21]]


@pytest.mark.parametrize(
    "text",
    [
        "y = dist.all_reduce(torch.ones(2))\nif rank == 1:\n    y = y @ torch.ones(3)",
        "y = dist.all_reduce(torch.ones(rank + 1))",
        "if rank == 2:\n    y = nothing\ny = dist.all_reduce(torch.ones(2))",
        OFTEN.format(MOST_EXCHANGES + 1),
    ],
)
def test_no_device_is_left_behind_when_one_fails(text: str) -> None:
    before = set(enumerate_threads())
    with pytest.raises(ProgramError):
        run(text, ranks=3)
    assert set(enumerate_threads()) <= before


def test_devices_are_stopped_where_they_are() -> None:
    asked = 0

    def halt() -> bool:
        nonlocal asked
        asked += 1
        return asked > 20

    with pytest.raises(HaltedError):
        run(OFTEN.format(30), ranks=2, halt=halt)
    assert asked == 21


@pytest.mark.parametrize("own", [True, False])
def test_a_failing_device_has_its_place_and_what_ran_before(*, own: bool) -> None:
    text = "x = torch.ones(2)\ny = dist.all_reduce(x)\nz = y @ torch.ones(3)"
    with pytest.raises(ShapeError) as failed:
        run_text(text, own=own, ranks=2)
    assert failed.value.line == 3
    assert failed.value.trace is not None
    assert failed.value.trace["y"].value.tolist() == [2, 2]


def test_warnings_and_options_are_as_they_were() -> None:
    filters = list(warnings.filters)
    printed = run_text(
        "torch.set_printoptions(precision=rank + 1)\ny = dist.all_reduce(torch.ones(1)) / 7\nprint(y)",
        own=False,
        ranks=3,
    )
    assert [one.printed for one in printed.ranks] == [
        "tensor([0.4])\n",
        "tensor([0.43])\n",
        "tensor([0.429])\n",
    ]
    assert warnings.filters == filters


def test_later_stops_on_one_device_leave_out_what_several_ran() -> None:
    fences = [
        ("", "x = torch.ones(2)"),
        (" ranks=2", "y = dist.all_reduce(x * (rank + 1))"),
        ("", "z = x + 1"),
        (" ranks=3", "y = y + x"),
    ]
    body = "\n\n".join(f"Some words.\n\n```python{info}\n{code}\n```" for info, code in fences)
    lesson = parse(f'+++\ntitle = "T"\n+++\n{body}\n', "x.md")
    codes = [code for _, code in fences]
    assert [stop.program.split("\n") for stop in lesson.stops] == [
        codes[:1],
        codes[:2],
        [codes[0], codes[2]],
        codes,
    ]
    for stop in lesson.stops:
        lesson.run(stop)
        assert lesson.line_of(stop, len(stop.program.split("\n"))) == stop.line + 1
    assert lesson.run(lesson.stop(4))["y"].value.tolist() == [7, 7]
