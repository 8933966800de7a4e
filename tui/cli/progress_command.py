"""`llm-linalg progress`: what was seen and solved of the course."""

from __future__ import annotations

import argparse
import os
import sys

from llm_linalg.base.text import clean, clean_lines
from tui.cli.parser import command_parser, format_flag
from tui.files import user_dirs
from tui.files.output import is_terminal, narrate, say, write
from tui.files.state_file import StateFile
from tui.model.flags import Parser
from tui.text.glyphs import ASCII, UNICODE


def parser() -> Parser:
    """Return the parser of `llm-linalg progress`."""
    parser = command_parser("progress", "Show what you have seen and solved of the course.")
    format_flag(parser)
    parser.add_argument("--reset", action="store_true", help="forget all of it, once you have said so")
    parser.add_argument("--yes", action="store_true", help="with --reset: do not ask")
    return parser


def run(flags: argparse.Namespace) -> int:
    """Print the progress, or forget it; 1 where that can't be kept, 2 where nobody can be asked."""
    from llm_linalg.lessons.reader import catalog
    from tui.cli.settings import resolve
    from tui.render.progress_text import counts, next_lines, progress_lines
    from tui.text.json_line import json_line

    state_file = StateFile(user_dirs.folder(os.environ))
    if flags.reset:
        return _reset(state_file, asks=not flags.yes)
    state, lessons = state_file.load(), catalog()
    progress = state.progress
    if flags.format == "json":
        counted = {lesson.slug: counts(lesson, progress).as_json() for lesson in lessons}
        write(json_line({"format": 1, "lessons": counted}))
    else:
        plain = resolve(argparse.Namespace(), os.environ, state_file).values.ascii
        following = next_lines(lessons, progress, brief=state.brief)
        lines = progress_lines(lessons, progress, ASCII if plain else UNICODE, following)
        write(clean_lines("".join(f"{line}\n" for line in lines)))
    return 0


def _reset(state_file: StateFile, *, asks: bool) -> int:
    """Forget the progress, if that is wanted, and say where a copy is; return the exit code."""
    if asks:
        if not is_terminal(sys.stdin):
            say("nobody can be asked whether to forget your progress: --reset --yes does not ask")
            return 2
        narrate(clean("Forget all that you have seen and solved of the course? [y/N] "))
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            say("Nothing was forgotten.")
            return 1
    try:
        copy = state_file.forget_progress()
    except OSError as error:
        say(f"Your progress could not be reset: {error.strerror or error}.")
        return 1
    if copy is None:
        say("There is no progress to forget.")
    else:
        say("The progress is forgotten. This is a copy of it:")
        write(clean_lines(f"{copy}\n"))
    return 0
