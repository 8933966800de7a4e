"""Write data: to standard output in UTF-8, whatever the locale, or to a file, whole or not at all."""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from llm_linalg.base.file_io import FileReplacement, write_all, written_path
from llm_linalg.base.text import CleanText, clean, elide_middle

if TYPE_CHECKING:
    from llm_linalg.base.errors import ProgramError


class WriteError(Exception):
    """Standard output can't take what is written to it."""


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether a standard stream leads to a terminal; one that is closed leads nowhere."""
    return stream is not None and stream.isatty()


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
    narrate(clean(f"llm-linalg: {message}", 2000))


def narrate(text: CleanText) -> None:
    """Write text to stderr, unless nobody is there to read it: its terminal may have gone."""
    if sys.stderr is not None:
        with suppress(OSError):
            print(text, file=sys.stderr)  # noqa: T201 - stderr is narration


def explain(error: ProgramError, place: str = "", *, with_line: bool = True) -> None:
    """Write an error to stderr, after the place of what is at fault: one screen.

    Below it is torch's own message, where the sentence is another, and the frames that led there.
    `with_line` is for a place that does not name the line: it is that of the program.
    """
    words = str(error)
    if not with_line and error.span is not None:
        words = words.removeprefix(f"line {error.line}, ")
    frames = [f"  from {frame}" for frame in error.frames[-8:]]
    detail = getattr(error, "detail", "").split("\n")[0]
    torch = [f"torch: {detail}"] if detail and detail not in error.message else []
    text = "\n".join([*f"{place}{words}".split("\n")[:12], *torch, *frames])
    narrate(clean(text, 4000, lines=True))


def not_saved(path: str, error: OSError) -> str:
    """Return in one line of a screen why a file can't be written."""
    return f"Not saved, {error.strerror or error}: {elide_middle(path, 36)}"


class Sink:
    """A place to write to: standard output, or a file that appears, whole, when the block ends well.

    A device or a pipe is written to directly. Raises OSError where the file can't be written, and for one
    that is shown: `export talk.md -o talk.md` would put the handout in place of the talk.

    Args:
        name: The file's path; None is standard output.
        sources: The files that what is written was made from.
    """

    def __init__(self, name: str | None, sources: Iterable[Path] = ()) -> None:
        self._path = None if name is None or descriptor_of(name) == 1 else Path(name)
        self._sources = tuple(sources)
        self._file: FileReplacement | None = None
        self._handle: int | None = None

    def __enter__(self) -> Sink:
        if self._path is None:
            return self
        number = descriptor_of(str(self._path))
        if number is not None:
            self._handle = os.dup(number)
            return self
        target = written_path(self._path)
        if target.exists() and not target.is_file():
            self._handle = os.open(target, os.O_WRONLY | os.O_NOCTTY)
            return self
        check_target(target, self._sources)
        self._file = FileReplacement(target)
        self._file.__enter__()
        return self

    def write(self, text: CleanText) -> None:
        """Write a piece of what is for people, and may be read with `cat`."""
        if self._path is None:
            write(text)
        else:
            self.keep(text)

    def keep(self, text: str) -> None:
        """Write a piece of the user's own to the file, exactly as it is."""
        data = text.encode("utf-8", "backslashreplace")
        if self._file is not None:
            self._file.write(data)
        elif self._handle is not None:
            write_all(self._handle, data)
        else:
            raise ValueError("what is kept exactly goes to a file")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.__exit__(kind, error, trace)
        elif self._handle is not None:
            os.close(self._handle)


def check_target(path: Path, sources: Iterable[Path]) -> None:
    """Raise OSError if a file to be written is one of those that are read."""
    for source in sources:
        if path.exists() and source.exists() and path.samefile(source):
            raise OSError(errno.EINVAL, "it is what is shown: choose another file")


def descriptor_of(name: str) -> int | None:
    """Return the open file of this process that a path such as /dev/stdout or /dev/fd/3 stands for, if any.

    Such a path is a link to what is open: a pipe without a name, or a file that others go on writing to.
    """
    match = re.fullmatch(r"/dev/(stdin|stdout|stderr)|/(?:dev|proc/self)/fd/([0-9]{1,6})", name)
    if match is None:
        return None
    return ("stdin", "stdout", "stderr").index(match[1]) if match[1] else int(match[2])
