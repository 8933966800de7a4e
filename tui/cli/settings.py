"""The settings, and where the value of each comes from.

A flag goes before the environment, the environment before the file, the file before what was last used, and
that before the default. The file is `config.toml` in the user's folder for configuration. What needs no
terminal (`frame`, `run` and so on) asks none of these but the flags.
"""

from __future__ import annotations

import argparse
import codecs
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from tui.model.flags import Choice, add_switch, flag_value, speed, time_limit

if TYPE_CHECKING:
    from tui.cli import config_file
    from tui.files.state_file import StateFile
    from tui.session.commands import Command

THEME_NAMES = ("dark", "light", "high-contrast", "no-colour")

Value = str | float | bool
Source = Literal["flag", "environment", "file", "state", "default"]
ValueAndSource = tuple[Value, str]  # a value, and what decided it

YES, NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


def yes_or_no(text: str) -> bool:
    """Return the value of a switch. Raises ArgumentTypeError."""
    if text.lower() not in YES + NO:
        raise argparse.ArgumentTypeError(f"it is one of {', '.join((*YES, *NO))}")
    return text.lower() in YES


def _no_color(environment: Mapping[str, str]) -> ValueAndSource | None:
    return ("no-colour", "NO_COLOR") if environment.get("NO_COLOR") else None


def _locale(environment: Mapping[str, str]) -> ValueAndSource | None:
    return None if utf8(environment) else (True, "the locale, which is not UTF-8")


class Setting(NamedTuple):
    """One setting.

    Attributes:
        name: Its name.
        default: Its value where nothing says otherwise.
        says: What it is, in a line.
        read: Makes a value of a text; raises ArgumentTypeError.
        flag: The help of its flag; empty for what is no flag.
        off: That of a switch's opposite.
        metavar: What stands for the flag's value in the help; a switch has none.
        others: What other variables of the environment decide, where its own is not set.
    """

    name: str
    default: Value
    says: str
    read: Callable[[str], Value] = yes_or_no
    flag: str = ""
    off: str = ""
    metavar: str = "N"
    others: Callable[[Mapping[str, str]], ValueAndSource | None] = lambda _: None

    @property
    def variable(self) -> str:
        """The variable of the environment."""
        return f"LLM_LINALG_{self.name.upper()}"

    def add_to(self, parser: argparse._ActionsContainer) -> None:
        """Add its flag, None where it isn't given, to a parser or a group of one."""
        name = f"--{self.name.replace('_', '-')}"
        if isinstance(self.default, bool):
            add_switch(parser, name, self.flag, self.off, default=self.default)
        else:
            parser.add_argument(name, type=self.read, metavar=self.metavar, help=self.flag)

    def of_toml(self, value: object) -> Value:
        """Return the value that stands in the file. Raises ArgumentTypeError."""
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


def setting(default: Any, says: str, *about: Any, **more: Any) -> Any:
    """Return a field of `Values`, which names the `Setting` that these are the attributes of."""
    return field(default=default, metadata={"setting": Setting("", default, says, *about, **more)})


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Values:
    """The settings, each a field that has all that is known of it; `README.md` says how to add one.

    Its name is the key in the file, with hyphens the flag, and in capitals behind `LLM_LINALG_` the
    variable of the environment. A switch is a bool, and has `--name` and `--no-name`. Another setting
    is a text or a float, and says how that is read.
    """

    lesson: str = setting("", "the lesson that opens when none is named; without it, the last place", str)
    theme: str = setting(
        "dark",
        ", ".join(THEME_NAMES),
        Choice("theme", THEME_NAMES),
        flag=", ".join(THEME_NAMES),
        metavar="T",
        others=_no_color,
    )
    speed: float = setting(4.0, "steps a second at the start", speed, flag="steps a second: 4 unless given")
    time_limit: float = setting(
        2.0,
        "seconds that a program may run; 0 for no such limit",
        time_limit,
        flag="stop a program after so long: 2 unless given; 0 or off for no such limit",
        metavar="SECONDS",
    )
    ascii: bool = setting(
        False,
        "no glyph outside ASCII",
        flag="no glyph outside ASCII",
        off="lines and arrows of Unicode",
        others=_locale,
    )
    plain: bool = setting(
        False,
        "lines in place of a screen: type a word, read a picture as text",
        flag="lines in place of a screen: type a word, read a picture as text",
        off="the screen",
    )
    mouse: bool = setting(
        True,
        "false leaves the mouse to the terminal",
        flag="the app takes the mouse",
        off="leave the mouse to the terminal",
    )
    motion: bool = setting(
        True,
        "false: nothing moves by itself",
        flag="steps may play by themselves",
        off="nothing ever moves by itself",
    )
    slow_link: bool = setting(
        False, "send as little as possible", flag="send as little as possible", off="send every picture"
    )


