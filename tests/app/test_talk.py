"""A talk without a screen: on and exactly back, jumps, live changes and their undoing, a saved deck."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_linalg.lessons.deck import load
from tests.app.talks import DECK, deck_at, done, started, where
from tests.common import known
from tui.files.watch import Watch
from tui.session.commands import COMMANDS, run
from tui.session.decks import read_deck
from tui.session.presentation.reload import match_stops, reload_deck
from tui.session.presentation.stage_moves import is_edited, require_talk
from tui.session.presentation.state import Talk
from tui.session.presentation.stopwatch import Stopwatch, clock_text
from tui.session.script.running import ensure_run
from tui.session.session import Session

WAY = [(1, 0), (2, 0), (2, 1), (2, 2), (3, 1), (3, 2), (4, 0), (4, 1)]


@pytest.fixture
def talk(tmp_path: Path) -> Session:
    return started(deck_at(tmp_path))


def test_on_is_the_next_step_and_at_the_end_the_next_stop(talk: Session) -> None:
    seen = [where(talk)]
    for _ in WAY[1:]:
        talk = done(talk, "stage.next")
        seen.append(where(talk))
    assert seen == WAY
    assert done(talk, "stage.next").notice == "That is the end."
    assert where(done(talk, "stage.next")) == WAY[-1]


MOVES = [
    "stage.stop.next", "stage.stop.previous", "stage.skip", "stage.finish", "stage.last", "stage.first",
    "stage.reset", "into", "out", "over", "order", "cursor", "seed.up", "control.up", "first", "undo",
]  # fmt: skip


@pytest.mark.parametrize("number", [2, 3, 4])
def test_no_command_leads_off_the_deck_s_stop_whatever_its_key(tmp_path: Path, number: int) -> None:
    """Keys are the reader's, and in a window too small for the stage its own keys are not live."""
    talk = started(deck_at(tmp_path), number)
    live = [own for own in COMMANDS if own.when in talk.contexts and not own.by_screen and not own.run_with]
    assert len(live) > 40
    for command in live:
        after = run(talk, command.id)
        stop = require_talk(after).stop
        assert (after.view.lesson, after.view.stop) == (stop.lesson, stop.stop), command.id
        assert after.selection.sidebar is None, command.id


@given(before=st.lists(st.sampled_from(["stage.next", *MOVES]), max_size=6), steps=st.integers(1, 4))
@pytest.mark.slow
def test_back_undoes_what_was_just_done_from_anywhere(
    tmp_path_factory: pytest.TempPathFactory, before: list[str], steps: int
) -> None:
    talk = done(started(deck_at(tmp_path_factory.getbasetemp())), *before)
    pictures = []
    for _ in range(steps):
        after = done(talk, "stage.next")
        if after.notice == "That is the end.":
            break
        pictures.append((where(talk), talk.view))
        talk = after
    for place, view in reversed(pictures):
        talk = done(talk, "stage.back")
        assert (where(talk), talk.view) == (place, view)


def test_without_such_a_step_back_is_a_step_back_and_then_the_stop_before_as_it_was_left(
    talk: Session,
) -> None:
    talk = done(talk, "stage.stop.next", "stage.next")
    assert where(talk) == (2, 1)
    jumped = done(talk, "stage.stop.next")
    assert where(jumped) == (3, 1)  # as it was rehearsed
    assert where(done(jumped, "stage.back")) == (2, 1)
    unseen = done(talk, "stage.go:4", "stage.back")
    assert where(unseen) == (3, 2)  # its end
    assert where(done(unseen, "stage.finish", "stage.back")) == (3, 1)
    assert where(done(unseen, "stage.back", "stage.back")) == (2, 1)


def test_within_what_was_gone_into_back_goes_before_its_first_step_and_then_out(talk: Session) -> None:
    inside = done(talk, "stage.go:3", "into", "stage.back")
    assert (inside.view.depth, where(inside)) == ("terms", (3, 0))
    assert done(inside, "stage.back").view.depth == "cells"


def test_jumps(talk: Session) -> None:
    assert where(done(talk, "stage.last")) == (4, 0)
    assert where(done(talk, "stage.last", "stage.first")) == (1, 0)
    assert where(done(talk, "stage.go:3")) == (3, 1)
    far = done(talk, "stage.go:12")
    assert (where(far), far.notice) == ((4, 0), "There is no stop 12: 1 to 4.")
    assert where(done(talk, "stage.skip")) == (3, 1)
    assert where(done(talk, "stage.skip", "stage.skip")) == (4, 0)
    last = done(talk, "stage.last", "stage.skip", "stage.stop.next")
    assert (where(last), last.notice) == ((4, 0), "That is the last stop.")


