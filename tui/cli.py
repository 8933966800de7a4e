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
from tui import (
    cli_app,
    cli_check,
    cli_commands,
    cli_completion,
    cli_config,
    cli_export,
    cli_follow,
    cli_play,
    cli_present,
    cli_script,
    cli_trace,
    failures,
    leaving,
)
from tui.cli_parse import (
    Parser,
    UsageError,
    app_parser,
    doctor_parser,
    frame_parser,
    language_parser,
    lessons_parser,
    open_parser,
    run_parser,
)
from tui.cli_write import WriteError, say, write

if TYPE_CHECKING:
    from llm_linalg.lesson import Lesson

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
    code = _run(words, given)
    return leaving.leave(code) if given is None else code  # a script goes on


def _run(words: list[str], given: Lesson | None) -> int:
    from llm_linalg.lesson_values import LessonError

    try:
        return _dispatch(words) if given is None else cli_app.launch(app_parser().read(words), given)
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
        return failures.said(error, failures.logged(error))


def _dispatch(words: list[str]) -> int:
    named = COMMANDS.get(words[0]) if words else None
    command, rest = (APP, words) if named is None else (named, words[1:])
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
        return cli_app.launch(flags)
    from llm_linalg import __version__

    write(f"llm-linalg {__version__}\n")
    return 0


class Command(NamedTuple):
    """What the first word of a command line stands for."""

    parser: Callable[[], Parser]
    run: Callable[[argparse.Namespace], int]
    pinned: bool = True  # whether torch's kernels are; the user's own code has torch as it is


COMMANDS = {
    "open": Command(open_parser, cli_app.launch),
    "play": Command(cli_play.play_parser, cli_play.play),
    "present": Command(cli_present.present_parser, cli_present.present),
    "notes": Command(cli_follow.notes_parser, cli_follow.notes),
    "follow": Command(cli_follow.follow_parser, cli_follow.follow),
    "lessons": Command(lessons_parser, cli_commands.lessons),
    "frame": Command(frame_parser, cli_commands.frame),
    "export": Command(cli_export.export_parser, cli_export.export),
    "play-script": Command(cli_script.play_script_parser, cli_script.play_script),
    "run": Command(run_parser, cli_commands.run),
    "trace": Command(cli_trace.trace_parser, cli_trace.trace, pinned=False),
    "check": Command(cli_check.check_parser, cli_check.check),
    "completion": Command(cli_completion.completion_parser, cli_completion.completion),
    "config": Command(cli_config.config_parser, cli_config.config),
    "doctor": Command(doctor_parser, cli_commands.doctor),
    "language": Command(language_parser, cli_commands.language),
}
APP = Command(app_parser, _app)


def pin_kernels() -> None:
    """Make torch round alike everywhere; it reads these once, when it is imported."""
    os.environ.update(KERNELS)


if __name__ == "__main__":
    sys.exit(main())
