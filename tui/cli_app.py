"""Starting the app: what the terminal must be able to do, said in one line if it can't."""

from __future__ import annotations

import argparse
import codecs
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tui.cli_parse import UsageError
from tui.cli_view import starting, view_of
from tui.drafts import Drafts, folder
from tui.terminal.depth import depth
from tui.view import View

if TYPE_CHECKING:
    from llm_linalg.lesson import Lesson
    from tui.terminal.showing import TerminalApp

COLOR_SYSTEMS = ("auto", "standard", "256", "truecolor", "windows")
SLOW = 0.25  # seconds between two beats on a slow link


def launch(flags: argparse.Namespace, lesson: Lesson | None = None, drafts: Drafts | None = None) -> int:
    """Runs the app; returns its exit code. Raises UsageError where the terminal can't serve.

    Args:
        flags: What the command line says.
        lesson: What to open, where the flags don't name it.
        drafts: Where the playground's program is kept; in the user's folder unless given.
    """
    view = view_of(flags, lesson)
    if flags.plain or dumb(os.environ):
        return plain(starting(view, flags), ascii_only=flags.ascii or not utf8(os.environ))
    check_terminal(os.environ)
    theme = flags.theme or ("no-colour" if os.environ.get("NO_COLOR") else "dark")
    os.environ.pop("NO_COLOR", None)  # the theme says it; libraries would take an empty one for a yes
    if os.environ.get("TEXTUAL_COLOR_SYSTEM", "auto") in ("", "auto"):
        os.environ["TEXTUAL_COLOR_SYSTEM"], _ = depth(os.environ)
    if flags.no_motion or flags.slow_link:
        os.environ["TEXTUAL_ANIMATIONS"] = "none"
    if flags.slow_link:
        os.environ["TEXTUAL_FPS"] = "10"
    from llm_linalg.lesson import catalog
    from tui.app import Explorer, Options
    from tui.terminal.outlet import outlet
    from tui.terminal.showing import told

    options = Options(
        theme=theme,
        ascii_only=flags.ascii or not utf8(os.environ),
        play=flags.play,
        motion=not flags.no_motion,
        slowest=SLOW if flags.slow_link else 0.0,
        speed=flags.speed,
        drafts=drafts or Drafts(folder(os.environ)),
    )
    app = Explorer(starting(view, flags), catalog(), options)
    with outlet() as out:
        app.screen_descriptor = out.screen
        app.run(mouse=not flags.no_mouse)
        if app.failure is not None:
            print(told(app.failure), file=sys.stderr, flush=True)  # noqa: T201 - into the log
    return ended(app, out.log)


def plain(view: View, *, ascii_only: bool) -> int:
    """The session without a screen."""
    from llm_linalg.lesson import catalog
    from tui.plain.prompt import talk

    try:
        columns = os.get_terminal_size(1).columns
    except OSError:
        columns = 0
    return talk(view, catalog(), width=columns or 80, ascii_only=ascii_only)


def dumb(environment: Mapping[str, str]) -> bool:
    """Whether somebody sits at a terminal that can't draw."""
    seated = all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))
    return seated and environment.get("TERM", "") in ("", "dumb")


def ended(app: TerminalApp, log: Path | None) -> int:
    """The exit code; of a failure it is said, in short, what and where the rest stands."""
    if app.failure is None:
        return app.return_code or 0
    from llm_linalg.text import clean

    where = f"the whole of it is in {log}" if log is not None else "there was no place for a log"
    what = clean(f"{type(app.failure).__name__}: {app.failure}", 300)
    sys.stderr.write(f"llm-linalg: {what}\nllm-linalg: {where}\n")
    return 1


PRINTS = "'llm-linalg frame LESSON' prints a picture"


def check_terminal(environment: Mapping[str, str], instead: str = PRINTS) -> None:
    """Raises UsageError, in one line, where the app can't be drawn or steered."""
    if sys.stdout is None or not sys.stdout.isatty():
        raise UsageError(f"standard output is not a terminal: {instead}")
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError(f"standard input is not a terminal: {instead}")
    colours = environment.get("TEXTUAL_COLOR_SYSTEM", "auto")
    if colours and colours not in COLOR_SYSTEMS:
        raise UsageError(f"TEXTUAL_COLOR_SYSTEM is one of {', '.join(COLOR_SYSTEMS)}")


def utf8(environment: Mapping[str, str]) -> bool:
    """Whether the locale writes UTF-8, as the C library decides it: LC_ALL, else LC_CTYPE, else LANG."""
    name = next((environment[key] for key in ("LC_ALL", "LC_CTYPE", "LANG") if environment.get(key)), "")
    if name in ("C", "POSIX"):
        return False
    encoding = name.partition(".")[2].partition("@")[0]
    if not encoding:
        encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    try:
        return codecs.lookup(encoding).name == "utf-8"
    except LookupError:
        return False
