"""Which lock holds on this machine, by trying what it must refuse.

A locked process attempts what is forbidden, each in a way that would show if it got through: a call that the
kernel takes and finds wrong counts as much as one that succeeds. Only if each is refused, and computing is
not, the lock is believed.
"""

from __future__ import annotations

import _thread
import ctypes
import errno
import json
import os
import resource
import signal
import socket
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from llm_linalg.room import lock
from llm_linalg.room.importable import importable
from llm_linalg.room.lock import Lock, LockError
from llm_linalg.room.room_limits import RoomLimits
from llm_linalg.room.zygote_process import launch, readable

REFUSED, _DONE = "refused", "it can be done"
_PATIENCE = 20.0  # seconds for a process of Python without torch
_MOST = 2**16
_PTRACE_ATTACH, _PR_SET_PDEATHSIG, _PR_SET_DUMPABLE = 16, 1, 4
_CLONE = {"x86_64": 56, "aarch64": 220}
_CLONE3, _IO_URING_SETUP = 435, 425


class Tier(NamedTuple):
    """What locks foreign programs in on this machine.

    Attributes:
        lock: The lock that holds; None if none does.
        tried: Of each attempt, `refused` or what happened.
        reason: Why none holds, as a sentence; empty if one does.
    """

    lock: str | None
    tried: dict[str, str]
    reason: str


def tier() -> Tier:
    """Return which lock holds, by a test in a process of its own, made once."""
    hidden = frozenset(lock.HIDDEN)
    if hidden not in _TESTED:
        _TESTED[hidden] = _test()
    return _TESTED[hidden]


def known_lack() -> str:
    """Return why no lock holds, as far as that is known without a test; empty if one may hold."""
    known = _TESTED.get(frozenset(lock.HIDDEN))
    return lock.missing() if known is None else known.reason


_TESTED: dict[frozenset[str], Tier] = {}
"""The tiers that were tested in this process; by the calls that were hidden, of which no user hides any."""


def _test() -> Tier:
    if reason := lock.missing():
        return Tier(None, {}, reason)
    process, (link,) = launch("tier", 1)
    try:
        report = _read_all(link.fileno())
        return verdict({str(what): str(outcome) for what, outcome in json.loads(report).items()})
    except (OSError, ValueError):
        return verdict({})
    finally:
        link.close()
        process.kill()
        process.communicate()


def verdict(tried: dict[str, str]) -> Tier:
    """Return the tier that the results of a test show."""
    if not tried:
        return Tier(None, {}, "the test of the lock came to no end")
    if reason := tried.get("lock", ""):
        return Tier(None, tried, reason)
    through = [what for what, result in tried.items() if result != REFUSED]
    if through:
        return Tier(None, tried, f"the lock does not hold: {through[0]} ({tried[through[0]]})")
    return Tier("landlock+seccomp", tried, "")


def self_test() -> dict[str, str]:
    """Return what a locked child of this process could do; `lock` says why there is none."""
    try:
        tested = Lock(importable(), RoomLimits())
    except LockError as error:
        return {"lock": str(error)}
    with tempfile.TemporaryDirectory() as folder, suppress(OSError, ValueError):
        Path(folder, "secret").write_text("secret")
        reading, writing = os.pipe()
        parent = os.getpid()
        child = os.fork()
        if not child:
            try:
                os.write(writing, json.dumps(_tried(tested, parent, folder, writing)).encode())
            finally:
                os._exit(0)
        os.close(writing)
        try:
            return dict(json.loads(_read_all(reading)))
        finally:
            os.close(reading)
            tested.close()
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    return {}


def _tried(tested: Lock, parent: int, folder: str, writing: int) -> dict[str, str]:
    """Lock this process, make each attempt, and return the outcomes."""
    try:
        attempts = _attempts(parent, folder)
        tested.apply(parent, [writing])
        tried = {what: _outcome(attempt) for what, attempt in attempts.items()}
        lacking = [what for what, need in _NEEDS.items() if _outcome(need) != _DONE]
        return tried | {f"to {what} is refused": "it can't be done" for what in lacking}
    except LockError as error:
        return {"lock": str(error)}
    except BaseException as error:  # noqa: BLE001 - whatever it is, the lock is not to be believed
        return {"lock": f"the test of the lock failed: {error!r}"}


