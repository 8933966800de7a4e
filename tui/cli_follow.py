"""``llm-linalg notes`` and ``llm-linalg follow``: a talk, followed from other terminals."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from contextlib import suppress
from dataclasses import replace
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING

from llm_linalg.text import clean
from tui import cli_app
from tui.audience import places
from tui.audience.client import Link, introduced
from tui.audience.wire import Role, WireError
from tui.cli_parse import colour_flags, shown_flags
from tui.files.output import say, write
from tui.model.broadcast import Broadcast
from tui.model.errors import UsageError
from tui.model.flags import Parser, whole
from tui.settings import Settings, decided

if TYPE_CHECKING:
    from tui.app import Explorer, NotesApp

LONGEST = 1000  # bytes of a line that is typed


def notes(flags: argparse.Namespace) -> int:
    """The speaker's notes; returns the exit code."""
    settings = decided(flags, os.environ)
    link = met("notes", flags)
    if settings.on("plain") or cli_app.dumb(os.environ):
        return asyncio.run(read_notes(link))

    def make() -> NotesApp:
        from tui.app import NotesApp

        return NotesApp(link, cli_app.options_of(settings))

    return cli_app.drawn(make, settings)[1]


def follow(flags: argparse.Namespace) -> int:
    """What an audience sees; returns the exit code."""
    settings = decided(flags, os.environ)
    link = met("follow", flags)
    if settings.on("plain") or cli_app.dumb(os.environ):
        return asyncio.run(read_frames(link, ascii_only=settings.on("ascii")))
    return cli_app.drawn(lambda: _follower(link, settings), settings)[1]


def _follower(link: Link, settings: Settings) -> Explorer:
    from llm_linalg.decks import of_lesson
    from llm_linalg.lesson import parse
    from tui.app import Explorer
    from tui.screens.follower import ALLOWED, FollowerScreen
    from tui.talk import Talk

    waiting = of_lesson(parse('+++\ntitle = "Waiting"\n+++\n## Waiting\nfor a presenter\n', "waiting.md"))
    talk = Talk(waiting)
    options = cli_app.options_of(settings)
    keys = tuple(key for key in options.keys if key.id in ALLOWED)
    screen = partial(FollowerScreen, link=link)
    return Explorer(talk.begun(1), waiting.lessons, replace(options, keys=keys), talk, screen)


def met(role: Role, flags: argparse.Namespace) -> Link:
    """A line to the presenter that is meant.

    Raises:
        UsageError: If there are several and none is named, or there is no place to meet.
    """
    try:
        found = places.presenters(places.folder(os.environ))
    except places.PlaceError as error:
        raise UsageError(str(error)) from None
    wanted = [path for path in found if flags.of is None or path.stem == str(flags.of)]
    if len(wanted) > 1 or (found and not wanted):
        listed = "; ".join(f"--of {path.stem} is {clean(introduced(path), 60)}" for path in found)
        begun = f"{len(found)} are presenting" if wanted else f"{flags.of} presents nothing"
        raise UsageError(f"{begun}: {listed}")
    return Link(role, os.environ, flags.of)


async def read_notes(link: Link) -> int:
    """The notes as lines, and the verbs from standard input; ends with the presenter."""
    last = None
    Thread(target=_typed, args=(asyncio.get_running_loop(), link), daemon=True).start()
    try:
        async for now in link.talk():
            show = now.show
            if (show.get("number"), show.get("notes")) != last:
                last = (show.get("number"), show.get("notes"))
                write(_said(now))
    except (places.PlaceError, WireError) as error:
        say(str(error))
        return 1
    write("The presenter has gone.\n")
    return 0


def _said(now: Broadcast) -> str:
    """A stop's notes as text."""
    from tui.prose import words_of

    show, stops = now.show, now.deck.get("stops") or []
    number = show.get("number")
    title = stops[number - 1][0] if isinstance(number, int) and 1 <= number <= len(stops) else ""
    text = words_of(clean(str(show.get("notes") or "no notes"), None, lines=True), 80)
    following = clean(str(show.get("next") or "the end"))
    lines = [f"stop {number} of {len(stops)}: {clean(str(title))}", *text, f"next: {following}", ""]
    return "".join(f"{line}\n" for line in lines)


def _typed(loop: asyncio.AbstractEventLoop, link: Link) -> None:
    """Hands over what is typed; a thread that waits for a line holds nothing that the end would wait for."""
    if sys.stdin is None:
        return
    line = b""
    with suppress(OSError, RuntimeError):  # the loop has ended
        while data := os.read(sys.stdin.fileno(), LONGEST):
            *lines, line = (line + data).split(b"\n")
            for one in lines:
                loop.call_soon_threadsafe(_hear, link, one.decode("utf-8", "replace"))
            line = line[-LONGEST:]


def _hear(link: Link, line: str) -> None:
    """Says the verb that a line is: next, back, stop 3."""
    words = line.split() or ["next"]
    if words[0] == "stop" and len(words) == 2 and words[1].isdecimal():
        link.say("go", int(words[1][:6]))
    elif words in (["stop", "next"], ["stop", "back"]):
        link.say("stop.next" if words[1] == "next" else "stop.previous")
    elif words in (["next"], ["back"]):
        link.say(words[0])
    else:
        say("next, back, stop N, stop next, stop back")


async def read_frames(link: Link, *, ascii_only: bool) -> int:
    """What is shown as text, a frame each time something else is; ends with the presenter."""
    from llm_linalg.lesson_values import LessonError
    from tui.glyphs import ascii_text
    from tui.plain.prompt import Plain
    from tui.screens.follower import Reader
    from tui.script.running import ran
    from tui.session import Session

    read, plain = Reader(), None
    try:
        async for now in link.talk():
            talk, view = read.talk(now)
            session = ran((plain.session if plain else Session.start(view, [view.lesson])).staged(view, talk))
            plain = plain or Plain(view, [view.lesson], write, ascii_only=ascii_only, talk=talk)
            plain.session = session
            if talk.black:
                write(ascii_text("The screen is black.\n"))
            else:
                plain.show()
    except (places.PlaceError, WireError, LessonError, LookupError) as error:
        say(str(error))
        return 1
    write("The presenter has gone.\n")
    return 0


def notes_parser() -> Parser:
    """``llm-linalg notes``."""
    return _parser("notes", "The speaker's notes of the talk that is presented here, and keys to drive it.")


def follow_parser() -> Parser:
    """``llm-linalg follow``."""
    return _parser("follow", "What is presented here, at this terminal's own size.")


def _parser(name: str, says: str) -> Parser:
    parser = Parser(prog=f"llm-linalg {name}", description=says, allow_abbrev=False)
    parser.add_argument(
        "--of", type=whole, metavar="PROCESS", help="which presenter, where there are several"
    )
    colour_flags(parser)
    shown_flags(parser)
    return parser
