"""Reads the programs of `intrusions/*.txt`: one begins with `=== name | how success would show | options`.

An option is `seconds=N`, or `free` for a program that succeeds on every machine where there is no lock. Of a
bomb the second part says how it may end.

`@NAME@` in a program stands for a place or a number that the runner made, `@NR:name@` for the number of a
call of the kernel, a line `@SHARED:name@` for a file of `intrusions/shared`, `@C@` and `@MACHINE@` for the
lines with which a program calls libc and runs machine code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.room.call_numbers import numbers

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
