"""Makes frames of every stop of every lesson, the first as text and the last as JSON, and screens.

`python tests/frames.py 1/2` makes those of every second lesson, `2/2` the others, and without a part all.

Goes through the command line's own entry, in one process: a fresh one for each of some hundreds of frames
would spend its time on importing torch. Run as a file, it takes the installed package and not the work tree.
"""

from __future__ import annotations

import io
import itertools
import json
import sys
from contextlib import redirect_stderr, redirect_stdout

from llm_linalg.lessons.lesson import Lesson
from llm_linalg.lessons.reader import catalog
from llm_linalg.lessons.stop import Stop
from tui.cli.main import main

COLUMNS, ROWS = 80, 24
PICTURES = (("plain", "first"), ("json", "last"), ("screen", "last"))


def output(arguments: list[str]) -> str:
    """Returns what `llm-linalg` with these arguments prints; raises ValueError if it fails or narrates."""
    out, narration = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(narration):
        try:
            code = main(arguments)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
    if code or narration.getvalue():
        raise ValueError(f"exit {code}: {narration.getvalue().strip()}")
    return out.getvalue()


def wrong(text: str, kind: str, lesson: Lesson, stop: Stop) -> str | None:
    """Returns what is wrong with a frame, or None."""
    if not text.strip():
        return "nothing printed"
    if "\x1b" in text:
        return "an escape character in text"
    if kind == "json":
        frames = [json.loads(line) for line in text.splitlines()]
        if any((frame["lesson"], frame["stop"]) != (lesson.slug, stop.number) for frame in frames):
            return "another lesson's or stop's frame"
        if any(bool(frame.get("error")) != bool(stop.fails) for frame in frames):
            return "fails where it should not, or does not where it should"
    if kind == "screen":
        lines = text.removesuffix("\n").split("\n")
        if len(lines) != ROWS or any(len(line) > COLUMNS for line in lines):
            return f"{len(lines)} lines, the longest of {max(map(len, lines))} characters"
    return None


def run(part: int = 1, parts: int = 1) -> int:
    """Makes all frames, or a part of them; names each that fails; returns the exit code."""
    made, bad = 0, 0
    for lesson in catalog()[part - 1 :: parts]:
        for stop, (kind, step) in itertools.product(lesson.stops, PICTURES):
            if kind == "screen" and stop is not lesson.stops[-1]:
                continue  # it starts the app; that every stop's screen is whole is a test
            size = ["--size", f"{COLUMNS}x{ROWS}"] if kind == "screen" else []
            place = ["--stop", str(stop.number), "--step", step, "--format", kind]
            arguments = ["frame", lesson.slug, *place, *size]
            try:
                problem = wrong(output(arguments), kind, lesson, stop)
            except (ValueError, KeyError) as error:
                problem = f"{type(error).__name__}: {error}"
            made += 1
            if problem:
                bad += 1
                print(f"llm-linalg {' '.join(arguments)}: {problem}")
    print(f"{made} frames, {bad} wrong")
    return int(bad > 0 or made == 0)


if __name__ == "__main__":
    sys.exit(run(*[int(number) for given in sys.argv[1:2] for number in given.split("/")]))
