"""What the app knows from its last run: its place, theme, lessons' settings and progress, decks' last stops.

Never needed: what is damaged or can't be read counts as not there, part by part, and a folder that can't be
written is no error. Two apps at once lose nothing but the older of two answers to the same question.

Nothing is written over that this version doesn't understand: what is damaged is set aside, and what a newer
version wrote stays as it is.
"""

from __future__ import annotations

import errno
import json
import os
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from llm_linalg.base import file_io
from tui.files import user_dirs
from tui.files.course_progress import CourseProgress, progress_of_json

NAME = "state.json"
FORMAT = 1
MOST_DECKS = 100
MOST_MARKS = 10
MOST_LESSONS = 200
MOST_WORDS = 200
LONGEST_WORD = 20_000  # characters
LATEST = 1e12  # seconds


class StageMark(NamedTuple):
    """Where a talk stands that has not ended, for the case that its process does.

    Attributes:
        stop: The stop, from 1.
        words: The flags that name its picture.
        seconds: What the clock counted.
        running: Whether the clock went.
        at: When this was, in seconds of the system's clock.
    """

    stop: int
    words: tuple[str, ...]
    seconds: float
    running: bool
    at: float


class State(NamedTuple):
    """What is remembered.

    Attributes:
        place: the arguments of `llm-linalg` that open the last view again; none of a first run.
        theme: the theme that was last chosen by its key, or None.
        decks: a deck's absolute path and its last stop, from 1; the one used last at the end.
        marks: the paths of decks whose talk has not ended, and where each stands.
        lessons: the slugs of lessons that were changed, and the flags that name their settings.
        progress: what was seen and solved of the course.
        way: the way that was taken from the door, or None while none was.
        course: the version of the course in which progress counts; empty without any.
        brief: whether stops marked "More" are left out.
    """

    place: tuple[str, ...] = ()
    theme: str | None = None
    decks: tuple[tuple[str, int], ...] = ()
    marks: tuple[tuple[str, StageMark], ...] = ()
    lessons: tuple[tuple[str, tuple[str, ...]], ...] = ()
    progress: CourseProgress = CourseProgress()
    way: str | None = None
    course: str = ""
    brief: bool = False

    def mark(self, path: str | os.PathLike[str]) -> StageMark | None:
        """Return where a deck's talk stood that did not end; None for one that did."""
        return dict(self.marks).get(_absolute(path))

    def with_mark(self, path: str | os.PathLike[str], mark: StageMark | None) -> State:
        """Return the state with where a deck's talk stands, or None for one that has ended."""
        others = [(name, other) for name, other in self.marks if name != _absolute(path)]
        own = [] if mark is None else [(_absolute(path), mark)]
        return self._replace(marks=(*others, *own)[-MOST_MARKS:])

    def deck(self, path: str | os.PathLike[str]) -> int | None:
        """Return the stop, from 1, at which a deck was left; None for one that is not known."""
        return dict(self.decks).get(_absolute(path))

    def with_deck(self, path: str | os.PathLike[str], stop: int) -> State:
        """Return the state with a deck's last stop; the decks not used for longest are forgotten."""
        others = {name: number for name, number in self.decks if name != _absolute(path)}
        return self._replace(decks=(*others.items(), (_absolute(path), stop))[-MOST_DECKS:])


class StateFile(NamedTuple):
    """Where the state is kept.

    Attributes:
        folder: The user's; None keeps nothing.
    """

    folder: Path | None = None

    def load(self) -> State:
        """Return what is remembered, as far as it makes sense."""
        return _in_course(of_json(self._read()[1]))

    def update(
        self, change: Callable[[State], State], failed: Callable[[str], object] = lambda _: None
    ) -> bool:
        """Change what is remembered now, which another app may have written; whether that was kept.

        Args:
            change: Makes another state of the one that is remembered.
            failed: Takes a line that says why the file can't be written, unless that was known before.
        """
        if self.folder is None:
            return False
        with file_io.lock_folder(self.folder):
            return self._update(self.folder / NAME, change, failed)

    def _update(self, path: Path, change: Callable[[State], State], failed: Callable[[str], object]) -> bool:
        condition, table = self._read()
        if condition == "newer":
            return False
        changed = _in_course(change(_in_course(of_json(table))))
        state = of_json(_parts(changed))  # nothing that would not be understood again
        parts = {"format": FORMAT, **_parts(state)}
        try:
            if condition == "damaged":
                file_io.set_aside(path)
            user_dirs.keep(path, json.dumps(parts if condition == "damaged" else table | parts) + "\n")
        except OSError as error:
            if user_dirs.writable(self.folder):  # else it was said at the start
                failed(f"nothing of this is remembered: {NAME} can't be written: {error.strerror or error}")
            return False
        return True

    def forget_progress(self) -> Path | None:
        """Forget what was seen and solved of the course.

        Returns:
            The path of a copy of the file as it was; None where there was none.

        Raises:
            OSError: If it can't be forgotten, or no copy be kept.
        """
        condition, _ = self._read()
        if self.folder is None or condition == "absent":
            return None
        if condition == "newer":
            raise PermissionError(errno.EACCES, f"{NAME} is of a newer version")
        copy = file_io.free_copy(self.folder / NAME)
        if condition == "sound":  # else it is set aside under that name
            user_dirs.keep(copy, user_dirs.read_own(self.folder / NAME))
        if not self.update(lambda state: state._replace(progress=CourseProgress())):
            raise PermissionError(errno.EACCES, "its folder can't be written to")
        return copy

    def set_aside_damaged(self) -> str:
        """Set the file aside if it can't be read; say in one line what is not remembered, and why."""
        if self.folder is None:
            return ""
        condition, _ = self._read()
        if condition == "newer":
            return f"{NAME} is of a newer version: it is left alone, and nothing is remembered."
        if condition == "damaged":
            try:
                return (
                    f"{NAME} can't be read: it was renamed to {file_io.set_aside(self.folder / NAME).name}."
                )
            except OSError:
                return f"{NAME} can't be read, nor set aside: nothing is remembered."
        return ""

    def _read(self) -> tuple[user_dirs.Condition, dict[str, Any]]:
        """Return how the file is, and what stands in it."""
        if self.folder is None:
            return "absent", {}
        condition, table = user_dirs.read_table(self.folder / NAME, FORMAT)
        return "damaged" if condition == "sound" and not _is_sound(table) else condition, table


