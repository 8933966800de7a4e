"""`llm-linalg notes`: the speaker's notes of a talk, in another terminal."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from contextlib import suppress
from threading import Thread
from time import strftime
from typing import TYPE_CHECKING

from llm_linalg.base.text import clean, clean_lines
from tui.audience import meeting
from tui.audience.client import Link
from tui.audience.protocol import WireError
from tui.cli.follow_command import attend, follower_parser
from tui.files.output import is_terminal, say, write
from tui.model.broadcast import Broadcast, as_number
from tui.model.flags import Parser

if TYPE_CHECKING:
    from tui.app import Options, ScreenApp

LONGEST = 1000  # bytes of a line that is typed


def parser() -> Parser:
    """Return the parser of `llm-linalg notes`."""
    return follower_parser(
        "notes", "The speaker's notes of the talk that is running on this machine, and keys to drive it."
    )


def run(flags: argparse.Namespace) -> int:
    """Show the speaker's notes; return the exit code."""
    return attend("notes", flags, lambda link, _: read_notes(link), _app)


def _app(link: Link, options: Options) -> ScreenApp:
    from tui.app import ScreenApp
    from tui.screens.speaker_notes import NotesScreen

    return ScreenApp(NotesScreen(link), options)


async def read_notes(link: Link) -> int:
    """Print the notes, and send the verbs from standard input, until the presenter or the reader ends."""
    typed = is_terminal(sys.stdin)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    Thread(target=_read_verbs, args=(loop, link, ended, typed), daemon=True).start()
    reading = asyncio.ensure_future(_print_notes(link, "> " if typed else ""))
    leaving = asyncio.ensure_future(ended.wait())
    await asyncio.wait((reading, leaving), return_when=asyncio.FIRST_COMPLETED)
    leaving.cancel()
    if not reading.done():
        reading.cancel()
        return 0
    return await reading


async def _print_notes(link: Link, prompt: str) -> int:
    last_stop: object = None
    last_step: object = None
    try:
        async for now in link.talk():
            show = now.show
            stop, step = (show.get("number"), show.get("notes")), (show.get("step"), show.get("steps"))
            if stop == last_stop and step == last_step:
                continue
            text = _step_text(now) if stop == last_stop else f"{_notes_text(now)}{_step_text(now)}\n"
            last_stop, last_step = stop, step
            write(clean_lines(f"{text}{prompt}"))
    except (meeting.PlaceError, WireError) as error:
        say(str(error))
        return 1
    write(clean_lines("The presenter has gone.\n"))
    return 0


def _notes_text(now: Broadcast) -> str:
    """Return a stop's notes as text."""
    from tui.text.prose import words_of

    show = now.show
    text = words_of(clean(str(show.get("notes") or "no notes"), None, lines=True), 80)
    following = clean(str(show.get("next") or "the end"))
    lines = [
        f"stop {show.get('number')} of {len(now.stops)}: {clean(now.stop_title)}",
        *text,
        f"next: {following}",
    ]
    return "".join(f"{line}\n" for line in lines)


def _step_text(now: Broadcast) -> str:
    """Return the step, the time that has passed and is left, the pace, and the time of day, as one line."""
    from tui.panes.notes_pane import pace_text
    from tui.session.presentation.stopwatch import clock_text, time_left

    show = now.show
    seconds = float(as_number(show.get("seconds")) or 0)
    parts = [
        f"step {show.get('step')} of {show.get('steps')}" if show.get("steps") else "",
        f"{clock_text(seconds)} passed",
        "" if now.planned is None else f"{clock_text(time_left(now.planned, seconds))} left",
        pace_text(now, seconds),
        strftime("%H:%M"),
    ]
    return ", ".join(filter(None, parts)) + "\n"


def _read_verbs(loop: asyncio.AbstractEventLoop, link: Link, ended: asyncio.Event, typed: bool) -> None:
    """Hand over what is typed; a thread that waits for a line holds nothing that the end would wait for.

    Who types at a terminal ends the session with the input; a pipe may be empty from the start.
    """
    if sys.stdin is None:
        return
    line = b""
    with suppress(OSError, RuntimeError):  # the loop has ended
        while data := os.read(sys.stdin.fileno(), LONGEST):
            *lines, line = (line + data).split(b"\n")
            for one in lines:
                loop.call_soon_threadsafe(_hear, link, one.decode("utf-8", "replace"), ended)
            line = line[-LONGEST:]
        if typed:
            loop.call_soon_threadsafe(ended.set)


def _hear(link: Link, line: str, ended: asyncio.Event) -> None:
    """Do what a line says: next, back, stop 3, quit."""
    words = line.split() or ["next"]
    if words in (["quit"], ["q"]):
        ended.set()
        return
    heard = True
    if words[0] == "stop" and len(words) == 2 and words[1].isdecimal():
        heard = link.say("go", int(words[1][:6]))
    elif words in (["stop", "next"], ["stop", "back"]):
        heard = link.say("stop.next" if words[1] == "next" else "stop.previous")
    elif words in (["next"], ["back"]):
        heard = link.say(words[0])
    else:
        say("next, back, stop N, stop next, stop back, quit")
    if not heard:
        say("nobody presents now")
