"""Where presenters are found: sockets in a folder that the user alone can enter."""

from __future__ import annotations

import os
import socket
import stat
import struct
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tui.files import user_dirs

SUFFIX = ".sock"
LONGEST_PATH = 100  # bytes: what every system takes for a socket
PATIENCE = 1.0  # seconds for a presenter to answer


class PlaceError(Exception):
    """Nobody can be met there; one line says why."""


def folder(environment: Mapping[str, str]) -> Path:
    """Return the folder of the sockets, made if needed, that nobody else can enter.

    Raises:
        PlaceError: If there is none, or it is somebody else's.
    """
    runtime = Path(environment.get("XDG_RUNTIME_DIR", ""))
    state = user_dirs.folder(environment)
    if runtime.is_absolute() and runtime.is_dir():
        place = runtime / "llm-linalg"
    elif state is not None:
        place = state / "stage"
    else:
        raise PlaceError("no folder of the user's is known: XDG_RUNTIME_DIR and HOME are not set")
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        about = place.lstat()
        if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.geteuid():
            raise PlaceError(f"{place} is not this user's own folder")
        if about.st_mode & 0o077:
            place.chmod(0o700)
    except OSError as error:
        raise PlaceError(f"{place}: {error.strerror or error}") from None
    return place


def listening_socket(place: Path) -> tuple[socket.socket, Path]:
    """Return a socket that listens, readable and writable by its owner alone, and its path.

    Raises:
        PlaceError: If it can't be made.
    """
    path = place / f"{os.getpid()}{SUFFIX}"
    waiting = path.with_name(f".{path.name}")  # under its name only when it answers
    if len(os.fsencode(waiting)) > LONGEST_PATH:
        raise PlaceError(f"the path of {place} is too long for a socket")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with suppress(FileNotFoundError):
            waiting.unlink()
        listener.bind(str(waiting))
        waiting.chmod(0o600)
        listener.listen(16)
        listener.setblocking(False)
        waiting.rename(path)
    except OSError as error:
        listener.close()
        raise PlaceError(f"{place}: {error.strerror or error}") from None
    return listener, path


def presenters(place: Path) -> list[Path]:
    """Return the sockets of presenters that live, the oldest first; those of dead ones are removed."""
    living = []
    with suppress(OSError):
        for path in place.iterdir():
            if path.suffix != SUFFIX or path.name.startswith("."):
                continue
            with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
                probe.settimeout(PATIENCE)
                try:
                    probe.connect(str(path))
                except ConnectionRefusedError:
                    path.unlink()  # nobody listens: it was left by one that died
                    continue
                living.append((path.stat().st_mtime, path))
    return [path for _, path in sorted(living)]


def same_user(peer: socket.socket) -> bool:
    """Return whether the other end is of this user.

    True where the system can't say, since the folder is closed.
    """
    try:
        if hasattr(socket, "SO_PEERCRED"):  # Linux: process, user, group
            data = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
            return bool(struct.unpack("3i", data)[1] == os.geteuid())
        if os.uname().sysname == "Darwin":  # LOCAL_PEERCRED of SOL_LOCAL: version, user
            data = peer.getsockopt(0, 1, struct.calcsize("2I"))
            return bool(struct.unpack("2I", data)[1] == os.geteuid())
    except OSError:
        return False
    return True