def test_finish_goes_to_the_end_that_the_stop_is_about(talk: Session) -> None:
    assert where(done(talk, "stage.go:2", "stage.finish")) == (2, 2)
    assert where(done(talk, "stage.go:4", "stage.finish")) == (4, 1)
    assert where(done(talk, "stage.finish")) == (1, 0)


def test_live_changes_stay_until_they_are_undone_by_one_key(talk: Session) -> None:
    talk = done(talk, "stage.go:2", "stage.next")
    rehearsed = talk.view
    changed = done(talk, "control.up", "seed.up", "look")
    assert is_edited(changed)
    assert where(changed) == (2, 1)
    back_again = done(changed, "stage.stop.next", "stage.stop.previous")
    assert back_again.view == changed.view
    assert dict(done(changed, "stage.go:4", "stage.go:2").view.controls)["n"] == "3"
    reset = done(back_again, "stage.reset")
    assert (reset.view, is_edited(reset)) == (rehearsed, False)
    assert where(done(reset, "stage.reset")) == (2, 0)
    assert done(reset, "stage.stop.next", "stage.stop.previous").view == rehearsed


def test_a_kiosk_begins_again_and_forgets(tmp_path: Path) -> None:
    talk = done(started(deck_at(tmp_path), 4, loop=True), "control.up", "stage.finish", "stage.next")
    assert (where(talk), require_talk(talk).last_views) == ((1, 0), {})
    assert not is_edited(done(talk, "stage.go:4"))


def test_the_clock_is_started_by_the_first_step(talk: Session) -> None:
    assert not require_talk(talk).watch.running
    going = done(talk, "stage.next")
    assert require_talk(going).watch.running
    standing = done(going, "stage.pause")
    assert (require_talk(standing).watch.running, standing.notice) == (False, "The clock stands.")
    faces = [require_talk(done(talk, *["stage.clock"] * n)).clock for n in range(4)]
    assert faces == ["off", "elapsed", "remaining", "off"]


def test_a_stopwatch_counts_while_it_runs() -> None:
    watch = Stopwatch().start(10.0)
    assert watch.seconds(15.0) == 5.0
    assert watch.start(12.0) == watch
    paused = watch.pause(16.0)
    assert (paused.seconds(99.0), paused.running) == (6.0, False)
    assert paused.start(100.0).seconds(101.0) == 7.0
    assert paused.reset(5.0) == Stopwatch()
    assert watch.reset(20.0).seconds(21.0) == 1.0
    assert [clock_text(t) for t in (0, 59.9, 65, 3725, -61, -0.5)] == [
        "0:00",
        "0:59",
        "1:05",
        "1:02:05",
        "-1:01",
        "0:00",
    ]


def test_what_is_left_of_the_planned_time(talk: Session) -> None:
    now = require_talk(talk)
    assert (now.duration, now.remaining(0.0)) == (600.0, 600.0)
    assert Talk(now.deck, minutes=1.0, watch=Stopwatch(70.0)).remaining(0.0) == -10.0


def saved(talk: Session, file: Path, text: str) -> Session:
    watch = Watch(require_talk(talk).deck, read_deck)
    file.write_text(text, encoding="utf-8")
    deck = watch.look()
    assert not isinstance(deck, str | None), deck
    return done(reload_deck(talk, deck), "look")


@pytest.mark.parametrize(
    ("old", "new", "there"),
    [
        ("It adds up.", "It adds up to something else.", (2, 1)),
        ("Only words.\n", "Only words.\n\n## More words\nAnd more.\n", (3, 1)),
        ("## Welcome\nOnly words.\n\n```notes minutes=1\nSay hello.\n```\n", "", (1, 1)),
        ("## A sum", "## A total", (2, 1)),
        ("x = torch.ones(n)", "x = 2 * torch.ones(n)", (2, 1)),
    ],
)
def test_a_deck_that_is_saved_goes_on_at_the_same_stop(
    tmp_path: Path, old: str, new: str, there: tuple[int, int]
) -> None:
    file = deck_at(tmp_path)
    talk = done(started(file), "stage.go:2", "control.up", "stage.next")
    later = saved(talk, file, DECK.replace(old, new))
    assert where(later) == there
    assert dict(later.view.controls)["n"] == "3"
    assert known(later.current).error is None


