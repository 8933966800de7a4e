"""The presenter's end of the line: send followers what is shown, and wait for none of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from tui.audience import meeting
from tui.audience.protocol import (
    LONGEST_REQUEST,
    Role,
    WireError,
    command_for,
    deck_message,
    decode,
    encode,
    lesson_message,
    role_of,
    show_message,
)
from tui.session.presentation.stage_moves import require_talk

if TYPE_CHECKING:
    from llm_linalg.lessons.deck import Deck
    from llm_linalg.lessons.lesson import Lesson
    from tui.session.session import Session

MOST = 64  # followers at once
GREETING = 5.0  # seconds to say who one is


@dataclass(slots=True, eq=False)
class _Follower:
    """One that follows: what it was sent last, and a bell that says that there is more."""

    role: Role
    writer: asyncio.StreamWriter
    bell: asyncio.Event = field(default_factory=asyncio.Event)
    deck: Deck | None = None
    lesson: Lesson | None = None


class Audience:
    """Sends what is shown to whoever follows.

    A follower is sent the whole of the last state when it has taken the one before: what came between is left
    out, so nothing queues, and one that doesn't read costs one message. Of what a follower sends the next
    line is read when the one before was done.
    """

    def __init__(self, session: Session, do: Callable[[str], Awaitable[object]]) -> None:
        """`session` is what is shown first; `do` does the commands that followers send."""
        self._session = session
        self._do = do
        self._followers: set[_Follower] = set()
        self._server: asyncio.Server | None = None
        self._path: Path | None = None

    async def open(self, place: Path) -> None:
        """Start serving, in the folder of `meeting.folder`. Raises PlaceError."""
        await asyncio.to_thread(meeting.presenters, place)  # clears what dead ones left
        listening, self._path = meeting.listening_socket(place)
        self._server = await asyncio.start_unix_server(self._serve, sock=listening, limit=LONGEST_REQUEST)

    def close(self) -> None:
        """Stop serving: followers see the end of the line."""
        if self._server is not None:
            self._server.close()
        for follower in self._followers:
            follower.writer.transport.abort()
        if self._path is not None:
            with suppress(OSError):
                self._path.unlink()

    def show(self, session: Session) -> None:
        """Send what is shown now, if that has changed."""
        if session is not self._session:
            self._session = session
            for follower in self._followers:
                follower.bell.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("socket")
        try:
            if peer is None or not meeting.same_user(peer):
                raise WireError("another user")
            if len(self._followers) >= MOST:
                raise WireError(f"{MOST} follow already")
            role = role_of(decode(await asyncio.wait_for(reader.readline(), GREETING)))
            await self._follow(_Follower(role, writer), reader)
        except WireError as error:
            with suppress(OSError):
                writer.write(encode({"refused": str(error)}))
        except ValueError:  # what StreamReader raises for a line beyond its limit
            with suppress(OSError):
                writer.write(encode({"refused": f"a line of more than {LONGEST_REQUEST} bytes"}))
        except (OSError, TimeoutError):
            pass  # it has gone
        finally:
            writer.close()

    async def _follow(self, follower: _Follower, reader: asyncio.StreamReader) -> None:
        follower.writer.transport.set_write_buffer_limits(high=0)  # `drain` waits until all is taken
        follower.bell.set()
        self._followers.add(follower)
        sending = asyncio.create_task(self._send(follower))
        try:
            while line := await reader.readline():
                await self._do(command_for(decode(line), follower.role))
        finally:
            self._followers.discard(follower)
            sending.cancel()
            with suppress(asyncio.CancelledError, OSError):
                await sending

    async def _send(self, follower: _Follower) -> None:
        """Send the last state whenever there is another, as fast as it is taken."""
        while True:
            await follower.bell.wait()
            follower.bell.clear()
            follower.writer.writelines(self._lines(follower))
            await follower.writer.drain()

    def _lines(self, follower: _Follower) -> list[bytes]:
        """Return what a follower lacks."""
        talk = require_talk(self._session)
        deck, lesson = talk.deck, talk.stop.lesson
        lines = []
        if deck is not follower.deck:
            lines.append(encode(deck_message(deck)))
        if lesson is not follower.lesson:
            lines.append(encode(lesson_message(deck, lesson)))
        follower.deck, follower.lesson = deck, lesson
        return [*lines, encode(show_message(self._session, follower.role, monotonic()))]
