"""Guesses and exercises: torch says what is right, whatever is drawn, and a hostile answer is only wrong."""

from __future__ import annotations

from dataclasses import replace
from itertools import cycle
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from llm_linalg.api.room_program import RoomProgram
from llm_linalg.base.errors import HaltedError, ProgramError, RoomError
from llm_linalg.base.text import clean
from llm_linalg.lessons import check
from llm_linalg.lessons.answers import judge, trials
from llm_linalg.lessons.reader import parse
from llm_linalg.questions import guess, mistakes
from llm_linalg.questions.changed_program import changed_program
from llm_linalg.questions.guess import RightAnswer, literal
from llm_linalg.questions.judge import FIRST, Judge, Trial
from llm_linalg.questions.program_state import state_after
from llm_linalg.questions.question import Ask, Exercise, FenceLine, WrongAnswer
from llm_linalg.questions.value import difference, value_text
from llm_linalg.questions.verdict import Verdict

FRONT = '+++\ntitle = "A"\n[controls.n]\nrange = [2, 5]\ndefault = 3\n+++\n'

SIZES = st.integers(2, 4)


def judge_of(solution: str, program: str, vary: tuple[str, ...] = (), **more: object) -> Judge:
    exercise = Exercise(clean("What?"), answers=(FenceLine(solution),), vary=tuple(map(FenceLine, vary)))
    others = tuple(Trial(0, {}, line, line) for line in vary)
    tried = (FIRST, Trial(1, {}, words="seed 1"), Trial(2, {}, words="seed 2"), *others)
    return Judge(program, exercise._replace(**more), tried, own=True)  # type: ignore[arg-type]


def drawn_program(m: int, k: int, n: int) -> str:
    return f"A = torch.randn({m}, {k})\nB = torch.randn({k}, {n})\nx = torch.randn({k})\nwords = [1, 2]"


SOLUTIONS = ("A @ B", "A.sum(dim=1)", "A * x", "torch.softmax(A, dim=-1)", "(A @ B).T / 4 ** 0.5")


HOSTILE = (
    "open('mine', 'w')",
    "__import__('os')._exit(0)",
    "[0] * 10**12",
    "(_ for _ in ()).throw(KeyboardInterrupt)",
)


@settings(max_examples=4)
@given(SIZES, SIZES, SIZES, st.sampled_from(SOLUTIONS))
def test_a_solution_is_right_and_what_differs_from_it_is_told(m: int, k: int, n: int, solution: str) -> None:
    here = judge_of(solution, drawn_program(m, k, n))
    assert here.verdict(solution).right
    wrong = here.verdict(f"({solution}) * 2.5")
    assert (wrong.right, wrong.mistake) == (
        False,
        mistakes.SCALE if "1:" not in solution or k > 2 else wrong.mistake,
    )
    with state_after(here.program) as left:
        asked = left.value(solution)
        assert wrong.asked == clean(value_text(asked), None)
        assert wrong.got == clean(value_text(2.5 * asked), None)
    assert here.verdict(f"-({solution})").mistake == mistakes.SIGN
    assert here.verdict(f"({solution}) + 1").mistake == mistakes.OFF_BY_ONE
    if m != n and solution == "A @ B":
        turned = here.verdict("(A @ B).T")
        assert turned.mistake == mistakes.TRANSPOSED
        assert turned.difference is not None
        assert (turned.difference.got, turned.difference.asked, turned.difference.axes) == (
            (n, m),
            (m, n),
            (0, 1),
        )


