"""Nothing gets out of the room: a table of attempts, as root, as nobody, and without a lock."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.room.attempts import CONTROLLED, DEPENDENT, attempts

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 65534
TABLE = list(attempts())


class Outside(NamedTuple):
    """A folder and a port that attempts try to reach, and how often somebody came."""

    folder: Path
    port: int
    visits: list[str]


@pytest.fixture(scope="module")
def outside() -> Iterator[Outside]:
    """Makes what attempts try to reach."""
    folder = Path(tempfile.mkdtemp(prefix="outside-"))
    folder.chmod(0o777)
    (folder / "secret").write_text("SECRET")
    (folder / "secret").chmod(0o666)
    os.mkfifo(folder / "fifo")
    (folder / "fifo").chmod(0o666)
    tcp, local = socket.create_server(("127.0.0.1", 0)), socket.socket(socket.AF_UNIX)
    local.bind(str(folder / "socket"))
    (folder / "socket").chmod(0o666)
    local.listen()
    visits: list[str] = []
    for listener in (tcp, local):
        threading.Thread(target=_count, args=(listener, visits), daemon=True).start()
    yield Outside(folder, tcp.getsockname()[1], visits)
    tcp.close()
    local.close()
    shutil.rmtree(folder)


def _count(listener: socket.socket, visits: list[str]) -> None:
    try:
        while True:
            connection, _ = listener.accept()
            visits.append("one")
            connection.close()
    except OSError:
        return


def as_nobody() -> list[str]:
    """Returns the command that runs another as nobody; skips the test where it can't be."""
    if os.getuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("only root can become nobody, by setpriv")
    become = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    again = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import torch'], check=True)"
    start = [sys.executable, "-c", again]
    if subprocess.run([*become, *start], cwd=ROOT, capture_output=True, check=False).returncode:
        # Python lies where only root may look: a nobody who may read all files has more to be refused.
        become += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
        if subprocess.run([*become, *start], cwd=ROOT, capture_output=True, check=False).returncode:
            pytest.skip("nobody can't run this Python here")
    return become


def results(outside: Outside, where: str, become: list[str]) -> dict[str, Any]:
    """Returns what the attempts of a process came to."""
    command = [*become, sys.executable, "-m", "tests.room.attempts_runner"]
    done = subprocess.run(
        [*command, str(outside.folder), str(outside.port), where],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
        env={**os.environ, "CANARY": "CANARY", "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.usefixtures("locked")
@pytest.mark.parametrize("user", ["caller", pytest.param("nobody", marks=pytest.mark.slow)])
def test_no_attempt_gets_through(outside: Outside, user: str) -> None:
    become = as_nobody() if user == "nobody" else []
    before = len(outside.visits), sorted(path.name for path in outside.folder.iterdir())
    answer = results(outside, "room", become)
    assert answer["user"] == (NOBODY if become else os.getuid())
    assert len(answer["results"]) == len(TABLE) >= 100
    through = {line: result for line, result in answer["results"].items() if "REACHED" in result[0]}
    assert through == {}
    assert before == (len(outside.visits), sorted(path.name for path in outside.folder.iterdir()))
    assert (outside.folder / "secret").read_text() == "SECRET"


def test_the_attempts_get_through_without_a_lock(outside: Outside) -> None:
    answer = results(outside, "plain", [])["results"]
    controls = {
        line: answer[line]
        for name, line, _ in TABLE
        if name in CONTROLLED and not any(word in line for word in DEPENDENT)
    }
    assert len(controls) > 35
    assert {line: result for line, result in controls.items() if "REACHED" not in result[0]} == {}


def test_each_class_has_several_attempts() -> None:
    names = [name for name, _, _ in TABLE]
    assert all(names.count(name) >= 6 for name in names)
