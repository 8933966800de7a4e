"""`llm-linalg compare`: two traces of one program that were saved, beside each other."""

from __future__ import annotations

import argparse
import os
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

from llm_linalg.base.spelling import quote
from tui.cli.launch import check_terminal, launch
from tui.cli.parser import app_flags, command_parser, format_flag
from tui.cli.trace_command import words_flag, words_of
from tui.files.output import say, write
from tui.model.flags import Parser
from tui.model.usage_error import UsageError

if TYPE_CHECKING:
    from llm_linalg import Trace


def parser() -> Parser:
    """Return the parser of `llm-linalg compare ONE.trace OTHER.trace …`."""
    parser = command_parser(
        "compare",
        "Show where two traces of a program differ: other inputs, other weights, before and after a change.",
    )
    parser.add_argument("first", metavar="ONE.trace", help="a trace that was saved")
    parser.add_argument("other", metavar="OTHER.trace", help="another")
    parser.add_argument(
        "--tolerance",
        type=share,
        default=0.0,
        metavar="R",
        help="leave out what differs by no more than this share of a tensor's largest number, such as 1e-5",
    )
    format_flag(parser, None, "print what differs: plain or json")
    words_flag(parser)
    app_flags(parser, leave_out=("set", "code", "stop", "row", "time_limit", "trust"))
    return parser


def share(text: str) -> float:
    """Return a share, 0 or more."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < inf:
        raise argparse.ArgumentTypeError(f"{quote(text)} is not a number of 0 or more")
    return value


def run(flags: argparse.Namespace) -> int:
    """Open the app at what differs, or print it; return the exit code: 1 if anything differs, as printed."""
    if flags.format is None:
        check_terminal(os.environ, "--format plain prints what differs")
    if flags.code is not None or flags.set:
        raise UsageError("a trace has no controls and no program of its own: --set and --code are a lesson's")
    traces = [_read(name) for name in (flags.first, flags.other)]
    first, other = traces
    if first is None or other is None:
        return 1
    from llm_linalg.analysis.comparison import compare
    from llm_linalg.lessons.external import of_trace
    from llm_linalg.lessons.lesson import lesson_of
    from llm_linalg.lessons.words import NO_WORDS

    comparison = compare(first, other, flags.tolerance)
    if not any(node.operands for node in comparison.twins):
        raise UsageError("these are traces of different programs: no operation of one is in the other")
    if flags.format is not None:
        from tui.render.comparison_text import comparison_json, comparison_plain

        names = flags.first, flags.other
        for text in (
            [comparison_plain(first, comparison, names)]
            if flags.format == "plain"
            else comparison_json(first, comparison)
        ):
            write(text)
        return int(not comparison.is_same)
    opened: tuple[str, ...] = ("compare", flags.first, flags.other)
    words = NO_WORDS
    if flags.tolerance:
        opened += ("--tolerance", f"{flags.tolerance:g}")
    if flags.positions is not None:
        opened += ("--words", flags.positions)
        words = words_of(flags.positions, [node.value for node in first.nodes if node.op == "input"])
    path = Path(flags.first)
    lesson = lesson_of(
        of_trace(first, opened, comparison), f"{path.stem}, {Path(flags.other).stem}", path, first.seed, words
    )
    return launch(flags, lesson)


def _read(name: str) -> Trace | None:
    """Return a trace that was saved; None after having said why there is none."""
    from llm_linalg import FormatError, load_trace

    if not Path(name).is_file():
        raise UsageError(f"no file {quote(name, 200)}")
    try:
        trace = load_trace(Path(name))
    except (FormatError, OSError) as error:
        say(f"cannot open {quote(name, 200)}: {getattr(error, 'strerror', None) or error}")
        return None
    if trace.ending.kind != "done":
        say(f"of the run in {quote(name, 200)}, {trace.ending}")
    return trace
