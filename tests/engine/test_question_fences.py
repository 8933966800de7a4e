"""Lessons that ask: what is read from `ask` and `exercise` fences, and what is refused with its line."""

from __future__ import annotations

import json

import pytest

from llm_linalg.lessons import documents
from llm_linalg.lessons.answers import judge
from llm_linalg.lessons.check import problems
from llm_linalg.lessons.lesson import Lesson, LessonError
from llm_linalg.lessons.reader import parse
from llm_linalg.questions.question import FenceLine, WrongAnswer

FRONT = '+++\ntitle = "A"\n[controls.n]\nrange = [1, 5]\ndefault = 3\n+++\n'
LINES = FRONT.count("\n")
PROGRAM = "```python\nx = torch.ones(n)\n```\n"

ASK = """\
```ask
What comes of `x`?
- (3, 4)
- an error
check: (x[:, None]
  * x).shape
vary: n
```
"""

EXERCISE = """\
```exercise after=1 without="mean, .norm" look="bars"
The loss of `x`,

for all n.
with: k = 2
with: m = k * x
vary: n
vary: x = torch.randn(4)
check: answer == (x ** 2).sum()
hint: Square each.
hint: Then add.
hint: (x * ___).sum()
answer: (x * x).sum()
wrong: x.sum() ** 2 # the "#" sum first
wrong: "#"
```
"""


def lesson(body: str) -> Lesson:
    return parse(FRONT + body, "a.md")


def test_an_ask_belongs_to_the_program_below_it_or_else_above_it() -> None:
    below = lesson(f"## One\nWords.\n\n{ASK}\n{PROGRAM}\n{PROGRAM}")
    above = lesson(f"## One\n{PROGRAM}\n{PROGRAM}\nWords.\n\n{ASK}\n## Two\n{PROGRAM}")
    assert [stop.ask is not None for stop in below.stops] == [True, False]
    assert [stop.ask is not None for stop in above.stops] == [False, True, False, False]
    ask = below.stops[0].ask
    assert ask is not None
    assert ask.question == "What comes of `x`?"
    assert ask.choices == ("(3, 4)", "an error")
    assert ask.check == FenceLine("(x[:, None] * x).shape", LINES + 8)
    assert ask.vary == (FenceLine("n", LINES + 10),)
    assert (ask.line, below.asks, below.exercises) == (LINES + 4, 1, 0)


def test_an_exercise_is_a_stop_in_the_state_of_another() -> None:
    read = lesson(f"## One\n{PROGRAM}\n## Two\n```python\ny = x + 1\n```\n{EXERCISE}\n{PROGRAM}")
    stop = read.stops[2]
    exercise = stop.exercise
    assert exercise is not None
    assert stop.program == "x = torch.ones(n)\nk = 2\nm = k * x"
    assert (stop.look, stop.title, stop.slide) == ("bars", "Two", False)
    assert exercise.question == "The loss of `x`,\n\nfor all n."
    assert [line.text for line in exercise.vary] == ["n", "x = torch.randn(4)"]
    assert (exercise.barred, exercise.hints[2]) == (("mean", "norm"), "(x * ___).sum()")
    assert exercise.answer == FenceLine("(x * x).sum()", exercise.line + 12)
    assert exercise.wrong == (
        WrongAnswer("x.sum() ** 2", read.stops[2].exercise.wrong[0].name, exercise.line + 13),  # type: ignore[union-attr]
        WrongAnswer('"#"', exercise.wrong[1].name, exercise.line + 14),
    )
    assert [one.name for one in exercise.wrong] == ['the "#" sum first', ""]
    # The stops below don't continue it, and its lines are found in the file.
    assert read.stops[3].program == "x = torch.ones(n)\ny = x + 1\nx = torch.ones(n)"
    text = (FRONT + f"## One\n{PROGRAM}\n## Two\n```python\ny = x + 1\n```\n{EXERCISE}\n{PROGRAM}").split(
        "\n"
    )
    for stop in read.stops:
        for number, line in enumerate(stop.program.split("\n"), 1):
            assert text[read.line_of(stop, number) - 1].removeprefix("with: ") == line
    assert problems(read) == ()


