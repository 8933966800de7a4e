"""The two pipes between the app and the process of a program: what is asked, and the answers."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

from llm_linalg.room.room_limits import MOST_ANSWER, MOST_REQUEST

_PIECE = 2**20


class Requests:
    """What the app asks of this process, and the way back.

    Args:
        requests: The pipe by which it is asked.
        answers: The pipe by which it answers.
    """

    def __init__(self, requests: int, answers: int) -> None:
        self._requests = requests
        self._answers = answers
        self._rest = b""

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Wait for each request in turn, until the app lets go of this process."""
        while (request := self.read()) is not None:
            yield request

    def read(self) -> dict[str, Any] | None:
        """Wait for a request; return None if there will be none."""
        while b"\n" not in self._rest:
            piece = os.read(self._requests, _PIECE)
            if not piece or len(self._rest) > MOST_REQUEST:
                return None
            self._rest += piece
        line, _, self._rest = self._rest.partition(b"\n")
        request = json.loads(line)
        return request if isinstance(request, dict) else None

    def say(self, word: str, *more: object) -> None:
        """Tell the app something.

        The word is `begin`, when the clock of the program starts; `end`, with how that ended; `answer`, with
        the answer to a request after that; `exchange`, with this device's part, after which the parts of all
        come as the next request; or `fault`, with why no program can run here.
        """
        line = json.dumps([word, *more]).encode() + b"\n"
        if len(line) > MOST_ANSWER:
            raise ValueError("the answer is too long")
        while line:
            line = line[os.write(self._answers, line) :]
