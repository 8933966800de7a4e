"""Frames for the pytest plugin, from a process of its own: torch's kernels are pinned before it is imported.

A line that it reads is a request as JSON, and is answered with a line: `{"frames": [[stop, text], …]}`, or
`{"error": …}` with what is wrong. A request has the `folder` of the test, `flags` of `llm-linalg frame`, a
`step`, and either `what`, a lesson or a deck, with a `stop`, or `code`, a program, with its `name`, `slug`
and `seed`. With the word `--trust` it runs programs with the user's rights where nothing would lock them in.
"""

from __future__ import annotations

import io
import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypedDict

from llm_linalg.api.trust import trust_everything
from llm_linalg.lessons.lesson import LessonError
from tui.cli.main import main
from tui.model.usage_error import UsageError
from tui.session.decks import find_deck


class Request(TypedDict, total=False):
    """What is wanted of the worker."""

    folder: str
    flags: list[str]
    step: int | str | None
    what: str
    stop: int | None
    code: str
    name: str
    slug: str
    seed: int


class FrameError(Exception):
    """No frame can be made, for the reason that is its text."""


def frame(words: list[str]) -> str:
    """Return what `llm-linalg frame` prints. Raises FrameError."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(["frame", *words])
    if code:
        raise FrameError(err.getvalue().strip().replace("; --trust ", "; --linalg-trust "))
    return out.getvalue()


def stop_frames(request: Request) -> Iterator[tuple[int, str]]:
    """Yield the frames of a deck's stops, or of one of them.

    Raises:
        FrameError: If there is no such stop, or a frame can't be made.
        LessonError: If the deck is broken.
        UsageError: If there is none.
    """
    what, stop, step = request["what"], request["stop"], request["step"]
    deck = find_deck(what)
    if stop is not None and not 1 <= stop <= len(deck.stops):
        raise FrameError(f"{what} has stops 1 to {len(deck.stops)}: there is no stop {stop}")
    for number, one in enumerate(deck.stops, 1):
        if stop in (None, number):
            own = step is None and ("--step" in one.words or one.at.map is not None)  # a map stays one
            words = [] if own else ["--step", str("last" if step is None else step)]
            yield number, frame([what, "--stop", str(number), *words, *request["flags"]])


def program_frame(request: Request) -> str:
    """Return the frame of a program. Raises FrameError, with the program's name in it."""
    code, name = request["code"], request["name"]
    marks = "`" * (3 + max(map(len, re.findall("`+", code)), default=0))
    with TemporaryDirectory() as folder:
        file = Path(folder) / f"{request['slug']}.md"
        head = f'+++\ntitle = "Program"\nseed = {request["seed"]}\n+++\n{marks}python\n'
        above = head.count("\n")
        file.write_text(f"{head}{code.strip()}\n{marks}\n", encoding="utf-8")
        try:
            return frame([str(file), "--step", str(request["step"]), *request["flags"]])
        except FrameError as error:

            def named(place: re.Match[str]) -> str:
                return f"{name}, line {int(place[1]) - above}," if place[1] else f"{name},"

            raise FrameError(re.sub(re.escape(str(file)) + r"(?::(\d+):)?", named, str(error))) from None


def answer(request: Request) -> dict[str, object]:
    """Return the answer to a request."""
    try:
        os.chdir(request["folder"])
        return {"frames": [(1, program_frame(request))] if "code" in request else list(stop_frames(request))}
    except (FrameError, LessonError, UsageError) as error:
        return {"error": str(error)}


if __name__ == "__main__":
    if "--trust" in sys.argv[1:]:
        trust_everything()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(json.loads(line))) + "\n")
        sys.stdout.flush()
