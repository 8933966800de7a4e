"""What a lesson says of its map: the box that a stop opens at, the cell that is followed, notes on boxes."""

from __future__ import annotations

import pytest

from llm_linalg.lessons.check import problems
from llm_linalg.lessons.lesson import Lesson, LessonError
from llm_linalg.lessons.reader import parse
from llm_linalg.lessons.stop import FollowedCell


def broken(text: str) -> LessonError:
    with pytest.raises(LessonError) as caught:
        parse(text, "x.md")
    return caught.value


def lesson_of(front: str, info: str) -> Lesson:
    return parse(
        f'+++\ntitle = "T"\n{front}\n+++\nA.\n```python {info}\nx = torch.ones(2)\ny = x + 1\n```\n', "x.md"
    )


def test_what_a_stop_says_of_the_map() -> None:
    stop = lesson_of("", 'map="y" reach="x[1]"').stops[0]
    assert (stop.map, stop.follow) == (("y",), FollowedCell("reach", "x", (1,)))
    assert lesson_of("", "map").stops[0].map == ()
    for info, said in (
        ('map="z"', "z"), ('lineage="y[5]"', "no cell"), ('lineage="q[0]"', "q"), ('map="y/x"', "operation"),
    ):  # fmt: skip
        (fault,) = problems(lesson_of("", info))
        assert said in fault.reason
    assert (
        "follows a cell"
        in broken('+++\ntitle = "T"\n+++\n```python lineage="y"\ny = torch.ones(2)\n```\n').reason
    )


@pytest.mark.parametrize(
    ("front", "line", "said"),
    [
        ('boxes = 3', 3, "boxes is a table"),
        ('[boxes]\nx = "dot"', 4, "takes a lesson, words, or both"),
        ('[boxes]\nx = { leson = "dot" }', 4, 'did you mean "lesson"'),
        ('[boxes]\nx = { lesson = "no slug!" }', 4, "slug of a lesson"),
        ('[boxes]\nx = { words = "' + 70 * "w" + '" }', 4, "longer than 60"),
    ],
)  # fmt: skip
def test_notes_on_boxes_are_read_strictly(front: str, line: int, said: str) -> None:
    error = broken(f'+++\ntitle = "T"\n{front}\n+++\nText.\n')
    assert error.line == line
    assert said in error.reason


def test_a_box_that_opens_no_lesson_is_found() -> None:
    (fault,) = problems(lesson_of('[boxes]\nadd = { lesson = "nowhere" }', ""))
    assert "which is not a lesson" in fault.reason