def test_an_exercise_is_checked_by_its_answers_or_by_a_check() -> None:
    fence = "```exercise\nWhat?\n{}\n```\n"
    both = lesson(PROGRAM + fence.format("answer: x.sum()\nanswer: x.sum()[None]")).stops[1].exercise
    assert both is not None
    assert (both.check, [line.text for line in both.answers]) == (None, ["x.sum()", "x.sum()[None]"])
    assert both.answer == both.answers[0]
    open_one = lesson(PROGRAM + fence.format("check: answer > 0")).stops[1].exercise
    assert open_one is not None
    assert (open_one.answer, open_one.answers) == (None, ())
    with pytest.raises(LessonError, match="needs a check, which is true if answer is right, or an answer"):
        lesson(PROGRAM + fence.format("hint: none"))


def test_without_setup_an_exercise_shows_what_its_stop_shows() -> None:
    fence = "```exercise\nWhat?\ncheck: answer == 1\n```\n"
    read = lesson(f'```python show="x" order="rows" look="heat"\nx = torch.ones(n)\ny = x\n```\n{fence}')
    assert (read.stops[1].show, read.stops[1].order, read.stops[1].look) == ("x", "rows", "heat")
    alone = lesson(fence)
    assert (alone.stops[0].program, alone.stops[0].exercise is not None) == ("", True)
    assert [stop.exercise.after for stop in (*read.stops, *alone.stops) if stop.exercise] == [1, 0]


