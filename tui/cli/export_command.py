"""`llm-linalg export`: a lesson, a deck or a script as a file that stands alone."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from llm_linalg.base.spelling import quote, unknown
from llm_linalg.base.text import clean
from tui.cli.frame_command import explain_failure, large_enough, no_environment, output_file
from tui.cli.parser import command_parser, format_flag, output_flag, size, view_flags
from tui.cli.play_script_command import is_script, script_in
from tui.export.format import Export
from tui.export.formats import FORMATS, NAMES
from tui.export.progress import Progress
from tui.files.output import say
from tui.model.flags import Parser, flag_value, speed
from tui.model.usage_error import UsageError
from tui.model.view_words import VIEW, add_trust_flag
from tui.terminal.signals import raise_on_signals, restore_handlers

if TYPE_CHECKING:
    from llm_linalg.lessons.deck import Deck
    from tui.export.format import Format, Shot, Write


COURSE = "Linear algebra inside language models"


def parser() -> Parser:
    """Return the parser of `llm-linalg export WHAT …`."""
    parser = command_parser("export", "Write a lesson, a deck or a script as a file that stands alone.")
    parser.add_argument(
        "lesson",
        nargs="*",
        metavar="WHAT",
        help="a slug, a lesson or deck, a folder, a script, a FILE.trace",
    )
    output_flag(parser)
    parser.add_argument(
        "--site", type=Path, metavar="OUT",
        help="a folder for a site: a page a lesson, an index; of the course unless others are named",
    )  # fmt: skip
    format_flag(parser, None, f"{', '.join(NAMES)}; as the file's suffix says unless given", NAMES)
    parser.add_argument("--size", type=size, default=(80, 24), metavar="COLSxROWS", help="80x24 unless given")
    parser.add_argument("--speed", type=speed, default=1.0, metavar="X", help="X times as fast")
    parser.add_argument(
        "--cast-version", type=cast_version, default=3, metavar="N",
        help="the version of asciicast: 3 for asciinema 3, or 2 for older players",
    )  # fmt: skip
    add_trust_flag(parser)
    view_flags(parser, all_steps=True)
    return parser


def cast_version(text: str) -> int:
    """Return a version of asciicast."""
    if text not in ("2", "3"):
        raise argparse.ArgumentTypeError(f"{quote(text)} is no version of asciicast here: 3 or 2")
    return int(text)


def run(flags: argparse.Namespace) -> int:
    """Write the file; return the exit code: 1 if a program failed that isn't meant to.

    Raises:
        UsageError: For what is not there, or goes with no such format.
        LessonError: For a lesson, deck or script that is broken.
    """
    no_environment()
    if flags.site is not None:
        return write_site(flags)
    if len(flags.lesson) != 1:
        raise UsageError("export what? Name one lesson, deck or script; or several with --site OUT")
    flags.lesson = flags.lesson[0]
    form = format_of(flags)
    if form.screens:
        large_enough(flags.size)
    title, shots = shots_of(flags, form)
    file = output_file(flags.output, _sources_of(flags.lesson, shots))
    with restore_handlers(), raise_on_signals(), file as sink:  # so that an unfinished file is removed
        write_shots(form, export_of(title, flags), shots, sink.write)
    if form.name == "cast":
        from tui.export.formats.cast import PLAYERS

        say(f"asciicast {flags.cast_version}: {PLAYERS[flags.cast_version]} plays it")
    return 0 if is_script(flags.lesson) else report_failures(shots)  # a script may break a shape on purpose


def write_site(flags: argparse.Namespace) -> int:
    """Write a site; return the exit code: 1 for a file in its folder that isn't its own, or a failure.

    Raises:
        UsageError: For a flag that says what one page shows.
        LessonError: For a lesson or deck that is broken.
    """
    from tui.export import site
    from tui.export.formats import html
    from tui.export.shots import of_deck

    for name in ("output", "format", *VIEW):
        if flag_value(flags, name):
            raise UsageError(f"a site has all of its lessons, so --{name} has no place here")
    decks, title = _decks_of(flags.lesson)
    pages = site.pages_of(decks)
    out, done = flags.site, 0
    with restore_handlers(), raise_on_signals():
        try:
            out.mkdir(parents=True, exist_ok=True)
            other = site.foreign_file(out)
        except OSError as error:
            raise UsageError(f"cannot write {quote(str(out), 200)}: {error.strerror or error}") from None
        if other is not None:
            say(f"{quote(str(other), 200)} is not the site's own: name a folder that is new, or a site's")
            return 1
        flags.words = ()
        for page, place in zip(pages, site.places_of(pages, title), strict=True):
            shots = [*of_deck(page.deck, flags, parser(), say)]
            export = replace(export_of(page.deck.title, flags), site=place)
            with output_file(str(out / page.file), _sources_of(page.word, shots)) as sink:
                write_shots(html.FORMAT, export, shots, sink.write)
            done |= report_failures(shots)
        with output_file(str(out / site.INDEX)) as sink:
            sink.write(site.index_html(pages, title))
    say(f"{len(pages)} lessons and an index: {out / site.INDEX}")
    return done


def _decks_of(words: Sequence[str]) -> tuple[list[tuple[str, Deck]], str]:
    """Return the decks that words name, each file of a folder one, with their words, and what all are called.

    Without a word they are the course.
    """
    from llm_linalg.lessons.deck import folder_files
    from llm_linalg.lessons.reader import catalog
    from tui.session.decks import find_deck

    files: list[str] = []
    for word in words:
        place = Path(word)
        files += [str(file) for file in folder_files(place)] if place.is_dir() else [word]
    named = files or [lesson.slug for lesson in catalog()]
    title = Path(words[0]).resolve().name if len(words) == 1 and files != [*words] else "Lessons"
    return [(word, find_deck(word)) for word in named], title if words else COURSE


def format_of(flags: argparse.Namespace) -> Format:
    """Return the format that is named, or that of the file's suffix. Raises UsageError."""
    if flags.format is not None:
        return FORMATS[NAMES.index(flags.format)]
    if flags.output is None:
        raise UsageError(f"export where? Give -o FILE, or --format {' or '.join(NAMES)}")
    suffix = Path(flags.output).suffix.lower()
    by_suffix = next((one for one in FORMATS if suffix in one.suffixes), None)
    if by_suffix is None:
        known = [suffix for one in FORMATS for suffix in one.suffixes]
        raise UsageError(f"{unknown('suffix', suffix, known)}; or name a --format")
    return by_suffix


