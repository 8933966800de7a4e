"""`llm-linalg lessons`: what there is to open."""

from __future__ import annotations

import argparse

from llm_linalg.base.text import clean, clean_lines
from tui.cli.parser import command_parser, format_flag
from tui.files.output import write
from tui.model.flags import Parser


def parser() -> Parser:
    """Return the parser of `llm-linalg lessons`."""
    parser = command_parser("lessons", "List the lessons.")
    format_flag(parser)
    return parser


def run(flags: argparse.Namespace) -> int:
    """Print the lessons there are to open."""
    from llm_linalg.lessons.reader import catalog

    if flags.format == "json":
        listed = [
            {
                "slug": lesson.slug,
                "title": lesson.title,
                "part": lesson.part,
                "controls": [control.name for control in lesson.controls],
                "asks": lesson.asks,
                "exercises": lesson.exercises,
            }
            for lesson in catalog()
        ]
        from tui.text.json_line import json_line

        write(json_line(listed))
        return 0
    part = None
    for lesson in catalog():
        if lesson.part != part:
            part = lesson.part
            write(clean_lines(f"{part} {lesson.part_title}\n"))
        write(clean_lines(f"  {lesson.slug:<12} {clean(lesson.title, 60)}\n"))
    return 0
