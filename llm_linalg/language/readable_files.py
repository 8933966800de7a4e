"""Files that a program may read: text and weights beside its document, once its reader has said so.

Nothing is readable until `allow` names a folder, or `allowing` some files in one. Then `open` finds named
files of text in that folder and those within it, and gives their text, as `weight_files` does with tensors;
nothing is written, and no link is followed out of the folder.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

from llm_linalg.base.errors import LimitError
from llm_linalg.base.file_io import read_bytes
from llm_linalg.base.short_repr import short_repr
from llm_linalg.language.refusal import RefusalError
from llm_linalg.language.run_function import RunFunction

MOST_BYTES = 2_000_000  # of one file: the texts of most lectures are smaller
MOST_FILES = 50  # of one run
TEXTS = frozenset([".txt", ".csv", ".tsv", ".json", ".md", ".dat", ".text"])
WEIGHTS = frozenset([".pt", ".pth", ".ckpt", ".bin", ".npy", ".npz", ".safetensors"])
CLOSED = "a program reads no files, unless you let it: with --read, or the key that the app names"
_READING = re.compile(r"r?t?|tr")
_LITERAL = re.compile(r"""(?<!\\)(["'])([^"'\n\\]{1,200}?\.\w{1,11})\1""")
_ENCODINGS = frozenset(["utf-8", "utf8", "ascii", "latin-1", "utf-8-sig"])


class _Folder:
    """The folder in which files may be read, and the names of those that were.

    Attributes:
        path: The folder; None while nothing may be read.
        only: The files that may be read there; None for all that are of text or of weights.
        names: What was read, with its size in bytes.
    """

    def __init__(self) -> None:
        self.path: Path | None = None
        self.only: frozenset[Path] | None = None
        self.names: dict[str, int] = {}


_FOLDER = _Folder()


def allow(folder: Path) -> None:
    """Let the programs of this process read text and weights in a folder."""
    _FOLDER.path, _FOLDER.only = folder.resolve(), None
    _FOLDER.names.clear()


def forbid() -> None:
    """Let them read nothing, as at the start."""
    _FOLDER.path = _FOLDER.only = None
    _FOLDER.names.clear()


@contextmanager
def allowing(folder: Path, names: Collection[str]) -> Iterator[None]:
    """Let the programs of this process read some files in a folder for a while, if none are allowed yet."""
    if _FOLDER.path is not None or not names:
        yield
        return
    _FOLDER.path = folder.resolve()
    _FOLDER.only = frozenset((folder / name).resolve() for name in names)
    _FOLDER.names.clear()
    try:
        yield
    finally:
        forbid()


def allows_all() -> bool:
    """Return whether programs may read all text and weights in a folder."""
    return _FOLDER.path is not None and _FOLDER.only is None


def files_named(text: str, folder: Path) -> tuple[str, ...]:
    """Return the files in a folder that a program names and that it could be allowed to read, sorted."""
    folder = folder.resolve()
    named = {found[2] for found in _LITERAL.finditer(text)}
    return tuple(name for name in sorted(named) if _is_there(name, folder))[:MOST_FILES]


def _is_there(name: str, folder: Path) -> bool:
    try:
        return _path_of(name, folder, TEXTS | WEIGHTS).is_file()
    except (RefusalError, OSError):
        return False


def files_read() -> Mapping[str, int]:
    """Return the names of the files that were read since it was allowed, each with its size in bytes."""
    return dict(_FOLDER.names)


class TextFile:
    """An open file of text, as a program has it."""

    __slots__ = ("lines", "name", "place")

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.lines = StringIO(text).readlines()  # `splitlines` also ends them at a form feed and the like
        self.place = 0

    def rest(self) -> list[str]:
        """Return the lines that were not read yet; now they are."""
        lines, self.place = self.lines[self.place :], len(self.lines)
        return lines

    def next_line(self) -> str:
        """Return the next line; empty at the end."""
        self.place += 1
        return self.lines[self.place - 1] if self.place <= len(self.lines) else ""

    def __repr__(self) -> str:
        return f"<_io.TextIOWrapper name={self.name!r} mode='r' encoding='UTF-8'>"


def _open(run: Any, name: Any, mode: Any = "r", encoding: Any = None, **others: Any) -> TextFile:
    """Do what `open` does, for reading text in the folder that was allowed.

    Raises:
        RefusalError: If nothing may be read, or not this.
        ProgramError: If there is no such file.
        LimitError: If it is too large, or there are too many.
    """
    if _FOLDER.path is None:
        raise RefusalError(CLOSED)
    if not isinstance(mode, str) or not _READING.fullmatch(mode):
        raise RefusalError("a file is opened for reading text alone: open(name)")
    if others.keys() - {"newline", "errors"} or (encoding is not None and encoding not in _ENCODINGS):
        raise RefusalError("open takes a name and encoding='utf-8' here")
    data = read_allowed(run, name, TEXTS, MOST_BYTES)
    kind = "utf-8" if encoding is None else encoding
    return TextFile(str(name), data.decode(kind).replace("\r\n", "\n").replace("\r", "\n"))


def read_allowed(run: Any, name: Any, suffixes: Collection[str], most: int) -> bytes:
    """Return what a file in the allowed folder holds, and note that it was read.

    Args:
        run: The run, which is charged.
        name: What the program calls the file.
        suffixes: What its name may end in.
        most: How many bytes it may have.

    Raises:
        RefusalError: If nothing may be read, or not this.
        ProgramError: If there is no such file.
        LimitError: If it is too large, or there are too many.
    """
    if _FOLDER.path is None:
        raise RefusalError(CLOSED)
    path = _path_of(name, _FOLDER.path, suffixes)
    if _FOLDER.only is not None and path not in _FOLDER.only:
        raise RefusalError(f"{short_repr(name)} is none of the files that you let the program read")
    if len(_FOLDER.names) >= MOST_FILES and str(name) not in _FOLDER.names:
        raise LimitError(f"more than {MOST_FILES} files")
    run.budget.step(1_000)
    try:
        data = read_bytes(path, most + 1)
    except ValueError:
        raise RefusalError(f"{short_repr(name)} is no file") from None
    except FileNotFoundError:
        words = f"[Errno 2] No such file or directory: {str(name)!r}"
        raise run.error(
            f"no file {short_repr(name)} lies beside the document", run.current, FileNotFoundError(words)
        ) from None
    except OSError as error:
        raise RefusalError(f"{short_repr(name)} can't be read: {error.strerror}") from None
    if len(data) > most:
        raise LimitError(f"{short_repr(name)} has more than {most:,} bytes")
    run.budget.step(len(data) // (8 if suffixes is TEXTS else 500))  # text is gone through, bytes are copied
    _FOLDER.names[str(name)] = len(data)
    return data


def _path_of(name: Any, folder: Path, suffixes: Collection[str]) -> Path:
    """Return where a named file lies, if it lies in the folder.

    Raises:
        RefusalError: If it is outside, hidden, or ends in something else.
    """
    if not isinstance(name, str) or not name or len(name) > 200 or "\0" in name:
        raise RefusalError(f"a file is opened by its name, not by {short_repr(name)}")
    path = Path(name)
    _check_path(path, name, suffixes)
    try:
        found = (folder / path).resolve()
    except (OSError, RuntimeError):
        raise RefusalError(f"{short_repr(name)} can't be read") from None
    if not found.is_relative_to(folder):
        raise RefusalError(f"{short_repr(name)} leads out of the document's folder")
    _check_path(found.relative_to(folder), name, suffixes)  # a link may lead to a hidden file
    return found


def _check_path(path: Path, name: str, suffixes: Collection[str]) -> None:
    hidden = any(part.startswith(".") and part != "." for part in path.parts)
    if path.is_absolute() or hidden:
        raise RefusalError(f"{short_repr(name)} does not lie beside the document, or is hidden")
    if path.suffix.lower() not in suffixes:
        kinds = ", ".join(sorted(suffixes))
        raise RefusalError(f"{short_repr(name)} is no file that can be read so: that can {kinds}")


def _read(run: Any, file: TextFile) -> str:
    lines = file.rest()
    run.budget.step(len(lines))
    return "".join(lines)


def _read_lines(run: Any, file: TextFile) -> list[str]:
    lines = file.rest()
    run.budget.step(len(lines))
    return lines


def lines_of(file: TextFile) -> Iterator[str]:
    """Yield the lines that were not read yet."""
    while line := file.next_line():
        yield line


OPEN = RunFunction("open", _open)
METHODS: Mapping[str, Callable[..., Any] | RunFunction] = {
    "read": RunFunction("read", _read),
    "readlines": RunFunction("readlines", _read_lines),
    "readline": TextFile.next_line,
    "close": lambda _file: None,
}
"""The methods of an open file."""
ATTRIBUTES: Mapping[str, Callable[[TextFile], Any]] = {"name": lambda file: file.name}
"""Its attributes."""
