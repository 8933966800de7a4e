"""Reads the programs of `intrusions/*.txt`: one begins with `=== name | how success would show | options`.

An option is `seconds=N`, or `free` for a program that succeeds on every machine where there is no lock. Of a
bomb the second part says how it may end.

`@NAME@` in a program stands for a place or a number that the runner made, `@NR:name@` for the number of a
call of the kernel, a line `@SHARED:name@` for a file of `intrusions/shared`, `@C@` and `@MACHINE@` for the
lines with which a program calls libc and runs machine code.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_JOINED = ("files", "kernel", "network", "processes", "writes")
_FOLDER = Path(__file__).with_name("intrusions")
_LIBC = """import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
def call(number, *rest):
    given = [ctypes.c_long(one) if isinstance(one, int) else one for one in rest]
    return libc.syscall(ctypes.c_long(number), *given)"""
_MACHINE = (
    _LIBC
    + """
libc.mmap.restype = ctypes.c_void_p
def low(text, rights=3):
    at = libc.mmap(None, 4096, rights, 0x62, -1, 0)
    ctypes.memmove(at, text, len(text))
    return at
def machine(code):
    at = libc.mmap(None, 4096, 7, 0x22, -1, 0)
    if at in (None, 2**64 - 1):
        at = libc.mmap(None, 4096, 3, 0x22, -1, 0)
        ctypes.memmove(at, code, len(code))
        libc.mprotect(ctypes.c_void_p(at), 4096, 5)
    else:
        ctypes.memmove(at, code, len(code))
    return ctypes.CFUNCTYPE(ctypes.c_long)(at)"""
)


@dataclass(frozen=True)
class Intrusion:
    """A program that attempts what a room must not let it do."""

    kind: str
    """The class of attempts, by the name of its file."""
    name: str
    shows: str
    """How its success would show outside of the room."""
    text: str
    seconds: float | None
    """The time limit, where it isn't the usual one."""
    is_free: bool
    """Whether it succeeds on every machine where nothing locks it in."""

    @property
    def key(self) -> str:
        """What the test is called."""
        return f"{self.kind}: {self.name}"

    @property
    def is_machine_code(self) -> bool:
        """Whether it is of x86-64 alone."""
        return self.kind == "machine" or "@MACHINE@" in self.text

    @property
    def is_joined(self) -> bool:
        """Whether it can share a process with others: what it does shows by itself, and harms no recorder."""
        return self.kind in _JOINED and not self.shows.startswith("the app") and not self.is_machine_code

    def program(self, places: Mapping[str, str]) -> str:
        """Returns the text with the places, numbers and lines that it names put in."""
        text = _shared(self.text).replace("@MACHINE@", _MACHINE).replace("@C@", _LIBC)
        for name, value in places.items():
            text = text.replace(f"@{name}@", value)
        table = numbers()
        return re.sub(r"@NR:(\w+)@", lambda found: str(table[found[1]]), text)


def _shared(text: str) -> str:
    """Returns a text with the files of `intrusions/shared` that it names put in, and those that they name."""
    while found := re.search(r"^@SHARED:(\w+)@\n", text, flags=re.MULTILINE):
        whole = (_FOLDER / "shared" / f"{found[1]}.txt").read_text(encoding="utf-8")
        text = text.replace(found[0], whole)
    return text


def _of(kind: str) -> list[Intrusion]:
    made = []
    text = (_FOLDER / f"{kind}.txt").read_text(encoding="utf-8")
    for part in re.split(r"^=== ", text, flags=re.MULTILINE)[1:]:
        head, _, program = part.partition("\n")
        name, shows, *options = (one.strip() for one in head.split("|"))
        seconds = next((float(one.removeprefix("seconds=")) for one in options if one != "free"), None)
        made.append(Intrusion(kind, name, shows, program, seconds, "free" in options))
    return made


KINDS = tuple(sorted(path.stem for path in _FOLDER.glob("*.txt") if path.stem != "bombs"))
INTRUSIONS = tuple(one for kind in KINDS for one in _of(kind))
BOMBS = tuple(_of("bombs"))


