"""Progress: what was seen and solved is noted, kept, marked in the sidebar and on the map, and told."""

from __future__ import annotations

import errno
import json
import os
import pty
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from llm_linalg.base.text import clean
from llm_linalg.lessons import documents
from llm_linalg.lessons.external import of_function
from llm_linalg.lessons.lesson import lesson_of
from llm_linalg.lessons.reader import catalog, find
from tests.app.driving import opened
from tests.app.lessons import one
from tui.app import Options
from tui.cli.main import main
from tui.files.course_progress import (
    BEGUN,
    DONE,
    UNSEEN,
    CourseProgress,
    LessonProgress,
    numbered_stops,
    progress_of_json,
)
from tui.files.state_file import State, StateFile, of_json
from tui.files.user_dirs import folder
from tui.model.view import View
from tui.render.progress_text import counts, next_lines, progress_lines
from tui.session.attempts import ExerciseAttempt, with_attempt
from tui.session.commands import COMMANDS, run
from tui.session.script.running import ensure_run
from tui.session.session import Session
from tui.text.glyphs import Glyphs

MATVEC = find("matvec")


STOPS = len(MATVEC.stops)


lesson_progress = st.builds(
    lambda seen, solved, half: LessonProgress(
        tuple(sorted(seen)), tuple(sorted(solved)), 9, 2, tuple(sorted(half - solved))
    ),
    st.sets(st.integers(1, 9)),
    st.sets(st.integers(1, 9)),
    st.sets(st.integers(1, 9)),
)


progresses = st.dictionaries(st.sampled_from(["dot", "matvec", "why"]), lesson_progress).map(
    lambda found: CourseProgress(tuple(found.items()))
)


@given(progresses, progresses)
def test_two_apps_keep_what_either_has_seen(one: CourseProgress, other: CourseProgress) -> None:
    both = one.merged(other)
    assert both.merged(other) == both
    assert {*dict(both.lessons)} == {*dict(one.lessons), *dict(other.lessons)}
    for slug, told in both.lessons:
        known = [progress.of(slug) or LessonProgress() for progress in (one, other)]
        assert {*told.seen} == {*known[0].seen, *known[1].seen}
        assert {*told.solved} == {*known[0].solved, *known[1].solved}
        assert {*told.half} == {*known[0].half, *known[1].half} - {*told.solved}
    assert progress_of_json(json.loads(json.dumps(both.as_json())), 100) == both


@given(
    st.recursive(
        st.none() | st.integers() | st.floats() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["seen", "solved", "stops", "exercises"]), inner, max_size=4)
        ),
        max_leaves=12,
    )
)
def test_of_what_is_damaged_only_what_makes_sense_is_read(value: object) -> None:
    read = of_json({"progress": {"matvec": value}}).progress
    assert progress_of_json(read.as_json(), 100) == read
    for _, told in read.lessons:
        assert all(1 <= stop <= told.stops for stop in (*told.seen, *told.solved))


def test_a_lesson_is_done_when_all_is_seen_and_every_exercise_solved() -> None:
    session = Session.start(View.opening(MATVEC), catalog())
    assert session.learner.progress.stage("matvec") == UNSEEN
    for number in range(1, STOPS + 1):
        session = session.with_undo(session.view.at_stop_number(number)).with_progress()
        assert session.learner.progress.stage("matvec") == BEGUN
    assert session.with_progress() is session
    (exercise,) = (stop.number for stop in MATVEC.stops if stop.exercise is not None)
    there = session.with_undo(session.view.at_stop_number(exercise))
    solved = with_attempt((), there.view, ExerciseAttempt(is_solved=True))
    there = there.with_learner(attempts=solved).with_progress()
    assert there.learner.progress.stage("matvec") == DONE
    assert counts(MATVEC, there.learner.progress) == (STOPS, STOPS, 1, 1)


BEFORE = ("Look", "Guess", "Your turn")
AFTER = ("Look", "More to see", "Guess", "Your turn")


