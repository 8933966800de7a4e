"""The settings with which a lesson was left: controls and seed, kept for when it is opened again.

They are kept as words, the flags that name them: so they read back only as far as the lesson still has them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.model.usage_error import UsageError
from tui.model.view import View
from tui.model.view_words import picture_parser, setting_words, view_of
from tui.navigation.playground import is_playground

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llm_linalg.lessons.lesson import Lesson

LessonSettings = tuple[tuple[str, tuple[str, ...]], ...]
"""For each lesson that was changed, by its slug: the flags that name its settings."""


def keeps_settings(lesson: Lesson, lessons: Sequence[Lesson]) -> bool:
    """Return whether a lesson's settings are kept: it is one of the course, and not a file of one's own."""
    if is_playground(lesson) or lesson.document or lesson.external is not None:
        return False
    return any(entry.slug == lesson.slug and entry.path == lesson.path for entry in lessons)


def with_settings_of(kept: LessonSettings, view: View) -> LessonSettings:
    """Return what is kept, with the settings of a view; a lesson's own settings need no keeping."""
    others = tuple(entry for entry in kept if entry[0] != view.lesson.slug)
    words = tuple(setting_words(view))
    return (*others, (view.lesson.slug, words)) if words else others


def merged_settings(now: LessonSettings, before: LessonSettings, after: LessonSettings) -> LessonSettings:
    """Return what is kept with one app's changes, so that two apps at once lose nothing.

    Args:
        now: What is kept now, perhaps by another app.
        before: What was kept when this app started.
        after: What this app leaves.
    """
    old, new = dict(before), dict(after)
    mine = {slug for slug in (*old, *new) if old.get(slug) != new.get(slug)}
    others = (entry for entry in now if entry[0] not in mine)
    return (*others, *(entry for entry in after if entry[0] in mine))


def opening_with(words: Sequence[str], lesson: Lesson, stop: int) -> View:
    """Return a lesson's opening view with settings given as words; its own where it takes them no more."""
    try:
        return view_of(picture_parser("settings").read([*words, "--stop", str(stop)]), lesson)
    except UsageError:
        return View.opening(lesson, stop)
