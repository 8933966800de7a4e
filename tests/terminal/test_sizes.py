"""Sizes of the window, from one cell to very many, and changes of them."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest

from llm_linalg.lessons.reader import catalog
from tests.terminal.console import Console
from tui.layout.pane_sizes import RUNNING

pytestmark = pytest.mark.slow  # a process on a terminal for each

FAR = re.compile(r"\d+/\d+ (steps|boxes|terms|operations)")
PROSE = "Each cell of Y"


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


def test_after_a_storm_of_sizes_the_picture_is_that_of_the_last() -> None:
    with Console("matmul", size=(80, 24)) as console:
        still = console.until("/12 steps").until("q quit").quiet()
        for k in range(60):
            console.resize(60 + k % 50, 16 + k % 30)
            console.read(0.0)
        console.resize(80, 24)
        console.until(lambda: console.text == still)
        for moment in range(0, 40, 2):  # one that is taken back at once
            console.resize(60, 16)
            console.read(moment / 1000)
            console.resize(80, 24)
            console.until(lambda: console.text == still)
        assert console.quiet() == still


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