@pytest.mark.parametrize(
    ("solution", "answer", "name"),
    [
        ("A.sum(dim=1)", "A.sum(dim=0)", mistakes.AXIS),
        ("A.sum(dim=1)", "A.sum()", mistakes.AXIS),
        ("torch.softmax(A, dim=-1)", "torch.softmax(A, dim=0)", mistakes.AXIS),
        ("A - A.mean(dim=1, keepdim=True)", "A - A.mean(dim=0)", mistakes.AXIS),
        ("A.mean(dim=1, keepdim=True)", "A.mean(dim=1)", mistakes.LOST_AXIS),
        ("A @ A.T", "A @ A", mistakes.TRANSPOSED),
        ("x @ A", "x - A @ x - x", ""),
        ("A @ A.T / 3 ** 0.5", "A @ A.T / 3", mistakes.SCALE),
        ("torch.softmax(A / 3 ** 0.5, 0)", "torch.softmax(A / 3, 0)", mistakes.FACTOR),
        ("A[1]", "A[2]", mistakes.PLACE),
        ("torch.triu(A, 1)", "torch.triu(A)", ""),
        ("torch.triu(A, 1)", "torch.triu(A, 0)", mistakes.PLACE),
        ("A.cumsum(0)", "A.cumsum(0).roll(1, 0)", mistakes.SHIFTED),
        ("A[0] - A[2]", "A[2] - A[0]", mistakes.SIGN),
        ("A[0] / A[2]", "A[2] / A[0]", mistakes.ORDER),
        ("A.sum()", "A.mean()", mistakes.SCALE),
        ("A.sum() / 3", "A.sum() / 4", mistakes.SCALE),
        ("A @ A + A", "A @ A + 2 * A", mistakes.FACTOR),
        ("A.numel() + A.sum()", "A.sum() + 1 + A.numel()", mistakes.OFF_BY_ONE),
    ],
)
def test_known_mistakes_are_named(solution: str, answer: str, name: str) -> None:
    here = judge_of(solution, "A = torch.randn(3, 3) + torch.arange(9).view(3, 3)\nx = torch.randn(3)")
    verdict = here.verdict(answer)
    assert (verdict.right, verdict.mistake) == (False, name)
    if name:
        assert verdict.lines[0] == f"Not yet: {name}."


def test_a_number_that_is_typed_in_is_right_here_and_not_for_other_data() -> None:
    here = judge_of("torch.tensor(1.0) * x.sum()", "x = torch.tensor([1.0, 2])", ("x = torch.randn(5)",))
    for typed in ("torch.tensor(3.0)", "3", "3.0", "1 + 2", "x[0] + x[1]"):
        verdict = replace(here, holds_for="any x").verdict(typed)
        assert (verdict.right, verdict.is_general, verdict.is_whole) == (True, False, False)
        assert verdict.lines == ("Right here.", "Can you write it for any x?")
    assert here.verdict("2.9").lines == ("Not yet.", "It gave: 2.9")


@settings(max_examples=10)
@given(st.integers(0, 1000), st.integers(2, 4))
def test_a_number_is_right_as_the_screen_rounds_it(seed: int, digits: int) -> None:
    torch.manual_seed(seed)
    drawn = torch.randn(4) + 3
    here = judge_of("x * 1", f"x = torch.tensor({drawn.tolist()})", ("x = torch.randn(4)",))
    texts = [f"{one:.{digits}f}" for one in drawn.tolist()]
    off = [f"{one * 1.07:.{digits}f}" for one in drawn.tolist()]
    for written in ("[{}]", "({})", "{}", "torch.tensor([{}])"):
        assert here.verdict(written.format(", ".join(texts))).right
        assert not here.verdict(written.format(", ".join([*texts[:3], off[3]]))).right
    assert here.verdict(" ".join(texts)).right


def test_whole_numbers_are_exact() -> None:
    here = judge_of("x.numel()", "x = torch.ones(200)")
    assert [here.verdict(text).right for text in ("200", "2e2", "20 * 10", "200.4", "199")] == [True] * 3 + [
        False
    ] * 2


def test_what_is_reckoned_may_be_off_as_its_numbers_are() -> None:
    here = judge_of("-torch.log(x)", "x = torch.tensor(0.5154)")
    for text in ("0.66", "0.6628", "-math.log(0.52)", "-math.log(0.5154)", "-torch.log(torch.tensor(0.52))"):
        assert here.verdict(text).right, text
    assert not here.verdict("-math.log(0.55)").right
    assert not here.verdict("0.69").right


FORMS = (
    "A[0]", "A[0].tolist()", "[A[0, 0], A[0, 1], A[0, 2]]", "(A[0, 0], A[0, 1], A[0, 2].item())",
    "torch.stack([one for one in A[0]])", "A[0].double()", "row = A[0]", "A[0].requires_grad_()",
)  # fmt: skip


