"""`llm-linalg open`: the app, opened at a notebook, a Python file, Markdown or a trace that was saved."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from llm_linalg.base.spelling import quote
from tui.cli.launch import check_terminal, launch
from tui.cli.parser import app_flags, command_parser, format_flag
from tui.cli.run_command import print_trace
from tui.cli.trace_command import SUFFIX, attention_flag, print_attention, words_flag, words_of
from tui.files.output import say
from tui.model.flags import Parser
from tui.model.usage_error import UsageError
from tui.model.view_words import add_read_flag

if TYPE_CHECKING:
    from llm_linalg import Trace


def parser() -> Parser:
    """Return the parser of `llm-linalg open FILE …`."""
    parser = command_parser(
        "open",
        "Open a notebook, a Python file or Markdown: each cell is a program. Or open a trace that was saved.",
    )
    parser.add_argument("lesson", metavar="FILE", help="NOTEBOOK.ipynb, FILE.py, FILE.md or FILE.trace")
    format_flag(parser, None, "print the nodes: plain or json")
    attention_flag(parser)
    words_flag(parser)
    add_read_flag(parser)
    app_flags(parser)
    return parser


def run(flags: argparse.Namespace) -> int:
    """Open the app at a file's cells, or at a trace; return the exit code."""
    if flags.lesson.endswith(SUFFIX):
        return _open_trace(flags)
    if flags.positions is not None or flags.attention:
        raise UsageError("--words and --attention are about a trace that was saved")
    if flags.format is not None:
        raise UsageError(
            "--format prints a trace that was saved; 'llm-linalg run' prints a document's tensors"
        )
    return launch(flags)


def _open_trace(flags: argparse.Namespace) -> int:
    """Open the app at a trace that was saved, or print its nodes."""
    if flags.format is None and not flags.attention:
        check_terminal(os.environ, "--format plain prints the nodes")
    trace = saved_trace(flags)
    if trace is None:
        return 1
    from llm_linalg.lessons.external import of_trace
    from llm_linalg.lessons.lesson import lesson_of
    from llm_linalg.lessons.words import NO_WORDS

    path = Path(flags.lesson)
    if trace.ending.kind != "done":
        say(f"of this run, {trace.ending}")
    opened: tuple[str, ...] = ("open", flags.lesson)
    words = NO_WORDS
    if flags.positions is not None:
        opened += ("--words", flags.positions)
        words = words_of(flags.positions, [node.value for node in trace.nodes if node.op == "input"])
    if flags.attention:
        print_attention(trace, flags.format or "plain")
        return 0
    if flags.format is not None:
        print_trace(trace, flags.format)
        return 0
    return launch(flags, lesson_of(of_trace(trace, opened), path.stem, path, trace.seed, words))


def saved_trace(flags: argparse.Namespace) -> Trace | None:
    """Return the trace in the file that the flags name; None, once it was said why, if it can't be read.

    Raises:
        UsageError: If there is no such file, or for flags that are a lesson's.
    """
    path = Path(flags.lesson)
    if not path.is_file():
        raise UsageError(f"no file {quote(flags.lesson, 200)}")
    if flags.code is not None or flags.set:
        raise UsageError("a trace has no controls and no program of its own: --set and --code are a lesson's")
    from llm_linalg import FormatError, load_trace

    try:
        return load_trace(path)
    except (FormatError, OSError) as error:
        say(f"cannot open {quote(flags.lesson, 200)}: {getattr(error, 'strerror', None) or error}")
        return None
