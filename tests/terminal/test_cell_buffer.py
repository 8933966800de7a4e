"""What is sent is less than everything, and the terminal shows the same: a terminal emulator is the judge."""

from __future__ import annotations

import re
import unicodedata

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style
from textual.events import MouseDown
from textual.strip import Strip

from tui.terminal.background import is_light
from tui.terminal.cell_buffer import CellBuffer, cells_of
from tui.terminal.input_filter import PASTE, InputFilter
from tui.terminal.sgr import change, parse_sgr
from tui.terminal.textual_private import XTermParser

WIDTH, HEIGHT = 14, 4
STYLES = [
    Style.parse(text)
    for text in (
        "none",
        "bold",
        "red on color(17)",
        "bold color(33)",
        "reverse",
        "dim color(250) on color(17)",
    )
]
TEXTS = st.text(st.sampled_from("abc  ·│数字e\u0301"), max_size=8)
LINE = st.lists(st.tuples(TEXTS, st.sampled_from(STYLES)), max_size=4)
PICTURE = st.lists(LINE, min_size=HEIGHT, max_size=HEIGHT)


def strip(line: list[tuple[str, Style]]) -> Strip:
    """The line as a strip as wide as the screen."""
    text = [Segment(said.lstrip("\u0301"), style) for said, style in line]
    return Strip(text).adjust_cell_length(WIDTH, Style.null()).simplify()


def drawn(buffer: CellBuffer, picture: list[list[tuple[str, Style]]]) -> str:
    return buffer.draw(((y, 0, (strip(line),)) for y, line in enumerate(picture)), ColorSystem.EIGHT_BIT)


def cells(screen: pyte.Screen) -> list[list[tuple[object, ...]]]:
    return [[seen(screen.buffer[y][x]) for x in range(WIDTH)] for y in range(HEIGHT)]


def seen(c: pyte.screens.Char) -> tuple[object, ...]:
    """What is seen of a cell: of a blank its background, unless it is reversed."""
    return (c.data, c.bg) if c.data == " " and not c.reverse else (c.data, c.fg, c.bg, c.bold, c.reverse)


def fresh() -> CellBuffer:
    buffer = CellBuffer()
    buffer.forget(WIDTH, HEIGHT)
    return buffer


@given(st.lists(PICTURE, min_size=1, max_size=5))
def test_the_terminal_shows_the_last_picture_whatever_was_there(
    pictures: list[list[list[tuple[str, Style]]]],
) -> None:
    buffer, screen, alone = fresh(), pyte.Screen(WIDTH, HEIGHT), pyte.Screen(WIDTH, HEIGHT)
    screen.reset_mode(7, private=True)
    alone.reset_mode(7, private=True)
    stream = pyte.Stream(screen)
    for picture in pictures:
        stream.feed(drawn(buffer, picture))
    pyte.Stream(alone).feed(drawn(fresh(), pictures[-1]))
    assert cells(screen) == cells(alone)
    assert drawn(buffer, pictures[-1]) == ""


@given(PICTURE)
def test_a_wide_or_a_combined_character_moves_no_column(picture: list[list[tuple[str, Style]]]) -> None:
    screen = pyte.Screen(WIDTH, HEIGHT)
    screen.reset_mode(7, private=True)
    pyte.Stream(screen).feed(drawn(fresh(), picture))
    for y, line in enumerate(picture):
        wanted = cells_of(strip(line), ColorSystem.EIGHT_BIT)
        assert len(wanted) == WIDTH
        shown = [screen.buffer[y][x].data for x in range(WIDTH)]
        for x, cell in enumerate(wanted):
            if cell.text and x + 1 < WIDTH:
                assert unicodedata.normalize("NFD", shown[x])[:1] == cell.text[:1]


def test_a_change_costs_a_move_for_each_cell_and_one_style() -> None:
    line = [("numbers 1.2345 ", STYLES[5]), ("6.7", STYLES[3])]
    other = [("numbers 1.9345 ", STYLES[5]), ("6.8", STYLES[3])]
    buffer = fresh()
    drawn(buffer, [line] * HEIGHT)
    sent = drawn(buffer, [line, other, line, other])
    assert sent == "\x1b[2;11H\x1b[2;38;5;250;48;5;17m9\x1b[4;11H9\x1b[0m"


