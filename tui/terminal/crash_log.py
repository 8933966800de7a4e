"""Report an unexpected error: two lines on the terminal, and the traceback in a log."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from llm_linalg.base.text import CleanText, clean, clean_lines

LONGEST = 300  # characters of the error's own words


def full_text(error: BaseException) -> CleanText:
    """Return the whole of an error, for a log.

    Its variables are left out: they may hold private data.
    """
    return clean_lines("".join(traceback.format_exception(error)))


def log_file() -> tuple[int, Path | None]:
    """Return a file of our own to write to, as a descriptor; where there is no place for one, nowhere."""
    try:
        handle, name = tempfile.mkstemp(prefix="llm-linalg-", suffix=".log")
    except OSError:
        return os.open(os.devnull, os.O_WRONLY), None
    return handle, Path(name)


def write_log(error: BaseException) -> Path | None:
    """Write an error to a log; return where that is, None if it is nowhere."""
    handle, log = log_file()
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as out:
        out.write(full_text(error))
    return log


_KNOWN: set[tuple[object, ...]] = set()


def log_once(error: BaseException) -> Path | None:
    """Write an error to a log, unless one of the same place has been; return where, None if nowhere."""
    places = tuple((one.filename, one.lineno) for one in traceback.extract_tb(error.__traceback__)[-3:])
    key = (type(error), *places)
    if key in _KNOWN:
        return None
    _KNOWN.add(key)
    return write_log(error)


def report(error: BaseException, log: Path | None) -> int:
    """Say an error in short and where its log is; return the exit code."""
    where = f"the whole of it is in {log}" if log is not None else "there was no place for a log"
    kind, words = type(error).__name__, str(error)
    what = clean(f"{kind}: {words}" if words else kind, LONGEST)
    if sys.stderr is not None:
        with suppress(OSError):
            sys.stderr.write(f"llm-linalg: {what}\nllm-linalg: {clean(where, None)}\n")
            sys.stderr.flush()
    return 1


@contextmanager
def in_threads(fail: Callable[[BaseException], None]) -> Iterator[None]:
    """Pass on what goes wrong in a thread, which Python would print and forget."""
    before = threading.excepthook

    def hook(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
            fail(args.exc_value)

    threading.excepthook = hook
    try:
        yield
    finally:
        threading.excepthook = before
