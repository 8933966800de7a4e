"""What is foreseen of a program is never more than its run takes, and often all of it."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from llm_linalg import HaltedError, LimitError, ProgramError, front, run
from llm_linalg.errors import Span
from llm_linalg.foresight import Rehearsal, Start, branches, loops, timed
from llm_linalg.foresight.unknown import Unknown
from llm_linalg.language import allowance, budget, plain
from llm_linalg.language.allowance import HEED, LARGE, Spent
from llm_linalg.language.budget import Budget
from llm_linalg.language.source import Source
from llm_linalg.language.values import Distinct
from llm_linalg.lesson import catalog, find
from tests.engine.flows import flows
from tests.engine.patient import PATIENT
from tests.engine.test_language import programs
from tests.engine.test_tutorials import TUTORIALS

DRAWN = settings(
    max_examples=150, phases=[Phase.explicit, Phase.reuse, Phase.generate]
)  # shrinking takes long
SOME = 30
TURNS = [0, SOME, 2_000]  # after how many steps one turn stands for all


def taken(program: str, names: Mapping[str, Any], seed: int = 0) -> Spent | None:
    """Returns what a program's run takes; None if it fails."""
    budgets: list[Budget] = []

    def noted(**bounds: Any) -> Budget:
        budgets.append(Budget(**{**bounds, "foresight": False}))
        return budgets[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(front, "Budget", noted)
        try:
            run(program, seed, names)
        except ProgramError:
            return None
    return difference(Budget().left, budgets[0].left)


def foreseen(program: str, names: Mapping[str, Any], turns: int, exact: bool = False) -> Spent:
    """Returns what is foreseen of a program."""
    source = Source(program)
    rehearsed = Rehearsal(source, lambda: False, exact)
    start = Budget().left
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(branches, "TURN_BY_TURN", turns)
        patch.setattr(loops, "A_FEW", loops.A_FEW if turns == SOME else 0)
        rehearsed.refuse(Start(source.tree.body, [(names, names)], start))
    return difference(start, rehearsed.budget.left)


def difference(one: Spent, other: Spent) -> Spent:
    return Spent(*[left - right for left, right in zip(one, other, strict=True)])


def holds(program: str, names: Mapping[str, Any] | None = None, seed: int = 0) -> list[Spent]:
    """Holds what is foreseen against what is taken, however soon one turn stands for all; returns both."""
    given = names or {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(budget, "SMALL", 4)  # so that writes take something
        run_takes = taken(program, given, seed)
        if run_takes is None:
            return []
        before = torch.get_rng_state()
        found = [foreseen(program, given, turns, exact) for turns in TURNS for exact in (False, True)]
    assert torch.equal(before, torch.get_rng_state())
    for spent in found:
        assert all(least <= most for least, most in zip(spent, run_takes, strict=True)), (spent, run_takes)
    return [*found, run_takes]


@DRAWN
@given(flows(known=False), st.integers(0, 3))
def test_no_more_is_foreseen_than_is_taken(program: str, seed: int) -> None:
    holds(program, {}, seed)


@DRAWN
@given(flows(known=False, gradients=True), st.integers(0, 3))
def test_no_more_is_foreseen_of_backward_passes_than_is_taken(program: str, seed: int) -> None:
    holds(program, {}, seed)


@DRAWN
@given(flows(known=True))
def test_all_is_foreseen_of_what_hangs_on_no_cell(program: str) -> None:
    run_takes = taken(program, {})
    if run_takes is not None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(timed, "LONGEST", 10**6)
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


@pytest.mark.parametrize("name", PATIENT)
def test_what_never_ends_is_refused_before_much_is_done(name: str) -> None:
    budgets: list[Budget] = []

    def noted(**bounds: Any) -> Budget:
        budgets.append(Budget(**bounds))
        return budgets[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(front, "Budget", noted)
        with pytest.raises(LimitError) as caught:
            run(PATIENT[name])
    assert caught.value.span is not None
    assert caught.value.trace is not None
    nodes = caught.value.trace.nodes
    assert len(nodes) <= 2 * LARGE.tensors  # parameters are nodes too, and take no call
    assert sum(prod(node.shape) for node in nodes) <= 4 * LARGE.total
    assert not [node for node in nodes if node.op == "matmul" and prod(node.shape) > LARGE.total]
    assert Budget().steps - budgets[0].steps <= LARGE.steps + 2 * HEED


def test_what_is_foreseen_says_which_loop() -> None:
    with pytest.raises(LimitError) as caught:
        run("x = torch.ones(2)\nfor i in range(6000):\n    x = x + 1")
    assert "in 6,000 turns" in str(caught.value)
    assert "tensors" in caught.value.message
    assert caught.value.span == Span(2, 9, 2, 20)


def test_what_loops_in_loops_take_is_told_by_all_of_them() -> None:
    loops = "n = {}\ns = 0\nfor i in range(n):\n  for j in range(n):\n    for k in range(n): s = s + 1"
    with pytest.raises(LimitError, match="in 60 turns the program takes more than 100,000 steps"):
        run(loops.format(60))
    with pytest.raises(LimitError, match="in 999 × 999 turns the program takes more than 100,000 steps"):
        run(loops.format(999))


@pytest.mark.parametrize(
    "key",
    [
        *(
            "range(4), y",
            "[0, 2]",
            "y",
            "y, [1, 1, 0, 2]",
            ":, [0, 0]",
            "y, :",
            "None, y",
            "..., y",
            "y[:, None], y",
        ),
        *(
            "1, y[:3]",
            "[0], None, [1]",
            "[True, False, True, False]",
            "y == 1",
            "(y, y)",
            "-1",
            "y, 1:",
            "[[0, 1], [1, 2]]",
        ),
    ],
)
def test_picked_cells_have_the_shape_of_others(key: str) -> None:
    program = f"x = torch.ones(4, 3)\ny = torch.tensor([0, 2, 1, 1])\nz = x[{key}]\nprint(len(z) * 10)"
    run_takes = taken(program, {})
    assert run_takes is not None
    holds(program)
    source = Source(f"x = torch.ones(4, 3)\ny = torch.tensor([0, 2, 1, 1])\nz = x[{key}]")
    rehearsed = Rehearsal(source, lambda: False)
    rehearsed.refuse(Start(source.tree.body, [({}, {})], Budget().left))
    known = rehearsed.names["z"]
    assert isinstance(known, Unknown) or tuple(known.shape) == run(source.text)["z"].shape


def test_a_program_that_keeps_within_its_budget_is_never_refused() -> None:
    trace = run("x = torch.ones(2)\nfor i in range(4990):\n    x = x + 1\ny = x.sum()")
    assert trace["y"].value == 2 * 4991


def test_what_only_the_run_can_know_is_left_to_it() -> None:
    """A loop that may end at once, and does; and one that may not, and does not."""
    early = "x = torch.ones(2)\nfor i in range(99_999):\n    if x.sum() > {}:\n        break\n    x = x + 1"
    assert run(early.format(300))["x"].value.tolist() == [151, 151]
    assert run(early.format(700), patient=True)["x"].value.tolist() == [351, 351]
    with pytest.raises(LimitError):
        run(early.format(10**9))


def test_cells_of_a_notebook_are_foreseen_one_by_one() -> None:
    cells = ["x = torch.ones(2)", "for i in range(6000):\n    x = x + 1", "y = x + 1"]
    source = "\n".join(cells)
    trace = run(source, cells=[1, 2, 4])
    (refused,) = trace.refused
    assert isinstance(refused, LimitError)
    assert trace["y"].value.tolist()[0] < 2 * LARGE.tensors


def test_a_rehearsal_changes_nothing_of_the_run() -> None:
    program = """
xs = [1]
torch.manual_seed(3)
layer = nn.Linear(3, 3)
a = torch.randn(3)
for i in range(200):
    xs.append(i)
    a = layer(a)
torch.set_printoptions(precision=2)
print(len(xs), a, torch.rand(2))
"""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(allowance, "LARGE", Spent(2**60, 2**60, 2**60, 2**60, 2**60))
        alone = run(program)
    rehearsed = run(program)
    assert rehearsed.printed == alone.printed
    assert [node.op for node in rehearsed.nodes] == [node.op for node in alone.nodes]
    assert torch.equal(rehearsed["a"].value, alone["a"].value)


def test_a_rehearsal_ends_when_the_run_is_to_end() -> None:
    asked = 0

    def halt() -> bool:
        nonlocal asked
        asked += 1
        return asked > 3

    with pytest.raises(HaltedError):
        Rehearsal(source := Source("for i in range(900):\n    pass"), halt).refuse(
            Start(source.tree.body, [({}, {})], Budget().left)
        )


@pytest.mark.parametrize(
    "program", ["x = [1]\nx.append(x)\nx == [x]", "x = []\nfor i in range(2000): x = [x]\nx == x"]
)
def test_lists_in_lists_without_end_are_refused(program: str) -> None:
    with pytest.raises(LimitError, match="deep"):
        run(program)


NESTED = st.recursive(
    st.one_of(st.integers(), st.text(max_size=3), st.none(), st.builds(range, st.integers(0, 5))),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, inner),
        st.dictionaries(st.integers(), inner, max_size=3),
        st.lists(st.integers(), max_size=3).map(Distinct),
        st.dictionaries(st.integers(), inner, max_size=3).map(dict.values),
    ),
)


@given(NESTED)
def test_the_weight_of_plain_values_is_all_their_items(value: Any) -> None:
    assert plain.weight(value, 1, value) == 2 * items_of(value)


def items_of(value: Any) -> int:
    if isinstance(value, str | range):
        return len(value)
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    if isinstance(value, list | tuple | Distinct | type({}.values())):
        return len(value) + sum(map(items_of, value))
    return 0


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (
            "x = torch.ones(2)\nfor i in range(6000):\n    x = x + 1",
            "in 6,000 turns the program makes more than 5,000 tensors: let it turn less often",
        ),
        (
            "def f(n):\n    return n if n < 2 else f(n - 1) + f(n - 2)\ny = f(25)",
            "the program takes more than 100,000 steps: let it do less",
        ),
    ],
    ids=["turns", "calls"],
)
def test_a_program_that_is_too_large_is_told_how_much_is_allowed(program: str, said: str) -> None:
    with pytest.raises(LimitError) as caught:
        run(program)
    assert caught.value.message == said
