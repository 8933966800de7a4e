"""The pytest plugin: frames of lessons, decks and programs, compared with those that are stored.

pytest imports this module in every run where the package is installed, so it imports nothing but pytest and
small modules of Python's own. All else is imported, and torch in another process, when the fixture is used.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from difflib import unified_diff
from html import unescape
from pathlib import Path
from typing import Literal, NamedTuple

import pytest

Format = Literal["plain", "json", "svg", "screen"]

SUFFIXES: dict[str, str] = {"plain": "txt", "json": "jsonl", "svg": "svg", "screen": "screen"}
UPDATE = "--update-frames"
MOST_LINES = 60  # of a difference
LONGEST = 160  # characters of one of its lines
SVG_COLUMN = 12.2  # units that a character is wide
WRITTEN = pytest.StashKey[list[str]]()


class StoredFrame(NamedTuple):
    """A frame that was made, the file in which it is stored, and what it is of."""

    text: str
    file: Path
    name: str


def pytest_addoption(parser: pytest.Parser) -> None:
    """The one flag."""
    parser.getgroup("llm-linalg").addoption(
        UPDATE, action="store_true", help="store the frames of llm-linalg as they are now"
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says which frames were written."""
    written = terminalreporter.config.stash.get(WRITTEN, [])
    if written:
        terminalreporter.section("frames written")
        for name in written:
            terminalreporter.write_line(name)


@pytest.fixture
def linalg_frames(request: pytest.FixtureRequest) -> LinalgFrames:
    """Compares frames of lessons, decks and programs with those stored beside the test, in `frames`."""
    return LinalgFrames(request)


class LinalgFrames:
    """What the fixture `linalg_frames` is.

    Frames are stored in ``frames/<test>/`` beside the test's file; ``pytest --update-frames`` writes them.
    """

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._config = request.config
        self._here = request.path.parent
        self._folder = self._here / "frames" / _plain(f"{request.path.stem}-{request.node.name}")

    def check(
        self,
        what: str,
        *,
        stop: int | None = None,
        step: int | str | None = None,
        format: Format = "plain",  # noqa: A002 - the name of the flag
        size: tuple[int, int] = (80, 24),
        seed: int | None = None,
        controls: Mapping[str, object] | None = None,
    ) -> None:
        """Compares the frames of a lesson or a deck; fails with what differs.

        Args:
            what: A lesson's slug, or the path of a lesson, a deck or a folder, as seen from the test's file.
            stop: One stop, from 1; all of them unless given.
            step: A step from 1, "first", "last" or "all". Unless given the last one, or the one that a deck
                says; a stop that opens on the map is the map.
            format: "plain", "json", "svg" or "screen".
            size: Columns and rows.
            seed: The seed, in place of the lesson's own.
            controls: Values of controls by name.
        """
        words = ["--format", format, "--size", f"{size[0]}x{size[1]}"]
        words += [] if seed is None else ["--seed", str(seed)]
        words += [f"--set={name}={value}" for name, value in (controls or {}).items()]
        asked = list(self._stops(what, stop, step, words))
        made = _made([[what, *more] for _, more in asked], self._here)
        given = [step, seed, *(controls or {}).items(), None if size == (80, 24) else size]
        variant = "".join(f"-{_plain(str(part))}" for part in given if part is not None)
        frames = []
        for (number, _), text in zip(asked, made, strict=True):
            file = f"{_plain(Path(what).stem)}-{number}{variant}.{SUFFIXES[format]}"
            frames.append(StoredFrame(text, self._folder / file, f"{what}, stop {number}"))
        self._compare(frames, format)

    def check_program(
        self,
        code: str,
        *,
        name: str = "program",
        step: int | str = "last",
        format: Format = "plain",  # noqa: A002 - the name of the flag
        size: tuple[int, int] = (80, 24),
        seed: int = 0,
    ) -> None:
        """Compares the frame of a program of the tensor language; fails with what differs.

        Args:
            code: The program. Its last tensor is shown.
            name: What the stored frame is called, for a test with several.
            step: A step from 1, "first", "last" or "all".
            format: "plain", "json", "svg" or "screen".
            size: Columns and rows.
            seed: The seed.
        """
        from tempfile import TemporaryDirectory

        marks = "`" * (3 + max(map(len, re.findall("`+", code)), default=0))
        with TemporaryDirectory() as folder:
            file = Path(folder) / f"{_plain(name)}.md"
            text = f'+++\ntitle = "Program"\nseed = {seed}\n+++\n{marks}python\n{code.strip()}\n{marks}\n'
            file.write_text(text, encoding="utf-8")
            words = [str(file), "--step", str(step), "--format", format, "--size", f"{size[0]}x{size[1]}"]
            (made,) = _made([words], self._here, {re.escape(str(file)) + r"(:\d+:)?": f"{name},"})
        stored = self._folder / f"{_plain(name)}-{_plain(str(step))}.{SUFFIXES[format]}"
        self._compare([StoredFrame(made, stored, name)], format)

    def _stops(
        self, what: str, stop: int | None, step: int | str | None, words: list[str]
    ) -> Iterator[tuple[int, list[str]]]:
        """Each stop that is asked for, with its words."""
        from llm_linalg.lessons.lesson import LessonError
        from tui.model.usage_error import UsageError
        from tui.session.decks import find_deck

        path = self._here / what
        try:
            deck = find_deck(str(path) if path.exists() else what)
        except (LessonError, UsageError) as error:
            raise pytest.fail.Exception(str(error), pytrace=False) from None
        for number, one in enumerate(deck.stops, 1):
            if stop is not None and number != stop:
                continue
            own = step is None and ("--step" in one.words or one.at.map is not None)  # a map stays one
            at = [] if own else ["--step", str("last" if step is None else step)]
            yield number, ["--stop", str(number), *at, *words]
        if stop is not None and not 1 <= stop <= len(deck.stops):
            pytest.fail(f"{what} has stops 1 to {len(deck.stops)}: there is no stop {stop}", pytrace=False)

    def _compare(self, frames: list[StoredFrame], form: str) -> None:
        if self._config.getoption(UPDATE):
            for frame in frames:
                self._store(frame)
            return
        told = [difference for frame in frames if (difference := _difference(frame, form, self._here))]
        if told:
            told.append(f"If this is meant: pytest {UPDATE}")
            pytest.fail("\n\n".join(told), pytrace=False)

    def _store(self, frame: StoredFrame) -> None:
        if _read(frame.file) == frame.text:
            return
        frame.file.parent.mkdir(parents=True, exist_ok=True)
        frame.file.write_bytes(frame.text.encode("utf-8"))
        self._config.stash.setdefault(WRITTEN, []).append(str(frame.file))


