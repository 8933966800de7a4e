"""A small process around the app, which gives the terminal back whatever ends the app.

No handler runs in a process that the kernel kills, or that torch's native code brings down: its terminal
would stay raw, on the other screen, and report the mouse to the shell. So the process that the shell started
forks before it has imported much, and the app goes on in the child, in the same session and process group.
The parent passes on signals, stops when the child stops, and exits with the child's status.

The two share a page of memory: the child notes in it what it did to the terminal, and where its log is.
A pipe that nobody writes to tells the child, by its end, that the parent has gone.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio
    from types import FrameType

RESTORE = (
    b"\x1b[?2026l\x1b[m"  # a picture that was cut off
    b"\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1016l\x1b[?1006l"  # the mouse
    b"\x1b[?2004l\x1b[?2048l\x1b[?1004l\x1b[?7h\x1b[<u"  # pasting, sizes, focus, wrapping, the keyboard
    b"\x1b[H\x1b[J\x1b[?1049l\x1b[?25h"  # the other screen, the cursor
)
"""What gives a terminal back that the app has taken."""
PATIENCE = 1.0  # seconds that a terminal has to take it
_NAMES = {f"SIG{name}" for name in ("TERM", "HUP", "INT", "QUIT", "TSTP", "CONT", "WINCH", "USR1", "USR2")}
PASSED_ON = [number for number in signal.Signals if number.name in _NAMES]
"""Signals that the child gets in the parent's place."""
ENDING = frozenset({signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT})
"""Signals by which the app is asked to end."""
GRACE = 10.0  # seconds after which an app that doesn't is killed: a call may hold all of its threads up
BY_USER = frozenset({"SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT", "SIGPIPE"})
"""Signals that end a program because somebody wants it: nothing has to be said of them."""
_TAKEN, _STOPPED, _LENGTH, _LOG = 0, 1, 2, 8  # places in the page
_PAGE = 4096


class Notes:
    """What parent and child tell each other, in a page that both see; without a parent, of no effect."""

    def __init__(self, page: Any = None) -> None:
        self._page: Any = bytearray(_PAGE) if page is None else page

    @property
    def taken(self) -> bool:
        """Whether the terminal is the app's now."""
        return bool(self._page[_TAKEN])

    @taken.setter
    def taken(self, taken: bool) -> None:
        self._page[_TAKEN] = int(taken)

    @property
    def stopped(self) -> bool:
        """Whether the parent has stopped, since the child had."""
        return bool(self._page[_STOPPED])

    @stopped.setter
    def stopped(self, stopped: bool) -> None:
        self._page[_STOPPED] = int(stopped)

    @property
    def log(self) -> str:
        """The path of the log; empty if there is none."""
        length = int.from_bytes(self._page[_LENGTH : _LENGTH + 2], "big")
        return os.fsdecode(bytes(self._page[_LOG : _LOG + length]))

    @log.setter
    def log(self, path: str) -> None:
        data = os.fsencode(path)
        data = data if len(data) <= _PAGE - _LOG else b""
        self._page[_LOG : _LOG + len(data)] = data
        self._page[_LENGTH : _LENGTH + 2] = len(data).to_bytes(2, "big")


notes = Notes()
"""What this process shares with the one around it."""
_lifeline: int | None = None  # in the child: the pipe that ends with the parent


