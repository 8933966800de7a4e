"""Read and write the user's files: bounded, whole or not at all, and never elsewhere through a link.

A file that is written appears under its name only when all of it is on the disk; until then it has another
name beside it, under which a killed process may leave it.
A link is followed within its folder. One that leads out of it is refused: whoever could put it there would
else decide which of the user's files is written over.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

PRIVATE = 0o600
MOST_COPIES = 20
LONGEST_WAIT = 0.5  # seconds


def read_bytes(path: Path, most: int) -> bytes:
    """Return at most `most` bytes from the start of a file.

    Raises:
        OSError: If it can't be read.
        ValueError: If it is no file: a pipe or a device may never end, and some files in /proc neither.
    """
    if path.exists() and not path.is_file():  # opening a device may do something
        raise ValueError("not a file")
    pieces = []
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("not a file")
        while most > 0 and (piece := os.read(descriptor, min(most, 1 << 20))):
            pieces.append(piece)
            most -= len(piece)
    except BlockingIOError:
        raise ValueError("not a file") from None
    finally:
        os.close(descriptor)
    return b"".join(pieces)


def lies_in(name: str, folder: Path) -> bool:
    """Return whether a name leads to a file in a folder, and neither out of it nor to what is hidden."""
    try:
        root = folder.resolve()
        place = (root / name).resolve()
        if Path(name).is_absolute() or not place.is_relative_to(root) or not place.is_file():
            return False
        parts = (*Path(name).parts, *place.relative_to(root).parts)
    except (OSError, RuntimeError, ValueError):
        return False
    return not any(part.startswith(".") and part != "." for part in parts)


def written_path(path: Path) -> Path:
    """Return where a file is written: `path`, or where a link leads within the folder.

    Raises:
        OSError: If it is a link that leads out of its folder.
    """
    if path.name in ("", ".."):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    folder = Path(os.path.realpath(path.parent))
    target = Path(os.path.realpath(folder / path.name))
    if not target.is_relative_to(folder):
        raise OSError(errno.ELOOP, "it is a link that leads out of its folder")
    return target


def set_aside(path: Path) -> Path:
    """Rename what is at a path, a link itself, to NAME.bak, or NAME.bak2 and so on; return the new path."""
    copy = free_copy(path)
    path.rename(copy)
    return copy


def free_copy(path: Path) -> Path:
    """Return the path that a copy of a file can have: NAME.bak, or NAME.bak2 and so on. Raises OSError."""
    for number in range(1, MOST_COPIES + 1):
        copy = path.with_name(f"{path.name}.bak{'' if number == 1 else number}")
        if not os.path.lexists(copy):
            return copy
    raise FileExistsError(errno.EEXIST, f"there are {MOST_COPIES} copies of it already")


@contextmanager
def lock_folder(path: Path) -> Iterator[None]:
    """Let no other process of ours into a folder meanwhile, as far as the system has such locks.

    One that holds it for long may have been stopped: after `LONGEST_WAIT` it is not waited for.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        yield
        return
    try:
        until = time.monotonic() + LONGEST_WAIT
        while not _lock(handle) and time.monotonic() < until:
            time.sleep(0.002)
        yield
    finally:
        os.close(handle)


def make_folder(path: Path) -> None:
    """Make a folder that its owner alone can enter, if there is none, and those above it."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)


class FileReplacement:
    """A file that appears, whole, in place of what was there, when the block ends well.

    Else nothing changes. Every method raises OSError where the file can't be written.

    Args:
        path: Its path.
        private: Whether it becomes its owner's alone; else it keeps the permissions of what it replaces.
    """

    def __init__(self, path: Path, *, private: bool = False) -> None:
        self._path = path
        self._private = private
        self._folder = self._handle = self._mode = -1
        self._name = self._part = ""

    def __enter__(self) -> FileReplacement:
        target = written_path(self._path)
        self._name = target.name
        # The name alone could lead elsewhere later, if somebody else may write to a folder above.
        kind = getattr(os, "O_PATH", os.O_RDONLY)
        self._folder = os.open(target.parent, kind | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            self._mode = PRIVATE if self._private else self._permissions()
            # A name of at most 255 bytes, known before the file is there: `mkstemp` would say it too late.
            self._part = f".{self._name[:40]}.{os.urandom(8).hex()}"
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            self._handle = os.open(self._part, flags, PRIVATE, dir_fd=self._folder)
        except BaseException:  # a signal may end this as soon as the file is there
            self._discard()
            os.close(self._folder)
            raise
        return self

    def _permissions(self) -> int:
        """Return the permissions of the file that is replaced, or those of a new one.

        Raises:
            OSError: For what is no ordinary file.
        PermissionError: For a file that the user can't write, though they could replace it.
        """
        try:
            mode = os.stat(self._name, dir_fd=self._folder).st_mode
        except FileNotFoundError:
            mask = os.umask(0)
            os.umask(mask)
            return 0o666 & ~mask
        if not stat.S_ISREG(mode):  # a device or a pipe would be gone
            raise OSError(errno.EINVAL, "it is no ordinary file")
        if not os.access(self._name, os.W_OK, dir_fd=self._folder, effective_ids=True):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return stat.S_IMODE(mode)

    def write(self, data: bytes) -> None:
        """Write a piece."""
        write_all(self._handle, data)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                os.fsync(self._handle)
                os.fchmod(self._handle, self._mode)
                os.replace(self._part, self._name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
                self._part = ""
        finally:
            try:
                os.close(self._handle)
            finally:
                self._discard()
                os.close(self._folder)

    def _discard(self) -> None:
        if self._part:
            with suppress(OSError):
                os.unlink(self._part, dir_fd=self._folder)


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of some bytes to an open file."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _lock(handle: int) -> bool:
    """Lock a folder until it is closed; whether nobody else has."""
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
