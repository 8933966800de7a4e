"""The command line's flags.

Errors are one line that names what was given, what is possible and the nearest.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from llm_linalg.spelling import quoted, unknown
from llm_linalg.vocabulary import MOST_RANKS, ORDER_NAMES
from tui.cli_places import boxes, cursor, followed, place, setting, step
from tui.cli_write import write

DEPTHS = ("map", "operations", "cells", "terms")
LOOKS = ("numbers", "heat", "both")
THEMES = ("dark", "light", "high-contrast", "no-colour")
FORMATS = ("plain", "json", "screen", "svg", "ansi")
LARGEST = 1000  # columns or rows of a frame
SEEDS = range(-(2**63), 2**64)  # what torch.manual_seed takes

EPILOG = """\
commands:
  llm-linalg [LESSON]              open the app, at a lesson or at the first one
  llm-linalg open FILE             open a notebook (.ipynb), a Python file or any Markdown with Python
  llm-linalg play [FILE]           write a program and see at once what torch did
  llm-linalg present DECK          show a deck on a stage: a Markdown file, a folder, a lesson
  llm-linalg lessons [--json]      list the lessons
  llm-linalg frame LESSON …        print one picture, or all of them
  llm-linalg run [FILE | - | -c CODE]   run a program of the tensor language and print its tensors
  llm-linalg trace FILE.py:FUNCTION     import and run your own code, and open what torch did in it
  llm-linalg completion SHELL      print what completes words in bash, zsh or fish
  llm-linalg check [FILE…]         open every stop of lessons and decks, and report what is wrong
  llm-linalg config                show each setting and where it is from
  llm-linalg doctor                say what this terminal can do, and what the app makes of it
  llm-linalg language              print what the tensor language has

LESSON is a slug (see "llm-linalg lessons") or the path of a lesson file, or of what "open" opens. Steps count
from 1; step 0 is the picture before the first. Exit codes: 0 done, 1 the program failed, 2 wrong usage or no
usable terminal.
"""


class UsageError(Exception):
    """Something on the command line can't be used; one line says what."""


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are exceptions."""

    def error(self, message: str) -> NoReturn:
        """Raise the error instead of printing usage and leaving."""
        raise UsageError(message)

    def print_help(self, file: object = None) -> None:  # noqa: ARG002 - argparse's signature
        """Write the help as data, in UTF-8 whatever the locale."""
        write(self.format_help())

    @property
    def actions(self) -> Sequence[argparse.Action]:
        """The flags and the words that it takes, in order."""
        return self._actions

    def read(self, arguments: Sequence[str]) -> argparse.Namespace:
        """The flags' values, and in `words` what was read. Raises UsageError."""
        values, rest = self.parse_known_args(list(arguments))
        values.words = tuple(arguments)
        for word in rest:
            if word.startswith("-") and len(word) > 1:
                known = sorted(flag for flag in self._option_string_actions if flag.startswith("--"))
                raise UsageError(unknown("option", word.partition("=")[0], known))
        if rest:
            raise UsageError(f"one too many: {quoted(rest[0])}")
        return values


def whole(text: str) -> int:
    """An integer of an everyday length."""
    if not re.fullmatch(r"[+-]?[0-9]{1,30}", text.strip()):
        raise argparse.ArgumentTypeError(f"{quoted(text)} is not a whole number")
    return int(text)


def seed(text: str) -> int:
    """A seed that torch takes."""
    value = whole(text)
    if value not in SEEDS:
        raise argparse.ArgumentTypeError(f"{quoted(text)} is not between -2^63 and 2^64 - 1")
    return value


def ranks(text: str) -> int:
    """A number of devices."""
    value = whole(text)
    if not 1 <= value <= MOST_RANKS:
        raise argparse.ArgumentTypeError(f"{quoted(text)} is not a number of devices from 1 to {MOST_RANKS}")
    return value


def size(text: str) -> tuple[int, int]:
    """Columns and rows, such as 80x24."""
    found = re.fullmatch(r"([0-9]{1,5})[xX×]([0-9]{1,5})", text)
    pair = (int(found[1]), int(found[2])) if found else (0, 0)
    if not all(1 <= side <= LARGEST for side in pair):
        raise argparse.ArgumentTypeError(
            f"{quoted(text)} is not a size: columns x rows, such as 80x24, each from 1 to {LARGEST}"
        )
    return pair