def test_every_form_of_the_right_value_is_right() -> None:
    here = judge_of("A[0]", "A = torch.randn(3, 3)")
    for text in FORMS:
        assert here.verdict(text).is_whole, text
    square = judge_of("A @ A", "A = torch.randn(2, 2)")
    assert square.verdict("[[a @ b for b in A.T] for a in A]").is_whole
    assert square.verdict("A @= A").is_whole
    single = judge_of("A.sum()", "A = torch.randn(3, 3)")
    for text in ("A.sum()", "A.sum().item()", "sum(A.flatten().tolist())"):
        assert single.verdict(text).is_whole, text
    first = single.verdict("[A.sum()]").lines[0]
    assert first.startswith("Not yet. The numbers are right, the form is not: it is of shape (1,), and")


def test_a_shape_and_a_text_have_several_forms_too() -> None:
    shape = judge_of("A.shape", "A = torch.randn(2, 3)")
    for text in ("A.shape", "(2, 3)", "2, 3", "[2, 3]", "2 3", "torch.Size([2, 3])", "torch.tensor([2, 3])"):
        assert shape.verdict(text).right, text
    for text in ("(3, 2)", "6", "A", "2", "'2, 3'"):
        assert not shape.verdict(text).right, text
    word = judge_of("words[1]", 'words = ["the", "dog"]\nthe = 1')
    for text in ("dog", "'dog'", '"dog"', " dog ", "words[-1]"):
        assert word.verdict(text).right, text
    for text in ("cat", "the", "1", "dogs", "words"):
        assert not word.verdict(text).right, text


def test_all_names_follow_what_is_changed() -> None:
    program = "A = torch.ones(2)\nB = A * 3\ntotal = A + B\nlist_of = [A]"
    here = judge_of("(A + B) / 2", program, ("A = torch.randn(2)", "B = torch.randn(2)"))
    assert here.verdict("total / 2").is_whole
    assert here.verdict("2 * A").lines[0] == "Right here."
    assert here.verdict("torch.tensor([2.0, 2])").lines[0] == "Right here."


@given(st.lists(st.sampled_from("abcn"), min_size=1, max_size=6), st.sampled_from("abcnz"))
def test_a_change_stands_below_what_it_replaces(names: list[str], name: str) -> None:
    lines = [f"{own} = {place}" for place, own in enumerate(names)]
    program, cells = changed_program("\n".join(lines), f"{name} = -1", range(1, len(lines) + 1), ("n",))
    now = program.split("\n")
    at = now.index(f"{name} = -1")
    assert [line for line in now if line != f"{name} = -1"] == lines
    assert not any(line.startswith(f"{name} = ") for line in now[at + 1 :])
    if name in names:
        assert now[at - 1].startswith(f"{name} = ")
    else:
        assert at == (0 if name == "n" else len(lines))
    assert [now[start - 1] for start in cells] == lines


def test_what_a_name_is_bound_by_is_found_wherever_it_is() -> None:
    loop, block = "for k in [1]:\n    a = k", "with torch.no_grad():\n    b, c = a, 2"
    program = f"{loop}\n{block}\ndef f(d):\n    a = d\nz = [a for a in [1]]"
    for name, line in {"a": 3, "c": 5, "f": 7, "d": 8}.items():
        changed, _ = changed_program(program, f"{name}[0] = 9")
        assert changed.split("\n")[line - 1] == f"{name}[0] = 9"


def test_a_process_that_is_gone_is_replaced_and_no_verdict_is_made_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked, lost = RoomProgram.asked, [True, False]

    def ask(self: RoomProgram, *more: Any) -> Any:
        if lost and lost.pop():
            raise RoomError("the room is gone")
        return asked(self, *more)

    here = judge_of("x.sum()", "x = torch.tensor([1.0, 2])", ("x = torch.randn(5)",))
    monkeypatch.setattr(RoomProgram, "asked", ask)
    assert here.verdict("sum(x)").is_whole
    lost += [True, True, True, True, False]  # each of its tries, when it is tried with other data
    with pytest.raises(RoomError, match="can't be tried with other data"):
        here.verdict("sum(x)")


