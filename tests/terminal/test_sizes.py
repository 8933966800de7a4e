"""Sizes of the window, from one cell to very many, and changes of them."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest

from llm_linalg.lessons.reader import catalog
from tests.terminal.console import Console
from tests.thinning import thin
from tui.layout.pane_sizes import LARGEST, RUNNING

pytestmark = pytest.mark.slow  # a process on a terminal for each

FAR = re.compile(r"\d+/\d+ (steps|boxes|terms|operations)")
PROSE = "Each cell of Y"


@pytest.mark.parametrize(("columns", "rows"), thin([(20, 5), (1, 1), (40, 10)], 3))
def test_a_window_that_is_too_small_says_so_and_can_be_left(columns: int, rows: int) -> None:
    with Console("matmul", size=(columns, rows)) as console:
        console.until(lambda: console.screen.display[0].startswith("too small"[:columns]))
        if columns >= 20:
            said = "".join(console.screen.display).replace(" ", "")
            assert f"has{columns}×{rows}" in said
        console.send("q")
        assert console.wait() == 0
        assert console.left_over == []


def test_it_fits_again_when_the_window_grows() -> None:
    with Console("matmul", size=(20, 5)) as console:
        console.until("too small")
        console.resize(80, 24)
        console.until(PROSE).until("q quit")
        assert "too small" not in console.text


def test_at_the_usual_size_every_lesson_shows_all_that_it_needs() -> None:
    """Title, sidebar, how far it is, and the keys; nothing of the picture is cut."""
    lessons = list(catalog())
    with Console(lessons[0].slug) as console:
        console.until("q quit")
        for lesson in lessons:
            console.until(lambda: lesson.title in console.screen.display[0])  # noqa: B023 - waited for here
            fails = lesson.stops[0].fails
            board = lesson.stops[0].board
            here = "→ (" if fails else "row 1 of" if board else None
            console.until(here or (lambda: FAR.search(console.screen.display[22]) is not None))
            console.until(lambda: "q quit" in console.screen.display[23])
            console.until(lambda: RUNNING not in console.text)  # of one that took long, it goes last
            title, rule, *rows = console.screen.display
            assert title.rstrip().endswith("? help"), lesson.slug
            assert rule.rstrip() == rule, lesson.slug
            assert all(row[18] == "│" for row in rows[:-1]), lesson.slug
            listed = "".join(row[:18] for row in rows).replace(" ", "").partition("▸")[2]
            assert listed[1:].startswith(lesson.title.replace(" ", "")), lesson.slug  # whole, if in two rows
            # torch's own words fill what room is left below our sentence; p has the whole of them
            shown = [row[19:].rstrip() for row in rows[:-3] if not row[19:].startswith(" torch: ")]
            assert not any(row.endswith(("…", "more")) for row in shown), console.text
            console.send("l\x1b[B\r")


@pytest.mark.parametrize(("columns", "rows"), thin([(200, 60), (500, 200)], 2))
def test_a_very_large_window_holds_the_page_in_its_middle(columns: int, rows: int) -> None:
    with Console("matmul", size=(columns, rows)) as console:
        console.until(PROSE).until("q quit")
        across, down = (columns - LARGEST[0]) // 2, (rows - LARGEST[1]) // 2
        display = console.screen.display
        shown = [y for y, line in enumerate(display) if line.strip()]
        assert (shown[0], shown[-1]) == (down, down + LARGEST[1] - 1)
        for line in display:
            assert not line[:across].strip()
            assert not line[across + LARGEST[0] :].strip()


def test_after_a_storm_of_sizes_the_picture_is_that_of_the_last() -> None:
    with Console("matmul", size=(80, 24)) as console:
        still = console.until("/12 steps").until("q quit").quiet()
        for k in range(60):
            console.resize(60 + k % 50, 16 + k % 30)
            console.read(0.0)
        console.resize(80, 24)
        console.until(lambda: console.text == still)
        assert console.quiet() == still


def test_a_size_that_is_taken_back_at_once_leaves_the_whole_picture() -> None:
    with Console("matmul", size=(80, 24)) as console:
        still = console.until("/12 steps").until("q quit").quiet()
        for moment in range(0, 40, 2):
            console.resize(60, 16)
            console.read(moment / 1000)
            console.resize(80, 24)
            console.until(lambda: console.text == still)
        assert console.quiet() == still


def test_a_resize_while_playing() -> None:
    with Console("matmul", "--play", "--speed", "32") as console:
        console.until("/12 steps")
        for k in range(12):
            console.resize(90 + k, 30)
            console.read(0.01)
        console.until("12/12 steps")
        assert "Y[2,3] =" in console.text


@pytest.mark.parametrize("columns_and_lines", [None, "30000"])
def test_a_terminal_of_any_size_is_drawn_within_bounds_and_ends(columns_and_lines: str | None) -> None:
    sizes = {"COLUMNS": columns_and_lines, "LINES": columns_and_lines}
    with Console("matmul", env=sizes) as console:  # whose emulator stays small
        console._size(*((80, 24) if columns_and_lines else (30_000, 30_000)))
        console.until(lambda: PROSE.encode() in console.raw)
        memory = Path(f"/proc/{console.app}/statm")
        if memory.exists():
            assert int(memory.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") < 700_000_000
        places = re.findall(rb"\x1b\[(\d+);(\d+)H", console.raw)
        assert max(int(row) for row, _ in places) <= 200
        assert max(int(column) for _, column in places) <= 500
        console.send("\x1b[48;65535;65535;655350;655350t\x1b[48;0;0;0;0t")  # as if the terminal said so
        console.send("?")
        console.quiet(0.1)
        console.signal(signal.SIGTERM)
        assert console.wait() == 143
        assert console.left_over == []