@pytest.mark.parametrize(
    ("body", "line", "reason"),
    [
        ("```ask\n- a\n- b\ncheck: 1\n```\n" + PROGRAM, 1, "begins with its question"),
        ("```ask\nWhat?\n```\n" + PROGRAM, 1, "needs a check"),
        ("```ask\nWhat?\n- a\ncheck: 1\n```\n" + PROGRAM, 3, "2 to 9 choices, or none: not 1"),
        ("```ask\nWhat?\n- a\n- a\ncheck: 1\n```\n" + PROGRAM, 4, "twice"),
        ("```ask\nWhat?\nchek: 1\n```\n" + PROGRAM, 3, 'did you mean "check"'),
        ("```ask\nWhat?\ncheck: 1\nmore words\n```\n" + PROGRAM, 4, "neither check:"),
        ("```ask\nWhat?\ncheck: 1\ncheck: 2\n```\n" + PROGRAM, 4, "check stands twice"),
        ("```ask\nWhat?\ncheck: 1\nvary: k\n```\n" + PROGRAM, 4, 'unknown control "k"'),
        ("```ask after=1\nWhat?\ncheck: 1\n```\n" + PROGRAM, 1, "nothing stands behind ask"),
        ("## A\n```ask\nWhat?\ncheck: 1\n```\n## B\n" + PROGRAM, 2, "there is none below its heading"),
        (2 * "```ask\nWhat?\ncheck: 1\n```\n" + PROGRAM, 5, "has an ask already"),
        ("```exercise\nWhat?\n- a\ncheck: answer\n```", 3, "no choices"),
        ("```exercise after=2\nWhat?\ncheck: answer\n```", 1, "no stop 2"),
        ("Words.\n\n## B\n```exercise after=1\nWhat?\ncheck: 1\n```", 4, "stop 1 has no program"),
        ("```python fails\nx\n```\n```exercise after=1\nWhat?\ncheck: 1\n```", 4, "stop 1 fails"),
        ('```exercise without="a b"\nWhat?\ncheck: answer\n```', 1, "without bars a name"),
        ("```exercise\nWhat?\ncheck: answer\nhint: a\nhint: b\nhint: c\nhint: d\n```", 7, "3 hints"),
        ("```exercise\nWhat?\ncheck: answer\nvary: x + 1\n```", 4, "vary: names controls"),
        ("```exercise\nWhat?\ncheck: answer\nwrong: # turned\n```", 4, "wrong: is an expression"),
        ('```python look="cube"\nx = 1\n```', 1, 'unknown look "cube"'),
        ("```exercises\nWhat?\ncheck: answer\n```", 1, "this fence says exercise"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(body: str, line: int, reason: str) -> None:
    with pytest.raises(LessonError) as info:
        lesson(body)
    assert info.value.line == LINES + line
    assert reason in info.value.reason


def test_a_claim_may_call_a_function_of_the_program() -> None:
    program = "x = torch.ones(2)\n\n\ndef twice(y):\n    z = 2 * y\n    return z / s\ns = 1\n"
    good = f"```python\n{program}```\nexpect: torch.equal(twice(x), x + x)\nexpect: twice(0) == 1\n"
    (problem,) = claims(good)
    assert '"twice(0) == 1" is false: twice(0) is 0' in problem.reason
    (problem,) = claims(f"```python\n{program}```\nexpect: twice(torch.ones(2) @ torch.ones(3))\n")
    assert "can't be said" in problem.reason


def claims(body: str) -> list[LessonError]:
    return [problem for problem in problems(lesson(body)) if problem.kind == "claim"]


ASKED = "How long is x?\n- 3\n- 4\ncheck: len(x)"
TO_WRITE = "The sum of x.\ncheck: torch.isclose(answer, x.sum(), atol=1e-6)\nanswer: x.sum()\nwith: y = 2 * x"
CODE = "x = torch.randn(3)"


def comments(word: str, text: str) -> str:
    return "\n".join(f"# {line}" for line in (word, *text.split("\n")))


def notebook(*cells: tuple[str, str, list[str]]) -> bytes:
    listed = [{"cell_type": kind, "source": text, "metadata": {"tags": tags}} for kind, text, tags in cells]
    return json.dumps({"nbformat": 4, "cells": listed}).encode()


LAST: tuple[str, str, list[str]] = ("code", "z = x", [])
DOCUMENTS = {
    "tags.ipynb": notebook(
        ("markdown", ASKED, ["ask"]), ("code", CODE, []), ("markdown", TO_WRITE, ["exercise"]), LAST
    ),
    "code.ipynb": notebook(
        ("code", ASKED, ["ask"]), ("code", CODE, []), ("code", TO_WRITE, ["exercise"]), LAST
    ),
    "comments.ipynb": notebook(
        ("code", comments("ask", ASKED), []),
        ("code", CODE, []),
        ("code", comments("exercise after=1", TO_WRITE), []),
        LAST,
    ),
    "fences.ipynb": notebook(
        ("markdown", f"Words.\n```ask\n{ASKED}\n```", []),
        ("code", CODE, []),
        ("markdown", f"```exercise\n{TO_WRITE}\n```\nMore.", []),
        LAST,
    ),
    "comments.py": (
        f"{comments('ask', ASKED)}\n\n{CODE}\n\n{comments('exercise', TO_WRITE)}\n\nz = x\n"
    ).encode(),
    "fences.md": (
        f"# A\n```ask\n{ASKED}\n```\n\n```py\n{CODE}\n```\n```exercise\n{TO_WRITE}\n```\n```py\nz = x\n```\n"
    ).encode(),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_ask_too(name: str) -> None:
    read = documents.parse(DOCUMENTS[name], name)
    first, written, last = read.stops
    exercise = written.exercise
    assert first.ask is not None
    assert exercise is not None
    assert (first.ask.question, first.ask.choices) == ("How long is x?", ("3", "4"))
    assert (exercise.question, exercise.after) == ("The sum of x.", 1)
    assert written.program == f"{CODE}\ny = 2 * x"
    assert last.program == f"{CODE}\nz = x"


def test_the_questions_of_a_document_are_proved_and_judged() -> None:
    read = documents.parse(DOCUMENTS["tags.ipynb"], "tags.ipynb")
    exercise = read.stops[1].exercise
    assert exercise is not None
    assert [problem for problem in problems(read) if problem.kind == "question"] == []
    assert judge(read, read.stops[1], exercise).verdict("x[0] + x[1:].sum()").right


@pytest.mark.parametrize(
    "cell",
    [
        ("markdown", "Exercise 1: add them.", ["exercise"]),
        ("code", "# exercise\n# add them", []),
        ("code", 'said = "check: 1"', ["exercise"]),
    ],
)
def test_what_is_only_called_an_exercise_stays_what_it_is(cell: tuple[str, str, list[str]]) -> None:
    read = documents.parse(notebook(cell, ("code", CODE, [])), "a.ipynb")
    assert read.exercises == 0


def test_a_broken_question_of_a_document_is_told_with_its_line() -> None:
    broken = "What?\ncheck: 1\ncheck: 2"
    with pytest.raises(LessonError) as info:
        documents.parse(notebook(("code", CODE, []), ("markdown", broken, ["ask"])), "a.ipynb")
    assert (info.value.line, info.value.reason) == (2, "check stands twice")
    wrong = ("markdown", TO_WRITE.replace("answer: x.sum()", "answer: x"), ["exercise"])
    (problem,) = problems(documents.parse(notebook(("code", CODE, []), wrong), "a.ipynb"))
    assert (problem.line, problem.kind) == (2, "question")
    with pytest.raises(LessonError) as info:
        documents.parse(f"# A\n\n```py\n{CODE}\n```\n\n```ask\n{broken}\n```\n".encode(), "a.md")
    assert info.value.reason == "check stands twice"
