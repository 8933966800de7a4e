"""What the doctor says, of terminals that answer, that answer little, and that are silent."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.common import file_at
from tests.terminal.console import Console
from tui.cli.doctor_command import TerminalFacts, report
from tui.terminal.color_depth import color_depth
from tui.terminal.probe import Answers, answers

ASKED = b"\x1b[c"


@pytest.mark.parametrize(
    ("said", "synchronized", "keyboard"),
    [
        ("\x1b[?2026;2$y\x1b[?1006;2$y\x1b[?0u\x1b[?62;22c", "yes", "yes"),
        ("\x1b[?2026;0$y\x1b[?1006;1$y\x1b[?6c", "no", "no"),
        ("\x1b[?6c", "no", "no"),
        ("", "no answer", "no answer"),
    ],
)
def test_it_asks_and_says_what_was_answered(said: str, synchronized: str, keyboard: str) -> None:
    with Console("doctor", size=(120, 30)) as console:
        console.until(lambda: ASKED in console.raw)
        console.send(said)
        assert console.wait() == 0
        lines = dict(line.split("  ", 1) for line in console.text.splitlines() if "  " in line.strip())
        assert lines["synchronized output"].strip().startswith(synchronized)
        assert lines["keyboard protocol"].strip().startswith(keyboard)
        assert "120x30" in console.text
        assert "256 colours" in console.text
        assert console.left_over == []


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_dumb_terminal_is_sent_no_question(term: str) -> None:
    with Console("doctor", env={"TERM": term}, size=(120, 30)) as console:
        assert console.wait() == 0
        assert b"\x1b" not in console.raw
        assert "the plain session  (TERM is" in console.text
        assert "none  (the plain session is text alone)" in console.text
        assert "a dumb terminal answers nothing" in console.text


def told(given: dict[str, str], size: tuple[int, int] = (80, 24)) -> str:
    return report(
        TerminalFacts(True, True, size, {"TERM": "xterm-256color", "LANG": "C.UTF-8"} | given, Answers())
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"NO_COLOR": "1"}, "none  (NO_COLOR=1"),
        ({"NO_COLOR": ""}, "256 colours"),
        ({"COLORTERM": "truecolor"}, "16 million colours  (COLORTERM=truecolor"),
        ({"TERM": "linux"}, "16 colours  (TERM=linux"),
        ({"TEXTUAL_COLOR_SYSTEM": "standard"}, "16 colours  (TEXTUAL_COLOR_SYSTEM=standard"),
        ({"TEXTUAL_COLOR_SYSTEM": "x"}, "unusable  (TEXTUAL_COLOR_SYSTEM is one of auto"),
        ({"TEXTUAL_COLOR_SYSTEM": "x"}, "nothing  (TEXTUAL_COLOR_SYSTEM is unusable)"),
        ({"TEXTUAL_COLOR_SYSTEM": "windows"}, "16 colours  (TEXTUAL_COLOR_SYSTEM=windows"),
        ({"TMUX": ""}, "no multiplexer"),
        ({"LANG": "C"}, "ASCII only"),
        ({"TMUX": "1"}, "tmux"),
        ({"SSH_CONNECTION": "1"}, "--slow-link"),
        ({"TERM": "a\x1b[31mb"}, "TERM=a"),
    ],
)
def test_it_says_what_it_chose_and_why(given: dict[str, str], said: str) -> None:
    text = told(given)
    assert said in text
    assert "\x1b" not in text


def test_a_terminal_without_a_size_is_taken_as_the_usual_one() -> None:
    with Console("doctor", size=(0, 0), env={"TERM": "dumb"}) as console:
        assert console.wait() == 0
        assert b"unknown  (80x24 is taken)" in console.raw


def test_it_says_when_the_window_is_too_small() -> None:
    assert "too small" in told({}, (20, 5))
    assert "too small" not in told({})


@pytest.mark.parametrize(
    ("term", "colours"),
    [
        *(
            (name, "standard")
            for name in ("xterm", "linux", "screen", "vt100", "vt220", "rxvt-16color", "tmux")
        ),
        *(
            (name, "256")
            for name in ("xterm-256color", "screen-256color", "xterm-kitty", "foot", "wezterm", "x")
        ),
    ],
)
def test_the_name_of_a_terminal_says_how_many_colours(term: str, colours: str) -> None:
    assert color_depth({"TERM": term})[0] == colours
    assert color_depth({"TERM": term, "COLORTERM": "24bit"})[0] == "truecolor"


@pytest.mark.slow
def test_it_says_what_the_settings_chose_and_where_they_are_from(tmp_path: Path) -> None:
    folder = tmp_path / "llm-linalg"
    folder.mkdir()
    file = file_at(folder, "config.toml", 'theme = "light"\nascii = true\nmouse = false\nslow_link = true\n')
    given = {"XDG_CONFIG_HOME": str(tmp_path), "LLM_LINALG_THEME": "high-contrast"}
    with Console("doctor", size=(200, 30), env=given) as console:
        assert console.wait() == 0
        said = " ".join(console.text.split())
        assert "theme high-contrast (LLM_LINALG_THEME)" in said
        assert f"characters ASCII only ({file}:2" in said
        assert f"mouse left to the terminal ({file}:3" in said
        assert "keeps the last place" in said
        assert f"as little as possible is sent: {file}:4" in said
    file.write_text("plain = true\n", encoding="utf-8")
    with Console("doctor", size=(200, 30), env=given | {"LLM_LINALG_THEME": ""}) as console:
        console.until(lambda: ASKED in console.raw)
        console.send("\x1b]11;rgb:ffff/ffff/ffff\x1b\\\x1b[?62c")
        assert console.wait() == 0
        said = " ".join(console.text.split())
        assert f"opens the plain session ({file}:1" in said
        assert "background light theme light" in said
    file.write_text("them = 1\n", encoding="utf-8")
    with Console("doctor", size=(200, 30), env=given | {"HOME": "/proc", "XDG_STATE_HOME": None}) as console:
        assert console.wait() == 0
        said = " ".join(console.text.split())
        assert f'settings not all of them usable ({file}:1: unknown key "them"' in said
        assert "opens the full screen" in said
        assert "keeps nothing" in said


def test_a_mouse_that_is_not_told_of_is_not_denied() -> None:
    assert "mouse                no answer" in report(
        TerminalFacts(True, True, (80, 24), {}, Answers(anything=True))
    )
    assert "mouse                no  " in report(
        TerminalFacts(True, True, (80, 24), {}, Answers(True, mouse=False))
    )


def test_half_an_answer_is_no_answer() -> None:
    assert answers(b"\x1b[?2026;") == Answers()
    assert answers(b"\x1b[?2026;2$y").synchronized is True
    assert answers(b"\x1b[?2026;4$y").synchronized is False
