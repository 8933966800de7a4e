"""The command line: one table of commands, what each exits with, and torch's kernels.

It imports neither torch nor textual, and neither do ``--help``, ``--version`` and ``lessons``.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from llm_linalg.text import nearest
from tui.cli_parse import app_parser
from tui.files.output import WriteError, say, write
from tui.model.errors import UsageError
from tui.terminal.process import leave
from tui.terminal.signals import restored

if TYPE_CHECKING:
    from llm_linalg.lesson import Lesson
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
    """Runs a command line; returns the exit code.

    Args:
        arguments: The words after the program's name; those of the process unless given.
        given: What is opened in a lesson's place, from `llm_linalg.explore`.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    _hold_streams()
    if given is None:
        return leave(_code_of(words, None))
    with restored():  # a script goes on
        return _code_of(words, given)


def _hold_streams() -> None:
    """Leads each standard stream that is closed to nowhere.

    What is opened next would get its number, and then whatever a library says, or the screen.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # it gets the lowest number that is free


def _code_of(words: list[str], given: Lesson | None) -> int:
    """Runs a command line; what goes wrong is said."""
    from llm_linalg.lesson_values import LessonError

    try:
        if given is None:
            return _dispatch(words)
        from tui.cli_app import launch

        return launch(app_parser().read(words), given)
    except (UsageError, WriteError) as error:
        say(str(error))
        return 2
    except LessonError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        return 130
    except SystemExit as end:  # argparse leaves that way after --help
        return end.code if isinstance(end.code, int) else 1
    except BrokenPipeError:
        # The reader has gone. Python would complain once more when it flushes at exit.
        if sys.stdout is sys.__stdout__:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 141
    except Exception as error:  # noqa: BLE001 - what nobody foresaw is told alike, whichever command it was
        from tui.terminal import crash_log

        return crash_log.said(error, crash_log.logged(error))


def _dispatch(words: list[str]) -> int:
    named = COMMANDS.get(words[0]) if words else None
    command, rest = (APP, words) if named is None else (named(), words[1:])
    try:
        flags = command.parser().read(rest)
        if command.pinned:
            pin_kernels()
        return command.run(flags)
    except UsageError as error:
        meant = nearest(words[0], COMMANDS) if words and named is None else None
        if meant is None:
            raise
        raise UsageError(f'{error}; there is also a command "{meant}"') from None


def _app(flags: argparse.Namespace) -> int:
    """``llm-linalg [LESSON]``, and the version."""
    if not flags.version:
        from tui.cli_app import launch

        return launch(flags)
    from llm_linalg import __version__

    write(f"llm-linalg {__version__}\n")
    return 0


class Command(NamedTuple):
    """What the first word of a command line stands for."""

    parser: Callable[[], Parser]
    run: Callable[[argparse.Namespace], int]
    pinned: bool = True  # whether torch's kernels are; the user's own code has torch as it is


def _open() -> Command:
    from tui.cli_app import launch
    from tui.cli_parse import open_parser

    return Command(open_parser, launch)


def _play() -> Command:
    from tui.cli_play import play, play_parser

    return Command(play_parser, play)


def _present() -> Command:
    from tui.cli_present import present, present_parser

    return Command(present_parser, present)


def _notes() -> Command:
    from tui.cli_follow import notes, notes_parser

    return Command(notes_parser, notes)


def _follow() -> Command:
    from tui.cli_follow import follow, follow_parser

    return Command(follow_parser, follow)


def _lessons() -> Command:
    from tui.cli_commands import lessons
    from tui.cli_parse import lessons_parser

    return Command(lessons_parser, lessons)


def _frame() -> Command:
    from tui.cli_commands import frame
    from tui.cli_parse import frame_parser

    return Command(frame_parser, frame)


def _export() -> Command:
    from tui.cli_export import export, export_parser

    return Command(export_parser, export)


def _play_script() -> Command:
    from tui.cli_script import play_script, play_script_parser

    return Command(play_script_parser, play_script)


def _run() -> Command:
    from tui.cli_commands import run
    from tui.cli_parse import run_parser

    return Command(run_parser, run)


def _trace() -> Command:
    from tui.cli_trace import trace, trace_parser

    return Command(trace_parser, trace, pinned=False)


def _check() -> Command:
    from tui.cli_check import check, check_parser

    return Command(check_parser, check)


def _completion() -> Command:
    from tui.cli_completion import completion, completion_parser

    return Command(completion_parser, completion)


def _config() -> Command:
    from tui.cli_config import config, config_parser

    return Command(config_parser, config)


def _doctor() -> Command:
    from tui.cli_commands import doctor
    from tui.cli_parse import doctor_parser

    return Command(doctor_parser, doctor)


def _language() -> Command:
    from tui.cli_commands import language
    from tui.cli_parse import language_parser

    return Command(language_parser, language)


# Only the command that is given is imported.
COMMANDS: dict[str, Callable[[], Command]] = {
    "open": _open,
    "play": _play,
    "present": _present,
    "notes": _notes,
    "follow": _follow,
    "lessons": _lessons,
    "frame": _frame,
    "export": _export,
    "play-script": _play_script,
    "run": _run,
    "trace": _trace,
    "check": _check,
    "completion": _completion,
    "config": _config,
    "doctor": _doctor,
    "language": _language,
}
APP = Command(app_parser, _app)


def pin_kernels() -> None:
    """Make torch round alike everywhere; it reads these once, when it is imported."""
    os.environ.update(KERNELS)


if __name__ == "__main__":
    sys.exit(main())
