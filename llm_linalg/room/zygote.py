"""The process that has loaded torch and runs nothing: each program gets a copy, which locks itself first.

It holds nobody's text: the app gets the ends of a spare child's own pipes, and asks that. Of a child it keeps
only what the kernel tells its parent: how it ended.

torch's compiler package, which the first step of an optimizer imports, takes longer to load than torch
itself. It is loaded once a program needs it, or after a while; until then a copy of this process, the *early*
one, hands out children that lack it.
"""

from __future__ import annotations

import ctypes
import fcntl
import gc
import json
import os
import select
import signal
import socket
import sys
import tempfile
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from llm_linalg.room import lock
from llm_linalg.room.importable import Readable, adopt, importable, user_folder
from llm_linalg.room.lock import Lock, LockError, die_with_parent
from llm_linalg.room.room_limits import LOG_SIZE, USUAL, RoomLimits
from llm_linalg.room.tier import self_test, verdict

WAITING = 2
"""Spares that wait: a key in the editor takes one, and the next must not wait for another to be made."""
HEAD_START = 0.1
"""Seconds in which a program and the app have the processors for themselves before another spare is made."""
IDLE = 1.0
"""Seconds in which nobody wants a child, after which there is time to gather pages."""
LEISURE = 3.0
"""Seconds in which the app starts and shows its first picture, before a processor is taken from it again."""
_HUGE = 2**21  # bytes of a huge page
_ADVICE = (
    14,
    25,
)  # MADV_HUGEPAGE, and MADV_COLLAPSE of Linux 6.1: any other refuses, and all stays as it was
_MOST = 2**16


def main(task: dict[str, Any], descriptors: list[int]) -> NoReturn:
    """Do what this process was started for, and end."""
    try:
        _end_with_the_app()
        for descriptor in descriptors:
            os.set_inheritable(descriptor, False)
        lock.HIDDEN.update(task["hidden"])
        adopt(task["path"])
        link = socket.socket(fileno=descriptors[0])
        if task["mode"] == "tier":
            link.sendall(json.dumps(self_test()).encode())
        else:
            _Zygote(task["app"]).serve(link, socket.socket(fileno=descriptors[1]))
    except BaseException as error:  # noqa: BLE001 - whatever it is, the app is told, and nothing runs on
        reason = str(error) if isinstance(error, LockError) else f"{type(error).__name__}: {error}"
        for descriptor in descriptors:
            with suppress(OSError):
                os.write(descriptor, json.dumps({"reason": reason[:600]}).encode() + b"\n")
    os._exit(0)