def test_a_blank_has_no_colour_of_letters() -> None:
    buffer, ground = fresh(), " on color(17)"
    red, blue = (Style.parse(colour + ground) for colour in ("bold red", "blue"))
    lines = [[("a b", red)], [("a  ", red)], [("a  ", blue)]]
    sent = [drawn(buffer, [line] * HEIGHT) for line in lines]
    assert sent[1].count("m") == 2  # a background, and at the end the reset
    assert "b" not in sent[1]
    assert sent[2].count("a") == HEIGHT  # and nothing for the blanks behind it
    assert sent[2].count(" ") == 0


@pytest.mark.parametrize(
    ("old", "new", "sent"),
    [
        ("", "", ""),
        ("", "1;38;5;4", "\x1b[1;38;5;4m"),
        ("1", "1;31", "\x1b[31m"),
        ("1;31", "31", "\x1b[0;31m"),
        ("31;48;5;17", "32;48;5;17", "\x1b[32m"),
        ("31", "", "\x1b[m"),
        ("38;2;1;2;3", "38;2;1;2;3;7", "\x1b[7m"),
        ("1;38;5;221;48;5;234", "38;5;251;48;5;234", "\x1b[22;38;5;251m"),
        ("1;2;38;5;221", "2;38;5;221", "\x1b[22;2m"),
        ("7;38;5;221", "1;38;5;221", "\x1b[27;1m"),
        ("1;38;5;221", "", "\x1b[m"),
    ],
)
def test_a_style_is_said_as_a_change_of_the_last(old: str, new: str, sent: str) -> None:
    assert change(old, new) == sent
    assert parse_sgr(f"{old};{sent[2:-1] or '0'}".lstrip(";")) == parse_sgr(new)


@given(st.lists(st.integers(1, 12), max_size=30))
def test_what_comes_in_pieces_is_what_comes_at_once(sizes: list[int]) -> None:
    data = "q\x1b[C数\x1b[200~y = 数\x1b[201~".encode() + b"\x1b[<0;3;4M\xffz"
    whole = InputFilter()
    expected = whole.feed(data) + whole.flush()
    assert expected == "q\x1b[C数\x1b[200~y = 数\x1b[201~\x1b[<0;3;4M\ufffdz"
    pieces, parts = InputFilter(), []
    for size in [*sizes, len(data)]:
        parts.append(pieces.feed(data[:size]))
        data = data[size:]
    assert "".join(parts) + pieces.flush() == expected


@pytest.mark.parametrize("at", [0, 2, 3, 4, 5, 6])
def test_the_oldest_mouse_report_is_made_new_wherever_it_is_cut(at: int) -> None:
    report = b"\x1b[M#\xf0("
    intake = InputFilter()
    said = intake.feed(b"a" + report[:at]) + intake.feed(report[at:] + b"b") + intake.flush()
    assert said == "a\x1b[<0;208;8mb"


@pytest.mark.parametrize(
    ("reports", "newer"),
    [
        (b"\x1b[M !!\x1b[M#!!", "\x1b[<0;1;1M\x1b[<0;1;1m"),
        (b'\x1b[M"+*\x1b[M#+*', "\x1b[<2;11;10M\x1b[<2;11;10m"),  # the button that was pressed is released
        (b"\x1b[M`!!\x1b[Ma!!", "\x1b[<64;1;1M\x1b[<65;1;1M"),  # the wheel
        (b"\x1b[MC!!\x1b[M@!!", "\x1b[<35;1;1M\x1b[<32;1;1M"),  # moves, without a button and with one
        (b"\x1b[M !\x00", ""),  # beyond what it can say
    ],
)
def test_what_the_oldest_mouse_report_says(reports: bytes, newer: str) -> None:
    assert InputFilter().feed(reports) == newer


SIZES = st.one_of(st.integers(0, 3), st.integers(0, 10**12))


