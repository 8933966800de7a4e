"""`llm-linalg open`: the app, opened at a notebook, a Python file, Markdown or a trace that was saved."""

from __future__ import annotations

import argparse
import os

from llm_linalg.lessons.documents import is_trace
from tui.cli.launch import check_terminal, launch
from tui.cli.parser import app_flags, command_parser, format_flag
from tui.cli.trace_command import table_flags, without_app, words_flag, words_of
from tui.files.output import say
from tui.model.flags import Parser
from tui.model.lesson_words import find_lesson
from tui.model.usage_error import UsageError
from tui.model.view_words import add_read_flag, view_of


def parser() -> Parser:
    """Return the parser of `llm-linalg open FILE …`."""
    parser = command_parser(
        "open",
        "Open a notebook, a Python file or Markdown: each cell is a program. Or open a trace that was saved.",
    )
    parser.add_argument("lesson", metavar="FILE", help="NOTEBOOK.ipynb, FILE.py, FILE.md or FILE.trace")
    format_flag(parser, None, "print the nodes: plain or json")
    table_flags(parser)
    words_flag(parser)
    add_read_flag(parser)
    app_flags(parser)
    return parser


def run(flags: argparse.Namespace) -> int:
    """Open the app at a file's cells, or at a trace; return the exit code."""
    if is_trace(flags.lesson):
        return _open_trace(flags)
    if flags.positions is not None or flags.attention or flags.summary:
        raise UsageError("--words, --attention and --summary are about a trace that was saved")
    if flags.format is not None:
        raise UsageError(
            "--format prints a trace that was saved; 'llm-linalg run' prints a document's tensors"
        )
    return launch(flags)


def _open_trace(flags: argparse.Namespace) -> int:
    """Open the app at a trace that was saved, or print its nodes."""
    if flags.attention and flags.summary:
        raise UsageError("either --attention or --summary: both are tables")
    if flags.format is None and not flags.attention and not flags.summary:
        check_terminal(os.environ, "--format plain prints the nodes")
    from llm_linalg.lessons.external import of_trace
    from llm_linalg.lessons.lesson import lesson_of

    lesson = find_lesson(flags.lesson)
    view_of(flags, lesson)  # which refuses what is not a trace's
    trace = lesson.run()
    if trace.ending.kind != "done":
        say(f"of this run, {trace.ending}")
    if flags.positions is not None:
        opened = ("open", flags.lesson, "--words", flags.positions)
        words = words_of(flags.positions, [node.value for node in trace.nodes if node.op == "input"])
        lesson = lesson_of(of_trace(trace, opened), lesson.title, lesson.path, trace.seed, words)
    if flags.format is not None or flags.attention or flags.summary:
        flags.format, flags.save = flags.format or "plain", None
        return without_app(trace, flags)
    return launch(flags, lesson)
