"""``llm-linalg check``: what is wrong with lessons and decks, a line each, with file and line."""

from __future__ import annotations

import argparse

from llm_linalg.base.text import CleanText, clean, clean_lines
from llm_linalg.lessons.lesson import LessonError
from tui.cli.parser import FORMATS
from tui.files.output import say, write
from tui.model.flags import Choice, Parser
from tui.text.json_line import json_line


def parser() -> Parser:
    """Return the parser of ``llm-linalg check``."""
    parser = Parser(
        prog="llm-linalg check",
        description="Open every stop of lessons and decks, and report what is wrong with file and line.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "files", nargs="*", metavar="FILE",
        help="a lesson, a deck, a folder of them, or a slug; without one all built-in lessons",
    )  # fmt: skip
    parser.add_argument("--thorough", action="store_true", help="also with each control at its ends")
    parser.add_argument(
        "--format", type=Choice("format", FORMATS[:2]), default="plain", metavar="F", help="plain or json"
    )
    return parser


def run(flags: argparse.Namespace) -> int:
    """Check what is named, or the built-in lessons; 1 if something is wrong."""
    from tui.cli import checks

    decks = stops = 0
    told: set[str] = set()
    for target in checks.targets(flags.files):
        if isinstance(target, LessonError):
            found = iter([target])
        else:
            found = checks.check(target, thorough=flags.thorough)
            stops += len(target.stops)
        decks += 1
        for problem in found:
            line = _line(problem, flags.format)
            if line not in told:  # two decks may show the same stop
                told.add(line)
                write(line)
    what = f"{len(told)} wrong" if told else "nothing wrong"
    say(f"{decks} checked, {stops} stops: {what}")
    return int(bool(told))


def _line(problem: LessonError, form: str) -> CleanText:
    if form == "json":
        parts = {"file": problem.file, "line": problem.line, "kind": problem.kind, "what": problem.reason}
        return json_line({"format": 1, **parts})
    return clean_lines(f"{clean(problem.file)}:{problem.line}: {clean(problem.reason, 1000)}\n")