@pytest.mark.parametrize(
    ("times", "words"),
    [(1, "are the same in every trial"), (2, 'the wrong answer "x[-1]": no answer in time')],
)
def test_a_wrong_answer_that_had_no_time_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, times: int, words: str
) -> None:
    asked, left = RoomProgram.asked, [times]

    def ask(self: RoomProgram, request: dict[str, Any], *more: Any) -> Any:
        if request.get("ask") == "x[-1]" and left[0]:
            left[0] -= 1
            raise RoomError("no answer in time")
        return asked(self, request, *more)

    monkeypatch.setattr(RoomProgram, "asked", ask)
    lines = [SOLVED, "vary: n", "wrong: x.max() # one", "wrong: x[-1] # two"]
    [(line, reason)] = problems(f"{PROGRAM}```exercise\nWhat?\n" + "\n".join(["", *lines]) + "\n```\n")
    assert line == 11
    assert words in reason


def test_space_around_an_answer_means_nothing() -> None:
    here = judge_of("x.sum()", "x = torch.tensor([1.0, 2])")
    assert here.verdict("\n\tx.sum()  \n").right
    assert here.verdict(" 5").lines == ("Not yet.", "It gave: 5")


def test_a_mistake_that_the_author_named_comes_first() -> None:
    wrong = (WrongAnswer("A.T", clean("turned over")),)
    assert judge_of("A", "A = torch.randn(2, 3)", wrong=wrong).verdict("A.T + 0").mistake == "turned over"


def test_an_answer_changes_nothing_that_it_is_compared_with() -> None:
    program = "xs = [3, 4]\nlayer = nn.Linear(2, 2)"
    exercise = Exercise(clean("What?"), FenceLine("answer == xs[0]"))
    here = Judge(program, exercise, (FIRST,))
    assert here.verdict("[xs.pop(0), 3][1]").right
    assert not here.verdict("[xs.pop(0), 4][1]").right


def test_what_is_barred_is_what_was_called_and_read() -> None:
    here = judge_of("A.norm()", "A = torch.randn(2, 3)\nB = A * 1", barred=("norm", "B"))
    for answer in (
        "A.norm()",
        "torch.linalg.norm(A)",
        "torch.linalg.vector_norm(A)",
        "getattr(A, 'no' + 'rm')()",
    ):
        verdict = here.verdict(answer)
        assert not verdict.right
        assert verdict.lines[0].startswith("Not yet. The value is right, but without norm, please: it does")
    for answer in ("B", "(B * B).sum() ** 0.5", "[B for A in [1]][0]", "(lambda: B)()"):
        verdict = here.verdict(answer)
        assert not verdict.right
        assert "ithout B, please: it holds the answer, or a step on the way there." in verdict.lines[0]
    assert here.verdict("(A * A).sum() ** 0.5").right
    assert here.verdict("[(B * B).sum() ** 0.5 for B in [A]][0]").right


@pytest.mark.parametrize("answer", HOSTILE)
def test_a_hostile_answer_is_wrong_and_does_nothing(answer: str) -> None:
    here = Judge("x = torch.ones(2)", Exercise(clean("?"), FenceLine("answer is None and False")), (FIRST,))
    before = torch.get_rng_state()
    verdict = here.verdict(answer)
    assert not verdict.right
    assert all(line.isprintable() for line in verdict.lines)
    assert len(verdict.lines) <= 5
    assert torch.equal(before, torch.get_rng_state())


HOSTILE_VALUES = (
    "10 ** 30", "[[[[[[[1]]]]]]]", "[0] * 100000", "torch.ones(0, 3)", "torch.ones(3, dtype=torch.complex64)",
    "nn.Linear(2, 2)", "'\\x1b[31m'", "float('nan')", "torch.full((2,), math.inf)", "{1: 2}", "{'a': x}", "f",
    "torch.ones(2000, 2000)", "f(xs)", "torch.ones(2, dtype=torch.bool)", "set([1])", "x.shape",
    "torch.float32", "print", "range(9)",
)  # fmt: skip


CHECKS = ("answer == 1", "torch.allclose(answer, x)", "answer[0][0] > x", "answer")