# Name, number on x86-64, number on arm64; -1 where arm64 has no such call.
_TABLE = """
acct 163 89, add_key 248 217, adjtimex 159 171, alarm 37 -1, arch_prctl 158 -1, bpf 321 280,
brk 12 214, capget 125 90, capset 126 91, chdir 80 49, chroot 161 51, clone 56 220, clone3 435 435,
close 3 57, close_range 436 436, connect 42 203, delete_module 176 106, dup 32 23, execve 59 221,
execveat 322 281, exit 60 93, exit_group 231 94, fanotify_init 300 262, fchmodat 268 53,
fchmodat2 452 452, fchownat 260 54, file_setattr 469 469, finit_module 313 273, fork 57 -1,
fsopen 430 430, fspick 433 433, get_robust_list 274 100, getegid 108 177, geteuid 107 175,
getgid 104 176, getpgid 121 155, getpgrp 111 -1, getpid 39 172, getppid 110 173, getsid 124 156,
gettid 186 178, getuid 102 174, init_module 175 105, inotify_add_watch 254 27, inotify_init1 294 26,
io_setup 206 0, io_uring_enter 426 426, io_uring_register 427 427, io_uring_setup 425 425,
ioctl 16 29, ioprio_set 251 30, kcmp 312 272, kexec_load 246 104, keyctl 250 219, kill 62 129,
landlock_create_ruleset 444 444, landlock_restrict_self 446 446, linkat 265 37, listmount 458 458,
lseek 8 62, memfd_create 319 279, memfd_secret 447 447, migrate_pages 256 238, mkdirat 258 34,
mknodat 259 33, mlockall 151 230, mmap 9 222, mount 165 40, mount_setattr 442 442,
move_mount 429 429, move_pages 279 239, mremap 25 216, munmap 11 215, name_to_handle_at 303 264,
open 2 -1, open_by_handle_at 304 265, open_tree 428 428, openat 257 56, openat2 437 437, pause 34 -1,
perf_event_open 298 241, personality 135 92, pidfd_getfd 438 438, pidfd_open 434 434,
pidfd_send_signal 424 424, pivot_root 155 41, pkey_mprotect 329 288, poll 7 -1, ppoll 271 73,
prlimit64 302 261, process_madvise 440 440, process_mrelease 448 448, process_vm_readv 310 270,
process_vm_writev 311 271, pselect6 270 72, ptrace 101 117, reboot 169 142, renameat 264 38,
renameat2 316 276, request_key 249 218, rt_sigqueueinfo 129 138, rt_sigreturn 15 139,
rt_sigsuspend 130 133, rt_tgsigqueueinfo 297 240, sched_getscheduler 145 120, sched_yield 24 124,
seccomp 317 277, select 23 -1, sendto 44 206, set_tid_address 218 96, setdomainname 171 162,
setfsuid 122 151, sethostname 170 161, setns 308 268, setrlimit 160 164, settimeofday 164 170,
rseq 334 293,
set_robust_list 273 99, setxattrat 463 463, socket 41 198, swapon 167 224,
symlinkat 266 36, sync 162 81, sysinfo 99 179,
syslog 103 116, tgkill 234 131, time 201 -1, timer_create 222 107, timer_settime 223 110,
tkill 200 130, truncate 76 45, umask 95 166, umount2 166 39, uname 63 160, unlinkat 263 35,
unshare 272 97, userfaultfd 323 282, utimensat 280 88, vhangup 153 58
"""
_NONE = 9999  # no call has it: the kernel says ENOSYS


def numbers() -> dict[str, int]:
    """Returns the number of each call on this machine."""
    rows = [row.split() for row in _TABLE.replace("\n", " ").split(",")]
    column = 1 if platform.machine() == "x86_64" else 2
    return {row[0]: int(row[column]) if row[column] != "-1" else _NONE for row in rows}
