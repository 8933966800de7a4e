"""What is typed, pasted, clicked and piped."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import pytest

from tests.terminal.console import Console
from tests.thinning import thin

READY = "/12 steps"


@pytest.fixture(scope="module")
def app() -> Iterator[Console]:
    """The app on a terminal, for several tests."""
    with Console("matmul") as console:
        yield console.until(READY).until("q quit")


@pytest.fixture
def console(app: Console) -> Console:
    """The app before its first step."""
    app.send("0")
    return app.until("0/12 steps")


@pytest.mark.parametrize("kind", ["null", "pipe", "closed"])
def test_without_keys_to_read_it_is_one_line(kind: str) -> None:
    read, write = os.pipe()
    os.close(write)
    null = os.open(os.devnull, os.O_RDWR)
    stdin = {"null": null, "pipe": read, "closed": None}[kind]
    before = (lambda: os.close(0)) if kind == "closed" else None
    try:
        with Console("matmul", stdin=stdin, before=before) as console:
            assert console.wait() == 2
            assert b"\x1b" not in console.raw
            assert console.raw.count(b"\n") == 1
            assert b"standard input is not a terminal" in console.raw
    finally:
        os.close(read)
        os.close(null)


def test_without_a_screen_to_draw_on_it_names_what_needs_none() -> None:
    read, write = os.pipe()
    try:
        with Console("matmul", stdout=write) as console:
            assert console.wait() == 2
            assert b"\x1b" not in console.raw
            assert b"'llm-linalg frame LESSON' prints a picture" in console.raw
        os.close(write)
        assert os.read(read, 10) == b""
    finally:
        os.close(read)


@pytest.mark.slow
def test_the_screen_is_drawn_even_if_there_is_nowhere_for_narration() -> None:
    with Console("matmul", before=lambda: os.close(2)) as console:
        console.until(READY)
        console.send("\x1b[C")
        console.until("1/12 steps")
        console.send("q")
        assert console.wait() == 0
        assert console.left_over == []


@pytest.mark.slow
def test_the_oldest_mouse_report_past_column_95_does_no_harm() -> None:
    with Console("matmul", size=(120, 30)) as console:
        console.until(READY)
        for column in range(90, 119):
            console.send(b"\x1b[M" + bytes((32 + 35, 33 + column, 40)))
        console.send("\x1b[C")
        console.until("1/12 steps")


def test_a_click_is_a_key(console: Console) -> None:
    y = next(k for k, line in enumerate(console.screen.display) if READY in line)
    x = console.screen.display[y].index("▶")
    console.send(f"\x1b[<0;{x + 1};{y + 1}M\x1b[<0;{x + 1};{y + 1}m")
    console.until("1/12 steps")


@pytest.mark.slow
@pytest.mark.parametrize("pixels", ["0;0", "480;800"])
def test_a_click_is_one_in_pixels_and_where_nobody_knows_them(pixels: str) -> None:
    with Console("matmul") as console:
        console.until(READY)
        console.send("\x1b[?2048;2$y")  # as if it were asked, and could tell its size
        console.until(lambda: b"\x1b[?1016h" in console.raw)
        console.send(f"\x1b[48;24;80;{pixels}t")
        if pixels == "0;0":
            console.until(lambda: b"\x1b[?1016l\x1b[?1006h" in console.raw)
        y = next(k for k, line in enumerate(console.screen.display) if READY in line)
        x = console.screen.display[y].index("▶")
        x, y = (x, y) if pixels == "0;0" else (x * 10 + 5, y * 20 + 5)
        console.send(f"\x1b[<0;{x + 1};{y + 1}M\x1b[<0;{x + 1};{y + 1}m")
        console.until("1/12 steps")
        console.send("q")
        assert console.wait() == 0
        assert console.left_over == []


def test_keys_that_come_at_once_keep_their_order(console: Console) -> None:
    for keys in ("g12\x7f1\x7f\x7f5\r", "g5\r", "\x1b[C" * 5, "$0g5\r", "ooooog5\r"):
        console.send(keys)
        console.until("5/12 steps").until("q quit")
        console.send("0")
        console.until("0/12 steps")


def test_a_key_of_the_same_moment_as_one_that_opens_something_breaks_nothing(console: Console) -> None:
    for step, keys in enumerate(("p ", "pk", "?j", "pj\x1b[6~"), 1):
        console.send(keys)
        console.until(lambda: console.screen.display[23].startswith("  esc close"))
        console.send("\x1b")
        console.until("q quit")
        console.send("\x1b[C")
        console.until(f"{step}/12 steps")


WHEN = ("before the program", "before torch")
# Keys, and what they lead to: of those that wait for numbers the last one is done.
EARLY = [
    ("\x1b[C\x1b[C", "1/12 steps"),
    ("\x1b[C.", "stop 2/10"),
    (".\x1b[F", "24/24 terms"),
]


@pytest.mark.parametrize(
    ("keys", "wanted", "when"),
    thin([(*early, WHEN[number % 2]) for number, early in enumerate(EARLY)], 7),
)
@pytest.mark.slow
def test_the_last_key_pressed_before_there_are_numbers_is_not_lost(keys: str, wanted: str, when: str) -> None:
    with Console("matmul") as console:
        if when == "before torch":
            console.until("loading torch")
        console.send(keys)
        console.until(wanted)


def test_a_key_draws_the_screen_anew(console: Console) -> None:
    still = console.quiet()
    console.screen.reset()  # as if another program had written over it
    console.send("\x0c")
    console.until(lambda: console.text == still)


def test_two_megabytes_pasted_are_cut_with_a_notice(console: Console) -> None:
    console.send(b"\x1b[200~" + b"y = x @ W\n" * 200_000 + b"\x1b[201~")
    console.until("too long to paste")
    console.send("\x1b[C")
    console.until("1/12 steps")


@pytest.mark.parametrize("answer", thin(["\x1b[?2026;2$y", "\x1b[?2026;0$y", ""], 3))
@pytest.mark.slow
def test_synchronized_output_or_not_the_picture_is_the_same(answer: str) -> None:
    with Console("matmul") as console:
        console.until(lambda: b"\x1b[?2026$p" in console.raw)
        console.send(answer)
        console.until(READY)
        console.send("\x1b[C")
        console.until("1/12 steps").until("Y[0,0] =")
        assert (b"\x1b[?2026h" in console.raw) == (";2" in answer)


@pytest.mark.slow
def test_idle_it_says_nothing_and_a_step_is_small(console: Console) -> None:
    console.quiet(0.3)
    before = len(console.raw)
    assert console.read(1.0) == 0
    console.send("\x1b[C")
    console.until("1/12 steps")
    console.quiet(0.2)
    assert len(console.raw) - before < 2000


def sent(*words: str) -> int:
    """The bytes of eight steps."""
    with Console("matmul", *(f"--set={name}=8" for name in "mkn"), *words) as console:
        console.until("/64 steps")
        console.quiet(0.3)
        before = len(console.raw)
        for number in range(1, 9):
            console.send("\x1b[C")
            console.until(f" {number}/64 steps")
        console.quiet(0.3)
        return len(console.raw) - before


@pytest.mark.slow
def test_a_slow_link_is_sent_less() -> None:
    assert sent("--slow-link") < 0.8 * sent() < 8 * 700


@pytest.mark.slow
def test_no_mouse_leaves_the_mouse_to_the_terminal() -> None:
    with Console("matmul", "--no-mouse") as console:
        console.until(READY)
        assert not re.search(rb"\x1b\[\?100[0236]h", console.raw)
