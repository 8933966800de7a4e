"""`llm-linalg present`: a deck on the stage, where it was left."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from time import monotonic, time
from typing import TYPE_CHECKING

from llm_linalg.lessons.lesson import MOST_MINUTES, LessonError
from tui.cli import launch
from tui.cli.parser import command_parser, setting_flags
from tui.cli.settings import COLOURS, DISPLAY, resolve
from tui.files import user_dirs
from tui.files.state_file import StageMark, StateFile
from tui.files.trusted_folders import TrustedFolders
from tui.model.flags import Parser, flag_value, number
from tui.model.usage_error import UsageError
from tui.model.view import View
from tui.model.view_words import VIEW, add_picture_flags, add_trust_flag, start_view, view_of
from tui.session.consent_commands import trusted_view
from tui.session.decks import check_stop_number, check_views, find_deck, flags_at
from tui.session.presentation.state import EVERY, Talk
from tui.session.presentation.stopwatch import Stopwatch
from tui.session.script import saving

if TYPE_CHECKING:
    from llm_linalg.lessons.deck import Deck
    from tui.app import Explorer


LONGEST_BREAK = 3600.0  # seconds after which a talk that did not end is another one


def run(flags: argparse.Namespace) -> int:
    """Show a deck; return the exit code.

    Raises:
        UsageError: For a stop that is not there, or flags that don't go together.
        LessonError: If the deck is broken.
    """
    state_file = StateFile(user_dirs.folder(os.environ))
    settings = resolve(flags, os.environ, state_file)
    if flags.autoplay is not None and not settings.values.motion:
        raise UsageError("--autoplay goes on by itself, and the settings say that nothing does")
    deck = check_views(find_deck(flags.deck))
    saving.check_target(flags.record, deck.stops[0].lesson, deck.files)
    lines = settings.values.plain or launch.is_dumb(os.environ)
    number = first_stop(deck, flags.stop, state_file if not lines and not flags.loop else StateFile())
    talk = Talk(
        deck,
        number,
        big=flags.big,
        minutes=flags.minutes,
        every=flags.autoplay or EVERY,
        auto=flags.autoplay is not None,
        think=flags.think or 0.0,
        loop=flags.loop,
        clock="off" if flags.minutes is None else "remaining",
    )
    mark = None if lines or deck.path is None or flags.loop else state_file.load().mark(deck.path)
    talk = replace(talk, watch=_watch_of(mark))
    view = talk.first_view(number)
    if flags.stop is not None:  # what else is said is of that stop
        view = _view_of(talk, flags.words)
    else:
        _refuse_picture_flags(flags)
        if mark is not None and mark.stop == number:
            with suppress(UsageError, LessonError):  # the deck may have changed meanwhile
                view = _view_of(talk, (flags.deck, *mark.words))
    view = trusted_view(view, TrustedFolders(state_file.folder), *deck.files)
    if lines:
        return launch.plain(view, "", state_file, settings, talk=talk, record=flags.record)
    kept = "" if talk.watch == Stopwatch() else " The clock goes on: Z sets it to zero."
    notice = f"Where you left it: stop {number}. gg goes to the first.{kept}" if flags.stop is None else ""

    def make() -> Explorer:
        from tui.app import Explorer

        note = notice if number > 1 or kept else ""
        options = launch.options_of(settings)._replace(
            state_file=state_file,
            notice=launch.opening_notice(settings, state_file, note),
            tape=saving.Tape(flags.record),
        )
        return Explorer(view, deck.lessons, options, talk)

    return launch.report_losses(*launch.run_on_terminal(make, settings))


def _view_of(talk: Talk, words: Sequence[str]) -> View:
    """Return the view of the talk's stop that the words of a command line name beside the deck's own."""
    flags = flags_at(talk.stop, words, parser())
    return start_view(view_of(flags, talk.stop.lesson), flags)


def _watch_of(mark: StageMark | None) -> Stopwatch:
    """Return the clock of a talk whose process ended: it went on meanwhile, unless that is too long ago."""
    away = 0.0 if mark is None else time() - mark.at
    if mark is None or not 0 <= away <= LONGEST_BREAK:
        return Stopwatch()
    return Stopwatch(mark.seconds + away, monotonic()) if mark.running else Stopwatch(mark.seconds)


def _refuse_picture_flags(flags: argparse.Namespace) -> None:
    """Raise UsageError for flags that say how a stop is shown where none is named."""
    for name in VIEW:
        if flag_value(flags, name):
            raise UsageError(f"--{name} is said of one stop: name it, with --stop")


def first_stop(deck: Deck, wanted: int | None, state_file: StateFile) -> int:
    """Return the stop to begin with: as wanted, else where the deck was left, else the first.

    Raises:
        UsageError: For a stop that is not there.
    """
    left = None if deck.path is None else state_file.load().deck(deck.path)
    return check_stop_number(deck, wanted) or min(left or 1, len(deck.stops))


def parser() -> Parser:
    """Return the parser of `llm-linalg present DECK …`."""
    parser = command_parser("present", "Show a deck on a stage. It opens where you left it.")
    parser.add_argument("deck", metavar="DECK", help="a Markdown file, a folder of lessons, or a lesson")
    parser.add_argument(
        "--minutes", type=minutes, metavar="N", help="how long the talk may take; counts down"
    )
    parser.add_argument("--big", action="store_true", help="large cells, readable from the back row")
    parser.add_argument("--autoplay", type=seconds, metavar="SECONDS", help="a step on by itself each time")
    parser.add_argument(
        "--think", type=seconds, metavar="SECONDS", help="count down so long where a stop asks"
    )
    parser.add_argument("--loop", action="store_true", help="begin again after the last stop")
    add_trust_flag(parser)
    parser.add_argument("--record", metavar="FILE", help="write what is done as a script")
    add_picture_flags(parser, stop="the deck's stop to begin with, from 1")
    setting_flags(parser, (*COLOURS, "time_limit", *DISPLAY))
    return parser


def seconds(text: str) -> float:
    """Return a number of seconds."""
    return number(text, "seconds", 0.1, 86_400)


def minutes(text: str) -> float:
    """Return a number of minutes."""
    return number(text, "minutes", 0.1, MOST_MINUTES)