def _end_with_the_app() -> None:
    """Have the kernel end this process when its standard input does, also while it imports.

    The signal is SIGIO, whose default is to end. The other end is held by the app alone and nothing is
    written to it.
    """
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(0, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(0, fcntl.F_SETFL, fcntl.fcntl(0, fcntl.F_GETFL) | os.O_ASYNC)
    poll = select.poll()
    poll.register(0, 0)
    if poll.poll(0):  # it has gone before
        os._exit(0)


def warm() -> None:
    """Load what programs use, but for the compiler; leave one thread and no trace of a backward pass."""
    gc.disable()  # all that is made from here on stays
    import torch

    with suppress(ImportError):
        import_module("numpy")  # it reads its number of threads when it is imported
    import_module("torch.nested._internal.nested_tensor")  # what the first backward pass imports
    torch.set_num_threads(1)
    with suppress(RuntimeError):
        torch.set_num_interop_threads(1)
    torch.zeros(1).half()  # the first one reads what the processor can do, from files that no child can open
    tempfile.tempdir = "/tmp"  # noqa: S108 - not to be looked for later; nothing can be written there
    _settle()


def _settle() -> None:
    """Fill all caches, forget the environment, which has been read, and share all objects with the children.

    Classes that are imported later empty some of the caches.
    """
    # What runs programs imports torch: not before this process would end with the app.
    from llm_linalg.room import child

    for _ in range(2):
        child.rehearse(child.REHEARSAL)
    os.environ.clear()
    ctypes.CDLL(None).clearenv()
    # torch makes a folder when its compiler is imported, also in a child, unless this names one that exists.
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = "/"
    os.environ["TORCHDYNAMO_DISABLE"] = "1"  # what is compiled shows none of its calls
    gc.collect()
    gc.freeze()  # a collection in a child touches none of this, so that its pages stay shared


def _gather_pages() -> None:
    """Put what stays in memory into huge pages: a copy of this process then has 300 entries, not 100,000."""
    libc = ctypes.CDLL(None)
    libc.madvise.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
    for line in Path("/proc/self/maps").read_text().splitlines():
        place, rights, _, _, _, *name = line.split()
        first, last = (int(end, 16) // _HUGE * _HUGE for end in place.split("-"))
        if rights == "rw-p" and name in ([], ["[heap]"]) and last - first > _HUGE:
            for advice in _ADVICE:
                libc.madvise(first + _HUGE, last - first - _HUGE, advice)


class Spare:
    """A child that is locked, has rehearsed, and waits for the one program that it will run."""

    def __init__(self, children_lock: Lock, folder: str) -> None:
        log = os.memfd_create("log", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(log, LOG_SIZE)
        # Nobody makes it shorter: the app would die of reading beyond its end.
        fcntl.fcntl(log, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
        requests, ask = os.pipe()
        answers, answer = os.pipe()
        status, self.status = os.pipe()
        parent = os.getpid()
        self.process = os.fork()
        if not self.process:
            from llm_linalg.room import child

            code = 1
            try:
                child.run(children_lock, folder, parent, requests, answer, log)
                code = 0
            finally:
                os._exit(code)
        os.close(requests)
        os.close(answer)
        self.handle = os.pidfd_open(self.process)
        self.shared = (ask, answers, status, log)

    def hand_over(self, link: socket.socket, order: int) -> None:
        """Give the app what it needs of it, and the number of the order that it was made for."""
        message = json.dumps({"child": self.process, "order": order}).encode() + b"\n"
        socket.send_fds(link, [message], [*self.shared, self.handle])
        for descriptor in self.shared:
            os.close(descriptor)

    def reap(self) -> None:
        """Tell the app how it ended."""
        status = os.waitpid(self.process, 0)[1]
        with suppress(OSError):
            os.write(self.status, b"%d" % os.waitstatus_to_exitcode(status))
        os.close(self.status)
        os.close(self.handle)


class _Zygote:
    """Hands out spares.

    Args:
        app: The app's process.
    """

    def __init__(self, app: int) -> None:
        self._app = os.pidfd_open(app)
        self._children: dict[int, Spare] = {}
        self._poll = select.poll()
        self._owed, self._due = WAITING, 0.0  # spares that are still to be made, and when the next is
        self._is_gathered = False

    def serve(self, link: socket.socket, early: socket.socket) -> None:
        """Test the lock, then hand out children until the app is gone."""
        own = verdict(self_test())
        if own.lock is None:
            raise LockError(own.reason)
        warm()
        parent = os.getpid()
        if not os.fork():
            die_with_parent(parent)
            link.close()
            self._is_gathered = True  # it is not worth it for so short a time
            self._hand_out(early)
            os._exit(0)
        early.close()
        self._poll.register(link, select.POLLIN)
        self._poll.poll(LEISURE * 1000)  # or until the app hurries it
        with suppress(ImportError):
            import_module("torch._dynamo")
        _settle()
        self._hand_out(link)

    def _hand_out(self, link: socket.socket) -> None:
        """Keep the app provided with spares, until it lets go of the link and all children have ended."""
        places = importable()
        usual = Lock(places, RoomLimits())
        # What a child imports it compiles for itself, and it learns of no folder of the user's.
        sys.pycache_prefix, sys.dont_write_bytecode = None, True
        gc.enable()
        self._poll.register(self._app, select.POLLIN)
        self._poll.register(link, select.POLLIN)
        while link.fileno() >= 0 or self._children:
            if self._owed and self._due <= time.monotonic():
                self._owed -= 1
                self._add_spare(link, usual, USUAL)
                self._due = time.monotonic() + HEAD_START
            idle = None if self._is_gathered else IDLE * 1000
            wait = max(0.0, self._due - time.monotonic()) * 1000 if self._owed else idle
            events = self._poll.poll(wait)
            if not (events or self._owed):
                self._is_gathered = True
                _gather_pages()
            for descriptor, _ in events:
                if descriptor == self._app:
                    os._exit(0)
                if descriptor in self._children:
                    self._poll.unregister(descriptor)
                    self._children.pop(descriptor).reap()
                    self._due = 0.0
                elif descriptor == link.fileno():
                    self._heed(link, places)

    def _heed(self, link: socket.socket, places: list[Readable]) -> None:
        """Read which children the app wants."""
        orders = link.recv(_MOST)
        if not orders:
            self._owed = 0
            self._poll.unregister(link)
            link.close()
        for line in filter(None, orders.splitlines()):  # an empty one is to hurry what is done by now
            order = json.loads(line)
            if order["number"] == USUAL:
                self._due = self._due if self._owed else time.monotonic() + HEAD_START
                self._owed += 1
                continue
            limits = RoomLimits(**order["limits"])
            folder = user_folder(limits.read) if limits.read else []  # with the files that are there now
            own = Lock([*places, *folder], limits)
            self._add_spare(link, own, order["number"])
            own.close()

    def _add_spare(self, link: socket.socket, children_lock: Lock, number: int) -> None:
        spare = Spare(children_lock, children_lock.limits.read)
        self._children[spare.handle] = spare
        self._poll.register(spare.handle, select.POLLIN)
        with suppress(BrokenPipeError, ConnectionResetError):
            spare.hand_over(link, number)
