"""Over SSH, with a real server and a real client on loopback."""

from __future__ import annotations

import getpass
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.terminal.console import LONGEST, Console, environment, gone, there

SERVER = shutil.which("sshd") or shutil.which("/usr/sbin/sshd")
CLIENT, KEYGEN = shutil.which("ssh"), shutil.which("ssh-keygen")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (SERVER and CLIENT and KEYGEN),
        reason="needs an OpenSSH server and client: sshd, ssh, ssh-keygen",
    ),
]
READY = "/12 steps"
APP = f"exec {shlex.quote(sys.executable)} -W ignore -m tui"


@dataclass(frozen=True, slots=True)
class Host:
    """An SSH server of our own, and how it is reached."""

    client: tuple[str, ...]
    folder: Path

    def command(self, words: str, **changed: str | None) -> str:
        """What the server's shell is to run, with a session's usual environment as changed."""
        given = {name: value for name, value in environment(**changed).items() if name != "TERM"}
        sets = " ".join(f"{name}={shlex.quote(value)}" for name, value in given.items())
        return f"cd / && unset LANG LC_ALL && export {sets} && {words}"

    def open(self, words: str, term: str = "xterm-256color", **changed: str | None) -> Console:
        """The client on a pty of its own."""
        argv = (self.client[0], "-tt", *self.client[1:], self.command(words, **changed))
        return Console(argv=argv, env={"TERM": term})


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def root_folder() -> Path | None:
    """The empty folder that root's server wants; None if it is there, or isn't wanted."""
    place = Path("/run/sshd")
    if os.geteuid() or place.exists():
        return None
    place.mkdir(mode=0o755)
    return place


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A server with keys of its own on a high port of the loopback; it ends with the tests."""
    folder = tmp_path_factory.mktemp("ssh")
    for name in ("host", "user"):
        subprocess.run([str(KEYGEN), "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    shutil.copy(folder / "user.pub", folder / "authorized")
    port = free_port()
    made = root_folder()
    (folder / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\n"
        f"AuthorizedKeysFile {folder}/authorized\n"
        f"PidFile {folder}/pid\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nPrintMotd no\n"
        "PermitRootLogin yes\nPrintLastLog no\nPermitUserEnvironment no\n",
        encoding="utf-8",
    )
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [str(SERVER), "-D", "-e", "-f", str(folder / "config")], stdin=subprocess.DEVNULL, stderr=log
        )
        options = (
            "BatchMode=yes", "StrictHostKeyChecking=no", f"UserKnownHostsFile={folder}/known",
            "IdentitiesOnly=yes", "LogLevel=ERROR", "ConnectionAttempts=20", "EscapeChar=none",
        )  # fmt: skip
        client = (
            str(CLIENT), "-F", "none", "-p", str(port), "-i", str(folder / "user"),
            *(word for option in options for word in ("-o", option)), f"{getpass.getuser()}@127.0.0.1",
        )  # fmt: skip
        try:
            tried = subprocess.run([*client, "true"], capture_output=True, check=False, timeout=LONGEST)
            if tried.returncode:
                said = (folder / "log").read_text(encoding="utf-8") + tried.stderr.decode()
                pytest.skip(f"sshd does not serve here: {said.strip()[:300]}")
            yield Host(client, folder)
        finally:
            server.terminate()
            server.wait()
            if made is not None:
                made.rmdir()


def test_it_is_the_same_over_ssh(host: Host) -> None:
    with Console("matmul", "--step", "3") as here:
        expected = here.until(READY).until("q quit").quiet()
    with host.open(f"{APP} matmul --step 3") as console:
        console.until(lambda: console.text == expected)
        console.send("\x1b[C")
        console.until("4/12 steps")
        console.send("q")
        assert console.wait() == 0
        assert console.left_over == []


def test_a_window_that_is_resized_at_the_other_end(host: Host) -> None:
    with host.open(f"{APP} matmul") as console:
        console.until(READY)
        console.resize(110, 30)
        console.until(lambda: len(console.screen.display[1].rstrip()) == 110)
        console.until(lambda: "q quit" in console.screen.display[29])
        console.resize(40, 10)
        console.until("too small")
        console.send("q")
        assert console.wait() == 0


def test_when_the_connection_breaks_it_ends_and_nothing_stays_behind(host: Host) -> None:
    pid, code = host.folder / "app.pid", host.folder / "app.code"
    # The shell outlives the hangup, to say with which code the app ended.
    script = f"trap : HUP; sh -c 'echo $$ >{pid}; {APP} matmul --play'; echo $? >{code}"
    with host.open(script) as console:
        console.until(READY)
        console.signal(signal.SIGKILL)
        console.process.wait()
    assert gone(int(pid.read_text()))
    assert there(code)
    assert code.read_text().strip() == "129"


def test_playing_over_ssh_stops_at_once(host: Host) -> None:
    with host.open(f"{APP} matmul --set m=8 --set k=8 --set n=8 --play --speed 20") as console:
        console.until("‖").slowly(32_000, lambda: "3/64" in console.text)
        before = len(console.raw)
        console.send(" ")
        console.slowly(32_000, lambda: "‖" not in console.text)
        assert len(console.raw) - before <= 0.3 * 32_000
