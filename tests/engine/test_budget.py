"""What a program may use: honest ones fit, counts end any other, and the clock stops what takes long."""

from __future__ import annotations

from contextlib import redirect_stdout
from functools import partial
from io import StringIO
from typing import Any

import pytest
import torch
from llm_linalg.language import budget as budgeting
from llm_linalg.language import execute
from llm_linalg.language.budget import MAX_SHARES, Budget
from torch import nn

from llm_linalg import HaltedError, LimitError, ProgramError, run
from llm_linalg.base.errors import Span
from tests.engine.at_once import AT_ONCE
from tests.engine.counting import at_most
from tests.engine.doing import budgets
from tests.engine.honest import HONEST
from tests.thinning import thin

CALLS = 150_000  # of Python's, for a refusal at once: the benchmark holds it to a tenth of a second
START = "print('begun')\nx = torch.ones(3)\nz = x + 1\n"
ENDLESS = START + "for i in range(99_999):\n    for j in range(99_999): {}"


def printed(program: str) -> str:
    """Returns what Python prints."""
    torch.manual_seed(0)
    out = StringIO()
    with redirect_stdout(out):
        exec(program, {"torch": torch, "nn": nn, "F": nn.functional})  # noqa: S102  they are ours
    return out.getvalue()


def stopped(program: str, **how: Any) -> LimitError:
    """Returns the error of a program that asks for too much, which has its place and what ran."""
    with pytest.raises(LimitError) as caught:
        run(program, **how)
    assert caught.value.trace is not None
    return caught.value


@pytest.mark.parametrize("program", thin(HONEST.values(), 4), ids=list(HONEST))
def test_an_honest_program_prints_what_python_prints_within_its_budget(
    program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = budgets(monkeypatch)
    assert run(program).printed == printed(program)
    for left, allowed in zip(made[0].left, Budget().left, strict=True):
        assert left > allowed // 4


TRAINING = """
x = torch.linspace(-3, 3, 50).unsqueeze(1)
model = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))
for turn in range({}):
    loss = ((model(x) - torch.sin(x)) ** 2).mean()
    model.zero_grad()
    loss.backward()
    with torch.no_grad():
        for p in model.parameters():
            p -= 0.05 * p.grad
"""


def test_a_turn_of_training_takes_few_calls() -> None:
    calls = []
    for turns in (20, 40):
        with at_most(1_000_000) as made:
            run(TRAINING.format(turns), seconds=None)
        calls.append(made[0])
    assert calls[1] - calls[0] < 20 * 2_200


def test_setting_gradients_to_none_is_no_step() -> None:
    assert [node.op for node in run(TRAINING.format(2)).nodes].count("grad") == 2 * 4


@pytest.fixture
def ticking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has a hundredth of a second go by between two looks at the clock."""
    looks = iter(range(10**9))
    monkeypatch.setattr(budgeting, "monotonic", lambda: next(looks) / 100)


@pytest.mark.usefixtures("ticking")
@pytest.mark.parametrize("line", ["y = x + i", "y = i", "x.tolist()", "y = f'{i}'", "x[0] = i"])
def test_the_clock_stops_what_takes_long_and_shows_what_ran(line: str) -> None:
    error = stopped(ENDLESS.format(line))
    assert error.message.startswith("stopped after 2 s at line 5: let it do less")
    assert error.line == 5
    assert error.trace.printed == "begun\n"
    assert error.trace["z"].value.tolist() == [2, 2, 2]


@pytest.mark.usefixtures("ticking")
def test_the_clock_is_as_long_as_it_is_said_to_be() -> None:
    short = stopped(ENDLESS.format("y = x + i"), seconds=0.5)
    assert short.message.startswith("stopped after 0.5 s")
    assert len(short.trace.nodes) < 60
    run("x = torch.ones(3)\nfor i in range(1_000): x = x + 1", seconds=None)
    with pytest.raises(LimitError, match="stopped after 2 s"):
        run("x = torch.ones(3)\nfor i in range(1_000): x = x + 1")


@pytest.mark.usefixtures("ticking")
def test_devices_share_a_clock_and_cells_have_half_of_it_again() -> None:
    alone, together = (len(stopped(ENDLESS.format("y = x + i"), ranks=ranks).trace.nodes) for ranks in (1, 4))
    assert together <= alone
    trace = run("for i in range(99_999): x = torch.ones(1)\ny = torch.ones(2)\nz = y + 1", cells=(1, 2, 3))
    assert [error.line for error in trace.cell_errors] == [1]
    assert trace["z"].value.tolist() == [2, 2]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has budgets of a hundredth of what they are."""
    counts = {
        name: getattr(Budget(), name) // 100 for name in ("steps", "tensors", "elements", "multiplications")
    }
    monkeypatch.setattr(execute, "Budget", partial(Budget, **counts))


@pytest.mark.usefixtures("small")
def test_cells_that_ask_for_too_much_leave_room_for_others() -> None:
    heavy = "for i in range(9_999): x = torch.ones(1)\n"
    trace = run(heavy * 3 + "y = torch.ones(2)", cells=range(1, 5))
    assert [error.line for error in trace.cell_errors] == [1, 2, 3]
    assert trace["y"].value.tolist() == [1, 1]
    error = stopped(heavy * 4 * MAX_SHARES, cells=range(1, 4 * MAX_SHARES + 1))
    assert 600 < len(error.trace.nodes) <= 2_000


@pytest.mark.usefixtures("small")
def test_a_cell_that_takes_all_steps_leaves_some_for_those_below() -> None:
    endless = "for i in range(9_999):\n    for k in range(9_999): x = k"
    cells = (endless, "def double(x): return x * 2", endless, "y = double(torch.ones(2))")
    starts = (1, 3, 4, 6)
    trace = run("\n".join(cells), cells=starts, seconds=None)
    assert [cell.state for cell in trace.cells] == ["failed", "run", "failed", "run"]
    assert trace["y"].value.tolist() == [2, 2]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("turn", "said"),
    [
        ("y = i", "takes more than 60,000 steps"),
        ("y = x + 1", "makes more than 1,000 tensors"),
        ("y = torch.zeros(2**14)", "makes tensors of more than 1,342,177 cells in all"),
        ("torch.equal(big, big)", "needs more than 687,194,767 multiplications in all"),
    ],
)
def test_counts_end_any_program(turn: str, said: str) -> None:
    error = stopped("big = torch.ones(2**17)\n" + ENDLESS.format(turn), seconds=None)
    assert said in error.message
    assert error.line == 6


