"""The sidebar: the lessons of the open part and how far each is, all parts to choose from; an outline."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from textual import events

from tui.files.course_progress import BEGUN, DONE, UNSEEN, LessonProgress
from tui.layout.pane_sizes import Picture
from tui.session.lesson_settings import keeps_settings
from tui.session.outline import OutlineEntry, outline
from tui.session.outline import selection as place
from tui.text.rows import Row, TextSpan, fit, tell_apart, width_of, wrap
from tui.widgets.row_widget import RowWidget

if TYPE_CHECKING:
    from llm_linalg.lessons.lesson import Lesson
    from tui.session.session import Session

MOST_INDENTED = 6  # columns: a label has to be read as well
INDENT = 4  # columns before a lesson's title
ALL_PARTS = TextSpan(" all parts", "dim", "list")
STAGE_ROLES = ("dim", "accent", "ok")


class Sidebar(RowWidget):
    """Parts and lessons; a click opens one. Its last column is the rule beside it."""

    DEFAULT_CSS = "Sidebar { height: 1fr; }"

    def __init__(self) -> None:
        super().__init__()
        self._picture: Picture | None = None

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
        made, pointed = self._outline(session, entries) if entries else self._lessons(session)
        room = self.size.height or len(made)
        start = max(0, min(pointed - room // 2, len(made) - room))
        shown = made[start : start + room]
        shown += [self._frame((), "")] * (room - len(shown))
        self.show(shown)

    def _outline(self, session: Session, entries: tuple[OutlineEntry, ...]) -> tuple[list[Row], int]:
        """Return what stands in the open document, and the place of what is pointed at."""
        at = place(session, entries)
        made = []
        leads = [f"{' ' * min(entry.level, MOST_INDENTED)}{entry.text[: entry.lead]}" for entry in entries]
        room = [self._columns - 3 - len(lead) for lead in leads]
        words = [entry.text[entry.lead :] for entry in entries]
        titles = tell_apart(words, room, self.glyphs.dots)
        for k, entry in enumerate(entries):
            picked = k == at and session.selection.sidebar is not None
            role = "picked" if picked else "part" if entry.heading else "strong" if entry.here else ""
            mark = self.glyphs.pointer if k == at else " "
            text = f" {mark} {leads[k]}{titles[k]}"
            made.append(self._frame((TextSpan(text, role, entry.command),), role))
        return made, at

    def _lessons(self, session: Session) -> tuple[list[Row], int]:
        """Return the lessons, and the place of the one that is pointed at.

        While one is in a lesson they are those of its part, with their whole titles; while one chooses, all
        parts and the lessons of the chosen one.
        """
        chosen = session.selection.sidebar or session.view.lesson.slug
        parts = [[*members] for _, members in groupby(session.lessons, key=lambda lesson: lesson.part)]
        own = next((part for part in parts if any(one.slug == chosen for one in part)), [])
        folded = session.selection.sidebar is None and len(own) > 1
        made: list[Row] = []
        pointed = 0
        for lessons in [own] if folded else parts:
            here = lessons is own
            opened = any(lesson.slug == session.view.lesson.slug for lesson in lessons)
            alone = lessons[0].place == lessons[0].title  # it stands by itself
            made += [] if alone else [self._part(lessons[0], opened, folded)]
            for lesson in lessons if here or alone else ():
                if lesson.slug == chosen:
                    pointed = len(made)
                made += self._lesson(session, lesson, lesson.slug == chosen)
        if folded:
            made += [self._frame((), ""), self._frame((TextSpan(" l", "key", "list"), ALL_PARTS), "")]
        return made, pointed

    def _part(self, first: Lesson, opened: bool, folded: bool) -> Row:
        text = f" {first.part} {first.part_title}"
        do = "list" if folded else f"open:{first.slug}"
        return self._frame((TextSpan(text, "open" if opened else "part", do),), "part")

    def _lesson(self, session: Session, lesson: Lesson, pointed: bool) -> list[Row]:
        """Return a lesson's title with its stage; of the open one also the stage of each stop."""
        opened = lesson.slug == session.view.lesson.slug
        role = "picked" if pointed and session.selection.sidebar is not None else "strong" if opened else ""
        do = f"open:{lesson.slug}"
        stage = session.learner.progress.stage(lesson.slug)
        title, *more = wrap(lesson.title, max(1, self._columns - INDENT))
        lead = self.glyphs.pointer if pointed else " "
        kept = keeps_settings(lesson, session.lessons)
        mark = TextSpan(self.glyphs.stages[stage] if kept else "", role or STAGE_ROLES[stage], do)
        first = (TextSpan(f" {lead}", role, do), mark, TextSpan(f" {title}", role, do))
        rows = [first, *((TextSpan(f"{'':{INDENT}}{line}", role, do),) for line in more)]
        if opened and kept and session.selection.sidebar is None and len(session.view.lesson.stops) > 1:
            rows += self._stops(session)
        return [self._frame(spans, role) for spans in rows]

    def _stops(self, session: Session) -> list[Row]:
        """Return a mark for each stop of the open lesson, the open one brighter; a click goes there."""
        view = session.view
        known = session.learner.progress.of(view.lesson.slug) or LessonProgress()
        marks = []
        for number, stop in enumerate(view.lesson.stops, 1):
            done, begun = (known.seen, known.seen) if stop.exercise is None else (known.solved, known.half)
            stage = DONE if number in done else BEGUN if number in begun else UNSEEN
            role = "current" if number == view.stop else STAGE_ROLES[stage]
            marks.append(TextSpan(self.glyphs.stages[stage], role, f"stop:{number}"))
        room = max(1, self._columns - INDENT)
        return [(TextSpan(" " * INDENT), *marks[k : k + room]) for k in range(0, len(marks), room)]

    @property
    def _columns(self) -> int:
        """The columns of a row, the rule not among them."""
        return 0 if self._picture is None else self._picture.room.sidebar - 1

    def _frame(self, spans: Row, role: str) -> Row:
        width = self._columns
        spans = fit(spans, width, self.glyphs.dots)
        space = TextSpan(" " * (width - width_of(spans)), role if role == "picked" else "")
        return (*spans, space, TextSpan(self.glyphs.vertical, "rule"))
