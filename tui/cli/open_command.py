"""`llm-linalg open`: the app, opened at a notebook, a Python file or Markdown."""

from __future__ import annotations

import argparse

from tui.cli.launch import launch
from tui.cli.parser import app_flags
from tui.model.flags import Parser
from tui.model.view_words import add_read_flag


def parser() -> Parser:
    """Return the parser of `llm-linalg open FILE …`."""
    parser = Parser(
        prog="llm-linalg open",
        description="Open a notebook, a Python file or Markdown: each cell is a program. None is executed.",
        allow_abbrev=False,
    )
    parser.add_argument("lesson", metavar="FILE", help="NOTEBOOK.ipynb, FILE.py or FILE.md")
    add_read_flag(parser)
    app_flags(parser)
    return parser


def run(flags: argparse.Namespace) -> int:
    """Open the app at a file's cells; return the exit code."""
    return launch(flags)
