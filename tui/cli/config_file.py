"""The configuration file: TOML, read strictly, with the line of what is wrong."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from llm_linalg.base.spelling import quote, unknown
from llm_linalg.lessons.front_matter import line_of, read_toml, toml_fault
from tui.cli.keymap import KeyMapError, change_keys
from tui.files import user_dirs
from tui.model.usage_error import UsageError
from tui.session.commands import Command
from tui.session.keys import KEYS

NAME = "config.toml"
TABLE = "keys"
MOST_PROBLEMS = 20  # that are told
MOST_PARTS = 20  # of a command's name: any that we have is shorter

Value = str | float | bool


class ConfigError(UsageError):
    """A setting is wrong: where it stands, its key, the reason and the nearest spelling, in one line."""


class ConfigFile(NamedTuple):
    """What stands in the file.

    Attributes:
        path: Its path as text of one line.
        lines: Its lines.
        values: The settings by name.
        keys: The keys by command, each with the path to it in the TOML.
        problems: What is wrong with it, a line each; what is wrong is left out.
    """

    path: str = ""
    lines: Sequence[str] = ()
    values: Mapping[str, Value] = MappingProxyType({})
    keys: Mapping[str, tuple[tuple[str, ...], Sequence[str]]] = MappingProxyType({})
    problems: tuple[str, ...] = ()

    def where(self, *keys: str) -> str:
        """Return file and line of a key."""
        return f"{self.path}:{line_of(list(self.lines), keys) + 1}"

    def wrong(self, keys: tuple[str, ...], reason: str) -> ConfigError:
        """Return the error at a key."""
        return ConfigError(f"{self.where(*keys)}: {reason}")

    def with_keys(self) -> tuple[tuple[Command, ...], dict[str, str], tuple[str, ...]]:
        """Return the table of keys, where each command's change stands, and why others can't be made."""
        left, problems = dict(self.keys), list[str]()
        while left and len(problems) < MOST_PROBLEMS:
            try:
                table = change_keys({command: names for command, (_, names) in left.items()})
            except KeyMapError as error:
                at, _ = left.pop(error.command)
                problems.append(str(self.wrong(at, f"{error.command}: {error.reason}")))
            else:
                return table, {command: self.where(*at) for command, (at, _) in left.items()}, (*problems,)
        return KEYS, {}, (*problems,)


def read(path: Path | None, readers: Mapping[str, Callable[[object], Value]]) -> ConfigFile:
    """Return the file at a path; an empty one where there is none.

    What is wrong is left out, and told in `problems` with file, line, key and the nearest spelling.

    Args:
        path: Where it may be.
        readers: What makes a setting's value of what stands there, by name; raises ArgumentTypeError.
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
        return ConfigFile(name, problems=(f"{name}: cannot be read: {reason}",))
    lines = text.split("\n")
    file = ConfigFile(name, lines)
    try:
        table = read_toml(text)
    except (ValueError, RecursionError) as error:
        place, reason = toml_fault(error, lines)
        return ConfigFile(name, lines, problems=(f"{name}:{place + 1}: {reason}",))
    problems: list[str] = []
    values: dict[str, Value] = {}
    for key, value in table.items():
        if len(problems) == MOST_PROBLEMS:
            problems.append(f"{name}: more is wrong, and the rest is left out")
            break
        try:
            if key != TABLE:
                values[key] = _value(file, key, value, readers)
        except ConfigError as error:
            problems.append(str(error))
    keys = dict(_keys(file, table.get(TABLE, {}), problems))
    return ConfigFile(name, lines, values, keys, tuple(problems))


def _value(
    file: ConfigFile, key: str, value: object, readers: Mapping[str, Callable[[object], Value]]
) -> Value:
    if key not in readers:
        raise file.wrong((key,), unknown("key", key, [*readers, TABLE]))
    try:
        return readers[key](value)
    except argparse.ArgumentTypeError as error:
        raise file.wrong((key,), f"{key}: {error}") from None


def _keys(
    file: ConfigFile, table: object, problems: list[str]
) -> Iterator[tuple[str, tuple[tuple[str, ...], Sequence[str]]]]:
    """Yield the commands of the table of keys: a name with dots may be written as tables in one another."""
    waiting: list[tuple[tuple[str, ...], object]] = [((TABLE,), table)]
    while waiting and len(problems) < MOST_PROBLEMS:
        at, value = waiting.pop()
        command = ".".join(at[1:])
        if isinstance(value, dict) and len(at) > MOST_PARTS:
            problems.append(str(file.wrong(at[:2], f"a command has {MOST_PARTS} parts at most")))
        elif isinstance(value, dict):
            waiting += [((*at, key), inner) for key, inner in reversed(value.items())]
        elif not command:
            reason = 'keys is a table: [keys], with lines such as "stop.next" = "x"'
            problems.append(str(file.wrong(at, reason)))
        elif isinstance(value, str):
            yield command, (at, (value,))
        elif isinstance(value, list) and all(isinstance(one, str) for one in value):
            yield command, (at, tuple(value))
        else:
            problems.append(str(file.wrong(at, f"{command}: a key is a text, or a list of texts")))
