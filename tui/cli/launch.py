"""Start the app, or say in one line what the terminal lacks for it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from llm_linalg.base.text import clean
from llm_linalg.lessons.lesson import LessonError
from tui.cli.parser import app_parser
from tui.cli.settings import Settings, resolve
from tui.files import user_dirs
from tui.files.drafts import Drafts, play_folder
from tui.files.output import is_terminal, say
from tui.files.state_file import State, StateFile
from tui.files.trusted_folders import TrustedFolders
from tui.model.flags import flag_value
from tui.model.lesson_words import find_lesson, first_lesson
from tui.model.usage_error import UsageError
from tui.model.view import View
from tui.model.view_words import VIEW, arguments, start_view, view_of
from tui.navigation.playground import PLAYGROUND, is_playground
from tui.session.consent_commands import trusted_view
from tui.session.lesson_settings import merged_settings
from tui.session.script import saving
from tui.terminal import crash_log, process
from tui.terminal.color_depth import color_depth

if TYPE_CHECKING:
    from llm_linalg.lessons.lesson import Lesson
    from tui.app import Explorer, Options
    from tui.session.presentation.state import Talk
    from tui.session.session import Session
    from tui.terminal.terminal_app import TerminalApp

AppType = TypeVar("AppType", bound="TerminalApp")

COLOR_SYSTEMS = ("auto", "standard", "256", "truecolor", "windows")
PRINTS = "'llm-linalg frame LESSON' prints a picture"
LISTS = "a trace has its nodes as .nodes"
WIDEST = 500  # columns of a session without a screen
SLOW = 0.25  # seconds between two beats on a slow link


def launch(
    flags: argparse.Namespace,
    lesson: Lesson | None = None,
    drafts: Drafts | None = None,
    *,
    door: bool = False,
) -> int:
    """Run the app; return its exit code. Raises UsageError where the terminal can't serve.

    Args:
        flags: What the command line says.
        lesson: What to open, where the flags don't name it.
        drafts: Where the playground's program is kept; in the user's folder unless given.
        door: Whether to open at the door in any case.
    """
    process.hold_collection()
    try:
        return _launch(flags, lesson, drafts, door=door)
    finally:
        process.resume_collection()


def _launch(flags: argparse.Namespace, lesson: Lesson | None, drafts: Drafts | None, *, door: bool) -> int:
    state_file = StateFile(user_dirs.folder(os.environ))
    settings = resolve(flags, os.environ, state_file)
    if flag_value(flags, "read"):
        from tui.cli.cell_report import readable_folder

        readable_folder(flags.lesson)  # else it is said now
    door = door or asks_at_door(flags, settings, state_file, lesson)
    view, notice = opening(flags, settings, state_file, None if door else lesson)
    view = trusted_view(view, TrustedFolders(state_file.folder))
    notice = "" if door else notice
    saving.check_target(flags.record, view.lesson)
    if settings.values.plain or is_dumb(os.environ):
        return plain(view, notice, state_file, settings, record=flags.record, door=door)

    def make() -> Explorer:
        from llm_linalg.lessons.reader import shelf
        from tui.app import Explorer

        state = state_file.load()
        options = options_of(settings)._replace(
            play=flags.play,
            notice=opening_notice(settings, state_file, notice),
            lesson_settings=state.lessons,
            progress=state.progress,
            brief=state.brief,
            state_file=state_file,
            door=door,
            tape=saving.Tape(flags.record),
            drafts=drafts or Drafts(play_folder(os.environ)),
        )
        return Explorer(view, shelf(), options)

    given = view.lesson.external
    app, code = run_on_terminal(make, settings, PRINTS if given is None or given.words else LISTS)
    if app.failure is None:
        state_file.update(partial(_with_last_place, app), say)
    return report_losses(app, code)


def report_losses(app: Explorer, code: int) -> int:
    """Say what could not be written as the app ended; return the exit code, 1 if work was lost."""
    losses = [loss for loss in app.start.losses.work if loss]
    for loss in (*losses, *filter(None, [app.start.losses.place])):
        say(loss)
    return code or int(bool(losses))


def options_of(settings: Settings) -> Options:
    """Return how the app is shown, as the settings have it."""
    from tui.app import Options

    return Options(
        theme=settings.values.theme,
        keeps_theme=settings.by_name["theme"].source != "default",
        ascii_only=settings.values.ascii,
        motion=settings.values.motion,
        slowest=SLOW if settings.values.slow_link else 0.0,
        speed=settings.values.speed,
        time_limit=settings.values.time_limit,
        keys=settings.keys,
    )


def run_on_terminal(
    make: Callable[[], AppType], settings: Settings, instead: str = PRINTS
) -> tuple[AppType, int]:
    """Make an app and run it on the terminal; return it with its exit code.

    Raises:
        UsageError: Where the terminal can't serve.
    """
    check_terminal(os.environ, instead)
    os.environ.pop("NO_COLOR", None)  # the theme says it; libraries would take an empty one for a yes
    for name in ("COLUMNS", "LINES"):  # the terminal says it
        os.environ.pop(name, None)
    if os.environ.get("TEXTUAL_COLOR_SYSTEM", "auto") in ("", "auto"):
        os.environ["TEXTUAL_COLOR_SYSTEM"], _ = color_depth(os.environ)
    if not settings.values.motion or settings.values.slow_link:
        os.environ["TEXTUAL_ANIMATIONS"] = "none"
    if settings.values.slow_link:
        os.environ["TEXTUAL_FPS"] = "10"
    app = make()
    from tui.terminal.redirect import redirect_output

    with redirect_output() as out, crash_log.in_threads(app.fail):
        app.screen_descriptor = out.screen
        try:
            app.run(mouse=settings.values.mouse)
        except Exception as error:  # noqa: BLE001 - whatever it is, the terminal is ours no more
            app.failure = app.failure or error
        if app.failure is not None:
            print(crash_log.full_text(app.failure), file=sys.stderr, flush=True)  # noqa: T201 - into the log
    if app.copied:
        from tui.files.output import write

        write(clean(f"Copied last:\n{app.copied.rstrip()}\n", None, lines=True))
    return app, (app.return_code or 0) if app.failure is None else crash_log.report(app.failure, out.log)


def storage_notice(state_file: StateFile) -> str:
    """Return what is said where nothing can be kept; else nothing."""
    if state_file.folder is None:
        return "There is no home folder, so nothing is remembered."
    writable = user_dirs.writable(state_file.folder)
    return "" if writable else "The home folder can't be written to, so nothing is remembered."


def _with_last_place(app: Explorer, state: State) -> State:
    """Return what is remembered of an app that has ended well."""
    if app.theme != app.appearance.unasked_theme:
        state = state._replace(theme=app.theme)
    session = app.start.session
    lessons = merged_settings(state.lessons, app.options.lesson_settings, session.settings)
    state = session.remembered(state._replace(lessons=lessons))
    return (
        state
        if session.door or app.options.drafts.file is not None
        else at_view(state, session.reopening_view)
    )


def at_view(state: State, view: View) -> State:
    """Return the state with the place of a view.

    A trace of the user's own code is never run again unasked.
    """
    return state if view.lesson.external is not None else state._replace(place=place(view))


def place(view: View) -> tuple[str, ...]:
    """Return the arguments that open a view again from any folder.

    The playground's program is kept elsewhere, and what a document may read is asked anew.
    """
    view = replace(view, reads=False, trusted=False)
    if is_playground(view.lesson):
        view = replace(view, code=None)
    first, *rest = arguments(view)
    path = view.lesson.path
    # Without following links, which may lead elsewhere tomorrow.
    return (first if path is None or first != str(path) else os.path.abspath(path), *rest)  # noqa: PTH100


def asks_at_door(
    flags: argparse.Namespace, settings: Settings, state_file: StateFile, lesson: Lesson | None
) -> bool:
    """Return whether a start is a plain one by somebody who never took a way from the door."""
    named = (
        lesson is not None
        or flag_value(flags, "lesson") is not None
        or lesson_of_settings(settings) is not None
    )
    asked = flags.record is not None or any(flag_value(flags, name) for name in VIEW)
    return is_terminal(sys.stdin) and not (named or asked or flags.play) and state_file.load().way is None


def opening(
    flags: argparse.Namespace, settings: Settings, state_file: StateFile, lesson: Lesson | None
) -> tuple[View, str]:
    """Return the view that the app opens, and what is said of it.

    Where nothing is named it is the lesson of the settings, else the last place, else the first lesson.
    Somebody who sends lines through a pipe was nowhere before.
    """
    if lesson is not None or flag_value(flags, "lesson") is not None:
        return start_view(view_of(flags, lesson), flags), ""
    wanted = lesson_of_settings(settings)
    if wanted is not None:
        return start_view(view_of(flags, wanted), flags), ""
    goes_on = is_terminal(sys.stdin) and not any(flag_value(flags, name) for name in VIEW)
    last = view_at_place(state_file.load().place) if goes_on else None
    first = first_lesson()
    if last is None:
        return start_view(view_of(flags, first), flags), ""
    notice = "You are where you left off. To begin anew: llm-linalg start"
    return last, "" if last == View.opening(first) else notice


def lesson_of_settings(settings: Settings) -> Lesson | None:
    """Return the lesson that the settings name, if there is one."""
    if not settings.values.lesson or wrong_lesson(settings):
        return None
    return find_lesson(settings.values.lesson)


def wrong_lesson(settings: Settings) -> str:
    """Return why the lesson of the file can't be opened, with the place; nothing where it can.

    That of a flag is not read here: it has been opened.

    Raises:
        UsageError: For that of the environment.
    """
    try:
        if settings.values.lesson and settings.by_name["lesson"].source != "flag":
            find_lesson(settings.values.lesson)
    except UsageError as error:
        where = settings.by_name["lesson"]
        if where.source != "file":
            raise UsageError(f"{where.where}: lesson: {error}") from None
        return f"{where.where}: lesson: {error}"
    return ""


def report_problems(settings: Settings) -> None:
    """Say what is wrong with the file of the settings, where no app has room for it."""
    for problem in settings.problems:
        say(problem)


def opening_notice(settings: Settings, state_file: StateFile, notice: str) -> str:
    """Return what is said at the start, of which there is room for one line.

    What was set aside as damaged is said once, so it goes before what is said at each start.
    """
    return state_file.set_aside_damaged() or first_notice(settings, notice or storage_notice(state_file))


def first_notice(settings: Settings, notice: str) -> str:
    """Return what is said at the start: what is wrong with the settings goes before another notice."""
    wrong = [problem for problem in (*settings.problems, wrong_lesson(settings)) if problem]
    if not wrong:
        return notice
    many = "A setting is" if len(wrong) == 1 else f"{len(wrong)} settings are"
    # The remedy goes first: the footer cuts what is long.
    return clean(f"{many} wrong, see 'llm-linalg config': {wrong[0]}", 300)


def view_at_place(place: Sequence[str]) -> View | None:
    """Return the view of a place that was kept; None where it leads nowhere any more."""
    if not place:
        return None
    try:
        flags = app_parser().read(place)
        return start_view(view_of(flags, PLAYGROUND if flags.lesson == PLAYGROUND.slug else None), flags)
    except (UsageError, LessonError):
        return None


def plain(
    view: View,
    notice: str,
    state_file: StateFile,
    settings: Settings,
    *,
    talk: Talk | None = None,
    record: str | None = None,
    door: bool = False,
) -> int:
    """Run the session without a screen; `record` names the script that it is written to."""
    from llm_linalg.lessons.reader import catalog
    from tui.plain_prompt import converse

    process.resume_collection()
    if talk is None and is_terminal(sys.stdin):  # else nothing is kept of it
        notice = opening_notice(settings, state_file, notice)
    else:
        notice = first_notice(settings, notice)
    try:
        columns = os.get_terminal_size(1).columns
    except OSError:
        columns = 0
    left, code = converse(
        view,
        catalog(),
        width=min(columns, WIDEST) or 80,
        ascii_only=settings.values.ascii,
        notice=notice,
        talk=talk,
        record=record,
        seconds=settings.values.time_limit or None,
        door=door,
    )
    if left is not None and talk is None:
        state_file.update(lambda state: _after_prompt(left, state), say)
    return code


def _after_prompt(session: Session, state: State) -> State:
    """Return what is remembered of a session without a screen."""
    state = session.remembered(state)
    return state if session.door else at_view(state, session.reopening_view)


def is_dumb(environment: Mapping[str, str]) -> bool:
    """Return whether the app is at a terminal that can't draw."""
    return is_terminal(sys.stdin) and is_terminal(sys.stdout) and environment.get("TERM", "") in ("", "dumb")


def check_terminal(environment: Mapping[str, str], instead: str = PRINTS) -> None:
    """Raise UsageError, in one line, where the app can't be drawn or steered."""
    if not is_terminal(sys.stdout):
        raise UsageError(f"standard output is not a terminal: {instead}")
    if not is_terminal(sys.stdin):
        raise UsageError(f"standard input is not a terminal: {instead}")
    colours = environment.get("TEXTUAL_COLOR_SYSTEM", "auto")
    if colours and colours not in COLOR_SYSTEMS:
        raise UsageError(f"TEXTUAL_COLOR_SYSTEM is one of {', '.join(COLOR_SYSTEMS)}")