@pytest.mark.parametrize(("answer", "check"), [*zip(HOSTILE_VALUES, cycle(CHECKS), strict=False)])
def test_any_value_can_be_compared(answer: str, check: str) -> None:
    program = "x = torch.randn(2)\nxs = [1]\nxs.append(xs)\ndef f(a):\n    return a\n"
    exercise = Exercise(
        clean("?"), FenceLine(check), answers=(FenceLine("x"),), wrong=(WrongAnswer("xs", clean("a")),)
    )
    verdict = Judge(program, exercise, (FIRST, Trial(1))).verdict(answer)
    assert isinstance(verdict, Verdict)
    assert all(line.isprintable() and len(line) < 1_100 for line in verdict.lines)


def test_a_judge_is_stopped_from_outside() -> None:
    here = Judge("x = torch.ones(2)", Exercise(clean("?"), FenceLine("answer")), (FIRST,), halt=lambda: True)
    with pytest.raises(HaltedError):
        here.verdict("x")


@given(SIZES, SIZES, st.sets(st.integers(0, 15), min_size=1))
def test_the_cells_that_differ_are_those_that_were_changed(m: int, n: int, places: set[int]) -> None:
    asked = torch.arange(m * n).reshape(m, n).double()
    changed = sorted({place % (m * n) for place in places})
    got = asked.clone()
    got.view(-1)[changed] += 0.5
    found = difference(got, asked)
    assert found.cells == tuple((place // n, place % n) for place in changed)
    assert found.total == len(changed)
    assert difference(asked, asked.clone()).words == ""


def test_a_mistake_that_is_explained_is_a_sentence_of_its_own() -> None:
    assert Verdict(False, mistake=clean("one too few")).lines[0] == "Not yet: one too few."
    assert Verdict(False, mistake=clean("off by one: a row")).lines[0] == "Not yet. Off by one: a row."


def test_a_mistake_that_gives_no_value_has_its_name_too() -> None:
    exercise = Exercise(
        clean("?"), FenceLine("answer == 1"), wrong=(WrongAnswer("W + U", clean("added, not in turn")),)
    )
    here = Judge("W, U = torch.ones(2, 4), torch.ones(4, 2)", exercise, (FIRST,))
    verdict = here.verdict("W+U")
    assert verdict.error is not None
    assert verdict.lines[0] == "Not yet: added, not in turn."
    assert "has size 4" in verdict.lines[1]
    assert "has size 4" in here.verdict("W - U").lines[0]


def test_a_mistake_has_its_name_only_where_it_is_made_in_every_trial() -> None:
    wrong = (WrongAnswer("A.T", clean("turned over")), WrongAnswer("A[0] * 0", clean("nothing")))
    here = judge_of("A", "A = torch.eye(2) + 1\nA[0, 1] = 7", ("A = torch.randn(2, 2)",), wrong=wrong)
    assert here.verdict("A.mT").mistake == "turned over"
    typed = here.verdict("torch.tensor([[2.0, 1], [7, 2]])")
    assert (typed.mistake, typed.lines[0]) == ("", "Not yet: 2 of 4 cells differ, at [0, 1], [1, 0].")
    seven = here.verdict("A + 1 - torch.tensor([[1.0, 7], [-5, 1]])")  # the same value, made otherwise
    assert seven.mistake == ""


def test_off_by_one_is_an_index_or_a_number_and_no_divisor() -> None:
    here = judge_of("A[2] / 5", "A = torch.randn(5, 3)")
    assert here.verdict("A[1] / 5").mistake == mistakes.PLACE
    assert here.verdict("A[2] / 4").mistake == mistakes.SCALE
    assert here.verdict("A[2] / 5 + 1").mistake == mistakes.OFF_BY_ONE
    count = judge_of("12 * n * n", "n = 3", ("n = 4", "n = 5"))
    assert count.verdict("13 * n * n").mistake != mistakes.OFF_BY_ONE


def test_an_answer_that_fails_says_what_to_write_and_not_what_was_asked_for() -> None:
    here = judge_of("A @ A", "A = torch.randn(2, 2)")
    assert here.verdict("banana").lines == ("Not yet: nothing here is called banana.",)
    assert here.verdict("sqrt(A)").lines == (
        "Not yet: nothing here is called sqrt; it is written torch.sqrt, and for a plain number math.sqrt.",
    )
    assert here.verdict("A.sum").lines[0] == "Not yet. That is a function: to call it, write ( ) behind it."
    assert here.verdict("A^2").lines == ("Not yet: a power is written **, not ^.",)
    assert here.verdict("'A @ A'").lines[0] == "Not yet: that is a text, and numbers are asked for."
    for answer in ("banana", "A @ torch.ones(3)", "(", "A.nothing"):
        verdict = here.verdict(answer)
        assert not any(line.startswith(("Asked", "It gave")) for line in verdict.lines)


def test_where_other_values_may_be_right_no_cells_differ() -> None:
    check = FenceLine("answer.shape == (2,) and answer.sum() == x.sum()")
    here = judge_of("x.flip(0)", "x = torch.tensor([1.0, 2])", check=check)
    assert here.verdict("x").right
    assert here.verdict("[3, 0]").right
    assert here.verdict("x + 2").lines[0] == "Not yet: it does not do what is asked."
    assert here.verdict("x.repeat(2)").lines[0].startswith("Not yet. It is of shape (4,)")


def test_two_cells_that_differ_are_both() -> None:
    assert difference(torch.zeros(2), torch.ones(2)).words == "Both cells differ."
    assert difference(torch.zeros(3), torch.ones(3)).words == "All 3 cells differ."


# Guesses


def ask_of(check: str, *choices: str) -> Ask:
    return Ask(clean("What?"), FenceLine(check), tuple(map(clean, choices)))


def answer_to(ask: Ask, program: str = "x = torch.ones(3)\ny = torch.ones(4)") -> RightAnswer:
    with state_after(program) as left:
        return guess.right_answer(ask, left)


@settings(max_examples=10)
@given(st.lists(st.tuples(SIZES, SIZES), min_size=2, max_size=5, unique=True), st.integers(0, 9))
def test_the_right_choice_is_computed(shapes: list[tuple[int, int]], place: int) -> None:
    m, n = shapes[place % len(shapes)]
    ask = ask_of("Y.shape", *(str(shape) for shape in shapes), "an error")
    found = answer_to(ask, f"Y = torch.ones({m}, 3) @ torch.ones(3, {n})")
    assert found.choice == place % len(shapes)
    assert found.accepts(str(found.choice + 1))
    assert [found.accepts(str(shape)) for shape in shapes] == [shape == (m, n) for shape in shapes]
    assert answer_to(ask, f"Y = torch.ones({m}, 3) @ torch.ones(4, {n})").text == "an error"


@pytest.mark.parametrize(
    ("check", "choices", "right"),
    [
        ("x @ y", ("12", "an error"), "an error"),
        ("x.sum()", ("3", "4"), "3"),
        ("x.sum() / 7", ("0.43", "0.42", "43 %"), "0.43"),
        ("x.numel() / 5", ("50 %", "60 %"), "60 %"),
        ("x.sum() == 3", ("yes", "no"), "yes"),
        ("x.sum() > 3", ("Yes", "No"), "No"),
        ("'over 99 %' if x.sum() > 1 else '60 %'", ("60 %", "over 99 %"), "over 99 %"),
        ("x * 2", ("`x + x`", "`x * x`", "`x @ y`"), "`x + x`"),
        ("x[:2]", ("[1, 1]", "[1, 2]"), "[1, 1]"),
        ("(x - 4)[0]", ("−3", "3"), "−3"),
        ("x.sum() / 9", ("1/3", "1/4"), "1/3"),
        ("1234567 * x[0]", ("1,234,567", "123"), "1,234,567"),
        ("x.shape", ("(3,)", "3", "(1, 3)"), "(3,)"),
        ("(1, 2)", ("(1, 2)", "(2, 1)"), "(1, 2)"),
        ("'2 @ 3'", ("2 @ 3", "an error"), "2 @ 3"),
    ],
)
def test_choices_are_numbers_shapes_expressions_and_words(
    check: str, choices: tuple[str, ...], right: str
) -> None:
    assert answer_to(ask_of(check, *choices)).text == right


@pytest.mark.parametrize(
    ("check", "kind", "accepted", "rejected", "nothing"),
    [
        (
            "x.sum() / 7",
            "number",
            ("0.43", "3/7", "0.429", "42.9 %", "0,43", "0,429", "42,9 %", "tensor(0.429)"),
            ("0.42", "1", "−0.43", "0,42", "−0,43"),
            ("three", "", "x"),
        ),
        (
            "x.sum()",
            "number",
            ("3", "3.0", "1 + 2", "03", "tensor(3)", "3,0"),
            ("2", "3.01"),
            ("sum", "(1 2)"),
        ),
        (
            "torch.ones(2, 3).shape",
            "shape",
            ("(2, 3)", "2, 3", "[2,3]", "2 3"),
            ("(3, 2)", "6", "()"),
            ("a", ""),
        ),
        ("(0, 2)", "cell", ("(0, 2)", "Y[0, 2]", "0 2"), ("(2, 0)", "0"), ("Y[0, -1]", "")),
        ("x + 1", "numbers", ("[2, 2, 2]", "(2, 2, 2)"), ("[2, 2]", "2"), ("[2, x]", "")),
    ],
)
def test_without_choices_the_value_is_asked_for(
    check: str, kind: str, accepted: tuple[str, ...], rejected: tuple[str, ...], nothing: tuple[str, ...]
) -> None:
    found = answer_to(ask_of(check))
    assert found.kind == kind
    assert [found.accepts(text) for text in accepted] == [True] * len(accepted)
    assert [found.accepts(text) for text in rejected] == [False] * len(rejected)
    for text in (*nothing, "9" * 4000, "[" * 400, "9**9**9", "[1] * 999999999", "'a'", "\x00"):
        with pytest.raises(ValueError, match="the answer is"):
            found.accepts(text)


@pytest.mark.parametrize(
    ("check", "choices", "said"),
    [
        ("x.sum()", ("4", "5"), "no choice equals"),
        ("x.sum()", ("3", "3.0"), "2 choices equal"),
        ("x @ y", ("4", "5"), "it fails"),
        ("x @ y", (), "matmul"),
        ("'words'", (), "can't be asked for"),
        ("x.sum() == 3", (), "can't be asked for"),
        ("torch.ones(99)", (), "can't be asked for"),
        ("z", (), "name 'z' is not defined"),
        ("a = 1", (), "not one expression"),
    ],
)
def test_what_has_no_right_answer_is_told(check: str, choices: tuple[str, ...], said: str) -> None:
    with pytest.raises(ProgramError, match=said):
        answer_to(ask_of(check, *choices))


@pytest.mark.parametrize("check", HOSTILE)
def test_a_hostile_check_is_refused(check: str) -> None:
    before = torch.get_rng_state()
    with pytest.raises(ProgramError):
        answer_to(ask_of(check, "1", "`__import__('os')`"))
    assert torch.equal(before, torch.get_rng_state())


@given(st.floats(-1e6, 1e6).map(lambda x: round(x, 3)))
def test_a_number_is_read_as_it_is_written(number: float) -> None:
    assert literal(str(number).replace("-", "−")) == number
    assert literal(f"{number:,.3f}") == pytest.approx(number)


# What is checked of a lesson


def problems(body: str, controls: str = FRONT) -> list[tuple[int, str]]:
    found = check.problems(parse(controls + body, "a.md"))
    above = controls.count("\n")
    return [(problem.line - above, problem.reason) for problem in found if problem.kind == "question"]


PROGRAM = "```python\nx = torch.arange(n) + 1.0\ntotal = x.sum()\n```\n"


CHECK, SOLVED = "check: answer == x.mean()", "answer: x.mean()"


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (["check: answer == x.sum()", "answer: x.sum()", "vary: n"], [(8, "total, which the program has")]),
        ([CHECK, SOLVED, "vary: n"], []),
        ([CHECK, SOLVED], [(8, "a value that is typed in passes")]),
        ([CHECK, SOLVED, "vary: x = torch.randn(3)"], []),
        ([CHECK, "answer: x.sum() / 3", "vary: n"], [(9, "with n = 4: the solution does not pass")]),
        ([CHECK, "answer: y", "vary: n"], [(9, "the solution fails: NameError: name 'y' is not defined")]),
        (
            ["check: answer.shape == ()", SOLVED, "wrong: x.max()"],
            [
                (10, 'the wrong answer "x.max()" passes'),
                (8, "n, which"),
                (8, "total, which"),
                (8, "a value that is typed in"),
            ],
        ),
        ([CHECK, "answer: x.mean(", "vary: n"], [(9, "the solution can't be written")]),
        (["check: True", "answer: 1"], [(8, f"{name}") for name in ("None", "n,", "x,", "total,")]),
        ([CHECK, "vary: n"], []),
        ([SOLVED, "vary: n"], []),
        (["answer: x.sum()", "vary: n"], [(8, "total, which the program has")]),
        (["answer: x.sum()", "answer: total", "vary: n"], []),
        ([SOLVED, "answer: x.min()", CHECK, "vary: n"], [(9, "the solution does not pass")]),
        (
            [SOLVED, "vary: n", "wrong: x.max() # one", "wrong: x[-1] # two", "wrong: x[0] # three"],
            [(11, "are the same in every trial")],
        ),
        ([CHECK, SOLVED, "vary: x = torch.ones("], [(5, "program fails")]),
    ],
)
def test_an_exercise_is_proved(lines: list[str], found: list[tuple[int, str]]) -> None:
    told = problems(f"{PROGRAM}```exercise\nWhat?\n" + "\n".join(["", *lines]) + "\n```\n")
    assert len(told) == len(found)
    for (line, reason), (at, said) in zip(told, found, strict=True):
        assert (line, said in reason) == (at, True), reason