def _outcome(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except OSError as error:
        refused = error.errno in (errno.EPERM, errno.EACCES, errno.ENOSYS)
        return REFUSED if refused else errno.errorcode.get(error.errno or 0, "another error")
    except (RuntimeError, ValueError):
        return REFUSED  # as Python words a thread that can't be started, a limit that can't be set
    return _DONE


_NEEDS: dict[str, Callable[[], object]] = {
    "read a module": lambda: Path(os.__file__).read_bytes(),
    "take memory": lambda: bytearray(2**22),
    "draw random numbers": lambda: os.urandom(8),
    "sleep": lambda: time.sleep(0.0001),
}
"""What a locked process has to be able to do."""


def _attempts(parent: int, folder: str) -> dict[str, Callable[[], object]]:
    """Return what must be refused; `folder` is one that an unlocked process may write to."""
    secret, other = f"{folder}/secret", f"{folder}/other"
    libc = ctypes.CDLL(None, use_errno=True)

    def call(function: Callable[..., int], *arguments: object, copies: bool = False) -> Callable[[], object]:
        def attempt() -> None:
            result = function(*arguments)
            if result < 0:
                raise OSError(ctypes.get_errno(), "")
            if copies and not result:
                os._exit(0)

        return attempt

    def stop_times() -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (max(soft - 1, 1), hard))

    return {
        "write to a file": lambda: os.open(secret, os.O_WRONLY),
        "make a file": lambda: os.open(other, os.O_WRONLY | os.O_CREAT),
        "truncate a file": lambda: os.truncate(secret, 0),
        "rename a file": lambda: os.rename(secret, other),  # noqa: PTH104
        "link a file": lambda: os.link(secret, other),
        "link to a file by name": lambda: os.symlink(secret, other),  # noqa: PTH211
        "make a folder": lambda: os.mkdir(other),  # noqa: PTH102
        "make a pipe in a folder": lambda: os.mkfifo(other),
        "change who may read a file": lambda: os.chmod(secret, 0o644),  # noqa: PTH101
        "change a file's time": lambda: os.utime(secret),
        "remove a file": lambda: os.unlink(secret),  # noqa: PTH108
        "read a file outside": lambda: os.open("/" if not os.path.exists(secret) else secret, os.O_RDONLY),  # noqa: PTH110
        "list a folder outside": lambda: os.listdir(folder),  # noqa: PTH208
        "go to another folder": lambda: os.chdir(folder),
        "open a socket": lambda: socket.socket().close(),
        "open a pair of sockets": socket.socketpair,
        "start another program": lambda: os.execv("/nonexistent/program", ["program"]),  # noqa: S606
        "fork": lambda: os.fork() or os._exit(0),
        "start a thread": lambda: _thread.start_new_thread(time.sleep, (0,)),
        "signal its parent": lambda: os.kill(parent, 0),
        "change a limit": stop_times,
        "hold a path": lambda: os.open(secret, os.O_PATH),
        "make a file without a name": lambda: os.open(folder, os.O_TMPFILE | os.O_RDWR),
        "make memory to share": lambda: os.memfd_create("other"),
        "trace a process": call(libc.ptrace, _PTRACE_ATTACH, 0, 0, 0),
        "enter a namespace": call(libc.unshare, 0),
        "be read through /proc": call(libc.prctl, _PR_SET_DUMPABLE, 1, 0, 0, 0),
        "outlive its parent": call(libc.prctl, _PR_SET_PDEATHSIG, 0, 0, 0, 0),
        "copy itself by clone": call(
            *(libc.syscall, _CLONE.get(os.uname().machine, -1), signal.SIGCHLD, 0, 0, 0, 0), copies=True
        ),
        "copy itself by clone3": call(libc.syscall, _CLONE3, None, 0, copies=True),
        "queue calls to the kernel": call(libc.syscall, _IO_URING_SETUP, 0, None),
    }


def _read_all(descriptor: int) -> bytes:
    """Return what comes until the other end is closed, or patience ends."""
    pieces = b""
    end = time.monotonic() + _PATIENCE
    while (left := end - time.monotonic()) > 0 and readable(descriptor, left):
        piece = os.read(descriptor, _MOST)
        pieces += piece
        if not piece:
            break
    return pieces
