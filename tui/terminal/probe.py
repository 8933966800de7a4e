"""Ask a terminal what it can do, and never wait long for one that doesn't answer."""

from __future__ import annotations

import os
import re
import select
import termios
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tui.terminal.background import QUESTION, is_light
from tui.terminal.background import answers as may_be_asked

PATIENCE = 0.5  # seconds in which a terminal has to answer
# Synchronized output, the mouse's long reports, the keyboard protocol, and last what every terminal answers.
QUESTIONS = b"\x1b[?2026$p\x1b[?1006$p\x1b[?u"
LAST = b"\x1b[c"
MODE = re.compile(rb"\x1b\[\?(\d+);(\d)\$y")
KEYBOARD = re.compile(rb"\x1b\[\?\d+u")
DEVICE = re.compile(rb"\x1b\[\?[\d;]*c")


@dataclass(frozen=True, slots=True)
class Answers:
    """What the terminal said; None where it said nothing."""

    anything: bool = False
    synchronized: bool | None = None
    mouse: bool | None = None
    keyboard: bool = False
    light: bool | None = None


def answers(data: bytes) -> Answers:
    """Return what these bytes of a terminal mean."""
    modes = {int(mode): state in (b"1", b"2", b"3") for mode, state in MODE.findall(data)}
    keyboard = bool(KEYBOARD.search(data))
    anything = bool(modes) or keyboard or bool(DEVICE.search(data))
    return Answers(anything, modes.get(2026), modes.get(1006), keyboard, is_light(data))


def ask(source: int, sink: int, term: str) -> Answers:
    """Put the questions that a terminal of this name understands to the one at these descriptors."""
    colour = QUESTION.encode() if may_be_asked(term) else b""
    data = b""
    with _unbuffered(source):
        os.write(sink, QUESTIONS + colour + LAST)
        end = time.monotonic() + PATIENCE
        while DEVICE.search(data) is None and (left := end - time.monotonic()) > 0:
            if select.select([source], [], [], left)[0]:
                piece = os.read(source, 1024)
                if not piece:
                    break
                data += piece
    return answers(data)


@contextmanager
def _unbuffered(source: int) -> Iterator[None]:
    """Read without echo and without waiting for a line; what is typed meanwhile is dropped."""
    before = termios.tcgetattr(source)
    try:
        tty.setcbreak(source, termios.TCSANOW)
        yield
    finally:
        termios.tcsetattr(source, termios.TCSAFLUSH, before)
