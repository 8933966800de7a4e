"""`llm-linalg play-script`: a script, played in the app."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from llm_linalg.base.spelling import quote
from llm_linalg.base.text import clean
from tui.cli import launch
from tui.cli.parser import command_parser, setting_flags
from tui.cli.settings import COLOURS, resolve
from tui.files import user_dirs
from tui.files.trusted_folders import TrustedFolders
from tui.model.flags import Parser, speed
from tui.model.usage_error import UsageError
from tui.model.view_words import add_trust_flag
from tui.session.consent_commands import trusted_view
from tui.session.script import saving

if TYPE_CHECKING:
    from tui.app import Explorer
    from tui.session.script.script_reader import Script

INSTEAD = "'llm-linalg export FILE -o demo.html' makes a page of it, or a recording, without one"


def parser() -> Parser:
    """Return the parser of `llm-linalg play-script FILE …`."""
    parser = command_parser("play-script", "Play a script of actions in the app. Any key takes over.")
    parser.add_argument("file", metavar="FILE", help="the script, such as the app writes with R")
    parser.add_argument(
        "--speed", type=speed, default=1.0, metavar="X", help="X times as fast as written", dest="tempo"
    )
    add_trust_flag(parser)
    parser.add_argument("--record", metavar="FILE", help="write what is done as a script")
    setting_flags(parser, (*COLOURS, "mouse", "slow_link"))
    return parser


def run(flags: argparse.Namespace) -> int:
    """Open the app, and play the script until a key is pressed; return the exit code."""
    from tui.session.script.playback import opening_session

    script = script_in(flags.file)
    launch.check_terminal(os.environ, INSTEAD)
    begun = opening_session(script)
    talk_files = () if begun.talk is None else begun.talk.deck.files
    saving.check_target(flags.record, begun.view.lesson, (Path(flags.file), *talk_files))
    settings = resolve(flags, os.environ)
    launch.report_problems(settings)

    def make() -> Explorer:
        from llm_linalg.lessons.reader import catalog
        from tui.app import Explorer

        tape = saving.Tape(flags.record, script, flags.tempo)
        lessons = catalog() if begun.talk is None else begun.lessons
        view = trusted_view(
            begun.view, TrustedFolders(user_dirs.folder(os.environ)), Path(flags.file), *talk_files
        )
        return Explorer(view, lessons, launch.options_of(settings)._replace(tape=tape), begun.talk)

    return launch.report_losses(*launch.run_on_terminal(make, settings))


def script_in(name: str) -> Script:
    """Return the script in a file.

    Raises:
        UsageError: Where it can't be read.
        ScriptError: Where it is none.
    """
    from tui.session.script.script_reader import parse_script

    try:
        return parse_script(user_dirs.read(Path(name)), clean(name, 200), Path(name).parent)
    except OSError as error:
        raise UsageError(f"cannot read {quote(name, 200)}: {error.strerror or error}") from None
    except ValueError as error:
        raise UsageError(f"{quote(name, 200)} is no script: {error}") from None


def is_script(word: str) -> bool:
    """Return whether a word names a script: a file that is neither a lesson nor a document."""
    from llm_linalg.lessons.deck import SUFFIXES
    from llm_linalg.lessons.documents import is_document

    path = Path(word)
    named = path.suffix == saving.SUFFIX
    return named or (path.is_file() and path.suffix not in SUFFIXES and not is_document(word))