def speed(text: str) -> float:
    """Steps a second."""
    try:
        value = float(text) if len(text) < 30 else 0.0
    except ValueError:
        value = 0.0
    if not 0.05 <= value <= 100:
        raise argparse.ArgumentTypeError(f"{quoted(text)} is not a number of steps a second from 0.05 to 100")
    return value


def pause(text: str) -> float:
    """A number of seconds."""
    try:
        value = float(text) if len(text) < 30 else -1.0
    except ValueError:
        value = -1.0
    if not 0 <= value <= 3600:
        raise argparse.ArgumentTypeError(f"{quoted(text)} is not a number of seconds from 0 to 3600")
    return value


def megabytes(text: str) -> int:
    """A number of megabytes."""
    value = whole(text)
    if not 0 <= value <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{quoted(text)} is not a number of megabytes")
    return value


@dataclass(frozen=True)
class Choice:
    """A checker of words, with the nearest spelling in its error.

    Attributes:
        what: What they name.
        known: Those there are.
    """

    what: str
    known: Sequence[str]

    def __call__(self, text: str) -> str:
        """The word, if there is such a one."""
        if text not in self.known:
            raise argparse.ArgumentTypeError(unknown(self.what, text, self.known))
        return text


def view_flags(parser: Parser) -> None:
    """The flags that name a picture, and its colours."""
    picture_flags(parser)
    colour_flags(parser)


def colour_flags(parser: Parser) -> None:
    """The flags of colours and characters."""
    parser.add_argument("--theme", type=Choice("theme", THEMES), metavar="T", help=f"{', '.join(THEMES)}")
    switch(parser, "--ascii", "no glyph outside ASCII")


def picture_flags(parser: Parser) -> None:
    """The flags that name a picture."""
    parser.add_argument("--stop", type=whole, metavar="N", help="the lesson's stop, from 1")
    parser.add_argument("--node", metavar="NAME", help="the tensor to show; a part of a composite is S/exp")
    parser.add_argument(
        "--step", type=step, metavar="N", help="a step: a number, first or last; for `frame` also all"
    )
    parser.add_argument(
        "--set", type=setting, action="append", default=[], metavar="NAME=VALUE", help="a control's value"
    )
    parser.add_argument("--seed", type=seed, metavar="N", help="the seed of the random numbers")
    parser.add_argument(
        "--order", type=Choice("order", ORDER_NAMES), metavar="O", help=", ".join(ORDER_NAMES)
    )
    parser.add_argument("--depth", type=Choice("depth", DEPTHS), metavar="D", help=f"{', '.join(DEPTHS)}")
    parser.add_argument("--cursor", type=cursor, metavar="CELL", help="put the cell cursor there: 'Y[1,2]'")
    parser.add_argument(
        "--box", type=boxes, metavar="A/B", help="a box of the map, by the names that lead to it"
    )
    parser.add_argument(
        "--lineage", type=followed, metavar="CELL", help="light what a cell depends on: 'Y[1,2]'; or none"
    )
    parser.add_argument("--reach", type=followed, metavar="CELL", help="light what a cell feeds")
    parser.add_argument("--at", type=place, metavar="I,J", help="the slice of an N-d tensor")
    parser.add_argument("--row", type=whole, metavar="N", help="the selected row of a board, from 1")
    parser.add_argument("--look", type=Choice("look", LOOKS), metavar="L", help=f"{', '.join(LOOKS)}")
    parser.add_argument(
        "--twin", action=argparse.BooleanOptionalAction, help="show the backward program, or the forward one"
    )
    parser.add_argument("--code", metavar="TEXT", help="run this program in place of the stop's")
    patience(parser)


def patience(parser: Parser) -> None:
    """The flag that lets a program take its time."""
    parser.add_argument(
        "--patient", action="store_true", help="let a program take seconds of which it can't be told how many"
    )


VIEW = (
    *(
        "stop",
        "node",
        "step",
        "set",
        "seed",
        "order",
        "depth",
        "cursor",
        "box",
        "lineage",
        "reach",
        "at",
        "row",
    ),
    *("look", "twin", "code", "patient"),
)
"""The flags that name a picture, as a namespace calls them: without them it is the lesson's own."""