@given(rows=SIZES, columns=SIZES, height=SIZES, width=SIZES, at=st.integers(0, 40), x=st.integers(1, 80))
def test_no_size_that_a_terminal_tells_breaks_the_mouse(
    rows: int, columns: int, height: int, width: int, at: int, x: int
) -> None:
    """Zeros for the pixels are allowed; the mouse then is where its cells are."""
    report = b"\x1b[48;%d;%d;%d;%dt" % (rows, columns, height, width)
    intake, parser = InputFilter(), XTermParser()
    text = intake.feed(report[:at]) + intake.feed(report[at:]) + intake.feed(b"\x1b[<0;%d;5M" % x)
    *told, click = parser.feed(text)
    assert isinstance(click, MouseDown)
    assert len(told) == (rows > 0 and columns > 0)
    if told and not (height and width):
        assert intake.without_pixels
        assert (round(click.x), round(click.y)) == (x - 1, 4)


@given(
    numbers=st.lists(
        st.sampled_from(["1", "97", "55296", "1114112", "9" * 19, ":", ";", "\u0663"]), max_size=7
    ),
    end=st.sampled_from("u~ACHPQRS"),
    at=st.integers(0, 40),
)
def test_no_key_that_a_terminal_tells_breaks_the_reader(numbers: list[str], end: str, at: int) -> None:
    data = f"\x1b[{''.join(numbers)}{end}".encode()
    intake, parser = InputFilter(), XTermParser()
    text = intake.feed(data[:at]) + intake.feed(data[at:]) + intake.feed(b"\x1b[<0;7;5M")
    *_, click = parser.feed(text)
    assert isinstance(click, MouseDown)


@pytest.mark.parametrize(
    ("told", "read"),
    [
        (b"\x1b[1;5C", "\x1b[1;5C"),
        (b"\x1b[3~", "\x1b[3~"),
        (b"\x1b[97;2;65u", "\x1b[97;2;65u"),
        (
            b"\x1b[97:65;2:1;65:66u",
            "\x1b[97;2;65:66u",
        ),  # with the key's other characters, and that it went down
        (b"\x1b[1114112u", "\x1b[57358u"),
        (b"\x1b[97;;55296u", "\x1b[57358u"),
    ],
)
def test_what_a_key_with_numbers_says(told: bytes, read: str) -> None:
    for at in range(2, len(told)):
        intake = InputFilter()
        assert intake.feed(b"a" + told[:at]) + intake.feed(told[at:] + b"b") + intake.flush() == f"a{read}b"


ANSWER = b"\x1b]11;rgb:ffff/ffff/e0e0\x1b\\"


@pytest.mark.parametrize("at", range(len(ANSWER)))
def test_an_answer_about_the_background_is_no_key_wherever_it_is_cut(at: int) -> None:
    intake = InputFilter()
    intake.expecting = True
    assert intake.feed(b"a" + ANSWER[:at]) + intake.feed(ANSWER[at:] + b"b") + intake.flush() == "ab"
    assert [is_light(answer) for answer in intake.answers] == [True]


@pytest.mark.parametrize(
    ("answer", "light"),
    [
        (b"\x1b]11;rgb:0000/0000/0000\x07", False),
        (b"\x1b]11;rgb:1c/1c/1c\x07", False),
        (b"\x1b]11;rgba:f/f/f/f\x07", True),
        (b"\x1b]11;rgb:0000/0000/ffff\x07", False),  # blue is dark to the eye
        (b"\x1b]11;rgb:ffff/ffff/0000\x07", True),
        (b"\x1b]10;rgb:ffff/ffff/ffff\x07", None),
        (b"\x1b]11;rgb:x\x07", None),
        (b"", None),
    ],
)
def test_what_is_light(answer: bytes, light: bool | None) -> None:
    assert is_light(answer) is light


def test_an_escape_key_is_held_back_once_while_an_answer_is_awaited() -> None:
    intake = InputFilter()
    intake.expecting = True
    assert (intake.feed(b"\x1b"), intake.flush(), intake.feed(b"\x1b")) == ("", "\x1b", "\x1b")


def test_a_huge_paste_is_cut_and_the_keys_after_it_are_not() -> None:
    intake = InputFilter()
    text = intake.feed(b"a\x1b[200~" + b"x" * 3_000_000 + b"\x1b[201~b")
    assert text == "a\x1b[200~" + "x" * PASTE + "\x1b[201~b"
    assert intake.cut


