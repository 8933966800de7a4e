"""The command line: from words to a command, exit codes, and torch's kernels.

It imports neither torch nor textual, and neither do `--help`, `--version` and `lessons`. Before the
process around the app has been split off it imports next to nothing: that stays as small as it is then.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from tui.cli.command_table import COMMANDS, GONE, module_of
from tui.terminal import supervisor

if TYPE_CHECKING:
    import argparse

    from llm_linalg.lessons.lesson import Lesson
    from tui.model.flags import Parser

# float32 sums differ between processors in the last bits; these make torch's kernels add in one order.
KERNELS = {
    "ATEN_CPU_CAPABILITY": "default",
    "MKL_CBWR": "COMPATIBLE",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}


def main(arguments: Sequence[str] | None = None, given: Lesson | None = None) -> int:
    """Run a command and return its exit code; `given` is what `llm_linalg.explore` opens."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    _hold_streams()
    if given is None:
        code = supervisor.fork_app() if _may_draw(words) else None
        if code is not None:
            return code
        code = _code_of(words, None)
        from tui.terminal.process import leave

        return leave(code)
    from tui.terminal.signals import restore_handlers

    with restore_handlers():  # a script goes on
        return _code_of(words, given)


def _may_draw(words: Sequence[str]) -> bool:
    """Return whether a command line may take the terminal, in a process that has done nothing yet."""
    threading = sys.modules.get("threading")
    begun = "torch" in sys.modules or (threading is not None and threading.active_count() > 1)
    named = words[0] if words and words[0] in COMMANDS else None
    return (
        (named is None or named in DRAWING)
        and WITHOUT_SCREEN.isdisjoint(words)
        and os.environ.get("TERM", "") not in ("", "dumb")
        and hasattr(os, "fork")
        and os.isatty(0)
        and os.isatty(1)
        and not begun
    )


def _hold_streams() -> None:
    """Lead each standard stream that is closed to nowhere.

    What is opened next would get its number, and then whatever a library says, or the screen.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # it gets the lowest number that is free


def _code_of(words: list[str], given: Lesson | None) -> int:
    """Run a command line, and report what goes wrong; return the exit code."""
    try:
        return _reported(words, given)
    except KeyboardInterrupt:
        return 130


def _reported(words: list[str], given: Lesson | None) -> int:
    from llm_linalg.base.errors import RoomError
    from llm_linalg.lessons.lesson import LessonError
    from tui.files.output import WriteError, say
    from tui.model.usage_error import UsageError
    from tui.terminal import process, textual_variables

    textual_variables.remove(os.environ)
    if not words or words[0] not in COMMANDS:
        process.hold_collection()
    try:
        if given is None:
            return _dispatch(words)
        from tui.cli.launch import launch
        from tui.cli.parser import app_parser

        return launch(app_parser().read(words), given)
    except UsageError as error:
        say(str(error))
        return 2
    except WriteError as error:
        say(str(error))
        _give_up_output()
        return 2
    except RoomError as error:
        say(f"{error.message}; --trust runs it with your rights" if error.lacks_lock else error.message)
        return 2 if error.lacks_lock else 1
    except LessonError as error:
        say(str(error))
        return 1
    except SystemExit as end:  # argparse leaves that way after --help
        if isinstance(end.code, str):  # of a module of another's, which Python would have printed
            say(end.code)
        return end.code if isinstance(end.code, int) else 1
    except BrokenPipeError:
        _give_up_output()  # its reader has gone
        return 141
    except Exception as error:  # noqa: BLE001 - an unexpected error is reported alike for all commands
        if _is_interrupt(error):
            return 130
        from tui.terminal import crash_log

        return crash_log.report(error, crash_log.write_log(error))
    finally:
        process.resume_collection()


def _give_up_output() -> None:
    """Have nothing more be written to standard output: Python would complain when it flushes at exit."""
    if sys.stdout is not None and sys.stdout is sys.__stdout__:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _is_interrupt(error: BaseException | None) -> bool:
    """Return whether an error was made of ^C, as Python 3.11 does of one while a class is made."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__
    return error is not None


def _dispatch(words: list[str]) -> int:
    from llm_linalg.base.text import nearest
    from tui.cli.parser import app_parser
    from tui.model.flags import flag_value
    from tui.model.usage_error import UsageError

    if (words and words[0] == "language") or words[:2] == ["help", "language"]:
        raise UsageError(GONE)
    named = words[0] if words and words[0] in COMMANDS else None
    module, rest = (command(named), words[1:]) if named is not None else (None, words)
    try:
        flags = (app_parser() if module is None else module.parser()).read(rest)
        if named not in AS_IT_IS:
            pin_kernels()
        if flag_value(flags, "trust"):
            from llm_linalg.api.trust import trust_everything

            trust_everything()
        return _app(flags) if module is None else module.run(flags)
    except UsageError as error:
        from llm_linalg.lessons.reader import catalog

        unknown = named is None and words and words[0] not in {lesson.slug for lesson in catalog()}
        meant = nearest(words[0], COMMANDS) if unknown else None
        if meant is None:
            raise
        raise UsageError(f'{error}; there is also a command "{meant}"') from None


def _app(flags: argparse.Namespace) -> int:
    """Run `llm-linalg [LESSON]`, or print the version."""
    if not flags.version:
        from tui.cli.launch import launch

        return launch(flags)
    from llm_linalg import __version__
    from llm_linalg.base.text import clean_lines
    from tui.files.output import write

    write(clean_lines(f"llm-linalg {__version__}\n"))
    return 0


class CommandModule(Protocol):
    """What the module of a command has."""

    def parser(self) -> Parser:
        """Return the parser of its flags."""

    def run(self, flags: argparse.Namespace) -> int:
        """Do what the flags say; return the exit code. Raises UsageError and LessonError."""


DRAWING = frozenset(
    {"open", "play", "present", "notes", "follow", "play-script", "practice", "start", "trace", "compare"}
)
"""The commands that take the terminal; so does the app itself, which has no name."""
WITHOUT_SCREEN = frozenset({"-h", "--help", "--version", "--plain", "--format", "--json", "--count"})
"""Flags with which they don't."""
AS_IT_IS = frozenset({"trace"})
"""The commands that leave torch's kernels as they are: the user's own code runs in them."""


def command(name: str) -> CommandModule:
    """Return the module of a command of the table; only that of the one that is given is imported."""
    return cast(CommandModule, import_module(module_of(name)))


def parsers() -> dict[str, Parser]:
    """Return the parser of each command; the app's own has no name."""
    from tui.cli.parser import app_parser

    return {"": app_parser(), **{name: command(name).parser() for name in COMMANDS}}


def pin_kernels() -> None:
    """Make torch round alike everywhere; it reads these once, when it is imported."""
    os.environ.update(KERNELS)


if __name__ == "__main__":
    sys.exit(main())
