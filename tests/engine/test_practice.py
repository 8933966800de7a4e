"""Practice: a hundred questions of each kind, their answers held against torch."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from llm_linalg.lessons.files import curriculum_files
from llm_linalg.questions.drawn import KINDS, WalkPlace, question_at
from llm_linalg.questions.practice import (
    COMES_BACK,
    HIGHEST_LEVEL,
    PROGRAMS,
    Practice,
    PracticeQuestion,
    draw_question,
    programs_of,
    sheet,
)
from tests.engine.here import run

MANY = 100


def ran(program: str, **given: Any) -> dict[str, Any]:
    """The names after a program, run by Python and torch; names that are given keep their value."""
    names: dict[str, Any] = {"torch": torch, "F": F, "math": math, **given}
    lines = [line for line in program.split("\n") if line.split(" = ")[0] not in given]
    exec("\n".join(lines), names)  # noqa: S102 - our own text
    return names


def reading(drawn: PracticeQuestion, name: str) -> set[tuple[int, ...]]:
    """The cells of a tensor without which `Y` can't be told: those whose NaN reaches the cell."""
    whole: Tensor = ran(drawn.program)[name]
    found = set()
    for cell in torch.ones_like(whole).nonzero().tolist():
        broken = whole.clone().float()
        broken[tuple(cell)] = math.nan
        if ran(drawn.program, **{name: broken})["Y"][drawn.question.cell].isnan():
            found.add(tuple(cell))
    return found


def region(words: str, shape: torch.Size) -> set[tuple[int, ...]]:
    """The cells that a choice names."""
    mask = torch.zeros(shape)
    numbers = tuple(map(int, re.findall("[0-9]+", words)))
    if words.startswith("all"):
        mask[:] = 1
    elif words.startswith("column"):
        mask[:, numbers[0]] = 1
    else:
        mask[numbers] = 1
    return {tuple(cell) for cell in mask.nonzero().tolist()}


def first_terms(drawn: PracticeQuestion, count: int) -> float:
    """The sum of the first terms of a cell of `Y`, by torch."""
    names, index = ran(drawn.program), drawn.question.cell or ()
    if "Q" in names:
        terms = names["Q"][index[0], index[1]] * names["K"][index[0], index[2]]
    elif "b" in names:
        terms = names["x"][index[0]] * names["A"][index[1]]
    elif "A" in names:
        terms = names["A"][index[0]] * names["x"]
    elif "W" in names:
        terms = names["x"][index[0]] * (names["W"].T if "W.T" in drawn.program else names["W"])[:, index[1]]
    else:
        terms = names["x"] * names["y"] if "y" in names else names["x"][:, index[0]]
    return float(terms[:count].sum())


def gives_repair(drawn: PracticeQuestion) -> bool:
    wanted = re.findall(r"gives shape \((\d+), (\d+)\)", drawn.question.ask.question)[0]
    names = ran(drawn.program.rpartition("\n")[0])
    right = []
    for choice in drawn.question.ask.choices:
        try:
            made = eval(choice, names)  # noqa: S307 - our own text
        except RuntimeError:
            continue
        right += [choice] if tuple(made.shape) == tuple(map(int, wanted)) else []
    return right == [drawn.question.answer.text]


def gives_gradient(drawn: PracticeQuestion) -> bool:
    name = drawn.node.removeprefix("d")
    leaf: Tensor = ran(drawn.program)[name].requires_grad_()
    ran(drawn.program, **{name: leaf})["loss"].backward()
    assert leaf.grad is not None
    return bool(leaf.grad[drawn.question.cell] == drawn.question.answer.value)


def gives_mask(drawn: PracticeQuestion) -> bool:
    row = int(drawn.question.ask.question.split("row ")[1].split()[0])
    size = len(ran(drawn.program)["Y"])
    sevens = torch.full((size, size), 7.0)
    made = ran(drawn.program, x=sevens, S=sevens)["Y"]
    return bool(int((made[row] != 7).sum()) == drawn.question.answer.value)


