"""The command line: flags, environment, and then the app or a picture of it.

Imports neither torch nor textual until it must: ``--help``, ``--version`` and ``lessons`` never do.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tui.cli_parse import (
    COMMANDS,
    UsageError,
    app_parser,
    doctor_parser,
    frame_parser,
    language_parser,
    lessons_parser,
    open_parser,
    play_parser,
    run_parser,
    trace_parser,
)
from tui.cli_write import WriteError, write

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
    from llm_linalg.lesson_values import LessonError

    try:
        return _dispatch(words) if given is None else _open(words, given)
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


def _dispatch(words: list[str]) -> int:
    if words and words[0] in COMMANDS:
        name, *rest = words
        parsers = {
            "lessons": lessons_parser,
            "frame": frame_parser,
            "run": run_parser,
            "language": language_parser,
            "doctor": doctor_parser,
        }
        flags = parsers[name]().read(rest)
        from tui import cli_commands

        pin_kernels()
        return cli_commands.COMMANDS[name](flags)
    if words and words[0] == "trace":
        from tui.cli_trace import trace

        return trace(trace_parser().read(words[1:]), say)
    if words and words[0] == "play":
        from tui.cli_play import play

        pin_kernels()
        return play(play_parser().read(words[1:]))
    if words and words[0] == "open":
        from tui.cli_app import launch

        pin_kernels()
        return launch(open_parser().read(words[1:]))
    flags = app_parser().read(words)
    if flags.version:
        from llm_linalg import __version__

        write(f"llm-linalg {__version__}\n")
        return 0
    from tui.cli_app import launch

    pin_kernels()
    return launch(flags)


def _open(words: list[str], given: Lesson) -> int:
    from tui.cli_app import launch

    return launch(app_parser().read(words), given)


def pin_kernels() -> None:
    """Make torch round alike everywhere; it reads these once, when it is imported."""
    os.environ.update(KERNELS)


def say(message: str) -> None:
    """One line on stderr."""
    from llm_linalg.text import clean

    if sys.stderr is not None:
        print(f"llm-linalg: {clean(message, 2000)}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
