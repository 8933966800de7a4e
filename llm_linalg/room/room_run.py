"""A program that runs in a child, as the app sees it.

What the child says is bounded and checked before it is believed. How it died is asked of its parent, the
zygote.
"""

from __future__ import annotations

import json
import mmap
import os
import select
import signal
import time
import weakref
from bisect import bisect
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Literal, NamedTuple

from llm_linalg.base.errors import RoomError
from llm_linalg.base.text import clean
from llm_linalg.recording.ending import ENDING_KINDS, Ending
from llm_linalg.room.room_limits import ANSWER_SECONDS, GRACE, MOST_ANSWER, SECONDS
from llm_linalg.room.zygote_process import readable

_BEGIN_WITHIN = 30.0  # seconds in which a child has to lock itself and rehearse
_STATUS_WITHIN = 1.0  # seconds in which the zygote tells how a child died, if it lives itself
_SLICE = 0.02  # seconds between two looks at whether to stop
_PIECE = 2**16
_MOST_LINE = 2**24
_DEATHS = {
    signal.SIGSEGV: "Python's own code failed (SIGSEGV), as it does when it calls itself too deeply",
    signal.SIGABRT: "code in C gave up (SIGABRT)",
    signal.SIGBUS: "there was no memory behind an address (SIGBUS)",
    signal.SIGFPE: "code in C divided by zero (SIGFPE)",
    signal.SIGILL: "code in C asked for what this processor does not know (SIGILL)",
    signal.SIGSYS: "it made a system call of another processor mode (SIGSYS)",
}


