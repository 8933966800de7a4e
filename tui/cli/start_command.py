"""`llm-linalg start`: the app, opened at the door."""

from __future__ import annotations

import argparse

from tui.cli.parser import app_flags, command_parser
from tui.model.flags import Parser, flag_value
from tui.model.usage_error import UsageError
from tui.model.view_words import VIEW


def parser() -> Parser:
    """Return the parser of `llm-linalg start`."""
    parser = command_parser("start", "Open the door: one sentence, and three ways into the course.")
    app_flags(parser, leave_out=(*VIEW, "play"))
    return parser


def run(flags: argparse.Namespace) -> int:
    """Open the app at the door; return the exit code.

    Raises:
        UsageError: For a flag that names a picture: it is chosen at the door.
    """
    given = next((name for name in VIEW if flag_value(flags, name) not in (None, [])), None)
    if given is not None:
        raise UsageError(f"--{given} is a picture's: 'llm-linalg LESSON --{given} …' opens one")
    from tui.cli.launch import launch

    return launch(flags, door=True)