def given(flags: argparse.Namespace, name: str) -> Any:
    """The value of a flag of our tables; None for one that was not given, or that the command has not."""
    return getattr(flags, name, None)


def switch(parser: Parser, flag: str, says: str) -> None:
    """A flag and its opposite; None where neither is given, which leaves it to the settings."""
    parser.add_argument(flag, action=argparse.BooleanOptionalAction, default=None, help=says)


def app_parser() -> Parser:
    """``llm-linalg [LESSON] …``."""
    parser = Parser(
        prog="llm-linalg",
        description="The linear algebra inside a language model, step by step, on real torch tensors.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("lesson", nargs="?", metavar="LESSON", help="a slug, or the path of a lesson file")
    parser.add_argument("--version", action="store_true", help="print the version")
    app_flags(parser)
    return parser


def open_parser() -> Parser:
    """``llm-linalg open FILE …``."""
    parser = Parser(
        prog="llm-linalg open",
        description="Open a notebook, a Python file or Markdown: each cell is a program. None is executed.",
        allow_abbrev=False,
    )
    parser.add_argument("lesson", metavar="FILE", help="NOTEBOOK.ipynb, FILE.py or FILE.md")
    app_flags(parser)
    return parser


def app_flags(parser: Parser) -> None:
    """The flags of what opens the app: the picture, and how it is shown."""
    view_flags(parser)
    parser.add_argument("--record", metavar="FILE", help="write what is done as a script")
    shown_flags(parser)


def shown_flags(parser: Parser) -> None:
    """The flags of how the app is shown."""
    parser.add_argument("--play", action="store_true", help="start playing")
    parser.add_argument("--speed", type=speed, metavar="N", help="steps a second: 4 unless given")
    switch(parser, "--plain", "no screen: a line in, a frame as text out")
    switch(parser, "--mouse", "without it the mouse is left to the terminal")
    switch(parser, "--motion", "without it nothing ever moves by itself")
    switch(parser, "--slow-link", "send as little as possible")


def lessons_parser() -> Parser:
    """``llm-linalg lessons``."""
    parser = Parser(prog="llm-linalg lessons", description="List the lessons.", allow_abbrev=False)
    parser.add_argument("--json", action="store_true", help="as one JSON list")
    return parser


def doctor_parser() -> Parser:
    """``llm-linalg doctor``."""
    return Parser(prog="llm-linalg doctor", description="Say what this terminal can do.", allow_abbrev=False)


def language_parser() -> Parser:
    """``llm-linalg language``."""
    return Parser(
        prog="llm-linalg language", description="Print what the tensor language has.", allow_abbrev=False
    )


def frame_parser() -> Parser:
    """``llm-linalg frame LESSON …``."""
    parser = Parser(prog="llm-linalg frame", description="Print a picture of a lesson.", allow_abbrev=False)
    parser.add_argument("lesson", metavar="LESSON", help="a slug, or the path of a lesson file")
    view_flags(parser)
    parser.add_argument("--size", type=size, default=(80, 24), metavar="COLSxROWS", help="80x24 unless given")
    parser.add_argument(
        "--format", type=Choice("format", FORMATS), default="plain", metavar="F", help=f"{', '.join(FORMATS)}"
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="write to a file, whole or not at all")
    return parser


def run_parser() -> Parser:
    """``llm-linalg run …``."""
    parser = Parser(
        prog="llm-linalg run", description="Run a program of the tensor language.", allow_abbrev=False
    )
    parser.add_argument(
        "file",
        nargs="?",
        metavar="FILE",
        help="a program, lesson, notebook; - is standard input",
    )
    parser.add_argument("-c", dest="code", metavar="CODE", help="the program itself")
    parser.add_argument("--seed", type=seed, metavar="N", help="the seed of the random numbers")
    patience(parser)
    parser.add_argument(
        "--ranks", type=ranks, metavar="N", help="run it on so many devices, each a local process of its own"
    )
    parser.add_argument(
        "--format", type=Choice("format", FORMATS[:2]), default="plain", metavar="F", help="plain or json"
    )
    return parser
