"""The pytest plugin: frames of lessons, decks and programs, compared with those that are stored.

pytest imports this module in every run where the package is installed, so it imports nothing but pytest and
small modules of Python's own. Frames are made in another process, which alone has torch and the app: it is
started for the first frame of a run and makes all of them.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from difflib import unified_diff
from html import unescape
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Literal, TypeAlias

import pytest

Format: TypeAlias = Literal["plain", "json", "svg", "screen"]
Size: TypeAlias = tuple[int, int] | str

SUFFIXES: dict[str, str] = {"plain": "txt", "json": "jsonl", "svg": "svg", "screen": "screen"}
FIXTURE = "linalg_frames"
FOLDER = "frames"
UPDATE = "--update-frames"
TRUST = "linalg_trust"
MOST_LINES = 60  # of a difference
LONGEST = 160  # characters of one of its lines
COUNTS = {
    "plain": re.compile(r"^(stop \d+) of \d+\b", re.MULTILINE),
    "json": re.compile(r'("deck": \{[^}]*"stops": )\d+'),
}
SVG_COLUMN = 8.4  # units that a character of the app's SVG is wide


FrameUsage = defaultdict[str, set[Any]]
"""What a run's tests did with stored frames, in sets that xdist can send between processes.

`tests` are the file and the id of each test with the fixture; `comparisons` and `writes` are frames.
"""


def orphans(usage: FrameUsage, passed: set[str]) -> list[str]:
    """Return the stored frames that no test compares, for files whose tests have all run and passed."""
    open_files = {file for file, test in usage["tests"] if test not in passed}
    files = {file for file, _ in usage["tests"]} - open_files
    return sorted({str(frame) for file in files for frame in _stored(Path(file))} - usage["comparisons"])


class FrameWorker:
    """The process that makes a run's frames.

    It imports the app that lies beside this package, and nothing of the project under test. Where nothing on
    the machine would lock programs in, it runs them only if `trusts` says so.
    """

    def __init__(self, project: Path, trusts: bool) -> None:
        self._project = project
        self._trusts = trusts
        self._process: subprocess.Popen[str] | None = None
        self._errors: IO[str] | None = None  # a file, since a pipe that nobody reads would fill

    def frames(self, request: Mapping[str, object]) -> list[tuple[int, str]]:
        """Return the frames asked for, each with its stop's number; fail the test where there are none."""
        try:
            process = self._process = self._process or self._start()
            line = ""
            if process.stdin is not None and process.stdout is not None:
                with suppress(BrokenPipeError):
                    print(json.dumps(request), file=process.stdin, flush=True)
                line = process.stdout.readline()
        except BaseException:
            self.close()  # or the answer would be taken for that of the next test
            raise
        if not line:
            pytest.fail(f"no frames could be made:\n{self.close()[-2000:]}", pytrace=False)
        answer = json.loads(line)
        if "error" in answer:
            pytest.fail(answer["error"], pytrace=False)
        return [(number, text) for number, text in answer["frames"]]

    def close(self) -> str:
        """End the process, if there is one, and return what it wrote as errors."""
        if self._process is None or self._errors is None:
            return ""
        self._process.kill()
        self._process.communicate()
        self._process = None
        with self._errors as errors:
            errors.seek(0)
            return errors.read()

    def _start(self) -> subprocess.Popen[str]:
        launcher = str(Path(__file__).with_name("launcher.py"))
        self._errors = TemporaryFile(  # noqa: SIM115 - it is closed with the process
            "w+", encoding="utf-8", errors="replace"
        )
        words = ["--trust"] if self._trusts else []
        return subprocess.Popen(  # noqa: S603 - this Python, our own module
            [sys.executable, "-P", launcher, "tui.cli.frames_worker", *words],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(_paths_outside(self._project))},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            encoding="utf-8",
        )


USAGE = pytest.StashKey[FrameUsage]()
WORKER = pytest.StashKey[FrameWorker]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the flags, and the option of the project's file."""
    group = parser.getgroup("llm-linalg")
    group.addoption(UPDATE, action="store_true", help="store the frames of llm-linalg as they are now")
    says = "run programs in frames with your rights where nothing would lock them in"
    group.addoption("--linalg-trust", action="store_true", dest=TRUST, help=says)
    parser.addini(TRUST, says, type="bool", default=False)


