"""`llm-linalg doctor`: what locks programs in here, what the terminal can do, what is made of it, and why."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llm_linalg.base.text import clean, clean_lines
from tui.cli.config_file import ConfigError
from tui.cli.launch import COLOR_SYSTEMS, is_dumb
from tui.cli.parser import command_parser, format_flag
from tui.cli.settings import Settings, resolve, utf8
from tui.files import trusted_folders, user_dirs
from tui.files.output import is_terminal, write
from tui.files.state_file import StateFile
from tui.files.trusted_folders import TrustedFolders
from tui.layout.pane_sizes import SMALLEST, fits
from tui.model.flags import Parser
from tui.terminal.color_depth import color_depth
from tui.terminal.probe import Answers
from tui.text.json_line import json_line
from tui.text.rows import wrap

if TYPE_CHECKING:
    from llm_linalg.room.tier import Tier

WIDEST = 76  # columns of what was tried
LOCKS = {"landlock+seccomp": "Landlock and seccomp"}
NAMES = {
    "standard": "16 colours",
    "windows": "16 colours",
    "256": "256 colours",
    "truecolor": "16 million colours",
}


@dataclass(frozen=True, slots=True)
class TerminalFacts:
    """What is known about the terminal and its environment.

    Attributes:
        keys: whether keys come from a terminal.
        screen: whether there is one to draw on.
        size: its columns and rows.
        environment: its variables.
        answers: what it said itself; None if it wasn't asked.
        settings: what was chosen, and by whom; None where that can't be read.
        fault: why not.
        keeps: the folder in which the last place is kept; None if nothing can be.
        tier: what locks foreign programs in; None if it wasn't tried.
        trusts: the folders whose programs may run with the user's rights where nothing does.
    """

    keys: bool
    screen: bool
    size: tuple[int, int] | None
    environment: Mapping[str, str]
    answers: Answers | None
    settings: Settings | None = None
    fault: str = ""
    keeps: str | None = None
    tier: Tier | None = None
    trusts: tuple[str, ...] = ()

    def asked(self, name: str) -> tuple[object, str]:
        """Return the value of a setting that was set, and who set it; None of a default."""
        setting = None if self.settings is None else self.settings.by_name[name]
        if setting is None or setting.source == "default":
            return None, ""
        return setting.value, setting.where or "as it was left"


def parser() -> Parser:
    """Return the parser of `llm-linalg doctor`."""
    parser = command_parser(
        "doctor", "Say what locks programs in on this machine, and what this terminal can do."
    )
    format_flag(parser)
    return parser


def run(flags: argparse.Namespace) -> int:
    """Print what was found."""
    facts = inspect_terminal()
    write(clean_lines(report(facts)) if flags.format == "plain" else json_line(record(facts)))
    return 0


def inspect_terminal() -> TerminalFacts:
    """Look at the streams, and ask the terminal if there is one."""
    keys = is_terminal(sys.stdin)
    screen = is_terminal(sys.stdout)
    size, answers = None, None
    if screen:
        columns, rows = os.get_terminal_size(1)
        size = (columns, rows) if columns > 0 and rows > 0 else None  # a pty without a size
    if keys and screen and not is_dumb(os.environ):
        from tui.terminal.probe import ask

        answers = ask(0, 1, os.environ.get("TERM", ""))
    settings, fault = None, ""
    folder = user_dirs.folder(os.environ)
    try:
        settings = resolve(argparse.Namespace(), os.environ, StateFile(folder))
    except ConfigError as error:
        fault = str(error)
    fault = fault or "; ".join(settings.problems[:1] if settings is not None else ())
    keeps = str(folder) if user_dirs.writable(folder) else None
    from llm_linalg.room.tier import tier

    trusts = TrustedFolders(folder).load()
    return TerminalFacts(
        keys, screen, size, dict(os.environ), answers, settings, fault, keeps, tier(), trusts
    )


def report(facts: TerminalFacts) -> str:
    """Return the report, a line a fact: what it is, what the app does with it, why."""
    rows = list(_rows(facts))
    wide = max(len(name) for name, _, _ in rows)
    lines = [f"{name:<{wide}}  {value}{f'  ({why})' if why else ''}" for name, value, why in rows]
    for result, attempts in _attempts(facts.tier).items():
        wrapped = wrap(", ".join(attempts), WIDEST)
        lines += [f"{'' if place else result:<{wide}}  {row}" for place, row in enumerate(wrapped)]
    return "".join(f"{clean(line, 300)}\n" for line in lines)


def record(facts: TerminalFacts) -> dict[str, object]:
    """Return the facts as an object for JSON: the lock, then those of the report by name."""
    tier = facts.tier
    locks = {} if tier is None else {"lock": tier.lock, "tried": tier.tried, "reason": tier.reason}
    return {"format": 1, **locks, **{name: {"value": value, "why": why} for name, value, why in _rows(facts)}}


def _rows(facts: TerminalFacts) -> Iterator[tuple[str, str, str]]:
    environment = facts.environment
    yield "foreign programs", *_lock(facts.tier)
    yield "keys from", "a terminal" if facts.keys else "not a terminal", "standard input"
    yield "screen on", "a terminal" if facts.screen else "not a terminal", "standard output"
    if facts.fault:
        yield "settings", "unusable" if facts.settings is None else "not all of them usable", facts.fault
    yield "opens", *_mode(facts)
    yield "size", *_size(facts.size)
    yield "colours", *_colours(facts)
    yield "background", *_background(facts)
    yield "theme", *_theme(facts)
    yield "characters", *_characters(facts)
    answers = facts.answers or Answers()
    yield "synchronized output", *_answer(facts, answers.synchronized, "frames appear whole", "not needed")
    yield "mouse", *_mouse(facts)
    keyboard = _answer(facts, answers.keyboard or None, "escape acts at once", "escape waits 0.1 s")
    yield "keyboard protocol", *keyboard
    yield "over SSH", *_far(facts)
    inside = next((name for name in ("TMUX", "STY") if environment.get(name)), None)
    yield "inside", {"TMUX": "tmux", "STY": "screen", None: "no multiplexer"}[inside], ""
    yield "keeps", *(("the last place", facts.keeps) if facts.keeps else ("nothing", "no folder to write to"))
    if facts.trusts:
        yield (
            "trusts",
            "; ".join(facts.trusts),
            f"{trusted_folders.NAME} there; what is taken out is asked again",
        )


def _attempts(tier: Tier | None) -> dict[str, list[str]]:
    """Return what a locked process has tried, by what came of it."""
    results: dict[str, list[str]] = {}
    for what, result in ({} if tier is None else tier.tried).items():
        results.setdefault(result, []).append(what)
    return results


def _lock(tier: Tier | None) -> tuple[str, str]:
    """Return which of the two tiers this machine has, and what that means."""
    if tier is None:
        return "not tried", ""
    if tier.lock is None:
        return "not locked in: they run only if you say so, with your rights", tier.reason
    how = f"{LOCKS.get(tier.lock, tier.lock)}, which refused all of {len(tier.tried)} attempts"
    return "locked in: they run unasked, and reach nothing", how


def _mode(facts: TerminalFacts) -> tuple[str, str]:
    if facts.settings is None and facts.fault:
        return "nothing", "the settings are unusable"
    if _plain(facts):
        return "the plain session", _plain(facts)
    if not facts.keys or not facts.screen:
        return "nothing by itself", "'llm-linalg frame' prints pictures, --plain reads a pipe of commands"
    if _unknown_system(facts.environment):
        return "nothing", "TEXTUAL_COLOR_SYSTEM is unusable"
    return "the full screen", f"TERM={facts.environment.get('TERM', '')}"


def _plain(facts: TerminalFacts) -> str:
    """Return why it is the plain session; nothing where it is not."""
    wanted, by = facts.asked("plain")
    if wanted is True:
        return by
    if facts.keys and facts.screen and is_dumb(facts.environment):
        return f"TERM is {facts.environment.get('TERM') or 'not set'}"
    return ""


def _theme(facts: TerminalFacts) -> tuple[str, str]:
    wanted, by = facts.asked("theme")
    if wanted is not None:
        return str(wanted), by
    light = facts.answers is not None and facts.answers.light
    return ("light", "so is the background") if light else ("dark", "unless another is asked for")


def _characters(facts: TerminalFacts) -> tuple[str, str]:
    wanted, by = facts.asked("ascii")
    if wanted is True:
        return "ASCII only", by
    if not utf8(facts.environment) and wanted is None:
        return "ASCII only", "the locale is not UTF-8"
    return "UTF-8", by


def _mouse(facts: TerminalFacts) -> tuple[str, str]:
    wanted, by = facts.asked("mouse")
    if wanted is False:
        return "left to the terminal", by
    answers = facts.answers
    if answers is not None and answers.mouse is None:  # tmux is one that has a mouse and doesn't say so
        return "no answer", "clicks and wheel where there is one; every action has a key"
    value = None if answers is None else answers.mouse
    return _answer(facts, value, "clicks and wheel; --no-mouse leaves it alone", "every action has a key")


def _far(facts: TerminalFacts) -> tuple[str, str]:
    far = "SSH_TTY" in facts.environment or "SSH_CONNECTION" in facts.environment
    wanted, by = facts.asked("slow_link")
    if wanted is True:
        return "yes" if far else "no", f"as little as possible is sent: {by}"
    return ("yes", "--slow-link sends less") if far else ("no", "")


def _size(size: tuple[int, int] | None) -> tuple[str, str]:
    if size is None:
        return "unknown", "80x24 is taken"
    needs = f"at least {SMALLEST[0]}x{SMALLEST[1]}; made for 80x24"
    return f"{size[0]}x{size[1]}", needs if fits(*size) else f"too small: needs {needs}"


def _unknown_system(environment: Mapping[str, str]) -> bool:
    return environment.get("TEXTUAL_COLOR_SYSTEM", "") not in ("", *COLOR_SYSTEMS)


def _colours(facts: TerminalFacts) -> tuple[str, str]:
    environment = facts.environment
    if _plain(facts):
        return "none", "the plain session is text alone"
    if environment.get("NO_COLOR"):
        return "none", f"NO_COLOR={environment['NO_COLOR']}; glyphs and weight tell everything"
    asked = environment.get("TEXTUAL_COLOR_SYSTEM", "")
    if _unknown_system(environment):
        return "unusable", f"TEXTUAL_COLOR_SYSTEM is one of {', '.join(COLOR_SYSTEMS)}"
    if asked in NAMES:
        return NAMES[asked], f"TEXTUAL_COLOR_SYSTEM={asked}"
    found_depth, why = color_depth(environment)
    return NAMES[found_depth], why


def _background(facts: TerminalFacts) -> tuple[str, str]:
    if facts.answers is None:
        return _answer(facts, None, "", "")
    return {None: "no answer", True: "light", False: "dark"}[facts.answers.light], ""


def _answer(facts: TerminalFacts, value: bool | None, good: str, other: str) -> tuple[str, str]:
    """Return what a terminal says of an ability, or why it was asked nothing."""
    if facts.answers is None:
        there = facts.keys and facts.screen
        return "not asked", "a dumb terminal answers nothing" if there else "there is no terminal to ask"
    if value:
        return "yes", good
    return ("no", other) if value is False or facts.answers.anything else ("no answer", other)
