"""`llm-linalg answer`: right, wrong and why, and what is no exercise."""

from __future__ import annotations

from pathlib import Path

import pytest

from llm_linalg.lessons.reader import load
from tests.terminal.evil import ALL, BRACKETS, HIDDEN, LINE
from tui.cli.main import main
from tui.model.view import View
from tui.render.plain import to_plain
from tui.session.commands import run
from tui.session.exercise_commands import session_frame
from tui.session.script.running import ensure_run
from tui.session.session import Session

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
    path = tmp_path / "asked.md"
    path.write_text(LESSON, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--stop", "2", "x.sum() / len(x)"], 0, "Right."),
        (["x.sum() / len(x)", "--stop=1"], 0, "Right."),
        (["--stop", "2", "-x.sum() / 3"], 1, "Wrong: the sign is turned round."),
        (["-x.sum() / 3", "--stop", "2"], 1, "Wrong: the sign is turned round."),
        (["--stop", "3", "--", "-1 + y"], 0, "Right."),
        (["--stop", "4", "-1 + y"], 0, "Right."),
        (["--stop", "4", "y"], 1, "off by one"),
        (
            ["--stop", "4", "y[:2]"],
            1,
            "It is of shape (2,); what was asked for is of shape (3,): axis 0 differs.",
        ),
        (["--stop", "2", "x.mean()"], 1, "mean is barred here"),
        (["--stop", "2", "x @ y"], 1, "NameError: name 'y' is not defined"),
        (["--stop", "2", "import os"], 1, "an answer is one expression"),
        (["--stop", "2", "y = x"], 1, "an answer is one expression"),
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
    path = tmp_path / "plain.md"
    path.write_text(lesson, encoding="utf-8")
    for words in (["x"], ["--stop", "1", "x"]):
        assert main(["answer", str(path), *words]) == 2
    assert "has no exercise" in capsys.readouterr().err


@pytest.mark.parametrize("text", [ALL, LINE, f'"{BRACKETS}"', "'\\x1b[31m' + chr(27)"])
def test_a_foreign_answer_is_told_in_clean_words(
    text: str, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["answer", file, "--stop", "2", "--", text]) == 1
    out, err = capsys.readouterr()
    assert HIDDEN.findall(out + err) == []
    session = ensure_run(Session.start(View.opening(load(file), 2), [load(file)]))
    frame = session_frame(ensure_run(run(session, f"answer:{text}")))
    assert frame is not None
    assert HIDDEN.findall(to_plain(frame)) == []


def test_a_lesson_is_no_deck_where_it_lacks_a_stop(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["answer", "dot", "--stop", "9", "x"]) == 2
    assert "dot has stops 1 to 5: there is no stop 9" in capsys.readouterr().err