def fork_app() -> int | None:
    """Fork; return None in the child, which goes on to be the app, and the exit code in the parent.

    The parent comes back when the child has ended, the terminal as it was.
    """
    import mmap

    global notes, _lifeline
    before = _modes()
    shared = Notes(mmap.mmap(-1, _PAGE))
    end, held = os.pipe()
    # From here on a signal waits for the parent to look, and for the child to be ready.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD, *PASSED_ON])
    try:
        child = os.fork()
    except OSError:  # no process more is allowed: the app goes without
        os.close(end)
        os.close(held)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        return None
    if child == 0:
        os.close(held)
        notes, _lifeline = shared, end
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        return None
    os.close(end)
    for number in (signal.SIGCHLD, signal.SIGCONT, signal.SIGWINCH):  # else some systems lose what is blocked
        signal.signal(number, _ignore)
    return _attend(child, shared, before)


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: it waits to be fetched."""


def watch_parent(loop: asyncio.AbstractEventLoop, gone: Callable[[], None]) -> None:
    """Call back once the parent was killed: nobody passes signals on any more, and the shell goes on."""
    line = _lifeline
    if line is None:
        return

    def end() -> None:
        loop.remove_reader(line)
        gone()

    with suppress(NotImplementedError):  # a loop that only knows sockets
        loop.add_reader(line, end)


def wake_parent() -> None:
    """Let the parent go on if it has stopped: somebody continued the child alone."""
    if _lifeline is not None and notes.stopped:
        with suppress(OSError):
            os.kill(os.getppid(), signal.SIGCONT)


# The parent.


def _attend(child: int, shared: Notes, before: list[Any] | None) -> int:
    """Pass signals on until the child has ended; return the exit code for the shell."""
    asked, deadline = 0, None
    while True:
        number = _next_signal(deadline)
        if number is None:
            if deadline is not None and time.monotonic() >= deadline:
                deadline = None
                os.kill(child, signal.SIGKILL)
            continue
        if number != signal.SIGCHLD:
            if number in ENDING and not asked:
                asked, deadline = number, time.monotonic() + GRACE
            _pass_on(number, child, shared)
            continue
        pid, status, usage = os.wait4(child, os.WNOHANG | os.WUNTRACED)
        if pid == 0:
            continue
        if os.WIFSTOPPED(status):
            if not _goes_on(child):  # not continued before there was time to look
                _stop_with(child, shared, before)
            continue
        if shared.taken:
            _give_back(before)
        if not os.WIFSIGNALED(status):
            return os.WEXITSTATUS(status)
        ended = os.WTERMSIG(status)
        if asked and ended == signal.SIGKILL:
            name = signal.Signals(asked).name
            _say(f"the app did not end within {GRACE:g} s of {name}, and was killed")
            return 128 + asked
        _say(_what_happened(ended, shared, usage.ru_maxrss))
        return 128 + ended


def _pass_on(number: int, child: int, shared: Notes) -> None:
    if number == signal.SIGCONT:
        shared.stopped = False
        if _goes_on(child):
            return
    with suppress(ProcessLookupError):
        os.kill(child, number)


def _stop_with(child: int, shared: Notes, before: list[Any] | None) -> None:
    """Stop, which the shell sees, and continues both; where no shell could, let the child go on."""
    if shared.taken:  # stopped from outside, and not by the key: the shell gets its terminal anyway
        _give_back(before)
    if os.getpid() == 1:  # a container's first process, which is never stopped
        os.kill(child, signal.SIGCONT)
        return
    shared.stopped = True
    if _goes_on(child):  # continued meanwhile: a stop now would outlast what continued both
        shared.stopped = False
        os.kill(child, signal.SIGCONT)  # it takes the terminal again
        return
    os.kill(os.getpid(), signal.SIGSTOP)


def _say(words: str) -> None:
    """Write one line to stderr."""
    if words:
        with suppress(OSError, MemoryError, ImportError):
            from llm_linalg.base.text import clean  # only now: it is imported to this end alone

            os.write(2, f"llm-linalg: {clean(words, 600)}\n".encode("utf-8", "replace"))


def _goes_on(child: int) -> bool:
    """Return whether the child was continued already, as a shell continues the whole group."""
    if not hasattr(os, "waitid"):
        return False
    with suppress(ChildProcessError):
        return os.waitid(os.P_PID, child, os.WCONTINUED | os.WNOHANG) is not None
    return False


def _next_signal(deadline: float | None) -> int | None:
    """Return the next signal to act on.

    None for one that the terminal has sent to the child as well, or if none came before the deadline.
    """
    waited = [signal.SIGCHLD, *PASSED_ON]
    if not hasattr(signal, "sigtimedwait"):  # macOS; then the child has some twice, which does no harm
        return int(signal.sigwait(waited))
    left = None if deadline is None else max(0.0, deadline - time.monotonic())
    info = signal.sigwaitinfo(waited) if left is None else signal.sigtimedwait(waited, left)
    if info is None:
        return None
    # A terminal tells its foreground group, but the end of it only the session's leader.
    from_kernel = info.si_code > 0 and info.si_signo not in (signal.SIGCHLD, signal.SIGHUP)
    return None if from_kernel else info.si_signo


def _what_happened(number: int, shared: Notes, peak: int) -> str:
    """Return in one sentence what ended the child; nothing where somebody wanted it to end.

    The `peak` of its memory is as `getrusage` counts.
    """
    log = _kept_log(shared.log)
    try:
        name = signal.Signals(number).name
    except ValueError:  # a real-time signal
        name = f"signal {number}"
    if name in BY_USER:
        return ""
    if name == "SIGKILL":
        held = peak / (2**30 if sys.platform == "darwin" else 2**20)
        return f"the app was killed: by somebody, or for want of memory, of which it held {held:.1f} GB"
    where = f"; more is in {log}" if log else ""
    return f"the app was ended by an error in native code ({name}){where}"


def _kept_log(path: str) -> str:
    """Return where the child's log is; nothing, and no file, where nothing is in it."""
    if not path:
        return ""
    with suppress(OSError):
        if os.stat(path).st_size > 0:  # noqa: PTH116 - pathlib would be imported for this alone
            return path
        os.unlink(path)  # noqa: PTH108
    return ""


def _modes() -> list[Any] | None:
    """Return the terminal's modes."""
    import termios

    try:
        return termios.tcgetattr(0)
    except termios.error:
        return None


def _give_back(before: list[Any] | None) -> None:
    """Make the terminal what it was, if it is still ours: in the background it is the shell's."""
    import select
    import termios

    with suppress(OSError):  # not the terminal that controls this process: no shell has taken it
        if os.tcgetpgrp(0) != os.getpgrp():
            return
    with suppress(OSError):
        if not select.select([], [1], [], PATIENCE)[1]:
            termios.tcflush(1, termios.TCOFLUSH)  # it takes nothing: what it was sent is lost
        os.write(1, RESTORE)
    with suppress(termios.error):
        termios.tcflush(0, termios.TCIFLUSH)  # the mouse's last words are no command
        if before is not None:
            termios.tcsetattr(0, termios.TCSANOW, before)
