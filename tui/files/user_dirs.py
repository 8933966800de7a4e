"""The user's own folders, and a text kept in one of them: whole, and readable by nobody else."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from llm_linalg.base import file_io

Condition = Literal["absent", "sound", "damaged", "newer"]
STATE = ("XDG_STATE_HOME", ".local/state")
CONFIG = ("XDG_CONFIG_HOME", ".config")
LARGEST = 200_000  # bytes that are read


def folder(environment: Mapping[str, str], kind: tuple[str, str] = STATE) -> Path | None:
    """Return this program's folder of a kind, `STATE` or `CONFIG`; None where no home is known.

    A variable that is no absolute path counts for nothing, as the XDG specification says; macOS has the same
    folders. (platformdirs finds a home in the list of users where the environment has none, and some of its
    releases take a relative path: neither is to be written to.)
    """
    variable, below = kind
    top = Path(environment.get(variable, ""))
    if not top.is_absolute():
        top = Path(environment.get("HOME", "")) / below
    return top / "llm-linalg" if top.is_absolute() else None


def writable(place: Path | None) -> bool:
    """Return whether texts can be kept in a folder, which is made if it isn't there."""
    try:
        if place is not None:
            file_io.make_folder(place)
    except OSError:
        return False
    return place is not None and os.access(place, os.W_OK | os.X_OK)


def keep(path: Path, text: str) -> None:
    """Write a text in place of what is there, its folders made as needed. Raises OSError.

    What is no file of this folder is set aside.
    """
    file_io.make_folder(path.parent)
    if not _is_replaceable(path):
        file_io.set_aside(path)
    with file_io.FileReplacement(path, private=True) as file:
        file.write(text.encode("utf-8", "replace"))


def _is_replaceable(path: Path) -> bool:
    """Return whether a path is free, or a file's in this folder."""
    try:
        target = file_io.written_path(path)
        return target.is_file() or not os.path.lexists(target)
    except OSError:
        return False


def kept_text(text: str) -> str:
    """Return what `read` gives once a text was kept."""
    return text.encode("utf-8", "replace").decode("utf-8-sig").replace("\r\n", "\n")


def read(path: Path) -> str:
    """Return a file's text.

    Raises OSError, or ValueError for what is no text file of `LARGEST` bytes at most.
    """
    data = file_io.read_bytes(path, LARGEST + 1)
    if len(data) > LARGEST:
        raise ValueError(f"larger than {LARGEST} bytes")
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise ValueError("not UTF-8 text") from None


def read_own(path: Path) -> str:
    """Return the text that was kept in a folder of ours.

    Raises OSError, or ValueError for what is no text, or a link that leads out of the folder.
    """
    if path.is_symlink():
        file_io.written_path(path)
    return read(path)


def read_table(path: Path, newest: int) -> tuple[Condition, dict[str, Any]]:
    """Return how a JSON file that was kept in a folder of ours is, and the object that stands in it.

    Its `format` is a number: of a larger one than the `newest` known here nothing is read.
    """
    try:
        table = json.loads(read_own(path))
    except (FileNotFoundError, NotADirectoryError):
        return "damaged" if path.is_symlink() else "absent", {}
    except (OSError, ValueError, RecursionError):
        return "damaged", {}
    number = table.get("format") if isinstance(table, dict) else None
    if type(number) is not int:
        return "damaged", table if isinstance(table, dict) else {}
    return ("newer", {}) if number > newest else ("sound" if number == newest else "damaged", table)