@pytest.mark.parametrize(
    ("known", "was", "there"),
    [
        (LessonProgress((1, 2, 3), (3,), 3, 1), BEFORE, ((1, 3, 4), (4,))),
        (LessonProgress((2,), (), 3, 1), BEFORE, ((3,), ())),
        (LessonProgress((1, 2, 3), (3,), 3, 1), (), ((4,), (4,))),  # numbers alone, of another count
        (LessonProgress((1, 3), (), 4, 1), (), ((1, 3), ())),
        (LessonProgress((1, 2, 3), (3,), 3, 1), ("Look", "Gone", "Write it"), ((1, 4), (4,))),
    ],
)
def test_in_another_version_a_stop_is_known_by_its_title(
    known: LessonProgress, was: tuple[str, ...], there: tuple[tuple[int, ...], tuple[int, ...]]
) -> None:
    moved = known.moved(was, AFTER, [4])
    assert (moved.seen, moved.solved, moved.stops, moved.exercises) == (*there, 4, 1)
    assert not moved.is_done


def test_a_file_of_before_is_read_and_what_was_not_seen_is_not_done(tmp_path: Path) -> None:
    titles = numbered_stops()["matvec"]
    every = [*range(1, len(titles) + 1)]
    exercise = next(number for number, title in enumerate(titles, 1) if title.startswith("Your turn"))
    told = {"seen": every, "solved": [exercise], "stops": len(titles), "exercises": 1}
    state = {"format": 1, "progress": {"matvec": told, "no-lesson": told}}
    (tmp_path / "state.json").write_text(json.dumps(state), encoding="utf-8")
    progress = StateFile(tmp_path).load().progress
    now = progress.of("matvec")
    assert now is not None
    assert len(now.solved) == 1
    assert {MATVEC.stops[number - 1].title for number in now.seen} <= {*titles}
    assert progress.of("no-lesson") is not None
    assert StateFile(tmp_path).update(lambda known: known)
    again = StateFile(tmp_path).load()
    assert again.progress == progress
    assert again.course


def test_what_is_noted_has_its_titles_and_survives_a_new_stop(tmp_path: Path) -> None:
    session = Session.start(View.opening(MATVEC, 2), catalog()).with_progress()
    assert StateFile(tmp_path).update(session.remembered)
    state = json.loads((tmp_path / "state.json").read_text(encoding="utf-8"))
    assert state["progress"]["matvec"]["titles"] == [stop.title for stop in MATVEC.stops]
    first, *rest = MATVEC.stops
    new = first._replace(title=clean("A stop that is new"))
    longer = tuple(stop._replace(number=number) for number, stop in enumerate((new, first, *rest), 1))
    known = StateFile(tmp_path).load().progress.in_course([replace(MATVEC, stops=longer)])
    assert known.of("matvec") == LessonProgress((3,), (), STOPS + 1, 1)


async def test_an_answer_that_is_right_here_is_half_a_tick() -> None:
    stop = next(stop.number for stop in MATVEC.stops if stop.exercise is not None)
    async with opened(MATVEC, stop=stop) as d:
        marks = ["○"] * STOPS
        assert "".join(marks) in d.screen
        attempt = ExerciseAttempt(is_half=True)
        there = d.session.with_attempt(d.view, attempt).with_progress()
        d.app.explorer.update_session(there)
        await d.settle()
        marks[stop - 1] = "◐"
        assert "".join(marks) in d.screen
        told = there.learner.progress.of("matvec")
        assert told == LessonProgress((stop,), (), STOPS, 1, (stop,))
        lines = [*progress_lines([MATVEC], there.learner.progress, Glyphs())]
        assert lines[-1].endswith("½/1 solved")
        solved = there.with_attempt(d.view, attempt._replace(is_solved=True)).with_progress()
        assert solved.learner.progress.of("matvec") == LessonProgress((stop,), (stop,), STOPS, 1)


async def test_it_is_kept_as_one_goes_and_shown_in_the_sidebar(tmp_path: Path) -> None:
    state_file = StateFile(tmp_path)
    async with opened(MATVEC, options=Options(state_file=state_file)) as d:
        assert "◐ A x, by rows" in d.screen
        await d.press("full_stop", "full_stop")
        await d.app.workers.wait_for_complete()
        assert state_file.load().progress.of("matvec") == LessonProgress((1, 2, 3), (), STOPS, 1)
        assert "●●●○" in d.screen
        await d.press("f3")
        assert " 3/" in d.screen


