"""Every stop of every lesson: it runs or fails as it says, its controls hold, and it fits the screen."""

from __future__ import annotations

import pytest

from llm_linalg.base.errors import ProgramError, ShapeError
from llm_linalg.base.text import width
from llm_linalg.lessons.check import extremes, problems
from llm_linalg.lessons.control import Value
from llm_linalg.lessons.lesson import Lesson
from llm_linalg.lessons.markdown import links
from llm_linalg.lessons.reader import catalog, find, parse
from llm_linalg.lessons.stop import Stop
from tests.engine.here import whole_stops
from tests.thinning import thin

STOPS = [(lesson, stop) for lesson in catalog() for stop in lesson.stops]


def name_of(case: object) -> str:
    return case.slug if isinstance(case, Lesson) else f"stop{case.number}" if isinstance(case, Stop) else ""


@pytest.mark.parametrize("lesson", catalog()[::4], ids=name_of)
def test_stops_run_or_fail_as_they_say(lesson: Lesson) -> None:
    assert problems(lesson) == ()  # `check` asks it of every lesson


@pytest.mark.parametrize("lesson", thin(catalog(), 6), ids=name_of)
def test_controls_at_their_ends_run_or_are_explained(lesson: Lesson) -> None:
    for stop in whole_stops(lesson):
        odd: dict[str, Value] = {
            control.name: (-9.0,)
            for control in lesson.controls
            if control.kind == "list" and not control.choices
        }
        for controls in (*extremes(lesson), odd):
            explained = True
            try:
                lesson.run(stop, controls)
            except ProgramError as error:
                # The sizes clash, or a line is written for three columns: said with its place.
                explained = error.line is not None and (
                    isinstance(error, ShapeError) or "to unpack" in str(error)
                )
            assert explained, (stop.number, controls)


def test_titles_fit_the_sidebar() -> None:
    assert [lesson.slug for lesson in catalog() if width(lesson.title) > 15] == []


def test_links_lead_to_lessons() -> None:
    slugs = {lesson.slug for lesson in catalog()}
    assert {slug for _, stop in STOPS for slug in links(stop.prose)} <= slugs
    everything = {slug for stop in find("summary").stops for slug in links(stop.prose)}
    assert {"scalar", "dot", "matmul", "backprop", "triangular", "identity", "diagonal"} <= everything
    board = find("why").stop(7).board
    assert board is not None
    boxes = {note.lesson for note in find("why").boxes} | {row.lesson for row in board.rows}
    assert boxes <= slugs
    assert {"embedding", "layernorm", "linear", "attention", "residual", "mlp", "block", "matmul"} <= boxes


@pytest.mark.parametrize("lesson", catalog(), ids=name_of)
def test_every_lesson_opens_on_a_question_guesses_and_has_an_exercise(lesson: Lesson) -> None:
    opening = lesson.stops[0]
    assert "?" in opening.title + opening.prose
    assert lesson.asks
    exercises = [stop.exercise for stop in lesson.stops if stop.exercise is not None]
    assert exercises
    for exercise in exercises:
        assert len(exercise.hints) == 3
        assert exercise.answer is not None
        assert exercise.wrong
        assert all(mistake.name for mistake in exercise.wrong)


def test_what_is_broken_is_said_with_file_and_line() -> None:
    text = """+++
title = "Broken"
+++
```python show="z"
x = torch.ones(2)
```
```python
y = x @ torch.ones(3)
```
```python fails
y = 1
```
```python order="wave"
print(y)
```
```python steps="1-9"
```
"""
    broken = [str(error) for error in problems(parse(text, "folder/broken.md"))]
    assert broken[0] == 'folder/broken.md:4: unknown node "z": there is x'
    assert broken[1].startswith("folder/broken.md:8: matmul: x (2,) has 2 entries, ")
    # A program that fails is failing in the stops that continue it, too: that is said once.
    assert len(broken) == 2
    works = problems(parse(text.replace("torch.ones(3)", "x"), "folder/broken.md"))
    assert [str(error).removeprefix("folder/broken.md:") for error in works[1:]] == [
        "10: the stop is meant to fail, and does not",
        '13: unknown order of y "wave": there is cells, terms',
        "16: y has 1 steps, not 9",
    ]
