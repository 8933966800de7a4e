"""A lesson opens with the settings with which it was left; a key resets them; scripts depend on none."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from llm_linalg.lessons.lesson import Lesson
from llm_linalg.lessons.reader import catalog, find
from tests.app.driving import lesson, opened
from tui.app import Options
from tui.files.state_file import State, StateFile, of_json
from tui.headless import render
from tui.model.followers import can_change
from tui.model.view import View
from tui.navigation.playground import PLAYGROUND
from tui.session.commands import run
from tui.session.lesson_settings import LessonSettings, merged_settings
from tui.session.script.running import ensure_run
from tui.session.session import Session

LESSONS = [*catalog(), PLAYGROUND]
WITH_CONTROLS = [lesson for lesson in catalog() if lesson.controls]


def session_at(slug: str, kept: LessonSettings = ()) -> Session:
    """A session at a lesson's first stop."""
    return Session.start(View.opening(find(slug)), LESSONS).with_learner(settings=kept)


def moved(session: Session) -> Session:
    """The session with every control and the seed moved."""
    for control in session.view.lesson.controls:
        session = run(session, f"set:{control.name}:-1")
    return run(session, "seed.up")


@pytest.mark.parametrize("lesson", WITH_CONTROLS, ids=lambda lesson: lesson.slug)
def test_what_was_set_is_there_when_a_lesson_is_opened_again(lesson: Lesson) -> None:
    left = moved(session_at(lesson.slug))
    elsewhere = run(left, "open:residual")
    again = run(elsewhere, f"open:{lesson.slug}")
    assert (again.view.controls, again.view.seed) == (left.view.controls, left.view.seed)
    assert run(left, f"open:{lesson.slug}").view.controls == left.view.controls  # opened from its own place
    reset = run(again, "reset")
    assert (reset.view.controls, reset.view.seed) == (
        View.opening(lesson).controls,
        lesson.seed,
    )
    assert run(reset, "undo").view == again.view
    assert not run(run(reset, "open:residual"), f"open:{lesson.slug}").learner.settings
    assert "Nothing was changed" in run(reset, "reset").notice


def test_a_neighbour_that_is_reached_by_its_stops_keeps_its_settings_too() -> None:
    left = moved(session_at("matvec"))
    beyond = left
    while beyond.view.lesson is left.view.lesson:
        beyond = run(beyond, "stop.next")
    back = run(beyond, "stop.previous")
    assert back.view.controls == left.view.controls


def test_a_lesson_that_has_changed_takes_what_it_still_can() -> None:
    for words in (("--set", "gone=1"), ("--set", "m=900"), ("--seed", "x"), ("--bad",), ()):
        opened_again = run(session_at("residual", (("matmul", words),)), "open:matmul")
        assert opened_again.view == View.opening(find("matmul"))


def test_a_file_of_ones_own_with_a_lessons_name_shares_nothing_with_it() -> None:
    own = replace(find("matmul"), path=Path("/somewhere/matmul.md"))
    session = Session.start(View.opening(own), LESSONS)
    assert run(moved(session), "open:residual").learner.settings == ()


@pytest.mark.slow
async def test_the_app_keeps_them_until_it_is_opened_again() -> None:
    async with opened("triangular") as d:
        await d.press("t", "left_square_bracket", "left_square_bracket")
        assert dict(d.view.controls) == {"diagonal": "-1", "kind": "tril", "n": "5"}
        settings = d.session.settings
    state = State(lessons=settings)
    async with opened("residual", options=Options(lesson_settings=state.lessons)) as d:
        d.app.explorer.do("open:triangular")
        await d.settle()
        assert dict(d.view.controls) == {"diagonal": "-1", "kind": "tril", "n": "5"}
        await d.press("X")
        assert dict(d.view.controls) == {"diagonal": "1", "kind": "triu", "n": "5"}
        assert d.session.settings == ()


def test_they_are_kept_in_the_state(tmp_path: Path) -> None:
    file = StateFile(tmp_path)
    settings = moved(session_at("matmul")).settings
    assert settings == (("matmul", ("--set", "m=2", "--set", "k=1", "--set", "n=3", "--seed", "1")),)
    assert file.update(lambda state: state._replace(lessons=settings))
    assert file.load().lessons == settings
    assert of_json({"format": 1, "lessons": {"matmul": [1], "x": "y", "dot": ["--seed", "2"]}}).lessons == (
        ("dot", ("--seed", "2")),
    )


DRAWN = """## Sizes
A product.

```python
x = torch.randn(n, 2)
V = torch.ones(2, 2)
W = torch.randn(2, 2)
Y = x @ W
```
"""
SIZED = """[controls.n]
range = [1, 9]
default = 3
[controls.scale]
range = [1, 9]
default = 1
"""


