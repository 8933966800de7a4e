"""`llm-linalg follow`: a talk, followed from another terminal."""

from __future__ import annotations

import argparse
import asyncio
import os
from functools import partial
from typing import TYPE_CHECKING

from llm_linalg.base.text import clean, clean_lines
from tui.audience import meeting
from tui.audience.client import Link, title_at
from tui.audience.protocol import Role, WireError
from tui.cli import launch
from tui.cli.parser import command_parser, setting_flags
from tui.cli.settings import COLOURS, Settings, resolve
from tui.files.output import say, write
from tui.model.flags import Parser, whole_number
from tui.model.usage_error import UsageError
from tui.model.view_words import add_trust_flag

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from tui.app import Explorer, Options


def parser() -> Parser:
    """Return the parser of `llm-linalg follow`."""
    made = follower_parser("follow", "What is being presented on this machine, at this terminal's own size.")
    add_trust_flag(made)
    return made


def follower_parser(name: str, says: str) -> Parser:
    """Return the parser of a follower's flags."""
    parser = command_parser(name, says)
    parser.add_argument(
        "--of", type=whole_number, metavar="PROCESS", help="which presenter, if several are running"
    )
    setting_flags(parser, (*COLOURS, "plain", "mouse", "slow_link"))
    return parser


def run(flags: argparse.Namespace) -> int:
    """Show what an audience sees; return the exit code."""
    return attend(
        "follow", flags, lambda link, settings: read_frames(link, ascii_only=settings.values.ascii), _follower
    )


def attend(
    role: Role,
    flags: argparse.Namespace,
    read: Callable[[Link, Settings], Coroutine[None, None, int]],
    make: Callable[[Link, Options], launch.AppType],
) -> int:
    """Show what a presenter tells, in an app or as text; return the exit code."""
    settings = resolve(flags, os.environ)
    launch.report_problems(settings)
    link = link_to_presenter(role, flags)
    if settings.values.plain or launch.is_dumb(os.environ):
        return asyncio.run(read(link, settings))
    return launch.run_on_terminal(lambda: make(link, launch.options_of(settings)), settings)[1]


def _follower(link: Link, options: Options) -> Explorer:
    from llm_linalg.lessons.deck import of_lesson
    from llm_linalg.lessons.reader import parse
    from tui.app import Explorer
    from tui.screens.follower import ALLOWED, FollowerScreen
    from tui.session.presentation.state import Talk

    waiting = of_lesson(parse('+++\ntitle = "Waiting"\n+++\n## Waiting\nfor a presenter\n', "waiting.md"))
    talk = Talk(waiting)
    keys = tuple(key for key in options.keys if key.id in ALLOWED)
    screen = partial(FollowerScreen, link=link)
    return Explorer(talk.first_view(1), waiting.lessons, options._replace(keys=keys), talk, screen)


def link_to_presenter(role: Role, flags: argparse.Namespace) -> Link:
    """Return a line to the presenter that is meant.

    Raises:
        UsageError: If there are several and none is named, or there is no place to meet.
    """
    try:
        places = meeting.presenters(meeting.folder(os.environ))
    except meeting.PlaceError as error:
        raise UsageError(str(error)) from None
    wanted = [path for path in places if flags.of is None or path.stem == str(flags.of)]
    if len(wanted) > 1 or (places and not wanted):
        titles = {path: clean(title_at(path), 60) for path in places}
        listed = "; ".join(f"--of {path.stem}{title and f' is {title}'}" for path, title in titles.items())
        begun = f"{len(places)} are presenting" if wanted else f"{flags.of} presents nothing"
        raise UsageError(f"{begun}: {listed}")
    return Link(role, os.environ, flags.of)


async def read_frames(link: Link, *, ascii_only: bool) -> int:
    """Print what is shown, a frame each time it changes, until the presenter ends."""
    from llm_linalg.lessons.lesson import LessonError
    from tui.plain_prompt import PlainPrompt
    from tui.screens.follower import BroadcastReader
    from tui.session.script.running import ensure_run
    from tui.session.session import Session

    read, plain = BroadcastReader(), None
    try:
        async for now in link.talk():
            talk, view = read.talk(now)
            session = ensure_run(
                (plain.session if plain else Session.start(view, [view.lesson])).at_stop(view, talk)
            )
            plain = plain or PlainPrompt(view, [view.lesson], write, ascii_only=ascii_only, talk=talk)
            plain.session = session
            if talk.black:
                write(clean_lines("The screen is black.\n"))
            else:
                plain.show()
    except (meeting.PlaceError, WireError, LessonError, LookupError) as error:
        say(str(error))
        return 1
    write(clean_lines("The presenter has gone.\n"))
    return 0