def pytest_configure(config: pytest.Config) -> None:
    """Start the record of the run."""
    config.stash[USAGE] = defaultdict(set)
    trusts = bool(config.getoption(TRUST) or config.getini(TRUST))
    config.stash[WORKER] = FrameWorker(config.rootpath, trusts)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the process that made the frames."""
    config.stash[WORKER].close()


@pytest.hookimpl(tryfirst=True)  # before some are deselected
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Record the tests with the fixture, unless only some of a file are collected."""
    if not config.getoption("lf", False) and not any("::" in word for word in config.args):
        ours = {
            (str(item.path), item.nodeid) for item in items if FIXTURE in getattr(item, "fixturenames", ())
        }
        config.stash[USAGE]["tests"] |= ours


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Send an xdist worker's record to the process that reports."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        usage = session.config.stash[USAGE]
        output[FIXTURE] = dict(usage)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Add the record of an xdist worker."""
    sent = getattr(node, "workeroutput", {}).get(FIXTURE, {})  # nothing of a process that has crashed
    for name, used in sent.items():
        node.config.stash[USAGE][name] |= used


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Report the frames that were written, and those that no test compares."""
    usage = terminalreporter.config.stash[USAGE]
    unused = orphans(usage, {report.nodeid for report in terminalreporter.getreports("passed")})
    for title, names in (("frames written", sorted(usage["writes"])), ("frames unused", unused)):
        if names:
            terminalreporter.section(title)
            terminalreporter.write("".join(f"{name}\n" for name in names))


@pytest.fixture
def linalg_frames(request: pytest.FixtureRequest) -> LinalgFrames:
    """Compare frames of lessons, decks and programs with those stored beside the test, in `frames`."""
    return LinalgFrames(request)


class LinalgFrames:
    """What the fixture `linalg_frames` is.

    Frames are stored in `frames/<test file>-<test>/` beside the test's file; `pytest --update-frames`
    writes them.
    """

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._usage = request.config.stash[USAGE]
        self._update = bool(request.config.getoption(UPDATE))
        self._worker = request.config.stash[WORKER]
        self._here = request.path.parent
        self._folder = self._here / FOLDER / _plain(f"{request.path.stem}-{request.node.name}")

    def check(
        self,
        what: str | os.PathLike[str],
        *,
        stop: int | None = None,
        step: int | str | None = None,
        format: Format = "plain",  # noqa: A002 - the name of the flag
        size: Size = (80, 24),
        seed: int | None = None,
        controls: Mapping[str, object] | None = None,
    ) -> None:
        """Compare the frames of a lesson or a deck; fail with what differs.

        Args:
            what: A lesson's slug, or the path of a lesson, a deck or a folder, as seen from the test's file.
            stop: One stop, from 1; all of them unless given.
            step: A step from 1, "first", "last" or "all". Unless given the last one, or the one that a deck
                says; a stop that opens on the map is the map.
            format: "plain", "json", "svg" or "screen".
            size: Columns and rows, as (100, 30) or "100x30".
            seed: The seed, in place of the lesson's own.
            controls: Values of controls by name.
        """
        what, size = os.fspath(what), _size(size)
        flags = ["--format", format, "--size", size]
        flags += [] if seed is None else ["--seed", str(seed)]
        flags += [f"--set={name}={value}" for name, value in (controls or {}).items()]
        frames = self._frames(what=what, stop=stop, step=step, flags=flags)
        own = [step, seed, *(controls or {}).items(), None if size == "80x24" else size.replace("x", "-")]
        variant = "".join(f"-{_plain(str(part))}" for part in own if part is not None)
        stem = _plain(Path(what).stem)
        self._compare(
            {f"{stem}-{number}{variant}": (f"{what}, stop {number}", text) for number, text in frames}, format
        )

    def check_program(
        self,
        code: str,
        *,
        name: str = "program",
        step: int | str = "last",
        format: Format = "plain",  # noqa: A002 - the name of the flag
        size: Size = (80, 24),
        seed: int = 0,
    ) -> None:
        """Compare the frame of a program; fail with what differs.

        Args:
            code: The program. Its last tensor is shown.
            name: What the stored frame is called, for a test with several.
            step: A step from 1, "first", "last" or "all".
            format: "plain", "json", "svg" or "screen".
            size: Columns and rows, as (100, 30) or "100x30".
            seed: The seed.
        """
        slug = _plain(name)
        flags = ["--format", format, "--size", _size(size)]
        ((_, text),) = self._frames(code=code, name=name, slug=slug, step=step, seed=seed, flags=flags)
        self._compare({f"{slug}-{_plain(str(step))}": (name, text)}, format)

    def _frames(self, **request: object) -> list[tuple[int, str]]:
        return self._worker.frames({"folder": str(self._here), **request})

    def _compare(self, frames: Mapping[str, tuple[str, str]], form: Format) -> None:
        """Compare frames with those stored, or store them: by name, what each is of, and its text."""
        differences = []
        for name, (what, text) in frames.items():
            file = self._folder / f"{name}.{SUFFIXES[form]}"
            self._usage["comparisons"].add(str(file))
            stored = file.read_bytes().decode("utf-8", "replace") if file.is_file() else None
            if stored == text:
                continue
            if self._update:
                _store(file, text)
                self._usage["writes"].add(str(file))
                continue
            if stored is not None and _without_count(stored, form) == _without_count(text, form):
                continue  # the stops became more or fewer, and this one is the same
            place = file.relative_to(self._here)
            if stored is None:
                differences.append(f"{what}: no frame is stored as {place}")
            else:
                lines = _difference(stored, text, form)
                differences.append("\n".join([f"{what}: the frame is not the one stored as {place}", *lines]))
        if differences:
            pytest.fail("\n\n".join([*differences, f"If this is meant: pytest {UPDATE}"]), pytrace=False)