def test_whoever_waits_can_stop_it() -> None:
    asked = iter(range(10**9))
    with pytest.raises(HaltedError) as halted:
        run(ENDLESS.format("y = i"), halt=lambda: next(asked) > 50)
    assert halted.value.line == 5
    assert halted.value.trace is not None
    assert halted.value.trace.printed == "begun\n"


@pytest.mark.parametrize(("program", "said"), AT_ONCE.items(), ids=lambda text: repr(text[:40]))
def test_what_a_text_or_the_shapes_of_a_call_tell_is_refused_at_once(program: str, said: str) -> None:
    with (
        pytest.raises(LimitError) as refused,
        at_most(CALLS),
    ):  # the benchmark holds it to a tenth of a second
        run(program)
    assert said in refused.value.message
    assert refused.value.line is not None


@pytest.mark.parametrize("text", ["9" * 5_000, "int('9' * 90_000)", "-" * 90 + "x", "x" + " + x" * 3_000])
def test_what_is_too_much_for_the_parser_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(LimitError) as refused:
        run(f"x = 1\ny = {text}")
    assert refused.value.line == 2


def test_what_the_language_lacks_is_refused_before_a_loop_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    made = budgets(monkeypatch)
    for lacking in ("torch.foo(2)", "y = F.foo", "nn.functional.foo", "t.foo"):
        with pytest.raises(ProgramError, match="foo is not part of the language") as refused:
            run(f"import torch as t\nfor i in range(9_999): z = i\n{lacking}")
        assert refused.value.line == 3
    assert all(budget.steps_used < 100 for budget in made)


@pytest.mark.parametrize(
    "line",
    [
        "if i < 0: torch.foo",
        "y = torch.foo if i < 0 else 1",
        "y = [torch.foo for k in []]",
        "def f(): return torch.foo",
        "torch = torch.ones(2)\nfor k in []: pass\nz = torch.shape",
    ],
)
def test_but_not_what_may_never_be_reached(line: str) -> None:
    run(f"for i in range(3): x = i\n{line}")


def test_a_longer_program_is_not_stopped_at_what_it_did_before(monkeypatch: pytest.MonkeyPatch) -> None:
    made = budgets(monkeypatch)
    for turns in (100, 200):
        run(f"w = torch.ones(3, requires_grad=True)\nfor i in range({turns}): (w * w).sum().backward()")
    few, many = (budget.steps_used for budget in made)
    assert many - few == pytest.approx(few, rel=0.1)


