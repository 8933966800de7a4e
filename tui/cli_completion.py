"""``llm-linalg completion``: the script that completes words in a shell."""

from __future__ import annotations

import argparse

from tui.files.output import write
from tui.model.flags import Choice, Parser

SHELLS = ("bash", "zsh", "fish")


def parser() -> Parser:
    """``llm-linalg completion SHELL``."""
    parser = Parser(
        prog="llm-linalg completion",
        description="Print the script that completes commands, flags, lessons and controls in a shell.",
        allow_abbrev=False,
    )
    parser.add_argument("shell", type=Choice("shell", SHELLS), metavar="SHELL", help=", ".join(SHELLS))
    return parser


def run(flags: argparse.Namespace) -> int:
    """Prints the script for a shell."""
    from llm_linalg.lesson import catalog
    from tui.cli import parsers
    from tui.completion import bash, fish, table, zsh

    script = {"bash": bash.script, "zsh": zsh.script, "fish": fish.script}[flags.shell]
    write(script(table(parsers(), catalog())))
    return 0