def test_what_is_rehearsed_otherwise_is_shown_so(tmp_path: Path) -> None:
    file = deck_at(tmp_path)
    talk = done(started(file), "stage.go:3")
    later = saved(talk, file, DECK.replace("n=2 --set m=1 --step 1", "n=3 --set m=1 --step 2"))
    assert (where(later), dict(later.view.controls)["n"]) == ((3, 2), "3")
    fewer = saved(later, file, DECK.partition("## A sum")[0])
    assert where(fewer) == (1, 0)


def test_a_broken_save_is_told_once_and_a_later_good_one_is_taken(tmp_path: Path) -> None:
    file = deck_at(tmp_path)
    watch = Watch(started(file).talk.deck, read_deck)  # type: ignore[union-attr]
    assert watch.look() is None
    file.write_text(DECK + "\n## Empty\n", encoding="utf-8")
    told = watch.look()
    assert isinstance(told, str)
    assert told.endswith('talk.md:33: nothing stands below the heading "Empty"')
    assert watch.look() is None
    file.unlink()
    assert "no such file" in str(watch.look())
    file.write_text(DECK, encoding="utf-8")
    assert not isinstance(watch.look(), str | None)
    assert watch.look() is None


def test_a_folder_is_watched_with_what_comes_into_it(tmp_path: Path) -> None:
    deck_at(tmp_path)
    watch = Watch(started(tmp_path).talk.deck, read_deck)  # type: ignore[union-attr]
    deck_at(tmp_path, '+++\ntitle = "Z"\n+++\nMore.\n', "z.md")
    found = watch.look()
    assert not isinstance(found, str | None)
    assert len(found.stops) == 5


@pytest.mark.parametrize("half", ["y = torch.softmax(x, di", "y = x +", "if n", 'y = "x', "y = x @ (1, 2"])
def test_a_program_saved_in_the_middle_of_a_line_is_a_broken_file(tmp_path: Path, half: str) -> None:
    file = deck_at(tmp_path)
    watch = Watch(require_talk(started(file)).deck, read_deck)
    file.write_text(DECK.replace("y = x + 1", half), encoding="utf-8")
    said = watch.look()
    assert isinstance(said, str)
    line = 1 + next(k for k, text in enumerate(DECK.split("\n")) if text == "y = x + 1")
    assert said.startswith(f"talk.md:{line}: ")


def test_a_program_that_fails_once_it_was_saved_leaves_the_picture(tmp_path: Path) -> None:
    file = deck_at(tmp_path)
    talk = done(started(file), "stage.go:2", "stage.next")
    watch = Watch(require_talk(talk).deck, read_deck)
    file.write_text(DECK.replace("y = x + 1", "y = xx + 1"), encoding="utf-8")
    deck = watch.look()
    assert not isinstance(deck, str | None)
    later = ensure_run(reload_deck(talk, deck), talk)
    assert known(later.current).error is not None
    failed = known(known(later.current).frame(later.view).error)
    assert known(failed.good).captions.formula_text[0].startswith("y[0] = ")


def test_a_map_that_was_only_looked_at_is_left_at_its_end(tmp_path: Path) -> None:
    talk = done(started(deck_at(tmp_path), 2), "stage.next", "map")
    boxes = 0
    while talk.view.depth == "map":
        talk = done(talk, "stage.next")
        boxes += 1
    assert boxes >= 1
    assert where(talk) == (2, 1)
    assert where(done(talk, "stage.next", "stage.next")) == (3, 1)
    assert done(talk, "stage.back").view.depth == "map"


def test_stops_under_one_heading_are_told_apart(tmp_path: Path) -> None:
    text = "+++\ntitle = 'A talk'\n+++\n## One\n```stops\n{}\n```\n"
    old = load(deck_at(tmp_path, text.format("softmax:1\nsoftmax:2"), "old.md"))
    new = load(deck_at(tmp_path, text.format("softmax:3\nsoftmax:1\nsoftmax:2"), "new.md"))
    assert match_stops(old, new) == {1: 2, 2: 3}


def test_the_keys_on_stage_come_and_go(tmp_path: Path) -> None:
    talk = started(deck_at(tmp_path))
    shown = [require_talk(done(talk, *["stage.footer"] * count)).footer for count in range(3)]
    assert shown == [False, True, False]
