"""`llm-linalg run`: a program's tensors and what it printed."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llm_linalg.base import syntax
from llm_linalg.base.constants import MOST_RANKS
from llm_linalg.base.errors import LimitError, ProgramError, RoomError
from llm_linalg.base.file_io import read_bytes
from llm_linalg.base.spelling import quote
from llm_linalg.lessons.documents import is_trace
from tui.cli.cell_report import document_in, readable_folder, run_cells
from tui.cli.parser import command_parser, format_flag
from tui.cli.settings import BY_NAME
from tui.files.output import explain, write
from tui.model.flags import Parser, seed, whole_number
from tui.model.lesson_words import find_lesson
from tui.model.usage_error import UsageError
from tui.model.view import View
from tui.model.view_words import add_read_flag, add_trust_flag

if TYPE_CHECKING:
    from llm_linalg.api.trace import Trace

PROGRAM = 1_000_000  # bytes of a program file that are read


def parser() -> Parser:
    """Return the parser of `llm-linalg run …`."""
    parser = command_parser("run", "Run a program, and print its tensors.")
    parser.add_argument(
        "file",
        nargs="?",
        metavar="FILE",
        help="a program, lesson, notebook; - is standard input",
    )
    parser.add_argument("-c", dest="code", metavar="CODE", help="the program itself")
    parser.add_argument("--seed", type=seed, metavar="N", help="the seed of the random numbers")
    BY_NAME["time_limit"].add_to(parser)
    add_read_flag(parser)
    add_trust_flag(parser)
    parser.add_argument(
        "--ranks",
        type=ranks,
        metavar="N",
        help="run it on N devices, each a process of its own on this machine",
    )
    format_flag(parser)
    return parser


def ranks(text: str) -> int:
    """Return a number of devices."""
    value = whole_number(text)
    if not 1 <= value <= MOST_RANKS:
        raise argparse.ArgumentTypeError(f"{quote(text)} is not a number of devices from 1 to {MOST_RANKS}")
    return value


def run(flags: argparse.Namespace) -> int:
    """Run a program, and print its tensors and what it printed; return the exit code."""
    seconds = 2.0 if flags.time_limit is None else flags.time_limit or None
    named = flags.file if flags.code is None and not _is_one_program(flags) else None
    read = readable_folder(named or flags.file) if flags.read else None
    document = None if named is None else document_in(named)
    if document is not None:
        if flags.ranks:
            raise UsageError("--ranks is for one program: a document has cells")
        trace, whole = run_cells(document, flags.seed or 0, seconds, read)
        print_trace(trace, flags.format)
        return 0 if whole else 1
    program = _program(flags)
    from llm_linalg.api.run import run_text  # with torch, once it is known what to run
    from tui.render.program_text import output_text

    try:
        trace = run_text(
            **program, seconds=seconds, ranks=flags.ranks or 0, read="" if read is None else str(read)
        )
    except RoomError:
        raise
    except ProgramError as error:
        if error.trace is not None and isinstance(error, LimitError):
            print_trace(error.trace, flags.format)  # nothing is wrong with what ran before it was stopped
        elif error.trace is not None and flags.format == "plain":
            write(output_text(error.trace.printed))  # as in Python: what came before it failed
        explain(error)
        return 1
    print_trace(trace, flags.format)
    return 0


def _is_one_program(flags: argparse.Namespace) -> bool:
    """Return whether a script is run as one program and not cell by cell: on several devices."""
    return bool(flags.ranks) and Path(flags.file or "").suffix.lower() == ".py"


def print_trace(trace: Trace, form: str) -> None:
    """Write a trace's tensors, and what its program printed, in one of `TEXT`."""
    from tui.render.program_text import program_json, program_plain

    for text in (program_plain(trace),) if form == "plain" else program_json(trace):
        write(text)


def _program(flags: argparse.Namespace) -> dict[str, Any]:
    """Return the program's text, whether it is our own, its seed, and the names that it may use."""
    terms: dict[str, Any] = {"own": False, "seed": flags.seed or 0, "names": {}}
    if flags.code is not None:
        if flags.file is not None:
            raise UsageError("either a file or -c CODE, not both")
        return {"source": flags.code, **terms}
    if flags.file == "-" or (flags.file is None and sys.stdin is not None and not sys.stdin.isatty()):
        if sys.stdin is None:
            raise UsageError("there is no standard input to read a program from")
        stream = getattr(sys.stdin, "buffer", None)
        data = sys.stdin.read(PROGRAM + 1).encode() if stream is None else stream.read(PROGRAM + 1)
        return {"source": _text(data, "standard input"), **terms}
    if flags.file is None:
        raise UsageError("run what? Give a FILE, - for standard input, or -c CODE")
    path = Path(flags.file)
    if is_trace(path):
        raise UsageError("a trace was run already: 'llm-linalg open FILE --format plain' prints its nodes")
    if path.suffix == ".md" or not path.exists():
        return _lesson_program(flags)
    try:
        return {"source": _text(read_bytes(path, PROGRAM + 1), flags.file), **terms}
    except ValueError as error:
        raise UsageError(f"{quote(flags.file, 200)} is {error}") from None
    except OSError as error:
        raise UsageError(f"cannot read {quote(flags.file, 200)}: {error.strerror or error}") from None


def _lesson_program(flags: argparse.Namespace) -> dict[str, Any]:
    """Return what `_program` does of the program of a lesson's last stop that isn't meant to fail."""
    try:
        lesson = find_lesson(flags.file)
    except UsageError as error:
        if flags.file.endswith(".md") or not ("/" in flags.file or "." in flags.file):
            raise
        raise UsageError(f"no file {quote(flags.file, 200)}") from error
    stops = [stop for stop in lesson.stops if not stop.fails] or [*lesson.stops]
    view = View.opening(lesson, stops[-1].number)
    if flags.seed is not None:
        view = replace(view, seed=flags.seed)
    return {"source": view.program, "own": lesson.is_own, "seed": view.seed, "names": view.names}


def _text(data: bytes, where: str) -> str:
    if len(data) > PROGRAM:
        raise UsageError(f"{quote(where, 200)} is larger than {PROGRAM} bytes: not a program")
    try:
        return syntax.decode(data).replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise UsageError(f"{quote(where, 200)} is not {error.encoding.upper()} text") from None
