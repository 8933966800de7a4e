"""Every stop of every lesson: it runs or fails as it says, its controls hold, and it fits the screen."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

import pytest

from llm_linalg.errors import ProgramError, ShapeError
from llm_linalg.lesson import Lesson, Stop, Value, catalog, find, parse, spans
from llm_linalg.text import width, wrap

STOPS = [(lesson, stop) for lesson in catalog() for stop in lesson.stops]
# What the screen at 80 × 24 has room for beside the sidebar.
PROSE_LINES, COLUMNS, CODE_COLUMNS = 4, 58, 56


def name_of(case: object) -> str:
    return case.slug if isinstance(case, Lesson) else f"stop{case.number}" if isinstance(case, Stop) else ""


def extremes(lesson: Lesson) -> Iterator[dict[str, Value]]:
    """Each control at its ends, the others at their defaults, and all of them at an end together."""
    low: dict[str, Value] = {}
    high: dict[str, Value] = {}
    for control in lesson.controls:
        ends: tuple[Value, ...] = control.choices
        if control.kind == "list":
            ends = ((-9.0,), (0.0,) * 8)
        elif control.minimum is not None and control.maximum is not None:
            ends = (control.minimum, control.maximum)
        yield from ({control.name: end} for end in ends)
        low[control.name], high[control.name] = ends[0], ends[-1]
    yield from (low, high)


@pytest.mark.parametrize("lesson", catalog(), ids=name_of)
def test_every_stop_runs_or_fails_as_it_says(lesson: Lesson) -> None:
    assert lesson.check() == ()


@pytest.mark.parametrize("lesson", catalog(), ids=name_of)
def test_controls_at_their_ends_run_or_are_explained(lesson: Lesson) -> None:
    for stop in lesson.stops:
        for controls in extremes(lesson):
            explained = True
            try:
                lesson.run(stop, controls)
            except ProgramError as error:
                # The sizes clash, or a line is written for three columns: said with its place.
                explained = error.line is not None and (
                    isinstance(error, ShapeError) or "unpacked" in str(error)
                )
            assert explained, (stop.number, controls)


@pytest.mark.parametrize(("lesson", "stop"), STOPS, ids=name_of)
def test_a_stop_fits_the_screen(lesson: Lesson, stop: Stop) -> None:
    prose = "".join(text for text, _ in spans(stop.prose))
    assert len(wrap(f"{stop.title}. {prose}", COLUMNS)) <= PROSE_LINES
    rows = [ceil(width(line) / CODE_COLUMNS) for line in stop.code.split("\n")]
    assert sum(rows) <= 6
    assert max(rows, default=0) <= 2
    assert width(lesson.title) <= 15  # the sidebar's


def test_links_lead_to_lessons() -> None:
    slugs = {lesson.slug for lesson in catalog()}
    links = {slug for _, stop in STOPS for _, slug in spans(stop.prose) if slug is not None}
    assert links <= slugs
    everything = {link for stop in find("summary").stops for _, link in spans(stop.prose)}
    assert {"scalar", "dot", "matmul", "backprop", "triangular", "identity", "diagonal"} <= everything
    boxes = find("why").stops[1:7]
    assert all(any(slug for _, slug in spans(stop.prose)) for stop in boxes)


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
    broken = [str(error) for error in parse(text, "folder/broken.md").check()]
    assert broken[0] == 'folder/broken.md:4: unknown node "z": there is x'
    assert broken[1].startswith("folder/broken.md:8: matmul: axis 0 of x (2,) has size 2")
    # A program that fails is failing in the stops that continue it, too; the line stays its own.
    assert [error.split(":")[1] for error in broken[2:]] == ["8", "8"]
    works = parse(text.replace("torch.ones(3)", "x"), "folder/broken.md").check()
    assert [str(error).removeprefix("folder/broken.md:") for error in works[1:]] == [
        "10: the stop is meant to fail, and does not",
        '13: unknown order of y "wave": there is cells, terms',
        "16: y has 1 steps, not 9",
    ]
