"""Check lessons and decks as they are shown: programs that fail, and what does not fit the screen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from llm_linalg.base.errors import ProgramError, RoomError
from llm_linalg.base.spelling import hint, quote, unknown
from llm_linalg.lessons.check import extremes, problems
from llm_linalg.lessons.deck import SUFFIXES, Deck, DeckStop, of_lesson
from llm_linalg.lessons.documents.markdown_file import is_lesson
from llm_linalg.lessons.files import LONGEST_FILE, read_bytes
from llm_linalg.lessons.lesson import UNRUN, WARNING, Lesson, LessonError
from llm_linalg.lessons.markdown import links
from llm_linalg.lessons.reader import catalog, shelf
from llm_linalg.lessons.reader import problems as broken_files
from llm_linalg.lessons.stop import Stop
from tui.cli.play_script_command import is_script, script_in
from tui.compose.program_run import Run
from tui.compose.view_check import check_view
from tui.compose.view_runner import open_view
from tui.layout.pane_sizes import MOST_STORY, SIDEBAR, Picture, sizes, slide_sizes, story_rows
from tui.model.usage_error import UsageError
from tui.model.view import View
from tui.panes.slide_pane import row_count
from tui.panes.stage_areas import areas
from tui.panes.text_pane import below_story, text_rows
from tui.session.decks import find_deck, flags_of, view_at
from tui.session.script.playback import play_script
from tui.session.script.script_reader import Script
from tui.session.session import Session
from tui.text.rows import wrap_code

SIZE = (80, 24)
MOST_PLAYED = 300  # steps that one `play` of a script takes
PROGRAM_ROWS, LINE_ROWS = 6, 2  # of a stop's own program, and of one of its lines
STORY = "the title and first sentence, which stay while the picture moves,"
STORY_ROWS, STORY_COLUMNS = 2, SIZE[0] - SIDEBAR - 2


def targets(words: list[str]) -> Iterator[Deck | Script | LessonError]:
    """Yield what is to be checked: lessons as decks of their stops, scripts, and files that can't be read.

    Args:
        words: Files, folders and slugs; without one, the built-in lessons.

    Raises:
        UsageError: For a file that is not there, and a folder without lessons.
    """
    if not words:
        yield from map(of_lesson, catalog())
        yield from broken_files()
    for word in words:
        for name in _lessons_in(Path(word)) if Path(word).is_dir() else [word]:
            try:
                yield script_in(name) if is_script(name) else find_deck(name, whole=False)
            except LessonError as error:
                yield error


def _lessons_in(folder: Path) -> list[str]:
    """Return the lessons and decks below a folder.

    README.md, names that begin with `.` or `_`, and other Markdown are left out.
    """
    files = []
    for file in sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES):
        hidden = any(part[0] in "._" for part in file.relative_to(folder).parts)
        if not hidden and file.stem.lower() != "readme" and _meant(file):
            files.append(str(file))
    if not files:
        raise UsageError(f"there is no lesson in {quote(str(folder), 200)}")
    return files


def _meant(file: Path) -> bool:
    """Return whether a file is a lesson, or looks like one that has lost its front matter."""
    try:
        text = read_bytes(file, LONGEST_FILE).decode("utf-8", "replace")
    except LessonError:
        return True  # which is said when it is opened
    return text.startswith("+++") or (is_lesson(text) and "```python" in text)


def check_script(script: Script) -> Iterator[LessonError]:
    """Yield the first line of a script that can't be done, when it is played without a screen."""
    try:
        for _ in play_script(script, MOST_PLAYED):
            pass
    except LessonError as error:
        yield error
    except RoomError as error:
        yield LessonError(script.file, 1, error.message, UNRUN)