def test_an_ask_has_one_right_choice_under_all_settings() -> None:
    ask = "```ask\nHow long?\n- 3\n- 4\ncheck: len(x)\n{}```\n"
    assert problems(ask.format("") + PROGRAM) == []
    (told,) = problems(ask.format("vary: n\n") + PROGRAM)
    assert told == (5, "with n = 2: no choice equals the value of the check: it is 2")
    fails = "```python fails\nx @ torch.ones(7)\n```\n"
    assert problems("```ask\nWhat?\n- 3\n- an error\ncheck: x @ torch.ones(7)\n```\n" + PROGRAM + fails) == []


def test_settings_move_seed_controls_and_data() -> None:
    read = parse(FRONT + PROGRAM + "```exercise\nWhat?\ncheck: 1\nvary: n\nvary: x = 2\n```\n", "a.md")
    exercise = read.stops[1].exercise
    assert exercise is not None
    tried = [*trials(read, exercise.vary, {"n": 4}, 7)]
    assert [(one.seed, one.names["n"], one.statement) for one in tried] == [
        (7, 4, ""), (8, 4, ""), (9, 4, ""), (7, 5, ""), (7, 3, ""), (7, 4, "x = 2"), (8, 5, ""),
    ]  # fmt: skip
    assert judge(read, read.stops[1], exercise).trials[0].names == {"n": 3}


