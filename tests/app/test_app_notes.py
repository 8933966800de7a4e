"""The notes and the follower on the screen, and the pace of a talk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.app.talks import deck_at, done, started
from tests.app.test_audience import told
from tui.app import Explorer, Options, ScreenApp
from tui.audience.client import GONE, Link
from tui.audience.meeting import PlaceError
from tui.headless import capture
from tui.model.broadcast import Broadcast
from tui.panes.notes_pane import NotesContent, notes_rows
from tui.screens.follower import ALLOWED, FollowerScreen
from tui.screens.speaker_notes import NotesScreen
from tui.session.keys import KEYS
from tui.session.presentation.stage_moves import require_talk
from tui.session.presentation.state import Talk
from tui.session.presentation.stopwatch import minutes_text, stop_due, time_left
from tui.session.session import Session
from tui.text.glyphs import ASCII, UNICODE
from tui.text.rows import width_of


class Scripted(Link):
    """A link that tells what a test wants, and then nothing more."""

    def __init__(self, *tells: Broadcast) -> None:
        super().__init__("notes", {})
        self.tells = list(tells)
        self.said: list[tuple[str, int | None]] = []

    async def talk(self) -> AsyncIterator[Broadcast]:
        while self.tells:
            yield self.tells.pop(0)
        raise PlaceError("nobody presents")

    def say(self, verb: str, stop: int | None = None) -> bool:
        self.said.append((verb, stop))
        return True


@pytest.fixture
def talk(tmp_path_factory: pytest.TempPathFactory) -> Session:
    return started(deck_at(tmp_path_factory.mktemp("deck")))


async def test_the_notes_say_what_to_say_and_what_comes_next(talk: Session) -> None:
    link = Scripted(told(talk, "notes"))
    app = ScreenApp(NotesScreen(link))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        screen = capture_of(app)
        assert "Say hello." in screen
        assert "A talk" in screen
        assert "1/4" in screen
        assert "A sum" in screen
        assert "has gone" in screen
        assert screen.rstrip().endswith("q quit")
        await pilot.press("right", "pageup", "J", "K", "1", "2", "G", "G", "3", "enter")
        assert link.said == [
            ("next", None), ("back", None), ("stop.next", None), ("stop.previous", None),
            ("go", 12), ("go", 4), ("go", 3),
        ]  # fmt: skip
        await pilot.press("q")
        assert app._exit


async def test_the_clock_stands_where_it_was_when_the_presenter_goes(
    talk: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr("tui.screens.speaker_notes.monotonic", lambda: clock[0])

    class Going(Scripted):
        async def talk(self) -> AsyncIterator[Broadcast]:
            async for now in super().talk():
                yield now
                clock[0] += 60.0

    now = told(talk, "notes")
    notes = NotesScreen(
        Going(Broadcast(now.deck, now.lesson, {**now.show, "seconds": 30.0, "running": True}))
    )
    async with ScreenApp(notes).run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert notes.notice == GONE
        clock[0] += 60.0
        assert notes.seconds == 90.0


def test_the_next_stop_is_told_from_this_one_below_the_same_heading(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    text = '+++\ntitle = "T"\n+++\n## Both\n```stops\nmatmul:1-2\n```\n## Alone\nWords.\n'
    both = started(deck_at(tmp_path_factory.mktemp("deck"), text))
    assert told(both, "notes").show["next"] == "Both › Matrix × matrix › Every single product"
    assert told(done(both, "stage.go:2"), "notes").show["next"] == "Alone"


def capture_of(app: ScreenApp) -> str:
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


@pytest.mark.parametrize("size", [(80, 24), (40, 10), (20, 5), (1, 1), (200, 60)])
@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
def test_notes_never_leave_their_room(talk: Session, size: tuple[int, int], glyphs: object) -> None:
    now = told(done(talk, "stage.next"), "notes")
    long = Broadcast(now.deck, now.lesson, {**now.show, "notes": "word " * 2000, "fault": "x.md:1: broken"})
    for notes in (
        NotesContent(None, 0.0, "Waiting"),
        NotesContent(now, 5.0),
        NotesContent(long, 700.0, "gone", top=10**6),
    ):
        rows = notes_rows(notes, *size, ASCII if glyphs is ASCII else UNICODE)
        assert len(rows) <= size[1]
        assert all(width_of(spans) <= size[0] for spans in rows)


async def test_a_follower_shows_the_same_at_its_own_size_and_only_looks(talk: Session) -> None:
    shown = done(talk, "stage.go:2", "stage.next", "seed.up")
    mine = require_talk(talk)
    start = Talk(mine.deck)
    keys = tuple(key for key in KEYS if key.id in ALLOWED)
    follower = partial(FollowerScreen, link=Scripted(told(shown)))
    app = Explorer(start.first_view(1), mine.deck.lessons, Options(keys=keys), start, follower)
    screen = app.start
    assert isinstance(screen, FollowerScreen)
    async with app.run_test(size=(120, 35)) as pilot:
        await pilot.pause()
        while not screen.is_settled:
            await pilot.pause()
        assert (screen.session.view.step, screen.session.view.seed) == (1, 1)
        before = screen.session.view
        await pilot.press("right", "right_square_bracket", "R", "G", "1", "G", "l", "E", "n", "s")
        assert screen.session.view == before
        assert "you only look" in capture(app, "screen")
        assert "A sum" in capture(app, "screen")
        await pilot.press("B")
        assert require_talk(screen.session).big
        await pilot.press("q")
        assert app._exit


MINUTES = st.lists(st.none() | st.floats(0.1, 60), min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("minutes", "planned", "seconds", "due"),
    [
        ([1.0, 2.0, 3.0], None, 59.0, 1),
        ([1.0, 2.0, 3.0], None, 60.0, 2),
        ([1.0, 2.0, 3.0], None, 1e6, 3),
        ([1.0, 2.0, 3.0], 720.0, 119.0, 1),  # twice as long as the stops say
        ([None, None, None, None], 600.0, 301.0, 3),
        ([1.0, None, None], 600.0, 61.0, 2),
        ([1.0, None, None], 600.0, 331.0, 3),
        ([None, None], None, 10.0, None),
    ],
)
def test_the_stop_at_which_a_talk_should_be(
    minutes: list[float | None], planned: float | None, seconds: float, due: int | None
) -> None:
    assert stop_due(minutes, planned, seconds) == due


@given(MINUTES, st.none() | st.floats(1, 36_000), st.floats(0, 100_000), st.floats(0, 1000))
def test_the_pace_never_goes_back_and_ends_at_the_last_stop(
    minutes: list[float | None], planned: float | None, seconds: float, more: float
) -> None:
    due, later = (stop_due(minutes, planned, at) for at in (seconds, seconds + more))
    assert (due is None) == (later is None)
    if due is not None and later is not None:
        assert 1 <= due <= later <= len(minutes)


@given(st.integers(1, 36_000), st.floats(0, 40_000))
def test_what_has_passed_and_what_is_left_add_up(planned: int, seconds: float) -> None:
    assert int(seconds) + time_left(float(planned), seconds) == planned


def test_less_than_a_minute_is_told_in_seconds() -> None:
    assert [minutes_text(minutes) for minutes in (0.25, 1.0, 2.5)] == ["15 s", "1 min", "2.5 min"]


def test_the_notes_have_step_pace_and_time_of_day(tmp_path_factory: pytest.TempPathFactory) -> None:
    talk = done(started(deck_at(tmp_path_factory.mktemp("deck"))), "stage.go:2", "stage.next")
    now = told(talk, "notes")

    def text(seconds: float) -> str:
        rows = notes_rows(NotesContent(now, seconds, time="14:05"), 80, 24, UNICODE)
        return "\n".join("".join(span.text for span in spans) for spans in rows)

    assert "step 1/2   stop 2/4" in text(70.0)
    assert "14:05" in text(70.0)
    assert "on time" in text(70.0)
    assert "you should be at stop 4" in text(500.0)
    assert "you should be at stop 1" in text(30.0)
