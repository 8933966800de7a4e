"""`llm-linalg language`: what the tensor language has, and what of torch it lacks."""

from __future__ import annotations

import argparse

from llm_linalg.base.text import clean_lines
from tui.files.output import write
from tui.model.flags import Parser


def parser() -> Parser:
    """Return the parser of `llm-linalg language`."""
    made = Parser(
        prog="llm-linalg language", description="List what the tensor language has.", allow_abbrev=False
    )
    made.add_argument("--missing", action="store_true", help="list what torch has and it lacks, and why")
    return made


def run(flags: argparse.Namespace) -> int:
    """Print what the tensor language has, or what it lacks of torch, on one page."""
    from llm_linalg.language import omissions, reference

    write(clean_lines((omissions if flags.missing else reference).page()))
    return 0
