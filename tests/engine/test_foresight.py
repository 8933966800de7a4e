"""What is foreseen of a program: never more than its run takes, and enough to refuse at once what never ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from llm_linalg import LimitError, ProgramError, front, run
from llm_linalg.foresight import Rehearsal, Start, expressions, rehearsal
from llm_linalg.foresight.hollow import Hollow, without_cells
from llm_linalg.foresight.unknown import Undecided
from llm_linalg.language.budget import Budget, Spent
from llm_linalg.language.source import Source
from llm_linalg.language.tables import IMPORTED
from llm_linalg.lesson import catalog, find
from llm_linalg.ops import TABLE
from tests.engine.samples import samples
from tests.engine.test_language import BINARY, UNARY, programs
from tests.engine.test_tutorials import TUTORIALS

TURNS = [0, 30, 2_000]  # after how many steps one turn stands for all


def taken(program: str, names: Mapping[str, Any], seed: int = 0) -> Spent | None:
    """Returns what a program's run takes; None if it fails."""
    budgets: list[Budget] = []

    def budget(**bounds: Any) -> Budget:
        budgets.append(Budget(**{**bounds, "foresight": False}))
        return budgets[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(front, "Budget", budget)
        try:
            run(program, seed, names)
        except ProgramError:
            return None
    return difference(Budget().left, budgets[0].left)


def foreseen(program: str, names: Mapping[str, Any], turns: int) -> Spent:
    """Returns what is foreseen of a program."""
    source = Source(program)
    rehearsed = Rehearsal(source, lambda: False, IMPORTED)
    start = Budget().left
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rehearsal, "TURN_BY_TURN", turns)
        rehearsed.refuse(Start(source.tree.body, [(names, names)], start))
    return difference(start, rehearsed.budget.left)


def difference(one: Spent, other: Spent) -> Spent:
    return Spent(*[left - right for left, right in zip(one, other, strict=True)])


def holds(program: str, names: Mapping[str, Any] | None = None, seed: int = 0) -> list[Spent]:
    """Holds what is foreseen against what is taken, however soon one turn stands for all; returns both."""
    given = names or {}
    run_takes = taken(program, given, seed)
    if run_takes is None:
        return []
    before = torch.get_rng_state()
    found = [foreseen(program, given, turns) for turns in TURNS]
    assert torch.equal(before, torch.get_rng_state())
    for spent in found:
        assert all(least <= most for least, most in zip(spent, run_takes, strict=True)), (spent, run_takes)
    return [*found, run_takes]


# Their shapes may hang on values; or no program of the language can make them; or they are left open.
OPEN = {"one_hot", "repeat_interleave", "getitem", "setitem", "take_along_dim", "cross_entropy"}


@pytest.mark.parametrize("name", sorted(TABLE.operations))
@pytest.mark.filterwarnings("ignore::UserWarning")  # torch's own, of a variance of one number and the like
@settings(max_examples=25)
@given(data=st.data())
def test_calls_without_cells_have_the_shapes_of_others(name: str, data: st.DataObject) -> None:
    sample = data.draw(samples(name))
    wanted = each(sample.function(*[tensor.clone() for tensor in sample.inputs]))
    hollow = Hollow(Budget())
    tensors = [without_cells(tuple(tensor.shape), tensor.dtype) for tensor in sample.inputs]
    try:
        with hollow:
            found = each(sample.function(*tensors))
    except Undecided:
        assert name in OPEN
        return
    assert [tuple(tensor.shape) for tensor in found] == [tuple(tensor.shape) for tensor in wanted]
    for one, other in zip(found, wanted, strict=True):
        assert one.device.type == "meta"
        assert one.dtype == other.dtype or one.dtype != torch.int64


def each(result: Any) -> list[Tensor]:
    return [result] if isinstance(result, Tensor) else list(result or ())


KNOWN = ["n > 2", "k == 1", "len(xs) % 2 == 0", "n in (1, 3)", "x.shape[0] == 3 and k < 2", "not n"]
UNKNOWN = [
    "x.sum() > 0",
    "x[0, 0].item() < 0.3",
    "x.mean() < y.mean() and n",
    "(y > 0).any()",
    "int(x.sum()) % 2",
]
TENSORS = [
    *("x", "y", "x + {n}", "x * y", "x @ y * 0.1", "y.T", "x.sum(0, keepdim=True).expand(3, 3)", "-x"),
    *("torch.ones(3, 3)", "f(x)", "f(y, 2)", "g(x, n)", "xs[-1]", "torch.cat([x, y])[:3]", "xs[k % len(xs)]"),
    *(
        "torch.stack([x, y]).sum(0)",
        "torch.softmax(x, -1) + k",
        "x if n > 1 else y",
        "sum(xs) * 0.1",
        "torch.tensor(n) * y",
    ),
    *(
        "layer(x)",
        "d['a'] + 1",
        "x.tril().masked_fill(x == 0, 0.5)",
        "x[torch.tensor([0, 2, 1])]",
        "torch.max(x, y)",
    ),
]
WHOLE = ["{n}", "n + 1", "len(xs)", "min(n, 2)", "k * 2", "abs(n - k)", "x.shape[0]", "sum([n, k])"]
ITEMS = [
    "range({n})",
    "range(n)",
    "[x, y]",
    "xs",
    "x",
    "enumerate(range(k))",
    "zip(xs, range(9))",
    "[n, k, 2]",
]