SHAPES = st.lists(st.integers(0, 3), max_size=3).map(tuple)
TYPES = st.sampled_from([torch.float32, torch.int64, torch.bool, torch.complex64])


@settings(max_examples=200)
@given(SHAPES, SHAPES, TYPES, TYPES)
def test_any_two_values_are_compared(
    one: tuple[int, ...], other: tuple[int, ...], first: torch.dtype, second: torch.dtype
) -> None:
    got, asked = torch.ones(one).to(first), torch.zeros(other).to(second)
    assert isinstance(mistakes.known_mistake(got, asked), str)


def test_what_differs_ends_in_one_sign() -> None:
    lines = judge_of("A @ B", drawn_program(3, 2, 3)).verdict("A @ B + 1").lines
    assert "All 9 cells differ." in lines
    assert not any(line.endswith("….") for line in lines)
    some = judge_of("A.triu()", drawn_program(4, 4, 2)).verdict("A").lines
    assert some[0] == "Not yet: 6 of 16 cells differ, at [1, 0], [2, 0], [2, 1], …"


def test_why_an_answer_fails_is_one_sentence() -> None:
    here = judge_of("A @ B", drawn_program(3, 2, 3))
    (told,) = here.verdict("A @ A @ A").lines
    assert told.startswith("Not yet: a row of A (3, 2) has 2 entries")
