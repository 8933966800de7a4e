"""`llm-linalg check`: lessons, decks and folders, what the screen cuts, and the words and codes of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from llm_linalg.lessons.deck import Deck, load
from llm_linalg.lessons.lesson import LessonError
from llm_linalg.lessons.reader import parse
from tests.app.driving import opened
from tests.common import file_at
from tests.engine.test_documents import code, notebook, words
from tui.cli.checks import PROGRAM_ROWS, check, cuts, targets
from tui.cli.main import main
from tui.compose.view_runner import open_view
from tui.model.view import View

FRONT = '+++\ntitle = "A"\n+++\n'


def fit(body: str) -> list[str]:
    view = View.opening(parse(FRONT + body, "a.md"))
    return list(cuts(view, open_view(view)))


def test_what_does_not_fit_is_said() -> None:
    assert fit("Words. " * 20 + "\n\n```python\nx = torch.ones(2)\n```") == []
    code = "\n\n```python\nx = torch.ones(2)\n```"
    assert fit("Words. " * 300 + code) == [
        "the sentences after the first take 38 rows of 59 columns; there is room for 6"
    ]
    lines = "\n".join(f"x{n} = torch.ones({n})" for n in range(PROGRAM_ROWS + 1))
    assert fit(f"```python\n{lines}\n```") == ["the program takes 7 rows of 57 columns, not 6"]
    long = " + ".join(["torch.ones(2)"] * 12)
    assert fit(f"```python\nx = {long}\n```") == ["a line of the program takes 4 rows of 57 columns, not 2"]
    many = "\n".join(f"x{n} = torch.ones(9, 9)" for n in range(6))
    said = fit(f'```python show="x0, x1, x2, x3, x4, x5"\n{many}\n```')
    assert said == ["the picture has no room for x1, x2, x3, x4, x5"]


def test_a_look_that_the_picture_lacks_is_said_with_its_line(tmp_path: Path) -> None:
    path = file_at(tmp_path, "a.md", FRONT + 'Text.\n\n```python look="bars"\ny = torch.ones(2, 2)\n```\n')
    (found,) = check(load(path))
    assert found.reason.startswith('unknown look of y "bars"')
    assert found.line == 6


def slide(points: int) -> str:
    return "## A slide\n" + "\n".join(f"- point {number}" for number in range(points))


def test_every_line_of_a_deck_that_names_nothing_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "talk.md"
    lines = ("matmul:99", "matmull", "matmul:1", "triangular --set kindd=tril", "matmul --stop 1 --step 400")
    file.write_text(FRONT + "## A\n```stops\n" + "\n".join(lines) + "\n```\n", encoding="utf-8")
    assert main(["check", str(file)]) == 1
    out, err = capsys.readouterr()
    assert [line.split(":")[1] for line in out.splitlines()] == ["6", "7", "9", "10"]
    assert "1 checked, 3 stops: 4 wrong" in err
    with pytest.raises(LessonError):
        load(file)


@pytest.mark.parametrize("points", [19, 20])
async def test_a_slide_has_the_stage_and_is_cut_where_the_check_says_so(points: int) -> None:
    lesson = parse(FRONT + "```python\nx = torch.ones(2)\n```\n" + slide(points), "a.md")
    view = View.opening(lesson, 2)
    async with opened(lesson, stop=2) as d:
        assert "point 3" in d.screen
        assert "torch.ones" not in d.screen
        assert ("does not fit" in d.screen) == bool(fit_of(view)) == (points > 19)


@pytest.mark.parametrize("count", [5, 60])
async def test_prose_is_cut_where_the_check_says_so(count: int) -> None:
    lesson = parse(FRONT + "Words. " * count + "\n\n```python\nx = torch.ones(2)\n```", "a.md")
    async with opened(lesson) as d:
        assert ("p more" in d.screen) == any("sentences" in cut for cut in fit_of(d.view))


def fit_of(view: View) -> list[str]:
    return list(cuts(view, open_view(view)))


def test_long_lists_at_the_ends_are_found_when_thorough(tmp_path: Path) -> None:
    file = file_at(
        tmp_path,
        "a.md",
        '+++\ntitle = "A"\n[controls.n]\nrange = [1, 9]\ndefault = 2\n+++\nText.\n\n```python\n'
        "x = torch.ones(2)\nif n == 9:\n    x = y\n```\n",
    )
    (deck,) = targets([str(file)])
    assert isinstance(deck, Deck)
    kinds = [(problem.line, problem.reason) for problem in check(deck, thorough=True)]
    assert (12, "with n = 9: NameError: name 'y' is not defined") in kinds


DECK = """\
+++
title = "Talk"
+++
## One
Hello.

```notes
Say hello.
```

