"""The benchmarks' own arithmetic: a figure is worth what its ruler is worth."""

from __future__ import annotations

import pytest

from llm_linalg.illustrations.look_names import LOOK_NAMES
from tests.bench.link import DELAY, Way
from tests.bench.meter import LOOKS, look_times
from tests.bench.screen import Screen, cheapest
from tests.bench.soak import at, ended, growth
from tests.bench.stats import Row, late, middle, number, table
from tui.model.frame import CELL_LOOKS


def screen_of(text: str) -> Screen:
    made = Screen(20, 1)
    made.feed(text.encode())
    return made


def screen(*data: str) -> Screen:
    made = Screen(10, 3)
    for chunk in data:
        made.feed(chunk.encode())
    return made


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.01234, "0.0123"), (4.5678, "4.57"), (45.678, "45.7"), (456.7, "457"), (12345.6, "12346")],
)
def test_a_figure_has_three_digits(value: float, text: str) -> None:
    assert number(value) == text


def test_a_row_knows_its_ratio_and_whether_its_promise_is_kept() -> None:
    row = Row("paint", 500, "ms", 250, "an empty app", most_ratio=1.8)
    assert row.ratio == 2
    assert row.kept is False
    assert Row("step", 900, "B", 450, "the least", most=1000).kept is True
    assert Row("step", 900, "B", 450, "the least").kept is None
    assert Row("idle", 0, "B", 0, "an empty app", most=0).ratio is None


def test_growth_is_an_hours_whatever_was_played() -> None:
    steps = [0, 100, 200, 400]
    assert growth([7.0, 7.0, 7.0, 7.0], steps) == 0
    assert growth([7.0, 8.0, 9.0, 11.0], steps) == pytest.approx(144)  # one in a hundred of 14,400 steps
    assert growth([7.0], [100]) == 0


def test_a_soak_knows_when_a_walk_has_been_played() -> None:
    playing, standing, before = (screen_of(text) for text in ("3/3 steps ◀ ‖", "3/3 steps ◀ ▶", "0/3 steps"))
    assert [ended(one) for one in (playing, standing, before)] == [False, True, False]
    assert at(screen_of("24/24 terms")) == (24, 24)
    assert at(screen_of("loading torch")) == (0, 0)


def test_the_table_has_a_line_a_row_and_says_what_is_broken() -> None:
    rows = [
        Row("paint", 500, "ms", 250, "an empty app", most_ratio=1.8),
        Row("idle", 0, "B", 0, "it", most=0),
    ]
    header, paint, idle = table(rows).splitlines()
    assert header.startswith("benchmark")
    assert "2.00 ×" in paint
    assert "BROKEN" in paint
    assert "kept" in idle


def test_the_median_of_nothing_is_nothing() -> None:
    assert middle([]) == 0
    assert middle([3, 1, 2]) == 2


def test_the_95th_percentile_leaves_out_one_in_twenty() -> None:
    assert late([]) == 0
    assert late([5]) == 5
    assert late(range(20, 0, -1)) == 19
    assert late([*range(19), 1000]) == 18


def test_text_lands_where_the_cursor_was_sent() -> None:
    assert screen("\x1b[2;3Hab\x1b[1;1Hc").text.splitlines() == ["c         ", "  ab      ", "          "]


def test_a_sequence_cut_in_two_is_one_sequence() -> None:
    whole = screen("\x1b[2;3H\x1b[1;38;5;4mab\x1b[0m")
    cut = screen("\x1b[2", ";3H\x1b[1;38", ";5;4mab\x1b[0m")
    assert cut.picture == whole.picture
    assert cut.picture[1][2].style == "1;38;5;4"


def test_a_character_cut_in_two_is_one_character() -> None:
    made = Screen(10, 1)
    for byte in "·│".encode():
        made.feed(bytes([byte]))
    assert made.text.startswith("·│")


def test_modes_titles_and_queries_leave_the_picture_alone() -> None:
    made = screen("\x1b[?1049h\x1b[?2026$p\x1b]0;title\x07\x1b]52;c;YQ==\x1b\\\x1b[>1u\x1b(Bab")
    assert made.text.splitlines()[0].rstrip() == "ab"


def test_a_screen_is_full_when_each_cell_was_written() -> None:
    made = Screen(4, 2)
    made.feed(b"    \n\r   ")
    assert not made.full
    made.feed(b" ")
    assert made.full


def test_the_cheapest_encoding_of_no_change_is_nothing() -> None:
    picture = screen("ab").picture
    assert cheapest(picture, picture) == 0


def test_the_cheapest_encoding_of_one_cell_is_a_move_a_style_and_the_character() -> None:
    before, after = screen("ab").picture, screen("ab", "\x1b[1;2H\x1b[7mX\x1b[0m").picture
    assert cheapest(before, after) == len("\x1b[1;2H\x1b[0;7mX\x1b[0m")


def test_close_changes_share_a_move_and_far_ones_do_not() -> None:
    before = screen("..........").picture
    close, far = screen("X.X.......").picture, screen("X........X").picture
    assert cheapest(before, close) == len("\x1b[1;1H\x1b[0;mX.X\x1b[0m")
    assert cheapest(before, far) == len("\x1b[1;1H\x1b[0;mX\x1b[1;10HX\x1b[0m")


def test_a_link_delivers_late_and_no_faster_than_it_can() -> None:
    way = Way()
    way.take(b"a" * 3200, 0.0)  # a tenth of a second of the link
    way.take(b"b", 0.0)
    assert way.next == pytest.approx(0.1 + DELAY)
    assert way.arrived(0.1 + DELAY - 0.001) == b""
    assert way.held == 3201
    assert way.arrived(0.1 + DELAY + 1e-6) == b"a" * 3200
    assert way.arrived(9.0) == b"b"
    assert (way.next, way.held) == (None, 0)
    way.take(b"c", 9.0)  # what was not used of it is gone
    assert way.next == pytest.approx(9.0 + DELAY, abs=1e-3)


def test_the_meter_has_a_walk_in_every_look_that_is_drawn() -> None:
    assert set(LOOKS) == set(LOOK_NAMES) - set(CELL_LOOKS)
    for look in LOOKS:
        drawn, plain = look_times(look)
        assert len(drawn) == len(plain) >= 3 * 4
