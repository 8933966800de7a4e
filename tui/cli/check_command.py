"""`llm-linalg check`: what is wrong with lessons and decks, a line each, with file and line."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from llm_linalg.base.text import CleanText, clean, clean_lines
from llm_linalg.lessons.lesson import UNRUN, WARNING, LessonError
from tui.cli.parser import command_parser, format_flag
from tui.files.output import say, write
from tui.model.flags import Parser
from tui.model.view_words import add_trust_flag
from tui.text.json_line import json_line


def parser() -> Parser:
    """Return the parser of `llm-linalg check`."""
    parser = command_parser(
        "check", "Open every stop of lessons and decks, and report what is wrong with file and line."
    )
    parser.add_argument(
        "files", nargs="*", metavar="FILE",
        help="a lesson, a deck, a folder of them, a script, or a slug; without one all built-in lessons",
    )  # fmt: skip
    add_trust_flag(parser)
    parser.add_argument("--thorough", action="store_true", help="also with each control at its ends")
    format_flag(parser)
    return parser


def run(flags: argparse.Namespace) -> int:
    """Check what is named, or the built-in lessons; 1 if something is wrong, 2 if something was not run."""
    from tui.cli import checks
    from tui.session.script.script_reader import Script

    decks = stops = 0
    unrun = ""
    kinds: dict[CleanText, str] = {}
    for target in checks.targets(flags.files):
        problems: Iterator[LessonError]
        if isinstance(target, LessonError):
            problems = iter([target])
        elif isinstance(target, Script):
            problems = checks.check_script(target)
            stops += len(target.lines)
        else:
            problems = checks.check(target, thorough=flags.thorough)
            stops += len(target.stops)
        decks += 1
        for problem in problems:
            if problem.kind == UNRUN:
                unrun = problem.reason
                continue
            line = _line(problem, flags.format)
            if line not in kinds:  # two decks may show the same stop
                kinds[line] = problem.kind
                write(line)
    warnings = [*kinds.values()].count(WARNING)
    wrong = len(kinds) - warnings
    of_stops = "1 stop" if stops == 1 else f"{stops} stops"
    what = f"{wrong} wrong" if wrong else "nothing wrong"
    also = f", {warnings} {'warning' if warnings == 1 else 'warnings'}" if warnings else ""
    if unrun:
        say(f"{decks} read, {of_stops}: {what}{also}")
        say(f"{unrun}; --trust runs it with your rights")
        return 2
    say(f"{decks} checked, {of_stops}: {what}{also}")
    return int(wrong > 0)


def _line(problem: LessonError, form: str) -> CleanText:
    if form == "json":
        parts = {"file": problem.file, "line": problem.line, "kind": problem.kind, "what": problem.reason}
        return json_line({"format": 1, **parts})
    warning = "warning: " if problem.kind == WARNING else ""
    return clean_lines(f"{clean(problem.file)}:{problem.line}: {warning}{clean(problem.reason, 1000)}\n")
