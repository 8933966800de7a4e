"""``llm-linalg notes``: the speaker's notes of a talk, in another terminal."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING

from llm_linalg.base.text import CleanText, clean, clean_lines
from tui.audience import meeting
from tui.audience.client import Link
from tui.audience.protocol import WireError
from tui.cli import launch
from tui.cli.follow_command import follower_parser, link_to_presenter
from tui.cli.settings import resolve
from tui.files.output import say, write
from tui.model.broadcast import Broadcast
from tui.model.flags import Parser

if TYPE_CHECKING:
    from tui.app import NotesApp

LONGEST = 1000  # bytes of a line that is typed


def parser() -> Parser:
    """Return the parser of ``llm-linalg notes``."""
    return follower_parser(
        "notes", "The speaker's notes of the talk that is presented here, and keys to drive it."
    )


def run(flags: argparse.Namespace) -> int:
    """Show the speaker's notes; return the exit code."""
    settings = resolve(flags, os.environ)
    link = link_to_presenter("notes", flags)
    if settings.values.plain or launch.is_dumb(os.environ):
        return asyncio.run(read_notes(link))

    def make() -> NotesApp:
        from tui.app import NotesApp

        return NotesApp(link, launch.options_of(settings))

    return launch.run_on_terminal(make, settings)[1]


async def read_notes(link: Link) -> int:
    """Print the notes, and send the verbs from standard input, until the presenter ends."""
    last = None
    Thread(target=_read_verbs, args=(asyncio.get_running_loop(), link), daemon=True).start()
    try:
        async for now in link.talk():
            show = now.show
            if (show.get("number"), show.get("notes")) != last:
                last = (show.get("number"), show.get("notes"))
                write(_notes_text(now))
    except (meeting.PlaceError, WireError) as error:
        say(str(error))
        return 1
    write(clean_lines("The presenter has gone.\n"))
    return 0


def _notes_text(now: Broadcast) -> CleanText:
    """Return a stop's notes as text."""
    from tui.text.prose import words_of

    show, stops = now.show, now.deck.get("stops") or []
    number = show.get("number")
    title = stops[number - 1][0] if isinstance(number, int) and 1 <= number <= len(stops) else ""
    text = words_of(clean(str(show.get("notes") or "no notes"), None, lines=True), 80)
    following = clean(str(show.get("next") or "the end"))
    lines = [f"stop {number} of {len(stops)}: {clean(str(title))}", *text, f"next: {following}", ""]
    return clean_lines("".join(f"{line}\n" for line in lines))


def _read_verbs(loop: asyncio.AbstractEventLoop, link: Link) -> None:
    """Hand over what is typed; a thread that waits for a line holds nothing that the end would wait for."""
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
    """Say the verb that a line is: next, back, stop 3."""
    words = line.split() or ["next"]
    if words[0] == "stop" and len(words) == 2 and words[1].isdecimal():
        link.say("go", int(words[1][:6]))
    elif words in (["stop", "next"], ["stop", "back"]):
        link.say("stop.next" if words[1] == "next" else "stop.previous")
    elif words in (["next"], ["back"]):
        link.say(words[0])
    else:
        say("next, back, stop N, stop next, stop back")
