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
from tui.render.progress_text import counts, what_is_next
from tui.session.attempts import ExerciseAttempt, with_attempt
from tui.session.commands import run
from tui.session.session import Session

MATVEC = find("matvec")


STOPS = len(MATVEC.stops)


titles = st.sets(st.sampled_from(["A row at a time", "Your turn", "More: shapes", "1", "é"]))
lesson_progress = st.builds(
    lambda seen, solved: LessonProgress(tuple(sorted(seen)), tuple(sorted(solved)), 9, 2), titles, titles
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
        assert all(0 < len(title) <= 200 for title in (*told.seen, *told.solved))


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


def test_what_an_older_state_numbered_counts_while_the_stops_are_as_many() -> None:
    numbered = {"seen": [1, 2, STOPS], "solved": [6], "stops": STOPS, "exercises": 1}
    same, fewer = (
        progress_of_json({"matvec": numbered | {"stops": stops}}, 9).as_of([MATVEC]).of("matvec")
        for stops in (STOPS, STOPS - 1)
    )
    titles = [str(stop.title) for stop in MATVEC.stops]
    asked = next(str(stop.title) for stop in MATVEC.stops if stop.exercise is not None)
    assert same == LessonProgress(tuple(sorted(titles[k] for k in (0, 1, -1))), (asked,), STOPS, 1)
    assert fewer == LessonProgress((), (asked,), STOPS, 1)  # solved by its lesson; nothing unseen is seen


def test_a_stop_that_is_new_was_not_seen() -> None:
    *known, new = (str(stop.title) for stop in MATVEC.stops)
    before = CourseProgress((("matvec", LessonProgress((*known, "Gone"), (known[5],), STOPS, 1)),))
    assert before.stage("matvec") == DONE
    now = before.as_of([MATVEC])
    assert now.stage("matvec") == BEGUN
    assert counts(MATVEC, before) == (STOPS - 1, STOPS, 1, 1)
    assert what_is_next([MATVEC], now) == f"A x, by rows, stop {STOPS}: {new}"


def at(session: Session) -> tuple[str, int]:
    return session.view.lesson.slug, session.view.stop


def solved(session: Session) -> Session:
    attempt = with_attempt((), session.view, ExerciseAttempt(is_solved=True))
    return session.with_learner(attempts=attempt).with_progress()


def test_a_key_leads_to_the_next_exercise_that_is_not_solved() -> None:
    exercises = [(one.slug, stop.number) for one in catalog() for stop in one.stops if stop.exercise]
    session = Session.start(View.opening(MATVEC), catalog())
    first = exercises.index(("matvec", 6))
    for place in (*exercises[first:], *exercises[:first]):
        session = run(session, "stop.unsolved")
        assert at(session) == place
        session = solved(session)
    assert run(session, "stop.unsolved").notice == "Every exercise of the course is solved."


def test_a_key_leaves_out_what_is_more() -> None:
    session = Session.start(View.opening(find("layernorm"), 6), catalog())
    assert session.view.lesson.stops[6].title.startswith("More:")
    there = run(session, "stop.past.more")
    assert at(there) == ("residual", 1)
    assert at(run(there, "stop.past.more")) == ("residual", 2)
    assert run(there, "undo").view == session.view


async def test_it_is_kept_as_one_goes_and_shown_in_the_sidebar(tmp_path: Path) -> None:
    state_file = StateFile(tmp_path)
    async with opened(MATVEC, options=Options(state_file=state_file)) as d:
        assert "◐ A x, by rows" in d.screen
        await d.press("full_stop", "full_stop")
        await d.app.workers.wait_for_complete()
        assert state_file.load().progress.of("matvec") == LessonProgress(
            tuple(sorted(str(stop.title) for stop in MATVEC.stops[:3])), (), STOPS, 1
        )
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
    whole = LessonProgress(("A",), (), 1, 0)
    solved = LessonProgress(("A", "B"), ("B",), 9, 1)
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
    known = CourseProgress(
        (("matvec", LessonProgress(tuple(str(stop.title) for stop in MATVEC.stops[:2]), (), STOPS, 1)),)
    )
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