async def test_the_sidebar_is_folded_to_the_part_and_cuts_no_title() -> None:
    async with opened(MATVEC) as d:
        side = " ".join(" ".join(row.partition("│")[0] for row in d.rows[2:-1]).split())
        for lesson in catalog():
            assert lesson.part != MATVEC.part or lesson.title in side, lesson.slug
        assert "Similarity" not in side
        await d.press("l")
        assert "4 Learning" in d.screen
        await d.press("escape", "backslash")
        assert "4 Learning" not in d.screen
        assert "│" not in d.rows[4]


def solved_but(*left: str) -> CourseProgress:
    """The progress of somebody who has seen all, and solved all but the exercises of some lessons."""
    every = CourseProgress()
    for lesson in catalog():
        numbers = tuple(stop.number for stop in lesson.stops)
        exercises = tuple(stop.number for stop in lesson.stops if stop.exercise is not None)
        solved = () if lesson.slug in left else exercises
        every = every.with_lesson(lesson.slug, LessonProgress(numbers, solved, len(numbers), len(exercises)))
    return every


def exercise_of(slug: str) -> int:
    return next(stop.number for stop in find(slug).stops if stop.exercise is not None)


def test_a_key_goes_to_the_next_exercise_that_is_not_solved() -> None:
    def after(slug: str, stop: int, *left: str) -> tuple[str, int, str]:
        session = Session.start(View.opening(find(slug), stop), catalog())
        session = run(session.with_learner(progress=solved_but(*left)), "exercise.next")
        return session.view.lesson.slug, session.view.stop, session.notice

    there = exercise_of("dot")
    assert after("vector", 2, "dot")[:2] == ("dot", there)
    assert after("attention", 1, "dot")[:2] == ("dot", there)  # after the last, from the first on
    assert after("dot", 1, "dot", "vector")[:2] == ("dot", there)
    assert after("dot", there, "dot", "vector")[:2] == ("vector", exercise_of("vector"))
    assert after("dot", there, "dot") == ("dot", there, "All others are solved.")
    assert after("dot", 1) == ("dot", 1, "Every exercise is solved. P asks new questions, without end.")


@pytest.mark.parametrize("past", ["stop.next", "forward"])
def test_the_end_says_what_is_solved_and_the_ways_on(past: str) -> None:
    last = catalog()[-1]
    keys = [next(one.key_text for one in COMMANDS if one.id == name) for name in ("practice", "play.take")]

    def notice(*left: str) -> str:
        session = ensure_run(Session.start(View.opening(last, len(last.stops)), catalog()))
        session = session.with_learner(progress=solved_but(*left))
        return run(run(session, "finish"), past).notice

    exercises = sum(lesson.exercises for lesson in catalog())
    some, every = notice("dot", "align"), notice()
    assert f"{exercises - 2} of {exercises} exercises solved. W" in some
    assert "every exercise is solved" in every
    for told in (some, every):
        assert all(f" {key} " in told for key in keys), told
        assert len(told) < 80


@pytest.mark.parametrize("past", ["stop.next", "forward"])
def test_the_end_of_a_file_says_nothing_of_the_courses_exercises(past: str) -> None:
    for lesson, ways in (
        (documents.parse(b"x = torch.ones(2)", "cells.py"), "E edit, P practice, F4 the course."),
        (one("x = torch.ones(2)"), "E edit, P practice, F4 the course."),
        (lesson_of(of_function(lambda x: x * 2, (torch.ones(2),)), "twice"), "P practice, F4 the course."),
    ):
        session = ensure_run(Session.start(View.opening(lesson), catalog()))
        assert run(run(session, "finish"), past).notice == f"The end. {ways}"


def test_stops_marked_more_are_left_out_if_that_is_wanted() -> None:
    attention = find("attention")
    more = [stop.number for stop in attention.stops if stop.title.startswith("More: ")]
    exercise = exercise_of("attention")
    assert min(more) == exercise + 1
    session = run(Session.start(View.opening(attention, exercise), catalog()), "more")
    assert run(session, "stop.next").view.lesson.slug == "heads"
    back = run(run(session, "stop.next"), "stop.previous")
    assert (back.view.lesson.slug, back.view.stop) == ("attention", exercise)
    again = run(session, "more")
    assert run(again, "stop.next").view.stop == exercise + 1
    assert session.remembered(State()).brief
    assert not again.remembered(State()).brief


