"""Start a process of ours that shares nothing with the user's: see `zygote`, which is what runs there.

A process keeps in its memory what it was started with, and so do copies of it. So there is an environment of
its own, a working folder that says nothing, a session of its own without the terminal, and arguments that are
the same for everybody. What it has to know comes by a socket.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from llm_linalg.room import lock
from llm_linalg.room.importable import search_path

ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "MKL_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",  # a set of words has the same order in each run
}
KERNELS = ("ATEN_CPU_CAPABILITY", "MKL_CBWR", "ONEDNN_MAX_CPU_ISA")
"""Variables by which torch rounds as it does here; it reads them once, when it is imported."""
# It reads its task from its first socket, one line; the others are for the task. Before anything is imported
# it forgets the host's name, which `platform` would keep. The package may lie where only the app's
# interpreter looks.
_START = """\
import json, os, sys
task = b""
while not task.endswith(b"\\n"):
    piece = os.read(int(sys.argv[1]), 65536)
    if not piece:
        os._exit(0)
    task += piece
task = json.loads(task)
os.uname = lambda: os.uname_result(task["system"])
sys.pycache_prefix, sys.dont_write_bytecode = task["bytecode"]
sys.path.insert(0, task["home"])
from llm_linalg.room import zygote
sys.path.remove(task["home"])
zygote.main(task, [int(word) for word in sys.argv[1:]])
"""
_FIRST_FREE = 3  # descriptors below are standard ones, even where the app has closed its own


def launch(
    mode: Literal["zygote", "tier"], sockets: int, **task: Any
) -> tuple[subprocess.Popen[bytes], list[socket.socket]]:
    """Start the process; return it and our ends of the sockets.

    It ends when its standard input does, which this process holds: however this one ends.
    """
    ours: list[socket.socket] = []
    theirs: list[socket.socket] = []
    try:
        for _ in range(sockets):
            pair = socket.socketpair()
            for end, kept in zip(pair, (ours, theirs), strict=True):
                kept.append(socket.socket(fileno=fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, _FIRST_FREE)))
                end.close()
        numbers = [end.fileno() for end in theirs]
        process = subprocess.Popen(  # noqa: S603 - this Python, our own module
            [sys.executable, "-s", "-P", "-B", "-c", _START, *map(str, numbers)],
            pass_fds=numbers,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=ENVIRONMENT | {name: os.environ[name] for name in KERNELS if name in os.environ},
            start_new_session=True,
        )
    except BaseException:
        for end in ours:
            end.close()
        raise
    finally:
        for end in theirs:
            end.close()
    machine = os.uname()
    task |= {
        "mode": mode,
        "home": str(Path(__file__).resolve().parents[2]),
        "path": search_path(),
        "hidden": sorted(lock.HIDDEN),
        "bytecode": [sys.pycache_prefix, sys.dont_write_bytecode],
        "system": [machine.sysname, "", machine.release, machine.version, machine.machine],
        "app": os.getpid(),
    }
    with suppress(OSError):  # it may be gone already, which its silence tells
        ours[0].sendall(json.dumps(task).encode() + b"\n")
    return process, ours


def readable(descriptor: int, seconds: float) -> bool:
    """Return whether there is something to read within so many seconds; of a socket also its end."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return any(event & select.POLLIN for _, event in poll.poll(max(0.0, seconds) * 1000))