def _parts(state: State) -> dict[str, Any]:
    """Return the parts of a state, as they stand in the file."""
    marks = {path: [mark.stop, [*mark.words], *mark[2:]] for path, mark in state.marks}
    lessons = {slug: [*words] for slug, words in state.lessons}
    return {
        "place": [*state.place], "theme": state.theme, "decks": dict(state.decks), "marks": marks,
        "lessons": lessons, "progress": state.progress.as_json(), "way": state.way, "course": state.course,
        "brief": state.brief,
    }  # fmt: skip


def _in_course(state: State) -> State:
    """Return a state whose progress counts in this version of the course, as it may be of another."""
    if not state.progress.lessons:
        return state._replace(course="")
    stamp = _course_stamp()
    if state.course == stamp:
        return state
    from llm_linalg.lessons.reader import catalog

    return state._replace(progress=state.progress.in_course(catalog()), course=stamp)


def _course_stamp() -> str:
    """Return what tells versions of the course apart."""
    from llm_linalg.lessons.files import curriculum_files

    total = 0
    for file in curriculum_files():
        total = zlib.crc32(file.read_bytes(), total)
    return f"{total:08x}"


def _is_sound(table: Mapping[str, Any]) -> bool:
    """Return whether all that stands there is what we would write."""
    return all(table.get(name, value) == value for name, value in _parts(of_json(table)).items())


def of_json(value: Any) -> State:
    """Return the state that a JSON value stands for; each part that is not as it should be is left out."""
    table = value if isinstance(value, dict) else {}
    words, theme, decks = table.get("place"), table.get("theme"), table.get("decks")
    way, course = table.get("way"), table.get("course")
    marks = table.get("marks")
    marked = [(path, _mark(flags)) for path, flags in marks.items()] if isinstance(marks, dict) else []
    stops = decks.items() if isinstance(decks, dict) else ()
    lessons = table.get("lessons")
    settings = [(slug, _words(flags)) for slug, flags in lessons.items()] if isinstance(lessons, dict) else []
    return State(
        place=_words(words) or (),
        theme=theme if isinstance(theme, str) else None,
        decks=tuple((name, stop) for name, stop in stops if type(stop) is int and stop > 0)[-MOST_DECKS:],
        marks=tuple((path, mark) for path, mark in marked if mark is not None)[-MOST_MARKS:],
        lessons=tuple((slug, flags) for slug, flags in settings if flags)[-MOST_LESSONS:],
        progress=progress_of_json(table.get("progress"), MOST_LESSONS),
        way=way if isinstance(way, str) else None,
        course=course if isinstance(course, str) else "",
        brief=table.get("brief") is True,
    )


def _words(value: object) -> tuple[str, ...] | None:
    """Return a list of words as they are kept; None for anything else."""
    if not isinstance(value, list) or len(value) > MOST_WORDS:
        return None
    whole = all(isinstance(word, str) and len(word) <= LONGEST_WORD for word in value)
    return tuple(value) if whole else None


def _mark(value: object) -> StageMark | None:
    """Return the mark that a JSON value stands for; None for what is none."""
    if not isinstance(value, list) or len(value) != len(StageMark._fields):
        return None
    stop, flags, seconds, running, at = value
    words = _words(flags)
    numbers = all(type(number) in (int, float) and 0 <= number < LATEST for number in (seconds, at))
    if type(stop) is not int or stop < 1 or words is None or not numbers or type(running) is not bool:
        return None
    return StageMark(stop, words, seconds, running, at)


def _absolute(path: str | os.PathLike[str]) -> str:
    return os.path.abspath(path)  # noqa: PTH100 - without following links, which may lead elsewhere tomorrow
