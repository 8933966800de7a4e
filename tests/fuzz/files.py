"""`python -m tests.fuzz files [--count N] [--seed N]`: the user's own files, damaged, and a start with them.

State, settings with keys, trusted folders and the playground's program are damaged: bits, ends, types, huge
numbers, depth, encodings, and what is no file. Each start has a folder of its own, goes as far as the app's
first session, and ends: with one line that says what is wrong, and nothing gone of what was there.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

from llm_linalg.lessons.reader import catalog
from tests.terminal.evil import ALL, HIDDEN
from tui.cli import config_file, launch
from tui.cli.parser import app_parser
from tui.cli.settings import resolve
from tui.files import drafts, state_file, trusted_folders, user_dirs
from tui.files.state_file import StateFile
from tui.render.progress_text import next_lines, progress_lines
from tui.session.session import Session
from tui.text.glyphs import UNICODE

STATE = {
    "format": 1, "place": ["matmul", "--stop", "2", "--set", "n=3", "--step", "4"], "theme": "light",
    "decks": {"/a.md": 3}, "marks": {"/a.md": [2, ["--step", "1"], 12.5, True, 1.7e9]}, "course": "",
    "lessons": {"softmax": ["--seed", "3"], "matmul": ["--set", "n=2"]}, "way": "map", "brief": False,
    "progress": {"dot": {"seen": [1, 2], "solved": [2], "stops": 9, "exercises": 3, "half": []}},
}  # fmt: skip
CONFIG = """\
theme = "light"
speed = 8
mouse = false
lesson = "matmul"
[keys]
"forward" = "x"
stop.next = ["f5", "ctrl+x"]
"""
OWN = Path("llm-linalg")
FILES = {
    OWN / state_file.NAME: json.dumps(STATE),
    OWN / trusted_folders.NAME: json.dumps({"format": 1, "folders": ["/srv/a", "/home/me"]}),
    OWN / "play" / drafts.NAME: "x = torch.ones(2, 3)\ny = x @ x.T\n",
    "config" / OWN / config_file.NAME: CONFIG,
}
"""The files, in the folders of state and of configuration, as they are when they are sound."""
LESSONS = catalog()
ODD: tuple[Any, ...] = (
    None, True, 0, -1, 10**4000, 1e308, float("nan"), float("-inf"), "", "\ud800", ALL, "x" * 300_000,
    "--help", "--set", [], {}, [[[[]]]], {"": {"": 1}}, ["--set", "n=1e999"], ["--code", ALL], ["--read"],
    ["--trust"], ["/dev/zero"], ["matmul"] * 300,
)  # fmt: skip
"""Values that nobody expects in a file."""

Damage = Callable[[random.Random, bytes], bytes]


def _bits(monkey: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(monkey.choice([1, 1, 2, 20])):
        changed[monkey.randrange(len(changed))] ^= 1 << monkey.randrange(8)
    return bytes(changed)


def _pieces(monkey: random.Random, data: bytes) -> bytes:
    start, end = sorted(monkey.randrange(len(data) + 1) for _ in range(2))
    return monkey.choice([data[:start], data[start:], data[:start] + data[end:], data[:end] + data[start:]])


def _bytes(monkey: random.Random, data: bytes) -> bytes:
    at = monkey.randrange(len(data) + 1)
    return (
        data[:at]
        + monkey.choice([monkey.randbytes(9), b"\0", b"\r", b"\xef\xbb\xbf", ALL.encode()])
        + data[at:]
    )


def _coded(monkey: random.Random, data: bytes) -> bytes:
    name = monkey.choice(["utf-16", "utf-16-be", "utf-32", "utf-8-sig", "cp037", "utf-7"])
    return data.decode().replace("light", "lîght").encode(name, "replace")


def _large(monkey: random.Random, data: bytes) -> bytes:
    return monkey.choice([
        b"", b"[" * 150_000, b'{"a":' * 30_000, data + b" " * user_dirs.LARGEST, b"1" * 190_000,
        b"a" + b".a" * 60_000 + b" = 1\n", b"x = " + b"[" * 90_000, b"[keys]\n" + b'"forward" = "x"\n' * 9,
    ])  # fmt: skip


def _types(monkey: random.Random, data: bytes) -> bytes:
    """Put an odd value in the place of one that stands there."""
    try:
        table = json.loads(data)
    except ValueError:
        lines = data.decode().splitlines()
        at = monkey.randrange(len(lines))
        lines[at] = f"{lines[at].partition('=')[0]}= {json.dumps(monkey.choice(ODD[:14]))}"
        return "\n".join(lines).encode()
    holder: Any = {"": table}
    key: Any = ""
    while isinstance(holder[key], dict | list) and holder[key] and monkey.random() < 0.8:
        holder = holder[key]
        key = monkey.choice([*holder] if isinstance(holder, dict) else range(len(holder)))
    holder[key] = monkey.choice(ODD)
    if isinstance(holder, dict) and monkey.random() < 0.2:
        holder[monkey.choice(["\ud800", ALL, "/dev/zero", "x" * 5000])] = holder[key]
    return json.dumps(table).encode()


def _file_above(path: Path) -> None:
    shutil.rmtree(path.parent)
    path.parent.write_text("not a folder", encoding="utf-8")


DAMAGES: tuple[Damage, ...] = (_bits, _pieces, _bytes, _coded, _large, _types, _types, _types)
PLACES: dict[str, Callable[[Path], object]] = {
    "a folder": lambda path: path.mkdir(),
    "a pipe": os.mkfifo,
    "a loop": lambda path: path.symlink_to(path.name),
    "a link to nowhere": lambda path: path.symlink_to("nowhere"),
    "a link to what never ends": lambda path: path.symlink_to("/dev/zero"),
    "a link out of it": lambda path: path.symlink_to("/etc/hostname"),
    "no way to it": _file_above,
}
"""What may stand in the place of a file."""


def damage(monkey: random.Random, folder: Path) -> None:
    """Write all files, one or two of them damaged."""
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    for name in monkey.sample([*FILES], monkey.choice([1, 1, 2])):
        path = folder / name
        if path.parent.is_dir() and monkey.random() < 0.1:
            path.unlink()
            PLACES[monkey.choice([*PLACES])](path)
        elif path.parent.is_dir():
            path.write_bytes(monkey.choice(DAMAGES)(monkey, path.read_bytes()))


def start(folder: Path, said: list[str]) -> None:
    """Go the way of a start, as far as it needs no terminal, and of an end; `said` takes what is told."""
    environment = {"XDG_STATE_HOME": str(folder), "XDG_CONFIG_HOME": str(folder / "config")}
    file = StateFile(user_dirs.folder(environment))
    flags = app_parser().read([])
    with patch.object(launch, "is_terminal", lambda _: True):
        settings = resolve(flags, environment, file)
        launch.asks_at_door(flags, settings, file, None)
        view, notice = launch.opening(flags, settings, file, None)
    said.append(launch.opening_notice(settings, file, notice))
    state, kept = file.load(), drafts.Drafts(drafts.play_folder(environment))
    session = Session.start(view, LESSONS, draft=kept.load())
    session = session.with_learner(settings=state.lessons, progress=state.progress, way=state.way)
    for lesson in LESSONS:
        if lesson.slug in dict(state.lessons):
            session.opening(lesson)
    progress_lines(LESSONS, state.progress, UNICODE, next_lines(LESSONS, state.progress, brief=state.brief))
    trusted = trusted_folders.TrustedFolders(file.folder)
    trusted.cover([Path("/home/me/x.md")])

    file.update(lambda now: launch.at_view(session.remembered(now), session.view), said.append)
    said.append(trusted.add(Path("/home/you/x.md")))
    try:
        said.append(kept.keep("z = torch.ones(1)\n", anew=True))
    except OSError as error:
        said.append(f"It can't be kept: {error.strerror}.")


def contents(folder: Path) -> dict[str, bytes]:
    """Return what stands in the files of a folder, by their paths; a link's is where it leads."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            found[str(path.relative_to(folder))] = os.fsencode(path.readlink())
        elif path.is_file():
            found[str(path.relative_to(folder))] = path.read_bytes()
    return found


