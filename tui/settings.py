"""The settings: one table, and where the value of each comes from.

A flag goes before the environment, the environment before the file, the file before what was last used, and
that before the default. The file is `config.toml` in the user's folder for configuration. What needs no
terminal (`frame`, `run` and so on) asks none of these but the flags.
"""

from __future__ import annotations

import argparse
import codecs
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from tui import config_file, kept
from tui.cli_parse import THEMES
from tui.commands import Command
from tui.config_file import ConfigError
from tui.keymap import changed
from tui.keys import KEYS
from tui.model.flags import Choice, given, speed, time_limit
from tui.state import Memory

Value = str | float | bool
Source = Literal["flag", "environment", "file", "state", "default"]
Decided = tuple[Value, str]  # a value, and what decided it

YES, NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


def yes_or_no(text: str) -> bool:
    """A switch. Raises ArgumentTypeError."""
    if text.lower() not in YES + NO:
        raise argparse.ArgumentTypeError(f"it is one of {', '.join((*YES, *NO))}")
    return text.lower() in YES


def _nothing(_environment: Mapping[str, str]) -> Decided | None:
    return None


def _no_color(environment: Mapping[str, str]) -> Decided | None:
    return ("no-colour", "NO_COLOR") if environment.get("NO_COLOR") else None


def _locale(environment: Mapping[str, str]) -> Decided | None:
    return None if utf8(environment) else (True, "the locale, which is not UTF-8")


class Setting(NamedTuple):
    """One setting.

    Attributes:
        name: its key in the file; the flag is `--name` with hyphens, the variable `LLM_LINALG_NAME`.
        default: its value where nothing says otherwise.
        read: makes a value of a text; raises ArgumentTypeError.
        says: what it is, in a line.
        others: what other variables of the environment decide, where its own is not set.
    """

    name: str
    default: Value
    read: Callable[[str], Value]
    says: str
    others: Callable[[Mapping[str, str]], Decided | None] = _nothing

    @property
    def variable(self) -> str:
        """The variable of the environment."""
        return f"LLM_LINALG_{self.name.upper()}"

    def of_toml(self, value: object) -> Value:
        """The value that stands in the file. Raises ArgumentTypeError."""
        if isinstance(self.default, bool):
            if not isinstance(value, bool):
                raise argparse.ArgumentTypeError("it has to be true or false, without quotes")
            return value
        if isinstance(self.default, float):
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise argparse.ArgumentTypeError("it has to be a number, without quotes")
            return self.read(str(value))
        if not isinstance(value, str):
            raise argparse.ArgumentTypeError("it is a text, in quotes")
        return self.read(value)


SETTINGS = (
    Setting("lesson", "", str, "the lesson that opens when none is named; without it, the last place"),
    Setting("theme", "dark", Choice("theme", THEMES), ", ".join(THEMES), _no_color),
    Setting("speed", 4.0, speed, "steps a second at the start"),
    Setting("time_limit", 2.0, time_limit, "seconds that a program may run; 0 for no such limit"),
    Setting("ascii", False, yes_or_no, "no glyph outside ASCII", _locale),
    Setting("plain", False, yes_or_no, "no screen: a line in, a frame as text out"),
    Setting("mouse", True, yes_or_no, "false leaves the mouse to the terminal"),
    Setting("motion", True, yes_or_no, "false: it never moves by itself"),
    Setting("slow_link", False, yes_or_no, "send as little as possible"),
)


class Found(NamedTuple):
    """A setting's value and where it is from; `where` names the flag, the variable, or the file and line."""

    value: Value
    source: Source = "default"
    where: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, decided.

    Attributes:
        found: by name.
        keys: the table of keys with those of the file.
        moved: the commands whose keys the file changes, each with file and line.
        file: the file's path, whether it is there or not; None where no home is known.
    """

    found: Mapping[str, Found]
    keys: tuple[Command, ...] = KEYS
    moved: Mapping[str, str] = field(default_factory=dict)
    file: str | None = None

    def on(self, name: str) -> bool:
        """Whether a switch is on."""
        return self.found[name].value is True

    def text(self, name: str) -> str:
        """A text."""
        return str(self.found[name].value)

    @property
    def speed(self) -> float:
        """Steps a second."""
        return float(self.found["speed"].value)

    @property
    def time_limit(self) -> float:
        """How many seconds a program may run; 0 if the clock has no say."""
        return float(self.found["time_limit"].value)


def decided(
    flags: argparse.Namespace, environment: Mapping[str, str], memory: Memory | None = None
) -> Settings:
    """The settings for a run of the app.

    Raises:
        ConfigError: For a variable or a file that is wrong.
    """
    home = kept.folder(environment, kept.CONFIG)
    path = None if home is None else home / config_file.NAME
    file = config_file.read(path, {setting.name: setting.of_toml for setting in SETTINGS})
    theme = None if memory is None else memory.load().theme
    last = {"theme": theme if theme in THEMES else None}  # another release may have had others
    found = {one.name: next(_found(one, flags, environment, file, last)) for one in SETTINGS}
    keys, moved = file.with_keys(changed)
    return Settings(found, keys, moved, None if path is None else str(path))


def _found(
    setting: Setting,
    flags: argparse.Namespace,
    environment: Mapping[str, str],
    file: config_file.File,
    last: Mapping[str, Value | None],
) -> Iterator[Found]:
    """Where a value may come from, what counts most first."""
    name = setting.name
    flag = given(flags, name)
    if flag is not None:
        off = "no-" if flag is False else ""
        yield Found(flag, "flag", f"--{off}{name.replace('_', '-')}" if name != "lesson" else "")
    if environment.get(setting.variable):
        try:
            yield Found(setting.read(environment[setting.variable]), "environment", setting.variable)
        except argparse.ArgumentTypeError as error:
            raise ConfigError(f"{setting.variable}: {error}") from None
    other = setting.others(environment)
    if other is not None:
        yield Found(other[0], "environment", other[1])
    if name in file.values:
        yield Found(file.values[name], "file", file.where(name))
    kept_value = last.get(name)
    if kept_value is not None:
        yield Found(kept_value, "state")
    yield Found(setting.default)


def utf8(environment: Mapping[str, str]) -> bool:
    """Whether the locale writes UTF-8, as the C library decides it: LC_ALL, else LC_CTYPE, else LANG."""
    name = next((environment[key] for key in ("LC_ALL", "LC_CTYPE", "LANG") if environment.get(key)), "")
    if name in ("C", "POSIX"):
        return False
    encoding = name.partition(".")[2].partition("@")[0]
    if not encoding:
        encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    try:
        return codecs.lookup(encoding).name == "utf-8"
    except LookupError:
        return False


def example() -> str:
    """A file with every setting and key, each commented out, at its default."""
    lines = [
        "# Settings of llm-linalg. A flag goes before the environment (LLM_LINALG_THEME and so on),",
        "# and that before this file: ~/.config/llm-linalg/config.toml, or the folder XDG_CONFIG_HOME names.",
    ]
    for setting in SETTINGS:
        lines += ["", f"# {setting.says}", f"#{setting.name} = {_toml(setting.default)}"]
    lines += [
        "",
        "# A command's keys: a character or a name such as ctrl+x or f5; a list for several.",
        "[keys]",
    ]
    for key in KEYS:
        names = key.key_names
        value = _toml(names[0]) if len(names) == 1 else f"[{', '.join(map(_toml, names))}]"
        lines += [f"# {key.help}", f'#"{key.id}" = {value}']
    return "\n".join(lines) + "\n"


def _toml(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else f"{value:g}"
