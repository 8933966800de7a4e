"""The configuration file: TOML, read strictly, with the line of what is wrong."""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from llm_linalg.base.spelling import quote, unknown
from llm_linalg.lessons.front_matter import line_of, toml_fault
from tui.cli.keymap import KeyMapError
from tui.files import user_dirs
from tui.model.usage_error import UsageError
from tui.session.commands import Command
from tui.session.keys import KEYS

NAME = "config.toml"
TABLE = "keys"
MOST_PARTS = 20  # of a command's name: any that we have is shorter

Value = str | float | bool


class ConfigError(UsageError):
    """A setting is wrong: where it stands, its key, the reason and the nearest spelling, in one line."""


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """What stands in the file.

    Attributes:
        path: Its path as text of one line.
        lines: Its lines.
        values: The settings by name.
        keys: The keys by command, each with the path to it in the TOML.
    """

    path: str = ""
    lines: Sequence[str] = ()
    values: Mapping[str, Value] = field(default_factory=dict)
    keys: Mapping[str, tuple[tuple[str, ...], Sequence[str]]] = field(default_factory=dict)

    def where(self, *keys: str) -> str:
        """Return file and line of a key."""
        return f"{self.path}:{line_of(list(self.lines), keys) + 1}"

    def wrong(self, keys: tuple[str, ...], reason: str) -> ConfigError:
        """Return the error at a key."""
        return ConfigError(f"{self.where(*keys)}: {reason}")

    def with_keys(
        self, change: Callable[[Mapping[str, Sequence[str]]], tuple[Command, ...]]
    ) -> tuple[tuple[Command, ...], dict[str, str]]:
        """Return the table of keys, and where each command's change stands. Raises ConfigError."""
        if not self.keys:
            return KEYS, {}
        try:
            table = change({command: names for command, (_, names) in self.keys.items()})
        except KeyMapError as error:
            at, _ = self.keys[error.command]
            raise self.wrong(at, f"{error.command}: {error.reason}") from None
        return table, {command: self.where(*at) for command, (at, _) in self.keys.items()}


def read(path: Path | None, readers: Mapping[str, Callable[[object], Value]]) -> ConfigFile:
    """Return the file at a path; an empty one where there is none.

    Args:
        path: Where it may be.
        readers: What makes a setting's value of what stands there, by name; raises ArgumentTypeError.

    Raises:
        ConfigError: With the file, the line, the key and the nearest spelling.
    """
    if path is None:
        return ConfigFile()
    name = str(path) if str(path).isprintable() else quote(str(path), 200)
    try:
        text = user_dirs.read(path)
    except (FileNotFoundError, NotADirectoryError):
        return ConfigFile(name)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigError(f"{name}: cannot be read: {reason}") from None
    lines = text.split("\n")
    file = ConfigFile(name, lines)
    try:
        table = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        place, reason = toml_fault(error, lines)
        raise ConfigError(f"{name}:{place + 1}: {reason}") from None
    values = {key: _value(file, key, value, readers) for key, value in table.items() if key != TABLE}
    return ConfigFile(name, lines, values, dict(_keys(file, table.get(TABLE, {}))))


def _value(
    file: ConfigFile, key: str, value: object, readers: Mapping[str, Callable[[object], Value]]
) -> Value:
    if key not in readers:
        raise file.wrong((key,), unknown("key", key, [*readers, TABLE]))
    try:
        return readers[key](value)
    except argparse.ArgumentTypeError as error:
        raise file.wrong((key,), f"{key}: {error}") from None


def _keys(file: ConfigFile, table: object) -> Iterator[tuple[str, tuple[tuple[str, ...], Sequence[str]]]]:
    """Yield the commands of the table of keys: a name with dots may be written as tables in one another."""
    waiting: list[tuple[tuple[str, ...], object]] = [((TABLE,), table)]
    while waiting:
        at, value = waiting.pop()
        command = ".".join(at[1:])
        if isinstance(value, dict) and len(at) > MOST_PARTS:
            raise file.wrong(at[:2], f"a command has {MOST_PARTS} parts at most")
        if isinstance(value, dict):
            waiting += [((*at, key), inner) for key, inner in reversed(value.items())]
        elif not command:
            raise file.wrong(at, 'keys is a table: [keys], with lines such as "stop.next" = "x"')
        elif isinstance(value, str):
            yield command, (at, (value,))
        elif isinstance(value, list) and all(isinstance(one, str) for one in value):
            yield command, (at, tuple(value))
        else:
            raise file.wrong(at, f"{command}: a key is a text, or a list of texts")