def _store(file: Path, text: str) -> None:
    """Write a frame; fail where that can't be done."""
    from llm_linalg.base.file_io import FileReplacement

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileReplacement(file) as replacement:
            replacement.write(text.encode("utf-8"))
    except OSError as error:
        pytest.fail(f"no frame could be stored as {file}: {error.strerror or error}", pytrace=False)


def _paths_outside(project: Path) -> list[str]:
    """Return what stands in `PYTHONPATH`, but for folders of the project."""
    paths = [Path(path).resolve() for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    return [str(path) for path in paths if not path.is_relative_to(project.resolve())]


def _stored(tests: Path) -> Iterator[Path]:
    """Yield the frames stored for a test file, including those of tests that it no longer has."""
    stem = _plain(tests.stem)
    others = [f"{_plain(file.stem)}-" for file in tests.parent.glob(f"{stem}-*.py")]
    for folder in (tests.parent / FOLDER).glob(f"{stem}-*"):
        if not folder.name.startswith(tuple(others)):  # a folder of test_a-b.py is not one of test_a.py
            yield from (file for file in folder.iterdir() if file.suffix[1:] in SUFFIXES.values())


def _without_count(text: str, form: Format) -> str:
    """Return a frame as text without the number of all stops."""
    count = COUNTS.get(form)
    return text if count is None else count.sub(r"\1", text)


def _difference(stored: str, now: str, form: Format) -> list[str]:
    """Return a readable diff."""
    before, after = _lines(stored, form), _lines(now, form)
    if before == after:  # an SVG whose characters are the same
        before, after = stored.splitlines(), now.splitlines()
    lines = [line[:LONGEST] for line in unified_diff(before, after, "stored", "now", lineterm="", n=2)]
    more = [f"… and {len(lines) - MOST_LINES} lines more"] if len(lines) > MOST_LINES else []
    return lines[:MOST_LINES] + more


def _lines(text: str, form: Format) -> list[str]:
    """Return a frame as lines to compare: JSON expanded, an SVG as its characters, row by row."""
    if form == "json":
        try:
            return [line for one in text.splitlines() for line in _spread("", json.loads(one))]
        except ValueError:
            return text.splitlines()
    if form == "svg":
        rows = dict(re.findall(r'<g id="(r\d+)">(.*)</g>', text))
        return [_characters(rows.get(name, "")) for name in re.findall(r'<use href="#(r\d+)"', text)]
    return text.splitlines()


def _characters(row: str) -> str:
    """Return the characters in a row of an SVG, each in its column."""
    shown = ""
    for x, words in re.findall(r'<text x="([\d.]+)"[^>]*>([^<]*)</text>', row):
        shown = shown.ljust(round(float(x) / SVG_COLUMN)) + unescape(words)
    return shown.rstrip()


def _spread(path: str, value: object) -> Iterator[str]:
    """Yield a JSON value as lines `path: value`, with a row of numbers on one line."""
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


def _size(size: Size) -> str:
    """Return a size as the command line takes it, such as 100x30."""
    return size.replace("×", "x").lower() if isinstance(size, str) else "x".join(map(str, size))


def _plain(text: str) -> str:
    """Return a text as part of a file name."""
    return re.sub(r"[^\w.=+-]+", "-", text, flags=re.ASCII).strip("-.") or "frame"