@pytest.mark.parametrize(
    "call",
    [
        "torch.einsum('ij,jk->ik', y, x)",
        "y.cumprod(0)",
        "F.linear(y, x)",
        "F.scaled_dot_product_attention(y, x, x)",
    ],
)
def test_a_gradient_made_of_many_calls_counts_as_several(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = budgets(monkeypatch)
    turn = "x = torch.ones(2, 2, requires_grad=True)\ny = x\nfor i in range(20): y = {}\n"
    for way in ("y * x", call):
        for back in ("", "y.sum().backward()"):
            run(turn.format(way) + back, seconds=None)
    plain, plain_back, slow, slow_back = (budget.steps_used for budget in made)
    assert slow_back - slow > 1.5 * (plain_back - plain) - 300


def test_the_characters_of_a_text_count_as_items() -> None:
    budget, other = Budget(), Budget()
    budget.charge_items("a" * 10**6)
    other.charge_items([0] * 10**6)
    assert budget.steps <= other.steps < Budget().steps - 1_000


@pytest.mark.parametrize(
    "made", ["list(range(9_000))", "list(enumerate(x))", "list(zip(x))", "[*reversed(x)]"]
)
def test_objects_made_for_each_item_count(made: str, monkeypatch: pytest.MonkeyPatch) -> None:
    budget = budgets(monkeypatch)
    run(f"x = [0] * 9_000\ny = {made}", seconds=None)
    assert budget[0].steps_used > 4_500


@pytest.mark.parametrize(
    "made",
    [
        "{}",
        "{0: 0 for k in ()}",
        "set()",
        "dict()",
        "s | s",
        "[0 for k in s]",
        "d.keys() ^ d.keys()",
        "d.update(a=1)",
    ],
)
def test_a_dict_or_set_counts_as_several_steps(made: str, monkeypatch: pytest.MonkeyPatch) -> None:
    budget = budgets(monkeypatch)
    start = "d, s = {}, set()\n"
    for program in (start, start + f"y = {made}"):
        run(program, seconds=None)
    assert budget[1].steps_used - budget[0].steps_used > 6


@pytest.mark.parametrize(
    "line",
    [
        "x.size(0)",
        "x.dtype",
        "float(x)",
        "x.item()",
        "torch.manual_seed(0)",
        "with torch.no_grad(): pass",
    ],
)
def test_a_question_and_a_mode_count_as_several_steps(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    budget = budgets(monkeypatch)
    for turns in (100, 200):
        run(f"x = torch.ones(1)\nfor i in range({turns}):\n    {line}", seconds=None)
    assert budget[1].steps_used - budget[0].steps_used >= 100 * 8


@pytest.mark.parametrize(
    "made",
    [
        "repr(t)",
        "ascii(t)",
        "f'{t}'",
        "'%s' % t",
        "'x'.ljust(9_000)",
        "'{}'.format(t)",
        "list(t)",
        "deque(t)",
        "[*range(9_000)]",
        "(t + ' ' + t).split()",
        "'a'.replace('a', t)",
    ],
)
def test_a_text_counts_for_the_memory_that_it_takes(made: str, monkeypatch: pytest.MonkeyPatch) -> None:
    budget = budgets(monkeypatch)
    start = "from collections import deque\nt = 'x' * 9_000\n"
    for program in (start, start + f"y = {made}"):
        run(program, seconds=None)
    assert budget[1].steps_used - budget[0].steps_used > 9_000 // 60


def test_a_list_that_is_a_key_twice_counts_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    budget = budgets(monkeypatch)
    for line in ("x[key] = 1", "x[key] += 1"):
        run(f"x = torch.ones(1)\nkey = [0] * 9_000\n{line}", seconds=None)
    assert budget[1].steps_used > budget[0].steps_used + 9_000


def test_a_search_in_a_large_set_counts_as_several_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    budget = budgets(monkeypatch)
    for size in (9, 2_000):
        for many in (1, 101):
            run(f"s = set(range({size}))\nfor i in range({many}): i in s", seconds=None)
    small, small_many, large, large_many = (one.steps_used for one in budget)
    assert large_many - large > small_many - small + 500


def test_the_line_of_a_run_out_of_time_moves_with_the_program() -> None:
    message = Budget().timeout_message(3)
    error = LimitError(message, Span(3, 0, 3, 1), "x = 1\ny = 2\nz = 3")
    assert "at line 2:" in error.shift(-1).message
