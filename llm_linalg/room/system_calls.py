"""The system calls that a locked process may make, as a program of the kernel's filter (seccomp).

A call that is not listed fails with "operation not permitted", which a program sees as an exception at its
line. It isn't killed: torch and Python ask for things that they can do without. Calls by the numbers of
another processor mode would mean something else, so those do kill.
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

ALLOW, FAIL, KILL = 0x7FFF0000, 0x00050000, 0x80000000
LOAD, JUMP_IF_EQUAL, JUMP_IF_AT_LEAST, JUMP_IF_ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
X32 = 0x40000000  # added to the numbers of a third mode of x86-64


class SystemCall(NamedTuple):
    """A system call: its numbers, None where a processor has no such call, and why it is allowed."""

    x86_64: int | None
    aarch64: int | None
    reason: str


# Memory: none of these names anything outside of the process.
_MEMORY = {
    "brk": SystemCall(12, 214, "malloc"),
    "mmap": SystemCall(
        9, 222, "malloc; code of a library that an import loads; files only by open descriptors"
    ),
    "munmap": SystemCall(11, 215, "free"),
    "mremap": SystemCall(25, 216, "realloc of a large block"),
    "mprotect": SystemCall(
        10, 226, "loading a library; oneDNN writes its kernels: code can call no more than this"
    ),
    "madvise": SystemCall(28, 233, "malloc gives pages back"),
}
# Files, as far as Landlock lets them be opened; none can be opened to write.
_FILES = {
    "read": SystemCall(0, 63, "a module's file; the pipe of requests"),
    "pread64": SystemCall(17, 67, "the dynamic loader reads a library's header"),
    "lseek": SystemCall(8, 62, "io of a file that is read"),
    "close": SystemCall(3, 57, "what was opened"),
    "dup": SystemCall(32, 23, "np.load and np.fromfile read through a copy of the descriptor"),
    "fstat": SystemCall(5, 80, "the size of an open file, asked at each open"),
    "newfstatat": SystemCall(
        262, 79, "import looks where a module lies; tells that a path exists, and its size"
    ),
    "stat": SystemCall(4, None, "the same, by a libc older than 2.33"),
    "lstat": SystemCall(6, None, "likewise"),
    "statx": SystemCall(332, 291, "the same, by newer libraries"),
    "getdents64": SystemCall(217, 61, "import lists the folders of packages, which Landlock lets it open"),
    "getcwd": SystemCall(79, 17, "/, or the folder that may be read"),
    "write": SystemCall(
        1, 64, "the pipe of answers: no other descriptor is open to write, but for /dev/null"
    ),
}
# Time passes; nobody is told.
_TIME = {
    "clock_gettime": SystemCall(228, 113, "the clocks of a process and a thread"),
    "clock_getres": SystemCall(229, 114, "time.get_clock_info"),
    "gettimeofday": SystemCall(96, 169, "time.time in older libraries"),
    "time": SystemCall(201, None, "likewise"),
    "nanosleep": SystemCall(35, 101, "time.sleep in older libraries"),
    "clock_nanosleep": SystemCall(230, 115, "time.sleep"),
    "getrusage": SystemCall(98, 165, "processor time of this process"),
    "setitimer": SystemCall(38, 103, "the alarm of a cell: it rings in this process alone"),
    "getitimer": SystemCall(36, 102, "likewise"),
}
# Signals arrive (the clock's is one) and are sent to nobody but itself.
_SIGNALS = {
    "rt_sigaction": SystemCall(13, 134, "a handler of its own: SIGKILL ends it whatever it handles"),
    "rt_sigprocmask": SystemCall(14, 135, "abort() and Python's handlers"),
    "rt_sigreturn": SystemCall(15, 139, "the end of every handler"),
    "restart_syscall": SystemCall(219, 128, "a sleep goes on after a signal"),
    "futex": SystemCall(202, 98, "locks of Python and torch, within the process"),
    "sched_yield": SystemCall(24, 124, "a lock that spins"),
    "membarrier": SystemCall(324, 283, "code that was just written becomes visible"),
}
# What a process knows of itself.
_ITSELF = {
    "getpid": SystemCall(39, 172, "random seeds, caches by process"),
    "getppid": SystemCall(110, 173, "the zygote's number, of no use without kill"),
    "gettid": SystemCall(186, 178, "abort(), and Python's locks"),
    "getuid": SystemCall(102, 174, "os.path.expanduser; the user's number, not the name"),
    "geteuid": SystemCall(107, 175, "likewise"),
    "getgid": SystemCall(104, 176, "likewise"),
    "getegid": SystemCall(108, 177, "likewise"),
    "getrandom": SystemCall(318, 278, "os.urandom, seeds"),
    "exit": SystemCall(60, 93, "the end"),
    "exit_group": SystemCall(231, 94, "likewise"),
}
ALLOWED = _MEMORY | _FILES | _TIME | _SIGNALS | _ITSELF

# Of these, some uses. The conditions stand in `_conditions`.
OPENAT = SystemCall(
    257, 56, "a file to read: Landlock looks which; no O_PATH, which Landlock does not look at"
)
OPEN = SystemCall(2, None, "the same, by older libraries")
FCNTL = SystemCall(
    72, 25, "flags of a descriptor; never F_SETOWN, by which the kernel signals another process"
)
IOCTL = SystemCall(16, 29, "is it a terminal, and close it in children: asked at each open")
PRLIMIT = SystemCall(302, 261, "what its own limits are; never to change one, never another process")
GETRLIMIT = SystemCall(97, None, "likewise, by older libraries")
GETAFFINITY = SystemCall(204, 123, "how many processors there are")
TGKILL = SystemCall(234, 131, "abort() and signal.raise_signal: to itself")
PRCTL = SystemCall(157, 167, "malloc and threads name themselves; nothing that undoes the lock")
# Refused in words by which a library tries the older call, and is refused that.
UNKNOWN = {"clone3": SystemCall(435, 435, "libc then takes clone"), "openat2": SystemCall(437, 437, "openat")}

_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_O_TMPFILE, _O_PATH = 0o20000000, 0o10000000
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND | _O_PATH | _O_TMPFILE
_F_GETFD, _F_SETFD, _F_GETFL = 1, 2, 3
_TCGETS, _FIOCLEX = 0x5401, 0x5451
_PR_SET_NAME, _PR_GET_NAME, _PR_SET_VMA = 15, 16, 0x53564D41


def filter_program(machine: str, process: int) -> bytes:
    """Return the kernel's filter: an instruction is 8 bytes, its code, two jumps and a value.

    Args:
        machine: The processor, as `platform.machine` names it.
        process: The number of the process that it is for.

    Raises:
        KeyError: For a processor whose numbers are not known.
    """
    architecture = _ARCHITECTURES[machine]
    program = [_op(LOAD, 4), _op(JUMP_IF_EQUAL, architecture, 1, 0), _op(RETURN, KILL), _op(LOAD, 0)]
    if machine == "x86_64":
        program += [_op(JUMP_IF_AT_LEAST, X32, 0, 1), _op(RETURN, KILL)]
    for call in ALLOWED.values():
        program += _rule(_number(call, machine), [_op(RETURN, ALLOW)])
    for call, conditions in _conditions(process):
        program += _rule(_number(call, machine), [*conditions, _op(RETURN, ALLOW)])
    for call in UNKNOWN.values():
        program += _rule(_number(call, machine), [_op(RETURN, FAIL | errno.ENOSYS)])
    return b"".join([*program, _op(RETURN, FAIL | errno.EPERM)])


def _conditions(process: int) -> Iterator[tuple[SystemCall, list[bytes]]]:
    """Yield the calls of which some uses are allowed, each with the instructions that refuse the others."""
    yield OPENAT, _without(2, _WRITING)
    yield OPEN, _without(1, _WRITING)
    yield FCNTL, _one_of(1, (_F_GETFD, _F_SETFD, _F_GETFL))
    yield IOCTL, _one_of(1, (_TCGETS, _FIOCLEX))
    yield PRLIMIT, [*_one_of(0, (0, process)), *_null(2)]
    yield GETRLIMIT, []
    yield GETAFFINITY, _one_of(0, (0, process))
    yield TGKILL, _one_of(0, (process,))
    yield PRCTL, _one_of(0, (_PR_SET_NAME, _PR_GET_NAME, _PR_SET_VMA))


def _number(call: SystemCall, machine: str) -> int | None:
    return call.x86_64 if machine == "x86_64" else call.aarch64


def _op(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("=HBBI", code, yes, no, value & 0xFFFFFFFF)


def _rule(number: int | None, body: Sequence[bytes]) -> list[bytes]:
    """Return what to do with a call; other calls jump over it."""
    return [] if number is None else [_op(JUMP_IF_EQUAL, number, 0, len(body)), *body]


def _lower(argument: int) -> bytes:
    """Load the lower half of an argument: all that the kernel takes of a C int."""
    return _op(LOAD, 16 + 8 * argument)


def _refusal() -> bytes:
    return _op(RETURN, FAIL | errno.EPERM)


def _one_of(argument: int, values: Sequence[int]) -> list[bytes]:
    jumps = [_op(JUMP_IF_EQUAL, value, len(values) - at, 0) for at, value in enumerate(values)]
    return [_lower(argument), *jumps, _refusal()]


def _without(argument: int, flags: int) -> list[bytes]:
    return [_lower(argument), _op(JUMP_IF_ANY_BIT, flags, 0, 1), _op(RETURN, FAIL | errno.EACCES)]


def _null(argument: int) -> list[bytes]:
    """Refuse a pointer that points somewhere: both halves count."""
    upper = _op(LOAD, 16 + 8 * argument + 4)
    return [*_one_of(argument, (0,)), upper, _op(JUMP_IF_EQUAL, 0, 1, 0), _refusal()]