class ChildEnds(NamedTuple):
    """What the zygote hands over of a child: descriptors, but for the process's number."""

    process: int
    requests: int
    answers: int
    status: int
    log: int
    handle: int

    def close(self) -> None:
        """End the child, and let go of it."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.handle, signal.SIGKILL)
        for descriptor in self[1:]:
            os.close(descriptor)


class RoomRun:
    """A program that runs, or has run, in a child.

    It is for one thread at a time, but for `stop`, which any may call. A run that is not needed any more has
    to be closed: its child waits for requests after the program's end.

    Attributes:
        memory: What the child tells, as it tells it. Whatever it holds is a claim.
        ending: How the program ended; None while it runs.
        part: Of one of several devices: its part of the exchange that it waits for, if it waits for one.
    """

    def __init__(self, ends: ChildEnds) -> None:
        self._ends = ends
        try:
            self.memory = mmap.mmap(ends.log, 0, prot=mmap.PROT_READ)
        except OSError as error:
            ends.close()
            raise RoomError(f"the room's memory can't be had: {error.strerror}") from error
        self.ending: Ending | None = None
        self._began: float | None = None
        self._stops: str = ""
        self._kill_at: float | None = None
        self._alive = True
        self._rest = b""
        self._answers: list[Any] = []
        self.part: Any = None
        self._asked = False
        self._poll = select.poll()
        self._poll.register(ends.answers, select.POLLIN)
        self._poll.register(ends.handle, select.POLLIN)
        os.set_blocking(ends.requests, False)
        self._close = weakref.finalize(self, ends.close)

    @property
    def line(self) -> int | None:
        """The line of the program that runs, or ran last, as the child says."""
        # Not above: it imports torch, and the zygote is to start before this process has done so.
        from llm_linalg.tracefile.log_format import running_line

        return running_line(self.memory)

    @property
    def process(self) -> int:
        """The child's process."""
        return self._ends.process

    @property
    def alive(self) -> bool:
        """Whether the child is there: it can be asked after its program's end."""
        return self._alive

    def send(self, request: dict[str, Any], seconds: float = _BEGIN_WITHIN) -> None:
        """Give the child a request.

        Raises:
            RoomError: If it does not take it.
        """
        line = json.dumps(request).encode() + b"\n"
        poll = select.poll()
        poll.register(self._ends.requests, select.POLLOUT)
        end = time.monotonic() + seconds
        while line:
            if not poll.poll(max(0.0, end - time.monotonic()) * 1000):
                raise RoomError("the room takes no request")
            try:
                line = line[os.write(self._ends.requests, line) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                raise RoomError("the room is gone") from None

    def poll(self, timeout: float = 0.0) -> bool:
        """Wait for news, at most `timeout` seconds; return whether the program has ended.

        Raises:
            RoomError: If no program can run there.
        """
        if self._alive:
            events = dict(self._poll.poll(timeout * 1000))
            if self._ends.answers in events:
                self._read()
            if self._ends.handle in events:
                self._bury()
            elif self._kill_at is not None and time.monotonic() >= self._kill_at:
                self._kill_at = None
                self._signal(signal.SIGKILL)
        return self.ending is not None

    def stop(self, kind: Literal["time", "halted"] = "halted") -> None:
        """End the program: at once if it is halted, else by an exception in it, then at once."""
        if not self._stops or kind == "halted":
            self._stops = kind
        if kind == "time":
            self._signal(signal.SIGALRM)
            self._kill_at = time.monotonic() + GRACE
        else:
            self._signal(signal.SIGKILL)

    def wait(self, seconds: float | None = SECONDS, halt: Callable[[], bool] | None = None) -> Ending:
        """Wait until the program has ended, and return how; None for `seconds` leaves no clock.

        The clock starts when the child begins, not when it is asked.
        """
        asked = time.monotonic()
        while not self.poll(_SLICE):
            if self._stops == "halted":
                continue
            if halt is not None and halt():
                self.stop("halted")
            elif self._began is None:
                if time.monotonic() > asked + _BEGIN_WITHIN:
                    self.close()
                    raise RoomError("the room does not begin")
            elif seconds is not None and not self._stops and time.monotonic() >= self._began + seconds:
                self.stop("time")
        assert self.ending is not None  # noqa: S101 - what `poll` says
        return self.ending

    def wait_for_cells(
        self, seconds: float, cells: Sequence[int], halt: Callable[[], bool] | None = None
    ) -> Ending:
        """Wait for a program of cells, each of which has so many seconds.

        A cell stops itself. This ends one that does not, and with it the program.

        Args:
            seconds: The time of a cell.
            cells: The lines, from 1, at which the cells begin, in order.
            halt: Whether to stop.
        """
        last = time.monotonic()
        ends = last + _BEGIN_WITHIN + (seconds + 2 * GRACE) * len(cells)
        cell = -1

        def is_over() -> bool:
            nonlocal last, cell
            now, here = time.monotonic(), bisect(cells, self.line or 0)
            if here != cell or self._began is None:
                cell, last = here, now
            if now > min(last + seconds + 2 * GRACE, ends) and not self._stops:
                self._stops = "time"
                self._signal(signal.SIGKILL)
            return halt is not None and halt()

        return self.wait(None, is_over)

    def ask(self, request: dict[str, Any], seconds: float = ANSWER_SECONDS) -> Any:
        """Return what the child answers in the state in which its program ended: a claim, as all its words.

        Raises:
            RoomError: If it gives no answer in time, after which it is gone, or is gone already.
        """
        if self.ending is None or not self._alive:
            raise RoomError("the room is gone" if self.ending else "the program still runs")
        self._answers.clear()
        self._asked = True
        self._stops, self._kill_at = "", None
        self.send(request, seconds)
        end = time.monotonic() + seconds
        while not self._answers and self._alive:
            self.poll(_SLICE)
            if not self._stops and time.monotonic() >= end:
                self.stop("time")
        if not self._answers:
            raise RoomError("no answer in time" if self._stops else "the room is gone")
        self._kill_at = None
        return self._answers.pop()

    def close(self) -> None:
        """End the child, and let go of it. What it told stays readable."""
        self._alive = False
        if self.ending is None:
            self.ending = Ending("halted", self.line)
        self._close()

    def _signal(self, number: int) -> None:
        if self._close.alive:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._ends.handle, number)

    def _read(self) -> None:
        piece = os.read(self._ends.answers, _PIECE)
        self._rest += piece
        if not piece:
            self._poll.unregister(self._ends.answers)
        while b"\n" in self._rest:
            line, _, self._rest = self._rest.partition(b"\n")
            self._heed(line)
        if len(self._rest) > MOST_ANSWER:
            self._forged()

    def _heed(self, line: bytes) -> None:
        try:
            word, *rest = json.loads(line)
        except (ValueError, TypeError, RecursionError):
            self._forged()
            return
        match word, rest:
            case "begin", []:
                self._began = self._began or time.monotonic()
            case "fault", [str(message)]:
                self.close()
                raise RoomError(f"nothing can be run: {clean(message, 600)}")
            case "end", [kind, int() | None as at, str(message)] if kind in ENDING_KINDS:
                line_number = at if at.__class__ is int and 0 < at < _MOST_LINE else None
                self._end(Ending(kind, line_number, clean(message, 600)))
            case "exchange", [part] if self.ending is None and self.part is None:
                self.part = part
            case "answer", [answer] if self._asked:
                self._asked = False
                self._answers.append(answer)
            case _:
                self._forged()

    def _forged(self) -> None:
        """End a child that says what it never says by itself."""
        self._end(Ending("signal", self.line, "it wrote to the room's own pipe"))
        self._signal(signal.SIGKILL)

    def _end(self, ending: Ending) -> None:
        if self.ending is None:
            self.ending = ending

    def _bury(self) -> None:
        """Note how the child died. Its last words were read before."""
        while readable(self._ends.answers, 0.0):
            self._read()
        self._alive = False
        word = os.read(self._ends.status, 16) if readable(self._ends.status, _STATUS_WITHIN) else b""
        self._end(self._death(int(word) if word else -signal.SIGKILL))

    def _death(self, code: int) -> Ending:
        """Return the ending by an exit code, negative for a signal's number."""
        line = self.line
        if code >= 0:
            return Ending("exit", line, f"it ended its own process, with code {code}")
        number = -code
        if self._stops == "halted":
            return Ending("halted", line)
        if self._stops == "time":
            return Ending("time", line)
        if number == signal.SIGXCPU:
            return Ending("time", line, "it used up its processor time")
        if number == signal.SIGKILL:
            return Ending("memory", line, "its process was killed, most likely for want of memory")
        with suppress(ValueError):
            return Ending("signal", line, _DEATHS.get(signal.Signals(number), signal.Signals(number).name))
        return Ending("signal", line, f"signal {number}")
