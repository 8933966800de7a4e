"""``llm-linalg doctor``: what the terminal can do, what the app makes of it, and why."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from llm_linalg.text import clean
from tui.cli_app import COLOR_SYSTEMS, dumb
from tui.picture import SMALLEST, fits
from tui.settings import utf8
from tui.terminal.depth import depth
from tui.terminal.probe import Answers

NAMES = {"standard": "16 colours", "256": "256 colours", "truecolor": "16 million colours"}


@dataclass(frozen=True, slots=True)
class Facts:
    """What was found out about where the program runs."""

    keys: bool
    screen: bool
    size: tuple[int, int] | None
    environment: Mapping[str, str]
    answers: Answers | None


def found() -> Facts:
    """Looks at the streams, and asks the terminal if there is one."""
    keys = sys.stdin is not None and sys.stdin.isatty()
    screen = sys.stdout is not None and sys.stdout.isatty()
    size, said = None, None
    if screen:
        columns, rows = os.get_terminal_size(1)
        size = (columns, rows)
    if keys and screen and not dumb(os.environ):
        from tui.terminal.probe import ask

        said = ask(0, 1, os.environ.get("TERM", ""))
    return Facts(keys, screen, size, dict(os.environ), said)


def report(facts: Facts) -> str:
    """The report, a line a fact: what it is, what the app does with it, why."""
    rows = list(_rows(facts))
    wide = max(len(name) for name, _, _ in rows)
    lines = (f"{name:<{wide}}  {value}{f'  ({why})' if why else ''}" for name, value, why in rows)
    return "".join(f"{clean(line, 300)}\n" for line in lines)


def _rows(facts: Facts) -> Iterator[tuple[str, str, str]]:
    environment = facts.environment
    yield "keys from", "a terminal" if facts.keys else "not a terminal", "standard input"
    yield "screen on", "a terminal" if facts.screen else "not a terminal", "standard output"
    yield "opens", *_mode(facts)
    yield "size", *_size(facts.size)
    yield "colours", *_colours(environment)
    yield "background", *_background(facts.answers)
    yield "characters", *(("UTF-8", "") if utf8(environment) else ("ASCII only", "the locale is not UTF-8"))
    yield "synchronized output", *_answer(facts.answers, "synchronized", "frames appear whole", "not needed")
    yield (
        "mouse",
        *_answer(facts.answers, "mouse", "clicks and wheel; --no-mouse leaves it alone", "keys do all"),
    )
    yield (
        "keyboard protocol",
        *_answer(facts.answers, "keyboard", "escape acts at once", "escape waits 0.1 s"),
    )
    yield (
        "over SSH",
        "yes" if "SSH_TTY" in environment or "SSH_CONNECTION" in environment else "no",
        ("--slow-link sends less" if "SSH_CONNECTION" in environment else ""),
    )
    inside = next((name for name in ("TMUX", "STY") if name in environment), None)
    yield "inside", {"TMUX": "tmux", "STY": "screen", None: "no multiplexer"}[inside], ""


def _mode(facts: Facts) -> tuple[str, str]:
    if not facts.keys or not facts.screen:
        return "nothing by itself", "'llm-linalg frame' prints pictures, --plain reads a pipe of commands"
    if dumb(facts.environment):
        return "the plain session", f"TERM is {facts.environment.get('TERM') or 'not set'}"
    return "the full screen", f"TERM={facts.environment.get('TERM', '')}"


def _size(size: tuple[int, int] | None) -> tuple[str, str]:
    if size is None:
        return "unknown", "80x24 is taken"
    needs = f"at least {SMALLEST[0]}x{SMALLEST[1]}; made for 80x24"
    return f"{size[0]}x{size[1]}", needs if fits(*size) else f"too small: needs {needs}"


def _colours(environment: Mapping[str, str]) -> tuple[str, str]:
    if environment.get("NO_COLOR"):
        return "none", f"NO_COLOR={environment['NO_COLOR']}; glyphs and weight tell everything"
    asked = environment.get("TEXTUAL_COLOR_SYSTEM", "")
    if asked and asked not in COLOR_SYSTEMS:
        return "unusable", f"TEXTUAL_COLOR_SYSTEM is one of {', '.join(COLOR_SYSTEMS)}"
    if asked in NAMES:
        return NAMES[asked], f"TEXTUAL_COLOR_SYSTEM={asked}"
    found_depth, why = depth(environment)
    return NAMES[found_depth], why


def _background(answers: Answers | None) -> tuple[str, str]:
    light = None if answers is None else answers.light
    if light is None:
        return "no answer", "the dark theme, unless another is asked for"
    return ("light", "the light theme") if light else ("dark", "the dark theme")


def _answer(answers: Answers | None, what: str, good: str, other: str) -> tuple[str, str]:
    if answers is None:
        return "not asked", "there is no terminal to ask"
    value = {
        "synchronized": answers.synchronized, "mouse": answers.mouse, "keyboard": answers.keyboard or None,
    }[what]  # fmt: skip
    if value:
        return "yes", good
    return ("no", other) if value is False or answers.anything else ("no answer", other)
