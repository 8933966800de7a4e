"""How many colours there are, and what the environment says about them."""

from __future__ import annotations

import re

import pytest

from tests.terminal.console import Console
from tests.thinning import thin
from tui.text.themes import THEMES

pytestmark = pytest.mark.slow  # a process on a terminal for each

PROSE = "Each cell of Y"
ALL = re.compile(rb"\x1b\[([\d;]*)m")


def parameters(raw: bytes) -> set[str]:
    """Colours that were asked for, by their kind: `16`, `256`, `true`."""
    kinds: set[str] = set()
    for found in ALL.findall(raw):
        words = found.decode().split(";")
        while words:
            word = words.pop(0)
            if word in ("38", "48"):
                kind = words.pop(0)
                kinds.add({"5": "256", "2": "true"}[kind])
                del words[: 1 if kind == "5" else 3]
            elif word and (30 <= int(word) <= 47 or 90 <= int(word) <= 107) and word not in ("39", "49"):
                kinds.add("16")
    return kinds


# One of each kind is looked at with its numbers, which take torch; the others at the first paint.
DRAWN: list[dict[str, str]] = [{}, {"TERM": "linux"}, {"NO_COLOR": "1"}]


@pytest.mark.parametrize(
    ("env", "kinds"),
    thin(
        [
            ({}, {"256"}),
            ({"TERM": "linux"}, {"16"}),
            ({"TERM": "vt100"}, {"16"}),
            ({"TERM": "screen"}, {"16"}),
            ({"TERM": "tmux-256color"}, {"256"}),
            ({"TERM": "xterm"}, {"16"}),
            ({"TERM": "xterm-kitty"}, {"256"}),
            ({"TERM": "xterm-ghostty", "COLORTERM": "truecolor"}, {"256"}),
            ({"TERM": "no-such-terminal"}, {"256"}),
            ({"NO_COLOR": ""}, {"256"}),
            ({"NO_COLOR": "1"}, set()),
        ],
        5,
    ),
    ids=str,
)
def test_the_environment_says_how_many_colours(env: dict[str, str], kinds: set[str]) -> None:
    with Console("matmul", "--look", "both", "--step", "6", env=env) as console:
        console.until(PROSE)
        if env in DRAWN:
            console.until(lambda: "loading" not in console.text)
        found = parameters(console.raw)
        # Our colours are among the 256 and sent as their numbers, which is shorter, wherever there are more.
        assert found == kinds
        console.send("q")
        assert console.wait() == 0
        assert console.left_over == []


@pytest.mark.parametrize(
    ("words", "answer", "theme"),
    thin(
        [
            ((), "\x1b]11;rgb:ffff/ffff/ffff\x1b\\", "light"),
            ((), "\x1b]11;rgb:0000/0000/0000\x07", "dark"),
            ((), "", "dark"),
            (("--theme", "dark"), None, "dark"),
            (("--theme", "light"), None, "light"),
        ],
        4,
    ),
)
def test_the_terminal_is_asked_for_its_background(
    words: tuple[str, ...], answer: str | None, theme: str
) -> None:
    """Unless somebody asked for a theme; the key takes the one after that in force."""
    themes = list(THEMES)
    following = themes[(themes.index(theme) + 1) % len(themes)]
    with Console("matmul", *words) as console:
        console.until(PROSE)
        assert (b"\x1b]11;?" in console.raw) == (answer is not None)
        console.send(answer or "")
        console.until("/12 steps")
        console.send("T")
        console.until(f"Theme: {following}.")
        console.send("q")
        assert console.wait() == 0


def test_a_console_that_prints_what_it_does_not_know_is_not_asked() -> None:
    with Console("matmul", env={"TERM": "linux"}) as console:
        console.until(PROSE).until("/12 steps")
        assert b"\x1b]11" not in console.raw


@pytest.mark.parametrize("value", ["many", "", "16"])
def test_an_unknown_color_system_is_one_line(value: str) -> None:
    with Console("matmul", env={"TEXTUAL_COLOR_SYSTEM": value}) as console:
        if not value:  # as if it were not set
            console.until(PROSE)
            return
        assert console.wait() == 2
        assert b"\x1b" not in console.raw
        assert console.raw.decode().strip() == (
            "llm-linalg: TEXTUAL_COLOR_SYSTEM is one of auto, standard, 256, truecolor, windows"
        )


@pytest.mark.parametrize("locale", thin(["C", "POSIX", "de_DE.ISO-8859-1"], 3))
def test_a_locale_without_utf8_gets_ascii(locale: str) -> None:
    with Console("matmul", env={"LC_ALL": locale}) as console:
        console.until(PROSE)
        shown = console.raw.decode("ascii")  # not one byte of anything else
        assert "Y = x @ W" in console.text
        assert "\\u" not in shown
