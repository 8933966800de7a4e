"""The lock of a process: from then on it computes, and reaches nothing else.

Three layers of the Linux kernel, none of which needs a privilege or can be undone: Landlock says which files
can be read (none can be written, no socket bound or connected), seccomp which calls the kernel takes at all
(`system_calls`), resource limits how much memory and time there is.

A lock is made where nothing foreign has run, and applied by each child in turn. That it holds is never taken
from a version: see `tier`.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import resource
import signal
import struct
import sys
from collections.abc import Sequence
from pathlib import Path

from llm_linalg.room.importable import Readable
from llm_linalg.room.room_limits import MIB, OPEN_FILES, STACK, RoomLimits
from llm_linalg.room.system_calls import filter_program

HIDDEN = {name for name in os.environ.get("LLM_LINALG_HIDDEN_CALLS", "").split(",") if name}
"""Calls that are treated as if the kernel had none: so tests see a machine without a lock anywhere."""

_LANDLOCK = {"landlock_create_ruleset": 444, "landlock_add_rule": 445, "landlock_restrict_self": 446}
_NUMBERS = {"x86_64": {"seccomp": 317} | _LANDLOCK, "aarch64": {"seccomp": 277} | _LANDLOCK}
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
# What Landlock knows to refuse of files, by the version that added it: removals and the making of all kinds;
# moving between folders; truncating; ioctl on devices.
_FILE_RIGHTS = {1: (1 << 13) - 1, 2: 1 << 13, 3: 1 << 14, 5: 1 << 15}
_NETWORK_SINCE, _SCOPES_SINCE = 4, 6
_NETWORK_RIGHTS = _SCOPES = 0b11  # bind and connect; abstract sockets and signals outside of the lock
_VERSION_FLAG = 1
_CAPABILITIES_3 = 0x20080522
_KEPT_CAPABILITIES = 1 << 1 | 1 << 2  # to read what Landlock allows, where root needs them to

_libc = ctypes.CDLL(None, use_errno=True)


class LockError(Exception):
    """The process can't be locked here: nothing of anybody else's may run in it."""


def system_call(name: str, *arguments: object) -> int:
    """Make a system call that libc has no function for; return its result.

    Raises:
        OSError: As the kernel refuses it, or if it has no such call.
    """
    number = _NUMBERS.get(platform.machine(), {}).get(name)
    if number is None or sys.platform != "linux" or name in HIDDEN:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    return _checked(_libc.syscall(number, *arguments))


def missing() -> str:
    """Return what this machine lacks for a lock, as a sentence; empty if nothing is known to be lacking."""
    if sys.platform == "darwin":
        return "programs are locked in on Linux only"
    if sys.platform != "linux" or platform.machine() not in _NUMBERS:
        return f"there is no lock for {sys.platform} on {platform.machine()}"
    if not landlock_version():
        return "no Landlock in this kernel, or it is switched off (5.13 or newer has it)"
    if "seccomp" in HIDDEN:
        return "no seccomp in this kernel"
    return ""


def landlock_version() -> int:
    """Return the version of Landlock's interface that the kernel has; 0 without it."""
    try:
        return system_call("landlock_create_ruleset", None, 0, _VERSION_FLAG)
    except OSError:
        return 0


