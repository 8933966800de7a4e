"""Starts `intrusion_runner` as this user or another, and gathers what it tells."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest

_REPOSITORY = Path(__file__).resolve().parents[2]
_NOBODY = "nobody"
_FEW = 60  # programs, for which a second process isn't worth its start
# It can start itself, as a room does; what the app needs can be imported.
_STARTS = "import subprocess, sys, llm_linalg, torch; subprocess.run([sys.executable, '-c', ''], check=True)"
# Where root's own home holds the interpreter, nobody else can start it. In a namespace of mounts of its
# own the home is empty but for that.
_SHOW = """\
mkdir -p "$3" && mount --bind "$2" "$3" && mount -t tmpfs -o mode=755 none "$1" && mkdir -p "$2" \
&& mount --bind "$3" "$2" && shift 3 && exec "$@"
"""


@dataclass
class Report:
    """What a runner told of the programs that it ran."""

    told: dict[int, dict[str, Any]] = field(default_factory=dict)
    deaths: dict[int, str] = field(default_factory=dict)
    """Programs with which the app ended."""
    words: list[str] = field(default_factory=list)
    """What came out of the app's standard streams and was not its own."""
    user: int = -1
    processor: float = 0.0


def _as_nobody(folder: Path) -> list[str]:
    """Returns the words before a command that run it as nobody; skips where that can't be."""
    if os.getuid() != 0:
        pytest.skip("only root can be somebody else")
    try:
        nobody = pwd.getpwnam(_NOBODY)
    except KeyError:
        pytest.skip("there is no user `nobody`")
    words = ["setpriv", "--reuid", str(nobody.pw_uid), "--regid", str(nobody.pw_gid), "--clear-groups"]
    start = [sys.executable, "-c", _STARTS]
    if _works([*words, *start]):
        return words
    home, base = Path.home(), Path(sys.base_prefix).resolve()
    closed = [place for place in base.parents if not place.stat().st_mode & 0o001]
    if len(closed) == 1:
        home = closed[0]
    hidden = ["unshare", "-m", "sh", "-c", _SHOW, "sh", str(home), str(base), str(folder / "shown"), *words]
    if not _works([*hidden, *start]):
        pytest.skip("nobody can't start this interpreter")
    return hidden


def _works(command: Sequence[str]) -> bool:
    try:
        done = subprocess.run(command, capture_output=True, cwd=_REPOSITORY, timeout=120, check=False)
    except OSError:
        return False
    return done.returncode == 0


def report(
    kind: str, numbers: Sequence[int], seconds: float, folder: Path, *, nobody: bool = False
) -> Report:
    """Runs programs by their numbers, if they are many in two processes; gathers what was told."""
    made = Report()
    before = _as_nobody(folder) if nobody else []
    half = len(numbers) if len(numbers) <= _FEW else -(-len(numbers) // 2)

    def run(part: Sequence[int], place: Path) -> None:
        place.mkdir(mode=0o711)
        _run_all(made, before, place, (kind, str(seconds)), list(part))

    with ThreadPoolExecutor(2) as pool:
        for done in [
            pool.submit(run, part, folder / str(at))
            for at, part in enumerate((numbers[:half], numbers[half:]))
        ]:
            done.result()
    return made


def _run_all(made: Report, before: list[str], folder: Path, words: Sequence[str], left: list[int]) -> None:
    """Starts a runner, and where the app ended with a program another for those after it."""
    while left:
        place = folder / f"run-{len(left)}"
        place.mkdir()
        if before:
            _give(place)
        began, ended = _run(made, before, place, [*words, ",".join(map(str, left))])
        left = [number for number in left if number not in made.told]
        if began is None:
            assert not left, f"the runner ended before {left[:3]}: {ended}"
            break
        made.deaths[began] = ended
        left.remove(began)


def _give(place: Path) -> None:
    nobody = pwd.getpwnam(_NOBODY)
    os.chown(place, nobody.pw_uid, nobody.pw_gid)


def _run(made: Report, before: list[str], place: Path, words: list[str]) -> tuple[int | None, str]:
    """Starts a runner once; returns the number of the program with which it ended, if any, and how."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(place / "home"),
        "MARK_ENV": f"MK_{token_hex(8)}_ENV",
        "PYTHONPATH": str(_REPOSITORY),
        "PYTHONDONTWRITEBYTECODE": "1",  # but what is compiled may be read
    } | {name: os.environ[name] for name in ("PYTHONPYCACHEPREFIX",) if name in os.environ}
    command = [
        sys.executable,
        "-m",
        "tests.room.intrusion_runner",
        str(place),
        *words,
        f"MK_{token_hex(8)}_ARGV",
    ]
    process = subprocess.Popen(
        [*before, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        env=environment,
        cwd=_REPOSITORY,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    out, errors = process.communicate()
    began: int | None = None
    for line in out.splitlines():
        try:
            told = json.loads(line)
        except ValueError:
            made.words.append(line[:200])
            continue
        if "began" in told:
            began = told["began"]
        elif "number" in told:
            made.told[told["number"]], began = told, None
        elif "user" in told:
            made.user, made.processor = told["user"], made.processor + told["processor"]
    made.words += [line[:200] for line in errors.splitlines() if "TAKEN" in line]
    return began, f"exit {process.returncode}: {errors[-600:]}"
