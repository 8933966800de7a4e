"""`llm-linalg answer`: right, wrong and why, and what is no exercise."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.common import file_at
from tui.cli.main import main

LESSON = """\
+++
title = "A"
+++
```python
x = torch.randn(3)
```

```exercise without="mean"
The mean of x.
check: torch.isclose(answer, x.sum() / 3)
answer: x.sum() / 3
```

```python
y = x + 1
```

```exercise after=3
Back to x.
check: torch.allclose(answer, x)
answer: y - 1
```
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = file_at(tmp_path, "asked.md", LESSON)
    return str(path)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--stop", "2", "x.sum() / len(x)"], 0, "Right."),
        (["x.sum() / len(x)", "--stop=1"], 0, "Right."),
        (["--stop", "2", "-x.sum() / 3"], 1, "Not yet: the sign is turned round."),
        (["-x.sum() / 3", "--stop", "2"], 1, "Not yet: the sign is turned round."),
        (["--stop", "3", "--", "-1 + y"], 0, "Right."),
        (["--stop", "4", "-1 + y"], 0, "Right."),
        (["--stop", "4", "y"], 1, "off by one"),
        (
            ["--stop", "4", "y[:2]"],
            1,
            "It is of shape (2,); what was asked for is of shape (3,): axis 0 differs.",
        ),
        (["--stop", "2", "x.mean()"], 1, "The value is right, but without mean, please: it does in one call"),
        (["--stop", "2", "x @ y"], 1, "Not yet: nothing here is called y."),
        (["--stop", "2", "import os"], 1, "an answer is one expression"),
        (["--stop", "2", "loss = x.sum() / 3"], 0, "Right."),
        (["--stop", "2", "-0.31"], 0, "Right here."),
        (["--stop", "2", "tensor(−0.31)"], 0, "Right here."),
        (["--stop", "2", "x.sum() / 3² × 3"], 0, "Right."),
        (["--stop", "2", "√x"], 1, "a root is written (…) ** 0.5, or torch.sqrt(…)"),
        (["--stop", "2", "2x.sum()"], 1, "a product is written with its sign: 2 * x"),
        (["--stop", "2", "a = b = x"], 1, "an answer is one expression"),
        (["--stop", "2", ""], 1, "an answer is one expression"),
        (["x"], 2, "2 exercises: --stop 2 or --stop 4"),
        (["--stop", "9", "x"], 2, "no stop 9"),
        (["--stpo", "2", "x"], 2, 'did you mean "--stop"'),
        (["--stop", "2"], 2, "EXPRESSION"),
        (["--stop", "2", "x", "@", "x"], 2, "one too many"),
    ],
)
def test_an_answer_is_judged(
    words: list[str], code: int, said: str, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["answer", file, *words]) == code
    out, err = capsys.readouterr()
    assert said in (err if code == 2 else out)
    assert bool(out) == (code != 2)


def test_a_lesson_without_exercises_has_nothing_to_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lesson = '+++\ntitle = "A"\n+++\n```python\nx = torch.ones(2)\n```\n'
    path = file_at(tmp_path, "plain.md", lesson)
    for words in (["x"], ["--stop", "1", "x"]):
        assert main(["answer", str(path), *words]) == 2
    assert "has no exercise" in capsys.readouterr().err
