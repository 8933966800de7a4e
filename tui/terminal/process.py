"""The process of the app: start without garbage collection, be interrupted, end while a run is under way."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

RUN_THREAD = "llm-linalg run"  # the name of the threads that run programs
GRACE = 0.5  # seconds in which a run may come to its next call, and end

_held = False


def hold_collection() -> None:
    """Collect no garbage until `resume_collection`; nothing happens where none is collected anyway.

    A start makes hundreds of thousands of objects that all stay, torch's most of all. Looking through them
    again and again takes a tenth of the start, and afterwards a collection in the midst of a step.
    """
    global _held  # noqa: PLW0603 - the collector is the process's too
    if gc.isenabled():
        _held = True
        gc.disable()


def resume_collection() -> None:
    """Collect again, but for what there is now, which is left alone; only after a `hold_collection`."""
    global _held  # noqa: PLW0603
    if _held:
        _held = False
        gc.freeze()
        gc.enable()


@contextmanager
def interrupt_key(key: bytes) -> Iterator[None]:
    """Have one more key interrupt this process, as `^C` does, where it has a terminal and is its main thread.

    A terminal knows one key for that alone, so this takes the place of the one that quits.
    """
    main = threading.current_thread() is threading.main_thread()
    if sys.stdin is None or not sys.stdin.isatty() or not main:
        yield
        return
    try:
        import termios
    except ImportError:  # a system without terminals of this kind
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    handler = signal.signal(signal.SIGQUIT, signal.default_int_handler)
    modes = termios.tcgetattr(sys.stdin)
    modes[6][termios.VQUIT] = key
    termios.tcsetattr(sys.stdin, termios.TCSADRAIN, modes)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
        signal.signal(signal.SIGQUIT, handler)


def leave(code: int) -> int:
    """Return the exit code; with a run still in a call, end the process here, since Python would wait.

    Such a run is code of the user's own, which can't be stopped. Torch, taken down under it, may
    end the process by a signal: so nothing is taken down.
    """
    running = [thread for thread in threading.enumerate() if thread.name == RUN_THREAD]
    for thread in running:
        thread.join(GRACE)
    if not any(thread.is_alive() for thread in running):
        return code
    for stream in (sys.__stdout__, sys.__stderr__):
        with suppress(OSError, ValueError):
            if stream is not None:
                stream.flush()
    os._exit(code)
