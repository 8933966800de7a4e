"""A follower's end of the line: find a presenter, read what is shown, and send commands."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from llm_linalg.base.text import clean
from tui.audience import meeting
from tui.audience.protocol import LONGEST_LINE, Role, WireError, encode, greeting, with_line
from tui.model.broadcast import Broadcast

AGAIN = 1.0  # seconds between two looks for a presenter
TITLE_PATIENCE = 5.0  # seconds for a presenter to say what it presents: it may be loading torch
GONE = "The presenter has gone; waiting for the next."


class Link:
    """A connection to a presenter.

    Attributes:
        role: Who this is.
        wanted: The process of the presenter, where several may be met; None takes the oldest.
    """

    def __init__(self, role: Role, environment: Mapping[str, str], wanted: int | None = None) -> None:
        self.role = role
        self.wanted = wanted
        self._environment = environment
        self._writer: asyncio.StreamWriter | None = None

    async def talk(self) -> AsyncIterator[Broadcast]:
        """Yield what is shown, until the presenter ends.

        Raises:
            PlaceError: If none is met.
            WireError: If it speaks otherwise, or refuses.
        """
        path = await asyncio.to_thread(self._place)
        try:
            reader, writer = await asyncio.open_unix_connection(str(path), limit=LONGEST_LINE)
        except OSError:
            raise meeting.PlaceError("the presenter has gone") from None
        self._writer = writer
        try:
            writer.write(encode(greeting(self.role)))
            now = Broadcast()
            while line := await reader.readline():
                before, now = now, with_line(now, line)
                if now.whole and now.show is not before.show:
                    yield now
        except ValueError:
            raise WireError(f"a line of more than {LONGEST_LINE} bytes") from None
        except OSError:
            return  # it died
        finally:
            self._writer = None
            writer.close()

    async def talks(self) -> AsyncIterator[Broadcast | str]:
        """Yield what is shown, by one presenter after the other; while there is none, why, as a text."""
        met = False
        while True:
            reason = GONE
            try:
                async for now in self.talk():
                    met = True
                    yield now
            except meeting.PlaceError as error:
                reason = GONE if met else f"Waiting: {clean(str(error))}"
            except WireError as error:
                reason = f"It can't be followed: {clean(str(error))}"
            yield reason
            await asyncio.sleep(AGAIN)

    def say(self, verb: str, stop: int | None = None) -> bool:
        """Send a verb; False without a connection."""
        if self._writer is None:
            return False
        self._writer.write(encode({"do": verb} if stop is None else {"do": verb, "stop": stop}))
        return True

    def _place(self) -> Path:
        places = meeting.presenters(meeting.folder(self._environment))
        if self.wanted is not None:
            places = [path for path in places if path.stem == str(self.wanted)]
        if not places:
            raise meeting.PlaceError("nobody presents: 'llm-linalg present DECK' does")
        return places[0]


def title_at(path: Path) -> str:
    """Return the title of what is presented at a socket; empty where it doesn't say."""
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with line, suppress(OSError, ValueError, KeyError, TypeError):
        line.settimeout(TITLE_PATIENCE)
        line.connect(str(path))
        line.sendall(encode(greeting("follow")))
        with line.makefile("rb") as file:
            answer: Any = json.loads(file.readline(LONGEST_LINE))
            return str(answer["deck"]["title"])
    return ""
