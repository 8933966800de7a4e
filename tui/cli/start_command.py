"""`llm-linalg start`: the app, opened at the door."""

from __future__ import annotations

import argparse

from tui.cli.parser import app_flags
from tui.model.flags import Parser


def parser() -> Parser:
    """Return the parser of `llm-linalg start`."""
    parser = Parser(
        prog="llm-linalg start", description="Open the door: one sentence, and three ways into the course.",
        allow_abbrev=False,
    )  # fmt: skip
    app_flags(parser, leave_out=("set", "stop", "row"))
    return parser


def run(flags: argparse.Namespace) -> int:
    """Open the app at the door; return the exit code."""
    from tui.cli.launch import launch

    return launch(flags, door=True)
