"""How many colours there are, and what the environment says about them."""

from __future__ import annotations

import re

import pytest

from tests.terminal.console import Console
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


@pytest.mark.parametrize(
    ("env", "kinds"), [({}, {"256"}), ({"TERM": "linux"}, {"16"}), ({"NO_COLOR": "1"}, set())], ids=str
)
def test_the_environment_says_how_many_colours(env: dict[str, str], kinds: set[str]) -> None:
    with Console("matmul", "--look", "both", "--step", "6", env=env) as console:
        console.until(PROSE).until(lambda: "loading" not in console.text)
        found = parameters(console.raw)
        # Our colours are among the 256 and sent as their numbers, which is shorter, wherever there are more.
        assert found == kinds
        console.send("q")
        assert console.wait() == 0
        assert console.left_over == []


@pytest.mark.parametrize(
    ("words", "answer", "theme"),
    [
        ((), "\x1b]11;rgb:ffff/ffff/ffff\x1b\\", "light"),
        ((), "", "dark"),
        (("--theme", "light"), None, "light"),
    ],
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


def test_a_locale_without_utf8_gets_ascii() -> None:
    with Console("matmul", env={"LC_ALL": "POSIX"}) as console:
        console.until(PROSE)
        shown = console.raw.decode("ascii")  # not one byte of anything else
        assert "Y = x @ W" in console.text
        assert "\\u" not in shown
