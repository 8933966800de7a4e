"""`llm-linalg completion`: the script that completes words in a shell, made of the parsers by shtab."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from llm_linalg.base.text import clean_lines
from tui.cli.parser import app_flags, command_parser
from tui.files.output import write
from tui.model.flags import Choice, Parser
from tui.model.view_words import add_read_flag

if TYPE_CHECKING:
    from llm_linalg.lessons.control import Control

SHELLS = ("bash", "zsh", "fish")
LESSONS = ("lesson", "files", "what", "deck")
"""What the parsers call a word that may be a slug; the same word may be a file."""
NAME = "_llm_linalg_slugs_and_files"  # by "file" bash knows that names may need quotes


def parser() -> Parser:
    """Return the parser of `llm-linalg completion SHELL`."""
    parser = command_parser(
        "completion", "Print the script that completes commands, flags and lessons in a shell."
    )
    parser.add_argument("shell", type=Choice("shell", SHELLS), metavar="SHELL", help=", ".join(SHELLS))
    return parser


def run(flags: argparse.Namespace) -> int:
    """Print the script for a shell."""
    import shtab

    write(clean_lines(shtab.complete(whole_parser(), flags.shell) + "\n"))
    return 0


def whole_parser() -> Parser:
    """Return one parser of everything, as shtab wants it: commands are subcommands, and so is each lesson.

    Our own parsers are one a command, since the first word may be a lesson as well, and none is made that is
    not needed.
    """
    from llm_linalg.lessons.reader import catalog
    from tui.cli.command_table import COMMANDS
    from tui.cli.main import command

    lessons = catalog()
    words = _slugs_and_files(lesson.slug for lesson in lessons)
    whole = Parser(prog="llm-linalg")
    whole.add_argument("--version", action="store_true", help="print the version")
    add_read_flag(whole)
    app_flags(whole)
    commands = whole.add_subparsers()
    for name in COMMANDS:
        own = _with_choices(command(name).parser(), words)
        commands.add_parser(name, parents=[own], add_help=False, help=own.description)
    for lesson in lessons:
        own = commands.add_parser(lesson.slug, help=lesson.title)
        app_flags(own)
        (setting,) = (action for action in own.actions if action.dest == "set")
        setting.choices = [*_settings(lesson.controls)]
        _with_choices(own, words)
    return _with_choices(whole, words)


def _with_choices(parser: Parser, lessons: dict[str, object]) -> Parser:
    """Return a parser with what shtab completes: the words of choices, slugs, and files."""
    import shtab

    for action in parser.actions:
        if isinstance(action.type, Choice):
            action.choices = action.type.words
        elif action.dest in LESSONS and (action.metavar != "FILE" or action.nargs == "*"):
            action.complete = lessons  # type: ignore[attr-defined]  # shtab's own way to say it
        elif action.metavar == "FILE":
            action.complete = shtab.FILE  # type: ignore[attr-defined]
    return parser


def _settings(controls: Iterable[Control]) -> Iterator[str]:
    """Yield the choices of a lesson's controls, and of the others what they begin with."""
    for control in controls:
        values = control.choices if control.kind == "choice" else [control.default]
        words = (f"{control.name}={control.show(value)}" for value in values)
        yield from (word for word in words if re.fullmatch(r"[\w=.,+-]+", word))  # safe in any shell


def _slugs_and_files(slugs: Iterable[str]) -> dict[str, object]:
    """Return what completes a lesson's slug or a file: in each shell a function, or in fish a command."""
    words = " ".join(slugs)
    return {
        "bash": NAME,
        "zsh": NAME,
        "fish": f"(printf '%s\\n' {words}; __fish_complete_path (commandline -ct))",
        "preamble": {
            "bash": f'{NAME}() {{\n  compgen -W "{words}" -- $1\n  compgen -f -- $1\n}}\n',
            "zsh": f"{NAME}() {{\n  compadd -- {words}\n  _files\n}}\n",
        },
    }
