"""`llm-linalg play`: the app, opened at the playground."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from llm_linalg.base.file_io import written_path
from llm_linalg.base.spelling import quote
from tui.cli.cell_report import program_of
from tui.cli.parser import app_flags, command_parser
from tui.files import drafts, user_dirs
from tui.model.flags import Parser
from tui.model.usage_error import UsageError


def parser() -> Parser:
    """Return the parser of `llm-linalg play [FILE] …`."""
    parser = command_parser("play", "Write a program, and see at once what torch did with it.")
    parser.add_argument(
        "file", nargs="?", metavar="FILE", help="a program, which ctrl+s saves there; or a notebook"
    )
    app_flags(parser, leave_out=("set", "stop", "row"))
    return parser


def run(flags: argparse.Namespace) -> int:
    """Open the playground on a file's program, the draft or an example; return the exit code.

    The cells of a notebook become one program, which is kept as a draft: the notebook is never written.
    """
    from tui.cli.launch import launch
    from tui.navigation.playground import LONGEST, PLAYGROUND

    file = None if flags.file is None else Path(flags.file)
    if file is not None and flags.code is not None:
        raise UsageError("either a file or --code TEXT, not both")
    if file is not None:
        cells = program_of(file, LONGEST)
        flags.code, file = (program_in(file), file) if cells is None else (cells, None)
    return launch(flags, PLAYGROUND, drafts.Drafts(drafts.play_folder(os.environ), file))


def program_in(file: Path) -> str:
    """Return the program in a file; of one that is yet to be written, nothing. Raises UsageError."""
    try:
        written_path(file)  # what can't be saved is better known before an hour of work
        return user_dirs.read(file)
    except FileNotFoundError:
        if file.parent.is_dir():
            return ""
        raise UsageError(f"there is no folder {quote(str(file.parent), 200)}") from None
    except OSError as error:
        raise UsageError(f"cannot edit {quote(str(file), 200)}: {error.strerror or error}") from None
    except ValueError as error:
        raise UsageError(f"{quote(str(file), 200)} is no program: {error}") from None