def check(deck: Deck, *, thorough: bool = False) -> Iterator[LessonError]:
    """Yield what is wrong with a deck, or with a lesson that is one.

    Args:
        deck: Its own lesson is checked whole, the stops of other lessons as they are shown.
        thorough: Also with each control at its ends.
    """
    yield from deck.errors
    for lesson in deck.lessons:
        if _own(deck, lesson):
            yield from problems(lesson, thorough=thorough)
    for stop in deck.stops:
        own = _own(deck, stop.lesson)
        try:
            view = view_at(stop)
            opened = open_view(view)
            if not own and not opened.is_unlocked:
                _raise_faults(stop, view, opened)
        except LessonError as error:
            yield error
            continue
        except (ProgramError, UsageError) as error:
            reason = error.message if isinstance(error, ProgramError) else str(error)
            yield LessonError(stop.file, stop.line, reason, "program")
            continue
        yield from _lacking_room(stop, view, opened)
        yield from _lacking_look(stop, view, opened)
        if own and not stop.at.slide:
            yield from _long_story(stop, view)
        if thorough and own:
            yield from _at_the_ends(stop, view)
        if not stop.notes and any(other.notes for other in deck.stops):
            yield LessonError(
                stop.file, stop.line, f"{quote(stop.title)} has no notes, and other stops have", WARNING
            )
    yield from _minutes(deck)
    yield from _links_of_notes(deck)


def _lacking_room(stop: DeckStop, view: View, opened: Run) -> Iterator[LessonError]:
    """Yield what of a stop has no room on the screen, or that this can't be known, as it was not run."""
    if opened.is_unlocked and opened.error is not None:
        yield LessonError(stop.file, stop.line, opened.error.message, UNRUN)
    elif opened.error is None or view.at_stop.fails:
        for cut in cuts(view, opened):
            yield LessonError(stop.file, stop.line, cut, "fit")


def _lacking_look(stop: DeckStop, view: View, opened: Run) -> Iterator[LessonError]:
    """Yield that a stop is to open in a look that its picture does not have."""
    frame = opened.frame(view)
    if (
        frame.error is None
        and frame.stage.map is None
        and frame.stage.board is None
        and view.look not in frame.stage.looks
    ):
        reason = unknown(
            f"look of {frame.place.path[-1] if frame.place.path else stop.title}",
            view.look,
            frame.stage.looks,
        )
        yield LessonError(stop.file, stop.line, reason, "show")


def _minutes(deck: Deck) -> Iterator[LessonError]:
    """Yield that the notes plan more than the whole is meant to take."""
    planned = sum(stop.minutes or 0.0 for stop in deck.stops)
    if deck.target_minutes is not None and planned > deck.target_minutes:
        longest = max(deck.stops, key=lambda stop: stop.minutes or 0.0)
        reason = f"the notes plan {planned:g} minutes, and the whole is to take {deck.target_minutes:g}"
        yield LessonError(longest.file, longest.line, reason, "note")


def _links_of_notes(deck: Deck) -> Iterator[LessonError]:
    """Yield the links to no lesson in notes that a deck has below its `stops` fences."""
    known = [*(lesson.slug for lesson in shelf()), *(lesson.slug for lesson in deck.lessons)]
    for stop in deck.stops:
        for slug in () if stop.notes == stop.at.notes else links(stop.notes):
            if slug not in known:
                reason = f"a link to {quote(slug)}, which is not a lesson{hint(slug, known)}"
                yield LessonError(stop.file, stop.line, reason, "link")


def _own(deck: Deck, lesson: Lesson) -> bool:
    return lesson.path is not None and lesson.path == deck.path


def _moves_with_calls(view: View, opened: Run) -> bool:
    """Return whether the program's pane goes with a box of the map, or with a call in a function."""
    node = opened.top_node(view)
    return view.at_stop.map is not None or (node is not None and bool(node.scope))


def _raise_faults(stop: DeckStop, view: View, opened: Run) -> None:
    """Raise what is wrong with another lesson's stop: its program, or what the deck asks it to show."""
    if opened.error is not None and not stop.at.fails:
        raise opened.error
    check_view(view, opened, flags_of(stop))


