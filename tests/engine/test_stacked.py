"""What torch makes on the way, or Python, is counted before it is made, and so is what repairs try."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest
import torch

from llm_linalg import LimitError, ProgramError, ShapeError, run
from llm_linalg.foresight import unknown
from llm_linalg.language import source
from llm_linalg.language.allowance import ROOM
from llm_linalg.parsing import marks, misspelt, scanned_again
from tests.engine.doing import budgets, done
from tests.engine.stacked import LISTED, LOOKED_THROUGH, NAMED, REPAIRED, STACKED, UNUSUAL, WRITTEN
from tests.engine.uncommon import UNCOMMON


def test_a_product_whose_operands_would_be_copied_first_is_not_asked_for() -> None:
    with pytest.raises(ShapeError) as caught:
        run(STACKED[1])
    assert caught.value.detail in caught.value.message  # and none of torch's
    assert caught.value.axes


def test_what_torch_says_of_others_is_there() -> None:
    with pytest.raises(ShapeError) as caught:
        run("x = torch.ones(8, 128, 64) @ torch.ones(32, 64)")
    assert "mat1 and mat2" in caught.value.detail


@pytest.mark.parametrize("stack", [(3, 1), (1, 3)])
def test_attention_is_counted_for_each_matrix_of_its_stacks(
    stack: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = budgets(monkeypatch)
    for first, second in ((1, 1), stack, (3, 3)):
        query, key = f"torch.rand({first}, 1, 200, 2)", f"torch.rand(1, {second}, 200, 2)"
        run(f"y = F.scaled_dot_product_attention({query}, {key}, {key})")
    one, three, nine = [2**38 - budget.work for budget in made]
    assert three > 2.9 * one  # the operands are counted, too
    assert nine > 8.8 * one


@pytest.mark.parametrize("program", [*STACKED, *LISTED, *LOOKED_THROUGH, *NAMED, *UNUSUAL, *UNCOMMON])
def test_it_is_refused_before_much_is_done(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = budgets(monkeypatch)
    with pytest.raises(ProgramError):
        run(program)
    not_done = made[0].effort - made[0].settled  # of the call that is refused
    assert done(made[0]) - not_done <= 3 * ROOM


@pytest.mark.parametrize("program", REPAIRED)
def test_all_repairs_together_may_do_little(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = budgets(monkeypatch)
    with pytest.raises(ShapeError):
        run(program)
    assert made[0].trials > -ROOM


def test_few_repairs_take_little() -> None:
    with pytest.raises(ShapeError) as caught:
        run("x = torch.ones(64, 640)\nz = x @ torch.ones(64, 640)")
    assert len(caught.value.repairs) >= 2


@pytest.mark.parametrize("program", WRITTEN[:4])
def test_a_text_is_refused_before_it_is_parsed(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def parsed(_: str) -> ast.Module:
        raise AssertionError

    monkeypatch.setattr(source, "statements", parsed)
    with pytest.raises(LimitError):
        run(program)


def test_names_with_few_marks_are_names() -> None:
    assert marks("ab" * 100) == 0
    assert marks("a\u0301\u0316b\u0301") == 2
    assert run("x = 1\nprint('" + "a\u0301" * 500 + "')").printed
    with pytest.raises(LimitError, match="30 marks"):
        run("# a" + "\u0301" * 31)


def test_where_a_name_is_misspelt() -> None:
    assert misspelt("x = 1\ny = \ufb01 + x") == ("\ufb01", 2, 4)
    assert misspelt("x. \ufb01") == ("\ufb01", 1, 3)
    assert misspelt("# \ufb01\nx = '\ufb01'\né = 1") is None
    with pytest.raises(ProgramError) as caught:
        run("x = 1\ny = \ufb01 + x")
    assert (caught.value.line, caught.value.column) == (2, 4)


def test_few_braces_of_a_long_text_are_found_soon() -> None:
    assert not scanned_again("f'" + "a" * 5_000 + "{x}" * 500 + "'")


def test_a_list_of_lists_counts_each() -> None:
    assert run("x = torch.rand(200, 30).tolist()\nprint(len(x))").printed == "200\n"
    with pytest.raises(LimitError):
        run("x = torch.rand([3_000] + [1] * 20).tolist()")


@pytest.mark.parametrize("key", ["True", "False", "0, True"])
def test_a_key_of_truths_gives_what_torch_gives(key: str) -> None:
    x = torch.arange(6).view(2, 3)
    z = "z = torch.rand(2_000, 2_200)\n"  # so that it is rehearsed
    index = ast.literal_eval(key)
    assert run(f"{z}x = torch.arange(6).view(2, 3)\ny = x[{key}]")["y"].shape == tuple(x[index].shape)


def test_a_rehearsal_looks_through_a_long_list_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []

    def noted(value: object) -> Iterator[object]:
        looked.append(1)
        return parts(value)

    parts = unknown.parts
    monkeypatch.setattr(unknown, "parts", noted)
    with pytest.raises(LimitError):
        run(LOOKED_THROUGH[0])
    assert len(looked) <= 20


def test_how_long_a_list_is_is_no_going_through_it() -> None:
    assert run("xs = list(range(99_999))\nfor i in range(500): n = len(xs)\nprint(n)").printed == "99999\n"
    counted = "def f(a): return 1\nxs = list(range(99_999))\nfor i in range(500): n = f(xs)\nprint(n)"
    assert run(counted).printed == "1\n"
