"""The command line's flags.

Errors are one line that names what was given, what is possible and the nearest.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence

from llm_linalg.base.spelling import quote
from tui.cli.command_table import overview
from tui.cli.settings import BY_NAME, COLOURS, DISPLAY
from tui.model.flags import Choice, Parser, whole_number
from tui.model.view_words import add_picture_flags, add_read_flag, add_trust_flag

FORMATS = ("plain", "json", "screen", "svg", "ansi")
LARGEST = 1000  # columns or rows of a frame

DESCRIPTION = f"""\
The linear algebra inside a language model, step by step, on real torch tensors.

{overview()}
"""
EPILOG = """\
LESSON is a slug of "llm-linalg lessons", or the path of a lesson file or of what
"open" opens. Steps count from 1; step 0 is the picture before the first. Exit codes:
0 done, 1 the program or a check failed, 2 wrong usage or no usable terminal.
"llm-linalg COMMAND --help" says what a command takes.
"""


def command_parser(name: str, description: str) -> Parser:
    """Return the parser of a command, without its flags."""
    return Parser(prog=f"llm-linalg {name}", description=description)


def format_flag(parser: Parser, default: str | None = "plain", says: str = "plain or json") -> None:
    """Add the flag of what a command prints: text or JSON; `--json`, its name of before, is an alias."""
    parser.add_argument(
        "--format", type=Choice("format", FORMATS[:2]), default=default, metavar="F", help=says
    )
    parser.add_argument("--json", dest="format", action="store_const", const="json", help=argparse.SUPPRESS)


def size(text: str) -> tuple[int, int]:
    """Return columns and rows, such as 80x24."""
    match = re.fullmatch(r"([0-9]{1,5})[xX×]([0-9]{1,5})", text)
    pair = (int(match[1]), int(match[2])) if match else (0, 0)
    if not all(1 <= side <= LARGEST for side in pair):
        raise argparse.ArgumentTypeError(
            f"{quote(text)} is not a size: columns x rows, such as 80x24, each from 1 to {LARGEST}"
        )
    return pair


def output_flag(parser: Parser) -> None:
    """Add the flag of the file that a command writes: None is standard output."""
    parser.add_argument(
        "-o",
        "--output",
        type=_output,
        metavar="FILE",
        help="the file, whole or not at all; - is standard output",
    )


def _output(text: str) -> str | None:
    return None if text == "-" else text


def megabytes(text: str) -> int:
    """Return a number of megabytes."""
    value = whole_number(text)
    if not 0 <= value <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{quote(text)} is not a number of megabytes")
    return value


def view_flags(parser: Parser, *, all_steps: bool = False, leave_out: Sequence[str] = ()) -> None:
    """Add the flags that name a picture, and its colours; see `add_picture_flags`."""
    add_picture_flags(parser, all_steps=all_steps, leave_out=leave_out)
    setting_flags(parser, COLOURS)


def setting_flags(parser: Parser, names: Sequence[str]) -> None:
    """Add the flags of settings: of how the app is shown."""
    group = parser.group("display")
    for name in names:
        BY_NAME[name].add_to(group)


def app_parser() -> Parser:
    """Return the parser of `llm-linalg [LESSON] …`."""
    parser = Parser(
        prog="llm-linalg",
        usage="llm-linalg [LESSON] [options]\n       llm-linalg COMMAND …",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("lesson", nargs="?", metavar="LESSON", help="a slug, or the path of a lesson file")
    parser.add_argument("--version", action="store_true", help="print the version")
    add_read_flag(parser)
    app_flags(parser)
    return parser


def app_flags(parser: Parser, *, leave_out: Sequence[str] = ()) -> None:
    """Add the flags of what opens the app: the picture, and how it is shown."""
    if "trust" not in leave_out:
        add_trust_flag(parser)
    parser.add_argument("--record", metavar="FILE", help="write what is done as a script")
    view_flags(parser, leave_out=leave_out)
    says = argparse.SUPPRESS if "play" in leave_out else "start playing"
    parser.group("display").add_argument("--play", action="store_true", help=says)
    setting_flags(parser, [name for name in ("time_limit", *DISPLAY) if name not in leave_out])
