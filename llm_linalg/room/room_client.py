"""The room, as the app sees it: a zygote, started at the first need, and children that run programs."""

from __future__ import annotations

import atexit
import json
import os
import re
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import Any

from llm_linalg.base.errors import HaltedError, RoomError
from llm_linalg.room.room_limits import USUAL, RoomLimits
from llm_linalg.room.room_run import ChildEnds, RoomRun
from llm_linalg.room.zygote_process import launch, readable

_COMPILER = re.compile(r"\b_*(optim|compile|checkpoint|dynamo|export|func|fx|jit|vmap)\b")
_PATIENCE = 120.0  # seconds in which torch is loaded, on a slow disk
_SLICE = 0.02  # seconds between two looks at whether to stop
_ANCILLARY = 16  # descriptors that a message may carry
_MOST = 2**16
_END_WITHIN = 1.0
_TRIES = 3  # one may find out that the zygote has died, one that its early copy was let go


class _GoneError(Exception):
    """The zygote's process has ended."""


class _Spares:
    """The way to a process that hands out children, of which some are always ready or on their way.

    Args:
        link: The socket to it.
    """

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._orders = 0
        self._lock = threading.Lock()
        self._ready: list[ChildEnds] = []
        self._loaded = False

    def loaded(self) -> bool:
        """Return whether the process is there: it has handed out a child, or is about to."""
        self._loaded = self._loaded or self._is_readable(0.0)
        return self._loaded

    def hurry(self) -> None:
        """Have the process load the rest now, which it does at leisure otherwise."""
        with suppress(OSError):
            self._link.sendall(b"\n")

    def take(self, limits: RoomLimits, halt: Callable[[], bool] | None) -> ChildEnds:
        """Return a child that is locked with these limits.

        One with the usual limits is ready, and another is made meanwhile; any other is made to order.

        Raises:
            HaltedError: If `halt` says so before there is one.
            RoomError: If there is no lock.
        """
        with _held(self._lock, halt):
            if limits != RoomLimits():
                self._orders += 1
                self._order(limits, self._orders)
                return self._receive(self._orders, halt)
            ends = self._receive(USUAL, halt)
            self._order(limits, USUAL)
            return ends

    def _order(self, limits: RoomLimits, number: int) -> None:
        try:
            self._link.sendall(json.dumps({"limits": asdict(limits), "number": number}).encode() + b"\n")
        except OSError:
            raise _GoneError from None

    def _receive(self, number: int, halt: Callable[[], bool] | None) -> ChildEnds:
        """Wait for a child of an order; those that wait for the next program are kept, others let go."""
        end = time.monotonic() + _PATIENCE
        while number != USUAL or not self._ready:
            if halt is not None and halt():
                raise HaltedError("it was stopped")
            if time.monotonic() > end:
                raise _GoneError
            if self._is_readable(_SLICE if halt else 1.0):
                order, ends = self._message()
                if order == USUAL:
                    self._ready.append(ends)
                elif order == number:
                    return ends
                else:
                    ends.close()
        return self._ready.pop(0)

    def _is_readable(self, seconds: float) -> bool:
        if self._link.fileno() < 0:
            raise _GoneError
        return readable(self._link.fileno(), seconds)

    def _message(self) -> tuple[int, ChildEnds]:
        """Return the order that a child was made for, and the child."""
        try:
            line, descriptors, *_ = socket.recv_fds(self._link, _MOST, _ANCILLARY)
        except OSError:
            raise _GoneError from None
        if not line:
            raise _GoneError
        message = json.loads(line)
        self._loaded = True
        if "reason" in message:
            raise RoomError(f"nothing can be run: {message['reason']}")
        ask, answers, status, log, handle = descriptors
        return message["order"], ChildEnds(message["child"], ask, answers, status, log, handle)

    def close(self) -> None:
        """Let go of the process."""
        with self._lock:
            for ends in self._ready:
                ends.close()
            self._ready.clear()
            self._link.close()


class Room:
    """Runs programs in children that can reach nothing. Any thread may use it.

    Nothing is started before the first program. A zygote that has died is replaced at the next one.
    """

    def __init__(self) -> None:
        self.owner = os.getpid()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._full: _Spares | None = None
        self._early: _Spares | None = None
        atexit.register(self.close)

    @property
    def process(self) -> int | None:
        """The zygote's process; None if there is none."""
        return None if self._process is None else self._process.pid

    def start(
        self,
        request: dict[str, Any],
        limits: RoomLimits | None = None,
        *,
        halt: Callable[[], bool] | None = None,
    ) -> RoomRun:
        """Run the program of a request in a child of its own.

        Args:
            request: What `llm_linalg.room.child.serve` takes, as JSON has it.
            limits: Those of memory, processor time and reading; the clock is `RoomRun.wait`'s.
            halt: Whether to stop waiting for a child.

        Raises:
            RoomError: If there is no lock on this machine, or no process can be started.
            HaltedError: If `halt` said so.
        """
        for _ in range(_TRIES):
            spares = self._spares(request)
            try:
                run = RoomRun(spares.take(limits or RoomLimits(), halt))
            except _GoneError:
                self._forget(spares)
                continue
            try:
                run.send(request)
            except RoomError:  # the spare died while it waited
                run.close()
                continue
            return run
        raise RoomError("the process in which programs run does not start, or dies")

    def warm(self) -> None:
        """Start the zygote without waiting for it, if there was none yet."""
        with self._lock:
            if self._process is None:
                self._ensure()

    def close(self) -> None:
        """End the zygote and all of its children."""
        if self.owner == os.getpid():
            with self._lock:
                self._discard()

    def _spares(self, request: dict[str, Any]) -> _Spares:
        """Return who hands out a child for this program: the early zygote while the other still loads."""
        with self._lock:
            full, early = self._ensure()
            if early is None or full.loaded():
                if early is not None:
                    self._early = None
                    early.close()
                return full
        if not _COMPILER.search(json.dumps(request)):
            return early
        full.hurry()
        return full

    def _ensure(self) -> tuple[_Spares, _Spares | None]:
        if self._process is None or self._full is None or self._process.poll() is not None:
            self._discard()
            self._process, (full, early) = launch("zygote", 2)
            self._full, self._early = _Spares(full), _Spares(early)
        return self._full, self._early

    def _forget(self, spares: _Spares) -> None:
        """Let go of the zygote whose spares have come to an end, unless others have taken their place."""
        with self._lock:
            if spares in (self._full, self._early):
                self._discard()

    def _discard(self) -> None:
        for spares in (self._full, self._early):
            if spares is not None:
                spares.close()
        self._full = self._early = None
        if self._process is not None:
            self._process.kill()
            with suppress(subprocess.TimeoutExpired):
                self._process.communicate(timeout=_END_WITHIN)
        self._process = None


_room: Room | None = None
_room_lock = threading.Lock()


def room() -> Room:
    """Return this process's room. A process that was forked has one of its own."""
    global _room  # noqa: PLW0603 - one zygote a process
    with _room_lock:
        if _room is None or _room.owner != os.getpid():
            _room = Room()
        return _room


@contextmanager
def _held(lock: threading.Lock, halt: Callable[[], bool] | None) -> Iterator[None]:
    """Hold a lock, for which somebody else may wait long."""
    while not lock.acquire(timeout=_SLICE if halt else 1.0):
        if halt is not None and halt():
            raise HaltedError("it was stopped")
    try:
        yield
    finally:
        lock.release()