def test_why_a_tensor_of_the_same_size_has_other_numbers_is_said_once_a_lesson() -> None:
    opened_once = ensure_run(
        Session.start(View.opening(lesson(DRAWN.replace("V =", "V = scale *"), SIZED)), ())
    )
    scaled = ensure_run(run(opened_once, "set:scale:+1"))
    assert scaled.notice == ""  # nothing is drawn anew
    larger = ensure_run(run(scaled, "set:n:+1"))
    assert larger.notice == "W has other numbers too: it is drawn after x, from the same seed."
    assert ensure_run(run(larger, "set:n:+1")).notice == ""
    seeded = ensure_run(run(opened_once, "seed.up"))
    assert seeded.notice == ""  # that is what a seed is for
    first = DRAWN.replace("torch.randn(2, 2)", "torch.arange(4.0).reshape(2, 2)")
    unlike = ensure_run(Session.start(View.opening(lesson(first + "\nscale", SIZED)), ()))
    assert ensure_run(run(unlike, "set:n:+1")).notice == ""


def test_a_control_that_the_stop_does_not_use_says_which_stop_does() -> None:
    vector = find("vector")
    first = next(stop.number for stop in vector.stops if "n + 1" in stop.program)
    assert first > 1
    moved = run(Session.start(View.opening(vector), (vector,)), "set:n:+1")
    assert moved.view.values["n"] == 4
    assert moved.notice == f"n changes nothing here: stop {first} is the first that uses it."
    assert run(Session.start(View.opening(vector, first), (vector,)), "set:n:+1").notice == ""
    assert "[ n 3 ]" not in render(View.opening(vector), (80, 24), "screen")
    assert "[ n 3 ]" in render(View.opening(vector, first), (80, 24), "screen")


def test_two_apps_at_once_lose_no_settings() -> None:
    before: LessonSettings = (("dot", ("--seed", "3")), ("scores", ("--seed", "1")))
    one: LessonSettings = (("scores", ("--seed", "1")), ("matmul", ("--seed", "2")))  # dot was reset
    now: LessonSettings = (*before, ("causal", ("--seed", "9")))  # by another app
    assert merged_settings(now, before, one) == (
        ("scores", ("--seed", "1")),
        ("causal", ("--seed", "9")),
        ("matmul", ("--seed", "2")),
    )
    assert merged_settings((), before, before) == ()  # another has reset them
    assert merged_settings(before, before, before) == before


@pytest.mark.parametrize("lesson", WITH_CONTROLS, ids=lambda lesson: lesson.slug)
def test_a_controls_own_key_goes_through_its_values_and_comes_back(lesson: Lesson) -> None:
    keyed = [control for control in lesson.controls if control.key is not None and control.append is None]
    for control in keyed:
        session = session_at(lesson.slug)
        seen: list[object] = []
        start = session.view.values[control.name]
        while len(seen) < 100 and (not seen or seen[-1] != start):
            session = run(session, f"set:{control.name}:1")
            seen.append(session.view.values[control.name])
        assert seen[-1] == start, (lesson.slug, control.name)


def test_what_a_notice_calls_a_control_is_what_the_screen_calls_it() -> None:
    session = session_at("similarity")
    for _ in range(400):
        session = run(session, "set:angle:1")
    assert session.notice == "angle° is at its largest."


@pytest.mark.parametrize("lesson", WITH_CONTROLS, ids=lambda lesson: lesson.slug)
def test_the_control_at_a_stop_is_one_that_its_lines_name(lesson: Lesson) -> None:
    session = session_at(lesson.slug)
    for stop in lesson.stops:
        assert session.view.stop == stop.number
        words = set(re.findall(r"\w+", stop.code))
        if words & {control.name for control in lesson.controls if not control.key}:
            assert session.selection.control in words
        session = run(session, "stop.next")


def test_a_control_that_was_chosen_stays_where_it_is_named() -> None:
    session = run(session_at("matmul"), "pick:n")
    assert run(session, "stop.next").selection.control == "n"  # its lines name m, n and k
    assert run(run(session, "pick:m"), "stop.next").selection.control == "m"
    named_first = run(session_at("descent"), "pick:steps")
    assert run(named_first, "stop.next").selection.control == "steps"  # its lines name none
    assert session_at("descent").selection.control == "rate"


@pytest.mark.parametrize(
    ("above", "own", "follows"),
    [
        ("A = n * x", "B = y + 1", False),
        ("A = n * x", "B = A + 1", True),
        ("A = n\nA = 2", "B = A", False),
        ("W = 1\ndef f(x):\n    return x * W\nW = n", "y = f(1)", True),
        ("losses = []\nfor k in range(n):\n    losses.append(k)", "curve = losses", True),
        ("adam = Adam([table])\nfor k in range(n):\n    adam.step()", "arrows = table", True),
        ("W[0] = n", "B = W", True),
        ("x = torch.randn(n)", "y = torch.randn(3)", True),
        ("x = torch.randn(n)", "y = torch.ones(3)", False),
        ("x = n +", "y = 1", True),
    ],
)
def test_a_stop_depends_on_a_control_as_its_lines_do(above: str, own: str, follows: bool) -> None:
    assert can_change(f"{above}\n{own}", own, (), frozenset(["n"])) is follows