def gives_reads(drawn: PracticeQuestion) -> bool:
    name, right = drawn.question.ask.question.split("`")[1], drawn.question.answer.text
    whole = ran(drawn.program).get(name)
    if whole is None or not whole.is_floating_point() or drawn.op == "argmax":
        return True  # a tensor without a name, or one through which no NaN passes
    named = {choice: region(choice, whole.shape) for choice in drawn.question.ask.choices}
    return [choice for choice in named if named[choice] == reading(drawn, name)] == [right]


def gives_sum(drawn: PracticeQuestion) -> bool:
    count = int(drawn.question.ask.question.split("first ")[1].rstrip("?"))
    return math.isclose(first_terms(drawn, count), drawn.question.answer.value, abs_tol=1e-6)


GIVES: dict[str, Callable[[PracticeQuestion], bool]] = {
    "repair": gives_repair,
    "gradient": gives_gradient,
    "mask": gives_mask,
    "reads": gives_reads,
    "sum": gives_sum,
    "shape": lambda drawn: bool(ran(drawn.program)["Y"].shape == drawn.question.answer.value),
    "value": lambda drawn: math.isclose(
        ran(drawn.program)["Y"][drawn.question.cell].item(), drawn.question.answer.value, abs_tol=1e-6
    ),
}


@pytest.mark.parametrize("kind", [*KINDS, "gradient", "repair"])
def test_torch_gives_the_answers_of_a_hundred_questions(kind: str) -> None:
    for number in range(1, MANY + 1):
        drawn = draw_question(PROGRAMS, 7, number, 1 + number % HIGHEST_LEVEL, kind)
        choices, answer = drawn.question.ask.choices, drawn.question.answer
        assert drawn.question.kind == kind
        assert GIVES[kind](drawn), drawn
        if choices:
            assert choices[answer.choice or 0] == answer.text
            assert [answer.accepts(str(k)) for k in range(1, len(choices) + 1)].count(True) == 1
        else:
            assert answer.accepts(answer.text)
            assert not answer.accepts("(999, 2)" if kind == "shape" else "12345")


def test_one_seed_gives_one_sheet_which_becomes_harder() -> None:
    first, again, other = ([*sheet(PROGRAMS, seed, 10)] for seed in (3, 3, 4))
    assert first == again
    assert first != other
    assert [one.level for one in first] == sorted(one.level for one in first)
    assert first[-1].level == HIGHEST_LEVEL


def test_right_answers_make_it_harder_and_what_was_missed_comes_back() -> None:
    practice = Practice(seed=2)
    missed = practice.question
    practice = practice.after(missed, right=False)
    for _ in range(COMES_BACK):
        assert practice.question != missed
        practice = practice.after(practice.question, right=True)
    assert practice.level > 1
    assert practice.question == missed
    practice = practice.after(missed, right=True)
    assert practice.missed == ()


def test_the_table_names_what_is_there() -> None:
    slugs = {path.stem for path in curriculum_files()}
    for one in PROGRAMS:
        draws = (draw_question([one], 1, number, 2, one.kinds[0]) for number in range(1, 30))
        assert any(drawn.op == one.op for drawn in draws)
        assert one.lessons
        assert set(one.lessons) - slugs <= {"softmax", "descent", "position"}
        for kind in one.kinds:
            assert draw_question([one], 1, 1, 2, kind).question.kind == kind
    assert {one.part for one in PROGRAMS} == set(range(1, 9))
    assert all(programs_of(lesson=slug) for slug in ("matmul", "causal", "transpose"))
    with pytest.raises(LookupError):
        draw_question(programs_of(lesson="nowhere"), 0, 1, 1)


def test_each_number_at_a_place_asks_for_something_else_and_the_same_again() -> None:
    node = run("x = torch.arange(6.).reshape(2, 3)\nY = x @ x.T")["Y"]
    place = WalkPlace(node, "cells", 0)
    asked = [question_at(place, number) for number in (1, 2, 3, 4, 5, 1)]
    assert [one and one.kind for one in asked[:4]] == ["value", "reads", "sum", "shape"]
    assert asked[0] == asked[5]
    assert question_at(WalkPlace(node, "cells", 4), 1) is None
    assert question_at(WalkPlace(run("x = torch.ones(2)")["x"], "cells", 0), 1) is None
