"""Command-line flags: a parser that raises one-line errors, and the types of values."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from llm_linalg.base.spelling import quote, unknown
from llm_linalg.base.text import clean_lines
from tui.files.output import write
from tui.model.usage_error import UsageError

SEEDS = range(-(2**63), 2**64)  # what torch.manual_seed takes


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are exceptions, and whose flags are never abbreviated."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        """Raise the error instead of printing usage and leaving."""
        raise UsageError(message)

    def print_help(self, file: object = None) -> None:  # noqa: ARG002 - argparse's signature
        """Write the help as data, in UTF-8 whatever the locale."""
        write(clean_lines(self.format_help()))

    def group(self, title: str) -> argparse._ArgumentGroup:
        """Return the group of flags of that title in the help."""
        known = (group for group in self._action_groups if group.title == title)
        return next(known, None) or self.add_argument_group(title)

    @property
    def actions(self) -> Sequence[argparse.Action]:
        """The flags and the words that it takes, in order."""
        return self._actions

    def read(self, arguments: Sequence[str]) -> argparse.Namespace:
        """Return the flags' values, with the arguments themselves in `words`. Raises UsageError."""
        values, rest = self.parse_known_args(list(arguments))
        values.words = tuple(arguments)
        for word in rest:
            if word.startswith("-") and len(word) > 1:
                flags = self._option_string_actions.items()
                known = sorted(
                    name
                    for name, flag in flags
                    if name.startswith("--") and flag.help is not argparse.SUPPRESS
                )
                raise UsageError(unknown("option", word.partition("=")[0], known))
        if rest:
            raise UsageError(f"one too many: {quote(rest[0])}")
        return values


def whole_number(text: str) -> int:
    """Parse an integer of at most 30 digits."""
    if not re.fullmatch(r"[+-]?[0-9]{1,30}", text.strip()):
        raise argparse.ArgumentTypeError(f"{quote(text)} is not a whole number")
    return int(text)


def seed(text: str) -> int:
    """Parse a seed that torch takes."""
    value = whole_number(text)
    if value not in SEEDS:
        raise argparse.ArgumentTypeError(f"{quote(text)} is not between -2^63 and 2^64 - 1")
    return value


def number(text: str, what: str, least: float, most: float, or_off: str = "") -> float:
    """Parse a number from `least` to `most` of what is said; with `or_off` that word, or 0, is 0."""
    try:
        value = 0.0 if or_off and text == or_off else float(text) if len(text) < 30 else -1.0
    except ValueError:
        value = -1.0
    if not (least <= value <= most or (or_off and not value)):
        known = f"a number of {what} from {least:g} to {most:g}{f', or {or_off}' if or_off else ''}"
        raise argparse.ArgumentTypeError(f"{quote(text)} is not {known}")
    return value


def speed(text: str) -> float:
    """Parse a number of steps a second."""
    return number(text, "steps a second", 0.05, 100)


def time_limit(text: str) -> float:
    """Parse the seconds that a program may run; `off` is 0."""
    return number(text, "seconds", 0.1, 3600, "off")


def pause(text: str) -> float:
    """Parse a number of seconds."""
    return number(text, "seconds", 0, 3600)


@dataclass(frozen=True)
class Choice:
    """A parser of words, with the nearest spelling in its error.

    Attributes:
        what: What the words name, for the error.
        words: The words it accepts.
    """

    what: str
    words: Sequence[str]

    def __call__(self, text: str) -> str:
        """Return the word if it is one of the choices."""
        if text not in self.words:
            raise argparse.ArgumentTypeError(unknown(self.what, text, self.words))
        return text


def flag_value(flags: argparse.Namespace, name: str) -> Any:
    """Return a flag's value; None if it was not given, or the command does not have it."""
    return getattr(flags, name, None)


def add_switch(
    parser: argparse._ActionsContainer, flag: str, on: str, off: str, *, default: bool | None = None
) -> None:
    """Add a flag and its opposite; None where neither is given, which leaves it to the settings.

    Args:
        parser: A parser, or a group of one.
        flag: Its name, such as `--mouse`.
        on: What it does.
        off: What `--no-mouse` does.
        default: Which of both holds unless something else is said; None where that depends.
    """
    dest = flag.removeprefix("--").replace("-", "_")
    both = [(flag, True, on), (f"--no-{flag.removeprefix('--')}", False, off)]
    for name, value, says in sorted(both, key=lambda one: one[1] is default):  # first what changes something
        words = says if says == argparse.SUPPRESS or value is not default else f"{says} (the default)"
        parser.add_argument(name, dest=dest, action="store_const", const=value, default=None, help=words)
