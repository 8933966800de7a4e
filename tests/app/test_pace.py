"""The pace of a talk, its clocks in words, and where the notes say them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.app.talks import deck_at, done, started
from tests.app.test_audience import told
from tui.panes.notes_pane import NotesContent, notes_rows
from tui.session.presentation.stopwatch import minutes_text, stop_due, time_left
from tui.text.glyphs import UNICODE

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
