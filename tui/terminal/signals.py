"""The signals that end the app, handled from before the terminal is taken until it is given back."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

CODES = {"SIGTERM": 143, "SIGHUP": 129, "SIGINT": 130, "SIGQUIT": 131}
"""Signals that end the app with the terminal restored, and the exit code of each."""
ENDING = tuple(number for number in signal.Signals if number.name in CODES)  # some systems lack some


@contextmanager
def handle_signals(loop: asyncio.AbstractEventLoop, leave: Callable[[int], None]) -> Iterator[None]:
    """Call `leave` with the exit code of each of the signals; ignore them after the block.

    Closing a window sends several: the next one would cut off what is still being saved.
    """
    taken = []
    for number in ENDING:
        with suppress(NotImplementedError, ValueError, RuntimeError):  # no such loop, or not the main thread
            loop.add_signal_handler(number, leave, CODES[number.name])
            taken.append(number)
    try:
        yield
    finally:
        for number in taken:  # held back meanwhile: without a handler it would end the process
            before = signal.pthread_sigmask(signal.SIG_BLOCK, [number])
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def raise_on_signals() -> Iterator[None]:
    """Raise SystemExit with the exit code of each of the signals; ignore them after the block."""

    def end(number: int, _: object) -> None:
        for one in ENDING:  # of several the first one says which
            signal.signal(one, signal.SIG_IGN)
        raise SystemExit(CODES[signal.Signals(number).name])

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    for number in ENDING:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in ENDING:
            signal.signal(number, signal.SIG_IGN)


@contextmanager
def restore_handlers() -> Iterator[None]:
    """Let the signals do after the block what they did before it, for a script that goes on."""
    before = {number: signal.getsignal(number) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:  # None: not Python's to put back
                with suppress(ValueError):  # not the main thread, where none was taken either
                    signal.signal(number, handler)