def _made(words: list[list[str]], folder: Path, called: Mapping[str, str] | None = None) -> list[str]:
    """The frames of some commands, all from one process; fails where one can't be made.

    What is said then has other words for what is `called` otherwise than the files that were made for it.
    """
    done = subprocess.run(
        [sys.executable, "-m", "tui.cli.frames_worker"],
        input=json.dumps(words),
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        pytest.fail(f"no frames could be made:\n{done.stderr[-2000:]}", pytrace=False)
    made = []
    for code, out, said in json.loads(done.stdout):
        if code:
            for pattern, words_for_it in (called or {}).items():
                said = re.sub(pattern, words_for_it, said)
            pytest.fail(said.strip(), pytrace=False)
        made.append(out)
    return made


def _read(file: Path) -> str | None:
    return file.read_bytes().decode("utf-8", "replace") if file.is_file() else None


def _difference(frame: StoredFrame, form: str, here: Path) -> str:
    """What differs, in lines that can be read; nothing if the frame is the one stored."""
    stored = _read(frame.file)
    name = frame.file.relative_to(here)
    if stored is None:
        return f"{frame.name}: no frame is stored as {name}"
    if stored == frame.text:
        return ""
    before, after = _lines(stored, form), _lines(frame.text, form)
    if before == after:  # an SVG whose characters are the same
        before, after = stored.splitlines(), frame.text.splitlines()
    lines = [line[:LONGEST] for line in unified_diff(before, after, "stored", "now", lineterm="", n=2)]
    more = [f"… and {len(lines) - MOST_LINES} lines more"] if len(lines) > MOST_LINES else []
    return "\n".join([f"{frame.name}: the frame is not the one stored as {name}", *lines[:MOST_LINES], *more])


def _lines(text: str, form: str) -> list[str]:
    """A frame as lines to compare: JSON spread out, of an SVG its characters, row by row."""
    if form == "json":
        try:
            return [line for one in text.splitlines() for line in _spread("", json.loads(one))]
        except ValueError:
            return text.splitlines()
    if form == "svg":
        rows: dict[str, str] = {}
        for x, y, words in re.findall(r'<text[^>]*? x="([\d.]+)" y="([\d.]+)"[^>]*>([^<]*)</text>', text):
            shown = unescape(words).replace("\xa0", " ").rstrip("\n")
            rows[y] = rows.get(y, "").ljust(round(float(x) / SVG_COLUMN)) + shown
        return [row.rstrip() for row in rows.values()]
    return text.splitlines()


def _spread(path: str, value: object) -> Iterator[str]:
    """A JSON value in lines: `path: value`, a row of numbers in one."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _spread(f"{path}.{key}" if path else str(key), inner)
    elif isinstance(value, list) and any(isinstance(inner, list | dict) for inner in value):
        for place, inner in enumerate(value):
            yield from _spread(f"{path}[{place}]", inner)
    elif isinstance(value, str):
        yield from (f"{path}: {line}" for line in value.split("\n"))
    else:
        yield f"{path}: {json.dumps(value)}"


def _plain(text: str) -> str:
    """A text as part of a file's name."""
    return re.sub(r"[^\w.=+-]+", "-", text, flags=re.ASCII).strip("-.") or "frame"
