"""`llm-linalg progress`: what was seen and solved of the course."""

from __future__ import annotations

import argparse
import os

from llm_linalg.base.text import clean_lines
from tui.cli.parser import command_parser
from tui.files import user_dirs
from tui.files.course_progress import CourseProgress
from tui.files.output import say, write
from tui.files.state_file import StateFile
from tui.model.flags import Parser
from tui.text.glyphs import ASCII, UNICODE


def parser() -> Parser:
    """Return the parser of `llm-linalg progress`."""
    parser = command_parser("progress", "Show what you have seen and solved of the course.")
    parser.add_argument("--json", action="store_true", help="as one JSON object")
    parser.add_argument("--reset", action="store_true", help="forget all of it")
    return parser


def run(flags: argparse.Namespace) -> int:
    """Print the progress, or forget it; 1 where that can't be kept."""
    from llm_linalg.lessons.reader import catalog
    from tui.cli.settings import resolve
    from tui.render.progress_text import counts, next_lines, progress_lines
    from tui.text.json_line import json_line

    state_file = StateFile(user_dirs.folder(os.environ))
    if flags.reset and not state_file.update(lambda state: state._replace(progress=CourseProgress())):
        say("Your progress could not be reset: its folder can't be written to.")
        return 1
    state, lessons = state_file.load(), catalog()
    progress = state.progress
    if flags.json:
        told = {lesson.slug: counts(lesson, progress).as_json() for lesson in lessons}
        write(json_line({"format": 1, "lessons": told}))
    elif flags.reset:
        say("The progress is forgotten.")
    else:
        plain = resolve(argparse.Namespace(), os.environ, state_file).values.ascii
        said = next_lines(lessons, progress, brief=state.brief)
        lines = progress_lines(lessons, progress, ASCII if plain else UNICODE, said)
        write(clean_lines("".join(f"{line}\n" for line in lines)))
    return 0
