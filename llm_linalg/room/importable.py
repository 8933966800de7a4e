"""Which files a locked process may read: what the interpreter can import, and one folder of the user's.

The process is started without the user's environment, and imports what the app's interpreter does all the
same: `search_path` is taken there, `adopt` sets it here, and `.pth` files and finders of editable installs do
their part. What may be read follows from that. Of a folder that is not made for packages (a project that is
installed in place, one that PYTHONPATH names) only packages and modules may be: not its data, its history,
nor what is hidden in a package.
"""

from __future__ import annotations

import importlib.util
import os
import site
import stat
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

MOST_ENTRIES = 20_000  # of the user's folder; what is beyond stays closed
_PACKAGE_FOLDERS = ("site-packages", "dist-packages")
_MODULE_ENDINGS = (".py", ".pyc", ".so", ".zip")


class Readable(NamedTuple):
    """A file, or a folder with all that is below it."""

    path: str
    folder: bool
    listed: bool = False  # a folder of which only the names may be read


def search_path() -> list[str]:
    """Return the folders of packages that this interpreter knows and another might not."""
    named = {
        str(Path(entry).absolute()) for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry
    }
    return [
        entry
        for entry in sys.path
        if Path(entry).is_absolute() and (Path(entry).name in _PACKAGE_FOLDERS or entry in named)
    ]


def adopt(entries: list[str]) -> None:
    """Import from the folders of `search_path`, in their order; their `.pth` files are heeded."""
    for entry in entries:
        if entry not in sys.path:
            if Path(entry).name in _PACKAGE_FOLDERS:
                site.addsitedir(entry)
            if entry not in sys.path:
                sys.path.append(entry)
    places = {entry: place for place, entry in enumerate(entries)}
    own = [entry for entry in sys.path if entry not in places]
    sys.path[:] = own + sorted((entry for entry in sys.path if entry in places), key=places.__getitem__)
    # A first look lets the finders list their folders, which a locked process may not.
    importlib.util.find_spec("_llm_linalg_none")


def importable() -> list[Readable]:
    """Return what may be read for imports: libraries, packages, and what those are linked with."""
    home = Path(__file__).resolve().parents[1]
    folders = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"), str(home)}
    places: list[Readable] = []
    for entry in filter(os.path.isabs, sys.path):
        if Path(entry).name in _PACKAGE_FOLDERS or entry.endswith("lib-dynload"):
            folders.add(entry)
        elif Path(entry).is_dir() and not any(Path(entry).is_relative_to(folder) for folder in folders):
            places += _modules_of(entry)
        elif Path(entry).is_file():
            places.append(Readable(entry, folder=False))
    places += [Readable(folder, folder=True) for folder in sorted(folders) if Path(folder).is_dir()]
    places += _mapped_packages()
    places += _linked_libraries(folders)
    zones = "/usr/share/zoneinfo"
    return [*places, Readable(zones, folder=True)] if Path(zones).is_dir() else places


def _modules_of(entry: str) -> Iterator[Readable]:
    """Yield the packages and modules that lie in a folder of the search path."""
    for item in _entries(entry):
        if item.name.startswith("."):
            continue
        if item.is_dir():
            if any(Path(item.path).glob("*.py")):
                yield from user_folder(item.path)
        elif item.name.endswith(_MODULE_ENDINGS):
            yield Readable(item.path, folder=False)


def _entries(folder: str) -> list[os.DirEntry[str]]:
    """Return what lies in a folder, by name; nothing if that can't be read."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda one: one.name)
    except OSError:
        return []


def _mapped_packages() -> Iterator[Readable]:
    """Yield what finders of editable installs know by name: setuptools' map packages to paths."""
    for finder in sys.meta_path:
        module = sys.modules.get(getattr(finder, "__module__", None) or type(finder).__module__)
        mapping = vars(module).get("MAPPING") if module is not None else None
        if isinstance(mapping, dict):
            for path in map(str, mapping.values()):
                for candidate in (path, f"{path}.py"):
                    if Path(candidate).is_dir():
                        yield from user_folder(candidate)
                    elif Path(candidate).exists():
                        yield Readable(candidate, folder=False)


def _linked_libraries(folders: set[str]) -> Iterator[Readable]:
    """Yield the shared libraries beside those that are loaded already, outside of what is readable anyhow."""
    try:
        maps = Path("/proc/self/maps").read_text(errors="replace")
    except OSError:
        return
    loaded = {line.split(maxsplit=5)[-1] for line in maps.splitlines() if ".so" in line and "/" in line}
    for folder in sorted({str(Path(path).parent) for path in loaded}):
        if not any(Path(folder).is_relative_to(other) for other in folders):
            libraries = (item for item in _entries(folder) if ".so" in item.name and item.is_file())
            yield from (Readable(item.path, folder=False) for item in libraries)
    if Path("/etc/ld.so.cache").exists():
        yield Readable("/etc/ld.so.cache", folder=False)


def user_folder(folder: str) -> list[Readable]:
    """Return what may be read of the user's folder: files, but none that is hidden, and none behind a link.

    A link is followed by the kernel, which then asks about its target: within the folder it may be read.
    Pipes, sockets and devices stay closed. A folder that holds none of these is allowed as a whole. Of
    others, the names of hidden files can be listed still: Landlock allows a list with all that is below.
    """
    places, left, clean = _below(folder, MOST_ENTRIES)
    if clean and left > 0:
        return [Readable(folder, folder=True)]
    return [*places, Readable(folder, folder=True, listed=True)]


def _below(folder: str, left: int) -> tuple[list[Readable], int, bool]:
    """Return what may be read below a folder, how many entries are left to look at, whether that is all."""
    places: list[Readable] = []
    clean = True
    for item in _entries(folder):
        left -= 1
        if left <= 0:
            return places, 0, False
        if item.name.startswith(".") or item.is_symlink():
            clean = clean and not item.name.startswith(".")
        elif item.is_dir():
            below, left, whole = _below(item.path, left)
            places += [Readable(item.path, folder=True)] if whole else below
            clean = clean and whole
        elif stat.S_ISREG(item.stat(follow_symlinks=False).st_mode):
            places.append(Readable(item.path, folder=False))
        else:
            clean = False
    return places, left, clean
