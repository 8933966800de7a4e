"""What a rehearsal can't know it does not claim to, and the run around it sees nothing of it."""

from __future__ import annotations

import ast
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from llm_linalg import LimitError, ProgramError, front, run
from llm_linalg.claims import broken
from llm_linalg.foresight.unknown import Unknown
from llm_linalg.language import allowance
from llm_linalg.language.allowance import LARGE, Spent
from llm_linalg.language.budget import Budget
from tests.engine.counting import at_most
from tests.engine.flows import flows
from tests.engine.test_altering import gone_through
from tests.engine.test_foresight import DRAWN, difference, holds
from tests.engine.turned import FAIR_TURNS
from tests.engine.unforeseen import BIG, LOOPS, NESTED, UNFORESEEN
from tests.engine.ways_back import FAIR_WAYS

FAIR = {**UNFORESEEN, **FAIR_WAYS, **FAIR_TURNS}


@pytest.mark.parametrize("program", FAIR.values(), ids=list(FAIR))
def test_what_only_the_run_can_know_is_not_foreseen(program: str) -> None:
    assert holds(program)


@pytest.mark.parametrize(("before", "loop"), LOOPS.values(), ids=list(LOOPS))
def test_a_loop_that_is_rehearsed_changes_nothing_of_what_it_goes_through(before: str, loop: str) -> None:
    alone, _ = within(program := before + BIG + loop, Spent(*[2**60] * 5))
    assert within(program, LARGE)[0] == alone


@DRAWN
@given(flows(known=False), st.integers(1, 150))
def test_a_program_that_takes_exactly_its_budget_is_not_refused(program: str, steps: int) -> None:
    """However soon it is rehearsed; and all that it does is the same."""
    never = Spent(*[2**60] * 5)
    try:
        alone, taken = within(program, never)
    except ProgramError:
        return
    assert within(program, never._replace(steps=steps), taken)[0] == alone


def within(program: str, large: Spent, left: Spent | None = None) -> tuple[object, Spent]:
    """Returns what a program does and takes, that may take so much, and is large when it took so much."""
    budgets: list[Budget] = []

    def noted(**bounds: object) -> Budget:
        budgets.append(Budget(**bounds))  # type: ignore[arg-type]
        budgets[0].left = left or budgets[0].left
        return budgets[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(front, "Budget", noted)
        patch.setattr(allowance, "LARGE", large)
        patch.setattr(allowance, "ROOM", 2**60)  # nor is it refused since nobody knows how much it does
        trace = run(program)
    done = trace.printed, [(node.op, node.shape) for node in trace.nodes]
    return done, difference(left or Budget().left, budgets[0].left)


@pytest.mark.parametrize("program", NESTED.values(), ids=list(NESTED))
def test_values_within_values_are_not_gone_through_without_end(program: str) -> None:
    with at_most(6_000_000), pytest.raises(LimitError):
        run(program)


def test_long_lists_are_not_gone_through_for_each_item_that_is_written() -> None:
    with at_most(1_000_000):
        run("s = [1] * 99999\nfor i in range(9999):\n    s[i] = i")


@pytest.mark.parametrize(
    "turn",
    [
        "torch.tensor(xs)",
        "' '.join(ws)",
        "str(xs)",
        "math.prod(xs)",
        "torch.tensor(x.tolist())",
    ],
)
def test_long_lists_are_refused_before_all_that_is_allowed_is_done(turn: str) -> None:
    with at_most(1_000_000), pytest.raises(LimitError):
        run(f"x, xs, ws = torch.ones(9999), [1] * 9999, ['a'] * 9999\nfor i in range(9999): s = {turn}")


def test_a_claim_may_call_a_function_with_a_loop() -> None:
    program = "def f(x):\n    for i in range(2):\n        x = x + 1\n    return x"
    assert not list(broken(program, ["f(1) == 3"]))


STEPS = """
    y * 2 | 3 - y | -y | y.abs() | y[1:] | y[None] | y[0] | y[y > 0] | y.flatten() | y.reshape(-1) | y.T
    y.sum() | y.sum(-1, keepdim=True) | y.cumsum(0) | y.softmax(-1) | y.clone() | y.unsqueeze(0) | y.detach()
    F.one_hot(y.long().clamp(0), 9) | F.one_hot(y.abs().long()) | torch.stack([y, y]) | y.repeat(3) | y @ y.T
    y[torch.arange(3)] | y[[0] * 30] | y + torch.ones(9, 1) | torch.outer(y, y) | y.expand(4, -1) | y.tril()
    y.nonzero() | (y > 0).nonzero() | y.clamp(min=0.) | y.pow(2) | F.gelu(y) | y.argsort() | y.view(1, -1)
"""
ONES = [step.strip() for line in STEPS.strip().split("\n") for step in line.split("|")]


PICKED = ["x[x > 0]", "x[x[:, 0] > 0]", "x[:, x[0] > 0]", "x.nonzero()", "x[0, x[0] > 0]"]


@pytest.mark.parametrize("step", ONES)
@settings(max_examples=6)
@given(st.sampled_from(PICKED), st.lists(st.sampled_from(ONES), max_size=3))
def test_what_values_pick_has_no_more_cells_than_is_told(step: str, picked: str, more: list[str]) -> None:
    for steps in ([step], [step, *more]):
        program = f"x = torch.randn(5, 4)\ny = {picked}\n" + "".join(f"y = {one}\n" for one in steps)
        with suppress(ProgramError):
            made = run(program).nodes[-1]
            told = gone_through(program, dearest=True).evaluate(ast.Name("y", ast.Load()))
            if isinstance(told, Unknown) and told.most is not None:
                assert told.kind is Tensor
                assert made.value.numel() <= told.most


@pytest.mark.parametrize("step", ["y * 2", "-y", "y[1:]", "y.flatten()", "F.relu(y)", "y.softmax(-1)"])
def test_a_step_that_makes_it_no_larger_leaves_that_told(step: str) -> None:
    known = gone_through(f"x = torch.randn(5, 4)\ny = x[x > 0]\ny = {step}", dearest=True)
    assert known.evaluate(ast.Name("y", ast.Load())).most == 20
