"""The command line's flags.

Errors are one line that names what was given, what is possible and the nearest.
"""

from __future__ import annotations

import argparse
import re

from llm_linalg.base.spelling import quote
from tui.cli.settings import BY_NAME, COLOURS, DISPLAY
from tui.model.flags import Parser, whole_number
from tui.model.view_words import add_picture_flags

FORMATS = ("plain", "json", "screen", "svg", "ansi")
LARGEST = 1000  # columns or rows of a frame

EPILOG = """\
commands:
  llm-linalg [LESSON]              open the app, at a lesson or at the first one
  llm-linalg open FILE             open a notebook (.ipynb), a Python file or any Markdown with Python
  llm-linalg play [FILE]           write a program and see at once what torch did
  llm-linalg present DECK          show a deck on a stage: a Markdown file, a folder, a lesson
  llm-linalg notes                 the speaker's notes of what is presented, in another terminal
  llm-linalg follow                what is presented, in another terminal
  llm-linalg lessons [--json]      list the lessons
  llm-linalg frame LESSON …        print one picture, or all of them
  llm-linalg export WHAT -o FILE   write a lesson, a deck or a script as a page, a recording, a picture
  llm-linalg play-script FILE      play a script of actions in the app
  llm-linalg run [FILE | - | -c CODE]   run a program of the tensor language and print its tensors
  llm-linalg trace FILE.py:FUNCTION     import and run your own code, and open what torch did in it
  llm-linalg completion SHELL      print what completes words in bash, zsh or fish
  llm-linalg check [FILE…]         open every stop of lessons and decks, and report what is wrong
  llm-linalg config                show each setting and where it is from
  llm-linalg doctor                say what this terminal can do, and what the app makes of it
  llm-linalg language              print what the tensor language has
  llm-linalg help [TOPIC]          print a guide, or list the guides

LESSON is a slug (see "llm-linalg lessons") or the path of a lesson file, or of what "open" opens. Steps count
from 1; step 0 is the picture before the first. Exit codes: 0 done, 1 the program failed, 2 wrong usage or no
usable terminal.
"""


def size(text: str) -> tuple[int, int]:
    """Return columns and rows, such as 80x24."""
    found = re.fullmatch(r"([0-9]{1,5})[xX×]([0-9]{1,5})", text)
    pair = (int(found[1]), int(found[2])) if found else (0, 0)
    if not all(1 <= side <= LARGEST for side in pair):
        raise argparse.ArgumentTypeError(
            f"{quote(text)} is not a size: columns x rows, such as 80x24, each from 1 to {LARGEST}"
        )
    return pair


def megabytes(text: str) -> int:
    """Return a number of megabytes."""
    value = whole_number(text)
    if not 0 <= value <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{quote(text)} is not a number of megabytes")
    return value


def view_flags(parser: Parser) -> None:
    """Add the flags that name a picture, and its colours."""
    add_picture_flags(parser)
    colour_flags(parser)


def colour_flags(parser: Parser) -> None:
    """Add the flags of colours and characters."""
    for name in COLOURS:
        BY_NAME[name].add_to(parser)


def app_parser() -> Parser:
    """Return the parser of ``llm-linalg [LESSON] …``."""
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


def app_flags(parser: Parser) -> None:
    """Add the flags of what opens the app: the picture, and how it is shown."""
    view_flags(parser)
    parser.add_argument("--record", metavar="FILE", help="write what is done as a script")
    time_limit_flag(parser)
    display_flags(parser)


def time_limit_flag(parser: Parser) -> None:
    """Add the flag of how long a program may run."""
    BY_NAME["time_limit"].add_to(parser)


def display_flags(parser: Parser) -> None:
    """Add the flags of how the app is shown."""
    parser.add_argument("--play", action="store_true", help="start playing")
    for name in DISPLAY:
        BY_NAME[name].add_to(parser)
