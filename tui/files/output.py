"""Write data: to standard output in UTF-8, whatever the locale, or to a file, whole or not at all."""

from __future__ import annotations

import os
import secrets
import stat
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from llm_linalg.base.text import CleanText, clean

if TYPE_CHECKING:
    from llm_linalg.base.errors import ProgramError


class WriteError(Exception):
    """Standard output can't take what is written to it."""


def write(text: CleanText) -> None:
    """Write data to standard output, in UTF-8, and hand it on at once.

    Raises:
        BrokenPipeError: If the reader has gone.
        WriteError: For anything else that is wrong with it: closed, or on a disk that is full.
    """
    out: TextIO | None = sys.stdout
    if out is None:
        raise WriteError("standard output is closed")
    try:
        _write(out, text)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise WriteError(f"cannot write to standard output: {error.strerror or error}") from None


def _write(out: TextIO, text: str) -> None:
    buffer = getattr(out, "buffer", None)
    if buffer is None:  # a stream that somebody put in its place
        out.write(text)
    else:
        buffer.write(text.encode("utf-8", "backslashreplace"))
        buffer.flush()


def say(message: str) -> None:
    """Write one line to stderr."""
    if sys.stderr is not None:
        print(f"llm-linalg: {clean(message, 2000)}", file=sys.stderr)  # noqa: T201 - stderr is narration


def explain(error: ProgramError, place: str = "") -> None:
    """Write an error to stderr, after the place of what is at fault: one screen.

    Below it is torch's own message, where the sentence is another, and the frames that led there.
    """
    frames = [f"  from {frame}" for frame in error.frames[-8:]]
    detail = getattr(error, "detail", "").split("\n")[0]
    torch = [f"torch: {detail}"] if detail and detail not in error.message else []
    text = "\n".join([*f"{place}{error}".split("\n")[:12], *torch, *frames])
    if sys.stderr is not None:
        print(clean(text, 4000, lines=True), file=sys.stderr)  # noqa: T201 - stderr is narration


class Sink:
    """A place to write to: standard output, or a file that appears, whole, when the block ends well.

    A device or a pipe is written to directly. Raises OSError where the file can't be written.

    Args:
        name: The file's path; None is standard output.
        private: Whether the file is its owner's alone. Such a file takes the place of a device or a pipe.
        errors: What becomes of a character that UTF-8 has no bytes for, as `str.encode` names it.
    """

    def __init__(self, name: str | None, *, private: bool = False, errors: str = "backslashreplace") -> None:
        self._private, self._errors = private, errors
        self._path = None if name is None else Path(os.path.realpath(name))
        self._part: Path | None = None
        self._handle: int | None = None

    def __enter__(self) -> Sink:
        if self._path is None:
            return self
        if not self._private and self._path.exists() and not self._path.is_file():
            self._handle = os.open(self._path, os.O_WRONLY)
            return self
        self._part = self._path.with_name(f".{self._path.name[:80]}.{secrets.token_hex(8)}")
        try:  # a signal may end this as soon as the file is there: `mkstemp` would not have said its name yet
            self._handle = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            raise
        except BaseException:
            with suppress(OSError):
                self._part.unlink()
            raise
        return self

    def write(self, text: CleanText) -> None:
        """Write a piece of what is for people, and may be read with `cat`."""
        if self._handle is None:
            write(text)
        else:
            self.keep(text)

    def keep(self, text: str) -> None:
        """Write a piece of the user's own to the file, exactly as it is."""
        if self._handle is None:
            raise ValueError("what is kept exactly goes to a file")
        data = memoryview(text.encode("utf-8", self._errors))
        while data:
            data = data[os.write(self._handle, data) :]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._handle is None:
            return
        try:
            if kind is None and self._part is not None and self._path is not None:
                os.fsync(self._handle)
                if not self._private:  # it was made so
                    self._part.chmod(_mode(self._path))
                self._part.replace(self._path)
                self._part = None
        finally:
            try:
                os.close(self._handle)
            finally:
                if self._part is not None:
                    with suppress(OSError):
                        self._part.unlink()


def _mode(path: Path) -> int:
    """Return the permissions of the file that is replaced, or those of a new one."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask
