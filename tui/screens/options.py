"""The options of the app, as the command line and the settings give them."""

from __future__ import annotations

from typing import NamedTuple

from tui.files.course_progress import CourseProgress
from tui.files.drafts import Drafts
from tui.files.state_file import StateFile
from tui.session.commands import Command
from tui.session.keys import KEYS
from tui.session.lesson_settings import LessonSettings
from tui.session.script.saving import Tape
from tui.text.themes import DEFAULT_THEME


class Options(NamedTuple):
    """How the app is shown.

    Attributes:
        theme: a name in `tui.text.themes.THEMES`.
        keeps_theme: whether the user chose it; else the terminal's background decides between two.
        ascii_only: for terminals whose locale has no UTF-8.
        play: whether it plays from the start.
        motion: whether it may play at all by itself; without, the keys that play step instead.
        slowest: the least number of seconds between two beats, for a slow link.
        speed: steps a second at the start.
        time_limit: how many seconds a program may run; 0 if the clock has no say.
        drafts: where the playground's program is kept; nowhere unless given.
        keys: the commands and their keys.
        door: whether it opens at the door.
        notice: what is said at the start, until the first key.
        state_file: where progress and the stop of a talk are remembered; nowhere unless given.
        progress: what was seen and solved before.
        brief: whether stops marked "More" are left out.
        lesson_settings: the settings with which lessons were left before.
        tape: what is recorded, and what is played.
    """

    theme: str = DEFAULT_THEME
    keeps_theme: bool = True
    ascii_only: bool = False
    play: bool = False
    motion: bool = True
    slowest: float = 0.0
    speed: float = 4.0
    time_limit: float = 0.0
    drafts: Drafts = Drafts()  # without a folder it keeps nothing, so that all apps may share it
    keys: tuple[Command, ...] = KEYS
    door: bool = False
    notice: str = ""
    state_file: StateFile = StateFile()
    progress: CourseProgress = CourseProgress()
    brief: bool = False
    lesson_settings: LessonSettings = ()
    tape: Tape = Tape()
