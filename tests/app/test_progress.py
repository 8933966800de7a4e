"""Progress: what was seen and solved is noted, kept, marked in the sidebar and on the map, and told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_linalg.lessons.reader import catalog, find
from tests.app.driving import opened
from tui.app import Options
from tui.cli.main import main
from tui.files.course_progress import BEGUN, DONE, UNSEEN, CourseProgress, LessonProgress, progress_of_json
from tui.files.state_file import State, StateFile, of_json
from tui.files.user_dirs import folder
from tui.model.view import View
from tui.render.progress_text import counts
from tui.session.attempts import ExerciseAttempt, with_attempt
from tui.session.session import Session

MATVEC = find("matvec")


STOPS = len(MATVEC.stops)


lesson_progress = st.builds(
    lambda seen, solved: LessonProgress(tuple(sorted(seen)), tuple(sorted(solved)), 9, 2),
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
    assert main(["progress", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["format"] == 1
    assert told["lessons"]["matvec"] == {"seen": 2, "stops": STOPS, "solved": 0, "exercises": 1}
    assert [*told["lessons"]] == [lesson.slug for lesson in catalog()]
    assert main(["progress"]) == 0
    assert "2 of " in capsys.readouterr().out.splitlines()[0]
    assert main(["progress", "--reset"]) == 0
    assert StateFile(place).load() == State(theme="light")
