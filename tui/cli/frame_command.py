"""`llm-linalg frame`: one picture, or one for each step."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from llm_linalg.base.spelling import quote
from llm_linalg.base.text import CleanText, clean_lines
from tui.cli.cell_report import readable_folder
from tui.cli.parser import FORMATS, command_parser, format_flag, output_flag, size, view_flags
from tui.files.output import Sink, explain
from tui.model.flags import Parser
from tui.model.usage_error import UsageError
from tui.model.view import View
from tui.model.view_words import add_read_flag, add_trust_flag
from tui.session.decks import Opening, opening_of
from tui.session.presentation.state import Talk

if TYPE_CHECKING:
    from llm_linalg.lessons.deck import DeckStop
    from tui.compose.program_run import Failure, Run

FOREIGN = ("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLORTERM")
TEXT = ("plain", "json")


def parser() -> Parser:
    """Return the parser of `llm-linalg frame LESSON …`."""
    parser = command_parser("frame", "Print a picture of a lesson, or of a trace that was saved.")
    parser.add_argument("lesson", metavar="LESSON", help="a slug, the path of a lesson file, or a FILE.trace")
    view_flags(parser, all_steps=True)
    add_read_flag(parser)
    add_trust_flag(parser)
    parser.add_argument("--size", type=size, default=(80, 24), metavar="COLSxROWS", help="80x24 unless given")
    format_flag(parser, says=", ".join(FORMATS), names=FORMATS)
    output_flag(parser)
    return parser


def no_environment() -> None:
    """Take away what decides how a screen looks: a picture is the same everywhere, as the flags say."""
    for name in list(os.environ):
        if name in FOREIGN or name.startswith("TEXTUAL"):
            del os.environ[name]


def large_enough(size: tuple[int, int]) -> None:
    """Raise UsageError for a screen on which the app would only say that it is too small."""
    from tui.layout.pane_sizes import SMALLEST, fits

    if not fits(*size):
        raise UsageError(f"--size: the app's screen has {SMALLEST[0]}x{SMALLEST[1]} characters at least")


@contextmanager
def output_file(name: str | None, sources: Iterable[Path] = ()) -> Iterator[Sink]:
    """Open a sink for what a command writes. Raises UsageError where it can't be written."""
    try:
        with Sink(name, sources) as sink:
            yield sink
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UsageError(f"cannot write {quote(str(name), 200)}: {error.strerror or error}") from None


def run(flags: argparse.Namespace) -> int:
    """Print one picture, or one for each step; return the exit code."""
    no_environment()
    from tui.compose.view_check import check_view
    from tui.compose.view_runner import open_view

    if flags.step == "all" and flags.format == "svg":
        raise UsageError("an SVG is one picture: --step all goes with plain, json, screen or ansi")
    if flags.format not in TEXT:
        large_enough(flags.size)
    if flags.read:
        readable_folder(flags.lesson)
    opening = opening_of(flags, parser())
    opened = open_view(opening.view)
    if opened.is_unlocked and opened.error is not None:
        raise opened.error
    view = check_view(opening.view, opened, opening.flags)
    with output_file(flags.output, _sources_of(opening)) as sink:
        for text in _texts(opening._replace(view=view), opened):
            sink.write(text)
    undrawn = opened.frame(view).error
    failure = opened.failure
    if failure is None:
        if undrawn is not None:  # a picture of the program, which did not fail
            explain(undrawn.cause)
        return int(undrawn is not None)
    fault = failure.fault
    if view.at_stop.fails and view.code is None and fault is None:
        return 0
    explain_failure(view, failure)
    return 1


def explain_failure(view: View, failure: Failure, stop: DeckStop | None = None) -> None:
    """Report a program that failed: at its line in its file or notebook cell, else at the stop of a deck."""
    fault = failure.fault
    if fault is None and view.lesson.document and view.code is None:
        fault = view.lesson.program_error(view.at_stop, failure.error)
    if fault is not None:
        explain(failure.error, f"{fault.file}:{fault.line}: ", with_line=False)
    else:
        explain(failure.error, "" if stop is None else f"{stop.file}:{stop.line}: ")


def _sources_of(opening: Opening) -> Iterator[Path]:
    """Return the files that a picture is made from."""
    path = opening.view.lesson.path
    yield from () if path is None else (path,)
    yield from () if opening.deck is None else opening.deck.files


def _views(view: View, opened: Run, every: bool) -> Iterator[View]:
    from tui.compose.view_check import at_step
    from tui.navigation.steps import position

    if not every or opened.trace is None:
        yield view
        return
    navigation = opened.navigation(view)
    _, steps = position(view, navigation)
    for number in range(min(1, steps), steps + 1):
        yield at_step(view, navigation, number)


def _texts(opening: Opening, opened: Run) -> Iterator[CleanText]:
    flags = opening.flags
    talk = None if opening.deck is None else Talk(opening.deck, opening.number)
    views = _views(opening.view, opened, flags.step == "all")
    if flags.format not in TEXT:
        from tui.headless import render

        theme, ascii_only = flags.theme or "dark", bool(flags.ascii)
        for one in views:
            yield render(one, flags.size, flags.format, theme=theme, ascii=ascii_only, talk=talk)
        return
    from tui.render.json_text import to_json
    from tui.render.plain import to_plain
    from tui.text.glyphs import ascii_text

    place = None if talk is None else talk.place
    for number, one in enumerate(views):
        made = opened.frame(one, ascii_only=bool(flags.ascii) and flags.format != "json")
        if flags.format == "json":
            yield to_json(made, place)
        else:
            text = to_plain(made, flags.size[0], place=place)
            yield clean_lines("\n" * bool(number) + (ascii_text(text) if flags.ascii else text))
