"""The commands that print: lessons, frame, run, language, doctor."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from llm_linalg.spelling import quoted
from llm_linalg.text import clean
from tui.cli_parse import frame_parser
from tui.decks import asked
from tui.files.output import Sink, explain, say, write
from tui.model.errors import UsageError
from tui.model.lesson_words import lesson_named
from tui.view import View

if TYPE_CHECKING:
    from llm_linalg.api.trace import Trace
    from tui.stage import Run

FOREIGN = ("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLORTERM")
PROGRAM = 1_000_000  # bytes of a program file that are read
TEXT = ("plain", "json")


def lessons(flags: argparse.Namespace) -> int:
    """``llm-linalg lessons``: what there is to open."""
    from llm_linalg.lesson import catalog

    if flags.json:
        listed = [
            {
                "slug": lesson.slug,
                "title": lesson.title,
                "part": lesson.part,
                "controls": [control.name for control in lesson.controls],
            }
            for lesson in catalog()
        ]
        import json

        write(json.dumps(listed, ensure_ascii=False) + "\n")
        return 0
    part = None
    for lesson in catalog():
        if lesson.part != part:
            part = lesson.part
            write(f"{part} {lesson.part_title}\n")
        write(f"  {lesson.slug:<12} {clean(lesson.title, 60)}\n")
    return 0


def language(flags: argparse.Namespace) -> int:  # noqa: ARG001 - it has no flags
    """``llm-linalg language``: what the tensor language has, on one page."""
    from llm_linalg.language.page import page

    write(page())
    return 0


def doctor(flags: argparse.Namespace) -> int:  # noqa: ARG001 - it has no flags
    """``llm-linalg doctor``: what the terminal can do, and what the app makes of it."""
    from tui.cli_doctor import found, report

    write(report(found()))
    return 0


def no_environment() -> None:
    """Takes away what decides how a screen looks: a picture is the same everywhere, as the flags say."""
    for name in list(os.environ):
        if name in FOREIGN or name.startswith("TEXTUAL"):
            del os.environ[name]


def frame(flags: argparse.Namespace) -> int:
    """``llm-linalg frame``: one picture, or one for each step."""
    no_environment()
    from tui.stage import open_view
    from tui.stage.view_check import settle

    if flags.step == "all" and flags.format == "svg":
        raise UsageError("an SVG is one picture: --step all goes with plain, json, screen or ansi")
    wanted, flags = asked(flags, frame_parser())
    opened = open_view(wanted)
    view = settle(wanted, opened, flags)
    try:
        with Sink(flags.output) as sink:
            for text in _texts(view, opened, flags):
                sink.write(text)
    except BrokenPipeError:
        raise
    except OSError as error:
        where = quoted(flags.output or "standard output", 200)
        raise UsageError(f"cannot write {where}: {error.strerror or error}") from None
    expected = view.at_stop.fails and view.code is None and opened.fault is None
    if opened.error is not None and not expected:
        explain(opened.error, "" if opened.fault is None else f"{opened.fault.file}:{opened.fault.line}: ")
        return 1
    return 0


def _views(view: View, opened: Run, every: bool) -> Iterator[View]:
    from tui.player import goto, position

    if not every or opened.trace is None:
        yield view
        return
    ground = opened.navigation(view)
    _, steps = position(view, ground)
    for number in range(min(1, steps), steps + 1):
        yield goto(view, ground, number)


def _texts(view: View, opened: Run, flags: argparse.Namespace) -> Iterator[str]:
    views = _views(view, opened, flags.step == "all")
    if flags.format not in TEXT:
        from tui.headless import render

        for one in views:
            yield render(one, flags.size, flags.format, theme=flags.theme or "dark", ascii=bool(flags.ascii))
        return
    from tui.render.json import to_json
    from tui.render.plain import to_plain

    for number, one in enumerate(views):
        made = opened.frame(one, ascii_only=bool(flags.ascii))
        if flags.format == "json":
            yield to_json(made)
        else:
            yield "\n" * bool(number) + to_plain(made, flags.size[0])


def run(flags: argparse.Namespace) -> int:
    """``llm-linalg run``: a program's tensors and what it printed."""
    from llm_linalg import ProgramError
    from llm_linalg import run as run_program
    from tui.cli_cells import document_in, run_cells
    from tui.render.program import printed_plain

    document = document_in(flags.file) if flags.file is not None and flags.code is None else None
    if document is not None:
        if flags.ranks:
            raise UsageError("--ranks is for one program: a document has cells")
        trace, whole = run_cells(document, flags.seed or 0, patient=flags.patient)
        print_trace(trace, flags.format)
        return 0 if whole else 1
    source, seed, names = _program(flags)
    try:
        trace = run_program(source, seed=seed, names=names, ranks=flags.ranks or 0, patient=flags.patient)
    except ProgramError as error:
        if error.trace is not None and flags.format == "plain":
            write(printed_plain(error.trace.printed))  # as in Python: what came before it failed
        explain(error)
        return 1
    print_trace(trace, flags.format)
    job = {"source": source, "seed": seed, "names": names, "ranks": flags.ranks, "patient": flags.patient}
    return _on_processes(job, trace) if flags.ranks else 0