## Two
```stops
matmul:2
matmul --node Q
triangular --set kind=up
shapes:1
```
"""


def test_a_decks_stops_are_checked_as_they_are_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = file_at(tmp_path, "talk.md", DECK)
    assert main(["check", str(file)]) == 1
    out, err = capsys.readouterr()
    lines = [line.removeprefix(f"{file}:") for line in out.splitlines()]
    assert lines[0] == '13: warning: "Two" has no notes, and other stops have'
    assert lines[1].startswith('14: unknown node "Q"')
    assert lines[2].startswith('15: unknown value of kind "up": there is triu, tril')
    assert lines[3] == '16: warning: "Two" has no notes, and other stops have'
    assert err == "llm-linalg: 1 checked, 5 stops: 2 wrong, 2 warnings\n"


def test_a_folder_is_its_lessons_and_a_broken_file_is_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in {
        "good.md": FRONT + "Text.\n",
        "inner/broken.md": '+++\ntitel = "A"\n+++\nText.\n',
        "inner/headless.md": '```python show="x"\nx = torch.ones(2)\n```\n',
        "README.md": "Read me.\n",
        "other.md": "No lesson.\n",
        "_draft.md": "+++\n",
        ".git/x.md": "+++\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert main(["check", str(tmp_path), "--format", "json"]) == 1
    out, err = capsys.readouterr()
    objects = [json.loads(line) for line in out.splitlines()]
    assert [(one["file"].removeprefix(f"{tmp_path}/"), one["line"], one["kind"]) for one in objects] == [
        ("inner/broken.md", 2, "file"),
        ("inner/headless.md", 1, "file"),
    ]
    assert objects[0]["format"] == 1
    assert 'did you mean "title"' in objects[0]["what"]
    assert "3 checked, 1 stop: 2 wrong" in err


def test_slugs_and_what_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "matmul", "dot"]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "2 checked" in err
    assert "nothing wrong" in err
    assert main(["check", "matmol"]) == 2
    assert main(["check", str(tmp_path / "none.md")]) == 2
    assert main(["check", str(tmp_path)]) == 2
    assert "no lesson in" in capsys.readouterr().err


def test_a_false_claim_and_a_failing_stop_exit_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "a.md"
    good, bad = "x = torch.ones(2)", "y = x @ torch.ones(3)"
    text = f"{FRONT}```python\n{good}\n```\nexpect: x.sum() == 3\n\n```python\n{bad}\n```\n"
    file.write_text(text, encoding="utf-8")
    assert main(["check", str(file)]) == 1
    first, second = capsys.readouterr().out.splitlines()
    assert first == f'{file}:7: "x.sum() == 3" is false: x.sum() is 2'
    assert second.startswith(f"{file}:10: dot" if "dot" in second else f"{file}:10: matmul")


def test_a_document_is_checked_cell_by_cell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "cells.py"
    cells = "# %%\nimport nowhere\na = nowhere.DataFrame()\n# %%\nx = torch.ones(2)\n# %%\ny = x @ z\n"
    file.write_text(cells, encoding="utf-8")
    assert main(["check", str(file)]) == 1
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{file}:3: nowhere is not installed")  # where it's used, not where it's imported
    assert second == f"{file}:7: NameError: name 'z' is not defined"


MASKED = """+++
title = "Shares"
part = 4
[controls.n]
range = [2, 6]
default = 3
[controls.mask]
default = [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
edits = "hidden"
[axes]
Q = ["query", "feature"]
[labels]
query = ["a", "b", "c"]
+++
## Who may look
Words.

```python show="S"
Q = torch.randn(n, 2)
hidden = torch.tensor(mask)
S = Q @ Q.T
```

## The end
Words.
"""


def told_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, name: str = "shares.md"
) -> list[str]:
    file = file_at(tmp_path, name, text)
    main(["check", str(file)])
    return [line.removeprefix(f"{file}:") for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("", "", []),
        ('edits = "hidden"', 'edits = "hiden"', ['7: unknown tensor "hiden": did you mean "hidden"?']),
        ('edits = "hidden"', 'edits = "Q"', ["7: Q has shape (3, 2), and the grid mask has shape (3, 3)"]),
        ('edits = "hidden"', 'edits = "n"', ['7: unknown tensor "n": there is Q, S, hidden']),
        ("part = 4", "part = 4\npart = 5", ["4: TOML: part stands twice"]),
        ("part = 4", "part = 10", ["3: part is a number from 0 to 9, not 10"]),
        ('Q = ["query", "feature"]', 'Q = ["query"]', ["11: Q has 2 axes, and [axes] names 1 of them"]),
        ('"b", "c"]', '"b"]', ["13: query has 2 labels, and along Q there are 3 positions"]),
        ("## The end", "# The end", ["24: a stop's heading has two signs: ## The end"]),
        ("## The end", "##The end", ["24: warning: this is prose: behind the ## of a heading stands"]),
        ("## The end", "### The end", ["24: warning: no stop begins here, and the title above stays"]),
        ("## The end", "expct: S.sum() > 0", ['24: warning: this is prose: did you mean "expect:"']),
        ("Words.\n\n```py", "Words.\0\n\n```py", ["16: a control character, U+0000: it is not text"]),
        # What follows from a program that fails is left out.
        ("S = Q @ Q.T", "S = Q @ (Q.T", ["21: this is not Python: '(' was never closed"]),
        ("hidden = torch.tensor(mask)", "hidden = torch.tensr(mask)", ["20: AttributeError: mo"]),
        # The first is the cause of all the others.
        ("T\n```\n", "T\n", ['18: this fence is never closed: it needs a line ```']),
    ],
)  # fmt: skip
def test_what_a_lesson_says_of_itself_is_held_against_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, said: list[str]
) -> None:
    lines = told_of(tmp_path, capsys, MASKED.replace(old, new, 1))
    assert len(lines) == len(said)
    assert [line[: len(wanted)] for line, wanted in zip(lines, said, strict=True)] == said


def test_a_fence_that_swallows_the_next_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = MASKED.replace("Q.T\n```\n", "Q.T\n") + "\n```python\nZ = S + 1\n```\n"
    assert told_of(tmp_path, capsys, text) == [
        '18: this fence is not closed: it needs a line ``` above "```python"'
    ]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("x = torch.ones(2)\n```\n", "x = torch.ones(2)\n", "3: this fence is not closed: it needs a line"),
        ("y = x * 2\n```\n", "y = x * 2\n", "9: this fence is never closed: it needs a line"),
    ],
)
@pytest.mark.parametrize("command", ["check", "run", "frame", "open"])
def test_a_fence_of_a_document_that_is_not_closed_is_named_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, old: str, new: str, line: str
) -> None:
    file = tmp_path / "notes.md"
    text = "# T\n\n```python\nx = torch.ones(2)\n```\n\nWords.\n\n```python\ny = x * 2\n```\n\nThe end.\n"
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")
    assert main([command, str(file)]) == 1
    out, narration = capsys.readouterr()
    told = [said for said in (out + narration).splitlines() if "checked" not in said]
    assert len(told) == 1
    assert f"notes.md:{line}" in told[0]


def test_the_lines_of_what_is_no_python_in_a_document_are_the_documents(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "# T\n\n```python\nx = torch.ones(2)\n\ny = x +++\n```\n\n```python\nx = 1\nawait x\n```\n"
    assert [line.partition(" ")[0] for line in told_of(tmp_path, capsys, text)] == ["6:", "11:"]


def test_cells_of_a_notebook_that_fail_are_told_by_their_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "cells.ipynb"
    cells = ["import nowhere\nimport elsewhere", "x = 1\ny = nowhere.f(x)", "# below\nprint(y)", "x @ x"]
    file.write_bytes(notebook(words("# T"), *map(code, cells)))
    assert main(["check", str(file)]) == 1
    told = [line.removeprefix(f"{file}, code cell ") for line in capsys.readouterr().out.splitlines()]
    assert [line[:30] for line in told] == [
        "2:2: nowhere is not installed", "3:2: y is made by cell 2, whic", "4:1: TypeError: unsupported op",
    ]  # fmt: skip


def test_notes_longer_than_the_talk_and_links_in_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    talk = (
        '+++\ntitle = "T"\nminutes = 10\n+++\n## A\nWords.\n\n```notes minutes=181\nSlowly.\n```\n'
        "## B\n```stops\nmatmul:1\n```\n```notes\nSee [it](lesson:matmol).\n```\n"
    )
    assert told_of(tmp_path, capsys, talk) == [
        "5: the notes plan 181 minutes, and the whole is to take 10",
        '13: a link to "matmol", which is not a lesson: did you mean matmul?',
    ]


def test_warnings_alone_are_no_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = file_at(tmp_path, "shares.md", MASKED + "\n```notes\nHi.\n```\n")
    assert main(["check", str(file), "--format", "json"]) == 0
    out, err = capsys.readouterr()
    assert [json.loads(line)["kind"] for line in out.splitlines()] == ["warning"]
    assert err == "llm-linalg: 1 checked, 2 stops: nothing wrong, 1 warning\n"


def test_a_script_is_checked_by_playing_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "shares.md").write_text(MASKED, encoding="utf-8")
    script = file_at(tmp_path, "edit.steps", "lesson shares.md\nset n 5\nplay\n")  # seen from the script
    assert main(["check", str(script)]) == 0
    script.write_text("lesson shares.md\nset n 50\n", encoding="utf-8")
    assert main(["check", str(script)]) == 1
    assert capsys.readouterr().out.startswith(f"{script}:2: ")
    script.write_text("lesson shares.md\nnxt\n", encoding="utf-8")
    assert main(["check", str(script)]) == 1
    assert "did you mean \"next\"? ('llm-linalg help words' lists all)" in capsys.readouterr().out
