"""Runs programs of `intrusions/*.txt` in rooms, and judges each by what it did outside.

A process of its own, so that a program which ends the app ends no tests: its environment, its arguments, its
home, an inherited descriptor, its memory and a program that ran before hold marks, and it listens on every
kind of socket. It prints a line of JSON before and after each program.
"""

from __future__ import annotations

import atexit
import ctypes
import fcntl
import json
import os
import pty
import re
import resource
import shutil
import signal
import socket
import sqlite3
import sys
import sysconfig
import tarfile
import termios
import time
import traceback
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import shared_memory
from pathlib import Path
from secrets import token_hex
from typing import Any

import llm_linalg
from llm_linalg import HaltedError, LimitError, ProgramError, run
from llm_linalg.room.room_client import room
from tests.room.intrusion_programs import BOMBS, INTRUSIONS, Intrusion

_MARK = re.compile(r"MK_[0-9a-f]{16}_[A-Z]+")
# What a terminal would obey, or what reorders or hides text: nothing of it may come back.
_OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
_SIGNALS = (signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM, signal.SIGINT, signal.SIGIO, signal.SIGHUP)
_CHECK = "import torch\nx = torch.ones(2) * 21\nprint(x, torch.get_default_dtype(), torch.is_grad_enabled())"
_CHECKED = "tensor([21., 21.]) torch.float32 True\n"
_CHECKED_KINDS = {
    "bombs",
    "forged",
    "logs",
    "patches",
    "pipes",
    "places",
    "signals",
}  # after each: is the app whole?
_MOST_MEMORY = 400 << 20
_MOST_OF_A_BOMB = 1280 << 20  # a log's cells are copied once, and it holds 1 GB
_MOST_PROCESSOR = 3.0  # seconds of the app for one program
_AGAIN = 2
_LIMITS = [getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")]


def mark(kind: str) -> str:
    """Returns a text that is nowhere else, and that no program can name beforehand."""
    return f"MK_{token_hex(8)}_{kind}"


@dataclass
class Outcome:
    """What came of a program, as the app tells it."""

    how: str
    text: str
    """All text that came back: what was printed, the error, names and values."""
    printed: str
    faults: list[str] = field(default_factory=list)
    """Errors of the app's own, that no program should be able to cause."""
    ending: str = ""
    """The kind of its ending: `refused` if it was not run; with `-nowhere` if no line of it is known."""


def _told_of(trace: Any, outcome: Outcome) -> Iterator[str]:
    """Reads whatever a trace offers: all of it is data, and none may fail."""
    names = [
        "printed",
        "ending",
        "source",
        "names",
        "lines",
        "scopes",
        "labels",
        "lists",
        "gaps",
        "prints",
        "loss",
    ]
    nodes = [(node, None) for node in list(trace.nodes)[:20] + list(trace.nodes)[-5:]]
    for owner, wanted in ((trace, names), *nodes):
        for name in wanted or [one for one in dir(owner) if not one.startswith("_")]:
            try:
                value = getattr(owner, name)
                if not callable(value):
                    yield repr(value)[:20_000] if name != "ending" else str(value)
            except (LookupError, ValueError, llm_linalg.FormatError, LimitError, ProgramError):
                pass  # of a node that has no such thing
            except Exception as fault:  # noqa: BLE001 - whatever it is, it is a finding
                outcome.faults.append(f"reading {name}: {type(fault).__name__}: {fault}"[:300])


def attempt(text: str, seconds: float) -> Outcome:
    """Runs a program in a room."""
    outcome = Outcome("", "", "", ending="refused")
    trace: Any = None
    try:
        trace = run(text, seconds=seconds)
        outcome.how = "ran"
    except (ProgramError, LimitError, HaltedError) as error:
        outcome.how = f"{type(error).__name__}: {str(error)[:200]}"
        outcome.text += str(error)
        trace = getattr(error, "trace", None)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
        outcome.how = f"{type(error).__name__}: {str(error)[:200]}"
        outcome.faults.append(f"run raised {type(error).__module__}.{outcome.how}")
    if trace is not None:
        outcome.printed, outcome.ending = str(trace.printed), trace.ending.kind
        if trace.ending.kind != "done" and trace.ending.line is None:
            outcome.ending += "-nowhere"
        outcome.text += "\n".join(_told_of(trace, outcome))
    return outcome


def unlocked(text: str) -> Outcome:
    """Runs a program in a copy of this process, without a lock, to see that the attempt would succeed."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.dup2(writing, 1)
        os.dup2(writing, 2)
        signal.alarm(20)
        try:
            exec(text, {"__name__": "__main__"})  # noqa: S102 - none that harms is marked as `free`
        except BaseException:  # noqa: BLE001
            traceback.print_exc()
        sys.stdout.flush()
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, errors="replace") as told:
        printed = told.read()
    return Outcome(f"exit {os.waitpid(child, 0)[1]}", printed, printed)


class HangError(Exception):
    """The app works on and on."""


def _hangs(*_: object) -> None:
    raise HangError


class Outside:
    """What there is outside of the rooms, and what became of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home, self.out = folder / "home", folder / "out"
        self.marks = {
            kind: mark(kind) for kind in ("FILE", "NAME", "XATTR", "MEMORY", "SHM", "SYSV", "KEY", "TEXT")
        }
        self.marks["ENV"] = os.environ["MARK_ENV"]
        self.marks["ARGV"] = sys.argv[-1]
        self.told: list[str] = []
        self._make_files()
        self._listen()
        self._share()
        self._watch_itself()
        self.before = self._files()

    def _make_files(self) -> None:
        secret = self.marks["FILE"]
        for made in (self.home, self.out, self.out / "empty"):
            made.mkdir(exist_ok=True)
        (self.home / "secret.txt").write_text(secret)
        (self.home / self.marks["NAME"]).touch()
        (self.home / ".python_history").write_text(secret)
        (self.home / "secret_module.py").write_text(f"SECRET = {secret!r}\n")
        with zipfile.ZipFile(self.home / "secret.zip", "w") as archive:
            archive.writestr("inner", secret)
        with tarfile.open(self.home / "secret.tar", "w") as archive_of_tape:
            archive_of_tape.add(self.home / self.marks["NAME"], self.marks["NAME"])
        with sqlite3.connect(self.home / "secret.db") as link:
            link.execute("create table t (a)")
            link.execute("insert into t values (?)", (secret,))
        link.close()
        import numpy as np
        import torch

        np.save(self.home / "secret.npy", np.array([secret]))
        torch.save({secret: torch.ones(2)}, self.home / "secret.pt")
        self._make_out()
        self.inherited = os.open(self.home / "secret.txt", os.O_RDWR)
        os.set_inheritable(self.inherited, True)
        os.set_inheritable(os.open(self.home, os.O_RDONLY), True)

    def _make_out(self) -> None:
        for name in ("there", "other"):
            (self.out / name).write_text(name * 40)
        with suppress(OSError):
            os.setxattr(self.out / "there", "user.mark", b"x")
            os.setxattr(self.home / "secret.txt", "user.mark", self.marks["XATTR"].encode())
        with suppress(FileExistsError):
            (self.out / "link").symlink_to(self.home / "secret.txt")
        libraries = sorted(Path(sysconfig.get_path("platstdlib"), "lib-dynload").glob("*.so"))
        if libraries:
            shutil.copyfile(libraries[0], self.out / "outside.so")

    def _listen(self) -> None:
        self.listeners: list[socket.socket] = []
        self.abstract = "abstract" + token_hex(4)
        self.path = str(self.folder / "s")
        self.ports: dict[str, str] = {"TCP4": "1", "TCP6": "1", "UDP4": "1"}
        wanted = (
            ("TCP4", socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
            ("TCP6", socket.AF_INET6, socket.SOCK_STREAM, ("::1", 0)),
            ("UDP4", socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
            ("UNIX", socket.AF_UNIX, socket.SOCK_STREAM, self.path),
            ("DATAGRAMS", socket.AF_UNIX, socket.SOCK_DGRAM, self.path + ".datagrams"),
            ("ABSTRACT", socket.AF_UNIX, socket.SOCK_STREAM, "\0" + self.abstract),
        )
        for name, family, kind, place in wanted:
            with suppress(OSError):
                made = socket.socket(family, kind)
                made.bind(place)
                if kind == socket.SOCK_STREAM:
                    made.listen()
                made.setblocking(False)
                made.set_inheritable(True)
                self.listeners.append(made)
                if name in self.ports:
                    self.ports[name] = str(made.getsockname()[1])

    def _share(self) -> None:
        self.memory = ctypes.create_string_buffer(self.marks["MEMORY"].encode())
        self.shared = shared_memory.SharedMemory("mk" + token_hex(4), True, 4096)
        self._shared()[: len(self.marks["SHM"])] = self.marks["SHM"].encode()
        libc = ctypes.CDLL(None)
        libc.shmat.restype = ctypes.c_void_p
        self.key = int(token_hex(3), 16) + 1
        self.segment = int(libc.shmget(self.key, 4096, 0o1600))
        self.segment_at = libc.shmat(self.segment, None, 0)
        if self.segment >= 0:
            ctypes.memmove(self.segment_at, self.marks["SYSV"].encode(), len(self.marks["SYSV"]))
        self.key_name = "mk" + token_hex(4)
        secret = self.marks["KEY"].encode()
        if os.uname().machine == "x86_64":
            libc.syscall(248, b"user", self.key_name.encode(), secret, ctypes.c_size_t(len(secret)), -3)

    def _shared(self) -> memoryview:
        assert self.shared.buf is not None
        return self.shared.buf

    def _watch_itself(self) -> None:
        signal.signal(signal.SIGPROF, _hangs)
        for number in _SIGNALS:
            signal.signal(number, lambda got, _: self.told.append(f"signal {got}"))
        self.master, slave = pty.openpty()
        self.tty = os.ttyname(slave)
        os.set_blocking(self.master, False)
        with suppress(OSError):
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        os.dup2(slave, 0)
        os.close(slave)

    def close(self) -> None:
        """Takes away what would stay."""
        libc = ctypes.CDLL(None)
        libc.shmctl(self.segment, 0, None)
        self.shared.close()
        self.shared.unlink()

    @property
    def places(self) -> dict[str, str]:
        """What programs name by `@NAME@`."""
        return self.ports | {
            "SECRET": str(self.home / "secret.txt"),
            "HOME": str(self.home),
            "FOLDER": str(self.folder),
            "OUT": str(self.out),
            "UNIX": self.path,
            "ABSTRACT": self.abstract,
            "APP": str(os.getpid()),
            "GROUP": str(os.getpgrp()),
            "ADDRESS": str(ctypes.addressof(self.memory)),
            "SHM": self.shared.name.lstrip("/"),
            "KEY": str(self.key),
            "SHMID": str(self.segment),
            "KEYNAME": self.key_name,
            "TTY": self.tty,
            "SLICES": "x" + "[0:" * 80_000 + "]" * 80_000,
            "BRACKETS": "(" * 60_000 + ")" * 60_000,
            "MINUSES": "-" * 100_000,
            "SUM": "1 + " * 100_000,
            "LINES": "x = 1\n" * 50_000,
            "CHAIN": ".a().b[0]" * 20_000,
            "LONG": "x" * 10**7,
            "FEW_SLICES": "x" + "[0:" * 12_000 + "]" * 12_000,
            "FEW_BRACKETS": "(" * 24_000 + ")" * 24_000,
            "FEW_MINUSES": "-" * 49_000,
            "FEW_TERMS": "1+" * 24_000,
            "FEW_LINES": "x=1\n" * 12_000,
            "FEW_LINKS": ".a()" * 12_000,
            "FEW_BLOCKS": "".join(f"{' ' * depth}if 1:\n" for depth in range(90)) + " " * 90 + "x = 1",
        }

    def _files(self) -> dict[str, str]:
        told = {}
        for base in (self.home, self.out):
            for path in (base, *base.rglob("*")):
                status = path.lstat()
                kept: list[object] = [*status[:6]]  # from its mode to its group
                if path.is_symlink():
                    kept.append(str(path.readlink()))
                elif path.is_file():
                    kept += [status.st_mtime_ns, path.read_bytes(), os.listxattr(path)]
                told[str(path.relative_to(self.folder))] = str(kept)
        return told

    def _changed_files(self) -> Iterator[str]:
        now = self._files()
        for name in sorted(self.before.keys() | now.keys()):
            if self.before.get(name) != now.get(name):
                then = self.before.get(name, "not there")
                yield f"file {name}: {then[:80]} is {now.get(name, 'gone')[:80]}"
        if now != self.before:
            shutil.rmtree(self.out)
            (self.out / "empty").mkdir(parents=True)
            self._make_out()
            self.before = self._files()

    def _heard(self) -> Iterator[str]:
        for listener in self.listeners:
            with suppress(BlockingIOError):
                if listener.type == socket.SOCK_STREAM:
                    listener.accept()[0].close()
                    yield f"a connection to {listener.getsockname()!r}"
                else:
                    yield f"a datagram {listener.recv(99)!r}"

    def _own(self) -> dict[str, object]:
        pid = os.getpid()
        return {
            "limits": [resource.getrlimit(kind) for kind in _LIMITS],
            "priority": os.getpriority(os.PRIO_PROCESS, pid),
            "affinity": os.sched_getaffinity(pid),
            "scheduler": os.sched_getscheduler(pid),
            "group": os.getpgrp(),
            "session": os.getsid(0),
            "folder": str(Path.cwd()),
            "environment": dict(os.environ),
            "memory": self.memory.raw,
            "zygote": room().process or 0,
            "shared": bytes(self._shared()[:64]),
            "segment": ctypes.string_at(self.segment_at, 64) if self.segment >= 0 else b"",
        }

    def watch(self) -> Mapping[str, object]:
        """Returns what is to be the same afterwards."""
        self.told.clear()
        return self._own()

    def effects(self, before: Mapping[str, object], outcome: Outcome) -> list[str]:
        """Returns what a program did outside, and what came to be known of the outside."""
        told = [f"knows {kind}" for kind, secret in self.marks.items() if secret in outcome.text]
        told += [
            f"knows a mark {found}" for found in set(_MARK.findall(outcome.text)) - set(self.marks.values())
        ]
        if f"HOST:{os.uname().nodename}:" in outcome.text:
            told.append("knows the host's name")
        told += [f"says {line[:160]}" for line in outcome.printed.splitlines() if line.startswith("ESCAPED")][
            :5
        ]
        told += self._changed_files()
        told += self._heard()
        told += self.told
        told += [
            f"{name} of the app: {before[name]} is {value}"[:300]
            for name, value in self._own().items()
            if before[name] != value
        ]
        with suppress(BlockingIOError):
            told.append(f"terminal shows {os.read(self.master, 4096)!r}"[:200])
        waiting = fcntl.ioctl(0, termios.FIONREAD, bytes(4))
        if any(waiting):
            told.append(f"terminal has {int.from_bytes(waiting, sys.byteorder)} keys")
            termios.tcflush(0, termios.TCIFLUSH)
        return told


def _kilobytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _say(**told: object) -> None:
    print(json.dumps(told), flush=True)  # noqa: T201


JOINT = """\
for number, text in {texts!r}:
    print("TRIED", number)
    try:
        exec(text, {{"__name__": "__main__", "print": print}})
    except BaseException as error:
        print(error)
"""
_MOST_JOINED = 12


def _jointly(outside: Outside, numbers: list[int], seconds: float) -> tuple[list[int], bool]:
    """Runs several programs in one process; returns which it came to, and whether nothing of any got out."""
    texts = [(number, INTRUSIONS[number].program(outside.places)) for number in numbers]
    joint = Intrusion("joint", "", "", JOINT.format(texts=texts), seconds + len(numbers), is_free=False)
    told, outcome = _one(outside, joint, seconds, locked=True)
    tried = re.findall(r"^TRIED (\d+)$", outcome.printed, flags=re.MULTILINE)
    return [int(number) for number in tried], not told["effects"] and not told["faults"]


def _one(outside: Outside, one: Intrusion, seconds: float, *, locked: bool) -> tuple[dict[str, Any], Outcome]:
    limit = one.seconds or seconds
    text = one.program(outside.places)
    before, memory, started = outside.watch(), _kilobytes(), time.monotonic()
    worked = time.process_time()
    if locked:  # an exception out of the alarm shows that the app would hang
        signal.setitimer(signal.ITIMER_PROF, _MOST_PROCESSOR)
    outcome = attempt(text, limit) if locked else unlocked(text)
    signal.setitimer(signal.ITIMER_PROF, 0)
    took, processor = time.monotonic() - started, time.process_time() - worked
    effects = outside.effects(before, outcome)
    grown = (_kilobytes() - memory) << 10
    most = _MOST_OF_A_BOMB if one.kind == "bombs" else _MOST_MEMORY
    if grown > most and locked:
        effects.append(f"memory of the app grew by {grown >> 20} MB")
    if found := sorted(set(_OBEYED.findall(outcome.text.replace("\\x", "")))):
        effects.append(f"a terminal would obey {found!r}")
    told = {"effects": effects, "faults": outcome.faults, "how": outcome.how, "ending": outcome.ending}
    return {**told, "took": took, "processor": processor}, outcome


def main() -> None:
    """Runs the programs that the last argument but one names, by their numbers, in the folder before it."""
    folder, kind, seconds, numbers = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]), sys.argv[4]
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for kind_of_limit, most in (
        (resource.RLIMIT_DATA, 12 << 30),
        (resource.RLIMIT_CPU, 900),
        (resource.RLIMIT_FSIZE, 2 << 30),
    ):
        resource.setrlimit(kind_of_limit, (most, most))
    table = BOMBS if kind == "bombs" else INTRUSIONS
    os.chdir(folder)
    outside = Outside(folder)
    atexit.register(outside.close)
    locked = kind != "unlocked"
    if locked:
        earlier = f"# {outside.marks['TEXT']}\nkept = '{outside.marks['TEXT']}' * 99\nprint(len(kept))"
        run(earlier)
        import torch

        run(f"import torch\nsecret = torch.full((3,), {424242})\nlater = secret * 1")
        _ = torch.ones(1)
    left = [int(number) for number in numbers.split(",")]
    quiet: set[int] = set()
    alone: set[int] = set()
    for place, number in enumerate(left):
        one = table[number]
        _say(began=number)
        if locked and one.is_joined and number not in alone:
            joined = [other for other in left[place:] if table[other].is_joined and other not in alone]
            tried, is_quiet = _jointly(outside, joined[:_MOST_JOINED], seconds)
            alone |= {number, *tried}
            # With the last one the process may have ended, or its time.
            quiet.update(
                (tried if len(tried) == len(joined[:_MOST_JOINED]) else tried[:-1]) if is_quiet else []
            )
        if number in quiet:
            _say(number=number, effects=[], faults=[])
            continue
        told, _ = _one(outside, one, seconds, locked=locked)
        for _ in range(_AGAIN):  # a machine that was busy is asked again
            if not any(HangError.__name__ in fault for fault in told["faults"]):
                break
            told, _ = _one(outside, one, seconds, locked=locked)
        if locked and (one.kind in _CHECKED_KINDS or number % 10 == 0):
            started = time.monotonic()
            check = attempt(_CHECK, 10)
            told["check"] = time.monotonic() - started
            if check.printed != _CHECKED or check.faults:
                told["effects"].append(f"the next run is not whole: {check}"[:300])
        _say(number=number, **told)
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    _say(
        user=os.getuid(),
        processor=sum(one.ru_utime + one.ru_stime for one in usage),
    )


if __name__ == "__main__":
    main()
