"""What only the run can know is refused soon; what fits at most may take its whole budget."""

from __future__ import annotations

from contextlib import suppress

import pytest

from llm_linalg import LimitError, OpenEndedError, run
from llm_linalg.foresight import Rehearsal, Start
from llm_linalg.language.allowance import ROOM, UNKNOWN
from llm_linalg.language.budget import Budget
from llm_linalg.language.source import Source
from tests.engine.after_much import AFTER_MUCH, PICKED
from tests.engine.counting import at_most
from tests.engine.doing import budgets, done
from tests.engine.fitting import FITTING
from tests.engine.open_ended import OPEN_ENDED

CALLS = 900_000  # of Python's: a tenth of a second's worth of them
BEFORE = 30_000  # steps and effort of a program before it turns out to be large


@pytest.mark.parametrize("program", OPEN_ENDED.values(), ids=list(OPEN_ENDED))
def test_a_program_that_may_never_end_is_refused_before_it_did_much(
    program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = budgets(monkeypatch)
    with at_most(CALLS), pytest.raises(LimitError) as refused:
        run(program)
    assert "\n" not in refused.value.message
    assert refused.value.span is not None
    assert done(made[0]) <= ROOM + ROOM // 3 + BEFORE  # of some that is known first, or a long rehearsal


@pytest.mark.parametrize("program", AFTER_MUCH.values(), ids=list(AFTER_MUCH))
def test_what_may_be_much_is_refused_before_much_that_is_known(
    program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = budgets(monkeypatch)
    with at_most(CALLS), pytest.raises(LimitError):
        run(program)
    assert done(made[0]) <= ROOM + ROOM // 3 + BEFORE  # some of them are told, and do more


@pytest.mark.parametrize("program", PICKED.values(), ids=list(PICKED))
def test_a_list_of_what_values_pick_is_refused_before_there_are_any(program: str) -> None:
    with pytest.raises(OpenEndedError) as refused:
        run(program)
    assert refused.value.span is not None
    assert refused.value.span.line == 1
    assert refused.value.trace is not None
    assert not refused.value.trace.nodes


@pytest.mark.parametrize("program", FITTING.values(), ids=list(FITTING))
def test_a_program_that_fits_is_not_refused(program: str) -> None:
    run(program)


def test_some_that_fit_do_more_than_one_may_that_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    made = budgets(monkeypatch)
    for program in FITTING.values():
        run(program)
    assert sum(done(budget) > ROOM + BEFORE for budget in made) >= 3


def test_the_error_says_why_and_what_to_do() -> None:
    with pytest.raises(OpenEndedError) as refused:
        run(next(iter(OPEN_ENDED.values())))
    assert refused.value.message == UNKNOWN


ENDS_EARLY = (
    "x = torch.zeros(2)\nfor i in range(20000):\n    if x.sum() > 2500:\n        break\n    x = x + 1"
)


@pytest.mark.parametrize("ranks", [0, 2])
def test_with_patience_it_runs_on(ranks: int) -> None:
    with pytest.raises(OpenEndedError):
        run(ENDS_EARLY, ranks=ranks)
    assert run(ENDS_EARLY, ranks=ranks, patient=True)["x"].value.tolist() == [1251.0, 1251.0]


def test_patience_ends_with_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    made = budgets(monkeypatch)
    with pytest.raises(LimitError, match="makes more than 5,000 tensors") as refused:
        run(ENDS_EARLY.replace("2500", "40000"), patient=True)
    assert not isinstance(refused.value, OpenEndedError)
    assert done(made[0]) > ROOM + BEFORE


def test_patience_changes_nothing_where_it_can_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    made = budgets(monkeypatch)
    with pytest.raises(LimitError):
        run("x = torch.zeros(2)\nfor i in range(20000):\n    x = x + 1", patient=True)
    assert done(made[0]) <= ROOM


def test_what_fits_at_most_takes_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call of which nobody knows the shape counts as a tensor, and no more: a tenth more is let pass."""
    told = 0
    made = budgets(monkeypatch)
    for program in FITTING.values():
        source = Source(program)
        rehearsal = Rehearsal(source, lambda: False, dearest=True)
        with suppress(LimitError):
            rehearsal.refuse(Start(source.tree.body, [({}, {})], Budget().left))
        if rehearsal.told_all:  # of another, all is known only once the run is there, or never
            told += 1
            run(program)
            taken = Budget().tensors - made[-1].tensors
            assert taken <= 1.1 * (Budget().tensors - rehearsal.budget.left.tensors)
    assert told >= len(FITTING) // 2


def test_a_known_loop_that_others_call_is_not_let_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """A function that is called without end turns a loop of which all is known, in each of its calls."""
    made = budgets(monkeypatch)
    turns = "def g(x):\n    for i in range(50):\n        x = x + 1\n    return x\n"
    calls = "x = torch.ones(2)\nys = [g(x) for i in range(9000) if x.sum() > 0]"
    with pytest.raises(LimitError):
        run(turns + calls)
    assert done(made[0]) <= ROOM + BEFORE


LEFT_OPEN = "x = torch.ones(3)\ndef f(n):\n    for k in range(n):\n        y = x + k\nf(int(x.sum()))\n"


@pytest.mark.parametrize("begins", ["", "for j in range(3):\n    y = x + 1\n"])
def test_a_program_is_let_free_once_all_that_is_left_is_known(
    begins: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = budgets(monkeypatch)
    run(begins.replace("x", "torch.ones(3)") + LEFT_OPEN + "for i in range(4000):\n    y = x * i")
    assert done(made[0]) > ROOM + ROOM // 3 + BEFORE


def test_it_is_not_while_something_that_is_left_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    made = budgets(monkeypatch)
    known = "for i in range(4000):\n    y = x * i\n"
    with pytest.raises(LimitError) as refused:
        run("x = torch.ones(3)\n" + known + LEFT_OPEN)
    assert refused.value.message == UNKNOWN
    assert done(made[0]) <= ROOM + BEFORE


def test_a_program_that_does_more_than_was_told_may_do_little_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each item makes the list longer by another thousand, where the longest that is known has two."""
    made = budgets(monkeypatch)
    program = "x = torch.ones(3)\nq = [0, 0]\nfor i in range(12):\n    y = x + i\n    q = f(q)\n"
    longer = "def f(q):\n    if x[0] > 0:\n        return q * 2\n    return q\n"
    with pytest.raises(LimitError):
        run(longer + program + "for i in range(4000):\n    y = x + 1\n    s = q == q")
    assert done(made[0]) <= ROOM + BEFORE


def test_each_cell_of_a_notebook_may_do_as_much(monkeypatch: pytest.MonkeyPatch) -> None:
    made = budgets(monkeypatch)
    cell = "for i in range(20000):\n    if x.sum() > {}:\n        break\n    x = x + 1"
    text = "\n".join(["x = torch.ones(2)", *[cell.format(sum_) for sum_ in (600, 1200, 1800)]])
    trace = run(text, cells=[1, 2, 6, 10])
    assert not trace.refused
    assert trace["x"].value.sum() > 1800
    assert done(made[0]) > ROOM + BEFORE


@pytest.mark.parametrize("program", list(OPEN_ENDED.values())[:12])
def test_cells_that_ask_for_too_much_leave_room_for_others(
    program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = budgets(monkeypatch)
    cell = program.strip("\n") + "\n"
    starts = [1 + turn * cell.count("\n") for turn in range(51)]
    trace = run(f"{cell * 50}y = torch.ones(2)\nfor i in range(20):\n    y = y * 1", cells=starts)
    assert len(trace.refused) == 50
    assert trace["y"].value.tolist() == [1.0, 1.0]
    assert done(made[0]) <= 10 * ROOM
