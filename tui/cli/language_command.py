"""`llm-linalg language`: what the tensor language has."""

from __future__ import annotations

import argparse

from llm_linalg.base.text import clean_lines
from tui.files.output import write
from tui.model.flags import Parser


def parser() -> Parser:
    """Return the parser of `llm-linalg language`."""
    return Parser(
        prog="llm-linalg language", description="List what the tensor language has.", allow_abbrev=False
    )


def run(flags: argparse.Namespace) -> int:  # noqa: ARG001 - it has no flags
    """Print what the tensor language has, on one page."""
    from llm_linalg.language.reference import page

    write(clean_lines(page()))
    return 0