async def test_f3_says_what_to_do_next(tmp_path: Path) -> None:
    options = Options(progress=solved_but("dot"), state_file=StateFile(tmp_path))
    async with opened("vector", options=options) as d:
        await d.press("f3")
        assert f"Solve Dot product, stop {exercise_of('dot')}" in d.screen
        assert "W goes there" in d.screen
    catalogue = catalog()
    on, exercise = next_lines(catalogue, CourseProgress(), brief=False)
    assert on.startswith(f"Go on with {catalogue[0].title}, stop 1: ")
    assert exercise.endswith(f"llm-linalg {catalogue[0].slug} --stop {exercise_of(catalogue[0].slug)}")
    begun = CourseProgress().with_lesson("vector", LessonProgress((1, 2), (), len(find("vector").stops), 1))
    on, exercise = next_lines(catalogue, begun, brief=False)
    assert on.startswith("Go on with Vector, stop 3: ")
    assert exercise.startswith("Solve Vector, stop ")
    assert [*next_lines(catalogue, solved_but(), brief=False)] == [
        "You have seen the whole course, and solved every exercise. Well done!"
    ]


@pytest.mark.parametrize("ascii_only", [False, True])
async def test_the_boxes_of_the_map_are_lit_by_their_lessons(ascii_only: bool) -> None:
    whole = LessonProgress((1,), (), 1, 0)
    solved = LessonProgress((1, 4), (4,), 9, 1)
    known = CourseProgress((("embedding", solved), ("block", solved._replace(solved=())), ("logits", whole)))
    stop = next(stop.number for stop in find("why").stops if stop.map is not None)
    marks = "o+*" if ascii_only else "○◐●"
    async with opened("why", stop=stop, options=Options(progress=known, ascii_only=ascii_only)) as d:
        assert f"{marks[2]}embed" in d.screen
        assert f"{marks[1]}block" in d.screen
        assert f"{marks[2]}chances" in d.screen
        assert not any(f"{mark}logits" in d.screen for mark in marks)


def test_the_command_tells_and_forgets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    place = folder({"XDG_STATE_HOME": str(tmp_path)})
    known = CourseProgress((("matvec", LessonProgress((1, 2), (), STOPS, 1)),))
    assert StateFile(place).update(lambda state: state._replace(progress=known, theme="light"))
    assert main(["progress", "--format", "json"]) == 0
    said = capsys.readouterr().out
    assert main(["progress", "--json"]) == 0
    assert capsys.readouterr().out == said
    told = json.loads(said)
    assert told["format"] == 1
    assert told["lessons"]["matvec"] == {"seen": 2, "stops": STOPS, "solved": 0, "exercises": 1}
    assert [*told["lessons"]] == [lesson.slug for lesson in catalog()]
    assert main(["progress"]) == 0
    assert "2 of " in capsys.readouterr().out.splitlines()[0]
    kept, known_folder = StateFile(place).load(), tmp_path / "llm-linalg"
    assert main(["progress", "--reset"]) == 2  # nobody can be asked
    assert StateFile(place).load() == kept
    for copies in ("", "2"):
        capsys.readouterr()
        assert main(["progress", "--reset", "--yes"]) == 0
        copy = Path(capsys.readouterr().out.removesuffix("\n"))
        assert copy == known_folder / f"state.json.bak{copies}"
        if not copies:
            assert of_json(json.loads(copy.read_text())) == kept
    assert StateFile(place).load() == State(theme="light")

    def fill(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("llm_linalg.base.file_io.write_all", fill)
    assert main(["progress", "--reset", "--yes"]) == 1
    assert f'cannot write "{known_folder / "state.json"}": No space left on' in capsys.readouterr().err


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("Yes", 0), ("", 1), ("n", 1)])
def test_forgetting_asks_at_a_terminal(answer: str, code: int, tmp_path: Path) -> None:
    place = folder({"XDG_STATE_HOME": str(tmp_path)})
    known = CourseProgress((("matvec", LessonProgress((1, 2), (), STOPS, 1)),))
    assert StateFile(place).update(lambda state: state._replace(progress=known))
    here, there = pty.openpty()
    os.write(here, f"{answer}\n".encode())
    done = subprocess.run(
        [sys.executable, "-m", "llm_linalg", "progress", "--reset"],
        stdin=there, capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path)},
    )  # fmt: skip
    os.close(here)
    os.close(there)
    assert done.returncode == code, done.stderr
    assert (StateFile(place).load().progress.lessons == known.lessons) == bool(code)
