"""Checks of a lesson: its claims against torch, its controls, its links, each told with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from llm_linalg.base.errors import ProgramError
from llm_linalg.lessons.answers import failing_claims
from llm_linalg.lessons.check import ends, extremes, problems
from llm_linalg.lessons.lesson import LessonError
from llm_linalg.lessons.reader import catalog, find, load, parse

PROGRAM = "x = torch.randn(3, 2)\nW = torch.randn(2, 4)\nY = x @ W"


def values() -> tuple[torch.Tensor, torch.Tensor]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        x, W = torch.randn(3, 2), torch.randn(2, 4)
    return x, x @ W


def test_a_claim_is_what_torch_says() -> None:
    x, Y = values()
    true = [
        "Y.shape == (3, 4)",
        "Y.shape == (3, 4) and x.dim() == 2",
        f"torch.allclose(Y[0], torch.tensor({Y[0].tolist()}))",
        "torch.allclose(Y, x @ W)",
        f"{x.min().item()} <= x.min().item() < x.max().item()",
        "not torch.equal(x, Y)",
        "n == 4",
        "[len(row) for row in x] == [2, 2, 2]",
    ]
    assert list(failing_claims(PROGRAM, true, 5, {"n": 4})) == []


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        ("Y.shape == (4, 3)", '"Y.shape == (4, 3)" is false: Y.shape is (3, 4)'),
        ("n == m", '"n == m" is false: n is 4; m is 5'),
        ("torch.equal(torch.ones(2), torch.zeros(2))",
         "is false: torch.ones(2) is [1, 1]; torch.zeros(2) is [0, 0]"),
        ("torch.ones(9, 9).sum() == 80", "torch.ones(9, 9).sum() is 81"),
        ("torch.equal(torch.ones(9, 9), Y)", "torch.ones(9, 9) is float32 (9, 9)  all 1"),
        ("Y == Y", "it gives (3, 4) answers, not one"),
        ("Z == 1", "can't be said: NameError: name 'Z' is not defined"),
        ("Y @ Y == 1", "can't be said: matmul"),
        ("n = 4", "it is not one expression"),
        ("input()", "can't be said: EOFError"),
    ],
)  # fmt: skip
def test_a_false_claim_tells_its_sides(claim: str, said: str) -> None:
    ((place, reason),) = failing_claims(PROGRAM, ["n == 4", claim], 5, {"n": 4, "m": 5})
    assert place == 1
    assert said in reason
    assert "\n" not in reason


def test_a_claim_leaves_the_program_as_it_was() -> None:
    claims = ["torch.rand(3).shape == (3,)", "Y.shape == (3, 4)"]
    state = torch.get_rng_state()
    assert list(failing_claims(PROGRAM, claims)) == []
    assert torch.equal(torch.get_rng_state(), state)
    with pytest.raises(ProgramError):
        list(failing_claims("y = ", ["True"]))


LESSON = """\
+++
title = "Checked"
[controls.n]
range = [1, 4]
default = 2
[controls.m]
range = [1, 4]
default = 2
+++
See [nothing](lesson:matmol).

```python
Y = torch.ones(n, 3)
if n > 3:
    Z = other + 1
```

expect: Y.shape == (2, 3)
expect: Y.sum() == 5

## Below
Text.

```python fails
Y @ Y
```
"""


def test_everything_is_told_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "checked.md"
    file.write_text(LESSON, encoding="utf-8")
    found = problems(load(file))
    assert [(problem.kind, problem.line, problem.reason) for problem in found] == [
        ("control", 6, "no program uses the control m"),
        ("link", 10, 'a link to "matmol", which is not a lesson: did you mean matmul?'),
        ("control", 15, "other has no value: it is assigned nowhere, and there is no [controls.other]"),
        ("claim", 19, '"Y.sum() == 5" is false: Y.sum() is 6'),
    ]
    assert {problem.file for problem in found} == {str(file)}


def test_what_is_thorough_moves_the_controls() -> None:
    lesson = parse(LESSON.replace("lesson:matmol", "lesson:matmul"), "checked.md")
    found = problems(lesson, thorough=True)
    assert "control" in [problem.kind for problem in found]
    told = [problem.reason for problem in found if problem.reason.startswith("with n")]
    missing = "NameError: name 'other' is not defined"
    assert told == [f"with n = 4: {missing}", f"with n = 4, m = 4: {missing}"]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("```python\nx = 1\n```\nText.\n\nexpect: x == 1", 9, "right below the program"),
        ("```python fails\nx = y\n```\nexpect: x == 1", 7, "nothing to expect"),
        ("```python\nx = 1\n```\nexpect:", 7, "takes an expression"),
    ],
)
def test_a_claim_that_stands_nowhere_is_an_error(text: str, line: int, said: str) -> None:
    with pytest.raises(LessonError) as info:
        parse(f'+++\ntitle = "A"\n+++\n{text}\n', "a.md")
    assert (info.value.line, said in info.value.reason) == (line, True)


def test_a_claim_is_not_shown() -> None:
    stops = parse('+++\ntitle = "A"\n+++\n```python\nx = 1\n```\nexpect: x == 1\n\nMore.\n', "a.md").stops
    assert [stop.prose for stop in stops] == ["", "More."]
    assert stops[0].expects == ((7, "x == 1"),)


def test_the_ends_of_controls_are_values_that_they_take() -> None:
    for lesson in catalog():
        for control in lesson.controls:
            assert all(control.check(value) == value for value in ends(control))
        for given in extremes(lesson):
            lesson.values(given)
    assert ends(find("triangular").control("kind")) == ("triu", "tril")
    assert ends(find("diagonal").control("entries")) == ((-9, -9, -9), (9, 9, 9))
