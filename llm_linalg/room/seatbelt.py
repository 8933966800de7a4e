"""macOS' own lock. It has not been seen on such a machine: only the self-test says whether it holds."""

from __future__ import annotations

import ctypes
import errno
from collections.abc import Sequence

from llm_linalg.room.importable import Readable

# All is denied but to read these places, to look at paths (imports do), and to ask for the machine's facts.
_PROFILE = """(version 1)
(deny default)
(deny file-write* network* process-exec process-fork signal mach-lookup ipc* (with no-log))
(allow file-read-metadata)
(allow sysctl-read)
(allow signal (target self))
(allow file-read* {places})
"""


def profile(places: Sequence[Readable]) -> str:
    """Return the profile that allows to read these places, in the kernel's own language."""
    system = [
        '(subpath "/System/Library")',
        '(subpath "/usr/lib")',
        '(literal "/dev/null")',
        '(literal "/dev/urandom")',
    ]
    return _PROFILE.format(places=" ".join([*system, *map(_filter, places)]))


def _filter(place: Readable) -> str:
    path = place.path.replace("\\", "\\\\").replace('"', '\\"')
    return f'({"subpath" if place.folder and not place.listed else "literal"} "{path}")'


def restrict(places: Sequence[Readable]) -> None:
    """Lock this process.

    Raises:
        OSError: If the kernel refuses the profile.
    """
    library = ctypes.CDLL(None, use_errno=True)
    message = ctypes.c_char_p()
    if library.sandbox_init(profile(places).encode(), ctypes.c_uint64(0), ctypes.byref(message)):
        raise OSError(errno.EPERM, (message.value or b"sandbox_init").decode(errors="replace"))
