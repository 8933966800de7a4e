"""Programs that surely fail: what comes before is known, and what the language has not is refused at once."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from llm_linalg import LimitError, ProgramError, run
from llm_linalg.errors import OpenEndedError, Span
from llm_linalg.language.allowance import ROOM, Spent
from tests.engine.doing import budgets, done
from tests.engine.flows import flows
from tests.engine.test_foreseen import within
from tests.engine.test_told import KINDS, rehearsing

HEAVY = "x = torch.randn(600, 600)\nfor i in range(20):\n    x = torch.tanh(x @ x)\n"
FAULTS = [
    "y = x @ torch.ones(3)",
    "y = x.transpose(0, 7)",
    "y = x.unsqueeze(9)",
    "y = torch.zeros('a')",
    "y = torch.stack([x, torch.ones(3)])",
    "y = torch.einsum('ij,jk->ik', x, torch.ones(3, 3))",
    "y = x.view(7)",
    "y = nn.Linear(3, 4)(x)",
    "y = [1][4]",
    "y = {}['a']",
    "y = x.shape[4]",
    "a, b = 1, 2, 3",
    "y = 1 // 0",
    "y = undefined",
    "assert x.dim() == 7",
    "y = [1].view(3)",
    "for j in range(3):\n    y = x @ torch.ones(3)",
    "y = [x @ torch.ones(3) for j in range(3)]",
    "def f(x): return x @ torch.ones(3)\ny = f(x)",
]
OUTSIDE = [
    "y = x.foo()",
    "y = x.add_(1)",
    "y = torch.save(x, 'a')",
    "y = print(open)",
    "y = torch.add(x, 1, out=x)",
    "y = '{0}'.format(x)",
    "y = x.keys()",
    "y = nn.Linear(3, 4).foo",
    "y = torch.Generator()",
    "from torch import save",
    "x.foo = 3",
    "xs = [1, 2]\nxs[:1] = [3]",
    "xs = [1]\nxs.sort()",
    "y = {**{}}",
    "y = max([1], key=x.sum)",
    "for j in range(3):\n    y = x.foo()",
    "y = [x.foo() for j in range(3)]",
    "def f(x): return x.foo()\ny = f(x)",
    "y = x.foo() if x.dim() == 2 else 1",
    "if x[0, 0] > 0: y = x.foo()\nelse: y = x.foo()",
]
MAYBE = [
    "if x[0, 0] > 9: y = x.foo()",
    "y = [x.foo() for j in range(int(x[0, 0]) - 5)]",
    "for j in range(int(x[0, 0]) - 5): y = x.foo()",
    "y = [x.foo() for v in [1, 2] if x[0, 0] > 9]",
    "y = x.foo() if x[0, 0] > 9 else 1",
    "y = x[0, 0] > 9 and x.foo()",
    "for v in x[0].tolist():\n    if v > 9: y = x.foo()",
    "for j in range(3):\n    if x[0, 0] < 9: break\n    y = x.foo()",
]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_behind_much_that_is_allowed_is_said(fault: str) -> None:
    with pytest.raises(ProgramError) as caught:
        run(HEAVY + fault)
    assert not isinstance(caught.value, LimitError)
    assert (caught.value.line or 0) > HEAVY.count("\n")


@pytest.mark.parametrize("fault", FAULTS)
def test_what_comes_before_it_is_run(fault: str) -> None:
    with pytest.raises(ProgramError) as caught:
        run(HEAVY + fault)
    assert caught.value.trace is not None
    assert len(caught.value.trace.nodes) >= 41


@pytest.mark.parametrize("outside", OUTSIDE)
def test_what_the_language_has_not_is_refused_before_much_is_done(
    outside: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = budgets(monkeypatch)
    with pytest.raises(ProgramError) as caught:
        run(HEAVY + outside)
    error = caught.value
    with pytest.raises(ProgramError) as alone:
        run("x = torch.randn(600, 600)\n" + outside)
    assert error.message == alone.value.message
    assert (error.line, error.column) == ((alone.value.line or 0) + 2, alone.value.column)
    assert done(made[0]) <= ROOM


@pytest.mark.parametrize("maybe", MAYBE)
def test_nothing_is_refused_that_is_not_reached(maybe: str) -> None:
    run(HEAVY + maybe, patient=True)


@pytest.mark.parametrize("maybe", MAYBE)
def test_what_may_be_reached_is_not_said_to_be(maybe: str) -> None:
    with suppress(OpenEndedError):  # what a product gives may be anything: nobody knows how much it does
        run(HEAVY + maybe)


@pytest.mark.parametrize("kind", ["least", "exact"])
@pytest.mark.parametrize("fault", FAULTS)
def test_what_comes_before_a_fault_is_told(fault: str, kind: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        told, taken, ran = rehearsing(patch)(HEAVY + fault, kind)
    assert not ran
    if told.all and told.taken is not None:
        assert told.taken.tensors == taken.tensors
        assert told.taken.work == taken.work


@given(flows(known=False, gradients=True), st.sampled_from(FAULTS), st.sampled_from(list(KINDS)))
def test_so_it_is_of_drawn_programs(program: str, fault: str, kind: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        rehearse = rehearsing(patch)
        assume(rehearse(program, kind)[2])  # else it may fail before
        told, taken, _ = rehearse(f"{program}\nx = torch.ones(2, 2)\n{fault}", kind)
    if told.all and told.taken is not None:
        tensors = taken.tensors - told.taken.tensors
        assert tensors <= 0 if kind == "dearest" else tensors == 0


@settings(max_examples=200)
@given(flows(known=False, gradients=True), st.integers(0, 100), st.integers(1, 150))
def test_a_drawn_program_is_refused_where_it_would_be(program: str, place: int, steps: int) -> None:
    lines = program.split("\n")
    place %= len(lines)
    line = lines[place]
    assume(not line.lstrip().startswith(("else", "elif")))
    lines.insert(place, f"{line[: len(line) - len(line.lstrip())]}y.foo()")
    program, never = "\n".join(lines), Spent(*[2**60] * 5)
    alone, early = come_of(program, never), come_of(program, never._replace(steps=steps))
    if ".foo" in str(alone) or not isinstance(alone, Failed):
        assert early == alone
    else:
        assert isinstance(early, Failed)  # of two ways to end, it may be told of the second


class Failed(NamedTuple):
    """Why a program ends, and where."""

    why: str
    span: Span | None


def come_of(program: str, large: Spent) -> object:
    """Returns what a program does that is large when it took so much, or how it ends."""
    try:
        return within(program, large)[0]
    except ProgramError as error:
        return Failed(error.message, error.span)