@given(st.lists(st.integers(1, 9), max_size=12))
def test_nothing_in_a_paste_is_a_key(sizes: list[int]) -> None:
    intake, data = InputFilter(), b"\x1b[200~a\x1bP+q\x1b[C\x1b\x1b[201~b"
    text = ""
    for size in [*sizes, len(data)]:
        text += intake.feed(data[:size])
        data = data[size:]
    assert text + intake.flush() == "\x1b[200~a␛P+q␛[C␛\x1b[201~b"


def test_a_huge_paste_is_told_of_once_however_it_comes() -> None:
    intake, told = InputFilter(), 0
    for _ in range(2):
        for piece in (b"\x1b[200~", *[b"x" * 4095] * 50, b"\x1b[201~"):
            intake.feed(piece)
            told += intake.cut
            intake.cut = False
    assert told == 2


@given(st.text(max_size=30))
def test_no_text_gets_past_the_buffer_that_a_terminal_would_obey(text: str) -> None:
    buffer = CellBuffer()
    buffer.forget(80, 1)
    sent = buffer.draw([(0, 0, (Strip([Segment(text, STYLES[1])]),))], ColorSystem.EIGHT_BIT)
    assert re.sub(r"\x1b\[[\d;]*[mHC]", "", sent).isprintable()


UNASKED = (
    b"\x1bP>|tmux 3.4q\x1b\\", b"\x1bP1+r544e=787465\x1b\\", b"\x1b]52;c;aGk+d29ybGQ=\x07",
    b"\x1b]lquit q\x1b\\", b"\x1b_Gi=1;OK q\x1b\\", b"\x1b^quit\x1b\\", b"\x1bXquit\x1b\\", b"\x1b[?62;22c",
    b"\x1b[>41;370;0c", b"\x1b[0n", b"\x1b[8;24;80t", b"\x1b[?1u", b"\x1b[?997;1n", b"\x1b[?12;40;1R",
    b"\x1b[1;1&w", b"\x1b[" + b"1;" * 90 + b"m",
)  # fmt: skip


@pytest.mark.parametrize("answer", UNASKED)
def test_an_answer_that_nobody_asked_for_is_no_key_in_whatever_pieces(answer: bytes) -> None:
    for at in range(2, len(answer)):
        intake = InputFilter()
        assert intake.feed(b"a" + answer[:at]) + intake.feed(answer[at:] + b"b") + intake.flush() == "ab", at


@pytest.mark.parametrize("answer", [*UNASKED, ANSWER, b"\x1b[<0;10;5M"])
def test_an_answer_whose_rest_comes_late_is_no_key_but_for_its_escape(answer: bytes) -> None:
    for at in range(1, len(answer)):
        intake = InputFilter()
        said = intake.feed(b"a" + answer[:at]) + "".join(intake.flush() for _ in range(9))
        said += intake.feed(answer[at:] + b"b") + intake.flush()
        passed = answer if answer.startswith(b"\x1b[<") else answer[: at if at <= 2 else 0]
        assert said == f"a{passed.decode()}b", at
        assert len(intake.answers) == (answer is ANSWER)
    cut = InputFilter()
    assert cut.feed(b"\x1b]11;rgb:f") + cut.flush() + cut.feed(b"\x1b[C") + cut.flush() == "\x1b[C"  # a key
    assert cut.feed(b"\x1bP") + cut.flush() + cut.feed(b"q") == "\x1bPq"  # keys


def test_a_megabyte_that_nobody_asked_for_is_no_key_and_its_end_is_waited_for_no_longer_than_a_second() -> (
    None
):
    intake, string = InputFilter(), b"\x1b]52;c;" + b"Q" * 1_000_000
    pieces = [string[start : start + 4000] for start in range(0, len(string), 4000)]
    assert "".join(map(intake.feed, pieces)) == ""
    assert intake.feed(b"\x1b") + intake.feed(b"\\b") == "b"
    for piece in pieces:
        intake.feed(piece)
    assert [intake.flush() + intake.feed(b"q") for _ in range(10)][-1] == "q"
    assert InputFilter().feed(b"\x1bPx\r") == "\x1bPx\r"  # keys
