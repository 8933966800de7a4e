"""Boards in lessons: what a fence says, where it belongs, and the line of what is wrong with it."""

from __future__ import annotations

import pytest

from llm_linalg.lessons.check import problems
from llm_linalg.lessons.lesson import LessonError
from llm_linalg.lessons.reader import parse
from llm_linalg.lessons.stop import Board

TEXT = """\
+++
title = "A board"
+++
## The page
Two results.

```python show="y"
x = torch.ones(3)
y, layer = x.sum(), nn.Linear(3, 2)
```

```board chain
Sum | y | lesson:dot | all of x

Layer's weight | layer.weight | lesson:linear |
No tensor | | lesson:matmul | nothing to show
---
Apart | x | lesson:vector | below
```

## Alone
Words before a board.

```board
Again | y | lesson:dot | the same program
```
"""
ROW = "Sum | y | lesson:dot | all of x"


def refused(text: str) -> LessonError:
    with pytest.raises(LessonError) as info:
        parse(text, "x.md")
    return info.value


def board_of(text: str, stop: int = 1) -> Board:
    board = parse(text, "x.md").stop(stop).board
    assert board is not None
    return board


def test_a_board_belongs_to_the_program_above_it() -> None:
    lesson = parse(TEXT, "x.md")
    board = board_of(TEXT)
    assert len(lesson.stops) == 2
    assert lesson.stop(1).show == "y"
    assert board.chain
    assert [(row.label, row.name, row.lesson, row.words, row.apart) for row in board.rows] == [
        ("Sum", "y", "dot", "all of x", False),
        ("Layer's weight", "layer.weight", "linear", "", False),
        ("No tensor", None, "matmul", "nothing to show", False),
        ("Apart", "x", "vector", "below", True),
    ]
    lines = TEXT.split("\n")
    assert all(lines[row.line - 1].startswith(row.label) for row in board.rows)
    assert problems(lesson) == ()


def test_a_board_after_words_is_a_stop_of_its_own() -> None:
    stop = parse(TEXT, "x.md").stop(2)
    assert (stop.title, stop.prose, stop.code) == ("Alone", "Words before a board.", "")
    assert stop.program == parse(TEXT, "x.md").stop(1).program
    assert not board_of(TEXT, 2).chain
    only = parse('+++\ntitle = "T"\n+++\n```board\nA | | lesson:dot |\n```\n', "x.md")
    assert [(stop.prose, stop.program) for stop in only.stops] == [("", "")]
    assert problems(only) == ()


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        ("Sum | x + y | lesson:dot | all", "by its name, or nothing"),
        ("Sum | y | dot | all", 'lesson:matmul; not "dot"'),
        ("Sum | y | | all", "a row opens a lesson"),
        ("Sum | y | lesson:dot", "this has 3 parts, not 4"),
        (" | y | lesson:dot | all", "a label is 1 to 24 characters"),
        ("S\x1b | y | lesson:dot | all", "U+001B (character 2)"),
        (f"Sum | y | lesson:dot | {'w' * 61}", "at most 60 characters"),
        ("---", "--- stands once in a board, between two rows"),
    ],
)
def test_what_is_wrong_in_a_row_is_said_with_its_line(new: str, reason: str) -> None:
    error = refused(TEXT.replace(ROW, new, 1))
    assert reason in error.reason
    assert error.line == TEXT[: TEXT.index(ROW)].count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("```board chain", "```board chian", 12, 'did you mean "chain"?'),
        ("```board chain", "```bord chain", 12, 'says board, not "bord"'),
        ('```python show="y"', "```python fails", 12, "it has no board"),
        ("## Alone\nWords before a board.\n", "", 22, "has a board already"),
        ("Again | y | lesson:dot | the same program\n", "", 24, "a board needs a row"),
        ("Apart | x | lesson:vector | below\n", "A | | lesson:dot |\n" * 40, 12, "at most 40 rows, not 43"),
    ],
)
def test_what_is_wrong_with_a_board_is_said_with_its_line(old: str, new: str, line: int, reason: str) -> None:
    error = refused(TEXT.replace(old, new, 1))
    assert reason in error.reason
    assert error.line == line


def test_a_program_that_cannot_be_read_is_explained_when_it_runs() -> None:
    text = TEXT.replace("x = torch.ones(3)", "x = = torch.ones(3)")
    (error, *_) = problems(parse(text, "x.md"))
    assert error.line == 8


def test_a_name_that_is_no_tensor_is_found_when_it_runs() -> None:
    text = TEXT.replace("x = torch.ones(3)", "n = 3\nx = torch.ones(n)").replace("Sum | y", "Sum | n")
    (error,) = problems(parse(text, "x.md"))
    assert error.line == 14
    assert error.reason.startswith('unknown tensor "n"')


def test_a_lesson_that_is_not_there_is_found_by_a_check() -> None:
    assert problems(parse(TEXT.replace("lesson:matmul", "lesson:own"), "own.md")) == ()
    (error,) = problems(parse(TEXT.replace("lesson:matmul", "lesson:matmull"), "dead.md"))
    assert (error.line, error.file) == (16, "dead.md")
    assert error.reason.endswith("did you mean matmul?")