def shots_of(flags: argparse.Namespace, form: Format) -> tuple[str, Sequence[Shot]]:
    """Return the title of what is exported, and its shots: one if the format shows one picture."""
    from tui.export.shots import of_deck, of_script
    from tui.session.decks import find_deck

    if is_script(flags.lesson):
        for name in VIEW:
            if flag_value(flags, name):
                raise UsageError(f"a script itself says what it shows, so --{name} has no place here")
        made = [*of_script(script_in(flags.lesson))]
        title, shots = _title_of(made[0]), made[-1:] if form.single else made
    else:
        deck = find_deck(flags.lesson)
        title = deck.title
        if form.single:
            if flags.step == "all":
                raise UsageError(f"{form.name} is one picture: --step all goes with the other formats")
            flags.stop = flags.stop or 1
            shots = [next(of_deck(deck, flags, parser()))]
        else:
            shots = [*of_deck(deck, flags, parser(), say)]
    return title, [replace(one, seconds=one.seconds / flags.speed) for one in shots]


def _title_of(shot: Shot) -> str:
    """Return the title of what a script opens: of its deck, or of its lesson."""
    session = shot.session
    return session.view.lesson.title if session.talk is None else session.talk.deck.title


def _sources_of(word: str, shots: Sequence[Shot]) -> Iterator[Path]:
    """Return the files that an export is made from: the script, decks and lessons."""
    if is_script(word):
        yield Path(word)
    for session in {id(shot.session): shot.session for shot in shots}.values():
        yield from filter(None, (session.view.lesson.path,))
        yield from () if session.talk is None else session.talk.deck.files


def export_of(title: str, flags: argparse.Namespace) -> Export:
    """Return what all shots of an export have in common."""
    return Export(clean(title, 200), flags.size, flags.theme or "dark", bool(flags.ascii), flags.cast_version)


def write_shots(form: Format, export: Export, shots: Sequence[Shot], write: Write) -> None:
    """Write the shots in a format, piece by piece."""
    with Progress(form.name, len(shots)) as progress:
        writer = form.writer(export, write)

        def take(shot: Shot) -> None:
            writer.add(shot)
            progress.on()

        if form.screens:
            from tui.app import Options
            from tui.export.screens import draw

            options = Options(theme=export.theme, ascii_only=export.ascii_only, motion=False)
            draw(shots, export.size, options, take)
        else:
            for shot in shots:
                take(shot)
        writer.end()


def report_failures(shots: Sequence[Shot]) -> int:
    """Report the programs that failed and aren't meant to; return the exit code.

    A notebook's cell that can't be read as Python is a picture that says so, and nothing wrong.
    """
    reported: list[object] = []
    for shot in shots:
        view, opened = shot.session.view, shot.session.current
        failure = None if opened is None else opened.failure
        if failure is None or failure.error in reported or view.at_stop.refusal:
            continue
        if not (view.at_stop.fails and view.code is None and failure.fault is None):
            reported.append(failure.error)
            explain_failure(view, failure, None if shot.session.talk is None else shot.session.talk.stop)
    return int(bool(reported))