def _at_the_ends(stop: DeckStop, view: View) -> Iterator[LessonError]:
    for values in extremes(stop.lesson):
        texts = {name: stop.lesson.control(name).show(value) for name, value in values.items()}
        moved = replace(view, controls=tuple((name, texts.get(name, text)) for name, text in view.controls))
        opened = open_view(moved)
        if opened.error is None:
            settings = ", ".join(f"{name} = {text}" for name, text in texts.items())
            for cut in cuts(moved, opened):
                yield LessonError(stop.file, stop.line, f"with {settings}: {cut}", "fit")


def cuts(view: View, opened: Run) -> Iterator[str]:
    """Yield what the screen at 80 × 24 can't show of a stop's words, program and picture as it opens.

    A picture fits if each of its tensors has a window, which says what it shows; a program that is longer
    than its pane moves in it with the line that is shown, and fits if it has six rows. A slide has the whole
    stage, and must fit the one beside the sidebar, which is the smallest.
    """
    frame, stop = opened.frame(view), view.at_stop
    if stop.slide:
        yield from _slide_cut(stop)
        return
    failed = frame.error is not None
    room = sizes(*SIZE, frame.listing.code, view, sidebar=None, failed=failed)
    if room is None:
        return
    picture = Picture(Session.start(view, [view.lesson]), frame, room, ())
    yield from _words_cut(picture)
    lines = [len(wrap_code(line, room.main - 2)) for line in stop.code.split("\n")]
    if frame.stage.board is not None and len(frame.stage.board.rows) > room.stage:
        yield f"the board has {len(frame.stage.board.rows)} rows; there is room for {room.stage}"
    if sum(lines) > PROGRAM_ROWS and not _moves_with_calls(view, opened):
        yield f"the program takes {sum(lines)} rows of {room.main - 2} columns, not {PROGRAM_ROWS}"
    if max(lines) > LINE_ROWS:
        yield f"a line of the program takes {max(lines)} rows of {room.main - 2} columns, not {LINE_ROWS}"
    has_cells = frame.stage.board is None and frame.stage.drawing is None
    for scene in areas(picture, room.main, room.stage) if has_cells else ():
        shown = {scene.panels[slot.panel].name for slot in scene.layout.slots}
        asked = [panel.name for panel in scene.panels if panel.name in (stop.show, *stop.beside)]
        missing = ", ".join(name for name in asked if name not in shown)
        if missing:
            yield f"the picture has no room for {missing}"
        elif scene.panels and not scene.layout.fits:
            yield f"the picture has no room for all of {', '.join(panel.name for panel in scene.panels)}"


def _words_cut(picture: Picture) -> Iterator[str]:
    """Yield what there is no room for above and below the picture."""
    room = picture.room
    kept = story_rows(picture.session.view, room.main)
    if kept > room.story:
        yield f"{STORY} take {kept} rows of {room.main} columns; there is room for {room.story}"
    if picture.frame is None or picture.frame.error is None:
        rows, what = below_story(picture, room.main), "sentences after the first"
    else:
        rows, what = text_rows(picture, room.main, short=True), "explanation of the error"
    if len(rows) > room.words:
        yield f"the {what} take {len(rows)} rows of {room.main} columns; there is room for {room.words}"


def _long_story(stop: DeckStop, view: View) -> Iterator[LessonError]:
    """Yield that what stays on the screen takes a row from the program, or from the picture."""
    rows = story_rows(view, STORY_COLUMNS)
    if STORY_ROWS < rows <= MOST_STORY:
        reason = f"{STORY} take {rows} rows of {STORY_COLUMNS} columns, and should take {STORY_ROWS}"
        yield LessonError(stop.file, stop.line, reason, WARNING)


def _slide_cut(stop: Stop) -> Iterator[str]:
    room = slide_sizes(*SIZE, sidebar=None)
    rows = 0 if room is None else row_count(stop.title, stop.prose, room.main)
    if room is not None and rows > room.stage:
        yield f"the title and prose take {rows} rows of {room.main} columns; there is room for {room.stage}"
