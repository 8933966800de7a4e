"""The sidebar: the parts, and the lessons of the part that is open; of a document, its outline."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from textual import events

from tui.layout.pane_sizes import Picture
from tui.session.outline import OutlineEntry, outline
from tui.session.outline import selection as place
from tui.text.rows import Row, TextSpan, fit, width_of
from tui.widgets.row_widget import RowWidget

if TYPE_CHECKING:
    from llm_linalg.lessons.reader import Lesson, ListedLesson
    from tui.session.session import Session

MOST_INDENTED = 6  # columns: a label has to be read as well


class Sidebar(RowWidget):
    """Parts and lessons; a click opens one. Its last column is the rule beside it."""

    DEFAULT_CSS = "Sidebar { height: 1fr; }"

    def __init__(self) -> None:
        super().__init__()
        self._picture: Picture | None = None
        self._made: tuple[object, tuple[list[Row], int]] | None = None  # the lessons, as they were last

    def show_picture(self, picture: Picture) -> None:
        """Show the lessons, the open one and the chosen one."""
        self._picture = picture
        self.fill()

    def on_resize(self, _event: events.Resize) -> None:
        """Show more or fewer rows than before."""
        self.fill()

    def fill(self) -> None:
        """Make the rows, as many as there is room for, around the pointer."""
        if self._picture is None or not self._picture.room.sidebar:
            return
        session = self._picture.session
        entries = outline(session)
        made, pointed = self._outline(session, entries) if entries else self._recall_lessons(session)
        room = self.size.height or len(made)
        start = max(0, min(pointed - room // 2, len(made) - room))
        shown = made[start : start + room]
        shown += [self._frame((), "")] * (room - len(shown))
        self.show(shown)

    def _outline(self, session: Session, entries: tuple[OutlineEntry, ...]) -> tuple[list[Row], int]:
        """Return what stands in the open document, and the place of what is pointed at."""
        at = place(session, entries)
        made = []
        for k, entry in enumerate(entries):
            picked = k == at and session.sidebar_choice is not None
            role = "picked" if picked else "part" if entry.heading else "strong" if entry.here else ""
            mark = self.glyphs.pointer if k == at else " "
            text = f" {mark} {' ' * min(entry.level, MOST_INDENTED)}{entry.text}"
            made.append(self._frame((TextSpan(text, role, entry.command),), role))
        return made, at

    def _recall_lessons(self, session: Session) -> tuple[list[Row], int]:
        """Return the lessons, made again only when something else is open or chosen.

        A step changes none of them.
        """
        key = (session.lessons, session.sidebar_choice, session.view.lesson, self.glyphs, self._columns)
        if self._made is None or self._made[0] != key:
            self._made = key, self._lessons(session)
        return self._made[1]

    def _lessons(self, session: Session) -> tuple[list[Row], int]:
        """Return the parts, the lessons of the open one, and the place of the lesson that is pointed at."""
        chosen = session.sidebar_choice or session.view.lesson.slug
        made: list[Row] = []
        pointed = 0
        for part, members in groupby(session.lessons, key=lambda lesson: lesson.part):
            lessons = list(members)
            here = any(lesson.slug == chosen for lesson in lessons)
            opened = any(lesson.slug == session.view.lesson.slug for lesson in lessons)
            if lessons[0].place == lessons[0].title:  # it stands by itself
                pointed = len(made) if here else pointed
                made.append(self._lesson(session, lessons[0], here))
                continue
            made.append(self._part(part, lessons[0], opened))
            for lesson in lessons if here else ():
                if lesson.slug == chosen:
                    pointed = len(made)
                made.append(self._lesson(session, lesson, lesson.slug == chosen))
        return made, pointed

    def _part(self, part: int, first: Lesson | ListedLesson, opened: bool) -> Row:
        text = f" {part} {first.part_title}"
        return self._frame((TextSpan(text, "open" if opened else "part", f"open:{first.slug}"),), "part")

    def _lesson(self, session: Session, lesson: Lesson | ListedLesson, pointed: bool) -> Row:
        choosing = session.sidebar_choice is not None
        mark = self.glyphs.pointer if pointed else " "
        role = "picked" if pointed and choosing else "strong" if pointed else ""
        if not pointed and lesson.slug == session.view.lesson.slug:
            role = "strong"
        return self._frame((TextSpan(f" {mark} {lesson.title}", role, f"open:{lesson.slug}"),), role)

    @property
    def _columns(self) -> int:
        """The columns of a row, the rule not among them."""
        return 0 if self._picture is None else self._picture.room.sidebar - 1

    def _frame(self, spans: Row, role: str) -> Row:
        width = self._columns
        spans = fit(spans, width, self.glyphs.dots)
        space = TextSpan(" " * (width - width_of(spans)), role if role == "picked" else "")
        return (*spans, space, TextSpan(self.glyphs.vertical, "rule"))