def die_with_parent(parent: int) -> None:
    """End this process when the thread that forked it ends, which has to be its parent's only one."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


class Lock:
    """A lock that children apply to themselves.

    Args:
        places: What may be read.
        limits: How much memory and time there is.

    Raises:
        LockError: If a layer can't be had.
    """

    def __init__(self, places: Sequence[Readable], limits: RoomLimits) -> None:
        if reason := missing():
            raise LockError(reason)
        self.limits = limits
        try:
            self._rules = _ruleset(places)
        except OSError as error:
            raise LockError(f"Landlock refuses its rules: {error.strerror}") from error

    def apply(self, parent: int, descriptors: Sequence[int]) -> None:
        """Lock this process.

        Args:
            parent: The process that forked it, with whose end it ends.
            descriptors: Those that stay open.

        Raises:
            LockError: If the kernel refuses a layer.
        """
        try:
            die_with_parent(parent)
            _close_others([*descriptors, self._rules])
            _limit(self.limits)
            _drop_capabilities()
            _prctl(_PR_SET_NO_NEW_PRIVS, 1)
            _prctl(_PR_SET_DUMPABLE, 0)  # nobody reads it through /proc, and it leaves no core
            system_call("landlock_restrict_self", self._rules, 0)
            os.close(self._rules)
            _filter_calls()
        except OSError as error:
            raise LockError(f"the kernel refuses the lock: {error.strerror}") from error

    def close(self) -> None:
        """Let go of the rules."""
        os.close(self._rules)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def _prctl(option: int, value: int) -> None:
    _checked(_libc.prctl(option, value, 0, 0, 0))


def _ruleset(places: Sequence[Readable]) -> int:
    """Return a descriptor of Landlock's rules: these places can be read, and no file be changed."""
    version = landlock_version()
    files = sum(rights for since, rights in _FILE_RIGHTS.items() if version >= since)
    words = [files]
    words += [_NETWORK_RIGHTS] if version >= _NETWORK_SINCE else []
    words += [_SCOPES] if version >= _SCOPES_SINCE else []
    attributes = struct.pack(f"={len(words)}Q", *words)
    rules = system_call("landlock_create_ruleset", attributes, len(attributes), 0)
    for place in places:
        try:
            opened = os.open(place.path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue  # it went, or can't be read: then the child can't either
        rights = (_READ_DIR if place.listed else _READ_FILE | _READ_DIR) if place.folder else _READ_FILE
        try:
            system_call("landlock_add_rule", rules, 1, struct.pack("=Qi", rights, opened), 0)
        finally:
            os.close(opened)
    return rules


def _filter_calls() -> None:
    program = filter_program(platform.machine(), os.getpid())
    code = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("=H6xQ", len(program) // 8, ctypes.addressof(code))
    system_call("seccomp", 1, 0, header)


def _close_others(kept: Sequence[int]) -> None:
    """Close every other descriptor; nothing stands behind 0, 1 and 2."""
    null = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(null, standard)
    start = 3
    for descriptor in [*sorted(kept), 2**20]:
        os.closerange(start, descriptor)
        start = descriptor + 1


def _limit(limits: RoomLimits) -> None:
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    size, data = (int(status[word].split()[0]) * 1024 + limits.memory for word in ("VmSize", "VmData"))
    # Past the first processor limit SIGXCPU ends it, which tells why; past the second SIGKILL.
    seconds = limits.processor
    bounds = [
        (resource.RLIMIT_CPU, seconds, seconds + 1),
        (resource.RLIMIT_STACK, STACK, STACK),
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_MEMLOCK, 0, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES, OPEN_FILES),
        (resource.RLIMIT_AS, size + 256 * MIB, size + 256 * MIB),
        (resource.RLIMIT_DATA, data, data),
        (resource.RLIMIT_MSGQUEUE, 0, 0),
    ]
    for kind, soft, hard in bounds:
        most = resource.getrlimit(kind)[1]
        if most != resource.RLIM_INFINITY:
            soft, hard = min(soft, most), min(hard, most)
        resource.setrlimit(kind, (soft, hard))


def _drop_capabilities() -> None:
    """Give up what root may do, but for reading files."""
    header = struct.pack("=Ii", _CAPABILITIES_3, 0)
    now = ctypes.create_string_buffer(24)
    _checked(_libc.capget(header, now))
    effective, permitted = struct.unpack_from("=II", now.raw)
    kept = struct.pack("=6I", effective & _KEPT_CAPABILITIES, permitted & _KEPT_CAPABILITIES, 0, 0, 0, 0)
    _checked(_libc.capset(header, kept))
