"""Practice: a hundred questions of each kind, their answers held against torch."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from llm_linalg.lessons.files import curriculum_files
from llm_linalg.lessons.reader import catalog
from llm_linalg.questions.drawn import KINDS, WalkPlace, question_at
from llm_linalg.questions.guess import mistake_in
from llm_linalg.questions.practice import (
    COMES_BACK,
    HIGHEST_LEVEL,
    PROGRAMS,
    Practice,
    PracticeQuestion,
    draw_question,
    programs_of,
    programs_seen,
    sheet,
)
from tests.common import known
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
    """The cells that a choice names, such as `x[:, 1]`."""
    mask = torch.zeros(shape)
    where = "[...]" if words.startswith("all of ") else f"[{words.partition('[')[2]}"
    exec(f"mask{where} = 1", {"mask": mask})  # noqa: S102 - our own text
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
        terms = names["x"] * names["y"] if "y" in names else names["x"][index[0]]
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
    row = int(re.findall(r"`Y\[(\d+)\]`", drawn.question.ask.question)[0])
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
        assert practice.question.entry != missed.entry
        practice = practice.after(practice.question, right=True)
    assert practice.level > 1
    again = practice.question
    assert (again.entry, again.question.kind) == (missed.entry, missed.question.kind)
    assert again.text != missed.text  # with other numbers
    assert practice.question == again
    assert practice.after(again, right=True).missed == ()
    missed_twice = practice.after(again, right=False)
    assert [one for _, one in missed_twice.missed] == [again]


def test_four_that_are_missed_are_not_asked_in_a_ring_with_the_same_numbers() -> None:
    practice, asked = Practice(seed=5), []
    for _ in range(16):
        asked.append(practice.question)
        practice = practice.after(asked[-1], right=False)
    assert len({(one.program, one.question.ask.question) for one in asked}) == len(asked)


def is_trivial(drawn: PracticeQuestion) -> bool:
    """Whether a question can be answered without what it asks about, or right and wrong look alike."""
    choices, kind = drawn.question.ask.choices, drawn.question.kind
    if choices and len({*choices}) < max(len(choices), 3):
        return True
    if drawn.entry.topic is not None or kind in ("repair", "gradient"):
        return any(one.text == drawn.question.answer.text for one in drawn.question.mistakes)
    names = ran(drawn.program)
    result: Tensor = names["Y"]
    if (
        drawn.op in ("matmul", "linear", "T", "reshape")
        and result.dim() == 2
        and result.shape[0] == result.shape[1]
    ):
        return True
    if kind == "mask":
        return not 0 < drawn.question.answer.value < result.shape[1]
    if kind == "reads" and drawn.op in ("T", "reshape", "getitem") and drawn.question.cell is not None:
        return drawn.question.answer.text.endswith(f"[{', '.join(map(str, drawn.question.cell))}]")
    if kind == "shape":
        return any(result.shape == names[name].shape for name in ("x", "A", "Q") if name in names)
    if drawn.op == "argmax":
        row = names["x"][drawn.question.cell]
        return int((row == row.max()).sum()) > 1
    return drawn.op == "relu" and not bool((names["x"] < 0).any())


@pytest.mark.slow
def test_of_hundreds_of_questions_none_is_trivial() -> None:
    for seed in (1, 2, 3, 11, 14):
        asked = [*sheet(PROGRAMS, seed, len(PROGRAMS) + 2)]
        assert [one.question.ask for one in asked if is_trivial(one)] == []
        assert (
            len({(one.op, *one.entry.taught) for one in asked[: len(PROGRAMS)]}) > len(PROGRAMS) - 5
        )  # each has its turn
        for one in asked:
            assert one.question.why
            assert "{" not in one.question.ask.question + one.question.why
            names = {mistake.name for mistake in one.question.mistakes}
            assert len(names) == len(one.question.mistakes)


def test_the_table_names_what_is_there() -> None:
    slugs = {path.stem for path in curriculum_files()}
    for one in PROGRAMS:
        draws = (draw_question([one], 1, number, 2, one.kinds[0]) for number in range(1, 30))
        assert any(drawn.op == one.op for drawn in draws)
        assert one.lessons
        assert {*one.lessons} <= slugs
        for kind in one.kinds:
            assert draw_question([one], 1, 1, 2, kind).question.kind == kind
    taught = {(lesson.slug, stop.title) for lesson in catalog() for stop in lesson.stops}
    assert {one.taught for one in PROGRAMS} <= taught
    assert len({slug for one in PROGRAMS for slug in one.lessons}) >= 38
    assert {one.lessons[0] for one in programs_seen({("matmul", "Row by column")})} == {"matmul"}
    assert programs_seen({("matmul", "A wave")}) == ()
    with pytest.raises(LookupError):
        draw_question(programs_of(["nowhere"]), 0, 1, 1)


def test_each_number_at_a_place_asks_for_something_else_and_the_same_again() -> None:
    node = run("x = torch.arange(6.).reshape(2, 3)\nY = x @ x.T")["Y"]
    place = WalkPlace(node, "cells", 0)
    asked = [question_at(place, number) for number in (1, 2, 3, 4, 5, 1)]
    assert [one and one.kind for one in asked[:4]] == ["value", "reads", "sum", "shape"]
    assert asked[0] == asked[5]
    assert question_at(WalkPlace(node, "cells", 4), 1) is None
    assert question_at(WalkPlace(run("x = torch.ones(2)")["x"], "cells", 0), 1) is None


def numbers(text: str) -> list[float]:
    """The numbers of a text."""
    return [float(found) for found in re.findall(r"-?\d+(?:\.\d+)?", text)]


def slope(function: Callable[[Tensor], Tensor], at: Tensor, comes: Tensor | float = 1.0) -> Tensor:
    """The gradient by differences, in double precision."""
    at = at.double()
    steps = torch.eye(at.numel(), dtype=torch.float64).reshape(-1, *at.shape) * 1e-5
    return torch.stack([((function(at + h) - function(at - h)) * comes).sum() / 2e-5 for h in steps]).view(
        at.shape
    )


def degrees(names: dict[str, Any]) -> float:
    (a, b), (c, d) = names["q"].tolist(), names["k"].tolist()
    turn = abs(math.degrees(math.atan2(b, a) - math.atan2(d, c)))
    return min(turn, 360 - turn)


def heads_of(question: str) -> list[int]:
    features, heads, which, *_ = map(int, numbers(question))
    return [*range(features)][which * features // heads :][: features // heads]


def drawn_word(names: dict[str, Any], question: str) -> str:
    dart, ends = numbers(question)[-1], 0.0
    for word, chance in zip(names["words"], names["p"].tolist(), strict=True):
        ends += chance
        if dart < ends:
            return str(word)
    raise AssertionError


def product_of(names: dict[str, Any]) -> str:
    line = names["program"].split("Y = ")[1].split("\n")[0]
    known = {"X": names["X"].double()}
    wanted = slope(lambda W: eval(line, known | {"W": W}), names["W"], names["dY"].double())  # noqa: S307
    found = [text for text in ("X.T @ dY", "dY.T @ X", "dY @ X.T") if fits(text, names, wanted)]
    assert len(found) == 1
    return found[0]


def fits(text: str, names: dict[str, Any], wanted: Tensor) -> bool:
    try:
        return torch.allclose(eval(text, names).double(), wanted, atol=1e-4)  # noqa: S307 - our own text
    except RuntimeError:
        return False


def same_scores(question: str, choices: Sequence[str]) -> str:
    m, n = map(int, numbers(question)[1:3])
    (found,) = [pair for pair in choices if numbers(pair)[0] - numbers(pair)[1] == m - n]
    return found


ORACLES: dict[str, Callable[[dict[str, Any], str, Sequence[str]], object]] = {
    "way": lambda names, *_: [b - a for a, b in zip(names["a"].tolist(), names["b"].tolist(), strict=True)],
    "length": lambda names, *_: math.hypot(*names["a"].tolist()),
    "loss": lambda names, *_: sum(e * e for e in names["errors"].tolist()) / len(names["errors"]),
    "angle": lambda names, *_: round(degrees(names)),
    "sign": lambda names, *_: ("positive", "0", "negative")[
        (round(degrees(names)) >= 90) + (degrees(names) > 90.1)
    ],
    "multiplications": lambda _, question, __: math.prod([*map(int, {*numbers(question)})]),
    "weights": lambda names, *_: (names["layer"].in_features + 1) * names["layer"].out_features,
    "slope": lambda names, *_: slope(lambda w: (w * names["x"] - names["t"]) ** 2, names["w"]),
    "which product": lambda names, *_: product_of(names),
    "two ways": lambda names, *_: slope(lambda x: x + names["w"] * x, names["x"]),
    "through softmax": lambda names, *_: slope(
        lambda S: torch.softmax(S, 0), names["P"].double().log(), names["dP"].double()
    ),
    "logit gradient": lambda names, *_: slope(
        lambda z: F.cross_entropy(z, names["target"]), names["said"].double().log()
    ),
    "share": lambda names, question, _: (
        math.exp(names["z"][int(numbers(question)[-1])]) / sum(names["z"].exp().tolist())
    ),
    "surprise": lambda names, question, _: f"{-math.log(names['p'][int(numbers(question)[3])]):.2f}",
    "head": lambda _, question, __: heads_of(question),
    "variance": lambda names, *_: names["x"].square().mean() - names["x"].mean() ** 2,
    "spread": lambda _, question, __: math.sqrt(numbers(question)[1] / numbers(question)[0]),
    "dart": lambda names, question, _: drawn_word(names, question),
    "rotation": lambda _, question, choices: same_scores(question, choices),
    "growth": lambda _, question, __: numbers(question)[0] ** 2,
    "equal scores": lambda _, question, __: 1 / (numbers(question)[3] + 1),
    "bend": lambda _, question, __: -numbers(question)[1] / numbers(question)[0],
    "new weight": lambda _, question, __: numbers(question)[0] - numbers(question)[1] * numbers(question)[2],
}
"""The answers to topics, each found in another way than the topic does."""


@pytest.mark.parametrize("kind", [*ORACLES])
def test_the_answers_of_topics_are_found_in_another_way(kind: str) -> None:
    for number in range(1, 16):
        drawn = draw_question(PROGRAMS, 9, number, 1 + number % HIGHEST_LEVEL, kind)
        ask, answer = drawn.question.ask, drawn.question.answer
        names = ran(drawn.program, nn=torch.nn) | {"program": drawn.program}
        told = ORACLES[kind](names, ask.question, ask.choices)
        if isinstance(told, str):
            assert answer.text == told, drawn
        else:
            wanted = torch.as_tensor(answer.value, dtype=torch.float64)
            assert torch.allclose(torch.as_tensor(told, dtype=torch.float64), wanted, atol=1e-4), drawn


@pytest.mark.parametrize("kind", ["column", "query", "loss", "nearest"])
def test_what_is_right_never_looks_like_the_first_mistake(kind: str) -> None:
    for number in range(1, 16):
        drawn = draw_question(PROGRAMS, 9, number, 1 + number % HIGHEST_LEVEL, kind)
        assert drawn.question.mistakes[0].name == known(drawn.entry.topic).wrong[0][1], drawn
        if kind == "nearest":
            names = ran(drawn.program)
            second, first = torch.cosine_similarity(names["K"], names["q"]).sort()[0][-2:]
            assert first - second > 0.01, drawn


def test_a_mistake_is_called_by_its_name() -> None:
    drawn = draw_question(PROGRAMS, 1, 1, 1, "way")
    names = ran(drawn.program)
    back = str((names["a"] - names["b"]).tolist())
    assert mistake_in(back, drawn.question.mistakes) == "the way back"
    assert mistake_in(drawn.question.answer.text, drawn.question.mistakes) == ""
    typed = draw_question(PROGRAMS, 1, 1, 1, "length")
    squares = ran(typed.program)["a"].square().sum().item()
    assert mistake_in(f"{squares}", typed.question.mistakes) == "the square of the length"
    assert mistake_in("12345", typed.question.mistakes) == ""