def _on_processes(job: dict[str, object], trace: Trace) -> int:
    """Run a program of several devices on real processes as well; 0 if these made the same."""
    from llm_linalg.rank import available
    from tui.devices import ABSENT, Devices, DevicesError, verdict

    if not available():
        say(ABSENT)
        return 0
    try:
        text, same = verdict(Devices(job).run(), trace)
    except DevicesError as error:
        text, same = str(error), False
    say(text)
    return 0 if same else 1


def print_trace(trace: Trace, form: str) -> None:
    """Writes a trace's tensors, and what its program printed, in one of `TEXT`."""
    from tui.render.program import program_json, program_plain

    for text in (program_plain(trace),) if form == "plain" else program_json(trace):
        write(text)


def _program(flags: argparse.Namespace) -> tuple[str, int, dict[str, object]]:
    """The program's text, its seed, and the names that it may use."""
    seed = flags.seed or 0
    if flags.code is not None:
        if flags.file is not None:
            raise UsageError("either a file or -c CODE, not both")
        return flags.code, seed, {}
    if flags.file == "-" or (flags.file is None and sys.stdin is not None and not sys.stdin.isatty()):
        if sys.stdin is None:
            raise UsageError("there is no standard input to read a program from")
        stream = getattr(sys.stdin, "buffer", None)
        data = sys.stdin.read(PROGRAM + 1).encode() if stream is None else stream.read(PROGRAM + 1)
        return _text(data, "standard input"), seed, {}
    if flags.file is None:
        raise UsageError("run what? a FILE, - for standard input, or -c CODE")
    path = Path(flags.file)
    if path.suffix == ".md" or not path.exists():
        return _lesson_program(flags)
    try:
        if not path.is_file():
            raise UsageError(f"{quoted(flags.file, 200)} is not a file")
        with path.open("rb") as file:
            return _text(file.read(PROGRAM + 1), flags.file), seed, {}
    except OSError as error:
        raise UsageError(f"cannot read {quoted(flags.file, 200)}: {error.strerror or error}") from None


def _lesson_program(flags: argparse.Namespace) -> tuple[str, int, dict[str, object]]:
    """The program of a lesson's last stop that isn't meant to fail."""
    try:
        lesson = lesson_named(flags.file)
    except UsageError as error:
        if flags.file.endswith(".md") or not ("/" in flags.file or "." in flags.file):
            raise
        raise UsageError(f"no file {quoted(flags.file, 200)}") from error
    stops = [stop for stop in lesson.stops if not stop.fails] or [*lesson.stops]
    view = View.opening(lesson, stops[-1].number)
    if flags.seed is not None:
        view = replace(view, seed=flags.seed)
    return view.program, view.seed, view.names


def _text(data: bytes, where: str) -> str:
    if len(data) > PROGRAM:
        raise UsageError(f"{quoted(where, 200)} is larger than {PROGRAM} bytes: not a program")
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise UsageError(f"{quoted(where, 200)} is not UTF-8 text") from None