def wrong(monkey: random.Random, folder: Path) -> str:
    """Start once with damaged files; return what is wrong with that, empty if nothing is."""
    damage(monkey, folder)
    own = folder / OWN
    state, trusted = StateFile(own)._read()[0], trusted_folders.TrustedFolders(own)._read()[0]
    rewritten = {
        name
        for name, condition in ((state_file.NAME, state), (trusted_folders.NAME, trusted))
        if condition == "sound"
    }
    before, said = contents(folder), list[str]()
    try:
        start(folder, said)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told
        return "".join(traceback.format_exception(error))
    after = contents(folder)
    kept = {*after.values(), *map(_as_text, after.values())}
    for line in said:
        if "\n" in line or HIDDEN.search(line):
            return f"no line: {line!r}"
    if state == "damaged" and state_file.NAME not in said[0]:
        return f"nobody is told that the state is damaged: {said}"
    for path, data in before.items():
        name = Path(path).name
        if name not in rewritten and data.strip() and data not in kept and _as_text(data) not in kept:
            return f"{name} is lost: {data[:300]!r}"
        if name == (state_file.NAME if state == "newer" else config_file.NAME) and after.get(path) != data:
            return f"{name} was changed"
    return ""


def _as_text(data: bytes) -> bytes:
    """Return the text of a file as it is kept in another."""
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n").encode()
    except ValueError:
        return data


def main(words: Sequence[str]) -> int:
    """Damage and start; print the figures. Return 1 if anything went wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz files", description=__doc__)
    parser.add_argument("--count", type=int, default=5000, help="starts (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other damage (%(default)s)")
    flags = parser.parse_args(words)
    found = Counter[str]()
    for number in range(flags.count):
        monkey = random.Random(f"{flags.seed}/{number}")  # noqa: S311 - it is no secret
        with tempfile.TemporaryDirectory() as folder:
            fault = wrong(monkey, Path(folder))
        if fault and not found[fault[-200:]]:
            print(f"--- start {number}\n{fault}", flush=True)
        found[fault[-200:]] += 1
        if (number + 1) % 500 == 0:
            print(f"{number + 1:,} starts, {number + 1 - found['']} failures", flush=True)
    failures = flags.count - found[""]
    print(f"{flags.count:,} starts with damaged files, seed {flags.seed}: {failures} failures")
    return 1 if failures else 0