COLOURS = ("theme", "ascii")
"""The settings of colours and characters, which are flags of every picture."""
DISPLAY = ("speed", "plain", "mouse", "motion", "slow_link")
"""Those of how the app is shown, which are flags of the commands that open it."""


SETTINGS = tuple(one.metadata["setting"]._replace(name=one.name) for one in fields(Values))
BY_NAME = {one.name: one for one in SETTINGS}


class SettingValue(NamedTuple):
    """A setting's value and where it is from; `where` names the flag, the variable, or the file and line."""

    value: Value
    source: Source = "default"
    where: str = ""


class Settings(NamedTuple):
    """The settings of one run of the app.

    Attributes:
        by_name: by name.
        keys: the table of keys with those of the file.
        key_sources: the commands whose keys the file changes, each with file and line.
        file: the file's path, whether it is there or not; None where no home is known.
        problems: what is wrong with the file, a line each; what is wrong is left out.
    """

    by_name: Mapping[str, SettingValue]
    keys: tuple[Command, ...]
    key_sources: Mapping[str, str] = MappingProxyType({})
    file: str | None = None
    problems: tuple[str, ...] = ()

    @property
    def values(self) -> Values:
        """The values alone."""
        return Values(**{name: one.value for name, one in self.by_name.items()})  # type: ignore[arg-type]


def resolve(
    flags: argparse.Namespace, environment: Mapping[str, str], state_file: StateFile | None = None
) -> Settings:
    """Return the settings for a run of the app.

    What is wrong with the file is left out, and told in `problems`.

    Raises:
        ConfigError: For a variable that is wrong.
    """
    from tui.cli import config_file
    from tui.files import user_dirs

    home = user_dirs.folder(environment, user_dirs.CONFIG)
    path = None if home is None else home / config_file.NAME
    file = config_file.read(path, {setting.name: setting.of_toml for setting in SETTINGS})
    theme = None if state_file is None else state_file.load().theme
    last = {"theme": theme if theme in THEME_NAMES else None}  # another release may have had others
    by_name = {one.name: next(_candidates(one, flags, environment, file, last)) for one in SETTINGS}
    keys, key_sources, problems = file.with_keys()
    name = None if path is None else str(path)
    return Settings(by_name, keys, key_sources, name, (*file.problems, *problems))


def _candidates(
    setting: Setting,
    flags: argparse.Namespace,
    environment: Mapping[str, str],
    file: config_file.ConfigFile,
    last: Mapping[str, Value | None],
) -> Iterator[SettingValue]:
    """Yield where a value may come from, what counts most first."""
    name = setting.name
    flag = flag_value(flags, name)
    if flag is not None:
        off = "no-" if flag is False else ""
        yield SettingValue(flag, "flag", f"--{off}{name.replace('_', '-')}" if name != "lesson" else "")
    if environment.get(setting.variable):
        try:
            yield SettingValue(setting.read(environment[setting.variable]), "environment", setting.variable)
        except argparse.ArgumentTypeError as error:
            from tui.cli.config_file import ConfigError

            raise ConfigError(f"{setting.variable}: {error}") from None
    other = setting.others(environment)
    if other is not None:
        yield SettingValue(other[0], "environment", other[1])
    if name in file.values:
        yield SettingValue(file.values[name], "file", file.where(name))
    kept_value = last.get(name)
    if kept_value is not None:
        yield SettingValue(kept_value, "state")
    yield SettingValue(setting.default)


def utf8(environment: Mapping[str, str]) -> bool:
    """Return whether the locale writes UTF-8, as the C library decides: LC_ALL, LC_CTYPE, then LANG."""
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
    """Return a file with every setting and key, each commented out, at its default."""
    from tui.session.keys import KEYS
    from tui.text.key_names import written_key

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
        names = [*map(written_key, key.key_names)]
        value = _toml(names[0]) if len(names) == 1 else f"[{', '.join(map(_toml, names))}]"
        lines += [f"# {key.help}", f'#"{key.id}" = {value}']
    return "\n".join(lines) + "\n"


def _toml(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, str) else f"{value:g}"
