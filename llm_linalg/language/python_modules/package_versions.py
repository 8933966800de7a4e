"""`importlib.metadata` and `packaging.version`: torch's version, which notebooks tell first or compare.

Nothing is looked up. A version is what a release has: numbers with dots, and the build behind a plus.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import total_ordering
from typing import Any

import torch

from llm_linalg.base.short_repr import short_repr
from llm_linalg.language.refusal import RefusalError
from llm_linalg.language.type_function import TypeFunction


def version(distribution_name: Any) -> str:
    """Do what `importlib.metadata.version` does, for torch alone.

    Raises:
        RefusalError: For another package.
    """
    if distribution_name != "torch":
        raise RefusalError(f"the version of torch alone is told here, not of {short_repr(distribution_name)}")
    return str(torch.__version__)


MEMBERS: Mapping[str, Any] = {"version": version}
"""Those of `importlib.metadata`."""
_VERSION = re.compile(
    r"\s*v?([0-9]{1,9}(?:\.[0-9]{1,9}){0,9})(?:\+([a-z0-9]{1,40}(?:\.[a-z0-9]{1,40}){0,9}))?\s*"
)


@total_ordering
class PackageVersion:
    """A version that compares as `packaging.version.Version` does.

    Args:
        text: Such as `2.13.0+cpu`.

    Raises:
        RefusalError: If it is of another form.
    """

    __slots__ = ("local", "release")

    def __init__(self, text: Any) -> None:
        found = _VERSION.fullmatch(text) if isinstance(text, str) else None
        if found is None:
            raise RefusalError(f"a version is numbers with dots here, as 2.5.0, not {short_repr(text)}")
        self.release = tuple(map(int, found[1].split(".")))
        self.local = found[2]

    def _key(self) -> tuple[Any, ...]:
        numbers = list(self.release)
        while numbers and not numbers[-1]:
            numbers.pop()
        parts = self.local.split(".") if self.local else ()
        return tuple(numbers), tuple((int(part), "") if part.isdigit() else (-1, part) for part in parts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PackageVersion) and self._key() == other._key()

    def __lt__(self, other: object) -> bool:
        return self._key() < other._key() if isinstance(other, PackageVersion) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key())

    def __str__(self) -> str:
        return self.base + (f"+{self.local}" if self.local else "")

    def __repr__(self) -> str:
        return f"<Version('{self}')>"

    @property
    def base(self) -> str:
        """Its numbers as text."""
        return ".".join(map(str, self.release))

    def number(self, place: int) -> int:
        """Return one of its numbers, from 0; 0 beyond the last."""
        return self.release[place] if place < len(self.release) else 0


# A program sees the type by the name that it has where it stands for it.
PackageVersion.__module__ = "packaging.version"
PackageVersion.__name__ = PackageVersion.__qualname__ = "Version"


def parse(version: Any) -> PackageVersion:
    """Do what `packaging.version.parse` does, for versions of releases."""
    return PackageVersion(version)


VERSIONS: Mapping[str, Any] = {"parse": parse, "Version": TypeFunction(PackageVersion, parse)}
"""Those of `packaging.version`."""
ATTRIBUTES: Mapping[str, Callable[[PackageVersion], Any]] = {
    "major": lambda own: own.number(0),
    "minor": lambda own: own.number(1),
    "micro": lambda own: own.number(2),
    "release": lambda own: own.release,
    "local": lambda own: own.local,
    "base_version": lambda own: own.base,
    "public": lambda own: own.base,
}
"""What a version has after a dot."""