@st.composite
def flows(draw: st.DrawFn, known: bool) -> str:
    """Draws a program of loops, branches, functions and lists over x and y (3, 3); `known` before its run, or not."""
    numbers = st.integers(0, 4)

    def of(forms: list[str]) -> str:
        return draw(st.sampled_from(forms)).replace("{n}", str(draw(numbers)))

    def condition() -> str:
        return of(KNOWN if known else KNOWN + UNKNOWN)

    def number() -> str:
        return of(WHOLE if known else [*WHOLE, "int(y.sum())", "x.argmax()"])

    def block(depth: int, loop: bool, function: bool) -> list[str]:
        lines: list[str] = []
        for _ in range(draw(st.integers(1, 3))):
            lines += statement(depth, loop, function)
        return ["    " + line for line in lines]

    def simple() -> list[str]:
        target = draw(st.sampled_from(["x", "y"]))
        return [
            draw(
                st.sampled_from(
                    [
                        f"{target} = {of(TENSORS)}",
                        f"{target} = {of(TENSORS)}",
                        f"n = ({number()}) % 5",
                        f"k = ({number()}) % 3",
                        f"{target} += {of(TENSORS)}",
                        "n += 1; n %= 5",
                        f"xs.append({of(TENSORS)}); xs = xs[-3:]",
                        f"x, y = y, {of(TENSORS)}",
                        f"{target}[{draw(st.integers(0, 2))}] = n",
                        f"print({of(TENSORS)}, n, f'{{k}} {{x.shape}}')",
                        f"xs = [a + {draw(numbers)} for a in xs if {condition()}] + [x]",
                        f"d['a'] = {of(TENSORS)}",
                        f"k = len([a for a in range(n) if {condition()}]) % 3",
                    ]
                )
            )
        ]

    def statement(depth: int, loop: bool, function: bool) -> list[str]:
        kind = draw(st.integers(0, 7)) if depth else 9
        if kind <= 2:
            name = draw(st.sampled_from(["i", "j", "n", "k"]))
            items = of(ITEMS)
            target = (
                f"{name}, z"
                if items.startswith(("enumerate", "zip"))
                else "z"
                if items in ("[x, y]", "xs", "x")
                else name
            )
            head = [f"for {target} in {items}:", *block(depth - 1, True, function)]
            return head + (["else:", *block(depth - 1, loop, function)] if draw(numbers) == 0 else [])
        if kind <= 4:
            head = [f"if {condition()}:", *block(depth - 1, loop, function)]
            return head + (["else:", *block(depth - 1, loop, function)] if draw(st.booleans()) else [])
        if kind == 5 and loop:
            return [f"if {condition()}:", "    " + draw(st.sampled_from(["break", "continue"]))]
        if kind == 6 and function:
            return [f"if {condition()}:", f"    return {of(TENSORS)}"]
        return simple()

    return "\n".join(
        [
            "x, y, n, k = torch.randn(3, 3), torch.rand(3, 3), 2, 1",
            "xs, d, layer = [x, y], {'a': x}, nn.Linear(3, 3)",
            "def g(a, b):",
            "    if b <= 0: return a",
            "    return g(a + 1, b - 1) * 0.5",
            "def f(x, n=1, k=2, y=y, xs=[x], d={'a': x}):",
            *[line.replace("f(x)", "x").replace("f(y, 2)", "y") for line in block(2, False, True)],
            "    return x",
            *[line[4:] for _ in range(3) for line in block(3, False, False)],
        ]
    )


@settings(max_examples=200)
@given(flows(known=False), st.integers(0, 3))
def test_no_more_is_foreseen_than_is_taken(program: str, seed: int) -> None:
    holds(program, {}, seed)


@settings(max_examples=100)
@given(flows(known=True))
def test_all_is_foreseen_of_what_hangs_on_no_cell(program: str) -> None:
    run_takes = taken(program, {})
    if run_takes is not None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(expressions, "MOST_TAKEN", 10**6)
            assert foreseen(program, {}, 10**6)[:4] == run_takes[:4]  # texts hang on cells


@pytest.mark.parametrize("slug", [lesson.slug for lesson in catalog()])
def test_lessons(slug: str) -> None:
    lesson = find(slug)
    for stop in lesson.stops:
        holds(stop.program, lesson.names(), lesson.seed)


@pytest.mark.parametrize("program", TUTORIALS.values(), ids=list(TUTORIALS))
def test_tutorials(program: str) -> None:
    holds(program)


@settings(max_examples=150)
@given(programs(), st.integers(0, 5), st.integers(1, 4))
def test_drawn(program: str, seed: int, n: int) -> None:
    holds(program, {"n": n}, seed)
